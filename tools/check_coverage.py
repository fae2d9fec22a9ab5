"""Check that the pure tests reach every branch of the core: `python tools/check_coverage.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CORE = "src/cvconnect_pos/core"

TESTS = (
    "tests/unit/test_races_table.py",
    "tests/unit/test_core_observation.py",
    "tests/unit/test_calendar.py",
    "tests/unit/test_pacing.py",
    "tests/unit/test_print_jobs.py",
)
"""Pure tests, and no others: what only an engine reaches is not proven by the table."""


def main() -> int:
    """Run the tests under coverage, and report; 1 when a branch is not reached."""
    with tempfile.TemporaryDirectory() as folder:
        data = f"--data-file={folder}/coverage"
        run = [
            "run",
            data,
            "--branch",
            f"--source={CORE}",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *TESTS,
        ]
        for order in (run, ["report", data, "--show-missing", "--fail-under=100"]):
            done = subprocess.run([sys.executable, "-m", "coverage", *order], cwd=ROOT, check=False)
            if done.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
