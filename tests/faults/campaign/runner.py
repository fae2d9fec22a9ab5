"""Plays many schedules in a few processes, counts what was broken, and shows failures as short as they get."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from multiprocessing import get_context
from typing import Final

from faults.campaign.draw import draw
from faults.campaign.judge import Breach, Finding
from faults.campaign.minimise import minimise
from faults.campaign.play import play
from faults.campaign.schedule import Schedule

COUNTED: Final = (Breach.DOUBLE_CHARGE, Breach.LOST_APPROVAL, Breach.CLOSED_UNPAID, Breach.STUCK)
SHOWN_MAX: Final = 3
"""So many failures are minimised and shown; the others are only counted."""

Job = tuple[int, bool]


def judge(job: Job) -> tuple[Job, list[Finding]]:
    """Play one seed; a crash of the campaign itself is a finding, too."""
    seed, http = job
    try:
        return job, play(draw(seed), http=http)
    except Exception as error:  # noqa: BLE001 - one schedule must not end the others
        return job, [Finding(Breach.PROMISE, f"the walk ended with {type(error).__name__}: {error}")]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _judged(jobs: list[Job], workers: int) -> Generator[tuple[Job, list[Finding]]]:
    if workers == 1:
        yield from map(judge, jobs)
        return
    with get_context("spawn").Pool(workers, _leave_interrupts_to_the_parent) as pool:
        yield from pool.imap_unordered(judge, jobs, chunksize=8)


class Progress:
    """A line that moves on a terminal; one line for each tenth elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._begun = time.monotonic()
        self._tenths = 0

    def show(self, done: int, failures: int) -> None:
        """Say how far it is."""
        if sys.stderr.isatty():
            left = (time.monotonic() - self._begun) / max(done, 1) * (self._total - done)
            end = "\n" if done == self._total else ""
            sys.stderr.write(f"\r{done}/{self._total} schedules, {failures} broken, {left:4.0f} s left {end}")
            sys.stderr.flush()
        elif (tenths := done * 10 // self._total) > self._tenths:
            self._tenths = tenths
            sys.stderr.write(f"{tenths * 10} %: {done}/{self._total} schedules, {failures} broken\n")
            sys.stderr.flush()


def show_failure(schedule: Schedule, found: list[Finding], *, http: bool) -> None:
    """Print one failure, as short as it gets, and the command that plays it again."""
    wanted = {finding.breach for finding in found}
    sys.stdout.write(f"\nseed {schedule.seed}{' over HTTP' if http else ''} breaks a promise:\n")
    short = minimise(
        schedule, lambda one: bool(wanted & {finding.breach for finding in play(one, http=http)})
    )
    for finding in play(short, http=http):
        sys.stdout.write(f"  {finding}\n")
    more = " HTTP=1" if http else ""
    sys.stdout.write(f"  {len(schedule.items)} items, minimised to {len(short.items)}. To play it again:\n")
    sys.stdout.write(f"  make faults REPLAY='{short}'{more}\n")
    sys.stdout.flush()


def summary(schedules: int, counts: Counter[Breach]) -> str:
    """The last line."""
    return f"schedules={schedules} " + " ".join(f"{breach.value}={counts[breach]}" for breach in COUNTED)


def campaign(jobs: list[Job], workers: int) -> int:
    """Play all, count, show; return the exit code."""
    counts: Counter[Breach] = Counter()
    failures: list[tuple[Job, list[Finding]]] = []
    progress = Progress(len(jobs))
    done: Counter[bool] = Counter()
    interrupted, shown = False, 0
    try:
        with closing(_judged(jobs, workers)) as judged:
            for job, found in judged:
                done[job[1]] += 1
                if found:
                    failures.append((job, found))
                    counts.update({finding.breach for finding in found})
                progress.show(done.total(), len(failures))
        for (seed, http), found in failures[:SHOWN_MAX]:
            show_failure(draw(seed), found, http=http)
            shown += 1
    except KeyboardInterrupt:
        interrupted = True
        sys.stdout.write("\nstopped\n")
    for (seed, http), found in failures[shown:]:
        sys.stdout.write(f"seed {seed}{' over HTTP' if http else ''}: {found[0]}\n")
    if done[True]:
        sys.stdout.write(f"over HTTP: {done[True]} of them again\n")
    if counts[Breach.PROMISE]:
        sys.stdout.write(f"other promises broken: {counts[Breach.PROMISE]}\n")
    sys.stdout.write(summary(done[False], counts) + "\n")
    return 1 if failures or interrupted else 0


def replay(text: str, *, http: bool) -> int:
    """Play one schedule; return the exit code."""
    schedule = Schedule.parse(text)
    found = play(schedule, http=http)
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(summary(1, Counter({finding.breach for finding in found})) + "\n")
    return 1 if found else 0
