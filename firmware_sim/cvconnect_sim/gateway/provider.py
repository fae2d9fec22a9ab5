"""The provider as pure state: transactions, pre-transactions, customers and their money. No sockets, no JSON.

Merchants come in through `cvconnect_sim.gateway.api`, customers through `cvconnect_sim.phone`; both call the methods
below, which are safe from any thread. What they return are snapshots.

Source: modelled on public integrations, unverified against the ANCV. Pre-transactions are provisional and ours.

Does not model: capture and release of reservations, lists of operations, refunds after settlement, notifications to
the merchant, several payers on one transaction, the customer's 6-digit payment code, passwords and their locks.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from cvconnect_sim.clock import Clock, SystemClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway.book import Book
from cvconnect_sim.gateway.domain import (
    EURO,
    PAID_STATES,
    PENDING,
    CaptureMode,
    Customer,
    Merchant,
    Order,
    Payer,
    PreTransaction,
    PreTransactionState,
    QrForm,
    RefusedError,
    Rules,
    Transaction,
    TransactionState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SETTLEMENT: Final[Mapping[TransactionState, TransactionState]] = MappingProxyType(
    {
        TransactionState.VALIDATED: TransactionState.CONSIGNED,
        TransactionState.CONSIGNED: TransactionState.PAID,
    }
)


class RuleChanges(TypedDict, total=False):
    """The fields of `Rules`, for `Provider.set_rules`."""

    floor_cents: int
    expiry_s: float
    cancel_window_s: float
    qr_form: QrForm
    one_pending_per_customer: bool
    error_http_status: int | None


class Provider:
    """The ANCV's side of Chèque-Vacances Connect, for one merchant.

    Args:
        merchant: The merchant whose calls are accepted.
        clock: Decides creation dates, expiry and the cancellation window.
        seed: Seed of ids and tokens; the same calls with the same seed give the same ids.
        rules: Floor, expiry and the like.
    """

    def __init__(
        self,
        merchant: Merchant | None = None,
        clock: Clock | None = None,
        seed: int = 1,
        rules: Rules | None = None,
    ) -> None:
        self.merchant: Final = merchant or Merchant()
        self.clock: Final[Clock] = clock or SystemClock()
        self._rules = rules or Rules()
        # Every public method holds it; re-entrant, so that methods and predicates of `wait_until` can call each other.
        self._changed = threading.Condition(threading.RLock())
        self._book = Book(self.clock, seed, self._changed.notify_all)

    # --- set up and look, for tests and demonstrations

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._rules

    def set_rules(self, **changes: Unpack[RuleChanges]) -> None:
        """Changes some rules; what exists already keeps the expiry it was created with."""
        with self._changed:
            self._rules = replace(self._rules, **changes)

    def add_customer(self, number: str, *, email: str = "", balance_cents: int = 100_000) -> Customer:
        """Opens a wallet.

        Args:
            number: 11 digits, not yet used.
            email: Contact address, not yet used; empty for none.
            balance_cents: Money in the wallet, zero or more.

        Raises:
            ValueError: If the number is not 11 digits, or number or e-mail are taken.
        """
        with self._changed:
            return self._book.add_customer(Customer(number, email, balance_cents))

    def customer(self, identifier: str) -> Customer:
        """Finds a customer.

        Args:
            identifier: 11 digits or e-mail.

        Raises:
            RefusedError: BENEFICIARY_NOT_FOUND.
        """
        with self._changed:
            return self._book.customer(identifier)

    def transactions(self) -> list[Transaction]:
        """Returns every transaction, oldest first."""
        with self._changed:
            return self._book.all()

    def pre_transactions(self) -> list[PreTransaction]:
        """Returns every pre-transaction, oldest first."""
        with self._changed:
            return self._book.all_pre()

    def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Waits for a change of state; ends at once when it comes.

        Args:
            predicate: Called with the provider locked, at the start and after every change.
            timeout_s: Longest wait in real seconds, whatever clock the provider has.

        Returns:
            The last answer of `predicate`.
        """
        with self._changed:
            return self._changed.wait_for(predicate, timeout_s)

    def settle(self, transaction_id: str) -> Transaction:
        """Takes a paid transaction one settlement step further: VALIDATED, CONSIGNED, PAID.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED in any other state; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            if transaction.state not in SETTLEMENT:
                raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            return self._book.write(replace(transaction, state=SETTLEMENT[transaction.state]))

    def break_pre_transaction(
        self, pre_transaction_id: str, state: PreTransactionState = PreTransactionState.ERROR
    ) -> PreTransaction:
        """Makes a pre-transaction say ERROR or TIMEOUT while its linked transaction, if any, lives on.

        Raises:
            ValueError: If `state` is neither.
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        if state not in (PreTransactionState.ERROR, PreTransactionState.TIMEOUT):
            raise ValueError("a pre-transaction breaks with ERROR or TIMEOUT")
        with self._changed:
            return self._book.write_pre(replace(self._book.find_pre(pre_transaction_id), state=state))

    # --- the merchant's calls

    def create(self, order: Order) -> Transaction:
        """Opens a transaction that has no payer yet.

        Raises:
            RefusedError: INVALID_TRANSACTION_AMOUNT, INVALID_TRANSACTION_CURRENCY.
        """
        with self._changed:
            self._check_money(order.amount_cents, order.currency)
            return self._book.open(order, self._rules.expiry_s)

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
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED when it ended unpaid, was cancelled before, or was paid
                longer ago than the window; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            match transaction:
                case Transaction(payer=Payer(authorizations=(first, *_)) as payer) if (
                    transaction.state in PAID_STATES
                    and self.clock.now()
                    <= first.validated_at + timedelta(seconds=self._rules.cancel_window_s)
                ):
                    self._book.credit_back(payer)
                case Transaction(state=TransactionState.INITIALIZED | TransactionState.PROCESSING):
                    pass
                case _:
                    raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            return self._book.write(replace(transaction, state=TransactionState.CANCELLED))

    def transaction(self, transaction_id: str) -> Transaction:
        """Looks a transaction up.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            return self._book.find(transaction_id)

    def create_pre_transaction(self, order: Order) -> PreTransaction:
        """Opens a QR code that any customer may scan once.

        Raises:
            RefusedError: INVALID_TRANSACTION_AMOUNT, INVALID_TRANSACTION_CURRENCY.
        """
        with self._changed:
            self._check_money(order.amount_cents, order.currency)
            return self._book.open_pre(order, self._rules.expiry_s)

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
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED when the linked transaction is paid: that is re-credited by
                its own cancellation; TRANSACTION_NOT_FOUND.
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

    # --- the customer's app

    def scan(self, customer_number: str, qr_payload: str) -> Transaction:
        """Links a scanned QR code to a customer; the same customer may scan it again.

        Raises:
            SimError: QR_UNKNOWN when this provider did not issue it, QR_CLOSED when it is used or over.
            RefusedError: OTHER_TRANSACTION_PENDING, BENEFICIARY_NOT_FOUND.
        """
        with self._changed:
            customer = self.customer(customer_number)
            pre = self._book.find_qr(qr_payload)
            if pre is None:
                raise SimError(
                    "QR_UNKNOWN", "Ce QR code n'est pas un paiement.", "This QR code is no payment."
                )
            match pre:
                case PreTransaction(state=PreTransactionState.INITIALIZED):
                    self._check_free(customer)
                    payer = Payer(customer.number, customer.number, pre.order.amount_cents)
                    linked = self._book.open(pre.order, self._rules.expiry_s, payer)
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

    def waiting_for(self, customer_number: str) -> list[Transaction]:
        """Returns the transactions that wait for this customer's decision, first sent first."""
        with self._changed:
            return [
                transaction
                for transaction in self._book.processing()
                if transaction.payer and transaction.payer.customer_number == customer_number
            ]

    def validate(
        self, customer_number: str, transaction_id: str, amount_cents: int | None = None
    ) -> Transaction:
        """Pays, in full or in part; more than the balance is REJECTED.

        Args:
            customer_number: Who pays.
            transaction_id: A request that waits for this customer.
            amount_cents: From 1 to the amount asked, or None for all of it.

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
            state = (
                TransactionState.AUTHORIZED
                if transaction.order.capture_mode is CaptureMode.DEFERRED
                else TransactionState.VALIDATED
            )
            paid = replace(payer, authorizations=(self._book.debit(customer_number, paid_cents),))
            return self._book.write(replace(transaction, state=state, payer=paid))

    def refuse(self, customer_number: str, transaction_id: str) -> Transaction:
        """Ends a waiting request as ABORTED.

        Raises:
            SimError: REQUEST_CLOSED when it no longer waits for this customer.
        """
        with self._changed:
            transaction, _ = self._waiting(customer_number, transaction_id)
            return self._book.write(replace(transaction, state=TransactionState.ABORTED))

    # --- inside, with the lock held

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

    def _check_money(self, amount_cents: int, currency: int) -> None:
        if currency != EURO:
            raise RefusedError("INVALID_TRANSACTION_CURRENCY")
        if amount_cents < self._rules.floor_cents:
            raise RefusedError("INVALID_TRANSACTION_AMOUNT")

    def _check_free(self, customer: Customer) -> None:
        if self._rules.one_pending_per_customer and self.waiting_for(customer.number):
            raise RefusedError("OTHER_TRANSACTION_PENDING")
