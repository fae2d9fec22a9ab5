"""A hand-held scanner that speaks HID Point of Sale: labels in, input reports out.

A report has 64 bytes: its number (2), how many bytes of data it holds, three of AIM identifier, 56 of data, two for the maker's
own sign of the symbology, and a byte whose lowest bit says that the label goes on in the next report.

Source: HID Point of Sale Usage Tables 1.02, page 0x8C (usages); Access-IS LSR118 and ATR110 product manuals, "HID reports"
    (the places of a Honeywell engine's report, an example of 60 bytes in two). Unverified: that other makers keep these places;
    the descriptor tells them.
"""

from __future__ import annotations

from typing import Final

from cvconnect_sim.scanner.settings import HidPosSettings
from cvconnect_sim.scanner.symbologies import Symbology

Burst = tuple[float, bytes]
"""Seconds to wait after what was sent before, then the report to send."""

REPORT_NUMBER: Final = 2
REPORT_BYTES: Final = 64
DATA_BYTES: Final = 56

REPORT_DESCRIPTOR: Final = bytes(
    (
        *(0x05, 0x8C),  # Usage Page (Bar Code Scanner)
        *(0x09, 0x02),  # Usage (Bar Code Scanner)
        *(0xA1, 0x01),  # Collection (Application)
        *(0x85, REPORT_NUMBER),  # Report ID
        *(0x09, 0x12),  # Usage (Scanned Data Report)
        *(0xA1, 0x02),  # Collection (Logical)
        *(0x15, 0x00),  # Logical Minimum (0)
        *(0x26, 0xFF, 0x00),  # Logical Maximum (255)
        *(0x75, 0x08),  # Report Size (8)
        *(0x95, 0x01),  # Report Count (1)
        *(0x05, 0x01),  # Usage Page (Generic Desktop)
        *(0x09, 0x3B),  # Usage (Byte Count)
        *(0x81, 0x02),  # Input (Data, Variable, Absolute)
        *(0x95, 0x03),  # Report Count (3)
        *(0x05, 0x8C),  # Usage Page (Bar Code Scanner)
        *(0x09, 0xFB),  # Usage (Symbology Identifier 1)
        *(0x09, 0xFC),  # Usage (Symbology Identifier 2)
        *(0x09, 0xFD),  # Usage (Symbology Identifier 3)
        *(0x81, 0x02),  # Input (Data, Variable, Absolute)
        *(0x95, DATA_BYTES),  # Report Count (56)
        *(0x09, 0xFE),  # Usage (Decoded Data)
        *(0x82, 0x02, 0x01),  # Input (Data, Variable, Absolute, Buffered Bytes)
        *(0x06, 0x66, 0xFF),  # Usage Page (vendor)
        *(0x95, 0x02),  # Report Count (2)
        *(0x09, 0x04),  # Usage (the maker's own sign of the symbology)
        *(0x09, 0x00),  # Usage (undefined)
        *(0x81, 0x02),  # Input (Data, Variable, Absolute)
        *(0x05, 0x8C),  # Usage Page (Bar Code Scanner)
        *(0x25, 0x01),  # Logical Maximum (1)
        *(0x75, 0x01),  # Report Size (1)
        *(0x95, 0x08),  # Report Count (8)
        *(0x09, 0xFF),  # Usage (Decode Data Continued), of the lowest bit and, as no other follows, of all
        *(0x81, 0x02),  # Input (Data, Variable, Absolute)
        *(0xC0, 0xC0),  # End Collection, End Collection
    )
)
"""What the device tells the host about its reports.

Source: Device Class Definition for HID 1.11, section 6.2.2 (items); HID Point of Sale Usage Tables 1.02 (usages); the items and
    their order as published firmwares of Honeywell's family have them.
"""


class HidPosFirmware:
    """The firmware of a HID-POS scanner (USB).

    It does not model: feature and output reports (triggering, enabling, illumination, the maker's commands), the maker's own sign
    of the symbology, symbologies as usages of their own, status reports, badge readers.

    Args:
        settings: its configuration; may be replaced between two scans.
    """

    def __init__(self, settings: HidPosSettings | None = None) -> None:
        self.settings = HidPosSettings() if settings is None else settings

    def scan(self, text: str, symbology: Symbology = Symbology.CODE_128) -> list[Burst]:
        """Read a label.

        Args:
            text: what the label holds, check digit included.
            symbology: the kind of label.

        Returns:
            The reports of 64 bytes, number included, in order.

        Raises:
            SimError: `LABEL_IMPOSSIBLE`, no label of this kind can hold the text.
        """
        settings = self.settings
        data = settings.message(text, symbology).encode(settings.encoding)
        aim_id = symbology.aim_id if settings.aim_field else ""
        pieces = [data[at : at + DATA_BYTES] for at in range(0, len(data), DATA_BYTES)]
        reports = [
            _report(aim_id.encode("ascii"), piece, continued=self._goes_on(piece, last=place == len(pieces)))
            for place, piece in enumerate(pieces, 1)
        ]
        return [
            (settings.report_interval_s if place else settings.between_reads_s if read else 0.0, report)
            for read in range(settings.reads)
            for place, report in enumerate(reports)
        ]

    def _goes_on(self, piece: bytes, *, last: bool) -> bool:
        return not last or (self.settings.full_goes_on and len(piece) == DATA_BYTES)


def _report(aim_id: bytes, data: bytes, *, continued: bool) -> bytes:
    head = bytes((REPORT_NUMBER, len(data))) + aim_id.ljust(3, b"\0")
    return (head + data).ljust(REPORT_BYTES - 1, b"\0") + bytes([continued])
