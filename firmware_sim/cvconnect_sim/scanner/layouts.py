"""The keyboards that a scanner can imitate: on which key of which layout a character stands.

Each layout is four rows of keys with three levels: bare, with Shift, with AltGr. `␣` holds the place of nothing, of a dead key,
and of what differs between Windows and Linux, so that the tables say only what holds on both.

Source: HID Usage Tables 1.12, section 10 (usages of the keys); the layouts as published in Microsoft's keyboard layouts reference
    and in xkeyboard-config 2.35 (us, fr, be, ch(fr), gb, de, fr(bepo)), of which the common part is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

LayoutName: TypeAlias = Literal["us", "fr", "be", "ch-fr", "uk", "de", "fr-bepo"]

LEFT_CTRL: Final = 0x01
LEFT_SHIFT: Final = 0x02
LEFT_ALT: Final = 0x04
RIGHT_CTRL: Final = 0x10
RIGHT_SHIFT: Final = 0x20
ALT_GR: Final = 0x40
"""Bits of the first byte of a boot keyboard's report."""

ENTER: Final = 0x28
TAB: Final = 0x2B
SPACE: Final = 0x2C
CAPS_LOCK: Final = 0x39
KEYPAD_ENTER: Final = 0x58
KEYPAD_DIGITS: Final = (0x62, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61)
"""Usages of the keypad's 0 to 9."""

CONTROL_KEYS: Final[Mapping[str, tuple[int, int]]] = {
    "\x1b": (LEFT_CTRL, 0x2F),
    "\x1c": (LEFT_CTRL, 0x32),
    "\x1d": (LEFT_CTRL, 0x30),
    "\x1e": (LEFT_CTRL | LEFT_SHIFT, 0x23),
    "\x1f": (LEFT_CTRL | LEFT_SHIFT, 0x2D),
}
"""Where control characters stand that are not Ctrl and a letter: on the same keys in each layout.

Source: Microsoft, Windows-driver-samples, `kbdus.c`, `kbdfr.c`, `kbdgr.c` (of these, `kbdfr.c` has the last two elsewhere). Unverified
    for the other layouts.
"""

_NUMBER_ROW: Final = tuple(range(0x1E, 0x28))
_ROWS: Final = (
    (0x35, *_NUMBER_ROW, 0x2D, 0x2E),
    (0x14, 0x1A, 0x08, 0x15, 0x17, 0x1C, 0x18, 0x0C, 0x12, 0x13, 0x2F, 0x30),
    (0x04, 0x16, 0x07, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F, 0x33, 0x34, 0x32),
    (0x64, 0x1D, 0x1B, 0x06, 0x19, 0x05, 0x11, 0x10, 0x36, 0x37, 0x38),
)
"""Usages of the keys, left to right, top to bottom, of an ISO keyboard (105 keys)."""

_US_BACKSLASH: Final = {0x32: 0x31}
"""An ANSI keyboard (104 keys) has another usage beside Enter, and no key left of Z."""

_AZERTY_SHIFT_LOCK: Final = frozenset(usage for row in _ROWS for usage in row) - {0x35, 0x64}
_GERMAN_SHIFT_LOCK: Final = (*_NUMBER_ROW, 0x2D, 0x30, 0x32, 0x36, 0x37)

_NOTHING: Final = "␣"
_LEVELS: Final = (0, LEFT_SHIFT, ALT_GR)


@dataclass(frozen=True, slots=True)
class Chord:
    """Keys pressed one after another while modifiers are held.

    Args:
        modifiers: bits of a boot report's first byte.
        usages: the keys; more than one only in a code on the keypad.
    """

    modifiers: int
    usages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a keyboard has its characters.

    Args:
        chords: for each character the easiest way to type it.
        dead: for each accent that stands on a dead key only, that key; Space after it types the accent.
        characters: what each key types, by modifiers (none, Shift, AltGr) and usage.
        lettered: usages of the keys that CapsLock shifts everywhere.
        shift_locked: usages of the other keys that it shifts under Windows.

    Source: xkeyboard-config, key types `ALPHABETIC` and `FOUR_LEVEL_SEMIALPHABETIC`; Microsoft, Windows-driver-samples, `kbdfr.c` and
        `kbdgr.c` (`CAPLOK`). Unverified for Belgian, taken to be as French.
    """

    chords: Mapping[str, Chord]
    dead: Mapping[str, Chord]
    characters: Mapping[tuple[int, int], str]
    lettered: frozenset[int]
    shift_locked: frozenset[int]


def _layout(
    rows: tuple[tuple[str, ...], ...],
    *,
    dead: Mapping[str, tuple[int, int]],
    lettered: Collection[int] = (),
    shift_locked: Collection[int] = (),
    keys: Mapping[int, int] | None = None,
    space: Mapping[int, str] | None = None,
) -> Layout:
    other_keys = keys or {}
    characters = {
        (modifiers, other_keys.get(usage, usage)): character
        for usages, levels in zip(_ROWS, rows, strict=True)
        for modifiers, level in zip(_LEVELS, levels, strict=False)
        for usage, character in zip(usages, level, strict=True)
        if character != _NOTHING
    }
    characters[0, SPACE] = " "
    characters |= {(modifiers, SPACE): character for modifiers, character in (space or {}).items()}
    chords: dict[str, Chord] = {}
    for (modifiers, usage), character in sorted(characters.items()):
        chords.setdefault(character, Chord(modifiers, (usage,)))
    letters = {
        usage
        for (modifiers, usage), character in characters.items()
        if not modifiers and character.isalpha() and character.upper() == characters.get((LEFT_SHIFT, usage))
    }
    return Layout(
        chords,
        {accent: Chord(modifiers, (usage,)) for accent, (modifiers, usage) in dead.items()},
        characters,
        frozenset(letters.union(lettered)),
        frozenset(shift_locked),
    )


LAYOUTS: Final[Mapping[LayoutName, Layout]] = {
    "us": _layout(
        (
            ("`1234567890-=", "~!@#$%^&*()_+"),
            ("qwertyuiop[]", "QWERTYUIOP{}"),
            ("asdfghjkl;'\\", 'ASDFGHJKL:"|'),
            ("␣zxcvbnm,./", "␣ZXCVBNM<>?"),
        ),
        dead={},
        keys=_US_BACKSLASH,
    ),
    "fr": _layout(
        (
            ("²&é\"'(-è_çà)=", "␣1234567890°+", "␣␣␣#{[|␣\\^@]}"),
            ("azertyuiop␣$", "AZERTYUIOP␣£", "␣␣€␣␣␣␣␣␣␣␣¤"),
            ("qsdfghjklmù*", "QSDFGHJKLM%µ"),
            ("<wxcvbn,;:!", ">WXCVBN?./§"),
        ),
        dead={"~": (ALT_GR, 0x1F), "`": (ALT_GR, 0x24), "¨": (LEFT_SHIFT, 0x2F)},
        shift_locked=_AZERTY_SHIFT_LOCK,
    ),
    "be": _layout(
        (
            ("²&é\"'(§è!çà)-", "³1234567890°_", "␣|@#␣␣^␣␣{}␣␣"),
            ("azertyuiop␣$", "AZERTYUIOP␣*", "␣␣€␣␣␣␣␣␣␣[]"),
            ("qsdfghjklmùµ", "QSDFGHJKLM%£"),
            ("<wxcvbn,;:=", ">WXCVBN?./+", "\\␣␣␣␣␣␣␣␣␣␣"),
        ),
        dead={"~": (ALT_GR, 0x38), "`": (ALT_GR, 0x32), "´": (ALT_GR, 0x34), "¨": (LEFT_SHIFT, 0x2F)},
        shift_locked=_AZERTY_SHIFT_LOCK,
    ),
    "ch-fr": _layout(
        (
            ("§1234567890'␣", '°+"*ç%&/()=?␣', "␣␣@#␣␣¬|¢␣␣␣␣"),
            ("qwertzuiopè␣", "QWERTZUIOPü!", "␣␣€␣␣␣␣␣␣␣[]"),
            ("asdfghjkléà$", "ASDFGHJKLöä£", "␣␣␣␣␣␣␣␣␣␣{}"),
            ("<yxcvbnm,.-", ">YXCVBNM;:_", "\\␣␣␣␣␣␣␣␣␣␣"),
        ),
        dead={
            "^": (0, 0x2E),
            "`": (LEFT_SHIFT, 0x2E),
            "~": (ALT_GR, 0x2E),
            "´": (ALT_GR, 0x2D),
            "¨": (0, 0x30),
        },
    ),
    "uk": _layout(
        (
            ("`1234567890-=", '¬!"£$%^&*()_+', "␣␣␣␣€␣␣␣␣␣␣␣␣"),
            ("qwertyuiop[]", "QWERTYUIOP{}"),
            ("asdfghjkl;'#", "ASDFGHJKL:@~"),
            ("\\zxcvbnm,./", "|ZXCVBNM<>?"),
        ),
        dead={},
    ),
    "de": _layout(
        (
            ("␣1234567890ß␣", '°!"§$%&/()=?␣', "␣␣²³␣␣␣{[]}\\␣"),
            ("qwertzuiopü+", "QWERTZUIOPÜ*", "@␣€␣␣␣␣␣␣␣␣~"),
            ("asdfghjklöä#", "ASDFGHJKLÖÄ'"),
            ("<yxcvbnm,.-", ">YXCVBNM;:_", "|␣␣␣␣␣␣µ␣␣␣"),
        ),
        dead={"^": (0, 0x35), "´": (0, 0x2E), "`": (LEFT_SHIFT, 0x2E)},
        shift_locked=_GERMAN_SHIFT_LOCK,
    ),
    "fr-bepo": _layout(
        (
            ('$"«»()@+-/*=%', "#1234567890°`", "–—<>[]^±−÷×≠‰"),
            ("bépoè␣vdljzw", "BÉPOÈ!VDLJZW", "|␣&œ␣¡␣␣␣␣␣␣"),
            ("auie,ctsrnmç", "AUIE;CTSRNMÇ", "æù␣€’©␣ß®␣␣␣"),
            ("êàyx.k'qghf", "ÊÀYX:K?QGHF", "/\\{}…~¿␣␣†␣"),
        ),
        dead={"´": (ALT_GR, 0x1A), "¨": (ALT_GR, 0x07)},
        lettered=_NUMBER_ROW,
        space={ALT_GR: "_"},
    ),
}
