"""The layout tables say what libxkbcommon says, key by key, but for the differences that are listed here with their reason."""

from __future__ import annotations

import ctypes as c
from collections.abc import Mapping
from typing import Final

import pytest

from cvconnect_drivers.scanners.layouts import (
    ALTGR,
    CAPS,
    DEAD,
    KEYPAD,
    KEYPAD_SIGNS,
    KEYS,
    LAYOUTS,
    SHIFT,
    levels,
)

XKB_NAMES: Final = {
    "us": ("us", ""),
    "fr": ("fr", ""),
    "be": ("be", ""),
    "ch-fr": ("ch", "fr"),
    "uk": ("gb", ""),
    "de": ("de", ""),
    "fr-bepo": ("fr", "bepo"),
}
FRENCH_VARIANTS: Final = ("", "azerty", "oss", "latin9")

ACCENTS: Final[Mapping[str, str]] = {
    "abovering": "°", "acute": "´", "breve": "˘", "caron": "ˇ", "cedilla": "¸", "circumflex": "^", "diaeresis": "¨",
    "grave": "`", "macron": "¯", "ogonek": "˛", "tilde": "~",
}  # fmt: skip

MODIFIER_KEYS: Final = {0: (), SHIFT: (42,), ALTGR: (100,), SHIFT + ALTGR: (42, 100)}
CAPS_LOCK, NUM_LOCK = 58, 69

# What xkb writes and the table does not hold, by layout, level and key: in each case Windows writes something else, or nothing.
LEFT_OUT: Final[Mapping[tuple[str, int], Mapping[int, str]]] = {
    # No US keyboard has this key; Windows gives it a backslash and a bar.
    ("us", 0): {86: "<"},
    ("us", SHIFT): {86: ">"},
    # Beyond the national keyboard, from the Latin base of xkb.
    ("fr", SHIFT): {41: "~"},
    ("fr", ALTGR): {30: "@", 86: "|"},
    ("fr", SHIFT + ALTGR): {5: "$", 17: "<", 37: "&", 45: ">"},
    ("be", ALTGR): {8: "{", 9: "[", 12: "\\", 16: "@"},
    ("be", SHIFT + ALTGR): {5: "$", 37: "&", 44: "<", 45: ">", 86: "\\"},
    ("ch-fr", ALTGR): {2: "|", 10: "]", 11: "}", 16: "@"},  # Windows: AltGr 1 is a broken bar
    ("ch-fr", SHIFT + ALTGR): {5: "$", 37: "&", 44: "<", 45: ">"},
    ("uk", ALTGR): {8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 41: "|", 86: "|"},
    ("uk", SHIFT + ALTGR): {37: "&", 41: "|", 44: "<", 45: ">"},
    ("de", SHIFT + ALTGR): {37: "&"},
    ("fr-bepo", SHIFT + ALTGR): {20: "`"},
}

# Dead on Windows, a plain character on Linux: taken as dead, so that only the accent and a space make it.
DEAD_ON_WINDOWS: Final = {("fr", ALTGR, 3), ("fr", ALTGR, 8)}

# CapsLock of Windows is a Shift that stays on these keys; that of xkb makes capitals only.
# Source: kbdfr.c, kbdgr.c, attribute CAPLOK, less the letters.
SHIFT_LOCK_OF_WINDOWS: Final = {
    "fr": {*range(2, 14), 26, 27, 40, 43, 50, 51, 52, 53},
    "be": {*range(2, 14), 26, 27, 40, 43, 50, 51, 52, 53},
    "de": {*range(2, 12), 12, 27, 43, 51, 52},
}


class XkbNames(c.Structure):
    """`struct xkb_rule_names`."""

    _fields_ = [(name, c.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


class Xkb:
    """One keyboard of libxkbcommon.

    Source: xkbcommon/xkbcommon.h; a key's number is Linux's plus 8.
    """

    def __init__(self, library: c.CDLL, layout: str, variant: str) -> None:
        self._library = library
        names = XkbNames(b"evdev", b"pc105", layout.encode(), variant.encode(), b"")
        self._context = library.xkb_context_new(0)
        self._keymap = library.xkb_keymap_new_from_names(self._context, c.byref(names), 0)
        assert self._keymap, f"libxkbcommon has no layout {layout}({variant}): is xkb-data installed?"
        self._state = library.xkb_state_new(self._keymap)

    def close(self) -> None:
        self._library.xkb_state_unref(self._state)
        self._library.xkb_keymap_unref(self._keymap)
        self._library.xkb_context_unref(self._context)

    def move(self, code: int, *, down: bool) -> None:
        self._library.xkb_state_update_key(self._state, code + 8, int(down))

    def tap(self, code: int) -> None:
        self.move(code, down=True)
        self.move(code, down=False)

    def text(self, code: int) -> str:
        """What the key writes now; `◌` and its name for a dead one."""
        size = 64
        buffer = c.create_string_buffer(size)
        symbol = self._library.xkb_state_key_get_one_sym(self._state, code + 8)
        self._library.xkb_keysym_get_name(symbol, buffer, size)
        name = str(buffer.value, "ascii")
        if name.startswith("dead_"):
            accent = name.removeprefix("dead_")
            return DEAD + (ACCENTS.get(accent) or accent)
        self._library.xkb_state_key_get_utf8(self._state, code + 8, buffer, size)
        return buffer.value.decode()


@pytest.fixture(scope="module")
def library() -> c.CDLL:
    try:
        library = c.CDLL("libxkbcommon.so.0")
    except OSError:
        pytest.skip("libxkbcommon.so.0 is missing: apt-get install libxkbcommon0 xkb-data")
    pointer, number = c.c_void_p, c.c_uint32
    for name, gives, takes in (
        ("xkb_context_new", pointer, [c.c_int]),
        ("xkb_keymap_new_from_names", pointer, [pointer, c.POINTER(XkbNames), c.c_int]),
        ("xkb_state_new", pointer, [pointer]),
        ("xkb_state_update_key", number, [pointer, number, c.c_int]),
        ("xkb_state_key_get_one_sym", number, [pointer, number]),
        ("xkb_state_key_get_utf8", c.c_int, [pointer, number, c.c_char_p, c.c_size_t]),
        ("xkb_keysym_get_name", c.c_int, [number, c.c_char_p, c.c_size_t]),
        ("xkb_state_unref", None, [pointer]),
        ("xkb_keymap_unref", None, [pointer]),
        ("xkb_context_unref", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    return library


def written(
    library: c.CDLL, layout: tuple[str, str], codes: tuple[int, ...], level: int, *locks: int
) -> dict[int, str]:
    """What keys write with the modifiers of a level held and some locks on."""
    keyboard = Xkb(library, *layout)
    try:
        for lock in locks:
            keyboard.tap(lock)
        for code in MODIFIER_KEYS[level]:
            keyboard.move(code, down=True)
        return {code: keyboard.text(code) for code in codes}
    finally:
        keyboard.close()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", MODIFIER_KEYS)
def test_each_key_writes_what_xkb_says(library: c.CDLL, layout: str, level: int) -> None:
    theirs = written(library, XKB_NAMES[layout], KEYS, level)
    without_altgr = written(library, XKB_NAMES[layout], KEYS, level & ~ALTGR)
    left_out = LEFT_OUT.get((layout, level), {})
    for code in KEYS:
        ours, text = levels(layout)[level].get(code, ""), theirs[code]
        if (layout, level, code) in DEAD_ON_WINDOWS:
            assert (ours, text) == (DEAD + text, text)
        elif ours == text:
            assert code not in left_out
        elif level >= ALTGR and (not text.isascii() or text == without_altgr[code]):
            # Signs that no identifier has, and keys that take no notice of AltGr: left out, the label is refused.
            assert ours == ""
        else:
            assert (code, ours, text) == (code, "", left_out.get(code))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", [0, SHIFT])
def test_caps_lock_does_what_xkb_says_but_for_the_shift_lock_of_windows(
    library: c.CDLL, layout: str, level: int
) -> None:
    theirs = written(library, XKB_NAMES[layout], KEYS, level, CAPS_LOCK)
    left_out = LEFT_OUT.get((layout, level), {})
    for code in KEYS:
        ours = levels(layout)[level + CAPS].get(code, "")
        if code in SHIFT_LOCK_OF_WINDOWS.get(layout, set()):
            assert ours == levels(layout)[SHIFT - level][code]
        elif code not in left_out:
            assert (code, ours) == (code, theirs[code])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_keypad_writes_what_xkb_says(library: c.CDLL, layout: str) -> None:
    name, digits, signs = XKB_NAMES[layout], tuple(KEYPAD), tuple(KEYPAD_SIGNS)
    pad = {**KEYPAD, 83: LAYOUTS[layout].point}
    nothing = dict.fromkeys(digits, "")
    assert written(library, name, digits, 0, NUM_LOCK) == pad
    assert {code: text.strip("\x7f") for code, text in written(library, name, digits, 0).items()} == nothing
    assert written(library, name, signs, 0) == KEYPAD_SIGNS


@pytest.mark.parametrize("variant", ["azerty", "oss", "latin9"])
def test_the_french_layouts_of_linux_agree_on_what_an_identifier_needs(library: c.CDLL, variant: str) -> None:
    for level in (0, SHIFT):
        ours, theirs = levels("fr")[level], written(library, ("fr", variant), KEYS, level)
        assert {code: theirs[code] for code in ours if code != 41} == {
            code: text for code, text in ours.items() if code != 41
        }
    ours, theirs = levels("fr")[ALTGR], written(library, ("fr", variant), KEYS, ALTGR)
    assert {code: theirs[code] for code, text in ours.items() if text in set("#{[|\\^@]}€")} == {
        code: text for code, text in ours.items() if text in set("#{[|\\^@]}€")
    }
