"""The journal on disk against lists and dicts: two handles of one file, closed and opened again, in any order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cvconnect_pos import AttemptStillOpen, InvalidInput, NotAllowedNow, RequestIdReused, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED, Entry, Order
from cvconnect_pos.core.lifecycle import FINAL
from cvconnect_pos.errors import CvConnectError, JournalMoved
from cvconnect_pos.journal.base import ERASED, Search
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

MORE: Final = int(os.environ.get("CVCONNECT_MORE_SCHEDULES", "1"))
"""So many times more walks than the suite takes: `make faults MORE=20`."""

START: Final = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
"""In Paris it is the 31st already, and the next day is another month."""

NUMBERS: Final = ("10000003051", "10000004062", "client@example.invalid")
KNOWN: Final[dict[str, list[Any]]] = {
    "received_cents": [0, 2000, 4550],
    "reason": ["", "LATE_PAYMENT", "AMOUNT_CHANGED"],
    "transaction_id": ["t1", "t2"],
    "surplus_cents": [0, 4550],
    "reserved_cents": [3000, None],
    "capture_cents": [1000, None],
    "settled_otherwise": [True],
    "acknowledged": [False],
}
FIRST: Final[dict[str, Any]] = {
    "received_cents": None,
    "reason": "",
    "transaction_id": "",
    "surplus_cents": 0,
    "reserved_cents": None,
    "capture_cents": None,
    "settled_otherwise": False,
    "acknowledged": False,
}


@dataclass(slots=True)
class Known:
    """What the model holds of an attempt."""

    order: Order
    opened_at: datetime
    entries: list[tuple[int, datetime, str, State, dict[str, Any]]]
    facts: dict[str, Any] = field(default_factory=lambda: dict(FIRST))
    identifiers: list[str] = field(default_factory=list[str])
    changed_at: datetime = START

    @property
    def state(self) -> State:
        return self.entries[-1][3]

    @property
    def is_settled(self) -> bool:
        return self.facts["acknowledged"] and not self.facts["surplus_cents"]


class Books(RuleBasedStateMachine):
    """Two handles of one journal, and a model of what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.sqlite3"
        self.handles = [SqliteJournal(self.path), SqliteJournal(self.path)]
        self.now = START
        self.seq = 0
        self.model: dict[str, Known] = {}
        self.leases: dict[str, tuple[int, float]] = {}
        self.closed: list[date] = []
        self.longer: set[str] = set()

    # --- what is written ----------------------------------------------------------------------------------------------

    @rule(
        who=st.integers(0, 1),
        number=st.integers(1, 5),
        basket=st.sampled_from(["B1", "B2", "B3"]),
        way=st.sampled_from([Way.QR, Way.DEFERRED]),
        amount=st.sampled_from([2000, 4550]),
        identifier=st.sampled_from([None, *NUMBERS]),
    )
    def begin(  # noqa: PLR0917
        self, who: int, number: int, basket: str, way: Way, amount: int, identifier: str | None
    ) -> None:
        request_id = f"r{number}"
        order = Order(
            request_id, amount, basket, way, customer_ref=f"c{number % 2}", seller_id=f"s{number % 3}"
        )
        at = self._tick()
        known = self.model.get(request_id)

        def act() -> tuple[Any, bool]:
            return self.handles[who].begin(
                order, f"p{number}", at, simulation=bool(number % 2), identifier=identifier
            )

        if known and known.order != order:
            with pytest.raises(RequestIdReused):
                act()
        elif known:
            entries, is_new = act()
            assert not is_new
            assert self._plain(entries) == known.entries
        elif any(o.order.basket_ref == basket and not o.facts["acknowledged"] for o in self.model.values()):
            with pytest.raises(AttemptStillOpen):
                act()
        else:
            entries, is_new = act()
            assert is_new
            self.seq += 1
            [entry] = entries
            assert (entry.seq, entry.state, entry.kind) == (self.seq, State.CREATING, "REQUEST")
            kept = [identifier] if identifier else []
            plain = self._plain(entries)
            self.model[request_id] = Known(order, at, plain, identifiers=kept, changed_at=at)

    @precondition(lambda self: self.model)
    @rule(
        who=st.integers(0, 1),
        number=st.integers(1, 5),
        state=st.sampled_from(
            [*sorted(FINAL), State.SHOWING, State.DECIDING, State.RESERVED, State.AWAITING]
        ),
        facts=st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(each) for name, each in KNOWN.items()}
        ),
        behind=st.sampled_from([None, 0, 0, 1, -1]),
        identifier=st.sampled_from([None, None, *NUMBERS]),
    )
    def append(  # noqa: PLR0917
        self,
        who: int,
        number: int,
        state: State,
        facts: dict[str, Any],
        behind: int | None,
        identifier: str | None,
    ) -> None:
        request_id, at = f"r{number}", self._tick()
        known = self.model.get(request_id)
        newest = known.entries[-1][0] if known else 0
        after = None if behind is None else newest - behind

        def act() -> Entry:
            return self.handles[who].append(
                request_id, at, "PENDING", state, facts, identifier=identifier, after=after
            )

        if known is None:
            with pytest.raises(InvalidInput):
                act()
        elif behind:
            with pytest.raises(JournalMoved):
                act()
        else:
            self._wrote(known, act(), at, facts)
            if identifier:
                known.identifiers.append(identifier)

    @precondition(lambda self: any(known.state in FINAL for known in self.model.values()))
    @rule(who=st.integers(0, 1))
    def acknowledge(self, who: int) -> None:
        for request_id, known in self.model.items():
            if known.state in FINAL and not known.facts["acknowledged"]:
                at, facts = self._tick(), {"acknowledged": True, "surplus_cents": 0}
                entry = self.handles[who].append(
                    request_id, at, ACKNOWLEDGED, known.state, facts, after=known.entries[-1][0]
                )
                self._wrote(known, entry, at, facts)

    @rule(who=st.integers(0, 1), number=st.integers(1, 5))
    def erase(self, who: int, number: int) -> None:
        request_id, at = f"r{number}", self._tick()
        known = self.model.get(request_id)
        if known is None:
            with pytest.raises(InvalidInput):
                self.handles[who].erase(request_id, at)
        elif known.state not in FINAL:
            with pytest.raises(NotAllowedNow):
                self.handles[who].erase(request_id, at)
        else:
            assert self.handles[who].erase(request_id, at) == len(known.identifiers)
            if known.identifiers:
                self.seq += 1
                known.entries.append((self.seq, at, ERASED, known.state, {}))
                known.identifiers.clear()

    @rule(
        who=st.integers(0, 1),
        number=st.integers(1, 5),
        until_s=st.sampled_from([5.0, 50.0, 500.0]),
        now_s=st.sampled_from([1.0, 20.0, 200.0]),
    )
    def lease(self, who: int, number: int, until_s: float, now_s: float) -> None:
        request_id = f"r{number}"
        owner, end = self.leases.get(request_id, (who, 0.0))
        free = owner == who or end <= now_s
        assert self.handles[who].lease(request_id, until_s=until_s, now_s=now_s) is free
        if free and not (owner == who and end >= until_s):
            self.leases[request_id] = who, until_s

    @rule(who=st.integers(0, 1), day=st.integers(-1, 2))
    def close_day(self, who: int, day: int) -> None:
        at = self._tick()
        today = (at + timedelta(hours=2)).date()  # Paris keeps summer time by then
        wanted = today + timedelta(days=day)
        unfinished = [known for known in self.model.values() if self._is_in_the_way(known)]

        def act() -> list[str]:
            return [closing.request_id for closing in self.handles[who].close_day(wanted, at)]

        if wanted > today:
            with pytest.raises(InvalidInput):
                act()
        elif wanted in self.closed:
            assert act() == []
        elif unfinished:
            with pytest.raises(NotAllowedNow):
                act()
        elif self.closed and wanted < self.closed[-1]:
            with pytest.raises(InvalidInput):
                act()
        else:
            written = act()
            self.seq += len(written)
            assert f"day/{wanted.isoformat()}" in written
            assert not set(written) & self.longer, "a month or a year is closed once"
            self.longer |= {name for name in written if not name.startswith("day/")}
            if self.closed and self.closed[-1].month != wanted.month:
                assert f"month/{self.closed[-1]:%Y-%m}" in self.longer
            self.closed.append(wanted)

    # --- what happens to the file -------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.handles[who].close()
        self.handles[who] = SqliteJournal(self.path)
        self.leases = {name: held for name, held in self.leases.items() if held[0] != who}

    @rule(who=st.integers(0, 1))
    def rebuild_the_rows(self, who: int) -> None:
        self.handles[who].rebuild_index()

    @rule(hours=st.sampled_from([1, 20, 24]))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # --- what is read -------------------------------------------------------------------------------------------------

    @invariant()
    def every_entry_is_there(self) -> None:
        for handle in self.handles:
            for number in range(1, 6):
                known = self.model.get(f"r{number}")
                assert self._plain(handle.entries(f"r{number}")) == (known.entries if known else [])

    @invariant()
    def identifiers_are_those_given_last(self) -> None:
        for request_id, known in self.model.items():
            expected = known.identifiers[-1] if known.identifiers else None
            assert self.handles[0].identifier(request_id) == expected

    @invariant()
    def unsettled_is_what_the_till_has_not_recorded(self) -> None:
        expected = [name for name, known in self.model.items() if not known.is_settled]
        assert list(self.handles[1].unsettled()) == expected

    @rule(
        who=st.integers(0, 1),
        basket=st.sampled_from([None, "B1", "B2"]),
        ways=st.sampled_from([frozenset[Way](), frozenset({Way.DEFERRED})]),
        states=st.sampled_from([frozenset[State](), FINAL]),
        acknowledged=st.sampled_from([None, True, False]),
        amount=st.sampled_from([None, None, 2000, 4550]),
        customer=st.sampled_from([None, None, "c0"]),
        seller=st.sampled_from([None, None, "s1"]),
        bound=st.sampled_from(["", "opened_from", "opened_before", "updated_from", "before_seq"]),
        place=st.integers(0, 4),
        limit=st.sampled_from([1, 2, 50]),
    )
    def search(self, who: int, place: int, bound: str, limit: int, **wanted: Any) -> None:
        rows = sorted(self.model.values(), key=lambda known: -known.entries[0][0])
        one = rows[place % len(rows)] if rows else None
        opened, updated = (one.opened_at, one.entries[-1][1]) if one else (START, START)
        first = one.entries[0][0] if one else 1
        limits: dict[str, Any] = {
            "opened_from": opened,
            "opened_before": opened,
            "updated_from": updated,
            "before_seq": first,
        }
        tests: dict[str, Callable[[Known], bool]] = {
            "opened_from": lambda k: k.opened_at >= opened,
            "opened_before": lambda k: k.opened_at < opened,
            "updated_from": lambda k: k.entries[-1][1] >= updated,
            "before_seq": lambda k: k.entries[0][0] < first,
        }
        fits: list[Callable[[Known], bool]] = [
            lambda k: wanted["basket"] in {None, k.order.basket_ref},
            lambda k: not wanted["ways"] or k.order.way in wanted["ways"],
            lambda k: not wanted["states"] or k.state in wanted["states"],
            lambda k: wanted["acknowledged"] in {None, k.facts["acknowledged"]},
            lambda k: wanted["amount"] in {None, k.order.amount_cents, k.facts["received_cents"]},
            lambda k: wanted["customer"] in {None, k.order.customer_ref},
            lambda k: wanted["seller"] in {None, k.order.seller_id},
            *([tests[bound]] if bound else []),
        ]
        search = Search(
            basket_ref=wanted["basket"],
            ways=wanted["ways"],
            states=wanted["states"],
            acknowledged=wanted["acknowledged"],
            amount_cents=wanted["amount"],
            customer_ref=wanted["customer"],
            seller_id=wanted["seller"],
            **({bound: limits[bound]} if bound else {}),
        )
        found = self.handles[who].attempts(search, limit=limit)
        expected = [known for known in rows if all(fit(known) for fit in fits)][:limit]
        assert [row.request_id for row in found] == [known.order.request_id for known in expected]
        for row, known in zip(found, expected, strict=True):
            assert {name: getattr(row, name) for name in FIRST} == known.facts
            assert (row.state, row.updated_at, row.changed_at, row.opened_at, row.seq, row.asked_cents) == (
                known.state,
                known.entries[-1][1],
                known.changed_at,
                known.opened_at,
                known.entries[0][0],
                known.order.amount_cents,
            )

    def teardown(self) -> None:
        try:
            report = verify(self.path)
            assert not report.findings, report.findings
            assert report.entries == self.seq
            assert report.attempts == len(self.model)
            assert report.identifiers == sum(len(known.identifiers) for known in self.model.values())
            content = b"".join(
                path.read_bytes() for path in Path(self.folder.name).rglob("*") if path.is_file()
            )
            assert not [number for number in NUMBERS if number.encode() in content]
        finally:
            for handle in self.handles:
                with suppress(CvConnectError):
                    handle.close()
            self.folder.cleanup()

    # --- below --------------------------------------------------------------------------------------------------------

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def _wrote(self, known: Known, entry: Entry, at: datetime, facts: dict[str, Any]) -> None:
        self.seq += 1
        assert entry.seq == self.seq
        if entry.state is not known.state:
            known.changed_at = at
        known.entries.append((entry.seq, at, entry.kind, entry.state, facts))
        known.facts.update(facts)

    @staticmethod
    def _plain(entries: Any) -> list[tuple[int, datetime, str, State, dict[str, Any]]]:
        return [(e.seq, e.at, e.kind, e.state, dict(e.data)) for e in entries]

    @staticmethod
    def _is_in_the_way(known: Known) -> bool:
        if known.facts["surplus_cents"]:
            return True
        if known.state in FINAL:
            return not known.facts["acknowledged"]
        carried = known.state is State.RESERVED or (
            known.state is State.AWAITING and known.order.way is Way.DEFERRED
        )
        return not carried


def test_the_journal_is_the_lists_and_dicts_that_it_stands_for() -> None:
    run_state_machine_as_test(Books, settings=settings(max_examples=25 * MORE, stateful_step_count=30))
