"""What mutants of the core showed that nothing else told apart: numbers, sets and reasons that matter at the till."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cvconnect_pos import State, Way
from cvconnect_pos.core.attempt import (
    REQUEST,
    Attempt,
    Entry,
    Order,
    Rival,
    authorizations_data,
    fold,
    opening,
    order_data,
)
from cvconnect_pos.core.lifecycle import CALLS, FINAL, NEGATIVE, TABLE, Command, Signal, step
from cvconnect_pos.core.open_items import Kind, is_in_the_way, kind_of
from cvconnect_pos.core.policy import (
    STALLING,
    cadence_of,
    may_change,
    poll_delay_s,
    releasable_at,
    same_phase,
)
from cvconnect_pos.core.provider import Authorization
from cvconnect_pos.core.steps import consequences

S, G, C = State, Signal, Command

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def attempt_in(state: State, *, way: Way = Way.QR) -> Attempt:
    order = Order("r1", 4550, "B1", way)
    entry = Entry(1, "r1", NOW, REQUEST, S.CREATING, order_data(order, "p1", simulation=True))
    return replace(opening(entry), state=state)


# --- when the provider is asked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "ages"),
    [
        (S.SHOWING, [(0, 2), (59, 2), (60, 5), (599, 5), (600, 30), (9e9, 30)]),
        (S.AWAITING, [(0, 2), (60, 5), (600, 30)]),
        (S.CANCEL_CONFIRMING, [(0, 1), (29, 1), (30, 5), (600, 30)]),
        (S.REVERSING, [(0, 1), (30, 5), (600, 30)]),
        (S.CAPTURE_UNKNOWN, [(0, 1), (30, 5), (600, 30)]),
        (S.IN_DOUBT, [(0, 5), (59, 5), (60, 30)]),
        (S.RESERVED, [(0, 60), (599, 60), (600, 300), (3_599, 300), (3_600, 900)]),
        (S.EXPIRED, [(0, 30), (299, 30), (300, 3_600), (86_399, 3_600), (86_400, None)]),
        (S.LINE_RELEASED, [(0, 10), (600, 300), (86_399, 300), (86_400, 3_600)]),
        (S.APPROVED, [(0, None)]),
        (S.ORPHANED, [(0, None)]),
    ],
)
def test_the_pauses_are_those_that_the_provider_is_promised(
    state: State, ages: list[tuple[float, float | None]]
) -> None:
    assert [(age, poll_delay_s(attempt_in(state), age, 0.0)) for age, _ in ages] == ages


def test_no_more_than_150_polls_are_made_in_ten_minutes() -> None:
    age, polls = 0.0, 0
    while age < 600.0:
        age += poll_delay_s(attempt_in(S.SHOWING), age, 0.0) or 600.0
        polls += 1
    assert 100 <= polls <= 150


def test_the_jitter_is_a_fifth_and_speed_divides() -> None:
    shown = attempt_in(S.SHOWING)
    assert [poll_delay_s(shown, 0.0, jitter) for jitter in (-1.0, 1.0)] == pytest.approx([1.6, 2.4])
    assert poll_delay_s(shown, 0.0, 0.0, speed=4.0) == 0.5


def test_a_deferred_customer_is_asked_after_slowly_and_a_kept_payment_until_its_window_ends() -> None:
    assert poll_delay_s(attempt_in(S.AWAITING, way=Way.DEFERRED), 0.0, 0.0) == 60.0
    kept = replace(attempt_in(S.APPROVED), cancel_sent=True)
    ages = (0.0, 299.0, 300.0, 4 * 3_600.0, 4 * 3_600.0 + 59.0, 4 * 3_600.0 + 60.0)
    assert [poll_delay_s(kept, age, 0.0) for age in ages] == [30.0, 30.0, 300.0, 300.0, 300.0, None]


def test_what_goes_on_with_one_conversation_is_one_phase() -> None:
    phases = [
        {S.IDENTIFYING, S.PAYER_UNKNOWN},
        {S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING},
        {S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED},
        {S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED},
        {S.RELEASING, S.RELEASE_UNKNOWN},
    ]
    for phase in phases:
        for before in phase:
            assert {after for after in State if same_phase(before, after)} == phase
    assert same_phase(S.SHOWING, S.SCANNED) and not same_phase(S.SCANNED, S.CANCELLING)
    assert all(same_phase(state, state) for state in State)


def test_every_state_whose_order_was_answered_may_stall_and_is_polled() -> None:
    assert {S.CANCEL_CONFIRMING, S.REVERSING, S.CAPTURING, S.RELEASING} <= STALLING
    for state in STALLING:
        assert step(state, G.STALLED) is not None
        assert cadence_of(attempt_in(state)) is not None


def test_a_line_is_freed_without_a_reason_a_minute_after_its_expiry() -> None:
    shown = attempt_in(S.SHOWING)
    assert releasable_at(shown) == NOW + timedelta(seconds=60)
    late = NOW + timedelta(hours=1)
    assert releasable_at(replace(shown, expires_at=late)) == late + timedelta(seconds=60)


@pytest.mark.parametrize("state", sorted(NEGATIVE | {S.APPROVED}))
def test_what_is_over_is_looked_at_for_a_day(state: State) -> None:
    assert may_change(state, 86_399.0) and not may_change(state, 86_400.0)


# --- what a person must look at -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "way", "kind"),
    [
        (S.DECIDING, Way.QR, Kind.DECISION),
        (S.IN_DOUBT, Way.QR, Kind.DOUBT),
        (S.IN_DOUBT, Way.DEFERRED, Kind.DOUBT),
        (S.RESERVED, Way.QR, Kind.RESERVED),
        (S.AWAITING, Way.DEFERRED, Kind.WAITING),
        (S.IDENTIFYING, Way.DEFERRED, Kind.WAITING),
        (S.PAYER_UNKNOWN, Way.DEFERRED, Kind.WAITING),
        (S.OPENED, Way.DEFERRED, Kind.UNFINISHED),
        (S.AWAITING, Way.KEYED, Kind.UNFINISHED),
        (S.CANCEL_UNKNOWN, Way.QR, Kind.UNFINISHED),
        (S.APPROVED, Way.QR, Kind.UNRECORDED),
        (S.LINE_RELEASED, Way.QR, Kind.UNRECORDED),
        (S.REVERSED_AFTER_KEEP, Way.QR, Kind.CHANGED),
    ],
)
def test_an_unfinished_attempt_is_of_one_kind(state: State, way: Way, kind: Kind) -> None:
    assert kind_of(state=state, way=way, acknowledged=False) is kind
    assert kind_of(state=state, way=way, acknowledged=False, surplus_cents=1) is Kind.SURPLUS


def test_what_is_recorded_is_no_open_item_unless_the_line_was_freed() -> None:
    for state in FINAL - {S.LINE_RELEASED}:
        assert kind_of(state=state, way=Way.QR, acknowledged=True) is None
        assert kind_of(state=state, way=Way.QR, acknowledged=True, surplus_cents=1) is Kind.SURPLUS
    assert kind_of(state=S.LINE_RELEASED, way=Way.QR, acknowledged=True) is Kind.RELEASED_LINE
    changed = kind_of(state=S.APPROVED, way=Way.QR, acknowledged=False, reason="AMOUNT_CHANGED")
    assert changed is Kind.CHANGED


def test_a_day_is_kept_open_by_all_but_what_lasts_for_days_or_was_answered_for() -> None:
    carried = {Kind.RESERVED, Kind.WAITING, Kind.RELEASED_LINE}
    assert {kind for kind in Kind if not is_in_the_way(kind)} == carried
    assert not is_in_the_way(None)


# --- what a till prints and says --------------------------------------------------------------------------------------------


def test_every_call_is_known_as_one_and_nothing_else_is() -> None:
    devices = {C.SHOW, C.HIDE, C.ARM, C.DISARM, C.TELL, C.TICKET}
    assert set(Command) - CALLS == devices


def test_a_ticket_is_printed_only_when_an_attempt_ends_or_is_reserved() -> None:
    for (state, signal), row in TABLE.items():
        if C.TICKET in row.commands:
            assert row.state in FINAL | {S.RESERVED}, (state, signal)


def test_the_end_of_what_is_shown_takes_it_off_the_displays() -> None:
    for (state, signal), row in TABLE.items():
        if state in {S.SHOWING, S.SCANNED} and row.state in FINAL | {S.RESERVED, S.DECIDING}:
            assert {C.HIDE, C.DISARM, C.TELL} <= set(row.commands), (state, signal)
        if row.state in FINAL and C.SHOW in row.commands:
            raise AssertionError((state, signal))


# --- an attempt, as it begins and as it grows -----------------------------------------------------------------------------


def test_a_new_attempt_knows_nothing_but_what_was_asked() -> None:
    fresh = attempt_in(S.CREATING)
    assert (fresh.received_cents, fresh.reserved_cents, fresh.capture_cents, fresh.surplus_cents) == (
        None,
        None,
        None,
        0,
    )
    assert not (fresh.cancel_asked or fresh.cancel_sent or fresh.acknowledged or fresh.settled_otherwise)
    assert fresh.due_cents == 4550
    assert replace(fresh, capture_cents=1000).due_cents == 1000


def test_a_receipt_does_not_move_the_time_of_the_change() -> None:
    later = NOW + timedelta(minutes=5)
    ended = fold(attempt_in(S.AWAITING), Entry(2, "r1", later, G.PAID.value, S.APPROVED, {}))
    recorded = fold(
        ended, Entry(3, "r1", later + timedelta(hours=1), "ACKNOWLEDGED", S.APPROVED, {"acknowledged": True})
    )
    assert (ended.changed_at, recorded.changed_at, recorded.seq) == (later, later, 3)
    assert recorded.updated_at == later + timedelta(hours=1)


def test_a_rival_comes_back_from_the_journal_as_it_was_written() -> None:
    rival = Rival("p0", "q1", "t1", NOW)
    entry = Entry(2, "r1", NOW, G.VOIDED.value, S.CREATING, {"rival": rival.as_data()})
    assert fold(attempt_in(S.SWITCHING), entry).rival == rival
    assert fold(attempt_in(S.SWITCHING), replace(entry, data={"rival": None})).rival is None


# --- what follows from a step -----------------------------------------------------------------------------------------------


def after(before: Attempt, signal: Signal, **heard: Any) -> Attempt:
    row = step(before.state, signal)
    assert row is not None
    facts = consequences(before, signal, row, heard, fresh_payment_id="p9", now=NOW)
    return fold(before, Entry(before.seq + 1, "r1", NOW, signal.value, row.state, facts))


MONEY: dict[str, Any] = {
    "received_cents": 4550,
    "authorizations": authorizations_data([Authorization("A1", 4550, "10*****3051", NOW)]),
}


def test_money_of_the_rival_leaves_the_authorisations_of_the_payment_alone() -> None:
    rival = Rival("p2", "q2", "t2", NOW)
    paid = replace(after(attempt_in(S.AWAITING), G.PAID, **MONEY), rival=rival, acknowledged=True)
    other = authorizations_data([Authorization("A2", 3000, "10*****4062", NOW + timedelta(minutes=1))])
    heard = {
        "rival": rival.as_data(),
        "surplus_cents": 3000,
        "authorizations": other,
        "beneficiary": "10*****4062",
    }
    both = after(paid, G.RIVAL_PAID, **heard)
    assert (both.state, both.received_cents, both.surplus_cents) == (S.APPROVED, 4550, 3000)
    assert (both.authorizations, both.beneficiary) == (paid.authorizations, paid.beneficiary)
    assert not both.acknowledged, "news, after the receipt"
    assert after(replace(both, acknowledged=True), G.RIVAL_PAID, **heard).acknowledged, (
        "no news the second time"
    )


@pytest.mark.parametrize(
    ("state", "signal"),
    [
        (S.OPENED, G.IDENTIFIED),
        (S.IDENTIFYING, G.SCAN_SEEN),
        (S.SHOWING, G.SCAN_SEEN),
        (S.AWAITING, G.PAID),
        (S.RESERVED, G.CAPTURE),
        (S.RESERVED, G.RELEASE),
    ],
)
def test_an_old_reason_goes_with_what_it_was_the_reason_of(state: State, signal: Signal) -> None:
    assert after(replace(attempt_in(state), reason="UNREADABLE_ANSWER"), signal).reason == ""


@pytest.mark.parametrize(
    ("state", "signal", "reason"),
    [
        (S.CANCELLING, G.PAID, "CANCEL_CROSSED"),
        (S.CANCEL_SENT, G.PAID, "CANCEL_CROSSED"),
        (S.CANCEL_UNKNOWN, G.PAID, "CANCEL_CROSSED"),
        (S.CANCEL_CONFIRMING, G.PAID, "CANCEL_CROSSED"),
        (S.EXPIRED, G.PAID, "LATE_PAYMENT"),
        (S.LINE_RELEASED, G.PAID, "LATE_PAYMENT"),
        (S.RESERVED, G.PAID, "CAPTURED_UNASKED"),
        (S.RELEASING, G.PAID, "CAPTURED_UNASKED"),
        (S.RELEASE_UNKNOWN, G.PAID, "CAPTURED_UNASKED"),
        (S.EXPIRED, G.HELD, "LATE_RESERVATION"),
        (S.REVERSING, G.STALLED, "REVERSAL_WITHOUT_EFFECT"),
        (S.CAPTURING, G.STALLED, "CAPTURE_WITHOUT_EFFECT"),
        (S.RELEASING, G.STALLED, "RELEASE_WITHOUT_EFFECT"),
        (S.CREATING, G.RESTARTED, "INTERRUPTED"),
    ],
)
def test_the_cashier_is_told_why(state: State, signal: Signal, reason: str) -> None:
    assert after(attempt_in(state), signal).reason == reason
