"""Faults of the provider itself: what it should never do, and what a till must survive all the same.

No call of a merchant and no act of a customer leads here; a test or a judge does. The money moves for real: wallets,
authorizations and the ledger agree after every one.

Does not model: faults of the wire; those are in `cvconnect_sim.faults`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cvconnect_sim.gateway.app import AppDesk
from cvconnect_sim.gateway.domain import (
    PAID_STATES,
    Payer,
    PreTransaction,
    PreTransactionState,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.refusals import RefusedError

ENDED_UNPAID: Final = frozenset(
    {TransactionState.EXPIRED, TransactionState.ABORTED, TransactionState.CANCELLED}
)


class Misdeeds(AppDesk):
    """The provider's faults. Each raises RefusedError, and changes nothing, where there is nothing to spoil."""

    def break_pre_transaction(
        self, pre_transaction_id: str, state: PreTransactionState = PreTransactionState.ERROR
    ) -> PreTransaction:
        """Fault: a pre-transaction says ERROR or TIMEOUT while its linked transaction, if any, lives on.

        Raises:
            ValueError: If `state` is neither.
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        if state not in (PreTransactionState.ERROR, PreTransactionState.TIMEOUT):
            raise ValueError("a pre-transaction breaks with ERROR or TIMEOUT")
        with self._changed:
            return self._book.write_pre(replace(self._book.find_pre(pre_transaction_id), state=state))

    def pay_anyway(
        self, customer_number: str, qr_payload: str, amount_cents: int | None = None
    ) -> Transaction:
        """Fault: a QR request is paid whatever became of it, cancelled and expired included; so a sale is paid twice.

        Args:
            customer_number: Who is debited, if nobody had scanned the code.
            qr_payload: Text of the QR code.
            amount_cents: 1 or more; None for the amount asked.

        Returns:
            The linked transaction, VALIDATED (AUTHORIZED when the order asked for a reservation).

        Raises:
            SimError: QR_UNKNOWN.
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED if the linked transaction is paid or was,
                INVALID_TRANSACTION_AMOUNT if the wallet does not hold it, BENEFICIARY_NOT_FOUND.
        """
        with self._changed:
            pre = self._issued(qr_payload)
            asked_cents = pre.order.amount_cents
            number = self.customer(customer_number).number
            if pre.transaction and pre.transaction.payer:
                number = pre.transaction.payer.customer_number
            self._check_wallet(number, asked_cents if amount_cents is None else amount_cents)
            payer = Payer(number, number, asked_cents)
            linked = pre.transaction or self._book.open(pre.order, self._end(self._rules.expiry_s), payer)
            paid = self._pay_unpaid(linked, linked.payer or payer, amount_cents)
            # SCANNED follows the linked transaction again, as before the cancellation.
            self._book.write_pre(replace(pre, state=PreTransactionState.SCANNED, transaction=paid))
            return paid

    def late_pay(
        self, transaction_id: str, amount_cents: int | None = None, customer_number: str | None = None
    ) -> Transaction:
        """Fault: a transaction that ended EXPIRED, ABORTED or CANCELLED unpaid is paid after all.

        Args:
            transaction_id: One that ended so.
            amount_cents: 1 or more; None for the amount asked.
            customer_number: Who is debited; needed only when it never had a payer.

        Returns:
            The transaction, VALIDATED (AUTHORIZED when the order asked for a reservation).

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED if it did not end so, INVALID_TRANSACTION_AMOUNT if the
                wallet does not hold it, BENEFICIARY_NOT_FOUND if nobody can be debited, TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            if transaction.state not in ENDED_UNPAID:
                raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            payer = transaction.payer
            if payer is None:
                number = self.customer(customer_number or "").number
                payer = Payer(number, number, transaction.order.amount_cents)
            return self._pay_unpaid(transaction, payer, amount_cents)

    def amend(self, transaction_id: str, amount_cents: int) -> Transaction:
        """Fault: the amount of a paid or reserved transaction changes; the customer's wallet bears the difference.

        Args:
            transaction_id: A paid or reserved transaction.
            amount_cents: New sum of its authorizations, 1 or more, above the amount asked too.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED if it is neither, INVALID_TRANSACTION_AMOUNT if the amount
                is below 1 or the wallet does not hold it, TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._paid(transaction_id)
            more_cents = amount_cents - transaction.authorized_cents
            if amount_cents < 1:
                raise RefusedError("INVALID_TRANSACTION_AMOUNT")
            if more_cents <= 0:
                return self._book.write(self._book.cut(transaction, amount_cents))
            payer = _asked_payer(transaction)
            self._book.debit(payer.customer_number, more_cents)
            first, *rest = payer.authorizations
            first = replace(first, amount_cents=first.amount_cents + more_cents)
            return self._book.write(replace(transaction, payer=replace(payer, authorizations=(first, *rest))))

    def undo(self, transaction_id: str) -> Transaction:
        """Fault: the provider re-credits a paid, settled or reserved transaction by itself, window or not.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED if there is nothing to give back; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            return self._give_back(self._paid(transaction_id))

    def add_payer(self, transaction_id: str, customer_number: str, amount_cents: int) -> Transaction:
        """Fault: a second customer pays into a transaction that another one has paid or reserved already.

        Args:
            transaction_id: A paid or reserved transaction.
            customer_number: Who is debited too.
            amount_cents: 1 or more.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED if it is neither, INVALID_TRANSACTION_AMOUNT if the wallet
                does not hold the amount, BENEFICIARY_NOT_FOUND, TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._paid(transaction_id)
            number = self.customer(customer_number).number
            self._check_wallet(number, amount_cents)
            payer = Payer(number, number, amount_cents, (self._book.debit(number, amount_cents),))
            return self._book.write(replace(transaction, other_payers=(*transaction.other_payers, payer)))

    # --- inside, with the lock held

    def _pay_unpaid(self, transaction: Transaction, payer: Payer, amount_cents: int | None) -> Transaction:
        if transaction.authorized_cents:
            raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
        cents = payer.amount_cents if amount_cents is None else amount_cents
        self._check_wallet(payer.customer_number, cents)
        return self._take_money(transaction, payer, cents)

    def _paid(self, transaction_id: str) -> Transaction:
        transaction = self._book.find(transaction_id)
        if transaction.state not in PAID_STATES:
            raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
        return transaction

    def _check_wallet(self, number: str, amount_cents: int) -> None:
        if not 1 <= amount_cents <= self._book.customer(number).balance_cents:
            raise RefusedError("INVALID_TRANSACTION_AMOUNT")


def _asked_payer(transaction: Transaction) -> Payer:
    if transaction.payer is None:
        raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
    return transaction.payer
