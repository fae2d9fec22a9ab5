"""The ways to pay, from the request to the acknowledged outcome."""

from __future__ import annotations

import base64
import io

import pytest
import segno

from cvconnect_pos import Approved, InvalidInput, NotAllowedNow, Payment, State, WaitTimeout, Way
from cvconnect_sim.gateway import QrForm
from cvconnect_sim.phone import PaymentRequest
from harness import NUMBER, OTHER_NUMBER, Till, lose_request, told


def scan(till: Till, payment: Payment) -> PaymentRequest:
    picture = io.BytesIO()
    segno.make_qr(payment.attempt.qr_payload).save(picture, kind="png", scale=4)
    return till.phone.scan(picture.getvalue())


def names(payment: Payment) -> list[str]:
    return [event.name for event in told(payment)]


def test_a_qr_is_paid_in_full(till: Till) -> None:
    payment = till.ask(way="qr")
    assert names(payment) == ["QrReady"]
    request = scan(till, payment)
    till.run(3)
    assert names(payment) == ["AwaitingCustomer"]
    till.phone.pay(request)
    till.run(3)
    (approved,) = told(payment)
    assert isinstance(approved, Approved)
    assert (approved.received_cents, approved.remaining_cents) == (4550, 0)
    outcome = payment.wait(0)
    assert outcome.is_paid and outcome.beneficiary == "10*****3051" and outcome.authorizations[0].number


def test_a_scanned_customer_pays_a_part(till: Till) -> None:
    payment = till.ask(way="scan")
    assert names(payment) == ["ReadyToScan"]
    payment.identify(NUMBER)
    till.run()
    assert names(payment) == ["CustomerIdentified", "AwaitingCustomer"]
    till.phone.pay(till.phone.incoming()[0], 3000)
    till.run(3)
    outcome = payment.wait(0)
    assert (outcome.asked_cents, outcome.received_cents, outcome.remaining_cents) == (4550, 3000, 1550)


@pytest.mark.parametrize("customer", [NUMBER, "client@example.invalid"])
def test_a_keyed_customer_is_asked_at_once(till: Till, customer: str) -> None:
    payment = till.ask(way="keyed", beneficiary=customer)
    assert names(payment) == ["CustomerIdentified", "AwaitingCustomer"]
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).received_cents == 4550


def test_either_way_the_scanner_wins_and_the_qr_is_dead_first(till: Till) -> None:
    payment = till.ask(way="either")
    payload = payment.attempt.qr_payload
    payment.identify(NUMBER)
    till.run()
    assert names(payment) == ["QrReady", "CustomerIdentified", "AwaitingCustomer"]
    assert till.paths() == ["pre-transactions", "pre-transactions/cancellation", "payment-transactions",
                            "payment-transactions/payer"]  # fmt: skip
    picture = io.BytesIO()
    segno.make_qr(payload).save(picture, kind="png", scale=4)
    with pytest.raises(Exception, match="QR_CLOSED"):
        till.phone.scan(picture.getvalue())
    till.phone.pay(till.phone.incoming()[0])
    till.run(3)
    assert payment.wait(0).received_cents == 4550
    assert len(till.provider.transactions()) == 1


def test_either_way_a_qr_that_was_scanned_refuses_the_label(till: Till) -> None:
    payment = till.ask(way="either")
    request = scan(till, payment)
    till.run(3)
    with pytest.raises(NotAllowedNow):
        payment.identify(OTHER_NUMBER)
    till.phone.pay(request)
    till.run(3)
    assert payment.wait(0).received_cents == 4550


def test_either_way_a_qr_scanned_just_before_the_label_wins(till: Till) -> None:
    payment = till.ask(way="either")
    request = scan(till, payment)
    till.phone.pay(request)  # the till does not know yet
    payment.identify(OTHER_NUMBER)
    till.run(3)
    assert payment.wait(0).received_cents == 4550
    assert "payment-transactions/payer" not in till.paths()


def test_either_way_an_unanswered_cancel_of_the_qr_sends_no_payer(till: Till) -> None:
    payment = till.ask(way="either")
    till.fault("cancellation", lose_request)
    payment.identify(NUMBER)
    till.run(10)
    assert payment.attempt.state is State.CANCELLED
    assert "payment-transactions/payer" not in till.paths()


def test_the_provider_may_give_the_qr_as_a_picture(till: Till) -> None:
    till.provider.set_rules(qr_form=QrForm.PNG)
    payment = till.ask(way="qr")
    (ready,) = told(payment)
    request = till.phone.scan(base64.b64decode(ready.as_dict()["png_base64"]))
    till.phone.pay(request)
    till.run(3)
    assert payment.wait(0).received_cents == 4550


def test_the_customer_refuses(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.phone.refuse(till.phone.incoming()[0])
    till.run(3)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.remaining_cents) == (State.REFUSED, 0, 4550)


def test_an_unknown_customer_is_told_and_another_may_be_scanned(till: Till) -> None:
    payment = till.ask(way="scan")
    payment.identify("99999999999")
    till.run()
    assert names(payment) == ["ReadyToScan", "CustomerIdentified", "ScanRefused"]
    payment.identify(NUMBER)
    till.run()
    assert payment.attempt.state is State.AWAITING
    assert payment.attempt.reason == ""


def test_a_customer_with_another_request_pending_is_never_told_refused(till: Till) -> None:
    first = till.ask("r1", basket_ref="B1", way="keyed", beneficiary=NUMBER)
    second = till.ask("r2", basket_ref="B2", way="keyed", beneficiary=NUMBER)
    assert first.attempt.state is State.AWAITING
    assert second.attempt.state is State.OPENED
    assert second.attempt.reason == "OTHER_TRANSACTION_PENDING"
    assert "Refused" not in names(second)


def test_a_qr_that_nobody_scans_expires_by_the_providers_word(till: Till) -> None:
    payment = till.ask(way="qr")
    till.run(310)
    assert payment.wait(0).state is State.EXPIRED
    assert payment.attempt.expires_at is not None


def test_a_request_that_nobody_answers_expires(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.run(310)
    assert payment.wait(0).state is State.EXPIRED


def test_an_open_request_without_a_customer_expires(till: Till) -> None:
    payment = till.ask(way="scan")
    till.run(310)
    assert payment.wait(0).state is State.EXPIRED


def test_a_qr_scanned_at_the_last_moment_keeps_the_time_the_provider_gives(till: Till) -> None:
    payment = till.ask(way="qr")
    till.run(298)
    request = scan(till, payment)
    till.run(200)  # past the QR's expiry and the till's patience with it
    till.phone.pay(request)
    till.run(10)
    assert payment.wait(0).received_cents == 4550


def test_polling_stays_within_its_bound(till: Till) -> None:
    till.ask(way="keyed", beneficiary=NUMBER)
    till.provider.set_rules(expiry_s=3600)
    till.run(600)
    assert 60 <= till.paths("GET").count("payment-transactions") <= 150


def test_wait_has_a_deadline(till: Till) -> None:
    payment = till.ask(way="qr")
    with pytest.raises(WaitTimeout):
        payment.wait(0)
    with pytest.raises(TimeoutError):
        payment.wait(0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"amount_cents": 0}, "AMOUNT_NOT_POSITIVE"),
        ({"amount_cents": -4550}, "AMOUNT_NOT_POSITIVE"),
        ({"amount_cents": 45.5}, "AMOUNT_NOT_INTEGER"),
        ({"amount_cents": 1999}, "AMOUNT_BELOW_FLOOR"),
        ({"amount_cents": 10**10}, "AMOUNT_TOO_LARGE"),
        ({"basket_ref": ""}, "REFERENCE_EMPTY"),
        ({"basket_ref": "B" * 21}, "REFERENCE_TOO_LONG"),
        ({"basket_ref": "B\x07"}, "REFERENCE_UNPRINTABLE"),
        ({"request_id": ""}, "REFERENCE_EMPTY"),
        ({"request_id": "r" * 65}, "REFERENCE_TOO_LONG"),
        ({"label": "l" * 101}, "REFERENCE_TOO_LONG"),
        ({"way": "fax"}, "WAY_UNKNOWN"),
        ({"way": "keyed"}, "BENEFICIARY_MISSING"),
        ({"way": "qr", "beneficiary": NUMBER}, "BENEFICIARY_UNWANTED"),
        ({"way": "keyed", "beneficiary": "1000000305"}, "BENEFICIARY_LENGTH"),
        ({"way": "keyed", "beneficiary": "100000030511"}, "BENEFICIARY_LENGTH"),
        ({"way": "keyed", "beneficiary": " 10000003051"}, "BENEFICIARY_SPACES"),
    ],
)
def test_a_wrong_argument_is_refused_and_nothing_is_done(
    till: Till, arguments: dict[str, object], code: str
) -> None:
    good = {"request_id": "r1", "amount_cents": 4550, "basket_ref": "B1", "way": Way.QR}
    with pytest.raises(InvalidInput) as caught:
        till.tender.request(**(good | arguments))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert caught.value.code == code
    assert caught.value.text("fr") != caught.value.text("en")
    till.run(60)
    assert not till.sent
