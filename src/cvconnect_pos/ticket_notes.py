"""What became of tickets: read from what a driver says, and kept until the journal has it."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from cvconnect_pos.core.attempt import Attempt, TicketNote
from cvconnect_pos.core.print_jobs import NOT_SENT, PRINTED, UNKNOWN, is_torn
from cvconnect_pos.errors import JournalError
from cvconnect_pos.payment import Payment
from cvconnect_pos.peripherals import PrintOutcome, PrintResult
from cvconnect_pos.posts import Post

if TYPE_CHECKING:
    from cvconnect_pos.engine import Engine

_log = logging.getLogger("cvconnect_pos")

_AGAIN_S: Final = 2.0
_OUTCOMES: Final[tuple[PrintOutcome, ...]] = (PRINTED, NOT_SENT, UNKNOWN)
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{0,100}")


class TicketNotes:
    """Journals what became of tickets, in order, and tries again what cannot be written. Used on the printer's thread alone.

    Args:
        post: That thread.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._engine: Engine | None = None
        self._unsaved: list[tuple[Payment, TicketNote]] = []
        self._comes_again = False

    def start(self, engine: Engine) -> None:
        """Journal through this engine."""
        self._engine = engine

    def unsaved(self, payment: Payment) -> tuple[TicketNote, ...]:
        """Give what the journal does not know yet of the tickets of a payment."""
        return tuple(note for each, note in self._unsaved if each is payment)

    def add(self, payment: Payment, note: TicketNote) -> None:
        """Journal a note, and those before it; whatever cannot be written now is tried again."""
        self._unsaved.append((payment, note))
        self._save_all()

    def save(self, payment: Payment) -> None:
        """Journal what became of the tickets of a payment.

        Raises:
            JournalError: Not now; what is left is kept.
        """
        for each in [each for each in self._unsaved if each[0] is payment]:
            if self._engine is not None:
                self._engine.note_ticket(payment, partial(_said, each[1]))
                self._unsaved.remove(each)

    def _save_all(self) -> None:
        for payment in dict.fromkeys(payment for payment, _ in self._unsaved):
            try:
                self.save(payment)
            except JournalError as error:
                _log.error("the outcome of a ticket was not journaled: %s", error)
        if self._unsaved and not self._comes_again:
            self._comes_again = True
            self._post.worker.call_later(_AGAIN_S, self._come_again)

    def _come_again(self) -> None:
        self._comes_again = False
        self._save_all()


def _said(note: TicketNote, attempt: Attempt) -> TicketNote | None:
    """Give the note, unless the tickets were counted anew: it would speak of one that has not been begun."""
    begun = any(each.job == note.job for each in attempt.tickets)
    state = attempt.ticket_state
    return note if begun or state is None or not note.job.startswith(f"{state.value}-") else None


def understood(result: PrintResult) -> tuple[PrintOutcome, str, str, bool]:
    """Read what a driver says: outcome, code, sentence, and whether the ticket is torn.

    Raises:
        ValueError: It says nothing that is known, or that can be written down.
    """
    outcome, why = result.outcome, "" if result.outcome == PRINTED else str(result.reason or "")
    if outcome not in _OUTCOMES or not _CODE.fullmatch(why):
        raise ValueError("no result of a print job")
    return outcome, why, str(result.detail or ""), is_torn(outcome, why)
