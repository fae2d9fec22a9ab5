"""Pre-reservation: the customer reserves, the till captures a part or all of it, or gives it back."""

from __future__ import annotations

import pytest

from cvconnect_pos import InvalidInput, NotAllowedNow, Payment, State
from cvconnect_sim.gateway import TransactionState
from harness import NUMBER, Till, lose_answer, lose_request, told

ASKED = 4550
DAY_S = 86_400.0


def wallet(till: Till) -> int:
    return till.provider.customer(NUMBER).balance_cents


def reserved(till: Till, amount_cents: int | None = None, way: str = "keyed") -> Payment:
    payment = till.ask(way=way, reserve=True, beneficiary=NUMBER if way == "keyed" else None)
    if way == "qr":
        till.provider.scan(NUMBER, payment.attempt.qr_payload)
    request = till.provider.waiting_for(NUMBER)[0]
    till.provider.validate(NUMBER, request.transaction_id, amount_cents)
    till.run(10)
    assert payment.attempt.state is State.RESERVED
    outcome = payment.wait(0)
    assert outcome.is_reserved and (outcome.received_cents, outcome.is_paid) == (0, False)
    assert not till.engine.unacknowledged()
    return payment


@pytest.mark.parametrize("way", ["keyed", "qr"])
def test_what_is_reserved_is_not_paid(till: Till, way: str) -> None:
    payment = reserved(till, way=way)
    assert (payment.attempt.reserved_cents, payment.attempt.received_cents) == (ASKED, None)
    assert [event.name for event in told(payment)][-1] == "Reserved"
    assert wallet(till) == 100_000 - ASKED


def test_a_part_is_captured_and_the_rest_goes_back(till: Till) -> None:
    payment = reserved(till)
    payment.capture(3000)
    till.run(5)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.remaining_cents) == (State.APPROVED, 3000, 0)
    assert wallet(till) == 100_000 - 3000


def test_all_of_it_is_captured_when_nothing_else_is_said(till: Till) -> None:
    payment = reserved(till, 4000)
    payment.capture()
    till.run(5)
    assert payment.wait(0).received_cents == 4000


def test_a_reservation_is_given_back(till: Till) -> None:
    payment = reserved(till)
    payment.release()
    till.run(5)
    assert (payment.wait(0).state, payment.wait(0).received_cents) == (State.RELEASED, 0)
    assert wallet(till) == 100_000
    assert [event.name for event in told(payment)][-1] == "Released"


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
@pytest.mark.parametrize("act", ["capture", "release"])
def test_a_lost_answer_is_followed_by_a_question(till: Till, act: str, lost: object) -> None:
    payment = reserved(till)
    till.fault(act, lost)  # type: ignore[arg-type]
    getattr(payment, act)()
    till.run(10)
    outcome = payment.wait(0)
    received = ASKED if act == "capture" else 0
    assert outcome.received_cents == received
    assert wallet(till) == 100_000 - received
    assert till.paths().count(f"payment-transactions/{act}") == (1 if lost is lose_answer else 2)


@pytest.mark.parametrize("act", ["capture", "release"])
def test_a_decision_is_carried_through_a_power_cut(till: Till, act: str) -> None:
    payment = reserved(till)
    till.fault(act, lose_request)
    getattr(payment, act)()
    till.engine.run_due()
    till.restart()
    till.run(10)
    assert till.engine.resume("r1").wait(0).received_cents == (ASKED if act == "capture" else 0)


def test_an_undecided_reservation_is_told_again_after_a_restart_with_its_deadline(till: Till) -> None:
    reserved(till)
    till.restart()
    till.run(DAY_S)
    payment = till.engine.resume("r1")
    assert payment.attempt.state is State.RESERVED
    event = told(payment)[0]
    assert event.name == "Reserved"
    assert event.as_dict()["expires_at"] is not None


def test_a_reservation_that_nobody_uses_runs_out(till: Till) -> None:
    payment = reserved(till)
    till.run(8 * DAY_S)
    assert payment.wait(0).state is State.RELEASED
    assert wallet(till) == 100_000


@pytest.mark.parametrize("amount_cents", [0, ASKED + 1, -5])
def test_more_than_is_reserved_cannot_be_captured(till: Till, amount_cents: int) -> None:
    payment = reserved(till)
    with pytest.raises(InvalidInput):
        payment.capture(amount_cents)
    assert payment.attempt.state is State.RESERVED


def test_a_cancel_that_crosses_a_reservation_leaves_it_to_the_till(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER, reserve=True)
    till.phone.pay(till.phone.incoming()[0])
    payment.cancel()
    till.run(5)
    assert payment.attempt.state is State.RESERVED
    with pytest.raises(NotAllowedNow):
        payment.cancel()
    payment.release()
    till.run(5)
    assert payment.wait(0).state is State.RELEASED


def test_a_captured_reservation_can_be_reversed(till: Till) -> None:
    payment = reserved(till)
    payment.capture(2500)
    till.run(5)
    payment.reverse()
    till.run(5)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.reversed_cents) == (State.REVERSED, 2500)
    assert wallet(till) == 100_000


def test_money_that_was_to_be_taken_at_once_is_not_believed_to_be_reserved(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    transaction = till.provider.transactions()[0]
    till.phone.pay(till.phone.incoming()[0])
    assert till.provider.transaction(transaction.transaction_id).state is TransactionState.VALIDATED
    till.run(5)
    assert payment.wait(0).state is State.APPROVED
