"""What becomes of each label: one for each arming, the others dropped, each of them counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import Damage, RawLabel
from cvconnect_drivers.scanners.gate import COUNTED, QUEUE_LABELS, Gate
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.settings import ScannerSettings
from scripted_scanner import FIRST, SECOND, TORN


class Customer:
    """Arms a gate and keeps what it delivers."""

    def __init__(self, gate: Gate, *, label_begun: bool = False, same: bool = False) -> None:
        self.heard: list[Label] = []
        gate.arm(self.heard.append, 0.0, label_begun=label_begun, same_customer=same)


def deliver(gate: Gate) -> None:
    while (delivery := gate.next()) is not None:
        delivery.on_label(delivery.label)


def test_one_arming_lets_one_label_through() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate)
    gate.take(FIRST, 0.0)
    assert not gate.armed
    gate.take(SECOND, 0.0)
    deliver(gate)
    assert [label.text for label in customer.heard] == ["20000000016"]
    assert (gate.counts()["delivered"], gate.counts()["dropped"]) == (1, 1)


def test_a_label_that_had_begun_is_not_the_one() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate, label_begun=True)
    gate.take(FIRST, 0.0)
    gate.take(SECOND, 0.0)
    deliver(gate)
    assert [label.text for label in customer.heard] == ["20000000027"]


def test_a_label_that_ended_before_the_arming_is_not_the_one_though_it_is_taken_later() -> None:
    gate, heard = Gate(ScannerSettings()), list[Label]()
    gate.arm(heard.append, 5.0, label_begun=False, same_customer=False)
    gate.take(FIRST, 4.999)
    gate.take(SECOND, 5.0)
    deliver(gate)
    assert [label.text for label in heard] == ["20000000027"]


def test_a_label_without_its_prefix_that_began_before_the_arming_is_told_to_nobody() -> None:
    gate, heard = Gate(ScannerSettings(prefix=b"P>")), list[Label]()
    gate.arm(heard.append, 5.0, label_begun=False, same_customer=False)
    gate.take(RawLabel(FIRST.data, since_s=4.9), 5.1)
    deliver(gate)
    assert heard == []
    assert (gate.counts()["no_prefix"], gate.counts()["dropped"], gate.armed) == (1, 1, True)


def test_after_a_new_connection_no_label_has_begun() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate, label_begun=True)
    gate.forget_begun()
    gate.take(FIRST, 0.0)
    deliver(gate)
    assert len(customer.heard) == 1


@pytest.mark.parametrize("damage", ["TORN", "TOO_LONG", "UNREADABLE", "NO_PREFIX"])
def test_damage_is_told_to_whoever_waits_and_only_counted_otherwise(damage: Damage) -> None:
    gate = Gate(ScannerSettings())
    gate.take(RawLabel(b"", damage), 0.0)
    assert (gate.counts()[damage.lower()], gate.counts()["dropped"], gate.waiting) == (1, 1, False)
    customer = Customer(gate)
    gate.take(RawLabel(b"", damage), 0.0)
    deliver(gate)
    assert [label.refusal for label in customer.heard] == ["DAMAGED"]
    assert (gate.counts()[damage.lower()], gate.counts()["refused"]) == (2, 1)


def test_the_same_label_counts_once_within_the_window_for_one_customer() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=0.8))
    Customer(gate)
    gate.take(FIRST, 0.0)
    waiting = Customer(gate, same=True)
    gate.take(FIRST, 0.79)
    assert gate.armed
    gate.take(FIRST, 0.8)
    deliver(gate)
    assert len(waiting.heard) == 1
    assert gate.counts()["duplicates"] == 1


def test_the_next_customer_may_have_the_same_label_at_once() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=60))
    for _ in range(2):
        customer = Customer(gate)
        gate.take(FIRST, 0.0)
        deliver(gate)
        assert len(customer.heard) == 1


def test_the_queue_has_a_bound_and_what_it_cannot_hold_disarms_nobody() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=0))
    for _ in range(QUEUE_LABELS + 1):
        Customer(gate)
        gate.take(FIRST, 0.0)
    assert gate.armed
    assert gate.counts()["dropped"] == 1
    deliver(gate)
    assert gate.counts()["delivered"] == QUEUE_LABELS


def test_disarming_empties_the_queue_and_clearing_leaves_it_armed() -> None:
    gate = Gate(ScannerSettings())
    customers = [Customer(gate)]
    gate.take(FIRST, 0.0)
    customers.append(Customer(gate))
    gate.clear()
    assert gate.armed
    gate.take(SECOND, 0.0)
    gate.disarm()
    deliver(gate)
    assert [customer.heard for customer in customers] == [[], []]
    assert gate.counts()["dropped"] == 2


def test_the_station_file_says_which_symbologies_are_taken() -> None:
    gate = Gate(ScannerSettings(symbologies=frozenset({"]Q"})))
    customer = Customer(gate)
    gate.take(RawLabel(FIRST.data, symbology="]C0"), 0.0)
    Customer.__init__(customer, gate)
    gate.take(RawLabel(FIRST.data, symbology="]Q1"), 0.0)
    refused, taken = (gate.next(), gate.next())
    assert refused is not None
    assert taken is not None
    assert (refused.label.refusal, taken.label.refusal) == ("SYMBOLOGY", None)


Act: TypeAlias = "Callable[[Gate], object]"
ACTS: list[Act] = [
    lambda gate: gate.arm(lambda _label: None, 0.0, label_begun=False, same_customer=False),
    lambda gate: gate.arm(lambda _label: None, 0.0, label_begun=True, same_customer=True),
    Gate.disarm,
    Gate.clear,
    Gate.next,
    lambda gate: gate.take(FIRST, 0.0),
    lambda gate: gate.take(SECOND, 1.0),
    lambda gate: gate.take(TORN, 2.0),
]


@given(st.lists(st.sampled_from(range(len(ACTS)))))
def test_every_label_ends_in_one_count_and_never_more_than_the_armings_go_through(acts: list[int]) -> None:
    gate = Gate(ScannerSettings())
    for act in acts:
        ACTS[act](gate)
    counts = gate.counts()
    assert set(counts) == set(COUNTED)
    through = counts["delivered"] + counts["refused"] + len(gate._queue)
    assert through + counts["dropped"] + counts["duplicates"] == sum(act >= 5 for act in acts)
    assert through <= sum(act < 2 for act in acts)
