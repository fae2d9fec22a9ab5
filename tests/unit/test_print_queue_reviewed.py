"""Tickets among bad moments: another till, a restart, a clock that is set, a driver that talks nonsense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import JournalError, NotAllowedNow, Payment, State, Station, TicketPrinted, WaitTimeout
from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.devices import Presentation
from cvconnect_pos.posts import DeviceHealth
from cvconnect_pos.tickets import Ticket
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import Really, keyed, lose_request, paid, told, wall_clock
from paper_till import PAPER_OUT, PaperTill, Result

HOUR_S = 3_600.0
BOTH = Presentation(shop=("Camping",), customer_copy=True)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[PaperTill]:
    till = PaperTill(tmp_path)
    yield till
    till.engine.close()


def tickets(payment: Payment) -> list[TicketPrinted]:
    return [event for event in told(payment) if isinstance(event, TicketPrinted)]


def refuse(_: HttpRequest, __: Really) -> HttpResponse:
    """The provider gives nothing back."""
    return HttpResponse(400, {}, b'{"errorCode": "OPERATION_TRANSACTION_NOT_ALLOWED"}')


def says(health: object) -> Callable[..., object]:
    def check_health(*_: object) -> object:
        return health

    return check_health


def locked() -> bool:
    raise JournalError("JOURNAL_LOCKED", path="journal")


# --- another till, another run --------------------------------------------------------------------------------------


def test_a_reversal_at_another_till_prints_its_tickets_there(till: PaperTill) -> None:
    paid(till).acknowledge()
    second = PaperTill(till.folder, beside=till)
    payment = second.engine.resume("r1")
    second.run()
    payment.reverse()
    second.run(30)
    assert payment.attempt.state is State.REVERSED
    assert ["ANNULATION" in slip.text for slip in second.printer.slips] == [True, True]
    assert len(till.printer.slips) == 1
    second.engine.close()


def test_a_ticket_that_a_restart_finds_held_comes_out_when_the_reversal_is_refused(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.fault_for_good("cancellation", lose_request)
    payment.reverse()
    till.run(30)
    till.restart()
    till.run(5)
    till.faults.clear()
    till.fault_for_good("cancellation", refuse)
    till.run(600)
    assert till.engine.resume("r1").attempt.state is State.APPROVED
    till.printer.ready = True
    till.run(60)
    assert len(till.printer.plain) == 1


@pytest.mark.parametrize("where", ["list", "attempt"])
def test_what_a_locked_journal_hides_at_the_start_is_printed_later(till: PaperTill, where: str) -> None:
    till.printer.ready = False
    paid(till).acknowledge()
    till.engine.close()
    till.start()
    till.engine.recover()
    till.engine.run_due()
    till.printer.ready = True
    journal: Any = till.engine._journal
    real = journal.attempts if where == "list" else journal.entries

    def locked_once(*_: object, **__: object) -> None:
        setattr(journal, real.__name__, real)
        locked()

    setattr(journal, real.__name__, locked_once)
    till.queue.take_over()
    till.run(60)
    assert len(till.printer.plain) == 1


def test_a_ticket_that_its_reversal_overtakes_is_held_until_that_is_refused(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.fault_for_good("cancellation", lose_request)
    line: Any = till.queue._waiting
    queued = line._print

    def late(owed: Any) -> None:
        line._print = queued
        payment.reverse()
        till.engine.run_due()
        queued(owed)

    line._print = late
    till.printer.ready = True
    till.run(30)
    assert not payment.attempt.is_final
    assert [ticket.request_id for ticket in till.queue.waiting()] == ["r1"]
    till.faults.clear()
    till.fault_for_good("cancellation", refuse)
    till.run(600)
    assert payment.attempt.state is State.APPROVED
    assert len(till.printer.plain) == 1


# --- one account of one ticket ---------------------------------------------------------------------------------------


def test_a_payment_that_is_kept_again_has_its_ticket_already(till: PaperTill) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    till.provider.amend(payment.attempt.transaction_id, 5000)
    till.run(5)
    payment.keep()
    till.run(5)
    till.fault_for_good("cancellation", refuse)
    payment.reverse()
    till.run(30)
    assert payment.wait(0).needs_decision
    payment.keep()
    till.run(30)
    assert payment.attempt.state is State.APPROVED
    assert list(payment)[-1].name != "TicketPrinted"  # and it ends
    assert len(till.printer.slips) == 1
    payment.reprint()
    till.run(1)
    assert [slip.duplicate for slip in till.printer.slips] == [False, True]


def test_a_payment_that_comes_back_after_its_line_was_released_has_its_ticket_already(
    till: PaperTill,
) -> None:
    payment = paid(till)
    till.fault_for_good("cancellation", lose_request)
    till.fault_for_good("GET", lose_request)
    payment.reverse()
    till.run(30)
    payment.release_line("chef de caisse", "le client part")
    till.run(1)
    till.faults.clear()
    till.run(600)
    assert payment.attempt.state is State.DECIDING
    payment.keep()
    till.run(30)
    assert len(till.printer.slips) == 1


def test_an_amount_that_is_raised_while_its_ticket_is_printed_has_a_ticket_of_its_own(
    till: PaperTill,
) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])

    def raise_and_keep() -> None:
        till.printer.before = lambda: None
        till.provider.amend(payment.attempt.transaction_id, 5000)
        till.engine.hint(payment.attempt.transaction_id, "")
        for _ in range(40):
            till.engine.run_due()
            till.clock.advance(1.0)
        payment.keep()
        till.engine.run_due()

    till.printer.before = raise_and_keep
    till.run(600)
    assert payment.attempt.state is State.APPROVED
    assert ["50,00" in slip.text for slip in till.printer.whole] == [False, True]


def test_a_reprint_is_owed_for_its_own_time(till: PaperTill) -> None:
    till.printer.ready = False
    payment = paid(till)
    till.run(3.9 * HOUR_S)
    payment.reprint()
    till.run(60)
    assert tickets(payment)[-1].will_retry
    till.run(HOUR_S)
    till.printer.ready = True
    till.run(60)
    assert len(till.printer.plain) == 1


def test_a_wall_clock_that_is_set_makes_no_ticket_old(till: PaperTill) -> None:
    clock = wall_clock(till)
    till.printer.ready = False
    paid(till)
    clock.off = timedelta(days=1)
    till.run(60)
    till.printer.ready = True
    till.run(60)
    assert len(till.printer.plain) == 1


def test_an_iteration_does_not_end_between_two_copies(tmp_path: Path) -> None:
    till = PaperTill(tmp_path, presentation=BOTH)
    do, over = till.post.do, list[bool]()

    def at_once(work: Any, trouble: Any) -> None:
        """The printer's thread is faster than the one that hands the copies over."""
        payment = till.engine.resume("r1")
        do(work, trouble)
        while till.post.worker.run_due():
            pass
        told(payment)
        try:
            payment.next_event(0)
        except WaitTimeout:
            over.append(False)
        else:
            over.append(True)

    till.post.do = at_once  # type: ignore[method-assign]
    paid(till)
    assert (over[0], len(till.printer.slips)) == (False, 2)
    till.engine.close()


# --- drivers ----------------------------------------------------------------------------------------------------------

_NONSENSE: list[Any] = [
    Result("unknown", OSError("a sentence, not a code")),  # type: ignore[arg-type]
    Result("sprinted"),  # type: ignore[arg-type]
    Result(None),  # type: ignore[arg-type]
    Result("not_sent", "\ud800"),
    Result("unknown", "LINK_LOST", OSError()),  # type: ignore[arg-type]
    None,
]


@pytest.mark.parametrize("nonsense", _NONSENSE)
def test_a_driver_that_talks_nonsense_of_one_ticket_prints_the_next_one(
    till: PaperTill, nonsense: object
) -> None:
    printer: Any = till.printer
    really = printer.print

    def prints(*_: object, **__: object) -> object:
        printer.print = really
        return nonsense

    printer.print = prints
    first = paid(till)
    (event, *_) = tickets(first)
    assert event.outcome == "unknown"
    assert all(isinstance(value, str) for value in (event.text("fr"), event.reason, event.detail))
    second = paid(till, "r2", basket_ref="B2")
    assert [event.outcome for event in tickets(second)] == ["printed"]
    assert till.notes()[1] == ("APPROVED-merchant", "unknown")


@pytest.mark.parametrize("health", [None, "ready"])
def test_a_driver_that_talks_nonsense_of_its_state_is_tried(till: PaperTill, health: object) -> None:
    printer: Any = till.printer
    printer.check_health = says(health)
    printer.script = [PAPER_OUT]
    payment = paid(till)
    till.run(60)
    assert [event.outcome for event in tickets(payment)] == ["not_sent", "printed"]


def test_a_ticket_that_cannot_be_written_holds_up_no_other_at_a_printer_that_says_nothing_of_itself(
    till: PaperTill,
) -> None:
    printer: Any = till.printer
    printer.check_health = says(DeviceHealth("unknown", ""))
    make = till.presentation.ticket

    def makes(attempt: Attempt, copy: str, duplicate: bool) -> Ticket:
        if attempt.order.request_id == "r0":
            raise ValueError
        return make(attempt, copy, duplicate)

    till.queue._make = makes
    till.printer.ready = False
    for number in range(4):
        paid(till, f"r{number}", basket_ref=f"B{number}")
    till.printer.ready = True
    till.run(HOUR_S)
    assert len(till.printer.plain) == 3
    assert [ticket.request_id for ticket in till.queue.waiting()] == ["r0"]


def test_an_outcome_that_cannot_be_written_holds_up_no_other_payment(till: PaperTill) -> None:
    note = till.engine.note_ticket

    def damaged(payment: Payment, judge: Any) -> bool:
        return locked() if payment.request_id == "r1" and till.printer.slips else note(payment, judge)

    till.engine.note_ticket = damaged  # type: ignore[method-assign]
    paid(till)
    paid(till, "r2", basket_ref="B2")
    assert len(till.printer.plain) == 2
    till.run(60)
    till.engine.note_ticket = note  # type: ignore[method-assign]
    till.run(60)
    assert till.notes()[-1] == ("APPROVED-merchant", "printed")


# --- a reprint ----------------------------------------------------------------------------------------------------------


def not_due(payment: Payment) -> list[tuple[str, bool]]:
    return [
        (event.outcome, event.will_retry) for event in tickets(payment) if event.reason == "TICKET_NOT_DUE"
    ]


def test_a_reprint_that_waits_while_the_payment_is_reversed_is_told_to_be_dropped(till: PaperTill) -> None:
    payment = paid(till)
    till.printer.ready = False
    payment.reprint()
    till.run(60)
    assert [event.will_retry for event in tickets(payment)] == [False, True]
    payment.reverse()
    till.run(60)
    assert not_due(payment) == [("not_sent", False)]
    till.printer.ready = True
    till.run(600)
    assert till.printer.slips[0].whole
    assert not any(slip.duplicate for slip in till.printer.slips)


def test_a_reprint_that_the_reversal_overtakes_is_told_to_be_dropped(till: PaperTill) -> None:
    payment = paid(till)
    told(payment)
    queued = till.queue._print

    def late(owed: Any) -> None:
        till.queue._print = queued  # type: ignore[method-assign]
        payment.reverse()
        till.engine.run_due()
        queued(owed)

    till.queue._print = late  # type: ignore[method-assign]
    payment.reprint()
    till.run(60)
    assert not_due(payment) == [("not_sent", False)]


def test_a_reprint_that_waited_too_long_is_told_to_be_dropped(till: PaperTill) -> None:
    payment = paid(till)
    till.printer.ready = False
    payment.reprint()
    till.run(5 * HOUR_S)
    assert not_due(payment) == [("not_sent", False)]
    till.printer.ready = True
    till.run(600)
    assert len(till.printer.slips) == 1


def test_a_reprint_shows_no_qr_again(till: PaperTill) -> None:
    till.ask()
    till.restart()
    till.devices.commands.clear()
    devices: Any = None
    station = Station(till.engine, devices, till.tender, till.engine._journal)
    with pytest.raises(NotAllowedNow, match="NO_TICKET"):
        station.reprint("r1")
    till.run()
    assert Command.SHOW not in [command for command, _ in till.devices.commands]
    station.resume("r1")
    till.run()
    assert Command.SHOW in [command for command, _ in till.devices.commands]
