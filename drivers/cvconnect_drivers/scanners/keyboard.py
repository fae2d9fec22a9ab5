"""From the keys that a keyboard scanner presses to raw labels. Pure: time is an argument.

A keyboard scanner sends places on a keyboard, not characters; what they mean depends on the layout that *the scanner* is set to.
The decoder knows what the host would know: which Shift, Ctrl and Alt keys are down, CapsLock and NumLock. It holds one label
and nothing else. What it cannot read for certain makes the label `UNREADABLE`: no key is ever guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, Damage, RawLabel
from cvconnect_drivers.scanners.layouts import (
    ALTGR,
    CAPS,
    DEAD,
    KEYPAD,
    KEYPAD_POINT,
    KEYPAD_SIGNS,
    LAYOUTS,
    SHIFT,
    levels,
)

TERMINATOR_KEYS: Final[Mapping[str, int]] = {"enter": 28, "kp_enter": 96, "tab": 15}
"""Source: Linux `include/uapi/linux/input-event-codes.h`, as all codes here."""

ANY_TERMINATOR: Final = frozenset(TERMINATOR_KEYS)

# The modifier keys, a bit each.
_MODIFIERS: Final = {42: 1, 54: 2, 29: 4, 97: 8, 56: 16, 100: 32, 125: 64, 126: 128}
_SHIFTS, _CTRLS, _LEFT_ALT, _RIGHT_ALT, _METAS = 1 + 2, 4 + 8, 16, 32, 64 + 128
_CAPS_LOCK, _NUM_LOCK = 58, 69

_ENDS: Final = {"\r": "enter", "\n": "enter", "\t": "tab"}
"""Which terminator a control character is, when Ctrl or an Alt code makes it."""

_UNCHOSEN: Final = {28: "\r", 96: "\r", 15: "\t"}
"""What a terminator writes that ends no label here."""

_CONTROL_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz[\\]^_")
_CONTROL_PLACES: Final = {26: "\x1b", 43: "\x1c", 27: "\x1d", 7: "\x1e", 12: "\x1f"}
"""What Ctrl makes of a key with none of those: the same in each layout of Windows, `]` on a US and `$` on a French keyboard.

Source: Microsoft Windows-driver-samples, kbdfr.c and kbdgr.c, columns Ctrl.
"""

_KEYPAD_DIGITS: Final = frozenset(KEYPAD) - {KEYPAD_POINT}
_MAX_ALT_DIGITS = 4

STUTTER_GAPS: Final = 3
"""What begins within so many pauses after a label that a pause tore may be more of it: a scanner may stutter twice."""
_HIGHEST_CODE = 255

_DEAD_THEN_SPACE: Final = re.compile(f"{DEAD}(.) ")

_End: TypeAlias = Literal["key", "gap"]


class KeyEvent(NamedTuple):
    """A key that went down or up.

    Args:
        time_s: When, in seconds, on any clock that never goes back.
        code: Which one, as Linux numbers keys (`KEY_1` is 2): a place on the keyboard, not a character. Eleven of them are
            personal, so no repr shows it.
        pressed: Whether it went down.

    Source: Linux `include/uapi/linux/input-event-codes.h`.
    """

    time_s: float
    code: int
    pressed: bool

    def __repr__(self) -> str:
        """Show when, and not which."""
        return f"KeyEvent(time_s={self.time_s!r}, pressed={self.pressed!r})"


class KeyboardDecoder:
    """Makes labels of keys.

    A label ends by a terminator, or by a pause. Where one or two terminators are chosen the scanner is known to send them,
    and a label that ends by a pause has lost its end: `TORN`. Where all are, nothing is known, and a label that ends in
    another way than the label before it is `TORN`, as is a first one that ends by a pause: a scanner that stutters in 14
    digits must not make 11 of them. Where none is, a pause ends a label.

    Args:
        layout: What the scanner is set to: one of `layouts.LAYOUTS`.
        terminators: Which of `TERMINATOR_KEYS` end a label; another of them is a control character in the text.
        idle_gap_s: The pause in seconds after which a label has ended; 0: never.
        caps_lock: Whether CapsLock is on; its key changes that.
        num_lock: Whether NumLock is on; its key changes that.

    Raises:
        KeyError: There is no such layout, or no such terminator.
    """

    def __init__(
        self,
        layout: str = "us",
        *,
        terminators: Iterable[str] = ANY_TERMINATOR,
        idle_gap_s: float = 0.3,
        caps_lock: bool = False,
        num_lock: bool = True,
    ) -> None:
        self._layout = layout
        self._terminators = frozenset(terminators)
        self._end_keys = frozenset(TERMINATOR_KEYS[name] for name in self._terminators)
        self._gap_s = idle_gap_s
        self._caps_lock, self._num_lock = caps_lock, num_lock
        self._tables = _tables(layout, caps_lock, num_lock)
        self._modifiers = 0
        self._down: set[int] = set()
        self._text: list[str] = []
        self._alt_digits = ""
        self._damage: Damage | None = None
        # After a loss, what comes is the rest of a torn label until it ends; told once that it is torn.
        self._lost = self._told = False
        self._last_s: float | None = None
        self._last_end: _End | None = None
        self._begun_s = 0.0
        self._torn_s = float("-inf")  # when a pause tore a label

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return bool(self._text) or self._damage is not None or bool(self._alt_digits)

    @property
    def lost(self) -> bool:
        """Whether what comes until the next end is what is left of a label."""
        return self._lost

    @property
    def swallows(self) -> bool:
        """Whether what comes is the rest of a label that was told as torn: nothing will come out of it."""
        return self._told

    def set_locks(self, *, caps_lock: bool | None = None, num_lock: bool | None = None) -> None:
        """Set the locks to what the host knows; None leaves one as it is.

        Args:
            caps_lock: Whether CapsLock is on.
            num_lock: Whether NumLock is on.
        """
        if caps_lock is not None:
            self._caps_lock = caps_lock
        if num_lock is not None:
            self._num_lock = num_lock
        self._tables = _tables(self._layout, self._caps_lock, self._num_lock)

    def feed(self, event: KeyEvent) -> list[RawLabel]:
        """Take a key.

        Args:
            event: What went down or up.

        Returns:
            The labels that it ends: by the pause before it, and by itself.
        """
        ended = self.tick(event.time_s)
        self._last_s = event.time_s
        code = event.code
        if not event.pressed:
            self._down.discard(code)
            return ended + self._release(code) if code in _MODIFIERS else ended
        text = self._tables[self._modifiers].get(code)
        if text is None or code in self._down:
            return ended + self._press(code)
        self._down.add(code)
        self._write(text)
        return ended

    def tick(self, now_s: float) -> list[RawLabel]:
        """Let time pass.

        Args:
            now_s: Now, on the clock of the events.

        Returns:
            The label that has ended by a pause, if one has.
        """
        if self._last_s is None:
            self._last_s = now_s
        is_pause = 0 < self._gap_s <= now_s - self._last_s
        return self._end("gap") if is_pause and (self._lost or self.pending) else []

    def lose(self) -> list[RawLabel]:
        """Hear that events were lost: modifiers are forgotten, and what still comes of the label is swallowed.

        Returns:
            The label that had begun, as `TORN`; nothing when it was told already.
        """
        tell = self.pending and not self._told
        self._lost, self._told = True, self._told or tell
        self._forget()
        self._modifiers = 0
        self._last_s = None
        return [RawLabel(b"", "TORN")] if tell else []

    def _release(self, code: int) -> list[RawLabel]:
        self._modifiers &= ~_MODIFIERS[code]
        if not self._alt_digits or self._modifiers & _LEFT_ALT:
            return []
        digits, self._alt_digits = self._alt_digits, ""
        return self._control(_alt_character(digits, self._layout))

    def _press(self, code: int) -> list[RawLabel]:
        """Take a press that does not simply write a character."""
        modifiers = self._modifiers
        if code in self._end_keys:
            return self._end("key")
        if code in _MODIFIERS:
            self._modifiers |= _MODIFIERS[code]
            if self._alt_digits:
                self._spoil("UNREADABLE")
            return []
        if code in self._down:  # it came up unseen: was it pressed once more, or more often?
            self._spoil("UNREADABLE")
            return []
        self._down.add(code)
        if code == _CAPS_LOCK:
            self.set_locks(caps_lock=not self._caps_lock)
        elif code == _NUM_LOCK:
            self.set_locks(num_lock=not self._num_lock)
        elif modifiers == _LEFT_ALT and code in _KEYPAD_DIGITS and len(self._alt_digits) < _MAX_ALT_DIGITS:
            self._alt_digits += KEYPAD[code]
        elif modifiers & _CTRLS and not modifiers & ~(_CTRLS | _SHIFTS):
            return self._control(_controls(self._layout, bool(modifiers & _SHIFTS)).get(code, ""))
        elif code in _UNCHOSEN:
            self._write(_UNCHOSEN[code])
        else:
            self._spoil("UNREADABLE")
        return []

    def _control(self, character: str) -> list[RawLabel]:
        if _ENDS.get(character) in self._terminators:
            return self._end("key")
        if character:
            self._write(character)
        else:
            self._spoil("UNREADABLE")
        return []

    def _write(self, text: str) -> None:
        if not self._text:
            self._begun_s = self._last_s or 0.0
        self._text.append(text)
        if len(self._text) > MAX_LABEL_BYTES:
            self._spoil("TOO_LONG")

    def _spoil(self, damage: Damage) -> None:
        self._damage = self._damage or damage
        self._text.clear()
        self._down.clear()
        self._alt_digits = ""

    def _end(self, how: _End) -> list[RawLabel]:
        pending, lost, told = self.pending, self._lost, self._told
        label = RawLabel(b"", "TORN") if lost else self._finished(how)
        self._forget()
        self._lost = self._told = False
        # A terminator right after a loss ends a label of which nothing else came.
        if told or not (pending or (lost and how == "key")):
            return []
        self._last_end = how
        return [label]

    def _finished(self, how: _End) -> RawLabel:
        if self._damage is not None:
            return RawLabel(b"", self._damage)
        if self._is_torn(how):
            if how == "gap":
                self._torn_s = self._last_s or 0.0
            return RawLabel(b"", "TORN")
        text = "".join(self._text)
        if DEAD in text:
            text = _DEAD_THEN_SPACE.sub(r"\1", text)
        if self._alt_digits or DEAD in text:
            return RawLabel(b"", "UNREADABLE")
        data = text.encode()
        if len(data) > MAX_LABEL_BYTES:
            return RawLabel(b"", "TOO_LONG")
        return RawLabel(data, layout=self._layout)

    def _is_torn(self, how: _End) -> bool:
        if self._terminators == ANY_TERMINATOR:
            return how != (self._last_end or "key") or (
                how == "gap" and self._begun_s - self._torn_s < STUTTER_GAPS * self._gap_s
            )
        return bool(self._terminators) and "gap" in {how, self._last_end}

    def _forget(self) -> None:
        self._text.clear()
        self._down.clear()
        self._alt_digits = ""
        self._damage = None


def _alt_character(digits: str, layout: str) -> str:
    """Give the character whose number was typed on the keypad while Alt was down; empty when there is none.

    Source: Windows Alt codes: after a leading zero the number is one of code page 1252, otherwise one of the DOS page: 437 in the
    United States, 850 in Western Europe. Unverified: what 256 and more mean, which differs between programs.
    """
    number = int(digits)
    if not 0 < number <= _HIGHEST_CODE:
        return ""
    page = "cp1252" if digits.startswith("0") else "cp437" if layout == "us" else "cp850"
    return bytes([number]).decode(page, errors="ignore")


@cache
def _controls(layout: str, shift: bool) -> Mapping[int, str]:  # noqa: FBT001 - a level of the layout
    return {
        code: chr(ord(text) & 0x1F) if text in _CONTROL_CHARACTERS else _CONTROL_PLACES.get(code, "")
        for code, text in levels(layout)[SHIFT if shift else 0].items()
    }


@cache
def _tables(layout: str, caps_lock: bool, num_lock: bool) -> tuple[Mapping[int, str], ...]:  # noqa: FBT001 - states
    """Give what each key writes, for each sum of `_MODIFIERS`."""
    keys = levels(layout)
    caps = CAPS if caps_lock else 0
    pad = {**KEYPAD, KEYPAD_POINT: LAYOUTS[layout].point}
    # Without NumLock the keypad's digits are arrows; so they are with Shift.
    plain = {**keys[caps], **KEYPAD_SIGNS, **(pad if num_lock else {})}
    shifted = {**keys[caps + SHIFT], **KEYPAD_SIGNS}
    tables: list[Mapping[int, str]] = []
    for held in range(256):
        is_shifted = bool(held & _SHIFTS)
        match bool(held & _CTRLS), bool(held & _LEFT_ALT), bool(held & _RIGHT_ALT), bool(held & _METAS):
            case False, False, False, False:
                tables.append(shifted if is_shifted else plain)
            case (_, False, True, False) | (True, True, False, False):
                tables.append(keys[ALTGR + is_shifted])
            case _:
                tables.append({})
    return tuple(tables)
