"""A claimed scanner whose source a test drives, one read at a time."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from cvconnect_drivers.errors import (
    LinkLostError,
)
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.shapes import Health

TIMEOUT_S = 5.0
HASTY = Backoff(first_s=0.001, last_s=0.001)
FIRST, SECOND, THIRD = (RawLabel(text) for text in (b"20000000016", b"20000000027", b"20000000038"))
TORN = RawLabel(b"", "TORN")


Step: TypeAlias = "Callable[[], Sequence[RawLabel]]"


class ScriptedSource:
    """Reads what a test tells it to, one step for each read."""

    def __init__(self) -> None:
        self.pending = False
        self.silent_s = math.inf
        self.degraded = ""
        self.armed: list[bool] = []
        self.closed = threading.Event()
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()

    def read(self, *, timeout_s: float) -> Sequence[RawLabel]:
        try:
            step = self._steps.get(timeout=timeout_s)
        except queue.Empty:
            return []
        return step()

    def play(self, step: Step) -> None:
        """Let the next read do this, and wait until what it gave was taken."""
        taken = threading.Event()

        def mark() -> Sequence[RawLabel]:
            taken.set()
            return []

        self._steps.put(step)
        self._steps.put(mark)
        assert taken.wait(TIMEOUT_S)

    def give(self, *labels: RawLabel) -> None:
        self.play(lambda: labels)

    def lose(self) -> None:
        def fail() -> Sequence[RawLabel]:
            raise LinkLostError("script", "unplugged")

        self._steps.put(fail)
        assert self.closed.wait(TIMEOUT_S)

    def set_armed(self, armed: bool) -> None:
        self.armed.append(armed)

    def close(self) -> None:
        self.closed.set()


class Bench:
    """A claimed scanner whose sources a test drives."""

    def __init__(self, *failures: Exception, backoff: Backoff = HASTY) -> None:
        self.sources: queue.SimpleQueue[ScriptedSource] = queue.SimpleQueue()
        self.failures = list(failures)
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[Health] = queue.SimpleQueue()
        self.scanner = LabelScanner("script:", self._open, ScannerSettings(), backoff=backoff)

    def _open(self) -> Source:
        if self.failures:
            raise self.failures.pop(0)
        source = ScriptedSource()
        self.sources.put(source)
        return source

    def claim(self) -> ScriptedSource:
        self.scanner.claim(on_status=self.heard.put, timeout_s=TIMEOUT_S)
        return self.source()

    def source(self) -> ScriptedSource:
        source = self.sources.get(timeout=TIMEOUT_S)
        source.play(list)
        return source

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def hear(self) -> Label:
        return self.labels.get(timeout=TIMEOUT_S)

    def hear_state(self) -> Health:
        return self.heard.get(timeout=TIMEOUT_S)


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()
