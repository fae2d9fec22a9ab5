"""A pipe into this process's memory, by name: paper for tests and demonstrations."""

from __future__ import annotations

import threading

from cvconnect_drivers.errors import LinkTimeoutError

# A ticket is about 1 kB: a thousand of them, and a till that runs for a year stays small.
ROLL_BYTES = 1 << 20

_lock = threading.Lock()
_rolls: dict[str, bytearray] = {}


class MemoryLink:
    """A pipe into one named roll; the oldest bytes go when it is full.

    Args:
        name: The roll's name, shared by all links of this process.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, data: bytes, *, timeout_s: float) -> None:  # noqa: ARG002 (memory never waits)
        """Append all bytes."""
        with _lock:
            roll = _rolls.setdefault(self._name, bytearray())
            roll += data
            del roll[:-ROLL_BYTES]

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:  # noqa: ARG002 (memory never answers)
        """Raise: memory never answers.

        Raises:
            LinkTimeoutError: Always, at once.
        """
        raise LinkTimeoutError(f"memory:{self._name}", "answer")

    def close(self) -> None:
        """Do nothing: the roll stays until it is torn off."""


def written(name: str) -> bytes:
    """Read what was written to a roll.

    Args:
        name: What follows `memory:` in the URL.

    Returns:
        Its last `ROLL_BYTES` bytes.
    """
    with _lock:
        return bytes(_rolls.get(name, b""))


def tear_off(name: str) -> bytes:
    """Read a roll and empty it.

    Args:
        name: What follows `memory:` in the URL.

    Returns:
        What was on it.
    """
    with _lock:
        return bytes(_rolls.pop(name, b""))
