"""The parts of a customer screen: band, notice, card, paragraphs, mark.

Measures are in units of a screen of 800x480, so that 480x320 and 1920x1080 look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cvconnect_drivers.displays.fonts import balanced, font, line_height, spell, wrapped

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont


REFERENCE = (800, 480)
MARGIN, GAP = 20, 28
BAND, TALL_BAND, NOTICE_BAND = 64, 80, 44
CARD_PADDING, CARD_RADIUS, CARD_EDGE = 4, 12, 1.5
MARK, STROKE = 96, 0.09
SMALLEST_PERCENT = 30
SMALLEST_BAND_TYPE = 15

_OVERSAMPLING = 4

Strokes: TypeAlias = tuple[tuple[tuple[float, float], ...], ...]
"""Lines of a mark, in a square of side 1."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top

    @property
    def is_wide(self) -> bool:
        """Whether things stand side by side in it."""
        return self.width > self.height


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph.

    Args:
        text: What it says.
        size: Height of its type, in units.
        bold: Whether it is bold.
        colour: Of its letters.
        max_lines: It is set smaller until it has no more lines.
    """

    text: str
    size: int
    bold: bool
    colour: str
    max_lines: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A round sign above the words; the words say the same."""

    strokes: Strokes
    colour: str


_Block: TypeAlias = "tuple[list[str], FreeTypeFont]"


@dataclass(frozen=True, slots=True)
class _Layout:
    blocks: Sequence[_Block]
    gap: int
    mark_side: int
    height: int


class Painter:
    """Draws the parts of one screen.

    Args:
        picture: What to draw on.
    """

    def __init__(self, picture: Image) -> None:
        from PIL import ImageDraw

        self._picture = picture
        self._draw = ImageDraw.Draw(picture)
        self.size = picture.size
        self._scale = scale_of(picture.size)

    def px(self, units: float) -> int:
        """Turn units into pixels."""
        return max(1, round(units * self._scale))

    def inset(self, box: Box, units: int) -> Box:
        """Shrink a box on all sides."""
        by = self.px(units)
        return Box(box.left + by, box.top + by, box.right - by, box.bottom - by)

    def band(self, title: str, shop: str, box: Box, *, colour: str, ink: str) -> Box:
        """Draw the band with the means of payment and the shop, side by side, or one below the other in portrait.

        Returns:
            What is left below it.
        """
        is_tall = bool(title and shop) and not box.is_wide
        height, edge = self.px(TALL_BAND if is_tall else BAND), self.px(GAP)
        middle = box.top + height // 2
        self._rectangle(Box(box.left, box.top, box.right, box.top + height), colour)
        room = box.width - 2 * edge
        if is_tall:
            title, face = self._fitting(title, 28, room, bold=True)
            self._text((box.left + edge, box.top + height * 35 // 100), title, face, ink, "lm")
            shop, face = self._fitting(shop, 22, room, bold=False)
            self._text((box.left + edge, box.top + height * 70 // 100), shop, face, ink, "lm")
            return Box(box.left, box.top + height, box.right, box.bottom)
        title, face = self._fitting(title, 28, room * (60 if shop else 100) // 100, bold=True)
        self._text((box.left + edge, middle), title, face, ink, "lm")
        taken = round(face.getlength(title)) + self.px(24) if title else 0
        size = min(24, round(face.size / self._scale)) if title else 24  # the shop stands out less
        shop, face = self._fitting(shop, size, room - taken, bold=False)
        self._text((box.right - edge, middle), shop, face, ink, "rm")
        return Box(box.left, box.top + height, box.right, box.bottom)

    def notice(self, text: str, box: Box, *, colour: str, ink: str) -> Box:
        """Draw the mention that must be visible, over the whole width.

        Returns:
            What is left above it.
        """
        if not text:
            return box
        height = self.px(NOTICE_BAND)
        top = box.bottom - height
        self._rectangle(Box(box.left, top, box.right, box.bottom), colour)
        text, face = self._fitting(text, 24, box.width - self.px(2 * MARGIN), bold=True)
        self._text(((box.left + box.right) // 2, top + height // 2), text, face, ink, "mm")
        return Box(box.left, box.top, box.right, top)

    def code_side(self, free: Box) -> int:
        """Find the side of the largest QR that leaves room for the words."""
        margins = 2 * self.px(MARGIN // 2 + CARD_PADDING)
        if free.is_wide:
            return min(free.height - margins, free.width * 55 // 100)
        return min(free.width - margins, free.height * 62 // 100)

    def card(self, free: Box, code: Image, *, colour: str, edge: str) -> Box:
        """Draw a QR on a card, left of the words, or above them in portrait.

        Returns:
            Where the card is.
        """
        width, height = (side + 2 * self.px(CARD_PADDING) for side in code.size)
        if free.is_wide:
            left, top = free.left + self.px(MARGIN), free.top + (free.height - height) // 2
        else:
            left, top = free.left + (free.width - width) // 2, free.top + self.px(MARGIN)
        box = Box(left, top, left + width, top + height)
        self._card(box, colour, edge)
        self._code(code, left + self.px(CARD_PADDING), top + self.px(CARD_PADDING))
        return box

    def beside(self, free: Box, card: Box) -> Box:
        """Find the room for the words: right of the card, or below it in portrait."""
        gap, margin = self.px(GAP), self.px(MARGIN)
        if free.is_wide:
            return Box(card.right + gap, free.top + margin, free.right - gap, free.bottom - margin)
        return Box(free.left + margin, card.bottom + margin, free.right - margin, free.bottom - margin)

    def words(
        self, paragraphs: Sequence[Words], box: Box, *, centred: bool, mark: Mark | None = None
    ) -> None:
        """Draw a mark and paragraphs one below the other, centred from top to bottom, all smaller until they fit.

        What does not fit in the smallest type is cut at the bottom of the box.
        """
        layouts = (
            self._lay_out(paragraphs, box.width, percent, mark)
            for percent in range(100, SMALLEST_PERCENT, -5)
        )
        layout = next(
            (each for each in layouts if each.height <= box.height),
            self._lay_out(paragraphs, box.width, SMALLEST_PERCENT, mark),
        )
        y = box.top + max(0, box.height - layout.height) // 2
        if mark is not None:
            self._mark(mark, (box.left + box.right - layout.mark_side) // 2, y, layout.mark_side)
            y += layout.mark_side + layout.gap
        x, anchor = ((box.left + box.right) // 2, "ma") if centred else (box.left, "la")
        for words, (lines, face) in zip(paragraphs, layout.blocks, strict=True):
            for line in balanced(lines, face):
                if y + line_height(face) <= box.bottom:
                    self._text((x, y), line, face, words.colour, anchor)
                y += line_height(face)
            y += layout.gap

    def _lay_out(self, paragraphs: Sequence[Words], width: int, percent: int, mark: Mark | None) -> _Layout:
        blocks = [self._wrap(words, width, percent) for words in paragraphs]
        gap, side = self.px(14 * percent / 100), self.px(MARK * percent / 100) if mark else 0
        heights = [len(lines) * line_height(face) for lines, face in blocks] + [side] * (mark is not None)
        return _Layout(blocks, gap, side, sum(heights) + gap * max(0, len(heights) - 1))

    def _wrap(self, words: Words, width: int, percent: int) -> _Block:
        text = spell(words.text)
        blocks = (self._set(text, words, width, smaller) for smaller in range(percent, SMALLEST_PERCENT, -5))
        return next(
            (
                (lines, face)
                for lines, face in blocks
                if len(lines) <= words.max_lines and all(face.getlength(line) <= width for line in lines)
            ),
            self._set(text, words, width, SMALLEST_PERCENT),
        )

    def _set(self, text: str, words: Words, width: int, percent: int) -> _Block:
        face = font(self.px(words.size * percent / 100), bold=words.bold)
        return wrapped(text, face, width), face

    def _fitting(self, text: str, size: int, width: int, *, bold: bool) -> tuple[str, FreeTypeFont]:
        """Set one line smaller until it fits, then shorten it."""
        text = spell(text)
        for smaller in range(size, SMALLEST_BAND_TYPE, -1):
            face = font(self.px(smaller), bold=bold)
            if face.getlength(text) <= width:
                return text, face
        face, shorter = font(self.px(SMALLEST_BAND_TYPE), bold=bold), text
        while shorter and face.getlength(f"{shorter}…") > width:
            shorter = shorter[:-1].rstrip()
        return text if shorter == text else f"{shorter}…", face

    # --- what another kind of picture draws in its own way ----------------------------------------------------------------

    def _rectangle(self, box: Box, colour: str) -> None:
        self._draw.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=colour)

    def _text(self, at: tuple[int, int], text: str, face: FreeTypeFont, colour: str, anchor: str) -> None:
        self._draw.text(at, text, font=face, fill=colour, anchor=anchor)

    def _card(self, box: Box, colour: str, edge: str) -> None:
        corners = (box.left, box.top, box.right - 1, box.bottom - 1)
        self._draw.rounded_rectangle(
            corners, radius=self.px(CARD_RADIUS), fill=colour, outline=edge, width=self.px(CARD_EDGE)
        )

    def _code(self, code: Image, left: int, top: int) -> None:
        self._picture.paste(code, (left, top))

    def _mark(self, mark: Mark, x: int, y: int, side: int) -> None:
        from PIL import Image, ImageDraw

        # Pillow draws jagged edges: drawn large, then scaled down.
        large = side * _OVERSAMPLING
        stencil = Image.new("L", (large, large))
        pen, width = ImageDraw.Draw(stencil), round(large * STROKE)
        pen.ellipse((0, 0, large - 1, large - 1), fill=255)
        for stroke in mark.strokes:
            points = [(px * large, py * large) for px, py in stroke]
            pen.line(points, fill=0, width=width, joint="curve")
            for px, py in points:
                pen.ellipse((px - width / 2, py - width / 2, px + width / 2, py + width / 2), fill=0)
        self._picture.paste(mark.colour, (x, y), stencil.resize((side, side), Image.Resampling.LANCZOS))


def scale_of(size: tuple[int, int]) -> float:
    """Find the pixels of a unit on a screen of this width and height."""
    width, height = size
    wide, high = REFERENCE if width > height else reversed(REFERENCE)
    return min(width / wide, height / high)
