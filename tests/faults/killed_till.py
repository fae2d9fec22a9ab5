"""A till that takes one payment and kills itself at a given boundary; run as a program, it makes such tills on order.

The program imports everything once and then forks: an order is one JSON line on its standard input, the answer one line
on its standard output, the till's exit status. A till leaves four files in its folder: the journal, `boundaries` (those
it has reached), `display` (the QR codes that a customer may have seen) and `sales` (what the till's own books say).

A boundary is a moment just before or just after a journal write, a sync of the journal's file within or without one, an
HTTP exchange, or an entry in the till's books. The engine has no threads here and its clock steps, so that the same orders
reach the same boundaries; the journal and the network are real, and so is the death: SIGKILL, nothing is closed, flushed
or said. POSIX only: `os.fork` and SIGKILL. Not modelled: a power cut, which loses more; see `test_journal_power.py`.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from pathlib import Path
from threading import Condition
from typing import Any, Final

import apsw

from cvconnect_pos import Engine, Outcome, Payment, State, Tender
from cvconnect_pos.core.attempt import Attempt, Entry
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_pos.transports.requests import RequestsTransport

NUMBER: Final = "10000003051"
ASKED: Final = 4550
PATIENCE_S: Final = 900.0
"""A till that has not ended by then, on its own clock, is stuck."""
ALARM_S: Final = 30
"""So long may a till really take."""
TRIES: Final = 3
"""So many requests for one line: a restart may cancel the first, a second kill there is none."""

PAID: Final = frozenset({State.APPROVED})
UNPAID: Final = frozenset({State.CANCELLED, State.REVERSED, State.ORPHANED})
LONG_S: Final = 3600
"""How long a customer of a deferred request may take."""


def _identify(payment: Payment) -> None:
    payment.identify(NUMBER)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to take a payment, and what the cashier and the customer do.

    Args:
        way: How the customer is reached.
        acts: What the cashier does as soon as the payment stands there.
        ends: With one of these the sale is over; after another end the till asks anew, as a cashier would.
        scans: The customer scans the QR that is shown.
        pays_cents: What the customer pays; 0 for never.
        kept_cents: What the provider holds for the merchant in the end.
        more: Further arguments of the request.
    """

    way: str
    acts: Mapping[State, Callable[[Payment], object]] = field(default_factory=dict[State, Any])
    ends: frozenset[State] = PAID
    scans: bool = False
    pays_cents: int = ASKED
    kept_cents: int = ASKED
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])


KEEP: Final = methodcaller("keep")
CANCEL: Final = methodcaller("cancel")
REVERSE: Final = methodcaller("reverse")

_KEPT: Final = {State.DECIDING: KEEP}
_UNDONE: Final = {State.AWAITING: CANCEL, State.DECIDING: REVERSE, State.APPROVED: REVERSE}

SCENARIOS: Final[dict[str, Scenario]] = {
    "qr": Scenario("qr", _KEPT, scans=True),
    "qr, paid in part": Scenario("qr", _KEPT, scans=True, pays_cents=3000, kept_cents=3000),
    "scan": Scenario("scan", {**_KEPT, State.OPENED: _identify}),
    "either, by QR": Scenario("either", _KEPT, scans=True),
    "either, by label": Scenario("either", {**_KEPT, State.OPENED: _identify, State.SHOWING: _identify}),
    "keyed": Scenario("keyed", _KEPT),
    "keyed, cancelled": Scenario("keyed", _UNDONE, UNPAID, pays_cents=0, kept_cents=0),
    "keyed, paid while cancelled": Scenario("keyed", _UNDONE, UNPAID, kept_cents=0),
    "keyed, then reversed": Scenario(
        "keyed", {State.APPROVED: REVERSE, State.DECIDING: REVERSE}, frozenset({State.REVERSED}), kept_cents=0
    ),
    "deferred": Scenario("deferred", _KEPT, more={"delay_s": LONG_S}),
    "reserved, then captured": Scenario(
        "keyed", {**_KEPT, State.RESERVED: methodcaller("capture")}, more={"reserve": True}
    ),
    "reserved, then captured in part": Scenario(
        "keyed",
        {**_KEPT, State.RESERVED: methodcaller("capture", 3000)},
        kept_cents=3000,
        more={"reserve": True},
    ),
    "reserved, then released": Scenario(
        "keyed",
        {State.DECIDING: REVERSE, State.RESERVED: methodcaller("release")},
        frozenset({State.RELEASED}),
        kept_cents=0,
        more={"reserve": True},
    ),
}


class Boundaries:
    """Counts them, and dies at one.

    Args:
        path: Where their names go, at once.
        kill_at: The number of the fatal one, from 0; -1 to live.
    """

    def __init__(self, path: Path, kill_at: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._left = kill_at

    def reach(self, name: str) -> None:
        os.write(self._file, f"{name}\n".encode())
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.reach(f"before {name}")
        yield
        self.reach(f"after {name}")


class KillableVfs(apsw.VFS):
    """SQLite's own file system, as the default one; dies at a sync."""

    def __init__(self, boundaries: Boundaries) -> None:
        self.real = apsw.vfs_names()[0]
        super().__init__("killable", self.real, makedefault=True)
        self.boundaries = boundaries

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        return KillableFile(self, name, flags)


class KillableFile(apsw.VFSFile):
    """One file on it."""

    def __init__(self, vfs: KillableVfs, name: Any, flags: Any) -> None:
        super().__init__(vfs.real, name, flags)
        self._boundaries = vfs.boundaries

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Not handed on: what a killed process has written is safe with the system, and no till waits for the disk."""
        with self._boundaries.around("sync"):
            pass


class KillableJournal(SqliteJournal):
    """The real journal, on the real disk."""

    def __init__(self, path: Path, boundaries: Boundaries) -> None:
        super().__init__(path)
        self._boundaries = boundaries

    def begin(self, *args: Any, **more: Any) -> Any:
        with self._boundaries.around("write REQUEST"):
            return super().begin(*args, **more)

    def append(self, *args: Any, **more: Any) -> Entry:
        with self._boundaries.around(f"write {args[2]}"):
            return super().append(*args, **more)

    def lease(self, *args: Any, **more: Any) -> bool:
        with self._boundaries.around("write LEASE"):
            return super().lease(*args, **more)


class KillableTransport:
    """The real network."""

    def __init__(self, url: str, boundaries: Boundaries) -> None:
        self._real = RequestsTransport(url)
        self._boundaries = boundaries

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        parts = request.path.strip("/").split("/")[4:]
        with self._boundaries.around(
            f"{request.method} {'/'.join(p for i, p in enumerate(parts) if i != 1)}"
        ):
            return self._real.send(request, timeout_s=timeout_s)

    def close(self) -> None:
        self._real.close()


class SteppingClock:
    """The machine's clocks, on which no time passes but what the till waits for: a life takes the same steps every time."""

    def __init__(self) -> None:
        self._start_s, self._start = time.monotonic(), datetime.now(UTC)
        self.elapsed_s = 0.0

    def monotonic(self) -> float:
        return self._start_s + self.elapsed_s

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_s)

    def wait(self, condition: Condition, timeout_s: float | None) -> None:
        raise AssertionError("a till without threads never waits")


class FileDisplay:
    """Shows QR codes in a file, one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        if command is Command.SHOW:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{attempt.qr_payload}\n")
        return 0


class KilledTill:
    """One till process, from its start to its end or its death."""

    def __init__(self, folder: Path, url: str, scenario: Scenario, kill_at: int) -> None:
        self.scenario = scenario
        self.boundaries = Boundaries(folder / "boundaries", kill_at)
        self.books = folder / "sales"
        self.clock = SteppingClock()
        self.vfs = KillableVfs(self.boundaries)
        gateway = AncvGateway(
            KillableTransport(url, self.boundaries),
            Merchant("12345678", "123456"),
            SealKey("ver001", "simulated-seal-key"),
            production=False,
        )
        self.engine = Engine(
            gateway,
            KillableJournal(folder / "journal.db", self.boundaries),
            devices=FileDisplay(folder / "display"),
            clock=self.clock,
            workers=0,
            seed=1,
        )
        self.tender = Tender(self.engine)

    def sell(self) -> None:
        """Take the payment as a till does at every start: what was left first, then the same request again."""
        self.engine.recover()
        for late in self.engine.unacknowledged():
            self._settle(late)
        named: dict[str, Any] = {"beneficiary": NUMBER} if self.scenario.way in {"keyed", "deferred"} else {}
        for number in range(1, TRIES + 1):
            payment = self.tender.request(
                request_id=f"T1-{number}",
                amount_cents=ASKED,
                basket_ref="B1",
                way=self.scenario.way,
                **named,
                **self.scenario.more,
            )
            if self._settle(payment).state in self.scenario.ends:
                return
        raise RuntimeError("no request came to the end that was wanted")

    def _settle(self, payment: Payment) -> Outcome:
        outcome = self._followed(payment)
        sale = {"request_id": outcome.request_id, "received_cents": outcome.received_cents}
        with self.boundaries.around("sale"), self.books.open("a", encoding="utf-8") as file:
            file.write(json.dumps(sale) + "\n")
        payment.acknowledge()
        return outcome

    def _followed(self, payment: Payment) -> Outcome:
        while True:
            self.engine.run_due()
            state, outcome = payment.attempt.state, payment.outcome
            if act := self.scenario.acts.get(state):
                act(payment)
            elif payment.attempt.is_final and outcome is not None:
                return outcome
            elif (due_s := self.engine.next_due_s()) is None or self.clock.elapsed_s > PATIENCE_S:
                raise RuntimeError(f"stuck in {state}")
            else:
                self.clock.elapsed_s += max(due_s, 0.0)


def live(order: Mapping[str, Any]) -> None:
    """Be the till of one order; never returns to the caller."""
    status = 1
    try:
        signal.alarm(ALARM_S)
        till = KilledTill(Path(order["folder"]), order["url"], SCENARIOS[order["scenario"]], order["kill_at"])
        till.sell()
        till.engine.close()
        status = 0
    except BaseException:  # noqa: BLE001 - the status tells
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Fork a till for each order, until there are no more."""
    import cryptography.hazmat.primitives.ciphers.aead as _aead
    import msgspec as _msgspec
    import requests as _requests

    import cvconnect_pos.transports.watched as _watched

    assert all((_aead, _msgspec, _requests, _watched))  # imported here, so that no till has to
    gc.freeze()  # what all tills share is not looked at, and so not copied
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            live(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
