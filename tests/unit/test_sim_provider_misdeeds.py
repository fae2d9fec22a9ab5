"""Faults of the provider itself: they happen on demand, and the books stay exact."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import (
    CaptureMode,
    Order,
    PreTransactionState,
    Provider,
    RefusedError,
    Transaction,
    TransactionState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDER = "10000003051"
OTHER_HOLDER = "20000004062"
BALANCE_CENTS = 50_000
ORDER = Order("PANIER-1", "T1-1", 4550)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    provider = Provider(clock=clock)
    for number in (HOLDER, OTHER_HOLDER):
        provider.add_customer(number, balance_cents=BALANCE_CENTS)
    return provider


def sent(provider: Provider, order: Order = ORDER) -> Transaction:
    created = provider.create(order)
    return provider.set_payer(created.transaction_id, HOLDER, order.amount_cents)


def paid(provider: Provider, amount_cents: int | None = None) -> Transaction:
    return provider.validate(HOLDER, sent(provider).transaction_id, amount_cents)


def balances(provider: Provider) -> tuple[int, int]:
    """What both customers have spent."""
    spent = [BALANCE_CENTS - provider.customer(number).balance_cents for number in (HOLDER, OTHER_HOLDER)]
    return spent[0], spent[1]


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.code == code


# --- paid anyway


@pytest.mark.parametrize("scanned", [False, True])
def test_a_cancelled_qr_is_paid_anyway(provider: Provider, *, scanned: bool) -> None:
    pre = provider.create_pre_transaction(ORDER)
    if scanned:
        provider.scan(HOLDER, pre.qr_payload)
    assert provider.cancel_pre_transaction(pre.pre_transaction_id).state is PreTransactionState.CANCELLED
    done = provider.pay_anyway(HOLDER, pre.qr_payload)
    assert (done.state, done.received_cents) == (TransactionState.VALIDATED, 4550)
    now = provider.pre_transaction(pre.pre_transaction_id)
    assert (now.state, now.transaction) == (PreTransactionState.VALIDATED, done)
    assert balances(provider) == (4550, 0)
    assert len(provider.transactions()) == 1


def test_an_expired_qr_is_paid_anyway_in_part(provider: Provider, clock: VirtualClock) -> None:
    pre = provider.create_pre_transaction(ORDER)
    clock.advance(300)
    assert provider.pay_anyway(OTHER_HOLDER, pre.qr_payload, 3000).received_cents == 3000
    assert balances(provider) == (0, 3000)


def test_who_scanned_a_qr_is_who_pays_it_anyway(provider: Provider) -> None:
    pre = provider.create_pre_transaction(ORDER)
    provider.scan(HOLDER, pre.qr_payload)
    provider.pay_anyway(OTHER_HOLDER, pre.qr_payload)
    assert balances(provider) == (4550, 0)


def test_a_reservation_by_qr_is_reserved_anyway(provider: Provider) -> None:
    pre = provider.create_pre_transaction(Order("PANIER-1", "T1-1", 4550, capture_mode=CaptureMode.DEFERRED))
    provider.cancel_pre_transaction(pre.pre_transaction_id)
    assert provider.pay_anyway(HOLDER, pre.qr_payload).state is TransactionState.AUTHORIZED


def test_what_cannot_be_paid_anyway_changes_nothing(provider: Provider) -> None:
    pre = provider.create_pre_transaction(ORDER)
    with pytest.raises(SimError, match="QR_UNKNOWN"):
        provider.pay_anyway(HOLDER, pre.qr_payload + "x")
    refused("BENEFICIARY_NOT_FOUND", lambda: provider.pay_anyway("99999999999", pre.qr_payload))
    for amount_cents in (0, BALANCE_CENTS + 1):
        refused(
            "INVALID_TRANSACTION_AMOUNT",
            partial(provider.pay_anyway, HOLDER, pre.qr_payload, amount_cents),
        )
    assert provider.transactions() == []
    provider.pay_anyway(HOLDER, pre.qr_payload)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.pay_anyway(HOLDER, pre.qr_payload))
    assert balances(provider) == (4550, 0)


# --- paid late


@pytest.mark.parametrize(
    "end", [TransactionState.EXPIRED, TransactionState.ABORTED, TransactionState.CANCELLED]
)
def test_what_ended_unpaid_is_paid_late(
    provider: Provider, clock: VirtualClock, end: TransactionState
) -> None:
    transaction_id = sent(provider).transaction_id
    match end:
        case TransactionState.EXPIRED:
            clock.advance(301)
        case TransactionState.ABORTED:
            provider.refuse(HOLDER, transaction_id)
        case _:
            provider.cancel(transaction_id)
    assert provider.transaction(transaction_id).state is end
    late = provider.late_pay(transaction_id, 3000)
    assert (late.state, late.received_cents, late.validated_at) == ("VALIDATED", 3000, clock.now())
    assert balances(provider) == (3000, 0)


def test_what_never_had_a_payer_is_paid_late_by_whoever_is_named(provider: Provider) -> None:
    transaction_id = provider.create(ORDER).transaction_id
    provider.cancel(transaction_id)
    refused("BENEFICIARY_NOT_FOUND", lambda: provider.late_pay(transaction_id))
    provider.late_pay(transaction_id, customer_number=OTHER_HOLDER)
    assert balances(provider) == (0, 4550)


def test_what_waits_or_was_paid_is_not_paid_late(provider: Provider) -> None:
    back = provider.cancel(paid(provider).transaction_id)
    for transaction in (back, paid(provider), sent(provider)):
        refused(
            "OPERATION_TRANSACTION_NOT_ALLOWED",
            partial(provider.late_pay, transaction.transaction_id),
        )
    assert balances(provider) == (4550, 0)


# --- amended


@pytest.mark.parametrize("amount_cents", [1, 2999, 3000, 3001, 9000])
def test_the_amount_of_a_payment_changes_and_the_wallet_with_it(
    provider: Provider, amount_cents: int
) -> None:
    transaction = paid(provider, 3000)
    amended = provider.amend(transaction.transaction_id, amount_cents)
    assert (amended.state, amended.received_cents) == (TransactionState.VALIDATED, amount_cents)
    assert amended.payer
    assert transaction.payer
    assert amended.payer.authorizations[0].number == transaction.payer.authorizations[0].number
    assert balances(provider) == (amount_cents, 0)


def test_what_cannot_be_amended_changes_nothing(provider: Provider) -> None:
    transaction_id = paid(provider).transaction_id
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.amend(transaction_id, 0))
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.amend(transaction_id, BALANCE_CENTS + 1))
    waiting_id = sent(provider).transaction_id
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.amend(waiting_id, 3000))
    assert balances(provider) == (4550, 0)


# --- undone


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_provider_credits_back_by_itself_at_any_time(
    provider: Provider, clock: VirtualClock, steps: int
) -> None:
    transaction_id = paid(provider).transaction_id
    for _ in range(steps):
        provider.settle(transaction_id)
    clock.advance(9 * 86_400)
    undone = provider.undo(transaction_id)
    assert (undone.state, undone.received_cents, undone.kept_cents) == (TransactionState.CANCELLED, 4550, 0)
    assert balances(provider) == (0, 0)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.undo(transaction_id))


# --- several payers


def test_a_second_payer_pays_into_the_same_transaction(provider: Provider) -> None:
    transaction = provider.add_payer(paid(provider).transaction_id, OTHER_HOLDER, 2000)
    assert transaction.received_cents == 6550
    assert [payer.authorized_cents for payer in transaction.payers] == [4550, 2000]
    assert balances(provider) == (4550, 2000)
    assert provider.ledger()[0].payers == 2


def test_two_payers_are_both_credited_back(provider: Provider) -> None:
    transaction_id = paid(provider).transaction_id
    provider.add_payer(transaction_id, OTHER_HOLDER, 2000)
    provider.cancel(transaction_id)
    assert balances(provider) == (0, 0)


def test_an_amount_that_shrinks_is_taken_from_the_last_payer_first(provider: Provider) -> None:
    transaction_id = paid(provider).transaction_id
    provider.add_payer(transaction_id, OTHER_HOLDER, 2000)
    provider.amend(transaction_id, 5000)
    assert balances(provider) == (4550, 450)
    provider.amend(transaction_id, 1000)
    assert balances(provider) == (1000, 0)


def test_a_second_payer_needs_a_payment_and_money(provider: Provider) -> None:
    waiting_id = sent(provider).transaction_id
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.add_payer(waiting_id, OTHER_HOLDER, 2000))
    provider.validate(HOLDER, waiting_id)
    for amount_cents in (0, BALANCE_CENTS + 1):
        refused(
            "INVALID_TRANSACTION_AMOUNT",
            partial(provider.add_payer, waiting_id, OTHER_HOLDER, amount_cents),
        )
    assert balances(provider) == (4550, 0)
