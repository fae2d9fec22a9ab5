"""The glass of a line display: cells, a cursor, and what happens at the end of a row."""

from dataclasses import dataclass, field
from enum import Enum


class Mode(Enum):
    """What writing does at the end of a row."""

    OVERWRITE = "overwrite"
    VERTICAL = "vertical scroll"
    HORIZONTAL = "horizontal scroll"


@dataclass(slots=True)
class Panel:
    """Cells of one character each; None is a code that the character generator has nothing for.

    Args:
        columns: Cells in a row.
        rows: Rows.
        mode: What writing does at the end of a row.
        cursor_on: Whether the cursor is seen.
        brightness: In per cent.
        column: Where the next character goes, from 0.
        row: The same.

    Source: Epson, DM-D110 Specification, 5.4 (`HT` in the three modes); IBM, SurePOS 300 Installation and Service, appendix A
    (`DC1`, `DC2`); Aures, OLC 15 manual, A.1 to A.3.
    """

    columns: int = 20
    rows: int = 2
    mode: Mode = Mode.OVERWRITE
    cursor_on: bool = True
    brightness: int = 100
    column: int = 0
    row: int = 0
    cells: list[list[str | None]] = field(default_factory=list[list[str | None]])

    def __post_init__(self) -> None:
        self.clear()

    @property
    def lines(self) -> tuple[str, ...]:
        """What can be read, with `�` for what the character generator does not have."""
        return tuple("".join("\ufffd" if cell is None else cell for cell in row) for row in self.cells)

    def clear(self) -> None:
        """Empty all cells; the cursor goes home."""
        self.cells = [self._empty() for _ in range(self.rows)]
        self.column = self.row = 0

    def clear_row(self) -> None:
        """Empty the cursor's row; the cursor goes to its begin."""
        self.cells[self.row] = self._empty()
        self.column = 0

    def move_to(self, column: int, row: int) -> bool:
        """Move the cursor, both counted from 0; outside the glass nothing happens, and this is false."""
        inside = 0 <= column < self.columns and 0 <= row < self.rows
        if inside:
            self.column, self.row = column, row
        return inside

    def put(self, character: str | None) -> None:
        """Write a character where the cursor is, and move it on."""
        if self.mode is Mode.HORIZONTAL and self.column == self.columns - 1:
            self.cells[self.row] = [*self.cells[self.row][1:], character]
            return
        self.cells[self.row][self.column] = character
        self.right()

    def right(self) -> None:
        """Move the cursor one cell on."""
        if self.column < self.columns - 1:
            self.column += 1
        elif self.mode is not Mode.HORIZONTAL:
            self.column = 0
            self.down()

    def left(self) -> None:
        """Move the cursor one cell back."""
        if self.column:
            self.column -= 1
        elif self.mode is Mode.OVERWRITE:
            self.column, self.row = self.columns - 1, (self.row - 1) % self.rows

    def down(self) -> None:
        """Move the cursor one row down."""
        if self.row < self.rows - 1:
            self.row += 1
        elif self.mode is Mode.VERTICAL:
            self.cells = [*self.cells[1:], self._empty()]
        elif self.mode is Mode.OVERWRITE:
            self.row = 0

    def up(self) -> None:
        """Move the cursor one row up."""
        if self.row:
            self.row -= 1
        elif self.mode is Mode.VERTICAL:
            self.cells = [self._empty(), *self.cells[:-1]]
        elif self.mode is Mode.OVERWRITE:
            self.row = self.rows - 1

    def _empty(self) -> list[str | None]:
        return [" "] * self.columns
