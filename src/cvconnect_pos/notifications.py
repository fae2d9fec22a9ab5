"""The provider's notifications, received over WSGI or ASGI in a web application that the shop has already.

A notification carries no state: nothing public signs it, so anybody could send one. It says which payment to ask about
a little sooner, nothing else of it is used, and the answer to that question is what counts. A till without a public
address loses nothing but a second or two: it polls.

Source: public integrations (JSON with the same `transaction` as an answer), unverified against the ANCV; that a QR
request is notified as `preTransaction` is ours.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast
from wsgiref.types import StartResponse, WSGIEnvironment

from cvconnect_pos.clock import Clock, SystemClock

_log = logging.getLogger("cvconnect_pos")

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PERIOD_S: Final = 60.0

Message: TypeAlias = MutableMapping[str, Any]
"""An ASGI message."""

_Answer: TypeAlias = tuple[HTTPStatus, dict[str, str]]


class NotificationReceiver:
    """A small web application, to be mounted at a path of a larger one; its methods are safe in any thread.

    It answers 204 to a notification whatever became of it, 400 to what is none, 405 to anything but POST, 411 when
    the length is unknown, 413 when it is too large, and 429 with `Retry-After` when there are too many. Every answer
    is empty. It waits for nothing but the body; how long a body may take is the web server's to limit.

    Args:
        hint: Told the provider's id and our payment id (empty when there is none); it must return at once. Ids that
            are not ours are its to ignore. What it raises is logged and changes no answer.
        max_body_bytes: The largest body, in bytes; a notification is a few kilobytes.
        per_minute: How many requests are looked at in any 60 seconds; at least 1. A shop has some tens.
        clock: Where time comes from.
    """

    def __init__(
        self,
        hint: Callable[[str, str], object],
        *,
        max_body_bytes: int = 65_536,
        per_minute: int = 600,
        clock: Clock | None = None,
    ) -> None:
        self._hint = hint
        self._max_body_bytes = max_body_bytes
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._looked_at: deque[float] = deque(maxlen=per_minute)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as a WSGI application.

        Source: PEP 3333. `wsgi.input_terminated` is what servers that decode chunks set; without it, a body of unknown
        length has no end, and is not read.
        """
        announced = str(environ.get("CONTENT_LENGTH") or "")
        ended = bool(environ.get("wsgi.input_terminated"))
        refusal: _Answer | None = self._refusal(str(environ.get("REQUEST_METHOD", "")), announced)
        if refusal is None and not announced and not ended:
            refusal = HTTPStatus.LENGTH_REQUIRED, {}
        status, headers = refusal or self._heard(self._read(environ["wsgi.input"], announced))
        start_response(f"{status.value} {status.phrase}", list(_empty(status, headers).items()))
        return []

    async def asgi(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request, as an ASGI application.

        Source: ASGI specification 3.0, "HTTP & WebSocket" and "Lifespan". There is nothing to start, which is said
        rather than refused: some servers stop at a refusal. A WebSocket is closed before it is opened.
        """
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                for phase in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{phase}.complete"})
            case "websocket":
                await receive()
                await send({"type": "websocket.close"})
            case _:
                pass

    async def _http(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
        announced = lengths[0].decode("latin-1") if lengths else ""
        answer = self._refusal(scope["method"], announced)
        if answer is None:
            body, more = bytearray(), True
            while more and len(body) <= self._max_body_bytes:
                message = await receive()
                if message["type"] != "http.request":  # the sender has gone: nobody hears an answer
                    return
                body += message.get("body", b"")[: self._max_body_bytes + 1]
                more = bool(message.get("more_body", False))
            answer = self._heard(bytes(body))
        status, headers = answer
        written = [(name.lower().encode(), value.encode()) for name, value in _empty(status, headers).items()]
        await send({"type": "http.response.start", "status": status.value, "headers": written})
        await send({"type": "http.response.body", "body": b""})

    def _refusal(self, method: str, announced: str) -> _Answer | None:
        """Refuse what need not be read; None when it is to be read."""
        if method != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "POST"}
        if (wait_s := self._full_for_s()) > 0:
            return HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(math.ceil(wait_s))}
        if announced and not _LENGTH.fullmatch(announced):
            return HTTPStatus.BAD_REQUEST, {}
        if announced and int(announced) > self._max_body_bytes:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {}
        return None

    def _full_for_s(self) -> float:
        """Count a request, or say for how long none is looked at."""
        with self._lock:
            now, seen = self._clock.monotonic(), self._looked_at
            if len(seen) == seen.maxlen and (wait_s := seen[0] + _PERIOD_S - now) > 0:
                return wait_s
            seen.append(now)
            return 0.0

    def _read(self, stream: Any, announced: str) -> bytes | None:
        """Read a body, no further than its announced length or one byte more than allowed; None when it breaks off."""
        left = int(announced) if announced else self._max_body_bytes + 1
        parts: list[bytes] = []
        try:
            while left > 0 and (part := stream.read(left)):
                parts.append(part)
                left -= len(part)
        except Exception as error:  # noqa: BLE001 - each server has its own for a connection that is cut
            _log.info("a notification broke off: %s", type(error).__name__)
            return None
        return b"".join(parts)

    def _heard(self, body: bytes | None) -> _Answer:
        """Pass the hint on, and answer."""
        if body is not None and len(body) > self._max_body_bytes:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {}
        if body is None or (ids := read_notification(body)) is None:
            return HTTPStatus.BAD_REQUEST, {}
        try:
            self._hint(*ids)
        except Exception as error:  # noqa: BLE001 - a hint that was not taken is a poll later, and no reason to resend
            _log.error("a notification was not taken: %s", type(error).__name__)
        return HTTPStatus.NO_CONTENT, {}


def read_notification(body: bytes) -> tuple[str, str] | None:
    """Read which payment a notification names; nothing else of it is looked at.

    Args:
        body: `{"transaction": {"id": ..., "order": {"paymentId": ...}}}`, or `preTransaction` in its place.

    Returns:
        The provider's id and our payment id, which is empty when there is none; None when it names nothing, or not
        with 1 to 64 letters, digits, `_` and `-`.
    """
    try:
        notification = json.loads(body)
    except (ValueError, RecursionError):  # a wrong encoding and a number without end are ValueErrors
        return None
    known = _object(notification)
    named = _object(known.get("transaction")) or _object(known.get("preTransaction"))
    provider_id = named.get("id")
    payment_id = _object(named.get("order")).get("paymentId", "")
    if not _is_id(provider_id) or not (payment_id == "" or _is_id(payment_id)):
        return None
    return str(provider_id), str(payment_id)


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _empty(status: HTTPStatus, headers: Mapping[str, str]) -> dict[str, str]:
    """Complete the headers of an answer without a body; a 204 has nothing to describe (RFC 9110, 8.6)."""
    if status is HTTPStatus.NO_CONTENT:
        return dict(headers)
    return {**headers, "Content-Type": "text/plain; charset=utf-8", "Content-Length": "0"}
