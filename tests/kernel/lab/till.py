"""A till in front of a scanner's driver, and the three kinds of scanner that a gadget can be."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from cvconnect_drivers.scanners import evdev, hidpos, serial
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.shapes import Health
from cvconnect_sim.links.base import Burst
from cvconnect_sim.links.gadget import BOOT_KEYBOARD, Acm, Function, Hid
from cvconnect_sim.scanner import HidPosFirmware, KeyboardFirmware, KeyboardSettings, Scanner, Symbology
from cvconnect_sim.scanner.hidpos import REPORT_BYTES, REPORT_DESCRIPTOR
from kernel.lab.host import TIMEOUT_S, Subsystem, wait_for

OpenScanner = Callable[[str, Mapping[str, object]], LabelScanner]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scanner: what it is on the wire, and who reads it.

    Args:
        scheme: Of its URLs.
        function: The gadget's.
        subsystem: Where its nodes are.
        scan: What it sends for a label.
        open_scanner: Its driver.
    """

    scheme: str
    function: Function
    subsystem: Subsystem
    scan: Callable[[str], list[Burst]]
    open_scanner: OpenScanner


IDLE_GAP_MS = 1000
"""On a busy machine the emulated one stands still for longer than the usual pause that ends a label."""

REACTION_S = 1.2
"""A person pulls the trigger a moment after the till asked. By then a keyboard has been taken from the desktop, and it has
been open for longer than the pause that ends a label: earlier, what comes may be the rest of one."""


def open_keyboard(url: str, options: Mapping[str, object]) -> LabelScanner:
    """Open a keyboard scanner with the lab's pause."""
    return evdev.open_scanner(url, {"idle_gap_ms": IDLE_GAP_MS, **options})


def type_label(text: str, settings: KeyboardSettings | None = None) -> list[Burst]:
    """What a keyboard scanner sends for a label, a moment after the till asked for one."""
    symbology = Symbology.CODE_128 if Symbology.CODE_128.holds(text) else Symbology.QR
    return [(REACTION_S, b""), *KeyboardFirmware(settings).scan(text, symbology)]


KEYBOARD = Kind("evdev", BOOT_KEYBOARD, "input", type_label, open_keyboard)
HID_POS = Kind(
    "hidpos", Hid(REPORT_DESCRIPTOR, REPORT_BYTES), "hidraw", HidPosFirmware().scan, hidpos.open_scanner
)
SERIAL = Kind("serial", Acm(), "tty", Scanner().scan, serial.open_scanner)
KINDS = (KEYBOARD, HID_POS, SERIAL)


class Till:
    """Claims a scanner, and keeps what it is told.

    Args:
        scanner: The scanner; released at the end.
    """

    def __init__(self, scanner: LabelScanner) -> None:
        self.scanner = scanner
        self.states: list[Health] = []
        self._labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self._taken = 0

    def arm(self) -> None:
        """Wait for the scanner to be ready, and ask for one label."""
        self.wait_until("ready")
        self.scanner.arm(self._labels.put)

    def wait_until(self, state: str) -> None:
        """Wait for a state of health."""
        wait_for(lambda: self.scanner.check_health().state == state)

    def label(self) -> Label:
        """Wait for the label that was asked for."""
        label = self._labels.get(timeout=TIMEOUT_S)
        self._taken += 1
        return label

    def label_count(self) -> int:
        """How many labels came in all."""
        return self._taken + self._labels.qsize()

    def __enter__(self) -> Self:
        self.scanner.claim(on_status=self.states.append, timeout_s=TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.scanner.release()
