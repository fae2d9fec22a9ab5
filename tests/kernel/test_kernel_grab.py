"""The moment a keyboard is taken, on a real kernel: the desktop sees each key come up that it saw go down."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from itertools import combinations_with_replacement

import evdev
import pytest
from evdev import ecodes

from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_sim.links.uinput import UinputKeyboard
from kernel.lab.host import events, key_codes, opened, wait_for
from kernel.lab.till import Till, open_keyboard

MOMENTS = ("before_grab", "after_grab", "before_ungrab", "after_ungrab")
TRIES = 60
KEY = ecodes.KEY_7
SETTLED_S = 0.2


class Stage:
    """Presses keys right before and right after the calls that take a keyboard and give it back."""

    def __init__(self, keyboard: UinputKeyboard, patch: pytest.MonkeyPatch) -> None:
        self._keyboard = keyboard
        self._planned: dict[str, list[bool]] = {}
        for name in ("grab", "ungrab"):
            patch.setattr(evdev.InputDevice, name, self._around(name, getattr(evdev.InputDevice, name)))

    def plan(self, goes_down: str, comes_up: str) -> None:
        self._planned.setdefault(goes_down, []).append(True)
        self._planned.setdefault(comes_up, []).append(False)

    def play(self, moment: str) -> None:
        for pressed in self._planned.pop(moment, []):
            self._keyboard.send([(0.0, KEY, pressed)])

    def _around(self, name: str, really: Callable[[object], None]) -> Callable[[object], None]:
        def call(device: object) -> None:
            self.play(f"before_{name}")
            really(device)
            self.play(f"after_{name}")

        return call


class Desktop:
    """A program that reads the keyboard beside the till.

    Args:
        device: Its open file.
    """

    def __init__(self, device: evdev.InputDevice[str]) -> None:
        self._device = device
        self._down: set[int] = set()

    def heard(self, wait_s: float = 0.2) -> list[tuple[int, int]]:
        """What has come, or comes within a moment."""
        seen = key_codes(events(self._device, wait_s))
        for code, value in seen:
            (self._down.add if value else self._down.discard)(code)
        return seen

    def still_down(self) -> frozenset[int]:
        """The keys that it holds for pressed once it has heard all."""
        while self.heard(SETTLED_S):
            pass
        return frozenset(self._down)


@pytest.fixture
def scanner(keyboard: UinputKeyboard) -> LabelScanner:
    # What was tapped is soon over, and the desktop gets the keyboard back.
    return open_keyboard(f"evdev://{keyboard.path}", {"idle_gap_ms": 20})


def disarm(till: Till, keyboard: UinputKeyboard, desktop: Desktop) -> None:
    """Let the desktop have the keyboard back."""
    till.scanner.disarm()

    def hears() -> bool:
        keyboard.tap(ecodes.KEY_LEFTSHIFT)
        return bool(desktop.heard())

    wait_for(hears)


@pytest.mark.parametrize(("goes_down", "comes_up"), list(combinations_with_replacement(MOMENTS, 2)))
def test_the_desktop_sees_each_key_come_up_that_it_saw_go_down(
    keyboard: UinputKeyboard,
    scanner: LabelScanner,
    monkeypatch: pytest.MonkeyPatch,
    goes_down: str,
    comes_up: str,
) -> None:
    stage = Stage(keyboard, monkeypatch)
    with Till(scanner) as till, opened(keyboard.path) as device:
        desktop = Desktop(device)
        till.wait_until("ready")
        disarm(till, keyboard, desktop)
        stage.plan(goes_down, comes_up)
        till.arm()
        desktop.still_down()
        for moment in MOMENTS:  # what did not happen of itself happens now
            stage.play(moment)
        assert desktop.still_down() == set()


def test_at_whatever_moment_keys_are_tapped_the_desktop_keeps_none_down(
    keyboard: UinputKeyboard, scanner: LabelScanner
) -> None:
    chance = random.Random(7)
    with Till(scanner) as till, opened(keyboard.path) as device:
        desktop = Desktop(device)
        till.wait_until("ready")
        for _ in range(TRIES):
            strokes = [
                (chance.uniform(0, 0.003), KEY, pressed) for _ in range(3) for pressed in (True, False)
            ]
            typist = threading.Thread(target=keyboard.send, args=(strokes,))
            typist.start()
            till.arm()
            typist.join()
            till.scanner.disarm()
            desktop.heard(0.1)
        disarm(till, keyboard, desktop)
        assert desktop.still_down() == set()
