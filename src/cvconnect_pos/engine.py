"""Drives every open payment: one mailbox per payment, a few threads for all, and the journal before everything.

A payment's mailbox holds signals and calls. Whatever is in it is taken one at a time, so there is one call in flight
per attempt, and a step is journaled before its commands are carried out. Waiting for a customer is a due time in the
scheduler's heap: it costs no thread.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

from cvconnect_pos.calls import Calls, Heard
from cvconnect_pos.clock import Clock, SystemClock
from cvconnect_pos.core.attempt import ACKNOWLEDGED, TICKET, Attempt, Entry, Order, fold, rebuild
from cvconnect_pos.core.lifecycle import (
    ALIVE,
    CALLS,
    NEGATIVE,
    OBSERVATIONS,
    Command,
    Signal,
    State,
    Step,
    step,
)
from cvconnect_pos.core.policy import PATIENCE_AFTER_EXPIRY_S, poll_delay_s
from cvconnect_pos.errors import CvConnectError, InvalidInput, JournalError, NotAllowedNow
from cvconnect_pos.events import Event, JournalTrouble, TicketPrinted, tell
from cvconnect_pos.gateway.base import PaymentGateway
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.journal.base import Journal
from cvconnect_pos.payment import Payment
from cvconnect_pos.scheduler import Scheduler

_log = logging.getLogger("cvconnect_pos")

_JOURNAL_RETRY_S = 1.0
_CLOSING_S = 15.0


class Devices(Protocol):
    """What carries out the commands that are not calls. Its methods return at once."""

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        """Start a command; say how many tickets it will report on."""
        ...


class NoDevices:
    """A till that shows and prints by itself."""

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:  # noqa: ARG002
        """Do nothing."""
        return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A signal of the till, which waits for it to be taken up."""

    signal: Signal
    data: Mapping[str, Any]


_Item: TypeAlias = tuple[Signal, Mapping[str, Any]] | _Asked | Command


@dataclass(slots=True)
class _Box:
    """What the engine keeps of a payment that is not for the journal."""

    payment: Payment
    entered: float
    items: deque[_Item] = field(default_factory=deque[_Item])
    busy: bool = False
    beneficiary: Beneficiary | None = None
    poll_planned: int = 0
    expires: float | None = None


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
        self._speed = speed
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._boxes: dict[str, _Box] = {}
        self._closed = False
        self._scheduler = Scheduler(self.clock, workers, self._escaped)
        self._teller = Scheduler(self.clock, min(workers, 1), self._escaped)

    # --- the till's calls -------------------------------------------------------------------------------------------

    def request(self, order: Order, beneficiary: Beneficiary | None = None) -> Payment:
        """Open a payment, or find the one that this request id has opened. See `Tender.request`."""
        if self._closed:
            raise NotAllowedNow("STATION_CLOSED")
        with self._writing:
            known = self._journal.entries(order.request_id)
            if not known and self._calls.stopped is not None:
                raise self._calls.stopped
            entries, is_new = self._journal.begin(
                order, secrets.token_hex(10), self.clock.now(), simulation=not self._gateway.is_production
            )
            box, added = self._box(rebuild(entries), recovered=not is_new, beneficiary=beneficiary)
        if is_new:
            self._put(box, Command.CREATE)
        elif added and not box.payment.attempt.is_final:
            self._put(box, (Signal.RESTARTED, {}))
        return box.payment

    def resume(self, request_id: str) -> Payment:
        """Come back to a payment by its request id.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalError: The journal cannot be read.
        """
        with self._lock:
            box = self._boxes.get(request_id)
        if box is None:
            entries = self._journal.entries(request_id)
            if not entries:
                raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=request_id)
            box, _ = self._box(rebuild(entries), recovered=True)
        return box.payment

    def recover(self) -> None:
        """Take up every open attempt of the journal, and keep every outcome that was not acknowledged."""
        for request_id in self._journal.unsettled():
            box, added = self._box(rebuild(self._journal.entries(request_id)), recovered=True)
            if added and not box.payment.attempt.is_final:
                self._put(box, (Signal.RESTARTED, {}))

    def unacknowledged(self) -> list[Payment]:
        """List the payments that have an outcome which the till has not acknowledged, oldest first."""
        payments = [self.resume(request_id) for request_id in self._journal.unsettled()]
        return [payment for payment in payments if payment.attempt.is_final]

    def identify(self, payment: Payment, beneficiary: Beneficiary) -> None:
        """Name the customer of a payment."""
        box = self._box_of(payment)
        box.beneficiary = beneficiary
        self._put(box, (Signal.IDENTIFIED, {"beneficiary": beneficiary.masked, "reason": ""}))

    def post(self, payment: Payment, signal: Signal, data: Mapping[str, Any]) -> None:
        """Put a signal of the till into a payment's mailbox."""
        self._put(self._box_of(payment), _Asked(signal, data))

    def acknowledge(self, payment: Payment) -> None:
        """Journal the till's receipt. See `Payment.acknowledge`."""
        with self._writing:
            attempt = payment.attempt
            if attempt.acknowledged:
                return
            if not attempt.is_final:
                raise NotAllowedNow(action="acknowledge", state=attempt.state.value)
            entry = self._journal.append(
                payment.request_id, self.clock.now(), ACKNOWLEDGED, attempt.state, {"acknowledged": True}
            )
            payment.advance(fold(attempt, entry))
        self._forget(payment)

    def report(self, payment: Payment, event: Event) -> None:
        """Take an event of a device. What became of a ticket is journaled before it is told."""
        tickets = 0
        if isinstance(event, TicketPrinted):
            tickets = -1
            with self._writing:
                attempt = payment.attempt
                facts = {"ticket": event.outcome}
                try:
                    entry = self._journal.append(payment.request_id, event.at, TICKET, attempt.state, facts)
                except JournalError as error:
                    _log.error("the outcome of a ticket was not journaled: %s", error)
                else:
                    payment.advance(fold(attempt, entry))
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
            boxes = tuple(self._boxes.values())
        self._scheduler.close(_CLOSING_S)
        self._teller.close(1.0)
        for box in boxes:
            box.payment.shut()
        self._gateway.close()
        self._journal.close()

    # --- the mailbox -----------------------------------------------------------------------------------------------

    def _box(
        self, attempt: Attempt, *, recovered: bool, beneficiary: Beneficiary | None = None
    ) -> tuple[_Box, bool]:
        request_id = attempt.order.request_id
        with self._lock:
            if box := self._boxes.get(request_id):
                return box, False
            payment = Payment(self, attempt, recovered=recovered)
            box = self._boxes[request_id] = _Box(payment, self.clock.monotonic(), beneficiary=beneficiary)
            return box, True

    def _box_of(self, payment: Payment) -> _Box:
        with self._lock:
            return self._boxes.setdefault(payment.request_id, _Box(payment, self.clock.monotonic()))

    def _put(self, box: _Box, item: _Item, *, first: bool = False) -> None:
        with self._lock:
            (box.items.appendleft if first else box.items.append)(item)
            if box.busy:
                return
            box.busy = True
        self._scheduler.call_later(0.0, lambda: self._drain(box))

    def _drain(self, box: _Box) -> None:
        while not self._closed:
            with self._lock:
                if not box.items:
                    box.busy = False
                    return
                item = box.items.popleft()
            try:
                match item:
                    case Command():
                        self._call(box, item)
                    case _Asked(signal, data):
                        self._apply(box, signal, data)
                        box.payment.taken_up()
                    case (signal, data):
                        self._apply(box, signal, data)
            except JournalError as error:
                self._wait_for_journal(box, item, error)
                return

    def _wait_for_journal(self, box: _Box, item: _Item, error: JournalError) -> None:
        """Nothing is sent that is not written: try the same step again later."""
        _log.error("journal: %s", error)
        payment = box.payment
        payment.publish(
            (JournalTrouble(request_id=payment.request_id, at=self.clock.now(), reason=error.code),)
        )
        with self._lock:
            box.items.appendleft(item)
        self._scheduler.call_later(_JOURNAL_RETRY_S, lambda: self._drain(box))

    def _call(self, box: _Box, command: Command) -> None:
        heard = self._calls.make(command, box.payment.attempt, box.beneficiary)
        if heard.signal is not None:
            self._plan_expiry(box, heard)
            with self._lock:
                box.items.appendleft((heard.signal, heard.data))
        elif command is Command.STATUS:
            self._plan_poll(box)

    def _apply(self, box: _Box, signal: Signal, data: Mapping[str, Any]) -> None:
        payment = box.payment
        with self._writing:
            before = payment.attempt
            row = step(before.state, signal)
            if row is None:  # it came too late to matter
                return
            after, events = self._journaled(before, signal, row, data)
            if row.state is not before.state:
                box.entered = self.clock.monotonic()
            payment.advance(after, tickets=1)  # not over before its tickets are counted
        # No lock is held while devices are told: a driver may do anything.
        commands = [command for command in row.commands if command not in CALLS]
        for command in commands:
            if command in _BEFORE_TELLING:
                self._devices.carry_out(command, payment, after)
        payment.publish(events)
        tickets = sum(
            self._devices.carry_out(command, payment, after)
            for command in commands
            if command not in _BEFORE_TELLING
        )
        payment.publish((), tickets=tickets - 1)
        calls = [command for command in row.commands if command in CALLS]
        if calls:
            with self._lock:
                box.items.appendleft(calls[0])
        else:
            self._plan_poll(box)
        if after.is_final and after.state not in NEGATIVE:
            self._forget(payment)

    def _journaled(
        self, before: Attempt, signal: Signal, row: Step, data: Mapping[str, Any]
    ) -> tuple[Attempt, tuple[Event, ...]]:
        """Write the step, unless it says nothing new; only then is it true."""
        late = row.state is before.state and signal in OBSERVATIONS and before.is_final
        facts: dict[str, Any] = {} if late else {**data, **_consequences(before, signal, row.state)}
        now = self.clock.now()
        request_id = before.order.request_id
        draft = fold(before, Entry(0, request_id, now, signal.value, row.state, facts))
        if not row.commands and replace(draft, updated_at=before.updated_at) == before:
            return before, ()
        entry = self._journal.append(request_id, now, signal.value, row.state, facts)
        after = fold(before, entry)
        return after, tell(before, signal, after)

    # --- time ----------------------------------------------------------------------------------------------------------

    def _plan_poll(self, box: _Box) -> None:
        age = self.clock.monotonic() - box.entered
        state = box.payment.attempt.state
        delay = poll_delay_s(state, age, self._random.uniform(-1.0, 1.0), speed=self._speed)
        if delay is None:
            return
        box.poll_planned += 1
        number = box.poll_planned
        self._scheduler.call_later(delay, lambda: self._poll(box, number))

    def _poll(self, box: _Box, number: int) -> None:
        if box.poll_planned == number:  # a newer plan replaces an older one
            self._put(box, Command.STATUS)

    def _plan_expiry(self, box: _Box, heard: Heard) -> None:
        """Remember the latest expiry that the provider told: a scanned request may live longer than its QR."""
        if heard.expires_in_s is None:
            return
        first = box.expires is None
        box.expires = self.clock.monotonic() + max(heard.expires_in_s, 0.0)
        if first:
            self._scheduler.call_later(max(heard.expires_in_s, 0.0), lambda: self._at_expiry(box))

    def _at_expiry(self, box: _Box) -> None:
        """Take the QR away, and ask; the provider alone says that it is over."""
        payment = box.payment
        state = payment.attempt.state
        left = (box.expires or 0.0) - self.clock.monotonic()
        if left > 0:
            self._scheduler.call_later(left, lambda: self._at_expiry(box))
        elif state in ALIVE or state is State.OPENED:
            if state is State.SHOWING:
                self._devices.carry_out(Command.HIDE, payment, payment.attempt)
            self._put(box, Command.STATUS)
            self._scheduler.call_later(PATIENCE_AFTER_EXPIRY_S, lambda: self._out_of_patience(box))

    def _out_of_patience(self, box: _Box) -> None:
        """Ask to cancel what the provider does not end by itself."""
        state = box.payment.attempt.state
        if (box.expires or 0.0) > self.clock.monotonic():
            self._at_expiry(box)
        elif state is not State.IN_DOUBT and step(state, Signal.CANCEL) is not None:
            self._put(box, (Signal.CANCEL, {"cancel_asked": True, "reason": "PATIENCE"}))

    # --- housekeeping -------------------------------------------------------------------------------------------------------

    def _forget(self, payment: Payment) -> None:
        """Keep in memory only what is open, unacknowledged, or still watched."""
        attempt = payment.attempt
        if attempt.acknowledged and attempt.is_final and attempt.state not in NEGATIVE:
            with self._lock:
                self._boxes.pop(payment.request_id, None)

    def _escaped(self, error: BaseException) -> None:
        code = error.code if isinstance(error, CvConnectError) else type(error).__name__
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _log.error("a listener or a step failed: %s at %s", code, where)  # its message might quote a customer


_BEFORE_TELLING = frozenset({Command.ARM, Command.DISARM})
"""A scanner that is said to be ready is ready."""

_FRESH = frozenset({State.IDENTIFYING, State.AWAITING, State.SCANNED, State.APPROVED})
"""Entering these, an older reason no longer applies."""

_CANCELLING = frozenset({State.CANCELLING, State.CANCEL_SENT, State.CANCEL_UNKNOWN, State.CANCEL_CONFIRMING})


def _consequences(before: Attempt, signal: Signal, state: State) -> dict[str, Any]:
    """What a step makes known by itself, beside what the provider said."""
    facts: dict[str, Any] = {}
    if state is before.state:
        return facts
    if before.acknowledged:  # something new, after the till's receipt: it is delivered again
        facts["acknowledged"] = False
    if signal is Signal.RESTARTED and state in {State.ORPHANED, State.CANCELLING}:
        facts["reason"] = "INTERRUPTED"
    elif signal is Signal.OVERPAID:
        facts["reason"] = "OVERPAID"
    elif state is State.DECIDING:
        facts["reason"] = "CANCEL_CROSSED" if before.state in _CANCELLING else "LATE_PAYMENT"
    elif state in _FRESH and before.state is not State.REVERSAL_REFUSED:
        facts["reason"] = ""
    elif (
        before.state is State.SWITCHING and state is State.CREATING
    ):  # the QR is dead: what follows is a new one
        facts |= {"pre_transaction_id": "", "transaction_id": "", "qr_payload": "", "qr_png": ""}
    return facts
