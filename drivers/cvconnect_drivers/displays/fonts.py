"""Type for customer screens: Inter, in the two weights that are shipped, so that every till shows the same."""

from __future__ import annotations

import unicodedata
from functools import cache
from io import BytesIO
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
