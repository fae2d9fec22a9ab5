"""What differs between ticket printers."""

from __future__ import annotations

from dataclasses import dataclass

from cvconnect_drivers.printers.charset import PC858, WPC1252, CodePage


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of printer.

    Args:
        columns: Characters of font A on a line.
        width_dots: Printable width.
        pages: Code pages, the preferred first.
    """

    columns: int
    width_dots: int
    pages: tuple[CodePage, ...] = (PC858, WPC1252)


PROFILES = {
    "80mm": Profile(columns=48, width_dots=576),
    "58mm": Profile(columns=32, width_dots=384),
}
"""By the value of the URL's `profile`: font A is 12 dots wide."""
