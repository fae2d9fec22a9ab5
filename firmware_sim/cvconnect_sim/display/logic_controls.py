"""A display that speaks Logic Controls' commands, such as an LD9000."""

from cvconnect_sim.display.firmware import Firmware, Table
from cvconnect_sim.display.panel import Mode

BRIGHTNESS = {0x20: 20, 0x40: 40, 0x60: 60, 0xFF: 100}


class LogicControlsDisplay(Firmware):
    """The firmware of a Logic Controls display of 2 rows of 20 cells.

    After power-on it scrolls vertically and shows its cursor.

    Source: Logic Controls, LD9000 Series User Manual, "Software commands"; IBM, SurePOS 300 Installation and Service, appendix A
    (reset, `DC1`, `DC2`, display position, code page 437). Unverified: that Logic Controls' own character table is PC437 too.
    """

    def __init__(self) -> None:
        super().__init__(20, 2)

    def _defaults(self) -> None:
        self.panel.mode = Mode.VERTICAL

    def _table(self) -> Table:
        return {
            b"\x04": (1, self._set_brightness),
            b"\x08": (0, lambda _: self._back_space()),
            b"\x09": (0, lambda _: self.panel.right()),
            b"\x0a": (0, lambda _: self.panel.down()),
            b"\x0d": (0, lambda _: self._carriage_return()),
            b"\x10": (1, self._move),
            b"\x11": (0, lambda _: self._set_mode(Mode.OVERWRITE)),
            b"\x12": (0, lambda _: self._set_mode(Mode.VERTICAL)),
            b"\x13": (0, lambda _: self._set_cursor(on=True)),
            b"\x14": (0, lambda _: self._set_cursor(on=False)),
            b"\x1f": (0, lambda _: self._start()),
        }

    def _set_brightness(self, arguments: bytes) -> None:
        if arguments[0] in BRIGHTNESS:
            self.panel.brightness = BRIGHTNESS[arguments[0]]
        else:
            self._ignore(b"\x04" + arguments)

    def _move(self, arguments: bytes) -> None:
        row, column = divmod(arguments[0], self.panel.columns)
        if not self.panel.move_to(column, row):
            self._ignore(b"\x10" + arguments)

    def _back_space(self) -> None:
        if self.panel.column:
            self.panel.column -= 1
            self.panel.cells[self.panel.row][self.panel.column] = " "

    def _carriage_return(self) -> None:
        self.panel.column = 0

    def _set_mode(self, mode: Mode) -> None:
        self.panel.mode = mode

    def _set_cursor(self, *, on: bool) -> None:
        self.panel.cursor_on = on
