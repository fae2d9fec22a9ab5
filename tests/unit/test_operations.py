"""The list of operations: the same money as the outcomes, nothing twice, nothing lost, and an unknown amount is no zero."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvconnect_pos import InvalidInput, JournalError, NotAllowedNow, Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED, TICKET, authorizations_data
from cvconnect_pos.core.lifecycle import FINAL, Signal
from cvconnect_pos.core.open_items import Kind
from cvconnect_pos.core.provider import Authorization
from cvconnect_pos.history import history_text
from cvconnect_pos.journal.base import ERASED
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.messages import Language
from cvconnect_pos.operation import Operation, OperationStatus, status_of
from cvconnect_pos.operations import Operations
from cvconnect_pos.outcome import GAVE_BACK, HAS_MONEY, Outcome
from cvconnect_pos.settlement import forecast_settlement, payment_day
from cvconnect_pos.texts import ENTRIES, REPORTS

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # noon in Paris
NUMBER = "10000003051"


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt to be written."""

    state: State = State.APPROVED
    received_cents: int = 3000
    at: datetime = NOON
    seller_id: str = ""
    way: Way = Way.QR
    simulation: bool = False
    acknowledged: bool = True
    validated_at: datetime | None = None
    asked_cents: int = 4550
    basket_ref: str = ""
    more: tuple[tuple[str, Any], ...] = ()


def write(journal: SqliteJournal, request_id: str, case: Case) -> None:
    order = Order(
        request_id,
        case.asked_cents,
        case.basket_ref or f"B-{request_id}",
        case.way,
        label="Séjour",
        customer_ref="DOSSIER-7",
        seller_id=case.seller_id,
    )
    journal.begin(order, f"p-{request_id}", case.at, simulation=case.simulation)
    data: dict[str, Any] = {"transaction_id": f"t-{request_id}", **dict(case.more)}
    if case.state in HAS_MONEY | GAVE_BACK:
        money = [Authorization("1", case.received_cents, "10*****3051", case.validated_at)]
        data |= {"received_cents": case.received_cents, "authorizations": authorizations_data(money)}
    journal.append(request_id, case.at, "PAID", case.state, data)
    if case.acknowledged and case.state in FINAL:
        journal.append(request_id, case.at, ACKNOWLEDGED, case.state, {"acknowledged": True})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(tmp_path / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def operations(journal: SqliteJournal) -> Operations:
    return Operations(journal)


def names(operations: Operations, **search: Any) -> list[str]:
    return [each.request_id for each in operations.list(**search).operations]


def pages(operations: Operations, **search: Any) -> list[Operation]:
    found: list[Operation] = []
    before: int | None = None
    while True:
        page = operations.list(before=before, **search)
        found += page.operations
        before = page.before
        if before is None:
            return found
        assert len(page.operations) == search["limit"]


def is_closed(journal: SqliteJournal, day: date) -> bool:
    try:
        return bool(journal.close_day(day, NOON + timedelta(days=60)))
    except NotAllowedNow:
        return False


moments = st.integers(-4_000, 4_000).map(lambda minutes: NOON + timedelta(minutes=minutes))
cases = st.builds(
    Case,
    state=st.sampled_from(State),
    received_cents=st.integers(1, 10_000_000),
    at=moments,
    way=st.sampled_from(Way),
    simulation=st.booleans(),
    acknowledged=st.booleans(),
    validated_at=st.none() | moments,
    asked_cents=st.integers(2000, 10_000_000),
    more=st.sampled_from([(), (), (("surplus_cents", 2000),), (("reason", "AMOUNT_CHANGED"),)]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(cases, max_size=12), st.integers(1, 5))
def test_operations_and_outcomes_tell_the_same_money_and_pages_lose_nothing(
    written: list[Case], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.db")
        for number, case in enumerate(written):
            write(journal, f"r{number}", case)
        operations = Operations(journal)
        found = pages(operations, limit=limit)
        still_open = {each.request_id for each in pages(operations, open_only=True, limit=limit)}
        attempts = {each.request_id: operations.attempt(each.request_id) for each in found}
        outcomes = operations.outcomes(date(2026, 11, 1), date(2026, 12, 31))
        closed = is_closed(journal, date(2026, 11, 30))
        journal.close()

    assert [each.request_id for each in found] == [f"r{n}" for n in reversed(range(len(written)))]
    assert still_open == {each.request_id for each in found if each.needs}
    assert closed is not any(each.blocks_day_close for each in found)
    for each in found:
        outcome = Outcome.of(attempts[each.request_id])
        if outcome is None:
            assert each.received_cents is None
            assert each.remaining_cents is None
        else:
            assert (each.received_cents, each.remaining_cents) == (
                outcome.received_cents,
                outcome.remaining_cents,
            )
        assert each.created_at <= each.updated_at == attempts[each.request_id].changed_at
    assert {outcome.request_id for outcome in outcomes} == {
        each.request_id for each in found if each.received_cents is not None
    }
    assert sum(each.received_cents or 0 for each in found) == sum(each.received_cents for each in outcomes)
    forecast = forecast_settlement(outcomes)
    days = (*forecast.production, *forecast.simulation)
    received = sum(each.received_cents + each.reversed_cents for each in outcomes)
    assert sum(day.received_cents for day in days) == received


def test_what_was_received_is_unknown_until_the_provider_has_said_it(
    journal: SqliteJournal, operations: Operations
) -> None:
    for state in (State.AWAITING, State.IN_DOUBT, State.REVERSING, State.APPROVED):
        write(journal, state.value, Case(state))
    write(journal, "unread", Case(State.AWAITING))
    journal.append("unread", NOON, "PAID", State.APPROVED, {})
    found = {each.request_id: each for each in operations.list().operations}
    for name in ("AWAITING", "IN_DOUBT", "REVERSING", "unread"):
        assert (found[name].received_cents, found[name].remaining_cents) == (None, None)
        assert found[name].text().split("\n")[0].split()[-2:] == ["—", "—"]
    assert (found["APPROVED"].received_cents, found["APPROVED"].remaining_cents) == (3000, 1550)


def test_a_payment_that_was_given_back_is_received_no_more(
    journal: SqliteJournal, operations: Operations
) -> None:
    write(journal, "kept", Case(State.DECIDING))
    write(journal, "back", Case(State.REVERSED))
    back, kept = operations.list().operations
    assert (kept.received_cents, kept.remaining_cents, kept.needs) == (3000, 1550, "DECISION")
    assert (back.received_cents, back.remaining_cents, back.needs) == (0, 4550, "")
    assert kept.blocks_day_close
    assert not back.blocks_day_close


def test_a_reservation_says_what_is_reserved_and_not_that_it_was_received(
    journal: SqliteJournal, operations: Operations
) -> None:
    write(journal, "held", Case(State.RESERVED, more=(("reserved_cents", 4000),)))
    write(journal, "taken", Case(State.RESERVED, more=(("reserved_cents", 4000), ("capture_cents", 2500))))
    journal.append("taken", NOON, "PAID", State.APPROVED, {"received_cents": 2500})
    taken, held = operations.list().operations
    assert (held.received_cents, held.reserved_cents, held.needs) == (0, 4000, "RESERVED")
    assert not held.blocks_day_close
    assert "Réservé, non encaissé : 40,00\u00a0€" in held.text()
    assert (taken.received_cents, taken.remaining_cents, taken.reserved_cents) == (2500, 0, None)


def test_operations_are_found_by_what_a_person_knows_of_them(
    journal: SqliteJournal, operations: Operations
) -> None:
    write(journal, "r1", Case(seller_id="S1", basket_ref="B1"))
    write(journal, "r2", Case(State.EXPIRED, seller_id="S2", basket_ref="B2", asked_cents=9900))
    write(journal, "r3", Case(State.CANCEL_SENT, seller_id="S1", at=NOON + timedelta(days=1)))
    write(journal, "r4", Case(State.LINE_RELEASED, seller_id="S1", at=NOON + timedelta(days=2)))
    assert names(operations) == ["r4", "r3", "r2", "r1"]
    assert names(operations, mine="S1") == ["r4", "r3", "r1"]
    assert names(operations, basket_ref="B2") == ["r2"]
    assert names(operations, status=OperationStatus.CANCELLING) == ["r3"]
    assert names(operations, status=State.EXPIRED) == ["r2"]
    assert names(operations, status=State.CANCELLING) == []
    assert names(operations, amount_cents=3000) == ["r1"]
    assert names(operations, amount_cents=9900) == ["r2"]
    assert names(operations, open_only=True) == ["r4", "r3"]
    assert names(operations, open_only=True, limit=1) == ["r4"]
    assert names(operations, open_only=True, status=State.CANCEL_SENT) == ["r3"]
    assert names(operations, since=date(2026, 11, 22)) == ["r4", "r3"]
    assert names(operations, until=date(2026, 11, 21)) == ["r2", "r1"]
    assert names(operations, since=NOON + timedelta(days=1), until=NOON + timedelta(days=2)) == ["r3"]


def test_a_surplus_is_an_open_item_until_it_is_given_back(
    journal: SqliteJournal, operations: Operations
) -> None:
    for name in ("r1", "r2", "r3"):
        write(journal, name, Case(seller_id=name, more=(("surplus_cents", 2000),)))
    journal.append("r3", NOON, "RIVAL_RECREDITED", State.APPROVED, {"surplus_cents": 0})
    found = operations.list(open_only=True).operations
    assert [(each.request_id, each.needs, each.blocks_day_close) for each in found] == [
        ("r2", "SURPLUS", True),
        ("r1", "SURPLUS", True),
    ]
    assert "À voir : trop perçu, 20,00\u00a0€ à rendre" in found[0].text()
    assert names(operations, open_only=True, mine="r1") == ["r1"]
    assert names(operations, open_only=True, limit=1) == ["r2"]
    assert names(operations, open_only=True, before=operations.list(limit=2).before) == ["r1"]
    assert names(operations, open_only=True, status=State.EXPIRED) == []


SCREENS: dict[str, dict[str, Any]] = {
    "all": {},
    "basket": {"basket_ref": "B-r1"},
    "day": {"since": date(2026, 11, 21), "until": date(2026, 11, 21)},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_a_list_is_found_by_an_index_or_ends_with_its_page(
    journal: SqliteJournal, operations: Operations, screen: str
) -> None:
    for number in range(3):
        write(journal, f"r{number}", Case())
    asked: list[tuple[str, Any]] = []
    connection: Any = journal._connection

    def trace(_cursor: object, sql: str, values: Any) -> bool:
        asked.append((sql, values))
        return True

    connection.exec_trace = trace
    operations.list(**SCREENS[screen])
    connection.exec_trace = None
    [(sql, values)] = [(sql, values) for sql, values in asked if "FROM attempts" in sql]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    searched = any("SEARCH attempts USING INDEX" in line for line in plan)
    assert searched or (screen == "all" and plan == ["SCAN attempts"])  # by seq, as far as the page goes


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 20, 22, 59, 59, 999_999, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 23, 0, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 7, 14, 21, 59, 59, tzinfo=UTC), date(2026, 7, 14)),
        (datetime(2026, 7, 14, 22, 0, tzinfo=UTC), date(2026, 7, 15)),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_a_day_begins_and_ends_at_midnight_in_paris(
    journal: SqliteJournal, operations: Operations, at: datetime, day: date
) -> None:
    write(journal, "r", Case(at=at))
    one = timedelta(days=1)
    assert names(operations, since=day, until=day) == ["r"]
    assert names(operations, until=day - one) == names(operations, since=day + one) == []
    assert [each.request_id for each in operations.outcomes(day, day)] == ["r"]
    assert operations.outcomes(day - one, day - one) == operations.outcomes(day + one, day + one) == []


def test_an_outcome_belongs_to_the_day_on_which_the_customer_validated(
    journal: SqliteJournal, operations: Operations
) -> None:
    asked, paid = NOON - timedelta(days=20), NOON
    journal.begin(Order("r", 4550, "B", Way.DEFERRED), "p", asked, simulation=False)
    money = authorizations_data([Authorization("1", 4550, "", paid - timedelta(hours=13))])
    journal.append("r", paid, "PAID", State.APPROVED, {"received_cents": 4550, "authorizations": money})
    journal.append("r", paid + timedelta(days=9), TICKET, State.APPROVED, {"ticket": "printed"})
    [outcome] = operations.outcomes(date(2026, 11, 20), date(2026, 11, 20))
    assert payment_day(outcome) == date(2026, 11, 20)
    assert operations.outcomes(date(2026, 11, 21), date(2026, 11, 30)) == []


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_at_the_end_of_the_calendar_is_refused(operations: Operations, day: date) -> None:
    with pytest.raises(InvalidInput, match="MOMENT_UNUSABLE"):
        operations.outcomes(day, day)
    with pytest.raises(InvalidInput, match="MOMENT_UNUSABLE"):
        operations.list(since=day, until=day)


def test_an_operation_that_is_not_there_or_not_readable_is_an_error(
    journal: SqliteJournal, operations: Operations
) -> None:
    with pytest.raises(InvalidInput, match="REQUEST_UNKNOWN"):
        operations.entries("r")
    write(journal, "r", Case())
    journal.append("r", NOON, "PAID", State.APPROVED, {"expires_at": "never"})
    with pytest.raises(JournalError, match="JOURNAL_DAMAGED"):
        operations.attempt("r")
    with pytest.raises(JournalError, match="JOURNAL_DAMAGED"):
        operations.outcomes(date(2026, 11, 21), date(2026, 11, 21))


def test_every_status_way_kind_and_entry_has_its_words() -> None:
    keys = {f"status_{status}" for status in OperationStatus} | {f"way_{way}" for way in Way}
    keys |= {f"{group}_{kind}" for kind in Kind for group in ("need", "todo")}
    assert keys <= set(REPORTS)
    assert set(ENTRIES) == {*Signal, "REQUEST", ACKNOWLEDGED, TICKET, ERASED}


def test_every_end_has_a_status_of_its_own_and_only_what_waits_is_waiting() -> None:
    for state in FINAL | {State.DECIDING, State.IN_DOUBT, State.RESERVED}:
        assert status_of(state) is not OperationStatus.PENDING, state
    assert frozenset().union(*(status.states for status in OperationStatus)) == set(State)
    assert [OperationStatus(status).text() for status in ("PENDING", "APPROVED", "CANCELLED", "EXPIRED")] == [
        "En attente de paiement",
        "Validé",
        "Annulé",
        "Expiré",
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("state", State)
def test_a_line_fits_a_screen_and_json(
    journal: SqliteJournal, operations: Operations, state: State, language: Language
) -> None:
    write(journal, "r" * 64, Case(state, 9_999_999, seller_id="s" * 50, basket_ref="b" * 20, simulation=True))
    page = operations.list()
    text = page.text(language)
    assert max(map(len, text.splitlines())) <= 80
    assert "SIMULATION - SANS VALEUR" in text
    assert json.loads(json.dumps(page.as_dict()))["operations"][0]["state"] == state.value


def test_what_a_till_wrote_does_not_steer_a_terminal(journal: SqliteJournal, operations: Operations) -> None:
    write(journal, "r", Case(seller_id="\x1b[2J", basket_ref="B\r\n"))
    text = operations.list().text()
    assert r"panier B\r\n, QR code, vendeur \x1b[2J, réf." in text
    assert not {"\x1b", "\r"} & set(text)


def test_the_largest_amounts_still_fit_a_hundred_columns(
    journal: SqliteJournal, operations: Operations
) -> None:
    write(journal, "r", Case(State.DECIDING, 99_999_999_99, asked_cents=99_999_999_99))
    assert max(map(len, operations.list().text().splitlines())) <= 100


def test_the_list_reads_as_in_the_providers_pages(journal: SqliteJournal, operations: Operations) -> None:
    write(journal, "T1-253-1", Case(seller_id="S1", basket_ref="REF253"))
    write(journal, "T1-254-1", Case(State.AWAITING, way=Way.DEFERRED, basket_ref="REF254"))
    lines = operations.list().text().replace("\u00a0", " ").splitlines()
    assert lines == [
        "Créée le          Statut                     Demandé        Reçu  Reste à payer",
        "21/11/2026 12:00  En attente de paiement     45,50 €           —              —",
        "  T1-254-1, panier REF254, différé, réf. client DOSSIER-7, transaction",
        "  t-T1-254-1, modifiée le 21/11/2026 12:00",
        "  À voir : différé, le client a encore le temps",
        "21/11/2026 12:00  Validé                     45,50 €     30,00 €        15,50 €",
        "  T1-253-1, panier REF253, QR code, vendeur S1, réf. client DOSSIER-7,",
        "  transaction t-T1-253-1, modifiée le 21/11/2026 12:00",
    ]
    assert operations.list(basket_ref="none").text() == "Aucune opération."
    assert operations.list(basket_ref="none").text("en") == "No operation."


def test_a_history_tells_every_entry_and_no_identifier(
    journal: SqliteJournal, operations: Operations
) -> None:
    order = Order("r1", 4550, "B1", Way.EITHER, seller_id="S1", label="Séjour\x1b[2J")
    journal.begin(order, "p1", NOON, simulation=True)
    named = {"beneficiary": "10*****3051", "reason": "", "qr_png": "aGVsbG8="}
    journal.append("r1", NOON, "IDENTIFIED", State.IDENTIFYING, named, identifier=NUMBER)
    money = authorizations_data([Authorization("A1", None, NUMBER, NOON)])
    journal.append("r1", NOON, "PAID", State.APPROVED, {"received_cents": 3000, "authorizations": money})
    journal.append("r1", NOON, TICKET, State.APPROVED, {"ticket": "never heard of"})
    journal.append("r1", NOON, "SOMETHING_NEW", State.APPROVED, {})
    text = history_text(operations.entries("r1")).replace("\u00a0", " ")
    assert text.splitlines() == [
        "21/11/2026 12:00:00  Demande de la caisse [En attente de paiement]",
        "                     Demandé : 45,50 €",
        "                     N° de panier : B1",
        "                     Mode : QR code ou douchette",
        "                     Vendeur : S1",
        r"                     Libellé : Séjour\x1b[2J",
        "21/11/2026 12:00:00  Client identifié [En attente de paiement]",
        "                     Client : 10*****3051",
        "21/11/2026 12:00:00  Payé [Validé]",
        "                     Reçu : 30,00 €",
        "                     Autorisation : A1 (inconnu)",
        "21/11/2026 12:00:00  Ticket [Validé]",
        "                     Ticket : inconnu",
        "21/11/2026 12:00:00  SOMETHING_NEW [Validé]",
    ]
    assert NUMBER not in text


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ({"status": "APPROVED"}, "CHOICE_UNKNOWN"),
        ({"limit": 0}, "NUMBER_OUT_OF_RANGE"),
        ({"limit": "5"}, "NUMBER_OUT_OF_RANGE"),
        ({"since": "2026-01-01"}, "MOMENT_UNUSABLE"),
        ({"amount_cents": 12.5}, "NUMBER_OUT_OF_RANGE"),
    ],
)
def test_a_search_that_cannot_be_is_refused_and_touches_nothing(
    operations: Operations, caplog: pytest.LogCaptureFixture, argument: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        operations.list(**argument)
    assert refused.value.code == code
    assert not caplog.records
