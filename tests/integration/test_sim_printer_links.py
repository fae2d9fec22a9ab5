"""The simulated printer on real cables: slow, with flow control, and with faults that nobody has to time."""

from __future__ import annotations

import socket
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cvconnect_sim.clock import SystemClock
from cvconnect_sim.counter import Counter
from cvconnect_sim.links import MemoryLink, PtyLink, TcpLink
from cvconnect_sim.printer import (
    MODELS,
    TM80,
    BytesLost,
    Cable,
    Flow,
    Mishap,
    MishapKind,
    Printer,
    RealTimeRequest,
    Ticker,
)
from slips import TIMEOUT_S, Paper, PaperLine, claimed

LINES = [f"Article {number:04}" for number in range(1950)]
LONG = Paper(*(PaperLine(f"{text}                              0,00") for text in LINES))


@pytest.fixture
def counter(tmp_path: Path) -> Generator[Counter, None, None]:
    with Counter(tmp_path / "comptoir", printer=Printer(MODELS["TM58_QR"])) as running:
        yield running


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 0), timeout=TIMEOUT_S)


def test_a_printer_that_says_wait_gets_a_long_ticket_whole() -> None:
    # A pseudo-terminal holds up to 64 KB that were written before it minds XOFF.
    small = replace(
        TM80,
        buffer_bytes=84_000,
        busy_room_bytes=68_000,
        ready_room_bytes=70_000,
        speed_dots_per_s=15_000,
        cut_s=0.01,
    )
    printer = Printer(small, cable=Cable(flow=Flow.XON_XOFF), clock=SystemClock())
    with PtyLink(printer.receive) as link, Ticker(link, printer, every_s=0.002):
        result = claimed(f"{link.url}?flow=xonxoff").print(LONG, job_id="T1-1", timeout_s=30.0)

    assert (result.outcome, result.reason) == ("printed", None)
    assert [event for event in printer.events if isinstance(event, BytesLost)] == []
    assert [line.text.split("  ")[0] for slip in printer.slips for line in slip.lines] == LINES


def test_a_slow_printer_confirms_when_it_has_printed() -> None:
    printer = Printer(replace(TM80, speed_dots_per_s=1000, cut_s=0.2), clock=SystemClock())
    ticket = Paper(*(PaperLine("x") for _ in range(10)))
    with TcpLink(printer.receive) as link, Ticker(link, printer):
        till = claimed(link.url)
        result = till.print(ticket, job_id="T1-1", timeout_s=TIMEOUT_S)

    assert result.outcome == "printed"
    assert printer.idle
    assert len(printer.slips) == 1


def test_a_ticket_that_meets_the_end_of_the_roll_is_not_said_to_be_printed() -> None:
    printer = Printer(roll_mm=40)
    with TcpLink(printer.receive) as link:
        result = claimed(link.url).print(
            Paper(*(PaperLine("x") for _ in range(20))), job_id="T1-1", timeout_s=2.0
        )

    assert (result.outcome, result.reason) == ("unknown", "PAPER_END")
    assert printer.slips == []


def test_a_counter_takes_any_printer_and_its_faults(counter: Counter) -> None:
    counter.printer.arm(Mishap(MishapKind.COVER_OPENED, after_bytes=10))
    with connected(counter.printer_link.url) as till:
        till.sendall(b"\x1dI\x43")
        assert till.recv(16) == b"\x5fTM58Q\x00"
        till.sendall(b"123456\n\x10\x04\x02")
        assert till.recv(1) == b"\x16"
        till.sendall(b"\x1dr\x01")
        counter.printer_link.apply(counter.printer.close_cover)
        assert till.recv(1) == b"\x00"


def test_a_ticker_ends_with_its_block_and_may_be_closed_twice() -> None:
    printer = Printer(clock=SystemClock())
    with MemoryLink(printer.receive) as link:
        ticker = Ticker(link, printer)
        ticker.close()
        with Ticker(link, printer) as running:
            link.write(b"abc\n\x10\x05\x01")
            assert link.wait_for(lambda: printer.idle, TIMEOUT_S)
        running.close()

    assert printer.uncut.text == "abc"
    assert printer.events == [RealTimeRequest("DLE ENQ", b"\x01")]
