"""What the simulated provider allows and refuses, without sockets and without waiting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import (
    CaptureMode,
    Merchant,
    Order,
    Provider,
    RefusedError,
    Transaction,
    TransactionState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDER = "10000003051"
EMAIL = "client@example.invalid"
OTHER_HOLDER = "20000004062"
BALANCE_CENTS = 50_000


def provider_with_customers(clock: VirtualClock | None = None, seed: int = 1) -> Provider:
    provider = Provider(clock=clock or VirtualClock(), seed=seed)
    provider.add_customer(HOLDER, email=EMAIL, balance_cents=BALANCE_CENTS)
    provider.add_customer(OTHER_HOLDER, balance_cents=BALANCE_CENTS)
    return provider


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    return provider_with_customers(clock)


def order(amount_cents: int = 4550, mode: CaptureMode = CaptureMode.NORMAL) -> Order:
    return Order("REF253", "T1-1", amount_cents, capture_mode=mode)


def sent(provider: Provider, to: str = HOLDER, amount_cents: int = 4550) -> Transaction:
    created = provider.create(order(amount_cents))
    return provider.set_payer(created.transaction_id, to, amount_cents)


def paid(provider: Provider, amount_cents: int | None = None) -> Transaction:
    return provider.validate(HOLDER, sent(provider).transaction_id, amount_cents)


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(RefusedError) as caught:
        call()
    assert caught.value.code == code


# --- life of a transaction


def test_ids_are_ten_lower_case_alphanumerics_and_repeat_with_the_seed() -> None:
    first = [provider_with_customers(seed=7).create(order()).transaction_id for _ in range(2)]
    assert first[0] == first[1]
    assert re.fullmatch(r"[a-z0-9]{10}", first[0])
    assert first[0] != provider_with_customers(seed=8).create(order()).transaction_id


def test_a_full_payment_moves_exactly_the_amount_asked(provider: Provider) -> None:
    transaction = paid(provider)
    assert transaction.state is TransactionState.VALIDATED
    assert transaction.received_cents == 4550
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - 4550
    assert transaction.payer
    assert transaction.payer.authorizations[0].holder == "10*****3051"


def test_a_partial_payment_moves_only_its_part(provider: Provider) -> None:
    assert paid(provider, 1234).received_cents == 1234
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - 1234


@pytest.mark.parametrize("amount_cents", [0, -1, 4551])
def test_an_amount_outside_the_request_cannot_be_paid(provider: Provider, amount_cents: int) -> None:
    with pytest.raises(SimError, match="AMOUNT_OUT_OF_RANGE"):
        paid(provider, amount_cents)
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS


def test_a_payment_beyond_the_balance_is_rejected_and_moves_nothing(provider: Provider) -> None:
    request = sent(provider, amount_cents=BALANCE_CENTS + 1)
    rejected = provider.validate(HOLDER, request.transaction_id)
    assert rejected.state is TransactionState.REJECTED
    assert rejected.received_cents == 0
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS


def test_a_wallet_can_be_emptied_to_the_last_cent(provider: Provider) -> None:
    request = sent(provider, amount_cents=BALANCE_CENTS)
    assert provider.validate(HOLDER, request.transaction_id).state is TransactionState.VALIDATED
    assert provider.customer(HOLDER).balance_cents == 0


def test_a_refusal_of_the_customer_aborts(provider: Provider) -> None:
    request = sent(provider)
    assert provider.refuse(HOLDER, request.transaction_id).state is TransactionState.ABORTED
    assert provider.waiting_for(HOLDER) == []


def test_somebody_elses_request_can_be_neither_paid_nor_refused(provider: Provider) -> None:
    request = sent(provider)
    for decide in (provider.validate, provider.refuse):
        with pytest.raises(SimError, match="REQUEST_CLOSED"):
            decide(OTHER_HOLDER, request.transaction_id)
    assert provider.transaction(request.transaction_id).state is TransactionState.PROCESSING


# --- payer


def test_an_email_reaches_its_customer_whatever_its_case(provider: Provider) -> None:
    request = sent(provider, to=EMAIL.upper())
    assert provider.waiting_for(HOLDER) == [request]
    assert request.payer
    assert request.payer.beneficiary_id == EMAIL.upper()


def test_the_same_payer_again_changes_nothing(provider: Provider) -> None:
    request = sent(provider)
    again = provider.set_payer(request.transaction_id, HOLDER, 4550)
    assert again == request
    assert provider.set_payer(request.transaction_id, EMAIL, 4550) == request


def test_another_payer_or_amount_is_refused_and_changes_nothing(provider: Provider) -> None:
    request = sent(provider)
    transaction_id = request.transaction_id
    refused(
        "OPERATION_TRANSACTION_NOT_ALLOWED",
        lambda: provider.set_payer(transaction_id, OTHER_HOLDER, 4550),
    )
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.set_payer(transaction_id, HOLDER, 4549))
    assert provider.transaction(request.transaction_id) == request


def test_payer_after_the_end_is_refused(provider: Provider) -> None:
    transaction = paid(provider)
    refused(
        "OPERATION_TRANSACTION_NOT_ALLOWED",
        lambda: provider.set_payer(transaction.transaction_id, HOLDER, 4550),
    )


def test_one_customer_has_one_waiting_request(provider: Provider) -> None:
    first = sent(provider)
    refused("OTHER_TRANSACTION_PENDING", lambda: sent(provider, to=EMAIL))
    sent(provider, to=OTHER_HOLDER)
    provider.cancel(first.transaction_id)
    sent(provider)


def test_the_rule_of_one_waiting_request_can_be_lifted(provider: Provider) -> None:
    provider.set_rules(one_pending_per_customer=False)
    requests = [sent(provider), sent(provider)]
    assert provider.waiting_for(HOLDER) == requests


def test_an_unknown_customer_is_not_found(provider: Provider) -> None:
    refused("BENEFICIARY_NOT_FOUND", lambda: sent(provider, to="99999999999"))


def test_more_than_the_order_cannot_be_asked_of_a_payer(provider: Provider) -> None:
    created = provider.create(order(4550))
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.set_payer(created.transaction_id, HOLDER, 4551))


# --- money rules


def test_the_floor_is_2000_cents_and_can_be_changed(provider: Provider) -> None:
    provider.create(order(2000))
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.create(order(1999)))
    refused("INVALID_TRANSACTION_AMOUNT", lambda: provider.create_pre_transaction(order(1999)))
    provider.set_rules(floor_cents=100)
    assert provider.create(order(100)).order.amount_cents == 100


def test_only_euros_are_taken(provider: Provider) -> None:
    dollars = Order("REF253", "T1-1", 4550, currency=840)
    refused("INVALID_TRANSACTION_CURRENCY", lambda: provider.create(dollars))
    created = provider.create(order())
    refused(
        "INVALID_TRANSACTION_CURRENCY",
        lambda: provider.set_payer(created.transaction_id, HOLDER, 4550, 840),
    )


# --- expiry


def test_a_waiting_request_expires_by_the_clock(provider: Provider, clock: VirtualClock) -> None:
    request = sent(provider)
    clock.advance(299.999)
    assert provider.transaction(request.transaction_id).state is TransactionState.PROCESSING
    clock.advance(0.001)
    expired = provider.transaction(request.transaction_id)
    assert expired.state is TransactionState.EXPIRED
    assert expired.updated_at == expired.expires_at
    assert provider.waiting_for(HOLDER) == []
    with pytest.raises(SimError, match="REQUEST_CLOSED"):
        provider.validate(HOLDER, request.transaction_id)


def test_an_expired_request_makes_room_for_another(provider: Provider, clock: VirtualClock) -> None:
    sent(provider)
    clock.advance(300)
    assert sent(provider).state is TransactionState.PROCESSING


def test_a_paid_transaction_never_expires(provider: Provider, clock: VirtualClock) -> None:
    transaction = paid(provider)
    clock.advance(86_400)
    assert provider.transaction(transaction.transaction_id).state is TransactionState.VALIDATED


def test_a_new_expiry_counts_for_new_transactions_only(provider: Provider, clock: VirtualClock) -> None:
    old = provider.create(order())
    provider.set_rules(expiry_s=10)
    new = provider.create(order())
    clock.advance(10)
    assert provider.transaction(new.transaction_id).state is TransactionState.EXPIRED
    assert provider.transaction(old.transaction_id).state is TransactionState.INITIALIZED


# --- cancellation


def test_a_cancellation_before_the_payment_aborts_without_authorizations(provider: Provider) -> None:
    request = sent(provider)
    cancelled = provider.cancel(request.transaction_id)
    assert cancelled.state is TransactionState.CANCELLED
    assert cancelled.payer
    assert cancelled.payer.authorizations == ()


def test_a_cancellation_after_the_payment_credits_back_and_keeps_the_authorizations(
    provider: Provider, clock: VirtualClock
) -> None:
    transaction = paid(provider, 3000)
    clock.advance(4 * 3600)
    cancelled = provider.cancel(transaction.transaction_id)
    assert cancelled.state is TransactionState.CANCELLED
    assert cancelled.received_cents == 3000
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS


def test_a_cancellation_after_the_window_is_refused_and_moves_nothing(
    provider: Provider, clock: VirtualClock
) -> None:
    transaction = paid(provider)
    clock.advance(4 * 3600 + 0.001)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(transaction.transaction_id))
    assert provider.transaction(transaction.transaction_id).state is TransactionState.VALIDATED
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - 4550


def test_a_second_cancellation_is_refused_and_never_credits_twice(provider: Provider) -> None:
    transaction = paid(provider)
    provider.cancel(transaction.transaction_id)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(transaction.transaction_id))
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS


@pytest.mark.parametrize("end", ["refused", "expired", "rejected"])
def test_what_ended_unpaid_cannot_be_cancelled(provider: Provider, clock: VirtualClock, end: str) -> None:
    request = sent(provider, amount_cents=BALANCE_CENTS + 1)
    match end:
        case "refused":
            provider.refuse(HOLDER, request.transaction_id)
        case "expired":
            clock.advance(300)
        case _:
            provider.validate(HOLDER, request.transaction_id)
    refused("OPERATION_TRANSACTION_NOT_ALLOWED", lambda: provider.cancel(request.transaction_id))


def test_an_unknown_transaction_is_not_found(provider: Provider) -> None:
    refused("TRANSACTION_NOT_FOUND", lambda: provider.transaction("fiawa31zot"))
    refused("TRANSACTION_NOT_FOUND", lambda: provider.cancel("fiawa31zot"))


# --- privacy and set-up


def test_no_repr_shows_a_customer_or_a_key(provider: Provider) -> None:
    transaction = sent(provider, to=EMAIL)
    shown = f"{transaction!r} {provider.customer(HOLDER)!r} {Merchant()!r} {provider!r}"
    for secret in (HOLDER, EMAIL, Merchant().seal_key):
        assert secret not in shown


@pytest.mark.parametrize(
    ("number", "email"), [("1234", ""), ("1000000305١", ""), (HOLDER, ""), ("30000000000", EMAIL)]
)
def test_a_wallet_needs_a_free_number_of_eleven_digits_and_a_free_email(
    provider: Provider, number: str, email: str
) -> None:
    with pytest.raises(ValueError, match="customer"):
        provider.add_customer(number, email=email)


@given(st.integers(min_value=2000, max_value=10**7), st.data())
def test_what_the_wallet_loses_is_what_the_authorizations_say(amount_cents: int, data: st.DataObject) -> None:
    provider = provider_with_customers()
    request = sent(provider, amount_cents=amount_cents)
    part_cents = data.draw(st.integers(min_value=1, max_value=amount_cents))
    done = provider.validate(HOLDER, request.transaction_id, part_cents)
    assert provider.customer(HOLDER).balance_cents == BALANCE_CENTS - done.received_cents
    assert done.received_cents == (part_cents if part_cents <= BALANCE_CENTS else 0)


class MoneyMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order, faults of the provider included, no cent appears or vanishes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.provider = provider_with_customers(self.clock)

    def ids(self) -> list[str]:
        return [transaction.transaction_id for transaction in self.provider.transactions()]

    @rule(amount_cents=st.integers(2000, 60_000), mode=st.sampled_from(CaptureMode))
    def create(self, amount_cents: int, mode: CaptureMode) -> None:
        self.provider.create(order(amount_cents, mode))

    @rule(
        amount_cents=st.integers(2000, 60_000),
        mode=st.sampled_from(CaptureMode),
        who=st.sampled_from([HOLDER, OTHER_HOLDER]),
    )
    def show_qr(self, amount_cents: int, mode: CaptureMode, who: str) -> None:
        pre = self.provider.create_pre_transaction(order(amount_cents, mode))
        self.attempt(lambda: self.provider.scan(who, pre.qr_payload))

    @rule(amount_cents=st.integers(2000, 20_000), mode=st.sampled_from(CaptureMode), full=st.booleans())
    def sell(self, amount_cents: int, mode: CaptureMode, *, full: bool) -> None:
        transaction_id = self.provider.create(order(amount_cents, mode)).transaction_id
        self.attempt(lambda: self.provider.set_payer(transaction_id, HOLDER, amount_cents))
        self.attempt(lambda: self.provider.validate(HOLDER, transaction_id, None if full else 1999))

    @precondition(lambda self: bool(self.ids()))
    @rule(data=st.data(), who=st.sampled_from([HOLDER, OTHER_HOLDER]), amount_cents=st.integers(-1, 60_000))
    def act(self, data: st.DataObject, who: str, amount_cents: int) -> None:
        provider, transaction_id = self.provider, data.draw(st.sampled_from(self.ids()))
        actions: list[Callable[[], object]] = [
            lambda: provider.set_payer(transaction_id, who, amount_cents),
            lambda: provider.validate(who, transaction_id, amount_cents),
            lambda: provider.validate(who, transaction_id),
            lambda: provider.refuse(who, transaction_id),
            lambda: provider.cancel(transaction_id),
            lambda: provider.capture(transaction_id, amount_cents),
            lambda: provider.release(transaction_id),
            lambda: provider.settle(transaction_id),
        ]
        self.attempt(data.draw(st.sampled_from(actions)))

    @precondition(lambda self: bool(self.ids()))
    @rule(data=st.data(), who=st.sampled_from([HOLDER, OTHER_HOLDER]), amount_cents=st.integers(-1, 60_000))
    def misbehave(self, data: st.DataObject, who: str, amount_cents: int) -> None:
        provider, transaction_id = self.provider, data.draw(st.sampled_from(self.ids()))
        actions: list[Callable[[], object]] = [
            lambda: provider.amend(transaction_id, amount_cents),
            lambda: provider.late_pay(transaction_id, customer_number=who),
            lambda: provider.late_pay(transaction_id, amount_cents, who),
            lambda: provider.undo(transaction_id),
            lambda: provider.add_payer(transaction_id, who, amount_cents),
        ]
        self.attempt(data.draw(st.sampled_from(actions)))

    @precondition(lambda self: bool(self.provider.pre_transactions()))
    @rule(data=st.data(), who=st.sampled_from([HOLDER, OTHER_HOLDER]), anyway=st.booleans())
    def end_pre(self, data: st.DataObject, who: str, *, anyway: bool) -> None:
        pre = data.draw(st.sampled_from(self.provider.pre_transactions()))
        if anyway:
            self.attempt(lambda: self.provider.pay_anyway(who, pre.qr_payload))
        else:
            self.attempt(lambda: self.provider.cancel_pre_transaction(pre.pre_transaction_id))

    @rule(seconds=st.sampled_from([1, 300, 4 * 3600, 7 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(refund=st.booleans())
    def change_the_rule_of_refunds(self, *, refund: bool) -> None:
        self.provider.set_rules(refund_after_settlement=refund)

    def attempt(self, action: Callable[[], object]) -> None:
        before = self.provider.ledger()
        try:
            action()
        except SimError:
            assert self.provider.ledger() == before

    @invariant()
    def no_cent_is_lost(self) -> None:
        held = sum(self.provider.customer(who).balance_cents for who in (HOLDER, OTHER_HOLDER))
        rows = self.provider.ledger()
        assert held + sum(row.paid_cents + row.reserved_cents for row in rows) == 2 * BALANCE_CENTS
        assert all(self.provider.customer(who).balance_cents >= 0 for who in (HOLDER, OTHER_HOLDER))
        assert all(min(row.paid_cents, row.reserved_cents, row.recredited_cents) >= 0 for row in rows)


TestMoney = MoneyMachine.TestCase
