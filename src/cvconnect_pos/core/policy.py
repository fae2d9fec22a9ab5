"""When to ask the provider again. Numbers, with their reasons.

Source: mission and money invariants, "Polling" (about 2 s for the first minute, then 5 s, +-20 % of jitter, at most
150 polls in 10 minutes; deferred 60 s growing to 15 min; after a negative end 30 s for 5 min, then hourly to 24 h).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import NEGATIVE, State

S = State

MISSING_GRACE_S = 60.0
"""How long *not found* just after a create is no news: the provider may not have spread it yet."""

PATIENCE_AFTER_EXPIRY_S = 20.0
"""How long after its own expiry the provider may still say *pending* before the till asks to cancel."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a state is polled.

    Args:
        steps: Pairs (until, every), in seconds since the state was entered; after the last one, never.
    """

    steps: tuple[tuple[float, float], ...]

    def delay_s(self, age_s: float) -> float | None:
        """The pause before the next poll of a state entered `age_s` ago; None when it is polled no more."""
        return next((every for until, every in self.steps if age_s < until), None)


_FOREVER = float("inf")
_DECISION = Cadence(((60.0, 2.0), (600.0, 5.0), (_FOREVER, 30.0)))
_CLOSING = Cadence(((30.0, 1.0), (600.0, 5.0), (_FOREVER, 30.0)))
_DOUBT = Cadence(((60.0, 5.0), (_FOREVER, 30.0)))
_LASTING = Cadence(((600.0, 60.0), (3_600.0, 300.0), (_FOREVER, 900.0)))
"""What takes hours or days: a deferred request, a reservation."""
_FREED = Cadence(((600.0, 10.0), (86_400.0, 300.0), (_FOREVER, 3_600.0)))
_RIVAL = Cadence(((300.0, 10.0), (4 * 3_600.0, 300.0), (86_400.0, 3_600.0)))
_WATCH = Cadence(((300.0, 30.0), (86_400.0, 3_600.0)))
_KEPT = Cadence(((300.0, 30.0), (4 * 3_600.0 + 60.0, 300.0)))
"""A payment that was kept although a cancel may still land on it: until the window of four hours is over."""

STALL_S = 60.0
"""How long the provider may have taken an order without anything coming of it."""

STALLING = frozenset({S.SWITCHING, S.CANCEL_CONFIRMING, S.REVERSING, S.CAPTURING, S.RELEASING})
"""The states in which an order was answered, and its effect is waited for."""

_PHASES = (
    {S.IDENTIFYING, S.PAYER_UNKNOWN},
    {S.SHOWING, S.SCANNED},
    {S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING},
    {S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED},
    {S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED},
    {S.RELEASING, S.RELEASE_UNKNOWN},
)


LONGEST_S = 32 * 86_400.0
"""No request lasts longer; a date beyond it is looked at again then."""


def same_phase(before: State, after: State) -> bool:
    """Whether a step goes on with the same conversation: its pauses then go on growing."""
    return before is after or any(before in phase and after in phase for phase in _PHASES)


CADENCES: dict[State, Cadence] = {
    **dict.fromkeys((S.SHOWING, S.SCANNED, S.AWAITING), _DECISION),
    **dict.fromkeys(
        (S.SWITCH_ASKED, S.SWITCHING, S.PAYER_UNKNOWN, S.CANCELLING, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING),
        _CLOSING,
    ),
    **dict.fromkeys((S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED), _CLOSING),
    **dict.fromkeys((S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED), _CLOSING),
    **dict.fromkeys((S.RELEASING, S.RELEASE_UNKNOWN), _CLOSING),
    **dict.fromkeys((S.OPENED, S.IN_DOUBT, S.DECIDING), _DOUBT),
    **dict.fromkeys(NEGATIVE, _WATCH),
    S.RESERVED: _LASTING,
    S.LINE_RELEASED: _FREED,
}
"""The states that are polled. The others move by the till's hand, or are over."""


_SURPLUS_S = 3_600.0
"""How often a surplus that the provider does not give back is asked for, until it is gone or a person answers for it."""


def cadence_of(attempt: Attempt) -> Cadence | None:
    """How an attempt is polled; None when nothing more is expected of it."""
    if attempt.state is S.APPROVED and attempt.cancel_sent:
        return _KEPT
    if attempt.state is S.AWAITING and attempt.order.way is Way.DEFERRED:
        return _LASTING
    return CADENCES.get(attempt.state)


def rival_delay_s(attempt: Attempt, age_s: float, *, speed: float = 1.0) -> float | None:
    """When to ask for the rival of an attempt again.

    Args:
        attempt: What is known.
        age_s: For how long the rival has been given up.
        speed: Divides the pause; more than 1 only in tests and demonstrations.

    Returns:
        Seconds, or None when there is none, or it is old enough to be forgotten.
    """
    if attempt.rival is None:
        return None
    delay = _RIVAL.delay_s(age_s) or (_SURPLUS_S if attempt.surplus_cents else None)
    return None if delay is None else delay / speed


RESUME_S = 20.0
"""How long after a restart the till may come back to a request that is still shown, before it is cancelled."""

REVERSAL_MARGIN_S = 1_800.0
"""How long before the end of the cancel window money that nobody decided on goes back, if the till wants none of it."""

WINDOW_MARGIN_S = 60.0
"""By how much the end of the cancel window may be missed before a reversal is not even asked for."""


RELEASE_LINE_MARGIN_S = 60.0
"""How long after its expiry a request of which nothing is known is held to be dead."""


def releasable_at(attempt: Attempt) -> datetime:
    """When a supervisor may free the line without a reason.

    Args:
        attempt: What is known; of a request without an expiry, the time of its last change counts.

    Returns:
        The moment, by the provider's clock (UTC).
    """
    return (attempt.expires_at or attempt.changed_at) + timedelta(seconds=RELEASE_LINE_MARGIN_S)


def give_back_at(attempt: Attempt, window_s: float) -> datetime | None:
    """When a payment that waits for a decision goes back by itself: the till declared its line settled otherwise.

    Args:
        attempt: What is known.
        window_s: The provider's cancel window, in seconds.

    Returns:
        The moment, by the provider's clock (UTC); None when a person must decide.
    """
    if attempt.state is not S.DECIDING or not attempt.settled_otherwise or attempt.give_back_asked:
        return None
    paid_at = attempt.validated_at or attempt.changed_at  # not before the provider told it
    return paid_at + timedelta(seconds=max(window_s - REVERSAL_MARGIN_S, window_s / 2))


def may_change(state: State, age_s: float) -> bool:
    """Whether an attempt that is over and recorded is young enough to be looked at after a restart: it, or its rival.

    A payment is looked at whether or not a cancel may still land on it: one question, within the day.
    """
    cadence = _FREED if state is S.LINE_RELEASED else _RIVAL
    return cadence.delay_s(age_s) is not None


def poll_delay_s(attempt: Attempt, age_s: float, jitter: float, *, speed: float = 1.0) -> float | None:
    """When to ask again.

    Args:
        attempt: What is known.
        age_s: For how long it has stood in this phase.
        jitter: A number from -1 to 1, so that a thousand tills do not ask together.
        speed: Divides every pause; more than 1 only in tests and demonstrations.

    Returns:
        Seconds, or None when it is not polled, or no more.
    """
    cadence = cadence_of(attempt)
    delay = cadence.delay_s(age_s) if cadence else None
    return None if delay is None else delay * (1.0 + 0.2 * jitter) / speed
