"""Dots for what a printer has no characters for: lines of text in any script, and QR codes.

A drawn line keeps the columns of the printed ones: each character stands in the cell that font A would give it, a wide one
squeezed. A character that the typeface lacks is a box with its code point in it.

The same text always gives the same dots: the typeface is the one that is shipped.

Source: Epson, ESC/POS Command Reference: `ESC M` (font A: cells of 24 dots), `GS v 0`, `DLE EOT`, `DLE ENQ`, `DLE DC4`
(carried out wherever they stand, in images too).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cvconnect_drivers.displays import fonts
from cvconnect_drivers.qr import QrMatrix
from cvconnect_drivers.shapes import Align
from cvconnect_drivers.spelling import compose, respell

if TYPE_CHECKING:
    from PIL.Image import Image

CELL_HEIGHT_DOTS = 24

BAND_BYTES = 1728
"""A line of characters over 576 dots: printers have little room for an image, and one that was torn takes so much to end."""

_EM_DOTS, _BASELINE_DOTS = 20, 19
"""The tallest capital with its accent, and the deepest descender, fill the cell."""

_OVERSAMPLING = 4
_BLACK_FROM = 112
"""Of 255: a little under the half, as thin strokes fade on thermal paper. Unverified on paper."""

_THRESHOLD = [255 if grey >= _BLACK_FROM else 0 for grey in range(256)]

_REAL_TIME = re.compile(rb"\x10(?=[\x04\x05\x14])")

_BOX_WIDTH_DOTS, _BOX_HEIGHT_DOTS = 11, 21
_DIGIT_WIDTH_DOTS, _DIGIT_HEIGHT_DOTS = 3, 5
_DIGITS = {
    "0": "####.##.##.####",
    "1": ".#.##..#..#.###",
    "2": "###..#####..###",
    "3": "###..####..####",
    "4": "#.##.####..#..#",
    "5": "####..###..####",
    "6": "####..####.####",
    "7": "###..#..#..#..#",
    "8": "####.#####.####",
    "9": "####.####..####",
    "A": "####.#####.##.#",
    "B": "##.#.###.#.###.",
    "C": "####..#..#..###",
    "D": "##.#.##.##.###.",
    "E": "####..####..###",
    "F": "####..####..#..",
}
"""Rows of 3 dots, from the top."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """An image of black dots.

    Args:
        row_bytes: Bytes of a row, 8 dots each.
        data: The rows from the top; in a byte the highest bit is the leftmost dot, 1 is black.
    """

    row_bytes: int
    data: bytes

    @property
    def height_dots(self) -> int:
        """Rows."""
        return len(self.data) // self.row_bytes

    def bands(self) -> Iterator[Bitmap]:
        """Cut it into images of up to `BAND_BYTES`, to print one below the other."""
        step = max(BAND_BYTES // self.row_bytes, 1) * self.row_bytes
        return (Bitmap(self.row_bytes, self.data[at : at + step]) for at in range(0, len(self.data), step))


def draw_text(
    text: str,
    *,
    columns: int,
    column_dots: int,
    align: Align = "left",
    bold: bool = False,
    large: bool = False,
) -> Iterator[Bitmap]:
    """Draw one line; where it is longer than the paper is wide it goes on below, as printed text does.

    Args:
        text: The line, without control characters.
        columns: Characters of normal size on a line.
        column_dots: Width of one.
        align: Where the text stands in an image that is up to 7 dots wider.
        bold: Whether to take the bold weight.
        large: Whether to double width and height.

    Returns:
        Images as wide as their text, `CELL_HEIGHT_DOTS` high, twice that when large.
    """
    cells = [cell for character in compose(text) for cell in respell(character, fonts.has) or character]
    times = 2 if large else 1
    per_line = max(columns // times, 1)
    for start in range(0, len(cells), per_line):
        yield _draw_cells(cells[start : start + per_line], column_dots, align, bold=bold, times=times)


def draw_qr(matrix: QrMatrix, module_dots: int) -> Bitmap:
    """Draw a QR without its quiet zone.

    Args:
        matrix: The QR.
        module_dots: Dots on the side of a module.

    Returns:
        The image, `module_dots` times the QR's modules high.
    """
    dots = matrix.modules * module_dots
    row_bytes = -(-dots // 8)
    black = (1 << module_dots) - 1
    data = bytearray()
    for row in matrix.rows:
        bits = 0
        for module in row:
            bits = bits << module_dots | (black if module else 0)
        data += (bits << 8 * row_bytes - dots).to_bytes(row_bytes) * module_dots
    return Bitmap(row_bytes, without_real_time_commands(bytes(data)))


def _draw_cells(cells: list[str], column_dots: int, align: Align, *, bold: bool, times: int) -> Bitmap:
    from PIL import Image

    width = len(cells) * column_dots * times
    row_bytes = -(-width // 8)
    spare = 8 * row_bytes - width
    x = {"left": 0, "center": spare // 2, "right": spare}[align]
    line = Image.new("1", (8 * row_bytes, CELL_HEIGHT_DOTS * times))
    for position, cell in enumerate(cells):
        if not cell.isspace():
            image = draw_cell(cell, column_dots * times, times, bold=bold)
            line.paste(image, (x + position * column_dots * times, 0))
    return Bitmap(row_bytes, without_real_time_commands(line.tobytes()))


def without_real_time_commands(data: bytes) -> bytes:
    """Blacken one more dot wherever dots would ask for the printer's status, or open the drawer."""
    return _REAL_TIME.sub(b"\x18", data)


@lru_cache(maxsize=512)
def draw_cell(character: str, width_dots: int, times: int, *, bold: bool) -> Image:
    """Draw one character, or a box with its code point, black being 1.

    Args:
        character: The character.
        width_dots: Of its cell.
        times: 2 for one twice as high, else 1.
        bold: Whether to take the bold weight.

    Returns:
        Pillow's image, `CELL_HEIGHT_DOTS` times `times` high; not to be changed.
    """
    return (
        _letter(character, width_dots, times, bold=bold)
        if fonts.has(character)
        else _box(character, width_dots, times)
    )


def _letter(character: str, width_dots: int, times: int, *, bold: bool) -> Image:
    from PIL import Image, ImageDraw

    scale = times * _OVERSAMPLING
    font = fonts.font(_EM_DOTS * scale, bold=bold)
    left, _, right, _ = font.getbbox(character, anchor="ls")
    left, right = min(int(left), 0), max(int(right), round(font.getlength(character)))
    letter = Image.new("L", (right - left, CELL_HEIGHT_DOTS * scale))
    ImageDraw.Draw(letter).text((-left, _BASELINE_DOTS * scale), character, fill=255, font=font, anchor="ls")
    fitting = min(round(letter.width / _OVERSAMPLING), width_dots)
    small = letter.resize((max(fitting, 1), CELL_HEIGHT_DOTS * times), Image.Resampling.BOX)
    cell = Image.new("1", (width_dots, CELL_HEIGHT_DOTS * times))
    cell.paste(small.point(_THRESHOLD, "1"), ((width_dots - small.width) // 2, 0))
    return cell


def _box(character: str, width_dots: int, times: int) -> Image:
    from PIL import Image, ImageDraw

    box = Image.new("1", (_BOX_WIDTH_DOTS, CELL_HEIGHT_DOTS))
    draw = ImageDraw.Draw(box)
    draw.rectangle((0, 0, _BOX_WIDTH_DOTS - 1, _BOX_HEIGHT_DOTS - 1), outline=1)
    for number, digit in enumerate(f"{ord(character):06X}"):
        left = 2 + number % 2 * (_DIGIT_WIDTH_DOTS + 1)
        top = 2 + number // 2 * (_DIGIT_HEIGHT_DOTS + 1)
        for at, dot in enumerate(_DIGITS[digit]):
            if dot == "#":
                draw.point((left + at % _DIGIT_WIDTH_DOTS, top + at // _DIGIT_WIDTH_DOTS), fill=1)
    cell = Image.new("1", (width_dots, CELL_HEIGHT_DOTS * times))
    big = box.resize((box.width * times, box.height * times), Image.Resampling.NEAREST)
    cell.paste(big, ((width_dots - big.width) // 2, 0))
    return cell
