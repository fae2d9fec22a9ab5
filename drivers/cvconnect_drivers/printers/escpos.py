"""From lines to ESC/POS commands. Pure.

Commands have Epson's names and know their bytes. The encoder keeps the printer's state, so that a command is sent only
when something changes, and selects the code page itself at the start of each job: what a reset selects differs between
printers.

Source: Epson, ESC/POS Command Reference: `ESC @`, `ESC t`, `ESC a`, `ESC E`, `GS !`, `LF`, `GS V`, `GS ( k` (functions 165, 167,
169, 180, 181), `GS v 0`, `ESC d`, `GS ( H` (function 48), `DLE EOT`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.charset import CodePage, encode
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.raster import CELL_HEIGHT_DOTS, Bitmap, draw_qr, draw_text
from cvconnect_drivers.qr import QUIET_ZONE_MODULES, make_matrix
from cvconnect_drivers.shapes import Align, Line

_DLE, _ESC, _GS = b"\x10", b"\x1b", b"\x1d"
_JUSTIFICATION: dict[Align, int] = {"left": 0, "center": 1, "right": 2}

MIN_MODULE_DOTS = 3
MAX_MODULE_MM = 1
"""Larger only costs paper: 8 dots at 203 dpi, 7 at 180. `GS ( k` allows 1 to 16."""

MAX_LINE_CHARACTERS = 10_000
MAX_JOB_CHARACTERS = 100_000
"""The end of a line counts as one. 48 on a line make 8 m of paper."""

LINE_SPACING_DOTS = 30
FEED_TO_TEAR_LINES = 5
"""Unverified: 19 mm bring the last line past the edge where paper is torn off."""

PROCESS_ID_LENGTH = 4


@dataclass(frozen=True, slots=True)
class InitializePrinter:
    """`ESC @`."""

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ESC + b"@"


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
            _GS + b"(k" + len(function).to_bytes(2, "little") + function
            for function in (
                b"1A2\x00",
                b"1C" + bytes([self.module_dots]),
                b"1E1",
                b"1P0" + self.data,
                b"1Q0",
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


Command: TypeAlias = (
    InitializePrinter
    | SelectCharacterCodeTable
    | SelectJustification
    | TurnEmphasizedMode
    | SelectCharacterSize
    | PrintData
    | PrintAndLineFeed
    | QrCode
    | PrintRasterBitImage
    | PrintAndFeedLines
    | FeedAndCut
    | RequestProcessId
    | TransmitRealTimeStatus
)


class Encoder:
    """Turns lines into commands for one job.

    Args:
        profile: The printer.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._page = profile.pages[0]
        self._align: Align = "left"
        self._bold = False
        self._large = False

    def job(self, lines: Iterable[Line]) -> list[Command]:
        """Encode a whole job: reset, lines, cut.

        Args:
            lines: The lines, from the top.

        Returns:
            The commands.

        Raises:
            ContentError: `CONTROL_CHARACTER`, `QR_TOO_DENSE`, `LINE_TOO_LONG`, `JOB_TOO_LONG`, or what `make_matrix`
                raises.
        """
        self._page, self._align, self._bold, self._large = self._profile.pages[0], "left", False, False
        commands: list[Command] = [InitializePrinter(), SelectCharacterCodeTable(self._page)]
        characters = 0
        for line in lines:
            if len(line.text) > MAX_LINE_CHARACTERS:
                raise _too_long("LINE_TOO_LONG", "Une ligne du ticket", MAX_LINE_CHARACTERS)
            characters += len(line.text) + 1
            if characters > MAX_JOB_CHARACTERS:
                raise _too_long("JOB_TOO_LONG", "Le ticket", MAX_JOB_CHARACTERS)
            commands += self._line(line)
        commands.append(FeedAndCut() if self._profile.cut else PrintAndFeedLines(FEED_TO_TEAR_LINES))
        return commands

    def _line(self, line: Line) -> Iterator[Command]:
        if line.align != self._align:
            self._align = line.align
            yield SelectJustification(line.align)
        if line.qr is not None:
            # The lines around it are the upper and lower quiet zone.
            yield PrintAndLineFeed()
            yield self._qr(line.qr)
            yield PrintAndLineFeed()
            return
        runs = encode(line.text, self._profile.pages, self._page)
        if runs is None:
            yield from self._drawn(line)
            return
        if line.bold != self._bold:
            self._bold = line.bold
            yield TurnEmphasizedMode(line.bold)
        if line.large != self._large:
            self._large = line.large
            yield SelectCharacterSize(2 if line.large else 1)
        for run in runs:
            if run.page != self._page:
                self._page = run.page
                yield SelectCharacterCodeTable(run.page)
            yield PrintData(run.data)
        yield PrintAndLineFeed()

    def _qr(self, payload: str) -> QrCode | PrintRasterBitImage:
        dots = module_dots(payload, self._profile)
        if self._profile.native_qr:
            return QrCode(payload.encode(), dots)
        # The printer doubles what it can: a quarter of the bytes on the wire.
        times = 1 if dots % 2 else 2
        return PrintRasterBitImage(draw_qr(make_matrix(payload, mode="byte"), dots // times), times)

    def _drawn(self, line: Line) -> Iterator[PrintRasterBitImage]:
        images = draw_text(
            line.text,
            columns=self._profile.columns,
            column_dots=self._profile.column_dots,
            align=line.align,
            bold=line.bold,
            large=line.large,
        )
        for image in images:
            yield PrintRasterBitImage(image)
            if not line.large:  # large characters leave no space between lines, printed or drawn
                yield _LEADING


_LEADING = PrintRasterBitImage(Bitmap(1, bytes(LINE_SPACING_DOTS - CELL_HEIGHT_DOTS)))
"""Feeds by dots on every printer: the units of `ESC J` differ."""


def module_dots(payload: str, profile: Profile) -> int:
    """Choose the size of a QR's module on paper.

    The printer chooses the QR's version itself: the one for plain bytes is the largest that it can need.

    Args:
        payload: What the QR holds.
        profile: The printer.

    Returns:
        At least `MIN_MODULE_DOTS`, at most `MAX_MODULE_MM`.

    Raises:
        ContentError: `QR_TOO_DENSE`, or what `make_matrix` raises.
    """
    modules = make_matrix(payload, mode="byte").modules + 2 * QUIET_ZONE_MODULES
    dots = min(profile.width_dots // modules, round(MAX_MODULE_MM * profile.dots_per_mm))
    if dots < MIN_MODULE_DOTS:
        raise ContentError(
            "QR_TOO_DENSE",
            fr="Le QR code est trop dense pour ce papier.",
            en=f"{modules} modules on {profile.width_dots} dots leave under {MIN_MODULE_DOTS} dots each",
        )
    return dots


def process_id(job_id: str, attempt: int) -> bytes:
    """Make the id that the printer sends back for one attempt at a job.

    Args:
        job_id: The job's id.
        attempt: Counts up, so that a late answer to an earlier attempt is not taken for this one's.

    Returns:
        `PROCESS_ID_LENGTH` digits and capitals.
    """
    digest = hashlib.sha256(f"{attempt}:{job_id}".encode()).hexdigest()
    return digest[:PROCESS_ID_LENGTH].upper().encode()


def to_bytes(commands: Iterable[Command]) -> bytes:
    """Join the bytes of commands.

    Args:
        commands: The commands, in order.

    Returns:
        What to send.
    """
    return b"".join(command.to_bytes() for command in commands)


def resynchronise(interrupted: Iterable[Command]) -> bytes:
    """Bring a printer that got only a part of a job back to the beginning of a command, on paper of its own.

    It may still wait for the parameters of the command that was cut. As many NUL as the longest command has bytes
    complete it; between commands NUL prints nothing. Then what was torn is cut off, so that the next ticket is not glued
    to it: `ESC @` drops the unfinished line, and a cut must stand at the beginning of one.

    Args:
        interrupted: The commands that were cut.

    Returns:
        What to send before the next job; nothing when nothing was cut.
    """
    interrupted = list(interrupted)
    lengths = (len(command.to_bytes()) for command in interrupted if not isinstance(command, PrintData))
    longest = max(lengths, default=0)
    end = next((each for each in interrupted if isinstance(each, PrintAndFeedLines)), FeedAndCut())
    cut_off = (InitializePrinter(), PrintAndLineFeed(), end)
    return bytes(longest) + to_bytes(cut_off) if longest else b""


def _too_long(code: str, what: str, limit: int) -> ContentError:
    return ContentError(
        code,
        fr=f"{what} dépasse {limit} caractères : l’impression est refusée.",
        en=f"Over {limit} characters are not printed.",
    )
