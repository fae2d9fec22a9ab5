"""From a schedule that breaks something to the shortest one that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from faults.campaign.schedule import Item, Schedule

SIMPLER_WAYS: Final = ("qr", "keyed", "scan", "either")
PLAIN: Final = {
    "silent_before": "lost_before",
    "silent_after": "lost_after",
    "late": "lost_before",
    "twice_late": "twice",
    "cut": "garbage",
    "garbage": "lost_after",
    "away": "lost_before",
    "too_many": "lost_before",
    "conflict": "lost_before",
    "error": "lost_before",
    "error_after": "lost_after",
}
"""What is simpler than a fault and much like it."""

TRIES_MAX: Final = 1_500


def minimise(schedule: Schedule, breaks: Callable[[Schedule], bool], *, tries: int = TRIES_MAX) -> Schedule:
    """Find a schedule from which nothing can be taken, and in which nothing is simpler, by delta debugging.

    Args:
        schedule: One that breaks something.
        breaks: Whether a schedule still breaks the same.
        tries: How many schedules are played at most.

    Returns:
        The shortest one found.
    """
    left = tries

    def still(candidate: Schedule) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and breaks(candidate)

    best, before = schedule, None
    while best != before and left > 0:
        before = best
        best = _fewer(best, still)
        best = _simpler(best, still)
    return best


def _fewer(best: Schedule, still: Callable[[Schedule], bool]) -> Schedule:
    """Take items away, half of them at first, one by one in the end.

    Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002 (ddmin).
    """
    size = max(len(best.items) // 2, 1)
    while True:
        start = 0
        while start < len(best.items):
            candidate = best.with_items(best.items[:start] + best.items[start + size :])
            if still(candidate):
                best = candidate
            else:
                start += size
        if size == 1:
            return best
        size = max(size // 2, 1)


def _simpler(best: Schedule, still: Callable[[Schedule], bool]) -> Schedule:
    """Replace items, one by one, by simpler ones."""
    for place in range(len(best.items)):
        for item in _simpler_than(best.items[place]):
            candidate = best.with_items((*best.items[:place], item, *best.items[place + 1 :]))
            if still(candidate):
                best = candidate
                break
    return best


def _simpler_than(item: Item) -> Iterator[Item]:
    if item.what == "ask":
        till, line, way, cents, basket, customer = item.args
        rank = SIMPLER_WAYS.index(way) if way in SIMPLER_WAYS else len(SIMPLER_WAYS)
        for simpler in SIMPLER_WAYS[:rank]:
            yield replace(item, args=(till, line, simpler, cents, basket, customer))
        if (cents, basket, customer) != ("4550", "B0", "c0"):
            yield replace(item, args=(till, line, way, "4550", "B0", "c0"))
    if "t1" in item.args:
        yield replace(item, args=tuple("t0" if word == "t1" else word for word in item.args))
    if item.what in {"kill", "hang"} and len(item.args) == 3:
        yield replace(item, args=item.args[:2])
    if item.is_fault and item.what in PLAIN:
        yield Item(item.when, PLAIN[item.what])
    if item.at_s is not None and item.at_s != round(item.at_s):
        yield replace(item, when=str(round(item.at_s)))
