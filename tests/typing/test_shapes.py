"""The type checker lets a device of the right shape in, and keeps a wrong one out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

RIGHT_SHAPES = Path(__file__).with_name("shapes.py")

WRONG_SHAPES = """\
from collections.abc import Callable
from cvconnect_pos.peripherals import Display, PaymentPrompt, Printer, Scanner, ScannedLabel, Surface
from cvconnect_drivers.displays.image import ImageDisplay
from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_drivers.scanners.serial import SerialScanner

class NoTimeout(SerialScanner):
    def claim(self) -> None: ...  # type: ignore[override]

class WrongAnswer(ImageDisplay):
    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> bool:  # type: ignore[override]
        return True

def check(a: NoTimeout, b: WrongAnswer, c: EscPosPrinter, right: ImageDisplay) -> None:
    scanner: Scanner = a  # wrong: claim takes a time-out
    display: Display = b  # wrong: show says what the customer sees
    printer: Display = c  # wrong: a printer is no display
    fine: Display = right
"""


def mypy(path: Path) -> str:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--follow-imports=silent",
    ]
    # A path of its own for the cache: two checkers at once would write one.
    command += ["--cache-dir", str(path.parent / ".mypy_cache"), str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_the_drivers_have_the_shapes_of_the_sdk_and_wrong_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "shapes.py"
    path.write_text(RIGHT_SHAPES.read_text(encoding="utf-8"), encoding="utf-8")
    assert "Success" in mypy(path)
    path.write_text(WRONG_SHAPES, encoding="utf-8")
    refused = [int(line) for line in re.findall(r"shapes\.py:(\d+): error", mypy(path))]
    lines = WRONG_SHAPES.splitlines()
    assert refused == [n for n, line in enumerate(lines, start=1) if "# wrong" in line]
