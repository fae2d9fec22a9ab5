"""When to ask the provider again. Numbers, with their reasons.

Source: mission and money invariants, "Polling" (about 2 s for the first minute, then 5 s, +-20 % of jitter, at most
150 polls in 10 minutes; after a negative end 30 s for 5 min, then hourly to 24 h).
"""

from __future__ import annotations

from dataclasses import dataclass

from cvconnect_pos.core.attempt import Attempt
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
_WATCH = Cadence(((300.0, 30.0), (86_400.0, 3_600.0)))
_KEPT = Cadence(((300.0, 30.0), (4 * 3_600.0 + 60.0, 300.0)))
"""A payment that was kept although a cancel may still land on it: until the window of four hours is over."""

STALL_S = 60.0
"""How long the provider may have taken an order without anything coming of it."""

STALLING = frozenset({S.SWITCHING, S.CANCEL_CONFIRMING, S.REVERSING})
"""The states in which an order was answered, and its effect is waited for."""

_PHASES = (
    {S.IDENTIFYING, S.PAYER_UNKNOWN},
    {S.SHOWING, S.SCANNED},
    {S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING},
    {S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED},
)


def same_phase(before: State, after: State) -> bool:
    """Whether a step goes on with the same conversation: its pauses then go on growing."""
    return before is after or any(before in phase and after in phase for phase in _PHASES)


CADENCES: dict[State, Cadence] = {
    **dict.fromkeys((S.SHOWING, S.SCANNED, S.AWAITING), _DECISION),
    **dict.fromkeys(
        (S.SWITCHING, S.PAYER_UNKNOWN, S.CANCELLING, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING, S.CONFIRMING),
        _CLOSING,
    ),
    **dict.fromkeys(
        (S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED, S.CAPTURING, S.RELEASING), _CLOSING
    ),
    **dict.fromkeys((S.OPENED, S.IN_DOUBT, S.DECIDING, S.RESERVED, S.LINE_RELEASED), _DOUBT),
    **dict.fromkeys(NEGATIVE, _WATCH),
}
"""The states that are polled. The others move by the till's hand, or are over."""


def cadence_of(attempt: Attempt) -> Cadence | None:
    """How an attempt is polled; None when nothing more is expected of it."""
    if attempt.state is S.APPROVED and attempt.cancel_sent:
        return _KEPT
    return CADENCES.get(attempt.state)


def may_change(state: State, age_s: float) -> bool:
    """Whether an attempt that is over and recorded is young enough to be looked at after a restart.

    A payment is looked at whether or not a cancel may still land on it: one question, within the window.
    """
    cadence = _KEPT if state is S.APPROVED else CADENCES.get(state)
    return cadence is not None and cadence.delay_s(age_s) is not None


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
