"""A display that speaks Epson's commands, such as a DM-D110 or, where it answers, a DM-D70."""

from cvconnect_sim.display.firmware import Action, Firmware, Table
from cvconnect_sim.display.panel import Mode
from cvconnect_sim.printer.charset import NATIONAL_VARIANTS, character_table

CODE_TABLES = {
    0: "cp437",
    2: "cp850",
    3: "cp860",
    4: "cp863",
    5: "cp865",
    16: "cp1252",
    17: "cp866",
    18: "cp852",
    19: "cp858",
}
"""`ESC t n`. Source: Epson, DM-D110 Specification, `ESC t` (the numbers) and ESC/POS Command Reference, `ESC t` (their
pages); page 1 (Katakana), 254 and 255 (the host's own) are left out."""

BRIGHTNESS = {1: 20, 2: 40, 3: 60, 4: 100}
_SELECT = b"\x1b="
_PRINTER, _DISPLAY = 1, 2
_TRANSMIT, _NAME = 0x30, 0x43


class EpsonDisplay(Firmware):
    """The firmware of an Epson display.

    Args:
        columns: Cells in a row.
        rows: Rows.
        name: What it answers to the question for its name; without one it has no answers, as older models.
        pages: The numbers of `ESC t` that it has; others are ignored, as in displays that only imitate Epson's.

    While a printer behind it is selected (`ESC =`), all goes there and is kept in `passed_on`.

    Source: Epson, DM-D110 Specification, 5.4; POS-X, XP8200 manual, 4.1.2; ESC/POS Command Reference for customer displays,
    `US ( B` function 48. Unverified: the cursor and the mode after power-on.
    """

    def __init__(
        self,
        columns: int = 20,
        rows: int = 2,
        *,
        name: str | None = "DM-D70",
        pages: frozenset[int] = frozenset(CODE_TABLES),
    ) -> None:
        self._name = name
        self._pages = pages
        self.passed_on = bytearray()
        super().__init__(columns, rows)

    def _defaults(self) -> None:
        self._page, self._country = 0, 0
        self._selected = True

    def _table(self) -> Table:
        table: Table = {
            b"\x08": (0, lambda _: self.panel.left()),
            b"\x09": (0, lambda _: self.panel.right()),
            b"\x0a": (0, lambda _: self.panel.down()),
            b"\x0b": (0, lambda _: self._home()),
            b"\x0c": (0, lambda _: self.panel.clear()),
            b"\x0d": (0, lambda _: self._left_end()),
            b"\x18": (0, lambda _: self.panel.clear_row()),
            b"\x1b@": (0, lambda _: self._start()),
            _SELECT: (1, self._select_device),
            b"\x1bt": (1, self._select_page),
            b"\x1bR": (1, self._select_country),
            b"\x1f\x01": (0, lambda _: self._set_mode(Mode.OVERWRITE)),
            b"\x1f\x02": (0, lambda _: self._set_mode(Mode.VERTICAL)),
            b"\x1f\x03": (0, lambda _: self._set_mode(Mode.HORIZONTAL)),
            b"\x1f\x0a": (0, lambda _: self.panel.up()),
            b"\x1f\x0d": (0, lambda _: self._right_end()),
            b"\x1fB": (0, lambda _: self._bottom()),
            b"\x1f$": (2, self._move),
            b"\x1fC": (1, self._set_cursor),
            b"\x1fX": (1, self._set_brightness),
            b"\x1f(": ("counted", self._function),
        }
        return {
            name: (count, self._unless_passed_on(name, action)) for name, (count, action) in table.items()
        }

    def _unless_passed_on(self, name: bytes, action: Action) -> Action:
        def run(arguments: bytes) -> None:
            if self._selected or name == _SELECT:
                action(arguments)
            else:
                self.passed_on += name + arguments

        return run

    def _show(self, code: int) -> None:
        if self._selected:
            super()._show(code)
        else:
            self.passed_on.append(code)

    def _select_device(self, arguments: bytes) -> None:
        if arguments[0] in {_PRINTER, _DISPLAY, _PRINTER | _DISPLAY}:
            self._selected = bool(arguments[0] & _DISPLAY)
        else:
            self._ignore(_SELECT + arguments)

    def _select_page(self, arguments: bytes) -> None:
        if arguments[0] in self._pages:
            self._page = arguments[0]
            self._characters = character_table(CODE_TABLES[self._page], self._country)
        else:
            self._ignore(b"\x1bt" + arguments)

    def _select_country(self, arguments: bytes) -> None:
        if arguments[0] in NATIONAL_VARIANTS:
            self._country = arguments[0]
            self._characters = character_table(CODE_TABLES[self._page], self._country)
        else:
            self._ignore(b"\x1bR" + arguments)

    def _move(self, arguments: bytes) -> None:
        column, row = arguments
        if not self.panel.move_to(column - 1, row - 1):
            self._ignore(b"\x1f$" + arguments)

    def _set_cursor(self, arguments: bytes) -> None:
        self.panel.cursor_on = arguments[0] in {1, 49}

    def _set_brightness(self, arguments: bytes) -> None:
        if arguments[0] in BRIGHTNESS:
            self.panel.brightness = BRIGHTNESS[arguments[0]]
        else:
            self._ignore(b"\x1fX" + arguments)

    def _set_mode(self, mode: Mode) -> None:
        self.panel.mode = mode

    def _home(self) -> None:
        self.panel.move_to(0, 0)

    def _bottom(self) -> None:
        self.panel.move_to(self.panel.columns - 1, self.panel.rows - 1)

    def _left_end(self) -> None:
        self.panel.column = 0

    def _right_end(self) -> None:
        self.panel.column = self.panel.columns - 1

    def _function(self, arguments: bytes) -> None:
        if self._name is not None and arguments[0] == ord("B") and arguments[3:] == bytes((_TRANSMIT, _NAME)):
            self._answer += b"\x57\x20\x30\x1f" + self._name.encode("ascii") + b"\0"
        else:
            self._ignore(b"\x1f(" + arguments)
