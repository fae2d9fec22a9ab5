"""Races and faults: the right outcome, and nothing sent twice. Each schedule is played by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cvconnect_pos import AttemptStillOpen, CredentialRefused, NotAllowedNow, Payment, RequestIdReused, State
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.errors import JournalError, NotSent
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import NUMBER, OTHER_NUMBER, Till, lose_answer, lose_request, told

Really = Callable[[], HttpResponse]


def names(payment: Payment) -> list[str]:
    return [event.name for event in told(payment)]


def answer(body: bytes, status: int = 200) -> Callable[[HttpRequest, Really], HttpResponse]:
    """The provider does it, and something else comes back."""

    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        really()
        return HttpResponse(status, {}, body)

    return behave


def state(payment: Payment) -> State:
    return payment.attempt.state


def own_id(payment: Payment) -> bytes:
    return payment.attempt.transaction_id.encode()


def keyed(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    return till.ask(request_id, way="keyed", beneficiary=NUMBER, **more)


# --- create ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["qr", "scan"])
@pytest.mark.parametrize(
    "fault",
    [
        lose_answer,
        lose_request,
        answer(b""),
        answer(b'{"transaction": {"id": "ab'),
        answer(b"<html>proxy</html>"),
        answer(b"[]"),
        answer(b'{"transaction": 7, "preTransaction": 7}'),
        answer(b'{"transaction": {"id": 12.5}, "preTransaction": {"id": {}}}'),
        answer(b'{"transaction": {"id": "../../x", "state": "VALIDATED"}, "preTransaction": {"id": "a"}}'),
        answer(b"\xff\xfe", 502),
        answer(b"{}", 500),
        answer(b'{"errorCode": "INTERNAL_SERVER_ERROR"}', 500),
        answer(b"[" * 100_000),
    ],
)
def test_create_lost_the_line_is_free_and_nothing_is_sent_again(
    till: Till, way: str, fault: Callable[[HttpRequest, Really], HttpResponse]
) -> None:
    till.fault("POST", fault)
    payment = till.ask(way=way)
    till.run(600)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents) == (State.ORPHANED, 0)
    assert names(payment) == ["NotStarted"]
    assert len(till.paths()) == 1
    payment.acknowledge()
    till.ask("r2", way=way)
    assert len(till.paths()) == 2


def test_a_provider_that_cannot_be_reached_is_said_so(till: Till) -> None:
    def refused(_: HttpRequest, __: Really) -> HttpResponse:
        raise NotSent(reason="test")

    till.fault("POST", refused)
    payment = till.ask(way="qr")
    assert payment.wait(0).reason == "PROVIDER_UNREACHABLE"


# --- payer ----------------------------------------------------------------------------------------------------------


def test_payer_answer_lost_is_settled_by_a_status_call(till: Till) -> None:
    till.fault("payer", lose_answer)
    payment = keyed(till)
    assert state(payment) is State.PAYER_UNKNOWN
    till.run(3)
    assert state(payment) is State.AWAITING
    assert till.paths().count("payment-transactions/payer") == 1


def test_payer_request_lost_is_sent_again_only_when_the_provider_shows_no_payer(till: Till) -> None:
    till.fault("payer", lose_request)
    payment = keyed(till)
    till.run(3)
    assert state(payment) is State.AWAITING
    assert till.sent.index(("GET", "payment-transactions")) < len(till.sent) - 1
    assert till.paths().count("payment-transactions/payer") == 2
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).received_cents == 4550


def test_a_line_that_loses_every_payer_call_is_not_hammered(till: Till) -> None:
    for _ in range(100):
        till.fault("payer", lose_request)
    keyed(till)
    till.run(30)
    assert till.paths().count("payment-transactions/payer") <= 40


# --- cancel ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["qr", "scan"])
def test_cancel_asks_first_then_cancels_then_asks_again(till: Till, way: str) -> None:
    payment = till.ask(way=way)
    before = len(till.sent)
    payment.cancel()
    till.run()
    assert [method for method, _ in till.sent[before:]] == ["GET", "POST", "GET"]
    assert payment.wait(0).state is State.CANCELLED
    assert names(payment)[-2:] == ["Cancelling", "Cancelled"]


def test_cancel_crosses_the_customer_who_pays_first(till: Till) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    payment.cancel()
    till.run()
    outcome = payment.wait(0)
    assert outcome.needs_decision and outcome.received_cents == 3000 and outcome.reason == "CANCEL_CROSSED"
    assert "payment-transactions/cancellation" not in till.paths()
    payment.keep()
    till.run()
    assert payment.wait(0).is_paid


def test_cancel_crosses_the_customer_between_status_and_cancel(till: Till) -> None:
    payment = keyed(till)

    def paid_just_before(_: HttpRequest, really: Really) -> HttpResponse:
        till.phone.pay(till.phone.incoming()[0])
        return really()

    till.fault("cancellation", paid_just_before)
    payment.cancel()
    till.run()
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.reversed_cents) == (State.REVERSED, 0, 4550)
    assert till.phone.balance_cents() == 100_000


def test_a_decision_to_reverse_gives_the_money_back(till: Till) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    payment.cancel()
    till.run()
    payment.reverse()
    till.run()
    assert payment.wait(0).state is State.REVERSED
    assert till.phone.balance_cents() == 100_000


def test_cancel_answer_lost_is_not_repeated_when_it_worked(till: Till) -> None:
    payment = keyed(till)
    till.fault("cancellation", lose_answer)
    payment.cancel()
    till.run(5)
    assert payment.wait(0).state is State.CANCELLED
    assert till.paths().count("payment-transactions/cancellation") == 1


def test_cancel_request_lost_is_repeated_only_while_pending(till: Till) -> None:
    payment = keyed(till)
    till.fault("cancellation", lose_request)
    payment.cancel()
    till.run(5)
    assert payment.wait(0).state is State.CANCELLED
    assert till.paths().count("payment-transactions/cancellation") == 2


def test_cancel_lost_and_then_paid_is_never_a_blind_reversal(till: Till) -> None:
    payment = keyed(till)
    till.fault("cancellation", lose_request)
    payment.cancel()
    till.run()
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    assert payment.wait(0).needs_decision
    assert till.paths().count("payment-transactions/cancellation") == 1


def test_cancel_while_the_create_is_in_flight_waits_for_its_answer(till: Till) -> None:
    payment = till.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
    payment.cancel()
    till.run(2)
    assert payment.wait(0).state is State.CANCELLED


def test_what_is_over_cannot_be_cancelled(till: Till) -> None:
    payment = keyed(till)
    till.phone.refuse(till.phone.incoming()[0])
    till.run(3)
    with pytest.raises(NotAllowedNow) as caught:
        payment.cancel()
    assert caught.value.code == "NOT_ALLOWED_NOW"


# --- reversal -------------------------------------------------------------------------------------------------------


def paid(till: Till, request_id: str = "r1") -> Payment:
    payment = keyed(till, request_id)
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).is_paid
    return payment


def test_a_payment_is_reversed_even_after_it_was_acknowledged(till: Till) -> None:
    payment = paid(till)
    payment.acknowledge()
    payment.reverse()
    till.run()
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.reversed_cents) == (State.REVERSED, 0, 4550)
    assert not payment.attempt.acknowledged
    assert [p.request_id for p in till.engine.unacknowledged()] == ["r1"]


def test_a_reversal_whose_answer_was_lost_is_settled_by_a_status_call(till: Till) -> None:
    payment = paid(till)
    till.fault("cancellation", lose_answer)
    payment.reverse()
    till.run(5)
    assert payment.wait(0).state is State.REVERSED
    assert till.paths().count("payment-transactions/cancellation") == 1


def test_a_reversal_after_four_hours_is_refused_and_the_payment_stands(till: Till) -> None:
    payment = paid(till)
    names(payment)
    till.run(4 * 3600 + 1)
    payment.reverse()
    till.run(5)
    assert names(payment) == ["ReversalRefused"]
    outcome = payment.wait(0)
    assert outcome.is_paid and outcome.received_cents == 4550


# --- the provider's word --------------------------------------------------------------------------------------------


def test_late_payment_beats_a_local_end(till: Till) -> None:
    payment = keyed(till)
    expired = b'{"transaction": {"id": "%s", "state": "EXPIRED"}}' % payment.attempt.transaction_id.encode()
    till.fault("GET", answer(expired))
    till.run(3)
    assert payment.wait(0).state is State.EXPIRED
    payment.acknowledge()
    till.phone.pay(till.phone.incoming()[0])
    till.run(60)
    outcome = payment.wait(0)
    assert outcome.needs_decision and outcome.reason == "LATE_PAYMENT" and not payment.attempt.acknowledged
    with pytest.raises(AttemptStillOpen):
        till.ask("r2")


@pytest.mark.parametrize(
    "authorizations",
    [
        "[]",
        '[{"number": "1", "amount": {"total": 4550, "currency": "840"}}]',
        '[{"number": "1", "amount": {"total": 45.5, "currency": "978"}}]',
        '[{"number": "1", "amount": {"total": "much", "currency": "978"}}]',
        '[{"number": "1"}]',
        '[{"number": "1", "amount": {"total": 0, "currency": "978"}}]',
        '[{"number": "1", "amount": {"total": -4550, "currency": "978"}}]',
        '[{"number": "1", "amount": {"total": 4550, "currency": "978"}}, {"number": "2"}]',
    ],
)
def test_a_paid_state_without_a_readable_amount_is_in_doubt_and_asked_again(
    till: Till, authorizations: str
) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    body = (
        f'{{"transaction": {{"id": "{payment.attempt.transaction_id}", "state": "VALIDATED", '
        f'"payers": [{{"authorizations": {authorizations}}}]}}}}'
    )
    till.fault("GET", answer(body.encode()))
    till.run(2.5)
    assert state(payment) is State.IN_DOUBT
    assert payment.outcome is None and payment.attempt.received_cents is None
    till.run(8)
    assert payment.wait(0).received_cents == 3000


def test_an_unknown_state_is_in_doubt(till: Till) -> None:
    payment = keyed(till)
    till.fault("GET", answer(b'{"transaction": {"id": "%s", "state": "SIDEWAYS"}}' % own_id(payment)))
    till.run(2.5)
    assert state(payment) is State.IN_DOUBT
    assert "InDoubt" in names(payment)
    till.run(8)
    assert state(payment) is State.SCANNED
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).received_cents == 4550


@pytest.mark.parametrize("ours", ['"id": "x"', '"id": "%s", "order": {"paymentId": "somebody-else"}'])
def test_another_transactions_answer_is_never_taken_for_ours(till: Till, ours: str) -> None:
    payment = keyed(till)
    named = ours.replace("%s", payment.attempt.transaction_id)
    body = (
        f'{{"transaction": {{{named}, "state": "VALIDATED", "payers": '
        '[{"authorizations": [{"number": "1", "amount": {"total": 4550, "currency": "978"}}]}]}}'
    )
    till.fault("GET", answer(body.encode()))
    till.run(2.5)
    assert state(payment) is State.IN_DOUBT
    till.run(10)
    assert state(payment) is State.SCANNED


def test_more_than_asked_is_never_closed_by_itself(till: Till) -> None:
    payment = keyed(till)
    body = (
        b'{"transaction": {"id": "%s", "state": "VALIDATED", "payers": '
        b'[{"authorizations": [{"number": "1", "amount": {"total": 5000, "currency": "978"}}]}]}}'
    ) % own_id(payment)
    till.fault("GET", answer(body))
    till.run(2.5)
    outcome = payment.wait(0)
    assert outcome.needs_decision and outcome.reason == "OVERPAID" and outcome.received_cents == 5000


def test_not_found_just_after_create_is_no_news(till: Till) -> None:
    payment = keyed(till)
    for _ in range(3):
        till.fault("GET", answer(b'{"errorCode": "TRANSACTION_NOT_FOUND"}', 404))
    till.run(7)
    assert state(payment) is State.AWAITING
    till.run(60)
    till.fault("GET", answer(b'{"errorCode": "TRANSACTION_NOT_FOUND"}', 404))
    till.run(6)
    assert state(payment) is State.IN_DOUBT


@pytest.mark.parametrize("code", ["INVALID_SEAL", "MERCHANT_NOT_ALLOWED"])
def test_a_refused_credential_stops_every_call(till: Till, code: str) -> None:
    till.fault("POST", answer(b'{"errorCode": "%s"}' % code.encode(), 200))
    payment = till.ask(way="qr")
    assert payment.wait(0).reason == code
    payment.acknowledge()
    sent = len(till.sent)
    with pytest.raises(CredentialRefused) as caught:
        till.ask("r2")
    till.run(3600)
    assert caught.value.code == code
    assert len(till.sent) == sent


# --- identity -------------------------------------------------------------------------------------------------------


def test_the_same_request_id_is_the_same_payment(till: Till) -> None:
    first = till.ask()
    assert till.ask() is first
    assert len(till.paths()) == 1


@pytest.mark.parametrize(
    "other", [{"amount_cents": 4600}, {"basket_ref": "B2"}, {"way": "scan"}, {"label": "x"}]
)
def test_the_same_request_id_with_other_arguments_is_refused(till: Till, other: dict[str, Any]) -> None:
    till.ask()
    with pytest.raises(RequestIdReused):
        till.ask(**other)
    assert len(till.paths()) == 1


def test_a_basket_with_an_open_or_unacknowledged_attempt_takes_no_other(till: Till) -> None:
    payment = keyed(till, "r1")
    with pytest.raises(AttemptStillOpen):
        till.ask("r2")
    till.phone.refuse(till.phone.incoming()[0])
    till.run(3)
    with pytest.raises(AttemptStillOpen):
        till.ask("r2")
    payment.acknowledge()
    assert till.ask("r2").request_id == "r2"


# --- restarts -------------------------------------------------------------------------------------------------------


def test_restart_redelivers_an_unacknowledged_result(till: Till) -> None:
    paid(till)
    till.restart()
    (late,) = till.engine.unacknowledged()
    outcome = late.outcome
    assert outcome is not None and (outcome.received_cents, outcome.is_paid) == (4550, True)
    assert names(late) == ["Approved"]
    late.acknowledge()
    late.acknowledge()
    till.restart()
    assert till.engine.unacknowledged() == []


def test_restart_finds_a_payment_made_while_the_till_was_down(till: Till) -> None:
    keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    till.restart()
    till.run(1)
    (late,) = till.engine.unacknowledged()
    assert late.wait(0).received_cents == 3000


def test_restart_between_payer_and_its_answer(till: Till) -> None:
    till.fault("payer", lose_answer)
    payment = keyed(till)
    assert state(payment) is State.PAYER_UNKNOWN
    till.restart()
    till.run(1)
    assert till.engine.resume("r1").attempt.state is State.AWAITING


def test_restart_before_the_payer_arrived_asks_the_same_customer_again(till: Till) -> None:
    till.fault("payer", lose_request)
    keyed(till)
    till.restart()
    till.run(5)
    assert till.engine.resume("r1").attempt.beneficiary == "10*****3051"
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    assert till.engine.resume("r1").wait(0).received_cents == 4550
    assert till.paths().count("payment-transactions/payer") == 2


def test_two_customers_with_one_mask_are_two_customers(till: Till) -> None:
    till.provider.add_customer("10999993051")
    keyed(till)
    for again in (False, True):
        if again:
            till.restart()
        with pytest.raises(RequestIdReused):
            till.ask("r1", way="keyed", beneficiary="10999993051")
        assert keyed(till).attempt.beneficiary == "10*****3051"


def test_restart_during_create_leaves_an_orphan(till: Till) -> None:
    till.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
    till.restart()
    till.run(1)
    outcome = till.engine.resume("r1").wait(0)
    assert (outcome.state, outcome.reason) == (State.ORPHANED, "INTERRUPTED")
    assert not till.sent


def test_restart_takes_a_shown_qr_away(till: Till) -> None:
    till.ask(way="qr")
    till.restart()
    till.run(2)
    assert [command for command, _ in till.devices.commands] == [Command.HIDE]
    till.run(20)
    assert till.engine.resume("r1").wait(0).state is State.CANCELLED


def test_a_till_that_comes_back_to_a_shown_qr_shows_it_again(till: Till) -> None:
    till.ask(way="qr")
    till.restart()
    till.run(2)
    payment = till.engine.resume("r1")
    till.run(60)
    assert state(payment) is State.SHOWING
    assert [command for command, _ in till.devices.commands] == [Command.HIDE, Command.SHOW]
    assert [event.name for event in told(payment)].count("QrReady") == 2
    request = till.provider.scan(NUMBER, payment.attempt.qr_payload)
    till.provider.validate(NUMBER, request.transaction_id)
    till.run(10)
    assert payment.wait(0).received_cents == 4550


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
def test_restart_in_the_middle_of_a_cancel(till: Till, lost: Any) -> None:
    payment = keyed(till)
    till.fault("cancellation", lost)
    payment.cancel()
    till.run()
    assert state(payment) is State.CANCEL_UNKNOWN
    till.restart()
    till.run(3)
    assert till.engine.resume("r1").wait(0).state is State.CANCELLED


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
def test_restart_in_the_middle_of_a_reversal(till: Till, lost: Any) -> None:
    payment = paid(till)
    till.fault("cancellation", lost)
    payment.reverse()
    till.run()
    till.restart()
    till.run(3)
    assert till.engine.resume("r1").wait(0).state is State.REVERSED
    assert till.phone.balance_cents() == 100_000


# --- the journal ----------------------------------------------------------------------------------------------------


def test_nothing_is_sent_that_is_not_written(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = till.ask(way="scan")
    real = SqliteJournal.append

    def full(*_: Any, **__: Any) -> None:
        raise JournalError("JOURNAL_DISK_FULL", path="journal")

    monkeypatch.setattr(SqliteJournal, "append", full)
    payment.identify(NUMBER)
    till.run(3)
    assert "payment-transactions/payer" not in till.paths()
    assert "JournalTrouble" in names(payment)
    monkeypatch.setattr(SqliteJournal, "append", real)
    till.run(3)
    assert state(payment) is State.AWAITING


def test_no_identifier_is_written_in_clear(till: Till) -> None:
    paid(till)
    till.ask("r2", basket_ref="B2", way="keyed", beneficiary="client@example.invalid")
    till.engine.close()
    for file in (path for path in till.folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert NUMBER.encode() not in content and b"client@example" not in content
        assert OTHER_NUMBER.encode() not in content


# --- listeners ------------------------------------------------------------------------------------------------------


def test_a_listener_hears_what_was_told_before_it_came(till: Till) -> None:
    payment = keyed(till)
    heard: list[str] = []
    payment.add_listener(lambda event: heard.append(event.name))
    till.run()
    assert heard == ["CustomerIdentified", "AwaitingCustomer"]


def test_a_listener_that_raises_harms_nobody(till: Till) -> None:
    payment = till.ask(way="scan")
    heard: list[str] = []

    def broken(_: object) -> None:
        raise ValueError("a mistake of the till")

    payment.add_listener(broken)
    payment.add_listener(lambda event: heard.append(event.name))
    payment.identify(NUMBER)
    till.run()
    assert heard == ["ReadyToScan", "CustomerIdentified", "AwaitingCustomer"]
    assert state(payment) is State.AWAITING
