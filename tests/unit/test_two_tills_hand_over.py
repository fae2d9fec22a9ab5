"""What is over is nobody's: whoever is asked about it by a person has the other till hand it over."""

from __future__ import annotations

import gc

import pytest

from cvconnect_pos import NotAllowedNow, Payment, State
from cvconnect_pos.tickets import PARIS
from harness import Till, expired, held, paid, run_together

ASKED = 4550


def record(payment: Payment) -> None:
    payment.wait(0)
    payment.acknowledge()


def close_day(till: Till, *others: Till) -> None:
    assert not till.engine.look_at_all(0)  # nothing runs meanwhile: the answers come with the next turn
    run_together(till, *others, seconds=5)
    now = till.clock.now()
    till.engine._journal.close_day(now.astimezone(PARIS).date(), now)


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
