"""The print mechanism: the print buffer, the settings that commands change, the paper and the cutter."""

from dataclasses import dataclass, field

from cvconnect_sim.printer.charset import character_table
from cvconnect_sim.printer.events import Event, IgnoredCommand, PaperCut
from cvconnect_sim.printer.font import Rows
from cvconnect_sim.printer.models import PrinterModel
from cvconnect_sim.printer.paper import Paper, Slip
from cvconnect_sim.printer.qr import QrSettings
from cvconnect_sim.printer.status import Sensors
from cvconnect_sim.printer.typesetter import Cell, Style, text_of, typeset

TAB_COLUMNS = 8
LEFT, CENTER, RIGHT = range(3)


@dataclass(slots=True)
class Settings:
    """Everything that `ESC @` puts back to what it is after power-on."""

    line_spacing_dots: int
    style: Style = field(default_factory=Style)
    codec: str = "cp437"
    variant: int = 0
    alignment: int = LEFT
    left_margin_dots: int = 0
    area_width_dots: int | None = None
    status_mask: int = 0
    qr: QrSettings = field(default_factory=QrSettings)


class Machine:
    """What the commands work on.

    Args:
        model: the printer to be.

    Attributes:
        settings: what commands have set since power-on or `ESC @`.
        sensors: what the printer feels.
        answers: bytes to be sent to the host.
        slips: the slips cut so far, oldest first.
        events: what happened, oldest first.
    """

    def __init__(self, model: PrinterModel) -> None:
        self.model = model
        self.sensors = Sensors()
        self.settings = Settings(model.line_spacing_dots)
        self.answers = bytearray()
        self.slips: list[Slip] = []
        self.events: list[Event] = []
        self.paper = Paper(model)
        self._buffer: list[Cell] = []
        self._cuts_ahead: list[tuple[int, bool]] = []

    def reset(self) -> None:
        """Forget the print buffer and the settings, not the paper."""
        self._buffer.clear()
        self._cuts_ahead.clear()
        self.settings = Settings(self.model.line_spacing_dots)

    def clear_print_buffer(self) -> None:
        """Forget what has not been printed of the current line."""
        self._buffer.clear()

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
        return not self._buffer

    @property
    def area_dots(self) -> int:
        """Width of the area between the left margin and the right edge of printing."""
        room = self.model.width_dots - self.settings.left_margin_dots
        wanted = self.settings.area_width_dots
        return room if wanted is None else min(wanted, room)

    def put(self, codes: bytes) -> None:
        """Put characters into the print buffer; a full line is printed."""
        table = character_table(self.settings.codec, self.settings.variant)
        for code in codes:
            self._put(Cell(table[code], self.settings.style))

    def tab(self) -> None:
        """Move on to the next of the default tab positions, every eighth column."""
        style = self.settings.style
        stop = TAB_COLUMNS * style.font.width_dots * style.wide
        blank = Cell(" ", Style(font=style.font, wide=style.wide))
        self._put(blank)
        while self._used_dots() % stop and self._used_dots() + blank.width_dots <= self.area_dots:
            self._put(blank)

    def print_line(self, feed_dots: int | None = None) -> None:
        """Print the buffer and feed.

        Args:
            feed_dots: from the top of this line to the next one; the line spacing if not given. Tall characters
                push the next line further down.
        """
        feed_dots = self.settings.line_spacing_dots if feed_dots is None else feed_dots
        if not self._buffer:
            self.paper.note("", self.settings.left_margin_dots, 0)
            self.feed(feed_dots)
            return
        rows, width = typeset(self._buffer)
        x_dots = self._aligned(width)
        self.paper.note(text_of(self._buffer), x_dots, len(rows))
        self.paper.print_rows(rows, x_dots, width)
        self._buffer.clear()
        self.feed(max(feed_dots - len(rows), 0))

    def print_image(self, rows: Rows, width_dots: int) -> None:
        """Print an image where the alignment puts it; what exceeds the area on the right is lost."""
        excess = max(width_dots - self.area_dots, 0)
        kept = width_dots - excess
        self.paper.print_rows(tuple(row >> excess for row in rows), self._aligned(kept), kept)
        self.feed(0)

    def feed(self, dots: int) -> None:
        """Move the paper on; cuts set for later happen on the way."""
        self.paper.feed(dots)
        while self._cuts_ahead and self._cuts_ahead[0][0] <= self.paper.head_dots:
            at, partial = self._cuts_ahead.pop(0)
            self._cut(at - self.model.head_to_cutter_dots, partial=partial)

    def cut(self, *, partial: bool) -> None:
        """Cut where the paper is: what was printed last still lies between head and cutter."""
        self._cut(self.paper.head_dots - self.model.head_to_cutter_dots, partial=partial)

    def cut_ahead(self, dots: int, *, partial: bool) -> None:
        """Cut `dots` after the present print position, once the paper has come that far."""
        self._cuts_ahead.append((self.paper.head_dots + dots + self.model.head_to_cutter_dots, partial))
        self._cuts_ahead.sort()

    def _put(self, cell: Cell) -> None:
        if self._buffer and self._used_dots() + cell.width_dots > self.area_dots:
            self.print_line()
        self._buffer.append(cell)

    def _used_dots(self) -> int:
        return sum(cell.width_dots for cell in self._buffer)

    def _aligned(self, width_dots: int) -> int:
        free = max(self.area_dots - width_dots, 0)
        return (
            self.settings.left_margin_dots
            + {LEFT: 0, CENTER: free // 2, RIGHT: free}[self.settings.alignment]
        )

    def _cut(self, at_dots: int, *, partial: bool) -> None:
        slip = self.paper.cut(max(at_dots, 0))
        self._cuts_ahead = [(at - len(slip.rows), kind) for at, kind in self._cuts_ahead]
        self.events.append(PaperCut(partial, len(slip.rows)))
        if slip.rows:
            self.slips.append(slip)
