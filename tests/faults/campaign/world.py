"""The world of one schedule: one clock, one provider, its customers, one journal file, and up to two till processes.

Nothing here is random and nobody waits: time is a number that moves to the next thing that is due. Whatever happens
while a till is inside a call or a write happens for real: the other till runs, customers act, processes die.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from cvconnect_pos.errors import JournalError, NoAnswer
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.errors import SimError
from cvconnect_sim.faults import Fault, FaultKind, rewritten
from cvconnect_sim.gateway import Provider, ProviderApi, ProviderServer, Request
from faults.campaign.deeds import DEEDS
from faults.campaign.network import FAULTS, UNANSWERED
from faults.campaign.process import RETRY_S, Process, Wire
from faults.campaign.schedule import Item, Schedule
from faults.campaign.watch import Watch
from harness import HandClock

NUMBERS: Final = {"c0": "10000003051", "c1": "10000004062", "c2": "10000005073"}
EMAIL: Final = "client@example.invalid"
IDENTIFIERS: Final = {**NUMBERS, "c0": EMAIL}
"""How a till names each customer."""

BALANCE_CENTS: Final = 100_000
PATIENCE_S: Final = 120.0
"""For so long a person tries to do what cannot be done yet."""

TICK_S: Final = 0.001
"""Time always moves: a sum of seconds may fall just short of the moment that it aims at."""

EXCHANGES_MAX: Final = 4_000
"""More exchanges than any healthy walk needs."""


TURNS_MAX: Final = 20_000
"""More turns than any walk takes whose tills sleep between two looks."""


class Runaway(BaseException):
    """The tills are busy without end."""


class MemoryWire:
    """The provider without a network."""

    def __init__(self, provider: Provider) -> None:
        self._api = ProviderApi(provider)

    def send(self, request: HttpRequest, fault: Fault | None) -> HttpResponse:
        """Carry a request out, or what the fault leaves of it."""
        if fault and fault.kind is FaultKind.DROP_BEFORE:
            raise NoAnswer(reason="dropped")
        if fault and fault.kind is FaultKind.STATUS:
            if fault.processed:
                self._answer(request)
            return HttpResponse(fault.status, {n.lower(): v for n, v in fault.headers.items()}, fault.body)
        answer = self._answer(request)
        if fault and fault.kind in {FaultKind.DROP_AFTER, FaultKind.TRUNCATED_BODY}:
            raise NoAnswer(reason="dropped")
        if fault and fault.kind is FaultKind.HTML_PAGE:
            return HttpResponse(200, {}, b"<html>proxy</html>")
        return HttpResponse(
            answer.status, answer.headers, rewritten(fault, answer.body) if fault else answer.body
        )

    def _answer(self, request: HttpRequest) -> HttpResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._api.answer(Request(request.method, request.path, headers, request.body))
        date = format_datetime(self._api.provider.clock.now(), usegmt=True)
        told = {"date": date} | {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(answer.status, told, answer.body)

    def close(self) -> None:
        """Nothing to close."""


class HttpWire:
    """The provider behind a real socket; each till process has connections of its own."""

    def __init__(self, server: ProviderServer) -> None:
        self._server = server
        self._transport = RequestsTransport(server.base_url)

    def send(self, request: HttpRequest, fault: Fault | None) -> HttpResponse:
        """Send it, and let the server meet the fault."""
        if fault:
            self._server.faults.add(fault)
        try:
            return self._transport.send(request, timeout_s=30.0)
        finally:
            self._server.faults.clear()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class Exchange:
    """One request of a till, on its way."""

    def __init__(self, world: World, process: Process, request: HttpRequest) -> None:
        self._world = world
        self._process = process
        self._request = request

    def meet(self, fault: Fault) -> HttpResponse:
        """Meet a fault that keeps the request from being carried out."""
        return self._process.wire.send(self._request, fault)

    def carry_out(self, fault: Fault | None) -> HttpResponse:
        """Let the provider carry it out; the fault meets the answer."""
        return self._process.wire.send(self._request, fault)

    def carry_out_later(self, delay_s: float) -> None:
        """Let it arrive later."""
        request = self._request
        wire = MemoryWire(self._world.provider)  # whatever becomes of the till's own connections
        self._world.later(delay_s, lambda: wire.send(request, None))

    def wait(self, seconds: float) -> None:
        """Let time pass for everybody else."""
        self._world.pass_time(seconds)
        self._process.check()


class World:
    """Everything there is.

    Args:
        schedule: What happens.
        folder: Where the journal is.
        server: The provider's server; None to call it directly.
    """

    def __init__(
        self, schedule: Schedule, folder: Path, provider: Provider, server: ProviderServer | None
    ) -> None:
        self.schedule = schedule
        self.folder = folder
        clock = provider.clock
        assert isinstance(clock, HandClock)
        self.clock = clock
        self.provider = provider
        self._server = server
        self.watch = Watch(provider)
        self.processes: dict[str, Process] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.returned: dict[str, set[str]] = defaultdict(set)
        """By till, the lines whose request came back to it."""
        self.faulted: set[str] = set()
        """The lines at which the provider itself did wrong."""
        self.shown: dict[str, str] = {}
        """By line, the QR that was last shown; a phone may keep its picture."""
        self.exchanges = self.writes = self.turns = 0
        self.healthy = False
        self._faults = {item.when: item for item in schedule.items if item.is_fault}
        self._triggered: dict[str, list[Item]] = defaultdict(list)
        self._timed: list[Item] = []
        for item in schedule.items:
            if item.at_s is not None:
                self._timed.append(item)
            elif not item.is_fault:
                self._triggered[item.when].append(item)
        self._timed.sort(key=lambda item: item.at_s or 0.0, reverse=True)
        self._wishes: list[tuple[float, Item]] = []
        self._later: list[tuple[float, Callable[[], object]]] = []
        for customer, number in NUMBERS.items():
            email = EMAIL if customer == "c0" else ""
            provider.add_customer(number, email=email, balance_cents=BALANCE_CENTS)

    # --- time ------------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic()

    def later(self, delay_s: float, act: Callable[[], object]) -> None:
        """Do it so many seconds from now."""
        self._later.append((self.now_s + delay_s, act))

    def wish(self, item: Item) -> None:
        """Let somebody want this from now on, until it can be done or patience ends."""
        self._wishes.append((self.now_s + PATIENCE_S, item))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, stopping at everything that is due on the way."""
        end = self.now_s + seconds
        while True:
            self.turns += 1
            if self.turns > TURNS_MAX:
                raise Runaway("turns")
            self.moment()
            self.run_others()
            due = [self._due_s(), *(p.due_s() for p in self.processes.values())]
            next_s = min((at for at in due if at is not None), default=math.inf)
            if next_s > end:
                break
            self.clock.advance(max(next_s - self.now_s, TICK_S))
        self.clock.advance(max(end - self.now_s, 0.0))

    def _due_s(self) -> float | None:
        due = [at for at, _ in self._later]
        if self._timed:
            due.append(self._timed[-1].at_s or 0.0)
        return min(due, default=None)

    def moment(self) -> None:
        """Do what is due, and what somebody wants and can do now."""
        now = self.now_s
        while self._timed and (self._timed[-1].at_s or 0.0) <= now:
            self.wish(self._timed.pop())
        for planned in [planned for planned in self._later if planned[0] <= now]:
            self._later.remove(planned)
            planned[1]()
        wishes, self._wishes = self._wishes, []
        for until, item in wishes:
            if not self._do(item) and until > now:
                self._wishes.append((until, item))

    def _do(self, item: Item) -> bool:
        try:
            return DEEDS[item.what](self, *item.args)
        except SimError:  # the provider does not let the customer: not yet, or no more
            return False

    def run_others(self) -> None:
        """Let every process do what is due, but those that are in the middle of something."""
        for process in tuple(self.processes.values()):
            process.run_due()

    def heal(self) -> None:
        """From now on nothing goes wrong and nobody interferes; what is dead or frozen comes back."""
        self.healthy = True
        self._faults.clear()
        self._triggered.clear()
        self._timed.clear()
        self._wishes.clear()
        for process in self.processes.values():
            process.frozen_until_s = 0.0

    # --- processes ---------------------------------------------------------------------------------------------------

    def start(self, name: str) -> Process:
        """Start a till process on the journal."""
        wire: Wire = HttpWire(self._server) if self._server else MemoryWire(self.provider)
        process = Process(self, name, wire, self.folder / "journal.sqlite3")
        self.processes[name] = process
        return process

    def alive(self) -> Iterator[Process]:
        """The processes that can be used now."""
        return (process for process in tuple(self.processes.values()) if process.is_usable)

    def crash(self, name: str, down_s: float, *, resume: bool) -> None:
        """End a process as a power cut would, and start it again later."""
        process = self.processes[name]
        if not process.dead:
            process.crash()
            self.later(down_s, lambda: self.revive(name, resume=resume))

    def revive(self, name: str, *, resume: bool) -> None:
        """Start a process again: it recovers, asks again what never came back to it, and may come back to the rest."""
        try:
            process = self.start(name)
        except JournalError:
            self.later(RETRY_S, lambda: self.revive(name, resume=resume))
            return
        process.run_due()
        for line in self.asked:
            if line not in self.returned[name]:
                if self.asked[line]["till"] == name:
                    self.wish(Item("0", "again", (name, line)))
            elif resume:
                self.wish(Item("0", "resume", (name, line)))

    # --- what happens inside a process -------------------------------------------------------------------------------

    @contextmanager
    def around_write(self, process: Process) -> Iterator[None]:
        """One write of a process: what happens just before and just after."""
        self.writes += 1
        number = self.writes
        process.writing += 1
        try:
            self._reach(f"w{number}b", process)
            yield
            self._reach(f"w{number}a", process)  # not after a refusal: nothing was written
        finally:
            process.writing -= 1

    def exchange(self, process: Process, request: HttpRequest) -> HttpResponse:
        """One exchange of a process with the provider: what happens before, with and after it."""
        process.check()
        self.exchanges += 1
        if self.exchanges > EXCHANGES_MAX:
            raise Runaway("exchanges")
        number = self.exchanges
        fault = self._faults.pop(f"h{number}", None)
        sending = self.watch.leaving(process.instance, request)
        self._reach(f"h{number}b", process)
        exchange = Exchange(self, process, request)
        try:
            if fault is None:
                answer = exchange.carry_out(None)
            else:
                answer = FAULTS[fault.what](exchange, float(fault.args[0]) if fault.args else 0.0)
            if fault is None or fault.what not in UNANSWERED:
                self.watch.answered(sending)
            return answer
        finally:
            if not process.dead:
                self._reach(f"h{number}a", process)

    def _reach(self, when: str, process: Process) -> None:
        """Reach a point inside a process: others act there, and the process may be dead after it."""
        due = self._triggered.pop(when, None)
        if due is None:
            return
        for item in due:
            self.wish(Item(item.when, item.what, tuple(process.name if a == "me" else a for a in item.args)))
        self.moment()
        self.run_others()
        process.check()

    # --- what the provider has ------------------------------------------------------------------------------------------

    def transactions_of(self, line: str) -> list[str]:
        """The ids of a line's transactions, oldest first."""
        return [t.transaction_id for t in self.provider.transactions() if t.order.label == line]
