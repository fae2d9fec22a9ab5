"""Whatever is on the label and however the scanner types it: the same identifier comes out, or a refusal.

The keys are written from tables of this file, made by looking at keyboards, not from those of the drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import Framer, RawLabel
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from cvconnect_drivers.scanners.layouts import ALTGR, LAYOUTS, SHIFT, levels, misread

BARE = Envelope()
SHIFT_KEYS, ALTGR_KEY, LEFT_CTRL, LEFT_ALT, ENTER, KP_ENTER, TAB = (42, 54), 100, 29, 56, 28, 96, 15
KEYPAD: Final = dict(zip("7894561230", (71, 72, 73, 75, 76, 77, 79, 80, 81, 82), strict=True))

QWERTY, AZERTY, QWERTZ = (
    {
        letter: first + at
        for first, row in zip((16, 30, 44), rows, strict=True)
        for at, letter in enumerate(row)
    }
    for rows in (
        ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
        ("azertyuiop", "qsdfghjklm", "wxcvbn"),
        ("qwertzuiop", "asdfghjkl", "yxcvbnm"),
    )
)
BEPO: Final = {
    "b": 16, "p": 18, "o": 19, "v": 22, "d": 23, "l": 24, "j": 25, "z": 26, "w": 27,
    "a": 30, "u": 31, "i": 32, "e": 33, "c": 35, "t": 36, "s": 37, "r": 38, "n": 39, "m": 40,
    "y": 45, "x": 46, "k": 48, "q": 50, "g": 51, "h": 52, "f": 53,
}  # fmt: skip

# Letters, whether digits take Shift, and where the signs of an e-mail address are.
KEYBOARDS: Final[dict[str, tuple[dict[str, int], bool, dict[str, tuple[int, int]]]]] = {
    "us": (QWERTY, False, {"@": (3, SHIFT), ".": (52, 0), "-": (12, 0), "_": (12, SHIFT), "+": (13, SHIFT)}),
    "uk": (QWERTY, False, {"@": (40, SHIFT), ".": (52, 0), "-": (12, 0), "_": (12, SHIFT), "+": (13, SHIFT)}),
    "fr": (AZERTY, True, {"@": (11, ALTGR), ".": (51, SHIFT), "-": (7, 0), "_": (9, 0), "+": (13, SHIFT)}),
    "be": (
        AZERTY,
        True,
        {"@": (3, ALTGR), ".": (51, SHIFT), "-": (13, 0), "_": (13, SHIFT), "+": (53, SHIFT)},
    ),
    "ch-fr": (
        QWERTZ,
        False,
        {"@": (3, ALTGR), ".": (52, 0), "-": (53, 0), "_": (53, SHIFT), "+": (2, SHIFT)},
    ),
    "de": (QWERTZ, False, {"@": (16, ALTGR), ".": (52, 0), "-": (53, 0), "_": (53, SHIFT), "+": (27, 0)}),
    "fr-bepo": (BEPO, True, {"@": (7, 0), ".": (47, 0), "-": (9, 0), "_": (57, ALTGR), "+": (8, 0)}),
}
PAIRS = [pytest.param(*pair, id=f"{pair[0]} read as {pair[1]}") for pair in permutations(KEYBOARDS, 2)]

numbers = st.from_regex(r"[0-9]{11}", fullmatch=True)
emails = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,15}@[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?\.[a-z]{2,6}", fullmatch=True
)


def stroke(layout: str, character: str) -> tuple[int, int]:
    """The key of a character, and the level."""
    letters, digits_take_shift, signs = KEYBOARDS[layout]
    if character.isdigit():
        return (11 if character == "0" else 1 + int(character)), SHIFT if digits_take_shift else 0
    if character.isalpha():
        return letters[character.lower()], SHIFT if character.isupper() else 0
    return signs[character]


@dataclass(frozen=True)
class Habits:
    """How a scanner types."""

    shift: int = 42
    altgr: tuple[int, ...] = (ALTGR_KEY,)
    keeps_modifiers: bool = False
    rolls: bool = False
    digits: str = "row"
    every_s: float = 0.001
    end: int = ENTER


habits = st.builds(
    Habits,
    shift=st.sampled_from(SHIFT_KEYS),
    altgr=st.sampled_from([(ALTGR_KEY,), (LEFT_CTRL, LEFT_ALT), (LEFT_CTRL, ALTGR_KEY)]),
    keeps_modifiers=st.booleans(),
    rolls=st.booleans(),
    digits=st.sampled_from(["row", "keypad", "alt", "alt0"]),
    every_s=st.sampled_from([0.0, 0.001, 0.08, 0.25]),
    end=st.sampled_from([ENTER, KP_ENTER, TAB]),
)


def keys_of(character: str, layout: str, how: Habits) -> tuple[list[int], tuple[int, ...]]:
    """The keys that a scanner taps for a character, and those that it holds meanwhile."""
    if character.isdigit() and how.digits.startswith("alt"):
        number = f"{how.digits.removeprefix('alt')}{ord(character)}"
        return [KEYPAD[digit] for digit in number], (LEFT_ALT,)
    if character.isdigit() and how.digits == "keypad":
        return [KEYPAD[character]], ()
    code, level = stroke(layout, character)
    return [code], {0: (), SHIFT: (how.shift,), ALTGR: how.altgr}[level]


class Typewriter:
    """The keys that a scanner set to a layout presses for a label."""

    def __init__(self, layout: str, how: Habits) -> None:
        self.layout, self.how = layout, how
        self.events: list[KeyEvent] = []
        self.now_s = 100.0
        self.held: tuple[int, ...] = ()
        self.rolling: list[int] = []

    def move(self, code: int, *, pressed: bool) -> None:
        self.events.append(KeyEvent(self.now_s, code, pressed))

    def let_go(self) -> None:
        while self.rolling:
            self.move(self.rolling.pop(0), pressed=False)

    def hold(self, held: tuple[int, ...]) -> None:
        self.let_go()
        for code in reversed(self.held):
            self.move(code, pressed=False)
        for code in held:
            self.move(code, pressed=True)
        self.held = held

    def tap(self, code: int) -> None:
        if code in self.rolling:
            self.let_go()
        self.now_s += self.how.every_s
        self.move(code, pressed=True)
        self.let_go()
        self.rolling.append(code)
        if not self.how.rolls:
            self.let_go()

    def write(self, text: str) -> list[KeyEvent]:
        for character in text:
            codes, held = keys_of(character, self.layout, self.how)
            if held != self.held or LEFT_ALT in held or not self.how.keeps_modifiers:
                self.hold(held)
            for code in codes:
                self.tap(code)
        self.hold(())
        self.tap(self.how.end)
        self.let_go()
        return self.events


def decode(events: list[KeyEvent], layout: str) -> list[RawLabel]:
    decoder = KeyboardDecoder(layout)
    return [label for event in events for label in decoder.feed(event)]


@pytest.mark.parametrize("layout", KEYBOARDS)
@given(identifier=numbers | emails, how=habits)
def test_every_identifier_comes_through_every_layout(layout: str, identifier: str, how: Habits) -> None:
    (raw,) = decode(Typewriter(layout, how).write(identifier), layout)
    assert raw == RawLabel(identifier.encode(), layout=layout)
    refusal = read_label(raw, BARE).refusal
    assert refusal is None or ("@" in identifier and refusal == "LAYOUT_MISMATCH")


@pytest.mark.parametrize("layout", KEYBOARDS)
@given(number=numbers, how=habits)
def test_no_number_is_refused_where_the_layout_is_right(layout: str, number: str, how: Habits) -> None:
    (raw,) = decode(Typewriter(layout, how).write(number), layout)
    assert read_label(raw, BARE) == Label(number)


@pytest.mark.parametrize(("scanner", "till"), PAIRS)
@settings(max_examples=15)
@given(identifier=numbers | emails, how=habits)
def test_a_scanner_set_otherwise_is_refused_or_read_right(
    scanner: str, till: str, identifier: str, how: Habits
) -> None:
    for raw in decode(Typewriter(scanner, how).write(identifier), till):
        label = read_label(raw, BARE)
        assert label.refusal is not None or label.text == identifier


@pytest.mark.parametrize(("scanner", "till"), PAIRS)
@settings(max_examples=15)
@given(number=numbers)
def test_a_number_in_the_wrong_layout_is_named(scanner: str, till: str, number: str) -> None:
    (raw,) = decode(Typewriter(scanner, Habits()).write(number), till)
    if KEYBOARDS[scanner][1] == KEYBOARDS[till][1]:
        assert read_label(raw, BARE) == Label(number)
        return
    assert read_label(raw, BARE).refusal == "LAYOUT_MISMATCH"
    named = misread(raw.data.decode(), till)
    assert named is not None and KEYBOARDS[named][1] == KEYBOARDS[scanner][1]


@pytest.mark.parametrize(("scanner", "till"), PAIRS)
@settings(max_examples=15)
@given(data=st.data())
def test_the_same_keys_are_never_two_identifiers(scanner: str, till: str, data: st.DataObject) -> None:
    alphabet = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-@")
    both = [
        (code, level)
        for level in (0, SHIFT, ALTGR)
        for code, text in levels(scanner)[level].items()
        if {text, levels(till)[level].get(code, "")} <= alphabet
    ]
    # Keys that write an address in the one layout, and signs that an address may have in the other.
    keys = {levels(scanner)[level][code]: (code, level) for code, level in both}
    letters = sorted(set(keys) & set("abcdefghijklmnopqrstuvwxyz"))
    local = data.draw(st.text(st.sampled_from(sorted(set(keys) - {"@", "."})), min_size=1, max_size=6))
    host = data.draw(st.text(st.sampled_from(letters), min_size=1, max_size=5))
    top = data.draw(st.text(st.sampled_from(letters), min_size=2, max_size=4))
    strokes = [keys.get(character) for character in f"{local}@{host}.{top}"]
    texts = [
        "".join(levels(layout)[at[1]].get(at[0], "\0") for at in strokes if at is not None)
        for layout in (scanner, till)
    ]
    labels = [
        read_label(RawLabel(text.encode(), layout=layout), BARE)
        for text, layout in zip(texts, (scanner, till), strict=True)
    ]
    assert any(label.refusal for label in labels) or labels[0].text == labels[1].text


def test_an_address_that_is_one_in_two_layouts_is_refused_in_both() -> None:
    for text, layout in (("us6ho@hevi.fr", "us"), ("vu@cl2cp.dheo", "fr-bepo")):
        assert read_label(RawLabel(text.encode(), layout=layout), BARE).refusal == "LAYOUT_MISMATCH"


@given(
    identifiers=st.lists(numbers | emails, min_size=1, max_size=4),
    prefix=st.sampled_from(["", "\x02", "P>", "CV"]),
    suffix=st.sampled_from(["", "\r\n", "\x03", "\x03\r", "#\r\n"]),
    aim=st.sampled_from(["", "]Q1", "]C0", "]d1"]),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_every_identifier_comes_through_every_framing(
    identifiers: list[str], prefix: str, suffix: str, aim: str, cuts: list[int]
) -> None:
    stream = "".join(f"{prefix}{aim}{identifier}{suffix or chr(13)}" for identifier in identifiers).encode()
    framer = Framer(prefix=prefix.encode(), suffix=suffix.encode())
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    labels = [label for start, end in pairwise(edges) for label in framer.feed(stream[start:end])]
    assert [read_label(label, BARE) for label in labels] == [
        Label(identifier, aim or None) for identifier in identifiers
    ]


def test_the_tables_of_this_file_cover_the_layouts_of_the_drivers() -> None:
    assert set(KEYBOARDS) == set(LAYOUTS)
