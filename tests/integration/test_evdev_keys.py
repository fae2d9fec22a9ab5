"""A keyboard scanner on Linux: what becomes of its keys."""

from __future__ import annotations

import sys
import time

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from evdev_bench import FIRST, ONE, SECOND, TIMEOUT_S, Reader
from fake_input import (
    ENTER,
    EV_LED,
    SHIFT,
    Desk,
    Node,
    event,
    key,
)


def test_keys_become_a_label_that_knows_its_layout(reader: Reader, node: Node) -> None:
    node.type(FIRST)
    assert reader.source.read(timeout_s=TIMEOUT_S) == [RawLabel(FIRST.encode(), layout="us")]


def test_the_repetition_of_a_held_key_types_nothing(reader: Reader, node: Node) -> None:
    node.press(ONE, 1)
    for _ in range(5):
        node.press(ONE, 2)
    node.press(ONE, 0)
    node.type("", end=ENTER)
    assert reader.read() == ["1"]


def test_the_repetition_of_shift_is_no_release(reader: Reader, node: Node) -> None:
    node.press(SHIFT, 1)
    node.press(SHIFT, 2)
    node.type("a", end=None)
    node.press(SHIFT, 0)
    node.type("s")
    assert reader.read() == ["As"]


def test_a_thread_that_wakes_late_takes_the_rest_of_a_label_before_it_ends_it(
    reader: Reader, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.type(FIRST[:5], end=None)
    reader.read()
    node.type(FIRST[5:])
    reader.clock.now_s += 1.0
    saw = iter([False, True])

    def wait(_timeout_s: float) -> bool:
        return next(saw)

    monkeypatch.setattr(reader.source, "_wait", wait)
    assert [label.data.decode() for label in reader.source.read(timeout_s=0)] == [FIRST]


def test_the_button_of_a_mouse_in_the_same_device_spoils_no_label(reader: Reader, node: Node) -> None:
    node.type(FIRST[:4], end=None)
    node.press(0x110, 1)
    node.press(0x110, 0)
    node.type(FIRST[4:])
    assert reader.read() == [FIRST]


def test_labels_that_come_while_the_till_is_slow_are_kept_apart_by_the_times_of_the_kernel(
    node: Node,
) -> None:
    reader = Reader(node, terminators=frozenset())
    reader.read()
    node.type(FIRST, end=None)
    node.pause(0.5)
    node.type(SECOND, end=None)
    node.pause(0.5)
    node.press(SHIFT, 1)
    assert reader.read() == [FIRST, SECOND]
    reader.source.close()


def test_a_first_label_that_ends_by_a_pause_is_torn_unless_no_terminator_is_set(
    reader: Reader, node: Node
) -> None:
    node.type(FIRST, end=None)
    node.pause(0.5)
    assert reader.read() == ["TORN"]


def test_a_label_without_terminator_ends_by_its_pause(node: Node) -> None:
    reader = Reader(node, terminators=frozenset())
    reader.read()
    node.type(FIRST, end=None)
    assert reader.read() == []
    node.pause(0.29)
    assert reader.read() == []
    node.pause(0.02)
    assert reader.read() == [FIRST]
    reader.source.close()


def test_a_read_waits_no_longer_than_the_pause_that_ends_a_label(node: Node) -> None:
    reader = Reader(node, gap_s=0.03, terminators=frozenset())
    reader.read()
    node.type(FIRST, end=None)
    reader.source._clock = time.monotonic
    node.clock = None
    began_s = time.monotonic()
    reader.source.read(timeout_s=0)
    reader.source._last_s = began_s
    assert reader.source.read(timeout_s=60.0) in ([], [RawLabel(FIRST.encode(), layout="us")])
    assert time.monotonic() - began_s < TIMEOUT_S
    reader.source.close()


def test_the_lights_tell_whether_capslock_is_on(reader: Reader, node: Node) -> None:
    node.send(event(node.tick(), EV_LED, 1, 1))
    node.type("asd")
    assert reader.read() == ["ASD"]
    node.send(event(node.tick(), EV_LED, 1, 0))
    node.type("asd")
    assert reader.read() == ["asd"]


def test_the_lights_are_looked_at_when_the_device_is_opened(desk: Desk) -> None:
    node = desk.plug(6)
    node.leds_on = {1}
    reader = Reader(node)
    node.type("asd")
    assert reader.read() == ["ASD"]
    reader.source.close()


def test_a_device_without_lights_is_taken_with_capslock_off(desk: Desk) -> None:
    node = desk.plug(6, leds=False)
    node.leds_on = {1}
    reader = Reader(node)
    node.type("asd")
    assert reader.read() == ["asd"]
    reader.source.close()


def test_an_endless_stream_is_told_once_and_held_nowhere(reader: Reader, node: Node) -> None:
    told: list[str] = []
    for _ in range(MAX_LABEL_BYTES // 50 + 4):
        node.type("1" * 50, end=None)
        told += reader.read()
    node.type("1" * 4)
    told += reader.read()
    assert told == ["TOO_LONG"]
    node.pause(1.0)
    node.type(FIRST)
    assert reader.read() == [FIRST]


def test_a_device_that_never_pauses_does_not_keep_the_thread(
    reader: Reader, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood = b"".join(key(node.tick(), code, value) for code in (ONE, ENTER) for value in (1, 0))

    def read(_file: int, _size: int) -> bytes:
        return flood

    monkeypatch.setattr("cvconnect_drivers.scanners.evdev_source.os.read", read)
    node.send(flood)
    assert {label.data for label in reader.source.read(timeout_s=0)} == {b"1"}
