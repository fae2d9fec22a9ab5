"""A printer on a serial port: the ticket comes out, and a printer that says "wait" is waited for, not for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator

import pytest
import serial

from cvconnect_drivers.errors import ConfigurationError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links import serial as serial_links
from cvconnect_drivers.links.serial import SerialPort, open_serial
from cvconnect_drivers.printers import targets
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.shapes import PrintResult
from cvconnect_sim.links import PtyLink
from cvconnect_sim.printer import Printer
from slips import QUERY, TICKET, TICKET_TEXT, TIMEOUT_S, Paper, PaperLine, claimed, slip_texts, took_s

XON, XOFF = b"\x11", b"\x13"


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, PtyLink], None, None]:
    printer = Printer()
    with PtyLink(printer.receive) as link:
        yield printer, link


@pytest.mark.parametrize("query", ["", "?flow=none", "?flow=xonxoff&baud=115200", "?flow=rtscts"])
def test_the_ticket_comes_out_on_a_serial_port(counterpart: tuple[Printer, PtyLink], query: str) -> None:
    simulated, link = counterpart
    result = claimed(link.url + query).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("printed", None)
    assert slip_texts(simulated) == [TICKET_TEXT]
    assert simulated.unknown_commands == []


def test_the_port_is_free_between_two_tickets(counterpart: tuple[Printer, PtyLink]) -> None:
    _, link = counterpart
    printer = claimed(link.url)
    for number in range(2):
        with serial.Serial(link.path, exclusive=True):
            pass
        assert printer.print(TICKET, job_id=f"T1-{number}", timeout_s=TIMEOUT_S).outcome == "printed"


def test_a_port_that_another_program_holds_is_sent_nothing(counterpart: tuple[Printer, PtyLink]) -> None:
    simulated, link = counterpart
    with serial.Serial(link.path, exclusive=True):
        result = claimed(link.url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "autre programme" in result.detail
    assert slip_texts(simulated) == []


def test_a_port_that_is_not_there_is_sent_nothing() -> None:
    result = claimed("serial:///dev/ttyUSB-none").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "introuvable" in result.detail


# --- By identity ----------------------------------------------------------------------------------------------------


def plug(monkeypatch: pytest.MonkeyPatch, *ports: SerialPort) -> None:
    monkeypatch.setattr(targets, "list_serial", lambda: list(ports))


def port(path: str, number: str) -> SerialPort:
    return SerialPort(path, 0x0403, 0x6001, number, "1-4", "UART")


def test_a_printer_is_found_by_its_identity_under_whatever_name(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink]
) -> None:
    simulated, link = counterpart
    printer = open_printer("serial:?vendor=0403&product=6001&serial=A1", {})
    plug(monkeypatch)
    printer.claim(timeout_s=TIMEOUT_S)
    assert printer.check_health().state == "absent"
    plug(monkeypatch, port("/dev/ttyUSB-none", "B2"), port(link.path, "A1"))
    assert printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert slip_texts(simulated) == [TICKET_TEXT]


def test_of_two_printers_that_fit_none_is_guessed(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink]
) -> None:
    simulated, link = counterpart
    plug(monkeypatch, port("/dev/ttyUSB-none", "B2"), port(link.path, "A1"))
    result = claimed("serial:?vendor=0403").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "DEVICE_AMBIGUOUS")
    assert "serial=A1" in result.detail
    assert slip_texts(simulated) == []


@pytest.mark.parametrize(
    "url",
    [
        "serial:",
        "serial:///dev/ttyUSB0?baud=fast",
        "serial:///dev/ttyUSB0?flow=dtrdsr",
        "serial:///dev/ttyUSB0?vendor=0403",
        "serial:socket://127.0.0.1:4001",
        "serial:?vendor=12345",
        "usb:04b8",
        "device:",
        "device:/dev/usb/lp0?baud=9600",
    ],
)
def test_an_address_that_cannot_be_is_refused_before_anything_is_opened(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_printer(url, {})
    assert refused.value.text("fr") != refused.value.text("en")


# --- Flow control ---------------------------------------------------------------------------------------------------


class Hesitant:
    """A printer that says "wait" as soon as it has told its state.

    Args:
        waits_s: How long it wants to be waited for; None for ever.
    """

    def __init__(self, waits_s: float | None) -> None:
        self.printer = Printer()
        self.link = PtyLink(self._receive)
        self._waits_s = waits_s
        self._queries = 0

    def _receive(self, data: bytes) -> bytes:
        answer = self.printer.receive(data)
        self._queries += data.count(QUERY)
        if self._queries < 4:
            return answer
        self._queries = -1_000_000
        self.link.send([(0.0, answer + XOFF)])
        if self._waits_s is not None:
            self.link.send([(self._waits_s, XON)])
        return b""


def test_a_printer_that_says_wait_for_ever_ends_at_the_deadline_and_the_next_ticket_is_whole() -> None:
    hesitant = Hesitant(None)
    with hesitant.link as link:
        printer = open_printer(f"{link.url}?flow=xonxoff", {})
        printer._claimed = True
        results: list[PrintResult] = []
        assert took_s(lambda: results.append(printer.print(TICKET, job_id="T1-1", timeout_s=4.0))) < 8.0
        assert [(each.outcome, each.reason) for each in results] == [("unknown", "LINK_TIMEOUT")]
        assert slip_texts(hesitant.printer) == []
        link.send([(0.0, XON)])
        assert printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    written = [text for text in slip_texts(hesitant.printer) if text]
    assert written == [TICKET_TEXT], "nothing of the ticket that was given up"


def test_a_printer_that_says_wait_is_waited_for() -> None:
    hesitant = Hesitant(0.3)
    with hesitant.link as link:
        printer = open_printer(f"{link.url}?flow=xonxoff", {})
        printer._claimed = True
        results: list[PrintResult] = []
        assert took_s(lambda: results.append(printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S))) > 0.3
    assert [each.outcome for each in results] == ["printed"]
    assert slip_texts(hesitant.printer) == [TICKET_TEXT]


def test_a_small_buffer_that_says_wait_again_and_again_gets_every_byte_in_order() -> None:
    data = bytes(range(0x20, 0x7F)) * 4_000
    received = bytearray()
    waits = 0

    def receive(chunk: bytes) -> bytes:
        nonlocal waits
        before = len(received) // 50_000
        received.extend(chunk)
        if len(received) // 50_000 == before:
            return b""
        waits += 1
        link.send([(0.0, XOFF), (0.02, XON)])
        return b""

    with PtyLink(receive) as link:
        port = open_serial(link.path, baud=9600, flow="xonxoff")
        port.write(data, timeout_s=TIMEOUT_S)
        assert link.wait_for(lambda: len(received) >= len(data), TIMEOUT_S)
        port.close()
    assert bytes(received) == data
    assert waits > 3


def test_of_a_write_that_was_stopped_nobody_says_how_much_arrived() -> None:
    with PtyLink(lambda _data: XOFF) as link:
        port = open_serial(link.path, baud=9600, flow="xonxoff")
        with pytest.raises(LinkTimeoutError) as late:
            port.write(b"\x00" * 1_000_000, timeout_s=0.3)
        assert late.value.sent_bytes is None
        assert took_s(port.close) < 1.0
        port.close()


def test_without_time_nothing_is_sent(counterpart: tuple[Printer, PtyLink]) -> None:
    _, link = counterpart
    port = open_serial(link.path, baud=9600)
    with pytest.raises(LinkTimeoutError) as late:
        port.write(b"x", timeout_s=0.0)
    port.close()
    assert late.value.sent_bytes == 0


class Draining:
    """A port whose bytes leave slowly, or never."""

    def __init__(self, waiting: list[int]) -> None:
        self._waiting = waiting
        self.thrown_away = 0
        self.write_timeout: float | None = None

    @property
    def out_waiting(self) -> int:
        return self._waiting.pop(0) if len(self._waiting) > 1 else self._waiting[0]

    def write(self, data: bytes) -> int:
        return len(data)

    def reset_output_buffer(self) -> None:
        self.thrown_away += 1

    def close(self) -> None:
        pass


def test_a_write_ends_only_when_the_last_byte_has_left_this_computer() -> None:
    port = Draining([300, 200, 100, 0])
    serial_links.SerialLink(port, "COM3").write(b"x" * 300, timeout_s=TIMEOUT_S)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert port.out_waiting == 0
    assert port.thrown_away == 0


def test_bytes_that_never_leave_are_thrown_away_at_the_deadline() -> None:
    port = Draining([300])
    link = serial_links.SerialLink(port, "COM3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(LinkTimeoutError) as late:
        link.write(b"x" * 300, timeout_s=0.05)
    assert late.value.sent_bytes is None
    assert port.thrown_away == 1


@pytest.mark.parametrize("flow", ["none", "xonxoff"])
def test_status_and_flow_control_share_the_line(flow: str) -> None:
    printer = Printer()

    def receive(data: bytes) -> bytes:
        return b"".join(XON + bytes([byte]) + XON for byte in printer.receive(data))

    with PtyLink(receive) as link:
        till = claimed(f"{link.url}?flow={flow}")
        assert till.check_health().state == "ready"
        assert till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
        printer.set_sensors(paper_end=True)
        result = till.print(TICKET, job_id="T1-2", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "PAPER_END")


# --- Faults ---------------------------------------------------------------------------------------------------------


def test_a_printer_that_never_answers_gets_the_ticket_and_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.dialogue.QUERY_TIMEOUT_S", 0.1)
    monkeypatch.setattr("cvconnect_drivers.printers.printer.SILENT_S", 0.3)
    printer = Printer()

    def take(data: bytes) -> bytes:
        printer.receive(data)
        return b""

    with PtyLink(take) as link:
        result = claimed(link.url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
    assert slip_texts(printer) == [TICKET_TEXT]


def test_a_cable_pulled_in_mid_ticket_is_unknown() -> None:
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    printer = open_printer(f"serial://{os.ttyname(slave)}", {})
    printer._claimed = True

    def answer_and_vanish() -> None:
        for _ in range(4):
            assert os.read(master, 3)[:2] == QUERY
            os.write(master, b"\x12")
        os.read(master, 40)
        os.close(master)

    thread = threading.Thread(target=answer_and_vanish)
    thread.start()
    result = printer.print(Paper(PaperLine("x" * 48)), job_id="T1-1", timeout_s=TIMEOUT_S)
    thread.join()
    os.close(slave)
    assert (result.outcome, result.reason) == ("unknown", "LINK_LOST")


def test_a_link_that_was_closed_is_lost(counterpart: tuple[Printer, PtyLink]) -> None:
    _, link = counterpart
    port = open_serial(link.path, baud=9600)
    port.close()
    with pytest.raises(LinkLostError):
        port.write(b"x", timeout_s=1.0)
