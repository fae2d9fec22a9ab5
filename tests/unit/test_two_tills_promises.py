"""What tills that share a journal may rely on: one acts, the other looks, and neither is wrong about the money."""

from __future__ import annotations

from typing import Any

import pytest

from cvconnect_pos import NotAllowedNow, Payment, State, TicketPrinted
from cvconnect_pos.transports.base import HttpResponse
from harness import NUMBER, Till, expired, held, keyed, paid, reserved, run_together, until_written

ASKED = 4550
HOUR_S = 3_600.0


# --- one of them stands still, or is gone -----------------------------------------------------------------------------


def test_a_till_that_stood_still_does_not_cancel_what_the_other_one_kept(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = keyed(till)
    append = till.engine._journal.append
    kept: list[State] = []

    def then_stand_still(request_id: str, at: Any, kind: str, state: State, *facts: Any, **more: Any) -> Any:
        entry = append(request_id, at, kind, state, *facts, **more)
        if state is State.CANCEL_SENT and not kept:
            till.phone.pay(till.phone.incoming()[0])
            other = second.engine.resume("r1")
            second.run(900)
            kept.append(other.attempt.state)
            other.keep()
            second.run(5)
            other.acknowledge()
            kept.append(other.attempt.state)
            second.engine.close()  # it goes home
            till.clock.advance(100)
        return entry

    monkeypatch.setattr(till.engine._journal, "append", then_stand_still)
    payment.cancel()
    till.run(60)
    assert kept == [State.DECIDING, State.APPROVED]
    assert "payment-transactions/cancellation" not in till.paths()
    assert (payment.wait(0).state, held(till)) == (State.APPROVED, ASKED)


def test_what_a_till_that_is_gone_was_watching_is_watched_by_the_other_one(till: Till, second: Till) -> None:
    payment = keyed(till)
    other = second.engine.resume("r1")
    run_together(till, second, seconds=400)
    payment.acknowledge()
    run_together(till, second, seconds=10)
    assert (other.wait(0).state, second.sent) == (State.EXPIRED, [])
    till.provider.late_pay(other.attempt.transaction_id)
    till.engine.close()
    second.run(3 * HOUR_S)
    assert other.wait(0).needs_decision


# --- one of them knows more -------------------------------------------------------------------------------------------


def test_a_till_records_no_outcome_that_the_other_one_has_changed_since(till: Till, second: Till) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid  # this is what the till is about to write down
    other = second.engine.resume("r1")
    run_together(till, second, seconds=100)
    other.reverse()
    second.run(5)
    assert other.wait(0).state is State.REVERSED
    with pytest.raises(NotAllowedNow) as refused:
        payment.acknowledge()
    assert refused.value.code == "OUTCOME_CHANGED"
    till.restart()
    assert [p.request_id for p in till.engine.unacknowledged()] == ["r1"]


def test_what_the_till_that_was_paid_asks_for_is_done_although_another_one_looks(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    second.engine.resume("r1")
    run_together(till, second, seconds=100)
    payment.reverse()
    run_together(till, second, seconds=60)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


def test_a_till_that_has_recorded_a_payment_finds_it_again_when_the_other_one_reversed_it(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    other = second.engine.resume("r1")
    run_together(till, second, seconds=100)
    payment.acknowledge()
    run_together(till, second, seconds=10)
    other.reverse()
    run_together(till, second, seconds=60)
    assert till.engine.unacknowledged() == [payment]
    assert payment.wait(0).state is State.REVERSED


def test_a_request_that_two_tills_open_at_once_is_created_once(till: Till, second: Till) -> None:
    ours, theirs = (
        one.tender.request(
            request_id="r1", amount_cents=ASKED, basket_ref="B1", way="keyed", beneficiary=NUMBER
        )
        for one in (till, second)
    )
    second.run()
    run_together(till, second, seconds=30)
    assert (till.paths() + second.paths()).count("payment-transactions") == 1
    assert ours.attempt.state is theirs.attempt.state is State.AWAITING


# --- one of them only looks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_s", [0, 20, 40, 55, 62, 70])
@pytest.mark.parametrize("way", ["scan", "qr", "keyed"])
def test_a_till_that_only_looks_takes_no_open_request_away(
    till: Till, second: Till, way: str, offset_s: float
) -> None:
    payment = keyed(till) if way == "keyed" else till.ask(way=way)
    before = payment.attempt.state
    till.run(offset_s)
    second.engine.recover()
    run_together(till, second, seconds=240 - offset_s)
    assert (payment.attempt.state, second.sent) == (before, [])
    payment.cancel()
    run_together(till, second, seconds=10)
    assert (payment.wait(0).state, second.sent) == (State.CANCELLED, [])


def deferred(till: Till) -> Payment:
    return till.ask(way="deferred", beneficiary=NUMBER, delay_s=86_400)


def deciding(till: Till) -> Payment:
    payment = expired(till)
    payment.acknowledge()
    till.provider.late_pay(payment.attempt.transaction_id)
    till.run(HOUR_S)
    assert payment.wait(0).needs_decision
    return payment


@pytest.mark.parametrize("lasting", [reserved, deferred, deciding, expired])
def test_a_till_that_only_looks_takes_nothing_away_that_lasts(till: Till, second: Till, lasting: Any) -> None:
    lasting(till)
    second.engine.recover()
    run_together(till, second, seconds=2 * HOUR_S)
    assert second.sent == []


def test_a_till_captures_its_reservation_although_another_one_looks(till: Till, second: Till) -> None:
    payment = reserved(till)
    second.engine.recover()
    run_together(till, second, seconds=2 * HOUR_S)
    payment.capture()
    run_together(till, second, seconds=10)
    assert (payment.wait(0).received_cents, second.sent) == (ASKED, [])


def test_a_till_that_only_looks_takes_no_qr_away_whose_polls_the_provider_holds(
    till: Till, second: Till
) -> None:
    payment = till.ask(way="qr")
    till.fault("GET", lambda _, __: HttpResponse(429, {"retry-after": "200"}, b"{}"))
    second.engine.recover()
    run_together(till, second, seconds=150)
    assert (payment.attempt.state, second.sent) == (State.SHOWING, [])


# --- what is over here may be changed over there ----------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [True, False])
def test_a_reversal_by_the_other_till_is_heard_here(till: Till, second: Till, recorded: bool) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    if recorded:
        payment.acknowledge()
    run_together(till, second, seconds=300)
    other = second.engine.resume("r1")
    other.reverse()
    run_together(till, second, seconds=120)
    assert payment.wait(0).state is State.REVERSED
    assert till.engine.resume("r1") is payment
    assert held(till) == 0


@pytest.mark.parametrize("recorded", [True, False])
def test_a_reversal_that_a_dead_till_has_begun_is_carried_through_by_one_that_nobody_touches(
    till: Till, second: Till, recorded: bool
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    if recorded:
        payment.acknowledge()
    run_together(till, second, seconds=300)
    until_written(second, second.engine.resume("r1"))
    till.run(HOUR_S)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


def test_what_a_note_finds_written_is_carried_through(till: Till, second: Till) -> None:
    payment = paid(till)
    till.clock.advance(3_000)  # it stood still
    until_written(second, second.engine.resume("r1"))
    printed = TicketPrinted(request_id="r1", at=till.clock.now(), outcome="printed", reason="", detail="")
    till.engine.report(payment, printed)
    assert payment.attempt.state is State.REVERSAL_UNKNOWN
    till.run(30)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


def test_what_was_changed_elsewhere_is_no_result_to_record_and_is_carried_through(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    till.clock.advance(3_000)
    until_written(second, second.engine.resume("r1"))
    with pytest.raises(NotAllowedNow):
        payment.acknowledge()
    till.run(30)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


def test_a_till_that_looks_at_what_is_over_is_in_nobodys_way(till: Till, second: Till) -> None:
    payment = paid(till)
    second.engine.recover()
    run_together(till, second, seconds=2 * HOUR_S)
    payment.reverse()
    run_together(till, second, seconds=10)
    assert payment.wait(0).state is State.REVERSED


def test_an_order_that_meets_what_a_dead_till_left_carries_that_through(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    till.run(100)
    append = till.engine._journal.append
    stood_still: list[bool] = []

    def stand_still(*args: Any, **more: Any) -> Any:
        if not stood_still:
            stood_still.append(True)
            till.clock.advance(700)
            until_written(second, second.engine.resume("r1"))
        return append(*args, **more)

    monkeypatch.setattr(till.engine._journal, "append", stand_still)
    payment.reverse()
    till.run(300)
    assert stood_still
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)
