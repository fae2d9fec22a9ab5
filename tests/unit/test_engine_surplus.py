"""What must not happen and does: two requests of one line are paid, late, or changed afterwards."""

from __future__ import annotations

import pytest

from cvconnect_pos import NotAllowedNow, Payment, State
from cvconnect_sim.errors import SimError
from harness import NUMBER, OTHER_NUMBER, Till, lose_request, told

HOUR_S = 3_600.0


def switched(till: Till) -> tuple[Payment, str]:
    """A QR was shown, then a label was read: the QR is dead, and the customer of the label is asked."""
    payment = till.ask(way="either")
    qr = payment.attempt.qr_payload
    payment.identify(OTHER_NUMBER)
    till.run(2)
    assert payment.attempt.state is State.AWAITING
    return payment, qr


def held(till: Till) -> int:
    return 200_000 - sum(till.provider.customer(n).balance_cents for n in (NUMBER, OTHER_NUMBER))


def pay_label(till: Till) -> None:
    request = till.provider.waiting_for(OTHER_NUMBER)[0]
    till.provider.validate(OTHER_NUMBER, request.transaction_id)


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_second_payment_of_the_line_is_reversed_by_itself(till: Till, lost: int) -> None:
    payment, qr = switched(till)
    pay_label(till)
    till.run(10)
    till.provider.pay_anyway(NUMBER, qr)
    assert held(till) == 2 * 4550
    for _ in range(lost):
        till.fault("cancellation", lose_request)
    till.run(120)
    assert held(till) == 4550
    assert (payment.outcome.received_cents, payment.outcome.surplus_cents) == (4550, 0)  # type: ignore[union-attr]
    names = [event.name for event in told(payment)]
    assert names.count("SurplusReceived") == names.count("SurplusReversed") == 1


def test_the_qr_that_was_paid_all_the_same_wins_over_a_customer_who_has_not_paid(till: Till) -> None:
    payment, qr = switched(till)
    till.provider.pay_anyway(NUMBER, qr)
    till.run(30)
    outcome = payment.wait(0)
    assert (outcome.state, outcome.received_cents) == (State.APPROVED, 4550)
    with pytest.raises((SimError, IndexError)):
        pay_label(till)
    till.run(60)
    assert held(till) == 4550


def test_a_surplus_is_told_again_after_a_restart_until_it_is_gone(till: Till) -> None:
    payment, qr = switched(till)
    pay_label(till)
    till.run(10)
    payment.acknowledge()
    till.provider.pay_anyway(NUMBER, qr)
    for _ in range(50):
        till.fault("cancellation", lose_request)
    till.run(30)
    till.restart()
    payment = till.engine.resume("r1")
    assert payment.attempt.surplus_cents == 4550
    assert till.engine.unacknowledged() == [payment]
    till.faults.clear()
    till.run(400)
    assert held(till) == 4550
    assert payment.attempt.surplus_cents == 0


def late(till: Till, *, settled_otherwise: bool) -> Payment:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.run(400)
    assert payment.wait(0).state is State.EXPIRED
    payment.acknowledge(settled_otherwise=settled_otherwise)
    till.provider.late_pay(payment.attempt.transaction_id)
    till.run(2 * HOUR_S)
    assert payment.attempt.state is State.DECIDING
    return payment


def test_late_money_of_a_line_that_was_settled_otherwise_goes_back_before_the_window_ends(till: Till) -> None:
    payment = late(till, settled_otherwise=True)
    till.run(2 * HOUR_S)
    assert payment.wait(0).state is State.REVERSED
    assert held(till) == 0


def test_late_money_of_another_line_waits_for_a_person(till: Till) -> None:
    payment = late(till, settled_otherwise=False)
    till.run(2 * HOUR_S)
    assert payment.attempt.state is State.DECIDING
    assert held(till) == 4550


def test_a_reversal_after_the_window_is_refused_at_once_by_the_providers_clock(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.phone.pay(till.phone.incoming()[0])
    till.run(10)
    till.run(4 * HOUR_S + 120)
    with pytest.raises(NotAllowedNow) as refused:
        payment.reverse()
    assert refused.value.code == "REVERSAL_TOO_LATE"
    assert not till.paths().count("payment-transactions/cancellation")


def test_an_amount_that_changes_after_it_was_approved_is_told_once_and_again_until_it_is_acknowledged(
    till: Till,
) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.phone.pay(till.phone.incoming()[0])
    till.run(10)
    payment.acknowledge()
    till.provider.amend(payment.attempt.transaction_id, 2000)
    till.restart()
    till.run(60)
    payment = till.engine.resume("r1")
    changed = [event.as_dict() for event in told(payment) if event.name == "AmountChanged"]
    assert [(one["approved_cents"], one["received_cents"]) for one in changed] == [(4550, 2000)]
    assert till.engine.unacknowledged() == [payment]
    assert payment.wait(0).received_cents == 2000


def test_a_second_payer_needs_a_person(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    till.phone.pay(till.phone.incoming()[0], 2000)
    till.provider.add_payer(payment.attempt.transaction_id, OTHER_NUMBER, 2000)
    till.run(10)
    assert payment.attempt.state is State.DECIDING
    assert payment.attempt.reason == "SEVERAL_PAYERS"


# --- a supervisor frees the line ----------------------------------------------------------------------------------------


def unreachable(till: Till) -> None:
    for _ in range(2_000):
        till.fault("/", lose_request)


def test_a_line_is_freed_only_after_the_expiry_or_with_a_reason(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    unreachable(till)
    till.run(30)
    with pytest.raises(NotAllowedNow) as refused:
        payment.release_line("chef de caisse")
    assert refused.value.code == "LINE_NOT_RELEASABLE"
    till.run(400)
    payment.release_line("chef de caisse")
    till.run(1)
    assert payment.wait(0).state is State.LINE_RELEASED
    assert till.engine.resume("r1").attempt.released_by == "chef de caisse"


def test_a_freed_line_is_cancelled_as_soon_as_the_provider_can_be_asked(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    unreachable(till)
    payment.release_line("chef de caisse", "le client part")
    till.run(30)
    payment.acknowledge()
    till.faults.clear()
    till.restart()
    till.run(60)
    assert till.engine.resume("r1").wait(0).state is State.CANCELLED
    assert not till.phone.incoming()


def test_money_that_came_on_a_freed_line_is_told(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    unreachable(till)
    payment.release_line("chef de caisse", "le client part")
    till.run(30)
    payment.acknowledge()
    till.phone.pay(till.phone.incoming()[0])
    till.faults.clear()
    till.run(60)
    assert payment.attempt.state is State.DECIDING
    assert not payment.attempt.acknowledged
