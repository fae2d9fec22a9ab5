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

SUBSTITUTIONS = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "‑": "-",
    "−": "-",
    "…": "...",
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ø": "o",
    "Ø": "O",
    "ß": "ss",
    "€": "EUR",
    "\u00a0": " ",
    "\u202f": "\u00a0",
    "\u2009": " ",
    "•": "*",
    "·": "-",
    "°": "o",
    "×": "x",
    MISSING: "#",
}
"""What stands for a character; each may be substituted again."""

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


def _plainer(character: str) -> str:
    if character in SUBSTITUTIONS:
        return SUBSTITUTIONS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    # A mark alone is not its letter: dropping it would print something else.
    return "".join(each for each in decomposed if not unicodedata.combining(each)) or character
