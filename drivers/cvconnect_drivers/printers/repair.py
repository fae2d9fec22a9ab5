"""Bringing a printer back to the beginning of a command, on paper of its own. Pure.

A printer that got a part of a job, from this program or from one that was killed, may still wait for the rest of a command:
whatever comes next is taken for it, questions and tickets alike. As many NUL as the longest command has bytes complete it;
between commands NUL prints nothing. Then what was torn is cut off, so that the next ticket is not glued to it: `ESC @` drops
the unfinished line, and a cut must stand at the beginning of one.

Source: Epson, ESC/POS Command Reference: `GS V` acts at the beginning of a line.
Unverified: that every printer ignores NUL between commands; one that prints it as a blank would feed 5 lines at each claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cvconnect_drivers.printers.commands import (
    Command,
    FeedAndCut,
    InitializePrinter,
    PrintAndFeedLines,
    PrintAndLineFeed,
    PrintRasterBitImage,
    QrCode,
    to_bytes,
)

QUESTION_BYTES: Final = 256
"""So many complete all that tells a length: what is missing of an image's dots may then swallow a question unharmed."""

OTHERS_BYTES: Final = 16
"""No other command of a job is longer."""


class Repair:
    """What one printer is owed, from a claim or a tear until it is known to be between commands."""

    def __init__(self) -> None:
        self._questions = 0
        self._filler = 0
        self._cut_off = b""
        self._unknown = False

    def claimed(self) -> None:
        """Nobody knows what was sent before: fill, but cut nothing off."""
        self._questions, self._unknown = QUESTION_BYTES, True

    def torn(self, commands: Sequence[Command]) -> None:
        """A job was cut, perhaps before what repairs the one before it was sent whole: the longer repair mends both.

        Args:
            commands: The job.
        """
        self._filler = max(self._filler, _longest(commands))
        self._questions = max(self._questions, min(self._filler, QUESTION_BYTES))
        end = next((each for each in commands if isinstance(each, PrintAndFeedLines)), FeedAndCut())
        self._cut_off = to_bytes((InitializePrinter(), PrintAndLineFeed(), end))

    def before_question(self) -> bytes:
        """Make what to send before anything is asked: NUL, or nothing."""
        return bytes(self._questions)

    def before_pulse(self) -> bytes:
        """Make what to send before a command that moves no paper: NUL, or nothing.

        As many as before a job. What was torn stays on the paper until a job cuts it off.
        """
        return bytes(max(self._questions, self._filler))

    def answered(self) -> None:
        """Note that a question behind `before_question` was answered."""
        self._questions = 0

    def before_job(self, commands: Sequence[Command]) -> bytes:
        """Make what to send before a job.

        Args:
            commands: The job; most probably what an earlier till tore was no longer.
        """
        filler = max(self._filler, _longest(commands)) if self._unknown else self._filler
        return bytes(filler) + self._cut_off

    def done(self) -> None:
        """Note that a job behind `before_job` was sent whole."""
        self._questions, self._filler, self._cut_off, self._unknown = 0, 0, b"", False


def _longest(commands: Sequence[Command]) -> int:
    long = (len(each.to_bytes()) for each in commands if isinstance(each, QrCode | PrintRasterBitImage))
    return max(long, default=OTHERS_BYTES)
