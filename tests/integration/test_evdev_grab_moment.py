"""A key that goes down or comes up in the very moment a keyboard is taken: the desktop sees each key come up that it saw go down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.scanners.evdev_source import EvdevSource
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder
from cvconnect_drivers.scanners.onlooker import Onlooker
from fake_input import DIGITS, ENTER, Clock, Desk, InputDevice, Node

MOMENTS = ("before_grab", "after_grab", "before_ungrab", "after_ungrab")
ONE, TWO = DIGITS["1"], DIGITS["2"]
FIRST = "20000000016"


@pytest.fixture
def node(desk: Desk) -> Node:
    node = desk.plug(5)
    node.clock = Clock()
    return node


def opened(node: Node, reopen: Callable[[], InputDevice] | None = None) -> EvdevSource:
    def open_again() -> InputDevice:
        return InputDevice(str(node.path), {str(node.path): node})

    source = EvdevSource(
        open_again(),
        KeyboardDecoder(),
        where="evdev:",
        reopen=reopen or open_again,
        clock=node.clock or Clock(),
    )
    texts(source)  # it is taken once before anybody waits
    node.pause(1.0)
    return source


def texts(source: EvdevSource) -> list[str]:
    return [label.damage or label.data.decode() for _ in range(6) for label in source.read(timeout_s=0)]


def still_down(seen: Sequence[tuple[int, int]]) -> set[int]:
    """The keys that a desktop which saw this holds for pressed."""
    down: set[int] = set()
    for code, value in seen:
        (down.add if value else down.discard)(code)
    return down


def at(node: Node, moment: str, act: Callable[[], None]) -> None:
    """Do something once, in addition to what is done then already."""
    before = getattr(node, moment)

    def once() -> None:
        setattr(node, moment, lambda: None)
        before()
        act()

    setattr(node, moment, once)


@pytest.mark.parametrize(("goes_down", "comes_up"), list(combinations_with_replacement(MOMENTS, 2)))
def test_the_desktop_sees_each_key_come_up_that_it_saw_go_down(
    node: Node, goes_down: str, comes_up: str
) -> None:
    source = opened(node)
    at(node, goes_down, lambda: node.press(ONE, 1))
    at(node, comes_up, lambda: node.press(ONE, 0))
    source.set_armed(True)
    told = texts(source)
    for moment in MOMENTS:  # what did not happen of itself happens now
        getattr(node, moment)()
    told += texts(source)
    assert still_down(node.desktop) == set()
    assert set(told) <= {"TORN"}
    assert node.grabbed_by in node.readers
    node.desktop.clear()
    node.pause(1.0)
    node.type("2")
    texts(source)
    assert node.desktop == []
    source.close()


def test_a_label_of_which_the_desktop_got_the_first_key_is_torn(node: Node) -> None:
    source = opened(node)

    def tap() -> None:
        node.press(ONE, 1)
        at(node, "after_grab", lambda: node.press(ONE, 0))

    at(node, "before_grab", tap)
    source.set_armed(True)
    told = texts(source)
    node.type(FIRST[1:])
    assert told + texts(source) == ["TORN"]
    source.close()


def test_a_key_that_went_down_and_has_not_been_read_yet_keeps_the_device_with_the_desktop(node: Node) -> None:
    source = opened(node)
    source.set_armed(True)
    really = source._reopen

    def reopen() -> object:
        if not node.held:
            node.press(ONE, 1)
        return really()

    source._reopen = reopen  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    source.read(timeout_s=0)
    assert node.grabbed_by is None
    source._reopen = really
    node.press(ONE, 0)
    texts(source)
    assert node.desktop == [(ONE, 1), (ONE, 0)]
    assert node.grabbed_by in node.readers
    source.close()


def test_without_a_second_file_the_device_is_taken_all_the_same(node: Node) -> None:
    def refuse() -> InputDevice:
        raise PermissionError

    source = opened(node, refuse)
    source.set_armed(True)
    node.type(FIRST)
    assert texts(source) == [FIRST]
    source.close()


def test_a_file_that_may_only_be_read_is_no_error(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(InputDevice, "write", refuse)
    source = opened(node)
    at(node, "before_grab", lambda: node.press(ONE, 1))
    at(node, "after_grab", lambda: node.press(ONE, 0))
    source.set_armed(True)
    texts(source)
    assert node.grabbed_by in node.readers
    source.close()


def test_the_second_file_is_closed_when_it_has_been_looked_at(node: Node) -> None:
    source = opened(node)
    for armed in (True, False, True):
        source.set_armed(armed)
        texts(source)
    assert len(node.readers) == 1
    source.close()
    assert node.readers == []


def test_after_a_loss_the_onlooker_takes_no_key_for_pressed(node: Node) -> None:
    from fake_input import EV_SYN, SYN_DROPPED, event

    onlooker = Onlooker(InputDevice(str(node.path), {str(node.path): node}))
    node.press(ONE, 1)
    node.press(TWO, 1)
    node.press(ENTER, 1)
    node.press(ENTER, 0)
    assert onlooker.down() == {ONE, TWO}
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0))
    assert onlooker.down() == set()
    onlooker.close()
