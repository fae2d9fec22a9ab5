"""`make bench`: every figure beside its floor or its peer in the same run, as a ratio."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import imports
import latency

HERE = Path(__file__).parent


def rows(title: str, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Flatten one result into lines of a table."""
    for name, value in result.items():
        if isinstance(value, Mapping):
            yield from rows(f"{title}: {name}" if title else name, cast("Mapping[str, Any]", value))
        elif isinstance(value, float):
            unit = "x" if "ratio" in title else "ms"
            yield f"{title}: {name}".replace("_ms", ""), f"{value:.2f} {unit}"
        else:
            yield f"{title}: {name}", str(value)


def main() -> int:
    """Measure, print a table, and write `results.json` and `results.md`."""
    results: dict[str, Any] = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "cores": str(os.cpu_count()),
        }
    }
    for name, module in (("import", imports), ("latency", latency)):
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        results[name] = module.measure()
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    table = list(rows("", results))
    width = max(len(name) for name, _ in table)
    for name, value in table:
        print(f"{name:<{width}}  {value:>12}")
    lines = ["| figure | value |", "|---|---:|", *(f"| {name} | {value} |" for name, value in table)]
    (HERE / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
