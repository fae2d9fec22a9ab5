"""The source's side of a wedge: what the till handed over waits here, on one clock, until the scanner's thread takes it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from cvconnect_drivers.errors import LinkAbsentError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.wedge_intake import Armed, Characters, Input, Intake, Key, Lost

MAX_QUEUE: Final = 8192
"""Inputs that wait for the scanner's thread: four of the longest labels, keys going down and up. More is a loss, and said so."""

_NEW_CLOCK_S: Final = 60.0
"""Put between the times of two clocks that cannot be compared: longer than any idle gap."""


@dataclass(frozen=True, slots=True)
class WedgeSettings:
    """What the till's side needs to know of the driver's settings.

    Args:
        idle_gap_s: The pause that ends a label, in seconds.
        settle_s: How long after a label the rest of a second read of it is still swallowed, in seconds.
        grab: `armed`, `claimed` or `never`.
    """

    idle_gap_s: float = 0.3
    settle_s: float = 0.8
    grab: str = "armed"


class Inbox:
    """What the till handed over, on a clock that never goes back, and the one scanner that listens to it.

    The till's side calls `time`, `new_clock` and `put` with `changed` held.

    Args:
        name: The wedge's URL, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed = threading.Condition()
        self.intake: Intake | None = None
        self.settings = WedgeSettings()
        self.armed = False
        self._queue: deque[Input] = deque()
        self._woken = False
        self._now_s = 0.0
        self._shift_s = 0.0
        self._other_clock = True
        self._arrived_at_s = time.perf_counter()
        self._parted_s = -math.inf
        self._begun_s = -math.inf

    def attach(self, intake: Intake, settings: WedgeSettings) -> None:
        """Begin to listen.

        Args:
            intake: Makes labels of what comes.
            settings: What the till's side needs to know.

        Raises:
            LinkAbsentError: Another scanner of this process listens already.
        """
        with self.changed:
            if self.intake is not None:
                raise LinkAbsentError(
                    self.name,
                    "another scanner listens to it",
                    fr=f"{self.name} est déjà lu par une autre caisse de ce programme.",
                )
            self.intake, self.settings = intake, settings
            self._queue.clear()

    def detach(self) -> None:
        """Listen no more: nothing is kept, nothing is swallowed."""
        with self.changed:
            self.intake = None
            self.armed = False
            self._woken = True
            self._queue.clear()
            self.changed.notify_all()

    @property
    def label_begun(self) -> bool:
        """Whether something of a label came that has not been read yet."""
        with self.changed:
            return self.intake is not None and (
                self.intake.pending or any(_begins(item) for item in self._queue)
            )

    def set_armed(self, *, armed: bool) -> None:
        """Swallow from now on, or no more."""
        with self.changed:
            if armed:
                # What came before is not this customer's: it is told apart here, where it is certain.
                self._parted_s = time.perf_counter()
                self.put(Armed(self.now_s(), self.label_begun))
            self.armed = armed
            self._woken = True
            self.changed.notify_all()

    def labels(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for inputs, and make labels of them.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The labels that ended.
        """
        with self.changed:
            if self.intake is not None and self.intake.pending:
                timeout_s = min(timeout_s, self._now_s + self.intake.patience_s - self.now_s())
            self.changed.wait_for(lambda: bool(self._queue) or self._woken, max(timeout_s, 0.0))
            self._woken = False
            return self._read(self.intake)

    def _read(self, intake: Intake | None) -> list[RawLabel]:
        labels: list[RawLabel] = []
        while intake is not None and self._queue:
            item = self._queue.popleft()
            if isinstance(item, Armed):
                labels.clear()
            handed_s = self._arrived_at_s + item.time_s - self._now_s
            if not intake.pending:
                self._begun_s = handed_s
            came = intake.feed(item)
            labels += self._since(came)
            if came:  # it ended what was before it, perhaps by a pause, and may begin a label
                self._begun_s = handed_s
        if intake is not None:
            labels += self._since(intake.tick(self.now_s()))
        # With the lock held: what was handed over before the last arming is gone, or says so.
        ended_s = time.perf_counter()
        return [replace(label, ended_s=ended_s) for label in labels]

    def _since(self, labels: list[RawLabel]) -> list[RawLabel]:
        """Say when labels began: the till's clock is ours, but for how late it handed over its last key."""
        since_s = max(self._parted_s, self._begun_s)
        return [replace(label, since_s=since_s) if label.since_s is None else label for label in labels]

    # --- for the till's side, with the lock held ----------------------------------------------------------------------

    def goes_back(self, time_s: float) -> bool:
        """Whether a time of the till's clock is before the last one."""
        return not self._other_clock and time_s + self._shift_s < self._now_s

    def time(self, time_s: float) -> float:
        """Bring a time of the till's clock to one that never goes back."""
        if self._other_clock:
            self._shift_s, self._other_clock = self._now_s - time_s, False
        self._now_s = time_s + self._shift_s
        self._arrived_at_s = time.perf_counter()
        return self._now_s

    def now_s(self) -> float:
        """Tell the time on that clock, in seconds."""
        return self._now_s + time.perf_counter() - self._arrived_at_s

    def new_clock(self) -> None:
        """Begin a clock that cannot be compared with the one before."""
        self._now_s = self.now_s() + _NEW_CLOCK_S
        self._other_clock = True

    def put(self, item: Input) -> None:
        """Keep an input for the scanner's thread; nothing is kept where none listens."""
        if self.intake is None:
            return
        if len(self._queue) >= MAX_QUEUE:
            self._queue.clear()
            item = Lost(item.time_s)
        self._queue.append(item)
        self.changed.notify_all()


def _begins(item: Input) -> bool:
    return isinstance(item, Characters) or (isinstance(item, Key) and item.event.pressed)


class WedgeSource:
    """What a `LabelScanner` reads of a wedge.

    Args:
        inbox: What the till hands over.
        intake: Makes labels of what comes.
        settings: What the till's side needs to know.

    Raises:
        LinkAbsentError: Another scanner listens to it.
    """

    def __init__(self, inbox: Inbox, intake: Intake, settings: WedgeSettings) -> None:
        inbox.attach(intake, settings)
        self._inbox = inbox
        self._open = True

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._inbox.label_begun

    @property
    def silent_s(self) -> float:
        """Infinite: `set_armed` itself parts what came before it."""
        return math.inf

    @property
    def degraded(self) -> str:
        """Nothing: the till hands over what it hears, or it does not."""
        return ""

    def read(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for what the till hands over, and take it.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The labels that ended, in order.
        """
        return self._inbox.labels(timeout_s=timeout_s)

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 (a state, not an option)
        """Hear whether labels are wanted from now on; wakes `read`."""
        self._inbox.set_armed(armed=armed)

    def close(self) -> None:
        """Listen no more. Idempotent."""
        if self._open:
            self._open = False
            self._inbox.detach()


_lock = threading.Lock()
