"""What a till may rely on when answers are late, lost, lagging or strange: schedules of one process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from threading import Condition
from typing import Any

import pytest

from cvconnect_pos import NotAllowedNow, Payment, State
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.scheduler import Scheduler
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import (
    NUMBER,
    OTHER_NUMBER,
    Behave,
    HandClock,
    Really,
    Till,
    expired,
    held,
    keyed,
    lose_request,
    paid,
    reserved,
    told,
)

ASKED = 4550
HOUR_S = 3_600.0
DAY_S = 86_400.0
CREATE = "POST /acquisition/api/public/v1/payment-transactions/"
QR_STATUS = "GET /acquisition/api/public/v1/pre-transactions"
CANCELLATION = "payment-transactions/cancellation"


# --- what the schedules are played with -------------------------------------------------------------------------------


def switched(till: Till, **more: Any) -> tuple[Payment, str]:
    """A QR was shown, then a label was read: the QR is dead, and the customer of the label is asked."""
    payment = till.ask(way="either", **more)
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    assert payment.attempt.state is State.AWAITING
    return payment, qr


def pay_label(till: Till) -> None:
    (request,) = till.provider.waiting_for(OTHER_NUMBER)
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.run(5)


def late(till: Till, amount_cents: int = ASKED, *, settled_otherwise: bool = True) -> Payment:
    """Expired and recorded; then paid all the same."""
    payment = expired(till)
    payment.acknowledge(settled_otherwise=settled_otherwise)
    till.provider.late_pay(payment.attempt.transaction_id, amount_cents)
    till.run(2 * HOUR_S)
    assert payment.attempt.state is State.DECIDING
    return payment


def rewritten(change: Callable[[dict[str, Any]], None]) -> Behave:
    """The provider does it, and its answer is changed on the way."""

    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        real = really()
        document = json.loads(real.body)
        change(document)
        return HttpResponse(real.status, real.headers, json.dumps(document).encode())

    return behave


def in_authorizations(**changes: Any) -> Behave:
    def change(document: dict[str, Any]) -> None:
        for payer in document.get("transaction", {}).get("payers", []):
            for authorization in payer["authorizations"]:
                authorization.update(changes)

    return rewritten(change)


def too_late(_: HttpRequest, __: Really) -> HttpResponse:
    """The provider does nothing: its window is over."""
    return HttpResponse(400, {}, b'{"errorCode": "OPERATION_TRANSACTION_NOT_ALLOWED"}')


def reading_of(till: Till, payment: Payment) -> Behave:
    """How the provider answers now, to be said again later."""
    readings: list[HttpResponse] = []

    def kept(_: HttpRequest, really: Really) -> HttpResponse:
        readings.append(really())
        return readings[0]

    till.fault("GET", kept)
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(5)
    return lambda _, __: readings[0]


def start_with_a_clock_ahead(till: Till) -> None:
    """The till's wall clock is five hours ahead of the provider's when it comes back."""
    till.engine.close()
    till.clock = HandClock(till.clock.now() + timedelta(hours=5))
    till.start()


# --- money that was paid ----------------------------------------------------------------------------------------------


def test_a_payment_that_a_person_keeps_is_not_given_back_by_a_timer_that_was_due_meanwhile(
    till: Till,
) -> None:
    payment = late(till)

    def decided_meanwhile(_: HttpRequest, really: Really) -> HttpResponse:
        answer = really()
        payment.keep()
        till.clock.advance(2 * HOUR_S)  # while the answer travels, the hour to give it back strikes
        till.engine.run_due()
        return answer

    till.fault("GET", decided_meanwhile)
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(60)
    assert CANCELLATION not in till.paths()
    assert (payment.wait(0).state, held(till)) == (State.APPROVED, ASKED)


def test_a_give_back_that_the_provider_refuses_is_asked_for_once(till: Till) -> None:
    payment = late(till, 5000)
    till.fault_for_good("cancellation", too_late)
    till.run(4 * HOUR_S)
    assert till.paths().count(CANCELLATION) == 1
    assert payment.wait(0).needs_decision


def test_a_reversal_that_was_taken_and_takes_effect_after_it_was_said_to_have_none_is_told(
    till: Till,
) -> None:
    payment = paid(till)
    till.fault("cancellation", reading_of(till, payment))  # taken: carried out later
    payment.reverse()
    till.run(120)
    assert payment.wait(0).state is State.APPROVED
    till.provider.undo(payment.attempt.transaction_id)
    till.run(HOUR_S)
    assert payment.wait(0).state is State.REVERSED_AFTER_KEEP


def test_a_reversal_that_is_repeated_after_a_power_cut_gets_its_whole_minute(till: Till) -> None:
    payment = paid(till)
    lagging = reading_of(till, payment)
    till.fault("cancellation", lose_request)
    payment.reverse()
    till.run()
    till.engine.close()
    till.clock.advance(120)

    def taken(_: HttpRequest, really: Really) -> HttpResponse:
        till.fault("GET", lagging)
        till.fault("GET", lagging)
        return really()

    till.start()
    till.fault("cancellation", taken)
    till.engine.recover()
    payment = till.engine.resume("r1")
    till.run(300)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)
    assert "ReversalRefused" not in [event.name for event in told(payment)]


def test_an_outcome_that_changed_after_the_till_looked_is_not_recorded_unseen(till: Till) -> None:
    payment = keyed(till)
    till.fault("cancellation", lose_request)
    payment.cancel()
    till.run()
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    payment.keep()
    till.run(1)
    assert payment.wait(0).is_paid  # this is what the till is about to write down
    till.provider.undo(payment.attempt.transaction_id)  # the cancel lands
    till.run(60)
    with pytest.raises(NotAllowedNow) as refused:
        payment.acknowledge()
    assert refused.value.code == "OUTCOME_CHANGED"
    till.restart()
    assert [p.wait(0).state for p in till.engine.unacknowledged()] == [State.REVERSED_AFTER_KEEP]


def test_a_payment_has_one_call_in_flight_while_a_start_asks_about_many(till: Till) -> None:
    for number in range(45):
        paid(till, f"r{number}", amount_cents=2000, basket_ref=f"B{number}").acknowledge()
    till.clock.advance(120)
    till.restart()
    till.run()
    asked = " ".join(request.path for request in till.transport.requests)
    payments = [till.engine.resume(f"r{number}") for number in range(45)]
    till.run()
    payment = next(p for p in payments if p.attempt.transaction_id not in asked)  # its turn has not come
    meanwhile: list[str] = []

    def slow(_: HttpRequest, really: Really) -> HttpResponse:
        before = len(till.transport.requests)
        for _tenth in range(200):
            till.clock.advance(0.1)
            till.engine.run_due()
        meanwhile.extend(request.path for request in till.transport.requests[before:])
        return really()

    till.fault(f"{payment.attempt.transaction_id}/cancellation", slow)
    payment.reverse()
    till.run(60)
    assert meanwhile and payment.attempt.transaction_id not in " ".join(meanwhile)
    assert payment.wait(0).state is State.REVERSED


@pytest.mark.parametrize("number", ["\x00", "\u202e", "é" * 70, 10**70, "\ud800"])
def test_a_strange_authorisation_number_costs_no_payment(till: Till, number: object) -> None:
    payment = keyed(till)
    till.fault_for_good("GET", in_authorizations(number=number))
    till.phone.pay(till.phone.incoming()[0])
    till.run(10)
    assert payment.wait(0).received_cents == ASKED
    till.restart()
    assert [p.wait(0).received_cents for p in till.engine.unacknowledged()] == [ASKED]


# --- reservations -----------------------------------------------------------------------------------------------------


def test_a_capture_that_was_refused_because_it_had_arrived_before_is_a_payment(till: Till) -> None:
    payment = reserved(till)
    till.fault("capture", lose_request)  # slow on its way

    def arrives_twice(_: HttpRequest, really: Really) -> HttpResponse:
        really()
        return really()

    till.fault("capture", arrives_twice)
    payment.capture(3000)
    till.run(60)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.remaining_cents) == (State.APPROVED, 3000, 0)


def test_a_rival_that_is_only_reserved_is_no_payment(till: Till) -> None:
    payment, qr = switched(till, reserve=True)
    till.provider.pay_anyway(NUMBER, qr)

    def without_method(document: dict[str, Any]) -> None:
        document["preTransaction"].get("transaction", {}).pop("paymentMethod", None)

    till.fault_for_good(QR_STATUS, rewritten(without_method))
    till.run(60)
    assert payment.attempt.state is State.AWAITING
    assert till.provider.customer(NUMBER).balance_cents == 100_000  # released


def test_the_customer_of_the_label_reserves_although_the_dead_qr_was_reserved_too(till: Till) -> None:
    payment, qr = switched(till, reserve=True)
    till.provider.pay_anyway(NUMBER, qr)
    till.run(60)
    pay_label(till)
    assert payment.attempt.state is State.RESERVED
    assert till.provider.customer(NUMBER).balance_cents == 100_000


# --- a QR that was given up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
def test_a_rival_that_is_said_to_be_paid_without_its_transaction_is_asked_again(
    till: Till, caplog: pytest.LogCaptureFixture, *, recorded: bool
) -> None:
    payment, qr = switched(till)
    if recorded:
        pay_label(till)
        payment.acknowledge()
    till.provider.pay_anyway(NUMBER, qr)

    def without_transaction(document: dict[str, Any]) -> None:
        document["preTransaction"]["state"] = "VALIDATED"
        document["preTransaction"].pop("transaction")

    till.fault(QR_STATUS, rewritten(without_transaction))
    till.run(10)
    assert not till.faults and payment.attempt.acknowledged is recorded
    till.run(300)
    assert not caplog.messages  # nothing of ours failed
    assert (payment.wait(0).state, held(till)) == (State.APPROVED, ASKED)


def test_the_qr_of_a_line_that_ended_as_an_orphan_is_watched_after_a_restart(till: Till) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    till.fault(CREATE, lose_request)
    payment.identify(OTHER_NUMBER)
    till.run(5)
    assert payment.wait(0).state is State.ORPHANED
    payment.acknowledge()
    till.restart()
    till.provider.pay_anyway(NUMBER, qr)
    till.run(2 * HOUR_S)
    assert held(till) == 0 or till.engine.resume("r1").wait(0).needs_decision


def test_the_qr_of_a_line_that_was_reversed_is_watched_after_a_restart(till: Till) -> None:
    payment, qr = switched(till)
    pay_label(till)
    payment.reverse()
    till.run(5)
    assert payment.wait(0).state is State.REVERSED
    payment.acknowledge()
    till.restart()
    till.provider.pay_anyway(NUMBER, qr)
    till.run(600)
    assert held(till) == 0


def surplus(till: Till) -> Payment:
    """Both paid, and the provider does not take the second one back."""
    payment, qr = switched(till)
    pay_label(till)
    till.provider.pay_anyway(NUMBER, qr)
    till.fault_for_good("cancellation", too_late)
    till.run(60)
    assert payment.wait(0).surplus_cents == ASKED
    return payment


def test_a_surplus_whose_reversal_is_refused_is_not_asked_for_every_other_second(till: Till) -> None:
    surplus(till)
    before = len(till.sent)
    till.run(HOUR_S)
    assert 0 < len(till.sent) - before < 120


def test_a_surplus_that_came_back_after_more_than_a_day_is_seen_and_the_day_closes(till: Till) -> None:
    payment = surplus(till)
    payment.acknowledge()
    till.run(DAY_S + HOUR_S)
    assert payment.attempt.surplus_cents == ASKED and payment.attempt.rival
    till.provider.undo(payment.attempt.rival.transaction_id)
    till.restart()
    till.run(2 * HOUR_S)
    payment = till.engine.resume("r1")
    assert (payment.wait(0).surplus_cents, held(till)) == (0, ASKED)
    assert till.engine._journal.close_day(till.clock.now().date(), till.clock.now())


# --- the ends of waiting ----------------------------------------------------------------------------------------------


def test_the_second_request_of_a_line_is_given_up_although_the_qr_expired_while_it_was_created(
    till: Till,
) -> None:
    payment = till.ask(way="either")
    assert payment.attempt.expires_at
    till.run((payment.attempt.expires_at - till.clock.now()).total_seconds() - 1)

    def slow(_: HttpRequest, really: Really) -> HttpResponse:
        answer = really()
        till.clock.advance(3)
        till.engine.run_due()
        return answer

    def never_expired(_: HttpRequest, really: Really) -> HttpResponse:
        real = really()
        return HttpResponse(real.status, real.headers, real.body.replace(b"EXPIRED", b"PROCESSING"))

    till.fault(CREATE, slow)
    till.fault_for_good("GET", never_expired)
    payment.identify(OTHER_NUMBER)
    till.run(HOUR_S)
    assert payment.attempt.cancel_asked


def test_a_qr_that_expired_during_a_power_cut_is_not_shown_again(till: Till) -> None:
    till.ask(way="qr")
    till.engine.close()
    till.clock.advance(600)
    till.start()
    till.fault_for_good("/", lose_request)
    till.engine.recover()
    till.engine.resume("r1")
    till.run(HOUR_S)
    on_screen = [command for command, _ in till.devices.commands if command in {Command.SHOW, Command.HIDE}]
    assert on_screen[-1:] != [Command.SHOW]


def test_a_cashier_who_cancels_while_the_qr_gives_way_asks_no_customer(till: Till) -> None:
    payment = till.ask(way="either")

    def cancelled_meanwhile(_: HttpRequest, really: Really) -> HttpResponse:
        answer = really()
        payment.cancel()
        return answer

    till.fault("cancellation", cancelled_meanwhile)
    payment.identify(OTHER_NUMBER)
    till.run(20)
    assert "payment-transactions/payer" not in till.paths()
    assert payment.wait(0).state is State.CANCELLED


def test_a_deferred_request_whose_customer_is_unknown_ends(till: Till) -> None:
    payment = till.ask(way="deferred", beneficiary="99999999999", delay_s=3 * 86_400)
    till.run(60)
    assert payment.wait(0).state is State.CANCELLED


# --- dates and rates --------------------------------------------------------------------------------------------------


def test_the_day_close_asks_about_everything_at_the_providers_rate(till: Till) -> None:
    for number in range(80):
        payment = keyed(till, f"r{number}", amount_cents=2000, basket_ref=f"B{number}")
        till.phone.refuse(till.phone.incoming()[0])
        till.run(3)
        payment.acknowledge()
    till.run(60)
    before = len(till.sent)
    till.engine.look_at_all(0)
    till.run()
    at_once = len(till.sent) - before
    till.run(5)
    assert at_once <= 20 and len(till.sent) - before >= 80


class WatchedClock(SystemClock):
    """Counts those who begin to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Semaphore(0)

    def wait(self, condition: Condition, timeout_s: float | None) -> None:
        self.waiting.release()
        super().wait(condition, timeout_s)


def test_what_is_due_in_thousands_of_years_ends_no_worker() -> None:
    clock, errors, done = WatchedClock(), list[BaseException](), threading.Event()
    scheduler = Scheduler(clock, 2, errors.append)
    try:
        scheduler.call_later(250_000_000_000.0, lambda: None)
        assert all(clock.waiting.acquire(timeout=10) for _ in range(2))
        scheduler.call_later(0.0, done.set)
        assert done.wait(10)
    finally:
        assert scheduler.close(10)
    assert not errors


def test_a_request_that_expires_in_thousands_of_years_is_freed_only_with_a_reason(till: Till) -> None:
    def far(document: dict[str, Any]) -> None:
        document["transaction"]["expirationDate"] = "9999-12-31T23:59:59.99Z"

    till.fault_for_good("payment-transactions", rewritten(far))
    payment = keyed(till)
    till.run(5)
    with pytest.raises(NotAllowedNow) as refused:
        payment.release_line("chef de caisse")
    assert refused.value.code == "LINE_NOT_RELEASABLE"
    payment.release_line("chef de caisse", "le client part")


def test_money_that_was_validated_in_thousands_of_years_still_goes_back_in_time(till: Till) -> None:
    till.fault_for_good("GET", in_authorizations(validationDate="9999-12-31T23:59:59Z"))
    late(till)
    before = len(till.sent)
    till.run(600)
    assert len(till.sent) > before
    till.run(2 * HOUR_S)
    assert held(till) == 0


def test_a_line_is_not_freed_early_by_a_clock_that_is_wrong_after_a_restart(till: Till) -> None:
    keyed(till)
    start_with_a_clock_ahead(till)
    till.fault_for_good("/", lose_request)
    till.engine.recover()
    payment = till.engine.resume("r1")
    till.run(1)
    with pytest.raises(NotAllowedNow) as refused:
        payment.release_line("chef de caisse")
    assert refused.value.code == "LINE_NOT_RELEASABLE"


def test_a_reversal_in_time_is_not_refused_by_a_clock_that_is_wrong_after_a_restart(till: Till) -> None:
    paid(till).acknowledge()
    start_with_a_clock_ahead(till)
    payment = till.engine.resume("r1")
    payment.reverse()
    till.run(5)
    assert payment.wait(0).state is State.REVERSED
