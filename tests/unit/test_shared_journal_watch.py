"""What tills that share a journal watch of what is over: late money goes back, nothing is asked twice, nothing is kept."""

from __future__ import annotations

import gc

import pytest

from cvconnect_pos import Payment, State
from cvconnect_pos.errors import JournalError
from harness import (
    NUMBER,
    OTHER_NUMBER,
    Till,
    expired,
    held,
    keyed,
    lose_request,
    paid,
    reserved,
    run_together,
)

ASKED = 4550
HOUR_S = 3_600.0
CANCELLATION = "payment-transactions/cancellation"


def paid_by_label(till: Till) -> tuple[Payment, str]:
    """A QR was shown, then the customer of a label was asked, and paid; the QR is dead, unless the provider errs."""
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    request = till.provider.waiting_for(OTHER_NUMBER)[0]
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.run(10)
    assert payment.attempt.state is State.APPROVED
    return payment, qr


def calls(*tills: Till) -> int:
    return sum(len(till.sent) for till in tills)


# --- a rival that is paid all the same --------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
def test_a_line_that_is_paid_twice_hours_later_is_put_right_although_two_tills_watch(
    till: Till, second: Till, recorded: bool
) -> None:
    payment, qr = paid_by_label(till)
    second.engine.recover()
    if recorded:
        payment.acknowledge()
    run_together(till, second, seconds=5 * HOUR_S)
    till.provider.pay_anyway(NUMBER, qr)
    assert held(till) == 2 * ASKED
    run_together(till, second, seconds=2 * HOUR_S)
    assert (held(till), payment.attempt.surplus_cents) == (ASKED, 0)


def test_a_line_that_is_paid_twice_is_put_right_although_two_tills_watch_and_sell(
    till: Till, second: Till
) -> None:
    payment, qr = paid_by_label(till)
    second.engine.recover()
    payment.wait(0)
    payment.acknowledge()

    def sell(first: int, last: int) -> None:
        for n in range(first, last):
            one = (till, second)[n % 2]
            sale = one.ask(f"s{n}", basket_ref=f"C{n}", way="keyed", beneficiary=NUMBER)
            run_together(till, second, seconds=30)
            sale.cancel()
            run_together(till, second, seconds=30)
            assert sale.wait(0).state is State.CANCELLED
            sale.acknowledge()

    sell(0, 8)
    till.provider.pay_anyway(NUMBER, qr)
    sell(8, 30)
    assert held(till) == ASKED


def test_a_surplus_that_could_not_go_back_in_its_time_stays_told_and_is_asked_about_seldom(
    till: Till, second: Till
) -> None:
    payment, qr = paid_by_label(till)
    second.engine.recover()
    payment.acknowledge()
    for one in (till, second):
        one.fault_for_good("cancellation", lose_request)
    till.provider.pay_anyway(NUMBER, qr)
    run_together(till, second, seconds=5 * HOUR_S)
    for one in (till, second):
        one.faults.clear()
    before = calls(till, second)
    run_together(till, second, seconds=5 * HOUR_S)
    assert 0 < calls(till, second) - before <= 12  # a question and an order an hour
    assert [one.engine.resume("r1").attempt.surplus_cents for one in (till, second)] == [ASKED, ASKED]


def test_a_till_that_looks_at_a_rival_is_in_nobodys_way(till: Till, second: Till) -> None:
    paid_by_label(till)
    second.engine.recover()
    run_together(till, second, seconds=5 * HOUR_S)
    for _ in range(60):
        run_together(till, second, seconds=61)
        assert till.engine._journal.lease("r1", until_s=0.0, now_s=till.clock.monotonic())


# --- late money -------------------------------------------------------------------------------------------------------


def test_late_money_on_what_is_recorded_is_told_at_both_tills(till: Till, second: Till) -> None:
    payment = expired(till)
    second.engine.recover()
    payment.acknowledge()
    run_together(till, second, seconds=5 * HOUR_S)
    till.provider.late_pay(payment.attempt.transaction_id)
    run_together(till, second, seconds=2 * HOUR_S)
    for one in (till, second):
        assert [(p.request_id, p.attempt.state) for p in one.engine.unacknowledged()] == [
            ("r1", State.DECIDING)
        ]


def test_late_money_of_a_line_that_was_settled_otherwise_goes_back_once(till: Till, second: Till) -> None:
    payment = expired(till)
    second.engine.recover()
    payment.wait(0)
    payment.acknowledge(settled_otherwise=True)
    run_together(till, second, seconds=2 * HOUR_S)
    till.provider.late_pay(payment.attempt.transaction_id)
    run_together(till, second, seconds=5 * HOUR_S)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)
    assert (till.paths() + second.paths()).count(CANCELLATION) == 1


# --- watching is quiet ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [1_000.0, 26 * HOUR_S])
def test_watching_what_nobody_paid_writes_nothing(till: Till, second: Till, after_s: float) -> None:
    expired(till)
    for one in (second, till):
        one.engine.recover()
    till.clock.advance(max(after_s - HOUR_S, 0.0))
    run_together(till, second, seconds=min(after_s, HOUR_S))
    before = len(till.engine._journal.entries("r1"))
    run_together(till, second, seconds=2 * HOUR_S)
    assert len(till.engine._journal.entries("r1")) == before


def test_what_both_tills_have_recorded_and_nobody_watches_is_kept_by_none(till: Till, second: Till) -> None:
    names = [f"r{n}" for n in range(3)]
    for name in names:
        paid(till, name, basket_ref=name)
    second.engine.recover()
    run_together(till, second, seconds=120)
    for name in names:
        second.engine.resume(name).acknowledge()
    run_together(till, second, seconds=HOUR_S)
    assert not till.engine._driver._mail.boxes()
    assert not second.engine._driver._mail.boxes()


def test_what_both_tills_have_watched_long_enough_is_kept_by_none(till: Till, second: Till) -> None:
    for name in ("r1", "r2"):
        keyed(till, name, basket_ref=name)
        till.run(400)
    second.engine.recover()
    run_together(till, second, seconds=120)
    for name in ("r1", "r2"):
        second.engine.resume(name).acknowledge()
    run_together(till, second, seconds=50 * HOUR_S)
    assert not till.engine._driver._mail.boxes()
    assert not second.engine._driver._mail.boxes()


def test_a_till_that_looks_on_for_long_plans_no_more_and_more(till: Till, second: Till) -> None:
    reserved(till)
    second.engine.recover()
    run_together(till, second, seconds=5 * HOUR_S)
    assert len(second.engine._driver.scheduler._heap) < 10


# --- notifications ----------------------------------------------------------------------------------------------------


def test_a_notification_that_reaches_the_till_that_does_not_act_is_followed_all_the_same(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    payment.wait(0)
    payment.acknowledge()
    till.run(1)
    before = calls(till, second)
    second.engine.hint(payment.attempt.transaction_id, "")
    run_together(till, second, seconds=600)
    assert before < calls(till, second) <= before + 2  # it takes the payment up, which asks, too


def test_a_notification_that_meets_a_locked_journal_is_followed_later(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    payment.wait(0)
    transaction_id = payment.attempt.transaction_id
    payment.acknowledge()
    till.run(60)
    del payment
    gc.collect()

    def locked(*_: object, **__: object) -> None:
        raise JournalError("JOURNAL_LOCKED", path="journal")

    before = calls(till)
    with monkeypatch.context() as broken:
        broken.setattr(till.engine._journal, "attempts", locked)
        till.engine.hint(transaction_id, "")
        till.run(90)
    assert calls(till) == before
    till.run(300)
    assert calls(till) == before + 1


def test_notifications_about_payments_of_nobody_plan_nothing(till: Till) -> None:
    for n in range(1_500):
        till.engine.hint(f"nobody-{n}", "")
        till.engine.hint(f"nobody-{n}", "")
    assert not till.engine._driver.scheduler._heap
