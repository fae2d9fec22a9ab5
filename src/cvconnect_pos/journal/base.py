"""The journal: append-only, one durable transaction per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from cvconnect_pos.core.attempt import Entry, JsonData, Order
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.closings import Closing

ERASED = "ERASED"
"""The kind of the entry that says that the customer identifiers of an attempt were erased."""


@dataclass(frozen=True, slots=True)
class AttemptSummary:
    """Where an attempt stands, in one row.

    Args:
        seq: The place of its first entry; the cursor of a search.
        request_id: The till's name of the tender line.
        basket_ref: The till's basket number.
        seller_id: Who sells.
        state: Where it stands.
        asked_cents: What was asked, in cents.
        received_cents: What was received, by the provider's authorisations; None until then.
        opened_at: When the till asked (UTC).
        updated_at: When the last entry was written (UTC).
        simulation: Whether no real money moves.
        acknowledged: Whether the till said that it recorded the outcome.
    """

    seq: int
    request_id: str
    basket_ref: str
    seller_id: str
    state: State
    asked_cents: int
    received_cents: int | None
    opened_at: datetime
    updated_at: datetime
    simulation: bool
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which attempts are looked for; what is left out does not matter.

    Args:
        basket_ref: Of this basket.
        seller_id: Of this seller.
        states: In one of these states; empty for any.
        opened_from: Opened at this moment or later.
        opened_before: Opened before this moment.
        amount_cents: This amount was asked or received, in cents.
        acknowledged: Whether the till has recorded the outcome.
        before_seq: Older than the attempt with this `seq`: the last one of the page before.
    """

    basket_ref: str | None = None
    seller_id: str | None = None
    states: frozenset[State] = frozenset()
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    amount_cents: int | None = None
    acknowledged: bool | None = None
    before_seq: int | None = None


ALL = Search()


class Journal(Protocol):
    """Where attempts are written. When a call returns, what it wrote survives a power cut.

    Every call raises `JournalError` when the journal cannot be read or written; then nothing was written.
    """

    def begin(
        self,
        order: Order,
        payment_id: str,
        at: datetime,
        *,
        simulation: bool,
        identifier: str | None = None,
    ) -> tuple[Sequence[Entry], bool]:
        """Open an attempt, or find the one that this request id has opened before.

        Args:
            order: What the till asks.
            payment_id: Our reference at the provider, for a new attempt.
            at: Now (UTC).
            simulation: Whether no real money moves.
            identifier: The customer in clear, when the request names them; kept encrypted.

        Returns:
            The attempt's entries, and whether it is new.

        Raises:
            RequestIdReused: The request id was used with other arguments.
            AttemptStillOpen: The basket has another attempt that is open or not acknowledged.
        """
        ...

    def append(
        self,
        request_id: str,
        at: datetime,
        kind: str,
        state: State,
        data: JsonData,
        *,
        identifier: str | None = None,
    ) -> Entry:
        """Add one entry to an attempt.

        Args:
            request_id: The attempt; it has been begun.
            at: Now (UTC).
            kind: A signal's name, `ACKNOWLEDGED` or `TICKET`.
            state: The attempt's state from here on.
            data: What became known.
            identifier: The customer in clear, when this entry names them; kept encrypted.

        Returns:
            The entry as written.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
        """
        ...

    def entries(self, request_id: str) -> Sequence[Entry]:
        """Read an attempt's entries in order; empty when the request id is unknown."""
        ...

    def unsettled(self) -> Sequence[str]:
        """List the request ids that are open, or final and not acknowledged, oldest first."""
        ...

    def attempts(self, search: Search = ALL, *, limit: int = 50) -> Sequence[AttemptSummary]:
        """Find attempts, newest first.

        Args:
            search: Which.
            limit: How many at most, 1 or more. For the next page give the last one's `seq` as `before_seq`.

        Returns:
            Where they stand.

        Raises:
            InvalidInput: `NUMBER_OUT_OF_RANGE`, `MOMENT_UNUSABLE`, `REFERENCE_NOT_TEXT` or `REFERENCE_UNPRINTABLE`.
        """
        ...

    def identifier(self, request_id: str) -> str | None:
        """Read back the customer's identifier in clear: the last one given; None when none was, or it is erased."""
        ...

    def erase(self, request_id: str, at: datetime) -> int:
        """Erase an attempt's customer identifiers for good; an entry says so, and the chain holds.

        Args:
            request_id: The attempt.
            at: Now (UTC).

        Returns:
            How many there were.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            NotAllowedNow: The attempt is open: the identifier may still be needed.
        """
        ...

    def close_day(self, day: date, at: datetime) -> Sequence[Closing]:
        """Close a day, and the month and year that end: totals, signed. A day that is closed stays as it is.

        Args:
            day: The day, by the calendar of the shop.
            at: Now (UTC).

        Returns:
            The closings that were written; empty when the day was closed before.

        Raises:
            NotAllowedNow: `DAY_HAS_OPEN_ITEMS`: an attempt is open, undecided or not acknowledged.
            InvalidInput: `DAY_BEFORE_LAST`: a later day is closed already. `DAY_NOT_BEGUN`: it is later than today
                in Paris. Or `DAY_NOT_A_DATE`, `MOMENT_UNUSABLE`.
        """
        ...

    def close(self) -> None:
        """Close the file. Idempotent."""
        ...
