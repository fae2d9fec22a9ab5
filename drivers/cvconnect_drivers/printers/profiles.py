"""What differs between ticket printers.

The two of `80mm` and `58mm` are the least that printers of that width can do. The models' facts come from the public
printer database, but for what `CORRECTIONS` names; none has been tried on the device itself.

Source: escpos-printer-db (github.com/receipt-print-hq/escpos-printer-db, CC BY 4.0): dpi, width in dots, columns of font A,
numbers of the code pages, QR codes, cutter. Epson, ESC/POS Command Reference, `ESC t`: pages 16, 19 and 40.
Unverified: every model below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cvconnect_drivers.printers.charset import ISO8859_15, PC858, WPC1252, CodePage

_MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of printer.

    Args:
        columns: Characters of font A on a line.
        width_dots: Printable width.
        pages: Code pages, the preferred first.
        dpi: Dots per inch, in both directions.
        native_qr: Whether it draws QR codes itself (`GS ( k`); else they are sent as images.
        cut: Whether it has a cutter; else the paper is fed to where it is torn off.
        kanji: Whether it starts in its two-byte mode, where accents come out as Chinese, and must be told to leave it.
    """

    columns: int
    width_dots: int
    pages: tuple[CodePage, ...] = (PC858, WPC1252)
    dpi: int = 203
    native_qr: bool = True
    cut: bool = True
    kanji: bool = False

    @property
    def column_dots(self) -> int:
        """Width of one character of font A."""
        return round(self.width_dots / self.columns)  # odd columns end within a byte, which is not printable

    @property
    def dots_per_mm(self) -> float:
        """The resolution as one sees it."""
        return self.dpi / _MM_PER_INCH


_THREE_PAGES = (PC858, WPC1252, ISO8859_15)

PROFILES: Final = {
    "80mm": Profile(columns=48, width_dots=576),
    "58mm": Profile(columns=32, width_dots=384, native_qr=False),
    "epson-tm-t20ii": Profile(columns=48, width_dots=576, pages=_THREE_PAGES),
    "epson-tm-p80": Profile(columns=48, width_dots=576, pages=_THREE_PAGES),
    "epson-tm-l90": Profile(columns=48, width_dots=576, pages=_THREE_PAGES),
    "epson-tm-t88v": Profile(columns=42, width_dots=512, pages=_THREE_PAGES, dpi=180),
    "epson-tm-t88iv": Profile(columns=42, width_dots=512, dpi=180),
    "epson-tm-t88iii": Profile(columns=42, width_dots=512, dpi=180),
    "epson-tm-t88ii": Profile(columns=42, width_dots=512, pages=(WPC1252, ISO8859_15), dpi=180),
    "metapace-t-1": Profile(columns=42, width_dots=504, pages=(PC858,), dpi=180),
    "seiko-rp-f10-80mm": Profile(columns=48, width_dots=576),
    "seiko-rp-f10-58mm": Profile(columns=36, width_dots=432),
    "sunmi-v2": Profile(columns=32, width_dots=384, cut=False),
    "netum-nt-80-v-ul": Profile(columns=48, width_dots=576),
    "netum-nt-5890k": Profile(columns=32, width_dots=384, native_qr=False, cut=False),
    "zjiang-pos-5890": Profile(columns=32, width_dots=384, native_qr=False, cut=False),
    "zjiang-zj-5870": Profile(columns=32, width_dots=384, pages=(WPC1252,), native_qr=False, cut=False),
    "kefar-kr-306": Profile(
        columns=48, width_dots=576, pages=(CodePage(14, "cp858"), CodePage(49, "cp1252"))
    ),
    "wincor-th230": Profile(
        columns=44, width_dots=576, pages=(CodePage(6, "cp858"), CodePage(8, "cp1252")), native_qr=False
    ),
    "wincor-th230-plus": Profile(
        columns=44, width_dots=576, pages=(CodePage(6, "cp858"), CodePage(8, "cp1252"))
    ),
}
"""By the value of `profile` in the station file."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Where a profile is not what the printer database says.

    Args:
        profile: The profile's name.
        field: The field of `Profile`.
        database: What stands there; None when nothing does.
        reason: Why that cannot be.
    """

    profile: str
    field: str
    database: int | None
    reason: str


CORRECTIONS: Final = (
    Correction("epson-tm-p80", "columns", 42, "its note says 48-column mode; 576 dots are 48 columns of 12"),
    Correction("netum-nt-80-v-ul", "columns", 12, "12 is the width of a character: 576 dots are 48 of them"),
    Correction("kefar-kr-306", "dpi", None, "576 dots on the 72 mm that 80 mm paper leaves are 203 dpi"),
    Correction("sunmi-v2", "dpi", None, "384 dots on the 48 mm that 58 mm paper leaves are 203 dpi"),
)
"""Found by comparing the database's entries with themselves. Source: escpos-printer-db, as python-escpos 3.1 carries it."""
