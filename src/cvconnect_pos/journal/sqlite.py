"""The journal in one SQLite file, with its head and its keys beside it.

Each step is one transaction: the entry with its hash, the attempt's row, and the customer's identifier, encrypted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from cvconnect_pos.core.attempt import REQUEST, Entry, JsonData, Order, opening, order_data
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.errors import (
    AttemptStillOpen,
    CvConnectError,
    InvalidInput,
    JournalError,
    NotAllowedNow,
    RequestIdReused,
)
from cvconnect_pos.journal import file, index
from cvconnect_pos.journal.arguments import check_day, check_moment, check_number, check_text, encode
from cvconnect_pos.journal.base import ALL, ERASED, AttemptSummary, Search
from cvconnect_pos.journal.chain import GENESIS, Link, entry_hash, first_break
from cvconnect_pos.journal.closer import Closer, is_closed, refuse_open_items
from cvconnect_pos.journal.closings import CLOSING, Closing, Period
from cvconnect_pos.journal.export import csv_lines, json_lines
from cvconnect_pos.journal.head import NOTHING, Head, HeadFile, read_head_file, write_head_file
from cvconnect_pos.journal.keys import key_store
from cvconnect_pos.journal.safe import Safe
from cvconnect_pos.journal.vault import prepare

if TYPE_CHECKING:
    import apsw

    from cvconnect_pos.configuration import JournalTable

_log = logging.getLogger("cvconnect_pos")

_Read = TypeVar("_Read")
_Row = TypeVar("_Row", AttemptSummary, Link)

PAGE = 500
"""How many rows an export reads at once."""

TAIL = 64
"""How many of the last entries are checked when the file is opened; `verify` checks all."""


class SqliteJournal:
    """`Journal` in a file.

    Args:
        path: The file; it is created when it does not exist, its folder too.
        head: Where the newest hash is kept besides; `<path>.head` when left out.
        keys: Where the keys are, a path or `keyring:SERVICE/NAME`; `<path>.keys` when left out. Made with the journal.

    Raises:
        JournalError: `JOURNAL_LOCKED`, `JOURNAL_FOREIGN`, `JOURNAL_VERSION`, `JOURNAL_DAMAGED`,
            `JOURNAL_CHAIN_BROKEN`, `JOURNAL_ROLLED_BACK`, `JOURNAL_HEAD_MISSING`, `JOURNAL_KEYS_MISSING`,
            `JOURNAL_KEYS_EXPOSED`, `JOURNAL_KEYS_UNREADABLE`, `JOURNAL_KEYRING_MISSING` or `JOURNAL_UNAVAILABLE`.
    """

    def __init__(self, path: Path, *, head: Path | None = None, keys: str | Path | None = None) -> None:
        self._path = path
        self._head_path = head or head_beside(path)
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._tail: Head | None = None  # None: to be read from the file
        self._told = NOTHING
        with file.translated(path):
            self._safe = Safe(key_store(keys or keys_beside(path)))
            told = read_head_file(self._head_path)
            if not file.has_content(path):
                self._refuse_anew(told)
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = file.connect(path, create=True)
            try:
                self._prepare(connection, told)
            except BaseException:
                connection.close()
                raise
            file.settle(connection)
        self._connection = connection
        prepare()

    @classmethod
    def of_table(cls, table: JournalTable, folder: Path) -> Self:
        """Open the journal that a station file describes.

        Args:
            table: Its `[journal]` table.
            folder: Where the station file is.
        """
        return cls(folder / table.path, **beside(table, folder))

    def _refuse_anew(self, told: Head | None) -> None:
        """Refuse to begin a journal where there was one: its log, its head or its keys tell."""
        head_seq = told.seq if told else 0
        if head_seq or file.is_lost(self._path):
            raise JournalError("JOURNAL_ROLLED_BACK", path=str(self._path), seq=0, head_seq=head_seq)
        if told is None and (self._safe.has_keys or self._head_path.exists()):
            raise JournalError("JOURNAL_HEAD_MISSING", path=str(self._path), head=str(self._head_path))

    def _prepare(self, connection: apsw.Connection, told: Head | None) -> None:
        version = file.check_version(connection, self._path)
        if version == 0:
            self._refuse_anew(told)
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "FULL")
        connection.pragma("secure_delete", "ON")  # an erased identifier leaves no trace in a free page
        tail = NOTHING
        with connection:
            file.migrate(connection, version)
            tail = self._check_tail(connection)
            self._check_head(connection, tail, told)
            self._safe.check(connection)
            _derived(connection, lambda: list(index.unsettled(connection)))
        if told is None:
            write_head_file(self._head_path, tail)
        if tail == NOTHING:
            self._safe.keys()  # after the head: keys without a head are those of a journal that is gone
        self._head = HeadFile(self._head_path)
        if told not in {None, tail}:
            self._head.refresh(tail)
        self._tail = self._told = tail

    def _check_tail(self, connection: apsw.Connection) -> Head:
        links = list(file.read_raw_links(connection, "ORDER BY seq DESC LIMIT ?", TAIL))[::-1]
        if not links:
            return NOTHING
        start = links[0]
        broken = first_break(links, seq=start.seq, previous=GENESIS if start.seq == 1 else start.previous)
        if broken:
            raise JournalError(
                "JOURNAL_CHAIN_BROKEN", path=str(self._path), seq=broken.seq, fault=broken.fault.value
            )
        return Head(links[-1].seq, links[-1].hash)

    def _check_head(self, connection: apsw.Connection, tail: Head, told: Head | None) -> None:
        if told is None:
            if tail.seq or self._safe.has_keys:
                raise JournalError("JOURNAL_HEAD_MISSING", path=str(self._path), head=str(self._head_path))
        elif not has_head(connection, told):
            raise JournalError("JOURNAL_ROLLED_BACK", path=str(self._path), seq=tail.seq, head_seq=told.seq)

    def begin(
        self,
        order: Order,
        payment_id: str,
        at: datetime,
        *,
        simulation: bool,
        identifier: str | None = None,
    ) -> tuple[Sequence[Entry], bool]:
        """See `Journal.begin`."""
        check_text("request_id", order.request_id)
        check_text("basket_ref", order.basket_ref)
        check_moment("at", at)
        with self._transaction() as connection:
            entries = self._read(connection, order.request_id)
            if entries:
                if opening(entries[0]).order != order:
                    raise RequestIdReused(request_id=order.request_id)
                return entries, False
            other = connection.execute(
                "SELECT request_id FROM attempts WHERE basket_ref = ? AND acknowledged = 0",
                (order.basket_ref,),
            ).fetchone()
            if other:
                raise AttemptStillOpen(request_id=other[0], basket_ref=order.basket_ref)
            data = order_data(order, payment_id, simulation=simulation)
            request_id, state = order.request_id, State.CREATING
            head = self._write(connection, request_id, at, REQUEST, state.value, data, identifier)
            return [Entry(head.seq, request_id, at, REQUEST, state, data)], True

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
        """See `Journal.append`."""
        check_text("request_id", request_id)
        check_moment("at", at)
        with self._transaction() as connection:
            head = self._write(connection, request_id, at, kind, state.value, data, identifier)
        return Entry(head.seq, request_id, at, kind, state, data)

    def entries(self, request_id: str) -> Sequence[Entry]:
        """See `Journal.entries`."""
        check_text("request_id", request_id)
        with self._transaction() as connection:
            return self._read(connection, request_id)

    def unsettled(self) -> Sequence[str]:
        """See `Journal.unsettled`."""
        with self._transaction() as connection:
            return _derived(connection, lambda: [row.request_id for row in index.unsettled(connection)])

    def attempts(self, search: Search = ALL, *, limit: int = 50) -> Sequence[AttemptSummary]:
        """See `Journal.attempts`."""
        check_number("limit", limit, least=1)
        index.check(search)
        with self._transaction() as connection:
            return _derived(connection, lambda: index.search(connection, search, limit))

    def identifier(self, request_id: str) -> str | None:
        """See `Journal.identifier`."""
        check_text("request_id", request_id)
        with self._transaction() as connection:
            return self._safe.last(connection, request_id)

    def erase(self, request_id: str, at: datetime) -> int:
        """See `Journal.erase`."""
        check_text("request_id", request_id)
        check_moment("at", at)
        with self._transaction() as connection:
            rows = _derived(
                connection, lambda: list(index.summaries(connection, "WHERE request_id = ?", request_id))
            )
            found = rows[0] if rows else None
            if found is None:
                raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=request_id)
            if found.state not in FINAL:
                raise NotAllowedNow(action="erase", state=found.state.value)
            count = self._safe.erase(connection, request_id)
            if count:
                self._write(connection, request_id, at, ERASED, found.state.value, {})
        self._empty_log()
        return count

    def rotate_key(self) -> int:
        """Replace the key that wraps the keys of customer identifiers. Entries and identifiers stay as they are.

        Returns:
            How many identifiers were moved under the new key.
        """
        with self._transaction() as connection:
            self._safe.begin_rotation()
            count = self._safe.rewrap(connection)
        self._empty_log()
        with self._transaction():
            self._safe.end_rotation()
        return count

    def close_day(self, day: date, at: datetime) -> Sequence[Closing]:
        """See `Journal.close_day`."""
        check_day(day, at)
        with self._transaction() as connection:
            if is_closed(connection, f"{Period.DAY.value}/{day.isoformat()}"):
                return []
            _derived(connection, lambda: refuse_open_items(connection))
            books = _derived(connection, lambda: index.books(connection))

            def write(name: str, data: Mapping[str, Any]) -> Head:
                return self._write(connection, name, at, CLOSING, "", data)

            closer = Closer(connection, self._safe.keys().signing, write)
            return closer.close_day(day, self._newest(connection), books)

    def export(self, form: Literal["csv", "jsonl"], search: Search = ALL) -> Iterator[str]:
        """Write the journal as lines; see `export`.

        Args:
            form: `csv`, one operation a line, oldest first; or `jsonl`, every entry.
            search: Which operations, for `csv`.

        Returns:
            The lines. The journal can be used meanwhile, and closed; then the export ends with `JOURNAL_CLOSED`.
        """
        index.check(search)
        return self._lines(form, search)

    def _lines(self, form: Literal["csv", "jsonl"], search: Search) -> Iterator[str]:
        def operations(connection: apsw.Connection, after: int) -> list[AttemptSummary]:
            return _derived(connection, lambda: index.search(connection, search, PAGE, after_seq=after))

        def entries(connection: apsw.Connection, after: int) -> list[Link]:
            return list(file.read_links(connection, "WHERE seq > ? ORDER BY seq LIMIT ?", after, PAGE))

        with file.translated(self._path):
            yield from (
                csv_lines(self._pages(operations)) if form == "csv" else json_lines(self._pages(entries))
            )

    def rebuild_index(self) -> None:
        """Make the derived rows of the attempts anew from the entries."""
        with self._transaction() as connection:
            index.rebuild(connection, file.read_links(connection))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._head.close()
                self._connection = None

    # --- below -------------------------------------------------------------------------------------------------

    def _pages(self, read: Callable[[apsw.Connection, int], Sequence[_Row]]) -> Iterator[_Row]:
        """Read rows up to what is the newest now, a page at a time; nothing is locked between pages."""
        with self._transaction() as connection:
            last = self._newest(connection).seq
        after = 0
        while True:
            with self._transaction() as connection:
                page = read(connection, after)
            yield from (row for row in page if row.seq <= last)
            if len(page) < PAGE or page[-1].seq >= last:
                return
            after = page[-1].seq

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        with self._lock, file.translated(self._path):
            if self._connection is None:
                raise JournalError("JOURNAL_CLOSED", path=str(self._path))
            try:
                with self._connection:
                    yield self._connection
            except BaseException:
                self._tail = None  # whatever came of the transaction, the file knows
                raise
            if self._tail is not None and self._tail != self._told:
                self._head.write(self._tail)  # the commit is on the disk: the head may lag, never lead
                self._told = self._tail

    def _newest(self, connection: apsw.Connection) -> Head:
        if self._tail is None:
            row = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
            self._tail = Head(*row) if row else NOTHING
        return self._tail

    def _write(  # noqa: PLR0917
        self,
        connection: apsw.Connection,
        request_id: str,
        at: datetime,
        kind: str,
        state: str,
        data: JsonData,
        identifier: str | None = None,
    ) -> Head:
        text = encode(data)
        before = self._newest(connection)
        seq, commitment = before.seq + 1, b""
        if identifier is not None:
            sealed, commitment = self._safe.seal(identifier, request_id, seq)
            self._safe.put(connection, request_id, seq, sealed)
        fields = (request_id, index.moment(at), kind, state, text, commitment)
        link = Link(seq, *fields, before.hash, entry_hash(before.hash, seq, *fields))
        connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (seq, *fields, link.previous, link.hash)
        )
        index.keep(connection, link, data)
        self._tail = Head(seq, link.hash)
        return self._tail

    @staticmethod
    def _read(connection: apsw.Connection, request_id: str) -> list[Entry]:
        import msgspec

        rows = connection.execute(
            "SELECT seq, at, kind, state, data FROM entries WHERE request_id = ? AND kind <> ? ORDER BY seq",
            (request_id, CLOSING),
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

    def _empty_log(self) -> None:
        """Bring the write-ahead log into the file and cut it, so that nothing of what was erased is left in it."""
        import apsw

        with self._lock, file.translated(self._path):
            if self._connection is not None:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def head_beside(path: Path) -> Path:
    """Where a journal's newest hash is kept when nothing else is said."""
    return path.with_name(path.name + ".head")


def keys_beside(path: Path) -> Path:
    """Where a journal's keys are kept when nothing else is said."""
    return path.with_name(path.name + ".keys")


def beside(table: JournalTable, folder: Path) -> dict[str, Any]:
    """Read from a station file where the head and the keys are.

    Args:
        table: Its `[journal]` table.
        folder: Where the station file is.

    Returns:
        `head` and `keys`, as `SqliteJournal` takes them.
    """
    keys = table.keys
    return {
        "head": folder / table.head if table.head else None,
        "keys": keys if keys is None or keys.startswith("keyring:") else folder / keys,
    }


def _derived(connection: apsw.Connection, read: Callable[[], _Read]) -> _Read:
    """Read derived rows; when they cannot be read, make them anew from the entries first."""
    try:
        return read()
    except file.UNREADABLE as error:
        if isinstance(error, CvConnectError):
            raise
        _log.warning("the rows of the attempts cannot be read (%s): made anew", type(error).__name__)
        index.rebuild(connection, file.read_links(connection))
        return read()


def has_head(connection: apsw.Connection, head: Head) -> bool:
    """Whether the journal has the entry that a head names; it may have more."""
    if head.seq == 0:
        return True
    return connection.execute("SELECT hash FROM entries WHERE seq = ?", (head.seq,)).fetchone() == (
        head.hash,
    )
