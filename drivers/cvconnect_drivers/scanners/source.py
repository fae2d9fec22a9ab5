"""Where labels come from, once it is open: what every kind of scanner gives to `scanner.LabelScanner`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cvconnect_drivers.scanners.framing import RawLabel


class Source(Protocol):
    """An open device that sends labels. One thread, its owner's, calls `read` and `close`."""

    @property
    def pending(self) -> bool:
        """Whether a label has begun that will still come out of `read`, whole or damaged. Asked from any thread."""
        ...

    @property
    def silent_s(self) -> float:
        """The last moment at which the device held nothing that has not been read, on the clock of `time.perf_counter`.

        Infinite where labels need no such moment, since the device tells the times of what it sends. Asked from any thread.
        """
        ...

    @property
    def degraded(self) -> str:
        """What is wrong although labels come, as a French sentence; empty when nothing is."""
        ...

    def read(self, *, timeout_s: float) -> Sequence[RawLabel]:
        """Wait for what comes, and take it.

        Args:
            timeout_s: Seconds to wait at most; it may come back earlier, with nothing.

        Returns:
            The labels that ended, in order; a torn or lost one is there with its damage.

        Raises:
            LinkLostError: The device is gone.
        """
        ...

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 - a state, not an option
        """Hear whether labels are wanted from now on: a keyboard is taken from the desktop only then.

        Called from any thread; returns at once, and takes effect in the next `read`, which it wakes.
        """
        ...

    def close(self) -> None:
        """Give the device back. Idempotent; never raises."""
        ...
