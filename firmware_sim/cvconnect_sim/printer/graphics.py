"""Images and QR codes: `GS v 0`, `ESC *`, `GS ( L`, `GS ( k`.

Source: Epson ESC/POS command reference, under the name of each command.
"""

from collections.abc import Callable

from cvconnect_sim.printer.font import Rows
from cvconnect_sim.printer.machine import Machine
from cvconnect_sim.printer.qr import ERROR_LEVELS, QrSettings, qr_rows
from cvconnect_sim.printer.reasons import LACKING, NOT_AT_LINE_START, NOT_MODELLED, OUT_OF_RANGE
from cvconnect_sim.printer.typesetter import Picture, enlarge

MODULE_DOTS = range(1, 17)
MODEL_2 = 50

MOST_GRAPHICS_ROWS = 1662
"""Source: Epson, `GS ( L` function 112, in one colour."""

COLUMN_MODES = {0: (1, 2, 3), 1: (1, 1, 3), 32: (3, 2, 1), 33: (3, 1, 1)}
"""`ESC * m` -> bytes of a column, how wide and how tall each of its dots becomes."""


class RasterIntake:
    """Puts rows together from what comes in; the part of a row that is wider than the paper is not kept.

    Args:
        row_bytes: bytes of a row, 1 or more.
        kept_dots: width that is kept.
        take: gets rows as soon as they are complete, and their width.
    """

    def __init__(self, row_bytes: int, kept_dots: int, take: Callable[[Rows, int], None]) -> None:
        self._row_bytes = row_bytes
        self._kept_bytes = min(row_bytes, -(-kept_dots // 8))
        self._take = take
        self._row = bytearray()
        self._seen = 0

    def feed(self, piece: bytes) -> None:
        """The next bytes of the image."""
        rows: list[int] = []
        at = 0
        while at < len(piece):
            part = piece[at : at + self._row_bytes - self._seen]
            self._row += part[: max(self._kept_bytes - len(self._row), 0)]
            self._seen += len(part)
            at += len(part)
            if self._seen == self._row_bytes:
                rows.append(int.from_bytes(self._row))
                self._row.clear()
                self._seen = 0
        if rows:
            self._take(tuple(rows), 8 * self._kept_bytes)


def _word(low_high: bytes) -> int:
    return int.from_bytes(low_high, "little")


def _raster(machine: Machine, args: bytes) -> None:
    mode = args[0] & ~0x30 if args[0] in range(48, 52) else args[0]
    row_bytes = _word(args[1:3])
    if mode not in range(4) or not row_bytes:
        machine.ignore("GS v 0", args, OUT_OF_RANGE)
        return
    wide, tall = (2 if mode & 1 else 1), (2 if mode & 2 else 1)

    def print_rows(rows: Rows, width_dots: int) -> None:
        machine.print_image(enlarge(rows, width_dots, wide, tall), width_dots * wide)

    machine.intake = RasterIntake(row_bytes, machine.model.width_dots, print_rows)


def _column_image(machine: Machine, args: bytes) -> None:
    if args[0] not in COLUMN_MODES:
        machine.ignore("ESC *", args[:3], OUT_OF_RANGE)
        return
    size, wide, tall = COLUMN_MODES[args[0]]
    count = min(_word(args[1:3]), machine.area_dots // wide)
    columns = [int.from_bytes(args[3 + size * at : 3 + size * (at + 1)]) for at in range(count)]
    rows = [0] * (8 * size)
    for column in columns:
        rows = [row << 1 | column >> (8 * size - 1 - y) & 1 for y, row in enumerate(rows)]
    if count:
        machine.put_cell(Picture(enlarge(tuple(rows), count, wide, tall), count * wide))


def _graphics(machine: Machine, args: bytes, *, count_bytes: int) -> None:
    name = "GS ( L" if count_bytes == 2 else "GS 8 L"  # noqa: PLR2004 - the size of its count
    body = args[count_bytes:]
    match tuple(body):
        case (48, 2 | 50):
            if machine.graphics is None or not machine.at_line_start:
                machine.ignore(
                    name, args, "no image is stored" if machine.at_line_start else NOT_AT_LINE_START
                )
                return
            machine.print_image(machine.graphics.rows, machine.graphics.width_dots)
            machine.graphics = None
        case (48, 112, 48, (1 | 2) as wide, (1 | 2) as tall, 49, *size):
            _store_graphics(machine, bytes(size), wide, tall)
        case (48, _, *_):
            machine.ignore(name, args, NOT_MODELLED)
        case _:
            machine.ignore(name, args, OUT_OF_RANGE)


def _store_graphics(machine: Machine, size: bytes, wide: int, tall: int) -> None:
    width_dots, height_dots = _word(size[:2]), _word(size[2:4])
    row_bytes = -(-width_dots // 8)
    excess = 8 * row_bytes - width_dots
    if not row_bytes or not height_dots or height_dots * tall > MOST_GRAPHICS_ROWS:
        machine.ignore("GS ( L", size, OUT_OF_RANGE)
        return
    stored: list[int] = []

    def store(rows: Rows, kept_dots: int) -> None:
        room = height_dots - len(stored)
        stored.extend(rows[:room])
        if len(stored) == height_dots:
            whole = kept_dots == 8 * row_bytes
            width = width_dots if whole else kept_dots
            dots = tuple(row >> excess if whole else row for row in stored)
            machine.graphics = Picture(enlarge(dots, width, wide, tall), width * wide)

    machine.intake = RasterIntake(row_bytes, machine.model.width_dots, store)


def _qr(machine: Machine, args: bytes) -> None:
    body = args[2:]
    qr = machine.settings.qr
    if not machine.model.native_qr or body[:1] != b"1":
        machine.ignore("GS ( k", args, NOT_MODELLED if machine.model.native_qr else LACKING)
        return
    match tuple(body[1:]):
        case (65, (49 | 50) as kind, 0):
            qr.model = kind
        case (67, dots) if dots in MODULE_DOTS:
            qr.module_dots = dots
        case (69, level) if level in ERROR_LEVELS:
            qr.error_level = ERROR_LEVELS[level]
        case (80, 48, *data) if data:
            qr.data = bytes(data)
        case (81, 48):
            _print_qr(machine, args, qr)
        case _:
            machine.ignore("GS ( k", args, OUT_OF_RANGE)


def _print_qr(machine: Machine, args: bytes, qr: QrSettings) -> None:
    rows = qr_rows(qr) if qr.data and qr.model == MODEL_2 else None
    if not machine.at_line_start:
        machine.ignore("GS ( k", args, NOT_AT_LINE_START)
    elif rows is None:
        machine.ignore("GS ( k", args, "no model 2 symbol can be made of the stored data")
    elif len(rows) * qr.module_dots > machine.area_dots:
        machine.ignore("GS ( k", args, "the symbol is wider than the print area")
    else:
        big = enlarge(rows, len(rows), qr.module_dots, qr.module_dots)
        machine.print_image(big, len(rows) * qr.module_dots)


HANDLERS: dict[str, Callable[[Machine, bytes], None]] = {
    "ESC *": _column_image,
    "GS ( L": lambda machine, args: _graphics(machine, args, count_bytes=2),
    "GS ( k": _qr,
    "GS 8 L": lambda machine, args: _graphics(machine, args, count_bytes=4),
    "GS v 0": _raster,
}
