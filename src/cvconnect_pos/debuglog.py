"""A short-lived log for support, beside the journal: steps, exchanges and troubles of devices. Never money's record.

It is a handler of the standard library's `logging`. Steps and exchanges go to the logger `cvconnect_pos.trace`, which
says nothing to anybody while no debug log is open, and never to a till's own handlers while one is.

It is written in pieces, one or more a day: `<journal>.debug.<day>-<number>.log`. A piece is deleted when its day is over
for long enough, at the start and at each change of day, and the oldest go first when all of them together are too large.
Writing is left to a thread of its own: a disk that is slow, full or gone costs lines, which are counted, and nothing else.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cvconnect_pos.clock import Clock, SystemClock

TRACE: Final = logging.getLogger("cvconnect_pos.trace")
"""Where steps and exchanges are told."""

DEFAULT_DAYS: Final = 7
MAX_BYTES: Final = 8_000_000
"""All pieces together: some hundred bytes a line, some twenty lines a payment."""

_PIECES: Final = 8
"""So many pieces of the largest size make up `max_bytes`: dropping one costs an eighth of what is there."""
_LINE_MAX: Final = 2_000
_QUEUE_MAX: Final = 1_000
"""Lines that wait for the disk; more are dropped."""
_LOOK_S: Final = 600.0
"""How often the thread looks at the calendar when there is nothing to write."""
_RETRY_S: Final = 30.0
"""How long a disk that refused is left alone."""
_CLOSE_S: Final = 2.0

_HEARD: Final = (TRACE, logging.getLogger("cvconnect_pos"), logging.getLogger("cvconnect_drivers"))
_PIECE: Final = re.compile(r"(\d{8})-\d{4}\.log", re.ASCII)
_IDENTIFIER: Final = re.compile(
    r"(?:(?<=\][A-Za-z]\d)|(?<!\d))\d{11}(?!\d)|[^\s@=:,;'\"<>]+@[^\s@,;'\"<>]+", re.ASCII
)
"""What could be a customer: eleven digits, also after a scanner's mark such as `]C1`, or an e-mail address."""


class DebugLog(logging.Handler):
    """Writes what the SDK and the drivers log, from when it is made until `close`.

    Several may be open in one process; each hears all. Nothing it does raises, and nothing waits for the disk but `close`.

    Args:
        path: The journal's file; the pieces stand beside it, readable by their owner alone.
        days: How many days are kept, today among them; at least 1.
        max_bytes: The largest size of all pieces together.
        clock: Dates the lines and the pieces.
    """

    def __init__(
        self,
        path: Path,
        *,
        days: int = DEFAULT_DAYS,
        max_bytes: int = MAX_BYTES,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(logging.DEBUG)
        self._clock = clock or SystemClock()
        self._pieces = Pieces(path, days, max_bytes)
        self._queue: queue.Queue[str | None] = queue.Queue(_QUEUE_MAX)
        self._dropped = 0
        self._refused = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="cvconnect-debug-log", daemon=True)
        self._thread.start()
        for logger in _HEARD:
            logger.addHandler(self)
        TRACE.setLevel(logging.DEBUG)
        TRACE.propagate = False  # a till's own log stays as quiet as its settings say

    @property
    def dropped(self) -> int:
        """How many lines were lost: too many at once, or the disk refused them."""
        return self._dropped + self._refused

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line to the thread; never waits."""
        try:
            self._queue.put_nowait(self._line(record))
        except Exception:  # noqa: BLE001 - full, or a message that cannot be made: a payment goes on
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, within two seconds, and hear nothing more. Closing again does nothing."""
        for logger in _HEARD:
            logger.removeHandler(self)
        if not TRACE.handlers:
            TRACE.setLevel(logging.NOTSET)
            TRACE.propagate = True
        self._ending.set()
        with suppress(queue.Full):  # then there is work to wake up for
            self._queue.put_nowait(None)
        self._thread.join(_CLOSE_S)
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _line(self, record: logging.LogRecord) -> str:
        """Make a line. A traceback's words are not ours, so only the kind of an exception is kept."""
        now = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        kind = record.exc_info[0] if record.exc_info else None
        said = record.getMessage() + (f" ({kind.__name__})" if kind else "")
        text = f"{now} {os.getpid()} {record.threadName} {record.levelname} {hidden(said)}"
        return "".join(c if c.isprintable() else "?" for c in text[:_LINE_MAX])

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        told = 0
        while True:
            try:
                line = self._queue.get(timeout=0.0 if self._ending.is_set() else _LOOK_S)
            except queue.Empty:
                if self._ending.is_set():
                    break
                line = None
            lost = self.dropped
            lines = [f"{lost - told} lines were lost"] if lost > told else []
            lines += [line] if line is not None else []
            try:
                self._pieces.write(lines, self._clock.now())
                told = lost
            except OSError:
                self._refused += line is not None
                self._ending.wait(_RETRY_S)
                if self._ending.is_set():
                    break
        self._pieces.close()


class Pieces:
    """The files of one debug log.

    Args:
        path: The journal's file.
        days: How many days are kept.
        max_bytes: The largest size of all pieces together.
    """

    def __init__(self, path: Path, days: int, max_bytes: int) -> None:
        self._folder = path.absolute().parent
        self._prefix = f"{path.name}.debug."
        self._days = days
        self._max_bytes = max_bytes
        self._descriptor: int | None = None
        self._current = ""
        self._size = 0
        self._purged: date | None = None

    def write(self, lines: list[str], now: datetime) -> None:
        """Write lines, and delete what is too old.

        Args:
            lines: Without line ends.
            now: The time of day (UTC).

        Raises:
            OSError: The disk refuses; nothing of it is kept open.
        """
        try:
            today = now.astimezone(UTC).date()
            if today != self._purged:
                self.close()
                self._folder.mkdir(parents=True, exist_ok=True)
                self._purge(today)
                self._purged = today
            for line in lines:
                self._put(f"{line}\n".encode(), today)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the piece that is open."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = None

    def _put(self, line: bytes, today: date) -> None:
        if self._descriptor is None or self._size + len(line) > self._max_bytes // _PIECES:
            self.close()
            self._open(f"{today:%Y%m%d}", len(line))
        if self._descriptor is not None:
            self._size += os.write(self._descriptor, line)

    def _open(self, day: str, room: int) -> None:
        """Go on with the newest piece of the day if there is room in it, or begin the next one."""
        mine = [name for name in self._names() if name.startswith(f"{self._prefix}{day}-")]
        number = int(mine[-1][-8:-4]) if mine else 1
        if mine and (self._folder / mine[-1]).stat().st_size + room > self._max_bytes // _PIECES:
            number += 1
        self._current = f"{self._prefix}{day}-{number:04d}.log"
        self._make_room()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        self._descriptor = os.open(self._folder / self._current, flags, 0o600)
        if os.name == "posix":
            os.fchmod(self._descriptor, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _make_room(self) -> None:
        others = [self._folder / name for name in self._names() if name != self._current]
        sizes = [piece.stat().st_size for piece in others]
        too_many = sum(sizes) - (self._max_bytes - self._max_bytes // _PIECES)
        for piece, size in zip(others, sizes, strict=True):
            if too_many <= 0:
                return
            _drop(piece)
            too_many -= size

    def _purge(self, today: date) -> None:
        oldest = f"{today - timedelta(days=self._days - 1):%Y%m%d}"
        for name in self._names():
            if name.removeprefix(self._prefix) < oldest:
                _drop(self._folder / name)

    def _names(self) -> list[str]:
        """List the pieces, oldest first."""
        return sorted(
            file.name
            for file in self._folder.iterdir()
            if file.name.startswith(self._prefix) and _PIECE.fullmatch(file.name.removeprefix(self._prefix))
        )


def _drop(piece: Path) -> None:
    with suppress(OSError):  # on Windows, somebody reads it: next time
        piece.unlink()


def hidden(text: str) -> str:
    """Hide whatever could be a customer's identifier: the log's own callers tell none, a driver's may."""
    return _IDENTIFIER.sub("[...]", text)
