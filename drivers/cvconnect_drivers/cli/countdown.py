"""How long a command still waits for a person, as that person sees it."""

from __future__ import annotations

import math
import shutil
import sys
import time
from typing import Final, Self

import typer

from cvconnect_drivers.cli.words import say

SLICE_S: Final = 0.2
"""How long is waited between two looks at the clock."""

_SECONDS: Final = len(" 600 s ")


class Countdown:
    """Shows how long is still waited; on a terminal the line is written anew each second.

    Args:
        asks: What the person shall do, in French.
        timeout_s: How long is waited, in seconds.
    """

    def __init__(self, asks: str, timeout_s: float) -> None:
        self._asks = asks
        self._until_s = time.monotonic() + timeout_s
        self._shown = -1
        self._live = sys.stdout.isatty()
        # A line that is broken cannot be written anew: in a narrow window what to do stands above, once.
        self._line = f"{asks}\u00a0:"
        self._fits = len(self._line) + _SECONDS < shutil.get_terminal_size().columns

    def __enter__(self) -> Self:
        """Show what to do."""
        if not self._live:
            typer.echo(f"{self._asks} ({math.ceil(self.left_s())} s).")
        elif not self._fits:
            say(self._line)
            self._line = ""
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        """End the line."""
        if self._live:
            typer.echo()

    def left_s(self) -> float:
        """Tell how long is still waited, in seconds."""
        return max(self._until_s - time.monotonic(), 0.0)

    def show(self) -> None:
        """Show the seconds that are left, when they have changed."""
        seconds = math.ceil(self.left_s())
        if self._live and seconds != self._shown:
            self._shown = seconds
            typer.echo(f"\r{self._line} {seconds:>3} s ", nl=False)
