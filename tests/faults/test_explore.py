"""Every race of one payment, by brute force: each fault at each call, each action at each moment, each power cut.

A *moment* is an instant at which something else can happen: before and after the provider carries out a call, and
every idle second. A `Schedule` says what happens at which moment; `play` plays it to its end and returns what was
broken. Nothing here is random: the same schedule gives the same walk.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cvconnect_pos import Engine, NotAllowedNow, Payment, State, Tender
from cvconnect_pos.core.attempt import ACKNOWLEDGED, REQUEST, Entry, JsonData, Order, order_data, rebuild
from cvconnect_pos.core.lifecycle import FINAL, NEGATIVE
from cvconnect_pos.errors import JournalError, NoAnswer
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.base import AttemptSummary, Search
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.memory import MemoryTransport
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import TransactionState
from harness import NUMBER, OTHER_NUMBER, RecordingDevices, Till, told

ASKED: Final = 4550
PART: Final = 3000
IDLE_S: Final = 8
"""For so many seconds each second is a moment; then time passes quickly."""
LONG_S: Final = 900.0
"""Longer than every expiry and every patience."""

PAID_STATES: Final = frozenset(
    {
        TransactionState.AUTHORIZED,
        TransactionState.VALIDATED,
        TransactionState.CONSIGNED,
        TransactionState.PAID,
    }
)

WRITTEN_BEFORE: Final = {
    "payment-transactions": {State.CREATING},
    "pre-transactions": {State.CREATING},
    "payer": {State.IDENTIFYING},
    "cancellation": {State.CANCEL_SENT, State.SWITCHING, State.REVERSING},
}
"""What the journal must say of the attempt when a call leaves."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One walk.

    Args:
        way: How the customer is reached.
        customer: `pays`, `part`, `refuses` or `nothing`.
        customer_at: From this moment on the customer looks at their phone.
        thinks: So many moments between the scan and the decision.
        fault: What goes wrong, or an empty text.
        fault_call: With which call, from 0.
        fault_for: With so many calls in a row.
        then: What goes wrong with the call after those, or an empty text.
        cancel_at: When the cashier cancels.
        label_at: When the customer's label is read, in the ways that read one.
        cut_at: When the power goes.
        decision: What the till does with a payment that needs one: `keep` or `reverse`.
        undo: The till reverses what was approved.
        recorded: The till acknowledges every outcome at once, and comes back to the payment by its request id.
    """

    way: str
    customer: str = "pays"
    customer_at: int = 0
    thinks: int = 0
    fault: str = ""
    fault_call: int = 0
    fault_for: int = 1
    cancel_at: int | None = None
    label_at: int | None = None
    cut_at: int | None = None
    decision: str = "keep"
    undo: bool = False
    recorded: bool = False
    then: str = ""


class FrozenJournal:
    """A journal in memory that outlives the engine; without power nothing is written or read."""

    def __init__(self) -> None:
        self.written: list[Entry] = []
        self.identifiers: dict[str, str] = {}
        self.power = True

    def _check(self) -> None:
        if not self.power:
            raise JournalError("JOURNAL_UNAVAILABLE", path="memory")

    def begin(
        self,
        order: Order,
        payment_id: str,
        at: datetime,
        *,
        simulation: bool,
        identifier: str | None = None,
        leased_until_s: float | None = None,
        now_s: float = 0.0,
    ) -> tuple[Sequence[Entry], bool]:
        if known := self.entries(order.request_id):
            return known, False
        data = order_data(order, payment_id, simulation=simulation)
        return [self.append(order.request_id, at, REQUEST, State.CREATING, data, identifier=identifier)], True

    def append(
        self,
        request_id: str,
        at: datetime,
        kind: str,
        state: State,
        data: JsonData,
        *,
        identifier: str | None = None,
        after: int | None = None,
        leased: bool = False,
    ) -> Entry:
        self._check()
        if identifier:
            self.identifiers[request_id] = identifier
        entry = Entry(len(self.written) + 1, request_id, at, kind, state, data)
        self.written.append(entry)
        return entry

    def entries(self, request_id: str, *, after: int = 0) -> Sequence[Entry]:
        self._check()
        return [entry for entry in self.written if entry.request_id == request_id and entry.seq > after]

    def lease(self, request_id: str, *, until_s: float, now_s: float, over_at: int | None = None) -> bool:
        self._check()
        return True

    def identifier(self, request_id: str) -> str | None:
        self._check()
        return self.identifiers.get(request_id)

    def unsettled(self) -> Sequence[str]:
        self._check()
        acknowledged: dict[str, bool] = {}
        for entry in self.written:
            acknowledged[entry.request_id] = entry.kind == ACKNOWLEDGED or (
                acknowledged.get(entry.request_id, False) and entry.data.get("acknowledged") is not False
            )
        return [request_id for request_id, done in acknowledged.items() if not done]

    def attempts(self, search: Search, *, limit: int) -> Sequence[AttemptSummary]:
        """Find attempts by their state, for the one question that the engine asks."""
        self._check()
        first = {entry.request_id: entry for entry in reversed(self.written)}
        found = [rebuild(self.entries(request_id)) for request_id in first]
        return [
            AttemptSummary(
                seq=first[a.order.request_id].seq,
                request_id=a.order.request_id,
                basket_ref=a.order.basket_ref,
                seller_id="",
                state=a.state,
                asked_cents=a.order.amount_cents,
                received_cents=a.received_cents,
                opened_at=a.opened_at,
                updated_at=a.updated_at,
                simulation=True,
                acknowledged=a.acknowledged,
                way=a.order.way,
                changed_at=a.changed_at,
            )
            for a in found
            if a.state in search.states and a.acknowledged is search.acknowledged
        ][:limit]

    def close(self) -> None:
        """Nothing to close."""


class Stage(Till):
    """One till on which a schedule is played."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.journal = FrozenJournal()
        self.payment: Payment | None = None
        self.broken: list[str] = []
        self.moment = 0
        self.calls: list[tuple[str, str, bool]] = []  # (verb, id, answered)
        self.looked_at: int | None = None
        self.seen = ""
        self.cancelled = self.labelled = self.decided = self.reversed = self.undone = False
        self.delayed: list[tuple[int, Callable[[], HttpResponse]]] = []
        super().__init__(Path())

    def start(self) -> None:
        self.devices = RecordingDevices()
        self.transport = MemoryTransport(self._answer)
        merchant = self.provider.merchant
        gateway = AncvGateway(
            self.transport,
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        journal: Any = self.journal  # what the engine needs of one
        self.engine = Engine(gateway, journal, devices=self.devices, clock=self.clock, workers=0, seed=1)
        self.tender = Tender(self.engine)

    # --- what happens at a moment -----------------------------------------------------------------------------------

    def tick(self) -> None:
        now, self.moment = self.moment, self.moment + 1
        for due, really in [item for item in self.delayed if item[0] <= now]:
            self.delayed.remove((due, really))
            really()
        if now == self.schedule.cut_at:
            self.journal.power = False
        if self.journal.power:
            self._cashier(now)
        self._customer(now)
        self._look()

    def _cashier(self, now: int) -> None:
        plan, payment = self.schedule, self.payment
        if payment is None:
            return
        if plan.label_at is not None and now >= plan.label_at and not self.labelled:
            self.labelled = self._try(
                lambda: payment.identify(NUMBER if plan.way == "scan" else OTHER_NUMBER)
            )
        if plan.cancel_at is not None and now >= plan.cancel_at and not self.cancelled:
            self.cancelled = self._try(payment.cancel)

    def decide(self) -> None:
        payment = self.payment
        if payment is None:
            return
        if payment.attempt.state is State.DECIDING:
            reverse = self.schedule.decision == "reverse"
            self.reversed |= reverse
            self._try(payment.reverse if reverse else payment.keep)
        elif self.schedule.undo and not self.undone and payment.attempt.state is State.APPROVED:
            self.undone = self.reversed = True
            self._try(payment.reverse)
        elif (
            self.schedule.recorded
            and payment.attempt.is_final
            and not payment.attempt.acknowledged
            and self._try(payment.acknowledge)
        ):
            self.payment = self.engine.resume("r1")

    @staticmethod
    def _try(act: Callable[[], None]) -> bool:
        try:
            act()
        except (NotAllowedNow, JournalError):  # too early or too late, or the power is off
            return False
        return True

    def _customer(self, now: int) -> None:
        plan, shown = self.schedule, self._shown()
        if now < plan.customer_at or plan.customer == "nothing":
            return
        for number in (NUMBER, OTHER_NUMBER):
            try:
                if number == NUMBER and shown:
                    self._scan(number, shown, now)
                if self.looked_at is not None and now < self.looked_at + plan.thinks:
                    return
                for request in self.provider.waiting_for(number):
                    if plan.customer == "refuses":
                        self.provider.refuse(number, request.transaction_id)
                    else:
                        self.provider.validate(
                            number, request.transaction_id, PART if plan.customer == "part" else None
                        )
            except SimError:
                continue

    def _scan(self, number: str, shown: str, now: int) -> None:
        try:
            self.provider.scan(number, shown)
        except SimError:  # used, dead, or the customer holds another request
            return
        self.looked_at = now if self.looked_at is None else self.looked_at

    def _shown(self) -> str:
        """The QR that the customer saw; a phone may have kept its picture."""
        if self.payment is not None and self.payment.attempt.state is State.SHOWING:
            self.seen = self.payment.attempt.qr_payload
        return self.seen

    # --- what is never true ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        mine = self.provider.transactions()
        if sum(t.state in PAID_STATES for t in mine) > 1:
            self.broken.append("paid twice")
        payable = sum(t.state is TransactionState.PROCESSING for t in mine)
        paid = sum(t.state in PAID_STATES for t in mine)
        if payable + paid > 1:
            self.broken.append("two attempts alive")
        # A restart cancels what it finds, and a label cancels the QR: both may cross a customer who pays.
        asked = self.cancelled or self.reversed or self.labelled or self.schedule.cut_at is not None
        if not asked and any(t.state is TransactionState.CANCELLED and t.received_cents for t in mine):
            self.broken.append("re-credited unasked")

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if not self.journal.power:
            raise NoAnswer(reason="power")
        parts = request.path.strip("/").split("/")[4:]
        verb = parts[2] if len(parts) > 2 else parts[0]
        name = f"{request.method} {verb}"
        if request.method == "POST":
            self._check_post(verb, name, request.path)
        number = len(self.calls)
        plan = self.schedule
        last = plan.fault_call + plan.fault_for
        fault = plan.fault if plan.fault_call <= number < last else plan.then if number == last else ""
        self.calls.append((name, request.path, fault not in UNANSWERED))
        self.tick()
        if not self.journal.power:
            raise NoAnswer(reason="power")
        try:
            if fault:
                return FAULTS[fault](self, lambda: Till._answer(self, request))
            return Till._answer(self, request)
        finally:
            self.tick()

    def _check_post(self, verb: str, name: str, path: str) -> None:
        last = self.journal.written[-1].state
        if last not in WRITTEN_BEFORE[verb]:
            self.broken.append(f"{name} while the journal says {last}")
        for earlier, where, answered in reversed(self.calls):
            if earlier == name and where == path and verb in {"payer", "cancellation"}:
                self.broken.append(f"{name} repeated without asking")
            if earlier.startswith("GET") and answered:
                break


def _delay(till: Stage, really: Callable[[], HttpResponse]) -> HttpResponse:
    till.delayed.append((till.moment + 5, really))
    raise NoAnswer(reason="test")


def _lose_answer(_: Stage, really: Callable[[], HttpResponse]) -> HttpResponse:
    really()
    raise NoAnswer(reason="test")


def _lose_request(_: Stage, __: Callable[[], HttpResponse]) -> HttpResponse:
    raise NoAnswer(reason="test")


def _instead(body: bytes, status: int = 200) -> Callable[[Stage, Callable[[], HttpResponse]], HttpResponse]:
    def behave(_: Stage, really: Callable[[], HttpResponse]) -> HttpResponse:
        really()
        return HttpResponse(status, {}, body)

    return behave


def _with(
    change: Callable[[dict[str, Any]], None],
) -> Callable[[Stage, Callable[[], HttpResponse]], HttpResponse]:
    """The provider does it, and its answer is changed on the way."""

    def behave(_: Stage, really: Callable[[], HttpResponse]) -> HttpResponse:
        answer = really()
        document: dict[str, Any] = json.loads(answer.body)
        for name in ("transaction", "preTransaction"):
            if name in document:
                change(document[name])
        return replace(answer, body=json.dumps(document).encode())

    return behave


def _strange(thing: dict[str, Any]) -> None:
    thing["state"] = "SIDEWAYS"


def _expired(thing: dict[str, Any]) -> None:
    thing["state"] = "EXPIRED"


def _error(thing: dict[str, Any]) -> None:
    thing["state"] = "ERROR"


def _year_one(thing: dict[str, Any]) -> None:
    thing["expirationDate"] = "0001-01-01T00:00:00+14:00"


def _path_as_id(thing: dict[str, Any]) -> None:
    thing["id"] = "../elsewhere"


def _no_amount(thing: dict[str, Any]) -> None:
    for payer in thing.get("transaction", thing).get("payers", []):
        for authorization in payer.get("authorizations", []):
            authorization.pop("amount", None)


def _naive_date(_: Stage, really: Callable[[], HttpResponse]) -> HttpResponse:
    answer = really()
    return replace(answer, headers={**answer.headers, "date": "Sat, 21 Nov 2026 13:05:00 -0000"})


def _undone(_: Stage, __: Callable[[], HttpResponse]) -> HttpResponse:
    """A refusal, whatever was asked."""
    return HttpResponse(409, {}, b'{"errorCode": "OPERATION_TRANSACTION_NOT_ALLOWED"}')


FAULTS: Final[dict[str, Callable[[Stage, Callable[[], HttpResponse]], HttpResponse]]] = {
    "lose_answer": _lose_answer,
    "lose_request": _lose_request,
    "delay": _delay,
    "garbage": _instead(b"<html>proxy</html>", 502),
    "not_found": _instead(b'{"errorCode": "TRANSACTION_NOT_FOUND"}', 404),
    "refused": _undone,
    "strange": _with(_strange),
    "says_expired": _with(_expired),
    "says_error": _with(_error),
    "year_one": _with(_year_one),
    "naive_date": _naive_date,
    "path_as_id": _with(_path_as_id),
    "no_amount": _with(_no_amount),
}


UNANSWERED: Final = frozenset({"delay", "lose_answer", "lose_request", "garbage", "not_found", "refused"})
"""The faults after which the till knows no more than before."""


class _Escaped(logging.Handler):
    """Keeps what the engine logs when a step of its own fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "failed" in text:
            self.said.append(text)


def play(schedule: Schedule) -> tuple[list[str], Stage]:
    """Play a schedule to its end.

    Args:
        schedule: What happens.

    Returns:
        What was broken, and the counter as it stands.
    """
    till = Stage(schedule)
    escaped = _Escaped()
    log = logging.getLogger("cvconnect_pos")
    log.addHandler(escaped)
    log.propagate = False
    try:
        _walk(till)
        till.broken += escaped.said
        if not till.broken:
            _judge(till)
    finally:
        log.removeHandler(escaped)
        log.propagate = True
        till.engine.close()
    return till.broken, till


def _walk(till: Stage) -> None:
    plan = till.schedule
    beneficiary = NUMBER if plan.way == "keyed" else None
    till.payment = till.tender.request(
        request_id="r1", amount_cents=ASKED, basket_ref="B1", way=plan.way, beneficiary=beneficiary
    )
    for _ in range(IDLE_S):
        till.tick()
        _resume_after_cut(till)
        till.run(1.0)
        _resume_after_cut(till)
        till.decide()
        till.run()
    _resume_after_cut(till)
    for _ in range(4):
        till.run(LONG_S / 3)
        _resume_after_cut(till)
        till.tick()
        till.decide()
        till.run()
    till.run(20)


def _resume_after_cut(till: Stage) -> None:
    if till.journal.power:
        return
    till.engine.close()
    till.journal.power = True
    till.start()
    till.engine.recover()
    till.payment = till.engine.resume("r1")


def _judge(till: Stage) -> None:
    assert till.payment is not None
    payment, broken = till.payment, till.broken
    attempt = payment.attempt
    if attempt.state not in FINAL:
        broken.append(f"never ends: {attempt.state}")
        return
    outcome = payment.wait(0)
    has = sum(t.received_cents for t in till.provider.transactions() if t.state in PAID_STATES)
    if outcome.received_cents != has:
        broken.append(f"{outcome.state}: told {outcome.received_cents}, the provider has {has}")
    gave = 2 * 100_000 - sum(till.provider.customer(n).balance_cents for n in (NUMBER, OTHER_NUMBER))
    if gave != has:
        broken.append("the simulator's books do not balance")
    back = sum(
        t.received_cents for t in till.provider.transactions() if t.state is TransactionState.CANCELLED
    )
    if outcome.reversed_cents != back:
        broken.append(f"{outcome.state}: told {outcome.reversed_cents} re-credited, it was {back}")
    names = Counter(event.name for event in told(payment))
    if not names:
        broken.append("no event was told")
    if names["Approved"] > 1 or names["Reversed"] > 1:
        broken.append(f"told twice: {dict(names)}")
    written = repr(till.journal.written)
    if NUMBER in written or OTHER_NUMBER in written or NUMBER in repr(payment) + repr(attempt):
        broken.append("an identifier in clear")
    watched = attempt.state in NEGATIVE or attempt.cancel_sent or attempt.rival is not None
    if not watched and till.engine.next_due_s() is not None:
        till.run(LONG_S)
        if till.engine.next_due_s() is not None:
            broken.append(f"still busy after {attempt.state}")


# --- the schedules --------------------------------------------------------------------------------------------------------

WAYS: Final = ("qr", "scan", "either", "keyed")
CUSTOMERS: Final = ("pays", "part", "refuses", "nothing")
LABELS: Final[dict[str, tuple[int | None, ...]]] = {
    "qr": (None,),
    "scan": (0,),
    "either": (None, 2, 4, 6),
    "keyed": (None,),
}
NO_FAULT: Final = [("", 0)]
ANY_FAULT: Final = [*NO_FAULT, *itertools.product(FAULTS, range(10))]


def _label(way: str, number: int) -> int | None:
    """One of the moments at which this way reads a label."""
    return LABELS[way][number % len(LABELS[way])]


def plain(way: str) -> Iterator[Schedule]:
    """Every customer at every moment, without a fault."""
    for customer, at, thinks, label in itertools.product(CUSTOMERS, range(14), (0, 1, 3), LABELS[way]):
        yield Schedule(way, customer, at, thinks, label_at=label)


def faults(way: str) -> Iterator[Schedule]:
    """Every fault at every call, the customer at every moment."""
    for customer, at, (fault, call), label in itertools.product(
        CUSTOMERS, (0, 3, 5, 8), ANY_FAULT, LABELS[way]
    ):
        yield Schedule(way, customer, at, 1, fault, call, label_at=label)


def stubborn(way: str) -> Iterator[Schedule]:
    """Faults that meet several calls in a row, with and without a cancel."""
    for customer, at, (fault, call), calls, cancel, label in itertools.product(
        ("pays", "nothing"), (0, 4, 8), ANY_FAULT[1:], (2, 3, 8), (None, 2, 5, 9), LABELS[way]
    ):
        yield Schedule(way, customer, at, 1, fault, call, calls, cancel, label)


def pairs(way: str) -> Iterator[Schedule]:
    """Two faults, one after the other."""
    for customer_at, fault, then, call, label, cancel in itertools.product(
        (0, 4, 8), FAULTS, FAULTS, range(7), LABELS[way], (None, 4)
    ):
        yield Schedule(way, "pays", customer_at, 1, fault, call, cancel_at=cancel, label_at=label, then=then)


def cancels(way: str) -> Iterator[Schedule]:
    """A cancel at every moment, with every fault at every call, then keep or reverse."""
    for customer, at, cancel, (fault, call), decision in itertools.product(
        ("pays", "nothing"), (0, 3, 5, 7, 9, 11), range(14), ANY_FAULT, ("keep", "reverse")
    ):
        label = _label(way, at + cancel)
        yield Schedule(way, customer, at, 1, fault, call, cancel_at=cancel, label_at=label, decision=decision)


def cuts(way: str) -> Iterator[Schedule]:
    """A power cut at every moment, with every fault at every call, before or after a cancel or a reversal."""
    for customer, at, cut, (fault, call), cancel, undo in itertools.product(
        ("pays", "nothing"), (0, 4, 8), range(16), ANY_FAULT, (None, 3, 6), (False, True)
    ):
        yield Schedule(
            way,
            customer,
            at,
            1,
            fault,
            call,
            cancel_at=cancel,
            label_at=_label(way, at + cut),
            cut_at=cut,
            decision="reverse" if undo else "keep",
            undo=undo,
        )


def undos(way: str) -> Iterator[Schedule]:
    """A reversal of what was approved, with every fault at every call."""
    for customer, at, fault, call, calls in itertools.product(
        ("pays", "part"), (0, 4), FAULTS, range(14), (1, 2, 4)
    ):
        yield Schedule(way, customer, at, 1, fault, call, calls, label_at=_label(way, 0), undo=True)


def recorded(way: str) -> Iterator[Schedule]:
    """Outcomes that the till acknowledges at once; some change afterwards."""
    for customer, at, (fault, call), cancel, undo, cut in itertools.product(
        ("pays", "nothing"), (0, 6, 10), ANY_FAULT, (None, 4), (False, True), (None, 12, 18)
    ):
        yield Schedule(
            way,
            customer,
            at,
            1,
            fault,
            call,
            cancel_at=cancel,
            label_at=_label(way, 0),
            cut_at=cut,
            undo=undo,
            recorded=True,
        )


FAMILIES: Final = {f.__name__: f for f in (plain, faults, stubborn, pairs, cancels, cuts, undos, recorded)}
MORE: Final = int(os.environ.get("CVCONNECT_MORE_SCHEDULES", "1"))
"""So many times more schedules than the suite plays: `make faults`."""

SHARE: Final = {
    "plain": 7,
    "faults": 37,
    "stubborn": 127,
    "pairs": 307,
    "cancels": 307,
    "cuts": 613,
    "undos": 17,
    "recorded": 53,
}
"""One schedule of so many is played in the suite; primes, so that no parameter always meets the same one."""

FOUND: Final = [
    Schedule("qr", "nothing", 0, 1, "strange", 3),
    Schedule("keyed", "pays", 3, 1, "year_one", 2),
    Schedule("keyed", "pays", 3, 1, "naive_date", 1),
    Schedule("qr", "nothing", 0, 1, "path_as_id", 0),
    Schedule("keyed", "pays", 0, 1, "no_amount", 4, undo=True),
    Schedule("keyed", "pays", 0, 1, "says_expired", 1, cut_at=12, recorded=True),
    Schedule("either", "pays", 8, 1, "refused", 1, label_at=2, then="says_expired"),
    Schedule("keyed", "pays", 6, 1, "delay", 3, cancel_at=4, recorded=True),
]
"""Schedules that once broke a promise, each the shortest of its kind."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_schedule_breaks_a_promise(family: str, way: str) -> None:
    chosen = itertools.islice(FAMILIES[family](way), 0, None, max(1, SHARE[family] // MORE))
    broken = [(said, schedule) for schedule in chosen if (said := play(schedule)[0])]
    assert not broken, f"{len(broken)}, the first: {broken[:3]}"


@pytest.mark.parametrize("schedule", FOUND, ids=lambda s: s.fault)
def test_what_was_once_broken_stays_mended(schedule: Schedule) -> None:
    assert play(schedule)[0] == []
