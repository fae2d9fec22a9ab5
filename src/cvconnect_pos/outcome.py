"""What a payment came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.core.provider import Authorization

HAS_MONEY = frozenset({State.APPROVED, State.DECIDING})
"""The outcomes with which the till has the money that was received."""

GAVE_BACK = frozenset({State.REVERSED, State.REVERSED_AFTER_KEEP})
"""The outcomes with which the customer has it again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result that a till records. A sale is closed on `received_cents`, never on what was asked.

    Args:
        request_id: The till's name of the tender line.
        basket_ref: The till's basket number.
        state: How it ended (`APPROVED`, `REFUSED`, `EXPIRED`, `CANCELLED`, ...); `DECIDING` waits for a person,
            `RESERVED` for a capture or a release.
        asked_cents: What was asked.
        received_cents: What the till has now: by the provider's authorisations, zero once re-credited.
        remaining_cents: What must be paid otherwise.
        reversed_cents: What was received and given back.
        surplus_cents: What was received beside it and is being given back: not the till's.
        reserved_cents: What is or was reserved; None when nothing was to be reserved.
        transaction_id: The provider's id, for a search.
        authorizations: The provider's authorisations.
        beneficiary: The customer, masked.
        reason: Why, as a stable code; empty when there is nothing to say.
        ended_at: When the journal had it (UTC).
        simulation: Whether no real money moved.
    """

    request_id: str
    basket_ref: str
    state: State
    asked_cents: int
    received_cents: int
    remaining_cents: int
    reversed_cents: int
    transaction_id: str
    authorizations: tuple[Authorization, ...]
    beneficiary: str
    reason: str
    ended_at: datetime
    simulation: bool
    surplus_cents: int = 0
    reserved_cents: int | None = None

    @property
    def is_paid(self) -> bool:
        """Whether money was received and kept, in full or in part."""
        return self.state is State.APPROVED

    @property
    def is_reserved(self) -> bool:
        """Whether it is only reserved: `Payment.capture` or `Payment.release` is to follow."""
        return self.state is State.RESERVED

    @property
    def needs_decision(self) -> bool:
        """Whether a person must keep or reverse it."""
        return self.state is State.DECIDING

    @classmethod
    def of(cls, attempt: Attempt) -> Outcome | None:
        """Read the outcome of an attempt; None while it is open."""
        if not (attempt.is_final or attempt.state in {State.DECIDING, State.RESERVED}):
            return None
        money = attempt.received_cents or 0
        kept = money if attempt.state in HAS_MONEY else 0
        given_back = money if attempt.state in GAVE_BACK else 0
        order = attempt.order
        return cls(
            request_id=order.request_id,
            basket_ref=order.basket_ref,
            state=attempt.state,
            asked_cents=order.amount_cents,
            received_cents=kept,
            remaining_cents=max(_due(attempt) - kept, 0),
            reversed_cents=given_back,
            surplus_cents=attempt.surplus_cents,
            reserved_cents=attempt.reserved_cents,
            transaction_id=attempt.transaction_id,
            authorizations=attempt.authorizations,
            beneficiary=attempt.beneficiary,
            reason=attempt.reason,
            ended_at=attempt.changed_at,
            simulation=attempt.simulation,
        )


def _due(attempt: Attempt) -> int:
    return attempt.order.amount_cents if attempt.state is State.RESERVED else attempt.due_cents
