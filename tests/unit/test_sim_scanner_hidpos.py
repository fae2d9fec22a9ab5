"""The simulated HID-POS scanner sends the reports that its descriptor announces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.errors import SimError
from cvconnect_sim.scanner import HidPosFirmware, HidPosSettings, Symbology
from cvconnect_sim.scanner.hidpos import REPORT_DESCRIPTOR


def items(descriptor: bytes) -> Iterator[tuple[int, int]]:
    """Short items: their tag and type, and their value. Source: HID 1.11, section 6.2.2.2."""
    at = 0
    while at < len(descriptor):
        size = (0, 1, 2, 4)[descriptor[at] & 3]
        yield descriptor[at] & 0xFC, int.from_bytes(descriptor[at + 1 : at + 1 + size], "little")
        at += 1 + size


def test_the_descriptor_says_where_each_field_stands() -> None:
    page = size = count = bits = 0
    usages: list[int] = []
    places: dict[int, tuple[int, int]] = {}
    collections: list[int] = []
    for tag, value in items(REPORT_DESCRIPTOR):
        match tag:
            case 0x04:
                page = value
            case 0x74:
                size = value
            case 0x94:
                count = value
            case 0x84:
                assert value == 2
                bits = 8
            case 0x08:
                usages.append(page << 16 | value)
            case 0xA0:
                collections.append(usages.pop())
            case 0x80:
                for place, usage in enumerate(usages):
                    width = size * count // len(usages)
                    places[usage] = (bits + place * width, width)
                bits += size * count
                usages.clear()
            case _:
                assert tag in {0x14, 0x24, 0xC0}

    assert collections == [0x8C0002, 0x8C0012]
    assert bits == 64 * 8
    assert places == {
        0x01003B: (1 * 8, 8),
        0x8C00FB: (2 * 8, 8),
        0x8C00FC: (3 * 8, 8),
        0x8C00FD: (4 * 8, 8),
        0x8C00FE: (5 * 8, 56 * 8),
        0xFF660004: (61 * 8, 8),
        0xFF660000: (62 * 8, 8),
        0x8C00FF: (63 * 8, 8),
    }


def test_a_short_label_is_one_report() -> None:
    ((pause_s, report),) = HidPosFirmware().scan("12345678901", Symbology.QR)

    assert pause_s == 0.0
    assert report == b"\x02\x0b]Q112345678901" + bytes(48)


def test_a_label_of_60_bytes_is_two_reports() -> None:
    text = "M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  >1234"
    (_, first), (pause_s, second) = HidPosFirmware().scan(text, Symbology.QR)

    assert (first[:5], first[5:61], first[61:]) == (b"\x02\x38]Q1", text[:56].encode(), b"\0\0\x01")
    assert (second[:5], second[5:9], second[9:]) == (b"\x02\x04]Q1", b"1234", bytes(55))
    assert pause_s == 0.001


def test_a_label_that_fills_its_report_is_not_continued() -> None:
    ((_, report),) = HidPosFirmware().scan("1" * 56, Symbology.QR)

    assert (report[1], report[63]) == (56, 0)


def test_a_label_that_fills_its_report_may_claim_by_mistake_to_go_on() -> None:
    firmware = HidPosFirmware(HidPosSettings(full_goes_on=True))

    assert [report[63] for _, report in firmware.scan("1" * 112, Symbology.QR)] == [1, 1]
    assert [report[63] for _, report in firmware.scan("1" * 113, Symbology.QR)] == [1, 1, 0]


def test_the_aim_identifier_stands_in_its_field_or_before_the_text_or_nowhere() -> None:
    reports = [
        HidPosFirmware(settings).scan("1", Symbology.CODE_128)[0][1][:10].rstrip(b"\0")
        for settings in (
            HidPosSettings(),
            HidPosSettings(aim_id=True),
            HidPosSettings(aim_id=True, aim_field=False),
            HidPosSettings(aim_field=False, prefix="p", suffix="\r"),
        )
    ]

    assert reports == [b"\x02\x01]C01", b"\x02\x04]C0]C01", b"\x02\x04\0\0\0]C01", b"\x02\x03\0\0\0p1\r"]


def test_a_label_can_be_read_twice() -> None:
    once = HidPosFirmware().scan("7" * 57, Symbology.QR)
    twice = HidPosFirmware(HidPosSettings(reads=2, between_reads_s=0.5)).scan("7" * 57, Symbology.QR)

    assert twice == [*once, (0.5, once[0][1]), once[1]]


def test_a_upc_a_without_its_check_digit_has_eleven_digits() -> None:
    ((_, report),) = HidPosFirmware(HidPosSettings(upc_a_check_digit=False)).scan(
        "036000291452", Symbology.UPC_A
    )

    assert report[:16] == b"\x02\x0b]E003600029145"


def test_an_impossible_label_is_refused() -> None:
    with pytest.raises(SimError) as refused:
        HidPosFirmware().scan("", Symbology.QR)

    assert refused.value.code == "LABEL_IMPOSSIBLE"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_the_reports_put_together_are_the_label(text: str) -> None:
    reports = [report for _, report in HidPosFirmware().scan(text, Symbology.QR)]

    assert all(len(report) == 64 and report[0] == 2 and report[1] <= 56 for report in reports)
    assert [report[63] for report in reports] == [1] * (len(reports) - 1) + [0]
    assert b"".join(report[5 : 5 + report[1]] for report in reports).decode() == text
