"""The tickets that wait for their printer: whose they are, in which order they come, and when the printer is looked at again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.core.print_jobs import Copy, is_due, next_job, pause_s, wants_again
from cvconnect_pos.messages import Language, labelled, report_text
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import HealthLevel, PrintOutcome
from cvconnect_pos.posts import Post
from cvconnect_pos.tickets import TicketCopy, local_time

_HELD_S: Final = 10.0
"""How often tickets are looked at that are held while their payments are being reversed."""

COPIES: Final[dict[str, Copy]] = {TicketCopy.MERCHANT: "merchant", TicketCopy.CUSTOMER: "customer"}
MENTIONS: Final[dict[Copy, str]] = {copy: str(mention) for mention, copy in COPIES.items()}

Standing: TypeAlias = Literal["print", "hold", "drop"]
"""What is to be done with a ticket: one that is held may be the right one in the end."""


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    """A ticket that comes out as soon as the printer is ready.

    Args:
        request_id: The till's name of the tender line.
        copy: *COPIE COMMERÇANT* or *COPIE CLIENT*.
        duplicate: Whether it will say *DUPLICATA*: a part of it may be on paper.
        since: Since when it waits (UTC).
        reason: Why, as a stable code.
        detail: The same as a French sentence.
    """

    request_id: str
    copy: str
    duplicate: bool
    since: datetime
    reason: str
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them."""
        return asdict(self) | {"since": self.since.isoformat()}

    def text(self, language: Language = "fr") -> str:
        """Say it: which ticket waits, since when, and why."""
        waits = report_text(
            "ticket_waits", language, request_id=self.request_id, copy=self.copy, at=local_time(self.since)
        )
        why = self.detail if language == "fr" else self.reason
        return labelled(waits, why, language) if why else waits


@dataclass(slots=True, eq=False)
class Owed:
    """One ticket of the queue.

    Args:
        payment: Whose.
        state: What it is about.
        copy: Whose copy.
        since: Since when it is due (UTC).
        ticket_seq: The place in the journal of the entry that made the tickets of its payment due.
        until_s: Until when it is owed, and nobody else may print it, in monotonic seconds.
        fresh: The attempt as its step left it, for the first try; None when what is true now is printed.
        asked: Whether a person asked for it.
        begun: Whether it was handed to the printer once.
        counted: Whether the payment waits for its first outcome.
        tries: How often it was tried.
        told: The last outcome that was told, and why; None before the first.
        detail: The same as a French sentence.
    """

    payment: Payment
    state: State
    copy: Copy
    since: datetime
    ticket_seq: int
    until_s: float
    fresh: Attempt | None = None
    asked: bool = False
    begun: bool = False
    counted: bool = False
    tries: int = 0
    told: tuple[PrintOutcome, str] | None = None
    detail: str = ""

    def standing(self, attempt: Attempt, now_s: float) -> Standing:
        """Say what is to be done with it as the attempt stands, at this moment in monotonic seconds."""
        wanted = wants_again if self.asked else is_due
        is_new = self.asked and not self.begun
        if now_s > self.until_s or not (is_new or wanted(attempt, self.state, self.copy)):
            return "drop"
        if not self.asked and attempt.ticket_seq != self.ticket_seq:
            return "drop"  # whoever did the newer step prints
        if self.fresh is not None or attempt.state is self.state:
            return "print"
        # While it is being reversed, either ticket may be the right one in the end.
        return "drop" if self.asked else "hold"

    @property
    def waiting(self) -> WaitingTicket:
        """The same, for whoever asks what waits."""
        job = next_job(self.payment.attempt, self.state, self.copy)
        mention = MENTIONS[self.copy]
        return WaitingTicket(
            self.payment.request_id,
            mention,
            job.duplicate,
            self.since,
            self.told[1] if self.told else "",
            self.detail,
        )

    def is_same(self, other: Owed) -> bool:
        """Whether both are the same ticket of the same operation."""
        ours = self.payment, self.state, self.copy, self.ticket_seq
        return ours == (other.payment, other.state, other.copy, other.ticket_seq)


class WaitingLine:
    """What waits for one printer, oldest first. All but `listed` and `close` is called on the printer's thread.

    Args:
        post: The printer's thread.
        clock: Where time comes from.
        do_print: Prints one that waits, and comes back with `went_well`, `pass_over` or `rest`.
        drop: Hears of one that is not due any more.
    """

    def __init__(
        self, post: Post, clock: Clock, do_print: Callable[[Owed], None], drop: Callable[[Owed], None]
    ) -> None:
        self._post = post
        self._clock = clock
        self._print = do_print
        self._drop = drop
        self._lock = threading.Lock()
        self._line: list[Owed] = []
        self._passed: list[Owed] = []
        self._passed_away = 0
        self._not_ready = 0
        self._not_ready_since = 0.0
        self._plan = 0
        self._closed = False

    def close(self) -> None:
        """Print none of them any more."""
        self._closed = True

    def listed(self) -> tuple[WaitingTicket, ...]:
        """Say what waits."""
        now_s = self._clock.monotonic()
        with self._lock:
            line = list(self._line)
        return tuple(owed.waiting for owed in line if owed.standing(owed.payment.attempt, now_s) != "drop")

    def keep(self, owed: Owed) -> None:
        """Put it into the line; when the same ticket is there, that one is owed for as long as this one."""
        with self._lock:
            same = next((each for each in self._line if each.is_same(owed)), None)
            if same is not None:
                same.until_s = max(same.until_s, owed.until_s)
            else:
                self._line.append(owed)
                self._line.sort(key=lambda each: each.since)

    def forget(self, owed: Owed) -> None:
        """Take it out of the line."""
        with self._lock:
            self._line = [each for each in self._line if each is not owed]

    def begin_anew(self) -> None:
        """Forget how long the printer has not been ready: somebody stands at the till."""
        self._not_ready = 0

    def go_on(self, *, sure: bool = False) -> None:
        """Go on at once.

        Args:
            sure: Whether the printer need not be asked how it is.
        """
        self._look_in(0.0, sure=sure)

    def went_well(self) -> None:
        """The printer prints: go on with the others, those too that were passed over while it may have been away."""
        del self._passed[: self._passed_away]
        self._not_ready = self._passed_away = 0
        self.go_on(sure=True)

    def pass_over(self, owed: Owed) -> None:
        """Go on with the others when it is the ticket that the printer does not take; else wait for the printer."""
        self._passed.append(owed)
        if self._health("internal") == "ready":
            self.go_on(sure=True)
        else:
            self.rest(tried=True)

    def rest(self, *, tried: bool = False) -> None:
        """Look at the printer again after a while, which grows; each try is two entries, each look is none.

        Args:
            tried: Whether a ticket was tried: then it is another one's turn, until each had one. Nobody can say whether it is
                the ticket or the printer, when that says nothing of itself.
        """
        if not tried or self._next() is None:
            self._passed.clear()
        now_s = self._clock.monotonic()
        if not self._not_ready:
            self._not_ready_since = now_s
        self._not_ready += 1
        self._passed_away = len(self._passed)
        self._look_in(pause_s(self._not_ready, now_s - self._not_ready_since if tried else 0.0))

    def _look_in(self, delay_s: float, *, sure: bool = False) -> None:
        """Go on with what waits, then; an earlier plan is void."""
        self._plan += 1
        number = self._plan

        def look() -> None:
            if number != self._plan or self._closed:
                return
            if self._next() is None:
                self._end_round()
            else:
                self._post.do(partial(self._look, number, sure), lambda _reason, _detail: self.rest())

        with self._lock:
            waits = bool(self._line)
        if waits:
            self._post.worker.call_later(delay_s, look)

    def _look(self, number: int, sure: bool) -> None:  # noqa: FBT001
        if number != self._plan or self._closed:
            return
        if not sure and self._health("external") in {"absent", "degraded"}:
            self.rest()
        elif (owed := self._next()) is not None:
            self._print(owed)
        else:
            self._end_round()

    def _health(self, level: HealthLevel) -> object:
        """Say how the printer is; a driver may say anything."""
        return getattr(self._post.check_health(level), "state", "unknown")

    def _end_round(self) -> None:
        """All that is left was passed over, or is held."""
        if self._passed:
            self.rest(tried=True)
        else:
            self._look_in(_HELD_S)

    def _next(self) -> Owed | None:
        """Give the oldest that can be printed now and was not passed over; those that are due no more are dropped."""
        now_s = self._clock.monotonic()
        passed = set(self._passed)
        with self._lock:
            line = [each for each in self._line if each not in passed]
        for owed in line:
            match owed.standing(owed.payment.attempt, now_s):
                case "print":
                    return owed
                case "drop":
                    self._drop(owed)
                case "hold":
                    pass
        return None


def copies_of(attempt: Attempt) -> Sequence[Copy]:
    """Whose copies the journal says are due."""
    return [copy for copy in MENTIONS if copy in attempt.copies]


def owes(attempt: Attempt) -> bool:
    """Whether a ticket of it is due, or will be when it is not reversed after all."""
    state = attempt.ticket_state
    return state is not None and any(is_due(attempt, state, copy) for copy in copies_of(attempt))
