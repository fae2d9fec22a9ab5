"""Type for customer screens: a typeface of this machine that has French, or Pillow's own.

Pillow carries one scalable typeface (Aileron) with neither accents nor the euro sign: where no other is found, words are
written without accents rather than with boxes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

TYPEFACES = (
    ("segoeui.ttf", "segoeuib.ttf"),
    ("Inter-Regular.ttf", "Inter-Bold.ttf"),
    ("Roboto-Regular.ttf", "Roboto-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("OpenSans-Regular.ttf", "OpenSans-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)
"""Regular and bold, as Windows, Linux and macOS name their files; Pillow looks in the folders of the system."""

FRENCH = "àâçéèêëîïôùûüÿœæÀÂÇÉÈÊËÎÏÔÙÛÜŸŒÆ€«»’–…\u00a0"

_MISSING = "\uffff"
_PLAIN = {
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    "€": "EUR",
    "’": "'",
    "–": "-",
    "—": "-",
    "\u00a0": " ",
    "\u202f": " ",
}
_PROBE_PX = 24


@dataclass(frozen=True, slots=True)
class Typeface:
    """A regular and a bold file.

    Args:
        regular: What Pillow loads, or None for its own typeface.
        bold: The same for bold.
        has_french: Whether every letter of `FRENCH` is in it.
    """

    regular: str | None
    bold: str | None
    has_french: bool

    def font(self, size_px: int, *, bold: bool = False) -> FreeTypeFont:
        """Load it.

        Args:
            size_px: Height of the em.
            bold: Whether to take the bold file.

        Returns:
            Pillow's font.
        """
        return _load(self.bold if bold else self.regular, size_px)

    def spell(self, text: str) -> str:
        """Spell a text with the letters that the typeface has.

        Args:
            text: Any text.

        Returns:
            The same, or without accents.
        """
        text = text.replace("\u202f", "\u00a0")
        if self.has_french:
            return text
        text = "".join(_PLAIN.get(character, character) for character in text)
        return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))


@cache
def find_typeface() -> Typeface:
    """Find the first of `TYPEFACES` that this machine has and that has French.

    Returns:
        The typeface; Pillow's own when there is none.
    """
    for regular, bold in TYPEFACES:
        try:
            fonts = (_load(regular, _PROBE_PX), _load(bold, _PROBE_PX))
        except OSError:
            continue
        if all(_has(font, FRENCH) for font in fonts):
            return Typeface(regular, bold, has_french=True)
    return Typeface(None, None, has_french=False)


def _has(font: FreeTypeFont, text: str) -> bool:
    missing = _ink(font, _MISSING)
    return all(_ink(font, character) != missing for character in text)


def _ink(font: FreeTypeFont, character: str) -> bytes:
    from PIL import Image, ImageDraw

    cell = Image.new("L", (2 * _PROBE_PX, 2 * _PROBE_PX))
    ImageDraw.Draw(cell).text((0, 0), character, font=font, fill=255)
    return cell.tobytes()


@cache
def _load(file: str | None, size_px: int) -> FreeTypeFont:
    from PIL import ImageFont

    if file is None:
        font = ImageFont.load_default(size_px)
        if isinstance(font, ImageFont.FreeTypeFont):
            return font
        raise OSError("Pillow was built without FreeType")
    return ImageFont.truetype(file, size_px)
