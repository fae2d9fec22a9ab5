"""What a server has received: every request, in order, also those that met a fault."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as the server recorded it.

    Args:
        method: HTTP method.
        path: Path with its query string.
        received_s: The clock's monotonic time at which the first byte was read, in seconds.
        body: Body as received.
    """

    method: str
    path: str
    received_s: float
    body: bytes = field(repr=False)


class RequestLog:
    """Requests as they came; safe to share between threads."""

    def __init__(self) -> None:
        self._grown = threading.Condition()
        self._requests: list[ReceivedRequest] = []

    def add(self, request: ReceivedRequest) -> None:
        """Writes a request down."""
        with self._grown:
            self._requests.append(request)
            self._grown.notify_all()

    def all(self) -> list[ReceivedRequest]:
        """Returns the requests so far, oldest first."""
        with self._grown:
            return list(self._requests)

    def wait(self, method: str, path: str, count: int, timeout_s: float) -> bool:
        """Waits until so many requests have this method and this part in their path; False if the time ran out."""
        with self._grown:
            return self._grown.wait_for(
                lambda: sum(one.method == method and path in one.path for one in self._requests) >= count,
                timeout_s,
            )
