"""What is over is nobody's: whoever is asked about it by a person has the other till hand it over."""

from __future__ import annotations

import gc
import math
import threading

import pytest

from cvconnect_pos import Approved, NotAllowedNow, Payment, Reversed, State
from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.tickets import PARIS
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import (
    NUMBER,
    OTHER_NUMBER,
    Really,
    Till,
    expired,
    held,
    keyed,
    lose_request,
    paid,
    run_together,
    told,
    until_written,
)

ASKED = 4550


def record(payment: Payment) -> None:
    payment.wait(0)
    payment.acknowledge()


def close_day(till: Till, *others: Till) -> None:
    assert not till.engine.look_at_all(0)  # nothing runs meanwhile: the answers come with the next turn
    run_together(till, *others, seconds=5)
    now = till.clock.now()
    till.engine._journal.close_day(now.astimezone(PARIS).date(), now)


@pytest.mark.parametrize("timeout_s", [math.inf, 1e300])
def test_a_day_is_closed_by_whoever_would_wait_for_ever(
    till: Till, monkeypatch: pytest.MonkeyPatch, timeout_s: float
) -> None:
    waits_s: list[float] = []

    def look_at_all(timeout_s: float, _since_s: float) -> bool:
        waits_s.append(timeout_s)
        return True

    monkeypatch.setattr(till.engine._driver, "look_at_all", look_at_all)
    assert till.engine.look_at_all(timeout_s)
    assert 3_600 < waits_s[0] < threading.TIMEOUT_MAX


@pytest.mark.parametrize("closing", ["the one that watches it", "the other one"])
def test_no_day_closes_over_money_that_came_late_whichever_till_closes_it(
    till: Till, second: Till, closing: str
) -> None:
    payment = expired(till)
    payment.wait(0)
    payment.acknowledge()
    second.engine.recover()
    run_together(till, second, seconds=1800)
    till.provider.late_pay(payment.attempt.transaction_id)
    who, other = (second, till) if closing == "the other one" else (till, second)
    with pytest.raises(NotAllowedNow) as refused:
        close_day(who, other)
    assert refused.value.code == "DAY_HAS_OPEN_ITEMS"
    assert who.engine.resume("r1").attempt.state is State.DECIDING


@pytest.mark.parametrize("recorded", [True, False])
def test_a_reversal_is_taken_although_the_other_till_is_told_of_the_payment_all_the_time(
    till: Till, second: Till, recorded: bool
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    if recorded:
        payment.acknowledge()
    for _ in range(20):
        second.engine.hint(payment.attempt.transaction_id, "")
        run_together(till, second, seconds=60)
    second.engine.hint(payment.attempt.transaction_id, "")
    run_together(till, second, seconds=1)
    payment.reverse()
    run_together(till, second, seconds=10)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


def test_two_cashiers_who_give_the_same_payment_back_give_it_back_once(till: Till, second: Till) -> None:
    payment = paid(till)
    payment.wait(0)
    payment.acknowledge()
    other = second.engine.resume("r1")
    run_together(till, second, seconds=100)
    before = [*till.paths(), *second.paths()].count("payment-transactions/cancellation")
    payment.reverse()
    other.reverse()
    run_together(till, second, seconds=60)
    cancels = [*till.paths(), *second.paths()].count("payment-transactions/cancellation")
    assert (payment.attempt.state, other.attempt.state, held(till)) == (State.REVERSED, State.REVERSED, 0)
    assert cancels - before == 1


def test_a_closing_asks_about_each_recorded_payment_once_and_writes_nothing_down(
    till: Till, second: Till
) -> None:
    for number in range(5):
        record(paid(till, f"r{number}", basket_ref=f"B{number}"))
    gc.collect()  # nobody holds their handles
    run_together(till, second, seconds=300)
    for who, other in ((till, second), (second, till)):
        sent = len(who.sent)
        entries = [len(who.engine._journal.entries(f"r{number}")) for number in range(5)]
        who.engine.look_at_all(0)
        run_together(who, other, seconds=5)
        assert len(who.sent) - sent == 5
        assert [len(who.engine._journal.entries(f"r{number}")) for number in range(5)] == entries


# --- who has handed it over knows it ----------------------------------------------------------------------------------


def late_at_the_second(till: Till, second: Till) -> Payment:
    """Long after a request expired, the second till is the first one to hear that it was paid all the same."""
    payment = expired(till)
    record(payment)
    second.engine.recover()
    run_together(till, second, seconds=1800)
    till.provider.late_pay(payment.attempt.transaction_id)
    second.engine.look_at_all(0)
    second.run(2)
    assert second.engine.resume("r1").attempt.state is State.DECIDING
    return payment


def test_who_comes_back_to_a_payment_sees_at_once_that_the_other_till_has_given_it_back(
    till: Till, second: Till
) -> None:
    assert paid(till).wait(0).is_paid
    second.engine.resume("r1").reverse()
    run_together(till, second, seconds=5)
    assert till.engine.resume("r1").wait(0).state is State.REVERSED


def test_a_decision_that_the_other_till_has_met_is_told_here_within_a_minute(
    till: Till, second: Till
) -> None:
    payment = late_at_the_second(till, second)
    run_together(till, second, seconds=65)
    assert payment.attempt.state is State.DECIDING
    assert till.engine.unacknowledged() == [payment]


def test_what_a_till_ordered_that_died_after_it_was_handed_over_is_carried_through(
    till: Till, second: Till
) -> None:
    payment = late_at_the_second(till, second)
    until_written(second, second.engine.resume("r1"))
    till.run(130)
    assert (payment.attempt.state, held(till)) == (State.REVERSED, 0)


def test_an_order_about_what_was_handed_over_is_refused_and_not_dropped(till: Till, second: Till) -> None:
    payment = expired(till)
    record(payment)
    second.engine.recover()
    run_together(till, second, seconds=1800)
    refused: list[str] = []

    def meanwhile(_: HttpRequest, really: Really) -> HttpResponse:
        till.provider.late_pay(payment.attempt.transaction_id)
        second.engine.look_at_all(0)
        second.run(5)
        assert till.engine.resume("r1").attempt.state is State.DECIDING
        with pytest.raises(NotAllowedNow) as error:
            payment.keep()
        refused.append(error.value.code)
        return really()

    till.fault("GET", meanwhile)
    till.engine.look_at_all(0)
    run_together(till, second, seconds=60)
    assert refused == ["PAYMENT_ELSEWHERE"]


def test_an_approval_is_told_before_what_the_other_till_has_made_of_it(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = keyed(till)
    really = till.devices.carry_out
    given_back: list[State] = []

    def slowly(command: Command, shown: Payment, attempt: Attempt) -> int:
        if command is Command.DISARM and attempt.state is State.APPROVED and not given_back:
            other = second.engine.resume("r1")
            other.reverse()
            second.run(5)
            given_back.append(other.attempt.state)
            till.engine.resume("r1")
        return really(command, shown, attempt)

    monkeypatch.setattr(till.devices, "carry_out", slowly)
    till.phone.pay(till.phone.incoming()[0])
    run_together(till, second, seconds=30)
    assert given_back == [State.REVERSED]
    assert [type(event) for event in told(payment)][-2:] == [Approved, Reversed]


# --- days that are closed while it changes hands ------------------------------------------------------------------------


def test_no_day_closes_over_money_that_came_after_the_other_till_tried_to_close_it(
    till: Till, second: Till
) -> None:
    payment = expired(till)
    record(payment)
    run_together(till, second, seconds=1800)
    for one in (till, second):
        one.engine.look_at_all(0)
        run_together(till, second, seconds=5)
    till.provider.late_pay(payment.attempt.transaction_id)
    with pytest.raises(NotAllowedNow):
        close_day(till)


def test_no_day_closes_over_late_money_when_both_tills_close_it_at_once(till: Till, second: Till) -> None:
    payment = expired(till)
    record(payment)
    run_together(till, second, seconds=1800)
    till.provider.late_pay(payment.attempt.transaction_id)

    def meanwhile(_: HttpRequest, really: Really) -> HttpResponse:
        answer = really()
        second.engine.look_at_all(0)  # and its answer is still on its way
        return answer

    till.fault("GET", meanwhile)
    with pytest.raises(NotAllowedNow):
        close_day(till)


def test_no_day_closes_over_a_dead_qr_that_was_paid_after_the_request_beside_it_was_never_made(
    till: Till,
) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    till.fault_for_good("/payment-transactions", lose_request)
    payment.identify(OTHER_NUMBER)
    till.run(10)
    assert payment.attempt.state is State.ORPHANED
    assert payment.attempt.rival is not None
    record(payment)
    till.faults.clear()
    till.run(1800)
    till.provider.pay_anyway(NUMBER, qr)
    with pytest.raises(NotAllowedNow) as refused:
        close_day(till)
    assert refused.value.code == "DAY_HAS_OPEN_ITEMS"
