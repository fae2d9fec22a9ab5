"""From the reports of a HID-POS scanner to raw labels. Pure: time is told by its caller.

A scanner says in its report descriptor where in a report the label stands. Each report holds a piece of it, the AIM
identifier beside it, and a flag that says whether more pieces follow.

Source: USB HID Point of Sale Usage Tables 1.02, chapter 3 (usage page 0x8C: 0x02 Bar Code Scanner, 0x12 Scanned Data
Report, 0xFB to 0xFD Symbology Identifier 1 to 3, 0xFE Decoded Data, 0xFF Decode Data Continued); Device Class Definition
for HID 1.11, 6.2.2 (report descriptor), 8.4 (the report's number comes first); HID Usage Tables 1.12, 4 (Byte Count).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.hid_descriptor import Field, input_fields

USAGE_PAGE = 0x8C
USAGE_SCANNER = 0x02

MAX_REPORT_BYTES = 1024
"""Above what a report holds; one packet of a full-speed device is 64 bytes (USB 2.0, 5.7.3)."""

_BYTE_COUNT = 0x01_003B
_SYMBOLOGY = (0x8C_00FB, 0x8C_00FC, 0x8C_00FD)
_DECODED_DATA = 0x8C_00FE
_CONTINUED = 0x8C_00FF
_BYTE_BITS = 8
_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """Where things stand in the reports that hold labels.

    Args:
        report_id: The number of these reports; 0 when reports have no numbers.
        data: The piece of the label, in whole bytes.
        length: How many bytes of it count; without it the piece ends at its first NUL.
        symbology: The three characters of the AIM identifier.
        continued: Whether another piece follows.
    """

    report_id: int
    data: Field
    length: Field | None = None
    symbology: tuple[Field, Field, Field] | None = None
    continued: Field | None = None

    @property
    def report_bytes(self) -> int:
        """How long a report is at least."""
        fields = [self.data, *(each for each in (self.length, self.continued) if each is not None)]
        if self.symbology is not None:
            fields += self.symbology
        return (max(each.end_bit for each in fields) + 7) // _BYTE_BITS


USUAL_LAYOUT = ReportLayout(
    report_id=2,
    data=Field(40, 8, 56),
    length=Field(8, 8),
    symbology=(Field(16, 8), Field(24, 8), Field(32, 8)),
    continued=Field(504, 1, 8),
)
"""For a device whose descriptor cannot be had: 64 bytes, as the manuals of several makers print them.

Source: Access-IS LSR118 and ATR110 product manuals, appendix "HID reports" (2015, 2020).
"""


def find_layout(descriptor: bytes) -> ReportLayout | None:
    """Find the report that holds labels.

    Args:
        descriptor: The device's report descriptor, whatever it holds.

    Returns:
        The report's layout; None when the descriptor describes no such report.
    """
    for report_id, fields in input_fields(descriptor).items():
        data = fields.get(_DECODED_DATA)
        if data is None or data.bits != _BYTE_BITS or data.first_bit % _BYTE_BITS:
            continue
        one, two, three = (fields.get(usage) for usage in _SYMBOLOGY)
        layout = ReportLayout(
            report_id,
            data,
            fields.get(_BYTE_COUNT),
            (one, two, three) if one and two and three else None,
            fields.get(_CONTINUED),
        )
        if layout.report_bytes <= MAX_REPORT_BYTES:
            return layout
    return None


class ReportDecoder:
    """Puts the pieces of labels together.

    Args:
        layout: Where they stand in the reports.
    """

    def __init__(self, layout: ReportLayout = USUAL_LAYOUT) -> None:
        self._layout = layout
        self._pieces = bytearray()
        self._symbology: str | None = None
        self._begun = False
        self._swallows = False

    @property
    def begun(self) -> bool:
        """Whether more pieces must follow."""
        return self._begun

    @property
    def pending(self) -> bool:
        """Whether a label has begun that will still come out."""
        return self._begun and not self._swallows

    def feed(self, report: bytes) -> list[RawLabel]:
        """Take a report.

        Args:
            report: Its bytes; its number first when reports have numbers.

        Returns:
            The labels that it ends: none or one, and before it one that was never ended.
        """
        layout = self._layout
        if layout.report_id and report[:1] != bytes([layout.report_id]):
            return []
        if len(report) < layout.report_bytes:
            return self._spoil(continued=self._begun)
        bits = int.from_bytes(report, "little")
        continued = layout.continued is not None and _element(bits, layout.continued) != 0
        piece = self._piece(report, bits)
        if piece is None:
            return self._spoil(continued=continued)
        symbology = _symbology(layout, bits)
        # Some scanners tell the symbology with the first piece alone.
        labels = self.lose() if self.pending and symbology not in {None, self._symbology} else []
        if not self._begun:
            self._symbology = symbology
        self._begun = True
        self._pieces += piece
        if len(self._pieces) > MAX_LABEL_BYTES:
            if not self._swallows:
                labels.append(RawLabel(b"", "TOO_LONG"))
            self._swallows = True
            self._pieces.clear()
        return labels if continued else labels + self._end()

    def lose(self) -> list[RawLabel]:
        """End what has begun: no more of it comes.

        Returns:
            It, as `TORN`; nothing when nothing had begun, or when it was told already.
        """
        labels = [RawLabel(b"", "TORN")] if self.pending else []
        self._reset()
        return labels

    def _spoil(self, *, continued: bool) -> list[RawLabel]:
        labels = [] if self._swallows else [RawLabel(b"", "UNREADABLE")]
        self._reset()
        # Its other pieces are no label of their own.
        self._begun = self._swallows = continued
        return labels

    def _end(self) -> list[RawLabel]:
        data, symbology, swallows = bytes(self._pieces), self._symbology, self._swallows
        self._reset()
        # What the scanner sends after each label for the sake of keyboards and serial ports.
        data = data.rstrip(b"\r\n\t")
        return [RawLabel(data, symbology=symbology)] if data and not swallows else []

    def _reset(self) -> None:
        self._pieces.clear()
        self._symbology = None
        self._begun = False
        self._swallows = False

    def _piece(self, report: bytes, bits: int) -> bytes | None:
        """Cut the piece out; None when its length cannot be."""
        data = self._layout.data
        at = data.first_bit // _BYTE_BITS
        piece = report[at : at + data.count]
        if self._layout.length is None:
            return piece.rstrip(b"\0")
        length = _element(bits, self._layout.length)
        return piece[:length] if length <= data.count else None


def _element(bits: int, place: Field) -> int:
    return bits >> place.first_bit & ((1 << place.bits) - 1)


def _symbology(layout: ReportLayout, bits: int) -> str | None:
    if layout.symbology is None:
        return None
    aim = bytes(_element(bits, each) & 0xFF for each in layout.symbology)
    return aim.decode("ascii") if _AIM.fullmatch(aim) else None
