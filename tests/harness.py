"""A till without threads, sockets or waiting: the engine is driven by hand against the simulated provider."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any, TypeAlias

from cvconnect_pos import Engine, Event, Payment, State, Tender, WaitTimeout
from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.credential import Credential
from cvconnect_pos.errors import NoAnswer
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.memory import MemoryTransport
from cvconnect_sim.clock import Clock, VirtualClock
from cvconnect_sim.gateway import Provider, ProviderApi, Request
from cvconnect_sim.phone import Phone

NUMBER = "10000003051"
OTHER_NUMBER = "10000004062"

Really: TypeAlias = Callable[[], HttpResponse]
Behave: TypeAlias = Callable[[HttpRequest, Really], HttpResponse]
"""What becomes of a request: it is given, and what lets it arrive at the provider."""


class HandClock(VirtualClock):
    """A virtual clock on which nobody may wait."""

    def wait(self, condition: Condition, timeout_s: float | None) -> None:
        raise AssertionError("a unit test never waits")


class RecordingDevices:
    """Keeps the commands that the devices were given."""

    def __init__(self) -> None:
        self.commands: list[tuple[Command, str]] = []

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        self.commands.append((command, attempt.state.value))
        return 0


class Till:
    """One till and its provider; `restart` is a power cut.

    Args:
        folder: Where its journal is.
        beside: Another till on the same journal: this one shares its clock and its provider.
    """

    def __init__(self, folder: Path, *, beside: Till | None = None) -> None:
        self.folder = folder
        self.clock: HandClock = beside.clock if beside else HandClock()
        self.provider: Provider = beside.provider if beside else Provider(clock=self.clock)
        if beside is None:
            self.provider.add_customer(NUMBER, email="client@example.invalid", balance_cents=100_000)
            self.provider.add_customer(OTHER_NUMBER, balance_cents=100_000)
        self.phone = Phone(self.provider, NUMBER)
        self.faults: list[tuple[str, Behave]] = []
        self.sent: list[tuple[str, str]] = []
        self.start()

    def start(self) -> None:
        self.devices = self.make_devices()
        self.transport = MemoryTransport(self._answer)
        merchant = self.provider.merchant
        gateway = AncvGateway(
            self.transport,
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        journal = SqliteJournal(self.folder / "journal.sqlite3")
        self.engine = Engine(
            gateway,
            journal,
            devices=self.devices,
            clock=self.clock,
            workers=0,
            seed=1,
            credential=Credential(gateway.fingerprint, self.folder / "credential"),
        )
        self.tender = Tender(self.engine)

    def make_devices(self) -> RecordingDevices:
        return RecordingDevices()

    def restart(self, *, recover: bool = True) -> None:
        self.engine.close()
        self.start()
        if recover:
            self.engine.recover()

    def ask(
        self, request_id: str = "r1", amount_cents: int = 4550, basket_ref: str = "B1", **more: Any
    ) -> Payment:
        payment = self.tender.request(
            request_id=request_id, amount_cents=amount_cents, basket_ref=basket_ref, **more
        )
        self.engine.run_due()
        return payment

    def run(self, seconds: float = 0.0) -> None:
        """Let this much time pass, stopping at everything that is due on the way."""
        run_together(self, seconds=seconds)

    def fault(self, path_part: str, behave: Behave) -> None:
        """Let the next request whose `METHOD path` holds this text go another way."""
        self.faults.append((path_part, behave))

    def fault_for_good(self, path_part: str, behave: Behave) -> None:
        """Let every such request go another way from now on."""

        def again(request: HttpRequest, really: Really) -> HttpResponse:
            self.fault(path_part, again)
            return behave(request, really)

        self.fault(path_part, again)

    def paths(self, method: str = "POST") -> list[str]:
        """The resources that were called, without their ids: `payment-transactions/payer`."""
        return [path for m, path in self.sent if m == method]

    def _answer(self, request: HttpRequest) -> HttpResponse:
        parts = request.path.strip("/").split("/")[4:]
        self.sent.append((request.method, "/".join(p for i, p in enumerate(parts) if i != 1)))

        def really() -> HttpResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer = ProviderApi(self.provider).answer(
                Request(request.method, request.path, headers, request.body)
            )
            return HttpResponse(answer.status, {n.lower(): v for n, v in answer.headers.items()}, answer.body)

        for position, (part, behave) in enumerate(self.faults):
            if part in f"{request.method} {request.path}":
                del self.faults[position]
                return behave(request, really)
        return really()


def run_together(*tills: Till, seconds: float = 0.0) -> None:
    """Let this much time pass for tills that share a clock, stopping at everything that is due on the way.

    Their routine is not counted as due: it has its turn every minute.
    """

    def run_due() -> float:
        for till in tills:
            till.engine.run_due()
        dues = [due for till in tills if (due := till.engine.next_due_s()) is not None]
        return min([60.0, *dues])

    clock = tills[0].clock
    end = clock.monotonic() + seconds
    while clock.monotonic() + (due := run_due()) <= end:
        clock.advance(max(due, 0.0))
    clock.advance(max(end - clock.monotonic(), 0.0))


def lose_answer(_: HttpRequest, really: Really) -> HttpResponse:
    """The provider does it, and its answer is lost."""
    really()
    raise NoAnswer(reason="test")


def lose_request(_: HttpRequest, __: Really) -> HttpResponse:
    """The request is lost on its way; the till cannot know that."""
    raise NoAnswer(reason="test")


def keyed(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    """A customer whose number was keyed is asked."""
    return till.ask(request_id, way="keyed", beneficiary=NUMBER, **more)


def paid(till: Till, request_id: str = "r1", **more: Any) -> Payment:
    """A customer was asked, and has paid; the till has not looked at it yet."""
    payment = keyed(till, request_id, **more)
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    assert payment.attempt.state is State.APPROVED
    return payment


def reserved(till: Till) -> Payment:
    """A customer was asked, and the money is reserved."""
    payment = keyed(till, reserve=True)
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    assert payment.attempt.state is State.RESERVED
    return payment


def expired(till: Till) -> Payment:
    """A customer was asked, and never answered."""
    payment = keyed(till)
    till.run(400)
    assert payment.attempt.state is State.EXPIRED
    return payment


def until_written(till: Till, payment: Payment) -> None:
    """The till dies when it has written its order to give the money back, before it sends it."""
    till.fault_for_good("cancellation", lose_request)
    payment.reverse()
    till.engine.run_due()
    till.engine.close()
    till.faults.clear()


def held(till: Till) -> int:
    """What the two customers are without, in cents."""
    return 200_000 - sum(till.provider.customer(n).balance_cents for n in (NUMBER, OTHER_NUMBER))


def told(payment: Payment) -> list[Event]:
    """Take all events that were not taken yet."""
    events: list[Event] = []
    while True:
        try:
            event = payment.next_event(0)
        except WaitTimeout:
            return events
        if event is None:
            return events
        events.append(event)


def rewritten(change: Callable[[dict[str, Any]], None]) -> Behave:
    """The transaction of the answer is another one."""

    def behave(_: HttpRequest, really: Really) -> HttpResponse:
        real = really()
        document = json.loads(real.body)
        change(document["transaction"])
        return HttpResponse(real.status, real.headers, json.dumps(document).encode())

    return behave


def delay(till: Till, part: str) -> list[Really]:
    """Let the next such request arrive when the test says so: its answer is lost."""
    waiting: list[Really] = []

    def behave(request: HttpRequest, really: Really) -> HttpResponse:
        waiting.append(really)
        return lose_request(request, really)

    till.fault(part, behave)
    return waiting


class SetClock(HandClock):
    """The wall clock of a till is set while the provider's goes on; its monotonic clock takes no notice."""

    def __init__(self, base: Clock, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._base = base
        self._advance = advance
        self.off = timedelta()

    def monotonic(self) -> float:
        return self._base.monotonic()

    def now(self) -> datetime:
        return self._base.now() + self.off

    def advance(self, seconds: float) -> None:
        self._advance(seconds)


def wall_clock(till: Till) -> SetClock:
    """Give the till a wall clock of its own."""
    clock = SetClock(till.clock, till.clock.advance)
    till.engine.close()
    till.clock = clock
    till.start()
    return clock
