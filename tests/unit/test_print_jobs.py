"""Which ticket is due, and whether it says *DUPLICATA*: read from what was journaled before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import Attempt, Order, State, Way
from cvconnect_pos.core.attempt import REQUEST, TICKET, Entry, JsonData, TicketNote, fold, order_data, rebuild
from cvconnect_pos.core.print_jobs import (
    OWED_FOR,
    TORN_MAX,
    PrintJob,
    is_due,
    is_torn,
    next_job,
    owed_for_s,
    pause_s,
    wants_again,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAID: JsonData = {"received_cents": 4550, "copies": ["merchant"]}
PRINTING, PRINTED, NOT_SENT = (
    {"job": "APPROVED-merchant", "ticket": outcome} for outcome in ("printing", "printed", "not_sent")
)
UNKNOWN = {"job": "APPROVED-merchant", "ticket": "unknown", "ticket_why": "NO_ANSWER"}
TORN = {"job": "APPROVED-merchant", "ticket": "unknown", "ticket_why": "LINK_LOST", "torn": True}


def attempt_of(*data: JsonData, paid: JsonData = PAID) -> Attempt:
    """An attempt that was paid, and what was journaled of its tickets since."""
    order = Order("r1", 4550, "B1", Way.QR)
    entries = [
        Entry(1, "r1", NOON, REQUEST, State.CREATING, order_data(order, "p1", simulation=True)),
        Entry(2, "r1", NOON, "PAID", State.APPROVED, paid),
        *(Entry(n, "r1", NOON, TICKET, State.APPROVED, each) for n, each in enumerate(data, 3)),
    ]
    return rebuild(entries)


_CASES: list[tuple[list[JsonData], str, bool]] = [
    ([], "APPROVED-merchant", True),
    ([PRINTING], "APPROVED-merchant-2 DUPLICATA", True),  # the process that printed it is gone
    ([PRINTING, PRINTED], "APPROVED-merchant-2 DUPLICATA", False),
    ([PRINTING, NOT_SENT], "APPROVED-merchant", True),
    ([PRINTING, NOT_SENT, PRINTING, NOT_SENT], "APPROVED-merchant", True),
    ([PRINTING, UNKNOWN], "APPROVED-merchant-2 DUPLICATA", False),
    ([PRINTING, TORN], "APPROVED-merchant-2 DUPLICATA", True),
    ([NOT_SENT, {"job": "APPROVED-customer", "ticket": "printed"}], "APPROVED-merchant", True),
    ([{"ticket": "printed"}], "APPROVED-merchant DUPLICATA", False),  # a journal of before
    ([{"ticket": "not_sent"}], "APPROVED-merchant", False),
    ([{}], "APPROVED-merchant DUPLICATA", False),
]


@pytest.mark.parametrize(("notes", "job", "due"), _CASES)
def test_what_is_due_follows_from_what_was_written(notes: list[JsonData], job: str, due: bool) -> None:
    attempt = attempt_of(*notes)
    found = next_job(attempt, State.APPROVED, "merchant")
    assert found.name + (" DUPLICATA" if found.duplicate else "") == job
    assert is_due(attempt, State.APPROVED, "merchant") is due


def test_a_ticket_that_nobody_wanted_is_not_due() -> None:
    assert not is_due(attempt_of(), State.APPROVED, "customer")
    assert not is_due(attempt_of(), State.REVERSED, "merchant")
    assert not is_due(attempt_of(paid={"received_cents": 4550}), State.APPROVED, "merchant")
    assert not is_due(attempt_of(paid={"copies": []}), State.APPROVED, "merchant")


def test_a_new_ticket_begins_a_new_account() -> None:
    attempt = attempt_of()
    again = rebuild(
        [
            Entry(1, "r1", NOON, REQUEST, State.CREATING, order_data(attempt.order, "p1", simulation=True)),
            Entry(2, "r1", NOON, "PAID", State.APPROVED, PAID),
            Entry(3, "r1", NOON, TICKET, State.APPROVED, PRINTING),
            Entry(4, "r1", NOON, TICKET, State.APPROVED, PRINTED),
            Entry(5, "r1", NOON, "AMOUNT_RAISED", State.DECIDING, {"received_cents": 9000}),
            Entry(6, "r1", NOON, "KEEP", State.APPROVED, {"copies": ["merchant", "customer"]}),
        ]
    )
    assert (again.ticket_state, again.ticket_seq, again.tickets) == (State.APPROVED, 6, ())
    assert next_job(again, State.APPROVED, "merchant") == PrintJob(State.APPROVED, "merchant")
    assert is_due(again, State.APPROVED, "customer")


def test_a_note_is_no_fact_of_the_payment() -> None:
    attempt = attempt_of()
    noted = attempt_of(PRINTING, TORN)
    assert noted.reason == attempt.reason == ""
    assert noted.tickets == (
        TicketNote("APPROVED-merchant", "printing"),
        TicketNote("APPROVED-merchant", "unknown", "LINK_LOST", torn=True),
    )
    assert [note.as_data() for note in noted.tickets] == [PRINTING, TORN]
    assert replace(noted, tickets=(), ticket="", seq=2) == attempt


@pytest.mark.parametrize(
    ("outcome", "why", "torn"),
    [
        ("unknown", "", False),
        ("unknown", "NO_ANSWER", False),
        ("unknown", "LINK_LOST", True),
        ("unknown", "PAPER_END", True),
        ("not_sent", "PAPER_END", False),
        ("printed", "", False),
    ],
)
def test_a_ticket_is_torn_unless_the_printer_took_all_of_it(outcome: str, why: str, torn: bool) -> None:
    assert is_torn(outcome, why) is torn


def test_after_some_torn_tickets_a_person_looks_at_the_printer() -> None:
    notes: list[JsonData] = []
    for number in range(1, TORN_MAX + 1):
        assert is_due(attempt_of(*notes), State.APPROVED, "merchant")
        name = "APPROVED-merchant" + (f"-{number}" if number > 1 else "")
        notes += [{**TORN, "job": name, "ticket": "printing"}, {**TORN, "job": name}]
    attempt = attempt_of(*notes)
    assert not is_due(attempt, State.APPROVED, "merchant")
    assert next_job(attempt, State.APPROVED, "merchant").number == TORN_MAX + 1


def test_a_ticket_is_owed_as_long_as_its_payment_can_be_reversed() -> None:
    assert timedelta(hours=4) == OWED_FOR
    assert owed_for_s(NOON, NOON) == 14_400
    assert owed_for_s(NOON, NOON + OWED_FOR + timedelta(seconds=1)) == -1
    assert owed_for_s(NOON + timedelta(days=1), NOON) == 14_400


@pytest.mark.parametrize(("received_cents", "is_another"), [(4550, False), (3000, True)])
def test_a_payment_that_is_kept_again_owes_another_ticket_only_for_another_amount(
    received_cents: int, is_another: bool
) -> None:
    attempt = attempt_of(PRINTING, PRINTED)
    again = {"received_cents": received_cents, "copies": ["merchant"]}
    attempt = fold(attempt, Entry(5, "r1", NOON, "PAID", State.REVERSING, {}))
    attempt = fold(attempt, Entry(6, "r1", NOON, "PAID", State.APPROVED, again))
    assert is_due(attempt, State.APPROVED, "merchant") is is_another
    assert attempt.ticket_seq == 6


def test_the_pauses_grow_and_have_an_end() -> None:
    assert [pause_s(tries, 0.0) for tries in range(1, 7)] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pause_s(10_000, 899.0) == 30.0
    assert pause_s(1, 900.0) == 300.0


_OUTCOMES = st.sampled_from(
    [("not_sent", False), ("printed", False), ("unknown", False), ("unknown", True), ("printing", False)]
)


@given(st.lists(_OUTCOMES, max_size=10))
def test_one_ticket_at_most_is_printed_without_the_mention(fates: list[tuple[str, bool]]) -> None:
    notes: list[TicketNote] = []
    plain = 0
    for outcome, torn in fates:
        attempt = replace(attempt_of(), tickets=tuple(notes))
        job = next_job(attempt, State.APPROVED, "merchant")
        plain += not job.duplicate and outcome != "not_sent"
        names = [note.job for note in notes]
        on_paper = {note.job for note in notes} - {
            notes[-1].job if notes[-1:] and notes[-1].outcome == "not_sent" else ""
        }
        assert job.duplicate is bool(on_paper)
        assert (job.name in names) is (bool(notes) and notes[-1].outcome == "not_sent")
        if wants_again(attempt, State.APPROVED, "merchant"):
            assert notes[-1].outcome != "printed"
        notes += [TicketNote(job.name, "printing"), TicketNote(job.name, outcome, torn=torn)]
    assert plain <= 1
