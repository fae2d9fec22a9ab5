"""What was done to a journal behind our back is noticed at open, named by `verify`, and never mended in silence."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import apsw
import pytest

from cvconnect_pos import JournalError, Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal import file, sqlite
from cvconnect_pos.journal.chain import Link, first_break
from cvconnect_pos.journal.head import SLOT_SIZE, read_slots, write_head_file
from cvconnect_pos.journal.keys import KeyFile, Keys
from cvconnect_pos.journal.mend import restore_head
from cvconnect_pos.journal.owners import Owners
from cvconnect_pos.journal.sqlite import TAIL, SqliteJournal
from cvconnect_pos.journal.verify import verify

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
NUMBER = "10000003051"
SWAP = """
UPDATE entries SET seq = 99 WHERE seq = 6;
UPDATE entries SET seq = 6 WHERE seq = 7;
UPDATE entries SET seq = 7 WHERE seq = 99;
"""
VECTORS = Path(__file__).resolve().parents[1] / "vectors"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with three attempts, two identifiers and a closed day."""
    path = tmp_path / "till" / "journal.db"
    journal = SqliteJournal(path)
    write(journal, "r1", "r2", "r3")
    journal.close_day(date(2026, 11, 21), NOW)
    journal.close()
    return path


def write(journal: SqliteJournal, *names: str) -> None:
    for name in names:
        journal.begin(
            Order(name, 4550, f"B{name}", Way.SCAN, seller_id="=S1"), f"p{name}", NOW, simulation=False
        )
        named = NUMBER if name != "r3" else None
        journal.append(name, NOW, "IDENTIFIED", State.IDENTIFYING, {}, identifier=named)
        journal.append(name, NOW, "PAID", State.APPROVED, {"received_cents": 3000})
        journal.append(name, NOW, ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})


def harm(path: Path, statements: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_stay; DROP TRIGGER entries_remain;" + statements)
    connection.close()


def found(path: Path) -> list[tuple[str, int]]:
    return [(finding.code, finding.seq) for finding in verify(path).findings]


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def opened(path: Path) -> str:
    try:
        SqliteJournal(path).close()
    except JournalError as error:
        return error.code
    return "opened"


def test_a_journal_that_nobody_touched_is_whole(path: Path) -> None:
    report = verify(path)
    assert report.findings == []
    assert (report.entries, report.attempts, report.identifiers, report.head.seq) == (13, 3, 2, 13)
    assert [closing.request_id for closing in report.closings] == ["day/2026-11-21"]


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        ("UPDATE entries SET data = '{\"received_cents\":9000}' WHERE seq = 7", ("CHANGED", 7)),
        ("UPDATE entries SET data = '{\"recei' WHERE seq = 7", ("CHANGED", 7)),
        ("UPDATE entries SET at = '2026-11-21T13:06:00.000000+00:00' WHERE seq = 3", ("CHANGED", 3)),
        ("DELETE FROM entries WHERE seq = 6", ("MISSING", 6)),
        (SWAP, ("REORDERED", 6)),
    ],
)  # fmt: skip
def test_the_first_broken_entry_is_named_and_the_file_is_refused_and_left(
    path: Path, statements: str, finding: tuple[str, int]
) -> None:
    harm(path, statements)
    before = contents(path.parent)
    assert found(path)[0] == finding
    assert opened(path) == "JOURNAL_CHAIN_BROKEN"
    assert contents(path.parent) == before


def test_a_cut_tail_is_noticed(path: Path) -> None:
    harm(path, "DELETE FROM entries WHERE seq > 10")
    assert found(path)[0] == ("CUT", 11)
    assert opened(path) == "JOURNAL_ROLLED_BACK"


def test_an_older_copy_is_noticed_even_when_it_went_on(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    journal = SqliteJournal(path)
    write(journal, "r4")
    journal.close()
    head = path.with_name("journal.db.head")
    newest = head.read_bytes()
    shutil.copy(copy, path)
    assert opened(path) == "JOURNAL_ROLLED_BACK"
    head.unlink()
    restore_head(path)
    journal = SqliteJournal(path)
    write(journal, "r5", "r6")
    journal.close()
    head.write_bytes(newest)
    assert opened(path) == "JOURNAL_ROLLED_BACK"
    assert ("HEAD", 17) in found(path)


def test_a_journal_that_vanished_is_not_begun_anew_beside_its_head(path: Path) -> None:
    path.unlink()
    assert opened(path) == "JOURNAL_ROLLED_BACK"


def test_a_crash_between_the_commit_and_the_head_is_no_rollback(path: Path) -> None:
    head = path.with_name("journal.db.head")
    before = head.read_bytes()
    journal = SqliteJournal(path)
    write(journal, "r4")
    journal.close()
    after = head.read_bytes()
    head.write_bytes(before)
    assert found(path) == []
    assert opened(path) == "opened"
    assert head.read_bytes()[:512].split()[0] in after  # brought up to date


def test_a_missing_head_is_said_so_and_made_anew_only_when_asked(path: Path) -> None:
    head = path.with_name("journal.db.head")
    head.unlink()
    assert opened(path) == "JOURNAL_HEAD_MISSING"
    assert not head.exists()
    assert found(path) == [("HEAD_MISSING", 0)]
    assert restore_head(path).seq == 13
    assert opened(path) == "opened"


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ("DELETE FROM entries WHERE seq > 10", "JOURNAL_ROLLED_BACK"),
        ("UPDATE entries SET data = '{}' WHERE seq = 7", "JOURNAL_CHAIN_BROKEN"),
    ],
)
def test_a_head_is_not_made_anew_over_a_harm(path: Path, statements: str, code: str) -> None:
    harm(path, statements)
    with pytest.raises(JournalError) as caught:
        restore_head(path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("statements", "finding"),
    [
        ("UPDATE attempts SET received_cents = 1 WHERE request_id = 'r2'", ("INDEX", 5)),
        ("DELETE FROM attempts WHERE request_id = 'r2'", ("INDEX", 5)),
        ("DELETE FROM identifiers WHERE request_id = 'r2'", ("IDENTIFIER", 6)),
        ("UPDATE identifiers SET content = x'00' WHERE request_id = 'r2'", ("IDENTIFIER", 6)),
        ("UPDATE identifiers SET seq = 7 WHERE request_id = 'r2'", ("IDENTIFIER", 7)),
    ],
)
def test_what_stands_beside_the_entries_is_compared_with_them(
    path: Path, statements: str, finding: tuple[str, int]
) -> None:
    harm(path, statements)
    assert finding in found(path)


def test_the_derived_rows_are_made_anew_from_the_entries(path: Path) -> None:
    harm(
        path, "UPDATE attempts SET state = 'EXPIRED', received_cents = 7; DELETE FROM attempts WHERE seq = 5"
    )
    journal = SqliteJournal(path)
    journal.rebuild_index()
    journal.close()
    assert verify(path).findings == []


def test_a_closing_is_judged_by_its_totals_and_its_signature(path: Path) -> None:
    """The chain is computed anew after the change, as someone who can write the file would."""
    from cvconnect_pos.journal.chain import entry_hash

    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_stay")
    (link,) = file.read_links(connection, "WHERE seq = 13")
    data = json.loads(link.data)
    data["totals"]["production"]["received_cents"] -= 1000
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    fields = (link.request_id, link.at, link.kind, link.state, text, link.commitment)
    digest = entry_hash(link.previous, 13, *fields)
    connection.execute("UPDATE entries SET data = ?, hash = ? WHERE seq = 13", (text, digest))
    connection.close()
    from cvconnect_pos.journal.head import Head

    write_head_file(path.with_name("journal.db.head"), Head(13, digest))
    assert found(path) == [("CLOSING", 13)]


def test_a_closing_of_another_key_is_named(path: Path) -> None:
    keys = KeyFile(path.with_name("journal.db.keys"))
    own = keys.read()
    assert own is not None
    keys.write(Keys(Keys.new().signing, own.wrapping))
    assert found(path) == [("CLOSING", 0)]


def test_a_bad_page_is_said_so_and_left(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 + 8 : 8192] = b"\xa5" * (4096 - 8)
    path.write_bytes(content)
    assert opened(path) == "JOURNAL_DAMAGED"
    assert "PAGE" in {code for code, _ in found(path)}
    assert path.read_bytes() == content


def test_lost_or_exposed_keys_are_noticed_when_the_till_opens(path: Path) -> None:
    keys = path.with_name("journal.db.keys")
    keys.chmod(0o644)
    assert opened(path) == "JOURNAL_KEYS_EXPOSED"
    keys.unlink()
    assert opened(path) == "JOURNAL_KEYS_MISSING"
    assert not keys.exists()
    assert verify(path).findings == []  # the chain needs no key


def test_the_keys_are_made_with_the_journal(tmp_path: Path) -> None:
    SqliteJournal(tmp_path / "journal.db").close()
    names = ["journal.db", "journal.db.head", "journal.db.keys", "journal.db.owners"]
    assert sorted(one.name for one in tmp_path.iterdir()) == names


def test_a_journal_without_keys_and_without_need_of_them_opens_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    write(journal, "r3")
    journal.close()
    path.with_name("journal.db.keys").unlink()
    assert opened(path) == "opened"
    assert not path.with_name("journal.db.keys").exists()


def test_keys_that_cannot_be_made_are_noticed_when_the_journal_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for _ in range(2):
        with pytest.raises(JournalError) as caught:
            SqliteJournal(tmp_path / "journal.db", keys=tmp_path / "file" / "keys")
        assert caught.value.code == "JOURNAL_KEYS_UNREADABLE"
    assert opened(tmp_path / "journal.db") == "opened"


@pytest.mark.parametrize("left", [None, b""])
def test_a_journal_that_lost_its_file_and_its_head_is_not_begun_anew_beside_its_keys(
    path: Path, left: bytes | None
) -> None:
    for name in ("journal.db", "journal.db.head"):
        path.with_name(name).unlink()
        if left is not None:
            path.with_name(name).write_bytes(left)
    for _ in range(2):
        assert opened(path) == "JOURNAL_HEAD_MISSING"
    assert path.exists() == (left is not None)
    assert restore_head(path).seq == 0
    assert opened(path) == "opened"
    assert verify(path).findings == []


def test_a_file_without_tables_is_not_intact(path: Path) -> None:
    head = path.with_name("journal.db.head")
    before = head.read_bytes()
    path.write_bytes(b"")
    assert found(path) == [("CUT", 1)]
    assert opened(path) == "JOURNAL_ROLLED_BACK"
    with pytest.raises(JournalError) as caught:
        restore_head(path)
    assert (caught.value.code, caught.value.fields["head_seq"]) == ("JOURNAL_ROLLED_BACK", 13)
    assert head.read_bytes() == before
    head.unlink()
    assert found(path) == [("HEAD_MISSING", 0)]


@pytest.mark.parametrize("gone", [True, False])
def test_a_log_whose_file_is_gone_is_left(path: Path, gone: bool) -> None:
    wal = path.with_name("journal.db-wal")
    wal.write_bytes(b"what was written last")
    path.with_name("journal.db.head").unlink()
    path.write_bytes(b"")
    if gone:
        path.unlink()
        with pytest.raises(JournalError):
            verify(path)
    else:
        assert found(path) == [("CUT", 1)]
    assert opened(path) == "JOURNAL_ROLLED_BACK"
    with pytest.raises(JournalError):
        restore_head(path)
    assert wal.read_bytes() == b"what was written last"
    assert not path.with_name("journal.db.head").exists()


def test_a_lagging_head_is_brought_up_to_date_in_place(path: Path) -> None:
    head = path.with_name("journal.db.head")
    before, inode = head.read_bytes(), head.stat().st_ino
    journal = SqliteJournal(path)
    write(journal, "r4")
    journal.close()
    head.write_bytes(before)
    assert opened(path) == "opened"
    assert head.stat().st_ino == inode
    for start in (0, SLOT_SIZE):
        told = read_slots(head.read_bytes()[start : start + SLOT_SIZE])
        assert told is not None
        assert told.seq == 17


def test_a_head_that_cannot_be_written_lags_and_does_not_stop_the_till(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    head = path.with_name("journal.db.head")
    before = head.read_bytes()
    real = Path.open

    def refuse(self: Path, mode: str = "r", **more: Any) -> Any:
        if self == head and "+" in mode:
            raise OSError(errno.EROFS, "read-only", str(self))
        return real(self, mode, **more)

    monkeypatch.setattr(Path, "open", refuse)
    journal = SqliteJournal(path)
    write(journal, "r4")
    journal.close()
    assert opened(path) == "opened"
    assert head.read_bytes() == before
    assert "head was not written" in caplog.text


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "JOURNAL_DISK_FULL"),
        (errno.EROFS, "JOURNAL_READ_ONLY"),
        (errno.EACCES, "JOURNAL_READ_ONLY"),
    ],
)
def test_a_head_that_cannot_be_made_is_said_so_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    head = tmp_path / "elsewhere" / "head"

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(number, "no", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(JournalError) as caught:
        SqliteJournal(tmp_path / "journal.db", head=head)
    assert caught.value.code == code
    assert str(head) in str(caught.value.fields["path"])
    assert list(head.parent.iterdir()) == []


def test_a_new_wrapping_key_opens_what_the_old_one_closed(path: Path) -> None:
    keys = KeyFile(path.with_name("journal.db.keys"))
    old = keys.read()
    journal = SqliteJournal(path)
    assert journal.rotate_key() == 2
    assert journal.identifier("r1") == NUMBER
    journal.close()
    new = keys.read()
    assert old is not None
    assert new is not None
    assert new.signing == old.signing
    assert not set(new.wrapping) & set(old.wrapping)
    assert verify(path).findings == []


def test_a_rotation_that_was_cut_short_is_taken_up(path: Path) -> None:
    keys = KeyFile(path.with_name("journal.db.keys"))
    old = keys.read()
    assert old is not None
    keys.write(Keys(old.signing, (Keys.new().wrapping[0], *old.wrapping)))
    journal = SqliteJournal(path)
    assert journal.identifier("r1") == NUMBER
    assert journal.rotate_key() == 2
    assert journal.identifier("r1") == NUMBER
    journal.close()


def test_an_erased_identifier_leaves_the_chain_whole_and_no_trace(path: Path) -> None:
    connection = apsw.Connection(str(path))
    row = connection.execute("SELECT wrapped, content FROM identifiers WHERE request_id = 'r1'").fetchone()
    connection.close()
    assert row is not None
    journal = SqliteJournal(path)
    assert journal.erase("r1", NOW) == 1
    for part in row:
        assert all(part not in content for content in contents(path.parent).values())
    journal.close()
    assert found(path) == []


def test_nothing_is_written_in_clear(path: Path) -> None:
    journal = SqliteJournal(path)
    write(journal, "r4")
    for content in contents(path.parent).values():
        assert NUMBER.encode() not in content
    lines = "".join([*journal.export("csv"), *journal.export("jsonl")])
    assert NUMBER not in lines
    journal.close()


def test_a_csv_is_what_a_french_spreadsheet_reads(path: Path) -> None:
    journal = SqliteJournal(path)
    text = "".join(journal.export("csv"))
    journal.close()
    head, first, *rest = text.split("\r\n")
    assert head.startswith("\ufeffN°;Demande;N° de panier;")
    assert (
        first == "1;r1;Br1;'=S1;21/11/2026 14:05:00;21/11/2026 14:05:00;Validé;45,50;30,00;0,00;15,50;non;oui"
    )
    assert len(rest) == 3


def test_json_lines_are_enough_to_check_the_chain(path: Path) -> None:
    journal = SqliteJournal(path)
    rows: list[dict[str, Any]] = [json.loads(line) for line in journal.export("jsonl")]
    journal.close()
    for row in rows:
        for name in ("commitment", "previous", "hash"):
            row[name] = bytes.fromhex(row[name])
    links = [Link(**row) for row in rows]
    assert len(links) == 13
    assert first_break(links) is None


def test_only_the_tail_is_read_at_open(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.begin(Order("long", 4550, "B9", Way.QR), "p9", NOW, simulation=True)
    for n in range(TAIL):
        journal.append("long", NOW + timedelta(seconds=n), "PENDING", State.SHOWING, {})
    journal.close()
    harm(path, "UPDATE entries SET data = '{}' WHERE seq = 1")
    assert opened(path) == "opened"
    assert found(path)[0] == ("CHANGED", 1)


@pytest.mark.parametrize(
    "change",
    [
        "data = '[]'",
        "data = '{\"amount_cents\":[]}'",
        "at = CAST(x'32ff' AS TEXT)",
        "request_id = CAST(x'72ff' AS TEXT)",
        "state = 'ODD'",
    ],
)
@pytest.mark.parametrize("seq", [2, 5, 13])
def test_an_entry_of_whatever_content_is_named_and_refused(path: Path, change: str, seq: int) -> None:
    harm(path, f"UPDATE entries SET {change} WHERE seq = {seq}")
    assert found(path)[0] == ("CHANGED", seq)
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert (caught.value.code, caught.value.fields["seq"]) == ("JOURNAL_CHAIN_BROKEN", seq)


@pytest.mark.parametrize("content", ["[]", "{}", "7", "null"])
def test_an_entry_that_cannot_be_read_while_the_till_runs_is_damage(path: Path, content: str) -> None:
    journal = SqliteJournal(path)
    assert journal._connection is not None
    journal._connection.execute(
        "DROP TRIGGER entries_stay; UPDATE entries SET data = ? WHERE seq = 1", (content,)
    )
    journal._connection.execute("UPDATE entries SET at = CAST(x'ff' AS TEXT) WHERE seq = 2")
    lines = journal.export("jsonl")
    order = Order("r1", 4550, "Br1", Way.SCAN, seller_id="=S1")
    for read in (
        lambda: journal.begin(order, "pr1", NOW, simulation=False),
        lambda: list(lines),
        journal.rebuild_index,
    ):
        with pytest.raises(JournalError) as caught:
            read()
        assert caught.value.code == "JOURNAL_DAMAGED"
    journal.close()


@pytest.mark.parametrize(
    "change", ["state = 'ODD'", "opened_at = 'x'", "basket_ref = CAST(x'ff' AS TEXT)", "updated_at = ''"]
)
@pytest.mark.parametrize("unsettled", [True, False])
def test_a_derived_row_that_cannot_be_read_is_made_anew_and_does_not_stop_the_till(
    path: Path, change: str, unsettled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    harm(path, f"UPDATE attempts SET {change}, acknowledged = {int(not unsettled)} WHERE request_id = 'r2'")
    assert "INDEX" in {code for code, _ in found(path)}
    journal = SqliteJournal(path)
    assert journal.unsettled() == []
    assert [row.request_id for row in journal.attempts()] == ["r3", "r2", "r1"]
    assert len(journal.close_day(date(2026, 11, 22), NOW + timedelta(days=1))) == 1
    journal.close()
    assert "made anew" in caplog.text
    assert verify(path).findings == []


def test_a_state_that_nobody_knows_does_not_keep_a_day_from_closing(path: Path) -> None:
    harm(path, "UPDATE attempts SET state = 'ODD' WHERE request_id = 'r2'")
    journal = SqliteJournal(path)
    (closing,) = journal.close_day(date(2026, 11, 22), NOW + timedelta(days=1))
    journal.close()
    assert closing.totals.production.payments == 3
    assert verify(path).findings == []


def test_an_identifier_row_that_cannot_be_read_is_a_finding(path: Path) -> None:
    harm(path, "UPDATE identifiers SET request_id = CAST(x'ff' AS TEXT) WHERE seq = 2")
    assert "IDENTIFIER" in {code for code, _ in found(path)}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_holds_every_row_and_keeps_nobody_waiting(
    path: Path, form: Literal["csv", "jsonl"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PAGE", 2)
    journal = SqliteJournal(path)
    every = list(journal.export(form))
    assert len(every) == {"csv": 4, "jsonl": 13}[form]
    lines = journal.export(form)
    begun = [next(lines), next(lines)]
    write(journal, "r4")
    assert [*begun, *lines] == every
    lines = journal.export(form)
    next(lines)
    journal.close()
    with pytest.raises(JournalError) as caught:
        list(lines)
    assert caught.value.code == "JOURNAL_CLOSED"


# --- versions ------------------------------------------------------------------------------------------------------


def kept(tmp_path: Path, version: int) -> Path:
    for name in (f"journal-v{version}.db", f"journal-v{version}.db.head", f"journal-v{version}.db.keys"):
        shutil.copy(VECTORS / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    return tmp_path / f"journal-v{version}.db"


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_of_every_version_opens_and_is_whole(tmp_path: Path, version: int) -> None:
    path = kept(tmp_path, version)
    report = verify(path)
    assert report.findings == []
    assert (report.entries, report.attempts, report.identifiers) == (13, 3, 2)
    journal = SqliteJournal(path)
    assert journal.identifier("r1") == NUMBER
    rows = journal.attempts()
    assert [(row.request_id, row.way) for row in rows] == [(name, Way.SCAN) for name in ("r3", "r2", "r1")]
    assert {(row.transaction_id, row.reason) for row in rows} == (
        {("", "")} if version == 1 else {(f"tr{n}", "SCANNED") for n in (1, 2, 3)}
    )
    assert journal.lease("r1", until_s=100.0, now_s=10.0)
    write(journal, "r4")
    journal.close()
    assert verify(path).findings == []


def test_a_version_is_not_changed_under_others_and_a_harm_is_found_first(tmp_path: Path) -> None:
    path = kept(tmp_path, 1)
    before = path.read_bytes()
    other = Owners(path)
    with other.gate():
        other.enter()
    assert opened(path) == "JOURNAL_IN_USE"
    other.leave()
    harm(path, "UPDATE entries SET data = '{}' WHERE seq = 7")
    before = path.read_bytes()
    assert opened(path) == "JOURNAL_CHAIN_BROKEN"
    assert path.read_bytes() == before


def test_a_journal_is_verified_where_nothing_can_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(_: Path, mode: int) -> bool:
        return mode != os.W_OK

    monkeypatch.setattr(os, "access", nowhere)
    before = sorted(path.parent.iterdir())
    made: list[str] = []
    real = apsw.Connection

    def connect(name: str, flags: int) -> apsw.Connection:
        made.append(name)
        return real(name, flags=flags)

    monkeypatch.setattr(apsw, "Connection", connect)
    assert verify(path).findings == []
    assert (len(made), made[0].endswith("journal.db?immutable=1")) == (1, True)
    assert sorted(path.parent.iterdir()) == before
    path.with_name("journal.db-wal").write_bytes(b"what was written last")
    with pytest.raises(JournalError) as caught:
        verify(path)
    assert caught.value.code == "JOURNAL_READ_ONLY"


def test_a_verification_leaves_no_file_behind(path: Path) -> None:
    before = sorted(path.parent.iterdir())
    content = contents(path.parent)
    assert verify(path).findings == []
    assert (sorted(path.parent.iterdir()), contents(path.parent)) == (before, content)


def test_an_older_version_is_brought_up_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path, 1)
    newer = {**file.MIGRATIONS, 2: "CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES ('kept')"}
    monkeypatch.setattr(file, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(file, "MIGRATIONS", newer)
    journal = SqliteJournal(path)
    assert journal.identifier("r1") == NUMBER
    journal.close()
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == 3
    assert connection.execute("SELECT note FROM notes").fetchone() == ("kept",)
    connection.close()


def test_the_file_is_refused_when_it_is_missing_or_locked(path: Path, tmp_path: Path) -> None:
    checks: dict[str, Callable[[], object]] = {
        "JOURNAL_MISSING": lambda: verify(tmp_path / "none.db"),
        "JOURNAL_FOREIGN": lambda: verify(foreign),
    }
    foreign = tmp_path / "foreign.db"
    connection = apsw.Connection(str(foreign))
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    for code, check in checks.items():
        with pytest.raises(JournalError) as caught:
            check()
        assert caught.value.code == code
