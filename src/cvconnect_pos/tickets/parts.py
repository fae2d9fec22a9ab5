"""What a ticket is made of, before anybody knows on what it will stand: paper of so many columns, or a page of HTML."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

Weight: TypeAlias = Literal["plain", "bold", "large", "boxed"]
"""How much something stands out; what is boxed cannot be missed."""

_UNSEEN = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "\N{REPLACEMENT CHARACTER}"}
"""What no ticket can show, by its category: line ends and control characters part words, format characters vanish."""

_SPACES = re.compile(" {2,}")


def clean(text: str) -> str:
    """Make a text one line that can be shown anywhere.

    Letters and their accents become one character each, so that no line end falls between them. Nothing that can be seen
    is changed or lost.

    Args:
        text: Any text.

    Returns:
        The same words without control characters, line ends, invisible format characters and surrogates.
    """
    text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(_UNSEEN.get(unicodedata.category(character), character) for character in text)
    return _SPACES.sub(" ", text).strip(" ")


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the middle of the line.

    Args:
        text: One or more lines of it.
        bold: Whether it stands out.
        title: Whether it says what the ticket is.
        french: Whether it is French whatever the ticket's language is: a mention that the law or the provider knows.
    """

    text: str
    bold: bool = False
    title: bool = False
    french: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text))


@dataclass(frozen=True, slots=True)
class Pair:
    """A label to the left and its value to the right."""

    label: str
    value: str
    weight: Weight = "plain"

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", clean(self.label))
        object.__setattr__(self, "value", clean(self.value))


@dataclass(frozen=True, slots=True)
class Picture:
    """The shop's logo, a PNG."""

    png: bytes


@dataclass(frozen=True, slots=True)
class Code:
    """A QR."""

    payload: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty line."""


Part: TypeAlias = Words | Pair | Picture | Code | Rule | Gap
