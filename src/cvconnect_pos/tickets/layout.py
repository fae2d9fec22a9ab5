"""A ticket on paper of so many columns: lines for a printer, and plain text. Pure."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cvconnect_pos.messages import Language
from cvconnect_pos.peripherals import Align
from cvconnect_pos.tickets.parts import Code, Gap, Pair, Part, Picture, Rule, Words


@dataclass(frozen=True, slots=True)
class Line:
    """One line of paper; see `peripherals.PrintLine`.

    Args:
        text: At most as many characters as the paper has columns; half as many when it is large.
        align: Where it stands.
        bold: Whether it is emphasised.
        large: Whether it is of double width and height.
        qr: A QR instead of the text.
        image: A PNG instead of the text.
    """

    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


_EDGE = "="


class Printable(ABC):
    """What can be printed: a ticket, a day report.

    Args:
        language: The language it is in.
    """

    __slots__ = ()

    language: Language

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in a few words."""

    @abstractmethod
    def parts(self) -> Iterable[Part]:
        """Say what stands on it, from the top."""

    def lines(self, columns: int) -> Sequence[Line]:
        """Lay it out.

        Args:
            columns: Characters on a line. Made for 24 and more; below, words and even amounts are broken, never cut.

        Returns:
            The lines, none longer than `columns`, large ones not longer than half of that.
        """
        lines: list[Line] = []
        for part in self.parts():
            if isinstance(part, Rule) and lines and lines[-1].text.startswith(_EDGE):
                continue  # what is boxed is ruled off already
            lines += _laid(part, columns)
        return lines

    def text(self, columns: int = 42) -> str:
        """Give it as plain text, for a till that prints it in its own receipt.

        Args:
            columns: Characters on a line.

        Returns:
            The lines, separated by line feeds. A logo is left out; of a QR its content is given.
        """
        return "\n".join(_plain(self.lines(columns), columns))

    def html(self, *, page: bool = False, width_mm: int = 80) -> str:
        """Give it as HTML that needs nothing from elsewhere.

        Args:
            page: Whether a whole page is wanted, to be printed as it is, or an element to put into one.
            width_mm: The paper's width, in mm, 40 to 210.

        Returns:
            The HTML; every text in it is escaped.

        Raises:
            InvalidInput: `NUMBER_OUT_OF_RANGE`.
        """
        from cvconnect_pos.tickets.html import element_of, page_of

        return (page_of if page else element_of)(self, width_mm)


def _laid(part: Part, columns: int) -> Iterator[Line]:
    match part:
        case Words(text, bold):
            yield from (Line(line, "center", bold) for line in _balanced(text, columns))
        case Pair():
            yield from _pair(part, columns)
        case Picture(png):
            yield Line(align="center", image=png)
        case Code(payload):
            yield Line(align="center", qr=payload)
        case Rule():
            yield Line("-" * columns)
        case Gap():
            yield Line()


def _pair(pair: Pair, columns: int) -> Iterator[Line]:
    label, value = pair.label, pair.value
    if pair.weight == "boxed":
        edge = Line(_EDGE * columns, bold=True)
        yield edge
        for text in (label, value):
            if len(text) <= columns // 2:
                yield Line(text, "center", bold=True, large=True)
            else:
                yield from (Line(line, "center", bold=True) for line in _wrapped(text, columns))
        yield edge
    elif pair.weight == "large" and len(value) <= columns // 2:
        yield from (Line(line, bold=True) for line in _wrapped(label, columns))
        yield Line(value, "right", bold=True, large=True)
    else:
        yield from _side_by_side(label, value, columns, bold=pair.weight != "plain")


def _side_by_side(label: str, value: str, columns: int, *, bold: bool) -> Iterator[Line]:
    """Set label and value on one line where they fit; otherwise the value below, as far right as it goes."""
    space = columns - len(label) - len(value)
    if space >= 1:
        yield Line(label + " " * space + value, bold=bold)
        return
    yield from (Line(line, bold=bold) for line in _wrapped(label, columns))
    yield from (Line(line, "right", bold) for line in _wrapped(value, columns))


def _balanced(text: str, columns: int) -> list[str]:
    """Break a text into as few lines as it takes, of about the same length: no last word stands alone."""
    lines = _wrapped(text, columns)
    longest_word = max(map(len, text.split(" ")))
    while len(lines) > 1 and (width := max(map(len, lines)) - 1) >= longest_word:
        narrower = _wrapped(text, width)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _wrapped(text: str, columns: int) -> list[str]:
    """Break a value, at a space where there is one: never at a hyphen, which would be taken for a part of it, or not."""
    return textwrap.wrap(text, columns, break_on_hyphens=False)


def _plain(lines: Iterable[Line], columns: int) -> Iterator[str]:
    for line in lines:
        if line.image is not None:
            continue
        for text in [line.text] if line.qr is None else _wrapped(line.qr, columns):
            yield _ALIGNED[line.align](text, columns).rstrip()


_ALIGNED = {"left": str.ljust, "center": str.center, "right": str.rjust}
