"""HID-POS reports: any layout that a descriptor tells, labels in pieces, and whatever a broken device sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.hid_descriptor import Field, input_fields
from cvconnect_drivers.scanners.hidpos_reports import USUAL_LAYOUT, ReportDecoder, ReportLayout, find_layout
from cvconnect_sim.scanner import HidPosFirmware, HidPosSettings, Symbology
from cvconnect_sim.scanner.hidpos import REPORT_DESCRIPTOR

NUMBER = "20000000016"
PIECE = 56


def report(data: bytes, *, aim: bytes = b"]Q1", continued: bool = False, length: int | None = None) -> bytes:
    head = bytes([2, len(data) if length is None else length]) + aim
    return (head + data).ljust(63, b"\0") + bytes([continued])


def pieces_of(data: bytes) -> list[bytes]:
    cuts = range(0, max(len(data), 1), PIECE)
    return [report(data[at : at + PIECE], continued=at + PIECE < len(data)) for at in cuts]


def feed(decoder: ReportDecoder, *reports: bytes) -> list[RawLabel]:
    return [label for each in reports for label in decoder.feed(each)]


def damages(labels: list[RawLabel]) -> list[str | None]:
    return [label.damage for label in labels]


# --- Descriptors ----------------------------------------------------------------------------------------------------


def test_the_usual_descriptor_tells_the_usual_layout() -> None:
    assert find_layout(REPORT_DESCRIPTOR) == USUAL_LAYOUT
    assert USUAL_LAYOUT.report_bytes == 64


SMALL = bytes.fromhex(
    "058c 0902 a101"  # no report number, no length, no AIM identifier; the page in each usage
    "1500 26ff00 7508 9508 0b fe008c00 8100"
    "9501 09ff 8102 c0"
)


def test_a_descriptor_without_numbers_and_with_other_places_is_read() -> None:
    layout = find_layout(SMALL)
    assert layout == ReportLayout(0, Field(0, 8, 8), continued=Field(64, 8))
    assert layout is not None
    decoder = ReportDecoder(layout)
    labels = feed(decoder, b"20000000\x01", b"016\0\0\0\0\0\0")
    assert labels == [RawLabel(NUMBER.encode())]


def test_usages_in_a_range_pushed_globals_and_long_items_are_read() -> None:
    descriptor = bytes.fromhex(
        "fe03aa010203"  # a long item: three bytes of something
        "058c 8507 7508 9503 a4 0501 9501 093b 8102 b4"  # push, a byte count, pop: three elements again
        "19fb 29fd 8102 9510 09fe 820201"
    )
    layout = find_layout(descriptor)
    assert layout == ReportLayout(
        7, Field(40, 8, 16), Field(8, 8), (Field(16, 8), Field(24, 8), Field(32, 8)), None
    )


def test_output_and_feature_items_take_no_place_in_input_reports() -> None:
    fields = input_fields(bytes.fromhex("058c 7508 9504 0901 9102 0902 b102 9501 09fe 8102"))
    assert fields == {0: {0x8C00FE: Field(0, 8)}}


@pytest.mark.parametrize(
    "descriptor",
    [
        b"",
        bytes.fromhex("05010906a101"),  # a keyboard
        SMALL[:20],
        bytes.fromhex("058c 7501 9508 09fe 8102"),  # data in bits
        bytes.fromhex("058c 7501 9501 8101 7508 9508 09fe 8102"),  # data across bytes
        bytes.fromhex("058c 7508 97ffffffff 09fe 8102"),  # four billion bytes
        bytes.fromhex("058c 77ffffffff 9501 09ff 8102 7508 9508 09fe 8102"),
    ],
)
def test_a_descriptor_without_a_usable_report_is_known_as_such(descriptor: bytes) -> None:
    assert find_layout(descriptor) is None


@given(st.binary(max_size=200))
def test_no_descriptor_breaks_the_reader(noise: bytes) -> None:
    for descriptor in (noise, REPORT_DESCRIPTOR[: len(noise)] + noise):
        layout = find_layout(descriptor)
        if layout is not None:
            feed(ReportDecoder(layout), bytes([layout.report_id % 256]) * layout.report_bytes, noise)


# --- Labels -------------------------------------------------------------------------------------------------------------


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t", exclude_categories=["Cs"]), min_size=1),
    st.sampled_from(["", "\r", "\r\n", "\t"]),
    st.booleans(),
)
def test_what_the_scanner_reads_is_what_comes_out(text: str, suffix: str, aim: bool) -> None:
    firmware = HidPosFirmware(HidPosSettings(suffix=suffix, aim_field=aim))
    reports = [burst[1] for burst in firmware.scan(text, Symbology.QR)]
    data = text.encode()
    expected = (
        RawLabel(data, symbology="]Q1" if aim else None)
        if len(data + suffix.encode()) <= MAX_LABEL_BYTES
        else RawLabel(b"", "TOO_LONG")
    )
    assert feed(ReportDecoder(), *reports) == [expected]


def test_the_example_of_a_manual_is_read() -> None:
    first = report(b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  x", aim=b"]Q0", continued=True)
    decoder = ReportDecoder()
    assert decoder.feed(first) == []
    assert decoder.pending
    assert decoder.feed(report(b" 100", aim=b"]Q0")) == [
        RawLabel(b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  x 100", symbology="]Q0")
    ]
    assert not decoder.pending


def test_a_symbology_that_stands_in_the_first_piece_alone_counts_for_all() -> None:
    first, second = report(b"x" * PIECE, continued=True), report(b"y", aim=b"\0\0\0")
    assert feed(ReportDecoder(), first, second) == [RawLabel(b"x" * PIECE + b"y", symbology="]Q1")]


def test_what_is_no_aim_identifier_is_none() -> None:
    for aim in (b"\0\0\0", b"   ", b"]  ", b"Q1\0"):
        assert feed(ReportDecoder(), report(NUMBER.encode(), aim=aim)) == [RawLabel(NUMBER.encode())]


def test_other_reports_and_empty_ones_are_no_label() -> None:
    decoder = ReportDecoder()
    assert feed(decoder, b"", b"\x01" + report(b"x")[1:], report(b""), report(b"\r\n")) == []
    assert not decoder.pending


def test_a_label_of_another_symbology_ends_the_one_that_had_begun() -> None:
    labels = feed(ReportDecoder(), report(b"x" * PIECE, continued=True), report(b"37600", aim=b"]E0"))
    assert labels == [RawLabel(b"", "TORN"), RawLabel(b"37600", symbology="]E0")]


@pytest.mark.parametrize(
    "broken", [report(b"x", length=57), report(b"x", length=255), report(b"x")[:40], b"\x02"]
)
def test_a_report_that_cannot_be_is_told_and_the_next_label_is_whole(broken: bytes) -> None:
    labels = feed(ReportDecoder(), broken, report(NUMBER.encode()))
    assert damages(labels) == ["UNREADABLE", None]
    assert labels[1].data == NUMBER.encode()


@pytest.mark.parametrize("broken", [report(b"x", length=57, continued=True), report(b"x")[:40]])
def test_the_pieces_after_a_broken_one_are_no_label_of_their_own(broken: bytes) -> None:
    first = report(b"x" * PIECE, continued=True)
    labels = feed(
        ReportDecoder(), first, broken, report(b"y" * PIECE, continued=True), report(NUMBER.encode())
    )
    assert labels == [RawLabel(b"", "UNREADABLE")]


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_label_that_stops_after_any_piece_is_told_once(cut: int) -> None:
    decoder = ReportDecoder()
    assert feed(decoder, *pieces_of(b"x" * 3 * PIECE + b"y")[:cut]) == []
    assert decoder.lose() == [RawLabel(b"", "TORN")]
    assert decoder.lose() == []
    assert feed(decoder, report(NUMBER.encode())) == [RawLabel(NUMBER.encode(), symbology="]Q1")]


def test_a_label_without_end_is_told_once_and_held_in_little_memory() -> None:
    decoder = ReportDecoder()
    endless = report(b"x" * PIECE, continued=True)
    assert damages(feed(decoder, *[endless] * 1000)) == ["TOO_LONG"]
    assert not decoder.pending
    assert len(decoder._pieces) <= MAX_LABEL_BYTES + PIECE
    assert feed(decoder, report(b"end")) == []
    assert feed(decoder, report(NUMBER.encode()))[0].damage is None


@given(st.lists(st.binary(max_size=80) | st.binary(min_size=64, max_size=64).map(lambda b: b"\x02" + b[1:])))
def test_no_report_breaks_the_decoder_and_each_label_that_begins_comes_out_once(reports: list[bytes]) -> None:
    decoder = ReportDecoder()
    for each in reports:
        before = decoder.pending
        labels = decoder.feed(each)
        assert len(labels) <= 2
        assert not (before and decoder.pending and any(label.damage is None for label in labels))
    assert len(decoder.lose()) <= 1
    assert not decoder.pending
