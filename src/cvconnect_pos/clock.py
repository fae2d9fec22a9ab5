"""The two clocks of a till: one for waiting, one for records."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the engine takes its time from; a test gives it a virtual one."""

    def monotonic(self) -> float:
        """Seconds that never jump, for waiting."""
        ...

    def now(self) -> datetime:
        """The time of day (UTC), for records. It may jump."""
        ...

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on a held condition, for at most that long."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day (UTC)."""
        return datetime.now(UTC)

    def wait(self, condition: threading.Condition, timeout_s: float | None) -> None:
        """Wait on a held condition."""
        condition.wait(timeout_s)
