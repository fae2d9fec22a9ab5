"""A customer screen in a terminal: `terminal:`.

The QR is drawn with half blocks, two modules per character, dark on light whatever the terminal's own colours are. A stream
that is no terminal keeps what was written: there, clearing can only end the prompt with a rule. A stream whose encoding has
no half blocks shows words, spelled with the characters that it has.

Settings: `columns` and `rows` (0: ask the terminal), `colour` (`auto`, `always`, `never`), and, in the table only, `stream`, the
text stream to write to instead of the standard output.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, TextIO, TypeAlias, cast

from cvconnect_drivers.displays import NO_QR, READY, has_qr
from cvconnect_drivers.displays.drawn import DrawnDisplay
from cvconnect_drivers.displays.half_blocks import BLOCKS, RESET, blocks
from cvconnect_drivers.displays.picture import inverted, open_picture, read_modules
from cvconnect_drivers.errors import (
    ConfigurationError,
    ContentError,
    LinkLostError,
    PackageMissingError,
)
from cvconnect_drivers.qr import QrMatrix, make_matrix
from cvconnect_drivers.shapes import Health, Prompt, PromptState, Surface
from cvconnect_drivers.spelling import spell
from cvconnect_drivers.urls import Settings, parse_url

Colour: TypeAlias = Literal["auto", "always", "never"]

_BOLD = "\x1b[1m"
_HOME_AND_ERASE = "\x1b[H\x1b[J"
_INK: dict[PromptState, str] = {
    "idle": "",
    "waiting": "\x1b[1;34m",
    "seen": "\x1b[1;34m",
    "paid": "\x1b[1;32m",
    "partial": "\x1b[1;33m",
    "refused": "\x1b[1;31m",
    "expired": "\x1b[1;31m",
    "cancelled": "\x1b[1;31m",
    "check": "\x1b[1;33m",
}
_NOTICE = "\x1b[38;5;16;48;5;220m"

DEFAULT_COLUMNS, DEFAULT_ROWS = 80, 24
ENDLESS_ROWS = 1000
MIN_WORDS_COLUMNS = 28
_AS_PICTURE = "\ufe0f"
"""Source: Unicode, UTS #51, 1.4.3: the variation selector of an emoji."""

GAP_COLUMNS = 3


class TerminalDisplay(DrawnDisplay):
    """A terminal turned to the customer.

    Args:
        name: The URL it was made from.
        stream: Where to write; it is never closed.
        size: Columns and rows; 0 asks the terminal.
        colour: Whether to use colours.
    """

    def __init__(self, name: str, stream: TextIO | None, size: tuple[int, int], colour: Colour) -> None:
        super().__init__(name, "Vérifiez que le client voit cette fenêtre.")
        self._stream = stream
        self._size = size
        self._colour = colour
        self._showing = False

    def _take(self) -> None:
        if not self._claimed:
            self._erase()
        self._write("")

    def _draw(self, prompt: Prompt | None) -> Surface:
        if prompt is None:
            if self._showing:
                self._erase()
            return "none"
        encoding = self._out.encoding or "utf-8"
        try:
            text, surface = draw(prompt, self._measure(), coloured=self._coloured, encoding=encoding)
        except ImportError as error:
            raise PackageMissingError("pillow") from error
        self._erase()
        self._write(text)
        self._showing = True
        return surface

    @property
    def _out(self) -> TextIO:
        # Looked up late: a till may replace the standard output after it has read its station file.
        stream = self._stream if self._stream is not None else sys.stdout
        if stream is None:  # a Windows program without a console
            raise LinkLostError(self._name, "there is no standard output")
        return stream

    @property
    def _is_terminal(self) -> bool:
        return not self._out.closed and self._out.isatty()

    @property
    def _coloured(self) -> bool:
        return self._colour == "always" or (self._colour == "auto" and self._is_terminal)

    def _measure(self) -> tuple[int, int]:
        columns, rows = DEFAULT_COLUMNS, DEFAULT_ROWS if self._is_terminal else ENDLESS_ROWS
        if self._is_terminal:
            # A terminal that does not tell has the usual size.
            with contextlib.suppress(OSError, ValueError):
                columns, rows = os.get_terminal_size(self._out.fileno())
        return self._size[0] or columns or DEFAULT_COLUMNS, self._size[1] or rows or DEFAULT_ROWS

    def _erase(self) -> None:
        if self._is_terminal:
            self._write(_HOME_AND_ERASE)
        elif self._showing:
            self._write("-" * MIN_WORDS_COLUMNS + "\n")
        self._showing = False

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            self._health = Health("absent", "La fenêtre de l’écran client est fermée.")
            raise LinkLostError(self._name, type(error).__name__) from error
        self._health = READY


def draw(
    prompt: Prompt, size: tuple[int, int], *, coloured: bool, encoding: str = "utf-8"
) -> tuple[str, Surface]:
    """Draw a prompt as text. Pure.

    Args:
        prompt: What to show.
        size: Columns and rows that are free.
        coloured: Whether colours may be used; without, the terminal is taken to be dark.
        encoding: The stream's encoding.

    Returns:
        The text, with its last line ended, and what the customer sees.
    """
    columns, rows = size
    matrix = _matrix(prompt, encoding)
    code = blocks(matrix, coloured=coloured) if matrix else []
    width = matrix.modules_with_quiet_zone if matrix else 0
    if code and width + GAP_COLUMNS + MIN_WORDS_COLUMNS <= columns:
        words = _words(prompt, prompt.instruction, columns - width - GAP_COLUMNS, encoding, coloured=coloured)
        if max(len(words), len(code)) < rows:
            return _side_by_side(code, words, width), "qr"
    if code and width <= columns:
        words = _words(prompt, prompt.instruction, columns, encoding, coloured=coloured)
        if len(code) + len(words) < rows:
            return "\n".join([*code, *words, ""]), "qr"
    told = NO_QR if has_qr(prompt) else prompt.instruction
    words = _words(prompt, told, columns, encoding, coloured=coloured)
    return "\n".join([*words, ""]) if words else "", "text" if words else "none"


def _matrix(prompt: Prompt, encoding: str) -> QrMatrix | None:
    """Find the modules of the QR; none where it came only as a picture that is no plain grid, or cannot be drawn."""
    if not _has(encoding, BLOCKS):
        return None
    matrix = None
    with contextlib.suppress(ContentError):
        if prompt.qr_png is not None:
            picture = open_picture(prompt.qr_png)
            matrix = read_modules(picture) or read_modules(inverted(picture))
    with contextlib.suppress(ContentError):
        if matrix is None and prompt.qr_payload is not None:
            matrix = make_matrix(prompt.qr_payload)
    return matrix


def _words(prompt: Prompt, told: str, columns: int, encoding: str, *, coloured: bool) -> list[str]:
    groups = (
        ((prompt.notice, _NOTICE),),
        ((prompt.shop, ""), (prompt.title, _BOLD)),
        ((prompt.amount, _BOLD),),
        ((told, _INK[prompt.state]), (prompt.detail, "")),
        ((prompt.expires_text, ""), (prompt.basket_ref, "")),
    )
    lines: list[str] = []
    for group in groups:
        told_lines = [
            f"{style}{line}{RESET}" if coloured and style else line
            for text, style in group
            if text
            for line in _wrapped(_printable(text, encoding), columns)
        ]
        lines += ["", *told_lines] if lines and told_lines else told_lines
    return lines


def _wrapped(text: str, columns: int) -> list[str]:
    # A row that is too wide would tear the QR beside it: a character of two cells is counted with a filler, which may be cut off.
    wide = "".join(f"{each}\0" if unicodedata.east_asian_width(each) in "WF" else each for each in text)
    lines = textwrap.wrap(wide, columns - ("\0" in wide), break_on_hyphens=False)
    return [line.replace("\0", "") for line in lines]


def _printable(text: str, encoding: str) -> str:
    # A provider's message must not steer the terminal, nor ask for a picture that is wider than its character.
    shown = (each for each in text if unicodedata.category(each) != "Cc" and each != _AS_PICTURE)
    return "".join(spell(character, lambda spelled: _has(encoding, spelled)) for character in shown)


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _side_by_side(code: Sequence[str], words: Sequence[str], width: int) -> str:
    above = max(0, (len(code) - len(words)) // 2)
    right = [""] * above + list(words)
    lines: list[str] = []
    for row in range(max(len(code), len(right))):
        left = code[row] if row < len(code) else " " * width
        word = right[row] if row < len(right) else ""
        lines.append(f"{left}{' ' * GAP_COLUMNS}{word}" if word else left)
    return "\n".join([*lines, ""])


def open_display(url: str, options: Mapping[str, object]) -> TerminalDisplay:
    """Make a terminal display; nothing is written before `claim`.

    Args:
        url: `terminal:`.
        options: The settings named at the top of this module.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"terminal"})
    settings = Settings(device, options)
    size = settings.whole("columns", 0, 0, 1000), settings.whole("rows", 0, 0, 1000)
    word = settings.choice("colour", "auto", {"auto", "always", "never"})
    colour: Colour = "always" if word == "always" else "never" if word == "never" else "auto"
    stream = settings.take("stream")
    settings.refuse_unknown()
    if not isinstance(stream, io.TextIOBase | None):
        raise ConfigurationError(
            "INVALID_URL",
            fr="Le réglage « stream » doit être un flux de texte.",
            en="'stream' must be a text stream",
        )
    return TerminalDisplay(url, cast("TextIO | None", stream), size, colour)
