"""Which ticket is due, and whether it must say *DUPLICATA*: read from what the journal says of the tickets before it.

A ticket is journaled as `printing` before its first byte leaves. So each one that may be on paper is known, whatever becomes of
the process, and only one that certainly is not comes out without the mention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from cvconnect_pos.core.attempt import Attempt, TicketNote
from cvconnect_pos.core.lifecycle import State

Copy: TypeAlias = Literal["merchant", "customer"]

PRINTING: Final = "printing"
"""What a note says before the first byte. Nothing after it: nobody knows how much of the ticket is on paper."""
PRINTED: Final = "printed"
NOT_SENT: Final = "not_sent"
UNKNOWN: Final = "unknown"

OWED_FOR = timedelta(hours=4)
"""How long after the operation its ticket still comes out by itself: as long as it can be reversed."""

TORN_MAX = 3
"""How often in a row a ticket may be torn before a person has to look at the printer."""

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 30.0
_PATIENCE_S = 900.0
_LATER_PAUSE_S = 300.0

_WHOLE = frozenset({"", "NO_ANSWER"})
"""Why a ticket is unknown that was handed over whole: the printer has all of it, and did not say that it is on paper."""


@dataclass(frozen=True, slots=True)
class PrintJob:
    """One ticket to print.

    Args:
        state: What it is about.
        copy: Whose it is.
        number: 1, and one more for each ticket before it that may be on paper.
        duplicate: Whether one of those is: then it says *DUPLICATA*.
    """

    state: State
    copy: Copy
    number: int = 1
    duplicate: bool = False

    @property
    def name(self) -> str:
        """Its name in the journal: `APPROVED-merchant`, then `APPROVED-merchant-2`."""
        return f"{self.state.value}-{self.copy}" + (f"-{self.number}" if self.number > 1 else "")


def next_job(attempt: Attempt, state: State, copy: Copy) -> PrintJob:
    """Say which ticket of this copy comes next, if one comes.

    Args:
        attempt: What is known.
        state: What the ticket is about.
        copy: Whose it is.

    Returns:
        The last one again when it certainly is not on paper; else one that says *DUPLICATA*.
    """
    fates = _fates(attempt, state, copy)
    number = len(fates) + (not fates or fates[-1].outcome != NOT_SENT)
    before = [*fates, *_unnamed(attempt)]
    return PrintJob(state, copy, number, duplicate=any(note.outcome != NOT_SENT for note in before))


def is_due(attempt: Attempt, state: State, copy: Copy) -> bool:
    """Whether the next ticket of this copy comes out by itself.

    One that was not begun or not sent does. One that was torn does, a few times, and one that a process left behind in
    the middle. One that was handed over whole does not, although nobody confirmed it: a printer that never confirms
    would print for ever.
    """
    if attempt.ticket_state is not state or copy not in attempt.copies or _unnamed(attempt):
        return False
    return wants_again(attempt, state, copy, first=True)


def wants_again(attempt: Attempt, state: State, copy: Copy, *, first: bool = False) -> bool:
    """Whether what became of the tickets of this copy asks for another one.

    Args:
        attempt: What is known.
        state: What the ticket is about.
        copy: Whose it is.
        first: What to say when there was none.
    """
    fates = _fates(attempt, state, copy)
    if not fates:
        return first
    torn = 0
    while torn < len(fates) and _is_torn(fates[-1 - torn]):
        torn += 1
    return fates[-1].outcome == NOT_SENT or 0 < torn < TORN_MAX


def is_torn(outcome: str, why: str) -> bool:
    """Whether a part of the ticket is on paper at most, by what the driver said of it."""
    return outcome == UNKNOWN and why not in _WHOLE


def owed_for_s(since: datetime, now: datetime) -> float:
    """How much longer a ticket is printed by itself, in seconds; the whole time for one from the future: the clock was set."""
    return (OWED_FOR - max(now - since, timedelta())).total_seconds()


def pause_s(tries: int, waited_s: float) -> float:
    """How long to wait before the printer is looked at again.

    Args:
        tries: How often in a row it was not ready, at least 1.
        waited_s: For how long tickets were tried in vain, in seconds.
    """
    if waited_s >= _PATIENCE_S:
        return _LATER_PAUSE_S
    return min(_FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10), _LONGEST_PAUSE_S)


def _is_torn(note: TicketNote) -> bool:
    return note.torn or note.outcome == PRINTING


def _fates(attempt: Attempt, state: State, copy: Copy) -> Sequence[TicketNote]:
    """The last word on each ticket of this copy, in order."""
    first = f"{state.value}-{copy}"
    last = {
        note.job: note for note in attempt.tickets if note.job == first or note.job.startswith(first + "-")
    }
    return list(last.values())


def _unnamed(attempt: Attempt) -> Sequence[TicketNote]:
    """The notes of journals of before, and of tills that print by themselves: nobody knows of which copy."""
    return [note for note in attempt.tickets if not note.job]
