"""Runs the commands of the drivers in this process, as somebody would in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
import typer
from typer.testing import CliRunner


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    output: str


Run: TypeAlias = Callable[..., Ran]
"""Takes arguments, and as `person` who answers its questions."""


def runs(command: Callable[..., None], folder: Path, monkeypatch: pytest.MonkeyPatch, *first: str) -> Run:
    """Give what runs a command, always with these arguments first."""

    def run(*arguments: str, person: object = None) -> Ran:
        app = typer.Typer(add_completion=False)
        app.command()(command)
        with monkeypatch.context() as patched:
            if person is not None:
                patched.setattr("cvconnect_drivers.cli.questions.keyboard", lambda: person)
            done = CliRunner().invoke(app, [*first, *arguments])
        assert isinstance(done.exception, SystemExit | None), done.exception
        return Ran(done.exit_code, done.output)

    monkeypatch.chdir(folder)
    return run
