"""A label belongs to the payment that was waiting when it began: the one before it is dropped, however late it is read."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals and evdev exist on POSIX only", allow_module_level=True)

import tty
from pathlib import Path

import fake_hidapi
from cvconnect_drivers.scanners import evdev, hidpos, serial, wedge
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_sim.scanner import HidPosFirmware
from fake_input import DIGITS, ENTER, Desk

TIMEOUT_S = 5.0
FIRST, SECOND = "20000000016", "20000000027"
LONG = "1" * 100
"""Longer than one report of a HID-POS scanner."""
TIMES = 40
PULL_S = 0.02
"""No person is faster than that after the till has asked."""


class Rig:
    """A claimed scanner and what makes it send."""

    def __init__(self, scanner: LabelScanner, send: Callable[[str, slice], None]) -> None:
        self.scanner = scanner
        self._send = send
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)

    def scan(self, text: str) -> None:
        self._send(text, slice(None))

    def scan_first_part(self, text: str) -> None:
        self._send(text, slice(1))

    def scan_rest(self, text: str) -> None:
        self._send(text, slice(1, None))

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def hear(self) -> str:
        return self.labels.get(timeout=TIMEOUT_S).text

    def came(self) -> int:
        counts = self.scanner.statistics()
        return sum(counts[name] for name in ("delivered", "refused", "dropped", "duplicates"))

    def wait_for_count(self, count: int) -> None:
        pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
        while self.came() < count and time.monotonic() < deadline:
            pause.wait(0.001)
        assert self.came() == count, self.scanner.statistics()


@pytest.fixture(params=["serial", "hidpos", "evdev", "wedge"])
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Rig, None, None]:
    with ExitStack() as cleanup:
        make: Callable[..., Rig] = {"serial": _serial, "hidpos": _hidpos, "evdev": _evdev, "wedge": _wedge}[
            request.param
        ]
        rig = make(cleanup, tmp_path, monkeypatch)
        cleanup.callback(rig.scanner.release)
        yield rig


def _serial(cleanup: ExitStack, _folder: Path, _patch: pytest.MonkeyPatch) -> Rig:
    master, slave = os.openpty()
    cleanup.callback(os.close, master)
    cleanup.callback(os.close, slave)
    tty.setraw(slave)

    def send(text: str, part: slice) -> None:
        os.write(master, f"{text}\r".encode()[part])

    return Rig(serial.open_scanner(f"serial://{os.ttyname(slave)}?duplicate_window_ms=0", {}), send)


def _hidpos(_cleanup: ExitStack, _folder: Path, patch: pytest.MonkeyPatch) -> Rig:
    plugged = fake_hidapi.install(patch).plug()

    def send(text: str, part: slice) -> None:
        for _, report in HidPosFirmware().scan(text)[part]:
            plugged.send(report)

    return Rig(hidpos.open_scanner("hidpos:?duplicate_window_ms=0", {}), send)


def _evdev(cleanup: ExitStack, folder: Path, patch: pytest.MonkeyPatch) -> Rig:
    desk = Desk(folder, patch)
    cleanup.callback(desk.close)
    node = desk.plug(5)

    def send(text: str, part: slice) -> None:
        for code in [*(DIGITS[character] for character in text), ENTER][part]:
            node.press(code, 1, at_s=time.monotonic())
            node.press(code, 0, at_s=time.monotonic())

    return Rig(
        evdev.open_scanner("evdev:?vendor=0c2e&product=0b61&duplicate_window_ms=0&idle_gap_ms=1000", {}), send
    )


def _wedge(_cleanup: ExitStack, _folder: Path, _patch: pytest.MonkeyPatch) -> Rig:
    till_side = wedge.wedge("ARMING")

    def send(text: str, part: slice) -> None:
        for character in f"{text}\r"[part]:
            till_side.character(character, time.monotonic())

    return Rig(wedge.open_scanner("wedge:ARMING?duplicate_window_ms=0", {}), send)


def test_a_label_that_was_complete_before_the_arming_is_dropped_and_counted(rig: Rig) -> None:
    for number in range(1, TIMES + 1):
        rig.scan(FIRST)
        rig.arm()
        rig.wait_for_count(number)
        rig.scanner.disarm()
    assert rig.labels.empty()
    assert rig.scanner.statistics()["dropped"] == TIMES


def test_a_label_that_begins_as_soon_as_the_till_is_armed_is_delivered(rig: Rig) -> None:
    pause = threading.Event()
    pause.wait(1.2)  # a keyboard that has just been opened may be in the middle of a label
    for _ in range(TIMES):
        rig.arm()
        pause.wait(PULL_S)
        rig.scan(FIRST)
        assert rig.hear() == FIRST
    assert rig.scanner.statistics()["delivered"] == TIMES


def test_the_label_before_the_arming_is_dropped_and_the_one_after_it_delivered(rig: Rig) -> None:
    pause = threading.Event()
    pause.wait(1.2)  # a keyboard that has just been opened may be in the middle of a label
    for number in range(1, TIMES + 1):
        rig.scan(FIRST)
        rig.arm()
        pause.wait(PULL_S)
        rig.scan(SECOND)
        assert rig.hear() == SECOND
        rig.wait_for_count(2 * number)


def test_a_label_whose_first_half_came_before_the_arming_is_dropped(rig: Rig) -> None:
    for number in range(1, TIMES + 1):
        rig.scan_first_part(LONG)
        rig.arm()
        rig.scan_rest(LONG)
        rig.wait_for_count(number)
        rig.scanner.disarm()
    assert rig.labels.empty()
