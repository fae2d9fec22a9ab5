"""A ticket for printers under test, and what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_drivers.shapes import Align
from cvconnect_sim.printer import Printer

TIMEOUT_S = 5.0
QUERY = b"\x10\x04"


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


class Paper:
    def __init__(self, *lines: PaperLine) -> None:
        self._lines = lines

    def lines(self, columns: int) -> Sequence[PaperLine]:
        assert columns > 0
        return self._lines


TICKET = Paper(
    PaperLine("CHÈQUE-VACANCES CONNECT", "center", bold=True),
    PaperLine("Camping L’Œuf Bleu", "center"),
    PaperLine("Montant réglé                            30,00\u00a0€", bold=True),
    PaperLine("SIMULATION - SANS VALEUR", "right"),
)
TICKET_TEXT = [line.text.strip() for line in TICKET.lines(48)]


def claimed(url: str) -> EscPosPrinter:
    printer = open_printer(url, {})
    printer.claim(timeout_s=TIMEOUT_S)
    return printer


def slip_texts(printer: Printer) -> list[list[str]]:
    """The lines of each slip that was cut."""
    return [[line.text.strip() for line in slip.lines if line.text.strip()] for slip in printer.slips]


def took_s(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started
