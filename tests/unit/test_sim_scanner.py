"""The simulated scanner sends what a real one is configured to send."""

import pytest

from cvconnect_sim.errors import SimError
from cvconnect_sim.scanner import Scanner, ScannerSettings, Symbology, check_digit

LABELS = {
    Symbology.CODE_128: "12345678901",
    Symbology.GS1_128: "0103453120000011\x1d10ABC",
    Symbology.QR: "https://example.invalid/é",
    Symbology.EAN_13: "4006381333931",
    Symbology.UPC_A: "036000291452",
    Symbology.EAN_8: "96385074",
    Symbology.DATA_MATRIX: "12345678901",
}


def test_a_label_is_sent_at_once_and_ended_by_carriage_return() -> None:
    assert Scanner().scan("12345678901") == [(0.0, b"12345678901\r")]


@pytest.mark.parametrize("symbology", Symbology)
def test_the_aim_identifier_stands_between_prefix_and_text(symbology: Symbology) -> None:
    text = LABELS[symbology]

    sent = Scanner(ScannerSettings(prefix="\x02", suffix="\x03", aim_id=True)).scan(text, symbology)

    assert sent == [(0.0, f"\x02{symbology.aim_id}{text}\x03".encode())]


def test_aim_identifiers_are_those_of_the_standard() -> None:
    assert {symbology.name: symbology.aim_id for symbology in Symbology} == {
        "CODE_128": "]C0",
        "GS1_128": "]C1",
        "QR": "]Q1",
        "EAN_13": "]E0",
        "UPC_A": "]E0",
        "EAN_8": "]E4",
        "DATA_MATRIX": "]d1",
    }


def test_a_slow_scanner_pauses_before_each_character_but_the_first() -> None:
    sent = Scanner(ScannerSettings(suffix="", inter_character_delay_s=0.08)).scan("123")

    assert sent == [(0.0, b"1"), (0.08, b"2"), (0.08, b"3")]


def test_a_label_can_be_read_twice() -> None:
    settings = ScannerSettings(suffix="\t", reads=2, between_reads_s=0.5, inter_character_delay_s=0.01)

    assert Scanner(settings).scan("7") == [(0.0, b"7"), (0.01, b"\t"), (0.5, b"7"), (0.01, b"\t")]


def test_a_upc_a_without_its_check_digit_has_eleven_digits() -> None:
    sent = Scanner(ScannerSettings(aim_id=True, upc_a_check_digit=False)).scan(
        "036000291452", Symbology.UPC_A
    )

    assert sent == [(0.0, b"]E003600029145\r")]


@pytest.mark.parametrize(
    ("text", "symbology"),
    [
        ("", Symbology.QR),
        ("café", Symbology.CODE_128),
        ("12345678901", Symbology.EAN_13),
        ("4006381333932", Symbology.EAN_13),
        ("036000291453", Symbology.UPC_A),
        ("9638507", Symbology.EAN_8),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", Symbology.EAN_13),
    ],
)
def test_an_impossible_label_is_refused_without_repeating_it(text: str, symbology: Symbology) -> None:
    with pytest.raises(SimError) as refused:
        Scanner().scan(text, symbology)

    assert refused.value.code == "LABEL_IMPOSSIBLE"
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize(
    ("digits", "check"), [("400638133393", "1"), ("03600029145", "2"), ("9638507", "4"), ("0000000", "0")]
)
def test_check_digits(digits: str, check: str) -> None:
    assert check_digit(digits) == check
