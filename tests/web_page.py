"""What a browser does with the customer's page, without a browser: it listens, and says what it has painted."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from typing import Any, Self

WAIT_S = 5.0
_PORTS = iter(range(10_000 + os.getpid() * 97 % 20_000, 32_000))
"""Below those that systems give away; another place to begin for each process."""


def free_port(host: str = "127.0.0.1") -> int:
    """Find a port that nobody has, and that no outgoing connection is given meanwhile."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.create_server((host, port), family=family):
            return port
    raise OSError("no port is free")


def ask(port: int, request: bytes, host: str = "127.0.0.1", timeout_s: float = WAIT_S) -> bytes:
    """Send something; give all that comes until the end of the connection."""
    with socket.create_connection((host, port), timeout=timeout_s) as there:
        there.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := there.recv(65_536):
                answer += piece
        return answer


def get(port: int, path: str, host: str = "127.0.0.1", method: str = "GET") -> bytes:
    """Ask as a browser does; give status line, head and body."""
    return ask(port, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), host)


class Stream:
    """A page that is open; what it hears is read when the test asks for it.

    Args:
        port: The server's.
        token: What stands in its address.
        buffer_bytes: How much the system keeps for it, 0 for the usual.
    """

    def __init__(self, port: int, token: str, *, buffer_bytes: int = 0) -> None:
        self._socket = socket.socket()
        if buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._socket.settimeout(WAIT_S)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self._socket.sendall(f"GET /{token}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")

    def line(self) -> str:
        """Read a line; the empty text is the end."""
        return self._file.readline().decode()

    def news(self) -> dict[str, Any]:
        """Read up to the next prompt; give what it says, its number with it."""
        number = 0
        while line := self.line():
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: {"):
                return {**json.loads(line[6:]), "number": number}
        raise EOFError

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self._socket.close()


class FakePage:
    """A page that is opened again and again, as browsers do, on a thread of its own.

    Args:
        port: The server's.
        token: What stands in its address.
        paints: Whether it says what it has painted.
        surface: What it says; empty for what it was given.
    """

    def __init__(self, port: int, token: str, *, paints: bool = True, surface: str = "") -> None:
        self._port = port
        self._token = token
        self._paints = paints
        self._surface = surface
        self._stop = threading.Event()
        self._stream: Stream | None = None
        self.states: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(2 * WAIT_S)

    def heard(self, state: str) -> bool:
        """Whether such a prompt came."""
        return state in self.states

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            with contextlib.suppress(OSError, EOFError, ValueError):
                self._stream = Stream(self._port, self._token)
                try:
                    while True:
                        self._follow(self._stream.news())
                finally:
                    self._stream.close()

    def _follow(self, news: dict[str, Any]) -> None:
        view = news["view"]
        self.states.append(view["state"])
        if self._paints:
            surface = self._surface or ("qr" if "qr" in view or "picture" in view else "text")
            paint(self._port, self._token, news, surface)


def paint(
    port: int, token: str, news: dict[str, Any], surface: str, *, page: int = 0, number: int = 0
) -> bytes:
    """Say that it is on the glass; `page` and `number` may be wrong."""
    query = f"number={number or news['number']}&page={page or news['page']}&surface={surface}"
    return get(port, f"/{token}/painted?{query}", method="POST")


class Wire:
    """Stands between a page and the till: it goes dead without a word, as a network does that loses its power.

    Args:
        till: The till's port.
    """

    def __init__(self, till: int) -> None:
        self._till = till
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.connections = 0
        self.dead_below: float = 0
        """The connections before this one carry nothing, and stay open."""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join(WAIT_S)
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(WAIT_S)
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                page, _ = self._listening.accept()
                self._ends.append(page)
                till = socket.create_connection(("127.0.0.1", self._till), timeout=WAIT_S)
                till.settimeout(None)
                self._ends.append(till)
                for here, there in ((page, till), (till, page)):
                    thread = threading.Thread(target=self._carry, args=(here, there, self.connections))
                    self._threads.append(thread)
                    thread.start()
                self.connections += 1

    def _carry(self, here: socket.socket, there: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            while piece := here.recv(65_536):
                if number >= self.dead_below:
                    there.sendall(piece)
            if number >= self.dead_below:
                there.shutdown(socket.SHUT_WR)
