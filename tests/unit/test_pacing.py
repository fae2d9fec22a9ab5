"""How fast a credential calls: the circuit's laws, the cap, and whose turn it is."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos.core.attempt import Attempt, Order, Way
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.core.pacing import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_S,
    LONGEST_HOLD_S,
    LONGEST_PAUSE_S,
    Circuit,
    PollQueue,
    Urgency,
    urgency_of,
)

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
STARTS = st.sampled_from([0.0, 1234.567, 1e9 + 1 / 3])
"""When the clock of the host started to count is nobody's choice."""


def opened(now_s: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(FAILURES_TO_OPEN):
        circuit.failed(now_s)
    return circuit


# --- the circuit -------------------------------------------------------------------------------------------------------


def test_four_failures_refuse_nothing_and_the_fifth_refuses_creates() -> None:
    circuit = Circuit()
    for _ in range(FAILURES_TO_OPEN - 1):
        circuit.failed(0.0)
        assert circuit.allows_create(0.0)
    circuit.failed(0.0)
    assert circuit.is_open
    assert not circuit.allows_create(0.0)
    assert circuit.retry_in_s(4.0) == 6.0


def test_only_failures_in_a_row_count() -> None:
    circuit = Circuit()
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            circuit.failed(0.0)
        circuit.answered()
    assert not circuit.is_open


def test_after_the_pause_one_create_passes_as_a_probe() -> None:
    circuit = opened()
    assert not circuit.allows_create(9.9)
    assert circuit.allows_create(10.0)
    assert not circuit.allows_create(10.0)
    assert circuit.is_open


def test_a_probe_that_is_never_sent_costs_one_pause() -> None:
    circuit = opened()
    assert circuit.allows_create(10.0)
    assert not circuit.allows_create(19.9)
    assert circuit.allows_create(20.0)


def test_failing_probes_double_the_pause_up_to_a_minute() -> None:
    circuit, now, pauses = opened(), 0.0, list[float]()
    for _ in range(5):
        pauses.append(circuit.retry_in_s(now))
        now += pauses[-1]
        assert circuit.allows_create(now)
        now += 3.0
        circuit.failed(now)
    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0]


def test_polls_that_fail_meanwhile_do_not_keep_it_open() -> None:
    circuit = opened()
    for tenth in range(100):
        circuit.failed(tenth / 10)
    assert circuit.allows_create(10.0)


def test_any_answer_closes_it_and_the_next_time_begins_with_the_short_pause() -> None:
    circuit = opened()
    assert circuit.allows_create(10.0)
    circuit.failed(11.0)
    assert circuit.retry_in_s(11.0) == 20.0
    circuit.answered()
    assert circuit.allows_create(11.0)
    assert circuit.allows_create(11.0)
    for _ in range(FAILURES_TO_OPEN):
        circuit.failed(12.0)
    assert circuit.retry_in_s(12.0) == FIRST_PAUSE_S


def test_retry_after_holds_polls_and_creates_even_when_another_call_is_answered() -> None:
    circuit = Circuit()
    circuit.failed(0.0, retry_after_s=30.0)
    circuit.answered()
    circuit.hold(0.0, 5.0)  # a shorter wish
    assert not circuit.is_open
    assert not circuit.allows_create(29.0)
    assert (circuit.held_s(29.0), circuit.retry_in_s(29.0)) == (1.0, 1.0)
    assert circuit.held_s(30.0) == 0.0
    assert circuit.allows_create(30.0)


@pytest.mark.parametrize(
    ("asked", "held"),
    [(-5.0, 0.0), (1e9, LONGEST_HOLD_S), (float("inf"), LONGEST_HOLD_S), (float("nan"), 0.0)],
)
def test_a_hold_is_bounded(asked: float, held: float) -> None:
    circuit = Circuit()
    circuit.hold(0.0, asked)
    assert circuit.held_s(0.0) == held


@given(st.floats(0, 1e9), st.floats(0, 600))
def test_after_exactly_the_pause_that_was_told_a_create_passes(start: float, asked: float) -> None:
    held = Circuit()
    held.hold(start, asked)
    for circuit in (opened(start), held):
        assert circuit.allows_create(start + circuit.retry_in_s(start))


def test_a_clock_that_rounds_makes_nobody_wait_again() -> None:
    held = Circuit()
    held.hold(0.0, 10.0)
    for circuit in (opened(), held):
        almost = 10.0 - 1e-7
        assert circuit.retry_in_s(almost) == 0.0
        assert circuit.allows_create(almost)


HAPPENINGS = st.lists(
    st.tuples(
        st.floats(0, 30), st.sampled_from(["answered", "failed", "failed", "failed", "create", "hold"])
    ),
    max_size=80,
)


@given(HAPPENINGS, STARTS)
def test_the_laws_of_the_circuit(happenings: list[tuple[float, str]], start: float) -> None:
    circuit, now, row = Circuit(), start, 0
    held_until = start
    for pause, what in happenings:
        now += pause
        match what:
            case "answered":
                circuit.answered()
                row = 0
                assert not circuit.is_open
            case "failed":
                circuit.failed(now)
                row += 1
            case "hold":
                circuit.hold(now, 7.0)
                held_until = max(held_until, now + 7.0)
            case _:
                wait, was_open = circuit.retry_in_s(now), circuit.is_open
                assert circuit.allows_create(now) is (wait == 0.0)
                if was_open and wait == 0.0:
                    assert not circuit.allows_create(now)  # one probe
                elif not was_open:
                    assert (wait == 0.0) is (now >= held_until - 1e-5)
        assert circuit.is_open is (row >= FAILURES_TO_OPEN)
        wait = circuit.retry_in_s(now)
        assert 0.0 <= wait <= LONGEST_PAUSE_S + 1e-5
        assert (wait == 0.0) or not circuit.allows_create(now)
    now += circuit.retry_in_s(now)
    assert circuit.allows_create(now)  # exactly after the pause that was told


# --- the queue ----------------------------------------------------------------------------------------------------------


def drained(queue: PollQueue, now: float) -> list[str]:
    """Take all that waits, each as soon as it is said to be due."""
    taken: list[str] = []
    while (wait := queue.next_in_s(now)) is not None:
        now += wait
        key = queue.take(now)
        assert key is not None
        taken.append(key)
    return taken


def test_a_burst_leaves_at_once_and_the_rest_at_the_rate() -> None:
    queue = PollQueue(calls_per_s=20.0, burst=3)
    for n in range(5):
        queue.offer(Urgency.WATCH, str(n), 0.0)
    assert [queue.take(0.0) for _ in range(4)] == ["0", "1", "2", None]
    assert queue.next_in_s(0.0) == pytest.approx(0.05)
    assert queue.take(0.05) == "3"
    assert queue.take(0.09) is None
    assert queue.take(0.1) == "4"
    assert queue.next_in_s(0.1) is None


def test_the_most_urgent_goes_first_and_the_first_come_within() -> None:
    queue = PollQueue()
    for urgency in reversed(Urgency):
        queue.offer(urgency, f"{urgency}a", 0.0)
    for urgency in Urgency:
        queue.offer(urgency, f"{urgency}b", 1.0)
    expected = [f"{urgency}{n}" for urgency in Urgency for n in "ab"]
    assert drained(queue, 1.0)[:9] == expected[:9]


def test_a_key_that_is_offered_twice_waits_once_and_keeps_its_place() -> None:
    queue = PollQueue()
    for key in ("a", "b", "a"):
        queue.offer(Urgency.DOUBT, key, 0.0)
    assert len(queue) == 2
    assert drained(queue, 0.0) == ["a", "b"]


def test_a_key_that_became_more_urgent_moves() -> None:
    queue = PollQueue()
    for key in ("a", "b"):
        queue.offer(Urgency.WATCH, key, 0.0)
    queue.offer(Urgency.CUSTOMER, "b", 0.0)
    assert drained(queue, 0.0) == ["b", "a"]


def test_a_dropped_key_is_not_taken() -> None:
    queue = PollQueue()
    queue.offer(Urgency.DOUBT, "a", 0.0)
    queue.drop("a")
    queue.drop("a")
    assert "a" not in queue
    assert queue.next_in_s(0.0) is None
    assert queue.take(0.0) is None


def test_orders_never_wait_and_the_polls_pay_for_them() -> None:
    queue = PollQueue(calls_per_s=10.0, burst=5)
    queue.offer(Urgency.CUSTOMER, "a", 0.0)
    for _ in range(7):
        queue.spend(0.0)
    assert queue.take(0.0) is None
    assert queue.next_in_s(0.0) == pytest.approx(0.3)
    assert queue.take(0.3) == "a"


def test_no_number_of_orders_silences_the_polls_for_long() -> None:
    queue = PollQueue(calls_per_s=10.0, burst=5)
    queue.offer(Urgency.CUSTOMER, "a", 0.0)
    for _ in range(1000):
        queue.spend(0.0)
    assert queue.next_in_s(0.0) == pytest.approx(0.6)  # the debt of a burst, and its own token


def test_under_overload_every_tenth_poll_is_of_what_is_less_urgent_the_eldest_first() -> None:
    queue = PollQueue()
    queue.offer(Urgency.WATCH, "elder", 0.0)
    queue.offer(Urgency.DOUBT, "younger", 0.1)
    taken: list[str | None] = []
    now = 1.0
    for n in range(40):
        queue.offer(Urgency.CUSTOMER, f"customer {n}", now)
        queue.offer(Urgency.CUSTOMER, f"another {n}", now)
        taken.append(queue.take(now))
        now += 0.05
    assert [(n, key) for n, key in enumerate(taken, start=1) if key in {"elder", "younger"}] == [
        (10, "elder"),
        (20, "younger"),
    ]


def test_a_rest_of_any_length_saves_no_more_than_a_burst() -> None:
    queue = PollQueue(burst=4)
    for n in range(10):
        queue.offer(Urgency.DOUBT, str(n), 0.0)
    assert [queue.take(1e6) is not None for _ in range(6)] == [True] * 4 + [False] * 2


ACTS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 0.5)),
        st.sampled_from(["offer", "offer", "take", "take", "drop", "spend", "due"]),
        st.integers(0, 30).map(str),
        st.sampled_from(Urgency),
    ),
    max_size=150,
)


@given(ACTS, STARTS, st.floats(0.5, 50), st.integers(1, 25))
def test_the_laws_of_the_queue(
    acts: list[tuple[float, str, str, Urgency]], start: float, rate: float, burst: int
) -> None:
    queue, now = PollQueue(rate, burst), start
    waiting: dict[str, Urgency] = {}
    calls: list[tuple[float, bool]] = []
    charged_until = 0
    for pause, act, key, urgency in acts:
        now += pause
        match act:
            case "offer":
                queue.offer(urgency, key, now)
                waiting[key] = urgency
            case "drop":
                queue.drop(key)
                waiting.pop(key, None)
            case "spend":
                if charged_until < burst:  # never beyond the debt that is counted
                    queue.spend(now)
                    calls.append((now, False))
                    charged_until += 1
            case _:
                wait = queue.next_in_s(now)
                assert (wait is None) is (not waiting)
                if act == "due" and wait is not None:
                    now += wait
                    wait = 0.0
                taken = queue.take(now)
                assert (taken is not None) is (wait == 0.0)
                if taken is not None:
                    del waiting[taken]
                    calls.append((now, True))
        assert len(queue) == len(waiting)
        assert all(key in queue for key in waiting)
    for first, (since, _) in enumerate(calls):
        for last in range(first, len(calls)):
            until, is_poll = calls[last]
            if is_poll:
                assert last - first + 1 <= rate * (until - since) + burst + 1e-3
    assert sorted(drained(queue, now)) == sorted(waiting)  # nothing is lost


@given(st.lists(st.tuples(st.integers(0, 60).map(str), st.sampled_from(Urgency)), max_size=60))
def test_without_overload_the_order_is_that_of_urgency_then_of_time(
    offers: list[tuple[str, Urgency]],
) -> None:
    queue = PollQueue(burst=9)
    waiting: dict[str, tuple[Urgency, int]] = {}
    for number, (key, urgency) in enumerate(offers):
        queue.offer(urgency, key, float(number))
        if waiting.get(key, (None, 0))[0] is not urgency:
            waiting[key] = urgency, number
    taken = [queue.take(1e3) for _ in range(min(9, len(waiting)))]
    assert taken == sorted(waiting, key=lambda key: waiting[key])[:9]


@given(st.integers(0, 2**32))
def test_under_any_overload_what_waits_is_taken_at_last(seed: int) -> None:
    chance, queue = random.Random(seed), PollQueue(calls_per_s=20.0, burst=20)
    others = chance.randrange(20)
    for n in range(others):
        queue.offer(chance.choice([Urgency.CONFIRMATION, Urgency.DOUBT, Urgency.LASTING]), f"other {n}", 0.0)
    queue.offer(Urgency.WATCH, "watched", 0.0)
    taken, now = list[str | None](), 0.0
    while "watched" in queue:
        now += 0.05
        for n in range(3):
            queue.offer(Urgency.CUSTOMER, f"customer {now} {n}", now)
        taken.append(queue.take(now))
        assert len(taken) <= 10 * (others + 1)
    assert taken[-1] == "watched"


# --- urgency ------------------------------------------------------------------------------------------------------------


def attempt(state: State, way: Way = Way.QR) -> Attempt:
    order = Order(request_id="T1", amount_cents=4550, basket_ref="B1", way=way)
    return (
        Attempt(order, "p1", State.CREATING, NOW, NOW, NOW)
        if state is State.CREATING
        else replace(attempt(State.CREATING, way), state=state)
    )


@pytest.mark.parametrize(
    ("state", "way", "urgency"),
    [
        (State.SHOWING, Way.QR, Urgency.CUSTOMER),
        (State.SCANNED, Way.EITHER, Urgency.CUSTOMER),
        (State.AWAITING, Way.SCAN, Urgency.CUSTOMER),
        (State.SWITCHING, Way.EITHER, Urgency.CUSTOMER),
        (State.PAYER_UNKNOWN, Way.KEYED, Urgency.CUSTOMER),
        (State.PAYER_UNKNOWN, Way.DEFERRED, Urgency.CUSTOMER),
        (State.CANCEL_CONFIRMING, Way.QR, Urgency.CONFIRMATION),
        (State.REVERSING, Way.QR, Urgency.CONFIRMATION),
        (State.CAPTURING, Way.QR, Urgency.CONFIRMATION),
        (State.IN_DOUBT, Way.QR, Urgency.DOUBT),
        (State.DECIDING, Way.DEFERRED, Urgency.DOUBT),
        (State.AWAITING, Way.DEFERRED, Urgency.LASTING),
        (State.RESERVED, Way.QR, Urgency.LASTING),
        (State.EXPIRED, Way.QR, Urgency.WATCH),
        (State.APPROVED, Way.KEYED, Urgency.WATCH),
    ],
)
def test_who_waits_at_the_counter_goes_first(state: State, way: Way, urgency: Urgency) -> None:
    assert urgency_of(attempt(state, way)) is urgency


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("way", Way)
def test_every_state_has_an_urgency_and_only_what_is_over_is_watched(state: State, way: Way) -> None:
    assert (urgency_of(attempt(state, way)) is Urgency.WATCH) is (state in FINAL)
