"""What every journal promises; and what the one on SQLite says when its file is not well."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from cvconnect_pos.errors import JournalMoved, JournalTaken
from cvconnect_pos.journal import file
from cvconnect_pos.journal.base import Journal, Search
from cvconnect_pos.journal.head import read_head_file
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

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


def test_a_summary_says_what_the_entries_said_last(make: MakeJournal) -> None:
    journal = make()
    begin(journal, Order("r1", 4550, "B1", Way.KEYED, label="Été", customer_ref="C-7"))
    (row,) = journal.attempts()
    assert (row.way, row.label, row.customer_ref, row.transaction_id, row.reason) == (
        Way.KEYED,
        "Été",
        "C-7",
        "",
        "",
    )
    assert (row.reserved_cents, row.capture_cents, row.surplus_cents, row.settled_otherwise) == (
        None,
        None,
        0,
        False,
    )
    later = [NOW + timedelta(minutes=n) for n in range(4)]
    facts = {"transaction_id": "t1", "reserved_cents": 4550, "reason": "FIRST"}
    journal.append("r1", later[1], "RESERVED", State.RESERVED, facts)
    journal.append("r1", later[2], "CAPTURE", State.RESERVED, {"capture_cents": 3000, "reason": ""})
    last = {"surplus_cents": 150, "settled_otherwise": True, "received_cents": None, "acknowledged": True}
    journal.append("r1", later[3], "TICKET", State.RESERVED, last)
    (row,) = make().attempts()
    assert (row.transaction_id, row.reserved_cents, row.capture_cents, row.reason) == ("t1", 4550, 3000, "")
    assert (row.surplus_cents, row.settled_otherwise, row.acknowledged) == (150, True, True)
    assert (row.opened_at, row.changed_at, row.updated_at) == (NOW, later[1], later[3])
    assert make().unsettled() == ["r1"]  # the surplus


def test_attempts_are_found_by_way_customer_and_news(make: MakeJournal) -> None:
    journal = make()
    for n, way in enumerate((Way.QR, Way.KEYED, Way.SCAN)):
        begin(journal, Order(f"r{n}", 4550, f"B{n}", way, customer_ref=f"C{n % 2}"))
    journal.append("r0", NOW + timedelta(hours=1), "PENDING", State.SHOWING, {})

    def found(**search: Any) -> list[str]:
        return [row.request_id for row in journal.attempts(Search(**search))]

    assert found(ways=frozenset({Way.QR, Way.SCAN})) == ["r2", "r0"]
    assert found(ways=frozenset({Way.QR}), states=frozenset({State.CREATING})) == []
    assert found(customer_ref="C0") == ["r2", "r0"]
    assert found(updated_from=NOW + timedelta(hours=1)) == ["r0"]


def test_what_lasts_for_days_is_carried_over_and_what_is_unfinished_is_not(make: MakeJournal) -> None:
    journal = make()
    begin(journal, Order("held", 4550, "B1", Way.QR))
    journal.append("held", NOW, "RESERVED", State.RESERVED, {"reserved_cents": 4550})
    begin(journal, Order("waits", 4550, "B2", Way.DEFERRED))
    journal.append("waits", NOW, "PENDING", State.AWAITING, {})
    begin(journal, Order("surplus", 4550, "B3", Way.QR))
    said = {"acknowledged": True, "received_cents": 4550, "surplus_cents": 4550}
    journal.append("surplus", NOW, ACKNOWLEDGED, State.APPROVED, said)
    begin(journal, Order("doubt", 4550, "B4", Way.QR))
    journal.append("doubt", NOW, ACKNOWLEDGED, State.IN_DOUBT, {"acknowledged": True})
    with pytest.raises(NotAllowedNow) as caught:
        journal.close_day(date(2026, 11, 21), NOW)
    assert caught.value.fields["count"] == 2
    assert caught.value.fields["items"] == "surplus (B3, APPROVED), doubt (B4, IN_DOUBT)"
    journal.append("surplus", NOW, "SURPLUS", State.APPROVED, {"surplus_cents": 0})
    journal.append("doubt", NOW, "EXPIRED", State.EXPIRED, {})
    assert len(journal.close_day(date(2026, 11, 21), NOW)) == 1


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
    (lambda journal: journal.attempts(Search(updated_from=YEAR_1)), "MOMENT_UNUSABLE"),
    (lambda journal: journal.attempts(Search(basket_ref="\ud800")), "REFERENCE_UNPRINTABLE"),
    (lambda journal: journal.attempts(Search(customer_ref="\ud800")), "REFERENCE_UNPRINTABLE"),
    (lambda journal: journal.lease("\ud800", until_s=2.0, now_s=1.0), "REFERENCE_UNPRINTABLE"),
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


# --- several at once ------------------------------------------------------------------------------------------------

Pair = tuple[Journal, Journal]


@pytest.fixture(params=["sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Two open journals on one file."""
    path = tmp_path / "journal.sqlite3"
    one, two = ({"sqlite": SqliteJournal}[request.param](path) for _ in range(2))
    yield one, two
    one.close()
    two.close()


def test_two_journals_on_one_file_write_in_turn_and_read_each_other(pair: Pair) -> None:
    begin(pair[0])
    assert not begin(pair[1])
    begin(pair[1], Order("r2", 4550, "B2", Way.QR))
    for turn in range(10):
        for journal, name in zip(pair, ("r1", "r2"), strict=True):
            journal.append(name, NOW, "PENDING", State.SHOWING, {"turn": turn})
    for journal in pair:
        assert [entry.seq for entry in journal.entries("r1")] == [1, *range(3, 23, 2)]
        assert [entry.seq for entry in journal.entries("r2")] == [2, *range(4, 23, 2)]
        assert journal.unsettled() == ["r1", "r2"]
        assert [row.request_id for row in journal.attempts()] == ["r2", "r1"]
    with pytest.raises(AttemptStillOpen):
        begin(pair[1], Order("r3", 4550, "B1", Way.QR))
    with pytest.raises(RequestIdReused):
        begin(pair[1], Order("r1", 4551, "B1", Way.QR))


def test_of_two_who_decide_on_the_same_entry_one_is_told_that_it_moved(pair: Pair) -> None:
    begin(pair[0])
    begin(pair[0], Order("r2", 4550, "B2", Way.QR))
    assert pair[0].append("r1", NOW, "CANCEL", State.CANCELLING, {}, after=1).seq == 3
    with pytest.raises(JournalMoved) as caught:
        pair[1].append("r1", NOW, "PAID", State.APPROVED, {}, after=1, identifier="10000003051")
    assert caught.value.code == "JOURNAL_MOVED"
    assert caught.value.fields == {"request_id": "r1", "after": 1, "newest": 3}
    assert "r1" in caught.value.text("fr")
    assert [entry.kind for entry in pair[1].entries("r1")] == ["REQUEST", "CANCEL"]
    assert pair[1].identifier("r1") is None
    assert pair[1].append("r1", NOW, "PAID", State.APPROVED, {}, after=3).seq == 4
    assert pair[0].append("r2", NOW, "PENDING", State.SHOWING, {}, after=2).seq == 5
    assert pair[0].append("r1", NOW, "TICKET", State.APPROVED, {}).seq == 6
    with pytest.raises(InvalidInput) as unknown:
        pair[0].append("nobody", NOW, "PENDING", State.SHOWING, {}, after=1)
    assert unknown.value.code == "REQUEST_UNKNOWN"


def test_what_the_journal_notes_of_itself_moves_no_attempt(pair: Pair) -> None:
    begin(pair[0], Order("day/2026-11-21", 4550, "B1", Way.QR))
    pair[0].append("day/2026-11-21", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True}, after=1)
    assert len(pair[1].close_day(date(2026, 11, 21), NOW)) == 1
    assert pair[0].append("day/2026-11-21", NOW, "TICKET", State.REFUSED, {}, after=2).seq == 4


def test_an_identifier_that_one_keeps_the_other_reads_and_erases(pair: Pair) -> None:
    pair[0].begin(ORDER, "pay-r1", NOW, simulation=True, identifier="client@example.invalid")
    assert pair[1].identifier("r1") == "client@example.invalid"
    pair[1].append("r1", NOW, "DECLINED", State.REFUSED, {}, identifier="10000003051")
    assert pair[0].identifier("r1") == "10000003051"
    assert pair[1].erase("r1", NOW) == 2
    assert pair[0].identifier("r1") is None


def test_a_lease_has_one_owner_until_it_runs_out(pair: Pair) -> None:
    one, two = pair
    assert one.lease("r1", until_s=100.0, now_s=10.0)
    assert one.lease("r1", until_s=90.0, now_s=11.0)
    assert not two.lease("r1", until_s=100.0, now_s=99.999)
    assert two.lease("r2", until_s=100.0, now_s=10.0)
    assert one.lease("r1", until_s=120.0, now_s=99.999)
    assert not two.lease("r1", until_s=200.0, now_s=100.0)
    assert two.lease("r1", until_s=200.0, now_s=120.0)
    assert not one.lease("r1", until_s=200.0, now_s=121.0)


def test_the_lease_of_what_is_over_is_handed_over_to_whoever_knows_how_it_ended(pair: Pair) -> None:
    one, two = pair
    begin(one, ORDER)
    assert one.lease("r1", until_s=100.0, now_s=10.0)
    assert not two.lease("r1", until_s=100.0, now_s=10.0, over_at=1)  # it is not over
    over = one.append("r1", NOW, "DECLINED", State.REFUSED, {}, leased=True).seq
    assert not two.lease("r1", until_s=100.0, now_s=10.0)  # it did not ask
    assert not two.lease("r1", until_s=100.0, now_s=10.0, over_at=over - 1)  # it does not know
    assert not two.lease("r1", until_s=100.0, now_s=10.0, over_at=over + 1)
    assert two.lease("r1", until_s=100.0, now_s=10.0, over_at=over)
    assert not one.lease("r1", until_s=100.0, now_s=10.0)


def test_who_has_handed_a_lease_over_writes_receipts_and_no_steps(pair: Pair) -> None:
    one, two = pair
    begin(one, ORDER)
    with pytest.raises(JournalTaken):
        one.append("r1", NOW, "DECLINED", State.REFUSED, {}, leased=True)  # it never had it
    assert one.lease("r1", until_s=100.0, now_s=10.0)
    over = one.append("r1", NOW, "DECLINED", State.REFUSED, {}, leased=True).seq
    assert two.lease("r1", until_s=100.0, now_s=10.0, over_at=over)
    with pytest.raises(JournalTaken):
        one.append("r1", NOW, "PAID", State.DECIDING, {}, after=over, leased=True)
    assert (
        one.append("r1", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True}, after=over).seq == over + 1
    )
    assert two.append("r1", NOW, "PAID", State.DECIDING, {}, after=over + 1, leased=True).seq == over + 2
    assert not one.lease("r1", until_s=100.0, now_s=10.0, over_at=over + 2)  # it goes on


def test_a_lease_is_given_back_when_its_journal_is_closed(pair: Pair) -> None:
    one, two = pair
    assert one.lease("r1", until_s=100.0, now_s=10.0)
    assert (one.others_alive(), two.others_alive()) == (1, 1)
    one.close()
    assert two.others_alive() == 0
    assert two.lease("r1", until_s=100.0, now_s=10.0)


def test_a_lease_that_reaches_too_far_is_nonsense(pair: Pair) -> None:
    one, two = pair
    assert one.lease("r1", until_s=10.0 + 32 * 86_400, now_s=10.0)
    assert not two.lease("r1", until_s=100.0, now_s=10.0)
    assert one.lease("r2", until_s=11.0 + 32 * 86_400, now_s=10.0)
    assert two.lease("r2", until_s=100.0, now_s=10.0)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), "10"])
def test_a_lease_without_a_moment_is_refused(pair: Pair, seconds: Any) -> None:
    for until_s, now_s in ((seconds, 10.0), (100.0, seconds)):
        with pytest.raises(InvalidInput) as caught:
            pair[0].lease("r1", until_s=until_s, now_s=now_s)
        assert caught.value.code == "NUMBER_OUT_OF_RANGE"
    assert pair[1].lease("r1", until_s=100.0, now_s=10.0)


@pytest.mark.parametrize("seq", [2**63, -(2**63), 0, "1", 1.0, True])
def test_the_lease_of_what_is_over_at_no_entry_is_refused(pair: Pair, seq: Any) -> None:
    one, two = pair
    assert one.lease("r1", until_s=100.0, now_s=10.0)
    with pytest.raises(InvalidInput) as caught:
        two.lease("r1", until_s=100.0, now_s=10.0, over_at=seq)
    assert caught.value.code == "NUMBER_OUT_OF_RANGE"


def test_many_threads_of_two_journals_get_one_lease(pair: Pair) -> None:
    won: list[str] = []

    def work(journal: Journal, name: str) -> None:
        names = [f"r{n}" for n in range(10)]
        won.extend(f"{one} {name}" for one in names if journal.lease(one, until_s=100.0, now_s=10.0))

    threads = [threading.Thread(target=work, args=(pair[n % 2], str(n % 2))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(won)) == 10
    assert len(won) == 20


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


# --- another process ------------------------------------------------------------------------------------------------

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from cvconnect_pos import Order, State, Way
from cvconnect_pos.journal.sqlite import SqliteJournal

path, name, count = sys.argv[1:]
now = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
journal = SqliteJournal(Path(path))
journal.begin(Order(name, 4550, f"B-{name}", Way.QR), f"p-{name}", now, simulation=True)
leased = journal.lease(name, until_s=100.0, now_s=10.0)
print("leased" if leased else "refused", flush=True)
for told in range(int(count)):
    journal.append(name, now, "PENDING", State.SHOWING, {})
    print(told, flush=True)
if count == "0":
    sys.stdin.read()
journal.close()
"""


@contextmanager
def other_till(path: Path, name: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that opens the journal, takes a lease, writes entries, and ends; with none, it stays."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_killed_process_loses_no_entry_that_was_told(path: Path) -> None:
    with other_till(path, "r1", 1_000_000) as process:
        assert heard(process) == "leased"
        told = [heard(process) for _ in range(25)]
        process.kill()
        assert process.stdout is not None
        told += process.stdout.read().split()
    journal = SqliteJournal(path)
    assert len(journal.entries("r1")) >= len(told) + 1
    journal.close()
    assert verify(path).findings == []


def test_the_lease_of_a_killed_process_is_free_at_once(path: Path) -> None:
    journal = SqliteJournal(path)
    with other_till(path, "r1", 0) as process:
        assert heard(process) == "leased"
        assert journal.others_alive() == 1
        assert not journal.lease("r1", until_s=60.0, now_s=11.0)
        process.kill()
        process.wait(10)
        assert journal.others_alive() == 0
        assert journal.lease("r1", until_s=60.0, now_s=11.0)
    journal.close()


def test_the_lease_of_a_process_that_stands_still_is_free_only_when_it_ran_out(path: Path) -> None:
    journal = SqliteJournal(path)
    with other_till(path, "r1", 0) as process:
        assert heard(process) == "leased"
        process.send_signal(signal.SIGSTOP)
        assert not journal.lease("r1", until_s=200.0, now_s=99.9)
        assert journal.lease("r1", until_s=200.0, now_s=100.0)
        begin(journal, Order("r2", 4550, "B2", Way.QR))
        assert journal.append("r1", NOW, "PENDING", State.SHOWING, {}, after=1).seq == 3
        process.send_signal(signal.SIGCONT)
    journal.close()
    assert verify(path).findings == []


def test_two_processes_write_one_chain(path: Path) -> None:
    with other_till(path, "r1", 200) as one, other_till(path, "r2", 200) as two:
        for process in (one, two):
            process.communicate(timeout=60)
            assert process.returncode == 0
    report = verify(path)
    assert report.findings == []
    assert (report.entries, report.attempts) == (402, 2)
    assert read_head_file(path.with_name(path.name + ".head")) == report.head
    assert [one.name for one in path.with_name(path.name + ".owners").iterdir()] == ["gate"]


def test_a_journal_can_be_verified_closed_and_exported_beside_an_open_till(path: Path) -> None:
    with other_till(path, "r1", 0) as process:
        assert heard(process) == "leased"
        assert verify(path).findings == []
        journal = SqliteJournal(path)
        journal.append("r1", NOW, ACKNOWLEDGED, State.REFUSED, {"acknowledged": True}, after=1)
        assert len(journal.close_day(date(2026, 11, 21), NOW)) == 1
        assert len(list(journal.export("csv"))) == 2
        with pytest.raises(JournalError) as caught:
            journal.rotate_key()
        assert (caught.value.code, caught.value.fields["count"]) == ("JOURNAL_IN_USE", 1)
        journal.close()


def test_one_that_stands_still_in_the_middle_of_a_step_is_waited_for_and_then_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "BUSY_MS", 50)
    journal = SqliteJournal(path)
    begin(journal)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError) as caught:
        journal.append("r1", NOW, "PENDING", State.SHOWING, {})
    assert caught.value.code == "JOURNAL_LOCKED"
    assert len(journal.entries("r1")) == 1
    other.execute("ROLLBACK")
    other.close()
    assert journal.append("r1", NOW, "PENDING", State.SHOWING, {}).seq == 2
    journal.close()
