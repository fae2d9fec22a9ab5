"""A keyboard scanner on Linux: what is typed while it is grabbed, dropped, torn, unplugged, taken by somebody else."""

from __future__ import annotations

import errno
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkLostError
from cvconnect_drivers.scanners import plug_watch
from cvconnect_drivers.scanners.evdev import EvdevScanner, open_scanner
from cvconnect_drivers.scanners.evdev_source import EvdevSource, Grab
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, KeyboardDecoder
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.shapes import Health
from fake_input import (
    DIGITS,
    ENTER,
    EV_LED,
    EV_SYN,
    MOUSE,
    POWER_BUTTON,
    SHIFT,
    SYN_DROPPED,
    Clock,
    Desk,
    InputDevice,
    Node,
    event,
    key,
)

TIMEOUT_S = 5.0
FIRST, SECOND = "20000000016", "20000000027"
URL = "evdev:?vendor=0c2e&product=0b61"
ONE = DIGITS["1"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


class Reader:
    """A source as its thread sees it, on a clock that stands still by itself."""

    def __init__(
        self,
        node: Node,
        grab: Grab = "armed",
        gap_s: float = 0.3,
        terminators: frozenset[str] = ANY_TERMINATOR,
    ) -> None:
        self.clock = node.clock = Clock()
        self.source = EvdevSource(
            InputDevice(str(node.path), {str(node.path): node}),
            KeyboardDecoder("us", terminators=terminators, idle_gap_s=gap_s),
            where=URL,
            grab=grab,
            idle_gap_s=gap_s,
            clock=self.clock,
        )
        self.node = node
        node.pause(1.0)  # what comes right after the device was opened may be the rest of a label

    def read(self) -> list[str]:
        """The texts of labels, and the damages."""
        labels: list[RawLabel] = []
        for _ in range(6):
            labels += self.source.read(timeout_s=0)
        return [label.damage or label.data.decode() for label in labels]


@pytest.fixture
def node(desk: Desk) -> Node:
    return desk.plug(5)


@pytest.fixture
def reader(node: Node) -> Iterator[Reader]:
    reader = Reader(node)
    reader.read()
    yield reader
    reader.source.close()


# --- what becomes of keys ------------------------------------------------------------------------------------------------


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


# --- whose device it is --------------------------------------------------------------------------------------------------


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


# --- what is lost ----------------------------------------------------------------------------------------------------------

STREAM = [(code, value) for code in [*map(DIGITS.__getitem__, FIRST), ENTER] for value in (1, 0)]


@pytest.mark.parametrize("lost", [1, 2, 7])
@pytest.mark.parametrize("at", range(len(STREAM)))
def test_events_that_the_kernel_dropped_never_shorten_a_label(
    reader: Reader, node: Node, at: int, lost: int
) -> None:
    for code, value in STREAM[:at]:
        node.press(code, value)
    told = reader.read()
    for code, value in STREAM[at : at + lost]:
        (node.held.add if value else node.held.discard)(code)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0) + event(node.tick(), EV_SYN, 0, 0))
    told += reader.read()
    for code, value in STREAM[at + lost :]:
        node.press(code, value)
    told += reader.read()
    assert told in ([], ["TORN"], [FIRST], [FIRST, "TORN"]), told
    assert (FIRST in told) == (at > len(STREAM) - 2)
    node.pause(1.0)
    node.type(SECOND)
    assert reader.read()[-1] == SECOND


def test_what_was_read_together_with_a_loss_is_older_than_the_state_that_is_asked_for(
    reader: Reader, node: Node
) -> None:
    node.type(FIRST[:3], end=None)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0))
    node.type(f"{FIRST[5:]}")
    node.type(SECOND[:4], end=None)
    told = reader.read()
    node.type(SECOND[6:])
    assert told + reader.read() == ["TORN"]


def test_a_shift_that_is_held_after_a_loss_is_known(reader: Reader, node: Node) -> None:
    node.press(SHIFT, 1)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0))
    reader.read()
    node.pause(1.0)
    node.type("a")
    assert reader.read() == ["A"]


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_a_device_that_leaves_after_any_event_is_told_with_what_had_begun(
    reader: Reader, node: Node, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, value in STREAM[:at]:
        node.press(code, value)
    real = os.read

    def read(file: int, size: int) -> bytes:
        try:
            return real(file, size)
        except BlockingIOError:
            raise OSError(errno.ENODEV, "No such device") from None

    monkeypatch.setattr("cvconnect_drivers.scanners.evdev_source.os.read", read)
    labels: list[RawLabel] = []
    labels += reader.source.read(timeout_s=0) if at >= len(STREAM) - 1 else []
    node.send(event(node.tick(), EV_SYN, 0, 0))
    with pytest.raises(LinkLostError) as lost:
        reader.source.read(timeout_s=0)
    assert [label.data.decode() for label in labels] == ([FIRST] if at >= len(STREAM) - 1 else [])
    assert reader.source.pending is (1 <= at < len(STREAM) - 1)
    assert FIRST[:3] not in f"{lost.value} {lost.value.text()} {lost.value!r}"


# --- the whole scanner -------------------------------------------------------------------------------------------------------


class Till:
    """Keeps what a scanner tells."""

    def __init__(self, url: str, **options: object) -> None:
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.scanner: EvdevScanner = open_scanner(url, options)

    def claim(self) -> None:
        self.scanner.claim(on_status=lambda health: self.states.put(health.state), timeout_s=TIMEOUT_S)

    def state(self) -> str:
        return self.states.get(timeout=TIMEOUT_S)

    def arm(self) -> None:
        """Arm, and wait until the device is taken for it."""
        self.scanner.arm(self.labels.put)
        assert until(lambda: (source := self.source) is not None and source._heard[0] and source._grabbed)

    @property
    def source(self) -> EvdevSource | None:
        session = self.scanner._session
        source = session._source if session is not None else None
        return source if isinstance(source, EvdevSource) else None


@pytest.fixture
def opened() -> Iterator[Callable[..., Till]]:
    tills: list[Till] = []

    def make(url: str = URL, **options: object) -> Till:
        tills.append(Till(url, **options))
        tills[-1].claim()
        return tills[-1]

    yield make
    for till in tills:
        till.scanner.release()


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.005)
    return condition()


def scan(till: Till, node: Node, text: str) -> Label:
    """Arm, wait until the device is taken, and read a label."""
    till.arm()
    node.pause(1.0)
    node.type(text)
    return till.labels.get(timeout=TIMEOUT_S)


def test_a_scanner_is_found_by_what_it_is(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(3, name="Keyboard", vendor="046d", product="c31c")
    node = desk.plug(4)
    desk.plug(5, keys=MOUSE)
    till = opened()
    assert till.state() == "ready"
    assert scan(till, node, FIRST).text == FIRST
    assert until(lambda: node.grabbed_by is None)
    assert desk.opened == ["event4"]


def test_a_scanner_is_found_by_the_name_that_udev_gave_it(desk: Desk, opened: Callable[..., Till]) -> None:
    node = desk.plug(4)
    link = desk.dev_input / "by-id" / "usb-Honeywell-event-kbd"
    link.parent.mkdir()
    link.symlink_to(f"../{node.path.name}")
    assert scan(opened(f"evdev://{link}"), node, FIRST).text == FIRST


def test_of_two_identical_scanners_none_is_guessed(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4, port="usb-0000:00:14.0-1/input0")
    node = desk.plug(5, port="usb-0000:00:14.0-2/input0")
    with pytest.raises(ConfigurationError) as refused:
        opened()
    assert refused.value.code == "DEVICE_AMBIGUOUS"
    assert "port=usb-0000:00:14.0-2/input0" in refused.value.text()
    assert scan(opened(f"{URL}&port=usb-0000:00:14.0-2/input0"), node, FIRST).text == FIRST


def test_of_two_identical_scanners_the_serial_number_tells(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4, serial="A1")
    node = desk.plug(5, serial="B2")
    assert scan(opened(f"{URL}&serial=B2"), node, FIRST).text == FIRST


@pytest.mark.parametrize("keys", [MOUSE, POWER_BUTTON, frozenset({*range(2, 12), ENTER})])
@pytest.mark.parametrize("by_path", [False, True])
def test_what_types_no_letters_is_refused(
    desk: Desk, opened: Callable[..., Till], keys: frozenset[int], by_path: bool
) -> None:
    node = desk.plug(4, keys=keys)
    with pytest.raises(ConfigurationError) as refused:
        opened(f"evdev://{node.path}" if by_path else URL)
    assert refused.value.code == "NOT_A_KEYBOARD"
    assert node.readers == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_right_that_is_missing_is_named_with_its_remedy(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    desk.plug(4)

    def deny(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(InputDevice, "__init__", deny)
    till = opened()
    health = till.scanner.check_health()
    assert health.state == "absent"
    for words in ("accès refusé", "règle udev", "groupe input", "cvconnect doctor"):
        assert words in health.detail


def test_a_package_that_is_missing_is_named_with_its_remedy(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plug(4)
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(DriverError) as refused:
        opened()
    assert refused.value.code == "PACKAGE_MISSING"
    assert "cvconnect-pos[evdev]" in refused.value.text()


def test_a_number_that_went_to_another_device_is_not_taken_for_the_scanner(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4, serial="A1")
    node.uniq = "B2"
    till = opened(f"{URL}&serial=A1")
    assert till.scanner.check_health().state == "absent"
    assert node.readers == []


def test_a_scanner_that_is_pulled_in_the_middle_of_a_label_comes_back_under_another_number(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4)
    till = opened()
    assert till.state() == "ready"
    till.arm()
    node.pause(1.0)
    node.type(FIRST[:5], end=None)
    assert until(lambda: (source := till.source) is not None and source.pending)
    desk.pull(node)
    assert till.labels.get(timeout=TIMEOUT_S).refusal == "DAMAGED"
    assert till.state() == "absent"
    again = desk.plug(9)
    assert till.state() == "ready"
    assert scan(till, again, SECOND).text == SECOND
    assert till.scanner.statistics()["lost"] == 1


def test_a_scanner_that_is_away_at_first_is_no_error(desk: Desk, opened: Callable[..., Till]) -> None:
    till = opened()
    assert till.state() == "absent"
    node = desk.plug(4)
    assert till.state() == "ready"
    assert scan(till, node, FIRST).text == FIRST


def test_another_program_that_holds_the_scanner_is_told_to_the_till(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4)
    node.grabbed_by = object()
    till = opened()
    assert [till.state(), till.state()] == ["ready", "degraded"]
    node.grabbed_by = None
    assert till.state() == "ready"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("evdev:", {}),
        ("evdev:?vendor=zz", {}),
        (URL, {"layout": "klingon"}),
        (URL, {"terminator": "escape"}),
        (URL, {"grab": "always"}),
        (URL, {"idle_gap_ms": 5}),
        (URL, {"colour": "red"}),
        ("evdev:///dev/input/event4?vendor=0c2e", {}),
    ],
)
def test_an_address_or_a_setting_that_means_nothing_is_refused(url: str, options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        open_scanner(url, options)


def test_elsewhere_than_on_linux_other_addresses_are_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(ConfigurationError) as refused:
        open_scanner(URL, {})
    assert "hidpos:" in refused.value.text()


def test_a_device_that_leaves_while_it_is_opened_is_given_back(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = desk.plug(4)

    def gone(_device: InputDevice) -> list[int]:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(InputDevice, "active_keys", gone)
    assert opened().scanner.check_health().state == "absent"
    assert node.readers == []


@pytest.mark.parametrize(
    ("path", "words"),
    [("/dev/null", "n’est pas un périphérique d’entrée"), ("/dev/input/event99", "est introuvable")],
)
def test_the_real_package_refuses_what_is_no_input_device(
    opened: Callable[..., Till], path: str, words: str
) -> None:
    health = opened(f"evdev://{path}").scanner.check_health()
    assert health.state == "absent"
    assert words in health.detail


# --- udev --------------------------------------------------------------------------------------------------------------------


class FakeUdev(ModuleType):
    """pyudev, as far as it is used."""

    def __init__(self) -> None:
        super().__init__("pyudev")
        self.calls: list[str] = []
        self.callback: Callable[[object], None] | None = None
        self.Context = SimpleNamespace
        self.Monitor = SimpleNamespace(from_netlink=self._monitor)
        self.MonitorObserver = self._observer

    def _monitor(self, _context: object, *, source: str) -> SimpleNamespace:
        def filter_by(subsystem: str) -> None:
            self.calls.append(f"{source} {subsystem}")

        return SimpleNamespace(filter_by=filter_by)

    def _observer(
        self, _monitor: object, *, callback: Callable[[object], None], name: str
    ) -> SimpleNamespace:
        self.callback = callback
        return SimpleNamespace(
            start=lambda: self.calls.append("start"), stop=lambda: self.calls.append("stop")
        )


@pytest.fixture
def udev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeUdev:
    udev = FakeUdev()
    monkeypatch.setitem(sys.modules, "pyudev", udev)
    (tmp_path / "control").touch()
    monkeypatch.setattr(plug_watch, "UDEV", tmp_path / "control")
    return udev


def test_what_udev_tells_ends_the_wait_for_the_next_try(
    desk: Desk, opened: Callable[..., Till], udev: FakeUdev, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hour(*_: object) -> float:
        return 3600.0

    monkeypatch.setattr("cvconnect_drivers.scanners.reconnection.Backoff.wait_s", hour)
    till = opened()
    assert till.state() == "absent"
    desk.plug(4)
    assert udev.callback is not None
    udev.callback(SimpleNamespace(action="remove"))
    udev.callback(SimpleNamespace(action="add"))
    assert till.state() == "ready"
    till.scanner.release()
    assert udev.calls == ["udev input", "start", "stop"]


def test_without_udev_nobody_listens(udev: FakeUdev, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plug_watch, "UDEV", tmp_path / "nothing")
    watch = plug_watch.PlugWatch("input", lambda: None)
    assert watch.start() is False
    watch.stop()
    assert udev.calls == []


def test_without_pyudev_nobody_listens(udev: FakeUdev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyudev", None)
    assert plug_watch.PlugWatch("input", lambda: None).start() is False


def test_listening_twice_is_listening_once(udev: FakeUdev) -> None:
    watch = plug_watch.PlugWatch("input", lambda: None)
    assert watch.start() is watch.start() is True
    watch.stop()
    watch.stop()
    assert udev.calls == ["udev input", "start", "stop"]


def test_what_is_ready_says_whether_windows_get_the_labels(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4)
    health: Health = opened(grab="never").scanner.check_health()
    assert "aussi tapé" in health.detail
