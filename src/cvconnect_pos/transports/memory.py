"""A transport without a network: answers come from a function. For tests, and for tills that have their own HTTP."""

from __future__ import annotations

from collections.abc import Callable

from cvconnect_pos.errors import NoAnswer, NotSent
from cvconnect_pos.transports.base import MAX_BODY_BYTES, HttpRequest, HttpResponse


class MemoryTransport:
    """Hands each request to a handler, and keeps them in `requests`.

    Args:
        handler: Makes the answer; it may raise `NotSent` or `NoAnswer`, as a network would.
    """

    def __init__(self, handler: Callable[[HttpRequest], HttpResponse]) -> None:
        self._handler = handler
        self._closed = False
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Answer at once.

        Raises:
            NotSent: The transport is closed, or no time is left.
            NoAnswer: The answer is larger than `MAX_BODY_BYTES`.
        """
        if self._closed or timeout_s <= 0:
            raise NotSent(reason="closed" if self._closed else "deadline")
        self.requests.append(request)
        response = self._handler(request)
        if len(response.body) > MAX_BODY_BYTES:
            raise NoAnswer(reason="too_large")
        return response

    def close(self) -> None:
        """Refuse further requests."""
        self._closed = True
