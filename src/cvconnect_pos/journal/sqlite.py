"""The journal in one SQLite file, through `apsw`.

Write-ahead log with `synchronous=FULL`: a commit returns after the disk has it. The file is locked for this process:
a second one is refused, for two engines on one journal would each act on the other's attempts.

`apsw` and not the standard library: it carries its own SQLite, recent enough for the fix of the write-ahead log's
reset (3.51.3), and its VFS lets tests fail the very engine that ships.

Source: sqlite.org, "Write-Ahead Logging" (section 11, the WAL-reset bug), "PRAGMA synchronous", "PRAGMA locking_mode".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.attempt import ACKNOWLEDGED, REQUEST, Entry, JsonData, Order, opening, order_data
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.errors import AttemptStillOpen, JournalError, RequestIdReused

if TYPE_CHECKING:
    import apsw

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4356_436F
"""`CVCo`, so that `file` and a curious person recognise the journal."""

_SCHEMA = f"""
CREATE TABLE entries (
    seq        INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    data       TEXT NOT NULL
) STRICT;
CREATE INDEX entries_of_request ON entries (request_id, seq);
CREATE UNIQUE INDEX one_opening ON entries (request_id) WHERE kind = '{REQUEST}';
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
-- What is not settled, so that a start need not read years of entries. Derived: entries are the truth.
CREATE TABLE unsettled (
    request_id TEXT PRIMARY KEY,
    basket_ref TEXT NOT NULL,
    first_seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unsettled_baskets ON unsettled (basket_ref);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

_REOPEN = """
INSERT OR IGNORE INTO unsettled
SELECT request_id, json_extract(data, '$.basket_ref'), seq FROM entries WHERE request_id = ? AND kind = ?
"""

_BUSY_MS = 2_000


class SqliteJournal:
    """`Journal` in a file.

    Args:
        path: The file; it is created when it does not exist, its folder too.

    Raises:
        JournalError: `JOURNAL_LOCKED`, `JOURNAL_FOREIGN`, `JOURNAL_VERSION`, `JOURNAL_DAMAGED` or
            `JOURNAL_UNAVAILABLE`.
    """

    def __init__(self, path: Path) -> None:
        import apsw

        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = apsw.Connection(str(path))
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.set_busy_timeout(_BUSY_MS)
        connection.pragma("locking_mode", "EXCLUSIVE")
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "FULL")
        with connection:
            version = connection.pragma("user_version")
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if version == 0 and tables == (0,):
                connection.execute(_SCHEMA)
            elif connection.pragma("application_id") != APPLICATION_ID:
                raise JournalError("JOURNAL_FOREIGN", path=str(self._path))
            elif version != SCHEMA_VERSION:
                raise JournalError("JOURNAL_VERSION", path=str(self._path), version=version)

    def begin(
        self, order: Order, payment_id: str, at: datetime, *, simulation: bool
    ) -> tuple[Sequence[Entry], bool]:
        """See `Journal.begin`."""
        with self._transaction() as connection:
            entries = self._read(connection, order.request_id)
            if entries:
                if opening(entries[0]).order != order:
                    raise RequestIdReused(request_id=order.request_id)
                return entries, False
            other = connection.execute(
                "SELECT request_id FROM unsettled WHERE basket_ref = ?", (order.basket_ref,)
            ).fetchone()
            if other:
                raise AttemptStillOpen(request_id=other[0], basket_ref=order.basket_ref)
            data = order_data(order, payment_id, simulation=simulation)
            entry = self._write(connection, order.request_id, at, REQUEST, State.CREATING, data)
            connection.execute(
                "INSERT INTO unsettled VALUES (?, ?, ?)", (order.request_id, order.basket_ref, entry.seq)
            )
            return [entry], True

    def append(self, request_id: str, at: datetime, kind: str, state: State, data: JsonData) -> Entry:
        """See `Journal.append`."""
        with self._transaction() as connection:
            entry = self._write(connection, request_id, at, kind, state, data)
            if kind == ACKNOWLEDGED:
                connection.execute("DELETE FROM unsettled WHERE request_id = ?", (request_id,))
            elif data.get("acknowledged") is False:  # something new came after the till's receipt
                connection.execute(_REOPEN, (request_id, REQUEST))
            return entry

    def entries(self, request_id: str) -> Sequence[Entry]:
        """See `Journal.entries`."""
        with self._transaction() as connection:
            return self._read(connection, request_id)

    def unsettled(self) -> Sequence[str]:
        """See `Journal.unsettled`."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT request_id FROM unsettled ORDER BY first_seq")
            return [str(row[0]) for row in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # --- below -------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        with self._lock, self._translated():
            if self._connection is None:
                raise JournalError("JOURNAL_CLOSED", path=str(self._path))
            with self._connection:
                yield self._connection

    @staticmethod
    def _write(  # noqa: PLR0917
        connection: apsw.Connection, request_id: str, at: datetime, kind: str, state: State, data: JsonData
    ) -> Entry:
        import msgspec

        text = msgspec.json.encode(data, order="sorted").decode()
        connection.execute(
            "INSERT INTO entries (request_id, at, kind, state, data) VALUES (?, ?, ?, ?, ?)",
            (request_id, at.isoformat(timespec="microseconds"), kind, state.value, text),
        )
        return Entry(connection.last_insert_rowid(), request_id, at, kind, state, data)

    @staticmethod
    def _read(connection: apsw.Connection, request_id: str) -> list[Entry]:
        import msgspec

        rows: Iterator[tuple[Any, ...]] = connection.execute(
            "SELECT seq, at, kind, state, data FROM entries WHERE request_id = ? ORDER BY seq", (request_id,)
        )
        return [
            Entry(seq, request_id, datetime.fromisoformat(at), kind, State(state), msgspec.json.decode(data))
            for seq, at, kind, state, data in rows
        ]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn every fault of the file into a `JournalError` that says which and what to do."""
        import apsw
        import msgspec

        codes: dict[type[Exception], str] = {
            apsw.BusyError: "JOURNAL_LOCKED",
            apsw.LockedError: "JOURNAL_LOCKED",
            apsw.FullError: "JOURNAL_DISK_FULL",
            apsw.ReadOnlyError: "JOURNAL_READ_ONLY",
            apsw.CorruptError: "JOURNAL_DAMAGED",
            apsw.NotADBError: "JOURNAL_FOREIGN",
            msgspec.DecodeError: "JOURNAL_DAMAGED",
            ValueError: "JOURNAL_DAMAGED",
        }
        try:
            yield
        except (apsw.Error, msgspec.DecodeError, OSError, ValueError) as error:
            code = next((c for kind, c in codes.items() if isinstance(error, kind)), "JOURNAL_UNAVAILABLE")
            raise JournalError(code, path=str(self._path)) from error
