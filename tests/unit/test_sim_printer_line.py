"""The simulated printer's line and receive buffer: how long bytes take, and what happens to those that do not fit."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.printer import TM80, BytesLost, Cable, Flow, Printer

XON, XOFF = b"\x11", b"\x13"
PROCESS_ID = b"\x1d(H\x06\x0000A001"
PROCESS_ID_ANSWER = b"\x37\x22A001\x00"
LINE = b"0123456789\n"
SMALL = replace(TM80, buffer_bytes=64)

JOB = (
    b"\x1b@\n\n\x1bt\x13\x1ba\x01CH\x90QUE\n\x1d!\x1145,50 \xd5\n\x1d!\x00\x1d(k\x07\x001P0test\x1d(k\x03\x001Q0"
    b"\x1dv0\x00\x01\x00\x02\x00\xff\x81\x1bp\x00\x19\xfa\nfin\n\x1bd\x03\x1dVB\x10" + PROCESS_ID
)


def after(printer: Printer, clock: VirtualClock, seconds: float) -> bytes:
    clock.advance(seconds)
    return printer.tick()


def lines(printer: Printer) -> list[str]:
    return [line.text for piece in (*printer.slips, printer.uncut) for line in piece.lines]


def test_a_serial_line_takes_ten_bits_for_a_byte() -> None:
    clock = VirtualClock()
    printer = Printer(cable=Cable(baud=9600), clock=clock)

    assert printer.receive(b"\x10\x04\x01") == b""
    assert after(printer, clock, 0.0031) == b""
    assert after(printer, clock, 0.0001) == b"\x12"


def test_a_query_behind_a_ticket_waits_until_the_line_is_free() -> None:
    clock = VirtualClock()
    printer = Printer(cable=Cable(baud=9600), clock=clock)

    printer.receive(b"x" * 960)
    printer.receive(b"\x10\x04\x01")

    assert after(printer, clock, 1.0) == b""
    assert after(printer, clock, 0.0032) == b"\x12"


def test_a_process_id_comes_when_the_paper_has_moved() -> None:
    clock = VirtualClock()
    printer = Printer(clock=clock)
    print_s = 40 * 30 / TM80.speed_dots_per_s
    cut_s = TM80.head_to_cutter_dots / TM80.speed_dots_per_s + TM80.cut_s

    assert printer.receive(b"a\n" * 40 + b"\x1dVB\x00" + PROCESS_ID) == b""

    assert after(printer, clock, print_s + cut_s - 0.001) == b""
    assert not printer.idle
    assert after(printer, clock, 0.002) == PROCESS_ID_ANSWER
    assert printer.idle


def test_paper_comes_row_by_row() -> None:
    clock = VirtualClock()
    printer = Printer(clock=clock)
    printer.receive(b"\xdb" * 48 + b"\n")

    grown = []
    for _ in range(5):
        after(printer, clock, 6 / TM80.speed_dots_per_s)
        grown.append((len(printer.uncut.rows) - TM80.head_to_cutter_dots, len(printer.uncut.lines)))

    assert grown == [(6, 0), (12, 0), (18, 0), (24, 1), (30, 1)]


def test_a_real_time_query_is_answered_while_a_line_is_printed() -> None:
    printer = Printer(clock=VirtualClock())

    assert printer.receive(LINE * 10 + b"\x10\x04\x01") == b"\x12"
    assert not printer.idle


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=12), st.lists(st.integers(1, len(JOB)), max_size=4))
def test_how_often_one_looks_and_where_the_stream_is_cut_make_no_difference(
    steps_s: list[float], cuts: list[int]
) -> None:
    reference = Printer()
    answer = reference.receive(JOB)
    clock = VirtualClock()
    printer = Printer(cable=Cable(baud=19200), clock=clock)
    edges = sorted({0, *cuts, len(JOB)})

    said = b"".join(printer.receive(JOB[start:end]) for start, end in itertools.pairwise(edges))
    said += b"".join(after(printer, clock, step_s) for step_s in [*steps_s, 10.0])

    assert said == answer == PROCESS_ID_ANSWER
    assert (printer.slips, printer.uncut, printer.events) == (
        reference.slips,
        reference.uncut,
        reference.events,
    )


def test_a_host_that_waits_loses_nothing_and_is_let_go_on_when_there_is_room() -> None:
    clock = VirtualClock()
    printer = Printer(SMALL, clock=clock)

    printer.receive(LINE * 20)

    assert printer.busy
    assert after(printer, clock, 30.0) == b""
    assert not printer.busy
    assert lines(printer) == [LINE.decode().strip()] * 20


def test_a_held_query_is_not_seen_by_an_offline_printer_with_a_full_buffer() -> None:
    printer = Printer(SMALL)
    printer.open_cover()

    assert printer.receive(b"\x10\x04\x01") == b"\x1a"
    assert printer.receive(LINE * 20) == b""
    assert printer.receive(b"\x10\x04\x01") == b""
    assert printer.close_cover() == b"\x12"
    assert lines(printer) == [LINE.decode().strip()] * 20


def test_xoff_comes_before_the_buffer_is_full_and_xon_when_there_is_room() -> None:
    printer = Printer(SMALL, cable=Cable(flow=Flow.XON_XOFF))
    printer.open_cover()

    answers = [printer.receive(b"x") for _ in range(64)]

    assert answers == [b""] * 47 + [XOFF] + [b""] * 16
    assert printer.close_cover() == XON
    assert printer.receive(b"\n") == b""
    assert lines(printer) == ["x" * 48, "x" * 16]


def test_a_host_that_minds_xoff_loses_nothing() -> None:
    clock = VirtualClock()
    printer = Printer(SMALL, cable=Cable(baud=115200, flow=Flow.XON_XOFF), clock=clock)
    goes, left = True, LINE * 30

    for _ in range(100_000):
        if goes and left:
            head, left = left[:1], left[1:]
            said = printer.receive(head)
        else:
            said = printer.tick()
        said += after(printer, clock, 0.0001)
        goes = said[-1:] != XOFF if said else goes
        if not left and printer.idle:
            break

    assert [event for event in printer.events if isinstance(event, BytesLost)] == []
    assert lines(printer) == [LINE.decode().strip()] * 30


@pytest.mark.parametrize(("flow", "said"), [(Flow.NONE, b""), (Flow.XON_XOFF, XOFF)])
def test_what_does_not_fit_is_lost_when_the_host_does_not_wait(flow: Flow, said: bytes) -> None:
    printer = Printer(SMALL, cable=Cable(flow=flow))
    printer.open_cover()

    assert printer.receive(b"x" * 100) == said
    printer.close_cover()
    printer.receive(b"\n")

    assert lines(printer) == ["x" * 48, "x" * 16]
    assert printer.events == [BytesLost(36)]


def test_a_real_time_query_is_answered_though_the_buffer_is_full() -> None:
    printer = Printer(SMALL, cable=Cable(flow=Flow.NONE))
    printer.open_cover()

    assert printer.receive(b"x" * 100 + b"\x10\x04\x02") == b"\x16"


def test_a_printer_may_be_busy_whenever_it_is_offline() -> None:
    printer = Printer(replace(SMALL, busy_offline=True), cable=Cable(flow=Flow.XON_XOFF))

    assert printer.open_cover() == XOFF
    assert printer.busy
    assert printer.close_cover() == XON


def test_a_printer_with_xon_announces_itself_when_it_is_switched_on() -> None:
    printer = Printer(SMALL, cable=Cable(flow=Flow.XON_XOFF))
    printer.open_cover()
    printer.receive(b"x" * 60)

    printer.power_off()
    printer.close_cover()

    assert not printer.busy
    assert printer.power_on() == XON
    assert printer.receive(b"y\n") == b""
    assert lines(printer) == ["y"]


def test_a_command_that_is_longer_than_the_buffer_is_put_together_all_the_same() -> None:
    text = b"7" * 300
    store = b"\x1d(k" + (len(text) + 3).to_bytes(2, "little") + b"1P0" + text
    printer = Printer(SMALL)

    printer.receive(store + b"\x1d(k\x03\x001Q0" + b"fin\n")

    assert not printer.busy
    assert lines(printer) == ["fin"]
    assert not printer.uncut.blank
    assert printer.events == []
