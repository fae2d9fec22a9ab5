"""How long the journal remembers a lease that ran out: as long as somebody is patient with its owner, and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from cvconnect_pos.journal.leases import KEPT_S
from cvconnect_pos.journal.sqlite import SqliteJournal

ENDS_S = 100.0
"""When the lease that is looked at runs out."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def pair(path: Path) -> Iterator[tuple[SqliteJournal, SqliteJournal]]:
    """Two processes on one journal: the first has a lease, and stands still."""
    one, two = SqliteJournal(path), SqliteJournal(path)
    assert one.lease("r1", until_s=ENDS_S, now_s=10.0)
    yield one, two
    two.close()
    one.close()


def leased(path: Path) -> list[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows: Iterator[Any] = connection.execute("SELECT request_id FROM leases ORDER BY request_id")
    names = [request_id for (request_id,) in rows]
    connection.close()
    return names


def test_one_that_is_patient_finds_a_lease_that_ran_out_although_others_were_taken_since(
    pair: tuple[SqliteJournal, SqliteJournal],
) -> None:
    _, two = pair
    for n in range(3):
        assert two.lease(f"s{n}", until_s=800.0 + n, now_s=700.0 + n)
    assert not two.lease("r1", until_s=800.0, now_s=ENDS_S - 0.1)
    assert two.lease("r1", until_s=800.0, now_s=ENDS_S)


@pytest.mark.parametrize(("after_s", "kept"), [(KEPT_S - 0.1, ["r1", "r2"]), (KEPT_S, ["r2"])])
def test_a_lease_that_ran_out_is_dropped_when_nobody_waits_for_its_owner_any_more(
    pair: tuple[SqliteJournal, SqliteJournal], path: Path, after_s: float, kept: list[str]
) -> None:
    now_s = ENDS_S + after_s
    assert pair[1].lease("r2", until_s=now_s + 60.0, now_s=now_s)
    assert leased(path) == kept


def test_a_lease_that_was_dropped_is_free(pair: tuple[SqliteJournal, SqliteJournal]) -> None:
    _, two = pair
    now_s = ENDS_S + KEPT_S
    assert two.lease("r2", until_s=now_s + 60.0, now_s=now_s)
    assert two.lease("r1", until_s=now_s + 60.0, now_s=ENDS_S - 0.1)
