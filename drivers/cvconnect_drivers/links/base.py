"""The smallest byte pipe."""

from __future__ import annotations

import time
from typing import Protocol


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
        """Give the pipe back. Idempotent; never raises."""
        ...


class Deadline:
    """A moment that several steps share.

    Args:
        timeout_s: Seconds from now.
    """

    def __init__(self, timeout_s: float) -> None:
        self._at = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self._at - time.monotonic())
