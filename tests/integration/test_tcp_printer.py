"""A network printer: what comes out on paper, and what is known when it does not."""

from __future__ import annotations

import math
import re
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_drivers.links import memory
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.printer import LAST_QUERY_S, EscPosPrinter, open_printer
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.repair import Repair
from cvconnect_drivers.shapes import Align, PrintResult
from cvconnect_sim.links import TcpLink
from cvconnect_sim.printer import Printer

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


class Paper:
    def __init__(self, *lines: PaperLine) -> None:
        self._lines = lines

    def lines(self, columns: int) -> Sequence[PaperLine]:
        assert columns > 0
        return self._lines


TICKET = Paper(
    PaperLine("CHÈQUE-VACANCES CONNECT", "center", bold=True),
    PaperLine("Camping L’Œuf Bleu", "center"),
    PaperLine("Montant demandé                          45,50\u00a0€"),
    PaperLine("Montant réglé                            30,00\u00a0€", bold=True),
    PaperLine("SIMULATION - SANS VALEUR", "right"),
)


def claimed(url: str) -> EscPosPrinter:
    printer = open_printer(url, {})
    printer.claim(timeout_s=TIMEOUT_S)
    return printer


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, TcpLink], None, None]:
    printer = Printer()
    with TcpLink(printer.receive) as link:
        yield printer, link


def printed_text(printer: Printer) -> list[str]:
    return [line.text.strip() for slip in printer.slips for line in slip.lines if line.text.strip()]


def test_the_paper_says_what_the_document_says(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    result = claimed(link.url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("printed", None)
    assert printed_text(simulated) == [line.text.strip() for line in TICKET.lines(48)]
    assert len(simulated.slips) == 1
    assert simulated.unknown_commands == []


def test_two_tickets_are_two_slips(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    printer = claimed(link.url)
    for number in range(2):
        assert printer.print(TICKET, job_id=f"T1-{number}", timeout_s=TIMEOUT_S).outcome == "printed"
    assert len(simulated.slips) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"paper_end": True}, "PAPER_END"),
        ({"cover_open": True}, "COVER_OPEN"),
        ({"offline": True}, "OFFLINE"),
    ],
)
def test_a_printer_that_cannot_print_is_sent_nothing(
    counterpart: tuple[Printer, TcpLink], fault: dict[str, bool], reason: str
) -> None:
    simulated, link = counterpart
    printer = claimed(link.url)
    simulated.set_sensors(**fault)
    result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", reason)
    assert result.detail
    assert printer.check_health().state == "degraded"
    simulated.set_sensors(**dict.fromkeys(fault, False))
    assert printed_text(simulated) == []
    assert printer.check_health("external").state == "ready"
    assert printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"


def test_little_paper_is_told_and_stops_nothing(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    simulated.set_sensors(paper_near_end=True)
    printer = claimed(link.url)
    assert "papier" in printer.check_health("external").detail
    assert printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"


def test_a_printer_that_is_away_is_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    printer = claimed(f"tcp://127.0.0.1:{port}")
    assert printer.check_health().state == "absent"
    result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")


class Stranger:
    """A device that behaves as a test says, one connection after another."""

    def __init__(self, *behaviours: Callable[[socket.socket], None]) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        # As little as a printer holds, so that a ticket does not disappear into the kernel.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._server.settimeout(TIMEOUT_S)
        self._behaviours = behaviours
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    def _serve(self) -> None:
        for behave in self._behaviours:
            connection, _ = self._server.accept()
            with connection:
                connection.settimeout(TIMEOUT_S)
                behave(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(2 * TIMEOUT_S)
        self._server.close()


def answer_status(connection: socket.socket) -> None:
    """Say "all is well" to `DLE EOT 1` to `4`."""
    for _ in range(4):
        assert question(connection)[:2] == b"\x10\x04"
        connection.sendall(b"\x12")


def question(connection: socket.socket) -> bytes:
    """Read three bytes behind whatever completes a command that may have been cut."""
    first = b"\x00"
    while first == b"\x00":
        first = connection.recv(1)
    return first + connection.recv(2, socket.MSG_WAITALL)


def read_until_closed(connection: socket.socket) -> bytes:
    data = b""
    while chunk := connection.recv(4096):
        data += chunk
    return data


def swallow(connection: socket.socket) -> None:
    answer_status(connection)
    read_until_closed(connection)


def cut_in_mid_ticket(connection: socket.socket) -> None:
    answer_status(connection)
    connection.recv(40, socket.MSG_WAITALL)


def test_a_connection_cut_in_mid_ticket_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escpos, "MAX_JOB_CHARACTERS", 10_000_000)
    with Stranger(answer_status, cut_in_mid_ticket) as stranger:
        printer = claimed(stranger.url)
        long = Paper(*(PaperLine("x" * 48) for _ in range(20_000)))
        result = printer.print(long, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert result.outcome == "unknown"
    assert result.reason == "LINK_LOST"


def test_after_a_cut_the_next_job_starts_at_a_command_boundary() -> None:
    received: list[bytes] = []

    questions: list[bytes] = []

    def keep(connection: socket.socket) -> None:
        questions.append(connection.recv(64, socket.MSG_PEEK))
        answer_status(connection)
        received.append(read_until_closed(connection))

    ticket = Paper(PaperLine(qr="https://exemple.fr/p/0123456789"))
    with Stranger(answer_status, cut_in_mid_ticket, keep) as stranger:
        printer = claimed(stranger.url)
        assert printer.print(ticket, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "unknown"
        printer.print(ticket, job_id="T1-2", timeout_s=1.0)
    filler = received[0][: received[0].index(b"\x1b@")]
    assert set(filler) == {0}
    assert len(filler) > 40
    assert questions[0].startswith(b"\x00" * 40), "a question that is not eaten by the torn command"


def test_a_torn_ticket_and_the_next_one_are_two_slips() -> None:
    encoder = escpos.Encoder(PROFILES["80mm"])
    torn = [*encoder.job(TICKET.lines(48)), escpos.RequestProcessId(b"00A1")]
    data, following = escpos.to_bytes(torn), Paper(PaperLine("Le suivant"), PaperLine("45,50\u00a0€"))
    for cut in range(1, len(data)):
        simulated = Printer()
        simulated.receive(data[:cut])
        repair = Repair()
        repair.torn(torn)
        simulated.receive(repair.before_job([]) + escpos.to_bytes(encoder.job(following.lines(48))))
        texts = [[line.text.strip() for line in slip.lines if line.text.strip()] for slip in simulated.slips]
        assert texts[-1] == ["Le suivant", "45,50\u00a0€"], cut
        assert "Le suivant" not in str(texts[:-1])


def took_s(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def test_a_printer_that_takes_the_ticket_and_says_nothing_is_unknown() -> None:
    with Stranger(answer_status, swallow) as stranger:
        printer = claimed(stranger.url)
        started = time.monotonic()
        result = printer.print(TICKET, job_id="T1-1", timeout_s=1.5)
        assert time.monotonic() - started < 2.5
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")


def keep_in(received: list[bytes]) -> Callable[[socket.socket], None]:
    """Take everything, answer nothing."""
    return lambda connection: received.append(read_until_closed(connection))


def test_a_silent_printer_is_not_waited_for_until_the_deadline_and_only_once_for_its_confirmation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.dialogue.QUERY_TIMEOUT_S", 0.1)
    monkeypatch.setattr("cvconnect_drivers.printers.printer.SILENT_S", 1.0)
    received: list[bytes] = []
    results: list[PrintResult] = []
    with Stranger(*[keep_in(received)] * 5) as stranger:
        printer = claimed(stranger.url)
        times_s = [
            took_s(lambda: results.append(printer.print(TICKET, job_id="T1-1", timeout_s=30.0)))
            for _ in range(2)
        ]
        printer.release()
        printer.claim(timeout_s=TIMEOUT_S)
        printer.print(TICKET, job_id="T1-1", timeout_s=30.0)
    assert 1.0 < times_s[0] < 5.0
    assert times_s[1] < 1.0
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "NO_ANSWER")] * 2
    asked = [b"\x1d(H" in data for data in received]
    assert asked == [False, True, False, False, True]
    whole = [data.count(b"SIMULATION - SANS VALEUR") for data in received]
    assert whole == [0, 1, 1, 0, 1]
    assert received[2].startswith(b"\x10\x04\x01\x1b@"), "a ticket that was sent whole is not torn"


def answer_status_only(connection: socket.socket) -> None:
    data = b""
    while chunk := connection.recv(4096):
        data += chunk
        for _ in range(chunk.count(b"\x10\x04")):
            connection.sendall(b"\x12")


def test_a_printer_that_is_told_to_confirm_nothing_counts_as_printed_once_it_says_that_it_is_ready() -> None:
    with Stranger(*[answer_status_only] * 2) as stranger:
        printer = open_printer(stranger.url, {"confirm": "none"})
        printer.claim(timeout_s=TIMEOUT_S)
        assert took_s(lambda: printer.print(TICKET, job_id="T1-1", timeout_s=30.0)) < 2.0
        assert printer.check_health().state == "ready"
    with Stranger(*[answer_status_only] * 1) as stranger:
        printer = open_printer(f"{stranger.url}?confirm=none", {})
        printer._claimed = True
        assert printer.print(TICKET, job_id="T1-1", timeout_s=30.0).outcome == "printed"


def test_a_silent_printer_that_is_told_to_confirm_nothing_stays_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.dialogue.QUERY_TIMEOUT_S", 0.1)
    received: list[bytes] = []
    with Stranger(*[keep_in(received)] * 2) as stranger:
        printer = open_printer(stranger.url, {"confirm": "none"})
        printer.claim(timeout_s=TIMEOUT_S)
        result = printer.print(TICKET, job_id="T1-1", timeout_s=30.0)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
    assert result.detail
    assert b"\x1d(H" not in received[1]


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", bytes(range(32, 256))])
def test_noise_is_no_state_and_blocks_no_ticket(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.printer.SILENT_S", 0.3)
    received: list[bytes] = []

    def babble(connection: socket.socket) -> None:
        connection.sendall(said)
        data = b""
        while chunk := connection.recv(4096):
            data += chunk
            connection.sendall(said)
        received.append(data)

    with Stranger(*[babble] * 2) as stranger:
        printer = claimed(stranger.url)
        assert printer.check_health().state == "unknown"
        result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
    assert b"SIMULATION - SANS VALEUR" in received[1]


def test_a_late_answer_is_not_taken_for_that_of_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.printers.dialogue.QUERY_TIMEOUT_S", 0.1)
    monkeypatch.setattr("cvconnect_drivers.printers.printer.SILENT_S", 0.5)

    def answer_late(connection: socket.socket) -> None:
        question(connection)
        threading.Event().wait(0.3)
        connection.sendall(b"\x16")  # to DLE EOT 2 it would mean: cover open
        read_until_closed(connection)

    with Stranger(answer_late) as stranger:
        printer = open_printer(stranger.url, {})
        printer._claimed = True
        result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")


def test_a_printer_without_status_is_given_the_ticket_all_the_same() -> None:
    received: list[bytes] = []
    with Stranger(lambda connection: received.append(read_until_closed(connection))) as stranger:
        printer = open_printer(stranger.url, {})
        printer._claimed = True
        result = printer.print(TICKET, job_id="T1-1", timeout_s=3.0)
    assert (result.outcome, result.reason) == ("unknown", "NO_ANSWER")
    assert b"SIMULATION - SANS VALEUR" in received[0]


def test_a_printer_that_runs_out_of_paper_in_mid_ticket_is_unknown_with_its_reason() -> None:
    def run_out(connection: socket.socket) -> None:
        answer_status(connection)
        data = b""
        while b"\x10\x04\x01" not in data:
            data += connection.recv(4096)
        connection.sendall(b"\x1a")
        for answer in (b"\x32", b"\x12", b"\x72"):
            connection.recv(3, socket.MSG_WAITALL)
            connection.sendall(answer)

    with Stranger(answer_status, run_out) as stranger:
        result = claimed(stranger.url).print(TICKET, job_id="T1-1", timeout_s=1.5)
    assert (result.outcome, result.reason) == ("unknown", "PAPER_END")


def confirm(connection: socket.socket) -> None:
    """Answer every question, and confirm the ticket."""
    data = b""
    while chunk := connection.recv(1):
        data += chunk
        if data.endswith((b"\x10\x04\x01", b"\x10\x04\x02", b"\x10\x04\x03", b"\x10\x04\x04")):
            connection.sendall(b"\x12")
        elif b"\x1d(H\x06\x0000" in data[-11:-4] and len(data[data.rindex(b"\x1d(H") :]) == 11:
            connection.sendall(b"\x37\x22" + data[-4:] + b"\x00")


def test_a_printer_that_confirmed_and_falls_silent_was_most_probably_switched_off() -> None:
    with Stranger(answer_status, confirm, swallow, confirm) as stranger:
        printer = claimed(stranger.url)
        results = [printer.print(TICKET, job_id=f"T1-{n}", timeout_s=2.0) for n in range(3)]
    assert [(each.outcome, each.reason) for each in results] == [
        ("printed", None),
        ("unknown", "SILENT"),
        ("printed", None),
    ]
    assert results[1].detail.endswith(".")


def test_one_that_falls_silent_at_its_first_ticket_is_asked_to_confirm_the_next() -> None:
    with Stranger(answer_status, swallow, confirm) as stranger:
        printer = claimed(stranger.url)
        results = [printer.print(TICKET, job_id=f"T1-{n}", timeout_s=2.0) for n in range(2)]
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "NO_ANSWER"), ("printed", None)]


def test_one_that_had_no_time_to_confirm_its_first_ticket_is_asked_to_confirm_the_next() -> None:
    with Stranger(answer_status, answer_status_only, confirm) as stranger:
        printer = claimed(stranger.url)
        results = [printer.print(TICKET, job_id="T1-1", timeout_s=each) for each in (LAST_QUERY_S, TIMEOUT_S)]
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "NO_ANSWER"), ("printed", None)]


def test_a_slow_printer_is_waited_for() -> None:
    def dawdle(connection: socket.socket) -> None:
        answer_status(connection)
        data = b""
        while b"\x1d(H\x06\x0000" not in data[:-4]:
            data += connection.recv(1)
        process_id = data[-4:] if len(data[data.index(b"\x1d(H") :]) == 11 else b""
        while len(process_id) < 4:
            process_id += connection.recv(1)
        threading.Event().wait(0.3)
        for byte in b"\xff\x37\x22" + process_id[-4:] + b"\x00":
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.01)
        read_until_closed(connection)

    with Stranger(answer_status, dawdle) as stranger:
        result = claimed(stranger.url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert result.outcome == "printed"


def test_a_printer_that_stops_reading_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escpos, "MAX_JOB_CHARACTERS", 10_000_000)
    done = threading.Event()

    def stop_reading(connection: socket.socket) -> None:
        answer_status(connection)
        done.wait(TIMEOUT_S)

    with Stranger(answer_status, stop_reading) as stranger:
        printer = claimed(stranger.url)
        huge = Paper(*(PaperLine("x" * 9_999) for _ in range(600)))
        started = time.monotonic()
        result = printer.print(huge, job_id="T1-1", timeout_s=1.5)
        took_s = time.monotonic() - started
        done.set()
    assert (result.outcome, result.reason) == ("unknown", "LINK_TIMEOUT")
    assert took_s < 3.0


def test_a_character_that_no_printer_has_costs_no_ticket(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    ticket = Paper(PaperLine("Crêperie \U0001f3d6"), PaperLine("Montant réglé 30,00\u00a0€"))
    assert claimed(link.url).print(ticket, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert printed_text(simulated) == ["Montant réglé 30,00\u00a0€"]
    (slip,) = simulated.slips
    assert any(slip.rows[: slip.lines[0].y_dots]), "the first line was drawn"


def test_a_control_character_sends_nothing(counterpart: tuple[Printer, TcpLink]) -> None:
    simulated, link = counterpart
    result = claimed(link.url).print(Paper(PaperLine("a\x1bb")), job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "CONTROL_CHARACTER")
    assert "U+001B" in result.detail
    assert printed_text(simulated) == []


def test_every_ticket_that_did_not_come_out_has_a_sentence_for_the_person_at_the_till() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    printer = open_printer(f"tcp://127.0.0.1:{port}", {})
    unclaimed = printer.print(TICKET, job_id="T1-1", timeout_s=1.0)
    printer.claim(timeout_s=1.0)
    printer._busy.acquire()
    busy = printer.print(TICKET, job_id="T1-1", timeout_s=0.01)
    printer._busy.release()
    away = printer.print(TICKET, job_id="T1-1", timeout_s=1.0)
    assert [each.reason for each in (unclaimed, busy, away)] == ["NOT_CLAIMED", "BUSY", "LINK_ABSENT"]
    assert all(each.detail.endswith(".") for each in (unclaimed, busy, away))


def test_a_roll_in_memory_keeps_what_was_printed_until_it_is_torn_off() -> None:
    result = claimed("memory:roll-of-this-test").print(TICKET, job_id="T1-1", timeout_s=1)
    assert result.outcome == "printed"
    assert b"SIMULATION" in memory.written("roll-of-this-test")
    assert memory.tear_off("roll-of-this-test").endswith(b"\x1dVB\x00")
    assert memory.written("roll-of-this-test") == b""


def test_a_till_that_starts_again_asks_for_another_confirmation_of_the_same_job() -> None:
    requests: list[bytes] = []
    simulated = Printer()

    def receive(data: bytes) -> bytes:
        requests.extend(re.findall(rb"\x1d\(H\x06\x0000(....)", data))
        return simulated.receive(data)

    with TcpLink(receive) as link:
        for _ in range(2):
            assert claimed(link.url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert len(set(requests)) == 2


@pytest.mark.parametrize("timeout_s", [0.0, -0.5, -1.0])
def test_whoever_has_no_time_waits_for_no_other_ticket(timeout_s: float) -> None:
    asleep, silent = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        printer = open_printer(f"tcp://127.0.0.1:{server.getsockname()[1]}", {})
        printer.claim(timeout_s=0.1)

        def first() -> None:
            asleep.set()
            printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
            silent.set()

        thread = threading.Thread(target=first)
        thread.start()
        try:
            assert asleep.wait(TIMEOUT_S)
            began_s = time.monotonic()
            result = printer.print(TICKET, job_id="T1-2", timeout_s=timeout_s)
            assert result.outcome == "not_sent"
            assert time.monotonic() - began_s < 1.0
        finally:
            printer.release()
            thread.join(TIMEOUT_S)
        assert silent.is_set()


NO_TIME = [0, 0.0, -0.5, -math.inf, math.nan]
NO_END = [math.inf, 1e300, 10**400]


@pytest.mark.parametrize("timeout_s", NO_TIME)
@pytest.mark.parametrize("place", ["tcp", "memory", "file"])
def test_where_there_is_no_time_nothing_is_sent_and_nothing_is_said_of_the_printer(
    place: str, timeout_s: float, tmp_path: Path
) -> None:
    simulated, path = Printer(), tmp_path / "roll"
    with TcpLink(simulated.receive) as link:
        url = {"tcp": link.url, "memory": "memory:no-time", "file": f"file:{path}"}[place]
        printer = open_printer(url, {})
        printer.claim(timeout_s=timeout_s)
        assert printer.check_health().state == "unknown"
        printer.claim(timeout_s=TIMEOUT_S)
        result = printer.print(TICKET, job_id="T1-1", timeout_s=timeout_s)
        assert (result.outcome, result.reason) == ("not_sent", "LINK_TIMEOUT")
        for ask in (printer.open_drawer, printer.read_status):
            with pytest.raises(LinkTimeoutError):
                ask(timeout_s=timeout_s)
        assert printer.check_health().state == "ready"
        printer.release()
    assert simulated.slips == []
    assert simulated.drawer_pulses == []
    assert memory.written("no-time") == b""
    assert not path.exists() or not path.read_bytes()


@pytest.mark.parametrize("timeout_s", NO_END, ids=["inf", "1e300", "10**400"])
def test_whoever_waits_without_end_waits_as_long_as_a_system_can(
    timeout_s: float, counterpart: tuple[Printer, TcpLink], tmp_path: Path
) -> None:
    simulated, link = counterpart
    for url in (link.url, "memory:endless", f"file:{tmp_path / 'roll'}"):
        printer = open_printer(url, {})
        printer.claim(timeout_s=timeout_s)
        assert printer.print(TICKET, job_id="T1-1", timeout_s=timeout_s).outcome == "printed"
        printer.open_drawer(timeout_s=timeout_s)
        printer.read_status(timeout_s=timeout_s)
        printer.release()
    assert len(simulated.slips) == 1
    memory.tear_off("endless")
