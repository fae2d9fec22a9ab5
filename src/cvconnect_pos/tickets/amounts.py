"""The amounts of a ticket: which of them stand on a ticket of which kind, in which order, and how much they stand out.

The amount that counts is large; what is left to pay is boxed. What was asked never stands out beside what was received.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.messages import Language
from cvconnect_pos.money import format_amount
from cvconnect_pos.tickets.parts import Weight
from cvconnect_pos.tickets.words import LABELS, TicketKind, say


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of a ticket.

    Args:
        label: What it is.
        amount_cents: How much, in cents.
        weight: How much it stands out.
    """

    label: str
    amount_cents: int
    weight: Weight = "plain"

    @property
    def text(self) -> str:
        """The amount as it is printed: `1 234,50 €`."""
        return format_amount(self.amount_cents)


K = TicketKind

_Rows: TypeAlias = tuple[tuple[str, Weight], ...]

_PAYMENT: Final[_Rows] = (("asked", "plain"), ("paid", "large"), ("left", "boxed"))
_CAPTURE: Final[_Rows] = (
    ("asked", "plain"),
    ("reserved", "plain"),
    ("paid", "large"),
    ("given_back", "bold"),
    ("left", "boxed"),
)
_REVERSAL: Final[_Rows] = (("asked", "plain"), ("reversed", "large"))
_NOT_DONE: Final[_Rows] = (("asked", "plain"),)
_ANY: Final[_Rows] = (("surplus", "bold"),)

_ROWS: Final[dict[TicketKind, _Rows]] = {
    **dict.fromkeys((K.PAYMENT, K.PART_PAYMENT), _PAYMENT),
    **dict.fromkeys((K.CAPTURE, K.PART_CAPTURE), _CAPTURE),
    **dict.fromkeys((K.REVERSAL, K.REVERSAL_BY_PROVIDER), _REVERSAL),
    **dict.fromkeys((K.REFUSED, K.FAILED, K.EXPIRED, K.CANCELLED), _NOT_DONE),
    K.RESERVATION: (("asked", "plain"), ("reserved", "large"), ("not_reserved", "bold")),
    K.RELEASE: (("asked", "plain"), ("released", "large")),
    K.REQUEST: (("asked", "large"),),
}

_WHEN_NOT_ZERO: Final = frozenset({"left", "given_back", "not_reserved", "surplus"})


def amounts_of(attempt: Attempt, kind: TicketKind, language: Language) -> tuple[Amount, ...]:
    """Say what was asked and what came of it.

    Args:
        attempt: The operation.
        kind: What its ticket is about.
        language: French or English.

    Returns:
        What is known; an amount that is not known is left out, never zero.
    """
    asked, received, reserved = attempt.order.amount_cents, attempt.received_cents, attempt.reserved_cents
    known = {
        "asked": asked,
        "reserved": reserved,
        "released": reserved,
        "not_reserved": _less(asked, reserved),
        "paid": received,
        "reversed": received,
        "given_back": _less(reserved, received),
        "left": _less(attempt.due_cents, received),
        "surplus": attempt.surplus_cents,
    }
    return tuple(
        Amount(say(LABELS[name], language), amount_cents, weight)
        for name, weight in (*_ROWS[kind], *_ANY)
        if (amount_cents := known[name]) is not None and (amount_cents > 0 or name not in _WHEN_NOT_ZERO)
    )


def _less(whole_cents: int | None, part_cents: int | None) -> int | None:
    return None if whole_cents is None or part_cents is None else whole_cents - part_cents
