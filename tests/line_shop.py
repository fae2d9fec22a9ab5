"""A line display on a pseudo-terminal at one speed, and the person who looks at it and answers questions."""

from __future__ import annotations

import os
import re
import termios
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from cvconnect_sim.display import Firmware
from cvconnect_sim.links import PtyLink

WAIT_S = 20.0
STILL_S = 0.2
"""So long somebody looks at a glass before it is said to be still: the thread that writes on it may be kept from it."""
RIGHT = ("é è ç à €", "é è ç à EUR", "e e c a EUR")
_SPEEDS = {
    termios.B2400: 2400,
    termios.B9600: 9600,
    termios.B19200: 19200,
    termios.B115200: 115200,
}


@contextmanager
def plugged(glass: Firmware, baud: int = 9600) -> Generator[PtyLink]:
    """Plug a display in; what comes at another speed is noise to it, and shown as such."""

    def receive(data: bytes) -> bytes:
        port = os.open(link.path, os.O_RDWR | os.O_NOCTTY)
        try:
            speed = _SPEEDS[termios.tcgetattr(port)[5]]
        finally:
            os.close(port)
        return glass.receive(data if speed == baud else b"\xfe" * len(data))

    with PtyLink(receive) as link:
        yield link


def still(glass: Firmware) -> tuple[str, ...]:
    """Read a glass on which nothing moves any more."""
    until_s = time.monotonic() + WAIT_S
    before: tuple[str, ...] = ()
    while (now := glass.lines) != before and time.monotonic() < until_s:
        before = now
        time.sleep(STILL_S)
    return now


class Looker:
    """Reads the glass, and says yes to what is there clean.

    Args:
        glass: The display.
        on_terminal: Whether the person sits at a terminal.
    """

    def __init__(self, glass: Firmware, *, on_terminal: bool = False) -> None:
        self._glass = glass
        self._on_terminal = on_terminal
        self._found = False
        self.seen: list[tuple[str, ...]] = []
        self.said: list[str] = []

    def isatty(self) -> bool:
        return self._on_terminal

    def readline(self) -> str:
        rows = still(self._glass)
        self.seen.append(rows)
        self.said.append("oui" if self._sees(rows) else "non")
        return f"{self.said[-1]}\n"

    def _sees(self, rows: Sequence[str]) -> bool:
        named = re.fullmatch(r">(?:EPSON|CD5220|LOGIC|AEDEX) (.*?) *<", rows[0])
        if named is None or re.fullmatch(r">TEST( \d)? *<", rows[1]) is None:
            return False
        was_found, self._found = self._found, True
        return named[1] in RIGHT or not was_found


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until something is so."""
    until_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.01)
    return True
