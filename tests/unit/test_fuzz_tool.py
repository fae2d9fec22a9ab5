"""`tools/fuzz.py` is quiet where nothing is wrong, and finds, cuts down and replays what is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = ("keyboard", "framing", "labels", "misread", "characters", "hidpos", "answers", "status", "escpos")

PLANTED = {
    "framing": """
from cvconnect_drivers.scanners import framing
whole = framing.Framer.feed
framing.Framer.feed = lambda self, data: whole(self, data.replace(b"]E", b"]Q"))
""",
    "keyboard": """
from cvconnect_drivers.scanners import keyboard
whole = keyboard.KeyboardDecoder.lose
keyboard.KeyboardDecoder.lose = lambda self: [] if self.pending else whole(self)
""",
    "labels": """
import re
from cvconnect_drivers.scanners import identifier, labels
labels.is_identifier = lambda text: identifier.is_identifier(text) or re.fullmatch("[0-9]{10}", text) is not None
""",
    "answers": """
from cvconnect_drivers.printers import answers
whole = answers._next
def _next(held):
    if held[0] == 0x99:
        raise IndexError("planted")
    return whole(held)
answers._next = _next
""",
    "status": """
from cvconnect_drivers.printers import status
whole = status.StatusDecoder.end
def end(self, now_s):
    noisy, self._noisy = self._noisy, False
    byte = whole(self, now_s)
    return 0x12 if noisy else byte
status.StatusDecoder.end = end
""",
    "escpos": """
from cvconnect_sim.printer import parser
fuzz.LIMIT_S = 0.2
fuzz.MINIMISE_S = 4
whole = parser.Parser.feed
def feed(self, data):
    while b"\\x1bd" in data:
        pass
    whole(self, data)
parser.Parser.feed = feed
""",
}
"""A mistake in a decoder, or a loop that never ends, planted before the tool begins."""


def run(*arguments: str, planted: str = "") -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys\nsys.path.insert(0, 'tools')\nimport fuzz\n{planted}\nsys.exit(fuzz.main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_finds_nothing(target: str) -> None:
    done = run("--n", "1500", "--seed", "1", "--jobs", "1", "--target", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("seed 1: 1,500 inputs")
    assert done.stdout.endswith("nothing was found\n")


@pytest.mark.parametrize("target", PLANTED)
def test_a_planted_mistake_is_found_cut_down_and_played_again(target: str) -> None:
    done = run("--n", "4000", "--seed", "1", "--jobs", "1", "--target", target, planted=PLANTED[target])
    assert (done.returncode, done.stderr) == (1, "")
    size = re.search(r"^  (\d+) bytes:", done.stdout, re.MULTILINE)
    command = re.search(r"--target (\w+) --replay ([0-9a-f-]+)$", done.stdout, re.MULTILINE)
    assert size is not None
    assert command is not None
    assert int(size[1]) <= 40

    again = run("--target", command[1], "--replay", command[2], planted=PLANTED[target])
    assert again.returncode == 1
    assert run("--target", command[1], "--replay", command[2]).stdout == f"{target}: nothing is wrong\n"


def test_the_same_seed_makes_the_same_inputs() -> None:
    arguments = ("--n", "4000", "--seed", "7", "--jobs", "1", "--target", "framing")
    first, second = (run(*arguments, planted=PLANTED["framing"]).stdout for _ in range(2))
    assert [line for line in first.splitlines() if "bytes:" in line or "again:" in line] == [
        line for line in second.splitlines() if "bytes:" in line or "again:" in line
    ]
