"""The customer's screen as a picture: amount, instruction, QR, expiry, notice, shop.

Landscape puts the QR to the left of the words, portrait above them; without a QR the words have the whole screen. When nobody pays, the shop has it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cvconnect_drivers.displays import NO_QR, has_qr
from cvconnect_drivers.displays.painter import Box, Mark, Painter, Strokes, Words
from cvconnect_drivers.displays.picture import (
    can_be_scanned,
    inverted,
    open_picture,
    read_modules,
    with_quiet_zone,
)
from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.qr import QrMatrix, make_matrix, module_px
from cvconnect_drivers.shapes import Prompt, PromptState, Surface

if TYPE_CHECKING:
    from PIL.Image import Image

BACKGROUND, CARD, EDGE = "#f4f6fa", "#ffffff", "#d9dfe8"
INK, SOFT_INK = "#14213d", "#55617a"
NOTICE, NOTICE_INK = "#ffc933", "#2b2000"

COLOURS: dict[PromptState, str] = {
    "idle": "#1f4e9c",
    "waiting": "#1f4e9c",
    "seen": "#1f4e9c",
    "paid": "#13753d",
    "partial": "#a85b00",
    "refused": "#a3303b",
    "expired": "#7a4149",
    "cancelled": "#7a4149",
    "check": "#a85b00",
}
"""On white and under white, each has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""

_TICK: Strokes = (((0.29, 0.53), (0.44, 0.67), (0.72, 0.36)),)
_CROSS: Strokes = (((0.34, 0.34), (0.66, 0.66)), ((0.66, 0.34), (0.34, 0.66)))
_CLOCK: Strokes = (((0.5, 0.24), (0.5, 0.52), (0.67, 0.62)),)
_EXCLAMATION: Strokes = (((0.5, 0.26), (0.5, 0.56)), ((0.5, 0.735),))
_STROKES: dict[PromptState, Strokes] = {
    "paid": _TICK,
    "partial": _EXCLAMATION,
    "refused": _CROSS,
    "cancelled": _CROSS,
    "expired": _CLOCK,
    "check": _EXCLAMATION,
}

_SIZES_BESIDE_QR = (66, 30, 26, 22)
_SIZES_ALONE = (88, 38, 32, 24)
_SIZES_IDLE = (88, 60, 32, 24)
"""Amount, instruction, detail, the rest."""


def render(prompt: Prompt, size: tuple[int, int]) -> tuple[Image, Surface]:
    """Draw the whole screen.

    Args:
        prompt: What to show.
        size: Width and height, in pixels.

    Returns:
        The picture, and what the customer sees: where a QR would not scan, words say that it is not shown.
    """
    picture = blank(size)
    return picture, paint(prompt, Painter(picture))


def paint(prompt: Prompt, painter: Painter) -> Surface:
    """Draw the whole screen with somebody else's painter.

    Args:
        prompt: What to show.
        painter: Who draws, on an empty screen.

    Returns:
        What the customer sees.
    """
    colour = COLOURS[prompt.state]
    nobody_pays = prompt.state == "idle" and not prompt.instruction
    shop = "" if nobody_pays else prompt.shop
    free = painter.band(prompt.title, shop, Box(0, 0, *painter.size), colour=colour, ink=CARD)
    free = painter.notice(prompt.notice, free, colour=NOTICE, ink=NOTICE_INK)
    code = draw_code(prompt, painter.code_side(free))
    if code is not None:
        card = painter.card(free, code, colour=CARD, edge=EDGE)
        paragraphs = _paragraphs(prompt, prompt.instruction, _SIZES_BESIDE_QR)
        painter.words(paragraphs, painter.beside(free, card), centred=not free.is_wide)
        return "qr"
    strokes = _STROKES.get(prompt.state)
    mark = Mark(strokes, colour) if strokes else None
    told = prompt.shop if nobody_pays else NO_QR if has_qr(prompt) else prompt.instruction
    paragraphs = _paragraphs(prompt, told, _SIZES_IDLE if nobody_pays else _SIZES_ALONE)
    painter.words(paragraphs, painter.inset(free, 28), centred=True, mark=mark)
    return "text" if paragraphs or prompt.title or prompt.shop or prompt.notice else "none"


def blank(size: tuple[int, int]) -> Image:
    """Draw the screen on which nothing is left.

    Args:
        size: Width and height, in pixels.

    Returns:
        The picture.
    """
    from PIL import Image

    return Image.new("RGB", size, BACKGROUND)


def draw_code(prompt: Prompt, side: int) -> Image | None:
    """Draw the QR of a prompt alone, with its quiet zone: the provider's picture, or what it holds where that cannot be used.

    Args:
        prompt: The prompt.
        side: Of the square that is free, in pixels.

    Returns:
        The picture, or None without a QR, or with one that would not scan.
    """
    code = None
    with suppress(ContentError):
        if prompt.qr_png is not None:
            code = _draw_picture(open_picture(prompt.qr_png), side)
    with suppress(ContentError):
        if code is None and prompt.qr_payload is not None:
            code = _draw_matrix(make_matrix(prompt.qr_payload), side)
    return code


def _draw_picture(picture: Image, side: int) -> Image | None:
    """Draw a provider's picture as its modules, or else as it is when a QR is read in what would be shown."""
    both = (picture, inverted(picture))  # light on dark, most telephones read nothing
    matrix = next(filter(None, map(read_modules, both)), None)
    if matrix is not None:
        return _draw_matrix(matrix, side)
    return next(
        (each for each in (_fit(with_quiet_zone(one), side) for one in both) if can_be_scanned(each)), None
    )


def _draw_matrix(matrix: QrMatrix, side: int) -> Image:
    from PIL import Image

    length = matrix.modules_with_quiet_zone
    pixels = module_px(length, side)
    modules = bytes(0 if dark else 255 for row in matrix.with_quiet_zone() for dark in row)
    small = Image.frombytes("L", (length, length), modules)
    return small.resize((length * pixels, length * pixels), Image.Resampling.NEAREST)


def _fit(picture: Image, side: int) -> Image:
    """Scale a picture that is no plain grid: up by whole numbers, down as smoothly as Pillow can."""
    from PIL import Image

    times = side // max(picture.size)
    if times:
        return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    smaller = picture.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    return smaller


def _paragraphs(prompt: Prompt, told: str, sizes: tuple[int, int, int, int]) -> list[Words]:
    amount, instruction, detail, rest = sizes
    paragraphs = (
        Words(prompt.amount, amount, bold=True, colour=INK, max_lines=1),
        Words(told, instruction, bold=True, colour=COLOURS[prompt.state], max_lines=5),
        Words(prompt.detail, detail, bold=False, colour=INK, max_lines=4),
        Words(prompt.expires_text, rest, bold=False, colour=SOFT_INK, max_lines=2),
        Words(prompt.basket_ref, rest, bold=False, colour=SOFT_INK, max_lines=2),
    )
    return [words for words in paragraphs if words.text]
