"""The paper: a strip under the print head, cut into slips."""

from dataclasses import dataclass, field, replace

from cvconnect_sim.printer.font import Rows
from cvconnect_sim.printer.models import PrinterModel

COLUMN_DOTS = 12
"""Width of a character of Font A. Source: Epson ESC/POS command reference, `ESC M`."""


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line of text on a slip.

    Args:
        text: its characters, without the trailing spaces; the blanks that alignment puts before it are not in it.
        x_dots: its distance from the left edge of the printable area.
        y_dots: its distance from the slip's top.
        height_dots: the height of its tallest character; 0 for an empty line.
    """

    text: str
    x_dots: int
    y_dots: int
    height_dots: int


@dataclass(frozen=True, slots=True)
class Slip:
    """A piece of printed paper.

    Args:
        rows: its dots from top to bottom, in each row the highest of `width_dots` bits is the leftmost dot.
        lines: its lines of text from top to bottom. Images leave no line.
        model: the printer it came from.
    """

    rows: Rows = field(repr=False)
    lines: tuple[PrintedLine, ...]
    model: PrinterModel = field(repr=False)

    @property
    def text(self) -> str:
        """The lines as one reads them, without the empty ones at the top and the bottom."""
        return "\n".join(line.text for line in self.lines).strip("\n")

    @property
    def layout(self) -> str:
        """The same with each line where it stands on the paper, in columns of Font A."""
        lines = (" " * (line.x_dots // COLUMN_DOTS) + line.text for line in self.lines)
        return "\n".join(lines).strip("\n")

    @property
    def blank(self) -> bool:
        """Whether there is no black dot."""
        return not any(self.rows)

    def png(self) -> bytes:
        """The slip as a picture, the paper's own margins included, one pixel per dot."""
        from cvconnect_sim.printer.picture import slip_png

        return slip_png(self)


class Paper:
    """The strip between the last cut and the print head."""

    def __init__(self, model: PrinterModel) -> None:
        self._model = model
        # The cutter sits after the head: this much blank paper precedes whatever is printed first.
        self._rows = [0] * model.head_to_cutter_dots
        self._lines: list[PrintedLine] = []

    @property
    def head_dots(self) -> int:
        """Position of the print head, from the top of the strip."""
        return len(self._rows)

    def burn(self, rows: Rows) -> None:
        """Move rows of dots past the head; 0 is a blank one."""
        self._rows.extend(rows)

    def note(self, line: PrintedLine) -> None:
        """Remember a line of text."""
        self._lines.append(line)

    def retract(self, to_dots: int) -> None:
        """Pull blank paper back until the head is at `to_dots`, never over print."""
        while self.head_dots > to_dots and not self._rows[-1]:
            self._rows.pop()

    def look(self) -> Slip:
        """The strip as it is now."""
        return Slip(tuple(self._rows), tuple(self._lines), self._model)

    def cut(self, at_dots: int) -> Slip:
        """Cut `at_dots` from the top of the strip; a line belongs to the side that holds its middle."""
        piece = tuple(self._rows[:at_dots])
        above = tuple(line for line in self._lines if line.y_dots + line.height_dots // 2 < at_dots)
        self._lines = [replace(line, y_dots=line.y_dots - at_dots) for line in self._lines[len(above) :]]
        del self._rows[:at_dots]
        return Slip(piece, above, self._model)
