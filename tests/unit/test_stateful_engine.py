"""Two customers, a cashier and a faulty provider in any order; the provider's own books are the model.

Each walk ends in quiet: nothing is lost any more, the cashier decides what is left, and time passes. Then what the till
was told is what the provider holds, to the cent, and before that nobody is ever charged twice for a line by our doing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
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

from cvconnect_pos import AttemptStillOpen, NotAllowedNow, NotSent, Payment, RequestIdReused, State
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.core.lifecycle import FINAL
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import Transaction, TransactionState
from harness import NUMBER, OTHER_NUMBER, Till, lose_answer, lose_request

MORE: Final = int(os.environ.get("CVCONNECT_MORE_SCHEDULES", "1"))
"""So many times more walks than the suite takes: `make faults MORE=20`."""

CUSTOMERS: Final = (NUMBER, OTHER_NUMBER)
WALLETS_CENTS: Final = 200_000
LIVING: Final = frozenset(
    {TransactionState.PROCESSING, TransactionState.AUTHORIZED, TransactionState.VALIDATED}
)
PAUSES_S: Final = (1, 5, 30, 70, 200, 900)


def _garbage(_: HttpRequest, really: Callable[[], HttpResponse]) -> HttpResponse:
    really()
    return HttpResponse(502, {}, b"<html>proxy</html>")


def _refused(_: HttpRequest, __: Callable[[], HttpResponse]) -> HttpResponse:
    return HttpResponse(409, {}, b'{"errorCode": "OPERATION_TRANSACTION_NOT_ALLOWED"}')


def _not_found(_: HttpRequest, __: Callable[[], HttpResponse]) -> HttpResponse:
    return HttpResponse(404, {}, b'{"errorCode": "TRANSACTION_NOT_FOUND"}')


BEHAVIOURS: Final = (lose_answer, lose_request, _garbage, _refused, _not_found)


@dataclass(slots=True)
class Line:
    """A tender line, as the till knows it."""

    asked: dict[str, Any]
    payment: Payment
    qr_seen: str = ""
    meddled: bool = False  # somebody asked for money back, or the provider misbehaved
    receipt: tuple[State, int | None] | None = None
    ids: set[str] = field(default_factory=set[str])


class Counter(RuleBasedStateMachine):
    """One till, a few lines, one basket each unless the cashier starts another line of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.till = Till(Path(self.folder.name))
        self.lines: list[Line] = []

    # --- the till -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.lines) < 3)
    @rule(
        way=st.sampled_from(["qr", "scan", "either", "keyed", "deferred"]),
        who=st.sampled_from(CUSTOMERS),
        reserve=st.booleans(),
        old_basket=st.booleans(),
    )
    def ask(self, way: str, who: str, reserve: bool, old_basket: bool) -> None:
        number = len(self.lines) + 1
        again = old_basket and bool(self.lines)
        asked: dict[str, Any] = {
            "request_id": f"r{number}",
            "amount_cents": 3000 + 100 * number,
            "basket_ref": self.lines[0].asked["basket_ref"] if again else f"B{number}",
            "way": way,
            "reserve": reserve,
        }
        if way in {"keyed", "deferred"}:
            asked["beneficiary"] = who
        unsettled = [
            line
            for line in self.lines
            if line.asked["basket_ref"] == asked["basket_ref"] and not line.payment.attempt.acknowledged
        ]
        try:
            payment = self.till.ask(**asked)
        except NotSent:
            return
        except AttemptStillOpen:
            assert unsettled
            return
        assert not unsettled, "a second attempt of a basket whose first is not settled"
        self.lines.append(Line(asked, payment))

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), other_amount=st.booleans())
    def ask_again(self, place: int, other_amount: bool) -> None:
        line = self._line(place)
        creates = self._creates()
        if other_amount:
            changed: dict[str, Any] = {**line.asked, "amount_cents": 9999}
            with pytest.raises(RequestIdReused):
                self.till.ask(**changed)
        else:
            assert self.till.ask(**line.asked) is line.payment
        assert self._creates() <= creates + (line.payment.attempt.rival is not None)

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), who=st.sampled_from(CUSTOMERS))
    def identify(self, place: int, who: str) -> None:
        line = self._line(place)
        line.meddled |= (
            line.payment.attempt.state is State.SHOWING
        )  # the QR's cancel may cross a customer who pays
        self._try(lambda: line.payment.identify(who))

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), act=st.sampled_from(["cancel", "reverse", "release"]))
    def give_up(self, place: int, act: str) -> None:
        line = self._line(place)
        line.meddled |= self._try(getattr(line.payment, act))

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), part=st.booleans())
    def take(self, place: int, part: bool) -> None:
        payment = self._line(place).payment
        if payment.attempt.state is State.RESERVED:
            self._try(lambda: payment.capture(1000 if part else None))
        else:
            self._try(payment.keep)

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), reason=st.sampled_from(["", "panne"]))
    def release_line(self, place: int, reason: str) -> None:
        line = self._line(place)
        line.meddled |= self._try(lambda: line.payment.release_line("chef", reason))

    @precondition(lambda self: self.lines)
    @rule(place=st.integers(0, 2), settled_otherwise=st.booleans())
    def acknowledge(self, place: int, settled_otherwise: bool) -> None:
        line = self._line(place)
        if self._try(lambda: line.payment.acknowledge(settled_otherwise=settled_otherwise)):
            line.meddled |= settled_otherwise
            line.receipt = (line.payment.attempt.state, line.payment.attempt.received_cents)

    @rule(pause_s=st.sampled_from([0, 30]))
    def restart(self, pause_s: int) -> None:
        for line in self.lines:
            line.meddled |= line.payment.attempt.state not in FINAL  # what nobody comes back to is cancelled
        self.till.restart()
        self.till.run(pause_s)
        self._come_back()

    @rule(seconds=st.sampled_from(PAUSES_S))
    def let_time_pass(self, seconds: int) -> None:
        self.till.run(seconds)

    # --- the customers ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(line.qr_seen for line in self.lines))
    @rule(place=st.integers(0, 2), who=st.sampled_from(CUSTOMERS))
    def scan(self, place: int, who: str) -> None:
        if payload := self._line(place).qr_seen:
            self._provider(lambda: self.till.provider.scan(who, payload))

    @precondition(lambda self: any(self.till.provider.waiting_for(who) for who in CUSTOMERS))
    @rule(who=st.sampled_from(CUSTOMERS), act=st.sampled_from(["pay", "pay", "pay", "part", "refuse"]))
    def answer(self, who: str, act: str) -> None:
        provider = self.till.provider
        names = [request.transaction_id for request in provider.waiting_for(who)]
        name = names[0] if names else "nothing"
        if act == "refuse":
            self._provider(lambda: provider.refuse(who, name))
        else:
            self._provider(lambda: provider.validate(who, name, 1500 if act == "part" else None))

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.till.faults) < 3)
    @rule(
        call=st.sampled_from(["POST", "GET", "payer", "cancellation", "capture", "release", "transactions"]),
        behave=st.sampled_from(BEHAVIOURS),
    )
    def lose(
        self, call: str, behave: Callable[[HttpRequest, Callable[[], HttpResponse]], HttpResponse]
    ) -> None:
        self.till.fault(call, behave)

    @precondition(lambda self: any(line.ids for line in self.lines))
    @rule(
        place=st.integers(0, 2),
        misdeed=st.sampled_from(["late_pay", "undo", "amend"]),
        who=st.sampled_from(CUSTOMERS),
    )
    def misbehave(self, place: int, misdeed: str, who: str) -> None:
        line, provider = self._line(place), self.till.provider
        if line.ids:
            known = max(line.ids)
            acts: dict[str, Callable[[], object]] = {
                "late_pay": lambda: provider.late_pay(known, customer_number=who),
                "undo": lambda: provider.undo(known),
                "amend": lambda: provider.amend(known, 2500),
            }
            line.meddled |= self._provider(acts[misdeed])

    @precondition(lambda self: any(line.qr_seen for line in self.lines))
    @rule(place=st.integers(0, 2), who=st.sampled_from(CUSTOMERS))
    def pay_anyway(self, place: int, who: str) -> None:
        line = self._line(place)
        if line.qr_seen:
            line.meddled |= self._provider(lambda: self.till.provider.pay_anyway(who, line.qr_seen))

    # --- what is true at every moment ---------------------------------------------------------------------------------

    @invariant()
    def remember(self) -> None:
        for line in self.lines:
            attempt = line.payment.attempt
            if attempt.state is State.SHOWING:
                line.qr_seen = attempt.qr_payload
            rival = attempt.rival.transaction_id if attempt.rival else ""
            line.ids |= {attempt.transaction_id, rival} - {""}

    @invariant()
    def nobody_is_charged_twice_by_our_doing(self) -> None:
        for line in self.lines:
            if not line.meddled:
                mine = self._transactions(line)
                assert sum(t.state in LIVING for t in mine) <= 1, mine

    @invariant()
    def nothing_is_given_back_unasked(self) -> None:
        for line in self.lines:
            if not line.meddled:
                back = [
                    t
                    for t in self._transactions(line)
                    if t.state is TransactionState.CANCELLED and t.received_cents
                ]
                assert not back

    @invariant()
    def a_receipt_holds_until_there_is_news(self) -> None:
        delivered = {payment.request_id for payment in self.till.engine.unacknowledged()}
        for line in self.lines:
            attempt = line.payment.attempt
            if attempt.acknowledged:
                assert line.receipt == (attempt.state, attempt.received_cents)
                assert line.payment.request_id not in delivered
            elif attempt.is_final or attempt.state is State.DECIDING:
                assert line.payment.request_id in delivered
            if line.receipt and not attempt.acknowledged:
                assert self._news_since_receipt(line)

    # --- and in the end -----------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self._settle()
            for line in self.lines:
                assert line.payment.attempt.state in FINAL, f"never ends: {line.payment.attempt.state}"
            for basket in {line.asked["basket_ref"] for line in self.lines}:
                lines = [line for line in self.lines if line.asked["basket_ref"] == basket]
                outcomes = [line.payment.wait(0) for line in lines]
                told = sum(outcome.received_cents + outcome.surplus_cents for outcome in outcomes)
                holds = sum(
                    t.kept_cents + t.reserved_cents for line in lines for t in self._transactions(line)
                )
                assert told == holds, (
                    f"told {told}, the provider holds {holds}: {[o.state for o in outcomes]}"
                )
            wallets = sum(self.till.provider.customer(who).balance_cents for who in CUSTOMERS)
            every = self.till.provider.transactions()
            assert WALLETS_CENTS - wallets == sum(t.kept_cents + t.reserved_cents for t in every)
        finally:
            self.till.engine.close()
            self.folder.cleanup()

    def _settle(self) -> None:
        self.till.faults.clear()
        for _ in range(5):
            self.till.run(400)
            for line in self.lines:
                match line.payment.attempt.state:
                    case State.DECIDING:
                        self._try(line.payment.keep)
                    case State.RESERVED:
                        self._try(line.payment.release)
                    case state if state not in FINAL:
                        self._try(line.payment.cancel)
                    case _:
                        pass
            self.till.run(30)
            self.till.restart()  # a start looks at everything of the last day
            self._come_back()
            self.till.run(30)

    # --- below --------------------------------------------------------------------------------------------------------

    def _line(self, place: int) -> Line:
        return self.lines[place % len(self.lines)]

    def _come_back(self) -> None:
        for line in self.lines:
            line.payment = self.till.engine.resume(line.asked["request_id"])
        self.till.engine.run_due()

    def _creates(self) -> int:
        return sum(path in {"payment-transactions", "pre-transactions"} for path in self.till.paths())

    def _transactions(self, line: Line) -> list[Transaction]:
        """Find the provider's transactions of a line, by the references that its journal has named."""
        entries = self._entries(line)
        mine = {entry.data["payment_id"] for entry in entries if "payment_id" in entry.data}
        return [t for t in self.till.provider.transactions() if t.order.payment_id in mine]

    def _entries(self, line: Line) -> Any:
        return self.till.engine._journal.entries(line.asked["request_id"])

    def _news_since_receipt(self, line: Line) -> bool:
        entries = list(self._entries(line))
        last = max(place for place, entry in enumerate(entries) if entry.kind == ACKNOWLEDGED)
        after = entries[last:]
        return any(e.state is not after[0].state or e.kind in {"AMOUNT_CHANGED", "RIVAL_PAID"} for e in after)

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except NotAllowedNow:
            return False
        self.till.engine.run_due()
        return True

    def _provider(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except SimError:
            return False
        return True


def test_whatever_happens_in_any_order_the_till_and_the_provider_agree() -> None:
    run_state_machine_as_test(Counter, settings=settings(max_examples=25 * MORE, stateful_step_count=25))
