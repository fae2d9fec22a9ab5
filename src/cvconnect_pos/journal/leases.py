"""Who works on an attempt: a lease, so that of two tills on one journal only one asks the provider about it.

A lease is no entry: it says nothing of money, and what it says is over with the process, the boot or the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apsw

LONGEST_S = 32 * 86_400.0
"""No request lasts longer: a lease that reaches further was not written by this clock."""


KEPT_S = 6 * 3_600.0
"""How long a lease is kept that ran out: a process that only looks is patient with a living one that is late."""


_DROP_OLD = """
DELETE FROM leases WHERE rowid IN (SELECT rowid FROM leases ORDER BY rowid LIMIT 8) AND until_s <= ?
"""
"""A lease that is written anew gets a new rowid: the oldest come first, and a write looks at a few of them only."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on an attempt, and until when.

    Args:
        owner: The token of the journal that took it.
        boot: The start of the host in which it was taken; empty when the host does not tell.
        until_s: When it runs out, in monotonic seconds of the host.
    """

    owner: str
    boot: str
    until_s: float

    def is_free(self, now_s: float, boot: str, is_alive: Callable[[str], bool]) -> bool:
        """Whether another one may take it.

        Args:
            now_s: Now, in monotonic seconds of the host.
            boot: This start of the host.
            is_alive: Whether an owner lives.
        """
        ran_out = not now_s < self.until_s <= now_s + LONGEST_S
        return ran_out or bool(boot and self.boot and boot != self.boot) or not is_alive(self.owner)


def read(connection: apsw.Connection, request_id: str) -> Lease | None:
    """Read an attempt's lease."""
    found = "SELECT owner, boot, until_s FROM leases WHERE request_id = ?"
    row: Any = connection.execute(found, (request_id,)).fetchone()
    return Lease(*row) if row else None


def write(connection: apsw.Connection, request_id: str, lease: Lease, now_s: float) -> None:
    """Write an attempt's lease, whoever had it, and drop those that ran out so long ago that nobody waits for them."""
    connection.execute(_DROP_OLD, (now_s - KEPT_S,))
    values = (request_id, lease.owner, lease.boot, lease.until_s)
    connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", values)


def owners(connection: apsw.Connection) -> list[str]:
    """List those who hold leases."""
    rows: Iterator[Any] = connection.execute("SELECT DISTINCT owner FROM leases")
    return [owner for (owner,) in rows]


def release(connection: apsw.Connection, owner: str) -> None:
    """Drop an owner's leases."""
    connection.execute("DELETE FROM leases WHERE owner = ?", (owner,))
