"""The judge: a model outside the SDK. What the provider's ledger says is true; what a till says must agree with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cvconnect_pos import Payment
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_sim.gateway import TransactionState

if TYPE_CHECKING:
    from faults.campaign.process import Process
    from faults.campaign.world import World


class Breach(StrEnum):
    """What can be broken; all but the last are counted in the campaign's last line."""

    DOUBLE_CHARGE = "double_charges"
    LOST_APPROVAL = "lost_approvals"
    CLOSED_UNPAID = "closed_unpaid"
    STUCK = "stuck"
    PROMISE = "promises"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was broken."""

    breach: Breach
    text: str

    def __str__(self) -> str:
        return f"{self.breach.value}: {self.text}"


TOLD: Final = frozenset({State.DECIDING, State.IN_DOUBT, State.LINE_RELEASED})
"""The states that a person is told of and must look at: nothing in them is silent."""

PENDING: Final = frozenset({TransactionState.INITIALIZED, TransactionState.PROCESSING})


@dataclass(frozen=True, slots=True)
class Holding:
    """What the merchant has for one line, by the provider's ledger.

    Args:
        amounts: The money of each transaction that holds some, in cents.
        pending: Whether a customer can still pay one.
    """

    amounts: tuple[int, ...] = ()
    pending: bool = False

    @property
    def cents(self) -> int:
        """All of it."""
        return sum(self.amounts)


def holdings(world: World) -> dict[str, Holding]:
    """Read the ledger, by line."""
    lines = {t.transaction_id: t.order.label for t in world.provider.transactions()}
    amounts: dict[str, list[int]] = defaultdict(list)
    pending: set[str] = set()
    for row in world.provider.ledger():
        line = lines[row.transaction_id]
        if row.paid_cents:
            amounts[line].append(row.paid_cents)
        if row.state in PENDING:
            pending.add(line)
    return {line: Holding(tuple(amounts[line]), line in pending) for line in world.asked}


def words(world: World) -> Iterator[tuple[str, Process, Payment]]:
    """What every living till says of every line that it or another one has asked."""
    for process in world.alive():
        for line in world.asked:
            with process.used():
                payment = process.payment(line)
                if payment is not None:
                    yield line, process, payment


def stuck(world: World) -> list[Finding]:
    """Find what is neither over nor in a person's hand, long after every expiry and with a healthy provider."""
    found: list[Finding] = []
    held = holdings(world)
    for line, process, payment in words(world):
        state = payment.attempt.state
        if state in FINAL or state in {State.DECIDING, State.RESERVED} or held[line].pending:
            continue
        found.append(Finding(Breach.STUCK, f"{line} at {process.name}: {state}"))
    return found


def money(world: World) -> list[Finding]:
    """Compare every till's last word with the ledger."""
    found: list[Finding] = []
    held = holdings(world)
    for line, holding in held.items():
        if len(holding.amounts) > 1:
            found.append(Finding(Breach.DOUBLE_CHARGE, f"{line}: the merchant holds {list(holding.amounts)}"))
    for line, process, payment in words(world):
        attempt, outcome = payment.attempt, payment.outcome
        has = held[line].cents
        says = (outcome.received_cents if outcome else 0) + attempt.surplus_cents
        told = attempt.state in TOLD or attempt.surplus_cents or attempt.reason == "AMOUNT_CHANGED"
        where = f"{line} at {process.name}: {attempt.state} {says}, the provider has {has}"
        if says < has and not told:
            found.append(Finding(Breach.LOST_APPROVAL, where))
        if says > has and attempt.reason != "AMOUNT_CHANGED":
            found.append(Finding(Breach.CLOSED_UNPAID, where))
    return found


def books(world: World, balance_cents: int) -> list[Finding]:
    """Check the simulator itself: what left the wallets is what the ledger holds."""
    from faults.campaign.world import NUMBERS

    rows = world.provider.ledger()
    holds = sum(row.paid_cents + row.reserved_cents for row in rows)
    gave = sum(balance_cents - world.provider.customer(number).balance_cents for number in NUMBERS.values())
    return (
        []
        if gave == holds
        else [Finding(Breach.PROMISE, f"the simulator's books: gave {gave}, holds {holds}")]
    )
