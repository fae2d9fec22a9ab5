"""What a person sees on a printer's calibration page, read from the simulated paper."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator

import zxingcpp
from PIL import Image

from cvconnect_drivers.cli.printer_sheet import RULERS, candidates, sample
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_sim.printer import Printer, Slip

WAIT_S = 5.0


def qr_codes(slip: Slip) -> list[str]:
    """Scan everything on a slip, as a phone does."""
    picture = Image.open(io.BytesIO(slip.png())).convert("L")
    return sorted({found.text for found in zxingcpp.read_barcodes(picture)})


class Person:
    """Looks at the paper that came last, and answers the questions of the setup in their order.

    Args:
        printer: The printer on the counter.
        profile: The profile that the page was made for.
        good: Whether the last ticket is found right.
    """

    def __init__(self, printer: Printer, profile: str = "80mm", *, good: bool = True) -> None:
        self._printer = printer
        self._pages = candidates(PROFILES[profile])
        self._good = good
        self._answers = self._answer()
        self.said: list[str] = []

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        self.said.append(next(self._answers, ""))
        return f"{self.said[-1]}\n" if self.said[-1] else ""

    def _answer(self) -> Iterator[str]:
        sheet = self.paper()
        yield str(longest_ruler(sheet))
        right = self.right_pages(sheet)
        yield numbers(right)
        if not right:
            yield numbers(self.right_pages(self.second_page()))
        yield numbers([int(text.rpartition(" ")[2]) for text in qr_codes(sheet)])
        yield "oui" if self._printer.model.cutter else "non"
        yield "oui" if self._good else "non"

    def paper(self) -> Slip:
        """What came out last: cut off, or torn off."""
        return self._printer.slips[-1] if self._printer.model.cutter else self._printer.uncut

    def second_page(self) -> Slip:
        """Wait for the page that is sent when no line was right."""
        last = f"{len(self._pages):>2} "
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            lines = [line.text for line in self.paper().lines]
            headings = [number for number, text in enumerate(lines) if text.strip() == "PAGES"]
            whole = [text for text in lines[headings[-1] :] if text.startswith(last)] if headings else []
            if len(headings) == (1 if self._printer.model.cutter else 2) and whole:
                break
            time.sleep(0.01)
        return self.paper()

    def right_pages(self, sheet: Slip) -> list[int]:
        """The numbers of the lines that are right; on paper that was not cut, those of the last page."""
        lines = [line.text for line in sheet.lines]
        start = max(number for number, text in enumerate(lines) if text.strip() == "PAGES")
        return [
            number
            for number, page in enumerate(self._pages, start=1)
            if f"{number:>2} {sample(page)}" in lines[start:]
        ]


def longest_ruler(sheet: Slip) -> int:
    whole = re.compile(r"(\d\d) [-\d]+\|")
    lengths = [len(line.text) for line in sheet.lines if whole.fullmatch(line.text)]
    return max(length for length in lengths if length in RULERS)


def numbers(some: list[int]) -> str:
    return " ".join(map(str, some)) or "0"
