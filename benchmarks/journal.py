"""Durable transitions per second of the journal, beside bare `apsw` loops that commit rows of the same size as often.

The floor inserts the row into a table without an index, and commits: nothing that is durable can be faster. The second
peer does the statements of a transition by hand on the journal's own tables, with values that are ready: what is left
between it and the journal is Python.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import apsw
from figures import ratio, show

from cvconnect_pos.core.attempt import Order, Way
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.sqlite import SqliteJournal

BLOCK = 20
"""Transitions of one side before it is the other one's turn."""
ALONE_S = 12.0
SHARED_S = 7.0
"""How long pairs are measured, in seconds; a busy disk makes them fewer."""
SHARED = 200
"""Transitions of each process, where two share a file."""

AT = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "transaction_id": "fiawa31zot",
    "received_cents": 4550,
    "beneficiary": "10*****3051",
    "authorizations": [
        {
            "number": "123456789",
            "amount_cents": 4550,
            "holder": "10*****3051",
            "validated_at": AT.isoformat(),
        }
    ],
}
"""What a payment makes known: the longest entry of an ordinary attempt but the first."""
STATES = (State.AWAITING, State.APPROVED)


class Side(Protocol):
    """One side of a comparison."""

    def append(self, number: int) -> None:
        """Commit one transition."""
        ...

    def lease(self, number: int) -> None:
        """Commit one renewal of a lease."""
        ...

    def close(self) -> None: ...


class Ours:
    """The journal."""

    def __init__(self, path: Path, name: str = "one") -> None:
        self._journal = SqliteJournal(path)
        self._name = name
        entries, _ = self._journal.begin(Order(name, 4550, name, Way.QR), "p" * 20, AT, simulation=True)
        self._last = entries[-1].seq

    def append(self, number: int) -> None:
        state = STATES[number % 2]
        self._last = self._journal.append(self._name, AT, "PAID", state, FACTS, after=self._last).seq

    def lease(self, number: int) -> None:
        now = time.monotonic()
        assert self._journal.lease(self._name, until_s=now + 60.0 + number, now_s=now)

    def close(self) -> None:
        self._journal.close()


class Bare:
    """A table without an index."""

    schema = """
        CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, request_id TEXT, at TEXT, kind TEXT, state TEXT,
            data TEXT, commitment BLOB, previous BLOB, hash BLOB);
        CREATE TABLE IF NOT EXISTS leases (request_id TEXT PRIMARY KEY, owner TEXT, boot TEXT, until_s REAL);
    """

    def __init__(self, path: Path, name: str = "one") -> None:
        from cvconnect_pos.journal.arguments import encode

        self._name = name
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(10_000)
        self._connection.pragma("journal_mode", "WAL")
        self._connection.pragma("synchronous", "FULL")
        self._connection.transaction_mode = "IMMEDIATE"
        with self._connection:
            if not self._connection.table_exists(None, "entries"):
                self._connection.execute(self.schema)
        self._row = (AT.isoformat(), "PAID", "APPROVED", encode(FACTS), b"", bytes(32), bytes(range(32)))

    def append(self, number: int) -> None:
        with self._connection:
            self._insert()

    def _insert(self) -> None:
        values = (self._name, *self._row)
        self._connection.execute("INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def lease(self, number: int) -> None:
        values = (self._name, "o" * 16, "b" * 36, 1e5 + number)
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", values)

    def close(self) -> None:
        self._connection.close()


class SameStatements(Bare):
    """The journal's own tables, indexes and triggers, and its statements."""

    def __init__(self, path: Path, name: str = "one") -> None:
        Ours(path, name).close()
        super().__init__(path, name)

    def append(self, number: int) -> None:
        connection = self._connection
        with connection:
            connection.execute(
                "SELECT seq FROM entries WHERE request_id = ? AND state <> '' ORDER BY seq DESC LIMIT 1",
                (self._name,),
            ).fetchone()
            connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
            self._insert()
            connection.execute(
                """UPDATE attempts SET changed_at = CASE state WHEN ? THEN changed_at ELSE ? END, state = ?,
                updated_at = ?, received_cents = ?, transaction_id = ? WHERE request_id = ?""",
                ("APPROVED", AT.isoformat(), STATES[number % 2], AT.isoformat(), 4550, "t", self._name),
            )


@dataclass(slots=True)
class Times:
    """What the blocks of one side took: transitions per second of the clock, and CPU of each transition."""

    per_s: list[float] = field(default_factory=list[float])
    cpu_us: list[float] = field(default_factory=list[float])

    def measure(self, work: Callable[[int], None], start: int) -> None:
        """Do one block."""
        begun, busy = time.perf_counter(), time.process_time()
        for number in range(start, start + BLOCK):
            work(number)
        self.cpu_us.append((time.process_time() - busy) / BLOCK * 1e6)
        self.per_s.append(BLOCK / (time.perf_counter() - begun))


def renewing(side: Side) -> Callable[[int], None]:
    """Renew the lease before each transition: two commits."""

    def work(number: int) -> None:
        side.lease(number)
        side.append(number)

    return work


@contextmanager
def opened(*sides: Side) -> Iterator[None]:
    try:
        yield
    finally:
        for side in sides:
            side.close()


def alone(folder: Path) -> dict[str, Any]:
    """Measure one process: blocks of each side in turn."""
    sides: dict[str, Side] = {
        "journal": Ours(folder / "ours.db"),
        "bare insert": Bare(folder / "bare.db"),
        "same statements": SameStatements(folder / "same.db"),
    }
    plain = {name: Times() for name in sides}
    renewed = {name: Times() for name in sides}
    with opened(*sides.values()):
        end_s, start = time.monotonic() + ALONE_S, 0
        while time.monotonic() < end_s:
            for name, side in sides.items():
                plain[name].measure(side.append, start)
            for name, side in sides.items():
                renewed[name].measure(renewing(side), start)
            start += BLOCK
    return {"one commit": told(plain), "and a lease renewal, two commits": told(renewed)}


def told(times: dict[str, Times]) -> dict[str, Any]:
    """Give the medians, and the journal's ratio to each peer; the first block of each warmed it up."""
    ours, *peers = times
    return {
        "median_per_s": {name: statistics.median(one.per_s[1:]) for name, one in times.items()},
        "CPU_us": {name: statistics.median(one.cpu_us[1:]) for name, one in times.items()},
        "ratio of rates": {
            f"{ours} / {peer}": ratio(times[ours].per_s[1:], times[peer].per_s[1:]) for peer in peers
        },
    }


def append_many(make: type[Ours | Bare], path: Path, name: str, start_s: float) -> tuple[float, float]:
    """Commit many transitions from a moment on; give the moment of the last, and the CPU of each: one of two processes."""
    side = make(path, name)
    with opened(side):
        time.sleep(max(start_s - time.monotonic(), 0.0))
        busy = time.process_time()
        for number in range(SHARED):
            side.append(number)
        return time.monotonic(), (time.process_time() - busy) / SHARED * 1e6


def shared(folder: Path) -> dict[str, Any]:
    """Measure two processes that write to one file."""
    makes: dict[str, type[Ours | Bare]] = {"journal": Ours, "bare insert": Bare}
    times = {name: Times() for name in makes}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        end_s, pair = time.monotonic() + SHARED_S, 0
        while time.monotonic() < end_s or pair < 3:
            for name, make in makes.items():
                start_s = time.monotonic() + (0.2 if pair else 2.0)  # the first round starts the processes
                path = folder / f"shared-{name}.db"
                writers = [pool.submit(append_many, make, path, f"{pair}-{one}", start_s) for one in range(2)]
                done = [writer.result(timeout=60) for writer in writers]
                times[name].per_s.append(2 * SHARED / (max(moment for moment, _ in done) - start_s))
                times[name].cpu_us.append(statistics.mean(cpu for _, cpu in done))
            pair += 1
    return told(times)


def measure() -> dict[str, Any]:
    """Measure one process and two.

    Returns:
        Commits per second of each side, and the journal's ratio to its peers.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {"one process": alone(folder), "two processes on one file": shared(folder)}


if __name__ == "__main__":
    show("journal", measure())
