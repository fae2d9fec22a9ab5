"""As much of HTTP/1.1 as the simulated provider needs, on bytes: no sockets, no clock.

Source: RFC 9112. Every size has a bound: a head of 16 kB holds any header a till sends many times over, and the
largest sensible body is below 4 kB.

Does not model: chunked bodies (refused with 501), `Expect: 100-continue`, trailers, HTTP/2.
"""

from __future__ import annotations

import re
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from cvconnect_sim.gateway.api import Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_HEAD_BYTES: Final = 16_384
MAX_BODY_BYTES: Final = 65_536
END_OF_HEAD: Final = b"\r\n\r\n"
REQUEST_LINE: Final = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.([01])", re.ASCII)


class MalformedRequestError(Exception):
    """Bytes that are no acceptable request; the connection closes after an answer with `status`."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class RequestBuffer:
    """Collects received bytes and gives out whole requests; several may lie in one piece of bytes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Adds received bytes."""
        self._data += data

    def take(self) -> tuple[Request, bool] | None:
        """Takes one request out.

        Returns:
            The request and whether the client keeps the connection, or None while bytes are missing.

        Raises:
            MalformedRequestError: If the bytes can never become an acceptable request.
        """
        end = self._data.find(END_OF_HEAD, 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._data) >= MAX_HEAD_BYTES:
                raise MalformedRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return None
        line, *fields = self._data[:end].decode("latin-1").split("\r\n")
        found = REQUEST_LINE.fullmatch(line)
        if not found:
            raise MalformedRequestError(HTTPStatus.BAD_REQUEST)
        headers = _headers(fields)
        start = end + len(END_OF_HEAD)
        length = _body_length(headers)
        if len(self._data) < start + length:
            return None
        body = bytes(self._data[start : start + length])
        del self._data[: start + length]
        wish = headers.get("connection", "keep-alive" if found[3] == "1" else "close").lower()
        return Request(found[1], found[2], headers, body), wish != "close"


def _headers(fields: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for item in fields:
        name, colon, value = item.partition(":")
        if not colon or not name or name != name.strip():
            raise MalformedRequestError(HTTPStatus.BAD_REQUEST)
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return headers


def _body_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise MalformedRequestError(HTTPStatus.NOT_IMPLEMENTED)
    text = headers.get("content-length", "0")
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise MalformedRequestError(HTTPStatus.BAD_REQUEST)
    if int(text) > MAX_BODY_BYTES:
        raise MalformedRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(text)


def response_bytes(
    status: int,
    body: bytes,
    *,
    date: datetime,
    keep_alive: bool,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Joins a whole response, so that it can leave in one write.

    Args:
        status: HTTP status; one that the standard does not name gets the phrase "Unknown".
        body: The body; its length becomes Content-Length.
        date: The provider's present instant, for a `Date` that `headers` does not hold.
        keep_alive: Whether the server keeps the connection.
        content_type: Media type of the body; left out when the body is empty.
        headers: Further headers.
    """
    given = headers or {}
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *([] if "Date" in given else [f"Date: {format_datetime(date, usegmt=True)}"]),
        "Server: cvconnect-sim",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *([f"Content-Type: {content_type}"] if body else []),
        *(f"{name}: {value}" for name, value in given.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD + body
