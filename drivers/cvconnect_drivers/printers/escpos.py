"""From lines to ESC/POS commands. Pure.

The encoder keeps the printer's state, so that a command is sent only when something changes that is seen, and selects the code
page itself at the start of each job: what a reset selects differs between printers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.charset import Run, encode
from cvconnect_drivers.printers.commands import (
    PROCESS_ID_LENGTH,
    CancelKanjiCharacterMode,
    Command,
    EnableAutomaticStatusBack,
    FeedAndCut,
    GeneratePulse,
    InitializePrinter,
    PrintAndFeedLines,
    PrintAndLineFeed,
    PrintData,
    PrintRasterBitImage,
    QrCode,
    RequestProcessId,
    SelectCharacterCodeTable,
    SelectCharacterSize,
    SelectJustification,
    SelectPrintModes,
    TransmitRealTimeStatus,
    TransmitStatus,
    TurnEmphasizedMode,
    to_bytes,
)
from cvconnect_drivers.printers.logo import draw_logo
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.raster import (
    CELL_HEIGHT_DOTS,
    Bitmap,
    draw_qr,
    draw_text,
    without_real_time_commands,
)
from cvconnect_drivers.qr import QUIET_ZONE_MODULES, make_matrix, modules_for
from cvconnect_drivers.shapes import Align, Line

__all__ = [
    "PROCESS_ID_LENGTH",
    "CancelKanjiCharacterMode",
    "Command",
    "EnableAutomaticStatusBack",
    "Encoder",
    "FeedAndCut",
    "GeneratePulse",
    "InitializePrinter",
    "PrintAndFeedLines",
    "PrintAndLineFeed",
    "PrintData",
    "PrintRasterBitImage",
    "QrCode",
    "RequestProcessId",
    "SelectCharacterCodeTable",
    "SelectCharacterSize",
    "SelectJustification",
    "SelectPrintModes",
    "TransmitRealTimeStatus",
    "TransmitStatus",
    "TurnEmphasizedMode",
    "module_dots",
    "process_id",
    "to_bytes",
    "within_limits",
]

MIN_MODULE_DOTS = 3
MAX_MODULE_MM = 1
"""Larger only costs paper: 8 dots at 203 dpi, 7 at 180."""

MAX_NATIVE_MODULE_DOTS = 16
"""Source: Epson, ESC/POS Command Reference, `GS ( k` function 167."""

MAX_LINE_CHARACTERS = 10_000
MAX_JOB_CHARACTERS = 100_000
"""The end of a line counts as one. 48 on a line make 8 m of paper."""

LINE_SPACING_DOTS = 30
FEED_TO_TEAR_LINES = 5
"""Unverified: 19 mm bring the last line past the edge where paper is torn off."""


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
        self._commands: list[Command] = []
        self._left_out: list[ContentError] = []

    @property
    def left_out(self) -> Sequence[ContentError]:
        """Why pictures of the last job are missing from it: a ticket never fails because of its logo."""
        return self._left_out

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
        self._left_out = []
        self._commands = [InitializePrinter()]
        if self._profile.kanji:
            self._commands.append(CancelKanjiCharacterMode())
        self._commands.append(SelectCharacterCodeTable(self._page))
        for line in within_limits(lines):
            if getattr(line, "image", None) is not None:
                self._logo(line)
            elif line.qr is not None:
                self._qr(line.qr, line.align)
            else:
                self._text(line)
        self._commands.append(FeedAndCut() if self._profile.cut else PrintAndFeedLines(FEED_TO_TEAR_LINES))
        return self._commands

    def _text(self, line: Line) -> None:
        # What nobody sees at the end of a line is not sent.
        text = line.text.rstrip(" ") if line.align == "left" else line.text
        runs = encode(text, self._profile.pages, self._page)
        if runs is None:
            self._drawn(line)
            return
        if runs:
            # A line that fills the paper stands the same in every alignment.
            if line.align != self._align and not self._fills_paper(runs, line):
                self._justify(line.align)
            bold, large = bool(line.bold), bool(line.large)  # lines of a till's own may say 1, or None
            if bold is not self._bold or large is not self._large:
                self._print_modes(bold, large)
        for run in runs:
            if run.page is not self._page:
                self._page = run.page
                self._commands.append(SelectCharacterCodeTable(run.page))
            self._commands.append(PrintData(run.data))
        self._commands.append(_LINE_FEED)

    def _fills_paper(self, runs: Iterable[Run], line: Line) -> bool:
        return sum([len(run.data) for run in runs]) * (2 if line.large else 1) == self._profile.columns

    def _justify(self, align: Align) -> None:
        if align != self._align:
            self._align = align
            self._commands.append(_JUSTIFY[align])

    def _print_modes(self, bold: bool, large: bool) -> None:  # noqa: FBT001
        if bold is not self._bold and large is not self._large:
            self._commands.append(SelectPrintModes(emphasized=bold, double=large))
        elif bold is not self._bold:
            self._commands.append(_EMPHASIZE[bold])
        else:
            self._commands.append(SelectCharacterSize(2 if large else 1))
        self._bold, self._large = bold, large

    def _logo(self, line: Line) -> None:
        try:
            logo = draw_logo(line.image, self._profile.width_dots)
        except ContentError as error:
            self._left_out.append(error)
            return
        self._justify(line.align)
        self._dots(logo)

    def _qr(self, payload: str, align: Align) -> None:
        # The lines around it are the upper and lower quiet zone.
        self._commands.append(_LINE_FEED)
        self._justify(align)
        dots = module_dots(payload, self._profile)
        data = payload.encode()
        # A printer carries real-time commands out wherever they stand, in the data of a QR too.
        if self._profile.native_qr and data == without_real_time_commands(data):
            self._commands.append(QrCode(data, dots))
        else:
            # The printer doubles what it can: a quarter of the bytes on the wire.
            times = 1 if dots % 2 else 2
            self._dots(draw_qr(make_matrix(payload, mode="byte"), dots // times), times)
        self._commands.append(_LINE_FEED)

    def _drawn(self, line: Line) -> None:
        self._justify(line.align)
        images = draw_text(
            line.text,
            columns=self._profile.columns,
            column_dots=self._profile.column_dots,
            align=line.align,
            bold=line.bold,
            large=line.large,
        )
        for image in images:
            self._dots(image)
            if not line.large:  # large characters leave no space between lines, printed or drawn
                self._commands.append(_LEADING)

    def _dots(self, bitmap: Bitmap, times: int = 1) -> None:
        self._commands += [PrintRasterBitImage(band, times) for band in bitmap.bands()]


_JUSTIFY: Final[Mapping[Align, Command]] = {
    align: SelectJustification(align) for align in ("left", "center", "right")
}
_EMPHASIZE: Final = (TurnEmphasizedMode(False), TurnEmphasizedMode(True))
_LINE_FEED: Final = PrintAndLineFeed()

_LEADING: Final = PrintRasterBitImage(Bitmap(1, bytes(LINE_SPACING_DOTS - CELL_HEIGHT_DOTS)))
"""Feeds by dots on every printer: the units of `ESC J` differ."""


def within_limits(lines: Iterable[Line]) -> Iterator[Line]:
    """Pass lines on while they make a ticket that somebody may want.

    Args:
        lines: The lines, from the top.

    Yields:
        The same lines.

    Raises:
        ContentError: `LINE_TOO_LONG`, `JOB_TOO_LONG`.
    """
    characters = 0
    for line in lines:
        if len(line.text) > MAX_LINE_CHARACTERS:
            raise _too_long("LINE_TOO_LONG", "Une ligne du ticket", MAX_LINE_CHARACTERS)
        characters += len(line.text) + 1
        if characters > MAX_JOB_CHARACTERS:
            raise _too_long("JOB_TOO_LONG", "Le ticket", MAX_JOB_CHARACTERS)
        yield line


def module_dots(payload: str, profile: Profile) -> int:
    """Choose the size of a QR's module on paper.

    The printer chooses the QR's version itself: the one for plain bytes is the largest that it can need.

    Args:
        payload: What the QR holds.
        profile: The printer.

    Returns:
        At least `MIN_MODULE_DOTS`, at most `MAX_MODULE_MM`.

    Raises:
        ContentError: `QR_TOO_DENSE`, `QR_CONTENT`.
    """
    modules = modules_for(payload) + 2 * QUIET_ZONE_MODULES
    dots = min(profile.width_dots // modules, round(MAX_MODULE_MM * profile.dots_per_mm))
    if profile.native_qr:
        dots = min(dots, MAX_NATIVE_MODULE_DOTS)
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
        `PROCESS_ID_LENGTH` characters 40h to 4Fh or 60h to 6Fh: none looks like a status to whoever joins in their middle.
    """
    digest = zlib.crc32(f"{attempt}:{job_id}".encode("utf-8", "surrogatepass")).to_bytes(PROCESS_ID_LENGTH)
    return bytes(0x40 | byte & 0x2F for byte in digest)


def _too_long(code: str, what: str, limit: int) -> ContentError:
    return ContentError(
        code,
        fr=f"{what} dépasse {limit} caractères : l’impression est refusée.",
        en=f"Over {limit} characters are not printed.",
    )
