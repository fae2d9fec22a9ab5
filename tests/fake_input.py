"""Input devices as Linux shows them, on files: a sysfs tree, a pipe per reader, and a module in the place of python-evdev.

What is modelled: who gets an event (the reader who grabbed the device, or everybody and the desktop), which keys are held,
that asking for them makes the kernel forget the key events that were not read, and the end of a device. What the kernel does of
itself is not: the kernel lab asks a real one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from cvconnect_drivers.scanners import input_devices
from cvconnect_drivers.scanners.input_devices import TYPING_KEYS

EVENT = struct.Struct("@llHHi")
EV_SYN, EV_KEY, EV_MSC, EV_LED = 0, 1, 4, 0x11
SYN_DROPPED = 3
ENTER, SHIFT, CAPS_LOCK = 28, 42, 58
KEYBOARD = frozenset(range(1, 128))
MOUSE = frozenset({0x110, 0x111, 0x112})
POWER_BUTTON = frozenset({116})
DIGITS = {str(digit): 2 + (digit - 1) % 10 for digit in range(10)}
LETTERS = {letter: 30 + place for place, letter in enumerate("asdfghjkl")}


def event(time_s: float, kind: int, code: int, value: int) -> bytes:
    """One `struct input_event`."""
    return EVENT.pack(int(time_s), round(time_s % 1 * 1_000_000), kind, code, value)


def key(time_s: float, code: int, value: int) -> bytes:
    """What the kernel sends for a key of a USB keyboard."""
    return (
        event(time_s, EV_MSC, 4, 0x70000 + code)
        + event(time_s, EV_KEY, code, value)
        + event(time_s, EV_SYN, 0, 0)
    )


def _nothing(*_: object) -> int:
    return 0


class Clock:
    """Stands still until it is told to run on."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


class Node:
    """One device that is plugged in."""

    def __init__(self, path: Path, keys: frozenset[int], *, leds: bool) -> None:
        path.touch()
        self.path = path
        self.keys = keys
        self.leds_on: set[int] = set()
        self.has_leds = leds
        self.held: set[int] = set()
        self.desktop: list[tuple[int, int]] = []
        self.grabbed_by: object = None
        self.before_grab: Callable[[], None] = lambda: None
        self.after_grab: Callable[[], None] = lambda: None
        self.before_ungrab: Callable[[], None] = lambda: None
        self.after_ungrab: Callable[[], None] = lambda: None
        self.readers: list[InputDevice] = []
        self.info = SimpleNamespace(vendor=0, product=0)
        self.uniq = self.phys = ""
        self.clock: Clock | None = None
        self.now_s = 0.0

    def send(self, data: bytes) -> None:
        """Write events as they are, to whoever gets them."""
        for reader in self.readers:
            if self.grabbed_by is reader or self.grabbed_by not in self.readers:
                os.write(reader.writer, data)

    def press(self, code: int, value: int, *, at_s: float | None = None) -> None:
        """Press (1), hold on (2) or release (0) a key."""
        (self.held.discard if value == 0 else self.held.add)(code)
        if self.grabbed_by is None:
            self.desktop.append((code, value))
        if self.grabbed_by is None or self.grabbed_by in self.readers:
            self.send(key(self.tick() if at_s is None else at_s, code, value))

    def tick(self) -> float:
        """The time of the next event: a millisecond after the last one, and not before now."""
        if self.clock is not None:
            self.clock.now_s += 0.001
            return self.clock.now_s
        self.now_s = max(self.now_s + 0.001, time.monotonic())
        return self.now_s

    def pause(self, seconds: float) -> None:
        """Let the scanner's clock run on."""
        if self.clock is not None:
            self.clock.now_s += seconds
        else:
            self.now_s = max(self.now_s, time.monotonic()) + seconds

    def type(self, text: str, *, end: int | None = ENTER) -> None:
        """Press and release the keys of a text, on a US keyboard, and a terminator."""
        for code in [*map({**DIGITS, **LETTERS}.__getitem__, text), *([] if end is None else [end])]:
            self.press(code, 1)
            self.press(code, 0)

    def pull(self) -> None:
        """End the device: its readers see the end of the file."""
        for reader in self.readers:
            reader.hang_up()
        self.path.unlink()


class InputDevice:
    """What python-evdev opens."""

    fd: int
    writer: int

    def __init__(self, path: str, nodes: Mapping[str, Node]) -> None:
        files = {f"/proc/self/fd/{each.fd}": node for node in nodes.values() for each in node.readers}
        node = files.get(path) or nodes.get(str(Path(path).resolve()))
        if node is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.node = node
        self.fd, self.writer = os.pipe2(os.O_NONBLOCK)
        self.info, self.uniq, self.phys = self.node.info, self.node.uniq, self.node.phys
        self.node.readers.append(self)
        self._forget()

    def capabilities(self, **_: bool) -> dict[int, list[int]]:
        """Types of events, and codes."""
        leds = {EV_LED: [0, 1]} if self.node.has_leds else {}
        return {EV_SYN: [0], EV_KEY: sorted(self.node.keys), **leds}

    def active_keys(self) -> Sequence[int]:
        """The keys that are held; what was not read is forgotten."""
        self._forget()
        return sorted(self.node.held)

    def leds(self) -> Sequence[int]:
        """The lights that are on."""
        return sorted(self.node.leds_on)

    def grab(self) -> None:
        """Take the device."""
        self.node.before_grab()
        if self.node.grabbed_by is not None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.node.grabbed_by = self
        self.node.after_grab()

    def ungrab(self) -> None:
        """Give it back."""
        self.node.before_ungrab()
        if self.node.grabbed_by is not self:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.node.grabbed_by = None
        self.node.after_ungrab()

    def write(self, etype: int, code: int, value: int) -> None:
        """Give a key to all readers as if it came from the device, if it changes the key."""
        if etype == EV_KEY and (code in self.node.held) != bool(value):
            self.node.press(code, value)

    def hang_up(self) -> None:
        """End what can be read."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Close the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            self.hang_up()
            self.node.readers.remove(self)
            if self.node.grabbed_by is self:
                self.node.grabbed_by = None

    def _forget(self) -> None:
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except BlockingIOError:
            pass


class Desk:
    """Plugs devices in and out."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sys_input = folder / "sys" / "class" / "input"
        self.dev_input = folder / "dev" / "input"
        self.sys_input.mkdir(parents=True)
        self.dev_input.mkdir(parents=True)
        self.nodes: dict[str, Node] = {}
        self.opened: list[str] = []
        module = ModuleType("evdev")
        module.InputDevice = self._open  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(__import__("sys").modules, "evdev", module)
        monkeypatch.setattr(input_devices, "SYS_INPUT", self.sys_input)
        monkeypatch.setattr(input_devices, "DEV_INPUT", self.dev_input)
        monkeypatch.setattr(fcntl, "ioctl", _nothing)

    def plug(
        self,
        number: int,
        *,
        name: str = "Scanner",
        vendor: str = "0c2e",
        product: str = "0b61",
        serial: str = "",
        port: str = "usb-0000:00:14.0-2/input0",
        bus: str = "0003",
        keys: frozenset[int] = KEYBOARD,
        leds: bool = True,
    ) -> Node:
        """Plug a device in as `eventN`."""
        node = Node(self.dev_input / f"event{number}", keys, leds=leds)
        node.info = SimpleNamespace(vendor=int(vendor, 16), product=int(product, 16))
        node.uniq, node.phys = serial, port
        self.nodes[str(node.path)] = node
        device = self.sys_input / f"event{number}" / "device"
        (device / "id").mkdir(parents=True)
        (device / "capabilities").mkdir()
        said = {
            "name": name,
            "phys": port,
            "uniq": serial,
            "id/vendor": vendor,
            "id/product": product,
            "id/bustype": bus,
            "capabilities/key": key_bits(keys),
        }
        for path, text in said.items():
            (device / path).write_text(f"{text}\n")
        return node

    def _open(self, path: str) -> InputDevice:
        if not path.startswith("/proc/self/fd/"):
            self.opened.append(Path(path).resolve().name)
        return InputDevice(path, self.nodes)

    def pull(self, node: Node) -> None:
        """Pull a device out."""
        entry = self.sys_input / node.path.name
        for path in sorted(entry.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        entry.rmdir()
        del self.nodes[str(node.path)]
        node.pull()

    def close(self) -> None:
        """Pull everything out."""
        for node in list(self.nodes.values()):
            self.pull(node)


def key_bits(keys: frozenset[int]) -> str:
    """What sysfs writes about keys."""
    words: list[str] = []
    bits = sum(1 << code for code in keys)
    size = struct.calcsize("@l") * 8
    while bits:
        words.append(f"{bits & ((1 << size) - 1):x}")
        bits >>= size
    return " ".join(reversed(words)) or "0"


assert TYPING_KEYS <= KEYBOARD
