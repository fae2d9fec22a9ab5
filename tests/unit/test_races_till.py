"""Every row of the table of races, end to end: a till, its journal on the disk, and the simulated provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import apsw
import pytest

from cvconnect_pos import (
    AttemptStillOpen,
    Beneficiary,
    CredentialRefused,
    InvalidInput,
    JournalError,
    NotAllowedNow,
    Payment,
    RequestIdReused,
    State,
)
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.core.pacing import FAILURES_TO_OPEN
from cvconnect_pos.errors import NotSent
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.money import DEFAULT_FLOOR_CENTS
from cvconnect_pos.tickets import ticket_of
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_sim.errors import SimError
from harness import (
    NUMBER,
    OTHER_NUMBER,
    Till,
    delay,
    lose_answer,
    lose_request,
    rewritten,
    run_together,
    told,
    wall_clock,
)

Really = Callable[[], HttpResponse]
Behave = Callable[[HttpRequest, Really], HttpResponse]

ASKED = 4550
HOUR_S = 3_600.0
DAY_S = 86_400.0
PAYER, CANCELLATION = "payment-transactions/payer", "payment-transactions/cancellation"


# --- what the rows are played with ------------------------------------------------------------------------------------


def keyed(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    return till.ask(request_id, way="keyed", beneficiary=NUMBER, **more)


def paid(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    payment = keyed(till, request_id, **more)
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).is_paid
    return payment


def late(till: Till, *, settled_otherwise: bool = False) -> Payment:
    """Expired and recorded; then paid all the same."""
    payment = keyed(till)
    till.run(400)
    payment.acknowledge(settled_otherwise=settled_otherwise)
    till.provider.late_pay(payment.attempt.transaction_id)
    till.run(HOUR_S)
    return payment


def state(payment: Payment) -> State:
    return payment.attempt.state


def names(payment: Payment) -> list[str]:
    return [event.name for event in told(payment)]


def held(till: Till) -> int:
    """What the customers are without."""
    return 200_000 - sum(till.provider.customer(n).balance_cents for n in (NUMBER, OTHER_NUMBER))


def answer(body: bytes, status: int = 200, **headers: str) -> Behave:
    """The provider does it, and something else comes back."""

    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        really()
        return HttpResponse(status, headers, body)

    return behave


def refusal(code: str, **headers: str) -> Behave:
    """The provider does nothing, and says why."""
    return lambda _, __: HttpResponse(409, headers, b'{"errorCode": "%s"}' % code.encode())


def unreachable(till: Till, count: int = 2_000) -> None:
    for _ in range(count):
        till.fault("/", lose_request)


# --- the rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["qr", "scan"])
@pytest.mark.parametrize(
    "lost", [lose_answer, lose_request, answer(b"{}", 500), answer(b"<html>"), answer(b'{"tr')]
)
def test_answer_to_create_lost(till: Till, way: str, lost: Behave) -> None:
    till.fault("POST", lost)
    payment = till.ask(way=way)
    till.run(DAY_S)
    assert (state(payment), names(payment), len(till.sent)) == (State.ORPHANED, ["NotStarted"], 1)
    assert not {Command.SHOW, Command.ARM} & {command for command, _ in till.devices.commands}
    payment.acknowledge()
    assert state(till.ask("r2", way=way)) in {State.SHOWING, State.OPENED}  # the line is free


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
def test_answer_to_payer_lost(till: Till, lost: Behave) -> None:
    till.fault("payer", lost)
    payment = keyed(till)
    with pytest.raises(NotAllowedNow):
        payment.identify(OTHER_NUMBER)
    till.run(3)
    assert till.sent[2:3] == [("GET", "payment-transactions")]
    assert till.paths().count(PAYER) == (1 if lost is lose_answer else 2)
    (transaction,) = till.provider.transactions()
    assert transaction.payer and transaction.payer.beneficiary_id == NUMBER
    assert (transaction.payer.amount_cents, state(payment)) == (ASKED, State.AWAITING)


def test_answer_to_payer_lost_another_customer_is_another_attempt(till: Till) -> None:
    till.fault("payer", lose_answer)
    payment = keyed(till)
    payment.cancel()
    till.run(5)
    assert state(payment) is State.CANCELLED
    payment.acknowledge()
    other = till.ask("r2", way="keyed", beneficiary=OTHER_NUMBER)
    assert state(other) is State.AWAITING
    assert [bool(till.provider.waiting_for(number)) for number in (NUMBER, OTHER_NUMBER)] == [False, True]


def test_other_transaction_pending(till: Till) -> None:
    first = keyed(till, "r1")
    till.phone.refuse(till.phone.incoming()[0])  # the till has not heard yet
    till.fault("payer", refusal("OTHER_TRANSACTION_PENDING"))
    second = till.ask("r2", basket_ref="B2", way="keyed", beneficiary=NUMBER)
    assert state(first) is State.REFUSED  # our own were asked at once
    heard = names(second)
    assert heard[-1] == "CustomerBusy" and not {"Refused", "ScanRefused"} & set(heard)
    assert (state(second), second.outcome) == (State.OPENED, None)


def test_not_found_just_after_create(till: Till) -> None:
    payment = keyed(till)
    for _ in range(50):
        till.fault("GET", refusal("TRANSACTION_NOT_FOUND"))
    till.run(59)
    assert state(payment) is State.AWAITING
    till.run(10)
    assert (state(payment), payment.outcome) == (State.IN_DOUBT, None)
    assert till.engine._journal.unsettled() == ["r1"]  # an open item
    till.faults.clear()
    till.run(10)
    assert state(payment) is State.SCANNED  # found again


def test_duplicate_late_and_out_of_order_news(till: Till) -> None:
    payment = keyed(till)
    readings: list[HttpResponse] = []

    def kept(_: HttpRequest, really: Really) -> HttpResponse:
        readings.append(really())
        return readings[-1]

    till.fault("GET", kept)
    till.run(3)
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    entries = len(till.engine._journal.entries("r1"))
    for old in (True, False, True):  # a notification is a hint, and no more
        till.run(2)
        if old:
            till.fault("GET", lambda _, __: readings[0])
        till.engine.hint(payment.attempt.transaction_id, "")
    till.run(2)
    assert (state(payment), names(payment).count("Approved")) == (State.APPROVED, 1)
    assert len(till.engine._journal.entries("r1")) == entries
    assert not till.faults


def test_cashier_cancels_while_the_customer_validates(till: Till) -> None:
    payment = keyed(till)
    sent = len(till.sent)
    payment.cancel()
    till.run(3)
    assert [method for method, _ in till.sent[sent:]] == ["GET", "POST", "GET"]
    assert (state(payment), held(till)) == (State.CANCELLED, 0)


@pytest.mark.parametrize("decision", ["keep", "reverse"])
def test_cashier_cancels_while_the_customer_validates_first(till: Till, decision: str) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0])
    payment.cancel()
    till.run(3)
    assert (payment.wait(0).needs_decision, names(payment)[-1]) == (True, "DecisionNeeded")
    assert CANCELLATION not in till.paths()
    getattr(payment, decision)()
    till.run(3)
    assert held(till) == (ASKED if decision == "keep" else 0)


def test_cashier_cancels_while_the_customer_validates_between_status_and_cancel(till: Till) -> None:
    payment = keyed(till)

    def paid_before_it_arrives(_: HttpRequest, really: Really) -> HttpResponse:
        till.phone.pay(till.phone.incoming()[0])
        return really()

    till.fault("cancellation", paid_before_it_arrives)
    payment.cancel()
    till.run(3)
    assert (state(payment), names(payment)[-1], held(till)) == (State.REVERSED, "Reversed", 0)
    assert (Command.TICKET, "REVERSED") in till.devices.commands
    assert ticket_of(payment.attempt).mention == "ANNULATION"


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
def test_answer_to_cancel_lost(till: Till, lost: Behave) -> None:
    payment = keyed(till)
    sent = len(till.sent)
    till.fault("cancellation", lost)
    payment.cancel()
    till.run(5)
    assert [method for method, _ in till.sent[sent:]][:3] == ["GET", "POST", "GET"]
    assert till.paths().count(CANCELLATION) == (1 if lost is lose_answer else 2)
    assert state(payment) is State.CANCELLED


def test_answer_to_cancel_lost_after_a_payment_only_the_till_reverses(till: Till) -> None:
    payment = keyed(till)
    till.fault("cancellation", lose_request)
    payment.cancel()
    till.run()
    till.phone.pay(till.phone.incoming()[0])
    till.run(HOUR_S)
    assert (till.paths().count(CANCELLATION), held(till)) == (1, ASKED)
    till.fault("cancellation", lose_request)
    payment.reverse()
    till.run(5)
    assert (state(payment), till.paths().count(CANCELLATION), held(till)) == (State.REVERSED, 3, 0)


@pytest.mark.parametrize("hours", [0.01, 1, 3.9])
def test_cancel_of_unknown_fate_and_the_payment_was_kept(till: Till, hours: float) -> None:
    payment = keyed(till)
    landing = delay(till, "cancellation")
    payment.cancel()
    till.run()
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    payment.keep()
    till.run()
    payment.acknowledge()
    till.run(hours * HOUR_S)
    landing[0]()
    till.run(600)
    assert (state(payment), names(payment)[-1]) == (State.REVERSED_AFTER_KEEP, "ReversedAfterKeep")
    assert till.engine.unacknowledged() == [payment]  # loud


@pytest.mark.parametrize("decision", ["keep", "reverse"])
def test_failed_or_expired_and_later_paid(till: Till, decision: str) -> None:
    payment = late(till)
    assert (payment.wait(0).reason, payment.attempt.acknowledged) == ("LATE_PAYMENT", False)
    getattr(payment, decision)()
    till.run(5)
    assert (payment.wait(0).received_cents, held(till)) == ((ASKED, ASKED) if decision == "keep" else (0, 0))


def test_keep_or_reverse_that_nobody_answers(till: Till) -> None:
    late(till)
    for _ in range(3):  # redelivered
        till.restart()
        till.run(HOUR_S)
        assert [p.wait(0).reason for p in till.engine.unacknowledged()] == ["LATE_PAYMENT"]
    assert held(till) == ASKED  # a person decides
    with pytest.raises(NotAllowedNow):
        till.engine._journal.close_day(till.clock.now().date(), till.clock.now())


def test_keep_or_reverse_that_nobody_answers_and_a_second_attempt_was_paid(till: Till) -> None:
    payment = keyed(till)
    till.run(400)
    payment.acknowledge(settled_otherwise=True)
    till.run(60)
    paid(till, "r2").acknowledge()
    till.provider.late_pay(payment.attempt.transaction_id)
    till.run(HOUR_S)
    assert (held(till), till.engine.unacknowledged()) == (2 * ASKED, [payment])
    till.run(2.9 * HOUR_S)  # before the window ends
    assert (held(till), state(payment), payment.attempt.reason) == (
        ASKED,
        State.REVERSED,
        "SETTLED_OTHERWISE",
    )


@pytest.mark.parametrize("decision", ["keep", "reverse"])
@pytest.mark.parametrize("why", ["OVERPAID", "SEVERAL_PAYERS", "UNEXPECTED_PAYER"])
def test_more_than_asked_several_payers_unexpected_beneficiary(till: Till, why: str, decision: str) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    (transaction,) = till.provider.transactions()
    match why:
        case "OVERPAID":
            till.provider.amend(transaction.transaction_id, ASKED + 1)
        case "SEVERAL_PAYERS":
            till.provider.add_payer(transaction.transaction_id, OTHER_NUMBER, 100)
        case _:
            till.fault(
                "GET", rewritten(lambda t: t["payers"][0]["authorizations"][0].update(holder="10*****4062"))
            )
    till.run(HOUR_S)
    assert (payment.wait(0).needs_decision, payment.attempt.reason) == (True, why)
    assert names(payment)[-1] == "DecisionNeeded"
    getattr(payment, decision)()
    till.run(5)
    assert state(payment) is (State.APPROVED if decision == "keep" else State.REVERSED)


def test_amount_changes_after_it_was_approved(till: Till) -> None:
    paid(till).acknowledge()
    till.restart()
    payment = till.engine.resume("r1")
    till.provider.amend(payment.attempt.transaction_id, 2000)
    till.run(5)
    changed = [event.as_dict() for event in told(payment) if event.name == "AmountChanged"]
    assert [(one["approved_cents"], one["received_cents"]) for one in changed] == [(ASKED, 2000)]
    assert till.engine.unacknowledged() == [payment]


AUTHORIZATION = {"number": "1", "amount": {"total": ASKED, "currency": "978"}}


@pytest.mark.parametrize(
    "authorizations",
    [
        [],
        [{"number": "1"}],
        [{"number": "1", "amount": {"total": "45,50", "currency": "978"}}],
        [{"number": "1", "amount": {"total": ASKED, "currency": "840"}}],
        [AUTHORIZATION, {"number": "2", "amount": {"total": ASKED, "currency": "USD"}}],
    ],
)
def test_paid_without_readable_authorizations(till: Till, authorizations: list[Any]) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    for _ in range(3):
        till.fault("GET", rewritten(lambda t: t.update(payers=[{"authorizations": authorizations}])))
    till.run(10)
    assert (state(payment), payment.outcome, payment.attempt.received_cents) == (State.IN_DOUBT, None, None)
    assert till.engine._journal.unsettled() == ["r1"]
    till.run(20)
    assert payment.wait(0).received_cents == 3000


def test_local_patience_ends_while_pending(till: Till) -> None:
    payment = keyed(till)
    for _ in range(1_000):  # the provider never says that it is over, and takes no cancel
        till.fault("GET", rewritten(lambda t: t.update(state="PROCESSING")))
    till.run(300)
    assert (state(payment), CANCELLATION in till.paths()) == (State.AWAITING, False)
    till.run(30)
    assert (payment.attempt.cancel_asked, till.paths().count(CANCELLATION)) == (True, 1)
    till.run(HOUR_S)
    assert (payment.outcome, names(payment)[-1]) == (None, "Cancelling")  # no local end
    till.provider.late_pay(payment.attempt.transaction_id)
    till.faults.clear()
    till.run(60)
    assert payment.wait(0).needs_decision and held(till) == ASKED


def test_partial_approval(till: Till) -> None:
    payment = keyed(till)
    till.phone.pay(till.phone.incoming()[0], 3000)
    till.run(3)
    outcome = payment.wait(0)
    assert (outcome.is_paid, outcome.received_cents, outcome.remaining_cents) == (True, 3000, 1550)
    payment.acknowledge()
    assert outcome.remaining_cents < DEFAULT_FLOOR_CENTS
    with pytest.raises(InvalidInput) as refused:  # a complement below the floor cannot be this tender
        till.ask("r2", amount_cents=outcome.remaining_cents)
    assert (refused.value.code, "20,00" in refused.value.text("fr")) == ("AMOUNT_BELOW_FLOOR", True)
    payment.reverse()
    till.run(3)
    assert held(till) == 0


def reserved(till: Till) -> Payment:
    payment = keyed(till, reserve=True)
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    assert payment.wait(0).is_reserved
    return payment


@pytest.mark.parametrize("lost", [lose_answer, lose_request])
@pytest.mark.parametrize(("act", "left"), [("capture", ASKED), ("release", 0)])
def test_two_phase_close(till: Till, act: str, left: int, lost: Behave) -> None:
    payment = reserved(till)
    written: list[str] = []

    def after_the_journal(request: HttpRequest, really: Really) -> HttpResponse:
        written.append(till.engine._journal.entries("r1")[-1].kind)
        return lost(request, really)

    till.fault(act, after_the_journal)
    getattr(payment, act)()
    till.engine.run_due()
    till.restart()
    till.run(10)
    assert (written, held(till)) == ([act.upper()], left)  # decided: resent
    assert till.engine.resume("r1").wait(0).received_cents == left


def test_two_phase_close_undecided(till: Till) -> None:
    deadline = reserved(till).attempt.expires_at
    till.restart()
    till.run(3 * DAY_S)
    payment = till.engine.resume("r1")
    (event,) = [event for event in told(payment) if event.name == "Reserved"]
    assert deadline is not None and event.as_dict()["expires_at"] == deadline.isoformat()
    assert not {"payment-transactions/capture", "payment-transactions/release"} & set(till.paths())
    assert held(till) == ASKED  # no silent default


def test_either_way_identifier_read_while_the_qr_is_shown(till: Till) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(3)
    order = ["pre-transactions", "pre-transactions/cancellation", "payment-transactions", PAYER]
    assert till.paths() == order
    assert (Command.HIDE, "SWITCH_ASKED") in till.devices.commands
    with pytest.raises(SimError, match="QR_CLOSED"):
        till.provider.scan(NUMBER, qr)


@pytest.mark.parametrize("unanswered", [lose_request, lose_answer, refusal("BAD_REQUEST")])
def test_either_way_identifier_read_while_the_qr_is_shown_and_its_cancel_is_not_answered(
    till: Till, unanswered: Behave
) -> None:
    payment = till.ask(way="either")
    till.fault("cancellation", unanswered)
    payment.identify(OTHER_NUMBER)
    till.run(600)
    assert PAYER not in till.paths()
    assert state(payment) is State.CANCELLED


def test_either_way_identifier_read_while_the_qr_is_shown_and_scanned(till: Till) -> None:
    payment = till.ask(way="either")
    request = till.provider.scan(NUMBER, payment.attempt.qr_payload)
    till.run(3)
    with pytest.raises(NotAllowedNow) as refused:
        payment.identify(OTHER_NUMBER)
    assert refused.value.text("fr")
    till.provider.validate(NUMBER, request.transaction_id)
    till.run(3)
    assert (payment.wait(0).beneficiary, PAYER in till.paths()) == ("10*****3051", False)


@pytest.mark.parametrize("lost", [0, 3, 200])
def test_either_way_identifier_read_while_the_qr_is_shown_and_both_are_paid(till: Till, lost: int) -> None:
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    (request,) = till.provider.waiting_for(OTHER_NUMBER)
    till.provider.validate(OTHER_NUMBER, request.transaction_id)
    till.run(1)
    till.provider.pay_anyway(NUMBER, qr)  # later: it goes back
    for _ in range(lost):
        till.fault("cancellation", lose_request)
    till.run(120)
    still = lost > 100  # a failed reversal is an open item
    assert (held(till), payment.attempt.surplus_cents) == ((2 * ASKED, ASKED) if still else (ASKED, 0))
    assert (till.provider.customer(OTHER_NUMBER).balance_cents, state(payment)) == (
        100_000 - ASKED,
        State.APPROVED,
    )
    assert till.engine._journal.unsettled() == ["r1"]


def test_cashier_switches_tender_while_alive(till: Till) -> None:
    payment = keyed(till)
    with pytest.raises(AttemptStillOpen):
        till.ask("r2")
    with pytest.raises(NotAllowedNow):
        payment.acknowledge(settled_otherwise=True)
    payment.cancel()
    till.run(3)
    payment.acknowledge()
    assert till.ask("r2").request_id == "r2"


@pytest.mark.parametrize(("wait_s", "reason"), [(10.0, "panne du réseau"), (400.0, "")])
def test_cashier_switches_tender_while_alive_and_the_provider_is_unreachable(
    till: Till, wait_s: float, reason: str
) -> None:
    payment = keyed(till)
    unreachable(till)
    till.run(wait_s)
    if reason:
        with pytest.raises(NotAllowedNow, match="LINE_NOT_RELEASABLE"):
            payment.release_line("chef de caisse")
    payment.release_line("chef de caisse", reason)
    till.run(1)
    payment.acknowledge()
    entry = next(e for e in till.engine._journal.entries("r1") if e.kind == "RELEASE_LINE")
    assert (entry.data["released_by"], entry.data["released_why"]) == ("chef de caisse", reason)
    till.restart()
    till.faults.clear()
    till.run(400)  # still watched: cancelled, or found expired
    assert till.engine.resume("r1").wait(0).state in {State.CANCELLED, State.EXPIRED}
    assert not till.phone.incoming()


@pytest.mark.parametrize("part", ["POST", "payer", "GET", "cancellation", "none"])
@pytest.mark.parametrize("lost", [lose_answer, lose_request])
def test_process_killed_at_any_point(till: Till, part: str, lost: Behave) -> None:
    till.fault(part, lost)
    payment = keyed(till)
    if part == "cancellation":
        payment.cancel()
    till.run(2.1 if part == "GET" else 0)
    till.restart()  # no manual step from here on
    if till.phone.incoming():
        till.phone.pay(till.phone.incoming()[0], 3000)
    till.run(30)
    (again,) = till.engine._journal.unsettled()
    outcome = till.engine.resume(again).outcome
    assert outcome is None or outcome.received_cents == held(till)
    assert outcome is not None or (part, lost) == ("payer", lose_request)  # its customer is asked only now
    told_again = [p.request_id for p in till.engine.unacknowledged()]
    till.restart()
    assert [p.request_id for p in till.engine.unacknowledged()] == told_again  # until it is acknowledged


@pytest.mark.parametrize("resumed", [True, False])
def test_process_killed_at_any_point_while_a_qr_is_shown(till: Till, resumed: bool) -> None:
    till.ask(way="qr")
    till.restart()
    till.run(2)
    assert [command for command, _ in till.devices.commands] == [Command.HIDE]
    if resumed:
        assert state(till.engine.resume("r1")) is State.SHOWING
    till.run(60)
    assert (Command.SHOW, "SHOWING") in till.devices.commands or not resumed
    assert state(till.engine.resume("r1")) is (State.SHOWING if resumed else State.CANCELLED)


def test_two_processes_on_one_journal(till: Till, second: Till) -> None:
    payment = keyed(till)
    follower = second.engine.resume("r1")
    second.run()
    with pytest.raises(NotAllowedNow) as refused:
        follower.cancel()
    assert refused.value.code == "PAYMENT_ELSEWHERE"
    with pytest.raises(AttemptStillOpen):
        second.ask("r2")
    with pytest.raises(RequestIdReused):
        second.ask("r1", amount_cents=5000, way="keyed", beneficiary=NUMBER)
    till.phone.pay(till.phone.incoming()[0])
    run_together(till, second, seconds=10)
    assert (state(payment), state(follower), second.sent) == (State.APPROVED, State.APPROVED, [])
    assert "Approved" in names(follower)


def test_two_processes_on_one_journal_one_takes_over_when_the_other_is_gone(till: Till, second: Till) -> None:
    keyed(till)
    second.engine.recover()
    run_together(till, second, seconds=30)
    assert not second.sent
    till.engine.close()
    till.phone.pay(till.phone.incoming()[0])
    second.run(10)
    assert [p.wait(0).received_cents for p in second.engine.unacknowledged()] == [ASKED]


def test_two_processes_on_one_journal_one_that_stands_still_sends_nothing_when_it_wakes(
    till: Till, second: Till
) -> None:
    keyed(till)
    sent = len(till.sent)
    second.engine.recover()
    second.run(300)  # the first stands still: its lease runs out
    assert second.sent and len(till.sent) == sent
    till.engine.run_due()
    assert len(till.sent) == sent
    run_together(till, second, seconds=30)
    assert state(till.engine.resume("r1")) is state(second.engine.resume("r1")) is State.EXPIRED


@pytest.mark.parametrize("off", [timedelta(hours=-2), timedelta(), timedelta(hours=2)])
@pytest.mark.parametrize(
    ("age_s", "end"), [(0.99 * 4 * HOUR_S, State.REVERSED), (4 * HOUR_S + 30, State.APPROVED)]
)
def test_cancel_near_the_four_hour_limit(till: Till, off: timedelta, age_s: float, end: State) -> None:
    wall_clock(till).off = off  # the till's own clock is wrong
    payment = paid(till)
    till.run(age_s)
    payment.reverse()
    till.run(5)
    assert (state(payment), till.paths().count(CANCELLATION)) == (end, 1)
    assert names(payment)[-1] == ("Reversed" if end is State.REVERSED else "ReversalRefused")


def test_cancel_near_the_four_hour_limit_and_its_margin(till: Till) -> None:
    payment = paid(till)
    till.run(4 * HOUR_S + 120)
    with pytest.raises(NotAllowedNow) as refused:
        payment.reverse()
    assert (refused.value.code, CANCELLATION in till.paths()) == ("REVERSAL_TOO_LATE", False)


@pytest.mark.parametrize("again", [NUMBER, OTHER_NUMBER])
def test_double_scan_stale_code_product_barcode(till: Till, again: str) -> None:
    payment = till.ask(way="scan")
    payment.identify(NUMBER)
    payment.identify(again)  # inside the same window
    till.run(5)
    assert (till.paths().count(PAYER), payment.attempt.beneficiary) == (1, "10*****3051")
    with pytest.raises(NotAllowedNow):  # a code that comes when nobody waits for one
        payment.identify(again)
    assert names(payment).count("CustomerIdentified") == 1


@pytest.mark.parametrize("code", ["3017620422003", "96385074", "https://exemple.invalid/x", ""])
def test_double_scan_stale_code_product_barcode_is_refused_with_the_reason(till: Till, code: str) -> None:
    payment = till.ask(way="scan")
    with pytest.raises(InvalidInput) as refused:
        payment.identify(code)
    till.run(5)
    assert refused.value.text("fr") and refused.value.code.startswith("BENEFICIARY_")
    assert (state(payment), PAYER in till.paths()) == (State.OPENED, False)
    payment.identify(Beneficiary.parse(NUMBER))  # the window is still open
    till.run()
    assert state(payment) is State.AWAITING


@pytest.mark.parametrize("code", ["JOURNAL_DISK_FULL", "JOURNAL_LOCKED"])
def test_disk_full_journal_locked_or_damaged(till: Till, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    payment = keyed(till)

    def refuse(*_: Any, **__: Any) -> Any:
        raise JournalError(code, path="journal")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteJournal, "begin", refuse)
        patch.setattr(SqliteJournal, "append", refuse)
        posts = len(till.paths())
        with pytest.raises(JournalError) as refused:
            till.ask("r2", basket_ref="B2")
        assert refused.value.code == code and refused.value.text("fr")
        till.phone.pay(till.phone.incoming()[0])
        till.run(30)
        assert (len(till.paths()), names(payment)[-1]) == (posts, "JournalTrouble")
        assert state(payment) is State.AWAITING  # nothing is true that is not written
    till.run(5)
    assert payment.wait(0).received_cents == ASKED  # what is open stayed watched


def test_disk_full_journal_locked_or_damaged_for_real(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_pos.journal.file.BUSY_MS", 1)
    till.restart()
    payment = keyed(till)
    other = apsw.Connection(str(till.folder / "journal.sqlite3"))
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError) as refused:
            till.ask("r2", basket_ref="B2")
        assert (refused.value.code, len(till.paths())) == ("JOURNAL_LOCKED", 2)
        other.execute("ROLLBACK")
    finally:
        other.close()
    till.run(5)
    assert (state(payment), till.ask("r2", basket_ref="B2").request_id) == (State.AWAITING, "r2")


@pytest.mark.parametrize("newest", [True, False])
def test_disk_full_journal_locked_or_damaged_entries_are_never_reset(till: Till, newest: bool) -> None:
    keyed(till)
    till.engine.close()
    path = till.folder / "journal.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER IF EXISTS entries_stay")
    which = "MAX" if newest else "MIN"
    connection.execute(
        f"UPDATE entries SET state = 'APPROVED' WHERE seq = (SELECT {which}(seq) FROM entries)"
    )
    connection.close()
    before, sent = path.read_bytes(), len(till.sent)
    with pytest.raises(JournalError) as refused:
        till.start()
    assert refused.value.code == "JOURNAL_CHAIN_BROKEN" and refused.value.remedy("fr")
    assert (path.read_bytes(), len(till.sent)) == (before, sent)


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(hours=5), timedelta(days=-9000)])
def test_clock_jumps(till: Till, jump: timedelta) -> None:
    clock = wall_clock(till)
    payment = till.ask(way="qr")
    asked = len(till.sent)
    clock.off = jump
    till.run(60)
    assert 25 <= len(till.sent) - asked <= 38  # waiting is not a matter of dates
    till.run(200)
    assert state(payment) is State.SHOWING
    till.run(50)
    assert state(payment) is State.EXPIRED  # by the provider's word, when it says so
    entry = till.engine._journal.entries("r1")[-1]
    assert entry.at.utcoffset() == timedelta() and abs(entry.at - clock.now()) < timedelta(minutes=2)


def test_provider_down(till: Till) -> None:
    payment = keyed(till, "r1")
    unreachable(till, 3 * FAILURES_TO_OPEN)
    till.run(12)
    sent = len(till.sent)
    with pytest.raises(NotSent) as refused:
        till.ask("r2", basket_ref="B2")
    assert (refused.value.code, len(till.sent)) == ("PROVIDER_DOWN", sent)  # fast
    payment.cancel()
    till.run(2)
    assert len(till.sent) > sent  # what is open is asked and cancelled all the same
    till.faults.clear()
    till.run(30)
    assert (state(payment), state(till.ask("r2", basket_ref="B2"))) == (State.CANCELLED, State.SHOWING)


@pytest.mark.parametrize("code", ["INVALID_SEAL", "MERCHANT_NOT_ALLOWED"])
@pytest.mark.parametrize("part", ["POST", "payer", "GET", "cancellation"])
def test_credential_refused(till: Till, part: str, code: str) -> None:
    till.fault(part, refusal(code))
    payment = keyed(till)
    if part == "cancellation":
        payment.cancel()
    till.run(3)
    sent = len(till.sent)
    with pytest.raises(CredentialRefused) as refused:
        till.ask("r2", basket_ref="B2")
    till.run(DAY_S)
    assert (refused.value.code, len(till.sent)) == (code, sent)  # never by itself again
    assert payment.outcome is None or payment.outcome.received_cents == 0


# --- the two rules under the table --------------------------------------------------------------------------------------


def test_polling(till: Till) -> None:
    till.provider.set_rules(expiry_s=3_600)
    keyed(till)
    counts: list[int] = []
    for span_s in (60, 540):
        before = len(till.paths("GET"))
        till.run(span_s)
        counts.append(len(till.paths("GET")) - before)
    assert 25 <= counts[0] <= 38 and 90 <= counts[1] <= 125 and sum(counts) <= 150


@pytest.mark.parametrize("status", [429, 503])
def test_polling_honours_retry_after(till: Till, status: int) -> None:
    keyed(till)
    till.fault("GET", answer(b"{}", status, **{"retry-after": "45"}))
    till.run(3)
    asked = len(till.sent)
    till.run(40)
    assert len(till.sent) == asked
    till.run(10)
    assert len(till.sent) > asked


def test_polling_after_a_negative_end_and_at_day_close(till: Till) -> None:
    payment = keyed(till)
    till.phone.refuse(till.phone.incoming()[0])
    till.run(3)
    payment.acknowledge()
    counts: list[int] = []
    for span_s in (300.0, DAY_S - 400.0, 0.0, DAY_S):
        before = len(till.paths("GET"))
        if not span_s:
            till.engine.look_at_all(0.0)  # the day closes
        till.run(span_s)
        counts.append(len(till.paths("GET")) - before)
    assert 8 <= counts[0] <= 13 and 19 <= counts[1] <= 30 and 1 <= counts[2] <= 2 and counts[3] <= 1


def test_polling_under_one_cap(till: Till) -> None:
    for number in range(60):
        till.ask(f"r{number}", basket_ref=f"B{number}", way="qr")
    till.run(5)
    sent = len(till.sent)
    till.run(10)
    assert len(till.sent) - sent <= 10 * 20 + 20


@pytest.mark.parametrize("when", ["create", "payer", "status", "cancel"])
def test_stuck(till: Till, when: str) -> None:
    if when in {"create", "payer"}:
        till.fault("payer" if when == "payer" else "POST", lose_answer)
    payment = keyed(till)
    unreachable(till)
    if when == "cancel":
        payment.cancel()
    till.run(300 + 600)  # the expiry and ten minutes
    if payment.outcome is None:
        payment.release_line("chef de caisse")  # without a reason
        till.run(1)
    assert payment.wait(0).state in {State.ORPHANED, State.LINE_RELEASED}
    payment.acknowledge()
    till.faults.clear()
    till.run(120)
    if payment.attempt.acknowledged:
        assert state(payment) is State.ORPHANED
    else:  # and its end is told when it is known
        with pytest.raises(NotAllowedNow):  # what was read is no longer so
            payment.acknowledge()
        assert payment.wait(0).state in {State.EXPIRED, State.CANCELLED}
        payment.acknowledge()
    assert till.ask("r2").request_id == "r2"
