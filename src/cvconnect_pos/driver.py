"""Drives payments: a mailbox for each, a lease that says which process acts, and the journal before everything.

A step is journaled before its commands are carried out. `writing` is held while a step is judged and journaled, and never while a
device, a listener or the network is waited for; the lock of the mailboxes is taken within it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from cvconnect_pos.calls import Calls
from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Entry, Way, fold
from cvconnect_pos.core.lifecycle import CALLS, OBSERVATIONS, RIVALS, Command, Signal, State, Step, step
from cvconnect_pos.core.policy import STALL_S, STALLING, same_phase
from cvconnect_pos.core.steps import consequences
from cvconnect_pos.debuglog import TRACE
from cvconnect_pos.errors import JournalError, JournalMoved, JournalTaken, NotAllowedNow
from cvconnect_pos.events import Event, JournalTrouble, tell
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.journal.base import Journal
from cvconnect_pos.leasing import Leasing
from cvconnect_pos.mailbox import Box, Devices, Happened, Item, Printing
from cvconnect_pos.mailroom import Handlers, Mailroom, escaped
from cvconnect_pos.payment import Payment
from cvconnect_pos.scheduler import Scheduler
from cvconnect_pos.timers import Timers

_log = logging.getLogger("cvconnect_pos")

_FAULT_RETRY_S = 5.0

_UNREADABLE_IDENTIFIER = frozenset({"JOURNAL_KEYS_MISSING", "JOURNAL_DAMAGED"})

_RIVAL_CALLS = frozenset({Command.RIVAL_STATUS, Command.RIVAL_CANCEL, Command.RIVAL_RELEASE})

_BEFORE_TELLING = frozenset({Command.ARM, Command.DISARM})
"""A scanner that is said to be ready is ready."""


class Driver:
    """The part of the engine that acts.

    Args:
        journal: Where everything is written.
        devices: What shows, scans and prints.
        calls: Makes the calls.
        clock: Where time comes from.
        workers: Threads for all payments; 0 in tests, which then run what is due by hand.
        call_timeout_s: The total deadline of one call, in seconds.
        calls_per_s: How many calls a second the provider allows this credential.
        speed: Divides the pauses between polls.
        seed: Seeds the jitter, in tests.
    """

    def __init__(
        self,
        journal: Journal,
        devices: Devices,
        calls: Calls,
        clock: Clock,
        *,
        workers: int,
        call_timeout_s: float,
        calls_per_s: float,
        speed: float,
        seed: int | None,
    ) -> None:
        self._journal = journal
        self._devices = devices
        self._calls = calls
        self._clock = clock
        self._call_timeout_s = call_timeout_s
        self.scheduler = Scheduler(clock, workers, escaped)
        self._mail = Mailroom(
            self.scheduler,
            Handlers(self._do, self._moved, self._waits, failed=self._begin_anew, is_kept=self._is_kept),
        )
        self._timers = Timers(
            self.scheduler,
            clock,
            calls,
            self._mail.put,
            self._do,
            self._hide,
            calls_per_s=calls_per_s,
            polls=max(workers - 1, 1),
            speed=speed,
            seed=seed,
        )
        self.leasing = Leasing(
            journal, clock, self._timers, self._call_s, self._mail.put, self._take_up_first, self._leave
        )
        self.writing = self.leasing.writing
        self.forget = self._mail.forget
        self.printing: Printing | None = None
        """What prints; it puts itself there."""

    # --- the doors ------------------------------------------------------------------------------------------------------

    def _call_s(self) -> float:
        """How long a call can take; the first ones wait for one another."""
        return self._call_timeout_s * (1 if self._calls.is_proven else 2)

    def open(self, payment: Payment, beneficiary: Beneficiary | None, leased_until_s: float) -> None:
        """Begin a new attempt: its first call."""
        box = Box(payment, self._clock.monotonic(), beneficiary=beneficiary, lease_until=leased_until_s)
        self._mail.replace(box)
        self._timers.count_call()
        self._mail.put(box, Command.CREATE)

    def take_up(self, payment: Payment) -> None:
        """Go on with an attempt that the journal knows."""
        self._watch(self._aged(payment))

    def _aged(self, payment: Payment) -> Box:
        """Make the mailbox of an attempt that began before: its times are those of the journal."""
        attempt, now, at = payment.attempt, self._clock.monotonic(), self._clock.now()

        def then(moment: datetime) -> float:
            return now - max((at - moment).total_seconds(), 0.0)

        since = attempt.rival.since if attempt.rival else at
        return Box(payment, then(attempt.changed_at), known=then(attempt.opened_at), rival_since=then(since))

    def _watch(self, box: Box) -> None:
        attempt = box.payment.attempt
        self._mail.replace(box)
        if attempt.expires_at is not None and not attempt.is_final:
            self._timers.note_expiry(box, (attempt.expires_at - self._calls.provider_now()).total_seconds())
        self._mail.put(box, partial(self._come_back, box))

    def resumed(self, payment: Payment) -> None:
        """The till came back to a payment: what a restart hid is shown again."""
        box = self._mail.box_of(payment)
        if box is not None:
            if box.follows:  # whoever showed it may be gone: that is found out first
                self._mail.put(box, partial(self.leasing.holds, box, patient=True))
            self._mail.put(box, partial(self._show_again, box))

    def post(self, payment: Payment, item: Happened) -> None:
        """Put a signal of the till into a payment's mailbox.

        Raises:
            NotAllowedNow: `PAYMENT_ELSEWHERE`: another process acts on it.
            JournalError: It cannot be found out who acts on it.
        """
        box = self._box_of(payment)
        if not self._holds_firmly(box):
            raise NotAllowedNow("PAYMENT_ELSEWHERE")
        self._mail.put(box, item)

    def _holds_firmly(self, box: Box) -> bool:
        return any(
            self.leasing.holds(box, firm=True) for _ in range(2)
        )  # the first may find news, and takes them in

    def takes_over(self, payment: Payment) -> bool:
        """Take it over from whoever only watches it; say whether it can be asked about here.

        Raises:
            JournalError: It cannot be found out who acts on it.
        """
        attempt = payment.attempt
        return self._holds_firmly(self._box_of(payment)) or not (_is_known(attempt) or attempt.rival)

    def look(self, payment: Payment) -> bool:
        """Ask soon how a payment stands, open or over; say whether it can be asked here.

        Raises:
            JournalError: It cannot be found out who acts on it.
        """
        box = self._box_of(payment)
        if not _is_known(payment.attempt):
            return True
        over = payment.attempt.is_final  # what goes on is asked about by whoever acts on it
        if not any(self.leasing.holds(box, patient=not over, brief=over) for _ in range(2)):
            return False
        self._timers.hint(box)
        return True

    def _box_of(self, payment: Payment) -> Box:
        return self._mail.keep(Box(payment, self._clock.monotonic()))

    def note(self, payment: Payment, kind: str, facts: Mapping[str, Any]) -> None:
        """Write an entry that is no signal: a receipt, what became of a ticket; `writing` is held.

        Raises:
            JournalMoved: Somebody wrote meanwhile; it is taken in now: judge again.
        """
        try:
            self._write(payment, kind, facts)
        except JournalMoved:
            self.leasing.catch_up(payment, self._mail.box_of(payment))
            self._heard(payment)
            raise

    def refresh(self, payment: Payment) -> None:
        """Take in what another process has written, unless this one acts, and go on from there if that one is gone.

        What is over may have been handed over, whatever this one remembers of its lease.
        """
        box = self._mail.box_of(payment)
        if box is not None and box.lease_until > self._clock.monotonic() and not box.payment.attempt.is_final:
            return
        with self.writing:
            if self.leasing.catch_up(payment, self._mail.box_of(payment)):
                self._heard(payment)

    def _heard(self, payment: Payment) -> None:
        """Judge soon by what was taken in; `writing` is held."""
        box = self._mail.box_of(payment)
        if box is not None:
            box.news = True  # whatever is done before: it was asked for by what is no longer true
            box.lease_until = float("-inf")
            self._mail.put(box, partial(self.leasing.heard, box))
        elif not self._timers.wants_nothing(box := self._aged(payment)):
            self._watch(box)

    def hint(self, ids: frozenset[str]) -> bool:
        """Look soon at the attempts that one of these ids belongs to; say whether there is one."""
        found = False
        for box in self._acted_on():
            attempt = box.payment.attempt
            if ids & {attempt.transaction_id, attempt.pre_transaction_id, attempt.payment_id}:
                self._timers.hint(box)
                found = True
        return found

    def look_at_all(self, timeout_s: float, since_s: float) -> bool:
        """Ask about everything once, and wait for the answers; say whether all came in time.

        Args:
            timeout_s: How long to wait, in seconds.
            since_s: An answer counts that was asked for after this moment, in monotonic seconds.
        """
        done: list[threading.Event] = []
        for box in self._mail.boxes():
            if box.follows:
                continue
            if _is_known(box.payment.attempt):
                done.append(threading.Event())
                self._timers.poll_soon(box, done[-1].set, since_s=since_s)
            if box.payment.attempt.rival is not None:
                done.append(threading.Event())
                self._timers.ask_rival(box, done[-1].set, since_s=since_s)
        end = self._clock.monotonic() + timeout_s
        answered = [event.wait(max(end - self._clock.monotonic(), 0.0)) for event in done]
        return all(answered)

    def close(self, timeout_s: float) -> None:
        """Stop; nothing more is put or taken."""
        self._mail.close()
        self._calls.close()
        self.scheduler.close(timeout_s)

    def _acted_on(self) -> list[Box]:
        """List the mailboxes of which the provider can be asked by this process."""
        return [box for box in self._mail.boxes() if not box.follows and _is_known(box.payment.attempt)]

    # --- mailboxes --------------------------------------------------------------------------------------------------

    def _come_back(self, box: Box) -> None:
        """Take up what an earlier run, or another process that is gone, left."""
        if not self.leasing.holds(box, patient=True):
            return
        attempt = box.payment.attempt
        state = attempt.state
        if state in {State.SHOWING, State.OPENED}:
            self._timers.note_interruption(box)
        if step(state, Signal.RESTARTED):
            if attempt.is_final and attempt.acknowledged:
                # Nothing is to be written down; what waits in this mailbox to be asked will do.
                self._timers.poll_soon(box, since_s=float("-inf"))
            else:
                self._mail.next(box, Happened(Signal.RESTARTED))
        self._timers.plan_rival(box, soon=True)

    def _take_up_first(self, box: Box) -> None:
        self._mail.next(box, partial(self._come_back, box))
        self._mail.set_going(box)

    def _show_again(self, box: Box) -> None:
        dead = box.expires is not None and box.expires <= self._clock.monotonic()
        if box.interrupted and not dead:
            box.interrupted = False
            self._mail.next(box, Happened(Signal.RESUMED))

    def _do(self, box: Box, item: Item) -> None:
        match item:
            case Happened():
                # The till's own order is judged by the news, too; an answer that is older than they are is worth nothing.
                if self.leasing.holds(box) or (item.asked and self._holds_firmly(box)):
                    self._apply(box, item)
            case Command():  # if another process acts on it, that one will find out by itself
                if self.leasing.holds(box):
                    self._call(box, item)
            case _:
                item()

    def _begin_anew(self, box: Box) -> None:
        """A fault of ours: what was under way is of unknown fate, as after a crash. So it is taken up in the same way."""
        self._timers.plan_rival(box)
        if step(box.payment.attempt.state, Signal.RESTARTED):
            again = Happened(Signal.RESTARTED)
            self.scheduler.call_later(_FAULT_RETRY_S, lambda: self._mail.put(box, again))

    def _moved(self, box: Box, error: JournalMoved) -> None:
        """Somebody wrote meanwhile, or acts on it now: this is judged anew by what is true."""
        if isinstance(error, JournalTaken):
            self._mail.next(box, partial(self.leasing.regain, box))
        else:
            box.news = True
            self._mail.next(box, partial(self.leasing.take_in, box))
        self._mail.put(box, partial(self.leasing.heard, box))

    def _waits(self, box: Box, error: JournalError) -> None:
        """Something waits for the journal; the till is told once."""
        self._timers.free(box)  # the others are polled meanwhile
        if not box.journal_trouble:
            box.journal_trouble = True
            _log.error("%s", error)
            payment = box.payment
            trouble = JournalTrouble(request_id=payment.request_id, at=self._clock.now(), reason=error.code)
            payment.publish((trouble,))

    def _is_kept(self, box: Box) -> bool:
        """Keep in memory only what is open, not acknowledged, or still watched; plan the next look at that."""
        attempt = box.payment.attempt
        if not (attempt.acknowledged and attempt.is_final) or self._timers.has_poll(box):
            return True
        watched = not box.follows and self._timers.plan_poll(box) | self._timers.plan_rival(box)
        return watched or self.leasing.is_followed(box)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _call(self, box: Box, command: Command) -> None:
        if command is Command.PAYER and self._is_cancelled(box):
            return  # the cashier was faster: the customer is not even asked
        if command is Command.PAYER and box.beneficiary is None:
            box.beneficiary = self._remembered(box.payment.request_id)
        age_s = self._clock.monotonic() - box.known
        heard = self._calls.make(command, box.payment.attempt, box.beneficiary, age_s=age_s)
        if heard.signal is Signal.PAYER_REFUSED and heard.data.get("reason") == "OTHER_TRANSACTION_PENDING":
            self._after_siblings(box, Happened(heard.signal, heard.data))
        elif heard.signal is not None:
            self._timers.note_expiry(box, heard.expires_in_s)
            self._mail.next(box, Happened(heard.signal, heard.data))
        elif command in _RIVAL_CALLS:
            self._timers.plan_rival(box, soon=heard.answered)
        elif command is Command.STATUS:
            self._timers.plan_poll(box)

    def _after_siblings(self, box: Box, refused: Happened) -> None:
        """Another request waits in the customer's app. Is it one of ours? Ask about those first, then tell."""
        attempt = box.payment.attempt
        asked: list[Box] = []
        for other in self._acted_on():
            theirs = other.payment.attempt
            alike = (
                theirs.beneficiary == attempt.beneficiary
                or theirs.order.basket_ref == attempt.order.basket_ref
            )
            if other is not box and alike:
                asked.append(other)
        left = count(len(asked), -1)

        def done() -> None:
            if next(left) <= 1:
                self._mail.put(box, refused)

        if not asked:
            self._mail.next(box, refused)
        for other in asked:
            self._timers.count_call()
            self._mail.put(other, Command.STATUS)
            self._mail.put(other, done)

    def _is_cancelled(self, box: Box) -> bool:
        return any(
            isinstance(item, Happened) and item.signal is Signal.CANCEL for item in self._mail.waiting(box)
        )

    def _remembered(self, request_id: str) -> Beneficiary | None:
        """Read the customer back that was named before a restart; None when they were erased."""
        try:
            identifier = self._journal.identifier(request_id)
        except JournalError as error:
            if error.code not in _UNREADABLE_IDENTIFIER:
                raise
            return None  # it will never be readable again: as one that was erased
        return Beneficiary.parse(identifier) if identifier else None

    def _apply(self, box: Box, item: Happened) -> None:
        payment = box.payment
        with self.writing:
            before = payment.attempt
            row = step(before.state, item.signal)
            if row is None:  # it came too late to matter
                return
            if item.beneficiary is not None:
                box.beneficiary = item.beneficiary
                box.interrupted = False  # somebody stands at it
            payment.begin_step()  # not over before its events are told and its tickets are counted
            try:
                after, events = self._journaled(payment, item, row)
            except BaseException:
                payment.end_step((), before)
                payment.publish((), tickets=-1)
                raise
            box.journal_trouble = False
            self._note_times(box, before, after)
        # No lock is held while devices are told: a driver may do anything.
        commands = [command for command in row.commands if command not in CALLS]
        for command in commands:
            if command in _BEFORE_TELLING:
                self._carry_out(command, payment, after)
        payment.end_step(events, after)
        tickets = sum(self._carry_out(c, payment, after) for c in commands if c not in _BEFORE_TELLING)
        payment.publish((), tickets=tickets - 1)
        self._go_on(box, item.signal, row, before)

    def _note_times(self, box: Box, before: Attempt, after: Attempt) -> None:
        now = self._clock.monotonic()
        if not same_phase(before.state, after.state):
            box.entered = now
        if before.state is State.CREATING:
            box.known = now
        if after.state in STALLING and before.state is not after.state:
            box.ordered = now
        if after.expires_at is None and before.expires_at is not None:
            box.expires = None
        if after.rival != before.rival:
            box.rival_since = now

    def _go_on(self, box: Box, signal: Signal, row: Step, before: Attempt) -> None:
        """Make the call of the row, or plan the next look."""
        after = box.payment.attempt
        if signal is Signal.PAYER_REFUSED and after.order.way is Way.DEFERRED:
            self._mail.put(box, Happened(Signal.CANCEL, {"cancel_asked": True, "reason": after.reason}))
        calls = [command for command in row.commands if command in CALLS]
        if signal in RIVALS or after.rival != before.rival:
            self._timers.plan_rival(box)
        if calls == [Command.STATUS] and signal is Signal.RESTARTED:
            self._timers.poll_soon(box)  # a start asks about everything, at the provider's rate
        elif calls:
            self._timers.count_call()
            self._mail.next(box, calls[0])
        elif signal in OBSERVATIONS and row.state in STALLING and self._waited_s(box) >= STALL_S:
            self._mail.next(box, Happened(Signal.STALLED))
        elif signal not in RIVALS or after.state is not before.state:
            self._timers.plan_poll(box)

    def _waited_s(self, box: Box) -> float:
        return self._clock.monotonic() - box.ordered

    def _journaled(self, payment: Payment, item: Happened, row: Step) -> tuple[Attempt, tuple[Event, ...]]:
        """Write the step, unless it says nothing new; only then is it true."""
        before, signal = payment.attempt, item.signal
        now = self._clock.now()
        said: Mapping[str, Any] = item.data
        if row.state is before.state and before.is_final and signal in OBSERVATIONS - {Signal.AMOUNT_CHANGED}:
            said = {}  # after the end, a word that changes nothing is only a word
        facts = consequences(before, signal, row, said, fresh_payment_id=secrets.token_hex(10), now=now)
        if Command.TICKET in row.commands:  # what is owed is written with what it is owed for
            facts = {**facts, "copies": list(self.printing.copies(row.state)) if self.printing else []}
        entry = Entry(before.seq, payment.request_id, now, signal.value, row.state, facts)
        draft = fold(before, entry)
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
        """Append one entry, and take it for true; `writing` is held."""
        before = payment.attempt
        state = row.state if row else before.state
        entry = self._journal.append(
            payment.request_id,
            self._clock.now(),
            kind,
            state,
            facts,
            identifier=identifier,
            after=before.seq,
            leased=row is not None,
        )
        after = fold(before, entry)
        payment.advance(after)
        why = facts.get("reason", "")
        TRACE.debug("step %s: %s -> %s by %s %s", payment.request_id, before.state, state, kind, why)
        return after

    def _carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        try:
            return self._devices.carry_out(command, payment, attempt)
        except Exception as error:  # noqa: BLE001 - a till's own devices may raise anything
            escaped(error)
            return 0

    def _hide(self, box: Box) -> None:
        self._carry_out(Command.HIDE, box.payment, box.payment.attempt)

    def _leave(self, box: Box) -> None:
        """Another process has ended what was shown here."""
        attempt = box.payment.attempt
        for command in (Command.HIDE, Command.DISARM, *((Command.TELL,) if attempt.is_final else ())):
            self._carry_out(command, box.payment, attempt)


def _is_known(attempt: Attempt) -> bool:
    """Whether the provider can be asked about an attempt."""
    return bool(attempt.transaction_id or attempt.pre_transaction_id)
