"""The way between a scanner and its cable: every step of the table, and how long each fault waits."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners import reconnection
from cvconnect_drivers.scanners.reconnection import TRANSITIONS, Backoff, Event, Reconnection, State

PATHS: dict[State, list[Event]] = {
    State.ABSENT: [],
    State.OPENING: [Event.RETRY_DUE],
    State.READY: [Event.RETRY_DUE, Event.OPENED],
    State.DEGRADED: [Event.RETRY_DUE, Event.OPENED, Event.WORSENED],
    State.LOST: [Event.RETRY_DUE, Event.OPENED, Event.LOST],
}


def at(state: State) -> Reconnection:
    now = Reconnection()
    for event in PATHS[state]:
        now = now.after(event, 0.0)
    return now


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_event_in_every_state_goes_where_the_table_says_or_is_a_mistake(
    state: State, event: Event
) -> None:
    if (state, event) in TRANSITIONS:
        assert at(state).after(event, 0.0).state is TRANSITIONS[state, event]
    else:
        with pytest.raises(ValueError, match="cannot happen"):
            at(state).after(event, 0.0)


def test_every_arrow_of_the_drawing_is_in_the_table_and_no_other() -> None:
    drawing = reconnection.__doc__ or ""
    for event in Event:
        assert event.name in drawing
    for state in State:
        assert state.name in drawing
    assert {event for _, event in TRANSITIONS} == set(Event)
    assert len([event for _, event in TRANSITIONS if event is not Event.CLOSED]) == 8


def test_the_first_try_is_due_at_once() -> None:
    assert Reconnection().at_s < 0


def test_each_fault_doubles_the_wait_up_to_the_cap() -> None:
    now, waits = Reconnection(backoff=Backoff(0.1, 5.0)), list[float]()
    for _ in range(8):
        now = now.after(Event.RETRY_DUE, 0.0).after(Event.REFUSED, 0.0)
        waits.append(now.at_s)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_a_port_that_opens_and_is_lost_at_once_is_tried_less_and_less_often() -> None:
    now = at(State.READY).after(Event.LOST, 1.0)
    again = now.after(Event.RETRY_DUE, 2.0).after(Event.OPENED, 2.0).after(Event.LOST, 3.0)
    assert (now.at_s, again.at_s) == pytest.approx((1.1, 3.2))


def test_a_cable_that_held_is_forgiven_what_was_before_it() -> None:
    now = Reconnection(State.OPENING, faults=9)
    lost = now.after(Event.OPENED, 100.0).after(Event.LOST, 105.0)
    assert lost.faults == 1
    assert lost.at_s == pytest.approx(105.1)


def test_a_try_that_takes_long_and_fails_is_forgiven_nothing() -> None:
    assert Reconnection(State.OPENING, faults=5, at_s=0.0).after(Event.REFUSED, 100.0).faults == 6


def test_a_fault_on_the_way_changes_no_wait() -> None:
    assert at(State.DEGRADED).after(Event.RECOVERED, 9.0).at_s == at(State.READY).at_s


def test_closing_forgets_all_but_the_policy() -> None:
    policy = Backoff(1.0, 2.0)
    closed = Reconnection(State.LOST, 7, 99.0, policy).after(Event.CLOSED, 100.0)
    assert closed == Reconnection(backoff=policy)


@given(st.integers(1, 10**9), st.floats(0.001, 10), st.floats(0.001, 3600))
def test_no_wait_exceeds_the_cap_or_falls_with_more_faults(
    faults: int, first_s: float, last_s: float
) -> None:
    policy = Backoff(first_s, last_s)
    assert 0 < policy.wait_s(faults) <= policy.wait_s(faults + 1) <= last_s


@given(st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 1000))))
def test_whatever_happens_labels_come_only_from_an_open_device(events: list[tuple[Event, float]]) -> None:
    now = Reconnection()
    for event, moment_s in events:
        if (now.state, event) in TRANSITIONS:
            now = now.after(event, moment_s)
    assert now.is_open == (now.state in {State.READY, State.DEGRADED})
    assert 0 <= now.faults <= len(events)
