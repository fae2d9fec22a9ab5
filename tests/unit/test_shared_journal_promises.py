"""What a till that shares its journal hears of the other one: soon, once, and before it acts or records anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from cvconnect_pos import NotAllowedNow, State
from cvconnect_pos.calls import Heard
from cvconnect_pos.core.attempt import Entry
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.mailbox import Box
from cvconnect_pos.transports.base import HttpResponse
from harness import (
    OTHER_NUMBER,
    Till,
    held,
    keyed,
    lose_request,
    paid,
    run_together,
    told,
)

ASKED = 4550
HOUR_S = 3_600.0
CANCELLATION = "payment-transactions/cancellation"


def reverse_elsewhere(till: Till, second: Till, *, recorded: bool) -> None:
    """The other till gives the money back, and perhaps records that, before this one looks again."""
    run_together(till, second, seconds=121)
    other = second.engine.resume("r1")
    other.reverse()
    second.run(10)
    assert other.wait(0).state is State.REVERSED
    if recorded:
        other.acknowledge()


# --- what the other one did is heard ----------------------------------------------------------------------------------


def test_a_till_acknowledges_no_outcome_in_whose_place_the_other_one_has_recorded_another(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid  # this is what the till is about to write down
    reverse_elsewhere(till, second, recorded=True)
    with pytest.raises(NotAllowedNow) as refused:
        payment.acknowledge()
    assert refused.value.code == "OUTCOME_CHANGED"


def test_what_the_other_till_reversed_and_recorded_at_once_is_heard_here(till: Till, second: Till) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    reverse_elsewhere(till, second, recorded=True)
    run_together(till, second, seconds=120)
    assert payment.wait(0).state is State.REVERSED


def test_a_request_that_is_repeated_tells_what_the_other_till_has_made_of_it(
    till: Till, second: Till
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    reverse_elsewhere(till, second, recorded=True)
    assert keyed(till) is payment
    assert payment.wait(0).state is State.REVERSED


def test_what_the_other_till_did_is_told_once(till: Till, second: Till) -> None:
    payment = paid(till)
    told(payment)
    run_together(till, second, seconds=120)
    second.engine.resume("r1").reverse()
    run_together(till, second, seconds=130)
    till.engine.resume("r1")
    run_together(till, second, seconds=HOUR_S)
    assert [event.name for event in told(payment)].count("Reversed") == 1


def test_a_qr_whose_request_the_other_till_has_ended_is_taken_off_the_display(
    till: Till, second: Till
) -> None:
    payment = till.ask(way="qr")
    till.clock.advance(120)  # it stands still
    other = second.engine.resume("r1")
    second.run(1)
    other.cancel()
    second.run(10)
    assert other.wait(0).state is State.CANCELLED
    till.devices.commands.clear()
    run_together(till, second, seconds=120)
    assert payment.wait(0).state is State.CANCELLED
    assert Command.HIDE in [command for command, _ in till.devices.commands]


def test_a_sale_of_the_till_that_only_looks_takes_no_qr_away_whose_polls_the_provider_holds(
    till: Till, second: Till
) -> None:
    payment = till.ask(way="qr")
    till.fault("GET", lambda _, __: HttpResponse(429, {"retry-after": "200"}, b"{}"))
    second.engine.recover()
    run_together(till, second, seconds=100)
    second.ask("r2", basket_ref="B2", way="keyed", beneficiary=OTHER_NUMBER)
    run_together(till, second, seconds=50)
    assert payment.attempt.state is State.SHOWING
    assert not [path for path in second.paths() if path.endswith("cancellation")]


# --- nothing is sent by what is no longer true ------------------------------------------------------------------------


def test_a_till_that_stood_still_cancels_nothing_that_the_other_one_kept_although_it_is_looked_at_first(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = keyed(till)
    append, publish = till.engine._journal.append, payment.publish
    kept: list[State] = []
    looked: list[State] = []

    def then_stand_still(
        request_id: str, at: datetime, kind: str, state: State, *rest: Any, **more: Any
    ) -> Entry:
        entry = append(request_id, at, kind, state, *rest, **more)
        if state is State.CANCEL_SENT and not kept:
            till.phone.pay(till.phone.incoming()[0])
            other = second.engine.resume("r1")
            second.run(900)
            kept.append(other.attempt.state)
            other.keep()
            second.run(5)
            kept.append(other.attempt.state)
            second.engine.close()  # it goes home
            till.clock.advance(100)
        return entry

    def then_look(*events: Any, **more: Any) -> None:
        publish(*events, **more)
        if kept and not looked:
            looked.append(State.CREATING)  # once
            looked[0] = till.engine.resume("r1").attempt.state  # as another screen of the till does

    monkeypatch.setattr(till.engine._journal, "append", then_stand_still)
    monkeypatch.setattr(payment, "publish", then_look)
    payment.cancel()
    till.run(60)
    assert (kept, looked) == ([State.DECIDING, State.APPROVED], [State.APPROVED])
    assert CANCELLATION not in till.paths()
    assert (payment.wait(0).state, held(till)) == (State.APPROVED, ASKED)


def test_an_answer_that_grew_old_in_a_till_that_stood_still_is_not_acted_on(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = keyed(till)
    make = till.engine._calls.make
    kept: list[State] = []

    def then_stand_still(command: Command, attempt: Any, *rest: Any, **more: Any) -> Heard:
        heard = make(command, attempt, *rest, **more)
        if command is Command.STATUS and attempt.state is State.CANCELLING and not kept:
            till.phone.pay(till.phone.incoming()[0])  # the answer still says that nobody has
            other = second.engine.resume("r1")
            second.run(700)
            other.keep()
            second.run(5)
            kept.append(other.attempt.state)
            second.engine.close()
            till.clock.advance(100)
            till.engine.resume("r1")
        return heard

    monkeypatch.setattr(till.engine._calls, "make", then_stand_still)
    payment.cancel()
    till.run(60)
    assert kept == [State.APPROVED]
    assert CANCELLATION not in till.paths()
    assert (payment.wait(0).state, held(till)) == (State.APPROVED, ASKED)


def test_an_order_that_comes_while_its_payment_is_being_recorded_is_not_lost_sight_of(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    driver = till.engine._driver
    holds = driver.leasing.holds
    recorded: list[bool] = []

    def then_record(box: Box, **how: bool) -> bool:
        held_here = holds(box, **how)
        if not recorded:
            recorded.append(True)
            payment.acknowledge()  # as another screen of the till does
        return held_here

    monkeypatch.setattr(driver.leasing, "holds", then_record)
    till.fault("cancellation", lose_request)
    payment.reverse()
    till.run(0.1)
    assert recorded
    assert [box.payment.request_id for box in driver._mail.boxes()] == ["r1"]
    till.run(30)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


# --- looking around ---------------------------------------------------------------------------------------------------


def strange(*_: Any, **__: Any) -> Any:
    raise RuntimeError("client@example.invalid")


def test_a_look_around_that_fails_oddly_is_not_the_last_one(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    till.run(120)
    with monkeypatch.context() as broken:
        broken.setattr(till.engine._journal, "unsettled", strange)
        till.run(200)
    second.engine.resume("r1").reverse()
    run_together(till, second, seconds=130)
    assert payment.wait(0).state is State.REVERSED


def test_a_payment_that_cannot_be_looked_at_keeps_no_other_from_being_looked_at(
    till: Till, second: Till, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, payment = paid(till), paid(till, "r2", basket_ref="B2")
    run_together(till, second, seconds=120)
    entries = till.engine._journal.entries

    def read(request_id: str, *, after: int = 0) -> Sequence[Entry]:
        return strange() if request_id == "r1" else entries(request_id, after=after)

    monkeypatch.setattr(till.engine._journal, "entries", read)
    second.engine.resume("r2").reverse()
    run_together(till, second, seconds=130)
    assert (broken.attempt.state, payment.wait(0).state) == (State.APPROVED, State.REVERSED)
    assert "RuntimeError" in caplog.text
    assert "client@example.invalid" not in caplog.text


def test_a_till_that_is_closed_while_it_looks_around_plans_nothing_more(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(till)
    till.run(120)
    unsettled = till.engine._journal.unsettled

    def then_close() -> Sequence[str]:
        found = unsettled()
        till.engine.close()
        return found

    monkeypatch.setattr(till.engine._journal, "unsettled", then_close)
    till.run(130)
    assert not till.engine._driver.scheduler._heap
    with pytest.raises(NotAllowedNow, match="STATION_CLOSED"):
        till.engine.resume("r1")
