"""Faults that happen by themselves in the middle of something, so that a test over a real cable needs no good timing."""

from dataclasses import dataclass
from enum import Enum, auto


class MishapKind(Enum):
    """What happens."""

    POWER_CUT = auto()
    """The power is cut."""
    COVER_OPENED = auto()
    """Somebody opens the cover."""
    PAPER_OUT = auto()
    """The roll ends."""
    CUTTER_JAM = auto()
    """Something blocks the cutter: the next cut fails."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A fault and the moment for it, counted from when it is armed.

    Args:
        kind: what happens.
        after_bytes: bytes that come in before, 0 or more.
        after_dots: rows of dots, blank ones included, that pass the head before, 0 or more. The fault happens as soon as one of
            the two is reached; without either, never.
    """

    kind: MishapKind
    after_bytes: int | None = None
    after_dots: int | None = None


class Mishaps:
    """Those that are armed, each with the counts at which it happens."""

    def __init__(self) -> None:
        self._armed: list[tuple[MishapKind, int | None, int | None]] = []

    def arm(self, mishap: Mishap, *, received_bytes: int, fed_dots: int) -> None:
        """Count from the present state.

        Args:
            mishap: what is to happen.
            received_bytes: bytes that have come in so far.
            fed_dots: rows that have passed the head so far.
        """
        at_bytes = None if mishap.after_bytes is None else received_bytes + mishap.after_bytes
        at_dots = None if mishap.after_dots is None else fed_dots + mishap.after_dots
        self._armed.append((mishap.kind, at_bytes, at_dots))

    @property
    def next_bytes(self) -> int | None:
        """The count of bytes at which the next one happens."""
        return min((at for _, at, _ in self._armed if at is not None), default=None)

    @property
    def next_dots(self) -> int | None:
        """The count of rows at which the next one happens."""
        return min((at for _, _, at in self._armed if at is not None), default=None)

    def take_due(self, *, received_bytes: int, fed_dots: int) -> list[MishapKind]:
        """Disarm those whose moment has come.

        Args:
            received_bytes: bytes that have come in so far.
            fed_dots: rows that have passed the head so far.

        Returns:
            What happens, first armed first.
        """
        due = [
            each
            for each in self._armed
            if (each[1] is not None and each[1] <= received_bytes)
            or (each[2] is not None and each[2] <= fed_dots)
        ]
        self._armed = [each for each in self._armed if each not in due]
        return [kind for kind, _, _ in due]
