"""Feed the pure decoders with inputs that no device should send: `python tools/fuzz.py [--n 1000000] [--target NAME ...]`.

Each input is a case of the corpus, or nothing at all, changed at random; `fuzz_targets` says what must hold. An input that
breaks something is cut down to as little as still breaks it, and printed with the command that plays it again:

    .venv/bin/python tools/fuzz.py --target keyboard --replay 0100ac00

A run is the same for the same seed, which it prints.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the corpus stands beside the tests

from fuzz_promises import Wrong
from fuzz_targets import TARGETS, Target

DEFAULT_N = 1_000_000
BATCH = 2_000
LIMIT_S = 2.0
"""No input may take more of the processor; the slowest honest one takes some milliseconds."""

MOST_BYTES = 6_000
MINIMISE_S = 20.0
"""How long a failing input is cut down."""


class TooSlow(Exception):
    """One input took longer than `LIMIT_S`."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input that breaks something.

    Args:
        target: The decoder.
        data: The input.
        why: What it breaks, in one line.
    """

    target: str
    data: bytes
    why: str


@contextmanager
def clocked() -> Iterator[None]:
    """Raise `TooSlow` in whatever runs when an input has had its processor time, where the system has such timers."""

    def ring(_number: int, _frame: object) -> None:
        raise TooSlow

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _set_timer(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def complaint(target: Target, data: bytes) -> str:
    """Check one input.

    Args:
        target: The decoder.
        data: The input.

    Returns:
        What is wrong, in one line; empty when nothing is.
    """
    try:
        _set_timer(LIMIT_S)
        try:
            target.check(data)
        finally:
            _set_timer(0)
    except Wrong as wrong:
        return f"wrong: {wrong}"
    except TooSlow:
        return f"slow: more than {LIMIT_S:.0f} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return f"crash: {type(error).__name__}: {error}"
    return ""


def inputs(target: Target, seed: str, count: int) -> Iterator[bytes]:
    """Make inputs.

    Args:
        target: The decoder.
        seed: The same seed makes the same inputs.
        count: How many.

    Yields:
        One after the other.
    """
    chance = random.Random(seed)
    seeds = _seeds(target.name)
    for _ in range(count):
        kind = chance.random()
        if kind < 0.1:  # noqa: PLR2004
            data = bytearray(chance.randbytes(int(chance.random() ** 3 * 200)))
        elif kind < 0.25:  # noqa: PLR2004
            data = bytearray(chance.randbytes(target.header) + b"".join(chance.choices(target.pieces, k=8)))
        else:
            data = bytearray(seeds[int(chance.random() * len(seeds))])
        for _change in range(1 + int(chance.random() ** 3 * 6)):
            _mutate(data, target, chance, seeds)
        yield bytes(data[:MOST_BYTES])


@cache
def _seeds(name: str) -> list[bytes]:
    return TARGETS[name].seeds()


def _mutate(data: bytearray, target: Target, chance: random.Random, seeds: Sequence[bytes]) -> None:
    """Change the input once, mostly at the edges of what belongs together."""
    unit, header = target.unit, target.header
    span = max(0, (len(data) - header) // unit)
    start = header + int(chance.random() * (span + 1)) * unit
    end = start + (1 + int(chance.random() ** 2 * min(span, 16))) * unit
    piece = target.pieces[int(chance.random() * len(target.pieces))]
    match int(chance.random() * 8):
        case 0:
            del data[start:end]
        case 1:
            data[start:start] = data[start:end]
        case 2:
            data[start:start] = piece
        case 3:
            data[start:end] = piece
        case 4:
            data[start:] = seeds[int(chance.random() * len(seeds))][header:]
        case 5:
            moved = bytes(data[start:end])
            del data[start:end]
            place = header + int(chance.random() * (span + 1)) * unit
            data[place:place] = moved
        case 6 if chance.random() < 0.01:  # noqa: PLR2004
            data[start:start] = bytes(data[start:end]) * int(chance.random() * 2000)
        case _ if data:
            at = int(chance.random() * len(data)) if chance.random() < 0.7 else 0  # noqa: PLR2004
            data[at] ^= 1 << int(chance.random() * 8)
            if chance.random() < 0.5:  # noqa: PLR2004
                data[at] = int(chance.random() * 256)
        case _:
            pass


def run_batch(order: tuple[str, str, int]) -> tuple[str, int, float, Found | None]:
    """Check one batch, in a process of its own.

    Args:
        order: The target's name, the seed, how many.

    Returns:
        The target's name, how many were checked, in how many seconds of a processor, and the first that breaks something.
    """
    name, seed, count = order
    target = TARGETS[name]
    start_s = time.process_time()
    with clocked():
        for number, data in enumerate(inputs(target, seed, count), 1):
            why = complaint(target, data)
            if why:
                return name, number, time.process_time() - start_s, Found(name, data, why)
    return name, count, time.process_time() - start_s, None


def minimise(found: Found) -> Found:
    """Cut an input down to as little as still breaks the same.

    Args:
        found: What breaks something.

    Returns:
        A shorter one that breaks it, too, with what it says.
    """
    target, best = TARGETS[found.target], found.data
    kind = found.why.split(":")[0:2]
    deadline_s = time.monotonic() + MINIMISE_S
    with clocked():
        step = max(len(best) // 2, 1)
        while step and time.monotonic() < deadline_s:
            at, shrunk = 0, False
            while at < len(best) and time.monotonic() < deadline_s:
                shorter = best[:at] + best[at + step :]
                if complaint(target, shorter).split(":")[0:2] == kind:
                    best, shrunk = shorter, True
                else:
                    at += step
            if not shrunk or step > 1:
                step //= 2
        return Found(found.target, best, complaint(target, best))


def report(found: Found) -> None:
    """Print what was found, and how to see it again."""
    print(f"\n{found.target}: {found.why}\n  {len(found.data)} bytes: {found.data!r}")
    print(
        f"  play it again: .venv/bin/python tools/fuzz.py --target {found.target} --replay {found.data.hex() or '-'}"
    )


def replay(name: str, text: str) -> int:
    """Check one input once more, and let what it raises through."""
    data = b"" if text == "-" else bytes.fromhex(text)
    with clocked():
        why = complaint(TARGETS[name], data)
    print(f"{name}: {why or 'nothing is wrong'}")
    if why.startswith("crash"):
        TARGETS[name].check(data)
    return 1 if why else 0


def fuzz(names: Sequence[str], count: int, seed: int, jobs: int) -> list[Found]:
    """Feed the targets.

    Args:
        names: Which.
        count: How many inputs each.
        seed: The same seed makes the same inputs.
        jobs: How many processes.

    Returns:
        The first that broke each target.
    """
    sizes = [BATCH] * (count // BATCH) + ([count % BATCH] if count % BATCH else [])
    orders = [(name, f"{seed}/{name}/{number}", size) for name in names for number, size in enumerate(sizes)]
    done = Counter[str]()
    spent_s = dict.fromkeys(names, 0.0)
    found: dict[str, Found] = {}
    told_s = start_s = time.monotonic()
    with multiprocessing.Pool(jobs) as pool:
        for name, checked, took_s, broken in pool.imap_unordered(run_batch, orders):
            done[name] += checked
            spent_s[name] += took_s
            if broken is not None and name not in found:
                found[name] = broken
                print(f"{name} broke ({broken.why}); its input is cut down at the end", flush=True)
            now_s = time.monotonic()
            if done[name] >= count or now_s - told_s > 10:  # noqa: PLR2004 - seconds
                told_s = now_s
                each_us = spent_s[name] / done[name] * 1e6
                print(
                    f"{now_s - start_s:6.0f} s  {name:<11}{done[name]:>10,} of {count:,}  {each_us:7.1f} µs each",
                    flush=True,
                )
            if broken is not None and len(found) == len(names):
                break
    return list(found.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as the command line says.

    Args:
        arguments: Instead of those of the process.

    Returns:
        0 when nothing was found.
    """
    parser = argparse.ArgumentParser(
        description="Feed the pure decoders with inputs that no device should send."
    )
    parser.add_argument("--n", type=int, default=DEFAULT_N, help="inputs for each decoder")
    parser.add_argument(
        "--target", action="append", choices=TARGETS, help="only these; may be given several times"
    )
    parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same inputs")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--replay", metavar="HEX", help="check one input of one target")
    said = parser.parse_args(arguments)
    names: list[str] = said.target or list(TARGETS)
    if said.replay is not None:
        return replay(names[0], said.replay)
    seed = int.from_bytes(os.urandom(4), "little") if said.seed is None else said.seed
    print(f"seed {seed}: {said.n:,} inputs for each of {', '.join(names)}", flush=True)
    found = [minimise(each) for each in fuzz(names, said.n, seed, said.jobs)]
    for each in found:
        report(each)
    print("nothing was found" if not found else f"{len(found)} of {len(names)} decoders broke")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
