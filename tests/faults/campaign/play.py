"""Plays one schedule to its end, and has it judged."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cvconnect_pos import CvConnectError, NotAllowedNow
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.verify import verify
from cvconnect_sim.gateway import Provider, ProviderServer
from faults.campaign.deeds import DELAY_S
from faults.campaign.judge import Breach, Finding, books, money, stuck, words
from faults.campaign.schedule import Schedule
from faults.campaign.world import BALANCE_CENTS, EMAIL, NUMBERS, Runaway, World
from harness import HandClock

EXPIRY_S: Final = 300.0
STUCK_S: Final = 600.0
"""How long after its expiry a request may need to be over, with a healthy provider."""

AFTERWARDS_S: Final = 4_500.0
"""Longer than the hourly look at what ended without money."""

SETTLING_S: Final = 180.0


class _Log(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[_Log]:
    log, handler = logging.getLogger("cvconnect_pos"), _Log()
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
        log.setLevel(level)


@contextmanager
def _folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="campaign-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def play(schedule: Schedule, *, http: bool = False) -> list[Finding]:
    """Play a schedule to its end.

    Args:
        schedule: What happens.
        http: Whether tills and provider meet over real HTTP on 127.0.0.1.

    Returns:
        What was broken.
    """
    provider = Provider(clock=HandClock(), seed=schedule.seed)
    with _folder() as folder, _listening() as log:
        if http:
            with ProviderServer(provider) as server:
                world = World(schedule, folder, provider, server)
                found = _play(world)
        else:
            world = World(schedule, folder, provider, None)
            found = _play(world)
        found += [Finding(Breach.PROMISE, text) for text in world.watch.broken]
        found += [Finding(Breach.PROMISE, text) for text in log.said if "failed" in text]
        found += _secrets(folder, log.said)
        report = verify(folder / "journal.sqlite3")
        found += [Finding(Breach.PROMISE, f"the journal: {one}") for one in report.findings]
    return list(dict.fromkeys(found))


def _play(world: World) -> list[Finding]:
    try:
        for till in world.schedule.tills:
            world.start(till)
        world.pass_time(max(world.schedule.end_s + 5.0, 30.0))
        world.heal()
        world.pass_time(EXPIRY_S + STUCK_S + DELAY_S * ("deferred" in str(world.schedule)))
        found = stuck(world)
        world.pass_time(AFTERWARDS_S)
        _next_morning(world)
        _decide(world)
        world.pass_time(SETTLING_S)
        found += money(world) + books(world, BALANCE_CENTS) + _acknowledge(world) + _reprs(world)
    except Runaway as busy:
        found = [Finding(Breach.STUCK, f"{busy} without end at {world.now_s:.0f} s: {_where(world)}")]
    finally:
        for process in world.processes.values():
            if not process.dead:
                process.close()
    return found


def _where(world: World) -> str:
    return ", ".join(f"{line} {payment.attempt.state}" for line, _, payment in words(world))


def _next_morning(world: World) -> None:
    """Every till is closed and opened again: what it has recorded and what may still change is looked at."""
    for process in tuple(world.processes.values()):
        if not process.dead:
            process.close()
    for till in world.schedule.tills:
        world.start(till)
    world.pass_time(SETTLING_S)


def _decide(world: World) -> None:
    """Somebody decides what was left undecided."""
    for _, process, payment in words(world):
        if payment.attempt.state is State.DECIDING:
            with process.used():
                try:
                    (payment.keep if world.schedule.seed % 2 else payment.reverse)()
                except NotAllowedNow:
                    continue
                process.engine.run_due()


def _acknowledge(world: World) -> list[Finding]:
    """Every outcome that is not recorded is delivered, and can be recorded."""
    found: list[Finding] = []
    for process in world.alive():
        delivered = {payment.request_id for payment in process.engine.unacknowledged()}
        for line, _, payment in [word for word in words(world) if word[1] is process]:
            attempt = payment.attempt
            if not attempt.is_final:
                continue
            if not attempt.acknowledged and line not in delivered:
                found.append(Finding(Breach.PROMISE, f"{line}: {attempt.state} is not delivered"))
            try:
                payment.acknowledge()
            except CvConnectError as error:
                found.append(
                    Finding(Breach.PROMISE, f"{line}: {attempt.state} is not acknowledged: {error.code}")
                )
        break
    return found


def _reprs(world: World) -> list[Finding]:
    texts = [f"{payment!r} {payment.attempt!r} {payment.outcome!r}" for _, _, payment in words(world)]
    return [
        Finding(Breach.PROMISE, "an identifier in a repr")
        for text in texts
        if any(secret in text for secret in (*NUMBERS.values(), EMAIL))
    ]


def _secrets(folder: Path, said: list[str]) -> list[Finding]:
    """Look for identifiers in clear in every file and in the log."""
    secrets = [secret.encode() for secret in (*NUMBERS.values(), EMAIL)]
    texts = {"the log": "\n".join(said).encode()}
    texts |= {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [
        Finding(Breach.PROMISE, f"an identifier in clear in {name}")
        for name, content in texts.items()
        if any(secret in content for secret in secrets)
    ]
