"""A thousand payments that wait for their customers, in one process, beside one thread with a `requests.Session` for each.

Both sides are processes of their own, and so is the provider. They ask as often: first at the default rate of 20 calls a
second, with all payments waiting for their turn at once, and a customer at a QR among them; then every 5 seconds each.
"""

from __future__ import annotations

import gc
import statistics
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests
from far_side import Shop, apart, asked, make_engine, status_call, until, waiting_shop
from figures import show

from cvconnect_pos import Payment, State, Tender
from cvconnect_pos.engine import Engine

COUNT = 1000
WINDOW_S = 20.0
BUSY_WINDOW_S = 8.0
CAP = 20.0
EVERY_S = 5.0
LASTING_S = 60.0
"""How often a deferred payment is polled in its first minutes."""


@dataclass(frozen=True, slots=True)
class Side:
    """What a process found of itself.

    Args:
        start_s: When its window began, on the monotonic clock.
        end_s: When it ended.
        cpu_s: The CPU it used in between.
        memory_kb: By how much the payments made it grow, each.
        threads: How many threads it had.
    """

    start_s: float
    end_s: float
    cpu_s: float
    memory_kb: float
    threads: int


def resident_kb() -> float:
    """Read the memory of this process that is in use."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4.096


def window(length_s: float, memory_kb: float) -> Side:
    """Watch this process for a while, doing nothing."""
    busy, start_s = time.process_time(), time.monotonic()
    time.sleep(length_s)
    busy, end_s = time.process_time() - busy, time.monotonic()
    return Side(start_s, end_s, busy, memory_kb, threading.active_count())


def taken_up(engine: Engine, size: Callable[[], float]) -> tuple[list[Payment], float]:
    """Take all payments up, and say by how much that made something grow, for each payment."""
    first = show_qr(engine, "first")  # imports what a call needs
    first.cancel()
    first.wait(10.0)
    first.acknowledge()
    newest = first.attempt.seq
    before = size()
    engine.recover()
    payments = [engine.resume(f"deferred-{number}") for number in range(COUNT)]
    until(lambda: all(payment.attempt.seq > newest for payment in payments), 120.0)  # the restart is written
    return payments, (size() - before) / COUNT


def show_qr(engine: Engine, name: str) -> Payment:
    """Ask a customer at the till."""
    payment = Tender(engine).request(request_id=name, amount_cents=4550, basket_ref=name, way="qr")
    until(lambda: payment.attempt.state is State.SHOWING, 10.0)
    return payment


def ours(base_url: str, journal: Path, calls_per_s: float, speed: float, length_s: float) -> Side:
    """Be the till."""
    engine = make_engine(base_url, journal, calls_per_s=calls_per_s, speed=speed)
    payments, memory_kb = taken_up(engine, resident_kb)
    at_the_till = show_qr(engine, "customer") if speed == 1.0 else None
    time.sleep(1.0)
    found = window(length_s, memory_kb)
    engine.close()
    del payments, at_the_till
    return found


def traced(base_url: str, journal: Path) -> float:
    """Let Python count what it allocates for each payment, in kB."""
    engine = make_engine(base_url, journal)
    tracemalloc.start()

    def size() -> float:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / 1000

    _, each_kb = taken_up(engine, size)
    engine.close()
    return each_kb


def theirs(base_url: str, ids: list[str], pause_s: float, length_s: float) -> Side:
    """Be a till with one thread for each payment."""
    stop, ready = threading.Event(), threading.Semaphore(0)

    def follow(number: int, url: str, headers: dict[str, str]) -> None:
        with requests.Session() as session:
            session.get(url, headers=headers, timeout=10).raise_for_status()
            ready.release()
            left_s = pause_s * (1 + number) / len(ids)  # they do not all ask at once
            while not stop.wait(left_s):
                session.get(url, headers=headers, timeout=10).json()
                left_s = pause_s

    url, headers = status_call(base_url, ids[0])
    requests.get(url, headers=headers, timeout=10).raise_for_status()
    before = resident_kb()
    threads: list[threading.Thread] = []
    for number, one in enumerate(ids):
        url, headers = status_call(base_url, one)
        threads.append(threading.Thread(target=follow, args=(number, url, dict(headers))))
        threads[-1].start()
        ready.acquire(timeout=10)
    found = window(length_s, (resident_kb() - before) / len(ids))
    stop.set()
    for thread in threads:
        thread.join()
    return found


def polls(shop: Shop, side: Side) -> list[float]:
    """List when the QR was asked about in a window, on the monotonic clock."""
    calls = shop.far.ask(asked, side.start_s, side.end_s)
    return [moment for path, moment in calls if "/pre-transactions/" in path]


def per_s(shop: Shop, side: Side) -> float:
    """Count the polls of a window, a second."""
    return len(shop.far.ask(asked, side.start_s, side.end_s)) / (side.end_s - side.start_s)


def told(side: Side, rate: float) -> dict[str, Any]:
    """Tell of one side."""
    cpu = side.cpu_s / (side.end_s - side.start_s)
    return {
        "polls_per_s": rate,
        "CPU of one core_percent": cpu * 100,
        "CPU of a poll_ms": cpu / rate * 1000,
        "memory of a payment_kb": side.memory_kb,
        "threads": side.threads,
    }


def compared(shop: Shop, calls_per_s: float, speed: float, length_s: float) -> tuple[dict[str, Any], Side]:
    """Measure both sides at one rate: the peer asks as often as the till did."""
    with shop.journal() as journal:
        mine = apart(ours, shop.far.base_url, journal, calls_per_s, speed, length_s)
    rate = per_s(shop, mine)
    peer = apart(theirs, shop.far.base_url, shop.ids, COUNT / rate, length_s)
    peer_rate = per_s(shop, peer)
    return {
        "one process of ours": told(mine, rate),
        "a thread each": told(peer, peer_rate),
        "ratio": {
            "CPU of a poll": (mine.cpu_s / rate) / (peer.cpu_s / peer_rate),
            "memory": mine.memory_kb / peer.memory_kb,
        },
    }, mine


def measure(shop: Shop | None = None) -> dict[str, Any]:
    """Measure both rates.

    Returns:
        CPU, memory, polls, the pauses of the customer at the till, and the ratios to the peer.
    """
    if shop is None:
        with waiting_shop(COUNT) as new:
            return measure(new)
    with shop.journal() as journal:
        allocated = apart(traced, shop.far.base_url, journal)
    usual, mine = compared(shop, CAP, 1.0, WINDOW_S)
    moments = polls(shop, mine)
    pauses = [after - before for before, after in pairwise(moments)]
    usual["ratio"]["polls / what the provider allows"] = per_s(shop, mine) / CAP
    usual["a customer at a QR meanwhile"] = {
        "median pause_s": statistics.median(pauses),
        "longest pause_s": max(pauses),
    }
    busy, _ = compared(shop, 2 * COUNT / EVERY_S, LASTING_S / EVERY_S, BUSY_WINDOW_S)
    return {
        "payments": COUNT,
        "allocated by Python for each_kb": allocated,
        "20 calls a second": usual,
        "every 5 s": busy,
    }


if __name__ == "__main__":
    show("pending", measure())
