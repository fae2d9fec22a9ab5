"""One till process: engine, journal and connections, which a schedule may kill or freeze between any two steps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from cvconnect_pos import Engine, InvalidInput, NotAllowedNow, Payment, Tender
from cvconnect_pos.core.attempt import Attempt, Entry
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.errors import JournalError
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from cvconnect_sim.faults import Fault

if TYPE_CHECKING:
    from faults.campaign.world import World

RETRY_S: Final = 1.0
_INSTANCES: Final = count(1)


class Killed(BaseException):
    """The process that was running is dead; no code of it runs any more."""


class Wire(Protocol):
    """How a request gets to the provider."""

    def send(self, request: HttpRequest, fault: Fault | None) -> HttpResponse:
        """Send one request, which meets the fault."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class WatchedJournal:
    """The real journal; the world knows of every write just before and just after it."""

    def __init__(self, process: Process, journal: SqliteJournal) -> None:
        self._process = process
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def begin(self, *args: Any, **more: Any) -> tuple[Sequence[Entry], bool]:
        """See `Journal.begin`."""
        with self._process.writes():
            entries, is_new = self._journal.begin(*args, **more)
            if is_new:
                self._process.wrote(entries[0])
        return entries, is_new

    def append(self, *args: Any, **more: Any) -> Entry:
        """See `Journal.append`."""
        with self._process.writes():
            entry = self._journal.append(*args, **more)
            self._process.wrote(entry)
        return entry


class _Line:
    """The transport that an engine is given."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        return self._process.world.exchange(self._process, request)

    def close(self) -> None:
        self._process.wire.close()


class Process:
    """One incarnation of a till.

    Args:
        world: Where it lives.
        name: `t0` or `t1`.
        wire: Its connections.
        path: The journal's file, which it may share.
    """

    def __init__(self, world: World, name: str, wire: Wire, path: Path) -> None:
        self.world = world
        self.name = name
        self.wire = wire
        self.instance = f"{name}#{next(_INSTANCES)}"
        self.dead = False
        self.frozen_until_s = 0.0
        self.inside = self.writing = 0
        self.recovered = False
        self.retry_at_s: float | None = None
        self._journal = SqliteJournal(path)
        merchant = world.provider.merchant
        gateway = AncvGateway(
            _Line(self),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        watched: Any = WatchedJournal(self, self._journal)
        self.engine = Engine(
            gateway, watched, devices=self, clock=world.clock, workers=0, seed=world.schedule.seed
        )
        self.tender = Tender(self.engine)

    # --- what the engine calls ---------------------------------------------------------------------------------------

    def carry_out(self, command: Command, payment: Payment, attempt: Attempt) -> int:
        """Be the devices: show a QR, which a customer may see from now on."""
        if command is Command.SHOW:
            self.world.watch.showing(payment.request_id, attempt)
            self.world.shown[payment.request_id] = attempt.qr_payload
        return 0

    @contextmanager
    def writes(self) -> Iterator[None]:
        """Write to the journal, and let the world know before and after."""
        self.check()
        with self.world.around_write(self):
            yield

    def wrote(self, entry: Entry) -> None:
        """Note what was written."""
        self.world.watch.written(self.instance, entry)

    def check(self) -> None:
        """End here if the process is dead.

        Raises:
            Killed: It is.
        """
        if self.dead:
            raise Killed

    # --- what the world does with it ----------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """Whether it runs, and a person can use it."""
        return not self.dead and not self.writing and self.frozen_until_s <= self.world.now_s

    @contextmanager
    def used(self) -> Iterator[None]:
        """Run code of this process: if it is killed meanwhile, the code ends, and nothing else."""
        try:
            yield
        except Killed:
            if not self.dead:  # another one, on whose behalf this one was called
                raise

    def run_due(self) -> None:
        """Do what is due, unless it is dead, frozen or in the middle of something."""
        if not self.is_usable or self.inside:
            return
        self.inside += 1
        try:
            with self.used():
                self.recover()
                self.engine.run_due()
        finally:
            self.inside -= 1

    def recover(self) -> None:
        """Take up what the journal has, once; try again later when the journal cannot be read."""
        if self.recovered or self.world.now_s < (self.retry_at_s or 0.0):
            return
        self.recovered = True
        try:
            self.engine.recover()
        except JournalError:
            self.recovered = False
            self.retry_at_s = self.world.now_s + RETRY_S

    def due_s(self) -> float | None:
        """When it next has something to do, in the world's seconds; None for never, or not before something else."""
        if self.dead or self.inside:
            return None
        left = self.engine.next_due_s()
        if not self.recovered:
            left = RETRY_S
        return None if left is None else max(self.world.now_s + left, self.frozen_until_s)

    def payment(self, line: str) -> Payment | None:
        """Come back to a line's payment; None when the journal knows of none, or cannot be read."""
        try:
            return self.engine.resume(line)
        except (InvalidInput, JournalError, NotAllowedNow):
            return None

    def crash(self) -> None:
        """Be gone, as after SIGKILL: nothing is written, told or sent any more, and the kernel closes what was open."""
        self.dead = True
        abandon(self._journal)
        self.wire.close()

    def close(self) -> None:
        """End as a till does in the evening."""
        self.dead = True
        self.engine.close()


def abandon(journal: SqliteJournal) -> None:
    """Close a journal's files as the kernel does for a process that dies: no checkpoint, no word to anybody."""
    import apsw

    connection = journal._connection
    if connection is not None:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.close()
        journal._connection = None
    journal._head.close()
    owners: Any = getattr(journal, "_owners", None)
    if owners is not None and owners._descriptor is not None:
        with suppress(OSError):
            os.close(owners._descriptor)
        owners._descriptor = None
