"""Which process acts on an attempt, and what another one has written.

Several processes may share a journal. One of them holds the lease of an attempt and acts; the others follow what it
writes, and take over when it is gone. A lease that lapsed is worth nothing before what was written meanwhile is taken
in: what was to be done then is judged anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Entry, fold, rebuild
from cvconnect_pos.core.lifecycle import Signal, State
from cvconnect_pos.core.policy import Cadence, may_change, same_phase
from cvconnect_pos.debuglog import TRACE
from cvconnect_pos.errors import JournalError
from cvconnect_pos.events import tell
from cvconnect_pos.journal.base import Journal
from cvconnect_pos.mailbox import Box, Item
from cvconnect_pos.payment import Payment
from cvconnect_pos.timers import Timers

_LEASE_S = 60.0
"""How long a process may act on an attempt without saying so again; its end frees what it held at once."""

_PATIENCE_S = 600.0
"""How late a living process may be before one that only looks takes over; one that is gone is replaced at once."""

_BRIEF_S = 5.0
_SOON_S = 2.0
_SHOWN = frozenset({State.OPENED, State.SHOWING})
_FOLLOW = Cadence(((60.0, 2.0), (600.0, 10.0), (float("inf"), 30.0)))
_FOLLOW_RECORDED = Cadence(((float("inf"), 60.0),))
"""How often a process looks at what another one writes; of what is over and recorded, whether that one is still there."""


class Leasing:
    """Takes and renews leases, and follows where another process has one.

    Args:
        journal: Where leases and entries are.
        clock: Where time comes from.
        timers: Knows when an attempt is looked at next, and waits.
        call_s: Says how long a call can take, in seconds.
        put: Puts an item into a mailbox.
        take_up: Puts first into a mailbox what an attempt needs that was acted on elsewhere.
        hide: Takes a payment off the displays and scanners, from its mailbox.
    """

    def __init__(  # noqa: PLR0917
        self,
        journal: Journal,
        clock: Clock,
        timers: Timers,
        call_s: Callable[[], float],
        put: Callable[[Box, Item], None],
        take_up: Callable[[Box], None],
        hide: Callable[[Box], object],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._timers = timers
        self._call_s = call_s
        self._put = put
        self._take_up = take_up
        self._hide = hide
        self._leasing = threading.Lock()
        self.writing = threading.Lock()
        """Held while a step is judged and journaled."""

    def end_s(self) -> float:
        """Until when an attempt that begins now is leased, in monotonic seconds."""
        return self._clock.monotonic() + _LEASE_S + self._call_s()

    def holds(self, box: Box, *, patient: bool = False, brief: bool = False, firm: bool = False) -> bool:
        """Whether this process may act on an attempt until its next poll is over; take the lease when it is free.

        Args:
            box: The attempt.
            patient: Whether this process only looks: a living one that is late keeps its lease for a while.
            brief: Whether one question is all: the lease is over soon after it.
            firm: Whether a person waits for it: of an attempt that is over, the lease is handed over by whoever has it.

        Raises:
            JournalError: It cannot be found out; nothing is held then.
        """
        with self._leasing:
            return self._holds(box, patient=patient, brief=brief, firm=firm)

    def _holds(self, box: Box, *, patient: bool, brief: bool, firm: bool) -> bool:
        now = self._clock.monotonic()
        over = box.payment.attempt.is_final  # then it may have been handed over meanwhile
        pause = 1.5 * (self._timers.poll_delay_s(box) or 0.0)
        if box.lease_until - now > self._call_s() + pause and not (firm and over):
            return True
        lapsed = box.lease_until <= now or over
        until = (now + self._call_s() + _BRIEF_S if brief else self.end_s()) + pause
        patience = max(_PATIENCE_S, 1.5 * (self._timers.rival_delay_s(box) or 0.0)) if patient else 0.0
        heard = False

        def taken() -> bool:
            attempt = box.payment.attempt
            over_at = attempt.seq if firm and attempt.is_final else None
            name = attempt.order.request_id
            return self._journal.lease(name, until_s=until, now_s=now - patience, over_at=over_at)

        if not taken() and not (firm and (heard := self.take_in(box)) and taken()):
            box.news = box.news or heard
            box.lease_until = float("-inf")
            if not box.follows:
                box.follows = True
                TRACE.info("%s is acted on by another process", box.payment.request_id)
                self._follow_later(box, _SOON_S)
            return False
        news = lapsed and (
            self.take_in(box) or heard or box.follows or box.news
        )  # first: if it fails, nothing is held
        box.lease_until = until
        box.follows = False
        box.news = box.news and not lapsed  # a renewal judges nothing: what was heard still has to be
        if news:
            self._take_up(box)
        return not news

    def is_followed(self, box: Box) -> bool:
        """Whether an attempt that another process acts on is still worth a look."""
        attempt = box.payment.attempt
        age_s = (self._clock.now() - attempt.updated_at).total_seconds()
        over = attempt.is_final and attempt.acknowledged
        return box.follows and (not over or may_change(attempt.state, age_s))

    def regain(self, box: Box) -> None:
        """Take it back from a process that it was handed over to while this one asked about it: what was heard is written."""
        with self._leasing:
            attempt, now, until = box.payment.attempt, self._clock.monotonic(), self.end_s()
            box.lease_until = float("-inf")
            over_at = attempt.seq if attempt.is_final and not box.news else None
            if self._journal.lease(box.payment.request_id, until_s=until, now_s=now, over_at=over_at):
                box.lease_until = until  # nothing newer is written: it was judged by what is true
            else:
                box.news = True
                self.take_in(box)

    def heard(self, box: Box) -> None:
        """Another process has written: follow it, and go on where it left off when it is gone."""
        if box.news and not box.follows:  # else it was judged meanwhile, or will be
            box.follows, box.lease_until = True, float("-inf")
            self._follow(box)

    def _follow(self, box: Box) -> None:
        """Look at what another process has written; take over when it is gone and something is left to do."""
        self.take_in(box)
        if self._timers.wants_nothing(box):
            box.follows = box.news = False
        if not box.follows or self.holds(box, patient=True) or not box.follows:
            return
        if self.is_followed(box):
            attempt = box.payment.attempt
            over = attempt.is_final and attempt.acknowledged
            pauses = _FOLLOW_RECORDED if over else _FOLLOW
            self._follow_later(box, pauses.delay_s(self._timers.age_s(box)) or 0.0)

    def _follow_later(self, box: Box, pause_s: float) -> None:
        self._timers.call_later(pause_s, lambda: self._put(box, partial(self._follow, box)))

    def take_in(self, box: Box) -> bool:
        """Take in what another process has written; say whether there was something."""
        with self.writing:
            return self.catch_up(box.payment, box)

    def catch_up(self, payment: Payment, box: Box | None) -> bool:
        """Take in what another process has written; `writing` is held. Say whether there was something."""
        first = payment.attempt
        for entry in self._journal.entries(payment.request_id, after=payment.attempt.seq):
            before = payment.attempt
            after = _folded(before, entry)
            payment.advance(after)
            if entry.kind in Signal.__members__:
                payment.publish(tell(before, Signal(entry.kind), after))
        after = payment.attempt
        if box is not None and not same_phase(first.state, after.state):
            box.entered = self._clock.monotonic()
            if (first.state in _SHOWN and after.state not in _SHOWN) or (
                after.is_final and not first.is_final
            ):
                self._put(box, partial(self._hide, box))
        return after.seq > first.seq


_MISREAD = (KeyError, TypeError, ValueError)


def rebuilt(entries: Sequence[Entry]) -> Attempt:
    """Rebuild an attempt; an entry that cannot be understood is damage, not a crash.

    Raises:
        JournalError: `JOURNAL_DAMAGED`.
    """
    try:
        return rebuild(entries)
    except _MISREAD as error:
        raise JournalError("JOURNAL_DAMAGED", path=entries[0].request_id) from error


def _folded(attempt: Attempt, entry: Entry) -> Attempt:
    try:
        return fold(attempt, entry)
    except _MISREAD as error:
        raise JournalError("JOURNAL_DAMAGED", path=entry.request_id) from error
