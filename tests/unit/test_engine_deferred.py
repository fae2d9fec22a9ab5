"""Deferred (*différé*): the customer gets an e-mail and days to answer; the till restarts as often as it likes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cvconnect_pos import InvalidInput, State
from harness import NUMBER, Till, lose_answer, told

EMAIL = "client@example.invalid"
DAY_S = 86_400
HOUR_S = 3_600.0


def ask(till: Till, days: int = 5) -> None:
    till.ask(way="deferred", beneficiary=EMAIL, delay_s=days * DAY_S)


def test_the_provider_grants_the_delay_that_was_asked(till: Till) -> None:
    ask(till)
    attempt = till.engine.resume("r1").attempt
    assert attempt.expires_at == till.clock.now() + timedelta(days=5)
    assert attempt.state is State.AWAITING


def test_the_provider_is_told_all_that_the_till_said(till: Till) -> None:
    till.ask(
        way="deferred",
        beneficiary=EMAIL,
        delay_s=DAY_S,
        label="Nuit d’hôtel",
        customer_ref="CLIENT-7",
        seller_id="V-3",
        reserve=True,
    )
    (transaction,) = till.provider.transactions()
    order = transaction.order
    assert (order.label, order.customer_reference, order.seller_id) == ("Nuit d’hôtel", "CLIENT-7", "V-3")
    assert (order.order_id, order.amount_cents, order.capture_mode) == ("B1", 4550, "DEFERRED")
    assert order.expires_at == till.clock.now() + timedelta(days=1)


def test_it_survives_any_number_of_restarts_over_days(till: Till) -> None:
    ask(till)
    for _ in range(30):
        till.restart()
        till.run(3 * HOUR_S)
    till.phone.pay(till.phone.incoming()[0], 3000)
    till.restart()
    till.run(60)
    payment = till.engine.resume("r1")
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents, outcome.remaining_cents) == (State.APPROVED, 3000, 1550)
    assert till.paths().count("payment-transactions/payer") == 1
    assert till.engine.unacknowledged() == [payment]


def test_a_payment_while_the_till_was_off_is_found_at_the_next_start(till: Till) -> None:
    ask(till)
    till.engine.close()
    till.clock.advance(2 * DAY_S)
    till.phone.pay(till.phone.incoming()[0])
    till.clock.advance(2 * DAY_S)
    till.start()
    till.engine.recover()
    till.engine.run_due()
    assert till.engine.resume("r1").wait(0).received_cents == 4550


def test_nobody_answers(till: Till) -> None:
    ask(till, days=1)
    till.run(DAY_S + 600)
    assert till.engine.resume("r1").wait(0).state is State.EXPIRED


def test_it_is_asked_seldom(till: Till) -> None:
    ask(till, days=2)
    asked = len(till.paths("GET"))
    till.run(DAY_S)
    assert len(till.paths("GET")) - asked < 130


def test_a_lost_answer_is_asked_for_and_nobody_is_asked_twice(till: Till) -> None:
    till.fault("payer", lose_answer)
    ask(till)
    till.run(120)
    assert till.engine.resume("r1").attempt.state is State.AWAITING
    assert till.paths().count("payment-transactions/payer") == 1


def test_the_cashier_takes_it_back(till: Till) -> None:
    ask(till)
    payment = till.engine.resume("r1")
    payment.cancel()
    till.run(10)
    assert payment.wait(0).state is State.CANCELLED
    assert not till.phone.incoming()


def test_a_reservation_by_e_mail(till: Till) -> None:
    payment = till.ask(way="deferred", beneficiary=EMAIL, delay_s=3 * DAY_S, reserve=True)
    till.run(DAY_S)
    till.phone.pay(till.phone.incoming()[0])
    till.run(2 * DAY_S)
    payment.capture(2000)
    till.run(10)
    assert payment.wait(0).received_cents == 2000
    assert "Reserved" in [event.name for event in told(payment)]


@pytest.mark.parametrize("delay_s", [0, 59, 31 * DAY_S, -1, True, 1.5, "3600"])
def test_a_delay_that_cannot_be_granted_is_refused_before_anything_is_sent(
    till: Till, delay_s: object
) -> None:
    with pytest.raises(InvalidInput) as refused:
        till.ask(way="deferred", beneficiary=EMAIL, delay_s=delay_s)
    assert refused.value.code == "DELAY_OUT_OF_RANGE"
    assert not till.sent


def test_only_a_deferred_request_has_a_delay(till: Till) -> None:
    with pytest.raises(InvalidInput) as refused:
        till.ask(way="keyed", beneficiary=NUMBER, delay_s=3600)
    assert refused.value.code == "DELAY_UNWANTED"
