"""The provider's things: merchant, customers, orders, transactions. Values only, no behaviour that needs a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

EURO: Final = 978
CUSTOMER_NUMBER: Final = re.compile(r"[0-9]{11}", re.ASCII)
DAY_S: Final = 86_400.0


class TransactionState(StrEnum):
    """States of a transaction.

    Source: modelled on public integrations, unverified against the ANCV.
    """

    INITIALIZED = "INITIALIZED"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    VALIDATED = "VALIDATED"
    CONSIGNED = "CONSIGNED"
    PAID = "PAID"
    REJECTED = "REJECTED"
    ABORTED = "ABORTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


PENDING: Final = frozenset({TransactionState.INITIALIZED, TransactionState.PROCESSING})
PAID_STATES: Final = frozenset(
    {
        TransactionState.AUTHORIZED,
        TransactionState.VALIDATED,
        TransactionState.CONSIGNED,
        TransactionState.PAID,
    }
)


KEPT_STATES: Final = PAID_STATES - {TransactionState.AUTHORIZED}


class PreTransactionState(StrEnum):
    """States of a pre-transaction, the QR before a customer is known.

    Unverified: INITIALIZED and CANCELLED are ours; the others were seen in a terminal application.
    """

    INITIALIZED = "INITIALIZED"
    SCANNED = "SCANNED"
    VALIDATED = "VALIDATED"
    ABORTED = "ABORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class CaptureMode(StrEnum):
    """NORMAL takes the money when the customer validates, DEFERRED only reserves it."""

    NORMAL = "NORMAL"
    DEFERRED = "DEFERRED"


class QrForm(StrEnum):
    """How the provider hands out a QR code: text to encode, or a ready image."""

    PAYLOAD = "payload"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Merchant:
    """The one merchant the provider knows.

    Args:
        shop_id: Point of sale, digits.
        service_provider_id: Administrator account, digits.
        seal_key: Text of the shared key.
        seal_key_version: Name of that key.
    """

    shop_id: str = "12345678"
    service_provider_id: str = "123456"
    seal_key: str = field(default="simulated-seal-key", repr=False)
    seal_key_version: str = "ver001"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a test may change while the provider runs, with `Provider.set_rules`.

    Args:
        floor_cents: Least amount that may be asked.
        expiry_s: Life of a new transaction or pre-transaction, in seconds.
        cancel_window_s: How long after the customer's validation a payment can be re-credited, in seconds.
        qr_form: Form in which pre-transactions carry their QR.
        one_pending_per_customer: Refuse a second request while one waits in the customer's app.
        delay_max_s: Longest life that an order may wish for its request, in seconds.
        reservation_s: Life of a reservation from the customer's validation, in seconds.
        refund_after_settlement: Whether a cancellation credits back what is CONSIGNED or PAID, at any time.
        error_http_status: One HTTP status for every refusal, or None for the table of `contract.py`. The statuses
            are not public, so a client has to work with any.
    """

    floor_cents: int = 2000
    expiry_s: float = 300.0
    cancel_window_s: float = 4 * 3600.0
    qr_form: QrForm = QrForm.PAYLOAD
    one_pending_per_customer: bool = True
    delay_max_s: float = 30 * DAY_S
    reservation_s: float = 7 * DAY_S
    refund_after_settlement: bool = False
    error_http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A holder of Chèque-Vacances Connect.

    Args:
        number: 11 digits.
        email: Contact address, or empty.
        balance_cents: Money left in the wallet.
    """

    number: str = field(repr=False)
    email: str = field(repr=False)
    balance_cents: int

    @property
    def holder(self) -> str:
        """The number as authorizations show it, such as `10*****3051`."""
        return f"{self.number[:2]}*****{self.number[-4:]}"


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asks for.

    Args:
        order_id: Number of the basket, at most 20 characters.
        payment_id: The merchant's own reference of this attempt.
        amount_cents: Amount asked.
        currency: ISO 4217 number.
        label: Free text.
        capture_mode: NORMAL or DEFERRED.
        capture_date: Wished date of capture as received; only carried.
        return_url: Only carried.
        cancel_url: Only carried.
        customer_reference: The merchant's own name for the customer; only carried.
        seller_id: Who sells; only carried.
        expires_at: Wished end of the request, an aware instant; None for the provider's own.
    """

    order_id: str
    payment_id: str
    amount_cents: int
    currency: int = EURO
    label: str = ""
    capture_mode: CaptureMode = CaptureMode.NORMAL
    capture_date: str | None = None
    return_url: str | None = None
    cancel_url: str | None = None
    customer_reference: str | None = field(default=None, repr=False)
    seller_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """Money that a customer gave."""

    number: str
    amount_cents: int
    validated_at: datetime
    holder: str


@dataclass(frozen=True, slots=True)
class Payer:
    """The customer a transaction was sent to.

    Args:
        customer_number: Whose wallet it is.
        beneficiary_id: The identifier as the merchant sent it: number or e-mail.
        amount_cents: Amount asked of this customer.
        authorizations: What the customer gave; empty until then.
    """

    customer_number: str = field(repr=False)
    beneficiary_id: str = field(repr=False)
    amount_cents: int
    authorizations: tuple[Authorization, ...] = ()

    @property
    def authorized_cents(self) -> int:
        """The sum of the authorizations."""
        return sum(authorization.amount_cents for authorization in self.authorizations)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment request; a snapshot, the provider replaces it at every change.

    Args:
        transaction_id: The provider's id.
        state: State at the time of the snapshot.
        order: What was asked.
        created_at: Instant of the creation.
        updated_at: Instant of the last change.
        expires_at: When a waiting request ends; once reserved, when the reservation ends.
        payer: The customer it was sent to.
        scanned: Whether it came from a QR code.
        validated_at: When the merchant received the money: the customer's validation, or the capture.
        other_payers: Payers that no call of a merchant asked for; only a fault of the provider adds one.
    """

    transaction_id: str
    state: TransactionState
    order: Order
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    payer: Payer | None = None
    scanned: bool = False
    validated_at: datetime | None = None
    other_payers: tuple[Payer, ...] = ()

    @property
    def payers(self) -> tuple[Payer, ...]:
        """Every payer, the one that was asked first."""
        return (self.payer, *self.other_payers) if self.payer else self.other_payers

    def with_payers(self, payers: Iterable[Payer]) -> Transaction:
        """Returns the same transaction with these payers, the one that was asked first."""
        payer, *others = payers
        return replace(self, payer=payer, other_payers=tuple(others))

    def dated(self, instant: datetime) -> Transaction:
        """Returns the same transaction with authorizations of this instant."""
        return self.with_payers(
            replace(
                payer,
                authorizations=tuple(replace(one, validated_at=instant) for one in payer.authorizations),
            )
            for payer in self.payers
        )

    @property
    def authorized_cents(self) -> int:
        """The sum of all authorizations, whatever became of the money since."""
        return sum(payer.authorized_cents for payer in self.payers)

    @property
    def received_cents(self) -> int:
        """Money received, also of a payment that was re-credited since; nothing of a reservation not captured."""
        return self.authorized_cents if self.validated_at else 0

    @property
    def kept_cents(self) -> int:
        """Money that the merchant holds now."""
        return self.received_cents if self.state in KEPT_STATES else 0

    @property
    def reserved_cents(self) -> int:
        """Money that is out of the wallet and not yet the merchant's."""
        return self.authorized_cents if self.state is TransactionState.AUTHORIZED else 0


@dataclass(frozen=True, slots=True)
class PreTransaction:
    """A QR code that waits for a customer; a snapshot with the linked transaction, if scanned."""

    pre_transaction_id: str
    state: PreTransactionState
    order: Order
    qr_payload: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    transaction: Transaction | None = None
