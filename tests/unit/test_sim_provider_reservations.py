"""Reservations, wished expiry, and who is told of changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.gateway import CaptureMode, Order, Provider, RefusedError, Transaction, TransactionState
from cvconnect_sim.phone import Phone

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDER = "10000003051"
BALANCE_CENTS = 50_000
RESERVATION = Order("PANIER-1", "T1-1", 4550, capture_mode=CaptureMode.DEFERRED)
WEEK_S = 7 * 86_400


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    return new_provider(clock)


def new_provider(clock: VirtualClock) -> Provider:
    provider = Provider(clock=clock)
    provider.add_customer(HOLDER, balance_cents=BALANCE_CENTS)
    return provider


def reserved(provider: Provider, amount_cents: int | None = None) -> Transaction:
    created = provider.create(RESERVATION)
    provider.set_payer(created.transaction_id, HOLDER, 4550)
    return provider.validate(HOLDER, created.transaction_id, amount_cents)


def balance_cents(provider: Provider) -> int:
    return provider.customer(HOLDER).balance_cents


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.code == code


# --- reservations


def test_a_reservation_debits_the_wallet_and_pays_nobody(provider: Provider, clock: VirtualClock) -> None:
    clock.advance(100)
    transaction = reserved(provider, 3000)
    assert transaction.state is TransactionState.AUTHORIZED
    assert (transaction.received_cents, transaction.reserved_cents) == (0, 3000)
    assert balance_cents(provider) == BALANCE_CENTS - 3000
    assert transaction.expires_at == clock.now() + timedelta(seconds=WEEK_S)


def test_a_phone_pays_a_reservation_as_any_other_request(provider: Provider) -> None:
    created = provider.create(RESERVATION)
    provider.set_payer(created.transaction_id, HOLDER, 4550)
    phone = Phone(provider, HOLDER)
    assert phone.pay(phone.incoming()[0]).state is TransactionState.AUTHORIZED
    pre = provider.create_pre_transaction(RESERVATION)
    linked = provider.scan(HOLDER, pre.qr_payload)
    assert provider.validate(HOLDER, linked.transaction_id).state is TransactionState.AUTHORIZED


@given(st.integers(1, 4550), st.data())
def test_a_capture_takes_its_part_and_returns_the_rest(reserved_cents: int, data: st.DataObject) -> None:
    clock = VirtualClock()
    provider = new_provider(clock)
    transaction = reserved(provider, reserved_cents)
    captured_cents = data.draw(st.integers(1, reserved_cents))
    clock.advance(3600)
    captured = provider.capture(transaction.transaction_id, captured_cents)
    assert captured.state is TransactionState.VALIDATED
    assert (captured.received_cents, captured.reserved_cents) == (captured_cents, 0)
    assert balance_cents(provider) == BALANCE_CENTS - captured_cents
    assert captured.payer
    (authorization,) = captured.payer.authorizations
    assert (authorization.amount_cents, authorization.validated_at) == (captured_cents, clock.now())
    assert transaction.payer
    assert authorization.number == transaction.payer.authorizations[0].number


@pytest.mark.parametrize("amount_cents", [0, -1, 3001])
def test_a_capture_beyond_the_reservation_is_refused_and_moves_nothing(
    provider: Provider, amount_cents: int
) -> None:
    transaction = reserved(provider, 3000)
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.capture(transaction.transaction_id, amount_cents))
    refused("INVALID_TRANSACTION_CURRENCY", lambda: provider.capture(transaction.transaction_id, 3000, 840))
    assert provider.transaction(transaction.transaction_id) == transaction


def test_a_release_gives_everything_back_and_keeps_the_authorizations_visible(provider: Provider) -> None:
    released = provider.release(reserved(provider).transaction_id)
    assert released.state is TransactionState.CANCELLED
    assert (released.authorized_cents, released.received_cents, released.reserved_cents) == (4550, 0, 0)
    assert balance_cents(provider) == BALANCE_CENTS


@pytest.mark.parametrize("end", ["captured", "released", "expired", "normal", "waiting"])
def test_only_a_living_reservation_is_captured_or_released(
    provider: Provider, clock: VirtualClock, end: str
) -> None:
    transaction_id = reserved(provider).transaction_id
    match end:
        case "captured":
            provider.capture(transaction_id, 1000)
        case "released":
            provider.release(transaction_id)
        case "expired":
            clock.advance(WEEK_S)
        case "normal":
            transaction_id = provider.create(Order("PANIER-1", "T1-2", 4550)).transaction_id
            provider.set_payer(transaction_id, HOLDER, 4550)
            provider.validate(HOLDER, transaction_id)
        case _:
            transaction_id = provider.create(RESERVATION).transaction_id
    before = provider.ledger()
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.capture(transaction_id, 1000))
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.release(transaction_id))
    assert provider.ledger() == before


def test_a_reservation_expires_by_the_clock_and_its_money_returns(
    provider: Provider, clock: VirtualClock
) -> None:
    transaction = reserved(provider)
    clock.advance(WEEK_S - 0.001)
    assert provider.transaction(transaction.transaction_id).state is TransactionState.AUTHORIZED
    clock.advance(0.001)
    assert balance_cents(provider) == BALANCE_CENTS
    expired = provider.transaction(transaction.transaction_id)
    assert expired.state is TransactionState.EXPIRED
    assert (expired.reserved_cents, expired.updated_at) == (0, transaction.expires_at)


def test_the_life_of_a_reservation_is_a_rule(provider: Provider, clock: VirtualClock) -> None:
    provider.set_rules(reservation_s=60)
    reserved(provider)
    clock.advance(60)
    assert balance_cents(provider) == BALANCE_CENTS


def test_a_cancellation_is_no_release(provider: Provider) -> None:
    transaction = reserved(provider)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(transaction.transaction_id))
    assert provider.transaction(transaction.transaction_id) == transaction


def test_a_captured_reservation_is_credited_back_within_four_hours_of_the_capture(
    provider: Provider, clock: VirtualClock
) -> None:
    transaction_id = reserved(provider).transaction_id
    clock.advance(86_400)
    provider.capture(transaction_id, 3000)
    clock.advance(4 * 3600)
    assert provider.cancel(transaction_id).received_cents == 3000
    assert balance_cents(provider) == BALANCE_CENTS


# --- wished expiry


@pytest.mark.parametrize("delay_s", [60, 86_400, 30 * 86_400])
def test_a_wished_expiry_within_the_bounds_is_granted(
    provider: Provider, clock: VirtualClock, delay_s: int
) -> None:
    wish = clock.now() + timedelta(seconds=delay_s)
    order = Order("PANIER-1", "T1-1", 4550, expires_at=wish)
    assert provider.create(order).expires_at == wish
    assert provider.create_pre_transaction(order).expires_at == wish


@pytest.mark.parametrize("delay_s", [-86_400, 0, 54.9, 30 * 86_400 + 0.001])
def test_a_wished_expiry_outside_the_bounds_is_refused(
    provider: Provider, clock: VirtualClock, delay_s: float
) -> None:
    order = Order("PANIER-1", "T1-1", 4550, expires_at=clock.now() + timedelta(seconds=delay_s))
    refused("BAD_REQUEST", lambda: provider.create(order))
    refused("BAD_REQUEST", lambda: provider.create_pre_transaction(order))
    assert provider.transactions() == []


def test_the_longest_wish_is_a_rule(provider: Provider, clock: VirtualClock) -> None:
    provider.set_rules(delay_max_s=3600)
    order = Order("PANIER-1", "T1-1", 4550, expires_at=clock.now() + timedelta(seconds=3601))
    refused("BAD_REQUEST", lambda: provider.create(order))


def test_a_deferred_request_waits_for_days_and_then_expires(provider: Provider, clock: VirtualClock) -> None:
    order = Order("PANIER-1", "T1-1", 4550, expires_at=clock.now() + timedelta(days=3))
    transaction_id = provider.create(order).transaction_id
    provider.set_payer(transaction_id, HOLDER, 4550)
    clock.advance(3 * 86_400 - 1)
    assert [one.transaction_id for one in provider.waiting_for(HOLDER)] == [transaction_id]
    clock.advance(1)
    assert provider.transaction(transaction_id).state is TransactionState.EXPIRED


# --- listeners


def test_a_listener_is_told_of_every_change_in_order_until_it_ends(
    provider: Provider, clock: VirtualClock
) -> None:
    told: list[TransactionState] = []
    end = provider.on_change(lambda transaction: told.append(transaction.state))
    provider.capture(reserved(provider).transaction_id, 3000)
    waiting = provider.create(Order("PANIER-1", "T1-2", 4550))
    clock.advance(300)
    provider.transaction(waiting.transaction_id)
    assert told == ["INITIALIZED", "PROCESSING", "AUTHORIZED", "VALIDATED", "INITIALIZED", "EXPIRED"]
    end()
    end()
    reserved(provider)
    assert len(told) == 6


def test_a_listener_may_end_itself_while_it_is_told(provider: Provider) -> None:
    told: list[str] = []

    def once(transaction: Transaction) -> None:
        told.append(transaction.transaction_id)
        end()

    end = provider.on_change(once)
    always: list[str] = []
    provider.on_change(lambda transaction: always.append(transaction.transaction_id))
    reserved(provider)
    assert (len(told), len(always)) == (1, 3)
