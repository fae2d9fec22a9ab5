"""A hand-held scanner that is a keyboard: labels in, boot keyboard reports out.

Source: Device Class Definition for HID 1.11, appendix B.1 (boot keyboard: modifiers, reserved byte, six usages; output byte of
    lamps); HID Usage Tables 1.12, sections 10 (keys) and 11 (lamps).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, TypeAlias

from cvconnect_sim.scanner.layouts import (
    CAPS_LOCK,
    CONTROL_KEYS,
    ENTER,
    KEYPAD_DIGITS,
    KEYPAD_ENTER,
    LAYOUTS,
    LEFT_ALT,
    LEFT_CTRL,
    LEFT_SHIFT,
    SPACE,
    TAB,
    Chord,
)
from cvconnect_sim.scanner.settings import KeyboardSettings
from cvconnect_sim.scanner.symbologies import Symbology

Burst = tuple[float, bytes]
"""Seconds to wait after what was sent before, then the report to send."""

CAPS_LOCK_LAMP: Final = 0x02
"""Bit of a boot keyboard's output report."""

_Keys: TypeAlias = tuple[int, tuple[int, ...]]
_Frame: TypeAlias = tuple[bool, _Keys]
"""Whether a character starts here, and the keys that are down: modifiers and usages."""

_RELEASED: Final[_Keys] = (0, ())
_TOGGLE: Final = Chord(0, (CAPS_LOCK,))


class KeyboardFirmware:
    """The firmware of a keyboard scanner (USB boot keyboard, "wedge").

    It does not model: dead keys before a letter, more than two keys down at once, layouts other than those of
    `LAYOUTS`, function keys, PS/2, commands from the host but its lamps.

    Args:
        settings: its configuration; may be replaced between two scans.
    """

    def __init__(self, settings: KeyboardSettings | None = None) -> None:
        self.settings = KeyboardSettings() if settings is None else settings
        self._lamps = 0

    def receive(self, report: bytes) -> bytes:
        """Take the host's output report: one byte, a bit for each lamp.

        Args:
            report: the bytes; the last report counts.

        Returns:
            Nothing: a keyboard does not answer.
        """
        if report:
            self._lamps = report[-1]
        return b""

    def scan(self, text: str, symbology: Symbology = Symbology.CODE_128) -> list[Burst]:
        """Read a label.

        Args:
            text: what the label holds, check digit included.
            symbology: the kind of label.

        Returns:
            The reports of 8 bytes, in order; at the end no key is down.

        Raises:
            SimError: `LABEL_IMPOSSIBLE`, no label of this kind can hold the text.
        """
        settings = self.settings
        chords = list(self._chords(settings.message(text, symbology)))
        lit = bool(self._lamps & CAPS_LOCK_LAMP)
        if settings.caps_lock == "toggled" and lit:
            chords = [_TOGGLE, *chords, _TOGGLE]
        frames = list(self._frames(chords))
        if settings.modifiers_apart:
            frames = list(_modifiers_apart(frames))
        bursts: list[Burst] = []
        for read in range(settings.reads):
            for place, (starts, keys) in enumerate(frames):
                if place == 0:
                    pause_s = settings.between_reads_s if read else 0.0
                elif starts:
                    pause_s = max(settings.inter_character_delay_s, settings.report_interval_s)
                else:
                    pause_s = settings.report_interval_s
                bursts.append((pause_s, _report(keys)))
        return bursts

    def _chords(self, message: str) -> Iterator[Chord]:
        for character in message:
            if character == "\r":
                yield Chord(0, (KEYPAD_ENTER if self.settings.enter == "kp_enter" else ENTER,))
            elif character == "\t":
                yield Chord(0, (TAB,))
            elif self.settings.alt_numpad == "all" and (code := self._alt_code(character)):
                yield code
            else:
                yield from self._typed(character)

    def _typed(self, character: str) -> Iterator[Chord]:
        settings, layout = self.settings, LAYOUTS[self.settings.layout]
        if settings.keypad_digits and character in "0123456789":
            yield Chord(0, (KEYPAD_DIGITS[int(character)],))
        elif chord := layout.chords.get(character):
            yield self._for_caps_lock(chord)
        elif settings.dead_keys and character in layout.dead:
            yield layout.dead[character]
            yield Chord(0, (SPACE,))
        elif settings.control_keys and character in CONTROL_KEYS:
            modifiers, usage = CONTROL_KEYS[character]
            yield Chord(modifiers, (usage,))
        elif settings.control_keys and "\0" < character < " ":
            yield Chord(LEFT_CTRL, layout.chords[chr(ord(character) + ord("`"))].usages)
        elif settings.alt_numpad == "missing" and (code := self._alt_code(character)):
            yield code

    def _for_caps_lock(self, chord: Chord) -> Chord:
        layout = LAYOUTS[self.settings.layout]
        letters, (usage, *_) = layout.lettered, chord.usages
        match self.settings.caps_lock:
            case "inverted":
                turned = usage in letters
            case "shift_lock":
                turned = usage in letters | layout.shift_locked or (
                    not layout.shift_locked and usage != SPACE
                )
            case "followed":
                turned = usage in letters and bool(self._lamps & CAPS_LOCK_LAMP)
            case "ignored" | "toggled":
                turned = False
        if not turned or chord.modifiers not in {0, LEFT_SHIFT}:
            return chord
        return Chord(chord.modifiers ^ LEFT_SHIFT, chord.usages)

    def _alt_code(self, character: str) -> Chord | None:
        four = self.settings.alt_digits == len("0000")
        try:
            code = character.encode("cp1252" if four else self.settings.alt_code_page)
        except UnicodeEncodeError:
            return None
        digits = f"{code[0]:04}" if four else f"{code[0]:03}"
        return Chord(LEFT_ALT, tuple(KEYPAD_DIGITS[int(digit)] for digit in digits))

    def _frames(self, chords: Iterable[Chord]) -> Iterator[_Frame]:
        release = self.settings.release
        modifiers, held = _RELEASED
        for chord in chords:
            for place, usage in enumerate(chord.usages):
                # A key begins anew only after its release; a code is over, and CapsLock has turned, when all is released.
                ended = usage in held or CAPS_LOCK in (usage, *held) or (not place and modifiers == LEFT_ALT)
                if held and (release == "each" or ended):
                    held = ()
                    yield False, (modifiers if place else 0, held)
                if held and release == "rolled":
                    yield not place, (chord.modifiers, (*held, usage))
                    yield False, (chord.modifiers, (usage,))
                else:
                    yield not place, (chord.modifiers, (usage,))
                modifiers, held = chord.modifiers, (usage,)
        if held:
            yield False, _RELEASED


def _modifiers_apart(frames: Iterable[_Frame]) -> Iterator[_Frame]:
    for (_, (modifiers, usages)), (starts, (next_modifiers, next_usages)) in pairwise(
        [(False, _RELEASED), *frames]
    ):
        apart = modifiers != next_modifiers and usages != next_usages
        if apart and next_usages:
            yield starts, (next_modifiers, usages)
        elif apart:
            yield False, (modifiers, next_usages)
        yield starts and not (apart and next_usages), (next_modifiers, next_usages)


def _report(keys: _Keys) -> bytes:
    modifiers, usages = keys
    return bytes((modifiers, 0, *usages)).ljust(8, b"\0")
