"""The two clocks a simulator needs, real or driven by a test."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

DEFAULT_START = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


class Clock(Protocol):
    """What simulators know of time."""

    def monotonic(self) -> float:
        """Returns seconds since an unspecified start; never goes back."""
        ...

    def now(self) -> datetime:
        """Returns the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Returns `time.monotonic()`, in seconds."""
        return time.monotonic()

    def now(self) -> datetime:
        """Returns the machine's time in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that moves only when a test says so; safe to share between threads.

    Args:
        start: Aware instant shown before the first `advance`.

    Does not model drift, NTP steps or daylight saving: both faces move together.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        self._start = start.astimezone(UTC)
        self._elapsed_s = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Returns the seconds advanced so far."""
        with self._lock:
            return self._elapsed_s

    def now(self) -> datetime:
        """Returns the start plus the seconds advanced so far, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Args:
            seconds: Zero or more.

        Raises:
            ValueError: If `seconds` is negative; a monotonic clock never goes back.
        """
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        with self._lock:
            self._elapsed_s += seconds
