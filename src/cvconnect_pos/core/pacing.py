"""How fast one credential calls: when creates are refused, how many calls leave a second, and whose turn it is.

All of it is a value that is told the time, in seconds of one monotonic clock. Whoever shares it between threads holds
a lock around it.

Source: money invariants, "Polling" and "provider down". The numbers are ours, each with its reason.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from typing import Final

from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import FINAL, State

S = State

FAILURES_TO_OPEN: Final = 5
"""A cashier meets at most this many time-outs in a row. One or two are weather: a till's line is often a mobile one."""

FIRST_PAUSE_S: Final = 10.0
"""The deadline of one call: a provider that restarts is back about then."""

LONGEST_PAUSE_S: Final = 60.0
"""So long, at most, is a shop without the tender after the provider is back."""

LONGEST_HOLD_S: Final = 600.0
"""A `Retry-After` beyond it is not believed: a wrong header must not close a shop for a day."""

_SHARE: Final = 10
"""Every tenth poll goes to what is less urgent. Customers who look at a screen keep nine tenths of the rate; and what
is left, two calls a second of twenty, asks 7 200 watched attempts each hour: nothing is ever forgotten."""

_TOLERANCE_S: Final = 1e-6
"""Adding a pause to a large clock rounds. A call this much early is in time, and is charged in full."""


class Circuit:
    """Refuses creates fast while the provider does not answer, so that no cashier waits for a time-out.

    Closed, it lets all through. Five calls in a row without an answer open it; when its pause is over, one create
    passes as a probe. An answer to any call closes it. A call without an answer after a probe opens it again, twice
    as long; before a probe it says nothing new, so that polls which fail in the meantime cannot keep it open.

    Only creates ask: status calls, cancels, payer, capture, release and reversals always pass. *Refused* is an answer.
    """

    __slots__ = ("_failures", "_held_until", "_pause_s", "_probed", "_until")

    def __init__(self) -> None:
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._until: float | None = None
        """When the next create may pass; None when closed."""
        self._probed = False
        self._held_until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the provider is taken to be down."""
        return self._until is not None

    def allows_create(self, now_s: float) -> bool:
        """Let a create through, or not. A yes while open is the probe: the next one comes after another pause."""
        if self.retry_in_s(now_s) > 0:
            return False
        if self._until is not None:
            self._until = now_s + self._pause_s  # a probe that is never sent costs one pause, not the tender
            self._probed = True
        return True

    def retry_in_s(self, now_s: float) -> float:
        """How long until a create may pass, in seconds; 0 when it may now."""
        pause = 0.0 if self._until is None else self._until - now_s
        return max(pause if pause > _TOLERANCE_S else 0.0, self.held_s(now_s))

    def held_s(self, now_s: float) -> float:
        """How long the provider still wants no polls and no creates, in seconds; 0 when it takes them."""
        left = self._held_until - now_s
        return left if left > _TOLERANCE_S else 0.0

    def answered(self) -> None:
        """Note that a call was answered, with whatever verdict. What the provider asked to hold stays held."""
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._until = None
        self._probed = False

    def failed(self, now_s: float, retry_after_s: float | None = None) -> None:
        """Note that a call had no answer.

        Args:
            now_s: The time.
            retry_after_s: What the provider's `Retry-After` said, in seconds (429 and 503); None when it said nothing.
        """
        if retry_after_s is not None:
            self.hold(now_s, retry_after_s)
        self._failures += 1
        if self._until is None and self._failures >= FAILURES_TO_OPEN:
            self._until = now_s + self._pause_s
        elif self._probed:
            self._probed = False
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._until = now_s + self._pause_s

    def hold(self, now_s: float, retry_after_s: float) -> None:
        """Hold polls and creates, as the provider asked; a shorter wish does not shorten an earlier one.

        Args:
            now_s: The time.
            retry_after_s: For how long, in seconds; bounded to 0 and `LONGEST_HOLD_S`.
        """
        wish = min(max(retry_after_s, 0.0), LONGEST_HOLD_S)
        self._held_until = max(self._held_until, now_s + wish)


class Urgency(IntEnum):
    """Whose poll goes first, from the most urgent."""

    CUSTOMER = 0  # somebody looks at a screen
    CONFIRMATION = 1  # an order was given: did it take effect?
    DOUBT = 2  # a person will have to decide
    LASTING = 3  # deferred or reserved: there are days
    WATCH = 4  # over; the provider might change its mind


_BY_STATE: Final[dict[State, Urgency]] = {
    **dict.fromkeys(State, Urgency.CONFIRMATION),
    **dict.fromkeys(
        (S.SHOWING, S.SCANNED, S.SWITCH_ASKED, S.SWITCHING, S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING),
        Urgency.CUSTOMER,
    ),
    **dict.fromkeys((S.OPENED, S.IN_DOUBT, S.DECIDING), Urgency.DOUBT),
    S.RESERVED: Urgency.LASTING,
    **dict.fromkeys(FINAL, Urgency.WATCH),
}

_BY_WAY: Final[dict[tuple[State, Way], Urgency]] = {(S.AWAITING, Way.DEFERRED): Urgency.LASTING}
"""Where the way matters: a customer who was sent an e-mail looks at no screen of ours."""


def urgency_of(attempt: Attempt) -> Urgency:
    """Say how urgent it is to ask about an attempt."""
    return _BY_WAY.get((attempt.state, attempt.order.way), _BY_STATE[attempt.state])


class PollQueue:
    """One cap for all calls of a credential, and the polls that wait for their turn under it.

    Calls take tokens from a bucket that refills at the rate. An order (create, payer, cancel, ...) never waits: it
    may leave the bucket in debt, and the polls pay it back. The debt is at most one burst, so that no number of
    orders silences the polls for longer than that takes to refill; orders beyond it are free.

    So a span of t seconds that ends with a poll holds at most `rate * t + burst` calls, free ones apart.

    Each urgency is a line of its own, in which the first come is the first served. Every operation takes constant time.

    Args:
        calls_per_s: The cap, in calls a second; above 0.
        burst: How many calls may leave at once, after a rest; at least 1.
    """

    __slots__ = ("_burst", "_cost_s", "_full_at", "_lines", "_passed_over", "_urgencies")

    def __init__(self, calls_per_s: float = 20.0, burst: int = 20) -> None:
        self._cost_s = 1.0 / calls_per_s
        self._burst = burst
        self._full_at = float("-inf")
        """When the bucket will be full again: the later, the emptier it is. One number is the whole bucket."""
        self._lines: tuple[OrderedDict[str, float], ...] = tuple(OrderedDict() for _ in Urgency)
        """Each line: the keys, in order, and since when they wait. A plain dict finds its first ever more slowly."""
        self._urgencies: dict[str, Urgency] = {}
        self._passed_over = 0

    def __len__(self) -> int:
        return len(self._urgencies)

    def __contains__(self, key: object) -> bool:
        return key in self._urgencies

    def offer(self, urgency: Urgency, key: str, now_s: float) -> None:
        """Let a poll wait for its turn.

        Args:
            urgency: Its line. A key that waits in another one goes to the end of this; in this one it keeps its place.
            key: What to poll.
            now_s: The time; never earlier than at the call before.
        """
        if self._urgencies.get(key) is not urgency:
            self.drop(key)
            self._urgencies[key] = urgency
            self._lines[urgency][key] = now_s

    def drop(self, key: str) -> None:
        """Forget a poll; nothing happens when it does not wait."""
        if (urgency := self._urgencies.pop(key, None)) is not None:
            del self._lines[urgency][key]

    def spend(self, now_s: float) -> None:
        """Count an order that leaves now."""
        deepest = now_s + 2 * self._burst * self._cost_s
        self._full_at = min(max(self._full_at, now_s) + self._cost_s, deepest)

    def take(self, now_s: float) -> str | None:
        """Take the poll whose turn it is, and count it; None when none waits or none may leave yet."""
        if self.next_in_s(now_s) != 0.0:
            return None
        line = self._next_line()
        key = next(iter(line))
        self.drop(key)
        self._full_at = max(self._full_at, now_s) + self._cost_s
        return key

    def next_in_s(self, now_s: float) -> float | None:
        """How long until `take` gives a poll, in seconds; None when none waits."""
        if not self._urgencies:
            return None
        wait = self._full_at - (self._burst - 1) * self._cost_s - now_s
        return wait if wait > _TOLERANCE_S else 0.0

    def _next_line(self) -> OrderedDict[str, float]:
        """Choose the most urgent line; every tenth time that it would pass over others, the eldest of those."""
        first, *others = [line for line in self._lines if line]
        self._passed_over = self._passed_over + 1 if others else 0
        if self._passed_over < _SHARE:
            return first
        self._passed_over = 0
        return min(others, key=lambda line: next(iter(line.values())))
