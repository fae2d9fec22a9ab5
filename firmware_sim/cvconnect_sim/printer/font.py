"""The character generator ROM: glyphs of Font A (12 x 24 dots) and Font B (9 x 17 dots)."""

import struct
import zlib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

Rows = tuple[int, ...]
"""A bitmap from top to bottom; in each row the highest bit is the leftmost dot, 1 is black."""


class Font(Enum):
    """A font of the printer: its ROM and its cell, in dots.

    Source: Epson ESC/POS command reference, `ESC M`: Font A is 12 x 24; Font B is 9 x 17 on TM-T88 printers.
    """

    A = ("receipt12x24.bin", 12, 24)
    B = ("receipt8x16.bin", 9, 17)

    def __init__(self, rom: str, width_dots: int, height_dots: int) -> None:
        self.rom = rom
        self.width_dots = width_dots
        self.height_dots = height_dots


@dataclass(frozen=True, slots=True)
class _Rom:
    width_dots: int
    glyphs: dict[str, Rows]


def glyph(font: Font, char: str | None) -> Rows:
    """The rows of a character in its cell; a box for None and for what the ROM does not hold."""
    rom = _load(font.rom)
    rows = rom.glyphs.get(char) if char is not None else None
    if rows is None:
        return _box(font)
    padded = tuple(row << (font.width_dots - rom.width_dots) for row in rows)
    return padded + (0,) * (font.height_dots - len(rows))


def _box(font: Font) -> Rows:
    width = font.width_dots
    full = ((1 << (width - 2)) - 1) << 1
    sides = 1 << (width - 2) | 1 << 1
    height = font.height_dots
    foot = height // 6
    return (0,) * 2 + (full,) + (sides,) * (height - 4 - foot) + (full,) + (0,) * foot


@cache
def _load(name: str) -> _Rom:
    data = zlib.decompress(files("cvconnect_sim.printer").joinpath(name).read_bytes())
    _, width, height, count = struct.unpack_from(">4sBBH", data)
    points = struct.unpack_from(f">{count}H", data, 8)
    rows = struct.iter_unpack(f">{height}H", data[8 + 2 * count :])
    return _Rom(width, {chr(point): image for point, image in zip(points, rows, strict=True)})
