"""Texts in the characters that a device has. Pure.

What a device lacks is substituted: by a listed spelling, by the letter under its accent, and at last by a mark that
everybody sees. It is never dropped, and never becomes a question mark, which the text may hold for its own sake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MISSING = "■"
"""Stands for a character that cannot be spelled."""

_SPACES = "\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"

TYPOGRAPHY = {
    **dict.fromkeys("’‘‛ʼ′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃", "-"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("•‣∗", "*"),
    **dict.fromkeys("∙⋅", "·"),
    **dict.fromkeys("\u2007\u202f", "\u00a0"),
    **dict.fromkeys(_SPACES, " "),
    "\u00a0": " ",
    "‚": ",",
    "‹": "<",
    "›": ">",
    "․": ".",
    "‥": "..",
    "…": "...",
    "·": "-",
    "×": "x",
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    "ﬀ": "ff",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬃ": "ffi",
    "ﬄ": "ffl",
    "μ": "µ",
    "℃": "°C",
    "№": "No",
    "™": "TM",
    "€": "EUR",
}
"""What reads the same as a character; each may be substituted again."""

SUBSTITUTIONS = {
    **TYPOGRAPHY,
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ø": "o",
    "Ø": "O",
    "ß": "ss",
    "°": "o",
    "µ": "u",
    MISSING: "#",
}
"""What stands for a character where nothing can be drawn; each may be substituted again."""

# They choose between two pictures of the same character, and have none of their own.
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")


def compose(text: str) -> str:
    """Write each letter as one character, and drop the characters that have no shape (Unicode's category Cf)."""
    shapes = (each for each in text if unicodedata.category(each) != "Cf")
    return _VARIATION_SELECTORS.sub("", unicodedata.normalize("NFC", "".join(shapes)))


def spell(character: str, has: Callable[[str], bool]) -> str:
    """Spell one character.

    Args:
        character: The character.
        has: Whether the device has a text; at least ASCII.

    Returns:
        The first spelling that the device has.
    """
    text = character
    while not has(text):
        plainer = "".join(map(_plainer, text))
        text = plainer if plainer != text else MISSING
    return text


def respell(character: str, has: Callable[[str], bool]) -> str | None:
    """Spell one character with what reads the same: accents stay.

    Args:
        character: The character.
        has: Whether the device has a text.

    Returns:
        The first spelling by `TYPOGRAPHY` that the device has; None when it has none.
    """
    text = character
    while not has(text):
        plainer = "".join(TYPOGRAPHY.get(each, each) for each in text)
        if plainer == text:
            return None
        text = plainer
    return text


def _plainer(character: str) -> str:
    if character in SUBSTITUTIONS:
        return SUBSTITUTIONS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    # A mark alone is not its letter: dropping it would print something else.
    return "".join(each for each in decomposed if not unicodedata.combining(each)) or character
