"""Tickets of a whole till on a simulated printer: out of paper, open, switched off, in the middle of one; and after a restart."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cvconnect_pos import Payment, Station, TicketPrinted
from cvconnect_pos.tickets import CUSTOMER_COPY
from cvconnect_sim.counter import CUSTOMER, Counter
from cvconnect_sim.printer import Mishap, MishapKind

DEADLINE_S = 15.0


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    monkeypatch.setattr(
        "cvconnect_pos.printing.PRINT_S", 2.0
    )  # a confirmation that never comes is waited for
    with Counter(tmp_path) as counter:
        yield counter


def pay(counter: Counter, station: Station, request_id: str = "T1-1") -> Payment:
    payment = station.tender.request(
        request_id=request_id, amount_cents=4550, basket_ref=request_id, way="keyed", beneficiary=CUSTOMER
    )
    counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
    assert payment.wait(DEADLINE_S).is_paid
    return payment


def tickets(payment: Payment) -> list[TicketPrinted]:
    """What was told of tickets, when the payment is over."""
    return [event for event in payment if isinstance(event, TicketPrinted)]


def next_tickets(payment: Payment) -> list[TicketPrinted]:
    """What is told of tickets after the payment is over: written first, told a moment later."""
    told: list[TicketPrinted] = []

    def come() -> bool:
        told.extend(tickets(payment))
        return bool(told)

    until(come)
    return told


def slips(counter: Counter) -> list[str]:
    return [slip.text for slip in counter.printer.slips]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def whole(text: str) -> bool:
    lines = text.split("\n")
    return any("CHÈQUE-VACANCES CONNECT" in line for line in lines) and any("COPIE" in line for line in lines)


def test_a_ticket_without_paper_comes_out_when_there_is_some(counter: Counter) -> None:
    link, printer = counter.printer_link, counter.printer
    link.apply(lambda: printer.set_sensors(paper_end=True))
    with Station.open(counter.station_file) as station:
        payment = pay(counter, station)
        (event,) = tickets(payment)
        assert (event.outcome, event.reason, event.will_retry) == ("not_sent", "PAPER_END", True)
        (waits,) = station.waiting_tickets()
        assert (waits.request_id, waits.duplicate, waits.reason) == ("T1-1", False, "PAPER_END")
        payment.acknowledge()
        link.apply(printer.load_paper)
        until(lambda: not station.waiting_tickets())
        assert [event.outcome for event in next_tickets(payment)] == ["printed"]
    (slip,) = slips(counter)
    assert whole(slip)
    assert "DUPLICATA" not in slip


@pytest.mark.parametrize(
    ("kind", "mend"),
    [
        (MishapKind.PAPER_OUT, "load_paper"),
        (MishapKind.COVER_OPENED, "close_cover"),
        (MishapKind.POWER_CUT, "power_on"),
    ],
)
def test_a_fault_in_the_middle_of_a_ticket_is_followed_by_a_whole_duplicata(
    counter: Counter, kind: MishapKind, mend: str
) -> None:
    link, printer = counter.printer_link, counter.printer
    with Station.open(counter.station_file) as station:
        tickets(pay(counter, station, "T1-0"))
        printer.slips.clear()
        link.apply(lambda: printer.arm(Mishap(kind, after_dots=150)))
        payment = pay(counter, station)
        (event,) = tickets(payment)
        assert (event.outcome, event.will_retry) == ("unknown", True)
        link.apply(getattr(printer, mend))
        until(lambda: any("DUPLICATA" in slip and whole(slip) for slip in slips(counter)))
        until(lambda: not station.waiting_tickets())
        assert next_tickets(payment)[-1].outcome == "printed"
    assert sum(whole(slip) and "DUPLICATA" not in slip for slip in slips(counter)) <= 1
    assert sum("DUPLICATA" in slip for slip in slips(counter)) == 1


def test_a_printer_that_is_switched_off_in_the_middle_prints_one_duplicata_when_it_is_back(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, printer = counter.printer_link, counter.printer
    with Station.open(counter.station_file) as station:

        def pull_the_plug(data: bytes) -> bytes:
            if b"VACANCES" not in data:
                return printer.receive(data)
            printer.receive(data[: len(data) // 2])
            printer.power_off()
            link.hang_up()
            return b""

        monkeypatch.setattr(link, "_receive", pull_the_plug)
        payment = pay(counter, station)
        (event,) = tickets(payment)
        assert (event.outcome, event.will_retry) == ("unknown", True)
        monkeypatch.setattr(link, "_receive", printer.receive)
        link.apply(printer.power_on)
        until(lambda: not station.waiting_tickets())
        assert next_tickets(payment)[-1].outcome == "printed"
    assert [("DUPLICATA" in slip) for slip in slips(counter) if whole(slip)] == [True]


def test_what_waits_when_the_till_closes_comes_out_at_its_next_start(counter: Counter) -> None:
    link, printer = counter.printer_link, counter.printer
    link.apply(printer.open_cover)
    with Station.open(counter.station_file) as station:
        for number in range(3):
            payment = pay(counter, station, f"T1-{number}")
            tickets(payment)
            payment.acknowledge()
        started = time.monotonic()
    assert time.monotonic() - started < 5.0
    link.apply(printer.close_cover)
    assert slips(counter) == []
    with Station.open(counter.station_file) as station:
        assert len(counter.wait_tickets(3, DEADLINE_S)) == 3
        until(lambda: not station.waiting_tickets())
    assert [[n for n in range(3) if f"T1-{n}" in slip] for slip in slips(counter)] == [[0], [1], [2]]
    with Station.open(counter.station_file) as station:
        tickets(pay(counter, station, "T1-9"))
    assert len(slips(counter)) == 4  # the others are not printed again


def test_a_reversal_prints_its_tickets_and_not_the_payments_that_waited(counter: Counter) -> None:
    link, printer = counter.printer_link, counter.printer
    link.apply(printer.open_cover)
    with Station.open(counter.station_file) as station:
        payment = pay(counter, station)
        tickets(payment)
        payment.reverse()
        tickets(payment)
        link.apply(printer.close_cover)
        until(lambda: not station.waiting_tickets())
    assert [("ANNULATION" in slip, "DUPLICATA" in slip) for slip in slips(counter)] == [(True, False)] * 2


def test_the_customers_copy_is_printed_on_demand(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        payment = pay(counter, station)
        tickets(payment)
        for _ in range(2):
            station.reprint("T1-1", CUSTOMER_COPY)
            (event,) = tickets(payment)
            assert (event.outcome, event.copy) == ("printed", CUSTOMER_COPY)
    assert ["DUPLICATA" in slip for slip in slips(counter)] == [False, False, True]


TILL = """
import sys
from cvconnect_pos import Station
station = Station.open(sys.argv[1])
payment = station.tender.request(
    request_id="T1-1", amount_cents=4550, basket_ref="T1", way="keyed", beneficiary=sys.argv[2]
)
for event in payment:
    pass
sys.stdin.read()
"""


@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.98, 1.0])
def test_a_till_that_is_killed_while_it_prints_leaves_one_good_ticket(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    link, printer = counter.printer_link, counter.printer
    command = [sys.executable, "-c", TILL, str(counter.station_file), CUSTOMER]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as till:

        def kill(data: bytes) -> bytes:
            if b"VACANCES" not in data and (part or not paying.is_set()):
                return printer.receive(data)
            if part and till.poll() is None:
                printer.receive(data[: int(len(data) * part)])
            till.kill()
            return b""

        paying = threading.Event()
        monkeypatch.setattr(link, "_receive", kill)
        request = counter.phone.wait_incoming(DEADLINE_S)[0]
        paying.set()  # from here on, without a part, the first question to the printer is the last
        counter.phone.pay(request)
        assert till.wait(DEADLINE_S) < 0
    monkeypatch.setattr(link, "_receive", printer.receive)
    with Station.open(counter.station_file) as station:
        assert station.resume("T1-1").wait(DEADLINE_S).is_paid
        until(lambda: any(whole(slip) and "DUPLICATA" in slip for slip in slips(counter)))
        until(lambda: not station.waiting_tickets())
    good = ["DUPLICATA" in slip for slip in slips(counter) if whole(slip)]
    assert good in ([True], [False, True])
