"""What the keys of a keyboard write, in each layout that a scanner may be set to. Pure data.

A row of a table holds one token per key, in the order of `KEYS`: the character; `◌^` for a dead key, which writes
nothing by itself; `··` for none. A table holds what the layout of Windows and that of Linux agree on, as scanners are
made for the one and read by the other; where they differ, or where one of them has a character that the national keyboard
does not show, the key has none, and a label that presses it is refused rather than guessed at.

Source: Microsoft Windows-driver-samples, `input/layout/all_kbds` (kbdfr, kbdgr); xkeyboard-config 2.35, `symbols/` us, fr, be,
ch, gb, de. Unverified: CapsLock of the Belgian layout, taken to be as on the French one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from cvconnect_drivers.scanners.identifier import is_identifier

DEAD: Final = "◌"
NONE: Final = "··"

SPACE_KEY: Final = 57
KEYS: Final = (41, *range(2, 14), *range(16, 28), *range(30, 41), 43, 86, *range(44, 54), SPACE_KEY)
"""Linux codes of the main block, row by row from the top left; 86 is the key beside the left Shift.

Source: Linux `include/uapi/linux/input-event-codes.h`.
"""

KEYPAD_POINT: Final = 83
KEYPAD: Final[Mapping[int, str]] = {
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), "0123456789", strict=True)),
    KEYPAD_POINT: ".",
}
"""The keypad's keys that NumLock changes into arrows; the German one has a comma for the point."""

KEYPAD_SIGNS: Final[Mapping[int, str]] = {55: "*", 98: "/", 74: "-", 78: "+", 117: "="}

SHIFT, ALTGR, CAPS = 1, 2, 4
"""The levels of a key: a sum of these."""

_DIGIT_ROW = range(2, 12)
_ALL_BUT = frozenset(KEYS) - {41, 86, SPACE_KEY}


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout.

    Args:
        plain: What the keys write by themselves.
        shift: With Shift.
        altgr: With AltGr (right Alt, or Ctrl and Alt); empty when it has none.
        shift_altgr: With both.
        shift_lock: The keys for which CapsLock is a Shift that stays; for the others it makes capitals of letters.
        point: What the keypad's point writes.
    """

    plain: str
    shift: str
    altgr: str = ""
    shift_altgr: str = ""
    shift_lock: frozenset[int] = frozenset()
    point: str = "."


LAYOUTS: Final[Mapping[str, Layout]] = {
    "us": Layout(
        plain="""` 1 2 3 4 5 6 7 8 9 0 - =
                 q w e r t y u i o p [ ]
                 a s d f g h j k l ; ' \\
              ·· z x c v b n m , . /""",
        shift="""~ ! @ # $ % ^ & * ( ) _ +
                 Q W E R T Y U I O P { }
                 A S D F G H J K L : " |
              ·· Z X C V B N M < > ?""",
    ),
    "fr": Layout(
        plain="""² & é " ' ( - è _ ç à ) =
                 a z e r t y u i o p ◌^ $
                 q s d f g h j k l m ù *
               < w x c v b n , ; : !""",
        shift="""·· 1 2 3 4 5 6 7 8 9 0 ° +
                 A Z E R T Y U I O P ◌¨ £
                 Q S D F G H J K L M % µ
               > W X C V B N ? . / §""",
        altgr="""·· ·· ◌~ # { [ | ◌` \\ ^ @ ] }
                 ·· ·· € ·· ·· ·· ·· ·· ·· ·· ·· ¤
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··
              ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··""",
        shift_lock=_ALL_BUT,
    ),
    "be": Layout(
        plain="""² & é " ' ( § è ! ç à ) -
                 a z e r t y u i o p ◌^ $
                 q s d f g h j k l m ù µ
               < w x c v b n , ; : =""",
        shift="""³ 1 2 3 4 5 6 7 8 9 0 ° _
                 A Z E R T Y U I O P ◌¨ *
                 Q S D F G H J K L M % £
               > W X C V B N ? . / +""",
        altgr="""·· | @ # ·· ·· ^ ·· ·· { } ·· ··
                 ·· ·· € ·· ·· ·· ·· ·· ·· ·· [ ]
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ◌´ ◌`
               \\ ·· ·· ·· ·· ·· ·· ·· ·· ·· ◌~""",
        shift_lock=_ALL_BUT,
    ),
    "ch-fr": Layout(
        plain="""§ 1 2 3 4 5 6 7 8 9 0 ' ◌^
                 q w e r t z u i o p è ◌¨
                 a s d f g h j k l é à $
               < y x c v b n m , . -""",
        shift="""° + " * ç % & / ( ) = ? ◌`
                 Q W E R T Z U I O P ü !
                 A S D F G H J K L ö ä £
               > Y X C V B N M ; : _""",
        altgr="""·· ·· @ # ·· ·· ¬ | ¢ ·· ·· ◌´ ◌~
                 ·· ·· € ·· ·· ·· ·· ·· ·· ·· [ ]
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· { }
               \\ ·· ·· ·· ·· ·· ·· ·· ·· ·· ··""",
    ),
    "uk": Layout(
        plain="""` 1 2 3 4 5 6 7 8 9 0 - =
                 q w e r t y u i o p [ ]
                 a s d f g h j k l ; ' #
               \\ z x c v b n m , . /""",
        shift="""¬ ! " £ $ % ^ & * ( ) _ +
                 Q W E R T Y U I O P { }
                 A S D F G H J K L : @ ~
               | Z X C V B N M < > ?""",
        altgr="""·· ·· ·· ·· € ·· ·· ·· ·· ·· ·· ·· ··
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··
              ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··""",
    ),
    "de": Layout(
        plain="""◌^ 1 2 3 4 5 6 7 8 9 0 ß ◌´
                 q w e r t z u i o p ü +
                 a s d f g h j k l ö ä #
               < y x c v b n m , . -""",
        shift="""° ! " § $ % & / ( ) = ? ◌`
                 Q W E R T Z U I O P Ü *
                 A S D F G H J K L Ö Ä '
               > Y X C V B N M ; : _""",
        altgr="""·· ·· ² ³ ·· ·· ·· { [ ] } \\ ··
                 @ ·· € ·· ·· ·· ·· ·· ·· ·· ·· ~
                 ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ·· ··
               | ·· ·· ·· ·· ·· ·· µ ·· ·· ··""",
        shift_lock=frozenset({*_DIGIT_ROW, 12, 27, 43, 51, 52}),
        point=",",
    ),
    "fr-bepo": Layout(
        plain="""$ " « » ( ) @ + - / * = %
                 b é p o è ◌^ v d l j z w
                 a u i e , c t s r n m ç
               ê à y x . k ' q g h f""",
        shift="""# 1 2 3 4 5 6 7 8 9 0 ° `
                 B É P O È ! V D L J Z W
                 A U I E ; C T S R N M Ç
               Ê À Y X : K ? Q G H F""",
        altgr="""– — < > [ ] ^ ± − ÷ × ≠ ‰
                 | ◌´ & œ ◌` ¡ ◌ˇ ð ·· ĳ ə ◌˘
                 æ ù ◌¨ € ’ © þ ß ® ◌~ ◌¯ ◌¸
               / \\ { } … ~ ¿ ◌° ·· † ◌˛""",
        shift_lock=frozenset(_DIGIT_ROW),
    ),
}


_SPACE: Final[Mapping[str, str]] = {"fr-bepo": " \u00a0_"}
"""What the space bar writes with nothing, with Shift, with AltGr; two spaces where it is not named here."""


@cache
def levels(name: str) -> tuple[Mapping[int, str], ...]:
    """Give what the keys of a layout write.

    Args:
        name: One of `LAYOUTS`.

    Returns:
        For each level, from 0 to `SHIFT + ALTGR + CAPS`: Linux code to character, or to `◌` and the accent for a dead key. A key
        that writes nothing is not there. The keypad is not there.

    Raises:
        KeyError: There is no such layout.
    """
    layout = LAYOUTS[name]
    rows = (layout.plain, layout.shift, layout.altgr, layout.shift_altgr)
    plain, shift, altgr, both = (_row(row) for row in rows)
    for level, space in zip((plain, shift, altgr), _SPACE.get(name, "  "), strict=False):
        level[SPACE_KEY] = space
    return (
        plain, shift, altgr, both,
        _caps(layout, plain, shift), _caps(layout, shift, plain), altgr, both,
    )  # fmt: skip


def _row(tokens: str) -> dict[int, str]:
    keys = zip(KEYS[:-1], tokens.split(), strict=True) if tokens else ()
    return {code: token for code, token in keys if token != NONE}


def _caps(layout: Layout, here: Mapping[int, str], there: Mapping[int, str]) -> dict[int, str]:
    """Give a level with CapsLock: letters change case, the keys of the shift lock change level."""
    level: dict[int, str] = {}
    for code, text in here.items():
        other = there.get(code, "")
        is_pair = text.isalpha() and text != other and text.upper() == other.upper()
        if is_pair or code in layout.shift_lock:
            level[code] = other
        else:
            level[code] = text.upper() if text.isalpha() else text
    return {code: text for code, text in level.items() if text}


def rereadings(text: str, layout: str) -> Iterator[tuple[str, str]]:
    """Read the keys of a text again, as if the scanner were set otherwise, or CapsLock were.

    Args:
        text: What was read.
        layout: The layout that it was read with; empty when nobody knows: then each is tried.

    Returns:
        The other layouts, in the order of `LAYOUTS`, each with what the same keys write in it; at last the layout itself, with what
        they write when CapsLock is the other way round. One in which they do not all write a character is left out, as is one in
        which they write the same, or CapsLock only changes the case of letters.
    """
    for host in [layout] if layout else LAYOUTS:
        for name in LAYOUTS:
            reread = _reread(text, host, name)
            if reread is not None and reread != text:
                yield name, reread
    for caps in (False, True) if layout else ():
        reread = _reread(text, layout, layout, host_caps=caps, caps=not caps)
        if reread is not None and reread.lower() != text.lower():
            yield layout, reread


def _reread(text: str, host: str, name: str, *, host_caps: bool = False, caps: bool = False) -> str | None:
    try:
        strokes = [_strokes(host, host_caps)[character] for character in text]
    except KeyError:
        return None
    reread = "".join([_writes(name, caps).get(stroke, DEAD) for stroke in strokes])
    return None if DEAD in reread else reread


def misread(text: str, layout: str, is_wanted: Callable[[str], bool] = is_identifier) -> str | None:
    """Find the layout that a scanner is set to, when it is not the one that it was read with, or CapsLock is not.

    Args:
        text: What was read.
        layout: The layout that it was read with; empty when nobody knows.
        is_wanted: What the text should be.

    Returns:
        The first layout in which the same keys write what is wanted: the layout itself when it is CapsLock; or None.
    """
    return next((name for name, reread in rereadings(text, layout) if is_wanted(reread)), None)


@cache
def _writes(name: str, caps: bool) -> Mapping[tuple[int, int], str]:  # noqa: FBT001 - a state of the host
    half = levels(name)[CAPS:] if caps else levels(name)[:CAPS]
    return {(code, level): text for level, keys in enumerate(half) for code, text in keys.items()}


@cache
def _strokes(name: str, caps: bool) -> Mapping[str, tuple[int, int]]:  # noqa: FBT001 - a state of the host
    # The lowest level wins where two keys write the same.
    return {text: stroke for stroke, text in reversed([*_writes(name, caps).items()])}
