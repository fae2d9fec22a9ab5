"""The journal: append-only, one durable transaction per step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cvconnect_pos.core.attempt import Entry, JsonData, Order
from cvconnect_pos.core.lifecycle import State


class Journal(Protocol):
    """Where attempts are written. When a call returns, what it wrote survives a power cut.

    Every call raises `JournalError` when the journal cannot be read or written; then nothing was written.
    """

    def begin(
        self, order: Order, payment_id: str, at: datetime, *, simulation: bool
    ) -> tuple[Sequence[Entry], bool]:
        """Open an attempt, or find the one that this request id has opened before.

        Args:
            order: What the till asks.
            payment_id: Our reference at the provider, for a new attempt.
            at: Now (UTC).
            simulation: Whether no real money moves.

        Returns:
            The attempt's entries, and whether it is new.

        Raises:
            RequestIdReused: The request id was used with other arguments.
            AttemptStillOpen: The basket has another attempt that is open or not acknowledged.
        """
        ...

    def append(self, request_id: str, at: datetime, kind: str, state: State, data: JsonData) -> Entry:
        """Add one entry to an attempt.

        Args:
            request_id: The attempt; it has been begun.
            at: Now (UTC).
            kind: A signal's name, `ACKNOWLEDGED` or `TICKET`.
            state: The attempt's state from here on.
            data: What became known.

        Returns:
            The entry as written.
        """
        ...

    def entries(self, request_id: str) -> Sequence[Entry]:
        """Read an attempt's entries in order; empty when the request id is unknown."""
        ...

    def unsettled(self) -> Sequence[str]:
        """List the request ids that are open, or final and not acknowledged, oldest first."""
        ...

    def close(self) -> None:
        """Close the file. Idempotent."""
        ...
