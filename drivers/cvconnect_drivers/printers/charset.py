"""From text to the bytes of a printer's code pages. Pure.

For each line: one page that has all of it; else, character by character, the page in use, another page, a plainer spelling.
What no page has and nothing spells prints as a visible mark; `?` is never made, and only control characters are errors.

Source: Epson, ESC/POS Command Reference, `ESC t` (page 16: WPC1252, page 19: PC858).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.spelling import compose, spell

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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
            return text.encode(self.codec)
        except UnicodeEncodeError:
            return None


PC858 = CodePage(19, "cp858")
WPC1252 = CodePage(16, "cp1252")


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes to print with one page selected."""

    page: CodePage
    data: bytes


def encode(text: str, pages: Sequence[CodePage], current: CodePage) -> list[Run]:
    """Encode one line.

    Args:
        text: The line, without its end.
        pages: The printer's pages, the preferred first.
        current: The page that is selected now.

    Returns:
        As few runs as the pages allow; none for an empty text.

    Raises:
        ContentError: `CONTROL_CHARACTER`; the message names the code point.
    """
    control = _CONTROL.search(text)
    if control is not None:
        raise _control_character(control[0])
    text = compose(text)
    if not text:
        return []
    for page in (current, *pages):
        data = page.encode(text)
        if data is not None:
            return [Run(page, data)]
    return list(_merged(text, pages, current))


def _merged(text: str, pages: Sequence[CodePage], current: CodePage) -> Iterator[Run]:
    held = Run(current, b"")
    for character in text:
        run = _encode_one(character, (held.page, *pages))
        if run.page == held.page:
            held = Run(held.page, held.data + run.data)
            continue
        if held.data:
            yield held
        held = run
    if held.data:
        yield held


def _encode_one(character: str, pages: Sequence[CodePage]) -> Run:
    """Encode one character, or what stands for it, in one page."""
    text = spell(character, lambda spelt: any(page.encode(spelt) is not None for page in pages))
    runs = ((page, page.encode(text)) for page in pages)
    return next(Run(page, data) for page, data in runs if data is not None)


def _control_character(character: str) -> ContentError:
    point = f"U+{ord(character):04X}"
    return ContentError(
        "CONTROL_CHARACTER",
        fr=f"Le caractère de commande {point} ne peut pas être imprimé.",
        en=f"The control character {point} cannot be printed.",
    )
