"""The journal in one SQLite file, with its head and its keys beside it.

Each step is one transaction: the entry with its hash, the attempt's row, and the customer's identifier, encrypted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
    JournalMoved,
    JournalTaken,
    NotAllowedNow,
    RequestIdReused,
)
from cvconnect_pos.journal import entries, file, index, leases
from cvconnect_pos.journal.arguments import check_day, check_moment, check_number, check_seconds, check_text
from cvconnect_pos.journal.base import ALL, ERASED, AttemptSummary, Search
from cvconnect_pos.journal.chain import GENESIS, Link, first_break
from cvconnect_pos.journal.closer import Closer, is_closed, refuse_open_items
from cvconnect_pos.journal.closings import CLOSING, Closing, Period
from cvconnect_pos.journal.export import csv_lines, json_lines
from cvconnect_pos.journal.head import NOTHING, Head, HeadFile, read_head_file, write_head_file
from cvconnect_pos.journal.host import boot_id
from cvconnect_pos.journal.keys import key_store
from cvconnect_pos.journal.owners import Owners
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
        self._locked_out = file.LockedOut()
        self._connection: apsw.Connection | None = None
        self._owners = Owners(path)
        with file.translated(path):
            file.refuse_place(path)
            with self._owners.gate():
                self._safe = Safe(key_store(keys or keys_beside(path)))
                told = read_head_file(self._head_path)
                if not file.has_content(path):
                    self._refuse_anew(told)
                connection = file.connect(path, create=True)
                try:
                    self._prepare(connection, told)
                    self._owners.enter()
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
        elif version < file.SCHEMA_VERSION:
            self._owners.refuse_others()
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "FULL")
        connection.pragma("secure_delete", "ON")  # an erased identifier leaves no trace in a free page
        tail = NOTHING
        with file.transaction(connection):
            if version:
                tail = self._check_tail(connection)
                self._check_head(connection, tail, told)
                self._safe.check(connection)
            file.migrate(connection, version)
            if 0 < version < file.SCHEMA_VERSION:
                index.rebuild(connection, file.read_links(connection))
            _derived(connection, lambda: list(index.unsettled(connection)))
            for owner in leases.owners(connection):
                if not self._owners.is_alive(owner):
                    leases.release(connection, owner)
        if told is None:
            write_head_file(self._head_path, tail)
        if tail == NOTHING:
            self._safe.keys()  # after the head: keys without a head are those of a journal that is gone
        self._head = HeadFile(self._head_path)
        if told not in {None, tail}:
            file.sync_log(self._path)  # what a killed process left in it is read, and perhaps not on the disk
            self._head.refresh(tail)

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
        leased_until_s: float | None = None,
        now_s: float = 0.0,
    ) -> tuple[Sequence[Entry], bool]:
        """See `Journal.begin`."""
        check_text("request_id", order.request_id)
        check_text("basket_ref", order.basket_ref)
        check_moment("at", at)
        with self._writing() as connection:
            known = entries.read(connection, order.request_id)
            if known:
                if opening(known[0]).order != order:
                    raise RequestIdReused(request_id=order.request_id)
                return known, False
            other = connection.execute(
                "SELECT request_id FROM attempts WHERE basket_ref = ? AND acknowledged = 0",
                (order.basket_ref,),
            ).fetchone()
            if other:
                raise AttemptStillOpen(request_id=other[0], basket_ref=order.basket_ref)
            data = order_data(order, payment_id, simulation=simulation)
            request_id, state = order.request_id, State.CREATING
            head = self._write(connection, request_id, at, REQUEST, state.value, data, identifier)
            if leased_until_s is not None:
                lease = leases.Lease(self._owners.token, boot_id(), leased_until_s)
                leases.write(connection, request_id, lease, now_s)
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
        after: int | None = None,
        leased: bool = False,
    ) -> Entry:
        """See `Journal.append`."""
        check_text("request_id", request_id)
        check_moment("at", at)
        with self._writing() as connection:
            if after is not None:
                last = entries.newest_of(connection, request_id)
                if last not in {0, after}:  # 0: nobody began it, which is said below
                    raise JournalMoved(request_id=request_id, after=after, newest=last)
            if leased:
                lease = leases.read(connection, request_id)
                if lease is None or lease.owner != self._owners.token:
                    raise JournalTaken(request_id=request_id)
            head = self._write(connection, request_id, at, kind, state.value, data, identifier)
        return Entry(head.seq, request_id, at, kind, state, data)

    def lease(self, request_id: str, *, until_s: float, now_s: float, over_at: int | None = None) -> bool:
        """See `Journal.lease`."""
        check_text("request_id", request_id)
        check_seconds("until_s", until_s)
        check_seconds("now_s", now_s)
        if over_at is not None:
            check_number("over_at", over_at, least=1)
        wanted = leases.Lease(self._owners.token, boot_id(), until_s)
        with self._reading() as connection:
            found = leases.read(connection, request_id)
            if found and found.owner == wanted.owner and found.until_s >= until_s:
                return True
            if not self._may_take(found, now_s) and over_at is None:
                return False
        with self._writing() as connection:
            free = self._may_take(leases.read(connection, request_id), now_s)
            if not free and not (over_at is not None and self._is_over(connection, request_id, over_at)):
                return False
            leases.write(connection, request_id, wanted, now_s)
        return True

    def others_alive(self) -> int:
        """See `Journal.others_alive`."""
        with self._reading():
            return self._owners.others_alive()

    def entries(self, request_id: str, *, after: int = 0) -> Sequence[Entry]:
        """See `Journal.entries`."""
        check_text("request_id", request_id)
        check_number("after", after)
        with self._reading() as connection:
            return entries.read(connection, request_id, after)

    def unsettled(self) -> Sequence[str]:
        """See `Journal.unsettled`."""
        return self._rows(lambda connection: [row.request_id for row in index.unsettled(connection)])

    def attempts(self, search: Search = ALL, *, limit: int = 50) -> Sequence[AttemptSummary]:
        """See `Journal.attempts`."""
        check_number("limit", limit, least=1)
        index.check(search)
        return self._rows(lambda connection: index.search(connection, search, limit))

    def identifier(self, request_id: str) -> str | None:
        """See `Journal.identifier`."""
        check_text("request_id", request_id)
        with self._reading() as connection:
            return self._safe.last(connection, request_id)

    def erase(self, request_id: str, at: datetime) -> int:
        """See `Journal.erase`."""
        check_text("request_id", request_id)
        check_moment("at", at)
        with self._writing() as connection:
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

        Raises:
            JournalError: `JOURNAL_IN_USE`: another process has the journal open.
        """
        with self._alone():
            with self._writing() as connection:
                self._safe.begin_rotation()
                count = self._safe.rewrap(connection)
            self._empty_log()
            with self._writing():
                self._safe.end_rotation()
        return count

    def close_day(self, day: date, at: datetime) -> Sequence[Closing]:
        """See `Journal.close_day`."""
        check_day(day, at)
        with self._writing() as connection:
            if is_closed(connection, f"{Period.DAY.value}/{day.isoformat()}"):
                return []
            _derived(connection, lambda: refuse_open_items(connection))
            books = _derived(connection, lambda: index.books(connection))

            def write(name: str, data: Mapping[str, Any]) -> Head:
                return self._write(connection, name, at, CLOSING, "", data)

            closer = Closer(connection, self._safe.keys().signing, write)
            return closer.close_day(day, entries.newest(connection), books)

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
        def operations(after: int) -> list[AttemptSummary]:
            return self._rows(lambda connection: index.search(connection, search, PAGE, after_seq=after))

        def links(after: int) -> list[Link]:
            with self._reading() as connection:
                return list(file.read_links(connection, "WHERE seq > ? ORDER BY seq LIMIT ?", after, PAGE))

        with file.translated(self._path):
            yield from (
                csv_lines(self._pages(operations)) if form == "csv" else json_lines(self._pages(links))
            )

    def rebuild_index(self) -> None:
        """Make the derived rows of the attempts anew from the entries."""
        with self._writing() as connection:
            index.rebuild(connection, file.read_links(connection))

    def close(self) -> None:
        """Close the file, and give back what this journal had leased. Idempotent."""
        import apsw

        with self._lock:
            if self._connection is None:
                return
            connection, self._connection = self._connection, None
            with ExitStack() as all_of_it:  # each of them, whatever becomes of the one before
                all_of_it.callback(self._owners.leave)
                all_of_it.callback(self._head.close)
                all_of_it.callback(connection.close)
                # A lease whose owner is gone is free all the same.
                with suppress(apsw.Error), file.transaction(connection):
                    leases.release(connection, self._owners.token)

    # --- below -------------------------------------------------------------------------------------------------

    def _pages(self, read: Callable[[int], Sequence[_Row]]) -> Iterator[_Row]:
        """Read rows up to what is the newest now, a page at a time; nothing is locked between pages."""
        with self._reading() as connection:
            last = entries.newest(connection).seq
        after = 0
        while True:
            page = read(after)
            yield from (row for row in page if row.seq <= last)
            if len(page) < PAGE or page[-1].seq >= last:
                return
            after = page[-1].seq

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        """Use the connection for single statements: each sees the journal as it is at one moment."""
        with self._lock, file.translated(self._path):
            yield self._opened()

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """Be the only one who writes, from the first statement on; then note the newest entry outside."""
        with self._lock, file.translated(self._path):
            self._written: Head | None = None
            connection = self._opened()
            with file.impatient(connection, self._locked_out), file.transaction(connection):
                yield connection
            if self._written:
                self._head.write(self._written)  # the commit is on the disk: the head may lag, never lead

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with file.translated(self._path), self._owners.alone():
            yield

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            raise JournalError("JOURNAL_CLOSED", path=str(self._path))
        return self._connection

    def _rows(self, read: Callable[[apsw.Connection], _Read]) -> _Read:
        """Read derived rows; when they cannot be read, make them anew first."""
        with self._lock, file.translated(self._path):
            connection = self._opened()
            try:
                return read(connection)
            except file.UNREADABLE as error:
                with file.transaction(connection):
                    _make_anew(connection, error)
            return read(connection)

    def _may_take(self, lease: leases.Lease | None, now_s: float) -> bool:
        if lease is None or lease.owner == self._owners.token:
            return True
        return lease.is_free(now_s, boot_id(), self._owners.is_alive)

    def _is_over(self, connection: apsw.Connection, request_id: str, seq: int) -> bool:
        """Whether this is an attempt's newest entry, and ends it."""
        last = entries.read(connection, request_id, seq - 1)
        return [entry.seq for entry in last] == [seq] and last[0].state in FINAL

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
        before = self._written or entries.newest(connection)
        self._written = entries.write(
            connection, before, request_id, at, kind, state, data, safe=self._safe, identifier=identifier
        )
        return self._written

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
        _make_anew(connection, error)
        return read()


def _make_anew(connection: apsw.Connection, error: Exception) -> None:
    if isinstance(error, CvConnectError):  # ours, such as a day that cannot be closed
        raise error
    _log.warning("the rows of the attempts cannot be read (%s): made anew", type(error).__name__)
    index.rebuild(connection, file.read_links(connection))


def has_head(connection: apsw.Connection, head: Head) -> bool:
    """Whether the journal has the entry that a head names; it may have more."""
    if head.seq == 0:
        return True
    return connection.execute("SELECT hash FROM entries WHERE seq = ?", (head.seq,)).fetchone() == (
        head.hash,
    )
