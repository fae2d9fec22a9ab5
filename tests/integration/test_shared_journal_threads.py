"""Two engines with real threads on one journal: whatever is asked of them at once, neither hangs nor loses money."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cvconnect_pos import Engine, NotAllowedNow, Payment, State, Tender, WaitTimeout
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.core.attempt import Attempt, Entry
from cvconnect_pos.core.policy import Cadence
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.mailbox import Box, Item
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.memory import MemoryTransport
from cvconnect_sim.gateway import Provider, ProviderApi, Request
from harness import NUMBER, Till, held, paid, until_written

ASKED = 4550
BALANCE_CENTS = 10_000_000
REQUESTS_MAX = 25
ORDERS_FOR_S = 1.5
PATIENCE_S = 30.0
"""How long a test waits for what takes moments, before it is held to hang."""

SHORT = {
    "leasing._LEASE_S": 0.4,
    "leasing._PATIENCE_S": 1.0,
    "leasing._SOON_S": 0.1,
    "leasing._FOLLOW": Cadence(((float("inf"), 0.1),)),
    "leasing._FOLLOW_RECORDED": Cadence(((float("inf"), 0.2),)),
    "engine._LOOK_AROUND_S": 0.1,
    "engine._HINT_AGAIN_S": 0.2,
    "mailroom._JOURNAL_RETRY_S": 0.1,
}
"""The pauses of tills that share a journal, so short that leases change hands in the middle of everything."""


class Shop:
    """A provider that takes one request at a time, and what its customer has paid."""

    def __init__(self) -> None:
        self._provider = Provider(clock=SystemClock())
        self._provider.add_customer(NUMBER, balance_cents=BALANCE_CENTS)
        self._lock = threading.Lock()

    @property
    def merchant(self) -> Any:
        return self._provider.merchant

    def answer(self, request: Request) -> Any:
        with self._lock:
            return ProviderApi(self._provider).answer(request)

    def pay_one(self, dice: Random) -> None:
        with self._lock:
            waiting = self._provider.waiting_for(NUMBER)
            if waiting:
                self._provider.validate(NUMBER, dice.choice(waiting).transaction_id)

    def held(self) -> int:
        with self._lock:
            return BALANCE_CENTS - self._provider.customer(NUMBER).balance_cents


class ThreadedTill:
    """An engine with four workers, and how many of its calls about one transaction were under way at once."""

    def __init__(self, name: str, folder: Path, shop: Shop) -> None:
        self.name = name
        self._shop = shop
        self._dice = Random(name)
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self.most_at_once = 0
        merchant = shop.merchant
        gateway = AncvGateway(
            MemoryTransport(self._answer),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        self.engine = Engine(
            gateway,
            SqliteJournal(folder / "journal.sqlite3"),
            workers=4,
            call_timeout_s=0.2,
            calls_per_s=500.0,
            speed=20.0,
            seed=1,
        )
        self.tender = Tender(self.engine)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        parts = request.path.strip("/").split("/")[4:]
        transaction_id = parts[1] if len(parts) > 1 else ""
        with self._lock:
            self._under_way[transaction_id] += 1
            if transaction_id:
                self.most_at_once = max(self.most_at_once, self._under_way[transaction_id])
            pause_s = self._dice.uniform(0.0, 0.02)
        try:
            time.sleep(pause_s)
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = self._shop.answer(Request(request.method, request.path, headers, request.body))
            return HttpResponse(answer.status, {n.lower(): v for n, v in answer.headers.items()}, answer.body)
        finally:
            with self._lock:
                self._under_way[transaction_id] -= 1


@pytest.fixture
def tills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shop, list[ThreadedTill]]]:
    """A shop with two tills on one journal."""
    for name, value in SHORT.items():
        monkeypatch.setattr(f"cvconnect_pos.{name}", value)
    shop = Shop()
    both = [ThreadedTill(name, tmp_path, shop) for name in ("one", "two")]
    yield shop, both
    for till in both:
        till.engine.close()


class Cashiers:
    """People who press whatever they like, in four threads at each till.

    Args:
        shop: Where customers pay.
        tills: What they press on.
        seed: Decides what they do.
    """

    def __init__(self, shop: Shop, tills: Sequence[ThreadedTill], seed: int) -> None:
        self._shop = shop
        self.requests: list[str] = []
        self.escaped: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._work, args=(till, f"{till.name}-{n}", seed), daemon=True)
            for till in tills
            for n in range(4)
        ]

    def run(self) -> bool:
        """Let them work for a while; say whether all of them came back."""
        self._end = time.monotonic() + ORDERS_FOR_S
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, till: ThreadedTill, name: str, seed: int) -> None:
        dice = Random(f"{name} {seed}")
        while time.monotonic() < self._end:
            try:
                self._press(till, name, dice)
            except (NotAllowedNow, WaitTimeout):
                pass
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
                self.escaped.append(error)
            time.sleep(dice.uniform(0.0, 0.02))

    def _press(self, till: ThreadedTill, name: str, dice: Random) -> None:
        if len(self.requests) < REQUESTS_MAX and dice.random() < 0.3:
            request_id = f"{name}-{len(self.requests)}"
            till.tender.request(
                request_id=request_id,
                amount_cents=ASKED,
                basket_ref=request_id,
                way="keyed",
                beneficiary=NUMBER,
            )
            self.requests.append(request_id)
        if not self.requests:
            return
        payment = till.engine.resume(dice.choice(self.requests))
        acts: list[tuple[int, Callable[[], object]]] = [
            (5, lambda: self._shop.pay_one(dice)),
            (3, lambda: self._record(payment)),
            (2, till.engine.unacknowledged),
            (2, lambda: till.engine.hint(payment.attempt.transaction_id, "")),
            (2, lambda: payment.wait(0.02)),
            (1, payment.reverse),
            (1, payment.cancel),
            (1, payment.keep),
        ]
        dice.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def _record(self, payment: Payment) -> None:
        if payment.outcome is not None:
            payment.acknowledge()


def result(attempt: Attempt) -> tuple[State, int, int]:
    """What a till shows of an attempt; what another one noted beside it may come later."""
    received_cents = attempt.received_cents if attempt.state in {State.APPROVED, State.DECIDING} else None
    return attempt.state, received_cents or 0, attempt.surplus_cents


def soon(condition: Callable[[], bool]) -> bool:
    """Wait until something is true; say whether it came to be."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("seed", [1, 2])
def test_two_tills_in_a_hurry_agree_on_every_payment_and_on_the_money(
    tills: tuple[Shop, list[ThreadedTill]], caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    shop, both = tills
    for till in both:
        till.engine.recover()
    cashiers = Cashiers(shop, both, seed)
    assert cashiers.run()
    assert cashiers.escaped == []

    def agree() -> bool:
        ours, theirs = ([result(till.engine.resume(r).attempt) for r in cashiers.requests] for till in both)
        return ours == theirs and sum(received_cents for _, received_cents, _ in ours) == shop.held()

    assert soon(agree)
    assert max(till.most_at_once for till in both) == 1
    assert not [record.getMessage() for record in caplog.records if "a step failed" in record.getMessage()]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """A till whose time is the test's."""
    till = Till(tmp_path)
    yield till
    till.engine.close()


def test_an_order_that_comes_while_another_screen_finds_news_is_done_in_one_mailbox(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    payment.acknowledge()
    till.run(120)
    driver, journal = till.engine._driver, till.engine._journal
    assert not driver._mail.boxes()
    second = Till(till.folder, beside=till)
    until_written(second, second.engine.resume("r1"))
    entries, lease, handlers = journal.entries, journal.lease, driver._mail._handlers
    reads, asks = threading.Event(), threading.Event()
    worked: list[Box] = []

    def read_slowly(request_id: str, *, after: int = 0) -> Sequence[Entry]:
        found = entries(request_id, after=after)
        if threading.current_thread() is screen:
            reads.set()
            assert asks.wait(PATIENCE_S)
        return found

    def then_go_on(request_id: str, **more: Any) -> bool:
        is_ours = lease(request_id, **more)
        asks.set()
        return is_ours

    def noted(box: Box, item: Item) -> None:
        worked.append(box)
        handlers.do(box, item)

    monkeypatch.setattr(journal, "entries", read_slowly)
    monkeypatch.setattr(journal, "lease", then_go_on)
    monkeypatch.setattr(driver._mail, "_handlers", replace(handlers, do=noted))
    screen = threading.Thread(target=till.engine.resume, args=("r1",), daemon=True)
    cashier = threading.Thread(target=payment.reverse, daemon=True)  # the handle still says that it is paid
    screen.start()
    assert reads.wait(PATIENCE_S)
    cashier.start()
    for thread in (screen, cashier):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    till.run(30)
    assert len({id(box) for box in worked}) == 1
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)
