"""One attempt, rebuilt from its journal entries: what is written is what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.core.provider import Authorization

JsonData: TypeAlias = Mapping[str, Any]
"""What an entry carries: texts, integers, booleans, lists and objects of them. No float, no identifier in clear."""

REQUEST, ACKNOWLEDGED, TICKET = "REQUEST", "ACKNOWLEDGED", "TICKET"
"""The kinds of entries that are not signals: the opening, the till's receipt, what became of a ticket."""


class Way(StrEnum):
    """How the customer is reached."""

    QR = "qr"  # the customer scans what the till shows
    SCAN = "scan"  # the till scans what the customer shows
    EITHER = "either"  # both at once: whichever is used first wins
    KEYED = "keyed"  # the cashier types the identifier
    DEFERRED = "deferred"  # named too, and given time: hours or days, by e-mail


@dataclass(frozen=True, slots=True)
class Order:
    """What the till asked: the arguments that make a request the same request.

    Args:
        request_id: The till's name of this tender line, unique for ever.
        amount_cents: The amount asked, in cents.
        basket_ref: The till's basket number, 1 to 20 characters.
        way: How the customer is reached.
        label: A text for the customer's app.
        customer_ref: The till's customer reference.
        seller_id: Who sells.
        beneficiary: The customer of a keyed or deferred request, masked.
        delay_s: How long the customer of a deferred request may take, in seconds; 0 for the other ways.
        reserve: Whether the money is only reserved, to be captured or released later.
    """

    request_id: str
    amount_cents: int
    basket_ref: str
    way: Way
    label: str = ""
    customer_ref: str = ""
    seller_id: str = ""
    beneficiary: str = ""
    delay_s: int = 0
    reserve: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    Args:
        seq: Its place in the journal, from 1.
        request_id: The attempt it belongs to.
        at: When it was written (UTC).
        kind: A signal's name, or `REQUEST`, `ACKNOWLEDGED`, `TICKET`.
        state: The attempt's state from here on.
        data: What became known.
    """

    seq: int
    request_id: str
    at: datetime
    kind: str
    state: State
    data: JsonData


@dataclass(frozen=True, slots=True)
class Rival:
    """The request at the provider that an attempt gave up for another one. Whatever it does, it must not keep money.

    Args:
        payment_id: Our reference of it.
        pre_transaction_id: The provider's id, of a QR request.
        transaction_id: The provider's id of its payment, when one is known.
        since: When it was given up (UTC).
    """

    payment_id: str
    pre_transaction_id: str
    transaction_id: str
    since: datetime

    def as_data(self) -> dict[str, str]:
        """Write it as data of an entry."""
        return {
            "payment_id": self.payment_id,
            "pre_transaction_id": self.pre_transaction_id,
            "transaction_id": self.transaction_id,
            "since": self.since.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class TicketNote:
    """What the journal says of one ticket.

    Args:
        job: Which ticket: its state, whose copy, and its number after the first; empty in journals of before.
        outcome: `printing` from before its first byte; then `printed`, `not_sent` or `unknown`.
        why: The stable code of why it did not come out; empty for none.
        torn: Whether the printer got a part of it only, or said that it could not print all of it.
    """

    job: str
    outcome: str
    why: str = ""
    torn: bool = False

    def as_data(self) -> dict[str, Any]:
        """Write it as data of an entry; what says nothing is left out."""
        said = {"job": self.job, "ticket": self.outcome, "ticket_why": self.why, "torn": self.torn}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything known of an attempt, after some entry.

    Args:
        order: What the till asked.
        payment_id: Our reference at the provider (`order.paymentId`), unique per attempt.
        state: Where it stands.
        opened_at: When the till asked (UTC).
        updated_at: When the last entry was written (UTC).
        changed_at: When the state was entered (UTC): a receipt or a ticket does not move it.
        simulation: Whether no real money moves.
        pre_transaction_id: The provider's id of the QR request.
        transaction_id: The provider's id of the payment.
        qr_payload: The QR's text.
        qr_png: The QR's picture, in base64.
        beneficiary: The customer, masked.
        expires_at: The provider's expiry (UTC).
        received_cents: What was received, by the provider's authorisations; None until then.
        authorizations: The provider's authorisations.
        reserved_cents: What is or was reserved; None for a payment that is none of a reservation.
        capture_cents: What the till asked to capture of it; None until then.
        rival: The request that was given up for this one; it is watched.
        surplus_cents: What was received on the rival and is not given back yet.
        reason: Why it ended, or is in doubt: a stable code.
        payer_lost: Whether a payer call was lost: it may still land.
        said_at: The provider's date of what it last said about money (UTC).
        cancel_asked: Whether the till asked to cancel.
        cancel_sent: Whether a cancel or a reversal may have been sent: it may still land on a payment that is kept.
        acknowledged: Whether the till said that it recorded the outcome.
        surplus_by: Who answered for the surplus, and why; empty texts otherwise.
        surplus_why: See `surplus_by`.
        give_back_asked: Whether the payment went back by itself, for its line was settled otherwise.
        released_by: Who released the line, and why; empty texts otherwise.
        released_why: See `released_by`.
        settled_otherwise: Whether the till said that the line was paid by other means: money that comes late goes back.
        ticket: What became of the last ticket.
        ticket_state: The state whose tickets are due: the last one that was entered with a ticket; None before that.
        ticket_seq: The place in the journal of the entry that made them due.
        ticket_cents: What was received then.
        copies: Whose copies come out by themselves.
        tickets: What became of the tickets of this state and amount, in order.
        seq: The place of the last entry in the journal.
    """

    order: Order
    payment_id: str
    state: State
    opened_at: datetime
    updated_at: datetime
    changed_at: datetime
    simulation: bool = True
    pre_transaction_id: str = ""
    transaction_id: str = ""
    qr_payload: str = ""
    qr_png: str = ""
    beneficiary: str = ""
    expires_at: datetime | None = None
    received_cents: int | None = None
    authorizations: tuple[Authorization, ...] = ()
    reserved_cents: int | None = None
    capture_cents: int | None = None
    rival: Rival | None = None
    surplus_cents: int = 0
    reason: str = ""
    payer_lost: bool = False
    said_at: datetime | None = None
    cancel_asked: bool = False
    cancel_sent: bool = False
    acknowledged: bool = False
    surplus_by: str = ""
    surplus_why: str = ""
    give_back_asked: bool = False
    released_by: str = ""
    released_why: str = ""
    settled_otherwise: bool = False
    ticket: str = ""
    ticket_state: State | None = None
    ticket_seq: int = 0
    ticket_cents: int | None = None
    copies: tuple[str, ...] = ()
    tickets: tuple[TicketNote, ...] = ()
    seq: int = 0

    @property
    def is_final(self) -> bool:
        """Whether there is an outcome."""
        return self.state in FINAL

    @property
    def due_cents(self) -> int:
        """What is to be received: the amount asked, or what the till captures of a reservation."""
        return self.order.amount_cents if self.capture_cents is None else self.capture_cents

    @property
    def validated_at(self) -> datetime | None:
        """When the customer last validated a payment, by the provider's authorisations (UTC)."""
        return max((a.validated_at for a in self.authorizations if a.validated_at), default=None)


def order_data(order: Order, payment_id: str, *, simulation: bool) -> dict[str, Any]:
    """Write an order as the data of a `REQUEST` entry."""
    return {
        "simulation": simulation,
        "amount_cents": order.amount_cents,
        "basket_ref": order.basket_ref,
        "way": order.way.value,
        "label": order.label,
        "customer_ref": order.customer_ref,
        "seller_id": order.seller_id,
        "beneficiary": order.beneficiary,
        "delay_s": order.delay_s,
        "reserve": order.reserve,
        "payment_id": payment_id,
    }


def authorizations_data(authorizations: Iterable[Authorization]) -> list[dict[str, Any]]:
    """Write authorisations as data."""
    return [
        {
            "number": a.number,
            "amount_cents": a.amount_cents,
            "holder": a.holder,
            "validated_at": a.validated_at.isoformat() if a.validated_at else None,
        }
        for a in authorizations
    ]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _authorizations(items: Iterable[JsonData]) -> tuple[Authorization, ...]:
    return tuple(
        Authorization(a["number"], a["amount_cents"], a["holder"], _time(a["validated_at"])) for a in items
    )


def _rival(known: JsonData | None) -> Rival | None:
    if not known:
        return None
    since = datetime.fromisoformat(known["since"])
    return Rival(known["payment_id"], known["pre_transaction_id"], known["transaction_id"], since)


_READERS: dict[str, Callable[[Any], Any]] = {
    "expires_at": _time,
    "said_at": _time,
    "authorizations": _authorizations,
    "rival": _rival,
    "copies": tuple,
}
"""How the fields that are not plain JSON come back."""


def opening(entry: Entry) -> Attempt:
    """Make the attempt that a `REQUEST` entry opens."""
    data = dict(entry.data)
    payment_id, simulation = data.pop("payment_id"), data.pop("simulation")
    way = Way(data.pop("way"))
    order = Order(request_id=entry.request_id, way=way, **data)
    return Attempt(
        order=order,
        payment_id=payment_id,
        state=entry.state,
        opened_at=entry.at,
        updated_at=entry.at,
        changed_at=entry.at,
        simulation=simulation,
        beneficiary=order.beneficiary,
        seq=entry.seq,
    )


def _ticket_known(attempt: Attempt, entry: Entry) -> dict[str, Any]:
    data = entry.data
    outcome = data.get("ticket", "")
    note = TicketNote(data.get("job", ""), outcome, data.get("ticket_why", ""), data.get("torn", False))
    return {"ticket": outcome, "tickets": (*attempt.tickets, note)}


def fold(attempt: Attempt, entry: Entry) -> Attempt:
    """Add one entry to what is known."""
    if entry.kind == TICKET:
        return replace(
            attempt, state=entry.state, updated_at=entry.at, seq=entry.seq, **_ticket_known(attempt, entry)
        )
    known = {name: _READERS[name](value) if name in _READERS else value for name, value in entry.data.items()}
    if "copies" in known:
        cents = known.get("received_cents", attempt.received_cents)
        says = {"ticket_state": entry.state, "ticket_cents": cents}
        if (attempt.ticket_state, attempt.ticket_cents) != (entry.state, cents):
            known["tickets"] = ()
        known |= {**says, "ticket_seq": entry.seq}
    changed_at = attempt.changed_at if entry.state is attempt.state else entry.at
    return replace(
        attempt, state=entry.state, updated_at=entry.at, changed_at=changed_at, seq=entry.seq, **known
    )


def rebuild(entries: Iterable[Entry]) -> Attempt:
    """Rebuild an attempt from all its entries, in order.

    Args:
        entries: At least the `REQUEST` entry, first.

    Returns:
        The attempt after the last of them.
    """
    first, *rest = entries
    attempt = opening(first)
    for entry in rest:
        attempt = fold(attempt, entry)
    return attempt
