"""From what a till's own user interface heard to raw labels. Pure: time is an argument.

Labels end as `keyboard.KeyboardDecoder` says, by a terminator or by a pause, and characters end as keys do. But a user interface
may stop for a moment in the middle of a scan, and 11 digits of a product code are as many as a customer has: unless the
scanner is known to send no terminator, a pause must last `STALL_S`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.keyboard import (
    ANY_TERMINATOR,
    STUTTER_GAPS,
    TERMINATOR_KEYS,
    KeyboardDecoder,
    KeyEvent,
)
from cvconnect_drivers.scanners.layouts import SPACE_KEY

STALL_S: Final = 1.0
"""How long a user interface may stop in the middle of a label."""

ENDINGS: Final[Mapping[str, frozenset[str]]] = {
    "any": ANY_TERMINATOR,
    **{name: frozenset({name}) for name in TERMINATOR_KEYS},
    "none": frozenset(),
}
"""The setting `terminator`, and the keys it stands for."""

_CHARACTERS: Final[Mapping[str, str]] = {"enter": "\r\n", "kp_enter": "\r\n", "tab": "\t"}
_CAPS_LOCK, _NUM_LOCK = 58, 69
_TORN: Final = RawLabel(b"", "TORN")
_EARLY: Final = RawLabel(b"", "TORN", since_s=-math.inf)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the desktop's keyboard.

    Args:
        event: What it did.
        caps_lock: Whether the desktop holds capitals, None when it does not say.
        num_lock: Whether the desktop's keypad gives digits, None when it does not say.
    """

    event: KeyEvent
    caps_lock: bool | None = None
    num_lock: bool | None = None

    @property
    def time_s(self) -> float:
        """When."""
        return self.event.time_s


@dataclass(frozen=True, slots=True)
class Characters:
    """Characters that the desktop's layout made of the keys; personal, so no repr shows them."""

    time_s: float
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole label at once; personal, so no repr shows it."""

    time_s: float
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """Something did not reach the till: another window had the keyboard, a queue was full."""

    time_s: float


@dataclass(frozen=True, slots=True)
class Armed:
    """Labels are wanted from here on; what came before was for nobody.

    Args:
        time_s: When.
        label_begun: Whether a label was in the middle: it comes out torn, once.
    """

    time_s: float
    label_begun: bool


Input: TypeAlias = Key | Characters | Whole | Lost | Armed


class CharacterDecoder:
    """Makes labels of characters, as `KeyboardDecoder` makes them of keys.

    Args:
        terminators: Names of `TERMINATOR_KEYS`.
        idle_gap_s: The pause in seconds after which a label has ended.
    """

    def __init__(self, terminators: frozenset[str], *, idle_gap_s: float) -> None:
        self._terminators = terminators
        self._endings = frozenset("".join(_CHARACTERS[name] for name in terminators))
        self._gap_s = idle_gap_s
        self._held = bytearray()
        self._too_long = False
        self._lost = self._told = False
        self._last_s = self._begun_s = 0.0
        self._last_end: Literal["key", "gap"] | None = None
        self._torn_s = -math.inf  # when a pause tore a label

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return bool(self._held)

    @property
    def lost(self) -> bool:
        """Whether what comes until the next end is what is left of a label."""
        return self._lost

    @property
    def swallows(self) -> bool:
        """Whether what comes is the rest of a label that was told as torn: nothing will come out of it."""
        return self._told

    def feed(self, text: str, time_s: float) -> list[RawLabel]:
        """Take characters.

        Args:
            text: One, or the few that came at once.
            time_s: When.

        Returns:
            The labels that they end.
        """
        labels = self.tick(time_s)
        self._last_s = time_s
        for character in text:
            if character in self._endings:
                labels += self._end("key")
                continue
            if not self._held:
                self._begun_s = time_s
            # A half of a pair of surrogates makes no valid UTF-8: its label is refused as damaged.
            data = character.encode("utf-8", "surrogatepass")
            if len(self._held) + len(data) <= MAX_LABEL_BYTES:
                self._held += data
            else:
                self._too_long = True
        return labels

    def tick(self, now_s: float) -> list[RawLabel]:
        """Let time pass.

        Args:
            now_s: Now, on the clock of the characters.

        Returns:
            The label that has ended by a pause, if one has.
        """
        if now_s - self._last_s < self._gap_s or not (self._held or self._lost):
            return []
        return self._end("gap")

    def lose(self, now_s: float) -> list[RawLabel]:
        """Hear that characters were lost: what still comes of the label is swallowed.

        Args:
            now_s: When.

        Returns:
            The label that had begun, torn; nothing when it was told already.
        """
        tell = self.pending and not self._told
        self._lost, self._told = True, self._told or tell
        self._held.clear()
        self._last_s = now_s
        return [_TORN] if tell else []

    def _end(self, how: Literal["key", "gap"]) -> list[RawLabel]:
        data, too_long, lost, told = bytes(self._held), self._too_long, self._lost, self._told
        self._held.clear()
        self._too_long = self._lost = self._told = False
        if told or not data:
            return []
        is_torn = lost or self._is_torn(how)
        self._last_end = how
        if is_torn and how == "gap":
            self._torn_s = self._last_s
        if is_torn:
            return [_TORN]
        return [RawLabel(b"", "TOO_LONG") if too_long else RawLabel(data)]

    def _is_torn(self, how: Literal["key", "gap"]) -> bool:
        if not self._terminators:
            return False
        stutters = self._begun_s - self._torn_s < STUTTER_GAPS * self._gap_s
        if self._terminators == ANY_TERMINATOR:
            return how != (self._last_end or "key") or (how == "gap" and stutters)
        return how == "gap" or stutters


class Intake:
    """Makes raw labels of inputs.

    Args:
        layout: The scanner's layout, for keys.
        terminator: One of `ENDINGS`.
        idle_gap_s: The pause that ends what has begun, in seconds, above 0.
    """

    def __init__(self, layout: str = "us", *, terminator: str = "any", idle_gap_s: float = 0.3) -> None:
        names = self._names = ENDINGS[terminator]
        self._layout = layout
        self.patience_s = max(idle_gap_s, STALL_S) if names else idle_gap_s
        """How long nothing must come before a label is taken to have ended, in seconds."""
        self._caps_lock, self._num_lock = False, True
        self._last_s = 0.0
        self._start()

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._keys.pending or self._characters.pending

    def feed(self, item: Input) -> list[RawLabel]:
        """Take the next input.

        Args:
            item: What came; times never go back.

        Returns:
            The labels that it ended, in order.
        """
        self._last_s = item.time_s
        match item:
            case Key():
                return self._key(item)
            case Characters(time_s=time_s, text=text):
                return self._characters.feed(text, time_s)
            case Whole(text=text):
                return self._whole(text)
            case Lost():
                return self.lose()
            case Armed(label_begun=label_begun):
                self._part(item.time_s)
                return [_EARLY] if label_begun else []

    def tick(self, now_s: float) -> list[RawLabel]:
        """End what has paused long enough.

        Args:
            now_s: The time now, on the clock of the inputs.

        Returns:
            The label that it ended.
        """
        if not self.pending or now_s - self._last_s < self.patience_s:
            return []
        labels = self._keys.tick(now_s) + self._characters.tick(now_s)
        if self._names:
            self.lose()  # should the rest of it come after all, with times that show no pause, it is no label
        return labels

    def lose(self) -> list[RawLabel]:
        """Give up the label that has begun, and what still comes of it.

        Returns:
            That label, torn; nothing when none had begun.
        """
        torn = self._keys.lose() + self._characters.lose(self._last_s)
        self._keys.tick(self._last_s)  # its pause is counted from here
        return torn

    def _start(self) -> None:
        self._keys = KeyboardDecoder(
            self._layout,
            terminators=self._names,
            idle_gap_s=self.patience_s,
            caps_lock=self._caps_lock,
            num_lock=self._num_lock,
        )
        self._characters = CharacterDecoder(self._names, idle_gap_s=self.patience_s)

    def _part(self, now_s: float) -> None:
        """Begin anew; what is still under way is no label."""
        keys, characters = before = self._keys, self._characters
        for each in before:
            if each.lost:
                each.tick(now_s)  # what was lost is over if nothing came for long enough
        self._start()  # how the cashier's typing ended until now tells nothing of the scanner
        # The rest is swallowed: as if one character had come, and the others were lost.
        if keys.pending or keys.swallows:
            self._keys.feed(KeyEvent(now_s, SPACE_KEY, pressed=True))
        if keys.pending or keys.lost:
            self._keys.lose()
            self._keys.tick(now_s)
        if characters.pending or characters.swallows:
            self._characters.feed(" ", now_s)
        if characters.pending or characters.lost:
            self._characters.lose(now_s)

    def _key(self, key: Key) -> list[RawLabel]:
        self._keys.set_locks(caps_lock=key.caps_lock, num_lock=key.num_lock)
        labels = self._keys.feed(key.event)
        toggles = key.event.pressed and key.event.code
        self._caps_lock = (self._caps_lock if key.caps_lock is None else key.caps_lock) ^ (
            toggles == _CAPS_LOCK
        )
        self._num_lock = (self._num_lock if key.num_lock is None else key.num_lock) ^ (toggles == _NUM_LOCK)
        return labels

    def _whole(self, text: str) -> list[RawLabel]:
        torn = self.lose() if self.pending else []
        data = text.rstrip("\r\n\t").encode("utf-8", "surrogatepass")
        if not data:
            return torn
        return [*torn, RawLabel(data) if len(data) <= MAX_LABEL_BYTES else RawLabel(b"", "TOO_LONG")]
