"""The calibration page of a printer: what it can do is seen on paper, and the answers make its profile. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cvconnect_drivers.cli.printer_ticket import TITLE, ruler
from cvconnect_drivers.printers import commands
from cvconnect_drivers.printers.charset import ISO8859_15, PC858, WPC1252, CodePage
from cvconnect_drivers.printers.profile_settings import width_of
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.raster import draw_qr
from cvconnect_drivers.qr import make_matrix

RULERS: Final = (32, 36, 42, 44, 48)
"""What 58 mm and 80 mm leave for characters of font A. Source: escpos-printer-db."""

PAGES: Final = (
    PC858,
    WPC1252,
    ISO8859_15,
    CodePage(53, "cp858"),
    CodePage(71, "cp1252"),
    CodePage(4, "cp858"),
    CodePage(32, "cp1252"),
    CodePage(6, "cp858"),
    CodePage(8, "cp1252"),
    CodePage(14, "cp858"),
    CodePage(49, "cp1252"),
    CodePage(44, "iso8859-15"),
    CodePage(2, "cp850"),
    CodePage(0, "cp437"),
)
"""Where printers have French. Source: escpos-printer-db, the numbers of its 35 profiles."""

NO_PAGE: Final = CodePage(0, "ascii")
"""For a printer that has none of them: every accent is drawn."""

SAMPLE: Final = "éèêàçùô€œ"
_WITHOUT_EURO: Final = {"cp850", "cp437"}


@dataclass(frozen=True, slots=True)
class SheetQr:
    """A QR code of the page.

    Args:
        number: What a phone tells of it.
        native: Whether the printer draws it itself.
        module_dots: The size of its modules.
    """

    number: int
    native: bool
    module_dots: int

    @property
    def payload(self) -> str:
        """What it holds."""
        return f"CVCONNECT {self.number}"


QRS: Final = (SheetQr(1, True, 3), SheetQr(2, True, 6), SheetQr(3, False, 3), SheetQr(4, False, 6))


def candidates(profile: Profile) -> tuple[CodePage, ...]:
    """List the code pages to try, those of a profile first."""
    return tuple(dict.fromkeys((*profile.pages, *PAGES)))


def sample(page: CodePage) -> str:
    """Tell what a line shows when the printer has this page: of the sample, what the page has."""
    return " ".join(character for character in SAMPLE if page.encode(character) is not None)


def page_sheet(profile: Profile, *, leave_kanji: bool) -> list[commands.Command]:
    """Lay out the lines that try code pages.

    Args:
        profile: What is known already.
        leave_kanji: Whether the printer is told first to leave its two-byte mode.
    """
    return [
        *_heading("PAGES", leave_kanji=leave_kanji),
        *_pages(candidates(profile)),
        *_end(),
    ]


def sheet(profile: Profile) -> list[commands.Command]:
    """Lay out the whole page; it may be longer or wider than the printer can: that is what it is for.

    Args:
        profile: What is known already.
    """
    return [
        *_heading("LARGEUR", leave_kanji=profile.kanji),
        *(command for columns in RULERS for command in _line(ruler(columns, f"{columns} ").encode())),
        *_line(b""),
        *_line(b"PAGES"),
        *_pages(candidates(profile)),
        *_line(b""),
        *_line(b"QR CODES"),
        *(command for each in QRS for command in _qr(each)),
        *_end(),
    ]


def _heading(text: str, *, leave_kanji: bool) -> Iterator[commands.Command]:
    yield commands.InitializePrinter()
    if leave_kanji:
        yield commands.CancelKanjiCharacterMode()
    yield from _line(f"CALIBRAGE, {TITLE}".encode())
    yield from _line(b"")
    yield from _line(text.encode())


def _pages(pages: Sequence[CodePage]) -> Iterator[commands.Command]:
    for number, page in enumerate(pages, start=1):
        yield commands.SelectCharacterCodeTable(page)
        yield from _line(f"{number:>2} ".encode() + (page.encode(sample(page)) or b""))


def _qr(code: SheetQr) -> Iterator[commands.Command]:
    # In the middle, and between empty lines, it has its quiet zone.
    yield commands.SelectJustification("center")
    yield from _line(f"{code.number} {code.payload}".encode())
    yield commands.PrintAndLineFeed()
    if code.native:
        yield commands.QrCode(code.payload.encode(), code.module_dots)
    else:
        yield commands.PrintRasterBitImage(draw_qr(make_matrix(code.payload, mode="byte"), code.module_dots))
    yield commands.PrintAndLineFeed()
    yield commands.SelectJustification("left")


def _line(data: bytes) -> Iterator[commands.Command]:
    if data:
        yield commands.PrintData(data)
    yield commands.PrintAndLineFeed()


def _end() -> Iterator[commands.Command]:
    yield commands.PrintAndFeedLines(2)
    yield commands.FeedAndCut()


# --- What was seen ----------------------------------------------------------------------------------------------------


def with_columns(profile: Profile, columns: int) -> Profile:
    """Change how many characters stand on a line, and with them the width."""
    if columns == profile.columns:
        return profile
    return replace(profile, columns=columns, width_dots=width_of(columns))


def with_pages(profile: Profile, right: Sequence[CodePage]) -> Profile:
    """Change the code pages: of those that came out right, the first of each kind.

    Args:
        profile: What is known already; its pages stay when all of them came out right.
        right: Those that came out right; with none, every accent is drawn.
    """
    if set(profile.pages) <= set(right):
        return profile
    first = {page.codec: page for page in reversed(right)}
    with_euro = [page for page in right if first[page.codec] == page and page.codec not in _WITHOUT_EURO]
    return replace(profile, pages=tuple(with_euro) or tuple(right[:1]) or (NO_PAGE,))


def with_qr(profile: Profile, readable: Sequence[int]) -> Profile:
    """Choose how QR codes are printed: by the printer itself when its own are read as well as pictures are.

    Args:
        profile: What is known already.
        readable: The numbers of those that a phone reads.
    """
    native = sum(each.number in readable for each in QRS if each.native)
    pictures = sum(each.number in readable for each in QRS if not each.native)
    if not native and not pictures:
        return profile
    return replace(profile, native_qr=native >= max(pictures, 1))
