"""Writes closings: what is due, with the totals as they are, signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.open_items import Kind, is_in_the_way, kind_of
from cvconnect_pos.errors import InvalidInput, NotAllowedNow
from cvconnect_pos.journal import index
from cvconnect_pos.journal.base import AttemptSummary
from cvconnect_pos.journal.closings import CLOSING, Books, Closing, Period, due_after, due_before
from cvconnect_pos.journal.file import read_links
from cvconnect_pos.journal.head import Head
from cvconnect_pos.journal.signing import public_key, public_key_id, sign

if TYPE_CHECKING:
    import apsw

_NAMED = 20
"""How many open items an error lists."""


class Closer:
    """Closes days in one transaction of the journal.

    Args:
        connection: The journal, inside a transaction.
        seed: The signing key.
        write: Adds an entry (request id, data) and gives the new head.
    """

    def __init__(
        self, connection: apsw.Connection, seed: bytes, write: Callable[[str, Mapping[str, Any]], Head]
    ) -> None:
        self._connection = connection
        self._seed = seed
        self._write = write

    def close_day(self, day: date, head: Head, books: Books) -> list[Closing]:
        """Write the day's closing, with these totals, and those that are due with it; see `Journal.close_day`."""
        last = last_closing(self._connection, Period.DAY)
        last_day = date.fromisoformat(last.name) if last else None
        if last_day and day < last_day:
            raise InvalidInput("DAY_BEFORE_LAST", field="day", day=day.isoformat(), last=last_day.isoformat())
        written: list[Closing] = []
        if last and last_day:
            longer = [f"{period.value}/{period.name_of(last_day)}" for period in (Period.MONTH, Period.YEAR)]
            closed = [name for name in longer if is_closed(self._connection, name)]
            for period in due_before(day, last_day, closed):
                reach = Head(last.last_seq, bytes.fromhex(last.head))
                closing, head = self._close(period, period.name_of(last_day), reach, last.totals)
                written.append(closing)
        reach = head
        for period in (Period.DAY, *due_after(day)):
            closing, _ = self._close(period, period.name_of(day), reach, books)
            written.append(closing)
        return written

    def _close(self, period: Period, name: str, reach: Head, totals: Books) -> tuple[Closing, Head]:
        before = last_closing(self._connection, period)
        key = public_key(self._seed)
        closing = Closing(
            period=period,
            name=name,
            last_seq=reach.seq,
            head=reach.hash.hex(),
            totals=totals,
            period_totals=totals - before.totals if before else totals,
            public_key=key.hex(),
            key_id=public_key_id(key),
        )
        signature = sign(closing.to_sign(), self._seed).hex()
        return closing, self._write(closing.request_id, {**closing.as_data(), "signature": signature})


def is_closed(connection: apsw.Connection, name: str) -> bool:
    """Whether a period is closed, by its name: `day/2026-11-21`."""
    found = connection.execute("SELECT 1 FROM entries WHERE kind = ? AND request_id = ?", (CLOSING, name))
    return found.fetchone() is not None


def last_closing(connection: apsw.Connection, period: Period) -> Closing | None:
    """Read the newest closing of a kind."""
    import msgspec

    # The kind stands in the text, so that SQLite sees that the small index of closings will do.
    condition = f"WHERE kind = '{CLOSING}' AND request_id BETWEEN ? AND ? ORDER BY request_id DESC LIMIT 1"
    for link in read_links(connection, condition, f"{period.value}/", f"{period.value}/~"):
        return Closing.of_data(msgspec.json.decode(link.data))[0]
    return None


def refuse_open_items(connection: apsw.Connection) -> None:
    """Refuse to close a day on which something is open that cannot be carried over.

    Raises:
        NotAllowedNow: `DAY_HAS_OPEN_ITEMS`, with the list.
    """
    rows = [row for row in index.unfinished(connection) if is_in_the_way(_kind_of(row))]
    if rows:
        named = [f"{row.request_id} ({row.basket_ref}, {row.state.value})" for row in rows[:_NAMED]]
        raise NotAllowedNow(
            "DAY_HAS_OPEN_ITEMS",
            count=len(rows),
            items=", ".join(named) + (", …" if len(rows) > _NAMED else ""),
        )


def _kind_of(row: AttemptSummary) -> Kind | None:
    return kind_of(
        state=row.state,
        way=row.way,
        acknowledged=row.acknowledged,
        surplus_cents=row.surplus_cents,
        reason=row.reason,
    )
