"""The commands of line displays, as tables, and what is written with them. Pure.

Each frame says everything anew: mode, cursor, brightness, character page, the place of each row and all of its cells. A
display that was switched off meanwhile, or that misread a byte, is right again after the next one.

Source: Epson, DM-D110 Specification, 5.4 (`BS`, `HT`, `ESC @`, `ESC t`, `US v`, `US (`), and ESC/POS Command Reference for
customer displays, `US ( B` function 48; POS-X, XP8200 manual, 4.1.2 (Epson), 4.1.5 (AEDEX) and 4.1.8 (CD5220); Partner Tech,
CD5220 User's Manual, 6.1 and 7.2; Bematech, LDX1000 manual, CD5220 commands 23 to 29; Logic Controls, LD9000 and PDX3/LDX9/LTX9
User Manual, 8.1.1 and 8.1.2; IBM, SurePOS 300 Installation and Service, appendix A (Logic Controls mode).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cvconnect_drivers.displays.line import Page, blank, pages_of
from cvconnect_drivers.displays.line_charset import CharacterPage, encode, national, respell, upper_half
from cvconnect_drivers.shapes import Prompt

CR, CLR, ESC, US = b"\r", b"\x0c", b"\x1b", b"\x1f"

_TORN = CR * 3
"""Ends a command that was torn: as the missing arguments of any that is sent here (two at most) it is out of range and
changes nothing; alone it only moves the cursor, or ends a row."""

LEVELS = (1, 2, 3, 4)
"""Brightness, from a fifth or a quarter of it to all."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A family of displays.

    Args:
        start: Sent once a connection is open: ends what was torn, forgets all settings, clears.
        before: Begins each frame: write over what is there, no cursor.
        brightness: The command of each of `LEVELS`; empty where there is none.
        rows: What goes before and after the cells of each row; as many as a display may have.
        pages: Name of the character set -> its pages, the preferred first; the usual set stands first.
        widest: The most cells in a row.
        ask: The question for the display's model; empty where it cannot be asked.
        attention: What begins a command in the middle of a text, and is therefore kept apart by a space.
    """

    start: bytes
    before: bytes
    rows: tuple[tuple[bytes, bytes], ...]
    pages: Mapping[str, tuple[CharacterPage, ...]]
    widest: int = 20
    brightness: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    ask: bytes = b""
    attention: str = ""


def _levels(command: bytes, values: bytes = bytes(LEVELS)) -> dict[int, bytes]:
    return {level: command + bytes((value,)) for level, value in zip(LEVELS, values, strict=True)}


def _rows(command: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Address the first cell of each row by column and row. Unverified: rows 3 and 4, the manuals end at 2."""
    return tuple((command + bytes((1, row)), b"") for row in (1, 2, 3, 4))


def _code_table(number: int, codec: str) -> tuple[CharacterPage, ...]:
    # ESC R 0: the twelve codes below 0x80 that a country may have changed are ASCII's.
    return (CharacterPage(ESC + b"R\0" + ESC + b"t" + bytes((number,)), upper_half(codec)),)


_PC437 = upper_half("cp437")
_FRENCH = "#$à°ç§^`éùè¨"
"""Source: Epson, ESC/POS Command Reference, `ESC R`, n = 1. Unverified: that a CD5220's French set is the same."""

EPSON = Protocol(
    start=_TORN + ESC + b"=\x02" + ESC + b"@",
    # ESC = 2: where a printer hangs behind the display, it gets nothing of this.
    before=ESC + b"=\x02" + US + b"\x01" + US + b"C\0",
    rows=_rows(US + b"$"),
    # Unverified: that each model has page 19; those in Epson's manner that end at page 5 ignore the command.
    pages={
        "cp858": _code_table(19, "cp858"),
        "cp437": _code_table(0, "cp437"),
        "cp850": _code_table(2, "cp850"),
        "cp1252": _code_table(16, "cp1252"),
    },
    widest=40,
    brightness=_levels(US + b"X"),
    ask=US + b"(B\x02\x00\x30\x43",
)
"""Epson's DM-D series, and most others when their switches say "Epson"."""

CD5220 = Protocol(
    # CLR leaves the string mode, in which nothing else is heard.
    start=_TORN + CLR + ESC + b"@",
    before=ESC + b"\x11" + ESC + b"_\0",
    rows=_rows(ESC + b"l"),
    # What stands above 0x7F differs from maker to maker: the national sets do without it.
    pages={
        "france": (
            CharacterPage(ESC + b"fF", national(_FRENCH)),
            CharacterPage(ESC + b"fA", upper_half("ascii")),
        ),
        "cp437": (CharacterPage(ESC + b"fA", _PC437),),
        "cp858": (CharacterPage(ESC + b"fA", upper_half("cp858")),),
    },
    widest=40,
    brightness=_levels(ESC + b"*"),
)
"""Partner Tech's CD5220, spoken by many Asian displays. Unverified: `ESC f A` for the United States."""

LOGIC_CONTROLS = Protocol(
    start=_TORN + US,
    before=b"\x11\x14",
    rows=((b"\x10\x00", b""), (b"\x10\x14", b"")),
    # Unverified: Logic Controls' own table; PC437 is what IBM's displays have in this mode.
    pages={"cp437": (CharacterPage(b"", _PC437),), "ascii": (CharacterPage(b"", upper_half("ascii")),)},
    brightness=_levels(b"\x04", b"\x20\x40\x60\xff"),
)
"""Logic Controls' LD and PD series, and IBM's in that mode. There are 40 cells, counted from 0."""

AEDEX = Protocol(
    start=_TORN,
    before=b"",
    rows=((b"!#1", CR), (b"!#2", CR)),
    # Unverified: no manual that was seen names its page, and no command selects one.
    pages={"cp437": (CharacterPage(b"", _PC437),), "ascii": (CharacterPage(b"", upper_half("ascii")),)},
    attention="!#",
)
"""AEDEX, also called EMAX: a row of text is a command. It has no command for clearing, brightness or the cursor."""

PROTOCOLS = {"epson": EPSON, "cd5220": CD5220, "logic-controls": LOGIC_CONTROLS, "aedex": AEDEX}


@dataclass(frozen=True, slots=True)
class Panel:
    """How one display is written to.

    Args:
        protocol: Its commands.
        pages: Its character pages, the preferred first.
        columns: Cells in a row.
        rows: Its rows.
        brightness: One of `LEVELS`.
    """

    protocol: Protocol
    pages: tuple[CharacterPage, ...]
    columns: int = 20
    rows: int = 2
    brightness: int = 4

    def spell(self, text: str) -> str:
        """Spell a text with the characters that this display has."""
        spelled = respell(text, self.pages)
        attention = self.protocol.attention
        return spelled.replace(attention, " ".join(attention)) if attention else spelled

    def lay_out(self, prompt: Prompt | None) -> tuple[Page, ...]:
        """Lay a prompt out for this display; None for nothing."""
        if prompt is None:
            return (blank(self.columns, self.rows),)
        return pages_of(prompt, self.columns, self.rows, self.spell)

    def frame(self, page: Page) -> bytes:
        """Write a page.

        Args:
            page: One that `lay_out` gave.

        Returns:
            The bytes, which say everything that the display must know.
        """
        current = self.pages[0]
        data = self.protocol.before + self.protocol.brightness.get(self.brightness, b"") + current.select
        for text, (before, after) in zip(page, self.protocol.rows, strict=False):
            cells, current = encode(text, self.pages, current)
            data += before + cells + after
        return data


def model_in(answer: bytes) -> str | None:
    """Read the answer to an Epson display's question for its name.

    Args:
        answer: What came back.

    Returns:
        Such as `DM-D70`; None when this is no such answer.

    Source: Epson, ESC/POS Command Reference for customer displays, `US ( B` function 48: 57h 20h, the display's number,
    1Fh, 1 to 80 bytes, 00h.
    """
    _, header, rest = answer.partition(b"\x57\x20")
    number, separator, data = rest.partition(US)
    name, end, _ = data.partition(b"\0")
    whole = header and separator and end and not number.strip(b"0123456789")
    text = name.decode("ascii", "replace")
    return text if whole and 1 <= len(name) <= 80 and text.isascii() and text.isprintable() else None  # noqa: PLR2004
