"""Type for customer screens: Inter, in the two weights that are shipped, so that every till shows the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_MISSING = "\uffff"
_PROBE_PX = 24

_NO_LETTER = {"Cc", "Cs"}
"""Control characters, line ends among them, and halves of surrogates: no line can be laid out with them."""


@cache
def font(size_px: int, *, bold: bool = False) -> FreeTypeFont:
    """Load the typeface.

    Args:
        size_px: Height of the em.
        bold: Whether to take the bold weight.

    Returns:
        Pillow's font.
    """
    from PIL import ImageFont

    return ImageFont.truetype(BytesIO(_file("Bold" if bold else "Regular")), size_px)


def spell(text: str) -> str:
    """Spell a text with the letters that the typeface has: what is not in it loses its accents, or stays a box.

    Args:
        text: Any text.

    Returns:
        The text to draw.
    """
    return "".join(map(_letter, text))


def wrapped(text: str, face: FreeTypeFont, width: int) -> list[str]:
    """Break a text at its blanks into lines of a width in pixels; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def balanced(lines: Sequence[str], face: FreeTypeFont) -> list[str]:
    """Wrap a paragraph anew, so that its lines are about as long as each other, and no more than they were."""
    text = " ".join(lines)
    low = ceil(max(map(face.getlength, text.split(" "))))
    high = max(low, ceil(max(map(face.getlength, lines))))
    while low < high:
        middle = (low + high) // 2
        if len(wrapped(text, face, middle)) <= len(lines):
            high = middle
        else:
            low = middle + 1
    return wrapped(text, face, high)


def line_height(face: FreeTypeFont) -> int:
    """Give the pixels from one line to the next."""
    ascent, descent = face.getmetrics()
    return ascent + descent


@cache
def _file(weight: str) -> bytes:
    from importlib.resources import files

    return (files("cvconnect_drivers.displays") / "inter" / f"Inter-{weight}.otf").read_bytes()


@cache
def _letter(character: str) -> str:
    if unicodedata.category(character) in _NO_LETTER:
        return " "
    if character == "\u202f":  # Inter has the wider one
        return "\u00a0"
    if has(character):
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if has(base) else character


def has(character: str) -> bool:
    """Whether the typeface draws this character as something else than a box."""
    return character.isspace() or _ink(character) != _ink(_MISSING)


@cache
def _ink(character: str) -> bytes:
    from PIL import Image, ImageDraw

    cell = Image.new("L", (2 * _PROBE_PX, 2 * _PROBE_PX))
    ImageDraw.Draw(cell).text((0, 0), character, font=font(_PROBE_PX), fill=255)
    return cell.tobytes()
