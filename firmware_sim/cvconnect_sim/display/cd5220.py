"""A display that speaks Partner Tech's CD5220 commands."""

from cvconnect_sim.display.firmware import Action, Firmware, Table
from cvconnect_sim.display.panel import Mode
from cvconnect_sim.printer.charset import character_table

COUNTRIES = {
    b"A": 0,
    b"F": 1,
    b"G": 2,
    b"U": 3,
    b"D": 4,
    b"W": 5,
    b"I": 6,
    b"S": 7,
    b"J": 8,
    b"N": 9,
    b"E": 10,
}
"""`ESC f n` -> the number of the same variant in Epson's list. Source: Partner Tech, CD5220 User's Manual, 6.1 (the letters).
Unverified: `A`, `N`, and that each variant is Epson's."""

BRIGHTNESS = {1: 20, 2: 40, 3: 60, 4: 100}
_HEARD_IN_STRING_MODE = {b"\x0c", b"\x18", b"\x1bQA", b"\x1bQB"}


class Cd5220Display(Firmware):
    """The firmware of a CD5220.

    After `ESC Q A` or `ESC Q B` it is in the string mode, in which it only takes further such rows, until `CLR` or `CAN`.

    Args:
        columns: Cells in a row.
        rows: Rows.
        codec: What its character generator holds above 0x7F; makers differ.

    Source: Partner Tech, CD5220 User's Manual, 6.1 and the remarks of 7.2; Bematech, LDX1000 manual, commands 23 to 29; POS-X,
    XP8200 manual, 4.1.8. Unverified: the cursor after power-on.
    """

    def __init__(self, columns: int = 20, rows: int = 2, *, codec: str = "cp437") -> None:
        self._codec = codec
        super().__init__(columns, rows)

    def _defaults(self) -> None:
        self._string_mode = False
        self._characters = character_table(self._codec, 0)

    def _table(self) -> Table:
        table: Table = {
            b"\x08": (0, lambda _: self.panel.left()),
            b"\x09": (0, lambda _: self.panel.right()),
            b"\x0a": (0, lambda _: self.panel.down()),
            b"\x0b": (0, lambda _: self._to(0, 0)),
            b"\x0c": (0, lambda _: self._clear()),
            b"\x0d": (0, lambda _: self._to(0, self.panel.row)),
            b"\x18": (0, lambda _: self._clear_row()),
            b"\x1b@": (0, lambda _: self._start()),
            b"\x1b\x11": (0, lambda _: self._set_mode(Mode.OVERWRITE)),
            b"\x1b\x12": (0, lambda _: self._set_mode(Mode.VERTICAL)),
            b"\x1b\x13": (0, lambda _: self._set_mode(Mode.HORIZONTAL)),
            b"\x1b[A": (0, lambda _: self.panel.up()),
            b"\x1b[B": (0, lambda _: self.panel.down()),
            b"\x1b[C": (0, lambda _: self.panel.right()),
            b"\x1b[D": (0, lambda _: self.panel.left()),
            b"\x1b[H": (0, lambda _: self._to(0, 0)),
            b"\x1b[L": (0, lambda _: self._to(0, self.panel.row)),
            b"\x1b[R": (0, lambda _: self._to(self.panel.columns - 1, self.panel.row)),
            b"\x1b[K": (0, lambda _: self._to(0, self.panel.rows - 1)),
            b"\x1bl": (2, self._move),
            b"\x1b*": (1, self._set_brightness),
            b"\x1b_": (1, self._set_cursor),
            b"\x1bf": (1, self._select_country),
            b"\x1bQA": ("row", lambda arguments: self._string(0, arguments)),
            b"\x1bQB": ("row", lambda arguments: self._string(1, arguments)),
        }
        return {name: (count, self._unless_locked(name, action)) for name, (count, action) in table.items()}

    def _unless_locked(self, name: bytes, action: Action) -> Action:
        def run(arguments: bytes) -> None:
            if self._string_mode and name not in _HEARD_IN_STRING_MODE:
                self._ignore(name + arguments)
            else:
                action(arguments)

        return run

    def _show(self, code: int) -> None:
        if self._string_mode:
            self._ignore(bytes((code,)))
        else:
            super()._show(code)

    def _string(self, row: int, arguments: bytes) -> None:
        self._string_mode = True
        self.panel.move_to(0, row)
        self.panel.clear_row()
        for code in arguments.removesuffix(b"\r")[: self.panel.columns]:
            self.panel.cells[row][self.panel.column] = self._characters[code]
            self.panel.column = min(self.panel.column + 1, self.panel.columns - 1)

    def _clear(self) -> None:
        self._string_mode = False
        self.panel.clear()

    def _clear_row(self) -> None:
        self._string_mode = False
        self.panel.clear_row()

    def _to(self, column: int, row: int) -> None:
        self.panel.move_to(column, row)

    def _move(self, arguments: bytes) -> None:
        column, row = arguments
        if not self.panel.move_to(column - 1, row - 1):
            self._ignore(b"\x1bl" + arguments)

    def _set_brightness(self, arguments: bytes) -> None:
        if arguments[0] in BRIGHTNESS:
            self.panel.brightness = BRIGHTNESS[arguments[0]]
        else:
            self._ignore(b"\x1b*" + arguments)

    def _set_cursor(self, arguments: bytes) -> None:
        self.panel.cursor_on = arguments[0] == 1

    def _set_mode(self, mode: Mode) -> None:
        self.panel.mode = mode

    def _select_country(self, arguments: bytes) -> None:
        if arguments in COUNTRIES:
            self._characters = character_table(self._codec, COUNTRIES[arguments])
        else:
            self._ignore(b"\x1bf" + arguments)
