"""The back office: settlement steps, the settlement file, and the ledger that a judge compares a till with.

Unverified: the settlement file is ours, in the words of the provider's pages.

Does not model: the transfer to the bank, fees, a refund taken off a later transfer.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from cvconnect_sim.gateway.domain import Transaction, TransactionState
from cvconnect_sim.gateway.office import Office
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

PARIS: Final = ZoneInfo("Europe/Paris")
NEXT_STEP: Final[Mapping[TransactionState, TransactionState]] = MappingProxyType(
    {
        TransactionState.VALIDATED: TransactionState.CONSIGNED,
        TransactionState.CONSIGNED: TransactionState.PAID,
    }
)
COLUMNS: Final = (
    "N° de transaction",
    "N° de panier",
    "Créée le",
    "Modifiée le",
    "Demandé",
    "Reçu",
    "Reste à payer",
    "Statut",
)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What the provider holds of one transaction, beyond dispute.

    Args:
        transaction_id: The provider's id.
        payment_id: The merchant's reference of the attempt.
        order_id: The merchant's basket.
        state: State now.
        asked_cents: Amount of the order.
        paid_cents: Money that the merchant holds now.
        reserved_cents: Money that is reserved now.
        recredited_cents: Money that the merchant had received and the customer has back.
        payers: Number of payers.
        created_at: Instant of the creation.
        validated_at: When the merchant received the money; None if it never did.
        updated_at: Instant of the last change.
    """

    transaction_id: str
    payment_id: str
    order_id: str
    state: TransactionState
    asked_cents: int
    paid_cents: int
    reserved_cents: int
    recredited_cents: int
    payers: int
    created_at: datetime
    validated_at: datetime | None
    updated_at: datetime


class BackOffice(Office):
    """What the provider does with money once it is paid, and what it can show of it."""

    def settle(self, transaction_id: str) -> Transaction:
        """Takes a paid transaction one settlement step further: VALIDATED, CONSIGNED, PAID.

        Raises:
            RefusedError: OPERATION_TRANSACTION_NOT_ALLOWED in any other state; TRANSACTION_NOT_FOUND.
        """
        with self._changed:
            transaction = self._book.find(transaction_id)
            if transaction.state not in NEXT_STEP:
                raise RefusedError("OPERATION_TRANSACTION_NOT_ALLOWED")
            return self._book.write(replace(transaction, state=NEXT_STEP[transaction.state]))

    def settlement_csv(self, day: date) -> str:
        """Writes the settlement file of a day: what was received on it, and what of that was credited back since.

        Args:
            day: A day in Paris.

        Returns:
            Text with a header, `;` between cells and CRLF line ends. *Modifiée le* is when the money was received.
        """
        written = io.StringIO()
        table = csv.writer(written, delimiter=";", lineterminator="\r\n")
        table.writerow(COLUMNS)
        for transaction in self.transactions():
            received_at = transaction.validated_at
            if received_at and received_at.astimezone(PARIS).date() == day:
                table.writerow(_settlement_row(transaction, received_at))
        return written.getvalue()

    def ledger(self) -> tuple[LedgerRow, ...]:
        """Returns one row for each transaction, oldest first."""
        return tuple(
            LedgerRow(
                transaction_id=one.transaction_id,
                payment_id=one.order.payment_id,
                order_id=one.order.order_id,
                state=one.state,
                asked_cents=one.order.amount_cents,
                paid_cents=one.kept_cents,
                reserved_cents=one.reserved_cents,
                recredited_cents=one.received_cents - one.kept_cents,
                payers=len(one.payers),
                created_at=one.created_at,
                validated_at=one.validated_at,
                updated_at=one.updated_at,
            )
            for one in self.transactions()
        )


def _settlement_row(transaction: Transaction, received_at: datetime) -> tuple[str, ...]:
    asked_cents = transaction.order.amount_cents
    return (
        transaction.transaction_id,
        transaction.order.order_id,
        _french_time(transaction.created_at),
        _french_time(received_at),
        _euros(asked_cents),
        _euros(transaction.received_cents),
        _euros(max(asked_cents - transaction.received_cents, 0)),
        "Annulé" if transaction.state is TransactionState.CANCELLED else "Validé",
    )


def _french_time(instant: datetime) -> str:
    return f"{instant.astimezone(PARIS):%d/%m/%Y %H:%M}"


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
