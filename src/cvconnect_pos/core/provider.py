"""What the provider says, as values: no wire format, no library. The dialect in `gateway` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProviderState(StrEnum):
    """The states of a transaction and of a QR pre-transaction, and one for what is not known.

    Source: public integrations, unverified against the ANCV (`SCANNED`, `TIMEOUT`, `ERROR`: pre-transactions only).
    """

    INITIALIZED = "INITIALIZED"
    SCANNED = "SCANNED"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    VALIDATED = "VALIDATED"
    CONSIGNED = "CONSIGNED"
    PAID = "PAID"
    REJECTED = "REJECTED"
    ABORTED = "ABORTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"
    UNRECOGNISED = "UNRECOGNISED"


@dataclass(frozen=True, slots=True)
class Authorization:
    """Money that the provider says it moved.

    Args:
        number: The authorisation number, for the ticket.
        amount_cents: What was received, or None when it cannot be read: never zero, never the amount asked.
        holder: The customer's identifier as the provider masks it.
        validated_at: When the customer validated (UTC).
    """

    number: str
    amount_cents: int | None
    holder: str = ""
    validated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One reading of a payment transaction.

    Args:
        transaction_id: The provider's id.
        state: Its state; `UNRECOGNISED` keeps the word in `state_text`.
        state_text: The state as written.
        payment_id: Our own reference (`order.paymentId`), unique per attempt; empty when the answer has none.
        has_payer: Whether a customer was put in payment.
        payers_paid: How many customers gave money.
        capture_deferred: Whether the answer says that the money is only reserved; None when it does not say.
        authorizations: The money received, one entry per authorisation.
        expires_at: When the request ends if nobody pays (UTC).
        updated_at: The provider's date of this state (UTC).
        provider_time: The provider's clock when it answered (UTC).
    """

    transaction_id: str
    state: ProviderState
    state_text: str = ""
    payment_id: str = ""
    has_payer: bool = False
    payers_paid: int = 0
    capture_deferred: bool | None = None
    authorizations: tuple[Authorization, ...] = ()
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    provider_time: datetime | None = None

    @property
    def received_cents(self) -> int | None:
        """The sum of the authorisations; None when there is none or one cannot be read."""
        amounts = [a.amount_cents for a in self.authorizations]
        if not amounts or None in amounts:
            return None
        return sum(amount for amount in amounts if amount is not None)


@dataclass(frozen=True, slots=True)
class PreTransaction:
    """One reading of a QR request, which becomes a transaction when a customer scans it.

    Args:
        pre_transaction_id: The provider's id.
        state: Its state.
        state_text: The state as written.
        qr_payload: The text to encode, or None.
        qr_png: The ready picture, or None.
        transaction: The linked transaction, once a customer has scanned.
        expires_at: When the QR ends (UTC).
        provider_time: The provider's clock when it answered (UTC).
    """

    pre_transaction_id: str
    state: ProviderState
    state_text: str = ""
    qr_payload: str | None = None
    qr_png: bytes | None = None
    transaction: Transaction | None = None
    expires_at: datetime | None = None
    provider_time: datetime | None = None
