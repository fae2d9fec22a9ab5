"""The test ticket: nobody takes it for a payment, and a glance tells whether a printer is set right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cvconnect_drivers.shapes import Align

TITLE: Final = "TEST - SANS VALEUR"
ACCENTS: Final = ("é è ê ë à â ç ù û ô î ï", "É È À Ç Œ œ æ « L’Œuf » – …", "12,50\u00a0€")
QR_CAPTION: Final = "Lu au téléphone, ce code montre :"


@dataclass(frozen=True, slots=True)
class TicketLine:
    """One line of paper."""

    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class TrialTicket:
    """A ticket to look at.

    Args:
        made_at: The day and the hour, as they are printed.
        code: What its QR code holds: few letters, so that a person compares them.
    """

    made_at: str
    code: str

    def lines(self, columns: int) -> Sequence[TicketLine]:
        """Lay it out.

        Args:
            columns: Characters on a line.
        """
        return (
            TicketLine(TITLE, "center", bold=True, large=2 * len(TITLE) <= columns),
            TicketLine(self.made_at, "center"),
            TicketLine(),
            TicketLine(f"{columns} caractères, sur une seule ligne :"),
            TicketLine(ruler(columns)),
            TicketLine("gauche"),
            TicketLine("milieu", "center"),
            TicketLine("droite", "right"),
            TicketLine("gras", bold=True),
            *(TicketLine(text) for text in ACCENTS),
            TicketLine(),
            TicketLine(QR_CAPTION),
            TicketLine(self.code, bold=True),
            TicketLine(qr=self.code, align="center"),
            TicketLine(TITLE, "center", bold=True),
        )


def ruler(columns: int, label: str = "") -> str:
    """Draw a line that ends with a bar in its last column, and bears the tens.

    Args:
        columns: Its length, from 2.
        label: What it begins with.
    """
    marks = "".join("-" if place % 10 else str(place // 10 % 10) for place in range(1, columns))
    return f"{label}{marks[len(label) :]}|"
