"""From text to the bytes of a printer's code pages. Pure.

For each line: one page that has all of it; else, character by character, the page in use, another page, a listed spelling
that reads the same. A line with a character that has none of these is for `raster`, which draws it: accents are never
dropped, `?` is never made, and only control characters are errors.

Source: Epson, ESC/POS Command Reference, `ESC t` (page 16: WPC1252, page 19: PC858, page 40: ISO8859-15).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.spelling import compose, respell

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_PLAIN = re.compile("[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""Nearly every text: no control characters, and nothing to compose or to drop."""


@dataclass(frozen=True, slots=True)
class CodePage:
    """A printer's code page.

    Args:
        number: The n of `ESC t n`, 0 to 255.
        codec: Python's name of it.
    """

    number: int
    codec: str

    def encode(self, text: str) -> bytes | None:
        """Encode all of the text, or nothing.

        Args:
            text: Without control characters.

        Returns:
            One byte per character, or None when the page lacks one.
        """
        try:
            return codecs.charmap_encode(text, "strict", _table(self.codec))[0]
        except UnicodeEncodeError:
            return None


@cache
def _table(codec: str) -> Any:
    """Invert a page: several of Python's own codecs ask a dictionary for each character, six times as long."""
    characters = [bytes((byte,)).decode(codec, "replace") for byte in range(256)]
    return codecs.charmap_build("".join(characters).replace("\ufffd", "\ufffe"))


PC858 = CodePage(19, "cp858")
WPC1252 = CodePage(16, "cp1252")
ISO8859_15 = CodePage(40, "iso8859-15")


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes to print with one page selected."""

    page: CodePage
    data: bytes


def encode(text: str, pages: Sequence[CodePage], current: CodePage) -> list[Run] | None:
    """Encode one line.

    Args:
        text: The line, without its end.
        pages: The printer's pages, the preferred first.
        current: The page that is selected now.

    Returns:
        As few runs as the pages allow, none for an empty text; None for a line that must be drawn.

    Raises:
        ContentError: `CONTROL_CHARACTER`; the message names the code point.
    """
    if text.isascii() and text.isprintable():  # every page begins with these
        return [Run(current, text.encode())] if text else []
    if not _PLAIN.fullmatch(text):
        text = printable(text)
    if not text:
        return []
    data = current.encode(text)
    if data is not None:
        return [Run(current, data)]
    for page in pages:
        data = page.encode(text)
        if data is not None:
            return [Run(page, data)]
    pieces: list[Run] = []
    for character in text:
        piece = _encode_one(character, (pieces[-1].page if pieces else current, *pages))
        if piece is None:
            return None
        pieces.append(piece)
    by_page = groupby(pieces, key=lambda piece: piece.page)
    return [Run(page, b"".join(piece.data for piece in run)) for page, run in by_page]


def printable(text: str) -> str:
    """Write each letter of a line as one character.

    Args:
        text: The line, without its end.

    Returns:
        The line, without what has no shape.

    Raises:
        ContentError: `CONTROL_CHARACTER`; the message names the code point.
    """
    control = _CONTROL.search(text)
    if control is not None:
        raise _control_character(control[0])
    return compose(text)


def _encode_one(character: str, pages: Sequence[CodePage]) -> Run | None:
    """Encode one character, or what reads the same, in one page."""
    text = respell(character, lambda spelt: any(page.encode(spelt) is not None for page in pages))
    if text is None:
        return None
    runs = ((page, page.encode(text)) for page in pages)
    return next(Run(page, data) for page, data in runs if data is not None)


def _control_character(character: str) -> ContentError:
    point = f"U+{ord(character):04X}"
    return ContentError(
        "CONTROL_CHARACTER",
        fr=f"Le caractère de commande {point} ne peut pas être imprimé.",
        en=f"The control character {point} cannot be printed.",
    )
