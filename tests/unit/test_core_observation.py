"""What the provider's words mean, whatever they come with: each state, each doubt, and the word on a rival."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cvconnect_pos.core.attempt import REQUEST, Attempt, Entry, Order, Rival, Way, fold, order_data, rebuild
from cvconnect_pos.core.lifecycle import FINAL, OBSERVATIONS, Signal, State, Step
from cvconnect_pos.core.observation import alarm, observe, observe_qr, observe_rival
from cvconnect_pos.core.policy import may_change, poll_delay_s, rival_delay_s, same_phase
from cvconnect_pos.core.provider import Authorization, PreTransaction, ProviderState, Transaction
from cvconnect_pos.core.steps import consequences

G, P, S = Signal, ProviderState, State
NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
ASKED = 4550
RIVAL = Rival("p0", "q0", "", NOW)


def attempt(**known: Any) -> Attempt:
    reserve = bool(known.pop("reserve", False))
    order = Order("r1", ASKED, "B1", Way.KEYED, beneficiary="10*****3051", reserve=reserve)
    opened = Entry(1, "r1", NOW, REQUEST, S.CREATING, order_data(order, "p1", simulation=True))
    ours = fold(
        rebuild([opened]), Entry(2, "r1", NOW, "CREATED_NAMED", S.IDENTIFYING, {"transaction_id": "t1"})
    )
    assert (
        rebuild([opened, Entry(2, "r1", NOW, "CREATED_NAMED", S.IDENTIFYING, {"transaction_id": "t1"})])
        == ours
    )
    return replace(ours, **known)


def reading(state: ProviderState, *cents: int | None, **more: Any) -> Transaction:
    holder = more.pop("holder", "10*****3051")
    given = tuple(Authorization(str(n), cent, holder) for n, cent in enumerate(cents))
    return replace(Transaction("t1", state, authorizations=given), **more)


# --- our transaction ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (reading(P.INITIALIZED), G.PENDING),
        (reading(P.INITIALIZED, has_payer=True), G.SCAN_SEEN),
        (reading(P.PROCESSING), G.SCAN_SEEN),
        (reading(P.ABORTED), G.DECLINED),
        (reading(P.REJECTED), G.REJECTED),
        (reading(P.EXPIRED), G.LAPSED),
        (reading(P.CANCELLED), G.VOIDED),
        (reading(P.CANCELLED, ASKED), G.RECREDITED),
        (reading(P.AUTHORIZED, ASKED), G.PAID),
        (reading(P.CONSIGNED, 1), G.PAID),
        (reading(P.UNRECOGNISED, ASKED), G.UNREADABLE),
        (reading(P.TIMEOUT), G.UNREADABLE),
        (reading(P.VALIDATED, ASKED, transaction_id="t2"), G.UNREADABLE),
        (reading(P.VALIDATED, ASKED, payment_id="p2"), G.UNREADABLE),
        (reading(P.VALIDATED, ASKED, payment_id="p1"), G.PAID),
    ],
)
def test_a_reading_means_one_thing(said: Transaction, meant: Signal) -> None:
    assert observe(said, attempt()) is meant


@pytest.mark.parametrize("word", sorted(P))
@pytest.mark.parametrize("cents", [(), (None,), (0,), (ASKED,)])
def test_no_word_is_without_a_meaning_and_none_without_money_is_paid(
    word: ProviderState, cents: tuple[int | None, ...]
) -> None:
    for ours in (attempt(), attempt(reserve=True)):
        meant = observe(reading(word, *cents), ours)
        assert meant in OBSERVATIONS
        assert meant not in {G.PAID, G.OVERPAID, G.HELD, G.RECREDITED, G.AMOUNT_CHANGED} or cents == (ASKED,)


@pytest.mark.parametrize(
    ("reserve", "deferred", "cents", "meant"),
    [
        (True, True, ASKED, G.HELD),
        (True, None, ASKED, G.HELD),
        (True, False, ASKED, G.UNREADABLE),
        (True, True, None, G.UNREADABLE),
        (False, True, ASKED, G.UNREADABLE),
        (False, False, ASKED, G.PAID),
    ],
)
def test_authorised_is_reserved_only_when_both_sides_mean_that(
    reserve: bool, deferred: bool | None, cents: int | None, meant: Signal
) -> None:
    said = reading(P.AUTHORIZED, cents, capture_deferred=deferred)
    assert observe(said, attempt(reserve=reserve)) is meant


def test_a_reservation_that_was_never_captured_was_never_received() -> None:
    said = reading(P.CANCELLED, ASKED)
    assert observe(said, attempt(reserve=True)) is G.VOIDED
    assert observe(said, attempt(reserve=True, capture_cents=ASKED)) is G.RECREDITED
    assert observe(reading(P.CANCELLED), attempt(received_cents=ASKED)) is G.RECREDITED


def test_a_known_amount_that_is_another_one_has_changed() -> None:
    assert observe(reading(P.VALIDATED, 2000), attempt(received_cents=ASKED)) is G.AMOUNT_CHANGED
    assert observe(reading(P.VALIDATED, ASKED + 1), attempt(received_cents=ASKED)) is G.AMOUNT_RAISED
    assert observe(reading(P.VALIDATED, ASKED), attempt(received_cents=ASKED)) is G.PAID


@pytest.mark.parametrize(
    ("said", "known", "why"),
    [
        (reading(P.VALIDATED, ASKED), {}, ""),
        (reading(P.VALIDATED, ASKED + 1), {}, "OVERPAID"),
        (reading(P.VALIDATED, 2001), {"capture_cents": 2000}, "OVERPAID"),
        (reading(P.VALIDATED, ASKED, payers_paid=2), {}, "SEVERAL_PAYERS"),
        (reading(P.VALIDATED, ASKED, holder="10*****4062"), {}, "UNEXPECTED_PAYER"),
        (reading(P.VALIDATED, ASKED, holder="10*******3051"), {}, ""),  # another mask of the same digits
        (reading(P.VALIDATED, ASKED, holder=""), {}, ""),
        (reading(P.VALIDATED, ASKED, holder="10*****4062"), {"beneficiary": ""}, ""),
        (reading(P.VALIDATED, ASKED, holder="10*****4062"), {"beneficiary": "c***@example.invalid"}, ""),
        (reading(P.VALIDATED, ASKED, holder="10*****4062"), {"pre_transaction_id": "q1"}, ""),
        (reading(P.VALIDATED), {}, ""),
    ],
)
def test_an_alarm_says_why(said: Transaction, known: dict[str, Any], why: str) -> None:
    assert alarm(said, attempt(**known)) == why


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (PreTransaction("q1", P.INITIALIZED), G.PENDING),
        (PreTransaction("q1", P.ERROR), G.BROKEN),
        (PreTransaction("q1", P.VALIDATED), G.UNREADABLE),
        (PreTransaction("q2", P.INITIALIZED), G.UNREADABLE),
        (PreTransaction("q1", P.ERROR, transaction=reading(P.VALIDATED, ASKED)), G.PAID),
        (
            PreTransaction("q1", P.SCANNED, transaction=reading(P.VALIDATED, ASKED, transaction_id="t2")),
            G.UNREADABLE,
        ),
    ],
)
def test_a_qr_request_is_read_by_what_is_behind_it(said: PreTransaction, meant: Signal) -> None:
    assert observe_qr(said, attempt(pre_transaction_id="q1")) is meant


# --- the rival ----------------------------------------------------------------------------------------------------------


def behind(state: ProviderState, *cents: int | None, **more: Any) -> PreTransaction:
    linked = reading(state, *cents, transaction_id="t0", **more)
    return PreTransaction("q0", P.SCANNED, transaction=linked)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (PreTransaction("q0", P.INITIALIZED), G.RIVAL_ALIVE),
        (PreTransaction("q0", P.CANCELLED), G.RIVAL_DEAD),
        (PreTransaction("q0", P.UNRECOGNISED), None),
        (PreTransaction("q1", P.CANCELLED), None),  # another one
        (behind(P.PROCESSING), G.RIVAL_ALIVE),
        (behind(P.EXPIRED), G.RIVAL_DEAD),
        (behind(P.VALIDATED, ASKED), G.RIVAL_PAID),
        (behind(P.VALIDATED), G.RIVAL_UNREADABLE),  # paid, and nobody can read how much
        (behind(P.AUTHORIZED, ASKED, capture_deferred=True), G.RIVAL_HELD),
        (behind(P.AUTHORIZED, ASKED), G.RIVAL_PAID),
        (behind(P.VALIDATED, ASKED, payment_id="p1"), None),  # ours, not the rival's
    ],
)
def test_the_word_on_a_rival(said: PreTransaction, meant: Signal | None) -> None:
    assert observe_rival(said, RIVAL, surplus_cents=0, reserve=False) is meant


def test_a_rival_that_was_to_be_reserved_only_is_not_paid_before_its_capture() -> None:
    for said, meant in ((P.AUTHORIZED, G.RIVAL_HELD), (P.VALIDATED, G.RIVAL_PAID)):
        assert observe_rival(behind(said, ASKED), RIVAL, surplus_cents=0, reserve=True) is meant


def test_a_rival_that_is_said_to_be_paid_without_its_transaction_is_asked_again() -> None:
    said = PreTransaction("q0", P.VALIDATED)
    assert observe_rival(said, RIVAL, surplus_cents=0, reserve=False) is None


def test_a_rival_that_had_money_and_is_dead_gave_it_back() -> None:
    for said in (behind(P.CANCELLED, ASKED), behind(P.CANCELLED)):
        assert observe_rival(said, RIVAL, surplus_cents=ASKED, reserve=False) is G.RIVAL_RECREDITED


def test_a_rival_is_asked_for_by_its_transaction_once_that_is_known() -> None:
    named = replace(RIVAL, transaction_id="t0")
    assert (
        observe_rival(reading(P.EXPIRED, transaction_id="t0"), named, surplus_cents=0, reserve=False)
        is G.RIVAL_DEAD
    )
    assert (
        observe_rival(reading(P.EXPIRED, transaction_id="t1"), named, surplus_cents=0, reserve=False) is None
    )


def change(before: Attempt, signal: Signal, state: State, heard: dict[str, Any]) -> Attempt:
    facts = consequences(before, signal, Step(state), heard, fresh_payment_id="p9", now=NOW)
    return fold(before, Entry(before.seq + 1, "r1", NOW, signal.value, state, facts))


@pytest.mark.parametrize("known", [True, False])
def test_a_rival_that_alone_is_paid_takes_the_place_and_the_other_is_watched(known: bool) -> None:
    mine = attempt(rival=RIVAL, transaction_id="t1" if known else "")
    paid = {"rival": replace(RIVAL, transaction_id="t0").as_data(), "surplus_cents": ASKED}
    after = change(mine, G.RIVAL_PAID, S.APPROVED, paid)
    assert (after.payment_id, after.transaction_id, after.received_cents) == ("p0", "t0", ASKED)
    assert (after.surplus_cents, after.rival) == (0, Rival("p1", "", "t1", NOW) if known else None)


def test_the_money_of_a_rival_is_not_the_attempts() -> None:
    mine = attempt(state=S.APPROVED, received_cents=2000, rival=RIVAL, acknowledged=True)
    heard: dict[str, Any] = {"surplus_cents": ASKED, "authorizations": [], "beneficiary": "10*****4062"}
    after = change(mine, G.RIVAL_PAID, S.APPROVED, heard)
    assert (after.received_cents, after.beneficiary, after.surplus_cents) == (2000, "10*****3051", ASKED)
    assert not after.acknowledged
    assert change(replace(after, acknowledged=True), G.RIVAL_PAID, S.APPROVED, heard).acknowledged  # no news


# --- how long something may still change ---------------------------------------------------------------------------------


def test_a_rival_is_asked_for_until_it_is_a_day_old() -> None:
    assert rival_delay_s(attempt(), 0.0) is None
    watched = attempt(rival=RIVAL)
    ages = (-5.0, 0.0, 299.0, 300.0, 4 * 3_600.0, 86_399.0, 86_400.0)
    assert [rival_delay_s(watched, age_s) for age_s in ages] == [
        10.0,
        10.0,
        10.0,
        300.0,
        3_600.0,
        3_600.0,
        None,
    ]
    assert rival_delay_s(watched, 0.0, speed=10.0) == 1.0


def test_what_is_over_may_change_for_a_day_and_a_freed_line_for_ever() -> None:
    for state in sorted(FINAL - {S.LINE_RELEASED}):
        assert [may_change(state, age_s) for age_s in (0.0, 86_399.0, 86_400.0)] == [True, True, False]
    assert may_change(S.LINE_RELEASED, 1e9)


@pytest.mark.parametrize(("captured", "why"), [(None, "CAPTURED_UNASKED"), (3000, "LATE_CAPTURE")])
def test_money_that_is_taken_of_a_reservation_by_itself_asks_why(captured: int | None, why: str) -> None:
    held = attempt(state=S.RESERVED, reserved_cents=ASKED, capture_cents=captured)
    assert change(held, G.PAID, S.DECIDING, {"received_cents": 3000}).reason == why


def test_pauses_go_on_growing_within_a_conversation() -> None:
    assert same_phase(S.CANCEL_SENT, S.CANCEL_UNKNOWN)
    assert same_phase(S.APPROVED, S.APPROVED)
    assert not same_phase(S.AWAITING, S.CANCELLING)


def test_a_payment_that_no_cancel_can_reach_is_not_polled() -> None:
    assert poll_delay_s(attempt(state=S.APPROVED), 0.0, 0.0) is None
    assert poll_delay_s(attempt(state=S.APPROVED, cancel_sent=True), 0.0, 0.0) == 30.0
