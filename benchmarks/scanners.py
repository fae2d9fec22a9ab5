"""The same recorded keys through the keyboard source and through a plain python-evdev loop; how long labels take; bursts.

The plain loop is what is usually written: `read_loop`, `categorize`, a dictionary, a flag for Shift. It knows one layout and no
pause, no lost event, no lock. The floor of a key is a dictionary look-up; that of a label is a thread that blocks in `os.read`.
"""

from __future__ import annotations

import fcntl
import os
import statistics
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn, Protocol, cast

from figures import ratio, show, summary

from cvconnect_drivers.scanners import serial
from cvconnect_drivers.scanners.evdev_source import EvdevSource
from cvconnect_drivers.scanners.input_events import EV_KEY, EV_MSC, EV_SYN, EVENT
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.layouts import ALTGR, SHIFT, levels
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_sim.scanner import KeyboardFirmware, KeyboardSettings, reports_to_keys

ROUNDS = 15
LABELS = 200
"""In a recorded stream, which a pipe must hold at once."""

DELIVERIES = 300
BURSTS = 8
BURST_CHARACTERS = 250
BURST_S = 0.001
LAYOUT: Final = "fr"
TEXTS = ("12345678901", "prenom.nom+vacances@exemple.fr")
ENTER, SHIFTS = 28, frozenset({42, 54})
_PIPE_BYTES = 1 << 20
_CLICK = 4


def recorded_keys(texts: Sequence[str]) -> list[KeyEvent]:
    """Type labels as a scanner set to a French keyboard does, one a tenth of a second, from an hour ahead.

    The source takes what is older than itself for the rest of a label that it did not see begin.
    """
    first_s = time.monotonic() + 3600
    firmware = KeyboardFirmware(KeyboardSettings(layout=LAYOUT, suffix="\r"))
    keys: list[KeyEvent] = []
    for number, text in enumerate(texts):
        typed = reports_to_keys(firmware.scan(text), start_s=first_s + number / 10)
        keys += (KeyEvent(time_s, code, pressed) for time_s, code, pressed in typed)
    return keys


def recorded_stream(keys: Sequence[KeyEvent]) -> bytes:
    """Write keys as the kernel does: the key's place, the key, and the end of the report."""
    return b"".join(
        EVENT.pack(int(key.time_s), int(key.time_s % 1 * 1_000_000), kind, code, value)
        for key in keys
        for kind, code, value in (
            (EV_MSC, _CLICK, key.code),
            (EV_KEY, key.code, int(key.pressed)),
            (EV_SYN, 0, 0),
        )
    )


class Recorded:
    """A device that is a pipe: what a program writes into it is what the kernel has to say."""

    def __init__(self) -> None:
        self.fd, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def write(self, data: bytes) -> None:
        if os.write(self._writer, data) != len(data):
            raise BlockingIOError

    def active_keys(self) -> Sequence[int]:
        return ()

    def leds(self) -> Sequence[int]:
        return ()

    def capabilities(self) -> Mapping[int, Sequence[object]]:
        return {}

    def grab(self) -> None:
        pass

    def ungrab(self) -> None:
        pass

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._writer)


def _never_taken() -> NoReturn:
    raise AssertionError("a device that is never taken is opened once")


def through_source(stream: bytes, count: int) -> float:
    """Read the stream through the keyboard source; give the seconds."""
    device = Recorded()
    source = EvdevSource(device, KeyboardDecoder(LAYOUT), where="recorded", reopen=_never_taken, grab="never")
    device.write(stream)
    labels: list[bytes] = []
    start_s = time.process_time()
    while len(labels) < count:
        labels += [raw.data for raw in source.read(timeout_s=1)]
    taken_s = time.process_time() - start_s
    source.close()
    _is_right([data.decode() for data in labels])
    return taken_s


def through_plain_loop(stream: bytes, count: int) -> float:
    """Read the stream as programs on the web do with python-evdev; give the seconds."""
    import evdev
    from evdev.eventio import EventIO

    class Device(EventIO):
        def __init__(self, fd: int) -> None:
            self.fd = fd

    plain, shifted = levels(LAYOUT)[0], levels(LAYOUT)[SHIFT]
    altgr = levels(LAYOUT)[ALTGR]
    recorded = Recorded()
    recorded.write(stream)
    labels: list[str] = []
    text, shift, is_altgr = "", False, False
    start_s = time.process_time()
    for event in Device(recorded.fd).read_loop():
        if event.type != evdev.ecodes.EV_KEY:
            continue
        key = cast("evdev.KeyEvent", evdev.categorize(event))
        if key.scancode in SHIFTS:
            shift = key.keystate == 1
        elif key.scancode == evdev.ecodes.KEY_RIGHTALT:
            is_altgr = key.keystate == 1
        elif key.keystate != 1:
            continue
        elif key.scancode == ENTER:
            labels.append(text)
            text = ""
            if len(labels) == count:
                break
        else:
            text += (altgr if is_altgr else shifted if shift else plain)[key.scancode]
    taken_s = time.process_time() - start_s
    recorded.close()
    _is_right(labels)
    return taken_s


def through_unpacking(stream: bytes, _count: int) -> float:
    """Only take the stream's numbers apart; give the seconds."""
    recorded = Recorded()
    recorded.write(stream)
    start_s = time.process_time()
    left = len(stream)
    while left:
        data = os.read(recorded.fd, EVENT.size * 256)
        left -= len(data)
        for _event in EVENT.iter_unpack(data):
            pass
    taken_s = time.process_time() - start_s
    recorded.close()
    return taken_s


def _is_right(labels: Sequence[str]) -> None:
    if set(labels) != set(TEXTS):
        raise ValueError("labels were read wrong")


def events_per_second() -> dict[str, object]:
    """Compare the three ways to read one stream, in turns."""
    texts = TEXTS * (LABELS // len(TEXTS))
    stream = recorded_stream(recorded_keys(texts))
    count = len(stream) // EVENT.size
    ways: dict[str, Callable[[bytes, int], float]] = {
        "keyboard source": through_source,
        "python-evdev read_loop with a dictionary": through_plain_loop,
        "floor: read and unpack": through_unpacking,
    }
    taken_s: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            seconds = way(stream, len(texts))
            if number:
                taken_s[name].append(seconds)
    ours, plain, floor = taken_s.values()
    return {
        "events in the stream": count,
        "rate_per_s": {name: count / statistics.median(seconds) for name, seconds in taken_s.items()},
        "ratio": {
            "time of the source / python-evdev loop": ratio(ours, plain),
            "time of the source / floor": ratio(ours, floor),
        },
    }


def cost_of_a_key() -> dict[str, object]:
    """Measure the decoder alone, beside a dictionary look-up for each of the same events."""
    keys = recorded_keys(TEXTS * 100)
    table = levels(LAYOUT)[0]
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(ROUNDS * 2):
        decoder = KeyboardDecoder(LAYOUT)
        start_s = time.process_time()
        for key in keys:
            decoder.feed(key)
        middle_s = time.process_time()
        for key in keys:
            if key.pressed:
                table.get(key.code)
        ours.append((middle_s - start_s) / len(keys))
        floor.append((time.process_time() - middle_s) / len(keys))
    return {
        "median_us": {
            "decoder, per key event": statistics.median(ours) * 1e6,
            "floor: dictionary look-up": statistics.median(floor) * 1e6,
        },
        "ratio": {"decoder / look-up": ratio(ours, floor)},
    }


class Feeds(Protocol):
    """Puts a label's last byte, or last key, on the wire."""

    def begin(self, text: str) -> None: ...

    def end(self) -> None: ...


class SerialWire:
    """A pty whose far end is a scanner."""

    def __init__(self) -> None:
        self.near, far = os.openpty()
        tty.setraw(far)
        self.path = os.ttyname(far)
        self._far = far

    def begin(self, text: str) -> None:
        os.write(self.near, text.encode())

    def end(self) -> None:
        os.write(self.near, b"\r")

    def close(self) -> None:
        os.close(self.near)
        os.close(self._far)


class KeyboardWire:
    """A recorded device whose keys are stamped as they are written."""

    def __init__(self) -> None:
        self.device = Recorded()

    def press(self, code: int) -> None:
        """Write a key's press and release, each with the time it is now."""
        for pressed in (True, False):
            self.device.write(recorded_stream([KeyEvent(time.monotonic(), code, pressed)]))

    def begin(self, text: str) -> None:
        for digit in text:
            self.press(11 if digit == "0" else 1 + int(digit))

    def end(self) -> None:
        self.press(ENTER)


@contextmanager
def serial_scanner() -> Iterator[tuple[LabelScanner, SerialWire]]:
    """A serial scanner on a pty, claimed."""
    wire = SerialWire()
    scanner = serial.open_scanner(f"serial://{wire.path}", {"duplicate_window_ms": 0})
    scanner.claim(on_status=lambda _health: None, timeout_s=5)
    try:
        yield scanner, wire
    finally:
        scanner.release()
        wire.close()


@contextmanager
def keyboard_scanner() -> Iterator[tuple[LabelScanner, KeyboardWire]]:
    """A keyboard scanner on a recorded device, claimed."""
    wire = KeyboardWire()
    scanner = LabelScanner(
        "recorded:",
        lambda: EvdevSource(
            wire.device, KeyboardDecoder("us"), where="recorded", reopen=_never_taken, grab="never"
        ),
        ScannerSettings(duplicate_window_s=0),
    )
    scanner.claim(on_status=lambda _health: None, timeout_s=5)
    time.sleep(0.5)  # what comes right after a device was opened may be the rest of a label
    try:
        yield scanner, wire
    finally:
        scanner.release()


class Till:
    """Hears labels, and when."""

    def __init__(self, scanner: LabelScanner) -> None:
        self._scanner = scanner
        self._came = threading.Event()
        self._label: Label | None = None
        self.heard_s = 0.0

    def expect(self) -> None:
        """Arm."""
        self._came.clear()
        self._scanner.arm(self._hear)

    def label(self) -> Label | None:
        """Wait for the label that was armed for."""
        return self._label if self._came.wait(2) else None

    def _hear(self, label: Label) -> None:
        self.heard_s = time.monotonic()
        self._label = label
        self._came.set()


def deliveries(scanner: LabelScanner, wire: Feeds) -> list[float]:
    """Measure from the terminator to the callback, label by label, in seconds."""
    till = Till(scanner)
    taken_s: list[float] = []
    for _ in range(DELIVERIES):
        till.expect()
        time.sleep(0.001)
        wire.begin(TEXTS[0])
        time.sleep(0.002)
        start_s = time.monotonic()
        wire.end()
        label = till.label()
        if label is None or label.text != TEXTS[0]:
            raise ValueError("a label was lost")
        taken_s.append(till.heard_s - start_s)
    return taken_s


def bare_reads() -> list[float]:
    """Measure from a byte on a pty to a thread that waits for it in `os.read`, in seconds."""
    near, far = os.openpty()
    tty.setraw(far)
    heard, came = list[float](), threading.Event()

    def hear() -> None:
        for _ in range(DELIVERIES):
            os.read(far, 64)
            heard.append(time.monotonic())
            came.set()

    thread = threading.Thread(target=hear)
    thread.start()
    taken_s: list[float] = []
    for _ in range(DELIVERIES):
        came.clear()
        time.sleep(0.003)
        start_s = time.monotonic()
        os.write(near, b"\r")
        came.wait(2)
        taken_s.append(heard[-1] - start_s)
    thread.join(2)
    os.close(near)
    os.close(far)
    return taken_s


def terminator_to_label() -> dict[str, object]:
    """Compare both kinds of scanner with the floor."""
    floor = bare_reads()
    with serial_scanner() as (scanner, wire):
        by_serial = deliveries(scanner, wire)
    with keyboard_scanner() as (keyboard, keys):
        by_keys = deliveries(keyboard, keys)
    bare_s = statistics.median(floor)
    return {
        "serial": summary(by_serial),
        "keyboard": summary(by_keys),
        "floor: a thread in os.read": summary(floor),
        "ratio": {
            "serial / floor": statistics.median(by_serial) / bare_s,
            "keyboard / floor": statistics.median(by_keys) / bare_s,
        },
    }


def burst(till: Till, send: Callable[[str], None], end: Callable[[], None]) -> bool:
    """Send 250 characters, 1 ms each, and tell whether all of them came."""
    text = "".join(str(place % 10) for place in range(BURST_CHARACTERS))
    till.expect()
    time.sleep(0.005)
    next_s = time.monotonic()
    for character in text:
        send(character)
        next_s += BURST_S
        time.sleep(max(0.0, next_s - time.monotonic()))
    end()
    label = till.label()
    return label is not None and label.text == text


def bursts() -> dict[str, object]:
    """Send bursts through a pty and through the keyboard source; tell how many came whole."""
    with serial_scanner() as (scanner, wire):
        till = Till(scanner)
        by_serial = sum(burst(till, wire.begin, wire.end) for _ in range(BURSTS))
    with keyboard_scanner() as (keyboard, keys):
        till = Till(keyboard)
        by_keys = sum(burst(till, keys.begin, keys.end) for _ in range(BURSTS))
    return {
        "characters, 1 ms each": BURST_CHARACTERS,
        "serial, whole": f"{by_serial} of {BURSTS}",
        "keyboard, whole": f"{by_keys} of {BURSTS}",
    }


def measure() -> dict[str, object]:
    """Measure all of it in one run.

    Returns:
        Events per second, the cost of a key, the delay of a label, and what came of bursts.
    """
    return {
        "events": events_per_second(),
        "key": cost_of_a_key(),
        "terminator to label": terminator_to_label(),
        "bursts": bursts(),
    }


if __name__ == "__main__":
    show("scanners", measure())
