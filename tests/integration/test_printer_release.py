"""Whoever gives the printer back in the middle of a ticket waits no longer than a second, and is told no lie."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from escpos.printer import Network

import fake_usb
from cvconnect_drivers.errors import LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import SLICE_S, Deadline
from cvconnect_drivers.links.device import DeviceLink
from cvconnect_drivers.links.serial import SerialLink
from cvconnect_drivers.links.tcp import LINGER_S, TcpLink
from cvconnect_drivers.links.usb import UsbLink
from cvconnect_drivers.links.usb_devices import PrinterPipes, UsbDevice
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.python_escpos import PythonEscposPrinter
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.shapes import PrintResult
from slips import TICKET, Paper, PaperLine

SOON_S = 10.0
"""Well within the half minute that a ticket may take."""

HUGE = Paper(*(PaperLine("x" * 9_999) for _ in range(600)))
"""More than a system takes off a program's hands."""

AnyPrinter = EscPosPrinter | PythonEscposPrinter


def well(data: bytes) -> bytes:
    """Say "all is well" to `DLE EOT`, and confirm nothing."""
    return b"\x12" * data.count(b"\x10\x04")


@contextmanager
def tcp(*, reads: bool) -> Generator[AnyPrinter]:
    with half_dead_server(reads=reads) as port:
        yield open_printer(f"tcp://127.0.0.1:{port}", {})


@contextmanager
def python_escpos(*, reads: bool) -> Generator[AnyPrinter]:
    with half_dead_server(reads=reads) as port:
        there: Any = Network("127.0.0.1", port)
        yield PythonEscposPrinter(there)
        there.close()


@contextmanager
def half_dead_server(*, reads: bool) -> Generator[int]:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.settimeout(0.05)
        thread = threading.Thread(target=serve, args=(server, stop, reads))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def serve(server: socket.socket, stop: threading.Event, reads: bool) -> None:
    connections: list[socket.socket] = []
    while not stop.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            pass
        else:
            connection.setblocking(False)
            connections.append(connection)
        for connection in connections:
            answer(connection, reads)
    for connection in connections:
        connection.close()


def answer(connection: socket.socket, reads: bool) -> None:
    try:
        # Questions are taken, and what fills a command that was cut; the ticket is left where it is.
        while data := connection.recv(65_536 if reads else 1):
            if not reads and data not in b"\x00\x10\x04\x01\x02\x03":
                return
            connection.sendall(well(data) if reads else b"\x12" * (data == b"\x10"))
    except OSError:
        return


@contextmanager
def pty(scheme: str, *, reads: bool) -> Generator[AnyPrinter]:
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()
    thread = threading.Thread(target=serve_pty, args=(master, stop, reads))
    thread.start()
    try:
        yield open_printer(f"{scheme}:{os.ttyname(slave)}", {})
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


def serve_pty(master: int, stop: threading.Event, reads: bool) -> None:
    while not stop.wait(0.0005):
        try:
            data = os.read(master, 4096 if reads else 1)
        except BlockingIOError:
            continue
        if not reads and data not in b"\x00\x10\x04\x01\x02\x03":
            stop.wait()
            return
        os.write(master, well(data) if reads else b"\x12" * (data == b"\x10"))


def serial(*, reads: bool) -> AbstractContextManager[AnyPrinter]:
    return pty("serial", reads=reads)


def device(*, reads: bool) -> AbstractContextManager[AnyPrinter]:
    return pty("device", reads=reads)


@contextmanager
def usb(*, reads: bool) -> Generator[AnyPrinter]:
    assert reads
    with pytest.MonkeyPatch.context() as patch, fake_usb.install(patch) as bus:
        bus.plug(fake_usb.UsbPrinter(well))
        yield open_printer("usb:?vendor=04b8&product=0202", {})
        assert bus.claimed == set()


Place = Callable[..., AbstractContextManager[AnyPrinter]]


@contextmanager
def printing(printer: AnyPrinter, document: Paper) -> Iterator[list[tuple[PrintResult, float]]]:
    """Print in another thread, and give the printer back while it does."""
    results: list[tuple[PrintResult, float]] = []
    printer.claim(timeout_s=5.0)

    def job() -> None:
        result = printer.print(document, job_id="T1-1", timeout_s=30.0)
        results.append((result, time.monotonic()))

    thread = threading.Thread(target=job)
    thread.start()
    try:
        yield results
    finally:
        thread.join(30.0)


def released_during(printer: AnyPrinter, document: Paper, after_s: float) -> PrintResult:
    with printing(printer, document) as results:
        threading.Event().wait(after_s)
        assert not results, "the ticket was over before it was interrupted"
        began_s = time.monotonic()
        printer.release()
        assert time.monotonic() - began_s < SOON_S
    ((result, ended_s),) = results
    assert ended_s - began_s < SOON_S
    return result


@pytest.mark.parametrize("place", [tcp, serial, device, usb, python_escpos])
def test_a_ticket_that_waits_for_its_confirmation_is_unknown_at_once(place: Place) -> None:
    with place(reads=True) as printer:
        result = released_during(printer, TICKET, 1.0)
        assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
        assert result.detail
        after = printer.print(TICKET, job_id="T1-2", timeout_s=1.0)
        assert (after.outcome, after.reason) == ("not_sent", "NOT_CLAIMED")


@pytest.mark.parametrize("place", [tcp, serial, device])
def test_a_ticket_that_cannot_be_written_is_torn_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escpos, "MAX_JOB_CHARACTERS", 10_000_000)
    with place(reads=False) as printer:
        result = released_during(printer, HUGE, 1.5)
        assert result.outcome == "unknown"
        assert result.reason in {"LINK_LOST", "LINK_TIMEOUT"}
        assert "rendu" in result.detail
        assert printer.check_health().state == "unknown"


def test_a_printer_that_is_being_looked_for_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is never made: the server's queue is full."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        printer = open_printer(f"tcp://127.0.0.1:{server.getsockname()[1]}", {})
        printer._claimed = True
        results: list[PrintResult] = []
        thread = threading.Thread(
            target=lambda: results.append(printer.print(TICKET, job_id="T1-1", timeout_s=30.0))
        )
        thread.start()
        threading.Event().wait(0.5)
        assert not results
        began_s = time.monotonic()
        printer.release()
        thread.join(30.0)
        assert time.monotonic() - began_s < SOON_S
    assert [(each.outcome, each.reason) for each in results] == [("not_sent", "NOT_CLAIMED")]


def test_a_printer_that_was_given_back_may_be_taken_again() -> None:
    with tcp(reads=True) as printer:
        released_during(printer, TICKET, 0.7)
        printer.claim(timeout_s=5.0)
        assert printer.check_health().state == "ready"
        printer.release()


# --- within a second: what it is made of --------------------------------------------------------------------------------


class Blocked:
    """A link at which somebody waits until it is closed, and for nothing else."""

    def __init__(self, *, takes: bool) -> None:
        self._takes = takes
        self.waited_for_s: list[float] = []
        self.waits, self.closed = threading.Event(), threading.Event()
        self.closed_by: list[int] = []

    def _wait(self, timeout_s: float) -> LinkLostError:
        self.waited_for_s.append(timeout_s)
        self.waits.set()
        assert self.closed.wait(60.0)
        return LinkLostError("blocked", "closed", sent_bytes=None)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        if not self._takes and not data.startswith(b"\x10\x04"):
            raise self._wait(timeout_s)

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if timeout_s < 60.0:  # the questions before the ticket
            raise LinkTimeoutError("blocked", "answer")
        raise self._wait(timeout_s)

    def close(self) -> None:
        self.closed_by.append(threading.get_ident())
        self.closed.set()


@pytest.mark.parametrize("takes", [True, False], ids=["waits for its confirmation", "cannot be written"])
def test_release_wakes_whoever_waits_at_the_link_and_nobody_waits_for_the_deadline(
    takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.printer.SILENT_S", 3000.0)
    link = Blocked(takes=takes)
    printer = EscPosPrinter(
        "blocked", Target(lambda _deadline: link, answers=True, confirms=True), PROFILES["80mm"]
    )
    printer._claimed = True
    results: list[PrintResult] = []
    thread = threading.Thread(
        target=lambda: results.append(printer.print(TICKET, job_id="T1-1", timeout_s=3600.0))
    )
    thread.start()
    assert link.waits.wait(30.0)
    printer.release()
    assert link.closed_by[0] == threading.get_ident(), "release itself ends the wait"
    thread.join(30.0)
    assert [each.outcome for each in results] == ["unknown"]
    assert len(link.waited_for_s) == 1, "once ended, nothing more is waited for"
    assert link.waited_for_s[0] > 600.0, "or this shows nothing"


class Silent:
    """A socket, and a printer on USB, where nothing ever comes or goes; whoever waits for the third time is closed on."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []
        self.closed: Callable[[], None]

    def _wait(self, timeout_s: float) -> None:
        self.waits_s.append(timeout_s)
        if len(self.waits_s) == 3:
            self.closed()
        raise TimeoutError(110, "timed out")

    def settimeout(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    def send(self, _: object) -> int:
        self._wait(self._timeout_s)
        return 0

    def recv(self, _: int) -> bytes:
        self._wait(self._timeout_s)
        return b""

    def write(self, _: int, __: bytes, timeout_ms: int) -> int:
        self._wait(timeout_ms / 1000)
        return 0

    def read(self, _: int, __: int, timeout_ms: int) -> bytes:
        self._wait(timeout_ms / 1000)
        return b""


def silent_tcp() -> tuple[Any, Silent]:
    silent: Any = Silent()
    link = TcpLink(silent, "silent", Deadline(3600.0))
    silent.closed = link._closed.set
    return link, silent


def silent_usb() -> tuple[Any, Silent]:
    silent: Any = Silent()
    pipes = PrinterPipes(0, 0, 1, 0x81, 64)
    link = UsbLink(UsbDevice(0, 0, "", pipes, silent), pipes, "silent", borrowed=False)
    silent.closed = link._closed.set
    return link, silent


@pytest.mark.parametrize("make", [silent_tcp, silent_usb])
@pytest.mark.parametrize("act", ["read", "write"])
def test_nobody_waits_at_a_link_for_longer_than_a_slice_before_seeing_that_it_is_closed(
    make: Callable[[], tuple[Any, Silent]], act: str
) -> None:
    link, silent = make()
    with pytest.raises(LinkLostError):
        link.read(64, timeout_s=3600.0) if act == "read" else link.write(b"x", timeout_s=3600.0)
    assert len(silent.waits_s) == 3
    assert max(silent.waits_s) <= SLICE_S
    assert SLICE_S + LINGER_S < 1.0


def test_nobody_waits_at_a_device_for_longer_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    link = DeviceLink(reads, "silent", readable=True)
    waits_s: list[float] = []

    class Poll:
        def register(self, *_: object) -> None:
            pass

        def poll(self, timeout_ms: float) -> list[tuple[int, int]]:
            waits_s.append(timeout_ms / 1000)
            if len(waits_s) == 3:
                link._descriptor = None
            return []

    monkeypatch.setattr(select, "poll", Poll)
    try:
        with pytest.raises(LinkLostError):
            link.read(64, timeout_s=3600.0)
    finally:
        os.close(reads)
        os.close(writes)
    assert len(waits_s) == 3
    assert max(waits_s) <= SLICE_S


def test_whoever_waits_at_a_serial_port_is_woken() -> None:
    calls: list[str] = []

    class Port:
        def __getattr__(self, name: str) -> Callable[[], None]:
            return lambda: calls.append(name)

    port: Any = Port()
    SerialLink(port, "port").close()
    assert calls.index("cancel_read") < calls.index("close")
    assert calls.index("cancel_write") < calls.index("close")
