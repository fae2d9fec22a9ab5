"""ESC/POS commands, under Epson's names. Pure: each knows its bytes.

Source: Epson, ESC/POS Command Reference: `ESC @`, `FS .`, `ESC t`, `ESC a`, `ESC E`, `GS !`, `ESC !`, `LF`, `ESC d`, `GS V`, `GS ( k`
(functions 165, 167, 169, 180, 181), `GS v 0`, `ESC p`, `GS ( H` (function 48), `DLE EOT`, `GS r`, `GS a`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from cvconnect_drivers.printers.charset import CodePage
from cvconnect_drivers.printers.raster import Bitmap
from cvconnect_drivers.shapes import Align

_DLE, _ESC, _FS, _GS = b"\x10", b"\x1b", b"\x1c", b"\x1d"
_JUSTIFICATION: dict[Align, int] = {"left": 0, "center": 1, "right": 2}

PROCESS_ID_LENGTH = 4


@dataclass(frozen=True, slots=True)
class InitializePrinter:
    """`ESC @`."""

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"@"


@dataclass(frozen=True, slots=True)
class CancelKanjiCharacterMode:
    """`FS .`: bytes above 7Fh are one character each."""

    def to_bytes(self) -> bytes:
        """Encode."""
        return _FS + b"."


@dataclass(frozen=True, slots=True)
class SelectCharacterCodeTable:
    """`ESC t n`."""

    page: CodePage

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"t" + bytes([self.page.number])


@dataclass(frozen=True, slots=True)
class SelectJustification:
    """`ESC a n`: only at the beginning of a line."""

    align: Align

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"a" + bytes([_JUSTIFICATION[self.align]])


@dataclass(frozen=True, slots=True)
class TurnEmphasizedMode:
    """`ESC E n`."""

    on: bool

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"E" + bytes([self.on])


@dataclass(frozen=True, slots=True)
class SelectCharacterSize:
    """`GS ! n`: 1 to 8 times the width and the height."""

    times: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return _GS + b"!" + bytes([(self.times - 1) * 0x11])


@dataclass(frozen=True, slots=True)
class SelectPrintModes:
    """`ESC !`: Font A, emphasis and size in one.

    Args:
        emphasized: Whether characters are bold.
        double: Whether they are twice as wide and high.
    """

    emphasized: bool
    double: bool

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"!" + bytes([0x08 * self.emphasized | 0x30 * self.double])


@dataclass(frozen=True, slots=True)
class PrintData:
    """Characters of the selected code page."""

    data: bytes

    def to_bytes(self) -> bytes:
        """Encode."""
        return self.data


@dataclass(frozen=True, slots=True)
class PrintAndLineFeed:
    """`LF`."""

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"\n"


@dataclass(frozen=True, slots=True)
class QrCode:
    """`GS ( k`: select model 2, size of module, error correction M, store the data, print the symbol.

    Args:
        data: UTF-8.
        module_dots: 1 to 16.
    """

    data: bytes
    module_dots: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return b"".join(
            (
                b"\x1d(k\x04\x001A2\x00",
                b"\x1d(k\x03\x001C" + bytes([self.module_dots]),
                b"\x1d(k\x03\x001E1",
                b"\x1d(k" + (3 + len(self.data)).to_bytes(2, "little") + b"1P0" + self.data,
                b"\x1d(k\x03\x001Q0",
            )
        )


@dataclass(frozen=True, slots=True)
class PrintRasterBitImage:
    """`GS v 0`: only at the beginning of a line.

    Args:
        bitmap: The dots.
        times: 2 prints each dot twice as wide and high, 1 as it is.
    """

    bitmap: Bitmap
    times: int = 1

    def to_bytes(self) -> bytes:
        """Encode."""
        mode = 3 if self.times > 1 else 0
        width = self.bitmap.row_bytes.to_bytes(2, "little")
        height = self.bitmap.height_dots.to_bytes(2, "little")
        return _GS + b"v0" + bytes([mode]) + width + height + self.bitmap.data


@dataclass(frozen=True, slots=True)
class PrintAndFeedLines:
    """`ESC d n`: 0 to 255 lines."""

    lines: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"d" + bytes([self.lines])


@dataclass(frozen=True, slots=True)
class FeedAndCut:
    """`GS V 66 n`: feed to the cutting position, then cut all but one point."""

    def to_bytes(self) -> bytes:
        """Encode."""
        return _GS + b"V\x42\x00"


@dataclass(frozen=True, slots=True)
class GeneratePulse:
    """`ESC p`: open the drawer.

    Args:
        pin: Of the drawer's connector: 2 the first drawer, 5 the second.
        on_ms: 2 to 510, even.
        off_ms: 2 to 510, even, not below `on_ms`.
    """

    pin: Literal[2, 5] = 2
    on_ms: int = 100
    off_ms: int = 500

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"p" + bytes([self.pin == 5, self.on_ms // 2, self.off_ms // 2])  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class RequestProcessId:
    """`GS ( H` function 48: answer with this id once everything before has been printed.

    Args:
        process_id: 4 characters, each 20h to 7Eh.
    """

    process_id: bytes

    def to_bytes(self) -> bytes:
        """Encode."""
        return _GS + b"(H\x06\x0000" + self.process_id


@dataclass(frozen=True, slots=True)
class TransmitRealTimeStatus:
    """`DLE EOT n`: 1 printer, 2 cause of offline, 3 cause of error, 4 roll paper."""

    n: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return _DLE + b"\x04" + bytes([self.n])


@dataclass(frozen=True, slots=True)
class TransmitStatus:
    """`GS r n`: 1 paper sensors, 2 drawer. Answered after what was sent before it is printed."""

    n: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return _GS + b"r" + bytes([self.n])


@dataclass(frozen=True, slots=True)
class EnableAutomaticStatusBack:
    """`GS a n`: 1 drawer, 2 offline, 4 errors, 8 paper sensors, each when it changes; 0 switches it off."""

    n: int

    def to_bytes(self) -> bytes:
        """Encode."""
        return _GS + b"a" + bytes([self.n])


Command: TypeAlias = (
    InitializePrinter
    | CancelKanjiCharacterMode
    | SelectCharacterCodeTable
    | SelectJustification
    | TurnEmphasizedMode
    | SelectCharacterSize
    | SelectPrintModes
    | PrintData
    | PrintAndLineFeed
    | QrCode
    | PrintRasterBitImage
    | PrintAndFeedLines
    | FeedAndCut
    | GeneratePulse
    | RequestProcessId
    | TransmitRealTimeStatus
    | TransmitStatus
    | EnableAutomaticStatusBack
)


def to_bytes(commands: Iterable[Command]) -> bytes:
    """Join the bytes of commands.

    Args:
        commands: The commands, in order.

    Returns:
        What to send.
    """
    return b"".join([command.to_bytes() for command in commands])
