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

    def close(self) -> None:
        """Close the transport. Idempotent."""
        ...
