"""Entries in the file: the newest one, one more, those of an attempt. What belongs to no attempt has no state."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.attempt import Entry, JsonData
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal import index
from cvconnect_pos.journal.arguments import encode
from cvconnect_pos.journal.chain import Link, entry_hash
from cvconnect_pos.journal.head import NOTHING, Head
from cvconnect_pos.journal.safe import Safe

if TYPE_CHECKING:
    import apsw


def newest(connection: apsw.Connection) -> Head:
    """Read the end of the chain; inside a transaction, for another process may add to it."""
    row = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else NOTHING


def newest_of(connection: apsw.Connection, request_id: str) -> int:
    """Read the place of an attempt's newest entry; 0 when it was not begun."""
    row = connection.execute(
        "SELECT seq FROM entries WHERE request_id = ? AND state <> '' ORDER BY seq DESC LIMIT 1",
        (request_id,),
    ).fetchone()
    return row[0] if row else 0


def write(  # noqa: PLR0917 - the fields of an entry, in the order of its hash
    connection: apsw.Connection,
    before: Head,
    request_id: str,
    at: datetime,
    kind: str,
    state: str,
    data: JsonData,
    *,
    safe: Safe | None = None,
    identifier: str | None = None,
) -> Head:
    """Add one entry to the chain, and bring the attempt's row up to it; inside a transaction.

    Args:
        connection: The journal.
        before: The end of the chain.
        request_id: The attempt, or what the journal notes of itself.
        at: Now.
        kind: What happened.
        state: The attempt's state from here on; empty for what belongs to no attempt.
        data: What became known.
        safe: Where the identifier goes.
        identifier: The customer in clear.

    Returns:
        The new end of the chain.

    Raises:
        InvalidInput: `REQUEST_UNKNOWN`, or the data cannot be written.
    """
    text = encode(data)
    seq, commitment = before.seq + 1, b""
    if safe and identifier is not None:
        sealed, commitment = safe.seal(identifier, request_id, seq)
        safe.put(connection, request_id, seq, sealed)
    fields = (request_id, index.moment(at), kind, state, text, commitment)
    link = Link(seq, *fields, before.hash, entry_hash(before.hash, seq, *fields))
    connection.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (seq, *fields, link.previous, link.hash)
    )
    index.keep(connection, link, data)
    return Head(seq, link.hash)


def read(connection: apsw.Connection, request_id: str, after: int = 0) -> list[Entry]:
    """Read an attempt's entries, in order, that are newer than the one with the place `after`."""
    import msgspec

    rows = connection.execute(
        "SELECT seq, at, kind, state, data FROM entries"
        " WHERE request_id = ? AND seq > ? AND state <> '' ORDER BY seq",
        (request_id, after),
    )
    return [
        Entry(
            seq,
            request_id,
            datetime.fromisoformat(at),
            kind,
            State(state),
            msgspec.json.decode(data, type=dict[str, Any]),
        )
        for seq, at, kind, state, data in rows
    ]
