"""What is asked of a printer on one open link, and what counts as an answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Final

from cvconnect_drivers.errors import LinkError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.printers.answers import Answer, ProcessId
from cvconnect_drivers.printers.commands import TransmitRealTimeStatus
from cvconnect_drivers.printers.status import QUERIES, PrinterStatus, StatusDecoder

QUERY_TIMEOUT_S: Final = 1.0
"""A printer answers `DLE EOT` within milliseconds even when it is offline; one that does not answer is not waited for."""

ANSWER_WINDOW_S: Final = 0.01
"""Noise comes in bursts: what follows an answer within this time shows that it was none."""

PAUSE_S: Final = 0.001
DRAIN_S: Final = 0.1
"""What is waiting is taken until nothing comes for `PAUSE_S`, but noise without end is not listened to for longer."""

READ_BYTES: Final = 256


class Dialogue:
    """Questions on one link, one at a time since the answers do not tell which question they answer.

    After one that got no answer, or noise, nothing more is asked on this link: a late answer would be taken for that of
    the next question.

    Args:
        link: The open link.
        clock: Seconds, monotonic.
    """

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._clock = clock
        self._decoder = StatusDecoder()
        self.answered = False
        """Whether any `DLE EOT` was answered."""

    @property
    def status(self) -> PrinterStatus:
        """What the printer told on this link."""
        return self._decoder.status

    def ask_status(self, deadline: Deadline) -> dict[int, int]:
        """Ask `DLE EOT 1` to `4`.

        Args:
            deadline: For all of them.

        Returns:
            The bytes of those that were answered.

        Raises:
            LinkLostError: The printer is gone.
        """
        answers: dict[int, int] = {}
        for n in QUERIES:
            byte = self._ask(TransmitRealTimeStatus(n), Deadline(min(QUERY_TIMEOUT_S, deadline.left_s())))
            if byte is not None:
                answers[n] = byte
                self.answered = True
        return answers

    def wait_for(self, process_id: bytes, deadline: Deadline) -> bool:
        """Wait for a process id.

        Args:
            process_id: The one that was requested.
            deadline: Until when.

        Returns:
            Whether it came.

        Raises:
            LinkLostError: The printer is gone.
        """
        wanted = ProcessId(process_id)
        with contextlib.suppress(LinkTimeoutError):
            while deadline.left_s() > 0:
                if wanted in self._read(deadline.left_s()):
                    return True
        return False

    def _ask(self, query: TransmitRealTimeStatus, deadline: Deadline) -> int | None:
        self._take(PAUSE_S, Deadline(DRAIN_S))
        if not self._decoder.ask(query, self._clock()):
            return None
        with contextlib.suppress(LinkTimeoutError):
            self._link.write(query.to_bytes(), timeout_s=deadline.left_s())
            while not self._decoder.has_candidate and deadline.left_s() > 0:
                self._read(deadline.left_s())
            self._take(ANSWER_WINDOW_S, Deadline(ANSWER_WINDOW_S))
        return self._decoder.end(self._clock())

    def _read(self, timeout_s: float) -> list[Answer]:
        return self._decoder.feed(self._link.read(READ_BYTES, timeout_s=timeout_s), self._clock())

    def _take(self, pause_s: float, deadline: Deadline) -> None:
        """Take what comes until it pauses; a link that is lost is told by the next question."""
        with contextlib.suppress(LinkError):
            while deadline.left_s() > 0:
                self._read(min(pause_s, deadline.left_s()))
