"""A journal of a million entries, three years of a busy till: open, verify, search, close a day.

The floors are bare `apsw` on the same file: every row read once and hashed with SHA-256, for what looks at all entries;
one count of all attempts and their money, for a search.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import apsw
from figures import show

from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.base import AttemptSummary, Search
from cvconnect_pos.journal.chain import GENESIS, entry_hash
from cvconnect_pos.journal.file import LINKS
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

ENTRIES = 1_000_000
EACH = 4
"""Entries of an attempt."""
ATTEMPTS = ENTRIES // EACH
FIRST = datetime(2023, 11, 21, 8, 0, tzinfo=UTC)
LAST = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
ROUNDS = 15
QR = "https://qr.simulation.invalid/p/" + "x" * 75

Row = tuple[Any, ...]
_OPENED = (
    '{{"amount_cents":4550,"basket_ref":"B{n}","beneficiary":"","customer_ref":"","delay_s":0,"label":"Séjour",'
    '"payment_id":"{n:020x}","reserve":false,"seller_id":"V1","simulation":true,"way":"qr"}}'
)
_SHOWN = (
    '{{"expires_at":"{at}","pre_transaction_id":"pre{n:07x}","qr_payload":"' + QR + '{n:07x}","qr_png":""}}'
)
_PAID = (
    '{{"authorizations":[{{"amount_cents":4550,"holder":"10*****3051","number":"{n:09}","validated_at":"{at}"}}],'
    '"beneficiary":"10*****3051","received_cents":4550,"transaction_id":"t{n:09x}"}}'
)
_CANCELLED = '{{"cancel_asked":true,"reason":""}}'
_RECORDED = '{{"acknowledged":true}}'


def moments() -> Iterator[str]:
    """Give the moments of all entries, as the journal writes them."""
    step = (LAST - FIRST) / ENTRIES
    for number in range(ENTRIES):
        yield (FIRST + number * step).isoformat(timespec="microseconds")


def is_cancelled(number: int) -> bool:
    """Whether a customer changed their mind: one in a thousand."""
    return number % 1000 == 500


def entry_rows() -> Iterator[Row]:
    """Give all entries, with the hashes that a journal would have written."""
    previous, seq, at = GENESIS, 0, moments()
    for n in range(ATTEMPTS):
        end = ("VOIDED", "CANCELLED", _CANCELLED) if is_cancelled(n) else ("PAID", "APPROVED", _PAID)
        steps = (
            ("REQUEST", "CREATING", _OPENED),
            ("QR_CREATED", "SHOWING", _SHOWN),
            end,
            ("ACKNOWLEDGED", end[1], _RECORDED),
        )
        for kind, state, text in steps:
            seq, moment = seq + 1, next(at)
            fields = (f"till-{n:07}", moment, kind, state, text.format(n=n, at=moment), b"")
            own = entry_hash(previous, seq, *fields)
            yield seq, *fields, previous, own
            previous = own


_COUNT = "SELECT count(*), total(received_cents) FROM attempts"
_COLUMNS = tuple(field.name for field in fields(AttemptSummary))


def attempt_rows() -> Iterator[Row]:
    """Give what is derived from them, in the order of `AttemptSummary`."""
    at = moments()
    for n in range(ATTEMPTS):
        opened, _, ended, recorded = (next(at) for _ in range(EACH))
        told = {
            "seq": n * EACH + 1,
            "request_id": f"till-{n:07}",
            "basket_ref": f"B{n}",
            "seller_id": "V1",
            "state": "CANCELLED" if is_cancelled(n) else "APPROVED",
            "asked_cents": 4550,
            "received_cents": None if is_cancelled(n) else 4550,
            "opened_at": opened,
            "updated_at": recorded,
            "changed_at": ended,
            "simulation": 1,
            "acknowledged": 1,
            "way": "qr",
            "label": "Séjour",
            "transaction_id": "" if is_cancelled(n) else f"t{n:09x}",
            "surplus_cents": 0,
            "settled_otherwise": 0,
            "reserved_cents": None,
            "capture_cents": None,
        }
        yield tuple(told.get(name, "") for name in _COLUMNS)


def build(path: Path) -> None:
    """Make the journal in one transaction; its head lags, as after a crash."""
    SqliteJournal(path).close()
    connection = apsw.Connection(str(path))
    connection.pragma("synchronous", "OFF")
    with connection:
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entry_rows())
        marks = ", ".join("?" * len(_COLUMNS))
        connection.executemany(
            f"INSERT INTO attempts ({', '.join(_COLUMNS)}) VALUES ({marks})", attempt_rows()
        )
    connection.close()


@dataclass(frozen=True, slots=True)
class Took:
    """What something took, in seconds: of the clock, which others on the machine make longer, and of the processor."""

    s: float
    cpu_s: float

    def told(self) -> dict[str, float]:
        """Tell both."""
        return {"clock_s": self.s, "CPU_s": self.cpu_s}


def took(work: Callable[[], object]) -> Took:
    """Say what something takes."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - start, time.process_time() - busy)


def took_s(work: Callable[[], object]) -> float:
    """Say how long something takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def scan(path: Path) -> None:
    """Read every entry and hash its bytes, nothing else: the floor of a verification."""
    connection = apsw.Connection(str(path))
    for row in connection.execute(LINKS):
        _, request_id, at, kind, state, data, commitment, previous, _ = row
        hashlib.sha256(f"{request_id}{at}{kind}{state}{data}".encode() + commitment + previous).digest()
    connection.close()


def pages(path: Path) -> None:
    """Have SQLite check every page: a part of a verification."""
    connection = apsw.Connection(str(path))
    assert connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
    connection.close()


def whole(path: Path) -> None:
    """Verify the journal."""
    report = verify(path)
    assert (report.entries, report.attempts, report.findings) == (ENTRIES, ATTEMPTS, []), report.findings


def searches(path: Path) -> dict[str, Any]:
    """Search, beside a count of all attempts."""
    day = FIRST + (LAST - FIRST) / 2
    wanted = {
        "by basket": Search(basket_ref=f"B{ATTEMPTS // 2}"),
        "by state, a rare one": Search(states=frozenset({State.CANCELLED})),
        "by state, one that nothing is in": Search(states=frozenset({State.IN_DOUBT})),
        "by date, a day in the middle": Search(opened_from=day, opened_before=day + timedelta(days=1)),
    }
    journal, bare = SqliteJournal(path), apsw.Connection(str(path))
    times: dict[str, list[float]] = {name: [] for name in ("count of all attempts", "unsettled", *wanted)}
    for _ in range(ROUNDS):
        times["count of all attempts"].append(took_s(lambda: bare.execute(_COUNT).fetchone()))
        times["unsettled"].append(took_s(journal.unsettled))
        for name, search in wanted.items():
            times[name].append(took_s(partial(journal.attempts, search)))
    bare.close()
    journal.close()
    medians = {name: statistics.median(values) * 1000 for name, values in times.items()}
    floor = medians["count of all attempts"]
    return {"median_ms": medians, "ratio": {f"{name} / count": medians[name] / floor for name in wanted}}


def opened(path: Path) -> dict[str, Any]:
    """Open and close it, beside the file's own newest row."""

    def bare() -> None:
        connection = apsw.Connection(str(path))
        connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        connection.close()

    ours = [took_s(lambda: SqliteJournal(path).close()) for _ in range(ROUNDS)]
    floor = [took_s(bare) for _ in range(ROUNDS)]
    return {
        "journal_ms": statistics.median(ours) * 1000,
        "bare file, newest row_ms": statistics.median(floor) * 1000,
    }


def measure() -> dict[str, Any]:
    """Build the journal, and measure.

    Returns:
        Times, and the ratios to the floors.
    """
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "million.db"
        built = took(lambda: build(path))
        SqliteJournal(path).close()  # the head is brought up to date once
        open_and_close, found = opened(path), searches(path)
        floor, checked = took(lambda: scan(path)), took(lambda: pages(path))
        verified = took(lambda: whole(path))
        journal = SqliteJournal(path)
        closed = took(lambda: journal.close_day(LAST.date(), LAST + timedelta(hours=1)))
        journal.close()
        return {
            "entries": ENTRIES,
            "attempts": ATTEMPTS,
            "file_mb": path.stat().st_size / 1e6,
            "built": built.told(),
            "open and close": open_and_close,
            "floor: every entry read and hashed": floor.told(),
            "floor: every page checked by SQLite": checked.told(),
            "verify": verified.told(),
            "close the first day, all attempts added up": closed.told(),
            "search": found,
            "ratio": {
                "verify / both floors": verified.s / (floor.s + checked.s),
                "CPU: verify / both floors": verified.cpu_s / (floor.cpu_s + checked.cpu_s),
            },
        }


if __name__ == "__main__":
    show("million", measure())
