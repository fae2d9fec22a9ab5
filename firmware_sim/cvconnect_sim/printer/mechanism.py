"""What moves: the motor, the head, the roll of paper and the cutter, one step after the other, in time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from cvconnect_sim.printer.events import CutterJammed, Event, PaperCut, PaperTorn
from cvconnect_sim.printer.font import Rows
from cvconnect_sim.printer.models import PrinterModel
from cvconnect_sim.printer.paper import Paper, PrintedLine, Slip
from cvconnect_sim.printer.status import StatusRegister

ROUNDING: Final = 1e-6
"""Of a row of dots: sums of floating-point seconds may fall short of a whole one."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows of dots over the whole width of printing, and the text that one reads in them.

    Args:
        rows: from top to bottom, blank ones too.
        text: the characters; None for an image and for mere feeding.
        x_dots: where the text begins.
        height_dots: of its tallest character.
    """

    rows: Rows
    text: str | None = None
    x_dots: int = 0
    height_dots: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut where the paper is, or once it has come `ahead_dots` further than the cutter is."""

    partial: bool
    ahead_dots: int | None = None


@dataclass(frozen=True, slots=True)
class Retract:
    """Pull blank paper back to the cutter, never print."""


Step: TypeAlias = Strip | Cut | Retract


class Mechanism:
    """Carries out steps while the printer is online, as far as time and paper go.

    Args:
        model: its speed.
        register: where it reports that the paper has ended and that the cutter is stuck.
        events: where it reports what fell.
        timed: whether steps take time.

    Attributes:
        paper: the strip under the head.
        slips: what has been cut or torn off.
        at_s: when the last step ended.
        roll_dots: what is left on the roll, None for a roll without end.
        jammed: whether something blocks the cutter.
        fed_dots: rows that have passed the head since it was made.
        alarm_at_dots: `fed_dots` at which `run` stops to let something happen, None for never.
    """

    def __init__(
        self, model: PrinterModel, register: StatusRegister, events: list[Event], *, timed: bool
    ) -> None:
        self._model = model
        self._register = register
        self._events = events
        self._timed = timed
        self._steps: deque[Step] = deque()
        self._begun = False
        """Whether the first step is a strip that has been started on,"""
        self._done_rows = 0
        """how many of its rows are on the paper,"""
        self._text_at: int | None = None
        """and where it began, as long as its text cannot be read."""
        self._cuts_ahead: list[tuple[int, bool]] = []
        self.paper = Paper(model)
        self.slips: list[Slip] = []
        self.at_s = 0.0
        self.roll_dots: int | None = None
        self.jammed = False
        self.fed_dots = 0
        self.alarm_at_dots: int | None = None

    @property
    def idle(self) -> bool:
        """Whether every step has been carried out."""
        return not self._steps

    @property
    def _alarmed(self) -> bool:
        return self.alarm_at_dots is not None and self.fed_dots >= self.alarm_at_dots

    def add(self, step: Step) -> None:
        """Put a step behind the others."""
        self._steps.append(step)

    def run(self, until_s: float) -> bool:
        """Carry out steps.

        Args:
            until_s: the present time.

        Returns:
            Whether `alarm_at_dots` is reached: the caller sees to it and runs again.
        """
        while self._steps and self._register.sensors.online and not self._alarmed:
            match self._steps[0]:
                case Strip() as strip:
                    done = self._print(strip, until_s)
                case Cut() as cut:
                    done = self._cut_now(cut, until_s) if cut.ahead_dots is None else self._cut_later(cut)
                case Retract():
                    self.paper.retract(0)
                    done = True
            if not done:
                break
            self._steps.popleft()
        return self._alarmed

    def wait(self, until_s: float) -> None:
        """The next step begins at a time, or when the last one has ended."""
        self.at_s = max(self.at_s, until_s)

    def begin_again(self) -> None:
        """Print the interrupted strip from its beginning."""
        if self._done_rows:
            self._done_rows = 0
            self._begun = False

    def forget(self) -> None:
        """Drop the steps that have not been carried out, and the rest of the one that has begun."""
        self._steps.clear()
        self._done_rows = 0
        self._begun = False

    def drop_cuts_ahead(self) -> None:
        """Forget the cuts that were set for later."""
        self._cuts_ahead.clear()

    def tear_off(self) -> None:
        """Tear the strip off by hand, where the cutter is."""
        self._take(max(self.paper.head_dots - self._model.head_to_cutter_dots, 0))

    def take_out(self) -> None:
        """Take the strip out of the printer; what follows comes on new paper."""
        if not self.paper.look().blank:
            self._take(self.paper.head_dots)
        self.paper = Paper(self._model)
        self._text_at = None
        self._cuts_ahead.clear()

    def feel_roll(self) -> tuple[bool, bool]:
        """Whether what is left of the roll is near its end, and whether nothing is left."""
        left = self.roll_dots
        return left is not None and left <= self._model.dots(self._model.near_end_mm), left == 0

    def sense_paper(self) -> None:
        """Let the sensors feel what is left of the roll."""
        near_end, end = self.feel_roll()
        self._register.change(paper_near_end=near_end, paper_end=end)

    def _take(self, at_dots: int) -> None:
        if length := self._part(at_dots):
            self._events.append(PaperTorn(length))

    def _print(self, strip: Strip, until_s: float) -> bool:
        """Go on with a strip; returns whether all of it is on the paper."""
        if not self._begun:
            self._begun, self._text_at = True, self.paper.head_dots
            self._read(strip)
        while self._done_rows < len(strip.rows) and (count := self._rows_that_go(strip, until_s)):
            self.paper.burn(strip.rows[self._done_rows : self._done_rows + count])
            self._done_rows += count
            self._read(strip)
            self._pass(count)
        if self._done_rows < len(strip.rows):
            return False
        self._done_rows, self._begun = 0, False
        return True

    def _rows_that_go(self, strip: Strip, until_s: float) -> int:
        """How many rows time, paper and an alarm leave; none while the printer is offline."""
        if not self._register.sensors.online:
            return 0
        limits = [len(strip.rows) - self._done_rows]
        if self._timed:
            limits.append(int((until_s - self.at_s) * self._model.speed_dots_per_s + ROUNDING))
        if self.roll_dots is not None:
            limits.append(self.roll_dots)
        if self.alarm_at_dots is not None:
            limits.append(self.alarm_at_dots - self.fed_dots)
        return max(min(limits), 0)

    def _pass(self, rows: int) -> None:
        """So many rows have passed the head."""
        if self._timed:
            self.at_s += rows / self._model.speed_dots_per_s
        self.fed_dots += rows
        if self.roll_dots is not None:
            self.roll_dots -= rows
            self.sense_paper()
        while self._cuts_ahead and self._cuts_ahead[0][0] <= self.paper.head_dots:
            at, partial = self._cuts_ahead.pop(0)
            self._cut(at - self._model.head_to_cutter_dots, partial=partial)

    def _read(self, strip: Strip) -> None:
        """A line of text is one once all its dots are on the paper."""
        if strip.text is not None and self._text_at is not None and self._done_rows >= strip.height_dots:
            line = PrintedLine(strip.text.rstrip(), strip.x_dots, self._text_at, strip.height_dots)
            self.paper.note(line)
            self._text_at = None

    def _cut_now(self, cut: Cut, until_s: float) -> bool:
        if self._timed:
            if self.at_s + self._model.cut_s > until_s:
                return False
            self.at_s += self._model.cut_s
        at_dots = max(self.paper.head_dots - self._model.head_to_cutter_dots, 0)
        return self._cut(at_dots, partial=cut.partial)

    def _cut_later(self, cut: Cut) -> bool:
        at_dots = self.paper.head_dots + (cut.ahead_dots or 0) + self._model.head_to_cutter_dots
        self._cuts_ahead = sorted([*self._cuts_ahead, (at_dots, cut.partial)])
        return True

    def _cut(self, at_dots: int, *, partial: bool) -> bool:
        if self.jammed:
            self._events.append(CutterJammed())
            self._register.change(cutter_error=True)
            return False
        self._events.append(PaperCut(partial, self._part(at_dots)))
        return True

    def _part(self, at_dots: int) -> int:
        """Separate the strip; returns the length of what fell."""
        slip = self.paper.cut(at_dots)
        length = len(slip.rows)
        self._cuts_ahead = [(at - length, kind) for at, kind in self._cuts_ahead]
        if self._text_at is not None:
            self._text_at -= length
        if length:
            self.slips.append(slip)
        return length
