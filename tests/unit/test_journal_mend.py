"""What a person may mend: a copy that is older than its head, lost keys; an entry says so, and nothing else is hidden."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from cvconnect_pos import JournalError, Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal import file, mend
from cvconnect_pos.journal.head import read_head_file
from cvconnect_pos.journal.keys import KeyFile, Keys
from cvconnect_pos.journal.mend import accept_loss, new_keys, restore_head
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import Finding, verify

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
NUMBER = "10000003051"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with two attempts, an identifier each, and a closed day: nine entries."""
    path = tmp_path / "till" / "journal.db"
    journal = SqliteJournal(path)
    write(journal, "r1", "r2")
    journal.close_day(date(2026, 11, 21), NOW)
    journal.close()
    return path


def write(journal: SqliteJournal, *names: str) -> None:
    for name in names:
        journal.begin(Order(name, 4550, f"B{name}", Way.SCAN), f"p{name}", NOW, simulation=False)
        journal.append(name, NOW, "IDENTIFIED", State.IDENTIFYING, {}, identifier=NUMBER)
        journal.append(name, NOW, "PAID", State.APPROVED, {"received_cents": 3000})
        journal.append(name, NOW, ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})


def code_of(path: Path) -> str:
    try:
        SqliteJournal(path).close()
    except JournalError as error:
        return error.code
    return "opened"


def went_on(path: Path, *names: str) -> None:
    journal = SqliteJournal(path)
    write(journal, *names)
    journal.close()


def test_a_copy_is_gone_on_with_when_its_loss_is_accepted(path: Path) -> None:
    copy = shutil.copy(path, path.with_name("copy"))
    went_on(path, "r3")
    lost = read_head_file(path.with_name("journal.db.head"))
    assert lost is not None
    shutil.copy(copy, path)
    assert code_of(path) == "JOURNAL_ROLLED_BACK"
    with pytest.raises(JournalError) as caught:
        restore_head(path)
    assert caught.value.code == "JOURNAL_ROLLED_BACK"
    loss = accept_loss(path, at=NOW)
    assert loss is not None
    assert (loss.lost, loss.head.seq) == ("10-13", 10)
    report = verify(path)
    assert (report.findings, report.notes) == ([], [Finding("RESTORED", 10, "10-13")])
    connection = apsw.Connection(str(path))
    (link,) = file.read_links(connection, "WHERE seq = 10")
    connection.close()
    assert lost.hash.hex() in link.data
    went_on(path, "r3")
    journal = SqliteJournal(path)
    assert len(journal.close_day(date(2026, 11, 22), NOW + timedelta(days=1))) == 1
    assert "journal" not in [row.request_id for row in journal.attempts()]
    assert journal.entries("journal") == []
    journal.close()
    assert verify(path).findings == []
    assert accept_loss(path, at=NOW) is None


def test_a_copy_that_went_on_in_another_way_is_said_to_have_lost_what_nobody_can_count(path: Path) -> None:
    copy = shutil.copy(path, path.with_name("copy"))
    went_on(path, "r3")
    newest = path.with_name("journal.db.head").read_bytes()
    shutil.copy(copy, path)
    path.with_name("journal.db.head").unlink()
    restore_head(path)
    went_on(path, "r4", "r5")
    path.with_name("journal.db.head").write_bytes(newest)
    assert code_of(path) == "JOURNAL_ROLLED_BACK"
    loss = accept_loss(path, at=NOW)
    assert loss is not None
    assert loss.lost == "?-13"
    assert code_of(path) == "opened"
    assert verify(path).findings == []


def test_a_loss_is_not_accepted_over_a_harm(path: Path) -> None:
    copy = shutil.copy(path, path.with_name("copy"))
    went_on(path, "r3")
    shutil.copy(copy, path)
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_stay; UPDATE entries SET data = '{}' WHERE seq = 3")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        accept_loss(path, at=NOW)
    assert (caught.value.code, caught.value.fields["seq"]) == ("JOURNAL_CHAIN_BROKEN", 3)
    assert path.read_bytes() == before


@pytest.mark.parametrize("log", [b"", b"what was written last"])
def test_a_loss_of_everything_is_not_accepted(path: Path, log: bytes) -> None:
    path.write_bytes(b"")
    path.with_name("journal.db-wal").write_bytes(log)
    with pytest.raises(JournalError) as caught:
        accept_loss(path, at=NOW)
    assert caught.value.code == "JOURNAL_ROLLED_BACK"
    assert path.read_bytes() == b""


def test_a_crash_before_the_head_is_made_leaves_the_copy_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy(path, path.with_name("copy"))
    went_on(path, "r3", "r4")
    shutil.copy(copy, path)

    def crash(*_: object) -> None:
        raise OSError(5, "gone")

    with monkeypatch.context() as patched:
        patched.setattr(mend, "write_head_file", crash)
        with pytest.raises(JournalError):
            accept_loss(path, at=NOW)
    assert code_of(path) == "JOURNAL_ROLLED_BACK"
    loss = accept_loss(path, at=NOW)
    assert loss is not None
    assert code_of(path) == "opened"
    assert [note.seq for note in verify(path).notes] == [10, 11]


def test_lost_keys_are_replaced_and_what_they_closed_stays_closed(path: Path) -> None:
    keys = path.with_name("journal.db.keys")
    keys.unlink()
    assert code_of(path) == "JOURNAL_KEYS_MISSING"
    name = new_keys(path, at=NOW)
    journal = SqliteJournal(path)
    assert journal.identifier("r1") is None
    write(journal, "r3")
    assert journal.identifier("r3") == NUMBER
    assert journal.rotate_key() == 1
    (closing,) = journal.close_day(date(2026, 11, 22), NOW + timedelta(days=1))
    assert closing.key_id == name
    assert journal.erase("r1", NOW) == 1
    journal.close()
    report = verify(path)
    assert (report.findings, report.notes) == ([], [Finding("NEW_KEYS", 10, name)])
    assert (report.identifiers, report.lost_identifiers) == (2, 1)
    assert len({one.key_id for one in report.closings}) == 2


def test_keys_that_are_there_are_not_replaced(path: Path) -> None:
    before = path.with_name("journal.db.keys").read_bytes()
    with pytest.raises(JournalError) as caught:
        new_keys(path, at=NOW)
    assert caught.value.code == "JOURNAL_KEYS_PRESENT"
    assert path.with_name("journal.db.keys").read_bytes() == before
    assert verify(path).notes == []


def test_a_key_that_no_entry_names_is_still_a_finding(path: Path) -> None:
    keys = path.with_name("journal.db.keys")
    keys.unlink()
    new_keys(path, at=NOW)
    went_on(path, "r3")
    journal = SqliteJournal(path)
    journal.close_day(date(2026, 11, 22), NOW + timedelta(days=1))
    journal.close()
    KeyFile(keys).write(Keys.new())
    assert {finding.code for finding in verify(path).findings} == {"CLOSING", "IDENTIFIER"}


def test_a_lost_head_is_not_hidden_by_new_keys(path: Path) -> None:
    for name in ("journal.db.keys", "journal.db.head"):
        path.with_name(name).unlink()
    with pytest.raises(JournalError) as caught:
        new_keys(path, at=NOW)
    assert caught.value.code == "JOURNAL_HEAD_MISSING"
    restore_head(path)
    new_keys(path, at=NOW)
    assert code_of(path) == "opened"


def test_nothing_is_mended_beside_an_open_journal(path: Path) -> None:
    journal = SqliteJournal(path)
    for call in (
        lambda: restore_head(path),
        lambda: accept_loss(path, at=NOW),
        lambda: new_keys(path, at=NOW),
    ):
        with pytest.raises(JournalError) as caught:
            call()
        assert caught.value.code == "JOURNAL_IN_USE"
    journal.close()
    restore_head(path)
