"""The desk of the customer's app: scanning a QR code, paying, refusing.

Does not model: the customer's 6-digit payment code, passwords and their locks.
"""

from __future__ import annotations

from dataclasses import replace

from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway.domain import (
    Payer,
    PreTransaction,
    PreTransactionState,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.office import Office


class AppDesk(Office):
    """What a customer can do; `cvconnect_sim.phone` calls it."""

    def scan(self, customer_number: str, qr_payload: str) -> Transaction:
        """Links a scanned QR code to a customer; the same customer may scan it again.

        Raises:
            SimError: QR_UNKNOWN when this provider did not issue it, QR_CLOSED when it is used or over.
            RefusedError: OTHER_TRANSACTION_PENDING, BENEFICIARY_NOT_FOUND.
        """
        with self._changed:
            customer = self.customer(customer_number)
            match self._issued(qr_payload):
                case PreTransaction(state=PreTransactionState.INITIALIZED) as pre:
                    self._check_free(customer)
                    payer = Payer(customer.number, customer.number, pre.order.amount_cents)
                    linked = self._book.open(pre.order, self._end(self._rules.expiry_s), payer)
                    self._book.write_pre(replace(pre, transaction=linked))
                    return linked
                case PreTransaction(
                    state=PreTransactionState.SCANNED,
                    transaction=Transaction(payer=Payer(customer_number=customer.number)) as linked,
                ):
                    return linked
                case _:
                    raise SimError(
                        "QR_CLOSED", "Ce QR code n'est plus valable.", "This QR code is no longer valid."
                    )

    def validate(
        self, customer_number: str, transaction_id: str, amount_cents: int | None = None
    ) -> Transaction:
        """Pays or reserves, in full or in part; more than the balance is REJECTED.

        Args:
            customer_number: Who pays.
            transaction_id: A request that waits for this customer.
            amount_cents: From 1 to the amount asked, or None for all of it.

        Returns:
            The transaction: VALIDATED, AUTHORIZED when the order asks for a reservation, or REJECTED.

        Raises:
            SimError: REQUEST_CLOSED when it no longer waits for this customer, AMOUNT_OUT_OF_RANGE.
        """
        with self._changed:
            transaction, payer = self._waiting(customer_number, transaction_id)
            paid_cents = payer.amount_cents if amount_cents is None else amount_cents
            if not 1 <= paid_cents <= payer.amount_cents:
                raise SimError(
                    "AMOUNT_OUT_OF_RANGE",
                    "Le montant doit être compris entre 0,01 € et le montant demandé.",
                    "The amount must lie between 0.01 € and the amount asked.",
                )
            if paid_cents > self._book.customer(customer_number).balance_cents:
                return self._book.write(replace(transaction, state=TransactionState.REJECTED))
            return self._take_money(transaction, payer, paid_cents)

    def refuse(self, customer_number: str, transaction_id: str) -> Transaction:
        """Ends a waiting request as ABORTED.

        Raises:
            SimError: REQUEST_CLOSED when it no longer waits for this customer.
        """
        with self._changed:
            transaction, _ = self._waiting(customer_number, transaction_id)
            return self._book.write(replace(transaction, state=TransactionState.ABORTED))

    def _issued(self, qr_payload: str) -> PreTransaction:
        """Finds the pre-transaction of a QR code."""
        if pre := self._book.find_qr(qr_payload):
            return pre
        raise SimError("QR_UNKNOWN", "Ce QR code n'est pas un paiement.", "This QR code is no payment.")

    def _waiting(self, customer_number: str, transaction_id: str) -> tuple[Transaction, Payer]:
        """Finds a transaction that waits for this customer."""
        match self._book.find(transaction_id):
            case Transaction(state=TransactionState.PROCESSING, payer=Payer() as payer) as transaction if (
                payer.customer_number == customer_number
            ):
                return transaction, payer
            case _:
                raise SimError(
                    "REQUEST_CLOSED",
                    "Cette demande n'attend plus votre réponse.",
                    "This request no longer waits for your answer.",
                )
