"""Only what may be a customer's identifier leaves a scanner without a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label

BARE = Envelope()
WRAPPED = Envelope(prefix="CVCO:", url_parameter="id", json_field="identifier")
NUMBER = "12345678901"


def read(text: str, envelope: Envelope = BARE) -> Label:
    return read_label(RawLabel(text.encode()), envelope)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (NUMBER, NUMBER),
        (f" {NUMBER} ", NUMBER),
        ("prenom.nom+vacances@exemple.fr", "prenom.nom+vacances@exemple.fr"),
        (f"CVCO:{NUMBER}", NUMBER),
        (f"https://exemple.fr/c?x=1&id={NUMBER}", NUMBER),
        ("https://exemple.fr/c?id=a%40exemple.fr", "a@exemple.fr"),
        (f'{{"identifier": "{NUMBER}", "v": 1}}', NUMBER),
    ],
)
def test_identifiers_leave_their_envelope(text: str, inside: str) -> None:
    assert read(text, WRAPPED) == Label(inside)


@pytest.mark.parametrize("aim", ["]C0", "]C1", "]Q1", "]d2"])
def test_the_symbology_identifier_is_taken_off_and_told(aim: str) -> None:
    assert read(aim + NUMBER) == Label(NUMBER, aim)


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("96385074", None),
        ("036000291452", None),
        ("3760123456789", None),
        ("13760123456786", None),
        ("]C03760123456789", "]C0"),
        (f"]E0{NUMBER}", "]E0"),
        ("]E03760123456789", "]E0"),
        ("]E496385074", "]E4"),
    ],
)
def test_product_codes_are_refused(text: str, aim: str | None) -> None:
    label = read(text)
    assert (label.refusal, label.symbology) == ("PRODUCT_CODE", aim)


@pytest.mark.parametrize(
    "data", [b"1234\x1d5678901", b"\x0212345678901", b"123\x7f", b"caf\xe9", b"\xff\xfe", b"a\xc2\x85b"]
)
def test_control_characters_and_bytes_that_are_no_text_are_damage(data: bytes) -> None:
    assert read_label(RawLabel(data), WRAPPED) == Label("", None, "DAMAGED")


@pytest.mark.parametrize("damage", ["TOO_LONG", "NO_PREFIX"])
def test_what_the_framer_found_damaged_stays_damaged(damage: str) -> None:
    raw = RawLabel(b"", "TOO_LONG" if damage == "TOO_LONG" else "NO_PREFIX")
    assert read_label(raw, BARE).refusal == "DAMAGED"


@pytest.mark.parametrize(
    "text",
    [
        "1234567890",
        "123456789",
        "123456789012345",
        "1234567890a",
        "１２３４５６７８９０１",
        "123 4567 8901",
        "a@b",
        "a@@exemple.fr",
        "@exemple.fr",
        f"{'a' * 60}@{'b.' * 120}fr",
        f"CVCO:{NUMBER}",
        f"https://exemple.fr/?id={NUMBER}",
        "]",
        "",
    ],
)
def test_everything_else_is_no_identifier(text: str) -> None:
    assert read(text).refusal == "NOT_AN_IDENTIFIER"


@pytest.mark.parametrize(
    "text",
    [
        f"https://exemple.fr/?id={NUMBER}&id=98765432109",
        f"ftp://exemple.fr/?id={NUMBER}",
        "https://exemple.fr/",
        "https://[exemple",
        '{"identifier": 12345678901}',
        '{"identifier": ["12345678901"]}',
        "{" * 500,
        '{"other": "12345678901"}',
    ],
)
def test_an_envelope_that_must_be_guessed_at_is_refused(text: str) -> None:
    assert read(text, WRAPPED).refusal == "NOT_AN_IDENTIFIER"


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_and_none_pass_by_chance(data: bytes) -> None:
    label = read_label(RawLabel(data), WRAPPED)
    if label.refusal is None:
        assert (label.text.isascii() and label.text.isdigit() and len(label.text) == 11) or "@" in label.text


@given(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_every_customer_number_passes(number: str) -> None:
    assert read(number) == Label(number)


def test_a_label_never_shows_its_text() -> None:
    assert NUMBER not in repr(read(NUMBER))
