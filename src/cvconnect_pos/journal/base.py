"""The journal: append-only, one durable transaction per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from cvconnect_pos.core.attempt import Entry, JsonData, Order, Way
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.closings import Closing

ERASED = "ERASED"
"""The kind of the entry that says that the customer identifiers of an attempt were erased."""


NEW_KEYS = "NEW_KEYS"
"""The kind of the entry that says that the keys were lost, and which public key signs from here on."""

RESTORED = "RESTORED"
"""The kind of the entry that says that an older copy was put back, and which entries are gone with the newer one."""

NOTES = "journal"
"""What stands for a request id in the entries of these two kinds; they have no state."""


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
        way: How the customer is reached.
        changed_at: When the state was entered (UTC): a receipt or a ticket does not move it.
        customer_ref: The till's customer reference.
        label: The text for the customer's app.
        transaction_id: The provider's id of the payment; empty until it is known.
        reason: The stable code of what happened last; empty for none.
        reserved_cents: What is reserved, in cents; None until then.
        capture_cents: What is to be captured of it, in cents; None until that is decided.
        surplus_cents: What was received beside the payment and not given back yet, in cents.
        settled_otherwise: Whether the till settled the line with another tender.
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
    way: Way
    changed_at: datetime
    customer_ref: str = ""
    label: str = ""
    transaction_id: str = ""
    reason: str = ""
    reserved_cents: int | None = None
    capture_cents: int | None = None
    surplus_cents: int = 0
    settled_otherwise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which attempts are looked for; what is left out does not matter.

    Args:
        basket_ref: Of this basket.
        seller_id: Of this seller.
        customer_ref: With this customer reference.
        transaction_id: With this id at the provider.
        ways: Taken in one of these ways; empty for any.
        states: In one of these states; empty for any.
        opened_from: Opened at this moment or later.
        opened_before: Opened before this moment.
        updated_from: With an entry written at this moment or later.
        amount_cents: This amount was asked or received, in cents.
        acknowledged: Whether the till has recorded the outcome.
        before_seq: Older than the attempt with this `seq`: the last one of the page before.
    """

    basket_ref: str | None = None
    seller_id: str | None = None
    customer_ref: str | None = None
    transaction_id: str | None = None
    ways: frozenset[Way] = frozenset()
    states: frozenset[State] = frozenset()
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    updated_from: datetime | None = None
    amount_cents: int | None = None
    acknowledged: bool | None = None
    before_seq: int | None = None


ALL = Search()


class Journal(Protocol):
    """Where attempts are written. When a call returns, what it wrote survives a power cut.

    Several processes of one host may share one, each with a `Journal` of its own. Each call is one step: nothing of
    another process falls into the middle of it, and what it reads is the journal as it was at one moment.

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
        leased_until_s: float | None = None,
        now_s: float = 0.0,
    ) -> tuple[Sequence[Entry], bool]:
        """Open an attempt, or find the one that this request id has opened before.

        Args:
            order: What the till asks.
            payment_id: Our reference at the provider, for a new attempt.
            at: Now (UTC).
            simulation: Whether no real money moves.
            identifier: The customer in clear, when the request names them; kept encrypted.
            leased_until_s: Until when a new attempt is leased to this journal at once; see `lease`. None for not at all.
            now_s: Now, in monotonic seconds of the host.

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
        after: int | None = None,
        leased: bool = False,
    ) -> Entry:
        """Add one entry to an attempt.

        Args:
            request_id: The attempt; it has been begun.
            at: Now (UTC).
            kind: A signal's name, `ACKNOWLEDGED` or `TICKET`.
            state: The attempt's state from here on.
            data: What became known.
            identifier: The customer in clear, when this entry names them; kept encrypted.
            after: The `seq` of the attempt's newest entry that the caller knows of. When there is a newer one, nothing
                is written. None to write whatever others wrote.
            leased: Whether it is written only while the attempt's lease is ours.

        Returns:
            The entry as written.

        Raises:
            InvalidInput: `REQUEST_UNKNOWN`.
            JournalMoved: The attempt's newest entry is not `after`: read it again, and decide again.
            JournalTaken: It was to be leased, and another one has the lease.
        """
        ...

    def lease(self, request_id: str, *, until_s: float, now_s: float, over_at: int | None = None) -> bool:
        """Take or renew the lease of an attempt, for this open journal.

        A lease is free when nobody has it, when it ran out, when it was taken before the host started, when whoever
        took it is gone, and when it reaches further than any request lasts. One that stands still is not gone.

        Args:
            request_id: The attempt.
            until_s: Until when it is wanted, in monotonic seconds of the host. A longer one of ours stays as it is.
            now_s: Now, by the same clock.
            over_at: The `seq` of the attempt's newest entry that the caller knows of. When that is still the newest one
                and the attempt is over, the lease is handed over by whoever has it: no step is lost, and that one
                may write no more. None to wait until it is free.

        Returns:
            Whether it is ours, at least until then.

        Raises:
            InvalidInput: `NUMBER_OUT_OF_RANGE`.
        """
        ...

    def others_alive(self) -> int:
        """Count the others who have this journal open, in this process or another one of the host."""
        ...

    def entries(self, request_id: str, *, after: int = 0) -> Sequence[Entry]:
        """Read an attempt's entries in order; empty when the request id is unknown.

        Args:
            request_id: The attempt.
            after: Only those that are newer than the entry with this `seq`.
        """
        ...

    def unsettled(self) -> Sequence[str]:
        """List the request ids that are not acknowledged, or where a surplus is left, oldest first."""
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
        """Read back the customer's identifier in clear: the last one given.

        Returns:
            The identifier; None when none was given, it is erased, or its key is lost.
        """
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
        """Close the file, and give back every lease. Idempotent."""
        ...
