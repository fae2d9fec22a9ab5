"""An address that is wrong is told in words, before its deadline; the drawer and the state are asked for on the same line."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from cvconnect_drivers.errors import DriverError, LinkAbsentError
from cvconnect_drivers.links import tcp
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.links.tcp import open_tcp, open_tcp_before
from cvconnect_drivers.printers.commands import PrintRasterBitImage
from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_drivers.printers.raster import Bitmap
from cvconnect_sim.links import TcpLink
from cvconnect_sim.printer import Printer
from slips import claimed, slip_texts


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, EscPosPrinter]]:
    simulated = Printer()
    with TcpLink(simulated.receive) as link:
        yield simulated, claimed(link.url)


def refused_address() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return "127.0.0.1", int(free.getsockname()[1])


def why_not(host: str, port: int, timeout_s: float = 1.0) -> str:
    with pytest.raises(LinkAbsentError) as caught:
        open_tcp(host, port, timeout_s=timeout_s)
    assert f"{host}:{port}" in caught.value.text("fr")
    assert caught.value.text("fr").endswith(".")
    return caught.value.text("fr")


def test_a_port_that_nobody_listens_on_is_told() -> None:
    assert "refuse la connexion" in why_not(*refused_address())


def test_a_name_that_nobody_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "inconnu du réseau" in why_not("imprimante.invalid", 9100)


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_an_address_without_a_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def connect_ex(*_: object) -> int:
        return number

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    assert "joignable" in why_not("127.0.0.1", 9100)


def test_an_address_that_says_nothing_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SLICE_S", 0.05)
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        began_s = time.monotonic()
        assert "joignable" in why_not("127.0.0.1", server.getsockname()[1], timeout_s=0.3)
        assert 0.25 < time.monotonic() - began_s < 10.0


def test_a_name_with_several_addresses_is_tried_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", refused_address())
        two = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))

        def both(*_: object, **__: object) -> list[object]:
            return [one, two]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        open_tcp("imprimante", port, timeout_s=1.0).close()


def test_an_ended_deadline_opens_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        deadline = Deadline(60.0)
        deadline.end()
        assert deadline.left_s() == 0
        try:
            open_tcp_before("127.0.0.1", server.getsockname()[1], deadline).close()
        except LinkAbsentError as error:
            assert error.code == "LINK_ABSENT"


def test_the_drawer_opens_and_no_ticket_comes_out(counterpart: tuple[Printer, EscPosPrinter]) -> None:
    simulated, printer = counterpart
    printer.open_drawer()
    printer.open_drawer(pin=5)
    printer.read_status()  # answered once what came before has been taken
    assert [(pulse.pin, pulse.on_ms, pulse.off_ms) for pulse in simulated.drawer_pulses] == [
        (2, 100, 500),
        (5, 100, 500),
    ]
    assert slip_texts(simulated) == []


def test_the_drawer_opens_after_a_ticket_that_was_torn_inside_an_image(
    counterpart: tuple[Printer, EscPosPrinter],
) -> None:
    simulated, printer = counterpart
    image = PrintRasterBitImage(Bitmap(64, bytes(64 * 80)))
    simulated.receive(image.to_bytes()[:100])
    printer._repair.torn([image])
    printer.open_drawer()
    printer.read_status()
    assert len(simulated.drawer_pulses) == 1


def test_the_state_is_told_field_by_field(counterpart: tuple[Printer, EscPosPrinter]) -> None:
    simulated, printer = counterpart
    simulated.set_sensors(paper_near_end=True, drawer_high=True)
    before_s = time.monotonic()
    status = printer.read_status()
    assert status.paper_near_end.value is True
    assert status.drawer_high.value is True
    assert status.cover_open.value is False
    assert status.cover_open.at_s is not None
    assert before_s <= status.cover_open.at_s <= time.monotonic()
    assert printer.status == status


def test_a_state_that_is_old_says_so() -> None:
    now_s = 100.0
    simulated = Printer()
    with TcpLink(simulated.receive) as link:
        made = open_printer(link.url, {})
        printer = EscPosPrinter(made.name, made._target, made._profile, clock=lambda: now_s)
        printer.claim(timeout_s=5.0)
        assert printer.check_health().detail == "Imprimante prête."
        now_s += 600
        assert printer.check_health().detail == "Imprimante prête. C’était il y a 10 min."
        assert printer.status.offline.age_s(now_s) == 600
        assert printer.check_health("external").detail == "Imprimante prête."


@pytest.mark.parametrize(
    "call", [EscPosPrinter.open_drawer, EscPosPrinter.read_status], ids=["drawer", "state"]
)
def test_what_cannot_be_asked_is_an_error_with_its_reason(call: Callable[[EscPosPrinter], object]) -> None:
    host, port = refused_address()
    printer = open_printer(f"tcp://{host}:{port}", {})
    codes: list[str] = []
    for claims in (False, True):
        if claims:
            printer.claim(timeout_s=1.0)
        with pytest.raises(DriverError) as caught:
            call(printer)
        codes.append(caught.value.code)
    with printer._busy, pytest.raises(DriverError) as caught:
        printer.read_status(timeout_s=0.01)
    assert [*codes, caught.value.code] == ["NOT_CLAIMED", "LINK_ABSENT", "LINK_TIMEOUT"]


@pytest.mark.parametrize("host", ["a" * 64, "é..fr"])
def test_a_name_that_no_network_can_have_is_told(host: str) -> None:
    assert "inconnu du réseau" in why_not(host, 9100)


def test_a_name_is_looked_for_no_longer_than_the_deadline_and_once_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end, searches = threading.Event(), list[object]()

    def slow(host: object, *_: object, **__: object) -> list[object]:
        searches.append(host)
        may_end.wait(10.0)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(tcp, "SLICE_S", 0.02)
    try:
        for _ in range(2):
            began_s = time.monotonic()
            assert "joignable" in why_not("lente.invalid", 9100, timeout_s=0.1)
            assert time.monotonic() - began_s < 9.0
        assert searches == ["lente.invalid"]
        deadline = Deadline(60.0)
        with ending(deadline, after_s=0.1), pytest.raises(LinkAbsentError):
            open_tcp_before("lente.invalid", 9100, deadline)
    finally:
        may_end.set()


@contextmanager
def ending(deadline: Deadline, *, after_s: float) -> Generator[None]:
    timer = threading.Timer(after_s, deadline.end)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_what_a_printer_said_and_nobody_read_cuts_nothing_off() -> None:
    page, got = bytes(range(256)) * 64, bytearray()

    def slow_printer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"\x10\x00\x00\x0f")
            said.set()
            while data := connection.recv(256):
                got.extend(data)
                may_read.wait(10.0)

    said, may_read = threading.Event(), threading.Event()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        server.bind(("127.0.0.1", 0))
        server.listen()
        thread = threading.Thread(target=slow_printer, args=(server,))
        thread.start()
        link = open_tcp("127.0.0.1", server.getsockname()[1], timeout_s=5.0)
        try:
            assert said.wait(5.0)
            link.write(page, timeout_s=5.0)
        finally:
            link.close()
            may_read.set()
            thread.join(10.0)
    assert bytes(got) == page


def names(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    """Let the system find this for any name."""

    def getaddrinfo(*_: object, **__: object) -> object:
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@contextmanager
def talkative_printer(*, gap_s: float, lasts_s: float = 10.0) -> Generator[tuple[int, bytearray]]:
    """A printer that says how it is all the time, and takes what it is sent slowly; it hangs up at the end of it."""
    got, may_end = bytearray(), threading.Event()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        speaker = threading.Thread(target=speak, args=(connection,))
        speaker.start()
        with connection:
            try:
                while data := connection.recv(256):
                    got.extend(data)
                    threading.Event().wait(gap_s)
            except OSError:
                pass
            finally:
                may_end.set()
                speaker.join()

    def speak(connection: socket.socket) -> None:
        until_s = time.monotonic() + lasts_s
        while not may_end.wait(0.001) and time.monotonic() < until_s:
            try:
                connection.sendall(b"\x10\x00\x00\x0f")
            except OSError:
                return

    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        server.bind(("127.0.0.1", 0))
        server.listen()
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1], got
        finally:
            thread.join(10.0)


def test_a_printer_that_speaks_on_after_the_ticket_has_all_of_it() -> None:
    page = bytes(range(256)) * 64
    with talkative_printer(gap_s=0.002) as (port, got):
        link = open_tcp("127.0.0.1", port, timeout_s=5.0)
        link.write(page, timeout_s=5.0)
        link.close()
    assert bytes(got) == page


def test_a_use_that_another_thread_ends_cuts_off_nothing_that_was_written() -> None:
    page = bytes(range(256)) * 64
    with talkative_printer(gap_s=0.002) as (port, got):
        deadline = Deadline(5.0)
        link = open_tcp_before("127.0.0.1", port, deadline)
        link.write(page, timeout_s=5.0)
        deadline.end()
        link.close()
    assert bytes(got) == page


@pytest.mark.parametrize("timeout_s", [0.2, 60.0])
def test_a_printer_that_never_hangs_up_is_listened_to_for_a_bounded_time_within_the_deadline(
    timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[float] = []
    listen_out = tcp.TcpLink._listen_out

    def noting(link: tcp.TcpLink, deadline: Deadline) -> None:
        waits_s.append(deadline.left_s())
        listen_out(link, deadline)

    monkeypatch.setattr(tcp.TcpLink, "_listen_out", noting)
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_tcp("127.0.0.1", server.getsockname()[1], timeout_s=timeout_s)
        there, _ = server.accept()
        with there:
            link.write(b"x", timeout_s=1.0)
            began_s = time.monotonic()
            link.close()
            link.close()
            assert time.monotonic() - began_s < 10.0
    assert 0.0 <= waits_s[0] <= min(timeout_s, tcp.LINGER_S)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have 127.0.0.1 alone")
def test_a_silent_address_does_not_use_up_the_time_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.2", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        for _ in range(2):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(("127.0.0.2", port))
        there = stack.enter_context(socket.create_server(("127.0.0.3", port)))
        both = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("127.0.0.2", "127.0.0.3")
        ]
        names(monkeypatch, both)
        began_s = time.monotonic()
        link = open_tcp("imprimante", port, timeout_s=30.0)
        try:
            assert time.monotonic() - began_s < 10.0
            link.write(b"ticket", timeout_s=1.0)
            connection, _ = there.accept()
            with connection:
                assert connection.recv(6) == b"ticket"
        finally:
            link.close()


def test_an_address_that_is_slow_is_not_given_up_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answers late, the second never: what was begun goes on beside it."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.socket()) for _ in range(2)]
        filling: list[socket.socket] = []
        for server in servers:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            for _ in range(2):
                filling.append(stack.enter_context(socket.socket()))
                filling[-1].setblocking(False)
                filling[-1].connect_ex(server.getsockname())
        both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each.getsockname()) for each in servers]
        names(monkeypatch, both)

        def make_room() -> None:
            for _ in range(2):
                servers[0].accept()[0].close()

        timer = threading.Timer(0.6, make_room)
        timer.start()
        try:
            open_tcp("imprimante", 9100, timeout_s=30.0).close()
        finally:
            timer.join()
