"""What a printer answers is understood however it is cut, and what it did not say stays unknown."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.printers.answers import (
    Answer,
    AnswerReader,
    AutomaticStatus,
    Noise,
    ProcessId,
    RealTimeStatus,
)
from cvconnect_drivers.printers.status import Field, PrinterStatus, decode_status, why_not_ready

PROCESS_IDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=4, max_size=4).map(
    str.encode
)
AUTOMATIC = st.tuples(st.sampled_from([0x10, 0x14, 0x18, 0x1C, 0x30]), *[st.integers(0, 15)] * 3).map(bytes)
REAL_TIME = st.sampled_from([byte for byte in range(256) if byte & 0x93 == 0x12])
ANSWERS = st.one_of(REAL_TIME.map(RealTimeStatus), AUTOMATIC.map(AutomaticStatus), PROCESS_IDS.map(ProcessId))


def to_wire(answer: Answer) -> bytes:
    match answer:
        case RealTimeStatus(byte) | Noise(byte):
            return bytes([byte])
        case AutomaticStatus(data):
            return data
        case ProcessId(process_id):
            return b"\x37\x22" + process_id + b"\x00"


@given(st.lists(ANSWERS, max_size=8))
def test_answers_are_told_apart_however_they_are_cut(answers: list[Answer]) -> None:
    wire = b"".join(map(to_wire, answers))
    assert AnswerReader().feed(wire) == answers
    reader = AnswerReader()
    assert [answer for byte in wire for answer in reader.feed(bytes([byte]))] == answers


def test_xon_and_xoff_may_stand_anywhere() -> None:
    assert AnswerReader().feed(b"\x11\x37\x13\x22AB\x11CD\x00\x13\x12") == [
        ProcessId(b"ABCD"),
        RealTimeStatus(0x12),
    ]


def test_noise_holds_no_answer_back() -> None:
    assert AnswerReader().feed(b"\xff\x00\x37\x12") == [
        Noise(0xFF),
        Noise(0x00),
        Noise(0x37),
        RealTimeStatus(0x12),
    ]


def test_a_broken_block_is_noise_and_what_follows_is_read() -> None:
    assert AnswerReader().feed(b"\x37\x22ABCD\xff\x12")[-1] == RealTimeStatus(0x12)


@given(st.binary(max_size=60))
def test_every_byte_is_an_answer_or_waits(data: bytes) -> None:
    reader = AnswerReader()
    told = b"".join(to_wire(answer) for answer in reader.feed(data))
    missing = Counter(byte for byte in data if byte not in b"\x11\x13") - Counter(told)
    assert missing.total() < 7
    assert bool(missing) == reader.holds
    assert not Counter(told) - Counter(data)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_answers_do_not_depend_on_the_cut(data: bytes, at: int) -> None:
    reader = AnswerReader()
    assert AnswerReader().feed(data) == reader.feed(data[:at]) + reader.feed(data[at:])


@given(AUTOMATIC, REAL_TIME, st.integers(0, 4))
def test_an_answer_in_real_time_is_found_within_an_automatic_status(block: bytes, byte: int, at: int) -> None:
    answers = AnswerReader().feed(block[:at] + bytes([byte]) + block[at:])
    assert sorted(map(repr, answers)) == sorted(map(repr, [RealTimeStatus(byte), AutomaticStatus(block)]))


def test_no_answer_is_not_no() -> None:
    assert decode_status({}) == PrinterStatus()
    assert decode_status({1: 0x12}, 7.0) == PrinterStatus(
        offline=Field(False, 7.0, None), drawer_high=Field(False, 7.0, None)
    )


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}, None),
        ({}, None),
        ({1: 0x1A}, "OFFLINE"),
        ({1: 0x1A, 2: 0x16}, "COVER_OPEN"),
        ({1: 0x1A, 2: 0x32}, "PAPER_END"),
        ({4: 0x72}, "PAPER_END"),
        ({1: 0x1A, 2: 0x52, 3: 0x1A}, "CUTTER_ERROR"),
        ({1: 0x1A, 2: 0x52, 3: 0x32}, "PRINTER_ERROR"),
        ({1: 0x1A, 2: 0x52, 3: 0x52}, "PRINTER_ERROR"),
        ({1: 0x1A, 2: 0x1A}, "PAPER_FEEDING"),
        ({1: 0x12, 4: 0x1E}, None),
    ],
)
def test_the_most_telling_reason_is_given(answers: dict[int, int], reason: str | None) -> None:
    found = why_not_ready(decode_status(answers))
    assert (found[0] if found else None) == reason


def test_paper_near_its_end_is_known_and_stops_nothing() -> None:
    status = decode_status({4: 0x1E})
    assert status.paper_near_end.value is True
    assert status.paper_end.value is False
