"""When a payment is looked at again: its polls, its expiry, and the end of the till's patience."""

from __future__ import annotations

import random
from collections.abc import Callable

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.lifecycle import ALIVE, Command, Signal, State, step
from cvconnect_pos.core.policy import PATIENCE_AFTER_EXPIRY_S, poll_delay_s
from cvconnect_pos.mailbox import Box, Happened, Item
from cvconnect_pos.scheduler import Scheduler


class Timers:
    """Puts things into mailboxes when they are due.

    Args:
        scheduler: Where due times wait.
        clock: Where time comes from.
        put: Puts an item into a mailbox.
        hide: Takes a payment's QR off the displays.
        speed: Divides the pauses between polls.
        seed: Seeds the jitter, in tests.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Clock,
        put: Callable[[Box, Item], None],
        hide: Callable[[Box], None],
        *,
        speed: float,
        seed: int | None,
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._put = put
        self._hide = hide
        self._speed = speed
        self._random = random.Random(seed)

    def age_s(self, box: Box) -> float:
        """For how long the payment has stood in its phase, in seconds."""
        return self._clock.monotonic() - box.entered

    def plan_poll(self, box: Box) -> bool:
        """Plan the next poll instead of the one that was planned; say whether there is one."""
        box.poll += 1
        jitter = self._random.uniform(-1.0, 1.0)
        delay = poll_delay_s(box.payment.attempt, self.age_s(box), jitter, speed=self._speed)
        if delay is not None:
            number = box.poll
            self._scheduler.call_later(delay, lambda: self._poll(box, number))
        return delay is not None

    def note_expiry(self, box: Box, expires_in_s: float | None) -> None:
        """Remember the latest expiry that the provider told: a scanned request may live longer than its QR."""
        if expires_in_s is None:
            return
        first = box.expires is None
        left = max(expires_in_s, 0.0)
        box.expires = self._clock.monotonic() + left
        if first:
            self._scheduler.call_later(left, lambda: self._at_expiry(box))

    def _poll(self, box: Box, number: int) -> None:
        if box.poll == number:
            self._put(box, Command.STATUS)

    def _at_expiry(self, box: Box) -> None:
        """Take the QR away, and ask; the provider alone says that it is over."""
        state = box.payment.attempt.state
        left = (box.expires or 0.0) - self._clock.monotonic()
        if left > 0:
            self._scheduler.call_later(left, lambda: self._at_expiry(box))
        elif state in ALIVE or state is State.OPENED:
            if state is State.SHOWING:
                self._hide(box)
            self._put(box, Command.STATUS)
            self._scheduler.call_later(PATIENCE_AFTER_EXPIRY_S, lambda: self._out_of_patience(box))

    def _out_of_patience(self, box: Box) -> None:
        """Ask to cancel what the provider does not end by itself."""
        state = box.payment.attempt.state
        if (box.expires or 0.0) > self._clock.monotonic():
            self._at_expiry(box)
        elif state is not State.IN_DOUBT and step(state, Signal.CANCEL) is not None:
            self._put(box, Happened(Signal.CANCEL, {"cancel_asked": True, "reason": "PATIENCE"}))
