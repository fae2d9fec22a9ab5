"""The table: what it promises, whatever the schedule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos.core.lifecycle import (
    ALIVE,
    CALLS,
    FINAL,
    NEGATIVE,
    OBSERVATIONS,
    RIVALS,
    TABLE,
    Command,
    Signal,
    State,
    Step,
    step,
)

S, G, C = State, Signal, Command


def test_every_word_of_the_provider_has_a_row_in_every_state() -> None:
    assert {(state, said) for state in State for said in OBSERVATIONS | RIVALS} <= set(TABLE)


def test_a_row_makes_at_most_one_call_and_makes_it_last() -> None:
    for key, row in TABLE.items():
        calls = [command for command in row.commands if command in CALLS]
        assert len(calls) <= 1, key
        assert not calls or row.commands[-1] in CALLS, key


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {S.CREATING}
    while more := {row.state for (state, _), row in TABLE.items() if state in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_every_state_that_is_not_final_can_end() -> None:
    ends = set(FINAL)
    while more := {state for (state, _), row in TABLE.items() if row.state in ends} - ends:
        ends |= more
    assert ends == set(State)


def test_only_the_providers_word_or_a_person_ends_an_attempt() -> None:
    local = {
        G.CANCEL,
        G.IDENTIFIED,
        G.PAYER_LOST,
        G.PAYER_REFUSED,
        G.CANCEL_LOST,
        G.CANCEL_ANSWERED,
        G.CANCEL_REFUSED,
    }
    for (state, signal), row in TABLE.items():
        if state not in FINAL and signal in local:
            assert row.state not in FINAL, (state, signal)


@pytest.mark.parametrize("state", sorted(ALIVE | {S.OPENED} | NEGATIVE))
def test_paid_beats_every_local_state(state: State) -> None:
    unasked = {S.RESERVED, S.RELEASING, S.RELEASE_UNKNOWN}
    if state in unasked | NEGATIVE or state.startswith("CANCEL"):
        assert TABLE[state, G.PAID].state is S.DECIDING
    else:
        assert TABLE[state, G.PAID].state is S.APPROVED


def test_a_lost_answer_is_never_followed_by_the_same_call() -> None:
    for lost in (G.PAYER_LOST, G.CANCEL_LOST, G.CREATE_LOST):
        for (_, signal), row in TABLE.items():
            if signal is lost:
                assert not set(row.commands) & (CALLS - {C.STATUS}), row


def test_the_customer_is_asked_again_only_while_the_provider_shows_no_payer() -> None:
    senders = {key for key, row in TABLE.items() if C.PAYER in row.commands}
    assert senders == {
        (S.OPENED, G.IDENTIFIED),
        (S.CREATING, G.CREATED_NAMED),
        (S.PAYER_UNKNOWN, G.PENDING),
    }


def test_money_goes_back_only_because_a_person_said_so() -> None:
    senders = {key for key, row in TABLE.items() if C.REVERSE in row.commands}
    again = {(S.REVERSAL_UNKNOWN, said) for said in (G.PAID, G.OVERPAID, G.AMOUNT_CHANGED, G.AMOUNT_RAISED)}
    given_back = {(S.DECIDING, G.GIVE_BACK)}  # a person had said that the line was settled otherwise
    assert senders == {(S.APPROVED, G.REVERSE), (S.DECIDING, G.REVERSE)} | given_back | again


def test_a_cancel_is_sent_only_after_the_provider_said_that_nothing_is_paid() -> None:
    unpaid = {G.PENDING, G.SCAN_SEEN, G.BROKEN}
    senders = {key for key, row in TABLE.items() if C.CANCEL in row.commands}
    assert senders and all(signal in unpaid for _, signal in senders)


def test_the_qr_is_hidden_before_its_cancel_when_an_identifier_is_read() -> None:
    assert TABLE[S.SHOWING, G.IDENTIFIED] == Step(S.SWITCH_ASKED, (C.HIDE, C.DISARM, C.STATUS))
    assert TABLE[S.SWITCH_ASKED, G.PENDING] == Step(S.SWITCHING, (C.CANCEL,))
    assert step(S.SWITCHING, G.CANCEL_LOST) == Step(S.CANCEL_UNKNOWN, (C.TELL,))


def test_a_qr_scanned_first_refuses_the_identifier() -> None:
    assert step(S.SCANNED, G.IDENTIFIED) is None
    assert TABLE[S.SWITCH_ASKED, G.SCAN_SEEN].state is S.SCANNED
    assert TABLE[S.SWITCHING, G.SCAN_SEEN].state is S.SCANNED


def test_an_orphan_is_never_shown_or_used() -> None:
    beside = RIVALS | {G.SURPLUS_SETTLED}
    rows = [row for (state, said), row in TABLE.items() if state is S.ORPHANED and said not in beside]
    assert rows and all(row == Step(S.ORPHANED) for row in rows)


@given(st.lists(st.sampled_from(sorted(Signal)), max_size=60))
def test_no_schedule_names_a_second_customer_or_cancels_what_is_over(signals: list[Signal]) -> None:
    state, named, reversal_asked = S.CREATING, False, False
    for signal in signals:
        row = step(state, signal)
        if row is None:
            continue
        if (
            C.PAYER in row.commands
        ):  # again only for the same customer, or after the provider refused the last one
            assert not named or signal is G.PENDING
            named = True
        if signal is G.PAYER_REFUSED or row.state is S.CREATING:
            named = False
        if C.CANCEL in row.commands:
            assert state not in (FINAL - {S.LINE_RELEASED}) | {S.DECIDING}
        reversal_asked = reversal_asked or signal in {G.REVERSE, G.GIVE_BACK}
        assert C.REVERSE not in row.commands or reversal_asked
        state = row.state


def test_every_state_in_which_a_customer_can_pay_is_watched_or_waits_for_a_call() -> None:
    from cvconnect_pos.core.policy import CADENCES

    in_flight = {S.IDENTIFYING, S.CANCEL_SENT}
    assert set(CADENCES) >= ALIVE - in_flight
    assert set(CADENCES) >= NEGATIVE
