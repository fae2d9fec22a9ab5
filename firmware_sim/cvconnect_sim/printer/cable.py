"""The line between host and printer: its speed, and how the host is told to wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

BITS_OF_A_BYTE: Final = 10
"""Start bit, 8 data bits, stop bit."""

XON: Final = b"\x11"
XOFF: Final = b"\x13"


class Flow(Enum):
    """How the host is made to wait."""

    HOLD = auto()
    """It does wait while the printer is busy: DTR, a TCP window, USB. What waits is on the host's side."""
    XON_XOFF = auto()
    """It is sent XOFF and XON; what it sends all the same is lost once the buffer is full."""
    NONE = auto()
    """It is not told; what does not fit is lost."""


@dataclass(frozen=True, slots=True)
class Cable:
    """A line.

    Args:
        baud: bits per second of a serial line; None for a line that takes no time. Counts only for a printer with a clock.
        flow: how the host is made to wait.
    """

    baud: int | None = None
    flow: Flow = Flow.HOLD

    @property
    def byte_s(self) -> float:
        """Time of a byte, in seconds."""
        return BITS_OF_A_BYTE / self.baud if self.baud else 0.0


class Wire:
    """The bytes that the host has sent and the printer has not received.

    Args:
        cable: the line.
        timed: whether it takes time.
    """

    def __init__(self, cable: Cable, *, timed: bool) -> None:
        self._byte_s = cable.byte_s if timed else 0.0
        self._bytes = bytearray()
        self._free_s = 0.0
        """When the last byte had come over."""

    def __len__(self) -> int:
        return len(self._bytes)

    def put(self, data: bytes, now_s: float) -> None:
        """The host sends."""
        if not self._bytes:
            self._free_s = max(self._free_s, now_s)
        self._bytes += data

    def arrives_s(self) -> float | None:
        """When the next byte has come over, None if there is none."""
        return self._free_s + self._byte_s if self._bytes else None

    def wait(self, until_s: float) -> None:
        """The host was held up to a time."""
        self._free_s = max(self._free_s, until_s)

    def take(self, most: int) -> bytes:
        """Receive: one byte of a serial line, as much as there is and as is wanted of a line that takes no time."""
        count = 1 if self._byte_s else min(most, len(self._bytes))
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        self._free_s += self._byte_s
        return taken

    def clear(self) -> None:
        """What was on the way is lost."""
        self._bytes.clear()
