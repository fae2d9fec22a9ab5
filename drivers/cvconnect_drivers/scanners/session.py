"""One claim of a scanner: the thread that reads its device, and the thread that calls the till back."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from cvconnect_drivers.errors import DriverError, LinkError, NotClaimedError
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.gate import Gate, OnLabel
from cvconnect_drivers.scanners.reconnection import Backoff, Event, Reconnection, State
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.shapes import Health

ARMING_S = 0.2
"""How long `arm` waits for a moment of silence, which a scanner that works has every few milliseconds. Until it comes, what
the device sends cannot be told from what it sent before, and is for nobody."""

READ_TIMEOUT_S = 0.2
"""How long a read blocks before the thread looks whether it must end: `release` promises one second."""

JOIN_TIMEOUT_S = 1.0
QUEUE_STATES = 8
"""States that were not told yet, while a callback blocks; the oldest is forgotten first."""

OnStatus: TypeAlias = Callable[[Health], None]

_log = logging.getLogger(__name__)
_SEARCHING = Health("unknown", "Recherche du lecteur en cours.")
_MISTAKE = "Le lecteur a cessé de fonctionner ; la caisse réessaie."


class Session:
    """One claim. A thread of it that outlives its release touches nothing of the next one.

    Args:
        name: How the scanner is called.
        open_source: Opens the device; called again after each loss.
        gate: What becomes of each label.
        lock: Guards the gate, which outlives the claim.
        on_status: Told when the scanner is found or lost.
        ready: What is told of a scanner that works.
        backoff: How long to wait between two tries.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        *,
        gate: Gate,
        lock: threading.Lock,
        on_status: OnStatus,
        ready: Health,
        backoff: Backoff,
    ) -> None:
        self._name = name
        self._open_source = open_source
        self._gate = gate
        self._on_status = on_status
        self._ready = ready
        self._reconnection = Reconnection(backoff=backoff)
        self._changed = threading.Condition(lock)  # guards the gate, the source, and what is to be told
        self._source: Source | None = None
        self._states: deque[Health] = deque(maxlen=QUEUE_STATES)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._tried = threading.Event()
        self._refused: DriverError | None = None
        self._last_label_at_s: float | None = None
        self._reader = threading.Thread(target=self._run, name=f"scanner {name}", daemon=True)
        self._teller = threading.Thread(target=self._tell, name=f"scanner {name}", daemon=True)
        self.health = _SEARCHING

    def start(self, timeout_s: float) -> DriverError | None:
        """Start; give the error when the first try shows that the scanner cannot be opened as it is set up."""
        with self._changed:
            if self._stop.is_set():  # released by another thread meanwhile
                return None
            self._teller.start()
            self._reader.start()
        self._tried.wait(timeout_s)
        return self._refused

    def arm(self, on_label: OnLabel) -> None:
        """Let the next label that begins through; see `LabelScanner.arm`."""
        with self._changed:
            if self._stop.is_set():
                raise NotClaimedError(self._name)
            source = self._source
            label_begun = source is not None and source.pending
            now_s = time.perf_counter()
            if source is not None:
                source.set_armed(True)
            self._gate.arm(
                on_label,
                now_s,
                label_begun=label_begun,
                # Armed again from its own callback it still waits for the same customer; else a new sale begins.
                same_customer=threading.current_thread() is self._teller,
            )
        deadline = Deadline(ARMING_S)
        while source is not None and source is self._source and source.silent_s < now_s:
            # A device that is known to be noisy keeps nobody waiting.
            if source.degraded or not deadline.left_s() or self._stop.wait(0.001):
                return

    def disarm(self) -> None:
        """Let nothing more through."""
        with self._changed:
            self._gate.disarm()
            self._set_armed()

    def retry(self) -> None:
        """Look for the device at once."""
        self._wake.set()

    def last_read(self) -> str:
        """Say when the last label came, in French."""
        at_s = self._last_label_at_s
        if at_s is None:
            return "Aucune étiquette n’a encore été lue."
        return f"Dernière étiquette lue il y a {time.perf_counter() - at_s:.0f} s."

    def close(self) -> None:
        """Disarm, and join the threads."""
        with self._changed:
            self._stop.set()
            self._gate.disarm()
            self._set_armed()  # wakes the source's read
            self._changed.notify_all()
        self._wake.set()
        deadline = Deadline(JOIN_TIMEOUT_S)
        for thread in (self._reader, self._teller):
            # A callback may release its own scanner: the thread then ends by itself, right after it.
            if thread is not threading.current_thread() and thread.ident is not None:
                thread.join(deadline.left_s())

    def _set_armed(self) -> None:
        if self._source is not None:
            self._source.set_armed(self._gate.armed)

    # --- the thread that reads ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                event = self._step()
                if event is not None:
                    self._reconnection = self._reconnection.after(event, time.perf_counter())
        finally:
            self._tried.set()
            self._close_source()

    def _step(self) -> Event | None:
        """Do what the state asks for; tell what happened."""
        match self._reconnection.state:
            case State.ABSENT | State.LOST:
                self._wake.wait(max(0.0, self._reconnection.at_s - time.perf_counter()))
                self._wake.clear()
                return Event.RETRY_DUE
            case State.OPENING:
                event = self._open()
                self._tried.set()
                return event
            case State.READY | State.DEGRADED:
                return self._read()

    def _open(self) -> Event:
        try:
            source = self._open_source()
        except Exception as error:  # noqa: BLE001 (whatever it was, the scanner may work the next time)
            if (
                isinstance(error, DriverError)
                and not isinstance(error, LinkError)
                and not self._tried.is_set()
            ):
                self._refused = error
            self._say(Health("absent", self._sentence(error)))
            return Event.REFUSED
        if self._stop.is_set():  # released meanwhile, perhaps claimed anew
            source.close()
            return Event.REFUSED
        with self._changed:
            self._source = source
            self._gate.forget_begun()
            self._set_armed()
        self._say(self._ready)
        return Event.OPENED

    def _read(self) -> Event | None:
        source = self._source
        assert source is not None  # noqa: S101 (the state says so)
        try:
            labels = source.read(timeout_s=READ_TIMEOUT_S)
            now_s = time.perf_counter()
            degraded = source.degraded
        except Exception as error:  # noqa: BLE001 (same reason)
            return self._lose(source, error)
        if labels:
            self._take(labels, now_s)
        if degraded:
            self._say(Health("degraded", degraded))
            return Event.WORSENED if self._reconnection.state is State.READY else None
        if self._reconnection.state is State.DEGRADED:
            self._say(self._ready)
            return Event.RECOVERED
        return None

    def _take(self, labels: Sequence[RawLabel], now_s: float) -> None:
        self._last_label_at_s = now_s
        # One lock for all of them: a label that was complete before `arm` is never delivered after it.
        with self._changed:
            if self._stop.is_set():
                return
            was_armed = self._gate.armed
            for raw in labels:
                self._gate.take(raw, now_s if raw.ended_s is None else raw.ended_s)
            if was_armed and not self._gate.armed:
                self._set_armed()
            self._changed.notify_all()

    def _lose(self, source: Source, error: Exception) -> Event:
        if not self._stop.is_set():
            with contextlib.suppress(Exception):  # it has just failed: it may fail in this, too
                if source.pending:
                    self._take([RawLabel(b"", "TORN")], time.perf_counter())
            with self._changed:
                self._gate.count_loss()
            self._say(Health("absent", self._sentence(error)))
        self._close_source()
        return Event.LOST

    def _close_source(self) -> None:
        with self._changed:
            source, self._source = self._source, None
        if source is not None:
            source.close()

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, DriverError):
            return error.text()
        _log_mistake(self._name, error)
        return _MISTAKE

    def _say(self, health: Health) -> None:
        with self._changed:
            # A thread that outlived its release says nothing more.
            if self._stop.is_set() or health == self.health:
                return
            self.health = health
            self._states.append(health)
            self._changed.notify_all()

    # --- the thread that calls back -------------------------------------------------------------------------------------

    def _tell(self) -> None:
        while (call := self._next_call()) is not None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 (a till's mistake must not deafen its scanner)
                _log_mistake(self._name, error)

    def _next_call(self) -> Callable[[], None] | None:
        """Wait for what is to be told; None when the scanner was released."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop.is_set() or self._states or self._gate.waiting)
            if self._stop.is_set():
                return None
            if self._states:
                return partial(self._on_status, self._states.popleft())
            delivery = self._gate.next()
            return None if delivery is None else partial(delivery.on_label, delivery.label)


def _log_mistake(name: str, error: BaseException) -> None:
    # The type alone: a message or a traceback may quote the label.
    _log.error("%s: %s", name, type(error).__name__)
