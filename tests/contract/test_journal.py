"""What every journal promises; and what the one on SQLite says when its file is not well."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import apsw
import pytest

from cvconnect_pos import (
    AttemptStillOpen,
    InvalidInput,
    JournalError,
    NotAllowedNow,
    Order,
    RequestIdReused,
    State,
    Way,
)
from cvconnect_pos.core.attempt import ACKNOWLEDGED, rebuild
from cvconnect_pos.journal.base import Journal, Search
from cvconnect_pos.journal.sqlite import SqliteJournal

NOW = datetime(2026, 11, 21, 13, 5, 0, 123456, tzinfo=UTC)
ORDER = Order("r1", 4550, "B1", Way.QR, label="Été", beneficiary="10*****3051")

MakeJournal = Callable[[], Journal]


@pytest.fixture(params=["sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeJournal]:
    """Opens the same journal, as often as asked, one at a time."""
    opened: list[Journal] = []

    def open_again() -> Journal:
        for journal in opened:
            journal.close()
        opened.append({"sqlite": SqliteJournal}[request.param](tmp_path / "folder" / "journal.sqlite3"))
        return opened[-1]

    yield open_again
    for journal in opened:
        journal.close()


def begin(journal: Journal, order: Order = ORDER) -> bool:
    return journal.begin(order, f"pay-{order.request_id}", NOW, simulation=True)[1]


def test_an_attempt_comes_back_as_it_was_written(make: MakeJournal) -> None:
    journal = make()
    assert begin(journal)
    facts = {"transaction_id": "t1", "received_cents": 3000, "expires_at": NOW.isoformat(), "authorizations": [
        {"number": "1", "amount_cents": 3000, "holder": "10*****3051", "validated_at": NOW.isoformat()}]}  # fmt: skip
    journal.append("r1", NOW, "PAID", State.APPROVED, facts)
    before = rebuild(journal.entries("r1"))
    after = rebuild(make().entries("r1"))
    assert before == after
    assert (after.order, after.payment_id, after.state, after.simulation) == (
        ORDER,
        "pay-r1",
        State.APPROVED,
        True,
    )
    assert after.authorizations[0].validated_at == after.expires_at == after.opened_at == NOW


def test_entries_are_numbered_and_in_order(make: MakeJournal) -> None:
    journal = make()
    begin(journal)
    for _ in range(3):
        journal.append("r1", NOW, "PENDING", State.SHOWING, {})
    assert [entry.seq for entry in journal.entries("r1")] == [1, 2, 3, 4]
    assert journal.entries("nobody") == []


def test_the_same_request_is_found_and_another_one_refused(make: MakeJournal) -> None:
    journal = make()
    assert begin(journal)
    assert not begin(journal)
    journal = make()
    assert not begin(journal)
    with pytest.raises(RequestIdReused):
        begin(journal, Order("r1", 4551, "B1", Way.QR))
    assert len(journal.entries("r1")) == 1


def test_a_basket_takes_one_attempt_until_it_is_acknowledged(make: MakeJournal) -> None:
    journal = make()
    begin(journal)
    with pytest.raises(AttemptStillOpen) as caught:
        begin(journal, Order("r2", 4550, "B1", Way.QR))
    assert caught.value.fields["request_id"] == "r1"
    assert journal.entries("r2") == []
    assert begin(journal, Order("r3", 4550, "B2", Way.QR))
    journal.append("r1", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True})
    assert begin(journal, Order("r2", 4550, "B1", Way.QR))
    assert make().unsettled() == ["r3", "r2"]


def test_news_after_the_receipt_puts_it_back_on_the_list(make: MakeJournal) -> None:
    journal = make()
    begin(journal)
    journal.append("r1", NOW, ACKNOWLEDGED, State.EXPIRED, {"acknowledged": True})
    assert journal.unsettled() == []
    journal.append("r1", NOW, "PAID", State.DECIDING, {"acknowledged": False, "received_cents": 4550})
    assert make().unsettled() == ["r1"]


def test_threads_share_one_journal(make: MakeJournal) -> None:
    journal = make()
    orders = [Order(f"r{n}", 4550, f"B{n}", Way.QR) for n in range(8)]

    def work(order: Order) -> None:
        for _ in range(10):
            begin(journal, order)
            journal.append(order.request_id, NOW, "PENDING", State.SHOWING, {})

    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(journal.entries(order.request_id)) == 11 for order in orders)


def test_a_closed_journal_says_so(make: MakeJournal) -> None:
    journal = make()
    journal.close()
    journal.close()
    with pytest.raises(JournalError) as caught:
        journal.unsettled()
    assert caught.value.code == "JOURNAL_CLOSED"


def test_an_attempt_that_was_not_begun_takes_no_entry(make: MakeJournal) -> None:
    journal = make()
    with pytest.raises(InvalidInput) as caught:
        journal.append("nobody", NOW, "PENDING", State.SHOWING, {})
    assert caught.value.code == "REQUEST_UNKNOWN"
    begin(journal)
    assert journal.append("r1", NOW, "PENDING", State.SHOWING, {}).seq == 2


def test_an_identifier_comes_back_until_it_is_erased(make: MakeJournal) -> None:
    journal = make()
    journal.begin(ORDER, "pay-r1", NOW, simulation=True, identifier="client@example.invalid")
    assert journal.identifier("r1") == "client@example.invalid"
    journal.append("r1", NOW, "IDENTIFIED", State.IDENTIFYING, {}, identifier="10000003051")
    journal = make()
    assert (journal.identifier("r1"), journal.identifier("nobody")) == ("10000003051", None)
    with pytest.raises(NotAllowedNow):
        journal.erase("r1", NOW)
    journal.append("r1", NOW, "DECLINED", State.REFUSED, {})
    assert journal.erase("r1", NOW) == 2
    assert journal.identifier("r1") is None
    assert journal.erase("r1", NOW) == 0
    assert [entry.kind for entry in make().entries("r1")][-1] == "ERASED"
    assert rebuild(make().entries("r1")).state is State.REFUSED
    with pytest.raises(InvalidInput):
        make().erase("nobody", NOW)


def test_attempts_are_found_newest_first_and_page_by_page(make: MakeJournal) -> None:
    journal = make()
    for n in range(5):
        order = Order(f"r{n}", 4550 + n, f"B{n % 2}", Way.QR, seller_id=f"S{n % 3}")
        journal.begin(order, f"p{n}", NOW + timedelta(hours=n), simulation=n == 4)
        journal.append(
            order.request_id, NOW + timedelta(hours=n), "PAID", State.APPROVED, {"received_cents": 3000 + n}
        )
        if n != 2:
            journal.append(order.request_id, NOW, ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})
        else:
            journal.append(order.request_id, NOW, "REVERSE", State.REVERSING, {})
            break
    for n in (3, 4):
        journal.begin(
            Order(f"r{n}", 4550 + n, "B1", Way.QR), f"p{n}", NOW + timedelta(hours=n), simulation=True
        )
        journal.append(f"r{n}", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True})
    journal = make()

    def found(limit: int = 50, **search: Any) -> list[str]:
        return [row.request_id for row in journal.attempts(Search(**search), limit=limit)]

    assert found() == ["r4", "r3", "r2", "r1", "r0"]
    assert found(limit=2) == ["r4", "r3"]
    assert found(limit=2, before_seq=journal.attempts(limit=2)[-1].seq) == ["r2", "r1"]
    assert found(basket_ref="B1") == ["r4", "r3", "r1"]
    assert found(seller_id="S1") == ["r1"]
    assert found(states=frozenset({State.REVERSING, State.REFUSED})) == ["r4", "r3", "r2"]
    assert found(opened_from=NOW + timedelta(hours=1), opened_before=NOW + timedelta(hours=3)) == ["r2", "r1"]
    assert found(amount_cents=4551) == found(amount_cents=3001) == ["r1"]
    assert found(acknowledged=False) == ["r2"]
    assert found(basket_ref="B0", seller_id="S0") == ["r0"]
    (row,) = journal.attempts(Search(seller_id="S2"))
    assert (row.asked_cents, row.received_cents, row.state, row.acknowledged, row.simulation) == (
        4552,
        3002,
        State.REVERSING,
        False,
        False,
    )
    assert (row.opened_at, row.updated_at) == (NOW + timedelta(hours=2), NOW)


def test_a_closed_day_stays_closed(make: MakeJournal) -> None:
    journal = make()
    begin(journal)
    with pytest.raises(NotAllowedNow):
        journal.close_day(date(2026, 11, 21), NOW)
    journal.append("r1", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True})
    assert len(journal.close_day(date(2026, 11, 21), NOW)) == 1
    assert list(make().close_day(date(2026, 11, 21), NOW)) == []
    assert make().entries("day/2026-11-21") == []


YEAR_1 = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))


WRONG: list[tuple[Callable[[Journal], object], str]] = [
    (lambda journal: journal.attempts(limit=10**30), "NUMBER_OUT_OF_RANGE"),
    (lambda journal: journal.attempts(limit=0), "NUMBER_OUT_OF_RANGE"),
    (lambda journal: journal.attempts(Search(amount_cents=2**63)), "NUMBER_OUT_OF_RANGE"),
    (lambda journal: journal.attempts(Search(opened_from=YEAR_1)), "MOMENT_UNUSABLE"),
    (lambda journal: journal.attempts(Search(opened_before=datetime(1, 1, 1))), "MOMENT_UNUSABLE"),  # noqa: DTZ001
    (lambda journal: journal.attempts(Search(basket_ref="\ud800")), "REFERENCE_UNPRINTABLE"),
    (lambda journal: journal.entries("\ud800"), "REFERENCE_UNPRINTABLE"),
    (lambda journal: journal.identifier("\ud800"), "REFERENCE_UNPRINTABLE"),
    (lambda journal: journal.erase("\ud800", NOW), "REFERENCE_UNPRINTABLE"),
    (lambda journal: begin(journal, Order("\ud800", 1, "B1", Way.QR)), "REFERENCE_UNPRINTABLE"),
    (lambda journal: begin(journal, Order("r9", 1, "B9", Way.QR, label="\ud800")), "INVALID_INPUT"),
    (lambda journal: journal.append("r1", NOW, "PAID", State.APPROVED, {"x": 1j}), "INVALID_INPUT"),
    (lambda journal: journal.append("r1", YEAR_1, "PAID", State.APPROVED, {}), "MOMENT_UNUSABLE"),
]


@pytest.mark.parametrize(("call", "code"), WRONG)
def test_a_wrong_argument_is_no_damage(
    make: MakeJournal, call: Callable[[Journal], object], code: str
) -> None:
    journal = make()
    begin(journal)
    with pytest.raises(InvalidInput) as caught:
        call(journal)
    assert caught.value.code == code
    assert "{" not in caught.value.text("fr") + caught.value.text("en")
    assert journal.append("r1", NOW, "PENDING", State.SHOWING, {}).seq == 2


# --- SQLite ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def test_entries_are_neither_changed_nor_deleted(path: Path) -> None:
    journal = SqliteJournal(path)
    begin(journal)
    journal.close()
    connection = apsw.Connection(str(path))
    for statement in ("UPDATE entries SET data = '{}'", "DELETE FROM entries"):
        with pytest.raises(apsw.ConstraintError):
            connection.execute(statement)
    connection.close()


def test_the_log_is_written_ahead_and_synchronously(path: Path) -> None:
    journal = SqliteJournal(path)
    connection = journal._connection
    assert connection is not None
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
    journal.close()


def test_a_second_process_is_refused(path: Path) -> None:
    journal = SqliteJournal(path)
    begin(journal)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert pool.apply_async(open_elsewhere, (str(path),)).get(30) == "JOURNAL_LOCKED"
    journal.close()


def open_elsewhere(path: str) -> str:
    try:
        SqliteJournal(Path(path)).close()
    except JournalError as error:
        return error.code
    return "opened"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"this is no database, only a long enough text " * 100, "JOURNAL_FOREIGN"),
        (b"SQLite format 3\0" + b"\xff" * 4096, "JOURNAL_FOREIGN"),
    ],
)
def test_a_file_that_is_no_journal_is_left_as_it_is(path: Path, content: bytes, code: str) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert caught.value.code == code
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("pragma", "code"), [("application_id = 7", "JOURNAL_FOREIGN"), ("user_version = 99", "JOURNAL_VERSION")]
)
def test_another_programs_or_versions_file_is_refused(path: Path, pragma: str, code: str) -> None:
    SqliteJournal(path).close()
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert caught.value.code == code


def test_a_damaged_entry_is_said_so(path: Path) -> None:
    journal = SqliteJournal(path)
    begin(journal)
    journal.close()
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_stay; UPDATE entries SET data = '{\"way\":'")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert (caught.value.code, caught.value.fields["seq"]) == ("JOURNAL_CHAIN_BROKEN", 1)
    assert path.read_bytes() == before


def test_a_folder_in_the_way_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        SqliteJournal(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError):
        SqliteJournal(tmp_path / "file" / "journal.sqlite3")


class FullDisk(apsw.VFS):
    """SQLite's own file system, on a disk that is full when told."""

    full = False

    def __init__(self) -> None:
        super().__init__("fulldisk", "")

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        return FullFile(name, flags)


class FullFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: Any) -> None:
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        if FullDisk.full:
            raise apsw.FullError
        super().xWrite(data, offset)


def test_a_full_disk_is_said_so_and_what_was_written_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vfs = FullDisk()
    real = apsw.Connection

    def connect(name: str) -> apsw.Connection:
        return real(name, vfs="fulldisk")

    monkeypatch.setattr(apsw, "Connection", connect)
    journal = SqliteJournal(path)
    begin(journal)
    FullDisk.full = True
    try:
        with pytest.raises(JournalError) as caught:
            journal.append("r1", NOW, "PENDING", State.SHOWING, {"reason": "x" * 10_000})
        assert caught.value.code == "JOURNAL_DISK_FULL"
        assert caught.value.remedy("fr") == "Libérez de la place sur le disque."
    finally:
        FullDisk.full = False
    journal.append("r1", NOW, "PENDING", State.SHOWING, {})
    assert [entry.kind for entry in journal.entries("r1")] == ["REQUEST", "PENDING"]
    journal.close()
    assert vfs is not None


def test_a_killed_process_loses_no_entry_that_was_told(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=write_until_killed, args=(str(path), writer))
    process.start()
    assert reader.poll(30)
    told = 0
    while told < 25:
        told = reader.recv()
    process.kill()
    process.join(10)
    while reader.poll(0):
        try:
            told = reader.recv()
        except EOFError:
            break
    journal = SqliteJournal(path)
    assert len(journal.entries("r1")) >= told
    journal.close()


def write_until_killed(path: str, writer: Any) -> None:
    journal = SqliteJournal(Path(path))
    begin(journal)
    told = 1
    while os.getpid():
        journal.append("r1", NOW, "PENDING", State.SHOWING, {})
        told += 1
        writer.send(told)
