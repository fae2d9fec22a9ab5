"""Schedules that once broke a row of the table of races, end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cvconnect_pos import JournalError, NotAllowedNow, Payment, State
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import NUMBER, OTHER_NUMBER, Till, delay, lose_request, run_together, told, wall_clock

Really = Callable[[], HttpResponse]
Behave = Callable[[HttpRequest, Really], HttpResponse]
HOUR_S = 3_600.0
ASKED = 4550


def keyed(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    return till.ask(request_id, way="keyed", beneficiary=NUMBER, **more)


def paid(till: Till) -> Payment:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).is_paid
    return payment


def state(payment: Payment) -> State:
    return payment.attempt.state


def held(till: Till) -> int:
    return 200_000 - sum(till.provider.customer(n).balance_cents for n in (NUMBER, OTHER_NUMBER))


def answer(body: bytes, status: int = 200, **headers: str) -> Behave:
    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        really()
        return HttpResponse(status, headers, body)

    return behave


def refusal(code: str) -> Behave:
    return lambda _, __: HttpResponse(409, {}, b'{"errorCode": "%s"}' % code.encode())


def whole_rewritten(change: Callable[[dict[str, Any]], None]) -> Behave:
    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        real = really()
        document = json.loads(real.body)
        change(document)
        return HttpResponse(real.status, real.headers, json.dumps(document).encode())

    return behave


def test_cancel_of_unknown_fate_and_the_payment_was_kept_a_reversal_that_was_refused(till: Till) -> None:
    payment = paid(till)
    landing = delay(till, "cancellation")
    till.fault("cancellation", refusal("OPERATION_TRANSACTION_NOT_ALLOWED"))
    payment.reverse()
    till.run(10)
    assert state(payment) is State.APPROVED  # "ReversalRefused": the payment stands
    payment.acknowledge()
    landing[0]()  # the first one arrives after all
    till.run(4 * HOUR_S)
    assert held(till) == 0
    assert state(payment) in {State.REVERSED, State.REVERSED_AFTER_KEEP}


def test_cancel_of_unknown_fate_and_the_payment_was_kept_the_qr_gave_way(till: Till) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    till.fault("cancellation", lose_request)
    payment.identify(OTHER_NUMBER)
    till.engine.run_due()
    assert state(payment) is State.CANCEL_UNKNOWN
    request = till.provider.scan(NUMBER, qr)
    till.provider.validate(NUMBER, request.transaction_id)
    till.run(5)
    payment.keep()
    till.run(1)
    payment.acknowledge()
    till.provider.undo(request.transaction_id)  # the cancel lands: our provider re-credits
    till.run(4 * HOUR_S)
    assert state(payment) is State.REVERSED_AFTER_KEEP


def test_cancel_of_unknown_fate_and_the_payment_was_kept_a_line_was_freed(till: Till) -> None:
    payment = keyed(till)
    landing = delay(till, "cancellation")
    payment.release_line("chef de caisse", "panne")
    till.run(20)
    till.phone.pay(till.phone.incoming()[0])
    till.run(20)
    payment.keep()
    till.run(1)
    payment.acknowledge()
    landing[0]()
    till.run(4 * HOUR_S)
    assert state(payment) is State.REVERSED_AFTER_KEEP


def test_either_way_both_paid_the_earlier_validation_is_kept(till: Till) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run()
    till.provider.pay_anyway(NUMBER, qr)  # the earlier
    till.clock.advance(1)
    (request,) = till.provider.waiting_for(OTHER_NUMBER)
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.run(120)
    assert held(till) == ASKED
    assert till.provider.customer(OTHER_NUMBER).balance_cents == 100_000  # the later one is given back


def test_either_way_a_rival_that_is_paid_unreadably_is_an_open_item(till: Till) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    (request,) = till.provider.waiting_for(OTHER_NUMBER)
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.run(3)
    payment.acknowledge()
    till.provider.pay_anyway(NUMBER, qr)

    def without_amounts(document: dict[str, Any]) -> None:
        for payer in document["preTransaction"]["transaction"]["payers"]:
            payer["authorizations"] = []

    for _ in range(500):
        till.fault("pre-transactions", whole_rewritten(without_amounts))
    till.run(HOUR_S)
    assert held(till) == ASKED or till.engine._journal.unsettled() == ["r1"]


def test_either_way_the_label_is_refused_with_the_reason_when_the_qr_was_first(till: Till) -> None:
    payment = till.ask(way="either")
    till.provider.scan(NUMBER, payment.attempt.qr_payload)  # the till has not heard yet
    pre = payment.attempt.pre_transaction_id
    taken = b'{"preTransaction": {"id": "%s", "state": "SCANNED"}}' % pre.encode()
    till.fault(
        "cancellation", lambda _, __: HttpResponse(200, {}, taken)
    )  # taken, without effect: it was first
    payment.identify(OTHER_NUMBER)
    till.run(3)
    assert state(payment) is State.SCANNED
    assert "ScanRefused" in [event.name for event in told(payment)]
    assert payment.attempt.beneficiary != "10*****4062"  # the refused label names nobody


def test_either_way_a_qr_that_was_scanned_wins_although_the_till_had_not_heard(till: Till) -> None:
    payment = till.ask(way="either")
    till.provider.scan(NUMBER, payment.attempt.qr_payload)
    payment.identify(OTHER_NUMBER)
    till.run(3)
    assert state(payment) is State.SCANNED
    assert "payment-transactions/payer" not in till.paths()


def test_duplicate_late_and_out_of_order_the_update_date_decides_within_a_rank(till: Till) -> None:
    payment = paid(till)
    readings: list[HttpResponse] = []

    def kept(_: HttpRequest, really: Really) -> HttpResponse:
        readings.append(really())
        return readings[-1]

    till.fault("GET", kept)
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(60)
    till.provider.amend(payment.attempt.transaction_id, 2000)
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(2)
    assert payment.attempt.received_cents == 2000
    till.fault("GET", lambda _, __: readings[0])  # an older reading comes late, with its older updateDate
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(2)
    assert payment.attempt.received_cents == 2000


def test_amount_changes_after_it_was_approved_and_recorded_and_a_notification_says_so(till: Till) -> None:
    payment = paid(till)
    payment.acknowledge()
    till.run(10)
    till.provider.amend(payment.attempt.transaction_id, 2000)
    till.engine.hint(payment.attempt.transaction_id, payment.attempt.payment_id)
    till.run(10)
    assert "AmountChanged" in [event.name for event in told(payment)]


def test_paid_without_readable_authorizations_after_it_expired_is_an_open_item(till: Till) -> None:
    payment = keyed(till)
    till.run(400)
    assert state(payment) is State.EXPIRED
    payment.acknowledge()
    till.provider.late_pay(payment.attempt.transaction_id)
    for _ in range(500):
        till.fault("GET", whole_rewritten(lambda document: document["transaction"].update(payers=[])))
    till.run(300)
    assert till.engine._journal.unsettled() == ["r1"]


def test_not_found_just_after_the_second_create(till: Till) -> None:
    payment = till.ask(way="either")
    till.run(100)
    payment.identify(OTHER_NUMBER)
    till.run()
    assert state(payment) is State.AWAITING
    till.fault("payment-transactions", refusal("TRANSACTION_NOT_FOUND"))
    till.run(3)
    assert state(payment) is State.AWAITING


def test_clock_jumps_not_found_just_after_create(till: Till) -> None:
    clock = wall_clock(till)
    payment = keyed(till)
    clock.off = timedelta(hours=1)
    till.fault("GET", refusal("TRANSACTION_NOT_FOUND"))
    till.run(3)
    assert state(payment) is State.AWAITING


def test_clock_jumps_a_reversal_in_time_is_not_refused(till: Till) -> None:
    clock = wall_clock(till)
    payment = paid(till)
    clock.off = timedelta(hours=5)
    payment.reverse()
    till.run(5)
    assert state(payment) is State.REVERSED


def test_clock_jumps_a_line_is_not_freed_early(till: Till) -> None:
    clock = wall_clock(till)
    payment = keyed(till)
    for _ in range(200):
        till.fault("/", lose_request)
    clock.off = timedelta(hours=1)
    with pytest.raises(NotAllowedNow):
        payment.release_line("chef de caisse")


def test_clock_jumps_a_rival_is_not_forgotten(till: Till) -> None:
    clock = wall_clock(till)
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    clock.off = timedelta(days=3)
    till.run(30)
    (request,) = till.provider.waiting_for(OTHER_NUMBER)
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.provider.pay_anyway(NUMBER, qr)
    till.run(600)
    assert held(till) == ASKED


@pytest.mark.parametrize("body", [b"", b"<html>too many requests</html>"])
@pytest.mark.parametrize("status", [429, 503])
def test_polling_honours_retry_after_whatever_the_body(till: Till, status: int, body: bytes) -> None:
    keyed(till)
    till.fault("GET", answer(body, status, **{"retry-after": "45"}))
    till.run(3)
    asked = len(till.sent)
    till.run(40)
    assert len(till.sent) == asked


def test_credential_refused_is_not_retried_by_a_restart(till: Till) -> None:
    payment = till.ask(way="scan")
    till.fault("payer", refusal("INVALID_SEAL"))
    payment.identify(NUMBER)
    till.run(5)
    sent = len(till.sent)
    till.restart()
    till.run(60)
    assert len(till.sent) == sent


@pytest.mark.parametrize("status", [401, 403])
def test_credential_refused_by_the_http_status_alone(till: Till, status: int) -> None:
    keyed(till)
    for _ in range(100):
        till.fault("/", lambda _, __: HttpResponse(status, {}, b""))
    till.run(3)
    sent = len(till.sent)
    till.run(60)
    assert len(till.sent) == sent


def test_other_transaction_pending_our_own_are_asked_before_the_cashier_is_told(till: Till) -> None:
    keyed(till, "r1")
    second = till.ask("r2", basket_ref="B2", way="scan")
    told(second)
    known: list[list[str]] = []

    def asked(_: HttpRequest, really: Really) -> HttpResponse:
        known.append([event.name for event in told(second)])
        return really()

    till.fault("GET", asked)
    second.identify(NUMBER)
    till.run()
    till.run(3)
    assert known and "CustomerBusy" not in known[0]


def test_answer_to_payer_lost_then_refused_another_customer_is_still_another_attempt(till: Till) -> None:
    payment = till.ask(way="scan")
    landing = delay(till, "payer")
    till.fault("payer", refusal("OTHER_TRANSACTION_PENDING"))
    payment.identify(NUMBER)
    till.run(3)
    assert (state(payment), len(landing)) == (State.OPENED, 1)  # the first may still arrive
    with pytest.raises(NotAllowedNow):
        payment.identify(OTHER_NUMBER)


def test_keep_or_reverse_that_nobody_answers_without_a_validation_date(till: Till) -> None:
    payment = keyed(till)
    till.run(400)
    payment.acknowledge(settled_otherwise=True)
    till.provider.late_pay(payment.attempt.transaction_id)

    def undated(document: dict[str, Any]) -> None:
        for payer in document.get("transaction", {}).get("payers", []):
            for authorization in payer["authorizations"]:
                authorization.pop("validationDate", None)

    for _ in range(3_000):
        till.fault("GET", whole_rewritten(undated))
    till.run(4 * HOUR_S)
    assert held(till) == 0


def test_two_processes_an_order_is_never_dropped_without_a_word(till: Till) -> None:
    payment = keyed(till)
    second = Till(till.folder, beside=till)
    try:
        follower = second.engine.resume("r1")
        try:
            follower.cancel()  # before the second has found out that the first acts
        except NotAllowedNow:
            return
        run_together(till, second, seconds=30)
        assert state(payment) is State.CANCELLED
    finally:
        second.engine.close()


def test_more_than_asked_after_it_was_approved_needs_a_person(till: Till) -> None:
    payment = paid(till)
    till.provider.amend(payment.attempt.transaction_id, 6000)
    till.engine.hint(payment.attempt.transaction_id, "")
    till.run(60)
    assert payment.wait(0).needs_decision and payment.attempt.reason == "OVERPAID"


def test_disk_full_journal_locked_or_damaged_on_a_disk_without_a_page_left(till: Till) -> None:
    payment = keyed(till)
    journal = till.engine._journal
    assert isinstance(journal, SqliteJournal) and journal._connection
    pages = journal._connection.pragma("page_count")
    journal._connection.pragma("max_page_count", pages)
    sent: list[int] = []

    def fill() -> None:
        for number in range(500):
            sent.append(len(till.paths()))
            till.ask(f"x{number}", basket_ref=f"X{number}", way="scan", label="l" * 100)

    with pytest.raises(JournalError) as refused:
        fill()
    assert (refused.value.code, len(till.paths())) == ("JOURNAL_DISK_FULL", sent[-1])
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    journal._connection.pragma("max_page_count", 2 * pages)  # somebody made room
    till.run(5)
    assert payment.wait(0).received_cents == ASKED
