"""Every driver of the house keeps the promises of the interfaces, on every link."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import serial
from escpos.printer import Network

import fake_hidapi
import fake_usb
from cvconnect_drivers.displays import image, terminal
from cvconnect_drivers.printers import picture
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.printers.python_escpos import PythonEscposPrinter
from cvconnect_drivers.scanners import hidpos
from cvconnect_drivers.scanners.serial import open_scanner
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult
from cvconnect_pos import conformance
from cvconnect_pos.conformance import check_display, check_printer, check_scanner
from cvconnect_pos.peripherals import (
    DisplayFactory,
    PrinterFactory,
    Scanner,
    ScannerFactory,
)
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import Printer as SimulatedPrinter
from cvconnect_sim.scanner import Scanner as SimulatedScanner

# The type checkers read these lines: each factory has the shape that the entry points promise.
SCANNERS: list[ScannerFactory] = [open_scanner, hidpos.open_scanner]
DISPLAYS: list[DisplayFactory] = [image.open_display, terminal.open_display]
PRINTERS: list[PrinterFactory] = [open_printer, picture.open_printer]


def scanner_threads(url: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"scanner {url}"]


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The other end of a scanner's cable."""

    url: str
    feed: Callable[[str], None]
    wait_until_free: Callable[[], None] = lambda: None


@contextmanager
def bare_pty() -> Generator[Counterpart, None, None]:
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield Counterpart(f"serial://{os.ttyname(slave)}", lambda text: _write(master, f"{text}\r\n"))
    finally:
        os.close(master)
        os.close(slave)


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode())


@contextmanager
def simulated_pty() -> Generator[Counterpart, None, None]:
    with PtyLink() as link:
        yield Counterpart(link.url, lambda text: link.send(SimulatedScanner().scan(text)))


@contextmanager
def simulated_socket() -> Generator[Counterpart, None, None]:
    def wait_until_free() -> None:
        assert link.wait_for(lambda: not link.connected, 5.0)

    with TcpLink(scheme="socket") as link:
        yield Counterpart(link.url, lambda text: link.send(SimulatedScanner().scan(text)), wait_until_free)


@contextmanager
def device_server() -> Generator[Counterpart, None, None]:
    """A server that sends each label to whoever is connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5.0)
        connections: list[socket.socket] = []

        def feed(text: str) -> None:
            while not (connections and _is_alive(connections[-1])):
                connections.append(server.accept()[0])
            connections[-1].sendall(f"{text}\t".encode())

        try:
            yield Counterpart(f"socket://127.0.0.1:{server.getsockname()[1]}", feed)
        finally:
            for connection in connections:
                connection.close()


def _is_alive(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    finally:
        connection.settimeout(5.0)


@contextmanager
def socket_of_pyserial() -> Generator[Counterpart, None, None]:
    """The same server, spoken to by pyserial's own URL."""
    with simulated_socket() as there:
        yield Counterpart(f"serial:{there.url}", there.feed, there.wait_until_free)


@contextmanager
def loop_of_pyserial() -> Generator[Counterpart, None, None]:
    """A port that reads what is written to it."""
    ports: list[serial.SerialBase] = []
    serial_for_url = serial.serial_for_url

    def remember(url: str, *, baudrate: int, timeout: float, exclusive: bool) -> serial.SerialBase:
        ports.append(serial_for_url(url, baudrate=baudrate, timeout=timeout, exclusive=exclusive))
        return ports[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serial, "serial_for_url", remember)
        yield Counterpart("serial:loop://", lambda text: _write_port(ports[-1], f"{text}\r"))


def _write_port(port: serial.SerialBase, text: str) -> None:
    port.write(text.encode())


EVERYWHERE = (simulated_socket, device_server, socket_of_pyserial, loop_of_pyserial)
PSEUDO_TERMINALS = () if sys.platform == "win32" else (bare_pty, simulated_pty)


@pytest.mark.parametrize("counterpart", EVERYWHERE + PSEUDO_TERMINALS)
def test_the_serial_scanner_keeps_its_promises(
    counterpart: Callable[[], AbstractContextManager[Counterpart]],
) -> None:
    with counterpart() as there:

        def make() -> Scanner:
            there.wait_until_free()
            return open_scanner(there.url, {})

        check_scanner(make, there.feed)
        assert scanner_threads(there.url) == []


def test_the_hid_pos_scanner_keeps_its_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = fake_hidapi.install(monkeypatch).plug()
    check_scanner(lambda: hidpos.open_scanner("hidpos:?vendor=0c2e&product=0b61", {}), scanner.scan)
    assert scanner.handles == []
    assert scanner_threads("hidpos:?vendor=0c2e&product=0b61") == []


@pytest.mark.parametrize("size", ["800x480", "480x800"])
def test_the_image_display_keeps_its_promises(tmp_path: Path, size: str) -> None:
    check_display(lambda: image.open_display(f"image:{tmp_path / 'd.png'}", {"size": size}))


@pytest.mark.parametrize("colour", ["always", "never"])
def test_the_terminal_display_keeps_its_promises(colour: str) -> None:
    check_display(lambda: terminal.open_display("terminal:", {"stream": io.StringIO(), "colour": colour}))


def test_the_printer_keeps_its_promises_as_pictures(tmp_path: Path) -> None:
    check_printer(lambda: picture.open_printer(f"image:{tmp_path / 'tickets'}", {}))
    assert list(tmp_path.glob("tickets/*.png"))


def test_the_printer_that_cannot_confirm_keeps_its_promises(tmp_path: Path) -> None:
    """A named pipe takes tickets and never answers."""
    path = tmp_path / "lp0"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    ended = threading.Event()

    def drain() -> None:
        while not ended.wait(0.002):
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 65536)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        check_printer(lambda: open_printer(f"device:{path}", {}), confirms=False)
    finally:
        ended.set()
        thread.join()
        os.close(reader)


def test_the_printer_keeps_its_promises_in_memory() -> None:
    check_printer(lambda: open_printer("memory:conformance", {}))


def test_the_printer_keeps_its_promises_in_a_file(tmp_path: Path) -> None:
    check_printer(lambda: open_printer(f"file:{tmp_path / 'out' / 'ticket.bin'}", {"profile": "58mm"}))


def test_the_printer_keeps_its_promises_over_tcp() -> None:
    printer = SimulatedPrinter()
    with TcpLink(printer.receive) as link:
        check_printer(lambda: open_printer(link.url, {}))
    assert printer.unknown_commands == []


@pytest.mark.parametrize("flow", ["xonxoff", "none"])
def test_the_printer_keeps_its_promises_on_a_serial_port(flow: str) -> None:
    printer = SimulatedPrinter()
    with PtyLink(printer.receive) as link:
        check_printer(lambda: open_printer(link.url, {"flow": flow}))
    assert printer.unknown_commands == []


def test_the_printer_keeps_its_promises_behind_a_device_node() -> None:
    printer = SimulatedPrinter()
    with PtyLink(printer.receive) as link:
        check_printer(lambda: open_printer(f"device:{link.path}", {}))
    assert printer.unknown_commands == []


def test_the_printer_keeps_its_promises_on_usb_over_usb_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    printer = SimulatedPrinter()
    with fake_usb.install(monkeypatch) as bus:
        bus.plug(fake_usb.UsbPrinter(printer.receive))
        check_printer(lambda: open_printer("usb:?vendor=04b8&product=0202&serial=ABC", {}))
        assert (bus.claimed, bus.driven) == (set(), {0, 1})
    assert printer.unknown_commands == []


def test_the_printer_keeps_its_promises_through_a_python_escpos_object() -> None:
    printer = SimulatedPrinter()
    with TcpLink(printer.receive) as link:
        there = Network("127.0.0.1", int(link.url.rpartition(":")[2]))
        check_printer(lambda: PythonEscposPrinter(there))
        there.close()
    assert printer.unknown_commands == []


# --- The suites catch what they are for -----------------------------------------------------------------------------


class Boastful:
    """A printer that says "printed" whatever it is given."""

    name, columns = "boastful:", 42

    def __init__(self) -> None:
        self._claimed = False

    def claim(self, *, timeout_s: float) -> None:
        self._claimed = True

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        document.lines(self.columns)
        if self._claimed and timeout_s > 0:
            return PrintResult("printed")
        return PrintResult("not_sent", "NOT_CLAIMED", "?")

    def check_health(self, level: HealthLevel = "internal") -> Health:
        return Health("ready", "Prête.")

    def release(self) -> None:
        self._claimed = False


def test_a_printer_that_lets_control_characters_through_fails_its_suite() -> None:
    with pytest.raises(AssertionError, match="control character"):
        check_printer(Boastful)


def test_a_printer_that_cannot_know_and_says_printed_fails_its_suite() -> None:
    with pytest.raises(AssertionError, match="a ticket in French"):
        check_printer(Boastful, confirms=False)


def test_a_scanner_without_a_counterpart_fails_its_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "TIMEOUT_S", 0.3)

    def make() -> Scanner:
        return open_scanner("socket://127.0.0.1:1", {})

    with pytest.raises(AssertionError, match="becomes ready"):
        check_scanner(make, lambda _text: None)
