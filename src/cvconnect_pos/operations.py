"""The operations of a journal: found and listed (*Mes opérations*, *Toutes*), and what a period's payments came to.

Source: ANCV merchant leaflets (the two lists).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from cvconnect_pos.core.attempt import Attempt, Entry, rebuild
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.errors import InvalidInput, JournalError
from cvconnect_pos.journal.arguments import check_number
from cvconnect_pos.journal.base import AttemptSummary, Journal, Search
from cvconnect_pos.operation import Operation, OperationPage, OperationStatus
from cvconnect_pos.outcome import Outcome
from cvconnect_pos.settlement import payment_day
from cvconnect_pos.tickets import PARIS

PAGE: Final = 500
"""How many rows are read from the journal at once."""

_LASTING: Final = frozenset(State) - FINAL | {State.LINE_RELEASED}
"""What is an open item even if the till has recorded it."""

_SLACK_DAYS: Final = 1
"""The provider's clock may say another day than ours."""


class Operations:
    """The operations of a journal. It reads only, and may do so while tills write.

    Args:
        journal: Where the attempts are.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def list(
        self,
        *,
        mine: str | None = None,
        basket_ref: str | None = None,
        status: OperationStatus | State | None = None,
        since: date | datetime | None = None,
        until: date | datetime | None = None,
        amount_cents: int | None = None,
        open_only: bool = False,
        limit: int = 50,
        before: int | None = None,
    ) -> OperationPage:
        """Find operations, newest first; what is left out does not matter.

        Args:
            mine: *Mes opérations*: of this seller. None: *Toutes*.
            basket_ref: Of this basket.
            status: With this status, or in this state.
            since: Created on this day in Paris or later, or from this moment on.
            until: Created on this day in Paris or earlier, or before this moment.
            amount_cents: This amount was asked or received, in cents.
            open_only: Only what a person must still look at, or what goes on.
            limit: How many at most, 1 or more.
            before: The `before` of the page before.

        Returns:
            A page.

        Raises:
            InvalidInput: As `Journal.attempts`.
            JournalError: The journal cannot be read.
        """
        check_number("limit", limit, least=1)
        states: frozenset[State] = frozenset()
        if status is not None:
            states = status.states if isinstance(status, OperationStatus) else frozenset({status})
        search = Search(
            basket_ref=basket_ref,
            seller_id=mine,
            states=states,
            opened_from=_start("since", since),
            opened_before=_end("until", until),
            amount_cents=amount_cents,
            before_seq=before,
        )
        read = self._open if open_only else self._journal.attempts
        rows = read(search, limit=limit + 1)
        shown = rows[:limit]
        return OperationPage(tuple(map(Operation.of, shown)), shown[-1].seq if len(rows) > limit else None)

    def outcomes(self, first: date, last: date) -> Sequence[Outcome]:
        """Read what a period's payments came to: for the forecast of transfers, and for the reconciliation.

        A payment belongs to the day in Paris on which it counts (`payment_day`): that of the customer's last validation,
        whatever became of it later. What is still open has no outcome.

        Args:
            first: The first day, in Paris.
            last: The last day, in Paris.

        Returns:
            The outcomes, the newest request first.

        Raises:
            InvalidInput: `MOMENT_UNUSABLE`.
            JournalError: The journal cannot be read, or an attempt in it.
        """
        search = Search(
            opened_before=_midnight("last", last, _SLACK_DAYS + 1),
            updated_from=_midnight("first", first, -_SLACK_DAYS),
        )
        read = (Outcome.of(self.attempt(row.request_id)) for row in self._pages(search))
        return [each for each in read if each is not None and first <= payment_day(each) <= last]

    def entries(self, request_id: str) -> Sequence[Entry]:
        """Read all that happened to an operation, in order.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalError: The journal cannot be read.
        """
        entries = self._journal.entries(request_id)
        if not entries:
            raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=request_id)
        return entries

    def attempt(self, request_id: str) -> Attempt:
        """Read all that is known of an operation.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalError: The journal cannot be read, or this attempt in it (`JOURNAL_DAMAGED`).
        """
        entries = self.entries(request_id)
        try:
            return rebuild(entries)
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError("JOURNAL_DAMAGED", path=request_id) from error

    def _open(self, search: Search, *, limit: int) -> Sequence[AttemptSummary]:
        """Find what is not recorded; what goes on although it is; and what has a surplus to give back."""
        states = search.states or frozenset(State)
        rows = list(self._journal.attempts(replace(search, acknowledged=False), limit=limit))
        if lasting := states & _LASTING:
            recorded = replace(search, acknowledged=True, states=lasting)
            rows += self._journal.attempts(recorded, limit=limit)
        if over := states - _LASTING:
            rows += self._with_surplus(replace(search, acknowledged=True, states=over))
        return sorted(rows, key=lambda row: row.seq, reverse=True)[:limit]

    def _with_surplus(self, search: Search) -> Iterator[AttemptSummary]:
        for request_id in self._journal.unsettled():
            entries = self._journal.entries(request_id)
            known = [entry.data["surplus_cents"] for entry in entries if "surplus_cents" in entry.data]
            if known and known[-1]:
                seq = entries[0].seq
                upto = seq + 1 if search.before_seq is None else min(seq + 1, search.before_seq)
                rows = self._journal.attempts(replace(search, before_seq=upto), limit=1)
                yield from (row for row in rows if row.seq == seq)

    def _pages(self, search: Search) -> Iterator[AttemptSummary]:
        while True:
            rows = self._journal.attempts(search, limit=PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            search = replace(search, before_seq=rows[-1].seq)


def _midnight(field: str, day: date, days: int = 0) -> datetime:
    """Give the midnight in Paris with which a day begins, or the one so many days later."""
    try:
        moment = datetime.combine(day + timedelta(days=days), time(), PARIS)
        moment.utctimetuple()
    except (OverflowError, TypeError):
        raise InvalidInput("MOMENT_UNUSABLE", field=field) from None
    else:
        return moment


def _start(field: str, when: date | datetime | None) -> datetime | None:
    return when if when is None or isinstance(when, datetime) else _midnight(field, when)


def _end(field: str, when: date | datetime | None) -> datetime | None:
    return when if when is None or isinstance(when, datetime) else _midnight(field, when, 1)
