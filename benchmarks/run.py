"""`make bench`: every figure beside its floor or its peer in the same run, as a ratio."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import approval
import displays
import far_side
import imports
import journal
import latency
import million
import pending
import printers
import recovery
import scanners
from figures import rows

HERE = Path(__file__).parent


ABOUT: dict[str, Any] = {
    "import": imports,
    "latency": latency,
    "scanners": scanners,
    "approval": approval,
    "displays": displays,
    "printers": printers,
    "journal": journal,
    "pending": pending,
    "recovery": recovery,
    "million": million,
}
SHARED = (pending, recovery)
"""These measure the same thousand payments, which are opened once."""


def page(results: Mapping[str, Any]) -> str:
    """Write a table for each subject, below its title and what its module says of it."""
    lines = ["# Figures", "", "Made by `make bench`. A ratio compares what was measured in the same run.", ""]
    for title, result in results.items():
        said = (getattr(ABOUT.get(title), "__doc__", "") or "").strip()
        lines += [f"## {title[0].upper()}{title[1:]}", "", *([said, ""] if said else [])]
        lines += ["| figure | value |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in rows("", result)]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Measure, print a table, and write `results.json` and `results.md`."""
    start_s = time.monotonic()
    results: dict[str, Any] = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "cores": str(os.cpu_count()),
        }
    }
    with far_side.waiting_shop(pending.COUNT) as shop:
        for name, module in ABOUT.items():
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            results[name] = module.measure(shop) if module in SHARED else module.measure()
    results["machine"]["minutes of the run"] = f"{(time.monotonic() - start_s) / 60:.1f}"
    results["machine"]["load, mean of five minutes"] = f"{os.getloadavg()[1]:.1f}"
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    table = list(rows("", results))
    width = max(len(name) for name, _ in table)
    for name, value in table:
        print(f"{name:<{width}}  {value:>12}")
    (HERE / "results.md").write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
