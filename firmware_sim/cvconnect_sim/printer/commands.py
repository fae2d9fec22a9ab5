"""What each command does: a table from its name to a function on the print mechanism.

Source: Epson ESC/POS command reference, under the name of each command. Commands of the reference that are not in
the table are read to their end and recorded as ignored.
"""

from collections.abc import Callable
from dataclasses import replace

from cvconnect_sim.printer import graphics, reports
from cvconnect_sim.printer.charset import NATIONAL_VARIANTS
from cvconnect_sim.printer.events import DrawerPulse
from cvconnect_sim.printer.font import Font
from cvconnect_sim.printer.machine import Machine
from cvconnect_sim.printer.mechanism import Cut, Retract
from cvconnect_sim.printer.reasons import (
    LACKING,
    NO_CUTTER,
    NOT_AT_LINE_START,
    NOT_MODELLED,
    OUT_OF_RANGE,
)

Handler = Callable[[Machine, bytes], None]

CUTS = {
    0: ("A", False),
    48: ("A", False),
    1: ("A", True),
    49: ("A", True),
    65: ("B", False),
    66: ("B", True),
    97: ("C", False),
    98: ("C", True),
    103: ("D", False),
    104: ("D", True),
}
"""`GS V m` -> function and whether the cut is partial."""


def execute(machine: Machine, name: str, args: bytes) -> None:
    """Carry out one complete command.

    Args:
        machine: the mechanism to work on.
        name: the command's name as Epson prints it.
        args: the bytes after the name.
    """
    machine.intake = None
    if name in machine.model.lacks:
        machine.ignore(name, args, LACKING)
        return
    if name in LINE_START_ONLY and not machine.at_line_start:
        machine.ignore(name, args, NOT_AT_LINE_START)
        return
    handler = HANDLERS.get(name)
    if handler is None:
        machine.ignore(name, args, NOT_MODELLED)
    else:
        handler(machine, args)


def _word(low_high: bytes) -> int:
    return int.from_bytes(low_high, "little")


def _choice(args: bytes) -> int:
    """A parameter that may be given as a number or as its ASCII digit."""
    return args[0] - ord("0") if args[0] >= ord("0") else args[0]


def _initialize(machine: Machine, _: bytes) -> None:
    machine.reset()


def _line_feed(machine: Machine, _: bytes) -> None:
    machine.print_line()


def _carriage_return(_: Machine, __: bytes) -> None:
    """Without effect, as automatic line feed is off."""


def _tab(machine: Machine, _: bytes) -> None:
    machine.tab()


def _print_modes(machine: Machine, args: bytes) -> None:
    bits = args[0]
    machine.style = replace(
        machine.style,
        font=Font.B if bits & 0x01 else Font.A,
        bold=bool(bits & 0x08),
        tall=2 if bits & 0x10 else 1,
        wide=2 if bits & 0x20 else 1,
        underline_dots=1 if bits & 0x80 else 0,
    )


def _bold(machine: Machine, args: bytes) -> None:
    machine.style = replace(machine.style, bold=bool(args[0] & 1))


def _underline(machine: Machine, args: bytes) -> None:
    dots = _choice(args)
    if dots in (0, 1, 2):
        machine.style = replace(machine.style, underline_dots=dots)
    else:
        machine.ignore("ESC -", args, OUT_OF_RANGE)


def _reverse(machine: Machine, args: bytes) -> None:
    machine.style = replace(machine.style, reverse=bool(args[0] & 1))


def _character_size(machine: Machine, args: bytes) -> None:
    if args[0] & 0x88:
        machine.ignore("GS !", args, OUT_OF_RANGE)
    else:
        machine.style = replace(machine.style, wide=(args[0] >> 4) + 1, tall=(args[0] & 7) + 1)


def _font(machine: Machine, args: bytes) -> None:
    match _choice(args):
        case 0:
            machine.style = replace(machine.style, font=Font.A)
        case 1:
            machine.style = replace(machine.style, font=Font.B)
        case _:
            machine.ignore("ESC M", args, OUT_OF_RANGE)


def _code_page(machine: Machine, args: bytes) -> None:
    codec = machine.model.code_pages.get(args[0])
    if codec is None:
        machine.ignore("ESC t", args, OUT_OF_RANGE)
    else:
        machine.settings.codec = codec


def _variant(machine: Machine, args: bytes) -> None:
    if args[0] in NATIONAL_VARIANTS:
        machine.settings.variant = args[0]
    else:
        machine.ignore("ESC R", args, OUT_OF_RANGE)


def _alignment(machine: Machine, args: bytes) -> None:
    alignment = _choice(args)
    if alignment in (0, 1, 2):
        machine.settings.alignment = alignment
    else:
        machine.ignore("ESC a", args, OUT_OF_RANGE)


def _default_spacing(machine: Machine, _: bytes) -> None:
    machine.settings.line_spacing_dots = machine.model.line_spacing_dots


def _spacing(machine: Machine, args: bytes) -> None:
    machine.settings.line_spacing_dots = args[0]


def _left_margin(machine: Machine, args: bytes) -> None:
    machine.settings.left_margin_dots = min(_word(args), machine.model.width_dots - Font.A.width_dots)


def _area_width(machine: Machine, args: bytes) -> None:
    machine.settings.area_width_dots = max(_word(args), Font.A.width_dots)


def _feed_lines(machine: Machine, args: bytes) -> None:
    for _ in range(args[0]):
        machine.print_line()
    if not machine.at_line_start:
        machine.print_line(0)


def _feed_dots(machine: Machine, args: bytes) -> None:
    if machine.at_line_start:
        machine.feed(args[0])
    else:
        machine.print_line(args[0])


def _cut(machine: Machine, args: bytes) -> None:
    if not machine.model.cutter:
        machine.ignore("GS V", args, NO_CUTTER)
        return
    feed_dots = args[1] if len(args) > 1 else 0
    to_cutter_dots = machine.model.head_to_cutter_dots
    match CUTS.get(args[0]):
        case "A", partial:
            machine.mechanism.add(Cut(partial))
        case "B", partial:
            machine.feed(to_cutter_dots + feed_dots)
            machine.mechanism.add(Cut(partial))
        case "C", partial:
            machine.mechanism.add(Cut(partial, feed_dots))
        case "D", partial:
            machine.feed(to_cutter_dots + feed_dots)
            machine.mechanism.add(Cut(partial))
            machine.mechanism.add(Retract())
        case _:
            machine.ignore("GS V", args, OUT_OF_RANGE)


def _drawer(machine: Machine, args: bytes) -> None:
    connector = _choice(args)
    if connector in (0, 1):
        # Source: Epson, `ESC p`: the times are n x 2 ms.
        machine.events.append(DrawerPulse(2 if connector == 0 else 5, args[1] * 2, args[2] * 2))
    else:
        machine.ignore("ESC p", args, OUT_OF_RANGE)


def _pairs_on(machine: Machine, args: bytes) -> None:
    if machine.model.pairs is None:
        machine.ignore("FS &", args, NOT_MODELLED)
    machine.settings.pairs = machine.model.pairs


def _pairs_off(machine: Machine, _: bytes) -> None:
    machine.settings.pairs = None


def _real_time(_: Machine, __: bytes) -> None:
    """Carried out on reception already; in its turn it only leaves the buffer."""


LINE_START_ONLY = frozenset({"ESC a", "GS L", "GS W", "GS V", "GS v 0"})
"""Commands that have no effect while characters wait in the print buffer."""

HANDLERS: dict[str, Handler] = {
    "HT": _tab,
    "LF": _line_feed,
    "CR": _carriage_return,
    "DLE EOT": _real_time,
    "DLE ENQ": _real_time,
    "DLE DC4": _real_time,
    "ESC !": _print_modes,
    "ESC -": _underline,
    "ESC 2": _default_spacing,
    "ESC 3": _spacing,
    "ESC @": _initialize,
    "ESC E": _bold,
    "ESC G": _bold,
    "ESC J": _feed_dots,
    "ESC M": _font,
    "ESC R": _variant,
    "ESC a": _alignment,
    "ESC d": _feed_lines,
    "ESC p": _drawer,
    "ESC t": _code_page,
    "GS !": _character_size,
    "GS B": _reverse,
    "GS L": _left_margin,
    "GS V": _cut,
    "GS W": _area_width,
    "FS &": _pairs_on,
    "FS .": _pairs_off,
    **graphics.HANDLERS,
    **reports.HANDLERS,
}
