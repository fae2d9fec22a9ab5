"""The journal's file: its tables, how it is opened and locked, and the names of its faults.

Write-ahead log with `synchronous=FULL`: a commit returns after the disk has it, and no other process sees it before.
Several processes of one host share the file. Whoever writes is alone from the first statement of the transaction on.

A file that is refused is left as it is, byte for byte: nothing is repaired, copied or moved.

`apsw` and not the standard library: it carries its own SQLite, recent enough for the fix of the write-ahead log's
reset (3.51.3), and its VFS lets tests fail the very engine that ships.

Source: sqlite.org, "Write-Ahead Logging" (section 11, the WAL-reset bug), "PRAGMA synchronous", "BEGIN IMMEDIATE",
"SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE".
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.attempt import REQUEST
from cvconnect_pos.errors import CvConnectError, JournalError
from cvconnect_pos.journal.chain import Link
from cvconnect_pos.journal.closings import CLOSING
from cvconnect_pos.journal.host import network_of

if TYPE_CHECKING:
    import apsw

SCHEMA_VERSION = 2
APPLICATION_ID = 0x4356_436F
"""`CVCo`, so that `file` and a curious person recognise the journal."""

_ENTRIES = f"""
CREATE TABLE entries (
    seq        INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    data       TEXT NOT NULL,
    commitment BLOB NOT NULL,
    previous   BLOB NOT NULL,
    hash       BLOB NOT NULL
) STRICT;
CREATE INDEX entries_of_request ON entries (request_id, seq);
CREATE UNIQUE INDEX one_closing ON entries (request_id) WHERE kind = '{CLOSING}';
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
"""

_ATTEMPTS = """
-- Where each attempt stands. Derived: entries are the truth.
CREATE TABLE attempts (
    seq               INTEGER PRIMARY KEY,
    request_id        TEXT NOT NULL UNIQUE,
    basket_ref        TEXT NOT NULL,
    seller_id         TEXT NOT NULL,
    state             TEXT NOT NULL,
    asked_cents       INTEGER NOT NULL,
    received_cents    INTEGER,
    opened_at         TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    simulation        INTEGER NOT NULL,
    acknowledged      INTEGER NOT NULL,
    way               TEXT NOT NULL,
    customer_ref      TEXT NOT NULL,
    label             TEXT NOT NULL,
    transaction_id    TEXT NOT NULL,
    reason            TEXT NOT NULL,
    changed_at        TEXT NOT NULL,
    reserved_cents    INTEGER,
    capture_cents     INTEGER,
    surplus_cents     INTEGER NOT NULL,
    settled_otherwise INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_of_basket ON attempts (basket_ref);
CREATE INDEX attempts_by_time ON attempts (opened_at);
CREATE INDEX attempts_by_news ON attempts (updated_at);
CREATE INDEX attempts_of_transaction ON attempts (transaction_id) WHERE transaction_id <> '';
CREATE INDEX attempts_unsettled ON attempts (basket_ref) WHERE acknowledged = 0 OR surplus_cents > 0;
"""

_IDENTIFIERS = """
-- Customer identifiers, encrypted. The only rows that may go.
CREATE TABLE identifiers (
    seq        INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    content    BLOB NOT NULL
) STRICT;
CREATE INDEX identifiers_of_request ON identifiers (request_id, seq);
"""

_LEASES = """
-- Who works on an attempt. Says nothing of money, and means nothing once its owner is gone.
CREATE TABLE leases (
    request_id TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    boot       TEXT NOT NULL,
    until_s    REAL NOT NULL
) STRICT;
"""

SCHEMA = f"""{_ENTRIES}{_ATTEMPTS}{_IDENTIFIERS}{_LEASES}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

MIGRATIONS: Mapping[int, str] = {1: f"DROP TABLE attempts; {_ATTEMPTS}{_LEASES}"}
"""What leads from a version to the next, in one transaction with the new `user_version`; then derived rows are made anew."""

LINKS = "SELECT seq, request_id, at, kind, state, data, commitment, previous, hash FROM entries"
"""The columns of `Link`, in its order."""

_RAW_LINKS = """
SELECT seq, CAST(request_id AS BLOB), CAST(at AS BLOB), CAST(kind AS BLOB), CAST(state AS BLOB), CAST(data AS BLOB),
    commitment, previous, hash FROM entries
"""

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What it takes to read content that is not what was written."""

BRIEFLY_MS = 50
BUSY_MS = 5_000

_OS_CODES = {
    errno.ENOSPC: "JOURNAL_DISK_FULL",
    errno.EDQUOT: "JOURNAL_DISK_FULL",
    errno.EROFS: "JOURNAL_READ_ONLY",
    errno.EACCES: "JOURNAL_READ_ONLY",
    errno.EPERM: "JOURNAL_READ_ONLY",
}


def refuse_place(path: Path) -> None:
    """Refuse a place where no journal can be.

    Raises:
        JournalError: `JOURNAL_ON_NETWORK`.
        IsADirectoryError: A folder is in the way.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    kind = network_of(path)
    if kind:
        raise JournalError("JOURNAL_ON_NETWORK", path=str(path), kind=kind)


def connect(path: Path, *, create: bool) -> apsw.Connection:
    """Open the file. Where its log holds something, closing it again leaves both as they are, until `settle`.

    Args:
        path: The file.
        create: Whether it may be made.

    Returns:
        The connection; its tables are not looked at yet. See `transaction`.
    """
    import apsw

    if not create and not path.is_file():
        raise JournalError("JOURNAL_MISSING", path=str(path))
    has_log = has_content(log_of(path))
    connection = apsw.Connection(str(path))
    try:
        if has_log:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(BUSY_MS)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> apsw.Connection:
    """Open the file to read it; also where nothing can be written, when its log is empty.

    Raises:
        JournalError: `JOURNAL_MISSING`; or `JOURNAL_READ_ONLY`: the log holds something that cannot be brought in there.
    """
    import apsw

    if not path.is_file() or os.access(path.parent, os.W_OK):
        return connect(path, create=False)
    if has_content(log_of(path)):
        raise JournalError("JOURNAL_READ_ONLY", path=str(path))
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=flags)


def log_of(path: Path) -> Path:
    """Where SQLite keeps a journal's write-ahead log."""
    return path.with_name(path.name + "-wal")


def sync_log(path: Path) -> None:
    """Bring a journal's write-ahead log to the disk."""
    with suppress(FileNotFoundError), log_of(path).open("r+b") as log:
        os.fsync(log.fileno())


def is_lost(path: Path) -> bool:
    """Whether the file is gone or empty and its write-ahead log is not: to open it would delete the log."""
    return not has_content(path) and has_content(log_of(path))


def has_content(path: Path) -> bool:
    """Whether there is a file with something in it."""
    return path.is_file() and path.stat().st_size > 0


def check_version(connection: apsw.Connection, path: Path) -> int:
    """Say the schema's version; 0 for a file without tables.

    Raises:
        JournalError: `JOURNAL_FOREIGN` or `JOURNAL_VERSION`.
    """
    version = connection.pragma("user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == (0,):
        return 0
    if connection.pragma("application_id") != APPLICATION_ID:
        raise JournalError("JOURNAL_FOREIGN", path=str(path))
    if not 1 <= version <= SCHEMA_VERSION:
        raise JournalError("JOURNAL_VERSION", path=str(path), version=version)
    return int(version)


def migrate(connection: apsw.Connection, version: int) -> None:
    """Bring the tables to this version, from whichever; inside a transaction."""
    if version == 0:
        connection.execute(SCHEMA)
        return
    for number in range(version, SCHEMA_VERSION):
        connection.execute(MIGRATIONS[number])
        connection.pragma("user_version", number + 1)


def settle(connection: apsw.Connection) -> None:
    """All is well with the file: from here on it is used as usual."""
    import apsw

    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)


def read_links(connection: apsw.Connection, condition: str = "", *values: object) -> Iterator[Link]:
    """Read entries as they stand, by `seq` unless the condition says otherwise."""
    rows: Iterator[tuple[Any, ...]] = connection.execute(f"{LINKS} {condition or 'ORDER BY seq'}", values)
    return (Link(*row) for row in rows)


def read_raw_links(connection: apsw.Connection, condition: str = "", *values: object) -> Iterator[Link]:
    """Read entries whatever they have become: a text that is not UTF-8 comes as one that cannot be encoded."""
    rows: Iterator[tuple[Any, ...]] = connection.execute(
        f"{_RAW_LINKS} {condition or 'ORDER BY seq'}", values
    )
    for seq, request_id, at, kind, state, data, *hashes in rows:
        yield Link(seq, *map(_text, (request_id, at, kind, state, data)), *hashes)


def _text(value: Any) -> Any:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value


def is_opening(link: Link) -> bool:
    """Whether an entry opens an attempt."""
    return link.kind == REQUEST


@dataclass(slots=True)
class LockedOut:
    """Whether the last write found the journal locked by another process that stays."""

    is_so: bool = False


@contextmanager
def impatient(connection: apsw.Connection, state: LockedOut) -> Iterator[None]:
    """Wait in full for another writer once; after that, until a write succeeds, only for a moment: it is known to stay."""
    import apsw

    if state.is_so:
        connection.set_busy_timeout(BRIEFLY_MS)
    try:
        yield
    except (apsw.BusyError, apsw.LockedError):
        state.is_so = True
        raise
    except BaseException:
        _patient(connection, state)
        raise
    _patient(connection, state)


def _patient(connection: apsw.Connection, state: LockedOut) -> None:
    if state.is_so:
        state.is_so = False
        connection.set_busy_timeout(BUSY_MS)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    """Be the only one who writes, from the first statement on; all of it, or nothing.

    Not apsw's own `with`: it waits for another writer without letting this process's other threads run, and that writer
    may be one of them.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn every fault of the file, and of what it holds, into a `JournalError` that says which and what to do."""
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
        **dict.fromkeys(UNREADABLE, "JOURNAL_DAMAGED"),
    }
    try:
        yield
    except OSError as error:
        code = _OS_CODES.get(error.errno or 0, "JOURNAL_UNAVAILABLE")
        raise JournalError(code, path=str(error.filename2 or error.filename or path)) from error
    except (apsw.Error, msgspec.DecodeError, *UNREADABLE) as error:
        if isinstance(error, CvConnectError):  # ours, such as a wrong argument
            raise
        # SQLite may roll back by itself; then the rollback that follows fails too, and hides the fault behind it.
        faults = (error, error.__context__)
        found = (code for fault in faults for kind, code in codes.items() if isinstance(fault, kind))
        raise JournalError(next(found, "JOURNAL_UNAVAILABLE"), path=str(path)) from error
