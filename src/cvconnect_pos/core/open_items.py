"""What a person must still look at: in which way an attempt is unfinished, and whether it keeps a day from closing."""

from __future__ import annotations

from enum import StrEnum

from cvconnect_pos.core.attempt import Way
from cvconnect_pos.core.lifecycle import FINAL, State


class Kind(StrEnum):
    """Why an attempt is on the list of open items."""

    SURPLUS = "SURPLUS"  # more was received for the line than is due, and the rest is not given back yet
    DECISION = "DECISION"  # paid, and a person must keep or reverse it
    DOUBT = "DOUBT"  # the provider's word cannot be read
    RELEASED_LINE = "RELEASED_LINE"  # a supervisor freed the line; the attempt is still watched
    CHANGED = "CHANGED"  # the amount, or the payment itself, changed after the till had it
    UNRECORDED = "UNRECORDED"  # over, and the till has not acknowledged it
    RESERVED = "RESERVED"  # reserved: to be captured or released
    WAITING = "WAITING"  # deferred: the customer has time
    UNFINISHED = "UNFINISHED"  # it goes on


CARRIED_OVER = frozenset({Kind.RESERVED, Kind.WAITING, Kind.RELEASED_LINE})
"""What may go on over a day's closing: it lasts for days by its nature, or a person has answered for it."""

_OPEN = {State.DECIDING: Kind.DECISION, State.IN_DOUBT: Kind.DOUBT, State.RESERVED: Kind.RESERVED}

_LASTING = frozenset({State.AWAITING, State.IDENTIFYING, State.PAYER_UNKNOWN})


def kind_of(
    *,
    state: State,
    way: Way,
    acknowledged: bool,
    surplus_cents: int = 0,
    reason: str = "",
) -> Kind | None:
    """Say in which way an attempt is unfinished.

    Args:
        state: Where it stands.
        way: How the customer is reached.
        acknowledged: Whether the till has recorded the outcome.
        surplus_cents: What was received beside the payment and not given back yet, in cents.
        reason: The stable code of what happened last.

    Returns:
        The kind; None when nobody has to look at it.
    """
    if surplus_cents or reason == "SURPLUS_UNREADABLE":
        return Kind.SURPLUS
    if state not in FINAL:
        waits = way is Way.DEFERRED and state in _LASTING
        return _OPEN.get(state, Kind.WAITING if waits else Kind.UNFINISHED)
    if acknowledged:
        return Kind.RELEASED_LINE if state is State.LINE_RELEASED else None
    changed = state is State.REVERSED_AFTER_KEEP or reason == "AMOUNT_CHANGED"
    return Kind.CHANGED if changed else Kind.UNRECORDED


def is_in_the_way(kind: Kind | None) -> bool:
    """Whether an open item keeps a day from closing."""
    return kind is not None and kind not in CARRIED_OVER
