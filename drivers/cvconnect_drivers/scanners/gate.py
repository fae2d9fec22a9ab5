"""What becomes of each label: delivered once while the scanner is armed, or dropped and counted. Pure.

Its owner asks it from several threads, and holds a lock meanwhile.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.labels import Label, read_label
from cvconnect_drivers.scanners.settings import ScannerSettings

OnLabel: TypeAlias = Callable[[Label], None]

COUNTED = (
    "delivered",
    "refused",
    "dropped",
    "duplicates",
    "torn",
    "too_long",
    "unreadable",
    "no_prefix",
    "lost",
)
"""What statistics hold: labels that reached a callback, taken or refused; labels that nobody was armed for, or that began
before; labels read twice; damaged labels, by their damage, whatever became of them; lost connections."""


QUEUE_LABELS = 8
"""One arming lets one label through: more of them wait only where a callback blocks and somebody else arms again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A label on its way to whoever was armed for it."""

    on_label: OnLabel
    label: Label


REST_S = 0.3
"""What begins this soon after a label that was refused may be its next line: nobody pulls a trigger twice so fast."""


class Gate:
    """Lets one label through each time it is armed, into a queue that its owner empties.

    Args:
        settings: What labels are like.
    """

    def __init__(self, settings: ScannerSettings) -> None:
        self._settings = settings
        self._on_label: OnLabel | None = None
        self._straddles = False
        self._same_customer = False
        self._refused_at_s = float("-inf")
        self._armed_at_s = float("-inf")
        self._last: tuple[int, float] | None = None
        self._queue: deque[Delivery] = deque()
        self._counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))

    @property
    def armed(self) -> bool:
        """Whether the next label that begins is wanted."""
        return self._on_label is not None

    @property
    def waiting(self) -> bool:
        """Whether a label is in the queue."""
        return bool(self._queue)

    def arm(self, on_label: OnLabel, now_s: float, *, label_begun: bool, same_customer: bool) -> None:
        """Let the next label through.

        Args:
            on_label: Who gets it.
            now_s: When; a label that began or ended before is not the one, even if it is taken later.
            label_begun: A label is in the middle of its bytes: it began before, and is not the one.
            same_customer: The scanner waits for whom it waited before; else a label that was read a moment ago may come
                again, since it is the next customer's own.
        """
        self._on_label = on_label
        self._armed_at_s = now_s
        self._straddles = label_begun
        self._same_customer = same_customer
        if not same_customer:
            self._last = None

    def disarm(self) -> None:
        """Let nothing more through, and empty the queue."""
        self._on_label = None
        self.clear()

    def clear(self) -> None:
        """Drop the labels in the queue."""
        self._counts["dropped"] += len(self._queue)
        self._queue.clear()

    def forget_begun(self) -> None:
        """Hear that no label is in the middle of its bytes any more: a new connection begins."""
        self._straddles = False

    def take(self, raw: RawLabel, now_s: float) -> None:
        """Judge a label; disarm, and queue it, when it goes through.

        Args:
            raw: The label, whole or damaged.
            now_s: When it ended.
        """
        raw = self._settings.without_prefix(raw)
        if raw.damage is not None:
            self._counts[raw.damage.lower()] += 1
        straddles, self._straddles = self._straddles, False
        # A slow keyboard may take a second for a line: it is when the line began that tells.
        began_s = now_s if raw.since_s is None else max(raw.since_s, self._armed_at_s)
        is_rest = self._same_customer and began_s - self._refused_at_s < REST_S
        if is_rest:
            self._refused_at_s = now_s
        is_early = now_s < self._armed_at_s or (
            straddles if raw.since_s is None else raw.since_s < self._armed_at_s
        )
        on_label = None if is_early or is_rest else self._on_label
        if on_label is None or len(self._queue) == QUEUE_LABELS:
            self._counts["dropped"] += 1
            return
        label = read_label(raw, self._settings.envelope, self._settings.symbologies)
        if self._is_duplicate(label, now_s):
            self._counts["duplicates"] += 1
            return
        if label.refusal is not None:
            self._refused_at_s = now_s
        self._queue.append(Delivery(on_label, label))
        self._on_label = None

    def next(self) -> Delivery | None:
        """Take the oldest label out of the queue, and count it as delivered or refused."""
        if not self._queue:
            return None
        delivery = self._queue.popleft()
        self._counts["delivered" if delivery.label.refusal is None else "refused"] += 1
        return delivery

    def count_loss(self) -> None:
        """Count a lost connection."""
        self._counts["lost"] += 1

    def counts(self) -> Mapping[str, int]:
        """Tell what was counted until now: the names of `COUNTED`."""
        return dict(self._counts)

    def _is_duplicate(self, label: Label, now_s: float) -> bool:
        seen = hash(label)
        if (
            self._last is not None
            and self._last[0] == seen
            and now_s - self._last[1] < self._settings.duplicate_window_s
        ):
            return True
        self._last = (seen, now_s)
        return False
