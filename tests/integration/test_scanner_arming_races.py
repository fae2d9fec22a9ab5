"""The moment of the arming, held open: what comes in the middle of it belongs to the payment that was waiting when it began."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals and evdev exist on POSIX only", allow_module_level=True)

import tty
from pathlib import Path

import fake_hidapi
from cvconnect_drivers.links.base import Link
from cvconnect_drivers.scanners import evdev, hidpos, serial, wedge
from cvconnect_drivers.scanners.evdev_source import EvdevSource
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.hidpos import HidPosSource
from cvconnect_drivers.scanners.hidpos_reports import ReportDecoder
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_sim.scanner import HidPosFirmware
from fake_input import DIGITS, ENTER, Clock, Desk, InputDevice, Node

TIMEOUT_S = 5.0
QUIET_S = 0.3
"""After so long nothing more comes of what was sent."""

FIRST, SECOND = "20000000016", "20000000027"
COUNTED = ("delivered", "refused", "dropped", "duplicates")

Labels = queue.SimpleQueue[Label]


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def wait_for_one(scanner: LabelScanner) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not sum(scanner.statistics()[name] for name in COUNTED) and time.monotonic() < deadline:
        pause(0.002)


def claim(scanner: LabelScanner) -> None:
    scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)


# --- serial and HID-POS -----------------------------------------------------------------------------------------------------


@contextmanager
def cable() -> Generator[tuple[int, LabelScanner], None, None]:
    master, slave = os.openpty()
    tty.setraw(slave)
    scanner = serial.open_scanner(f"serial://{os.ttyname(slave)}?duplicate_window_ms=0", {})
    try:
        yield master, scanner
    finally:
        scanner.release()
        os.close(master)
        os.close(slave)


def test_a_label_between_the_silence_at_opening_and_the_arming_is_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels: Labels = queue.SimpleQueue()
    has_come = serial._has_come
    with cable() as (master, scanner):

        def then_armed(link: Link) -> bool:
            came = has_come(link)
            os.write(master, f"{FIRST}\r".encode())
            pause(0.01)
            scanner.arm(labels.put)
            return came

        monkeypatch.setattr(serial, "_has_come", then_armed)
        claim(scanner)
        wait_for_one(scanner)
        assert scanner.statistics()["dropped"] == 1
    assert labels.empty()


def test_a_clock_that_moves_every_15_ms_does_not_make_before_and_after_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `time.monotonic` is on Windows before Python 3.13."""
    fine = time.monotonic

    def coarse() -> float:
        return fine() // 0.015625 * 0.015625

    monkeypatch.setattr(time, "monotonic", coarse)
    defaults = serial.SerialSource.__init__.__kwdefaults__ or {}
    if defaults["clock"] is fine:
        monkeypatch.setitem(defaults, "clock", coarse)
    labels: Labels = queue.SimpleQueue()
    with cable() as (master, scanner):
        claim(scanner)
        for _ in range(20):
            os.write(master, FIRST[:5].encode())
            scanner.arm(labels.put)
            os.write(master, f"{FIRST[5:]}\r".encode())
            pause(0.03)
            scanner.disarm()
        assert scanner.statistics()["dropped"] == 20
    assert labels.empty()


def test_a_label_that_comes_while_the_descriptor_is_asked_for_before_the_arming_is_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugged = fake_hidapi.install(monkeypatch).plug()
    scanner = hidpos.open_scanner("hidpos:?duplicate_window_ms=0", {})
    labels: Labels = queue.SimpleQueue()
    answer = fake_hidapi.FakeDevice.get_report_descriptor

    def slow(device: fake_hidapi.FakeDevice) -> list[int]:
        plugged.scan(FIRST)
        scanner.arm(labels.put)
        return answer(device)

    monkeypatch.setattr(fake_hidapi.FakeDevice, "get_report_descriptor", slow)
    claim(scanner)
    pause(QUIET_S)
    scanner.release()
    assert labels.empty()


class Reports:
    """A HID device that a test has filled."""

    def __init__(self, *reports: bytes) -> None:
        self._reports = list(reports)

    def open_path(self, path: bytes) -> None:
        """Do nothing."""

    def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
        return list(self._reports.pop(0)[:max_length]) if self._reports else []

    def get_report_descriptor(self) -> list[int]:
        return []

    def close(self) -> None:
        """Do nothing."""


def test_a_device_that_was_noisy_at_opening_is_heard_after_a_whole_silence_only() -> None:
    clock = Clock()
    pieces = [report for _, report in HidPosFirmware().scan("1" * 56 + FIRST)]
    device = Reports(b"", pieces[1], *[b""] * 7)
    source = HidPosSource(device, ReportDecoder(), "hidpos:", noisy=True, clock=clock)
    for _ in range(9):
        clock.now_s += 0.008
        assert source.degraded
        assert source.read(timeout_s=0.2) == []
    assert not source.degraded


def test_arming_a_device_that_is_known_to_be_noisy_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugged = fake_hidapi.install(monkeypatch).plug()
    scanner = hidpos.open_scanner("hidpos:", {})
    ((_, report),) = HidPosFirmware().scan(FIRST)
    stop = threading.Event()

    def flood() -> None:
        while not stop.wait(0.001):
            plugged.send(report)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        claim(scanner)
        deadline = time.monotonic() + TIMEOUT_S
        while scanner.check_health().state != "degraded" and time.monotonic() < deadline:
            pause(0.002)
        began_s = time.monotonic()
        scanner.arm(lambda _label: None)
        took_s = time.monotonic() - began_s
    finally:
        stop.set()
        flooding.join()
        scanner.release()
    assert took_s < 0.1


# --- evdev --------------------------------------------------------------------------------------------------------------------


def tap(node: Node, text: str) -> None:
    for code in [ENTER if character == "\r" else DIGITS[character] for character in text]:
        node.press(code, 1, at_s=time.monotonic())
        node.press(code, 0, at_s=time.monotonic())


def test_a_label_whose_first_half_was_read_and_not_decoded_when_the_till_armed_is_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch)
    node = desk.plug(5)
    scanner = evdev.open_scanner(
        "evdev:?vendor=0c2e&product=0b61&duplicate_window_ms=0&grab=claimed&idle_gap_ms=100", {}
    )
    labels: Labels = queue.SimpleQueue()
    decode, armed = EvdevSource._decode, threading.Event()

    def late(source: EvdevSource, data: bytes, came: list[RawLabel]) -> None:
        if not armed.is_set():
            armed.set()
            scanner.arm(labels.put)
            tap(node, f"{FIRST[5:]}\r")
        decode(source, data, came)

    claim(scanner)
    pause(QUIET_S)
    monkeypatch.setattr(EvdevSource, "_decode", late)
    tap(node, FIRST[:5])
    wait_for_one(scanner)
    counts = scanner.statistics()
    scanner.release()
    desk.close()
    assert (counts["delivered"], counts["dropped"]) == (0, 1)
    assert labels.empty()


def test_a_label_that_began_after_the_arming_and_was_read_before_it_was_heard_of_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch)
    node = desk.plug(5)
    clock = node.clock = Clock()

    def again() -> InputDevice:
        return InputDevice(str(node.path), {str(node.path): node})

    source = EvdevSource(
        again(), KeyboardDecoder(), where="evdev:", reopen=again, grab="claimed", clock=clock
    )
    read = source._take

    def armed_first(labels: list[RawLabel]) -> None:
        monkeypatch.setattr(source, "_take", read)
        source.set_armed(True)
        node.pause(0.02)
        node.type(FIRST[:1], end=None)
        read(labels)

    source.read(timeout_s=0)
    node.pause(1.0)
    source.read(timeout_s=0)
    node.type("")
    monkeypatch.setattr(source, "_take", armed_first)
    told = source.read(timeout_s=0)
    node.type(FIRST[1:])
    for _ in range(4):
        told += source.read(timeout_s=0)
    source.close()
    desk.close()
    assert [label.data.decode() for label in told] == [FIRST]


# --- wedge --------------------------------------------------------------------------------------------------------------------


class Counter:
    """A till's side, and its scanner."""

    def __init__(self) -> None:
        self.side = wedge.wedge("RACES")
        self.scanner = wedge.open_scanner("wedge:RACES?duplicate_window_ms=0", {})
        self.labels: Labels = queue.SimpleQueue()
        claim(self.scanner)

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def type(self, text: str) -> None:
        for character in text:
            self.side.character(character, time.monotonic())

    def press(self, codes: Sequence[int]) -> None:
        for code in codes:
            self.side.key(code, True, time.monotonic())
            self.side.key(code, False, time.monotonic())

    def texts(self) -> list[str]:
        """Let go of the scanner, after a while; tell what it delivered."""
        pause(QUIET_S)
        self.scanner.release()
        return [self.labels.get().text for _ in range(self.labels.qsize())]


@pytest.fixture
def counter() -> Generator[Counter, None, None]:
    counter = Counter()
    yield counter
    counter.scanner.release()


def test_a_key_that_was_pressed_right_before_a_second_arming_costs_no_label(counter: Counter) -> None:
    counter.scanner.arm(lambda _label: None)
    with counter.side.inbox.changed:  # the scanner's thread comes too late
        counter.type("\r")
        counter.arm()
    counter.type(f"{SECOND}\r")
    assert counter.texts() == [SECOND]


def test_labels_that_were_handed_over_right_before_a_second_arming_are_for_nobody(counter: Counter) -> None:
    counter.scanner.arm(lambda _label: None)
    with counter.side.inbox.changed:
        counter.type(f"{FIRST}\r{FIRST}\r")
        counter.arm()
    counter.type(f"{SECOND}\r")
    assert counter.texts() == [SECOND]


def test_a_key_that_is_taken_in_the_middle_of_the_arming_costs_no_label(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = counter.side.inbox
    set_armed = inbox.set_armed

    def late(*, armed: bool) -> None:
        inbox._read(inbox.intake)
        set_armed(armed=armed)

    with inbox.changed:
        counter.type("\r")
        monkeypatch.setattr(inbox, "set_armed", late)
        counter.arm()
        monkeypatch.setattr(inbox, "set_armed", set_armed)
    counter.type(f"{SECOND}\r")
    assert counter.texts() == [SECOND]


@pytest.mark.parametrize("disarmed", [False, True])
def test_what_is_left_of_a_label_of_characters_is_none_however_often_the_till_arms(
    counter: Counter, disarmed: bool
) -> None:
    counter.type("37")
    for _ in range(3):
        counter.arm()
        if disarmed:
            counter.scanner.disarm()
    counter.arm()
    counter.type(f"{FIRST}\r{SECOND}\r")
    assert counter.texts() == [SECOND]


@pytest.mark.parametrize("disarmed", [False, True])
def test_what_is_left_of_a_label_of_keys_is_none_however_often_the_till_arms(
    counter: Counter, disarmed: bool
) -> None:
    counter.press([DIGITS["3"], DIGITS["7"]])
    for _ in range(3):
        counter.arm()
        if disarmed:
            counter.scanner.disarm()
    counter.arm()
    counter.press([*(DIGITS[digit] for digit in FIRST), ENTER])
    counter.press([*(DIGITS[digit] for digit in SECOND), ENTER])
    assert counter.texts() == [SECOND]


def test_what_is_left_of_a_label_that_began_in_another_window_is_none_for_a_till_that_arms_at_once(
    counter: Counter,
) -> None:
    counter.side.lose()  # the window has just got the keyboard
    counter.arm()
    counter.type(f"{FIRST}\r")
    assert counter.texts() == [""]
