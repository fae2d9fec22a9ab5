"""The tickets of one printer: printed once, or known not to be.

There is no table of waiting tickets. Which of them an attempt owes follows from its entries (`core.print_jobs`), and what became
of each is an entry, the first one written before the first byte leaves. So the queue is remade from the journal at each start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, TicketNote
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.core.print_jobs import (
    NOT_SENT,
    OWED_FOR,
    PRINTING,
    UNKNOWN,
    Copy,
    PrintJob,
    next_job,
    owed_for_s,
    pause_s,
    wants_again,
)
from cvconnect_pos.errors import InvalidInput, JournalError, NotAllowedNow
from cvconnect_pos.events import TicketPrinted
from cvconnect_pos.messages import reason_text
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import Printer, PrintOutcome
from cvconnect_pos.posts import Post, code_of, sentence_of
from cvconnect_pos.ticket_notes import TicketNotes, understood
from cvconnect_pos.tickets import Ticket, TicketCopy, kind_of
from cvconnect_pos.waiting_tickets import (
    COPIES,
    MENTIONS,
    Owed,
    Standing,
    WaitingLine,
    WaitingTicket,
    copies_of,
    owes,
)

if TYPE_CHECKING:
    from cvconnect_pos.engine import Engine

_log = logging.getLogger("cvconnect_pos")

PRINT_S: Final = 15.0
_NOT_DUE: Final = "TICKET_NOT_DUE"

MakeTicket = Callable[[Attempt, str, bool], Ticket]
"""Writes the ticket of an attempt: whose copy, and whether it says *DUPLICATA*."""


class PrintQueue:
    """Prints the tickets of a station, each on the printer's thread, and tries again those that did not come out.

    What a step asks for is tried at once, before what waits: the customer is there. What waits follows in its order.

    Args:
        printer: The printer.
        post: Its thread.
        wanted: Which copies come out by themselves in a state, by their mentions.
        make: Writes a ticket.
        clock: Where time comes from.
    """

    def __init__(
        self,
        printer: Printer,
        post: Post,
        wanted: Callable[[State], tuple[str, ...]],
        make: MakeTicket,
        clock: Clock,
    ) -> None:
        self._printer = printer
        self._post = post
        self._wanted = wanted
        self._make = make
        self._clock = clock
        self._engine: Engine | None = None
        self._waiting = WaitingLine(post, clock, self._print, self._drop)
        self._notes = TicketNotes(post)
        self._closed = False

    def start(self, engine: Engine) -> None:
        """Print for this engine."""
        self._engine = engine
        self._notes.start(engine)
        engine.print_with(self)

    def close(self) -> None:
        """Begin no ticket that waits; the journal keeps them for the next start."""
        self._closed = True
        self._waiting.close()

    # --- what is to be printed ------------------------------------------------------------------------------------------

    def copies(self, state: State) -> Sequence[Copy]:
        """See `mailbox.Printing`."""
        return [COPIES[mention] for mention in self._wanted(state)]

    def add(self, payment: Payment, attempt: Attempt) -> None:
        """Print what a step asks for; the payment is not over before it was told what became of each."""
        owed = [self._owed(payment, attempt, attempt.state, copy) for copy in copies_of(attempt)]
        if not owed or not self._may_print(owed[0]):
            return
        for each in owed:
            each.fresh, each.counted = attempt, True
            payment.hold()
        for each in owed:
            self._print_soon(each)

    def reprint(self, payment: Payment, copy: str) -> None:
        """Print a ticket because a person asks for it. See `Payment.reprint`."""
        attempt = payment.attempt
        if copy not in COPIES:
            raise InvalidInput("CHOICE_UNKNOWN", field="copy", allowed=", ".join(TicketCopy))
        if kind_of(attempt) is None:
            raise NotAllowedNow("NO_TICKET", state=attempt.state.value)
        if self._closed:
            raise NotAllowedNow("STATION_CLOSED")
        owed = self._owed(payment, attempt, attempt.state, COPIES[copy])
        owed.asked = owed.counted = True
        payment.hold()
        self._print_soon(owed)

    def take_over(self) -> None:
        """Take up, on the printer's thread, what an earlier run left, or another process that is gone."""
        self._post.worker.call_later(0.0, partial(self._take_over, 1))

    def waiting(self) -> tuple[WaitingTicket, ...]:
        """List what waits for the printer, oldest first."""
        return self._waiting.listed()

    def _owed(
        self, payment: Payment, attempt: Attempt, state: State, copy: Copy, since: datetime | None = None
    ) -> Owed:
        now = self._clock.now()
        until_s = self._clock.monotonic() + owed_for_s(since or now, now)
        return Owed(payment, state, copy, since or now, attempt.ticket_seq, until_s)

    def _may_print(self, owed: Owed) -> bool:
        """Whether this process prints it: it is leased, so that of two that live only one does."""
        if owed.asked or self._engine is None:
            return self._engine is not None
        try:
            return self._engine.lease_tickets(owed.payment, owed.ticket_seq, owed.until_s)
        except JournalError as error:  # then it cannot be begun either, and waits
            _log.warning("the tickets of %s are not leased: %s", owed.payment.request_id, error.code)
            return True

    def _take_over(self, tries: int) -> None:
        if self._engine is None or self._closed:
            return
        try:
            for payment in self._engine.with_tickets(self._clock.now() - OWED_FOR, owes):
                attempt = payment.attempt
                for copy in copies_of(attempt):
                    owed = self._owed(
                        payment, attempt, attempt.ticket_state or attempt.state, copy, attempt.changed_at
                    )
                    due = owed.standing(attempt, self._clock.monotonic()) != "drop"
                    if due and self._may_print(owed):
                        self._waiting.keep(owed)
        except JournalError as error:
            _log.error("the tickets of before could not be read: %s", error)
            self._post.worker.call_later(pause_s(tries, 0.0), partial(self._take_over, tries + 1))
        except NotAllowedNow as error:  # it closes
            _log.warning("the tickets of before were not read: %s", error.code)
        self._waiting.go_on()

    # --- one ticket -----------------------------------------------------------------------------------------------------

    def _print_soon(self, owed: Owed) -> None:
        self._post.do(partial(self._print, owed), partial(self._not_claimed, owed))

    def _print(self, owed: Owed) -> None:
        """Print it, if it is still due."""
        try:
            self._notes.save(owed.payment)
            begun = self._begin(owed)
        except JournalError as error:  # what cannot be written is not printed
            self._tell(owed, NOT_SENT, error.code, reason_text(error.code, "fr"))
            self._waiting.rest()
            return
        if isinstance(begun, str):
            if begun == "drop":
                self._drop(owed)
            self._waiting.go_on()
            return
        job, attempt = begun
        outcome, why, detail, torn = self._printed(owed.fresh or attempt, job)
        self._notes.add(owed.payment, TicketNote(job.name, outcome, why, torn))
        self._tell(owed, outcome, why, detail, job)
        if outcome == NOT_SENT or torn:
            self._waiting.pass_over(owed)
        else:
            self._waiting.went_well()

    def _begin(self, owed: Owed) -> tuple[PrintJob, Attempt] | Standing:
        """Journal that it is printed from here on; or say what becomes of one that is not, or that another process prints."""
        engine, now_s = self._engine, self._clock.monotonic()
        if engine is None or not self._may_print(owed):
            return "drop"
        begun: list[tuple[PrintJob, Attempt] | Standing] = []

        def judge(attempt: Attempt) -> TicketNote | None:
            standing = owed.standing(attempt, now_s)
            job = next_job(attempt, owed.state, owed.copy)
            is_due = standing == "print"
            begun[:] = [(job, attempt) if is_due else standing]
            return TicketNote(job.name, PRINTING) if is_due else None

        owed.begun = engine.note_ticket(owed.payment, judge)
        return begun[0]

    def _printed(self, attempt: Attempt, job: PrintJob) -> tuple[PrintOutcome, str, str, bool]:
        try:
            ticket = self._make(attempt, MENTIONS[job.copy], job.duplicate)
        except Exception as error:  # noqa: BLE001 - nothing was handed over
            return NOT_SENT, code_of(error), sentence_of(error), False
        try:
            result = self._printer.print(ticket, job_id=f"{attempt.payment_id}-{job.name}", timeout_s=PRINT_S)
            return understood(result)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            _log.warning("device %s: %s", self._post.name, code_of(error))
            return UNKNOWN, code_of(error), sentence_of(error), False

    def _not_claimed(self, owed: Owed, reason: str, detail: str) -> None:
        """The printer could not even be claimed: no byte left. Or, when it was begun, a fault of ours: nobody knows."""
        outcome: PrintOutcome = UNKNOWN if owed.begun else NOT_SENT
        if self._engine is not None and not owed.tries:

            def judge(attempt: Attempt) -> TicketNote | None:
                due = owed.standing(attempt, self._clock.monotonic()) == "print"
                job = next_job(attempt, owed.state, owed.copy)
                return TicketNote(job.name, NOT_SENT, reason) if due and not owed.begun else None

            try:
                self._engine.note_ticket(owed.payment, judge)
            except JournalError as error:
                _log.error("the outcome of a ticket was not journaled: %s", error)
        self._tell(owed, outcome, reason, detail)
        self._waiting.rest()

    def _tell(
        self, owed: Owed, outcome: PrintOutcome, why: str, detail: str, job: PrintJob | None = None
    ) -> None:
        """Tell what became of it, once for each news, and keep it when it is to be tried again."""
        attempt = owed.payment.attempt
        attempt = replace(attempt, tickets=attempt.tickets + self._notes.unsaved(owed.payment))
        job = job or next_job(attempt, owed.state, owed.copy)
        if owed.fresh is not None:
            self._waiting.begin_anew()
        owed.fresh, owed.detail = None, detail
        owed.tries += 1
        again = owed.standing(attempt, self._clock.monotonic()) != "drop"
        (self._waiting.keep if again else self._waiting.forget)(owed)
        if owed.told == (outcome, why):
            return
        owed.told = (outcome, why)
        self._publish(owed, owed.told, job, detail, again=again)

    def _publish(
        self, owed: Owed, told: tuple[PrintOutcome, str], job: PrintJob, detail: str, *, again: bool
    ) -> None:
        outcome, why = told
        event = TicketPrinted(
            request_id=owed.payment.request_id,
            at=self._clock.now(),
            outcome=outcome,
            reason=why,
            detail=detail,
            copy=MENTIONS[owed.copy],
            duplicate=job.duplicate,
            will_retry=again,
        )
        owed.payment.publish((event,), tickets=-1 if owed.counted else 0)
        owed.counted = False

    def _drop(self, owed: Owed) -> None:
        """Print it no more: a newer ticket took its place, it is out already, or it is too old.

        Whoever asked for one that is not out is told.
        """
        self._waiting.forget(owed)
        attempt = owed.payment.attempt
        if owed.asked and (not owed.begun or wants_again(attempt, owed.state, owed.copy, first=True)):
            owed.told = (owed.told[0] if owed.told else NOT_SENT, _NOT_DUE)
            job = next_job(attempt, owed.state, owed.copy)
            self._publish(owed, owed.told, job, reason_text(_NOT_DUE, "fr"), again=False)
        elif owed.counted:
            owed.counted = False
            owed.payment.publish((), tickets=-1)
