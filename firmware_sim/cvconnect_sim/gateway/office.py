"""What every desk of the provider shares: the rules, the lock, the book, and who is told of changes."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from cvconnect_sim.clock import Clock, SystemClock
from cvconnect_sim.gateway.book import Book
from cvconnect_sim.gateway.domain import (
    CaptureMode,
    Customer,
    Merchant,
    Payer,
    PreTransaction,
    QrForm,
    Rules,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class RuleChanges(TypedDict, total=False):
    """The fields of `Rules`, for `Provider.set_rules`."""

    floor_cents: int
    expiry_s: float
    cancel_window_s: float
    qr_form: QrForm
    one_pending_per_customer: bool
    delay_max_s: float
    reservation_s: float
    refund_after_settlement: bool
    error_http_status: int | None


class Office:
    """The ground that the provider's desks stand on.

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
        self._listeners: list[Callable[[Transaction], None]] = []
        self._book = Book(self.clock, seed, self._tell)

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

    def waiting_for(self, customer_number: str) -> list[Transaction]:
        """Returns the transactions that wait for this customer's decision, first sent first."""
        with self._changed:
            return [
                transaction
                for transaction in self._book.processing()
                if transaction.payer and transaction.payer.customer_number == customer_number
            ]

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

    def on_change(self, listener: Callable[[Transaction], None]) -> Callable[[], None]:
        """Has a listener told of every change of a transaction, in order; an expiry is told when somebody looks.

        Args:
            listener: Called with the new snapshot while the provider is locked: it returns at once and never raises.

        Returns:
            A call that ends it; calling it again does nothing.
        """
        with self._changed:
            # Listeners are replaced, never changed in place, so that one may end itself while it is told.
            self._listeners = [*self._listeners, listener]

        def end() -> None:
            with self._changed:
                self._listeners = [one for one in self._listeners if one is not listener]

        return end

    # --- for the desks, with the lock held

    def _tell(self, transaction: Transaction | None) -> None:
        self._changed.notify_all()
        if transaction:
            for listener in self._listeners:
                listener(transaction)

    def _end(self, life_s: float) -> datetime:
        return self.clock.now() + timedelta(seconds=life_s)

    def _check_free(self, customer: Customer) -> None:
        if self._rules.one_pending_per_customer and self.waiting_for(customer.number):
            raise RefusedError("OTHER_TRANSACTION_PENDING")

    def _take_money(self, transaction: Transaction, payer: Payer, amount_cents: int) -> Transaction:
        """Debits the payer: VALIDATED, or AUTHORIZED until the reservation ends if that was asked.

        Raises:
            RefusedError: INVALID_TRANSACTION_AMOUNT if the wallet does not hold it.
        """
        payer = replace(payer, authorizations=(self._book.debit(payer.customer_number, amount_cents),))
        if transaction.order.capture_mode is CaptureMode.DEFERRED:
            reserved = replace(
                transaction,
                state=TransactionState.AUTHORIZED,
                payer=payer,
                expires_at=self._end(self._rules.reservation_s),
            )
            return self._book.write(reserved)
        paid = replace(
            transaction, state=TransactionState.VALIDATED, payer=payer, validated_at=self.clock.now()
        )
        return self._book.write(paid)

    def _give_back(self, transaction: Transaction) -> Transaction:
        """Re-credits every payer; the authorizations stay visible."""
        self._book.credit_back(transaction)
        return self._book.write(replace(transaction, state=TransactionState.CANCELLED))
