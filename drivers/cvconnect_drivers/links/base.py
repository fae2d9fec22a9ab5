"""The smallest byte pipe."""

from __future__ import annotations

import math
import time
from typing import Final, Protocol

SLICE_S: Final = 0.25
"""Waits that cannot be woken are cut into slices, so that a link that another thread closes ends within one."""


class Link(Protocol):
    """An open pipe to one device."""

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes over.

        Raises:
            LinkError: Lost, or the deadline passed; `sent_bytes` tells how much went before.
        """
        ...

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte, and take what is there.

        Returns:
            1 to `max_bytes` bytes.

        Raises:
            LinkTimeoutError: Nothing came.
            LinkLostError: The other side is gone.
        """
        ...

    def close(self) -> None:
        """Give the pipe back. Idempotent; never raises.

        From another thread it ends what is under way: that raises `LinkLostError` within a second.
        """
        ...


LONGEST_S: Final = 86_400.0
"""No system waits for ever when told a number: a day is more than anybody waits for a device."""


class Deadline:
    """A moment that several steps share.

    Args:
        timeout_s: Seconds from now, a day at most. Whatever is not above 0, NaN too, is no time at all.
    """

    def __init__(self, timeout_s: float) -> None:
        self._at = time.monotonic() + min(timeout_s, LONGEST_S) if timeout_s > 0 else -math.inf

    def end(self) -> None:
        """Let it pass now. Callable from any thread."""
        self._at = -math.inf

    def left_s(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self._at - time.monotonic())
