"""Closings: which are due, what they add up, and that a signature holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import InvalidInput, NotAllowedNow, Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal.closings import (
    Books,
    Closing,
    Period,
    Totals,
    due_after,
    due_before,
    totals_of,
)
from cvconnect_pos.journal.signing import is_signed, public_key, sign
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 2, 17, 0, tzinfo=UTC)
MONTH, YEAR = Period.MONTH, Period.YEAR


@pytest.mark.parametrize(
    ("state", "money", "totals"),
    [
        (State.APPROVED, 3000, Totals(1, 1, 3000)),
        (State.DECIDING, 3000, Totals(1, 1, 3000)),
        (State.REVERSED, 3000, Totals(1, 1, 3000, 1, 3000)),
        (State.REVERSED_AFTER_KEEP, 3000, Totals(1, 1, 3000, 1, 3000)),
        (State.IN_DOUBT, 3000, Totals(1)),
        (State.RESERVED, 3000, Totals(1)),
        (State.REFUSED, None, Totals(1)),
    ],
)
def test_only_money_that_was_received_is_counted(state: State, money: int | None, totals: Totals) -> None:
    assert totals_of(state, money) == totals


@pytest.mark.parametrize(
    ("day", "last", "closed", "due"),
    [
        ((2026, 11, 22), (2026, 11, 21), (), []),
        ((2026, 12, 1), (2026, 11, 30), ("month/2026-11",), []),
        ((2026, 12, 2), (2026, 11, 28), (), [MONTH]),
        ((2027, 1, 2), (2026, 12, 30), (), [MONTH, YEAR]),
        ((2027, 3, 1), (2026, 12, 31), ("month/2026-12", "year/2026"), []),
    ],
)
def test_a_month_that_ended_on_a_day_without_closing_is_closed_with_the_next_day(
    day: tuple[int, int, int], last: tuple[int, int, int], closed: tuple[str, ...], due: list[Period]
) -> None:
    assert due_before(date(*day), date(*last), closed) == due
    assert due_before(date(*day), None, ()) == []


def test_the_last_day_closes_its_month_and_its_year() -> None:
    assert due_after(date(2026, 11, 29)) == []
    assert due_after(date(2026, 11, 30)) == [MONTH]
    assert due_after(date(2026, 12, 31)) == [MONTH, YEAR]


def test_a_signature_is_right_for_one_content_and_one_key() -> None:
    # RFC 8032, section 7.1, test 2
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert public_key(seed) == key
    assert sign(b"\x72", seed) == signature
    assert is_signed(b"\x72", signature, key)
    assert not is_signed(b"\x73", signature, key)
    assert not is_signed(b"\x72", bytes(64), key)
    assert not is_signed(b"\x72", signature, key[:31])


@pytest.mark.parametrize("data", [{}, {"version": 1}, {"version": 2, "signature": ""}])
def test_what_is_no_closing_is_said_so(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="closing"):
        Closing.of_data(data)


# --- in the file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def pay(
    journal: SqliteJournal, name: str, cents: int, *, simulation: bool = False, state: State = State.APPROVED
) -> None:
    journal.begin(Order(name, 4550, f"B-{name}", Way.QR), f"pay-{name}", NOW, simulation=simulation)
    journal.append(name, NOW, "PAID", State.APPROVED, {"received_cents": cents})
    if state is not State.APPROVED:
        journal.append(name, NOW, "RECREDITED", state, {})
    journal.append(name, NOW, ACKNOWLEDGED, state, {"acknowledged": True})


def test_a_day_is_closed_once_with_both_worlds_apart(path: Path) -> None:
    journal = SqliteJournal(path)
    pay(journal, "r1", 3000)
    pay(journal, "r2", 4550, state=State.REVERSED)
    pay(journal, "r3", 2000, simulation=True)
    (closing,) = journal.close_day(date(2026, 11, 27), NOW)
    assert closing.totals == Books(Totals(2, 2, 7550, 1, 4550), Totals(1, 1, 2000))
    assert (closing.name, closing.last_seq, closing.period_totals) == ("2026-11-27", 10, closing.totals)
    assert journal.close_day(date(2026, 11, 27), NOW) == []
    pay(journal, "r4", 1000)
    (second,) = journal.close_day(date(2026, 11, 28), NOW)
    assert second.period_totals == Books(Totals(1, 1, 1000))
    assert second.totals.production == Totals(3, 3, 8550, 1, 4550)
    journal.close()
    report = verify(path)
    assert report.findings == []
    assert report.closings == [closing, second]


def test_an_empty_day_a_month_and_a_year_are_closed(path: Path) -> None:
    journal = SqliteJournal(path)
    assert [c.request_id for c in journal.close_day(date(2026, 11, 27), NOW)] == ["day/2026-11-27"]
    pay(journal, "r1", 3000)
    names = [c.request_id for c in journal.close_day(date(2026, 12, 31), NEW_YEAR)]
    assert names == ["month/2026-11", "day/2026-12-31", "month/2026-12", "year/2026"]
    names = [c.request_id for c in journal.close_day(date(2027, 1, 2), NEW_YEAR)]
    assert names == ["day/2027-01-02"]
    journal.close()
    report = verify(path)
    assert report.findings == []
    november, december = (c for c in report.closings if c.period is MONTH)
    assert november.totals == Books()
    assert december.period_totals.production.received_cents == 3000


def test_a_day_with_open_items_is_not_closed_and_they_are_named(path: Path) -> None:
    journal = SqliteJournal(path)
    pay(journal, "done", 3000)
    journal.begin(Order("open", 4550, "B1", Way.QR), "p1", NOW, simulation=True)
    journal.begin(Order("late", 4550, "B2", Way.QR), "p2", NOW, simulation=True)
    journal.append("late", NOW, "PAID", State.DECIDING, {"received_cents": 4550})
    with pytest.raises(NotAllowedNow) as caught:
        journal.close_day(date(2026, 11, 27), NOW)
    assert caught.value.code == "DAY_HAS_OPEN_ITEMS"
    assert caught.value.fields == {"count": 2, "items": "open (B1, CREATING), late (B2, DECIDING)"}
    assert "open (B1, CREATING)" in caught.value.text("fr")
    journal.close()
    assert verify(path).closings == []


def test_a_day_before_the_last_closed_one_is_refused(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.close_day(date(2026, 11, 27), NOW)
    with pytest.raises(InvalidInput) as caught:
        journal.close_day(date(2026, 11, 26), NOW)
    assert caught.value.code == "DAY_BEFORE_LAST"
    journal.close()


@pytest.mark.parametrize(
    ("at", "day", "code"),
    [
        (datetime(2026, 11, 27, 22, 59, tzinfo=UTC), date(2026, 11, 28), "DAY_NOT_BEGUN"),
        (datetime(2026, 11, 27, 22, 59, tzinfo=UTC), date(2026, 11, 27), ""),
        (datetime(2026, 11, 27, 23, 0, tzinfo=UTC), date(2026, 11, 28), ""),  # midnight in Paris
        (NOW, date.max, "DAY_NOT_BEGUN"),
        (NOW, NOW, "DAY_NOT_A_DATE"),
        (NOW, "2026-11-27", "DAY_NOT_A_DATE"),
        (NOW.replace(tzinfo=None), date(2026, 11, 27), "MOMENT_UNUSABLE"),
    ],
)
def test_only_a_day_that_has_begun_in_paris_is_closed(path: Path, at: datetime, day: Any, code: str) -> None:
    journal = SqliteJournal(path)
    said = ""
    try:
        journal.close_day(day, at)
    except InvalidInput as error:
        said = error.code
        assert "{" not in error.text("fr") + error.text("en")
    journal.close()
    assert said == code
    assert len(verify(path).closings) == (not code)
