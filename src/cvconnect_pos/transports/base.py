"""The provider as HTTP: one request in, one answer out, within a total deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

MAX_BODY_BYTES = 256 * 1024
"""An answer of the provider is a few kilobytes; a QR picture some tens. More is not for us."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent.

    Args:
        method: The verb.
        path: Below the base URL, percent-encoded, starting with `/`.
        headers: Header fields; the transport adds `User-Agent` and the connection's own.
        body: The bytes, empty for GET. Never in a `repr`: it names the customer.
    """

    method: Literal["GET", "POST"]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back, whole.

    Args:
        status: The status code.
        headers: Header fields, names in lower case.
        body: The bytes, at most `MAX_BODY_BYTES`.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """How requests travel. An implementation follows no redirect and repeats nothing by itself."""

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send one request, once.

        Args:
            request: What to send.
            timeout_s: The total time for connecting, sending and reading the whole answer, in seconds.

        Returns:
            The answer, whatever its status.

        Raises:
            NotSent: The request certainly did not reach the server.
            NoAnswer: It may have: time-out, connection cut, answer too large or not HTTP.
        """
        ...

    def close(self) -> None:
        """Close every connection. Idempotent."""
        ...
