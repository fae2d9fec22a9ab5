"""Printing through a python-escpos object that a till already holds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from escpos.exceptions import DeviceNotFoundError
from escpos.printer import Dummy, File, Network, Serial

from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.printers.escpos import Encoder, to_bytes
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.python_escpos import PythonEscposPrinter
from cvconnect_drivers.shapes import PrintResult
from cvconnect_pos.peripherals import Printer as PrinterOfTheSdk
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import Printer
from slips import TICKET, TICKET_TEXT, TIMEOUT_S, Paper, PaperLine, slip_texts, took_s

OUR_BYTES = to_bytes(Encoder(PROFILES["80mm"]).job(TICKET.lines(48)))


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, TcpLink], None, None]:
    printer = Printer()
    with TcpLink(printer.receive) as link:
        yield printer, link


def network(link: TcpLink) -> Any:
    return Network("127.0.0.1", int(link.url.rpartition(":")[2]))


def print_through(there: object) -> PrintResult:
    printer: PrinterOfTheSdk = PythonEscposPrinter(there)  # the type checkers see that it has the shape
    printer.claim(timeout_s=TIMEOUT_S)
    result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    printer.release()
    return PrintResult(result.outcome, result.reason, result.detail)


def test_a_ticket_through_a_network_object_is_confirmed_and_the_object_stays_open(
    counterpart: tuple[Printer, TcpLink],
) -> None:
    simulated, link = counterpart
    there = network(link)
    there.text("Avant\n")
    assert print_through(there).outcome == "printed"
    there.text("Après\n")
    there.cut()
    assert link.wait_for(lambda: len(simulated.slips) == 2, TIMEOUT_S)
    there.close()
    assert slip_texts(simulated) == [["Avant", *TICKET_TEXT], ["Après"]]


def test_its_deadlines_are_put_back(counterpart: tuple[Printer, TcpLink]) -> None:
    _, link = counterpart
    there = network(link)
    there.device.settimeout(7.5)
    print_through(there)
    assert there.device.gettimeout() == 7.5
    there.close()


def test_a_ticket_through_a_serial_object_is_confirmed() -> None:
    simulated = Printer()
    with PtyLink(simulated.receive) as link:
        there: Any = Serial(link.path, dsrdtr=False)
        assert print_through(there).outcome == "printed"
        assert there.device.is_open
        assert there.device.write_timeout is None
        there.close()
    assert slip_texts(simulated) == [TICKET_TEXT]


def test_a_fault_that_the_printer_tells_sends_nothing(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    simulated.set_sensors(paper_end=True)
    there = network(link)
    result = print_through(there)
    there.close()
    assert (result.outcome, result.reason) == ("not_sent", "PAPER_END")


def test_an_object_that_cannot_be_read_gets_our_bytes_and_nothing_else_and_is_unknown() -> None:
    there = Dummy()
    result = print_through(there)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
    assert result.detail
    assert there.output.lstrip(b"\x00") == OUR_BYTES


def test_a_file_object_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "lp0"
    there: Any = File(str(path))
    assert print_through(there).outcome == "unknown"
    assert not there.device.closed
    there.close()
    assert path.read_bytes().lstrip(b"\x00") == OUR_BYTES


class Usb:
    """As much of python-escpos's `Usb` as is used."""

    out_ep = 1
    timeout = 0
    device = object()

    def __init__(self) -> None:
        self.timeouts: list[int] = []

    def _raw(self, _data: bytes) -> None:
        self.timeouts.append(self.timeout)


def test_a_usb_object_which_has_no_deadline_gets_one_for_our_write() -> None:
    there = Usb()
    assert print_through(there).outcome == "unknown"
    assert len(there.timeouts) == 1
    assert 0 < there.timeouts[0] <= TIMEOUT_S * 1000
    assert there.timeout == 0


def test_after_our_ticket_the_tills_own_text_has_its_accents() -> None:
    there = Dummy()
    there.text("é")
    first = there.output
    print_through(there)
    there.clear()
    there.text("é")
    assert there.output == first, "the page is selected anew"


def test_a_page_that_the_till_has_fixed_is_fixed_again() -> None:
    there = Dummy()
    there.charcode("CP850")
    fixed = there.output
    there.clear()
    print_through(there)
    assert there.output.lstrip(b"\x00") == OUR_BYTES + fixed
    there.clear()
    there.text("é")
    assert there.output == "é".encode("cp850")


def test_a_printer_that_is_away_is_sent_nothing(tmp_path: Path) -> None:
    result = print_through(File(str(tmp_path / "no" / "lp0")))
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")


def test_an_object_that_was_told_not_to_complain_is_absent_too(tmp_path: Path) -> None:
    there = File(str(tmp_path / "no" / "lp0"))
    there.open(raise_not_found=False)
    result = print_through(there)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")


def test_a_connection_that_breaks_in_mid_ticket_is_unknown() -> None:
    def answer_and_hang_up() -> None:
        connection, _ = server.accept()
        with connection:
            for _ in range(8):
                while connection.recv(1) == b"\x00":
                    pass
                connection.recv(2, socket.MSG_WAITALL)
                connection.sendall(b"\x12")
            connection.recv(40, socket.MSG_WAITALL)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_and_hang_up)
        thread.start()
        there: Any = Network("127.0.0.1", server.getsockname()[1])
        result = print_through(there)
        thread.join()
        there.close()
    assert (result.outcome, result.reason) == ("unknown", "LINK_LOST")


class Stuck(Dummy):  # type: ignore[misc]
    """An object whose write ends by its own time-out."""

    def _raw(self, msg: bytes) -> None:
        raise TimeoutError


def test_a_write_that_times_out_is_unknown() -> None:
    result = print_through(Stuck())
    assert (result.outcome, result.reason) == ("unknown", "LINK_TIMEOUT")


def test_a_network_printer_that_stops_reading_ends_at_our_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.dialogue.QUERY_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        there: Any = Network("127.0.0.1", server.getsockname()[1], timeout=60)
        there.device.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        printer = PythonEscposPrinter(there)
        printer.claim(timeout_s=1.0)
        huge = Paper(*(PaperLine("x" * 48) for _ in range(1_900)))
        results: list[PrintResult] = []
        assert took_s(lambda: results.append(printer.print(huge, job_id="T", timeout_s=1.0))) < 2.0
        assert there.device.gettimeout() == 60
        there.close()
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "LINK_TIMEOUT")]


def test_a_printer_that_was_not_claimed_prints_nothing() -> None:
    there = Dummy()
    assert PythonEscposPrinter(there).print(TICKET, job_id="T", timeout_s=1.0).reason == "NOT_CLAIMED"
    assert there.output == b""


def test_its_columns_are_those_of_its_profile_and_its_name_is_given() -> None:
    printer = PythonEscposPrinter(Dummy(), profile="58mm", name="comptoir")
    assert (printer.name, printer.columns) == ("comptoir", 32)
    with pytest.raises(ConfigurationError) as unknown:
        PythonEscposPrinter(Dummy(), profile="A4")
    assert "80mm" in unknown.value.fr


class Unreachable:
    """What a `Network` object is before it was opened, with nobody at its address."""

    def __init__(self) -> None:
        self.host = "192.0.2.1"
        self.timeout = 60.0
        self.waited_s: list[float] = []

    @property
    def device(self) -> object:
        self.waited_s.append(self.timeout)
        raise DeviceNotFoundError


def test_an_object_that_is_not_open_yet_is_opened_within_the_deadline() -> None:
    there = Unreachable()
    printer = PythonEscposPrinter(there)
    printer.claim(timeout_s=0.3)
    assert printer.check_health().state == "absent"
    assert len(there.waited_s) == 1
    assert 0 < there.waited_s[0] <= 0.3
    assert there.timeout == 60.0


def test_an_object_that_is_opened_keeps_its_own_time_out(counterpart: tuple[Printer, TcpLink]) -> None:
    _, link = counterpart
    there = network(link)
    assert print_through(there).outcome == "printed"
    assert (there.timeout, there.device.gettimeout()) == (60, 60)
    there.close()
