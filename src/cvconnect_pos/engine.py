"""Drives every open payment: one mailbox per payment, a few threads for all, and the journal before everything.

A payment's mailbox holds signals and calls. Whatever is in it is taken one at a time, so there is one call in flight
per attempt, and a step is journaled before its commands are carried out. Waiting for a customer is a due time in the
scheduler's heap: it costs no thread.

Two locks, taken in this order and never while a device, a listener or the network is waited for: `_writing` orders
the steps in the journal, `_lock` guards the mailboxes.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from cvconnect_pos.calls import Calls
from cvconnect_pos.clock import Clock, SystemClock
from cvconnect_pos.core.attempt import ACKNOWLEDGED, TICKET, Attempt, Entry, Order, fold, rebuild
from cvconnect_pos.core.lifecycle import CALLS, NEGATIVE, OBSERVATIONS, Command, Signal, State, Step, step
from cvconnect_pos.core.policy import STALL_S, STALLING, may_change, same_phase
from cvconnect_pos.core.steps import consequences
from cvconnect_pos.errors import CvConnectError, InvalidInput, JournalError, NotAllowedNow, RequestIdReused
from cvconnect_pos.events import Event, JournalTrouble, TicketPrinted, tell
from cvconnect_pos.gateway.base import PaymentGateway
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.journal.base import Journal, Search
from cvconnect_pos.mailbox import Box, Devices, Happened, Item, NoDevices
from cvconnect_pos.payment import Payment
from cvconnect_pos.scheduler import Scheduler
from cvconnect_pos.timers import Timers

_log = logging.getLogger("cvconnect_pos")

_JOURNAL_RETRY_S = 1.0
_CLOSING_S = 15.0

_LOOK_BACK = timedelta(days=3)
"""How old an attempt may be that a start looks at again, once it is over and recorded."""

_WATCHED_MAX = 10_000

_BEFORE_TELLING = frozenset({Command.ARM, Command.DISARM})
"""A scanner that is said to be ready is ready."""


class Engine:
    """The one place that acts. Made by `Station`, or by a till that composes its own.

    Args:
        gateway: The provider; closed with the engine.
        journal: Where everything is written; closed with the engine.
        devices: What shows, scans and prints.
        clock: Where time comes from.
        workers: Threads for all payments; 0 in tests, which then call `run_due`.
        call_timeout_s: The total deadline of one call, in seconds.
        speed: Divides the pauses between polls; more than 1 only in tests and demonstrations.
        seed: Seeds the jitter, in tests.
    """

    def __init__(
        self,
        gateway: PaymentGateway,
        journal: Journal,
        *,
        devices: Devices | None = None,
        clock: Clock | None = None,
        workers: int = 2,
        call_timeout_s: float = 10.0,
        speed: float = 1.0,
        seed: int | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self._gateway = gateway
        self._journal = journal
        self._devices = devices or NoDevices()
        self._calls = Calls(gateway, self.clock, call_timeout_s)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._boxes: dict[str, Box] = {}
        self._payments: WeakValueDictionary[str, Payment] = WeakValueDictionary()
        self._damaged: JournalError | None = None
        self._closed = False
        self._scheduler = Scheduler(self.clock, workers, self._escaped)
        self._teller = Scheduler(self.clock, min(workers, 1), self._escaped)
        self._timers = Timers(self._scheduler, self.clock, self._put, self._hide, speed=speed, seed=seed)

    # --- the till's calls -------------------------------------------------------------------------------------------

    def request(self, order: Order, beneficiary: Beneficiary | None = None) -> Payment:
        """Open a payment, or find the one that this request id has opened. See `Tender.request`."""
        with self._writing:
            self._check_open()
            known = self._journal.entries(order.request_id)
            if not known and (refusal := self._damaged or self._calls.stopped):
                raise refusal
            kept = self._journal.identifier(order.request_id) if known and beneficiary else None
            if kept is not None and beneficiary is not None and kept != beneficiary.value:
                raise RequestIdReused(request_id=order.request_id)  # two customers may have the same mask
            entries, is_new = self._journal.begin(
                order,
                secrets.token_hex(10),
                self.clock.now(),
                simulation=not self._gateway.is_production,
                identifier=beneficiary.value if beneficiary else None,
            )
            first = Command.CREATE if is_new else None
            return self._take_up(_rebuilt(entries), first, beneficiary if is_new else None)

    def resume(self, request_id: str) -> Payment:
        """Come back to a payment by its request id.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalError: The journal cannot be read, or this attempt in it.
            NotAllowedNow: `STATION_CLOSED`.
        """
        with self._writing:
            self._check_open()
            with self._lock:
                if payment := self._payments.get(request_id):
                    return payment
            entries = self._journal.entries(request_id)
            if not entries:
                raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=request_id)
            return self._take_up(_rebuilt(entries), None)

    def recover(self) -> None:
        """Take up every attempt of the journal that is open, not acknowledged, or still watched.

        An attempt that cannot be read stops new requests, not the others: what is open stays watched.
        """
        for request_id in (*self._journal.unsettled(), *self._watched()):
            try:
                self.resume(request_id)
            except JournalError as error:
                _log.error("%s", error)
                self._damaged = error

    def _watched(self) -> list[str]:
        """List what the till has recorded and the provider may still change: a late payment, a cancel that lands late."""
        now = self.clock.now()
        recent = Search(states=NEGATIVE | {State.APPROVED}, acknowledged=True, opened_from=now - _LOOK_BACK)
        found: list[str] = []
        for summary in self._journal.attempts(recent, limit=_WATCHED_MAX):
            age_s = (now - summary.updated_at).total_seconds()
            if may_change(summary.state, age_s):
                found.append(summary.request_id)
        return found

    def unacknowledged(self) -> list[Payment]:
        """List the payments that have an outcome which the till has not acknowledged, oldest first."""
        payments: list[Payment] = []
        for request_id in self._journal.unsettled():
            try:
                payments.append(self.resume(request_id))
            except JournalError as error:
                self._damaged = error
        return [payment for payment in payments if payment.outcome and not payment.attempt.acknowledged]

    def identify(self, payment: Payment, beneficiary: Beneficiary) -> None:
        """Name the customer of a payment."""
        data = {"beneficiary": beneficiary.masked, "reason": ""}
        self._put(self._box_of(payment), Happened(Signal.IDENTIFIED, data, beneficiary))

    def post(self, payment: Payment, signal: Signal, data: Mapping[str, Any]) -> None:
        """Put a signal of the till into a payment's mailbox."""
        self._put(self._box_of(payment), Happened(signal, data, asked=True))

    def acknowledge(self, payment: Payment) -> None:
        """Journal the till's receipt. See `Payment.acknowledge`."""
        with self._writing:
            attempt = payment.attempt
            if attempt.acknowledged:
                return
            if not attempt.is_final:
                raise NotAllowedNow(action="acknowledge", state=attempt.state.value)
            self._write(payment, ACKNOWLEDGED, {"acknowledged": True})
        self._forget(payment)

    def report(self, payment: Payment, event: Event) -> None:
        """Take an event of a device. What became of a ticket is journaled before it is told."""
        tickets = 0
        if isinstance(event, TicketPrinted):
            tickets = -1
            try:
                with self._writing:
                    self._write(payment, TICKET, {"ticket": event.outcome})
            except JournalError as error:
                _log.error("the outcome of a ticket was not journaled: %s", error)
        payment.publish((event,), tickets=tickets)

    def tell(self, listener: Callable[[Event], object], event: Event) -> None:
        """Give an event to a listener, from the thread that is kept for listeners."""
        self._teller.call_later(0.0, partial(listener, event))

    def run_due(self) -> None:
        """Do all that is due now in the caller's thread: for tests, which have no workers."""
        while self._scheduler.run_due() + self._teller.run_due():
            pass

    def next_due_s(self) -> float | None:
        """How long until the engine has something to do; None when everything is over."""
        return self._scheduler.next_due_s()

    def close(self) -> None:
        """Stop. Attempts stay in the journal as they are; nothing is cancelled."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            payments = list(self._payments.values())
        self._scheduler.close(_CLOSING_S)
        self._teller.close(1.0)
        for payment in payments:
            payment.shut()
        self._gateway.close()
        self._journal.close()

    # --- mailboxes --------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise NotAllowedNow("STATION_CLOSED")

    def _take_up(
        self, attempt: Attempt, first: Item | None, beneficiary: Beneficiary | None = None
    ) -> Payment:
        """Give the one handle of an attempt, and its mailbox with what is to be done first."""
        request_id = attempt.order.request_id
        with self._lock:
            self._check_open()
            if payment := self._payments.get(request_id):
                return payment
            payment = self._payments[request_id] = Payment(self, attempt, recovered=first is None)
            age = 0.0 if first else max((self.clock.now() - attempt.changed_at).total_seconds(), 0.0)
            box = self._boxes[request_id] = Box(
                payment, self.clock.monotonic() - age, beneficiary=beneficiary
            )
        if first is None and step(attempt.state, Signal.RESTARTED):
            first = Happened(Signal.RESTARTED)
        if first is not None:
            self._put(box, first)
        return payment

    def _box_of(self, payment: Payment) -> Box:
        with self._lock:
            self._check_open()
            return self._boxes.setdefault(payment.request_id, Box(payment, self.clock.monotonic()))

    def _put(self, box: Box, item: Item) -> None:
        with self._lock:
            box.items.append(item)
            if box.busy:
                return
            box.busy = True
        self._scheduler.call_later(0.0, lambda: self._drain(box))

    def _next(self, box: Box, item: Item) -> None:
        """Do this before anything else of the mailbox."""
        with self._lock:
            box.items.appendleft(item)

    def _drain(self, box: Box) -> None:
        while not self._closed:
            with self._lock:
                if not box.items:
                    box.busy = False
                    break
                item = box.items.popleft()
            try:
                if isinstance(item, Command):
                    self._call(box, item)
                else:
                    self._apply(box, item)
            except JournalError as error:
                self._wait_for_journal(box, item, error)
                return
            except Exception as error:  # noqa: BLE001 - a fault of ours must not leave a payment unwatched
                self._escaped(error)
                self._timers.plan_poll(box)
            if isinstance(item, Happened) and item.asked:
                box.payment.taken_up()
        self._forget(box.payment)

    def _wait_for_journal(self, box: Box, item: Item, error: JournalError) -> None:
        """Nothing is sent that is not written: try the same step again later, and say so once."""
        if not box.journal_trouble:
            box.journal_trouble = True
            _log.error("%s", error)
            payment = box.payment
            trouble = JournalTrouble(request_id=payment.request_id, at=self.clock.now(), reason=error.code)
            payment.publish((trouble,))
        self._next(box, item)
        self._scheduler.call_later(_JOURNAL_RETRY_S, lambda: self._drain(box))

    def _forget(self, payment: Payment) -> None:
        """Keep in memory only what is open, not acknowledged, or still watched."""
        attempt = payment.attempt
        if not (attempt.acknowledged and attempt.is_final):
            return
        with self._lock:
            box = self._boxes.get(payment.request_id)
            idle = box is not None and not box.busy and not box.items
        if box is not None and idle and not self._timers.plan_poll(box):
            with self._lock:
                if not box.busy and not box.items:
                    self._boxes.pop(payment.request_id, None)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _call(self, box: Box, command: Command) -> None:
        if command is Command.PAYER and box.beneficiary is None:
            box.beneficiary = self._remembered(box.payment.request_id)
        heard = self._calls.make(command, box.payment.attempt, box.beneficiary)
        if heard.signal is not None:
            self._timers.note_expiry(box, heard.expires_in_s)
            self._next(box, Happened(heard.signal, heard.data))
        elif command is Command.STATUS:
            self._timers.plan_poll(box)

    def _remembered(self, request_id: str) -> Beneficiary | None:
        """Read the customer back that was named before a restart; None when they were erased."""
        identifier = self._journal.identifier(request_id)
        return Beneficiary.parse(identifier) if identifier else None

    def _apply(self, box: Box, item: Happened) -> None:
        payment = box.payment
        with self._writing:
            before = payment.attempt
            row = step(before.state, item.signal)
            if row is None:  # it came too late to matter
                return
            if item.beneficiary is not None:
                box.beneficiary = item.beneficiary
            payment.hold()  # not over before its events are told and its tickets are counted
            try:
                after, events = self._journaled(payment, item, row)
            except BaseException:
                payment.publish((), tickets=-1)
                raise
            box.journal_trouble = False
            if not same_phase(before.state, after.state):
                box.entered = self.clock.monotonic()
        # No lock is held while devices are told: a driver may do anything.
        commands = [command for command in row.commands if command not in CALLS]
        for command in commands:
            if command in _BEFORE_TELLING:
                self._carry_out(command, payment, after)
        payment.publish(events)
        tickets = sum(self._carry_out(c, payment, after) for c in commands if c not in _BEFORE_TELLING)
        payment.publish((), tickets=tickets - 1)
        self._go_on(box, item.signal, row)

    def _go_on(self, box: Box, signal: Signal, row: Step) -> None:
        """Make the call of the row, or plan the next look."""
        calls = [command for command in row.commands if command in CALLS]
        if calls:
            self._next(box, calls[0])
        elif signal in OBSERVATIONS and row.state in STALLING and self._timers.age_s(box) >= STALL_S:
            self._next(box, Happened(Signal.STALLED))
        else:
            self._timers.plan_poll(box)

    def _journaled(self, payment: Payment, item: Happened, row: Step) -> tuple[Attempt, tuple[Event, ...]]:
        """Write the step, unless it says nothing new; only then is it true."""
        before, signal = payment.attempt, item.signal
        facts = {**item.data, **consequences(before, signal, row.state, secrets.token_hex(10))}
        if row.state is before.state and signal in OBSERVATIONS and before.is_final:
            facts = {}  # after the end, a word that changes nothing is only a word
        now = self.clock.now()
        draft = fold(before, Entry(0, payment.request_id, now, signal.value, row.state, facts))
        if not row.commands and replace(draft, updated_at=before.updated_at) == before:
            return before, ()
        named = item.beneficiary.value if item.beneficiary else None
        after = self._write(payment, signal.value, facts, row, identifier=named)
        return after, tell(before, signal, after)

    def _write(
        self,
        payment: Payment,
        kind: str,
        facts: Mapping[str, Any],
        row: Step | None = None,
        identifier: str | None = None,
    ) -> Attempt:
        """Append one entry, and take it for true; `_writing` is held."""
        before = payment.attempt
        state = row.state if row else before.state
        now = self.clock.now()
        entry = self._journal.append(payment.request_id, now, kind, state, facts, identifier=identifier)
        after = fold(before, entry)
        payment.advance(after)
        return after

    def _carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        try:
            return self._devices.carry_out(command, payment, attempt)
        except Exception as error:  # noqa: BLE001 - a till's own devices may raise anything
            self._escaped(error)
            return 0

    def _hide(self, box: Box) -> None:
        self._carry_out(Command.HIDE, box.payment, box.payment.attempt)

    def _escaped(self, error: BaseException) -> None:
        code = error.code if isinstance(error, CvConnectError) else type(error).__name__
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _log.error("a listener or a step failed: %s at %s", code, where)  # its message might quote a customer


def _rebuilt(entries: Any) -> Attempt:
    """Rebuild an attempt; an entry that cannot be understood is damage, not a crash."""
    try:
        return rebuild(entries)
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError("JOURNAL_DAMAGED", path=entries[0].request_id) from error
