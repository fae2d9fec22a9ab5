"""Every row of the table of races, walked through the pure core: signals, entries, and what is known after them."""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos.core.attempt import (
    REQUEST,
    Attempt,
    Entry,
    Order,
    Rival,
    Way,
    authorizations_data,
    fold,
    opening,
    order_data,
    rebuild,
)
from cvconnect_pos.core.lifecycle import (
    ALIVE,
    CALLS,
    FINAL,
    NEGATIVE,
    TABLE,
    Command,
    Signal,
    State,
    Step,
    step,
)
from cvconnect_pos.core.observation import alarm, is_stale, observe, observe_qr
from cvconnect_pos.core.open_items import Kind, is_in_the_way, kind_of
from cvconnect_pos.core.pacing import FAILURES_TO_OPEN, FIRST_PAUSE_S, Circuit, PollQueue, Urgency, urgency_of
from cvconnect_pos.core.policy import (
    MISSING_GRACE_S,
    PATIENCE_AFTER_EXPIRY_S,
    RESUME_S,
    cadence_of,
    give_back_at,
    poll_delay_s,
    releasable_at,
    rival_delay_s,
)
from cvconnect_pos.core.provider import Authorization, PreTransaction, ProviderState, Transaction
from cvconnect_pos.core.steps import consequences
from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.events import tell
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.journal.chain import GENESIS, Break, Fault, Link, entry_hash, first_break
from cvconnect_pos.journal.leases import LONGEST_S, Lease
from cvconnect_pos.money import check_amount
from cvconnect_pos.tickets import ticket_of

S, G, C, P = State, Signal, Command, ProviderState
NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
HOUR_S = 3_600.0
WINDOW_S = 4 * HOUR_S
ASKED = 4550

ROWS = (
    "answer_to_create_lost",
    "answer_to_payer_lost",
    "other_transaction_pending",
    "not_found_just_after_create",
    "duplicate_late_and_out_of_order_news",
    "cashier_cancels_while_the_customer_validates",
    "answer_to_cancel_lost",
    "cancel_of_unknown_fate_and_the_payment_was_kept",
    "failed_or_expired_and_later_paid",
    "keep_or_reverse_that_nobody_answers",
    "more_than_asked_several_payers_unexpected_beneficiary",
    "amount_changes_after_it_was_approved",
    "paid_without_readable_authorizations",
    "local_patience_ends_while_pending",
    "partial_approval",
    "two_phase_close",
    "either_way_identifier_read_while_the_qr_is_shown",
    "cashier_switches_tender_while_alive",
    "process_killed_at_any_point",
    "two_processes_on_one_journal",
    "cancel_near_the_four_hour_limit",
    "double_scan_stale_code_product_barcode",
    "disk_full_journal_locked_or_damaged",
    "clock_jumps",
    "provider_down",
    "credential_refused",
    "polling",
    "stuck",
)
"""The rows of the table of races, in its order; and the two rules under it."""


@pytest.mark.parametrize("name", ["test_races_table.py", "test_races_till.py"])
def test_every_row_has_its_tests_in_order(name: str) -> None:
    module = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
    names = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
    rows = [row for name in names for row in ROWS if name.startswith(f"test_{row}")]
    assert list(dict.fromkeys(rows)) == list(ROWS)
    assert rows == sorted(rows, key=ROWS.index)


# --- a walk -----------------------------------------------------------------------------------------------------------


class Walk:
    """One attempt, driven by signals alone."""

    def __init__(self, state: State = S.CREATING, *, way: Way = Way.KEYED, **known: Any) -> None:
        named = "10*****3051" if way is Way.KEYED else ""
        order = Order("r1", ASKED, "B1", way, beneficiary=named, reserve=bool(known.pop("reserve", False)))
        entry = Entry(1, "r1", NOW, REQUEST, S.CREATING, order_data(order, "p1", simulation=True))
        self.now = NOW
        self.attempt: Attempt = replace(opening(entry), state=state, **known)
        self.calls: list[Command] = []
        self.told: list[str] = []
        self.tickets: list[State] = []

    def hears(self, *signals: Signal, **data: Any) -> Walk:
        """Take signals, one after the other, as the engine would; each comes with the same data."""
        for signal in signals:
            before = self.attempt
            row = step(before.state, signal)
            assert row is not None, (before.state, signal)
            self.now += timedelta(seconds=1)
            facts = consequences(before, signal, row, data, fresh_payment_id="p2", now=self.now)
            self.attempt = fold(before, Entry(before.seq + 1, "r1", self.now, signal.value, row.state, facts))
            self.calls += [command for command in row.commands if command in CALLS]
            self.told += [event.name for event in tell(before, signal, self.attempt)]
            self.tickets += [row.state for command in row.commands if command is C.TICKET]
        return self

    @property
    def state(self) -> State:
        return self.attempt.state

    @property
    def kind(self) -> Kind | None:
        attempt = self.attempt
        return kind_of(
            state=attempt.state,
            way=attempt.order.way,
            acknowledged=attempt.acknowledged,
            surplus_cents=attempt.surplus_cents,
            reason=attempt.reason,
        )


def money(*cents: int | None, at: datetime | None = None, holder: str = "10*****3051") -> dict[str, Any]:
    """What becomes known with a payment."""
    given = [Authorization(str(n), cent, holder, at) for n, cent in enumerate(cents)]
    return {"authorizations": authorizations_data(given), "received_cents": sum(cent or 0 for cent in cents)}


def reading(state: ProviderState, *cents: int | None, **more: Any) -> Transaction:
    given = tuple(Authorization("1", cent, more.pop("holder", "10*****3051")) for cent in cents)
    return Transaction("t1", state, authorizations=given, **more)


def known(state: State = S.AWAITING, **more: Any) -> Attempt:
    return Walk(state, transaction_id="t1", **more).attempt


PAID = money(ASKED, at=NOW)


# --- the rows ---------------------------------------------------------------------------------------------------------


def test_answer_to_create_lost() -> None:
    walk = Walk().hears(G.CREATE_LOST, reason="PROVIDER_NO_ANSWER")
    assert (walk.state, walk.calls, walk.told) == (S.ORPHANED, [], ["NotStarted"])
    assert S.ORPHANED in FINAL - ALIVE
    for late in (G.CREATED, G.CREATED_NAMED, G.QR_CREATED, G.IDENTIFIED, G.RESUMED):
        assert step(S.ORPHANED, late) is None  # never shown, never used
    assert cadence_of(walk.attempt) is None


def test_answer_to_payer_lost() -> None:
    walk = Walk().hears(G.CREATED_NAMED, transaction_id="t1").hears(G.PAYER_LOST)
    assert (walk.state, walk.calls) == (S.PAYER_UNKNOWN, [C.PAYER])  # it is asked first
    assert walk.hears(G.PENDING).calls == [C.PAYER, C.PAYER]  # and sent again: no payer there
    assert (walk.attempt.transaction_id, walk.attempt.beneficiary) == ("t1", "10*****3051")
    assert walk.hears(G.PAYER_LOST, G.SCAN_SEEN).state is S.AWAITING
    assert walk.calls == [C.PAYER, C.PAYER]


@pytest.mark.parametrize("state", [S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING])
def test_answer_to_payer_lost_another_customer_is_another_attempt(state: State) -> None:
    assert step(state, G.IDENTIFIED) is None
    walk = Walk(state).hears(G.CANCEL, G.PENDING, G.CANCEL_ANSWERED, G.VOIDED)
    assert (walk.state, walk.calls) == (S.CANCELLED, [C.STATUS, C.CANCEL, C.STATUS])


def test_other_transaction_pending() -> None:
    walk = Walk(S.IDENTIFYING).hears(G.PAYER_REFUSED, reason="OTHER_TRANSACTION_PENDING")
    assert (walk.state, walk.told) == (S.OPENED, ["CustomerBusy"])
    assert not walk.attempt.is_final
    assert walk.hears(G.IDENTIFIED).attempt.reason == ""


def test_not_found_just_after_create() -> None:
    assert MISSING_GRACE_S == 60.0
    for state in sorted(ALIVE | {S.OPENED}):
        row = step(state, G.MISSING)
        assert row is not None and row.state not in FINAL
        assert not set(row.commands) & CALLS
    walk = Walk(S.AWAITING).hears(G.MISSING, reason="TRANSACTION_NOT_FOUND")
    assert (walk.kind, walk.told, cadence_of(walk.attempt) is None) == (Kind.DOUBT, ["InDoubt"], False)


RANKS = (
    (G.PENDING,),
    (G.SCAN_SEEN,),
    (G.DECLINED, G.REJECTED, G.LAPSED, G.VOIDED),
    (G.PAID,),
    (G.RECREDITED,),
)


@pytest.mark.parametrize("start", [S.OPENED, S.SHOWING, S.AWAITING])
def test_duplicate_late_and_out_of_order_news(start: State) -> None:
    for height, rank in enumerate(RANKS[1:], 1):
        for word in rank:
            said = PAID if word in {G.PAID, G.RECREDITED} else {}
            high = Walk(start).hears(word, **said)
            for late in [word, *(lower for below in RANKS[:height] for lower in below)]:
                row = step(high.state, late)
                assert row == Step(high.state), (word, late)
    assert Walk(start).hears(G.LAPSED).hears(G.PAID, **PAID).state is S.DECIDING  # it moves up


def test_duplicate_late_and_out_of_order_news_the_update_date_decides_within_a_rank() -> None:
    later = replace(known(S.APPROVED), received_cents=2000, said_at=NOW)
    for word, stale in ((P.VALIDATED, True), (P.CANCELLED, False), (P.PROCESSING, False)):
        assert is_stale(reading(word, ASKED, updated_at=NOW - timedelta(seconds=1)), later) is stale
        assert not is_stale(reading(word, ASKED, updated_at=NOW), later)
        assert not is_stale(reading(word, ASKED), later)
    assert not is_stale(reading(P.VALIDATED, ASKED, updated_at=NOW), known())


CANCELS = {
    G.VOIDED: (S.CANCELLED, "Cancelled"),
    G.PAID: (S.DECIDING, "DecisionNeeded"),
    G.RECREDITED: (S.REVERSED, "Reversed"),
}


@pytest.mark.parametrize("said", CANCELS)
def test_cashier_cancels_while_the_customer_validates(said: Signal) -> None:
    end, event = CANCELS[said]
    walk = Walk(S.AWAITING).hears(G.CANCEL, cancel_asked=True).hears(G.SCAN_SEEN, G.CANCEL_ANSWERED)
    assert walk.calls == [C.STATUS, C.CANCEL, C.STATUS]
    walk.hears(said, **({} if said is G.VOIDED else PAID))
    assert (walk.state, walk.told) == (end, ["Cancelling", event])
    if said is G.PAID:
        assert walk.attempt.reason == "CANCEL_CROSSED"
        assert step(end, G.KEEP) and step(end, G.REVERSE) and not walk.tickets
    if said is G.RECREDITED:
        assert (walk.tickets, ticket_of(walk.attempt).mention) == ([S.REVERSED], "ANNULATION")


def test_cashier_cancels_while_the_customer_validates_a_cancelled_word_is_read_by_its_money() -> None:
    assert observe(reading(P.CANCELLED), known()) is G.VOIDED
    assert observe(reading(P.CANCELLED, ASKED), known()) is G.RECREDITED
    assert observe(reading(P.CANCELLED, None), known()) is G.UNREADABLE


def test_answer_to_cancel_lost() -> None:
    walk = Walk(S.CANCEL_SENT).hears(G.CANCEL_LOST)
    assert (walk.state, walk.calls) == (S.CANCEL_UNKNOWN, [])  # the next thing is a poll
    assert walk.hears(G.SCAN_SEEN).calls == [C.CANCEL]  # again: still pending
    assert walk.hears(G.CANCEL_LOST).hears(G.PAID, **PAID).calls == [C.CANCEL]  # not again: paid
    assert walk.hears(G.REVERSE, G.CANCEL_LOST, G.PAID).calls == [C.CANCEL, C.REVERSE, C.REVERSE]


def test_cancel_of_unknown_fate_and_the_payment_was_kept() -> None:
    walk = Walk(S.CANCELLING).hears(G.PENDING, G.CANCEL_LOST).hears(G.PAID, **PAID).hears(G.KEEP)
    assert (walk.state, walk.attempt.cancel_sent) == (S.APPROVED, True)
    delays = [poll_delay_s(walk.attempt, age_s, 0.0) for age_s in (0.0, WINDOW_S - 1, WINDOW_S + 120)]
    assert delays == [30.0, 300.0, None]
    walk.hears(G.RECREDITED)
    assert (walk.state, walk.told[-1], walk.kind) == (
        S.REVERSED_AFTER_KEEP,
        "ReversedAfterKeep",
        Kind.CHANGED,
    )


@pytest.mark.parametrize(
    ("state", "before"),
    [
        (S.DECIDING, (G.REVERSE, G.CANCEL_REFUSED, G.PAID)),
        (S.SWITCH_ASKED, (G.PENDING, G.CANCEL_LOST, G.PAID, G.KEEP)),
        (S.LINE_RELEASED, (G.PENDING, G.CANCEL_LOST, G.PAID, G.KEEP)),
    ],
)
def test_cancel_of_unknown_fate_and_the_payment_was_kept_wherever_it_was_sent(
    state: State, before: tuple[Signal, ...]
) -> None:
    walk = Walk(state).hears(*before)
    assert (walk.state, poll_delay_s(walk.attempt, 0.0, 0.0)) == (S.APPROVED, 30.0)


@pytest.mark.parametrize("end", [G.REJECTED, G.LAPSED, G.DECLINED, G.VOIDED])
def test_failed_or_expired_and_later_paid(end: Signal) -> None:
    walk = Walk(S.AWAITING).hears(end)
    walk.attempt = replace(walk.attempt, acknowledged=True)
    walk.hears(G.PAID, **PAID)
    assert (walk.state, walk.attempt.reason) == (S.DECIDING, "LATE_PAYMENT")
    assert (walk.told[-1], walk.attempt.acknowledged) == ("DecisionNeeded", False)
    assert step(walk.state, G.KEEP) == Step(S.APPROVED, (C.TELL, C.TICKET))  # the till attaches it
    assert step(walk.state, G.REVERSE) == Step(S.REVERSING, (C.REVERSE,))


def test_keep_or_reverse_that_nobody_answers() -> None:
    walk = Walk(S.EXPIRED, acknowledged=True, settled_otherwise=True).hears(G.PAID, **PAID)
    assert walk.kind is Kind.DECISION and is_in_the_way(walk.kind)
    back = give_back_at(walk.attempt, WINDOW_S)
    assert back is not None and NOW < back < NOW + timedelta(seconds=WINDOW_S)
    assert give_back_at(replace(walk.attempt, settled_otherwise=False), WINDOW_S) is None


def test_keep_or_reverse_that_nobody_answers_a_surplus_is_an_open_item_until_it_is_gone() -> None:
    since = NOW.isoformat()
    rival = {"payment_id": "p0", "pre_transaction_id": "q", "transaction_id": "t0", "since": since}
    paid_twice = {"rival": rival, "surplus_cents": ASKED}
    walk = Walk(S.AWAITING).hears(G.PAID, **PAID)
    walk.attempt = replace(walk.attempt, acknowledged=True)
    walk.hears(G.RIVAL_PAID, **paid_twice)
    assert (walk.state, walk.calls, walk.kind) == (S.APPROVED, [C.RIVAL_CANCEL], Kind.SURPLUS)
    assert not walk.attempt.acknowledged and is_in_the_way(Kind.SURPLUS)
    walk.hears(G.RIVAL_RECREDITED, surplus_cents=0)
    assert (walk.attempt.surplus_cents, walk.kind) == (0, Kind.UNRECORDED)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (reading(P.VALIDATED, ASKED + 1), "OVERPAID"),
        (reading(P.VALIDATED, 2000, 2000, payers_paid=2), "SEVERAL_PAYERS"),
        (reading(P.VALIDATED, ASKED, holder="10*****4062"), "UNEXPECTED_PAYER"),
    ],
)
def test_more_than_asked_several_payers_unexpected_beneficiary(said: Transaction, why: str) -> None:
    attempt = known()
    assert (observe(said, attempt), alarm(said, attempt)) == (G.OVERPAID, why)
    walk = Walk(S.AWAITING).hears(G.OVERPAID, reason=why, **money(said.received_cents))
    assert (walk.state, walk.attempt.reason, walk.told) == (S.DECIDING, why, ["DecisionNeeded"])
    assert step(S.DECIDING, G.KEEP) and step(S.DECIDING, G.REVERSE)


def test_amount_changes_after_it_was_approved() -> None:
    walk = Walk(S.AWAITING, transaction_id="t1").hears(G.PAID, **PAID)
    walk.attempt = replace(walk.attempt, acknowledged=True)
    assert observe(reading(P.VALIDATED, 2000), walk.attempt) is G.AMOUNT_CHANGED
    walk.hears(G.AMOUNT_CHANGED, **money(2000))
    assert (walk.state, walk.attempt.received_cents) == (S.APPROVED, 2000)
    assert (walk.told[-1], walk.kind) == ("AmountChanged", Kind.CHANGED)
    assert walk.hears(G.AMOUNT_CHANGED, **money(2000)).told.count("AmountChanged") == 1
    assert observe(reading(P.VALIDATED, ASKED + 1), walk.attempt) is G.AMOUNT_RAISED
    walk.hears(G.AMOUNT_RAISED, reason="OVERPAID", **money(ASKED + 1))
    assert (walk.state, walk.attempt.reason) == (S.DECIDING, "OVERPAID")  # above what was asked: a person


@pytest.mark.parametrize("cents", [(), (None,), (0,), (-1,), (ASKED, None)])
@pytest.mark.parametrize("word", [P.VALIDATED, P.CONSIGNED, P.PAID, P.AUTHORIZED])
def test_paid_without_readable_authorizations(cents: tuple[int | None, ...], word: ProviderState) -> None:
    assert observe(reading(word, *cents), known()) is G.PAID_UNREADABLE
    walk = Walk(S.AWAITING).hears(G.PAID_UNREADABLE, reason="UNREADABLE_ANSWER")
    assert (walk.state, walk.attempt.received_cents, walk.kind) == (S.IN_DOUBT, None, Kind.DOUBT)
    assert poll_delay_s(walk.attempt, 0.0, 0.0) == 5.0  # status again
    assert walk.hears(G.PAID, **money(3000)).attempt.received_cents == 3000


@pytest.mark.parametrize("end", sorted(NEGATIVE | {S.LINE_RELEASED}))
def test_paid_without_readable_authorizations_after_the_end(end: State) -> None:
    walk = Walk(end, acknowledged=True).hears(G.PAID_UNREADABLE, reason="UNREADABLE_ANSWER")
    assert (walk.state, walk.kind, walk.attempt.acknowledged) == (S.IN_DOUBT, Kind.DOUBT, False)
    assert (
        Walk(end, acknowledged=True).hears(G.UNREADABLE).attempt.acknowledged
    )  # a word that is not about money


def test_local_patience_ends_while_pending() -> None:
    assert PATIENCE_AFTER_EXPIRY_S == 20.0
    walk = Walk(S.AWAITING).hears(G.CANCEL, cancel_asked=True, reason="PATIENCE")
    assert walk.state not in FINAL  # a timer asks, the provider decides
    for refused in range(3):
        walk.hears(G.SCAN_SEEN, G.CANCEL_REFUSED, G.STALLED)
        assert walk.calls.count(C.CANCEL) == refused + 1
    assert poll_delay_s(walk.attempt, 10 * HOUR_S, 0.0) == 30.0  # watched, however late
    assert walk.hears(G.LAPSED).state is S.EXPIRED


def test_partial_approval() -> None:
    walk = Walk(S.AWAITING, transaction_id="t1")
    assert observe(reading(P.VALIDATED, 3000), walk.attempt) is G.PAID
    attempt = walk.hears(G.PAID, **money(3000)).attempt
    assert (attempt.state, attempt.received_cents, attempt.due_cents) == (S.APPROVED, 3000, ASKED)
    assert ("Reste à payer", 1550) in [(each.label, each.amount_cents) for each in ticket_of(attempt).amounts]
    assert step(S.APPROVED, G.REVERSE)  # or the till completes it otherwise: not with this tender
    with pytest.raises(InvalidInput, match="AMOUNT_BELOW_FLOOR"):
        check_amount(1550, floor_cents=2000)


@pytest.mark.parametrize(
    ("act", "lost", "sent", "unknown"),
    [
        (G.CAPTURE, G.CAPTURE_LOST, C.CAPTURE, S.CAPTURE_UNKNOWN),
        (G.RELEASE, G.RELEASE_LOST, C.RELEASE, S.RELEASE_UNKNOWN),
    ],
)
def test_two_phase_close(act: Signal, lost: Signal, sent: Command, unknown: State) -> None:
    held = {"reserved_cents": ASKED, "expires_at": NOW.isoformat()}
    undecided = Walk(S.AWAITING, reserve=True).hears(G.HELD, **held).hears(G.RESTARTED)
    assert (undecided.state, undecided.calls, undecided.kind) == (S.RESERVED, [C.STATUS], Kind.RESERVED)
    for end in (lost, G.RESTARTED):  # decided: resent, however it was interrupted
        walk = Walk(S.AWAITING, reserve=True).hears(G.HELD, **held).hears(act, capture_cents=3000).hears(end)
        assert (walk.state, walk.calls[0]) == (unknown, sent)
        assert walk.hears(G.HELD).calls[-1] is sent
        assert walk.attempt.due_cents == 3000


def test_either_way_identifier_read_while_the_qr_is_shown() -> None:
    walk = Walk(way=Way.EITHER).hears(G.QR_CREATED, pre_transaction_id="q1", qr_payload="qr")
    assert step(S.SHOWING, G.IDENTIFIED) == Step(S.SWITCH_ASKED, (C.HIDE, C.DISARM, C.STATUS))
    walk.hears(G.IDENTIFIED, beneficiary="10*****3051").hears(
        G.PENDING, G.CANCEL_ANSWERED, G.PENDING, G.VOIDED
    )
    assert (walk.calls, walk.attempt.qr_payload) == ([C.STATUS, C.CANCEL, C.STATUS, C.CREATE], "")
    assert (walk.attempt.payment_id, walk.attempt.rival and walk.attempt.rival.pre_transaction_id) == (
        "p2",
        "q1",
    )
    assert walk.hears(G.CREATED_NAMED, transaction_id="t1").calls[-1] is C.PAYER


@pytest.mark.parametrize(
    "heard", [G.CANCEL_LOST, G.CANCEL_REFUSED, G.STALLED, G.SCAN_SEEN, G.UNREADABLE, G.PAID]
)
def test_either_way_identifier_read_while_the_qr_is_shown_but_not_dead(heard: Signal) -> None:
    row = step(S.SWITCHING, heard)
    assert row is not None and not {C.CREATE, C.PAYER} & set(row.commands)
    after = {state for (state, _), row in TABLE.items() if C.PAYER in row.commands}
    assert row.state not in after  # and no way leads from there to a payer


@pytest.mark.parametrize("state", [S.SWITCH_ASKED, S.SWITCHING])
def test_either_way_identifier_read_while_the_qr_is_shown_but_scanned(state: State) -> None:
    walk = Walk(state, way=Way.EITHER, beneficiary="10*****4062").hears(G.SCAN_SEEN)
    assert (walk.state, walk.calls, step(S.SCANNED, G.IDENTIFIED)) == (S.SCANNED, [], None)
    assert walk.attempt.beneficiary == ""  # the label names nobody


def test_either_way_identifier_read_while_the_qr_is_shown_both_paid() -> None:
    rival = {"payment_id": "p1", "pre_transaction_id": "q1", "transaction_id": "t0", "since": NOW.isoformat()}
    walk = Walk(S.APPROVED, received_cents=ASKED).hears(G.RIVAL_PAID, rival=rival, surplus_cents=ASKED)
    assert (walk.calls, walk.kind, walk.told) == ([C.RIVAL_CANCEL], Kind.SURPLUS, ["SurplusReceived"])
    assert rival_delay_s(walk.attempt, 60.0) == 10.0  # a failed reversal is tried again
    walk.hears(G.RIVAL_PAID, rival=rival, surplus_cents=ASKED)
    assert walk.calls == [C.RIVAL_CANCEL] * 2 and walk.told == ["SurplusReceived"]
    assert walk.hears(G.RIVAL_RECREDITED, surplus_cents=0).told[-1] == "SurplusReversed"


@pytest.mark.parametrize(("rival_s", "kept"), [(-1, "t0"), (1, "t1")])
def test_either_way_identifier_read_while_the_qr_is_shown_both_paid_and_the_earlier_is_kept(
    rival_s: int, kept: str
) -> None:
    rival = {"payment_id": "p0", "pre_transaction_id": "q1", "transaction_id": "t0", "since": NOW.isoformat()}
    walk = Walk(S.AWAITING, transaction_id="t1", rival=Rival("p0", "q1", "", NOW)).hears(G.PAID, **PAID)
    theirs = money(2000, at=NOW + timedelta(seconds=rival_s))["authorizations"]
    walk.hears(G.RIVAL_PAID, rival=rival, surplus_cents=2000, authorizations=theirs)
    attempt = walk.attempt
    assert attempt.rival is not None and {attempt.transaction_id, attempt.rival.transaction_id} == {
        "t0",
        "t1",
    }
    assert (attempt.transaction_id, walk.calls) == (kept, [C.RIVAL_CANCEL])  # the other is given back
    assert sorted((attempt.received_cents or 0, attempt.surplus_cents)) == [2000, ASKED]


def test_either_way_identifier_read_while_the_qr_is_shown_a_rival_paid_unreadably_is_an_open_item() -> None:
    walk = Walk(S.APPROVED, acknowledged=True, received_cents=ASKED).hears(G.RIVAL_UNREADABLE)
    assert (walk.calls, walk.attempt.acknowledged, walk.kind is None) == ([C.RIVAL_CANCEL], False, False)
    assert walk.attempt.reason == "SURPLUS_UNREADABLE"
    assert walk.hears(G.RIVAL_DEAD).attempt.reason == ""


def test_cashier_switches_tender_while_alive() -> None:
    for state in sorted(ALIVE):
        assert state not in FINAL  # the basket takes no other request
    expiry = NOW + timedelta(minutes=5)
    assert releasable_at(known(expires_at=expiry)) == expiry + timedelta(minutes=1)
    walk = Walk(S.AWAITING).hears(G.RELEASE_LINE, released_by="chef", released_why="panne")
    assert (walk.state, walk.attempt.released_by, walk.told) == (S.LINE_RELEASED, "chef", ["LineReleased"])
    assert [poll_delay_s(walk.attempt, day * 86_400.0, 0.0) for day in (0, 30)] == [10.0, 3_600.0]
    walk.attempt = replace(walk.attempt, acknowledged=True)
    assert walk.kind is Kind.RELEASED_LINE  # listed
    assert walk.hears(G.PENDING).calls == [C.CANCEL]
    assert walk.hears(G.PAID, **PAID).state is S.DECIDING


@pytest.mark.parametrize("state", sorted(State))
def test_process_killed_at_any_point(state: State) -> None:
    row = step(state, G.RESTARTED)
    quiet = {S.ORPHANED, S.REVERSED, S.REVERSED_AFTER_KEEP}
    if state in quiet:
        assert row is None
        return
    assert row is not None
    assert state is S.CREATING or [c for c in row.commands if c in CALLS] == [C.STATUS]
    assert not {C.SHOW, C.ARM} & set(row.commands)
    assert C.HIDE in row.commands or state not in {S.SHOWING, S.SWITCHING}


def test_process_killed_at_any_point_a_qr_comes_back_only_when_the_till_does() -> None:
    assert {key for key, row in TABLE.items() if C.SHOW in row.commands} == {
        (S.CREATING, G.QR_CREATED),
        (S.SHOWING, G.RESUMED),
    }
    walk = Walk(S.SHOWING, way=Way.QR).hears(G.RESTARTED)
    assert RESUME_S == 20.0
    assert walk.hears(G.CANCEL, reason="INTERRUPTED").state is S.CANCELLING
    assert cadence_of(walk.hears(G.PENDING, G.CANCEL_ANSWERED, G.VOIDED).attempt) is not None  # watched
    assert Walk().hears(G.RESTARTED).state is S.ORPHANED


@pytest.mark.parametrize(
    ("lease", "is_free"),
    [
        (Lease("me", "boot", 100.0), False),
        (Lease("me", "boot", 10.0), True),
        (Lease("me", "other boot", 100.0), True),
        (Lease("dead", "boot", 100.0), True),
        (Lease("me", "boot", 11.0 + LONGEST_S), True),
    ],
)
def test_two_processes_on_one_journal(lease: Lease, is_free: bool) -> None:
    assert lease.is_free(10.0, "boot", lambda owner: owner == "me") is is_free


def test_cancel_near_the_four_hour_limit() -> None:
    walk = Walk(S.APPROVED, transaction_id="t1", received_cents=ASKED)
    walk.hears(G.REVERSE).hears(G.CANCEL_REFUSED, reason="OPERATION_TRANSACTION_NOT_ALLOWED")
    assert walk.calls == [C.REVERSE, C.STATUS]  # its verdict is final: no second try
    assert walk.hears(G.PAID, **PAID).told == ["ReversalRefused"]
    assert (walk.state, walk.calls) == (S.APPROVED, [C.REVERSE, C.STATUS])
    late = known(S.DECIDING, settled_otherwise=True, authorizations=(Authorization("1", ASKED, "", NOW),))
    back = give_back_at(late, WINDOW_S)
    assert back == NOW + timedelta(seconds=WINDOW_S) - timedelta(minutes=30)  # with a margin


@pytest.mark.parametrize("state", sorted(set(State) - {S.OPENED, S.SHOWING}))
def test_double_scan_stale_code_product_barcode(state: State) -> None:
    assert step(state, G.IDENTIFIED) is None  # one window for a line, and it is shut


@pytest.mark.parametrize(
    "code", ["3017620422003", "96385074", "https://exemple.invalid/carte", "", "0" * 500]
)
def test_double_scan_stale_code_product_barcode_is_refused_with_the_reason(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Beneficiary.parse(code)
    assert refused.value.code.startswith("BENEFICIARY_") and refused.value.text("fr")
    assert not code or code not in refused.value.text("fr")


@pytest.mark.parametrize("harm", [{"way": "fax"}, {"amount": 1}, {"payment_id": None, "order": 1}])
def test_disk_full_journal_locked_or_damaged(harm: Mapping[str, Any]) -> None:
    order = Order("r1", ASKED, "B1", Way.QR)
    whole = order_data(order, "p1", simulation=True)
    assert rebuild([Entry(1, "r1", NOW, REQUEST, S.CREATING, whole)]).order == order
    with pytest.raises((KeyError, TypeError, ValueError)):  # never an attempt that is half right
        rebuild([Entry(1, "r1", NOW, REQUEST, S.CREATING, whole | dict(harm))])


def test_disk_full_journal_locked_or_damaged_a_changed_entry_breaks_the_chain() -> None:
    fields = ("r1", NOW.isoformat(), REQUEST, "CREATING", "{}", b"")
    link = Link(1, *fields, GENESIS, entry_hash(GENESIS, 1, *fields))
    assert first_break([link], seq=1, previous=GENESIS) is None
    broken = first_break([replace(link, state="APPROVED")], seq=1, previous=GENESIS)
    assert broken == Break(1, Fault.CHANGED)


@pytest.mark.parametrize("jump", [timedelta(hours=-26), timedelta(hours=1), timedelta(days=9000)])
def test_clock_jumps(jump: timedelta) -> None:
    for state in sorted(State):
        attempt = known(state)
        moved = replace(attempt, opened_at=NOW + jump, updated_at=NOW + jump, changed_at=NOW + jump)
        for age_s in (0.0, 61.0, 700.0, 90_000.0):  # by the monotonic clock alone
            assert poll_delay_s(moved, age_s, 0.3) == poll_delay_s(attempt, age_s, 0.3)
    walk = Walk(S.AWAITING)
    walk.now += jump
    assert (
        walk.hears(G.PAID, **PAID).attempt.changed_at.tzinfo is UTC
    )  # records are UTC, in the order of writing
    assert walk.attempt.seq == 2


def test_provider_down() -> None:
    circuit = Circuit()
    for _ in range(FAILURES_TO_OPEN):
        circuit.failed(0.0)
    assert (circuit.allows_create(1.0), circuit.retry_in_s(1.0)) == (
        False,
        FIRST_PAUSE_S - 1.0,
    )  # said at once
    assert circuit.held_s(1.0) == 0.0  # status calls and cancels go on
    circuit.answered()
    assert circuit.allows_create(1.0)
    assert Walk().hears(G.CREATE_REFUSED, reason="PROVIDER_DOWN").state is S.ORPHANED


REFUSED = {G.CREATE_REFUSED, G.PAYER_REFUSED, G.CANCEL_REFUSED, G.CAPTURE_REFUSED, G.RELEASE_REFUSED}


def test_credential_refused() -> None:
    for (state, signal), row in TABLE.items():
        if signal in REFUSED:  # never by itself again: at most it is asked what is true now
            assert set(row.commands) & CALLS <= {C.STATUS}, (state, signal)
            assert row.state not in FINAL or state in {S.CREATING, S.LINE_RELEASED}
    walk = Walk(S.IDENTIFYING).hears(G.PAYER_REFUSED, reason="INVALID_SEAL")
    assert (walk.told, walk.attempt.reason) == (["ScanRefused"], "INVALID_SEAL")


# --- the two rules under the table --------------------------------------------------------------------------------------


def polls(attempt: Attempt, start_s: float, end_s: float, seed: int = 1) -> int:
    """How often an attempt is polled from one age of its phase to another."""
    draw, age_s, count = random.Random(seed), start_s, 0
    while (delay := poll_delay_s(attempt, age_s, draw.uniform(-1, 1))) is not None and age_s + delay <= end_s:
        age_s, count = age_s + delay, count + 1
    return count


@pytest.mark.parametrize("seed", range(20))
def test_polling(seed: int) -> None:
    waiting = known()
    assert polls(waiting, 0.0, 60.0, seed) == pytest.approx(30, abs=3)
    assert 100 <= polls(waiting, 0.0, 600.0, seed) <= 150
    for jitter in (-1.0, 1.0):
        assert poll_delay_s(waiting, 0.0, jitter) == pytest.approx(2.0 * (1 + 0.2 * jitter))


def test_polling_seldom_when_there_are_days_and_after_the_end() -> None:
    deferred = replace(known(), order=replace(known().order, way=Way.DEFERRED))
    assert [poll_delay_s(deferred, age_s, 0.0) for age_s in (0.0, 600.0, 1e6)] == [60.0, 300.0, 900.0]
    for state in sorted(NEGATIVE):
        over = known(state)
        ages = (0.0, 299.0, 300.0, 86_399.0, 86_400.0)
        assert [poll_delay_s(over, age, 0.0) for age in ages] == [30.0, 30.0, 3_600.0, 3_600.0, None]


def test_polling_under_one_cap_with_the_qr_on_the_screen_first() -> None:
    assert urgency_of(known(S.SHOWING)) is Urgency.CUSTOMER
    queue = PollQueue(calls_per_s=2.0, burst=1)
    for urgency in reversed(Urgency):
        queue.offer(urgency, urgency.name, 0.0)
    left = [queue.take(0.5 * turn) for turn in range(len(Urgency))]
    assert left == [urgency.name for urgency in Urgency]
    assert queue.take(2.0) is None
    circuit = Circuit()
    circuit.hold(0.0, 30.0)
    assert circuit.held_s(10.0) == 20.0  # `Retry-After`


def test_stuck() -> None:
    for state in sorted(set(State) - FINAL - {S.CREATING, S.DECIDING}):  # a call in flight; a person decides
        expiry = NOW + timedelta(minutes=5)
        assert step(state, G.RELEASE_LINE) == Step(S.LINE_RELEASED, (C.HIDE, C.DISARM, C.TELL))
        assert releasable_at(known(state, expires_at=expiry)) < expiry + timedelta(minutes=10)
    ends = {row.state for (state, _), row in TABLE.items() if state is S.CREATING}
    assert ends - FINAL <= ALIVE | {S.CREATING, S.OPENED, S.DECIDING}


# --- what the walks above need of the reading of a QR --------------------------------------------------------------------


def test_the_transaction_behind_a_qr_has_the_word() -> None:
    attempt = replace(known(S.SHOWING, way=Way.QR), pre_transaction_id="q1")
    linked = PreTransaction("q1", P.EXPIRED, transaction=reading(P.VALIDATED, ASKED))
    assert observe_qr(linked, attempt) is G.PAID
    assert observe_qr(replace(linked, transaction=None), attempt) is G.BROKEN
