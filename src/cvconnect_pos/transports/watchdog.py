"""Shuts a connection when the time of its request is up, whatever it is doing."""

from __future__ import annotations

import contextlib
import heapq
import socket
import threading
import time
from collections.abc import Iterator
from itertools import count

from cvconnect_pos.errors import NotSent


class Guard:
    """The deadline of one request, and the connection that carries it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        """When the time is up, on the monotonic clock."""
        self.expired = False
        """The time was up before the request was over."""
        self.connected = False
        """A connection stood: from here on, the request may have reached the server."""
        self.done = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def watch(self, connection: socket.socket) -> None:
        """Watch this connection, through a handle of its own: TLS takes the first one over."""
        handle = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            previous, self._socket = self._socket, handle
            if self.expired:
                _shut(handle)
        if previous is not None:
            previous.close()

    def expire(self) -> None:
        """Shut the connection: whatever reads from it or writes to it ends now."""
        with self._lock:
            if not self.done:
                self.expired = True
                if self._socket is not None:
                    _shut(self._socket)

    def finish(self) -> None:
        """Let the connection live on."""
        with self._lock:
            self.done = True
            if self._socket is not None:
                self._socket.close()
                self._socket = None


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """One thread for all requests of a transport; it starts with the first request and ends with `close`."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, Guard]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._local = threading.local()

    @property
    def current(self) -> Guard | None:
        """The guard of the request that this thread is sending."""
        return getattr(self._local, "guard", None)

    @contextlib.contextmanager
    def guard(self, timeout_s: float) -> Iterator[Guard]:
        """Guard what this thread does inside, for at most `timeout_s` seconds.

        Raises:
            NotSent: The watchdog is closed.
        """
        guard = self._local.guard = Guard(time.monotonic() + timeout_s)
        with self._condition:
            if self._closed:
                raise NotSent(reason="closed")
            entry = (guard.deadline, next(self._numbers), guard)
            heapq.heappush(self._heap, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cvconnect-watchdog", daemon=True)
                self._thread.start()
            elif self._heap[0] is entry:
                self._condition.notify()
        try:
            yield guard
        finally:
            self._local.guard = None
            guard.finish()

    def close(self) -> None:
        """End every guarded request, and join the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        with self._condition:
            while True:
                while self._heap and (
                    self._heap[0][2].done or self._closed or self._heap[0][0] <= time.monotonic()
                ):
                    heapq.heappop(self._heap)[2].expire()
                if self._closed:
                    return
                self._condition.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
