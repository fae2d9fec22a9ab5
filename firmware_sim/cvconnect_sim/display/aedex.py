"""A display that speaks AEDEX (EMAX): each row of text is a command, all else is for the device behind it."""

from cvconnect_sim.display.firmware import Firmware, Table


class AedexDisplay(Firmware):
    """The firmware of an AEDEX display of 2 rows of 20 cells.

    What is no command goes to the device behind it, and is kept in `passed_on`.

    Source: Logic Controls, PDX3/LDX9/LTX9 User Manual, 8.1.2; POS-X, XP8200 manual, 4.1.5. Unverified: PC437, and what a row
    that is shorter than the glass leaves of the one before: here it leaves it, the worst for a host.
    """

    def __init__(self) -> None:
        self.passed_on = bytearray()
        super().__init__(20, 2)

    def _defaults(self) -> None:
        self.panel.cursor_on = False

    def _table(self) -> Table:
        return {
            b"!#1": ("row", lambda text: self._write(0, text)),
            b"!#2": ("row", lambda text: self._write(1, text)),
            b"!#9": ("row", self._write_both),
            b"\r": (0, lambda _: self.passed_on.extend(b"\r")),
        }

    def _show(self, code: int) -> None:
        self.passed_on.append(code)

    def _write(self, row: int, text: bytes) -> None:
        for column, code in enumerate(text.removesuffix(b"\r")[: self.panel.columns]):
            self.panel.cells[row][column] = self._characters[code]

    def _write_both(self, text: bytes) -> None:
        codes = text.removesuffix(b"\r")
        self._write(0, codes[: self.panel.columns])
        self._write(1, codes[self.panel.columns :])
