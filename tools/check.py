"""Everything that must hold besides the tests, one line per step: `python tools/check.py [STEP ...]`.

A step that fails shows all of its output; the others run all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
)

STEPS: dict[str, Callable[[str], list[str]]] = {
    "ruff check": lambda _out: ["-m", "ruff", "check", "."],
    "ruff format": lambda _out: ["-m", "ruff", "format", "--check", "."],
    "mypy": lambda _out: ["-m", "mypy"],
    "basedpyright": lambda _out: ["-m", "basedpyright"],
    "import contracts": lambda _out: ["-c", _LINT_IMPORTS],
    "lifecycle page": lambda _out: ["tools/make_lifecycle_diagram.py", "--check"],
    "import graph page": lambda _out: ["tools/make_import_graph.py", "--check"],
    "errors page": lambda _out: ["tools/make_error_table.py", "--check"],
    "core coverage": lambda _out: ["tools/check_coverage.py"],
    "lock": lambda _out: ["tools/check_lock.py"],
    "wheel": lambda out: ["tools/check_wheel.py", out],
    "docs": lambda out: ["-m", "mkdocs", "build", "--strict", "--site-dir", out],
}
"""What each step gives to Python; a step that makes files makes them in the folder that it is given."""


def run_step(name: str) -> bool:
    """Run one step and tell of it.

    Args:
        name: A key of `STEPS`.

    Returns:
        Whether it passed.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, *STEPS[name](out)],
            cwd=ROOT,
            env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
    passed = done.returncode == 0
    print(f"{'ok' if passed else 'FAILED':<8}{name:<20}{time.monotonic() - started:6.1f} s", flush=True)
    if not passed:
        print(done.stdout.rstrip(), flush=True)
    return passed


def main(names: list[str]) -> int:
    """Run the steps that are named, or all of them."""
    failed = [name for name in names or STEPS if not run_step(name)]
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
