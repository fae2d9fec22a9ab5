"""Lets a printer with the machine's clock go on by itself on a real cable."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from cvconnect_sim.links.base import Link
from cvconnect_sim.printer.printer import Printer


class Ticker:
    """A thread that ticks a printer and has its link send what it says; ends with the `with`.

    Args:
        link: the cable whose firmware is the printer.
        printer: made with a clock.
        every_s: seconds between two ticks.
    """

    def __init__(self, link: Link, printer: Printer, *, every_s: float = 0.005) -> None:
        self._link = link
        self._printer = printer
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="Ticker", daemon=True)

    def close(self) -> None:
        """Stop; the thread has ended when this returns. Closing again does nothing."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tick(self) -> None:
        while not self._ended.wait(self._every_s):
            self._link.apply(self._printer.tick)
