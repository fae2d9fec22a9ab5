"""What a person may mend when they know why it is broken: a lost head, a restored copy, lost keys. An entry says so.

Each is done behind the gate with nobody else there, and only where the journal is whole in every other respect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cvconnect_pos.core.attempt import JsonData
from cvconnect_pos.errors import JournalError
from cvconnect_pos.journal import entries, file
from cvconnect_pos.journal.arguments import check_moment
from cvconnect_pos.journal.base import NEW_KEYS, NOTES, RESTORED
from cvconnect_pos.journal.chain import Fault
from cvconnect_pos.journal.head import NOTHING, Head, read_head_file, write_head_file
from cvconnect_pos.journal.keys import Keys, key_store
from cvconnect_pos.journal.owners import Owners
from cvconnect_pos.journal.safe import Safe
from cvconnect_pos.journal.signing import public_key, public_key_id
from cvconnect_pos.journal.sqlite import head_beside, keys_beside
from cvconnect_pos.journal.verify import Report, verify

_WENT_BACK = frozenset({"HEAD", Fault.CUT.value})


@dataclass(frozen=True, slots=True)
class Loss:
    """What is gone with a newer journal that an older copy has replaced.

    Args:
        lost: Which entries: `14-17`, or `?-17` when the copy went on in another way since.
        head: The new end of the chain: the entry that says so.
    """

    lost: str
    head: Head


def restore_head(path: Path, *, head: Path | None = None, keys: str | Path | None = None) -> Head:
    """Make a head file anew, from a journal that is whole in every other respect.

    Where only the keys are left, the head is that of a journal yet to be made: the next open makes it, with these keys.

    Args:
        path: The journal.
        head: See `SqliteJournal`.
        keys: See `SqliteJournal`.

    Returns:
        The new head.

    Raises:
        JournalError: `JOURNAL_IN_USE`; `JOURNAL_ROLLED_BACK` when there is a head that says so; `JOURNAL_CHAIN_BROKEN`;
            or as `verify`.
    """
    head, keys = head or head_beside(path), keys or keys_beside(path)
    with file.translated(path):
        gone = not path.exists() and not file.is_lost(path) and Safe(key_store(keys)).has_keys
    with _alone(path, must_exist=not gone):
        told = read_head_file(head)
        report = Report() if gone else verify(path, head=head, keys=keys)
        if told and told.seq > report.head.seq:
            raise _rolled_back(path, report, told)
        _refuse(path, report, told, but={"HEAD_MISSING"})
        write_head_file(head, report.head)
    return report.head


def accept_loss(
    path: Path, *, at: datetime, head: Path | None = None, keys: str | Path | None = None
) -> Loss | None:
    """Go on with an older copy: an entry says what is gone with the newer one, and the head is made anew.

    Args:
        path: The journal.
        at: Now.
        head: See `SqliteJournal`.
        keys: See `SqliteJournal`.

    Returns:
        What is gone; None when nothing is, and nothing was done.

    Raises:
        JournalError: `JOURNAL_IN_USE`; `JOURNAL_ROLLED_BACK`: there is no entry left, so there is nothing to go on with;
            `JOURNAL_HEAD_MISSING`; `JOURNAL_CHAIN_BROKEN`; or as `verify`.
    """
    check_moment("at", at)
    head = head or head_beside(path)
    with _alone(path):
        told = read_head_file(head)
        report = verify(path, head=head, keys=keys)
        # The copy may be older than a replaced key: what that key closed stays a finding.
        _refuse(path, report, told, but={*_WENT_BACK, "IDENTIFIER"})
        if told is None or not _WENT_BACK & {finding.code for finding in report.findings}:
            return None
        if not report.entries:
            raise _rolled_back(path, report, told)
        first = report.head.seq + 1
        lost = f"{first}-{told.seq}" if told.seq >= first else f"?-{told.seq}"
        data = {"lost": lost, "head_seq": told.seq, "head": told.hash.hex()}
        newest = _note(
            path, at, RESTORED, data
        )  # before the head: until that is made anew, the copy is refused
        write_head_file(head, newest)
    return Loss(lost, newest)


def new_keys(path: Path, *, at: datetime, head: Path | None = None, keys: str | Path | None = None) -> str:
    """Make new keys where the old ones are lost: an entry says so, and names the key that signs from here on.

    Identifiers that the lost keys closed stay closed for ever.

    Args:
        path: The journal.
        at: Now.
        head: See `SqliteJournal`.
        keys: See `SqliteJournal`.

    Returns:
        The name of the new signing key.

    Raises:
        JournalError: `JOURNAL_KEYS_PRESENT`: there are keys; `JOURNAL_IN_USE`; `JOURNAL_ROLLED_BACK`;
            `JOURNAL_HEAD_MISSING`; `JOURNAL_CHAIN_BROKEN`; or as `verify`.
    """
    check_moment("at", at)
    head, store = head or head_beside(path), key_store(keys or keys_beside(path))
    with _alone(path):
        if store.read() is not None:
            raise JournalError("JOURNAL_KEYS_PRESENT", keys=store.name)
        report = verify(path, head=head, keys=keys)
        told = read_head_file(head)
        _refuse(path, report, told)
        made = Keys.new()
        public = public_key(made.signing)
        name = public_key_id(public)
        newest = _note(path, at, NEW_KEYS, {"key_id": name, "public_key": public.hex()})
        store.write(made)  # after the entry: keys that no entry names could not be told from the lost ones
        write_head_file(head, newest)
    return name


@contextmanager
def _alone(path: Path, *, must_exist: bool = True) -> Iterator[None]:
    if must_exist and not path.is_file():  # nothing is made beside what is not there
        raise JournalError("JOURNAL_MISSING", path=str(path))
    with file.translated(path), Owners(path).alone():
        yield


def _note(path: Path, at: datetime, kind: str, data: JsonData) -> Head:
    connection = file.connect(path, create=False)
    try:
        connection.pragma("synchronous", "FULL")
        newest = NOTHING
        with file.transaction(connection):
            newest = entries.write(connection, entries.newest(connection), NOTES, at, kind, "", data)
        file.settle(connection)
    finally:
        connection.close()
    return newest


def _refuse(path: Path, report: Report, told: Head | None, *, but: Collection[str] = ()) -> None:
    """Refuse to mend what is broken in another way too."""
    for finding in report.findings:
        if finding.code in but:
            continue
        if finding.code in _WENT_BACK:
            raise _rolled_back(path, report, told)
        if finding.code == "HEAD_MISSING":
            raise JournalError("JOURNAL_HEAD_MISSING", path=str(path), head=finding.detail)
        raise JournalError("JOURNAL_CHAIN_BROKEN", path=str(path), seq=finding.seq, fault=finding.code)


def _rolled_back(path: Path, report: Report, told: Head | None) -> JournalError:
    head_seq = told.seq if told else 0
    return JournalError("JOURNAL_ROLLED_BACK", path=str(path), seq=report.head.seq, head_seq=head_seq)
