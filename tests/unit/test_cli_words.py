"""What the drivers' commands say to a terminal."""

from __future__ import annotations

import io
import os

import pytest

from cvconnect_drivers.cli.words import say

SAID = "  Voyez-vous, entre les deux bords : « EPSON é » ? Écrivez « o » ou « n » ; sinon, Entrée !"


class Terminal(io.StringIO):
    """What somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", range(20, 90))
def test_no_line_breaks_where_french_breaks_none(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    say(SAID)
    lines = terminal.getvalue().rstrip("\n").split("\n")
    assert " ".join(line.strip() for line in lines) == SAID.strip()
    assert all(len(line) <= columns for line in lines)
    assert not any(line.endswith("«") or line.strip()[0] in "»:;?!" for line in lines)
