"""The customer's app, for one customer.

It works on the provider in-process, as the app's own backend does: there is no protocol between them to simulate.
What a till shows still comes in as pixels, through `scan`.

Does not model: the 6-digit payment code, logging in, push messages that get lost, a phone without network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from cvconnect_sim.gateway.book import QR_BASE
from cvconnect_sim.phone.camera import read_qr_codes

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cvconnect_sim.gateway.domain import Transaction, TransactionState
    from cvconnect_sim.gateway.provider import Provider


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What the app shows of a request.

    Args:
        transaction_id: The provider's id.
        amount_cents: Amount asked.
        label: Text of the merchant.
        expires_at: Aware instant after which it can no longer be paid.
        state: State when the app looked.
    """

    transaction_id: str
    amount_cents: int
    label: str
    expires_at: datetime
    state: TransactionState

    @classmethod
    def of(cls, transaction: Transaction) -> Self:
        """Reads a request from a transaction that has a payer."""
        order = transaction.order
        amount_cents = transaction.payer.amount_cents if transaction.payer else order.amount_cents
        return cls(
            transaction.transaction_id, amount_cents, order.label, transaction.expires_at, transaction.state
        )


class Phone:
    """The app in one customer's hand; safe to use from any thread.

    Args:
        provider: The backend.
        customer_id: 11 digits or contact e-mail of a customer that the provider knows.

    Raises:
        RefusedError: BENEFICIARY_NOT_FOUND.
    """

    def __init__(self, provider: Provider, customer_id: str) -> None:
        self._provider: Final = provider
        self._number: Final = provider.customer(customer_id).number

    def identifier_barcode(self) -> str:
        """Returns the content of the barcode that the app shows to a scanner: the bare 11 digits.

        Unverified: the real content of the app's barcode is not public.
        """
        return self._number

    def balance_cents(self) -> int:
        """Returns the money left in the wallet."""
        return self._provider.customer(self._number).balance_cents

    def scan(self, image: bytes | Path | str) -> PaymentRequest:
        """Points the camera at a payment QR and opens its request; scanning again changes nothing.

        Args:
            image: Bytes or path of an image file; other things, other QR codes too, may stand around.

        Raises:
            SimError: IMAGE_UNREADABLE, QR_NOT_FOUND, QR_UNKNOWN or QR_CLOSED.
            RefusedError: OTHER_TRANSACTION_PENDING.
        """
        texts = read_qr_codes(image)
        payload = next((text for text in texts if text.startswith(QR_BASE)), texts[0])
        return PaymentRequest.of(self._provider.scan(self._number, payload))

    def incoming(self) -> list[PaymentRequest]:
        """Returns the requests sent to the customer's number or e-mail that wait, oldest first."""
        waiting = self._provider.waiting_for(self._number)
        return [PaymentRequest.of(transaction) for transaction in waiting if not transaction.scanned]

    def wait_incoming(self, timeout_s: float) -> list[PaymentRequest]:
        """Waits until a request is there; ends at once when it comes.

        Args:
            timeout_s: Longest wait, in real seconds.

        Returns:
            The waiting requests, oldest first; empty if the time ran out.
        """
        self._provider.wait_until(lambda: bool(self.incoming()), timeout_s)
        return self.incoming()

    def pay(self, request: PaymentRequest, amount_cents: int | None = None) -> PaymentRequest:
        """Validates a request.

        Args:
            request: From `scan` or `incoming`.
            amount_cents: From 1 to the amount asked, or None for all of it.

        Returns:
            The request in its new state: VALIDATED, AUTHORIZED if only reserved, REJECTED beyond the balance.

        Raises:
            SimError: REQUEST_CLOSED, AMOUNT_OUT_OF_RANGE.
        """
        return PaymentRequest.of(self._provider.validate(self._number, request.transaction_id, amount_cents))

    def refuse(self, request: PaymentRequest) -> PaymentRequest:
        """Refuses a request, which becomes ABORTED.

        Raises:
            SimError: REQUEST_CLOSED.
        """
        return PaymentRequest.of(self._provider.refuse(self._number, request.transaction_id))
