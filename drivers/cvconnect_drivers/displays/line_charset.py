"""Texts in the characters of a line display, and their codes. Pure.

A cell shows what one of the display's pages has, else a listed spelling of it, at last the letter under the accent. A
character is never dropped and never becomes a question mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvconnect_drivers.displays.line import NO_BREAK_SPACE
from cvconnect_drivers.spelling import compose, spell

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ASCII = {chr(code): code for code in range(0x20, 0x7F)}


@dataclass(frozen=True, slots=True)
class CharacterPage:
    """What a display shows for each code while this page is selected.

    Args:
        select: The command that selects it; empty where it is always selected.
        codes: The code of each character that is surely there.
    """

    select: bytes
    codes: Mapping[str, int]


def upper_half(codec: str) -> dict[str, int]:
    """Give ASCII, and above it a code page.

    Args:
        codec: Python's name of it.

    Returns:
        The code of each character that can be seen.
    """
    above = {bytes((code,)).decode(codec, "ignore"): code for code in range(0x80, 0x100)}
    return _ASCII | {
        character: code for character, code in above.items() if character.isprintable() and character
    }


def national(characters: str) -> dict[str, int]:
    r"""Give ASCII with the twelve codes that differ from country to country.

    Args:
        characters: What stands at the codes of `#$@[\]^`{|}~`, in this order.

    Returns:
        The code of each character, all below 0x80.
    """
    replaced = "#$@[\\]^`{|}~"
    kept = {character: code for character, code in _ASCII.items() if character not in replaced}
    return kept | dict(zip(characters, map(ord, replaced), strict=True))


def respell(text: str, pages: Sequence[CharacterPage]) -> str:
    """Spell a text with what the pages have.

    Args:
        text: Any text; control characters and ends of lines become spaces, so that no text steers the display.
        pages: The display's pages, together at least ASCII.

    Returns:
        The text; no-break spaces stay what they are.
    """
    known = {NO_BREAK_SPACE, *(character for page in pages for character in page.codes)}
    characters = compose(_CONTROL.sub(" ", text))
    return "".join(spell(each, known.issuperset) for each in characters)


def encode(text: str, pages: Sequence[CharacterPage], current: CharacterPage) -> tuple[bytes, CharacterPage]:
    """Encode a row.

    Args:
        text: In the spelling of `respell`, without no-break spaces.
        pages: The display's pages, the preferred first.
        current: The page that is selected before.

    Returns:
        The bytes, with as few changes of the page as they need, and the page that is selected after them.
    """
    data = bytearray()
    for character in text:
        if character not in current.codes:
            current = next(page for page in pages if character in page.codes)
            data += current.select
        data.append(current.codes[character])
    return bytes(data), current
