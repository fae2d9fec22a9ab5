"""A till with a printer that does as it is told, without threads or waiting; and what is on the paper afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cvconnect_pos import Payment
from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, TicketNote
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.devices import Presentation
from cvconnect_pos.peripherals import Document
from cvconnect_pos.posts import DeviceHealth, Post
from cvconnect_pos.printing import PrintQueue
from cvconnect_pos.scheduler import Scheduler
from harness import RecordingDevices, Till


class Killed(BaseException):
    """The process ends here."""


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Literal["printed", "not_sent", "unknown"]
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    """What came out of the printer: all of a ticket, or its beginning."""

    job_id: str
    text: str
    whole: bool

    @property
    def duplicate(self) -> bool:
        return "DUPLICATA" in self.text


PRINTED = Result("printed")
PAPER_OUT = Result("not_sent", "PAPER_END", "Le papier est épuisé.")
AWAY = Result("not_sent", "LINK_ABSENT", "L’imprimante est absente.")
UNCONFIRMED = Result("unknown", "NO_ANSWER", "L’imprimante n’a pas confirmé le ticket.")
TORN = Result("unknown", "LINK_LOST", "La liaison est tombée.")
PAPER_OUT_INSIDE = Result("unknown", "PAPER_END", "Le papier est épuisé.")

_WHOLE = {PRINTED, UNCONFIRMED}


@dataclass
class ToldPrinter:
    """Prints as the script says, one result a ticket; then in order."""

    name: str = "told:"
    columns: int = 42
    script: list[Result | BaseException] = field(default_factory=list["Result | BaseException"])
    slips: list[Slip] = field(default_factory=list[Slip])
    jobs: list[str] = field(default_factory=list[str])
    ready: bool = True
    claimable: bool = True
    before: Callable[[], object] = lambda: None

    def claim(self, *, timeout_s: float) -> None:
        if not self.claimable:
            raise OSError("in use")

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> Result:
        self.before()
        self.jobs.append(job_id)
        said = self.script.pop(0) if self.script else PRINTED if self.ready else PAPER_OUT
        if isinstance(said, BaseException):
            raise said
        if said.outcome != "not_sent":
            lines = [line.text for line in document.lines(self.columns)]
            whole = said in _WHOLE
            self.slips.append(Slip(job_id, "\n".join(lines if whole else lines[: len(lines) // 2]), whole))
        return said

    def check_health(self, level: str = "internal") -> DeviceHealth:
        return DeviceHealth("ready" if self.ready else "degraded", "")

    def release(self) -> None:
        pass

    @property
    def whole(self) -> list[Slip]:
        return [slip for slip in self.slips if slip.whole]

    @property
    def plain(self) -> list[Slip]:
        """The whole tickets that pass for the first one."""
        return [slip for slip in self.slips if slip.whole and not slip.duplicate]


def _raise(error: BaseException) -> None:
    raise error


class HandPost(Post):
    """A post whose thread is the test's."""

    def __init__(self, printer: ToldPrinter, clock: Clock) -> None:
        super().__init__(printer, lambda: printer.claim(timeout_s=1.0), clock)
        self.worker = Scheduler(clock, 0, _raise)


class PaperDevices(RecordingDevices):
    """Prints, besides."""

    queue: PrintQueue | None = None

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        super().carry_out(command, payment, attempt)
        if self.queue and command is Command.TICKET:
            self.queue.add(payment, attempt)
        return 0


class PaperTill(Till):
    """A till with a printer.

    Args:
        folder: Where its journal is.
        beside: Another till on the same journal, with a printer of its own.
        presentation: Which copies come out.
    """

    def __init__(
        self, folder: Path, *, beside: Till | None = None, presentation: Presentation | None = None
    ) -> None:
        self.printer = ToldPrinter()
        self.presentation = presentation or Presentation(shop=("Camping",))
        super().__init__(folder, beside=beside)

    def make_devices(self) -> PaperDevices:
        return PaperDevices()

    def start(self) -> None:
        super().start()
        self.post = HandPost(self.printer, self.clock)
        presentation: Any = self.presentation
        self.queue = PrintQueue(self.printer, self.post, presentation.copies, presentation.ticket, self.clock)
        self.queue.start(self.engine)
        assert isinstance(self.devices, PaperDevices)
        self.devices.queue = self.queue

    def restart(self, *, recover: bool = True) -> None:
        super().restart(recover=recover)
        self.queue.take_over()

    def run(self, seconds: float = 0.0) -> None:
        end = self.clock.monotonic() + seconds
        while (due := self._run_due()) <= end - self.clock.monotonic():
            self.clock.advance(max(due, 0.0))
        self.clock.advance(max(end - self.clock.monotonic(), 0.0))

    def _run_due(self) -> float:
        self.engine.run_due()
        while self.post.worker.run_due():
            self.engine.run_due()
        dues = [self.engine.next_due_s(), self.post.worker.next_due_s()]
        return min([60.0, *(due for due in dues if due is not None)])

    def notes(self, request_id: str = "r1") -> list[tuple[str, str]]:
        """What the journal says of tickets: job and outcome."""
        entries = self.engine._journal.entries(request_id)  # pyright: ignore[reportPrivateUsage]
        return [
            (entry.data.get("job", ""), entry.data["ticket"]) for entry in entries if entry.kind == "TICKET"
        ]

    def kill_at_note(self, number: int, *, written: bool) -> None:
        """End the process at the n-th thing that is journaled of tickets, before or after it is written."""
        note, count = self.engine.note_ticket, iter(range(1, 1_000))

        def dying(payment: Payment, judge: Callable[[Attempt], TicketNote | None]) -> bool:
            last = next(count) == number
            if last and not written:
                raise Killed
            done = note(payment, judge)
            if last:
                raise Killed
            return done

        self.engine.note_ticket = dying  # type: ignore[method-assign]
