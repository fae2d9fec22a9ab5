"""Serves the page, and tells every open one what to show: HTTP/1.1 and server-sent events, all on one thread.

A page that reads slowly delays nobody: when it comes back it is told the newest prompt, never those between. Whoever does
not know the token finds nothing, and takes no place from those who do: until a connection has shown it, it is a stranger's, which
has a few seconds and makes room for newer ones.

Source: RFC 9112 (HTTP/1.1); WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from cvconnect_drivers.displays.web.view import BLANK, left_ms
from cvconnect_drivers.shapes import Surface

ALIVE_S: Final = 2.0
"""How often a page hears that the till is there."""

STALLED_S: Final = 15.0
"""After this, a page that reads nothing is given up; it comes back by itself."""

BACKLOG_BYTES: Final = 32_768
"""What the system keeps for a page that reads slowly: a few prompts, then it gets the newest one."""

HEAD_S: Final = 3.0
"""How long a stranger may take to say what is wanted, and with which token."""

SEND_S: Final = 10.0
HEAD_BYTES: Final = 8_192

MOST_STRANGERS: Final = 256
"""Who has not shown the token yet; the oldest makes room for one more. Several times what is accepted in a turn of the loop (100),
so that a page that asks at once is heard in the worst crowd."""

MOST_PAGES: Final = 256
MOST_GUESTS: Final = 320
"""Who has shown the token: the pages, and what they ask for beside. With the strangers, less than the 1024 files of a process."""

STOP_S: Final = 0.4
"""How long giving the display back waits for the thread; it has had its time to tell the pages before."""

_FILES: Final[Mapping[str, tuple[str, str]]] = {
    "": ("page.html", "text/html"),
    "display.css": ("display.css", "text/css"),
    "display.js": ("display.js", "text/javascript"),
}
_HEAD: Final = (
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"
)
_ACCEPTING: Final = 5
"""Turns of the loop until whoever was just accepted is among the connections."""

_REASONS: Final = {200: "OK", 204: "No Content", 308: "Permanent Redirect", 404: "Not Found"}
_SEEN: Final[Mapping[str, Surface]] = {"qr": "qr", "text": "text"}
_BEST: Final[tuple[Surface, ...]] = ("qr", "text")


class PageServer:
    """One page for any number of screens.

    Args:
        host: Where it listens.
        port: 0 for any that is free.
        token: What stands in its address, so that nobody else finds it.

    Raises:
        OSError: The address cannot be used.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._token = token
        self._news = threading.Condition()
        self._number = 0
        self._published_at_s = time.monotonic()
        self._view = json.dumps(BLANK)
        self._expires_at: datetime | None = None
        self._pages: set[int] = set()
        self._seen: dict[int, Surface] = {}
        self._ids = count(1)
        self._strangers: dict[asyncio.Task[None], None] = {}  # in the order of their coming
        self._guests: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Task[None]] = set()
        """These, and those that are answered and whose connection is about to be closed."""
        self._socket = _listening(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._changed, self._stop = asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"web display {self.port}", daemon=True)
        self._thread.start()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        with self._news:
            return len(self._pages)

    def is_followed(self, within_s: float) -> bool:
        """Whether a page has painted the newest prompt, or may still do so in time; one that nobody sees paints nothing.

        Args:
            within_s: How long a page may take, in seconds.
        """
        with self._news:
            is_new = time.monotonic() < self._published_at_s + within_s
            return is_new or not self._pages.isdisjoint(self._seen)

    def publish(self, view: Mapping[str, Any], expires_at: datetime | None = None) -> int:
        """Have every page show this instead of the last one; one that is opened later shows it, too.

        Args:
            view: What `view.view_of` wrote.
            expires_at: When its QR must be gone (UTC).

        Returns:
            Its number, for `seen`.
        """
        text = json.dumps(view)
        with self._news:
            self._number += 1
            self._published_at_s = time.monotonic()
            self._view, self._expires_at = text, expires_at
            self._seen.clear()
            self._news.notify_all()
            number = self._number
        with suppress(RuntimeError):  # closed meanwhile: no page is left
            self._loop.call_soon_threadsafe(self._wake)
        return number

    def seen(self, number: int, *, wanted: Surface, timeout_s: float) -> Surface:
        """Wait until a page has painted it.

        Args:
            number: What `publish` gave.
            wanted: What is waited for; when every open page has painted something less, that is the answer.
            timeout_s: For how long, in seconds.

        Returns:
            The best that a page has painted; `none` when no page is open, or none has answered.
        """
        end = time.monotonic() + timeout_s
        with self._news:
            while self._number == number and wanted not in self._seen.values():
                answered = self._pages <= self._seen.keys()
                if answered or not self._news.wait(max(end - time.monotonic(), 0.0)):
                    break
            came = list(self._seen.values()) if self._number == number else []
        for surface in _BEST:
            if surface in came:
                return surface
        return "none"

    def close(self) -> None:
        """Stop serving, and join the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_S)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # Here, and not where it is made: that thread may have a loop of its own, which runs.
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, sock=self._socket, limit=HEAD_BYTES)
        await self._stop.wait()
        server.close()
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)
        for connection in [*self._strangers, *self._guests]:
            connection.cancel()
        if self._open:
            await asyncio.wait(self._open, timeout=HEAD_S)  # for a moment: each is answered, or broken off

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (asyncio made it)
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        if len(self._strangers) >= MOST_STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.cancel()
        self._strangers[task] = None
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all of it is taken
        try:
            await self._answer(task, reader, writer)
            writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # whoever asks wrongly, or goes away, is answered by the end of the connection
        except asyncio.CancelledError:
            pass  # the display is given back, or a stranger makes room; nobody waits for this task's own word
        finally:
            self._strangers.pop(task, None)
            self._guests.discard(task)
            if not writer.is_closing():  # what was not taken until now is kept for nobody
                writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with asyncio.timeout(HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        url = urlsplit(target)
        _, token, *rest = url.path.split("/")
        name = "/".join(rest)
        known = hmac.compare_digest(token.encode(), self._token.encode())
        if known and not self._let_in(task):
            return
        if known and (method, name) == ("GET", "events"):
            if len(self._pages) < MOST_PAGES:
                await self._stream(reader, writer)
        elif known and (method, name) == ("POST", "painted"):
            self._painted(parse_qs(url.query))
            await _send(writer, 204, "text/plain", b"")
        elif known and method == "GET" and not rest:
            await _send(writer, 308, "text/plain", b"", f"Location: /{self._token}/\r\n")
        elif known and method == "GET" and name in _FILES:
            file, kind = _FILES[name]
            await _send(
                writer, 200, kind, files("cvconnect_drivers.displays.web").joinpath(file).read_bytes()
            )
        else:
            await _send(writer, 404, "text/plain", b"")

    def _let_in(self, task: asyncio.Task[None]) -> bool:
        """Count somebody who knows the token apart from those who do not; False when too many are in."""
        if len(self._guests) >= MOST_GUESTS:
            return False
        del self._strangers[task]
        self._guests.add(task)
        return True

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        page = next(self._ids)
        told = -1  # the first word is always the prompt: a page may still show another till's
        with self._news:
            self._pages.add(page)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BACKLOG_BYTES)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n" + _HEAD.encode()
        )
        writer.write(b"\r\nretry: 1000\n\n")
        gone = asyncio.ensure_future(reader.read(1))
        try:
            while not gone.done():
                changed = self._changed
                told, event = self._event(page, told)
                writer.write(event)
                async with asyncio.timeout(STALLED_S):
                    await writer.drain()
                waits = asyncio.ensure_future(changed.wait())
                try:
                    await asyncio.wait((waits, gone), timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waits.cancel()
        finally:
            with self._news:
                self._pages.discard(page)
                self._news.notify_all()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    def _event(self, page: int, told: int) -> tuple[int, bytes]:
        with self._news:
            number, view, expires_at = self._number, self._view, self._expires_at
        if number == told:
            return number, b"event: alive\ndata: 1\n\n"
        left = json.dumps(left_ms(expires_at, datetime.now(UTC)))
        data = f'{{"view": {view}, "page": {page}, "left_ms": {left}}}'
        return number, f"id: {number}\nevent: prompt\ndata: {data}\n\n".encode()

    def _painted(self, query: Mapping[str, list[str]]) -> None:
        with suppress(KeyError, ValueError):
            number, page = int(query["number"][0]), int(query["page"][0])
            surface = _SEEN[query["surface"][0]]
            with self._news:
                if number == self._number and page in self._pages:
                    self._seen[page] = surface
                    self._news.notify_all()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except UnicodeError as error:  # a label of a name that is too long
        raise OSError(errno.EADDRNOTAVAIL, "no such name") from error
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, dualstack_ipv6=both)


async def _send(writer: asyncio.StreamWriter, status: int, kind: str, body: bytes, more: str = "") -> None:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}{_HEAD}\r\n"
    )
    writer.write(head.encode() + body)
    async with asyncio.timeout(SEND_S):
        await writer.drain()
