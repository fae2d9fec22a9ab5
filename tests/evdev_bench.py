"""A keyboard scanner on an input device that a test plays: read by a test itself, or by a till."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from cvconnect_drivers.scanners.evdev import EvdevScanner, open_scanner
from cvconnect_drivers.scanners.evdev_source import EvdevSource, Grab
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, KeyboardDecoder
from cvconnect_drivers.scanners.labels import Label
from fake_input import (
    DIGITS,
    Clock,
    InputDevice,
    Node,
)

TIMEOUT_S = 5.0
FIRST, SECOND = "20000000016", "20000000027"
URL = "evdev:?vendor=0c2e&product=0b61"
ONE = DIGITS["1"]


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
            reopen=lambda: InputDevice(str(node.path), {str(node.path): node}),
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
