"""The customer's screen as SVG: the same layout as the picture's, and sharp at any size.

Words are text, set to the widths of the shipped typeface, so that a viewer that has another one does not overflow.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cvconnect_drivers.displays import screen
from cvconnect_drivers.displays.painter import (
    CARD_EDGE,
    CARD_RADIUS,
    STROKE,
    Box,
    Mark,
    Painter,
    scale_of,
)
from cvconnect_drivers.displays.picture import read_modules
from cvconnect_drivers.shapes import Prompt, Surface

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_NOT_IN_XML = {"Cc", "Cs", "Cn"}
"""Control characters, halves of surrogates, and what is no character. Source: W3C XML 1.0, 2.2 (Char)."""

_SIDES = {"l": "start", "m": "middle", "r": "end"}


def render(prompt: Prompt | None, size: tuple[int, int], *, expires: str = "") -> tuple[str, Surface]:
    """Draw the whole screen.

    Args:
        prompt: What to show; None for nothing.
        size: Width and height, in pixels; the picture scales to any other of the same shape.
        expires: When it must be gone, for whoever shows it; nothing for no end.

    Returns:
        The SVG, and what the customer sees.
    """
    painter = SvgPainter(size)
    surface: Surface = "none" if prompt is None else screen.paint(prompt, painter)
    return painter.svg(expires), surface


class SvgPainter(Painter):
    """Writes the parts of a screen down.

    Args:
        size: Of the screen, in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.size = size
        self._scale = scale_of(size)
        self._parts: list[str] = []

    def svg(self, expires: str = "") -> str:
        """Give what was drawn, and when it must be gone."""
        width, height = self.size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" font-family="Inter, sans-serif"'
            + (f" data-expires={_quoted(expires)}>" if expires else ">")
        )
        ground = f'<rect width="{width}" height="{height}" fill="{screen.BACKGROUND}"/>'
        return "\n".join([head, ground, *self._parts, "</svg>", ""])

    def _rectangle(self, box: Box, colour: str) -> None:
        self._parts.append(f"<rect {_at(box)} fill={_quoted(colour)}/>")

    def _text(self, at: tuple[int, int], text: str, face: FreeTypeFont, colour: str, anchor: str) -> None:
        if not text:
            return
        ascent, descent = face.getmetrics()
        below = (ascent - descent) / 2 if anchor[1] == "m" else ascent
        weight = ' font-weight="bold"' if face.getname()[1] == "Bold" else ""
        self._parts.append(
            f'<text x="{at[0]}" y="{at[1] + below:g}" font-size="{face.size:g}"{weight}'
            f' text-anchor="{_SIDES[anchor[0]]}" textLength="{face.getlength(text):.1f}" lengthAdjust="spacingAndGlyphs"'
            f' fill={_quoted(colour)} xml:space="preserve">{_printable(text)}</text>'
        )

    def _card(self, box: Box, colour: str, edge: str) -> None:
        self._parts.append(
            f'<rect {_at(box)} rx="{self.px(CARD_RADIUS)}" fill={_quoted(colour)}'
            f' stroke={_quoted(edge)} stroke-width="{self.px(CARD_EDGE)}"/>'
        )

    def _code(self, code: Image, left: int, top: int) -> None:
        matrix = read_modules(code)
        if matrix is None:
            file = io.BytesIO()
            code.save(file, "PNG")
            data = base64.b64encode(file.getvalue()).decode()
            self._parts.append(
                f'<image x="{left}" y="{top}" width="{code.width}" height="{code.height}"'
                f' href="data:image/png;base64,{data}"/>'
            )
            return
        pixels = code.width // matrix.modules_with_quiet_zone
        runs = "".join(
            f"M{x} {y}h{length}v1h-{length}z"
            for y, row in enumerate(matrix.with_quiet_zone())
            for x, length in _runs(row)
        )
        self._parts.append(
            f'<path transform="translate({left} {top}) scale({pixels})" fill="#000" shape-rendering="crispEdges" d="{runs}"/>'
        )

    def _mark(self, mark: Mark, x: int, y: int, side: int) -> None:
        lines = "".join(
            "M" + " ".join(f"{px:g} {py:g}" for px, py in (stroke if len(stroke) > 1 else stroke * 2))
            for stroke in mark.strokes
        )
        self._parts.append(
            f'<g transform="translate({x} {y}) scale({side})">'
            f'<circle cx="0.5" cy="0.5" r="0.5" fill={_quoted(mark.colour)}/>'
            f'<path d="{lines}" fill="none" stroke="{screen.BACKGROUND}" stroke-width="{STROKE}"'
            ' stroke-linecap="round" stroke-linejoin="round"/></g>'
        )


def _at(box: Box) -> str:
    return f'x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"'


def _quoted(colour: str) -> str:
    return f'"{colour}"'


def _printable(text: str) -> str:
    return escape("".join(" " if unicodedata.category(each) in _NOT_IN_XML else each for each in text))


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    start = 0
    for x, dark in enumerate((*row, False)):
        if dark and (x == 0 or not row[x - 1]):
            start = x
        if not dark and x and row[x - 1]:
            runs.append((start, x - start))
    return runs
