"""The provider's books: who has which wallet, which transactions exist, and what the clock made of them.

Not locked: `Provider` holds its lock around every call.

Does not model: archiving; a book only grows.
"""

from __future__ import annotations

import random
import string
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cvconnect_sim.gateway.domain import (
    CUSTOMER_NUMBER,
    PENDING,
    Authorization,
    Customer,
    Order,
    Payer,
    PreTransaction,
    PreTransactionState,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cvconnect_sim.clock import Clock

QR_BASE: Final = "https://qr.simulation.invalid/p/"
# 32 characters of base, 10 of id, 3 of "?t=" and 62 of token: the 107 characters of a realistic payment QR.
TOKEN_LENGTH: Final = 62
ID_ALPHABET: Final = string.ascii_lowercase + string.digits
TOKEN_ALPHABET: Final = string.ascii_letters + string.digits

PRE_STATE_OF: Final[Mapping[TransactionState, PreTransactionState]] = MappingProxyType(
    {
        TransactionState.INITIALIZED: PreTransactionState.SCANNED,
        TransactionState.PROCESSING: PreTransactionState.SCANNED,
        TransactionState.AUTHORIZED: PreTransactionState.VALIDATED,
        TransactionState.VALIDATED: PreTransactionState.VALIDATED,
        TransactionState.CONSIGNED: PreTransactionState.VALIDATED,
        TransactionState.PAID: PreTransactionState.VALIDATED,
        TransactionState.REJECTED: PreTransactionState.REJECTED,
        TransactionState.ABORTED: PreTransactionState.ABORTED,
        TransactionState.CANCELLED: PreTransactionState.CANCELLED,
        TransactionState.EXPIRED: PreTransactionState.TIMEOUT,
    }
)
EXPIRING: Final = PENDING | {TransactionState.AUTHORIZED}
# These were decided for the pre-transaction itself and no longer follow the linked transaction.
OWN_END: Final = frozenset(
    {PreTransactionState.CANCELLED, PreTransactionState.ERROR, PreTransactionState.TIMEOUT}
)


class Book:
    """Wallets, transactions and pre-transactions of one provider.

    Args:
        clock: Dates what is written and lets it expire when it is read.
        seed: Seed of ids, tokens and authorization numbers.
        changed: Called after every change, with the transaction that changed or None for a pre-transaction.
    """

    def __init__(self, clock: Clock, seed: int, changed: Callable[[Transaction | None], None]) -> None:
        self._clock: Final = clock
        self._random: Final = random.Random(seed)
        self._notify_changed: Final = changed
        self._customers: dict[str, Customer] = {}
        self._numbers_by_email: dict[str, str] = {}
        self._transactions: dict[str, Transaction] = {}
        self._places: dict[str, int] = {}
        # A dict keeps the order in which requests were sent; a set would not.
        self._processing: dict[str, None] = {}
        self._reserved: dict[str, None] = {}
        self._pre_transactions: dict[str, PreTransaction] = {}

    # --- wallets

    def add_customer(self, customer: Customer) -> Customer:
        """Opens a wallet.

        Raises:
            ValueError: If the number is not 11 digits, or number or e-mail are taken.
        """
        if not CUSTOMER_NUMBER.fullmatch(customer.number):
            raise ValueError("a customer number has 11 digits")
        email = customer.email.casefold()
        if customer.number in self._customers or email in self._numbers_by_email:
            raise ValueError("this customer exists already")
        self._customers[customer.number] = customer
        if email:
            self._numbers_by_email[email] = customer.number
        return customer

    def customer(self, identifier: str) -> Customer:
        """Finds a customer by number or e-mail, with the money of the reservations that have expired.

        Raises:
            RefusedError: BENEFICIARY_NOT_FOUND.
        """
        for transaction_id in list(self._reserved):
            self.find(transaction_id)
        number = self._numbers_by_email.get(identifier.casefold(), identifier)
        try:
            return self._customers[number]
        except KeyError:
            raise RefusedError("BENEFICIARY_NOT_FOUND") from None

    def debit(self, number: str, amount_cents: int) -> Authorization:
        """Takes money out of a wallet that holds it and says so in an authorization.

        Raises:
            RefusedError: INVALID_TRANSACTION_AMOUNT if the wallet does not hold it.
        """
        customer = self._customers[number]
        if amount_cents > customer.balance_cents:
            raise RefusedError("INVALID_TRANSACTION_AMOUNT")
        self._credit(number, -amount_cents)
        return Authorization(
            number=f"{self._random.randrange(10**9):09d}",
            amount_cents=amount_cents,
            validated_at=self._clock.now(),
            holder=customer.holder,
        )

    def credit_back(self, transaction: Transaction) -> None:
        """Puts what the payers gave back into their wallets."""
        for payer in transaction.payers:
            self._credit(payer.customer_number, payer.authorized_cents)

    def cut(self, transaction: Transaction, total_cents: int) -> Transaction:
        """Leaves so much of the authorizations, the first ones first; the rest goes back to the wallets.

        Args:
            transaction: One whose authorizations hold money.
            total_cents: From 1 to their sum.
        """
        left_cents, payers = total_cents, list[Payer]()
        for payer in transaction.payers:
            kept: list[Authorization] = []
            for authorization in payer.authorizations:
                part_cents = min(authorization.amount_cents, left_cents)
                left_cents -= part_cents
                if part_cents:
                    kept.append(replace(authorization, amount_cents=part_cents))
            shorter = replace(payer, authorizations=tuple(kept))
            self._credit(payer.customer_number, payer.authorized_cents - shorter.authorized_cents)
            payers.append(shorter)
        return transaction.with_payers(payers)

    def _credit(self, number: str, amount_cents: int) -> None:
        customer = self._customers[number]
        self._customers[number] = replace(customer, balance_cents=customer.balance_cents + amount_cents)

    # --- transactions

    def open(self, order: Order, expires_at: datetime, payer: Payer | None = None) -> Transaction:
        """Writes a new transaction: INITIALIZED, or PROCESSING for the payer who scanned a QR."""
        now = self._clock.now()
        return self.write(
            Transaction(
                transaction_id=self._new_id(),
                state=TransactionState.PROCESSING if payer else TransactionState.INITIALIZED,
                order=order,
                created_at=now,
                updated_at=now,
                expires_at=expires_at,
                payer=payer,
                scanned=payer is not None,
            )
        )

    def find(self, transaction_id: str) -> Transaction:
        """Finds a transaction and lets it expire if its time has come; an expired reservation gives its money back.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        try:
            transaction = self._transactions[transaction_id]
        except KeyError:
            raise RefusedError("TRANSACTION_NOT_FOUND") from None
        if transaction.state in EXPIRING and self._clock.now() >= transaction.expires_at:
            if transaction.state is TransactionState.AUTHORIZED:
                self.credit_back(transaction)
            return self.write(replace(transaction, state=TransactionState.EXPIRED), transaction.expires_at)
        return transaction

    def write(self, transaction: Transaction, updated_at: datetime | None = None) -> Transaction:
        """Writes a transaction down, updated now unless another instant is given."""
        written = replace(transaction, updated_at=updated_at or self._clock.now())
        self._transactions[written.transaction_id] = written
        self._places.setdefault(written.transaction_id, len(self._places))
        for state, ids in (
            (TransactionState.PROCESSING, self._processing),
            (TransactionState.AUTHORIZED, self._reserved),
        ):
            if written.state is state:
                ids[written.transaction_id] = None
            else:
                ids.pop(written.transaction_id, None)
        self._notify_changed(written)
        return written

    def all(self) -> list[Transaction]:
        """Returns every transaction, oldest first."""
        return [self.find(transaction_id) for transaction_id in self._transactions]

    def place(self, transaction_id: str) -> int:
        """Tells how many transactions are older than this one.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        try:
            return self._places[transaction_id]
        except KeyError:
            raise RefusedError("TRANSACTION_NOT_FOUND") from None

    def processing(self) -> list[Transaction]:
        """Returns the transactions that wait for a customer, first sent first."""
        found = [self.find(transaction_id) for transaction_id in list(self._processing)]
        return [transaction for transaction in found if transaction.state in PENDING]

    # --- pre-transactions

    def open_pre(self, order: Order, expires_at: datetime) -> PreTransaction:
        """Writes a new pre-transaction with its QR code."""
        pre_id = self._new_id()
        token = "".join(self._random.choices(TOKEN_ALPHABET, k=TOKEN_LENGTH))
        now = self._clock.now()
        return self.write_pre(
            PreTransaction(
                pre_transaction_id=pre_id,
                state=PreTransactionState.INITIALIZED,
                order=order,
                qr_payload=f"{QR_BASE}{pre_id}?t={token}",
                created_at=now,
                expires_at=expires_at,
            )
        )

    def find_pre(self, pre_transaction_id: str) -> PreTransaction:
        """Finds a pre-transaction with its linked transaction and its own state as they are now.

        Raises:
            RefusedError: TRANSACTION_NOT_FOUND.
        """
        try:
            pre = self._pre_transactions[pre_transaction_id]
        except KeyError:
            raise RefusedError("TRANSACTION_NOT_FOUND") from None
        linked = self.find(pre.transaction.transaction_id) if pre.transaction else None
        state = pre.state
        if state not in OWN_END:
            if linked:
                state = PRE_STATE_OF[linked.state]
            elif self._clock.now() >= pre.expires_at:
                state = PreTransactionState.TIMEOUT
        return replace(pre, state=state, transaction=linked)

    def find_qr(self, qr_payload: str) -> PreTransaction | None:
        """Finds the pre-transaction whose QR code holds exactly this text."""
        pre_id = qr_payload.removeprefix(QR_BASE).partition("?")[0]
        known = self._pre_transactions.get(pre_id)
        return self.find_pre(pre_id) if known and known.qr_payload == qr_payload else None

    def write_pre(self, pre: PreTransaction) -> PreTransaction:
        """Writes a pre-transaction down."""
        self._pre_transactions[pre.pre_transaction_id] = pre
        self._notify_changed(None)
        return self.find_pre(pre.pre_transaction_id)

    def all_pre(self) -> list[PreTransaction]:
        """Returns every pre-transaction, oldest first."""
        return [self.find_pre(pre_id) for pre_id in self._pre_transactions]

    def _new_id(self) -> str:
        while True:
            new_id = "".join(self._random.choices(ID_ALPHABET, k=10))
            if new_id not in self._transactions and new_id not in self._pre_transactions:
                return new_id
