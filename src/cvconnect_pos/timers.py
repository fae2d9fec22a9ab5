"""When a payment is looked at again: its polls, its expiry, and the end of the till's patience."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial

from cvconnect_pos.calls import Calls
from cvconnect_pos.clock import Clock
from cvconnect_pos.core.lifecycle import ALIVE, Command, Signal, State, step
from cvconnect_pos.core.pacing import PollQueue, Urgency, urgency_of
from cvconnect_pos.core.policy import (
    LONGEST_S,
    PATIENCE_AFTER_EXPIRY_S,
    RESUME_S,
    give_back_at,
    poll_delay_s,
    rival_delay_s,
)
from cvconnect_pos.mailbox import Box, Happened, Item
from cvconnect_pos.scheduler import Scheduler

HINT_PAUSE_S = 1.0
"""How often notifications may make a payment be looked at."""

_SOON_S = 2.0


class Timers:
    """Puts things into mailboxes when they are due. Polls wait for their turn under the rate of the credential.

    Args:
        scheduler: Where due times wait.
        clock: Where time comes from.
        calls: What knows the provider's wishes and clock.
        put: Puts an item into a mailbox.
        call: Makes a call, from a mailbox.
        hide: Takes a payment's QR off the displays.
        calls_per_s: How many calls a second the provider allows.
        polls: How many may be under way at once: a worker is left for whoever stands at the till.
        speed: Divides the pauses between polls.
        seed: Seeds the jitter, in tests.
    """

    def __init__(  # noqa: PLR0917
        self,
        scheduler: Scheduler,
        clock: Clock,
        calls: Calls,
        put: Callable[[Box, Item], None],
        call: Callable[[Box, Command], None],
        hide: Callable[[Box], None],
        *,
        calls_per_s: float,
        polls: int,
        speed: float,
        seed: int | None,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._calls = calls
        self._put = put
        self._call = call
        self._hide = hide
        self._speed = speed
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._queue = PollQueue(calls_per_s * speed, max(int(calls_per_s), 1))
        self._waiting: dict[str, tuple[Box, Command]] = {}
        self._done: dict[str, list[tuple[float, Callable[[], object]]]] = {}
        self._under_way: dict[str, float] = {}
        self._polls = polls
        self._pumping = False

    def call_later(self, delay_s: float, function: Callable[[], object]) -> None:
        """Run a function once, `delay_s` seconds from now or a little later."""
        self._scheduler.call_later(delay_s, function)

    def age_s(self, box: Box) -> float:
        """For how long the payment has stood in its phase, in seconds."""
        return self._clock.monotonic() - box.entered

    # --- polls ------------------------------------------------------------------------------------------------------

    def plan_poll(self, box: Box) -> bool:
        """Plan the next poll instead of the one that was planned; say whether there is one."""
        box.poll += 1
        delay = self.poll_delay_s(box, self._random.uniform(-1.0, 1.0))
        if delay is not None:
            self._scheduler.call_later(delay, partial(self._poll, box, box.poll))
        return delay is not None

    def poll_delay_s(self, box: Box, jitter: float = 0.0) -> float | None:
        """The pause before the next poll, in seconds; None when there is none."""
        return poll_delay_s(box.payment.attempt, self.age_s(box), jitter, speed=self._speed)

    def rival_delay_s(self, box: Box) -> float | None:
        """The pause before the next look at the rival, in seconds; None when there is none."""
        age_s = self._clock.monotonic() - box.rival_since
        return rival_delay_s(box.payment.attempt, age_s, speed=self._speed)

    def wants_nothing(self, box: Box) -> bool:
        """Whether an attempt is over, and neither it nor its rival is asked about any more."""
        is_asked_for = self.poll_delay_s(box) is not None or self.rival_delay_s(box) is not None
        return box.payment.attempt.is_final and not is_asked_for

    def plan_rival(self, box: Box, *, soon: bool = False) -> bool:
        """Plan the next look at the rival; say whether there is one."""
        box.rival_poll += 1
        delay = self.rival_delay_s(box)
        if delay is not None:
            number, pause = box.rival_poll, min(delay, _SOON_S) if soon else delay
            self._scheduler.call_later(pause, lambda: self._poll_rival(box, number))
        return delay is not None

    def poll_soon(
        self, box: Box, done: Callable[[], object] | None = None, *, since_s: float | None = None
    ) -> None:
        """Ask as soon as the rate allows, and call `done` after the answer.

        Args:
            box: The attempt.
            done: What to call.
            since_s: A question that is under way will do when it was asked after this moment, in monotonic seconds.
        """
        self._wait_for_turn(urgency_of(box.payment.attempt), box, Command.STATUS, done, since_s)

    def ask_rival(self, box: Box, done: Callable[[], object], *, since_s: float | None = None) -> None:
        """Ask for the rival as soon as the rate allows, and call `done` after the answer; see `poll_soon`."""
        self._wait_for_turn(Urgency.DOUBT, box, Command.RIVAL_STATUS, done, since_s)

    def hint(self, box: Box) -> None:
        """Ask soon because somebody says that there is news: at most once in a while, and never not at all."""
        wait = box.hinted + HINT_PAUSE_S - self._clock.monotonic()
        if wait <= HINT_PAUSE_S:  # otherwise one is planned already
            box.hinted = self._clock.monotonic() + max(wait, 0.0)
            self._scheduler.call_later(max(wait, 0.0), lambda: self.poll_soon(box))

    def free(self, box: Box) -> None:
        """Let others be polled: what is under way for this one waits for something else."""
        with self._lock:
            for command in (Command.STATUS, Command.RIVAL_STATUS):
                self._under_way.pop(_key(command, box), None)
        self._pump()

    def has_poll(self, box: Box) -> bool:
        """Whether a poll of it waits for its turn, or is under way, or a hint waits for its moment."""
        if box.hinted > self._clock.monotonic():
            return True
        keys = {_key(command, box) for command in (Command.STATUS, Command.RIVAL_STATUS)}
        with self._lock:
            return not keys.isdisjoint(self._waiting.keys() | self._under_way.keys())

    def count_call(self) -> None:
        """Count a call that waits for nobody."""
        with self._lock:
            self._queue.spend(self._clock.monotonic())

    def _poll(self, box: Box, number: int) -> None:
        if box.poll != number:
            return
        due = give_back_at(box.payment.attempt, self._calls.window_s)
        if due is not None and self._calls.provider_now() >= due:
            self._put(box, Happened(Signal.GIVE_BACK))
        else:
            self.poll_soon(box)

    def _poll_rival(self, box: Box, number: int) -> None:
        if box.rival_poll == number:
            self._wait_for_turn(Urgency.DOUBT, box, Command.RIVAL_STATUS)

    def _wait_for_turn(
        self,
        urgency: Urgency,
        box: Box,
        command: Command,
        done: Callable[[], object] | None = None,
        since_s: float | None = None,
    ) -> None:
        key = _key(command, box)
        with self._lock:
            asked = self._under_way.get(key)
            if done is not None:
                wanted = self._clock.monotonic() if since_s is None else since_s
                self._done.setdefault(key, []).append((wanted, done))
            if since_s is not None and asked is not None and asked >= since_s:
                return
            self._waiting[key] = (box, command)
            self._queue.offer(urgency, key, self._clock.monotonic())
        self._pump()

    def _pump(self) -> None:
        """Let go what may go now, and come back for the rest."""
        held = self._calls.held_s()
        with self._lock:
            now = self._clock.monotonic()
            most = self._polls if self._calls.is_proven else 1
            while not held and len(self._under_way) < most and (key := self._queue.take(now)):
                box, command = self._waiting.pop(key)
                self._under_way[key] = now
                self._put(box, partial(self._ask, key, box, command, now))
            wait = self._queue.next_in_s(now)
            full = len(self._under_way) >= most  # then whoever comes back goes on
            again = wait is not None and not full and not self._pumping
            self._pumping = self._pumping or again
        if again and wait is not None:
            self._scheduler.call_later(max(wait, held), self._pump_again)

    def _ask(self, key: str, box: Box, command: Command, asked_s: float) -> None:
        try:
            self._call(box, command)
        finally:
            with self._lock:
                self._under_way.pop(key, None)
                waiting = self._done.pop(key, [])
                if later := [(wanted, done) for wanted, done in waiting if wanted > asked_s]:
                    self._done[key] = later
            for wanted, done in waiting:
                if wanted <= asked_s:
                    self._put(box, done)  # behind what the answer means
            self._pump()

    def _pump_again(self) -> None:
        with self._lock:
            self._pumping = False
        self._pump()

    # --- the ends of waiting ------------------------------------------------------------------------------------------

    def note_expiry(self, box: Box, expires_in_s: float | None) -> None:
        """Remember the latest expiry that the provider told: a scanned request may live longer than its QR."""
        if expires_in_s is None:
            return
        first = box.expires is None
        left = min(max(expires_in_s, 0.0), LONGEST_S)
        box.expires = self._clock.monotonic() + left
        if first:
            self._scheduler.call_later(left, lambda: self._at_expiry(box))

    def note_interruption(self, box: Box) -> None:
        """Give the till a moment to come back to what is shown; then cancel it."""
        box.interrupted = True
        self._scheduler.call_later(RESUME_S, lambda: self._abandon(box))

    def _abandon(self, box: Box) -> None:
        if box.interrupted and box.payment.attempt.state in {State.SHOWING, State.OPENED}:
            self._put(box, Happened(Signal.CANCEL, {"cancel_asked": True, "reason": "INTERRUPTED"}))

    def _at_expiry(self, box: Box) -> None:
        """Take the QR away, and ask; the provider alone says that it is over."""
        if box.expires is None:  # the request was given up; the next one tells its own
            return
        state = box.payment.attempt.state
        left = box.expires - self._clock.monotonic()
        if left > 0:
            self._scheduler.call_later(left, lambda: self._at_expiry(box))
        elif state in ALIVE or state is State.OPENED:
            if state is State.SHOWING:
                self._hide(box)
            self.poll_soon(box)
            self._scheduler.call_later(PATIENCE_AFTER_EXPIRY_S, lambda: self._out_of_patience(box))

    def _out_of_patience(self, box: Box) -> None:
        """Ask to cancel what the provider does not end by itself."""
        state = box.payment.attempt.state
        if box.expires is None or box.expires > self._clock.monotonic():
            self._at_expiry(box)
        elif state is not State.IN_DOUBT and step(state, Signal.CANCEL) is not None:
            self._put(box, Happened(Signal.CANCEL, {"cancel_asked": True, "reason": "PATIENCE"}))
        elif state in ALIVE:  # in doubt, or held: until that is over
            self._scheduler.call_later(PATIENCE_AFTER_EXPIRY_S, lambda: self._out_of_patience(box))


def _key(command: Command, box: Box) -> str:
    return f"{command} {box.payment.request_id}"
