"""A keyboard scanner on Linux: whose device it is, and when."""

from __future__ import annotations

import errno
import sys
import threading

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.errors import LinkLostError
from cvconnect_drivers.scanners.evdev_source import Grab
from evdev_bench import FIRST, ONE, SECOND, TIMEOUT_S, Reader
from fake_input import (
    DIGITS,
    ENTER,
    SHIFT,
    Desk,
    Node,
    key,
)


def test_the_desktop_gets_nothing_while_a_label_is_wanted_and_all_of_it_otherwise(
    reader: Reader, node: Node
) -> None:
    node.type("12")
    assert reader.read() == ["12"]
    assert len(node.desktop) == 6
    reader.source.set_armed(True)
    assert reader.read() == []
    node.pause(1.0)
    node.type(FIRST)
    assert reader.read() == [FIRST]
    assert len(node.desktop) == 6
    reader.source.set_armed(False)
    reader.read()
    node.type("12")
    assert len(node.desktop) == 12


@pytest.mark.parametrize(("grab", "armed", "taken"), [("claimed", False, True), ("never", True, False)])
def test_a_device_is_taken_as_the_settings_say(node: Node, grab: Grab, armed: bool, taken: bool) -> None:
    reader = Reader(node, grab)
    reader.source.set_armed(armed)
    reader.read()
    assert (node.grabbed_by is not None) is taken
    reader.source.close()
    assert node.grabbed_by is None


def test_a_key_that_is_held_when_labels_are_wanted_comes_up_on_the_desktop_first(
    reader: Reader, node: Node
) -> None:
    node.press(SHIFT, 1)
    reader.read()
    reader.source.set_armed(True)
    reader.read()
    assert node.grabbed_by is None
    node.press(SHIFT, 0)
    reader.read()
    assert node.grabbed_by is not None
    assert node.desktop == [(SHIFT, 1), (SHIFT, 0)]


def test_a_key_that_goes_down_just_before_the_device_is_taken_comes_up_on_the_desktop(
    reader: Reader, node: Node
) -> None:
    def hurry() -> None:
        node.before_grab = lambda: None
        node.press(ONE, 1)

    node.before_grab = hurry
    reader.source.set_armed(True)
    reader.source.read(timeout_s=0)
    assert node.grabbed_by is None
    node.press(ONE, 0)
    assert node.desktop == [(ONE, 1), (ONE, 0)]
    assert reader.read() == []
    assert node.grabbed_by is not None
    node.type(FIRST[1:])
    assert reader.read() == [f"1{FIRST[1:]}"]


@pytest.mark.parametrize("split", range(1, len(FIRST) + 1))
def test_a_label_that_straddles_the_moment_labels_are_wanted_is_torn(
    reader: Reader, node: Node, split: int
) -> None:
    node.type(FIRST[:split], end=None)
    reader.read()
    reader.source.set_armed(True)
    told = reader.read()
    node.type(FIRST[split:])
    assert told + reader.read() == ["TORN"]
    node.pause(1.0)
    node.type(SECOND)
    assert reader.read() == [SECOND]


@pytest.mark.parametrize("grab", ["armed", "claimed", "never"])
@pytest.mark.parametrize("split", range(len(FIRST) + 2))
def test_what_was_typed_before_labels_were_wanted_is_torn_even_when_it_is_read_after(
    desk: Desk, grab: Grab, split: int
) -> None:
    node = desk.plug(6)
    reader = Reader(node, grab)
    reader.read()
    events = [(code, value) for code in [*map(DIGITS.__getitem__, FIRST), ENTER] for value in (1, 0)]
    now_s = reader.clock.now_s
    node.send(b"".join(key(now_s + at / 1000, *each) for at, each in enumerate(events[: 2 * split])))
    reader.clock.now_s = later_s = now_s + 0.1
    reader.source.set_armed(True)
    node.send(b"".join(key(later_s + at / 1000, *each) for at, each in enumerate(events[2 * split :], 1)))
    assert reader.read() == ([FIRST] if split == 0 else ["TORN"])
    reader.source.close()


@pytest.mark.parametrize("grab", ["armed", "claimed", "never"])
def test_a_label_that_began_before_and_ends_by_a_pause_after_is_torn(desk: Desk, grab: Grab) -> None:
    node = desk.plug(6)
    reader = Reader(node, grab)
    reader.read()
    node.type(FIRST, end=None)
    node.pause(0.01)
    reader.source.set_armed(True)
    told = reader.read()
    node.pause(0.5)
    assert told + reader.read() == ["TORN"]
    reader.source.close()


def test_half_a_label_is_never_typed_into_a_window(reader: Reader, node: Node) -> None:
    reader.source.set_armed(True)
    reader.read()
    node.pause(1.0)
    node.type(FIRST)
    node.type(SECOND[:4], end=None)
    assert reader.read() == [FIRST]
    reader.source.set_armed(False)
    reader.read()
    node.type(SECOND[4:])
    assert node.desktop == []
    assert reader.read() == [SECOND]
    assert node.grabbed_by is None


def test_the_device_is_given_back_only_when_enter_is_up(reader: Reader, node: Node) -> None:
    reader.source.set_armed(True)
    reader.read()
    node.pause(1.0)
    node.type(FIRST, end=None)
    node.press(ENTER, 1)
    assert reader.read() == [FIRST]
    reader.source.set_armed(False)
    reader.read()
    assert node.grabbed_by is not None
    node.press(ENTER, 0)
    reader.read()
    assert node.grabbed_by is None
    assert node.desktop == []


def test_another_program_that_holds_the_device_is_found_before_the_first_sale_and_told_until_it_lets_go(
    node: Node,
) -> None:
    other = object()
    node.grabbed_by = other
    reader = Reader(node)
    reader.read()
    assert "réservé par un autre programme" in reader.source.degraded
    node.grabbed_by = None
    reader.read()
    assert reader.source.degraded == ""
    assert node.grabbed_by is None
    reader.source.close()


@pytest.mark.parametrize("split", range(len(FIRST) + 1))
def test_the_second_half_of_a_label_that_another_program_got_is_no_label(node: Node, split: int) -> None:
    node.grabbed_by = object()
    reader = Reader(node)
    reader.source.set_armed(True)
    reader.read()
    node.type(FIRST[:split], end=None)
    node.grabbed_by = None
    node.type(FIRST[split:-2], end=None)
    told = reader.read()
    node.type(FIRST[-2:])
    assert FIRST not in told
    assert set(told + reader.read()) <= {"TORN"}
    node.pause(1.0)
    node.type(SECOND)
    assert reader.read() == [SECOND]
    reader.source.close()


@pytest.mark.parametrize("end", [ENTER, None])
def test_a_whole_label_that_comes_before_the_till_sees_that_the_device_is_free_is_torn(
    node: Node, end: int | None
) -> None:
    node.grabbed_by = object()
    reader = Reader(node)
    reader.source.set_armed(True)
    reader.read()
    node.grabbed_by = None
    node.type(FIRST, end=end)
    labels = reader.source.read(timeout_s=0)  # the device is taken in this read
    assert [label.damage for label in labels] == ["TORN"]
    reader.source.close()


def test_a_label_that_ends_by_a_pause_while_another_program_holds_the_device_is_torn(node: Node) -> None:
    node.grabbed_by = object()
    reader = Reader(node)
    reader.read()
    for code in map(DIGITS.__getitem__, FIRST):
        node.send(key(node.tick(), code, 1) + key(node.tick(), code, 0))
    reader.source.read(timeout_s=0)
    node.pause(0.5)
    assert reader.read() == ["TORN"]
    reader.source.close()


@pytest.mark.parametrize("split", range(1, len(FIRST) + 1))
def test_a_label_that_begins_before_the_device_can_be_taken_is_whole(
    reader: Reader, node: Node, split: int
) -> None:
    node.press(SHIFT, 1)
    reader.read()
    node.press(SHIFT, 0)
    node.pause(1.0)
    reader.source.set_armed(True)
    node.type(FIRST[:split], end=None)
    told = reader.read()
    assert node.grabbed_by is not None
    node.type(FIRST[split:])
    assert told + reader.read() == [FIRST]


def test_a_grab_that_is_refused_otherwise_leaves_the_labels_coming(node: Node) -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, "no")

    node.before_grab = refuse
    reader = Reader(node)
    reader.read()
    node.type(FIRST)
    assert reader.read() == [FIRST]
    assert "ne peut pas être réservé" in reader.source.degraded
    reader.source.close()


def test_arming_wakes_a_read_that_waits(reader: Reader, node: Node) -> None:
    waits = threading.Event()
    done = threading.Event()

    def wait() -> None:
        waits.set()
        reader.source.read(timeout_s=60.0)
        done.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waits.wait(TIMEOUT_S)
    reader.source.set_armed(True)
    assert done.wait(TIMEOUT_S)
    thread.join(TIMEOUT_S)
    assert node.grabbed_by is not None


def test_a_closed_device_is_read_and_heard_no_more(reader: Reader, node: Node) -> None:
    reader.source.close()
    reader.source.close()
    reader.source.set_armed(True)
    with pytest.raises(LinkLostError):
        reader.source.read(timeout_s=0)
    assert node.readers == []
