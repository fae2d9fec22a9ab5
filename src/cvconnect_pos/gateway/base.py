"""The provider as operations. A dialect behind it knows paths, fields and seals; nothing else does."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cvconnect_pos.core.attempt import Order
from cvconnect_pos.core.provider import PreTransaction, Transaction
from cvconnect_pos.identifiers import Beneficiary


class PaymentGateway(Protocol):
    """The calls of the provider, each made once.

    Every call takes a total deadline in seconds and raises, besides what it says:

    * `NotSent`: it certainly had no effect;
    * `NoAnswer`: it may have had its effect;
    * `ProviderRefused` (or `CredentialRefused`): the provider said no, with its code.
    """

    @property
    def is_production(self) -> bool:
        """Whether real money moves. Anything else is marked as a simulation."""
        ...

    @property
    def fingerprint(self) -> str:
        """What tells the credential from another one, and tells nothing about it."""
        ...

    @property
    def cancel_window_s(self) -> float:
        """For how long after the payment it can be given back, in seconds."""
        ...

    def create(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """Create a transaction without a customer. Moves no money."""
        ...

    def create_qr(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        """Create a QR request. Moves no money."""
        ...

    def put_in_payment(
        self,
        transaction_id: str,
        beneficiary: Beneficiary,
        amount_cents: int,
        now: datetime,
        *,
        timeout_s: float,
    ) -> Transaction:
        """Send the request to this customer's app."""
        ...

    def status(self, transaction_id: str, *, timeout_s: float) -> Transaction:
        """Ask how a transaction stands. Changes nothing."""
        ...

    def qr_status(self, pre_transaction_id: str, *, timeout_s: float) -> PreTransaction:
        """Ask how a QR request stands. Changes nothing."""
        ...

    def cancel(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """Abort before the customer validates, re-credit after: the provider has one call for both."""
        ...

    def cancel_qr(self, pre_transaction_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        """End a QR request and what was scanned from it, as long as nothing is paid."""
        ...

    def capture(
        self, transaction_id: str, amount_cents: int, now: datetime, *, timeout_s: float
    ) -> Transaction:
        """Take this much of what is reserved; the rest goes back to the customer."""
        ...

    def release(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """Give a reservation back."""
        ...

    def close(self) -> None:
        """Close the transport. Idempotent."""
        ...
