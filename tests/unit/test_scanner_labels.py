"""Only what may be a customer's identifier leaves a scanner without a refusal."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import Damage, RawLabel
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from cvconnect_drivers.scanners.layouts import LAYOUTS

BARE = Envelope()
WRAPPED = Envelope(prefix="CVCO:", url_parameter="id", json_field="identifier")
NUMBER = "12345678901"


def read(text: str, envelope: Envelope = BARE, allowed: set[str] | None = None) -> Label:
    return read_label(RawLabel(text.encode()), envelope, None if allowed is None else frozenset(allowed))


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


@pytest.mark.parametrize("aim", ["]C0", "]A0", "]Q1", "]Q2", "]d1", "]z0", "]L2", "]I0", "]X0"])
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
        ("]E0prenom@exemple.fr", "]E0"),
        ("]I113760123456786", "]I1"),
    ],
)
def test_product_codes_are_refused(text: str, aim: str | None) -> None:
    label = read(text)
    assert (label.refusal, label.symbology) == ("PRODUCT_CODE", aim)


@pytest.mark.parametrize(
    "data",
    [
        b"1234\x1d5678901",
        b"\x0212345678901",
        b"123\x7f",
        b"caf\xe9",
        b"\xff\xfe",
        b"a\xc2\x85b",
        b"prenom@exemple.fr\xc3",
        "1234\ufffd678901".encode(),
        b"\x00",
    ],
)
def test_control_characters_and_bytes_that_are_no_text_are_damage(data: bytes) -> None:
    assert read_label(RawLabel(data), WRAPPED) == Label("", None, "DAMAGED")


@pytest.mark.parametrize("damage", get_args(Damage))
def test_what_was_found_damaged_stays_damaged(damage: Damage) -> None:
    assert read_label(RawLabel(b"", damage), BARE) == Label("", None, "DAMAGED")
    whole = RawLabel(NUMBER.encode(), damage, "]Q1", "us")
    assert read_label(whole, BARE) == Label("", "]Q1", "DAMAGED")


@pytest.mark.parametrize("aim", ["]C1", "]Q3", "]Q4", "]d2", "]d5", "]e0", "]e1", "]e2", "]z1", "]J1"])
@pytest.mark.parametrize(
    ("elements", "refusal"),
    [
        ("0103760123456786", "PRODUCT_CODE"),
        ("\x1d0103760123456786", "PRODUCT_CODE"),
        ("0203760123456786371", "PRODUCT_CODE"),
        ("10LOT\x1d0103760123456786", "PRODUCT_CODE"),
        ("172612310103760123456786", "PRODUCT_CODE"),
        ("3103001250" + "0103760123456786", "PRODUCT_CODE"),
        ("21A\x1d10B\x1d8006037601234567860101", "PRODUCT_CODE"),
        ("1001", "NOT_AN_IDENTIFIER"),
        ("10LOT01\x1d21010203", "NOT_AN_IDENTIFIER"),
        ("003760123456789012345", "NOT_AN_IDENTIFIER"),
        ("4103012345678905", "NOT_AN_IDENTIFIER"),
        (NUMBER, "NOT_AN_IDENTIFIER"),
        ("10" + "prenom@exemple.fr", "NOT_AN_IDENTIFIER"),
        ("", "NOT_AN_IDENTIFIER"),
        ("\x1d\x1d", "NOT_AN_IDENTIFIER"),
        ("0103760123456786\x1e", "DAMAGED"),
        (f"CVCO:{NUMBER}", "NOT_AN_IDENTIFIER"),
    ],
)
def test_gs1_element_strings_are_goods_or_nothing(aim: str, elements: str, refusal: str) -> None:
    label = read(aim + elements, WRAPPED)
    assert (label.refusal, label.symbology) == (refusal, aim)


@pytest.mark.parametrize("allowed", [{"]Q"}, {"Q"}, {"Q1", "C"}, {"]Q1"}, set[str](), None])
def test_a_symbology_that_is_allowed_passes(allowed: set[str] | None) -> None:
    assert read("]Q1" + NUMBER, allowed=allowed) == Label(NUMBER, "]Q1")


@pytest.mark.parametrize("text", ["]C0" + NUMBER, "]q1" + NUMBER, "]Q2" + NUMBER, NUMBER, "bonjour"])
def test_a_symbology_that_is_not_allowed_or_not_told_is_refused(text: str) -> None:
    assert read(text, allowed={"]Q1"}).refusal == "SYMBOLOGY"


@pytest.mark.parametrize("text", ["3017620422003", "]C03017620422003", "]E03017620422003", f"]E0{NUMBER}"])
def test_a_product_code_is_told_as_such_whatever_is_allowed(text: str) -> None:
    for allowed in (None, {"]Q"}, {"]C"}, {"]E"}):
        assert read(text, allowed=allowed).refusal == "PRODUCT_CODE"


@pytest.mark.parametrize("told", ["]Q1", "]C0"])
def test_a_symbology_told_beside_the_text_counts_as_one_in_it(told: str) -> None:
    for text in (NUMBER, told + NUMBER):
        raw = RawLabel(text.encode(), symbology=told)
        assert read_label(raw, BARE) == Label(NUMBER, told)
        assert read_label(raw, BARE, frozenset({"]L"})).refusal == "SYMBOLOGY"
    assert read_label(RawLabel(NUMBER.encode(), symbology="]E0"), BARE).refusal == "PRODUCT_CODE"
    other = RawLabel(f"]d1{NUMBER}".encode(), symbology=told)
    assert read_label(other, BARE).refusal == "NOT_AN_IDENTIFIER"


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("&é\"'(-è_çà&", "fr"),
        ("&é\"'(§è!çà&", "be"),
        ("!@#$%^&*()!", "us"),
        ('!"§$%&/()=!', "de"),
        ("preno,2exe,ple:fr", "fr"),
        ("CVCOM&é\"'(-è_çà&", "fr"),
        ("$C&&é\"'(-è_çà&", "fr"),
        ("$Q&CVCOM&é\"'(-è_çà&", "fr"),
    ],
)
def test_the_keys_of_an_identifier_in_another_layout_are_told(text: str, layout: str) -> None:
    for known in (layout, ""):
        label = read_label(RawLabel(text.encode(), layout=known), WRAPPED, frozenset({"]Q"}))
        assert label.refusal == "LAYOUT_MISMATCH"


def test_numbers_and_product_codes_that_keys_wrote_are_no_mismatch() -> None:
    for layout in LAYOUTS:
        assert read_label(RawLabel(NUMBER.encode(), layout=layout), BARE) == Label(NUMBER)
        assert read_label(RawLabel(b"3017620422003", layout=layout), BARE).refusal == "PRODUCT_CODE"
        assert read_label(RawLabel(b"bonjour", layout=layout), BARE).refusal == "NOT_AN_IDENTIFIER"


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
        "a@exemple.f1",
        "a@-exemple.fr",
        "a@exemple..fr",
        "a@exemple.fr.",
        "prénom@exemple.fr",
        "mailto:a@exemple.fr",
        f"\ufeff{NUMBER}",
        f"{NUMBER}\u200b",
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
        f'{{"identifier": "{NUMBER}", "identifier": "98765432109"}}',
        f'{{"identifier": "{NUMBER}", "identifier": null}}',
        '{"identifier": ' + "1" * 5_000 + "}",
        f"https://exemple.fr/?id={NUMBER}&id=",
        f"https://exemple.fr/?id={NUMBER}%00",
    ],
)
def test_an_envelope_that_must_be_guessed_at_is_refused(text: str) -> None:
    assert read(text, WRAPPED).refusal == "NOT_AN_IDENTIFIER"


@given(
    data=st.binary(max_size=300)
    | st.text(max_size=100).map(str.encode)
    | st.from_regex(rb"\][A-Za-z][0-9]\d{0,40}"),
    told=st.sampled_from([None, "]Q1", "]C1"]),
    layout=st.sampled_from(["", *LAYOUTS]),
    allowed=st.sampled_from([None, frozenset({"]Q", "]C"})]),
)
def test_no_bytes_make_it_fail_and_none_pass_by_chance(
    data: bytes, told: str | None, layout: str, allowed: frozenset[str] | None
) -> None:
    label = read_label(RawLabel(data, None, told, layout), WRAPPED, allowed)
    if label.refusal is None:
        assert (label.text.isascii() and label.text.isdigit() and len(label.text) == 11) or "@" in label.text


@given(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_every_customer_number_passes(number: str) -> None:
    assert read(number) == Label(number)


def test_a_label_never_shows_its_text() -> None:
    assert NUMBER not in repr(read(NUMBER))
