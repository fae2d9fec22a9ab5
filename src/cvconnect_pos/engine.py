"""Drives every open payment: one mailbox per payment, a few threads for all, and the journal before everything.

What acts is the driver; here are the doors to it, and the one handle of each payment. Waiting for a customer is a due
time in a heap: it costs no thread.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from cvconnect_pos.calls import Calls
from cvconnect_pos.clock import Clock, SystemClock
from cvconnect_pos.core.attempt import ACKNOWLEDGED, TICKET, Attempt, Entry, Order, TicketNote
from cvconnect_pos.core.lifecycle import FINAL, Signal, State
from cvconnect_pos.core.policy import WINDOW_MARGIN_S, may_change
from cvconnect_pos.credential import Credential
from cvconnect_pos.driver import Driver
from cvconnect_pos.errors import (
    InvalidInput,
    JournalError,
    JournalMoved,
    NotAllowedNow,
    NotSent,
    RequestIdReused,
)
from cvconnect_pos.events import Event, TicketPrinted
from cvconnect_pos.gateway.base import PaymentGateway
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.journal.base import AttemptSummary, Journal, Search
from cvconnect_pos.leasing import rebuilt
from cvconnect_pos.mailbox import Devices, Happened, NoDevices, Printing
from cvconnect_pos.mailroom import escaped
from cvconnect_pos.payment import Payment
from cvconnect_pos.scheduler import Scheduler

_log = logging.getLogger("cvconnect_pos")

_CLOSING_S = 15.0

_LOOK_BACK = timedelta(days=3)
"""How long ago an attempt may have changed that a start looks at again, once it is over and recorded."""

_WATCHED_MAX = 10_000

_HINT_AGAIN_S = 60.0
"""How often notifications may make a payment be looked at that is over and recorded: the second one waits."""

_HINTS_MAX = 1_000

_HINT_TRIES = 5
"""How often a hint is tried again that meets a locked journal, or another process that has just acted."""

_LOOK_S = 86_400.0
"""No system waits for ever when told a number: a day is more than anybody waits for the provider."""

_LOOK_AROUND_S = 60.0
"""How often a process looks for what another one has done or left."""


class Engine:
    """The one place that acts. Made by `Station`, or by a till that composes its own.

    Args:
        gateway: The provider; closed with the engine.
        journal: Where everything is written; closed with the engine.
        devices: What shows, scans and prints.
        clock: Where time comes from.
        workers: Threads for all payments; 0 in tests, which then call `run_due`.
        call_timeout_s: The total deadline of one call, in seconds.
        calls_per_s: How many calls a second the provider allows this credential.
        speed: Divides the pauses between polls; more than 1 only in tests and demonstrations.
        seed: Seeds the jitter, in tests.
        credential: What the gateway's credential has come to, when that is kept beyond this process.
    """

    def __init__(
        self,
        gateway: PaymentGateway,
        journal: Journal,
        *,
        devices: Devices | None = None,
        clock: Clock | None = None,
        workers: int = 4,
        call_timeout_s: float = 10.0,
        calls_per_s: float = 20.0,
        speed: float = 1.0,
        seed: int | None = None,
        credential: Credential | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self._gateway = gateway
        self._journal = journal
        self._calls = Calls(gateway, self.clock, call_timeout_s, credential)
        self._driver = Driver(
            journal,
            devices or NoDevices(),
            self._calls,
            self.clock,
            workers=workers,
            call_timeout_s=call_timeout_s,
            calls_per_s=calls_per_s,
            speed=speed,
            seed=seed,
        )
        self._teller = Scheduler(self.clock, min(workers, 1), escaped)
        self._lock = threading.Lock()
        self._payments: WeakValueDictionary[str, Payment] = WeakValueDictionary()
        self._damaged: JournalError | None = None
        self._hints: dict[frozenset[str], tuple[float, bool]] = {}
        self._looking = False
        self._closed = False

    # --- the till's calls -------------------------------------------------------------------------------------------

    def request(self, order: Order, beneficiary: Beneficiary | None = None) -> Payment:
        """Open a payment, or find the one that this request id has opened. See `Tender.request`."""
        self._keep_looking()
        with self._driver.writing:
            self._check_open()
            known = self._journal.entries(order.request_id)
            if not known:
                self._check_willing()
            kept = self._journal.identifier(order.request_id) if known and beneficiary else None
            if kept is not None and beneficiary is not None and kept != beneficiary.value:
                raise RequestIdReused(request_id=order.request_id)  # two customers may have the same mask
            leased_until_s = self._driver.leasing.end_s()
            entries, is_new = self._journal.begin(
                order,
                secrets.token_hex(10),
                self.clock.now(),
                simulation=not self._gateway.is_production,
                identifier=beneficiary.value if beneficiary else None,
                leased_until_s=leased_until_s,
                now_s=self.clock.monotonic(),
            )
            payment = self._handle(entries, beneficiary, leased_until_s if is_new else None)
        if not is_new:
            self._driver.refresh(payment)
        self._driver.resumed(payment)
        return payment

    def _keep_looking(self) -> None:
        with self._lock:
            looking, self._looking = self._looking, True
        if not looking:
            self._driver.scheduler.call_later(_LOOK_AROUND_S, self._look_around, routine=True)

    def _look_around(self) -> None:
        """Now and then, hear what another process has done, and take up what one that is gone has left."""
        self._driver.scheduler.call_later(_LOOK_AROUND_S, self._look_around, routine=True)
        with self._lock:
            held = list(self._payments)
        with suppress(JournalError):  # the next look may find it readable; nobody waits for this one
            held += self._journal.unsettled()
        for request_id in dict.fromkeys(held):
            try:
                self.find(request_id)
            except (JournalError, NotAllowedNow):  # said at the start, or by whoever acts on it
                pass
            except Exception as error:  # noqa: BLE001 - the others are looked at all the same
                escaped(error)

    def _check_willing(self) -> None:
        """Refuse a new request that would come to nothing."""
        if refusal := self._damaged or self._calls.stopped:
            raise refusal
        if wait := self._calls.create_in_s():
            raise NotSent("PROVIDER_DOWN", seconds=math.ceil(wait))

    def resume(self, request_id: str) -> Payment:
        """Come back to a payment by its request id. One that a restart found shown is shown again.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalError: The journal cannot be read, or this attempt in it.
            NotAllowedNow: `STATION_CLOSED`.
        """
        payment = self.find(request_id)
        self._driver.resumed(payment)
        return payment

    def find(self, request_id: str) -> Payment:
        """Find a payment by its request id, and touch no display. See `resume` for what it raises."""
        self._check_open()
        with self._lock:
            known = self._payments.get(request_id)
        if known is not None:
            self._driver.refresh(known)
            return known
        with self._driver.writing:
            entries = self._journal.entries(request_id)
            if not entries:
                raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=request_id)
            return self._handle(entries)

    def _handle(
        self,
        entries: Sequence[Entry],
        beneficiary: Beneficiary | None = None,
        leased_until_s: float | None = None,
    ) -> Payment:
        """Give the one handle of an attempt, and have it driven; a new one is leased to this process already."""
        attempt = rebuilt(entries)
        request_id = attempt.order.request_id
        with self._lock:
            self._check_open()
            if payment := self._payments.get(request_id):
                return payment
            payment = self._payments[request_id] = Payment(self, attempt, recovered=leased_until_s is None)
        if leased_until_s is not None:
            self._driver.open(payment, beneficiary, leased_until_s)
        else:
            self._driver.take_up(payment)
        return payment

    def recover(self) -> None:
        """Take up every attempt of the journal that is open, not acknowledged, or still watched.

        An attempt that cannot be read stops new requests, not the others: what is open stays watched.
        """
        self._keep_looking()
        for request_id in (*self._journal.unsettled(), *self._watched()):
            self._found_or_damaged(request_id)

    def _found_or_damaged(self, request_id: str) -> Payment | None:
        try:
            return self.find(request_id)
        except JournalError as error:
            if error.code != "JOURNAL_DAMAGED":
                raise
            _log.error("%s", error)
            self._damaged = error
            return None

    def _watched(self) -> list[str]:
        return [summary.request_id for summary in self._recent()]

    def _recent(self) -> list[AttemptSummary]:
        """List what the till has recorded and the provider may still change: a late payment, a cancel that lands late."""
        now = self.clock.now()
        over = FINAL - {State.LINE_RELEASED}
        recent = Search(states=over, acknowledged=True, updated_from=now - _LOOK_BACK)
        freed = Search(states=frozenset({State.LINE_RELEASED}), acknowledged=True)
        return [
            summary
            for search in (recent, freed)
            for summary in self._journal.attempts(search, limit=_WATCHED_MAX)
            if may_change(summary.state, (now - summary.updated_at).total_seconds())
        ]

    def unacknowledged(self) -> list[Payment]:
        """List the payments that have a result which the till has not acknowledged, oldest first."""
        found = map(self._found_or_damaged, self._journal.unsettled())
        payments = [payment for payment in found if payment and not payment.attempt.acknowledged]
        results = ((payment, payment.outcome) for payment in payments)
        return [payment for payment, outcome in results if outcome and not outcome.is_reserved]

    def identify(self, payment: Payment, beneficiary: Beneficiary) -> None:
        """Name the customer of a payment."""
        data = {"beneficiary": beneficiary.masked, "reason": ""}
        self._check_open()
        if payment.attempt.payer_lost:  # the request may still reach the one who was named before
            known = self._journal.identifier(payment.request_id)
            if known != beneficiary.value:
                raise NotAllowedNow("OTHER_CUSTOMER")
        self._driver.post(payment, Happened(Signal.IDENTIFIED, data, beneficiary))

    def post(self, payment: Payment, signal: Signal, data: Mapping[str, Any]) -> None:
        """Put a signal of the till into a payment's mailbox.

        Raises:
            NotAllowedNow: `PAYMENT_ELSEWHERE`: another process acts on it. `STATION_CLOSED`.
        """
        self._check_open()
        self._driver.post(payment, Happened(signal, data, asked=True))

    def acknowledge(self, payment: Payment, *, settled_otherwise: bool = False) -> None:
        """Journal the till's receipt. See `Payment.acknowledge`."""
        more = {"settled_otherwise": True} if settled_otherwise else {}
        while not self._acknowledged(payment, {"acknowledged": True, **more}):
            pass
        self._driver.forget(payment)

    def _acknowledged(self, payment: Payment, facts: Mapping[str, Any]) -> bool:
        with self._driver.writing:
            attempt = payment.attempt
            recorded = attempt.acknowledged and attempt.settled_otherwise >= ("settled_otherwise" in facts)
            if not (attempt.is_final or recorded):
                raise NotAllowedNow(action="acknowledge", state=attempt.state.value)
            if not payment.has_shown(attempt):  # another till may have recorded something else
                raise NotAllowedNow("OUTCOME_CHANGED")
            if recorded:
                return True
            return self._noted(payment, ACKNOWLEDGED, facts)

    def _noted(self, payment: Payment, kind: str, facts: Mapping[str, Any]) -> bool:
        try:
            self._driver.note(payment, kind, facts)
        except JournalMoved:
            return False
        return True

    def window_left_s(self, payment: Payment) -> float | None:
        """For how long a payment can still be given back, by the provider's clock, in seconds; None when unknown."""
        paid_at = payment.attempt.validated_at
        if paid_at is None:
            return None
        return self._calls.window_s - (self._calls.provider_now() - paid_at).total_seconds()

    def check_window(self, payment: Payment) -> None:
        """Refuse a reversal that is certainly too late; near the limit the provider has the last word.

        Raises:
            NotAllowedNow: `REVERSAL_TOO_LATE`.
        """
        left = self.window_left_s(payment) if self._calls.knows_the_time else None
        if left is not None and left < -WINDOW_MARGIN_S:
            raise NotAllowedNow("REVERSAL_TOO_LATE", hours=round(self._calls.window_s / 3600))

    def on_our_clock(self, moment: datetime) -> datetime:
        """Say when a moment of the provider's clock comes by ours."""
        return moment + (self.clock.now() - self._calls.provider_now())

    def is_past(self, moment: datetime) -> bool:
        """Whether a moment is past for certain, by the provider's clock; not before it has told it."""
        return self._calls.knows_the_time and self._calls.provider_now() >= moment

    def hint(self, transaction_id: str, payment_id: str) -> None:
        """Look soon at the attempt that these ids belong to: somebody says that there is news. Others are ignored.

        Args:
            transaction_id: The provider's id, or an empty text.
            payment_id: Our reference, or an empty text.
        """
        ids = frozenset({transaction_id, payment_id}) - {""}
        if self._driver.hint(ids):
            return
        wait = self._hint_wait_s(ids)  # over and recorded: no mailbox is kept for it
        if wait == 0:
            self._look_up(ids)
        elif wait is not None:
            self._driver.scheduler.call_later(wait, partial(self._look_up, ids))

    def _hint_wait_s(self, ids: frozenset[str]) -> float | None:
        """When these ids may be looked up, in seconds from now; None when not, or when it is planned. Anybody may send a hint."""
        now = self.clock.monotonic()
        with self._lock:
            last, is_ours = self._hints.pop(
                ids, (float("-inf"), True)
            )  # of one that is planned, when it will be
            wait = max(last + _HINT_AGAIN_S - now, 0.0)
            drop = last > now or (wait > 0 and not is_ours)
            self._note_hint(ids, last if drop else now + wait, is_ours=is_ours)
        return None if drop else wait

    def _note_hint(self, ids: frozenset[str], at: float, *, is_ours: bool) -> None:
        self._hints[ids] = (at, is_ours)
        if len(self._hints) > _HINTS_MAX:
            del self._hints[next(iter(self._hints))]

    def _look_up(self, ids: frozenset[str], tries: int = _HINT_TRIES) -> None:
        """Look at what the journal knows by these ids; what cannot be looked at now is looked at later."""
        try:
            known = [self._journal.attempts(Search(transaction_id=one), limit=1) for one in ids]
            found = [summary.request_id for summaries in known for summary in summaries]
            asked = [self._driver.look(self.find(request_id)) for request_id in found]
        except JournalError:
            found, asked = [*ids], [False]
        with self._lock:
            again = 0.0 if all(asked) or tries == 1 else _HINT_AGAIN_S
            self._note_hint(ids, self.clock.monotonic() + again, is_ours=bool(found))
        if again:
            self._driver.scheduler.call_later(again, partial(self._look_up, ids, tries - 1))

    def look_at_all(self, timeout_s: float) -> bool:
        """Ask the provider about everything that is open or watched, once, and wait for the answers.

        Args:
            timeout_s: How long to wait, in seconds, a day at most; not at all when that is not above 0, or NaN.

        Returns:
            Whether all of it was asked in that time.
        """
        since_s = self.clock.monotonic()
        watched = [self.find(summary.request_id) for summary in self._recent()]
        here = [self._driver.takes_over(payment) for payment in watched]
        return self._driver.look_at_all(min(timeout_s, _LOOK_S), since_s) and all(here)

    def report(self, payment: Payment, event: Event) -> None:
        """Take an event of a device. What became of a till's own ticket is journaled before it is told."""
        tickets = 0
        if isinstance(event, TicketPrinted):
            tickets = -1
            try:
                self.note_ticket(payment, lambda _: TicketNote("", event.outcome, event.reason))
            except JournalError as error:
                _log.error("the outcome of a ticket was not journaled: %s", error)
        payment.publish((event,), tickets=tickets)

    # --- tickets: see `printing` ------------------------------------------------------------------------------------------

    def print_with(self, printing: Printing) -> None:
        """Have tickets printed; before there is any."""
        self._driver.printing = printing

    def note_ticket(self, payment: Payment, judge: Callable[[Attempt], TicketNote | None]) -> bool:
        """Journal what becomes of a ticket; say whether anything was written.

        Args:
            payment: Whose ticket.
            judge: Says it by what is true now; None for nothing. Asked again when another process wrote meanwhile.

        Raises:
            JournalError: It could not be written.
        """
        while True:
            with self._driver.writing:
                note = judge(payment.attempt)
                if note is None or self._noted(payment, TICKET, note.as_data()):
                    return note is not None

    def lease_tickets(self, payment: Payment, ticket_seq: int, until_s: float) -> bool:
        """Keep other processes from printing the tickets of a step, as long as this one lives; say whether it may.

        Args:
            payment: Whose tickets.
            ticket_seq: The place in the journal of the entry that made them due: a later step may be another one's.
            until_s: Until when, in monotonic seconds.

        Raises:
            JournalError: It cannot be found out.
        """
        name = f"\x1ftickets {ticket_seq} of {payment.request_id}"  # no request id has a control character
        return self._journal.lease(name, until_s=until_s, now_s=self.clock.monotonic())

    def with_tickets(self, since: datetime, is_owed: Callable[[Attempt], bool]) -> list[Payment]:
        """Find the payments that changed since then and owe a ticket, oldest first.

        Raises:
            JournalError: The journal cannot be read.
        """
        found = self._journal.attempts(Search(updated_from=since), limit=_WATCHED_MAX)
        owing: list[Payment] = []
        for summary in sorted(found, key=lambda summary: summary.changed_at):
            try:
                if summary.changed_at >= since and is_owed(
                    rebuilt(self._journal.entries(summary.request_id))
                ):
                    owing.append(self.find(summary.request_id))
            except JournalError as error:
                if error.code != "JOURNAL_DAMAGED":  # such an attempt is reported where it is taken up
                    raise
        return owing

    def reprint(self, payment: Payment, copy: str) -> None:
        """Print a ticket because a person asks for it. See `Payment.reprint`."""
        self._check_open()
        if self._driver.printing is None:
            raise NotAllowedNow("NO_PRINTER")
        self._driver.printing.reprint(payment, copy)

    def tell(self, listener: Callable[[Event], object], event: Event) -> None:
        """Give an event to a listener, from the thread that is kept for listeners."""
        self._teller.call_later(0.0, partial(listener, event))

    def run_due(self) -> None:
        """Do all that is due now in the caller's thread: for tests, which have no workers."""
        while self._driver.scheduler.run_due() + self._teller.run_due():
            pass

    def next_due_s(self) -> float | None:
        """How long until the engine has something to do; None when everything is over."""
        return self._driver.scheduler.next_due_s()

    def close(self) -> None:
        """Stop. Attempts stay in the journal as they are; nothing is cancelled."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            payments = list(self._payments.values())
        with ExitStack() as all_of_it:  # each of them, whatever becomes of the one before
            all_of_it.callback(self._journal.close)
            all_of_it.callback(self._gateway.close)
            for payment in payments:
                all_of_it.callback(payment.shut)
            all_of_it.callback(self._teller.close, 1.0)
            all_of_it.callback(self._driver.close, _CLOSING_S)

    def _check_open(self) -> None:
        if self._closed:
            raise NotAllowedNow("STATION_CLOSED")
