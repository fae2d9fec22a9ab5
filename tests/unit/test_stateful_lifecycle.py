"""The table, what follows from a step, and what is rebuilt from entries, against a ledger of the provider's own.

No engine, no clock that runs, no wire: a walk is a sequence of words. The customer, the till and the provider act
between any two calls; an answer may be lost on either way, come from the past, or be a lie; and the power may go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cvconnect_pos import State, Way
from cvconnect_pos.calls import Calls
from cvconnect_pos.core.attempt import (
    ACKNOWLEDGED,
    REQUEST,
    Attempt,
    Entry,
    Order,
    fold,
    opening,
    order_data,
    rebuild,
)
from cvconnect_pos.core.lifecycle import CALLS, FINAL, OBSERVATIONS, Command, Signal, step
from cvconnect_pos.core.policy import STALLING, cadence_of
from cvconnect_pos.core.provider import Authorization, PreTransaction, ProviderState, Transaction
from cvconnect_pos.core.steps import consequences
from cvconnect_pos.errors import NoAnswer, ProviderRefused
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.outcome import Outcome
from harness import NUMBER, OTHER_NUMBER, HandClock

MORE: Final = int(os.environ.get("CVCONNECT_MORE_SCHEDULES", "1"))
"""So many times more walks than the suite takes: `make faults MORE=20`."""

P = ProviderState

ASKED: Final = 4550
EXPIRY: Final = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
PENDING: Final = frozenset({P.INITIALIZED, P.PROCESSING})
UNPAID_ENDS: Final = frozenset({P.ABORTED, P.REJECTED, P.EXPIRED, P.CANCELLED})


@dataclass(slots=True)
class Request:
    """One request, as the provider has it."""

    number: int
    payment_id: str
    is_qr: bool
    reserve: bool
    state: ProviderState = P.INITIALIZED
    payer: str = ""
    money: int = 0
    captured: bool = False

    @property
    def is_living(self) -> bool:
        return self.state in {P.PROCESSING, P.AUTHORIZED, P.VALIDATED}

    @property
    def kept(self) -> int:
        return self.money if self.state is P.VALIDATED else 0

    @property
    def recredited(self) -> int:
        return self.money if self.state is P.CANCELLED and self.captured else 0

    def read(self) -> Transaction:
        named = self.payer and f"{self.payer[:2]}*****{self.payer[-4:]}"
        money = (Authorization(f"A{self.number}", self.money, named, EXPIRY),) if self.money else ()
        return Transaction(
            transaction_id=f"t{self.number}",
            state=self.state,
            payment_id=self.payment_id,
            has_payer=bool(self.payer),
            payers_paid=len(money),
            capture_deferred=self.reserve,
            authorizations=money,
        )


class Ledger:
    """What the provider holds, and how it answers: the model."""

    is_production = False
    cancel_window_s = 4 * 3_600.0
    fingerprint = "ledger"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fate = ""
        self.past: dict[str, list[Transaction | PreTransaction]] = {}
        self.unread: set[tuple[str, str]] = set()  # orders that were sent, and nothing was read since
        self.lied = False
        self.repeated: list[tuple[str, str]] = []
        self.said_cents: set[int] = set()

    # --- calls of the till ----------------------------------------------------------------------------------------------

    def create(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        return self._do(lambda: self._open(order, payment_id, is_qr=False)).read()

    def create_qr(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        return self._pre(self._do(lambda: self._open(order, payment_id, is_qr=True)))

    def put_in_payment(
        self,
        transaction_id: str,
        beneficiary: Beneficiary,
        amount_cents: int,
        now: datetime,
        *,
        timeout_s: float,
    ) -> Transaction:
        self._order("payer", transaction_id)
        return self._do(lambda: self._name(self._of(transaction_id), beneficiary.value)).read()

    def cancel(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        self._order("cancel", transaction_id)
        return self._do(lambda: self._cancel(self._of(transaction_id), paid_too=True)).read()

    def cancel_qr(self, pre_transaction_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        self._order("cancel", pre_transaction_id)
        return self._pre(self._do(lambda: self._cancel(self._of(pre_transaction_id), paid_too=False)))

    def capture(
        self, transaction_id: str, amount_cents: int, now: datetime, *, timeout_s: float
    ) -> Transaction:
        return self._do(lambda: self._take(self._of(transaction_id), amount_cents)).read()

    def release(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        return self._do(lambda: self._give(self._of(transaction_id))).read()

    def status(self, transaction_id: str, *, timeout_s: float) -> Transaction:
        answer = self._say(transaction_id, self._of(transaction_id).read())
        assert isinstance(answer, Transaction)
        return answer

    def qr_status(self, pre_transaction_id: str, *, timeout_s: float) -> PreTransaction:
        answer = self._say(pre_transaction_id, self._pre(self._of(pre_transaction_id)))
        assert isinstance(answer, PreTransaction)
        return answer

    def close(self) -> None:
        """Nothing to close."""

    # --- the wire -------------------------------------------------------------------------------------------------------

    def _order(self, verb: str, where: str) -> None:
        number = where[1:]
        if (verb, number) in self.unread:
            self.repeated.append((verb, where))
        self.unread.add((verb, number))

    def _do(self, act: Callable[[], Request]) -> Request:
        fate, self.fate = self.fate, ""
        if fate == "refused":
            raise ProviderRefused("OPERATION_TRANSACTION_NOT_ALLOWED")
        if fate == "lost":
            raise NoAnswer(reason="test")
        done = act()
        if fate:
            raise NoAnswer(reason="test")
        return done

    def _say(self, where: str, now: Transaction | PreTransaction) -> Transaction | PreTransaction:
        fate, self.fate = self.fate, ""
        if fate in {"lost", "done", "refused"}:
            raise NoAnswer(reason="test")
        past = self.past.setdefault(where, [])
        past.append(now)
        if fate == "past":
            now = past[len(past) // 2]
        elif fate:
            self.lied = True
            now = _lie(now, fate)
        self.unread -= {item for item in self.unread if item[1] == where[1:]}
        told = now.transaction if isinstance(now, PreTransaction) else now
        self.said_cents |= {a.amount_cents or 0 for a in told.authorizations} if told else set()
        return now

    # --- what they do -------------------------------------------------------------------------------------------------

    def _of(self, where: str) -> Request:
        return self.requests[int(where[1:]) - 1]

    def _open(self, order: Order, payment_id: str, *, is_qr: bool) -> Request:
        self.requests.append(Request(len(self.requests) + 1, payment_id, is_qr, order.reserve))
        return self.requests[-1]

    def _pre(self, request: Request) -> PreTransaction:
        linked = request.read() if request.payer else None
        name = f"q{request.number}"
        return PreTransaction(name, request.state, qr_payload=f"QR {name}", transaction=linked)

    def _name(self, request: Request, number: str) -> Request:
        if request.state is not P.INITIALIZED or request.payer:
            raise ProviderRefused("OPERATION_TRANSACTION_NOT_ALLOWED")
        request.payer, request.state = number, P.PROCESSING
        return request

    def _cancel(self, request: Request, *, paid_too: bool) -> Request:
        if request.state not in PENDING and not (paid_too and request.state is P.VALIDATED):
            raise ProviderRefused("OPERATION_TRANSACTION_NOT_ALLOWED")
        request.state = P.CANCELLED
        return request

    def _take(self, request: Request, cents: int) -> Request:
        if request.state is not P.AUTHORIZED or not 1 <= cents <= request.money:
            raise ProviderRefused("OPERATION_TRANSACTION_NOT_ALLOWED")
        request.state, request.money, request.captured = P.VALIDATED, cents, True
        return request

    def _give(self, request: Request) -> Request:
        if request.state is not P.AUTHORIZED:
            raise ProviderRefused("OPERATION_TRANSACTION_NOT_ALLOWED")
        request.state = P.CANCELLED
        return request

    # --- the customer, and misdeeds ---------------------------------------------------------------------------------------

    def pay(self, request: Request, cents: int) -> None:
        request.money, request.captured = cents, not request.reserve
        request.state = P.AUTHORIZED if request.reserve else P.VALIDATED


def _lie(now: Transaction | PreTransaction, fate: str) -> Transaction | PreTransaction:
    if isinstance(now, PreTransaction) and now.transaction is None:
        return replace(now, state=P.UNRECOGNISED if fate == "strange" else P.ERROR)
    told = now.transaction if isinstance(now, PreTransaction) else now
    assert told is not None
    if fate == "no_amount":
        told = replace(told, authorizations=tuple(replace(a, amount_cents=None) for a in told.authorizations))
    else:
        told = replace(told, state=P.UNRECOGNISED if fate == "strange" else P.EXPIRED, authorizations=())
    return replace(now, transaction=told) if isinstance(now, PreTransaction) else told


class Walk(RuleBasedStateMachine):
    """One tender line."""

    @initialize(
        way=st.sampled_from([Way.QR, Way.EITHER, Way.SCAN, Way.KEYED]),
        reserve=st.booleans(),
        already=st.sampled_from(["asked", "awaited", "paid", "told", "switched"]),
    )
    def begin(self, way: Way, reserve: bool, already: str) -> None:
        self.clock = HandClock()
        self.ledger = Ledger()
        self.calls = Calls(self.ledger, self.clock, 10.0)
        self.named = Beneficiary.parse(NUMBER) if way is Way.KEYED else None
        masked = self.named.masked if self.named else ""
        order = Order("r1", ASKED, "B1", way, beneficiary=masked, reserve=reserve)
        self.numbers = 1
        data = order_data(order, "p1", simulation=True)
        self.entries = [Entry(1, "r1", self.clock.now(), REQUEST, State.CREATING, data)]
        self.attempt: Attempt = opening(self.entries[0])
        self.call: Command | None = Command.CREATE
        self.meddled = False
        self._go_so_far(already)

    def _go_so_far(self, already: str) -> None:
        """Begin somewhere on the straight way: a walk of random words seldom gets far."""
        if already == "asked":
            return
        self._make_all_calls()
        if self.attempt.state is State.OPENED or (
            already == "switched" and self.attempt.state is State.SHOWING
        ):
            self.read_a_label(NUMBER)
            self._make_all_calls()
        if self.attempt.state is State.SHOWING:
            self.scan(NUMBER)
        if already in {"paid", "told"}:
            self.pay(ASKED)
        if already == "told":
            self._look_now()

    def _make_all_calls(self) -> None:
        for _ in range(12):
            if self.call is not None:
                self.make_the_call()

    def _look_now(self) -> None:
        self.look()
        self._make_all_calls()

    # --- a till in small ------------------------------------------------------------------------------------------------

    def _apply(self, signal: Signal, data: Mapping[str, Any]) -> bool:
        before = self.attempt
        row = step(before.state, signal)
        if row is None:
            return False
        self.numbers += 1
        if row.state is before.state and before.is_final and signal in OBSERVATIONS - {Signal.AMOUNT_CHANGED}:
            data = {}  # as the driver does
        fresh = f"p{self.numbers}"
        facts = consequences(before, signal, row, data, fresh_payment_id=fresh, now=self.clock.now())
        self._write(signal.value, row.state, facts)
        calls = [command for command in row.commands if command in CALLS]
        self.call = calls[0] if calls else None
        return True

    def _write(self, kind: str, state: State, facts: dict[str, Any]) -> None:
        self.entries.append(Entry(self.attempt.seq + 1, "r1", self.clock.now(), kind, state, facts))
        self.attempt = fold(self.attempt, self.entries[-1])

    @precondition(lambda self: self.call is not None)
    @rule(
        fate=st.sampled_from(
            ["", "", "", "", "", "lost", "done", "refused", "past", "strange", "says_expired", "no_amount"]
        )
    )
    def make_the_call(self, fate: str = "") -> None:
        command, self.call = self.call, None
        assert command is not None
        self.ledger.fate = fate
        self.clock.advance(30.0)
        heard = self.calls.make(command, self.attempt, self.named)
        self.ledger.fate = ""
        if heard.signal is not None:
            self._apply(heard.signal, heard.data)

    @rule(fate=st.sampled_from(["", "", "", "", "lost", "past", "strange", "says_expired", "no_amount"]))
    def go_on(self, fate: str) -> None:
        """Make what is to be called, or look: the first call may go wrong, the rest is straight."""
        if self.call is None:
            self.look()
        if self.call is not None:
            self.make_the_call(fate)
        self._make_all_calls()

    def look(self) -> None:
        known = self.attempt.transaction_id or self.attempt.pre_transaction_id
        if known and cadence_of(self.attempt) is not None:
            self.call = Command.STATUS

    @precondition(lambda self: self.call is None and self.attempt.rival is not None)
    @rule()
    def look_at_the_rival(self) -> None:
        self.call = Command.RIVAL_STATUS

    @precondition(lambda self: self.call is None)
    @rule(
        signal=st.sampled_from(
            [Signal.CANCEL, Signal.KEEP, Signal.REVERSE, Signal.REVERSE, Signal.RELEASE, Signal.RELEASE_LINE]
        )
    )
    def till_acts(self, signal: Signal) -> None:
        asked = self._apply(signal, {"cancel_asked": True} if signal is Signal.CANCEL else {})
        self.meddled |= asked and signal is not Signal.KEEP

    @precondition(lambda self: self.call is None and self.attempt.state is State.RESERVED)
    @rule(part=st.booleans())
    def capture(self, part: bool) -> None:
        most = min(self.attempt.reserved_cents or 0, ASKED)
        self._apply(Signal.CAPTURE, {"capture_cents": 1000 if part else most})

    @precondition(lambda self: self.call is None)
    @rule(number=st.sampled_from([NUMBER, OTHER_NUMBER]))
    def read_a_label(self, number: str) -> None:
        named = Beneficiary.parse(number)
        self.meddled |= self.attempt.state is State.SHOWING
        if self._apply(Signal.IDENTIFIED, {"beneficiary": named.masked, "reason": ""}):
            self.named = named

    @precondition(lambda self: self.call is None and self.attempt.state in STALLING)
    @rule()
    def nothing_comes_of_it(self) -> None:
        self._apply(Signal.STALLED, {})

    @precondition(lambda self: self.attempt.state in FINAL and not self.attempt.acknowledged)
    @rule()
    def record(self) -> None:
        self._write(ACKNOWLEDGED, self.attempt.state, {"acknowledged": True})

    @rule(sent=st.booleans())
    def restart(self, sent: bool) -> None:
        if sent and self.call is not None:  # it left, and nobody was there for the answer
            self.calls.make(self.call, self.attempt, self.named)
        self.call = None
        self.meddled = True
        self.attempt = rebuild(self.entries)
        self._apply(Signal.RESTARTED, {})

    # --- the customer and the provider ------------------------------------------------------------------------------------

    @precondition(lambda self: any(r.is_qr and r.state is P.INITIALIZED for r in self.ledger.requests))
    @rule(number=st.sampled_from([NUMBER, OTHER_NUMBER]))
    def scan(self, number: str) -> None:
        for request in self.ledger.requests:
            if f"q{request.number}" in self._shown() and request.state is P.INITIALIZED:
                request.payer, request.state = number, P.PROCESSING

    @precondition(lambda self: any(r.state is P.PROCESSING for r in self.ledger.requests))
    @rule(cents=st.sampled_from([ASKED, ASKED, ASKED, 3000]))
    def pay(self, cents: int) -> None:
        self.ledger.pay(next(r for r in self.ledger.requests if r.state is P.PROCESSING), cents)

    @precondition(lambda self: any(r.state is P.PROCESSING for r in self.ledger.requests))
    @rule(state=st.sampled_from([P.ABORTED, P.REJECTED, P.EXPIRED]))
    def end_unpaid(self, state: ProviderState) -> None:
        next(r for r in self.ledger.requests if r.state is P.PROCESSING).state = state

    @rule(misdeed=st.sampled_from(["late", "undo", "amend"]))
    def misbehave(self, misdeed: str) -> None:
        for request in self._known()[:1]:
            match misdeed, request.state:
                case "late", state if state in UNPAID_ENDS and request.payer and not request.money:
                    self.ledger.pay(request, ASKED)
                case "undo", P.VALIDATED:
                    request.state = P.CANCELLED
                case "amend", P.VALIDATED:
                    request.money = 2500
                case _:
                    return
            self.ledger.lied = True

    # --- what is true at every moment ---------------------------------------------------------------------------------

    @invariant()
    def what_is_written_is_what_is_known(self) -> None:
        assert rebuild(self.entries) == self.attempt

    @invariant()
    def an_order_is_not_repeated_without_asking(self) -> None:
        assert not self.ledger.repeated

    @invariant()
    def the_till_is_told_only_what_the_provider_said(self) -> None:
        outcome = Outcome.of(self.attempt)
        for cents in (outcome.received_cents, outcome.surplus_cents) if outcome else ():
            assert cents in self.ledger.said_cents | {0}

    @invariant()
    def a_line_has_one_living_request(self) -> None:
        assert self.ledger.lied or sum(request.is_living for request in self.ledger.requests) <= 1

    @invariant()
    def money_goes_back_only_when_somebody_asked(self) -> None:
        assert self.meddled or self.ledger.lied or not any(r.recredited for r in self.ledger.requests)

    @invariant()
    def a_receipt_holds_until_there_is_news(self) -> None:
        places = [place for place, entry in enumerate(self.entries) if entry.kind == ACKNOWLEDGED]
        if places:
            last, *after = self.entries[places[-1] :]
            news = any(e.state is not last.state or e.data.get("acknowledged") is False for e in after)
            assert self.attempt.acknowledged is not news

    # --- and in the end -----------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        for _ in range(30):
            self._quieten()
        assert self.attempt.state in FINAL, f"never ends: {self.attempt.state}"
        outcome = Outcome.of(self.attempt)
        assert outcome is not None
        told = outcome.received_cents + outcome.surplus_cents
        holds = sum(request.kept for request in self.ledger.requests)
        assert told == holds, f"{outcome.state}: told {told}, the provider holds {holds}"
        held = any(request.state is P.AUTHORIZED for request in self._known())
        assert self.ledger.lied or not held, "a reservation that nobody knows of"

    def _quieten(self) -> None:
        if self.call is not None:
            self.make_the_call()
            return
        match self.attempt.state:
            case State.DECIDING:
                self._apply(Signal.KEEP, {})
            case State.RESERVED:
                self._apply(Signal.RELEASE, {})
            case state if state in STALLING:
                self.look()
                self.make_the_call()
                if self.attempt.state is state and self.call is None:
                    self._apply(Signal.STALLED, {})
            case state if state in FINAL:
                self._apply(Signal.RESTARTED, {})
                self._make_all_calls()
                if self.attempt.rival is not None:
                    self.call = Command.RIVAL_STATUS
            case _:
                if not self._apply(Signal.CANCEL, {"cancel_asked": True}) or self.call is None:
                    self.look()

    def _shown(self) -> set[str]:
        return {str(entry.data["qr_payload"])[3:] for entry in self.entries if entry.data.get("qr_payload")}

    def _known(self) -> list[Request]:
        """Those of which the till knows an id: of an orphan it never hears again, and nobody can pay it."""
        rival = self.attempt.rival
        named = {self.attempt.transaction_id, self.attempt.pre_transaction_id}
        named |= {rival.transaction_id, rival.pre_transaction_id} if rival else set()
        numbers = {name[1:] for name in named if name}
        return [request for request in self.ledger.requests if str(request.number) in numbers]


def test_no_order_of_words_makes_the_till_believe_what_is_not_so() -> None:
    run_state_machine_as_test(Walk, settings=settings(max_examples=250 * MORE, stateful_step_count=40))
