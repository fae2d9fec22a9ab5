"""A cable served by a thread of its own: the common part of the pty and TCP links."""

import selectors
import socket
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable

from cvconnect_sim.links.base import Burst, FirmwareLink, Receive, deaf

CHUNK_BYTES = 4096


class ServingLink(FirmwareLink):
    """Reads what the host sends, gives it to the firmware, and sends bursts when they are due.

    The thread sleeps in one `select`, from which the host, a due burst and `close` wake it.
    """

    def __init__(self, receive: Receive = deaf) -> None:
        super().__init__(receive)
        self._selector = selectors.DefaultSelector()
        self._wakened, self._waker = socket.socketpair()
        self._wakened.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._wakened, selectors.EVENT_READ)
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._unsent = b""
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__, daemon=True)

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether a host can be written to."""

    @abstractmethod
    def _ready(self, *, readable: bool) -> None:
        """Deal with whatever else than the waker `select` has reported; called by the thread."""

    @abstractmethod
    def _write(self, data: bytes) -> int:
        """Write without blocking; returns how many bytes went, 0 when the host's end is full."""

    @abstractmethod
    def _want_writable(self, *, wanted: bool) -> None:
        """Have `select` report when the host's end takes bytes again, or no more."""

    @abstractmethod
    def _release(self) -> None:
        """Close the host's side; called after the thread has ended."""

    def send(self, bursts: Iterable[Burst]) -> None:
        """Send bytes to the host, each after its delay; while no host is connected, they wait for one."""
        with self._changed:
            due_s = max(time.monotonic(), self._outbox[-1][0] if self._outbox else 0.0)
            for delay_s, data in bursts:
                due_s += delay_s
                self._outbox.append((due_s, data))
        self._wake()

    def _answer(self, data: bytes) -> None:
        # Nobody hears an answer that is given while no host is connected.
        if self.connected:
            self._outbox.append((time.monotonic(), data))
            self._wake()

    def _start(self) -> None:
        self._thread.start()

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:
            # Full: the thread is about to wake anyhow. Closed: there is nothing left to wake.
            return

    def _serve(self) -> None:
        while not self._closed:
            for key, events in self._selector.select(self._deliver()):
                if key.fileobj is self._wakened:
                    self._wakened.recv(CHUNK_BYTES)
                else:
                    self._ready(readable=bool(events & selectors.EVENT_READ))

    def _deliver(self) -> float | None:
        """Send what is due; returns the seconds until there is more to send, None if only an event can bring it."""
        with self._changed:
            while self.connected and not self._closed:
                if not self._unsent:
                    if not self._outbox:
                        break
                    wait_s = self._outbox[0][0] - time.monotonic()
                    if wait_s > 0:
                        return wait_s
                    self._unsent = self._outbox.popleft()[1]
                sent = self._write(self._unsent)
                self._unsent = self._unsent[sent:]
                if self._unsent:
                    self._want_writable(wanted=True)
                    return None
            if self.connected:
                self._want_writable(wanted=False)
            self._changed.notify_all()
            return None

    def _forget(self) -> None:
        """The host is gone: what was on its way to it is lost."""
        with self._changed:
            self._outbox.clear()
            self._unsent = b""
            self._changed.notify_all()

    def _shut(self) -> None:
        self._wake()
        self._thread.join()
        self._release()
        self._selector.close()
        self._wakened.close()
        self._waker.close()
