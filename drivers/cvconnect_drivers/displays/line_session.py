"""One claim of a line display: the thread that writes to it, and finds it again when it was unplugged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cvconnect_drivers.displays.line import Page, next_page_s, page_at
from cvconnect_drivers.displays.line_protocols import Panel, model_in
from cvconnect_drivers.errors import DriverError, LinkError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.scanners.reconnection import Backoff, Event, Reconnection, State
from cvconnect_drivers.shapes import Health

POLL_S = 0.5
"""How often the port is looked at: a USB plug that was pulled is noticed so soon."""

REFRESH_S = 5.0
"""How often the page that stands is written again: a display with a mains plug of its own may have lost it. It takes 65
bytes, and nobody sees it."""

ANSWER_S = 0.5
"""How long an answer is waited for; at 9600 baud it takes 25 ms."""

JOIN_S = 0.9
"""`release` promises one second."""

_LAST_BITS = 640
_LAST_BYTES_MOST_S = 0.3

READ_BYTES = 256
MAX_ECHO_BYTES = 4096
"""What is dropped at most before the next look at what is wanted."""

_log = logging.getLogger(__name__)
_SEARCHING = Health("unknown", "Recherche de l’afficheur client en cours.")
_READY = Health("ready", "Afficheur client prêt.")
_MISTAKE = "L’afficheur client a cessé de fonctionner ; la caisse réessaie."


def last_bytes_s(baud: int) -> float:
    """Tell how long to wait before a port is closed, which throws away what is still in its own buffer: some 64 bytes.

    Args:
        baud: Bits per second.

    Returns:
        Seconds; less than the bytes need below 2400 baud, because `release` promises one second.
    """
    return min(_LAST_BITS / baud, _LAST_BYTES_MOST_S)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the display should show: the pages, since when, and how many things were wanted before."""

    number: int
    pages: tuple[Page, ...]
    since_s: float


class LineSession:
    """One claim. Its thread is the only one that touches the port.

    Args:
        name: How the display is called.
        open_link: Opens the port; called again after each loss.
        panel: How the display is written to.
        write_s: Deadline of one frame, in seconds.
        backoff: How long to wait between two tries.
        last_bytes_s: What the port's own buffer needs to run empty.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Link],
        panel: Panel,
        *,
        write_s: float,
        backoff: Backoff,
        last_bytes_s: float,
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._panel = panel
        self._write_s = write_s
        self._last_bytes_s = last_bytes_s
        self._reconnection = Reconnection(backoff=backoff)
        self._changed = threading.Condition()
        self._wanted = _Wanted(0, panel.lay_out(None), time.monotonic())
        self._settled = -1  # the last number that was written, or could not be
        self._written = -1
        self._on_display: Page | None = None
        self._refresh_at_s = 0.0
        self._questions = self._answers = 0
        self._model: str | None = None
        self._link: Link | None = None
        self._refused: DriverError | None = None
        self._tried = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name=f"display {name}", daemon=True)
        self.health = _SEARCHING

    def start(self, timeout_s: float) -> DriverError | None:
        """Start; give the error when the first try shows that the display cannot be opened as it is set up."""
        deadline = Deadline(timeout_s)
        self._thread.start()
        self._tried.wait(deadline.left_s())
        with self._changed:
            self._changed.wait_for(lambda: self._settled >= 0 or self._stop, deadline.left_s())
        return self._refused

    def show(self, pages: tuple[Page, ...], timeout_s: float) -> bool:
        """Want these pages from now on.

        Args:
            pages: What to show, one after the other.
            timeout_s: Seconds to wait for the first.

        Returns:
            Whether it was written; if not, the display shows them as soon as it can.
        """
        with self._changed:
            number = self._wanted.number + 1
            self._wanted = _Wanted(number, pages, time.monotonic())
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled >= number or self._stop, timeout_s)
            return self._written >= number

    def ask(self) -> str | None:
        """Ask the display for its model; None without an answer in time."""
        with self._changed:
            self._questions += 1
            question = self._questions
            self._changed.notify_all()
            answered = self._changed.wait_for(
                lambda: self._answers >= question or self._stop, ANSWER_S + 2 * self._write_s
            )
            return self._model if answered else None

    def close(self) -> None:
        """Clear the display when it is there, close the port, and join the thread."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(JOIN_S)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stop:
                event = self._step()
                if event is not None:
                    self._reconnection = self._reconnection.after(event, time.monotonic())
            self._leave()
        finally:
            self._tried.set()
            self._close_link()
            with self._changed:
                self._stop = True
                self._changed.notify_all()

    def _step(self) -> Event | None:
        """Do what the state asks for; tell what happened."""
        match self._reconnection.state:
            case State.ABSENT | State.LOST:
                return self._wait_for_retry()
            case State.OPENING:
                event = self._open()
                self._tried.set()
                return event
            case State.READY | State.DEGRADED:
                return self._serve()

    def _wait_for_retry(self) -> Event | None:
        with self._changed:
            self._settle()
            left_s = self._reconnection.at_s - time.monotonic()
            if left_s <= 0:
                return Event.RETRY_DUE
            self._changed.wait(left_s)
        return None

    def _open(self) -> Event:
        try:
            self._link = self._open_link()
            self._link.write(self._panel.protocol.start, timeout_s=self._write_s)
        except Exception as error:  # noqa: BLE001 (whatever it was, the display may work the next time)
            if (
                isinstance(error, DriverError)
                and not isinstance(error, LinkError)
                and not self._tried.is_set()
            ):
                self._refused = error
            self._lose(error)
            return Event.REFUSED
        self._on_display = None
        return Event.OPENED

    def _serve(self) -> Event | None:
        try:
            self._write_what_is_due()
            self._drop_echo()
            self._answer()
        except Exception as error:  # noqa: BLE001 (same reason)
            self._lose(error)
            return Event.LOST
        with self._changed:
            self._changed.wait_for(self._is_asked, min(POLL_S, self._next_due_s()))
        return None

    def _is_asked(self) -> bool:
        return self._stop or self._wanted.number != self._written or self._questions != self._answers

    def _next_due_s(self) -> float:
        now_s = time.monotonic()
        return min(next_page_s(self._wanted.pages, now_s - self._wanted.since_s), self._refresh_at_s - now_s)

    def _write_what_is_due(self) -> None:
        wanted, now_s = self._wanted, time.monotonic()
        page = page_at(wanted.pages, now_s - wanted.since_s)
        if page != self._on_display or now_s >= self._refresh_at_s:
            self._write(page)
        with self._changed:
            self._written = wanted.number
            self._settle(wanted.number)

    def _write(self, page: Page) -> None:
        assert self._link is not None  # noqa: S101 (the state says so)
        self._on_display = None
        self._link.write(self._panel.frame(page), timeout_s=self._write_s)
        self._on_display = page
        self._refresh_at_s = time.monotonic() + REFRESH_S
        self.health = _READY

    def _drop_echo(self) -> None:
        """Drop what came: a display has nothing to say unasked. A port that is gone is noticed here, too."""
        assert self._link is not None  # noqa: S101 (the state says so)
        dropped = 0
        while dropped < MAX_ECHO_BYTES:
            try:
                dropped += len(self._link.read(READ_BYTES, timeout_s=0))
            except LinkTimeoutError:
                return

    def _answer(self) -> None:
        """Ask the display what somebody wants to know of it, and write its page again: it may not know the question."""
        question = self._questions
        if question == self._answers:
            return
        model = self._question() if self._panel.protocol.ask else None
        with self._changed:
            self._model, self._answers = model, question
            self._changed.notify_all()

    def _question(self) -> str | None:
        assert self._link is not None  # noqa: S101 (the state says so)
        self._on_display = None
        self._link.write(self._panel.protocol.ask, timeout_s=self._write_s)
        deadline, came = Deadline(ANSWER_S), b""
        while model_in(came) is None and len(came) < READ_BYTES and deadline.left_s():
            try:
                came += self._link.read(READ_BYTES, timeout_s=deadline.left_s())
            except LinkTimeoutError:
                break
        self._write_what_is_due()
        return model_in(came)

    def _leave(self) -> None:
        """Leave nothing on the display."""
        if self._link is None:
            return
        try:
            self._write(self._panel.lay_out(None)[0])
        except Exception as error:  # noqa: BLE001 (it is given back all the same)
            _log.info("%s: not cleared: %s", self._name, type(error).__name__)
        else:
            with self._changed:
                self._changed.wait(self._last_bytes_s)

    def _lose(self, error: Exception) -> None:
        self._close_link()
        if isinstance(error, DriverError):
            self.health = Health("absent", error.text())
        else:
            _log.error("%s: %s", self._name, type(error).__name__)
            self.health = Health("absent", _MISTAKE)
        with self._changed:
            self._on_display = None
            self._settle()

    def _settle(self, number: int | None = None) -> None:
        """Let those go who wait for the display; with the lock held."""
        self._settled = self._wanted.number if number is None else number
        if number is None:
            self._answers, self._model = self._questions, None
        self._changed.notify_all()

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()
