"""Turns characters and their style into dots, one printed line at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cvconnect_sim.printer.font import Font, Rows, glyph

UNDEFINED = "▯"
"""How a character that the page does not define is shown in a slip's text; on paper it is a box."""


@dataclass(frozen=True, slots=True)
class Style:
    """How characters are printed.

    Args:
        font: Font A or Font B.
        bold: printed twice, one dot apart.
        underline_dots: 0, 1 or 2.
        wide: width multiplier, 1 to 8.
        tall: height multiplier, 1 to 8.
        reverse: white on black; underlining has no effect then.
    """

    font: Font = Font.A
    bold: bool = False
    underline_dots: int = 0
    wide: int = 1
    tall: int = 1
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One character in the print buffer; `char` is None where the page defines none, `double` is a two-byte one."""

    char: str | None
    style: Style
    double: bool = False

    @property
    def width_dots(self) -> int:
        """Width on paper."""
        return self.style.font.width_dots * self.wide

    @property
    def height_dots(self) -> int:
        """Height on paper."""
        return self.style.font.height_dots * self.style.tall

    @property
    def wide(self) -> int:
        """Width multiplier."""
        return 2 * self.style.wide if self.double else self.style.wide

    @property
    def rows(self) -> Rows:
        """Its dots."""
        return _image(self)

    @property
    def text(self) -> str:
        """As one reads it."""
        return UNDEFINED if self.char is None else self.char


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, in the print buffer like a character; nothing to read."""

    rows: Rows
    width_dots: int
    text: str = ""

    @property
    def height_dots(self) -> int:
        """Height on paper."""
        return len(self.rows)


def text_of(cells: Sequence[Cell | Picture]) -> str:
    """The characters as one reads them, no-break spaces included."""
    return "".join(cell.text for cell in cells)


@lru_cache(maxsize=1024)
def typeset(cells: tuple[Cell | Picture, ...]) -> tuple[Rows, int]:
    """Set a line of characters, large and small ones on the same foot.

    Args:
        cells: at least one.

    Returns:
        The rows of dots and their width.

    Unverified: the cells' lower edges are brought in line, not the base lines of the letters.
    """
    height = max(cell.height_dots for cell in cells)
    rows = [0] * height
    line_width = 0
    for cell in cells:
        width = cell.width_dots
        image = cell.rows
        blank = (0,) * (height - len(image))
        rows = [row << width | dots for row, dots in zip(rows, blank + image, strict=True)]
        line_width += width
    return tuple(rows), line_width


def enlarge(rows: Rows, width_dots: int, wide: int, tall: int) -> Rows:
    """Repeat every dot `wide` times across and `tall` times down.

    Args:
        rows: the image.
        width_dots: its width.
        wide: multiplier across, 1 or more.
        tall: multiplier down, 1 or more.
    """
    if wide > 1:
        block = (1 << wide) - 1
        rows = tuple(
            sum(block << (wide * x) for x in range(width_dots) if row >> x & 1) if row else 0 for row in rows
        )
    return tuple(row for row in rows for _ in range(tall))


@lru_cache(maxsize=4096)
def _image(cell: Cell) -> Rows:
    style = cell.style
    rows = enlarge(glyph(style.font, cell.char), style.font.width_dots, cell.wide, style.tall)
    if style.bold:
        rows = tuple(row | row >> 1 for row in rows)
    full = (1 << cell.width_dots) - 1
    if style.reverse:
        return tuple(row ^ full for row in rows)
    if style.underline_dots:
        return rows[: -style.underline_dots] + (full,) * style.underline_dots
    return rows
