"""Where each attempt stands, in one row: kept with every entry, found without reading entries, and made anew from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.journal.arguments import check_moment, check_number, check_text
from cvconnect_pos.journal.base import AttemptSummary, Search
from cvconnect_pos.journal.chain import Link
from cvconnect_pos.journal.closings import CLOSING, Books, Totals, totals_of
from cvconnect_pos.journal.file import is_opening

if TYPE_CHECKING:
    import apsw

_SELECT = (
    "SELECT seq, request_id, basket_ref, seller_id, state, asked_cents, received_cents, opened_at, updated_at,"
    " simulation, acknowledged FROM attempts "
)
_INSERT = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = """
UPDATE attempts SET state = ?, updated_at = ?, received_cents = CASE WHEN ? THEN ? ELSE received_cents END,
    acknowledged = coalesce(?, acknowledged) WHERE request_id = ?
"""


def keep(connection: apsw.Connection, link: Link, data: Mapping[str, Any]) -> None:
    """Bring an attempt's row up to an entry, in the same transaction.

    Args:
        connection: The journal.
        link: The entry, just written.
        data: Its data.

    Raises:
        InvalidInput: `REQUEST_UNKNOWN`: nothing was begun under that request id.
    """
    if is_opening(link):
        _insert(connection, _opened(link, data))
    elif link.kind != CLOSING:
        known = "received_cents" in data
        values = (
            link.state,
            link.at,
            known,
            data.get("received_cents"),
            data.get("acknowledged"),
            link.request_id,
        )
        connection.execute(_UPDATE, values)
        if connection.changes() == 0:
            raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=link.request_id)


def follow(before: AttemptSummary | None, link: Link, data: Mapping[str, Any]) -> AttemptSummary | None:
    """Say what `keep` makes of a row, without the file.

    Args:
        before: The row; None before the attempt is opened.
        link: An entry of the attempt.
        data: Its data.

    Returns:
        The row after it; None for an entry without an attempt.
    """
    if is_opening(link):
        return _opened(link, data)
    if before is None:
        return None
    acknowledged = data.get("acknowledged")
    return replace(
        before,
        state=State(link.state),
        updated_at=datetime.fromisoformat(link.at),
        received_cents=data.get("received_cents", before.received_cents),
        acknowledged=before.acknowledged if acknowledged is None else acknowledged,
    )


def rebuild(connection: apsw.Connection, links: Iterable[Link]) -> None:
    """Make all rows anew, inside a transaction."""
    import msgspec

    connection.execute("DELETE FROM attempts")
    for link in links:
        keep(connection, link, msgspec.json.decode(link.data))


def summaries(connection: apsw.Connection, condition: str, *values: object) -> Iterator[AttemptSummary]:
    """Read rows."""
    rows: Iterator[tuple[Any, ...]] = connection.execute(_SELECT + condition, values)
    for row in rows:
        summary = AttemptSummary(*row)
        yield replace(
            summary,
            state=State(summary.state),
            opened_at=datetime.fromisoformat(row[7]),
            updated_at=datetime.fromisoformat(row[8]),
            simulation=bool(summary.simulation),
            acknowledged=bool(summary.acknowledged),
        )


def unsettled(connection: apsw.Connection) -> Iterator[AttemptSummary]:
    """Read the rows of what is open, or not acknowledged, oldest first."""
    # Told which index: for the order, SQLite would rather walk through years of settled rows.
    return summaries(connection, "INDEXED BY attempts_unsettled WHERE acknowledged = 0 ORDER BY seq")


def check(wanted: Search) -> None:
    """Refuse a search that cannot be carried out.

    Raises:
        InvalidInput: See `Journal.attempts`.
    """
    checks: dict[str, Callable[[str, object], object]] = {
        "basket_ref": check_text,
        "seller_id": check_text,
        "opened_from": check_moment,
        "opened_before": check_moment,
        "amount_cents": check_number,
        "before_seq": check_number,
    }
    for field, check_one in checks.items():
        value = getattr(wanted, field)
        if value is not None:
            check_one(field, value)


def search(
    connection: apsw.Connection, wanted: Search, limit: int, *, after_seq: int | None = None
) -> list[AttemptSummary]:
    """Find rows, newest first; or, when `after_seq` is given, those after it, oldest first."""
    conditions = {
        "basket_ref = ?": wanted.basket_ref,
        "seller_id = ?": wanted.seller_id,
        "opened_at >= ?": _utc(wanted.opened_from),
        "opened_at < ?": _utc(wanted.opened_before),
        "? IN (asked_cents, received_cents)": wanted.amount_cents,
        "acknowledged = ?": wanted.acknowledged,
        "seq < ?": wanted.before_seq,
        "seq > ?": after_seq,
    }
    values: list[object] = [value for value in conditions.values() if value is not None]
    clauses = [clause for clause, value in conditions.items() if value is not None]
    if wanted.states:
        clauses.append(f"state IN ({', '.join('?' * len(wanted.states))})")
        values += sorted(state.value for state in wanted.states)
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    order = "DESC" if after_seq is None else "ASC"
    return list(summaries(connection, f"{where} ORDER BY seq {order} LIMIT ?", *values, limit))


def books(connection: apsw.Connection) -> Books:
    """Add up all attempts, production and simulation apart."""
    found = {False: Totals(), True: Totals()}
    rows: Iterator[tuple[Any, ...]] = connection.execute(
        "SELECT simulation, state, count(*), total(received_cents) FROM attempts GROUP BY simulation, state"
    )
    for simulation, state, count, money in rows:
        one = totals_of(State(state), int(money))
        found[bool(simulation)] += replace(
            one, attempts=count, payments=one.payments * count, reversals=one.reversals * count
        )
    return Books(production=found[False], simulation=found[True])


def _opened(link: Link, data: Mapping[str, Any]) -> AttemptSummary:
    at = datetime.fromisoformat(link.at)
    return AttemptSummary(
        link.seq,
        link.request_id,
        data["basket_ref"],
        data["seller_id"],
        State(link.state),
        data["amount_cents"],
        None,
        at,
        at,
        data["simulation"],
        acknowledged=False,
    )


def _insert(connection: apsw.Connection, row: AttemptSummary) -> None:
    connection.execute(
        _INSERT,
        (
            row.seq,
            row.request_id,
            row.basket_ref,
            row.seller_id,
            row.state.value,
            row.asked_cents,
            row.received_cents,
            moment(row.opened_at),
            moment(row.updated_at),
            row.simulation,
            row.acknowledged,
        ),
    )


def moment(at: datetime) -> str:
    """Write a moment as the journal does: UTC, to the microsecond, so that texts sort as moments do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _utc(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
