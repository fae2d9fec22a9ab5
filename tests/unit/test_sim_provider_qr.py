"""Pre-transactions: a QR code, the customer who scans it, and what becomes of both. Provisional, like the calls."""

from __future__ import annotations

import pytest

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import (
    Order,
    PreTransaction,
    PreTransactionState,
    Provider,
    RefusedError,
    TransactionState,
)

HOLDER = "10000003051"
OTHER_HOLDER = "20000004062"
ORDER = Order("REF253", "T1-1", 4550)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    provider = Provider(clock=clock)
    provider.add_customer(HOLDER, balance_cents=50_000)
    provider.add_customer(OTHER_HOLDER, balance_cents=50_000)
    return provider


@pytest.fixture
def pre(provider: Provider) -> PreTransaction:
    return provider.create_pre_transaction(ORDER)


def state(provider: Provider, pre: PreTransaction) -> PreTransactionState:
    return provider.pre_transaction(pre.pre_transaction_id).state


def test_a_payment_qr_has_a_realistic_length(pre: PreTransaction) -> None:
    assert len(pre.qr_payload) == 107
    assert pre.qr_payload.startswith("https://qr.simulation.invalid/p/" + pre.pre_transaction_id)


def test_a_new_qr_has_no_transaction(provider: Provider, pre: PreTransaction) -> None:
    assert pre.state is PreTransactionState.INITIALIZED
    assert pre.transaction is None
    assert provider.transactions() == []


def test_a_scan_links_a_transaction_that_waits_for_the_customer(
    provider: Provider, pre: PreTransaction
) -> None:
    linked = provider.scan(HOLDER, pre.qr_payload)
    now = provider.pre_transaction(pre.pre_transaction_id)
    assert now.state is PreTransactionState.SCANNED
    assert now.transaction == linked
    assert linked.state is TransactionState.PROCESSING
    assert linked.payer
    assert linked.payer.customer_number == HOLDER


def test_a_second_scan_by_the_same_customer_opens_the_same_request(
    provider: Provider, pre: PreTransaction
) -> None:
    assert provider.scan(HOLDER, pre.qr_payload) == provider.scan(HOLDER, pre.qr_payload)
    assert len(provider.transactions()) == 1


def test_a_qr_belongs_to_the_first_who_scans_it(provider: Provider, pre: PreTransaction) -> None:
    provider.scan(HOLDER, pre.qr_payload)
    with pytest.raises(SimError, match="QR_CLOSED"):
        provider.scan(OTHER_HOLDER, pre.qr_payload)


@pytest.mark.parametrize(
    "foreign", ["{ours}x", "{ours}&", "3760001234567", "https://qr.simulation.invalid/p/"]
)
def test_a_qr_this_provider_did_not_issue_is_unknown(
    provider: Provider, pre: PreTransaction, foreign: str
) -> None:
    with pytest.raises(SimError, match="QR_UNKNOWN"):
        provider.scan(HOLDER, foreign.replace("{ours}", pre.qr_payload))
    assert state(provider, pre) is PreTransactionState.INITIALIZED


def test_a_customer_with_a_waiting_request_cannot_scan_another(
    provider: Provider, pre: PreTransaction
) -> None:
    waiting = provider.create(ORDER)
    provider.set_payer(waiting.transaction_id, HOLDER, 4550)
    with pytest.raises(RefusedError, match="OTHER_TRANSACTION_PENDING"):
        provider.scan(HOLDER, pre.qr_payload)
    assert state(provider, pre) is PreTransactionState.INITIALIZED


def test_the_pre_transaction_follows_the_customers_decision(provider: Provider) -> None:
    paid, refused, beyond = (provider.create_pre_transaction(ORDER) for _ in range(3))
    provider.validate(HOLDER, provider.scan(HOLDER, paid.qr_payload).transaction_id, 3000)
    provider.refuse(HOLDER, provider.scan(HOLDER, refused.qr_payload).transaction_id)
    provider.add_customer("30000005073", balance_cents=0)
    provider.validate("30000005073", provider.scan("30000005073", beyond.qr_payload).transaction_id)
    assert state(provider, paid) is PreTransactionState.VALIDATED
    assert state(provider, refused) is PreTransactionState.ABORTED
    assert state(provider, beyond) is PreTransactionState.REJECTED


def test_an_unscanned_qr_times_out_and_cannot_be_scanned(
    provider: Provider, clock: VirtualClock, pre: PreTransaction
) -> None:
    clock.advance(300)
    assert state(provider, pre) is PreTransactionState.TIMEOUT
    with pytest.raises(SimError, match="QR_CLOSED"):
        provider.scan(HOLDER, pre.qr_payload)


def test_a_scan_at_the_last_moment_lives_by_the_linked_transactions_own_expiry(
    provider: Provider, clock: VirtualClock, pre: PreTransaction
) -> None:
    clock.advance(299)
    linked = provider.scan(HOLDER, pre.qr_payload)
    clock.advance(299)
    assert state(provider, pre) is PreTransactionState.SCANNED
    clock.advance(1)
    assert state(provider, pre) is PreTransactionState.TIMEOUT
    assert provider.transaction(linked.transaction_id).state is TransactionState.EXPIRED


def test_cancelling_an_unscanned_qr_kills_it(provider: Provider, pre: PreTransaction) -> None:
    assert provider.cancel_pre_transaction(pre.pre_transaction_id).state is PreTransactionState.CANCELLED
    with pytest.raises(SimError, match="QR_CLOSED"):
        provider.scan(HOLDER, pre.qr_payload)


def test_cancelling_a_scanned_qr_kills_both(provider: Provider, pre: PreTransaction) -> None:
    linked = provider.scan(HOLDER, pre.qr_payload)
    cancelled = provider.cancel_pre_transaction(pre.pre_transaction_id)
    assert cancelled.state is PreTransactionState.CANCELLED
    assert cancelled.transaction
    assert cancelled.transaction.state is TransactionState.CANCELLED
    with pytest.raises(SimError, match="REQUEST_CLOSED"):
        provider.validate(HOLDER, linked.transaction_id)


def test_cancelling_a_paid_qr_is_refused_and_its_transaction_is_credited_back_by_its_own_call(
    provider: Provider, pre: PreTransaction
) -> None:
    linked = provider.scan(HOLDER, pre.qr_payload)
    provider.validate(HOLDER, linked.transaction_id)
    with pytest.raises(RefusedError, match="OPERATION_TRANSACTION_NOT_ALLOWED"):
        provider.cancel_pre_transaction(pre.pre_transaction_id)
    assert state(provider, pre) is PreTransactionState.VALIDATED
    provider.cancel(linked.transaction_id)
    assert provider.customer(HOLDER).balance_cents == 50_000
    assert state(provider, pre) is PreTransactionState.CANCELLED


def test_cancelling_a_dead_qr_answers_its_state_and_changes_nothing(
    provider: Provider, clock: VirtualClock
) -> None:
    refused, timed_out, cancelled = (provider.create_pre_transaction(ORDER) for _ in range(3))
    provider.refuse(HOLDER, provider.scan(HOLDER, refused.qr_payload).transaction_id)
    provider.cancel_pre_transaction(cancelled.pre_transaction_id)
    clock.advance(300)
    for pre, end in (
        (refused, PreTransactionState.ABORTED),
        (timed_out, PreTransactionState.TIMEOUT),
        (cancelled, PreTransactionState.CANCELLED),
    ):
        assert provider.cancel_pre_transaction(pre.pre_transaction_id).state is end
        assert state(provider, pre) is end


@pytest.mark.parametrize("end", [PreTransactionState.ERROR, PreTransactionState.TIMEOUT])
def test_a_broken_pre_transaction_can_hide_a_living_payment_until_it_is_cancelled(
    provider: Provider, pre: PreTransaction, end: PreTransactionState
) -> None:
    linked = provider.scan(HOLDER, pre.qr_payload)
    broken = provider.break_pre_transaction(pre.pre_transaction_id, end)
    assert broken.state is end
    assert broken.transaction
    assert broken.transaction.state is TransactionState.PROCESSING
    provider.cancel_pre_transaction(pre.pre_transaction_id)
    assert provider.transaction(linked.transaction_id).state is TransactionState.CANCELLED
    assert state(provider, pre) is end


def test_a_pre_transaction_breaks_only_with_error_or_timeout(provider: Provider, pre: PreTransaction) -> None:
    with pytest.raises(ValueError, match="ERROR or TIMEOUT"):
        provider.break_pre_transaction(pre.pre_transaction_id, PreTransactionState.VALIDATED)


def test_an_unknown_pre_transaction_is_not_found(provider: Provider) -> None:
    with pytest.raises(RefusedError, match="TRANSACTION_NOT_FOUND"):
        provider.cancel_pre_transaction("fiawa31zot")
