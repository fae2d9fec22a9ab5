"""Where each attempt stands, in one row: kept with every entry, found without reading entries, and made anew from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cvconnect_pos.core.attempt import Way
from cvconnect_pos.core.lifecycle import FINAL, State
from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.journal.arguments import check_members, check_moment, check_number, check_text
from cvconnect_pos.journal.base import AttemptSummary, Search
from cvconnect_pos.journal.chain import Link
from cvconnect_pos.journal.closings import Books, Totals, totals_of
from cvconnect_pos.journal.file import is_opening

if TYPE_CHECKING:
    import apsw

_COLUMNS = tuple(field.name for field in fields(AttemptSummary))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM attempts "  # noqa: S608 - names of our own
_INSERT = f"INSERT INTO attempts ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_UPDATE = """
UPDATE attempts SET changed_at = CASE state WHEN ? THEN changed_at ELSE ? END, state = ?, updated_at = ?{}
WHERE request_id = ?
"""

_KNOWN = (
    "received_cents", "acknowledged", "transaction_id", "reason", "reserved_cents", "capture_cents", "surplus_cents",
    "settled_otherwise",
)  # fmt: skip
"""What an entry may say anew; the rest stands in the entry that opens the attempt."""

_READERS: dict[str, Callable[[Any], Any]] = {
    "state": State,
    "way": Way,
    "opened_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
    "changed_at": datetime.fromisoformat,
    "simulation": bool,
    "acknowledged": bool,
    "settled_otherwise": bool,
}
"""How the columns that SQLite has no type for come back."""


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
    elif link.state:
        known = _news(data)
        told = "".join(f", {name} = ?" for name in known)
        connection.execute(
            _UPDATE.format(told), (link.state, link.at, link.state, link.at, *known.values(), link.request_id)
        )
        if connection.changes() == 0:
            raise InvalidInput("REQUEST_UNKNOWN", field="request_id", request_id=link.request_id)


def _news(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _KNOWN if name in data}


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
    state, at = State(link.state), datetime.fromisoformat(link.at)
    changed_at = before.changed_at if state is before.state else at
    return replace(before, state=state, updated_at=at, changed_at=changed_at, **_news(data))


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
        content = dict(zip(_COLUMNS, row, strict=True))
        read: dict[str, Any] = {name: reader(content[name]) for name, reader in _READERS.items()}
        yield AttemptSummary(**{**content, **read})


def unsettled(connection: apsw.Connection) -> Iterator[AttemptSummary]:
    """Read the rows of what the till has not acknowledged, or where a surplus is left, oldest first."""
    # Told which index: for the order, SQLite would rather walk through years of settled rows.
    return summaries(
        connection, "INDEXED BY attempts_unsettled WHERE acknowledged = 0 OR surplus_cents > 0 ORDER BY seq"
    )


def unfinished(connection: apsw.Connection) -> Iterator[AttemptSummary]:
    """Read the rows of whatever is not over in every respect, oldest first; all rows are looked at."""
    final = ", ".join(f"'{state.value}'" for state in FINAL)
    condition = f"WHERE acknowledged = 0 OR surplus_cents > 0 OR state NOT IN ({final}) ORDER BY seq"
    return summaries(connection, condition)


def check(wanted: Search) -> None:
    """Refuse a search that cannot be carried out.

    Raises:
        InvalidInput: See `Journal.attempts`.
    """
    checks: dict[str, Callable[[str, object], object]] = {
        "basket_ref": check_text,
        "seller_id": check_text,
        "customer_ref": check_text,
        "transaction_id": check_text,
        "opened_from": check_moment,
        "opened_before": check_moment,
        "updated_from": check_moment,
        "amount_cents": check_number,
        "before_seq": check_number,
    }
    for field, check_one in checks.items():
        value = getattr(wanted, field)
        if value is not None:
            check_one(field, value)
    check_members("states", wanted.states, State)
    check_members("ways", wanted.ways, Way)


def search(
    connection: apsw.Connection, wanted: Search, limit: int, *, after_seq: int | None = None
) -> list[AttemptSummary]:
    """Find rows, newest first; or, when `after_seq` is given, those after it, oldest first."""
    conditions = {
        "basket_ref = ?": wanted.basket_ref,
        "seller_id = ?": wanted.seller_id,
        "customer_ref = ?": wanted.customer_ref,
        "transaction_id <> '' AND transaction_id = ?": wanted.transaction_id,
        "opened_at >= ?": _utc(wanted.opened_from),
        "opened_at < ?": _utc(wanted.opened_before),
        "updated_at >= ?": _utc(wanted.updated_from),
        "? IN (asked_cents, received_cents)": wanted.amount_cents,
        "acknowledged = ?": wanted.acknowledged,
        "seq < ?": wanted.before_seq,
        "seq > ?": after_seq,
    }
    values: list[object] = [value for value in conditions.values() if value is not None]
    clauses = [clause for clause, value in conditions.items() if value is not None]
    for column, several in (("state", wanted.states), ("way", wanted.ways)):
        if several:
            clauses.append(f"{column} IN ({', '.join('?' * len(several))})")
            values += sorted(one.value for one in several)
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
        seq=link.seq,
        request_id=link.request_id,
        basket_ref=data["basket_ref"],
        seller_id=data["seller_id"],
        state=State(link.state),
        asked_cents=data["amount_cents"],
        received_cents=None,
        opened_at=at,
        updated_at=at,
        simulation=data["simulation"],
        acknowledged=False,
        way=Way(data["way"]),
        customer_ref=data["customer_ref"],
        label=data["label"],
        changed_at=at,
    )


def _insert(connection: apsw.Connection, row: AttemptSummary) -> None:
    connection.execute(_INSERT, tuple(_written(getattr(row, name)) for name in _COLUMNS))


def _written(value: Any) -> Any:
    return moment(value) if isinstance(value, datetime) else value


def moment(at: datetime) -> str:
    """Write a moment as the journal does: UTC, to the microsecond, so that texts sort as moments do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _utc(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
