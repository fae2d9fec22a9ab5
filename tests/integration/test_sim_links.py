"""The simulated cables carry bytes both ways, in time, and let go when closed."""

import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import serial

from cvconnect_sim.errors import SimError
from cvconnect_sim.links import MemoryLink, PtyLink, TcpLink
from cvconnect_sim.printer import Printer
from cvconnect_sim.scanner import Scanner, ScannerSettings

TIMEOUT_S = 10.0
POSIX = sys.platform != "win32"

Serving = Callable[..., PtyLink | TcpLink]


def socket_link(*receive: Callable[[bytes], bytes]) -> TcpLink:
    return TcpLink(*receive, scheme="socket")


SERIAL_LINKS: list[Any] = [pytest.param(socket_link, id="socket")]
if POSIX:
    SERIAL_LINKS.append(pytest.param(PtyLink, id="pty"))


def echo(data: bytes) -> bytes:
    return data


def open_serial(url: str) -> serial.SerialBase:
    port = serial.serial_for_url(url.removeprefix("serial://"), timeout=TIMEOUT_S, write_timeout=TIMEOUT_S)
    assert isinstance(port, serial.SerialBase)
    return port


def connect(link: TcpLink) -> socket.socket:
    host, port = link.url.removeprefix("tcp://").split(":")
    return socket.create_connection((host, int(port)), TIMEOUT_S)


@pytest.mark.parametrize("make", SERIAL_LINKS)
def test_labels_arrive_at_a_serial_port(make: Serving) -> None:
    with make() as link, closing(open_serial(link.url)) as port:
        link.send(Scanner(ScannerSettings(aim_id=True)).scan("12345678901"))
        link.send(Scanner().scan("10987654321"))

        assert port.read_until(b"\r") == b"]C012345678901\r"
        assert port.read_until(b"\r") == b"10987654321\r"


def test_a_label_scanned_before_a_host_connects_waits_for_it() -> None:
    with TcpLink() as link:
        link.send(Scanner().scan("12345678901"))
        with connect(link) as host, host.makefile("rb") as received:
            assert received.read(12) == b"12345678901\r"


@pytest.mark.parametrize("make", SERIAL_LINKS)
def test_delays_are_kept(make: Serving) -> None:
    with make() as link, closing(open_serial(link.url)) as port:
        link.send([(0.0, b"a")])
        assert port.read(1) == b"a"
        start_s = time.monotonic()
        link.send(Scanner(ScannerSettings(inter_character_delay_s=0.02)).scan("123456"))
        assert port.read_until(b"\r") == b"123456\r"

        assert time.monotonic() - start_s >= 6 * 0.02


@pytest.mark.parametrize("make", SERIAL_LINKS)
def test_a_printer_answers_on_a_serial_port(make: Serving) -> None:
    printer = Printer()
    with make(printer.receive) as link, closing(open_serial(link.url)) as port:
        port.write(b"Bonjour\n\x1dVB\x00\x10\x04\x01")

        assert port.read(1) == b"\x12"
        assert [slip.text for slip in printer.slips] == ["Bonjour"]


@pytest.mark.parametrize("make", SERIAL_LINKS)
def test_no_byte_is_changed_on_the_way(make: Serving) -> None:
    every_byte = bytes(range(256)) * 8
    with make(echo) as link, closing(open_serial(link.url)) as port:
        received = b""
        for at in range(0, len(every_byte), 512):
            port.write(every_byte[at : at + 512])
            received += port.read(512)

        assert received == every_byte


def test_much_more_than_the_buffers_hold_arrives_complete_and_in_order() -> None:
    payload = bytes(range(251)) * 20_000
    with TcpLink() as link, connect(link) as host:
        link.send([(0.0, payload), (0.0, b"end")])
        received = bytearray()
        while len(received) < len(payload) + 3:
            chunk = host.recv(65536)
            assert chunk
            received += chunk

    assert received == payload + b"end"


def test_a_network_printer_reports_a_fault_by_itself_and_can_be_waited_for() -> None:
    printer = Printer()
    with TcpLink(printer.receive) as link, connect(link) as host:
        host.sendall(b"\x1da\xff")
        assert host.recv(4) == b"\x10\x00\x00\x00"

        link.apply(lambda: printer.set_sensors(paper_end=True))
        assert host.recv(4) == b"\x18\x00\x0f\x00"

        host.sendall(b"waits\n\x1dVB\x00")
        assert not link.wait_for(lambda: bool(printer.slips), 0.05)
        link.apply(lambda: printer.set_sensors(paper_end=False))
        assert link.wait_for(lambda: bool(printer.slips), TIMEOUT_S)


def test_a_second_host_is_served_when_the_first_has_gone() -> None:
    printer = Printer()
    with TcpLink(printer.receive) as link, connect(link) as first, connect(link) as second:
        first.sendall(b"\x10\x04\x01")
        assert first.recv(1) == b"\x12"
        second.sendall(b"\x10\x04\x04")
        second.settimeout(0.05)
        with pytest.raises(TimeoutError):
            second.recv(1)
        second.settimeout(TIMEOUT_S)
        first.close()
        assert second.recv(1) == b"\x12"


def test_what_was_meant_for_a_host_that_has_gone_is_not_given_to_the_next() -> None:
    with TcpLink(scheme="socket") as link:
        with closing(open_serial(link.url)):
            assert link.wait_for(lambda: link.connected, TIMEOUT_S)
            link.send([(60.0, b"stale")])
        assert link.wait_for(lambda: not link.connected, TIMEOUT_S)
        with closing(open_serial(link.url)) as port:
            link.send([(0.0, b"fresh")])
            assert port.read(5) == b"fresh"


@pytest.mark.parametrize("make", [*SERIAL_LINKS, pytest.param(TcpLink, id="tcp")])
def test_closing_ends_every_wait_and_joins_the_thread(make: Serving) -> None:
    threads = threading.active_count()
    link = make()
    assert threading.active_count() == threads + 1
    link.send([(60.0, b"never")])
    waited: list[bool] = []
    waiter = threading.Thread(target=lambda: waited.append(link.wait_for(lambda: False, 60.0)))
    waiter.start()
    start_s = time.monotonic()

    link.close()
    link.close()
    waiter.join(TIMEOUT_S)

    assert waited == [False]
    assert threading.active_count() == threads
    assert time.monotonic() - start_s < TIMEOUT_S


def test_a_host_notices_that_the_cable_is_pulled() -> None:
    with TcpLink() as link, connect(link) as host:
        assert link.wait_for(lambda: link.connected, TIMEOUT_S)
        link.close()
        assert host.recv(1) == b""


def test_a_memory_link_needs_no_thread() -> None:
    printer = Printer()
    threads = threading.active_count()
    with MemoryLink(printer.receive) as link:
        assert threading.active_count() == threads
        link.write(b"Bonjour\n\x10\x04\x01\x1dI\x43")
        assert link.read(1) == b"\x12"
        assert link.read() == b"_TM80\x00"
        assert link.read() == b""
        link.send([(60.0, b"now")])
        assert link.read() == b"now"
        assert link.wait_for(lambda: printer.uncut.text == "Bonjour", 0.0)
    with pytest.raises(SimError, match="LINK_CLOSED"):
        link.write(b"late")
    with pytest.raises(SimError, match="LINK_CLOSED"):
        link.read()


def test_a_system_without_ptys_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.openpty", raising=False)

    with pytest.raises(SimError) as missing:
        PtyLink()

    assert missing.value.code == "PTY_UNAVAILABLE"
