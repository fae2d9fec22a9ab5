"""Tickets as pictures of paper, dot for dot: what a till without a printer shows, and what documentation prints.

Each character stands in the cell that a printer's font A would give it, in JetBrains Mono; what that typeface lacks is drawn
as on real paper (see `raster`). QR codes have the printer's modules and their whole quiet zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.charset import printable
from cvconnect_drivers.printers.escpos import LINE_SPACING_DOTS, module_dots, within_limits
from cvconnect_drivers.printers.logo import draw_logo
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.raster import CELL_HEIGHT_DOTS, Bitmap, draw_cell, draw_qr
from cvconnect_drivers.qr import QUIET_ZONE_MODULES, make_matrix
from cvconnect_drivers.shapes import Align, Line
from cvconnect_drivers.spelling import respell

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

MARGIN_DOTS: Final = 32
"""Of white around what can be printed: 4 mm."""

MAX_HEIGHT_DOTS: Final = 24_000
"""3 m of paper."""

_EM_DOTS, _BASELINE_DOTS = 20, 19
"""JetBrains Mono is 3/5 of its em wide: 12 dots, as font A; the tallest capital and the deepest descender fill the cell."""

_EM_PER_WIDTH: Final = 5 / 3
_PAPER, _INK = 255, 0


def render(lines: Iterable[Line], profile: Profile) -> Image:
    """Draw a ticket.

    Args:
        lines: The lines, from the top, laid out for `profile.columns`.
        profile: The printer that it would be printed on.

    Returns:
        Pillow's picture in grey, a pixel per dot.

    Raises:
        ContentError: What `Encoder.job` raises, and `JOB_TOO_LONG` over `MAX_HEIGHT_DOTS`.
    """
    return _stacked(list(_within_height(_strips(lines, profile))), profile)


def _within_height(strips: Iterable[Image]) -> Iterator[Image]:
    height = 0
    for strip in strips:
        height += strip.height
        if height > MAX_HEIGHT_DOTS:
            raise ContentError(
                "JOB_TOO_LONG",
                fr="Le ticket dépasse 3 m : l’image est refusée.",
                en=f"A picture over {MAX_HEIGHT_DOTS} pixels high is not made.",
            )
        yield strip


def _stacked(strips: Sequence[Image], profile: Profile) -> Image:
    from PIL import Image

    height = sum(strip.height for strip in strips)
    paper = Image.new("L", (profile.width_dots + 2 * MARGIN_DOTS, height + 2 * MARGIN_DOTS), _PAPER)
    y = MARGIN_DOTS
    for strip in strips:
        paper.paste(strip, (MARGIN_DOTS, y))
        y += strip.height
    return paper


def _strips(lines: Iterable[Line], profile: Profile) -> Iterator[Image]:
    for line in within_limits(lines):
        image = getattr(line, "image", None)  # lines of a till's own may know no pictures
        if image is not None:
            yield from _logo(image, line.align, profile)
        elif line.qr is not None:
            yield _qr(line.qr, line.align, profile)
        else:
            yield from _text(line, profile)


def _text(line: Line, profile: Profile) -> Iterator[Image]:
    times = 2 if line.large else 1
    per_line = max(profile.columns // times, 1)
    cells = [cell for each in printable(line.text) for cell in respell(each, _has) or each]
    for start in range(0, max(len(cells), 1), per_line):
        yield _row(cells[start : start + per_line], line, profile, times)


def _row(cells: Sequence[str], line: Line, profile: Profile, times: int) -> Image:
    from PIL import Image, ImageDraw

    width = profile.column_dots * times
    row = Image.new("L", (profile.width_dots, max(LINE_SPACING_DOTS, CELL_HEIGHT_DOTS * times)), _PAPER)
    draw = ImageDraw.Draw(row)
    face = _face(round(width * _EM_PER_WIDTH), bold=line.bold)
    left = _left(len(cells) * width, line.align, profile)
    for position, cell in enumerate(cells):
        x = left + position * width
        if _has(cell):
            draw.text((x, _BASELINE_DOTS * times), cell, fill=_INK, font=face, anchor="ls")
        else:
            row.paste(_INK, (x, 0), draw_cell(cell, width, times, bold=line.bold))
    return row


def _qr(payload: str, align: Align, profile: Profile) -> Image:
    dots = module_dots(payload, profile)
    quiet = QUIET_ZONE_MODULES * dots
    code = make_matrix(payload, mode="byte")
    side = code.modules * dots
    return _strip(draw_qr(code, dots), side, align, profile, above=quiet, below=quiet)


def _logo(png: bytes, align: Align, profile: Profile) -> Iterator[Image]:
    try:
        logo = draw_logo(png, profile.width_dots)
    except ContentError:  # a ticket never fails because of its logo
        return
    yield _strip(logo, 8 * logo.row_bytes, align, profile)


def _strip(
    dots: Bitmap, width: int, align: Align, profile: Profile, *, above: int = 0, below: int = 0
) -> Image:
    from PIL import Image

    strip = Image.new("L", (profile.width_dots, above + dots.height_dots + below), _PAPER)
    black = Image.frombytes("1", (8 * dots.row_bytes, dots.height_dots), dots.data)
    strip.paste(_INK, (_left(width, align, profile), above), black)
    return strip


def _left(width: int, align: Align, profile: Profile) -> int:
    spare = max(profile.width_dots - width, 0)
    return {"left": 0, "center": spare // 2, "right": spare}[align]


@cache
def _face(size: int, *, bold: bool) -> FreeTypeFont:
    from importlib.resources import files

    from PIL import ImageFont

    name = f"JetBrainsMono-{'Bold' if bold else 'Regular'}.ttf"
    data = (files("cvconnect_drivers.printers") / "jetbrains_mono" / name).read_bytes()
    # Cell by cell there is nothing to lay out, and the plain engine is everywhere.
    return ImageFont.truetype(BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _has(character: str) -> bool:
    return character in " \u00a0" or _ink(character) != _ink("\uffff")


@cache
def _ink(character: str) -> bytes:
    from PIL import Image, ImageDraw

    cell = Image.new("L", (2 * _EM_DOTS, 2 * _EM_DOTS))
    ImageDraw.Draw(cell).text((0, 0), character, font=_face(_EM_DOTS, bold=False), fill=255)
    return cell.tobytes()
