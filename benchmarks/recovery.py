"""After a crash: from `Engine.recover` to the moment at which every unfinished payment was asked about.

Two floors: as many status calls one after the other with a bare `requests.Session`, and the provider's rate, which at
its default of 20 calls a second bounds everything else.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import requests
from far_side import Shop, make_engine, status_call, until, waiting_shop
from figures import ratio, show

from cvconnect_sim.gateway import ProviderServer

COUNT = 1000
PAIRS = 3
NO_CAP = 1_000_000.0
CAP = 20.0


def last_first(server: ProviderServer, since_s: float, ids: list[str]) -> float | None:
    """Tell when the last of these transactions was first asked about, on the monotonic clock; None before that."""
    missing = set(ids)
    for request in server.requests:
        if request.method == "GET" and request.received_s >= since_s:
            missing.discard(request.path.rstrip("/").rpartition("/")[2])
            if not missing:
                return request.received_s
    return None


@dataclass(slots=True)
class Run:
    """One side: how long each run took, and the CPU it used, in seconds."""

    took_s: list[float] = field(default_factory=list[float])
    cpu_s: list[float] = field(default_factory=list[float])

    def told(self) -> dict[str, float]:
        """Give the medians."""
        return {"clock_s": statistics.median(self.took_s), "CPU_s": statistics.median(self.cpu_s)}


def recovered(shop: Shop, calls_per_s: float, run: Run) -> None:
    """Recover once, in a copy of the shop."""
    with shop.journal() as journal:
        engine = make_engine(shop.far.base_url, journal, calls_per_s=calls_per_s)
        start_s, busy = time.monotonic(), time.process_time()
        last_s: list[float] = []

        def done() -> bool:
            moment = shop.far.ask(last_first, start_s, shop.ids)
            last_s.extend([moment] if moment is not None else [])
            return moment is not None

        engine.recover()
        until(done, 240.0, pause_s=0.5)
        run.took_s.append(last_s[0] - start_s)
        run.cpu_s.append(time.process_time() - busy)
        engine.close()


def bare(shop: Shop, run: Run) -> None:
    """Ask about the same payments, one after the other."""
    calls = [status_call(shop.far.base_url, one) for one in shop.ids]
    with requests.Session() as session:
        start_s, busy = time.monotonic(), time.process_time()
        for url, headers in calls:
            session.get(url, headers=headers, timeout=10).raise_for_status()
        run.took_s.append(time.monotonic() - start_s)
        run.cpu_s.append(time.process_time() - busy)


def measure(shop: Shop | None = None) -> dict[str, Any]:
    """Measure with a rate that bounds nothing, in turn with the floor; then once with the default.

    Returns:
        Seconds, CPU seconds, and the ratios to the floors.
    """
    if shop is None:
        with waiting_shop(COUNT) as new:
            return measure(new)
    floor, free, capped = Run(), Run(), Run()
    for _ in range(PAIRS):
        bare(shop, floor)
        recovered(shop, NO_CAP, free)
    recovered(shop, CAP, capped)
    by_rate = (len(shop.ids) - CAP) / CAP  # the first twenty leave at once
    return {
        "payments": len(shop.ids),
        "bare status calls, one after the other": floor.told(),
        "recover, no rate": free.told(),
        "recover, 20 calls a second": capped.told(),
        "what the rate allows_s": by_rate,
        "ratio": {
            "recover, no rate / bare": ratio(free.took_s, floor.took_s),
            "CPU: recover, no rate / bare": ratio(free.cpu_s, floor.cpu_s),
            "recover, 20 calls a second / what the rate allows": capped.took_s[0] / by_rate,
        },
    }


if __name__ == "__main__":
    show("recovery", measure())
