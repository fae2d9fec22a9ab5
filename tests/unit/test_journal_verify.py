"""What was done to a journal behind our back is noticed at open, named by `verify`, and never mended in silence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from cvconnect_pos import JournalError, Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal import file
from cvconnect_pos.journal.chain import Link, first_break
from cvconnect_pos.journal.head import write_head_file
from cvconnect_pos.journal.keys import KeyFile, Keys
from cvconnect_pos.journal.sqlite import TAIL, SqliteJournal
from cvconnect_pos.journal.verify import restore_head, verify

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
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    assert found(path)[0] == finding
    assert opened(path) == "JOURNAL_CHAIN_BROKEN"
    assert {name: path.with_name(name).read_bytes() for name in before} == before


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


def test_a_journal_that_names_no_customer_and_closed_no_day_has_no_keys(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    write(journal, "r3")
    journal.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["journal.db", "journal.db.head"]


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
        assert all(part not in one.read_bytes() for one in path.parent.iterdir())
    journal.close()
    assert found(path) == []


def test_nothing_is_written_in_clear(path: Path) -> None:
    journal = SqliteJournal(path)
    write(journal, "r4")
    for content in [one.read_bytes() for one in path.parent.iterdir()]:
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


# --- versions ------------------------------------------------------------------------------------------------------


def kept(tmp_path: Path) -> Path:
    for name in ("journal-v1.db", "journal-v1.db.head", "journal-v1.db.keys"):
        shutil.copy(VECTORS / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    return tmp_path / "journal-v1.db"


def test_a_journal_of_version_1_opens_and_is_whole(tmp_path: Path) -> None:
    path = kept(tmp_path)
    report = verify(path)
    assert report.findings == []
    assert (report.entries, report.attempts, report.identifiers) == (13, 3, 2)
    journal = SqliteJournal(path)
    assert journal.identifier("r1") == NUMBER
    assert [row.request_id for row in journal.attempts()] == ["r3", "r2", "r1"]
    write(journal, "r4")
    journal.close()
    assert verify(path).findings == []


def test_an_older_version_is_brought_up_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path)
    monkeypatch.setattr(file, "SCHEMA_VERSION", 2)
    monkeypatch.setattr(file, "MIGRATIONS", {1: "ALTER TABLE attempts ADD COLUMN note TEXT"})
    journal = SqliteJournal(path)
    assert journal.identifier("r1") == NUMBER
    journal.close()
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == 2
    assert connection.execute("SELECT note FROM attempts").fetchone() == (None,)
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
