"""What was asked and what came of it, as a line of a list, in the words of the provider's own pages.

Source: ANCV merchant leaflets (*Créée le*, *Modifiée le*, *Demandé*, *Reçu*, *Reste à payer*; *En attente de paiement*,
*Validé*, *Annulé*, *Expiré*). The other statuses are ours.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from cvconnect_pos.core.attempt import Way
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.core.open_items import Kind, is_in_the_way, kind_of
from cvconnect_pos.journal.base import AttemptSummary
from cvconnect_pos.messages import Language, labelled, report_text
from cvconnect_pos.money import format_amount
from cvconnect_pos.outcome import HAS_MONEY
from cvconnect_pos.tickets import SIMULATION, local_time

WIDTH: Final = 80
UNKNOWN: Final = "—"
"""An amount that is not known: never zero."""


class OperationStatus(StrEnum):
    """Where an operation stands, in the words of a list."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    FAILED = "FAILED"
    NOT_CREATED = "NOT_CREATED"
    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    DECIDING = "DECIDING"
    REVERSING = "REVERSING"
    REVERSED = "REVERSED"
    IN_DOUBT = "IN_DOUBT"
    LINE_RELEASED = "LINE_RELEASED"

    def text(self, language: Language = "fr") -> str:
        """Say it: *Validé*."""
        return report_text(f"status_{self.value}", language)

    @property
    def states(self) -> frozenset[State]:
        """The states that it stands for."""
        return frozenset(state for state in State if status_of(state) is self)


_S, _O = State, OperationStatus

_STATUSES: Final[dict[State, OperationStatus]] = {
    **dict.fromkeys((_S.CANCELLING, _S.CANCEL_SENT, _S.CANCEL_UNKNOWN, _S.CANCEL_CONFIRMING), _O.CANCELLING),
    **dict.fromkeys((_S.CAPTURING, _S.CAPTURE_UNKNOWN, _S.RELEASING, _S.RELEASE_UNKNOWN), _O.RESERVED),
    **dict.fromkeys((_S.REVERSING, _S.REVERSAL_UNKNOWN, _S.REVERSAL_REFUSED), _O.REVERSING),
    _S.APPROVED: _O.APPROVED,
    _S.CANCELLED: _O.CANCELLED,
    _S.EXPIRED: _O.EXPIRED,
    _S.REFUSED: _O.REFUSED,
    _S.FAILED: _O.FAILED,
    _S.ORPHANED: _O.NOT_CREATED,
    _S.RESERVED: _O.RESERVED,
    _S.RELEASED: _O.RELEASED,
    _S.DECIDING: _O.DECIDING,
    _S.REVERSED: _O.REVERSED,
    _S.REVERSED_AFTER_KEEP: _O.REVERSED,
    _S.IN_DOUBT: _O.IN_DOUBT,
    _S.LINE_RELEASED: _O.LINE_RELEASED,
}
"""What is not simply waiting for the customer."""


def status_of(state: State) -> OperationStatus:
    """Say where an attempt stands, in the words of a list."""
    return _STATUSES.get(state, _O.PENDING)


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the list.

    Args:
        request_id: The till's name of the tender line.
        basket_ref: The till's basket number.
        state: Where the attempt stands.
        status: The same, in the words of a list.
        created_at: When the till asked (UTC).
        updated_at: When its state was entered (UTC).
        asked_cents: What was asked, in cents.
        received_cents: What the till has of it: zero once given back; None as long as that is not known.
        remaining_cents: What must be paid otherwise; None as long as that is not known.
        reserved_cents: What is reserved; None when nothing is, or it is not known.
        surplus_cents: What was received beside the payment and is not given back yet.
        way: How the customer was reached.
        seller_id: Who sells.
        customer_ref: The till's customer reference.
        label: The text for the customer's app.
        transaction_id: The provider's id; empty until it is known.
        reason: Why, as a stable code; empty when there is nothing to say.
        simulation: Whether no real money moves.
        needs: Why a person must look at it, as a code (`DECISION`, `UNRECORDED`, ...); empty when nobody must.
    """

    request_id: str
    basket_ref: str
    state: State
    status: OperationStatus
    created_at: datetime
    updated_at: datetime
    asked_cents: int
    received_cents: int | None
    remaining_cents: int | None
    reserved_cents: int | None
    surplus_cents: int
    way: Way
    seller_id: str
    customer_ref: str
    label: str
    transaction_id: str
    reason: str
    simulation: bool
    needs: str

    @classmethod
    def of(cls, row: AttemptSummary) -> Operation:
        """Read an operation from where its attempt stands."""
        received = (
            row.received_cents
            if row.state in HAS_MONEY
            else 0
            if row.state in FINAL | {State.RESERVED}
            else None
        )
        due = row.asked_cents if row.capture_cents is None else row.capture_cents
        kind = kind_of(
            state=row.state,
            way=row.way,
            acknowledged=row.acknowledged,
            surplus_cents=row.surplus_cents,
            reason=row.reason,
        )
        return cls(
            request_id=row.request_id,
            basket_ref=row.basket_ref,
            state=row.state,
            status=status_of(row.state),
            created_at=row.opened_at,
            updated_at=row.changed_at,
            asked_cents=row.asked_cents,
            received_cents=received,
            remaining_cents=None if received is None else max(due - received, 0),
            reserved_cents=row.reserved_cents if status_of(row.state) is OperationStatus.RESERVED else None,
            surplus_cents=row.surplus_cents,
            way=row.way,
            seller_id=row.seller_id,
            customer_ref=row.customer_ref,
            label=row.label,
            transaction_id=row.transaction_id,
            reason=row.reason,
            simulation=row.simulation,
            needs=kind.value if kind else "",
        )

    @property
    def blocks_day_close(self) -> bool:
        """Whether it keeps the day from closing."""
        return bool(self.needs) and is_in_the_way(Kind(self.needs))

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them."""
        dates = {"created_at": self.created_at.isoformat(), "updated_at": self.updated_at.isoformat()}
        return asdict(self) | dates | {"blocks_day_close": self.blocks_day_close}

    def text(self, language: Language = "fr") -> str:
        """Say it: dates, status and amounts on one line, then what names it, then what a person must look at."""
        named = {
            "basket": {"basket_ref": self.basket_ref},
            f"way_{self.way.value}": {},
            "seller": {"seller_id": self.seller_id},
            "customer_ref": {"customer_ref": self.customer_ref},
            "transaction": {"transaction_id": self.transaction_id},
        }
        texts = [report_text(key, language, **f) for key, f in named.items() if all(f.values())]
        changed = report_text("operation_changed", language, at=local_time(self.updated_at))
        lines = [
            _row(
                local_time(self.created_at),
                self.status.text(language),
                format_amount(self.asked_cents),
                _amount(self.received_cents),
                _amount(self.remaining_cents),
            ),
            *indented(printable(", ".join([self.request_id, *texts, changed]))),
        ]
        if self.reserved_cents is not None:
            lines += indented(
                report_text("operation_reserved", language, amount=format_amount(self.reserved_cents))
            )
        if self.needs:
            lines += indented(self.needs_text(language))
        if self.simulation:
            lines += indented(SIMULATION)
        return "\n".join(lines)

    def needs_text(self, language: Language = "fr") -> str:
        """Say why a person must look at it; an empty text when nobody must."""
        if not self.needs:
            return ""
        said = report_text(f"need_{self.needs}", language, amount=format_amount(self.surplus_cents))
        return labelled(report_text("operation_needs", language), said, language)


@dataclass(frozen=True, slots=True)
class OperationPage:
    """A page of the list, newest first.

    Args:
        operations: The operations.
        before: What to give as `before` for the next page; None when this is the last one.
    """

    operations: tuple[Operation, ...]
    before: int | None

    def as_dict(self) -> dict[str, Any]:
        """Give everything, as JSON knows it."""
        return {"operations": [each.as_dict() for each in self.operations], "before": self.before}

    def text(self, language: Language = "fr") -> str:
        """Say it on a screen, in lines of at most 100 characters, 80 below 100 000 €."""
        if not self.operations:
            return report_text("operations_none", language)
        return "\n".join([heading(language), *(each.text(language) for each in self.operations)])


def heading(language: Language = "fr") -> str:
    """Name the columns of `Operation.text`."""
    names = ("created", "status", "asked", "received", "remaining")
    return _row(*(report_text(f"operation_{name}", language) for name in names))


def printable(text: str) -> str:
    """Keep what a till or the provider wrote from steering a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _amount(cents: int | None) -> str:
    return UNKNOWN if cents is None else format_amount(cents)


def _row(*cells: str) -> str:
    created, status, *amounts = cells
    return f"{created:<16}  {status:<22}{amounts[0]:>12}{amounts[1]:>12}{amounts[2]:>15}".rstrip()


def indented(text: str) -> Sequence[str]:
    """Break a text into lines that stand under those of `Operation.text`."""
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
