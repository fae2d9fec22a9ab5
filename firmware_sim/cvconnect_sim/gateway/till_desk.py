"""The merchant's desk: every call that a till may make, without HTTP.

Source: modelled on public integrations, unverified against the ANCV.
Unverified: pre-transactions, wished expiry, capture, release and lists are provisional and ours.

Does not model: several merchants, captures in several parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cvconnect_sim.gateway.domain import (
    EURO,
    PAID_STATES,
    PENDING,
    Order,
    Payer,
    PreTransaction,
    PreTransactionState,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.office import Office
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

PAGE_SIZE: Final = 100
DELAY_MIN_S: Final = 60.0
# A wish was right when the till wrote it; on its way here it became this much shorter at most.
TRAVEL_S: Final = 5.0
SETTLED: Final = (TransactionState.CONSIGNED, TransactionState.PAID)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Args:
        transactions: At most `PAGE_SIZE`, oldest first.
        next_id: What to continue after; None at the end of the list.
    """

    transactions: tuple[Transaction, ...]
    next_id: str | None


class TillDesk(Office):
    """What a merchant can do; `cvconnect_sim.gateway.api` calls it."""

    def create(self, order: Order) -> Transaction:
        """Opens a transaction that has no payer yet.

        Raises:
            RefusedError: INVALID_TRANSACTION_AMOUNT, INVALID_TRANSACTION_CURRENCY, BAD_REQUEST when the wished expiry
                lies outside 60 s to `Rules.delay_max_s`.
        """
        with self._changed:
            self._check_money(order.amount_cents, order.currency)
            return self._book.open(order, self._granted_end(order))

    def set_payer(
        self, transaction_id: str, beneficiary_id: str, amount_cents: int, currency: int = EURO
    ) -> Transaction:
        """Sends a transaction to a customer; the same call again changes nothing while it waits.

        Args:
            transaction_id: Id that `create` gave.
            beneficiary_id: 11 digits or e-mail.
            amount_cents: From the floor to the amount of the order.
            currency: ISO 4217 number.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND, BENEFICIARY_NOT_FOUND, OTHER_TRANSACTION_PENDING,
                OPERATION_TRANSACTION_NOT_ALLOWED, INVALID_TRANSACTION_AMOUNT, INVALID_TRANSACTION_CURRENCY.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            self._check_money(amount_cents, currency)
            if amount_cents > transaction.order.amount_cents:
                raise RefusedError("INVALID_TRANSACTION_AMOUNT")
            customer = self.customer(beneficiary_id)
            match transaction:
                case Transaction(state=TransactionState.INITIALIZED):
                    self._check_free(customer)
                    payer = Payer(customer.number, beneficiary_id, amount_cents)
                    return self._book.write(
                        replace(transaction, state=TransactionState.PROCESSING, payer=payer)
                    )
                case Transaction(
                    state=TransactionState.PROCESSING,
                    payer=Payer(customer_number=customer.number, amount_cents=asked_cents),
                ) if asked_cents == amount_cents:
                    return transaction
                case _:
                    raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")

    def cancel(self, transaction_id: str) -> Transaction:
        """Aborts a transaction that nobody paid, re-credits one that was paid within the window.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED when it ended unpaid, was cancelled before, was paid longer
                ago than the window, is settled and `Rules.refund_after_settlement` is off, or is only reserved: that
                is released instead; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            if transaction.state in PENDING:
                return self._book.write(replace(transaction, state=TransactionState.CANCELLED))
            if not self._may_credit_back(transaction):
                raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            return self._give_back(transaction)

    def capture(self, transaction_id: str, amount_cents: int, currency: int = EURO) -> Transaction:
        """Takes the reserved money or a part of it, once; the rest returns to the wallet.

        The authorizations then show what was captured, and when: the window of cancellation starts now.

        Args:
            transaction_id: A reservation.
            amount_cents: From 1 to what is reserved.
            currency: ISO 4217 number.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED unless AUTHORIZED; INVALID_TRANSACTION_AMOUNT,
                INVALID_TRANSACTION_CURRENCY, TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            reserved = self._reservation(transaction_id)
            if currency != EURO:
                raise RefusedError("INVALID_TRANSACTION_CURRENCY")
            if not 1 <= amount_cents <= reserved.reserved_cents:
                raise RefusedError("INVALID_TRANSACTION_AMOUNT")
            now = self.clock.now()
            captured = self._book.cut(reserved, amount_cents).dated(now)
            captured = replace(captured, state=TransactionState.VALIDATED, validated_at=now)
            return self._book.write(captured)

    def release(self, transaction_id: str) -> Transaction:
        """Gives reserved money back; the authorizations stay visible.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED unless AUTHORIZED; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            return self._give_back(self._reservation(transaction_id))

    def transaction(self, transaction_id: str) -> Transaction:
        """Looks a transaction up.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            return self._book.find(transaction_id)

    def page(self, created_from: datetime, created_to: datetime, after_id: str | None = None) -> Page:
        """Lists the transactions created in a span of time, oldest first.

        Args:
            created_from: First instant of the span.
            created_to: End of the span, itself outside.
            after_id: `next_id` of the page before.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND if `after_id` is unknown.
        """
        with self._changed:
            listed = [one for one in self._book.all() if created_from <= one.created_at < created_to]
            if after_id is not None:
                place = self._book.place(after_id)
                listed = [one for one in listed if self._book.place(one.transaction_id) > place]
            page = tuple(listed[:PAGE_SIZE])
            return Page(page, page[-1].transaction_id if len(listed) > PAGE_SIZE else None)

    def create_pre_transaction(self, order: Order) -> PreTransaction:
        """Opens a QR code that any customer may scan once.

        Raises:
            RefusedError: As `create`.
        """
        with self._changed:
            self._check_money(order.amount_cents, order.currency)
            return self._book.open_pre(order, self._granted_end(order))

    def pre_transaction(self, pre_transaction_id: str) -> PreTransaction:
        """Looks a pre-transaction up, with the linked transaction if a customer scanned.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            return self._book.find_pre(pre_transaction_id)

    def cancel_pre_transaction(self, pre_transaction_id: str) -> PreTransaction:
        """Kills a QR code and the unpaid transaction linked to it; on a dead one it changes nothing.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED when the linked transaction is paid or reserved: that has
                its own cancellation or release; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            pre = self._book.find_pre(pre_transaction_id)
            if pre.transaction and pre.transaction.state in PAID_STATES:
                raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            if pre.transaction and pre.transaction.state in PENDING:
                self.cancel(pre.transaction.transaction_id)
            if pre.state in (PreTransactionState.INITIALIZED, PreTransactionState.SCANNED):
                self._book.write_pre(replace(pre, state=PreTransactionState.CANCELLED))
            return self._book.find_pre(pre_transaction_id)

    # --- inside, with the lock held

    def _reservation(self, transaction_id: str) -> Transaction:
        transaction = self._book.find(transaction_id)
        if transaction.state is not TransactionState.AUTHORIZED:
            raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
        return transaction

    def _may_credit_back(self, transaction: Transaction) -> bool:
        if transaction.state in SETTLED:
            return self._rules.refund_after_settlement
        return (
            transaction.state is TransactionState.VALIDATED
            and transaction.validated_at is not None
            and self.clock.now() <= transaction.validated_at + timedelta(seconds=self._rules.cancel_window_s)
        )

    def _granted_end(self, order: Order) -> datetime:
        if order.expires_at is None:
            return self._end(self._rules.expiry_s)
        if not self._end(DELAY_MIN_S - TRAVEL_S) <= order.expires_at <= self._end(self._rules.delay_max_s):
            raise RefusedError("BAD_REQUEST")
        return order.expires_at

    def _check_money(self, amount_cents: int, currency: int) -> None:
        if currency != EURO:
            raise RefusedError("INVALID_TRANSACTION_CURRENCY")
        if amount_cents < self._rules.floor_cents:
            raise RefusedError("INVALID_TRANSACTION_AMOUNT")
