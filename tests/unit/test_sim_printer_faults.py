"""What the simulated printer does when its paper ends, its cover is opened, its cutter jams or its power goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.printer import (
    MODELS,
    TM80,
    CutterJammed,
    IgnoredCommand,
    Mishap,
    MishapKind,
    PaperCut,
    PaperTorn,
    PowerLost,
    Printer,
    PrinterModel,
    Resumes,
)

DOTS_OF_A_MM = TM80.dots(100) / 100
LINE_DOTS = 30
LETTER_DOTS = 24
TICKET = b"\x1b@" + b"".join(b"ligne %d\n" % number for number in range(8)) + b"\x1dVB\x00"
LINES = [f"ligne {number}" for number in range(8)]
PROCESS_ID = b"\x1d(H\x06\x0000A001"
PROCESS_ID_ANSWER = b"\x37\x22A001\x00"


def read(printer: Printer) -> list[list[str]]:
    """The lines of each piece of paper, the one in the printer last."""
    return [[line.text for line in piece.lines] for piece in (*printer.slips, printer.uncut)]


def ink(printer: Printer) -> int:
    return sum(row.bit_count() for piece in (*printer.slips, printer.uncut) for row in piece.rows)


def roll_of(dots: int) -> float:
    return dots / DOTS_OF_A_MM


def resuming(resumes: Resumes) -> PrinterModel:
    return replace(TM80, resumes=resumes)


def test_a_roll_ends_in_the_middle_of_a_line_and_of_a_ticket() -> None:
    printer = Printer(roll_mm=roll_of(3 * LINE_DOTS + 12))

    printer.receive(TICKET + PROCESS_ID)

    assert printer.sensors.paper_end
    assert printer.slips == []
    assert read(printer) == [LINES[:3]], "the fourth line is cut through and cannot be read"
    assert len(printer.uncut.rows) == TM80.head_to_cutter_dots + 3 * LINE_DOTS + 12
    assert any(printer.uncut.rows[-12:])
    assert printer.receive(b"\x10\x04\x04") == b"\x7e"


@pytest.mark.parametrize(
    ("resumes", "lines", "confirmed"),
    [
        (Resumes.LINE, LINES[3:], True),
        (Resumes.REST, LINES[4:], True),
        (Resumes.NOTHING, [], False),
    ],
)
def test_the_ticket_goes_on_on_the_new_paper_as_the_model_does(
    resumes: Resumes, lines: list[str], confirmed: bool
) -> None:
    printer = Printer(resuming(resumes), roll_mm=roll_of(3 * LINE_DOTS + 12))
    printer.receive(TICKET + PROCESS_ID)

    answer = printer.load_paper()

    old, *new = read(printer)
    assert old == LINES[:3], "the old paper keeps what is on it"
    assert [line for piece in new for line in piece] == lines
    assert answer == (PROCESS_ID_ANSWER if confirmed else b"")
    assert isinstance(printer.events[0], PaperTorn)
    assert printer.sensors == replace(printer.sensors, paper_end=False, paper_near_end=False)


def test_the_rest_of_an_interrupted_line_has_exactly_the_dots_that_were_missing() -> None:
    whole, split = Printer(), Printer(resuming(Resumes.REST), roll_mm=roll_of(3 * LINE_DOTS + 12))
    for printer in (whole, split):
        printer.receive(TICKET)
    split.load_paper()

    assert ink(split) == ink(whole)


def test_a_roll_is_near_its_end_before_it_ends_and_the_automatic_status_says_both() -> None:
    near_dots = TM80.dots(TM80.near_end_mm)
    printer = Printer(roll_mm=TM80.near_end_mm + 10.0)
    spare_dots = TM80.dots(TM80.near_end_mm + 10.0) - near_dots
    assert printer.receive(b"\x1da\xff") == b"\x10\x00\x00\x00"

    feeds = b"\x1bJ" + bytes((spare_dots - 1,))
    assert printer.receive(feeds) == b""
    assert printer.receive(b"\x1bJ\x01") == b"\x10\x00\x03\x00"
    assert printer.receive(b"\x1bJ\xff" * (near_dots // 255)) == b""
    assert printer.receive(b"\x1bJ\xff") == b"\x18\x00\x0f\x00"
    assert printer.load_paper() == b"\x10\x00\x00\x00"


def test_a_roll_that_is_thin_when_it_is_put_in_is_near_its_end_at_once() -> None:
    printer = Printer()

    printer.load_paper(length_mm=100)

    assert (printer.sensors.paper_near_end, printer.sensors.paper_end) == (True, False)


def test_blank_paper_that_is_taken_out_is_no_slip() -> None:
    printer = Printer()

    printer.load_paper()

    assert (printer.slips, printer.events) == ([], [])


def test_a_cover_opened_in_mid_line_stops_the_line_and_is_an_error_until_it_is_closed() -> None:
    printer = Printer()
    printer.arm(Mishap(MishapKind.COVER_OPENED, after_dots=2 * LINE_DOTS + 10))

    printer.receive(TICKET + PROCESS_ID)

    assert read(printer) == [LINES[:2]]
    assert printer.receive(b"\x10\x04\x02\x10\x04\x03") == b"\x56\x52"
    assert printer.close_cover() == PROCESS_ID_ANSWER
    assert read(printer) == [LINES, []]
    assert len(printer.slips[0].rows) == TM80.head_to_cutter_dots + 8 * LINE_DOTS + 10, (
        "10 rows were printed twice"
    )
    assert printer.receive(b"\x10\x04\x02\x10\x04\x03") == b"\x12\x12"


def test_a_cover_opened_at_rest_is_no_error() -> None:
    printer = Printer()

    printer.open_cover()

    assert printer.receive(b"\x10\x04\x01\x10\x04\x02\x10\x04\x03") == b"\x1a\x16\x12"


def test_a_cutter_that_jams_leaves_the_ticket_uncut_and_the_rest_waiting() -> None:
    printer = Printer()
    printer.receive(b"\x1da\xff")
    printer.jam_cutter()

    # ESC @ would turn the automatic status off.
    assert printer.receive(TICKET[2:] + PROCESS_ID).hex(" ") == "18 08 00 00"
    assert printer.slips == []
    assert read(printer) == [LINES]
    assert printer.events == [CutterJammed()]


def test_dle_enq_1_cuts_again_and_goes_on_once_the_cutter_is_free() -> None:
    printer = Printer()
    printer.jam_cutter()
    printer.receive(TICKET + PROCESS_ID)

    assert printer.receive(b"\x10\x05\x01") == b"", "it jams again"
    assert printer.sensors.cutter_error
    printer.free_cutter()
    assert printer.sensors.cutter_error, "until the host says so"
    assert printer.receive(b"\x10\x05\x01") == PROCESS_ID_ANSWER
    assert read(printer) == [LINES, []]
    assert printer.receive(b"\x10\x04\x03") == b"\x12"


def test_dle_enq_2_drops_what_waited_and_keeps_the_settings() -> None:
    printer = Printer()
    printer.jam_cutter()
    printer.receive(b"\x1bt\x13" + TICKET[2:] + b"waits\n")
    printer.free_cutter()

    assert printer.receive(b"\x10\x05\x02") == b""
    printer.receive(b"\xd5\n\x1dVB\x00")

    assert read(printer) == [[*LINES, "€"], []]


def test_dle_enq_mends_nothing_but_the_cutter() -> None:
    printer = Printer()
    printer.open_cover()
    printer.receive(b"waits\n\x10\x05\x02\x10\x05\x01")
    printer.close_cover()
    assert read(printer) == [["waits"]]

    printer.set_sensors(cutter_error=True)
    printer.receive(b"\x10\x05\x00")

    assert printer.sensors.cutter_error


def test_switching_off_and_on_ends_the_error_but_not_its_cause() -> None:
    printer = Printer()
    printer.jam_cutter()
    printer.receive(TICKET)

    printer.power_off()
    printer.power_on()

    assert not printer.sensors.cutter_error
    printer.receive(TICKET)
    assert printer.sensors.cutter_error


def test_a_model_without_cutter_is_torn_off_by_hand() -> None:
    printer = Printer(MODELS["CLONE58_CHINESE"])
    printer.receive(b"ticket" + b"\n" * 6 + b"\x1dVB\x00")
    assert (printer.slips, [type(event) for event in printer.events]) == ([], [IgnoredCommand])

    printer.tear_off()

    assert printer.slips[0].text == "ticket"
    assert printer.events[-1] == PaperTorn(6 * LINE_DOTS)


@given(st.integers(0, len(TICKET)))
def test_a_power_cut_at_any_byte_keeps_whole_lines_and_loses_the_rest(after_bytes: int) -> None:
    printer = Printer()
    printer.arm(Mishap(MishapKind.POWER_CUT, after_bytes=after_bytes))

    answer = printer.receive(TICKET + b"\x10\x04\x01")

    assert (answer, printer.powered) == (b"", False)
    lines = [line for piece in read(printer) for line in piece]
    assert lines == LINES[: TICKET[:after_bytes].count(b"\n")]
    printer.power_on()
    assert printer.receive(b"\x10\x04\x01" + TICKET) == b"\x12"
    assert [line for piece in read(printer) for line in piece] == [*lines, *LINES]
    assert any(isinstance(event, PowerLost) for event in printer.events)


@given(st.integers(0, TM80.head_to_cutter_dots + 8 * LINE_DOTS))
def test_a_power_cut_at_any_dot_keeps_the_dots_before_it(after_dots: int) -> None:
    whole, printer = Printer(), Printer()
    whole.receive(TICKET)
    printer.arm(Mishap(MishapKind.POWER_CUT, after_dots=after_dots))

    printer.receive(TICKET)

    assert not printer.powered
    strip = whole.slips[0].rows + whole.uncut.rows
    assert printer.uncut.rows == strip[: TM80.head_to_cutter_dots + after_dots]


def test_a_power_cut_in_the_middle_of_a_line_in_time_keeps_half_a_line() -> None:
    clock = VirtualClock()
    printer = Printer(clock=clock)
    printer.receive(b"abc\n")
    clock.advance(12 / TM80.speed_dots_per_s)

    printer.power_off()
    printer.power_on()
    clock.advance(10)
    printer.tick()

    assert read(printer) == [[]]
    assert len(printer.uncut.rows) == TM80.head_to_cutter_dots + 12
    assert not printer.uncut.blank


def test_what_comes_after_a_power_cut_in_the_same_reception_is_not_received() -> None:
    printer = Printer()
    printer.arm(Mishap(MishapKind.POWER_CUT, after_dots=10))

    assert printer.receive(b"abc\n\x10\x04\x01\x1dv0\x00\x01\x00\x10\x00") == b""
    printer.power_on()
    printer.receive(b"def\n")

    assert read(printer) == [["def"]]


def test_a_fault_that_is_armed_happens_once() -> None:
    printer = Printer()
    printer.arm(Mishap(MishapKind.PAPER_OUT, after_bytes=4))
    printer.arm(Mishap(MishapKind.CUTTER_JAM, after_bytes=4))

    printer.receive(TICKET)
    assert printer.sensors.paper_end
    printer.load_paper()
    assert printer.sensors.cutter_error
    printer.free_cutter()
    printer.receive(b"\x10\x05\x01" + TICKET)

    assert printer.sensors.online
    assert [event for event in printer.events if isinstance(event, PaperCut)][1:] == [
        PaperCut(partial=True, length_dots=8 * LINE_DOTS + TM80.head_to_cutter_dots)
    ]


def test_nothing_is_printed_and_nothing_said_without_power() -> None:
    printer = Printer()
    printer.power_off()

    said = [
        printer.receive(TICKET),
        printer.open_cover(),
        printer.close_cover(),
        printer.load_paper(),
        printer.tick(),
        printer.power_off(),
    ]

    assert said == [b""] * 6
    assert printer.uncut.blank
    assert printer.power_on() == b""
    assert printer.power_on() == b""
    assert printer.receive(b"\x10\x04\x01") == b"\x12"
