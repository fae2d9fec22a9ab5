"""Schedules that once broke a promise, and what became of them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import apsw
import pytest

from cvconnect_pos import (
    AttemptStillOpen,
    Beneficiary,
    BeneficiaryKind,
    InvalidInput,
    JournalError,
    NotAllowedNow,
    Payment,
    State,
)
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import NUMBER, OTHER_NUMBER, Till, lose_answer, lose_request, told

Really = Callable[[], HttpResponse]


def answer(body: str, **headers: str) -> Callable[[HttpRequest, Really], HttpResponse]:
    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        really()
        return HttpResponse(200, headers, body.encode())

    return behave


def keyed(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    return till.ask(request_id, way="keyed", beneficiary=NUMBER, **more)


def paid(till: Till) -> Payment:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).is_paid
    return payment


def keep_while_a_cancel_is_slow(till: Till, payment: Payment) -> Really:
    """Cancel, pay meanwhile, keep and record; give what lets the cancel arrive at last."""
    late: list[Really] = []

    def delayed(request: HttpRequest, really: Really) -> HttpResponse:
        late.append(really)
        return lose_request(request, really)

    till.fault("cancellation", delayed)
    payment.cancel()
    till.run()
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    payment.keep()
    till.run()
    payment.acknowledge()
    return late[0]


def state(payment: Payment) -> State:
    return payment.attempt.state


def test_a_qr_whose_cancel_was_refused_is_never_followed_by_a_second_request(till: Till) -> None:
    payment = till.ask(way="either")
    pre = payment.attempt.pre_transaction_id
    till.fault("cancellation", lambda _, __: HttpResponse(409, {}, b'{"errorCode": "BAD_REQUEST"}'))
    till.fault("GET", answer(f'{{"preTransaction": {{"id": "{pre}", "state": "ERROR"}}}}'))
    payment.identify(NUMBER)
    till.run(400)
    assert "payment-transactions/payer" not in till.paths()
    assert payment.wait(0).state in {State.EXPIRED, State.CANCELLED}


def test_a_second_request_of_an_attempt_has_a_reference_of_its_own(till: Till) -> None:
    payment = till.ask(way="either")
    first = payment.attempt.payment_id
    payment.identify(NUMBER)
    till.run()
    assert payment.attempt.payment_id != first
    assert {t.order.payment_id for t in till.provider.transactions()} == {payment.attempt.payment_id}


@pytest.mark.parametrize("said", ["VALIDATED", "CANCELLED"])
def test_another_qrs_answer_is_never_taken_for_ours(till: Till, said: str) -> None:
    payment = till.ask(way="qr")
    money = '[{"number": "1", "amount": {"total": 4550, "currency": "978"}}]'
    linked = f'{{"id": "x", "state": "{said}", "payers": [{{"authorizations": {money}}}]}}'
    till.fault(
        "GET", answer(f'{{"preTransaction": {{"id": "other", "state": "{said}", "transaction": {linked}}}}}')
    )
    till.run(2.5)
    assert state(payment) is State.IN_DOUBT
    till.run(400)
    assert payment.wait(0).state in {State.EXPIRED, State.CANCELLED}


def test_a_cancel_that_lands_on_a_kept_payment_is_seen(till: Till) -> None:
    payment = keyed(till)
    landing = keep_while_a_cancel_is_slow(till, payment)
    till.run(60)
    landing()
    till.run(600)
    assert payment.wait(0).state is State.REVERSED_AFTER_KEEP
    assert [p.request_id for p in till.engine.unacknowledged()] == ["r1"]


def test_a_decision_is_listed_and_survives_a_restart(till: Till) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    payment.cancel()
    till.run()
    assert state(payment) is State.DECIDING
    till.restart()
    till.run(1)
    (late,) = till.engine.unacknowledged()
    outcome = late.wait(0)
    assert outcome.needs_decision
    with pytest.raises(NotAllowedNow):
        late.acknowledge()
    late.keep()
    till.run()
    assert late.wait(0).is_paid


def test_the_first_label_counts_and_a_second_one_changes_nobody(till: Till) -> None:
    payment = till.ask(way="scan")
    payment.identify(NUMBER)
    payment.identify(OTHER_NUMBER)
    till.run()
    assert payment.attempt.beneficiary == "10*****3051"
    assert [t.payer.beneficiary_id for t in till.provider.transactions() if t.payer] == [NUMBER]


def test_a_label_never_changes_whom_the_repeat_asks(till: Till) -> None:
    payment = till.ask(way="scan")
    till.fault("payer", lose_request)
    payment.identify(NUMBER)
    till.run()
    with pytest.raises(NotAllowedNow):
        payment.identify(OTHER_NUMBER)
    till.run(5)
    assert [t.payer.beneficiary_id for t in till.provider.transactions() if t.payer] == [NUMBER]


def test_an_attempt_has_one_handle_as_long_as_somebody_holds_it(till: Till) -> None:
    payment = paid(till)
    payment.acknowledge()
    till.run(60)
    assert till.engine.resume("r1") is payment
    payment.reverse()
    till.run()
    assert payment.wait(0).state is State.REVERSED
    assert till.engine.resume("r1") is payment


def test_what_is_over_and_recorded_leaves_the_memory(till: Till) -> None:
    for number in range(5):
        payment = till.ask(f"r{number}", way="keyed", beneficiary=NUMBER, basket_ref=f"B{number}")
        till.phone.refuse(till.phone.incoming()[0])
        till.run(3)
        payment.acknowledge()
        del payment
    till.run(2 * 86_400)
    gc.collect()
    assert not till.engine._driver._mail.boxes()
    assert not till.engine._payments


@pytest.mark.parametrize(
    "given_back",
    ["[]", '[{"number": "1", "amount": {"total": "?", "currency": "978"}}]', '[{"number": "1"}]'],
)
def test_a_re_credit_without_a_readable_amount_keeps_the_one_that_was_known(
    till: Till, given_back: str
) -> None:
    payment = paid(till)
    body = (
        f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "CANCELLED", '
        f'"payers": [{{"authorizations": {given_back}}}]}}}}'
    )
    payment.reverse()
    till.fault("GET", answer(body))
    till.run()
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.reversed_cents) == (State.REVERSED, 0, 4550)


def test_a_re_credit_of_an_amount_never_read_is_in_doubt(till: Till) -> None:
    payment = keyed(till)
    body = (
        f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "CANCELLED", '
        '"payers": [{"authorizations": [{"number": "1"}]}]}}'
    )
    till.fault("GET", answer(body))
    till.run(2.5)
    assert state(payment) is State.IN_DOUBT


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("", {"date": "Sat, 21 Nov 2026 13:05:00 -0000"}),
        ("", {"date": "Fri, 31 Dec 9999 23:59:59 -2359"}),
        (
            '{"transaction": {"id": "%s", "state": "PROCESSING", "expirationDate": "0001-01-01T00:00:00+14:00"}}',
            {},
        ),
    ],
)
def test_a_strange_date_stops_no_payment(till: Till, body: str, headers: dict[str, str]) -> None:
    payment = keyed(till)

    def strange(_: HttpRequest, really: Really) -> HttpResponse:
        real = really()
        said = body.replace("%s", payment.attempt.transaction_id).encode() if body else real.body
        return HttpResponse(200, headers, said)

    till.fault("GET", strange)
    till.run(5)
    till.phone.pay(till.phone.incoming()[0])
    till.run(10)
    assert payment.wait(0).received_cents == 4550


def test_devices_that_raise_stop_no_payment(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> int:
        raise RuntimeError("a till's mistake")

    monkeypatch.setattr(till.devices, "carry_out", broken)
    assert paid(till).wait(0).received_cents == 4550


def test_an_id_that_could_be_a_path_is_no_answer(till: Till) -> None:
    till.fault("POST", answer('{"transaction": {"id": "../x", "state": "INITIALIZED"}}'))
    assert till.ask(way="scan").wait(0).state is State.ORPHANED


def test_an_overpaid_payment_is_given_back_even_when_the_first_try_is_lost(till: Till) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    order = payment.attempt.order
    payment._attempt = replace(payment.attempt, order=replace(order, amount_cents=4000))
    till.run(3)
    assert payment.wait(0).reason == "OVERPAID"
    till.fault("cancellation", lose_request)
    payment.reverse()
    till.run(5)
    assert payment.wait(0).state is State.REVERSED


def test_a_doubt_that_clears_up_unpaid_is_cancelled(till: Till) -> None:
    payment = till.ask(way="qr")
    pre = payment.attempt.pre_transaction_id
    till.fault("GET", answer(f'{{"preTransaction": {{"id": "{pre}", "state": "SIDEWAYS"}}}}'))
    till.run(60)
    assert payment.wait(0).state is State.CANCELLED


def test_a_reversal_that_was_taken_without_effect_is_said_so(till: Till) -> None:
    payment = paid(till)
    told(payment)
    money = '[{"number": "1", "amount": {"total": 4550, "currency": "978"}}]'
    linked = f'"payers": [{{"authorizations": {money}}}]'
    really_paid = (
        f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "VALIDATED", {linked}}}}}'
    )
    till.fault("cancellation", lambda _, __: HttpResponse(200, {}, really_paid.encode()))
    payment.reverse()
    till.run(120)
    assert [event.name for event in told(payment)] == ["ReversalRefused"]
    assert payment.wait(0).is_paid
    assert till.paths().count("payment-transactions/cancellation") == 1


def test_an_open_request_is_looked_at_although_nobody_was_named(till: Till) -> None:
    payment = till.ask(way="scan")
    till.provider.set_payer(payment.attempt.transaction_id, NUMBER, 4550)
    till.phone.pay(till.phone.incoming()[0])
    till.run(40)
    assert payment.wait(0).received_cents == 4550


def test_a_handle_that_is_held_never_hangs_after_the_end(till: Till) -> None:
    payment = paid(till)
    payment.hold()  # a ticket whose outcome will never be told
    payment.acknowledge()
    till.run(60)
    till.engine.close()
    told(payment)
    assert payment.next_event(0) is None


def test_a_closed_engine_takes_nothing(till: Till) -> None:
    payment = till.ask(way="scan")
    till.engine.close()
    for act in (
        payment.cancel,
        lambda: payment.identify(NUMBER),
        lambda: till.ask("r2"),
        lambda: till.engine.resume("r1"),
    ):
        with pytest.raises(NotAllowedNow) as caught:
            act()
        assert caught.value.code == "STATION_CLOSED"


def test_calls_that_are_lost_in_turn_are_bounded(till: Till) -> None:
    payment = keyed(till)
    for _ in range(2000):
        till.fault("cancellation", lose_request)
    payment.cancel()
    till.run(600)
    assert till.paths().count("payment-transactions/cancellation") <= 150


@pytest.mark.parametrize("value", [10000003051, None, object(), b"10000003051", 1.5])
def test_an_identifier_that_is_no_text_is_a_typed_error(till: Till, value: Any) -> None:
    payment = till.ask(way="scan")
    with pytest.raises(InvalidInput):
        payment.identify(value)
    with pytest.raises(InvalidInput):
        till.tender.request(
            request_id="r2", amount_cents=4550, basket_ref="B2", way="keyed", beneficiary=value
        )


def test_a_beneficiary_cannot_be_made_around_the_check() -> None:
    for kind, value in (
        (BeneficiaryKind.EMAIL, "x"),
        (BeneficiaryKind.NUMBER, "1"),
        (BeneficiaryKind.EMAIL, NUMBER),
    ):
        with pytest.raises(InvalidInput):
            Beneficiary(kind, value)


def test_a_way_that_is_an_identifier_is_not_quoted(till: Till) -> None:
    with pytest.raises(InvalidInput) as caught:
        till.ask(way=NUMBER)
    assert NUMBER not in str(caught.value) + caught.value.text() + str(caught.value.fields)


def test_a_journal_that_cannot_be_written_is_told_once(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = till.ask(way="scan")

    def full(*_: Any, **__: Any) -> None:
        raise JournalError("JOURNAL_DISK_FULL", path="journal")

    with monkeypatch.context() as patch:
        patch.setattr(type(till.engine._journal), "append", full)
        payment.identify(NUMBER)
        till.run(60)
    till.run(5)
    names = [event.name for event in told(payment)]
    assert names.count("JournalTrouble") == 1
    assert names[-1] == "AwaitingCustomer"


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
@pytest.mark.parametrize("way", ["qr", "scan", "either", "keyed"])
def test_every_lost_call_of_every_way_ends_with_the_books_in_agreement(
    till: Till, way: str, lost: Any
) -> None:
    for number in range(6):
        name = f"{way}{number}"
        beneficiary: dict[str, Any] = {"beneficiary": NUMBER} if way == "keyed" else {}
        till.faults.clear()
        till.fault("POST" if number % 2 else "/", lost)
        payment = till.ask(name, basket_ref=name, way=way, **beneficiary)
        if state(payment) is State.OPENED:
            payment.identify(NUMBER)
            till.run(5)
        if state(payment) is State.AWAITING and number > 2:
            till.phone.pay(till.phone.incoming()[0], 3000)
        payment_over = state(payment) is State.ORPHANED
        if not payment_over:
            till.run(400)
        outcome = payment.wait(0)
        has = sum(
            t.received_cents for t in till.provider.transactions()
            if t.order.payment_id == payment.attempt.payment_id and t.state == "VALIDATED"
        )  # fmt: skip
        assert outcome.received_cents == has
        payment.acknowledge()
        till.run(60)  # creates without an answer open the circuit for a while


def test_a_damaged_attempt_stops_new_requests_and_not_the_others(till: Till) -> None:
    keyed(till, "r1")
    till.ask("r2", basket_ref="B2", way="keyed", beneficiary=OTHER_NUMBER)
    till.engine.close()
    connection = apsw.Connection(str(till.folder / "journal.sqlite3"))
    connection.execute("DROP TRIGGER IF EXISTS entries_stay")
    connection.execute(
        "UPDATE entries SET data = '{\"way\":\"fax\"}' WHERE request_id = 'r1' AND kind = 'REQUEST'"
    )
    connection.close()
    try:
        till.start()
    except JournalError as error:
        assert error.code.startswith("JOURNAL_")
        return
    till.engine.recover()
    till.run(3)
    with pytest.raises(JournalError):
        till.ask("r3", basket_ref="B3")
    assert till.engine.resume("r2").attempt.state is State.AWAITING


def test_a_late_payment_blocks_the_basket_until_somebody_decides(till: Till) -> None:
    payment = keyed(till)
    till.fault(
        "GET", answer(f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "EXPIRED"}}}}')
    )
    till.run(3)
    payment.acknowledge()
    till.phone.pay(till.phone.incoming()[0])
    till.run(60)
    assert [p.wait(0).reason for p in till.engine.unacknowledged()] == ["LATE_PAYMENT"]
    with pytest.raises(AttemptStillOpen):
        till.ask("r2")
    assert (Command.TICKET, "DECIDING") not in till.devices.commands


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_late_payment_is_seen_after_a_restart(till: Till, acknowledged: bool) -> None:
    payment = keyed(till)
    till.fault(
        "GET", answer(f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "EXPIRED"}}}}')
    )
    till.run(3)
    assert state(payment) is State.EXPIRED
    if acknowledged:
        payment.acknowledge()
    till.phone.pay(till.phone.incoming()[0])
    till.restart()
    till.run(60)
    assert [p.wait(0).reason for p in till.engine.unacknowledged()] == ["LATE_PAYMENT"]


def test_a_cancel_that_lands_after_a_restart_is_seen(till: Till) -> None:
    payment = keyed(till)
    landing = keep_while_a_cancel_is_slow(till, payment)
    landing()
    till.restart()
    till.run(5)
    assert [p.wait(0).state for p in till.engine.unacknowledged()] == [State.REVERSED_AFTER_KEEP]


def test_what_is_long_over_is_left_alone_at_a_start(till: Till) -> None:
    payment = keyed(till)
    till.phone.refuse(till.phone.incoming()[0])
    till.run(3)
    payment.acknowledge()
    till.run(2 * 86_400)
    sent = len(till.sent)
    till.restart()
    till.run(3600)
    assert len(till.sent) == sent
