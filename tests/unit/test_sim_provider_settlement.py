"""Settlement, refunds after it, the settlement file, the list, the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.gateway import (
    PAGE_SIZE,
    CaptureMode,
    Order,
    Provider,
    RefusedError,
    Transaction,
    TransactionState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDER = "10000003051"
BALANCE_CENTS = 50_000
# 23:30 in Paris: half an hour later it is another day there, and the same day in UTC.
LATE_EVENING = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
DAY = date(2026, 11, 21)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(LATE_EVENING)


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    provider = Provider(clock=clock)
    provider.add_customer(HOLDER, balance_cents=BALANCE_CENTS)
    return provider


def paid(
    provider: Provider, amount_cents: int | None = None, mode: CaptureMode = CaptureMode.NORMAL
) -> Transaction:
    created = provider.create(Order("PANIER-1", "T1-1", 4550, capture_mode=mode))
    provider.set_payer(created.transaction_id, HOLDER, 4550)
    return provider.validate(HOLDER, created.transaction_id, amount_cents)


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.code == code


# --- settlement and refunds


def test_settlement_goes_from_validated_to_consigned_to_paid_and_no_further(provider: Provider) -> None:
    transaction_id = paid(provider).transaction_id
    assert provider.settle(transaction_id).state is TransactionState.CONSIGNED
    assert provider.settle(transaction_id).state is TransactionState.PAID
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.settle(transaction_id))


@pytest.mark.parametrize("steps", [1, 2])
def test_what_is_settled_is_not_refunded_even_within_the_window(provider: Provider, steps: int) -> None:
    transaction_id = paid(provider).transaction_id
    for _ in range(steps):
        provider.settle(transaction_id)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(transaction_id))
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - 4550


def test_a_rule_allows_refunds_of_what_is_settled_at_any_time(
    provider: Provider, clock: VirtualClock
) -> None:
    provider.set_rules(refund_after_settlement=True)
    settled_id = paid(provider).transaction_id
    provider.settle(settled_id)
    only_paid_id = paid(provider).transaction_id
    clock.advance(9 * 86_400)
    assert provider.cancel(settled_id).state is TransactionState.CANCELLED
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(only_paid_id))
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - 4550


# --- the settlement file


def test_the_settlement_file_holds_the_money_received_on_a_day_in_paris(
    provider: Provider, clock: VirtualClock
) -> None:
    whole, part, back = paid(provider), paid(provider, 1205), paid(provider)
    provider.cancel(back.transaction_id)
    paid(provider, mode=CaptureMode.DEFERRED)
    provider.create(Order("PANIER-2", "T1-2", 4550))
    clock.advance(1800)
    next_day = paid(provider)
    provider.settle(whole.transaction_id)
    when = "21/11/2026 23:30;21/11/2026 23:30"
    assert provider.settlement_csv(DAY).split("\r\n") == [
        "N° de transaction;N° de panier;Créée le;Modifiée le;Demandé;Reçu;Reste à payer;Statut",
        f"{whole.transaction_id};PANIER-1;{when};45,50;45,50;0,00;Validé",
        f"{part.transaction_id};PANIER-1;{when};45,50;12,05;33,45;Validé",
        f"{back.transaction_id};PANIER-1;{when};45,50;45,50;0,00;Annulé",
        "",
    ]
    assert next_day.transaction_id in provider.settlement_csv(DAY + timedelta(days=1))


def test_a_reservation_is_settled_on_the_day_of_its_capture(provider: Provider, clock: VirtualClock) -> None:
    reserved = paid(provider, mode=CaptureMode.DEFERRED)
    clock.advance(86_400)
    provider.capture(reserved.transaction_id, 3000)
    assert reserved.transaction_id not in provider.settlement_csv(DAY)
    row = provider.settlement_csv(DAY + timedelta(days=1)).split("\r\n")[1]
    assert row.endswith("45,50;30,00;15,50;Validé")


# --- the list


def test_a_list_holds_what_was_created_from_an_instant_until_before_another(
    provider: Provider, clock: VirtualClock
) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.append(provider.create(Order("PANIER-1", "T1-1", 4550)).transaction_id)
        clock.advance(10)
    page = provider.page(LATE_EVENING, LATE_EVENING + timedelta(seconds=20))
    assert [one.transaction_id for one in page.transactions] == ids[:2]
    assert page.next_id is None
    assert provider.page(LATE_EVENING, LATE_EVENING).transactions == ()


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 2 * PAGE_SIZE + 50])
def test_the_pages_of_a_list_hold_everything_once_and_in_order(provider: Provider, count: int) -> None:
    ids = [provider.create(Order("PANIER-1", f"T1-{n}", 4550)).transaction_id for n in range(count)]
    listed: list[str] = []
    after: str | None = None
    for _ in range(max(1, -(-count // PAGE_SIZE))):
        page = provider.page(LATE_EVENING, LATE_EVENING + timedelta(days=1), after)
        listed += [one.transaction_id for one in page.transactions]
        after = page.next_id
    assert after is None
    assert listed == ids


def test_a_list_continues_after_a_known_transaction_only(provider: Provider) -> None:
    refused("TRANSACTION_NOT_FOUND", lambda: provider.page(LATE_EVENING, LATE_EVENING, "fiawa31zot"))


# --- the ledger


def test_the_ledger_says_what_the_merchant_holds(provider: Provider, clock: VirtualClock) -> None:
    paid(provider, 3000)
    paid(provider, mode=CaptureMode.DEFERRED)
    provider.cancel(paid(provider).transaction_id)
    provider.release(paid(provider, mode=CaptureMode.DEFERRED).transaction_id)
    created = provider.create(Order("PANIER-1", "T1-1", 4550))
    clock.advance(300)
    rows = provider.ledger()
    assert [(row.state, row.paid_cents, row.reserved_cents, row.recredited_cents) for row in rows] == [
        ("VALIDATED", 3000, 0, 0),
        ("AUTHORIZED", 0, 4550, 0),
        ("CANCELLED", 0, 0, 4550),
        ("CANCELLED", 0, 0, 0),
        ("EXPIRED", 0, 0, 0),
    ]
    assert [row.validated_at for row in rows] == [LATE_EVENING, None, LATE_EVENING, None, None]
    last = rows[-1]
    assert (last.transaction_id, last.payment_id, last.order_id) == (
        created.transaction_id,
        "T1-1",
        "PANIER-1",
    )
    assert (last.asked_cents, last.payers, last.created_at, last.updated_at) == (
        4550,
        0,
        LATE_EVENING,
        LATE_EVENING + timedelta(seconds=300),
    )
