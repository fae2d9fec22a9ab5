"""Ctrl-C, the end of a service and a terminal that is closed: the display is cleared before the command ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_SHELL: Final = 128
"""A shell adds it to the number of the signal that has ended a program."""


class Stopped(KeyboardInterrupt):
    """Somebody ended the command.

    Args:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = _SHELL + number


class Stops:
    """Hears the signals that end a program, one time, and not while something must be done whole."""

    def __init__(self) -> None:
        self._busy = False
        self._pending = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Turn the first signal into `Stopped`; what follows it is not heard, so that clearing up is not ended."""
        heard = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
        before: dict[signal.Signals, Any] = {each: signal.signal(each, self._stop) for each in heard}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler if handler is not None else signal.SIG_DFL)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Do something whole; a signal that comes meanwhile ends the command after it."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            number, self._pending = self._pending, 0
            if number:
                self._stop(number, None)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._busy:
            self._pending = self._pending or number
            return
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)
