"""What is asked of a printer on one open link, and what counts as an answer."""

from __future__ import annotations

import contextlib
from typing import Final

from cvconnect_drivers.errors import LinkError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.printers import escpos, status

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
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._mute = False
        self.answered = False
        """Whether any `DLE EOT` was answered."""

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
        for n in status.QUERIES:
            byte = None if self._mute else self._ask(n, Deadline(min(QUERY_TIMEOUT_S, deadline.left_s())))
            if byte is None:
                self._mute = True
                break
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
        reader = status.AnswerReader()
        with contextlib.suppress(LinkTimeoutError):
            while deadline.left_s() > 0:
                came = self._link.read(READ_BYTES, timeout_s=deadline.left_s())
                if status.ProcessId(process_id) in reader.feed(came):
                    return True
        return False

    def _ask(self, n: int, deadline: Deadline) -> int | None:
        self._take(PAUSE_S, Deadline(DRAIN_S))
        try:
            self._link.write(escpos.TransmitRealTimeStatus(n).to_bytes(), timeout_s=deadline.left_s())
            came = b""
            while not came:
                came = status.without_flow_control(self._link.read(READ_BYTES, timeout_s=deadline.left_s()))
        except LinkTimeoutError:
            return None
        came += self._take(ANSWER_WINDOW_S, Deadline(ANSWER_WINDOW_S))
        return status.real_time_status(came)

    def _take(self, pause_s: float, deadline: Deadline) -> bytes:
        """Take what comes until it pauses; a link that is lost is told by the next question."""
        came = b""
        with contextlib.suppress(LinkError):
            while deadline.left_s() > 0:
                came += self._link.read(READ_BYTES, timeout_s=min(pause_s, deadline.left_s()))
        return status.without_flow_control(came)
