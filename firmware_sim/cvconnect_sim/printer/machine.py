"""The print buffer and the settings: turns commands into steps of the mechanism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cvconnect_sim.printer.charset import LEAD_CODES, TRAIL_CODES, character_table, pair_character
from cvconnect_sim.printer.events import Event, IgnoredCommand
from cvconnect_sim.printer.mechanism import Mechanism, Strip
from cvconnect_sim.printer.qr import QrSettings
from cvconnect_sim.printer.typesetter import Cell, Picture, Style, text_of, typeset

if TYPE_CHECKING:
    from cvconnect_sim.printer.font import Rows
    from cvconnect_sim.printer.models import PrinterModel
    from cvconnect_sim.printer.status import StatusRegister

TAB_COLUMNS = 8
LEFT, CENTER, RIGHT = range(3)


class Intake(Protocol):
    """Takes the data of a command that is worked on while it comes."""

    def feed(self, piece: bytes) -> None:
        """The next bytes."""
        ...


@dataclass(slots=True)
class Settings:
    """Everything that `ESC @` puts back to what it is after power-on."""

    line_spacing_dots: int
    codec: str
    pairs: str | None
    style: Style = field(default_factory=Style)
    variant: int = 0
    alignment: int = LEFT
    left_margin_dots: int = 0
    area_width_dots: int | None = None
    qr: QrSettings = field(default_factory=QrSettings)


class Machine:
    """What the commands work on.

    Args:
        model: the printer to be.
        register: sensors and answers.
        mechanism: prints what is set here.
        events: where it reports what had no effect.

    Attributes:
        settings: what commands have set since power-on or `ESC @`.
        intake: who takes the `Data` of the present command, None when nobody does.
        graphics: the image that `GS ( L` has stored and not printed yet.
    """

    def __init__(
        self, model: PrinterModel, register: StatusRegister, mechanism: Mechanism, events: list[Event]
    ) -> None:
        self.model = model
        self.register = register
        self.mechanism = mechanism
        self.events = events
        self.settings = self._defaults()
        self.intake: Intake | None = None
        self.graphics: Picture | None = None
        self._cells: list[Cell | Picture] = []
        self._cells_dots = 0
        self._lead: int | None = None

    def reset(self) -> None:
        """Forget the print buffer and the settings, not the paper."""
        self.clear_print_buffer()
        self.mechanism.drop_cuts_ahead()
        self.register.mask = 0
        self.settings = self._defaults()

    def clear_print_buffer(self) -> None:
        """Forget what has not been printed of the current line."""
        self._drop_cells()
        self._lead = None
        self.graphics = None

    def ignore(self, name: str, args: bytes, reason: str) -> None:
        """Record that a command had no effect."""
        self.events.append(IgnoredCommand(name, args, reason))

    @property
    def style(self) -> Style:
        """How the next characters will be printed."""
        return self.settings.style

    @style.setter
    def style(self, style: Style) -> None:
        self.settings.style = style

    @property
    def at_line_start(self) -> bool:
        """Whether the print buffer is empty."""
        return not self._cells

    @property
    def area_dots(self) -> int:
        """Width of the area between the left margin and the right edge of printing."""
        room = self.model.width_dots - self.settings.left_margin_dots
        wanted = self.settings.area_width_dots
        return room if wanted is None else min(wanted, room)

    def put(self, codes: bytes) -> None:
        """Put characters into the print buffer; a full line is printed."""
        table = character_table(self.settings.codec, self.settings.variant)
        style = self.settings.style
        if self.settings.pairs is None:
            for code in codes:
                self.put_cell(Cell(table[code], style))
        else:
            for cell in self._pair_up(codes, table, self.settings.pairs):
                self.put_cell(cell)

    def end_pair(self) -> None:
        """Something else than the second code came: the first one is no character."""
        if self._lead is not None:
            self._lead = None
            self.put_cell(Cell(None, self.settings.style))

    def put_cell(self, cell: Cell | Picture) -> None:
        """Put a character or an image into the print buffer; a full line is printed first."""
        if self._cells and self._cells_dots + cell.width_dots > self.area_dots:
            self.print_line()
        self._cells.append(cell)
        self._cells_dots += cell.width_dots

    def tab(self) -> None:
        """Move on to the next of the default tab positions, every eighth column."""
        style = self.settings.style
        stop = TAB_COLUMNS * style.font.width_dots * style.wide
        blank = Cell(" ", Style(font=style.font, wide=style.wide))
        self.put_cell(blank)
        while self._cells_dots % stop and self._cells_dots + blank.width_dots <= self.area_dots:
            self.put_cell(blank)

    def print_line(self, feed_dots: int | None = None) -> None:
        """Print the buffer and feed.

        Args:
            feed_dots: from the top of this line to the next one; the line spacing if not given. Tall characters
                push the next line further down.
        """
        feed_dots = self.settings.line_spacing_dots if feed_dots is None else feed_dots
        if not self._cells:
            self.mechanism.add(Strip((0,) * feed_dots, "", self.settings.left_margin_dots))
            return
        rows, width = typeset(tuple(self._cells))
        x_dots = self._aligned(width)
        images = all(isinstance(cell, Picture) for cell in self._cells)
        text = None if images else text_of(self._cells)
        blank = (0,) * (feed_dots - len(rows))
        self.mechanism.add(Strip(self._placed(rows, x_dots, width) + blank, text, x_dots, len(rows)))
        self._drop_cells()

    def print_image(self, rows: Rows, width_dots: int) -> None:
        """Print an image where the alignment puts it; what exceeds the area on the right is lost."""
        excess = max(width_dots - self.area_dots, 0)
        kept = width_dots - excess
        rows = tuple(row >> excess for row in rows)
        self.mechanism.add(Strip(self._placed(rows, self._aligned(kept), kept)))

    def feed(self, dots: int) -> None:
        """Move the paper on."""
        self.mechanism.add(Strip((0,) * dots))

    def _defaults(self) -> Settings:
        model = self.model
        return Settings(model.line_spacing_dots, model.code_pages[0], model.pairs)

    def _drop_cells(self) -> None:
        self._cells.clear()
        self._cells_dots = 0

    def _pair_up(self, codes: bytes, table: tuple[str | None, ...], pairs: str) -> Iterator[Cell]:
        """Two codes make one character of double width; the first may have come with the text before."""
        style = self.settings.style
        for code in codes:
            lead, self._lead = self._lead, None
            if lead is not None and code in TRAIL_CODES:
                yield Cell(pair_character(lead, code, pairs), style, double=True)
                continue
            if lead is not None:
                yield Cell(None, style)
            if code in LEAD_CODES:
                self._lead = code
            else:
                yield Cell(table[code], style)

    def _aligned(self, width_dots: int) -> int:
        free = max(self.area_dots - width_dots, 0)
        return (
            self.settings.left_margin_dots
            + {LEFT: 0, CENTER: free // 2, RIGHT: free}[self.settings.alignment]
        )

    def _placed(self, rows: Rows, x_dots: int, width_dots: int) -> Rows:
        """Rows over the whole width; what overhangs on the right is lost."""
        shift = self.model.width_dots - x_dots - width_dots
        return tuple(row << shift for row in rows) if shift >= 0 else tuple(row >> -shift for row in rows)
