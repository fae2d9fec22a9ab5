"""What the benchmarks share: medians, ratios of interleaved pairs, and a table of it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

_UNITS = {"ms": "ms", "us": "µs", "s": "s", "per_s": "/s", "kb": "kB", "mb": "MB", "percent": "%"}
_UNIT = re.compile(rf"_({'|'.join(sorted(_UNITS, key=len, reverse=True))})(?=:|$)")


def percentile(values: Sequence[float], part: float) -> float:
    """Give the value below which this part of them lies."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def summary(values_s: Sequence[float]) -> dict[str, float]:
    """Give median and p99 in milliseconds."""
    return {"median_ms": statistics.median(values_s) * 1000, "p99_ms": percentile(values_s, 0.99) * 1000}


def ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Give the median of the ratios of pairs that were measured side by side: what disturbs one disturbs both."""
    return statistics.median(one / other for one, other in zip(ours, peer, strict=True))


def rows(title: str, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Flatten one result into lines of a table. The end of a name tells the unit (`_ms`); below `ratio` there is none."""
    for name, value in result.items():
        path = f"{title}: {name}" if title else name
        if isinstance(value, Mapping):
            yield from rows(path, cast("Mapping[str, Any]", value))
        elif isinstance(value, float):
            found = _UNIT.search(path)
            unit = "x" if "ratio" in path else _UNITS[found[1]] if found else ""
            yield _UNIT.sub("", path), f"{value:.2f} {unit}".rstrip()
        else:
            yield path, str(value)


def show(title: str, result: Mapping[str, Any]) -> None:
    """Print one result."""
    table = list(rows(title, result))
    width = max(len(name) for name, _ in table)
    for name, value in table:
        print(f"{name:<{width}}  {value:>14}")
