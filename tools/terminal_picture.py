"""Draw what a program wrote to a terminal: the colours and blocks that `terminal:` uses, and no more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Final

from PIL import Image, ImageDraw, ImageFont

CELL: Final = (11, 22)
TYPE_PX: Final = 18
GROUND, INK = "#101418", "#d7dce2"
MARGIN_PX: Final = 14

_PIECE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|([^\x1b])", re.DOTALL)
_COLOURS: Final = {31: "#ff6b6b", 32: "#4cc47a", 33: "#f0b84b", 34: "#5b9dff"}
_CUBE: Final = {16: "#000000", 220: "#ffd700", 231: "#ffffff"}
_HALVES: Final = {"█": (0, 2), "▀": (0, 1), "▄": (1, 2)}


@dataclass
class _Pen:
    ink: str = INK
    ground: str = GROUND
    bold: bool = False

    def set(self, codes: list[int]) -> None:
        match codes:
            case [38, 5, colour, *rest]:
                self.ink = _CUBE[colour]
            case [48, 5, colour, *rest]:
                self.ground = _CUBE[colour]
            case [1, *rest]:
                self.bold = True
            case [colour, *rest] if colour in _COLOURS:
                self.ink = _COLOURS[colour]
            case [0, *rest]:
                self.ink, self.ground, self.bold = INK, GROUND, False
            case [other, *_]:
                raise ValueError(f"colour {other}")
            case _:
                return
        self.set(rest)


def picture(text: str, columns: int, rows: int) -> Image.Image:
    """Draw it.

    Args:
        text: What was written, from an empty screen on.
        columns: Characters in a row.
        rows: Rows.

    Returns:
        The screen.
    """
    width, height = CELL
    screen = Image.new("RGB", (columns * width + 2 * MARGIN_PX, rows * height + 2 * MARGIN_PX), GROUND)
    draw = ImageDraw.Draw(screen)
    faces = {bold: _face(bold=bold) for bold in (False, True)}
    pen, column, row = _Pen(), 0, 0
    for codes, command, character in _PIECE.findall(text):
        if command == "m":
            pen.set([int(code or 0) for code in codes.split(";")])
        elif character == "\n":
            column, row = 0, row + 1
        elif character:
            x, y = MARGIN_PX + column * width, MARGIN_PX + row * height
            draw.rectangle((x, y, x + width - 1, y + height - 1), fill=pen.ground)
            if character in _HALVES:
                above, below = (y + half * height // 2 for half in _HALVES[character])
                draw.rectangle((x, above, x + width - 1, below - 1), fill=pen.ink)
            else:
                draw.text((x, y + height - 6), character, font=faces[pen.bold], fill=pen.ink, anchor="ls")
            column += 1
    return screen


def _face(*, bold: bool) -> ImageFont.FreeTypeFont:
    weight = "Bold" if bold else "Regular"
    folder = files("cvconnect_drivers.printers").joinpath("jetbrains_mono")
    with as_file(folder.joinpath(f"JetBrainsMono-{weight}.ttf")) as file:
        return ImageFont.truetype(str(file), TYPE_PX)
