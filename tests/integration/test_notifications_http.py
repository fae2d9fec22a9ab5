"""Notifications over real servers: one for WSGI, one for ASGI."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from cvconnect_pos.notifications import Message, NotificationReceiver

BODY = json.dumps({"transaction": {"id": "fiawa31zot", "order": {"paymentId": "p1"}}}).encode()


class Quiet(WSGIRequestHandler):
    """Writes nothing to the console."""

    timeout = 5.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing."""


@contextmanager
def served(receiver: NotificationReceiver) -> Iterator[int]:
    with make_server("127.0.0.1", 0, receiver.wsgi, WSGIServer, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(5)


def speak(port: int, request: bytes, *, cut: bool = False) -> bytes:
    """Send bytes, and read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(request)
        if cut:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(4096):
            answer += part
        return answer


def request(body: bytes, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} /cvconnect HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_wsgi_server_passes_a_hint_on() -> None:
    hints: list[tuple[str, str]] = []
    with served(NotificationReceiver(lambda one, other: hints.append((one, other)))) as port:
        answer = speak(port, request(BODY, f"Content-Length: {len(BODY)}", "Content-Type: text/strange"))
    assert status(answer) == 204
    assert answer.endswith(b"\r\n\r\n")
    assert hints == [("fiawa31zot", "p1")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (request(b"", method="GET"), 405),
        (request(b"{}", "Content-Length: 2"), 400),
        (request(b"", "Content-Length: 70000"), 413),
        (request(b"2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 411),
        (request(b"", "Content-Length: many"), 400),
        (request(BODY[:-5], f"Content-Length: {len(BODY)}"), 400),
    ],
    ids=["get", "no notification", "too large", "chunks not decoded", "no length", "cut short"],
)
def test_a_wsgi_server_answers_what_is_no_notification(said: bytes, expected: int) -> None:
    hints: list[tuple[str, str]] = []
    with served(NotificationReceiver(lambda one, other: hints.append((one, other)))) as port:
        assert status(speak(port, said, cut=True)) == expected
    assert hints == []


def test_a_wsgi_server_says_when_to_come_again() -> None:
    with served(NotificationReceiver(print, per_minute=1)) as port:
        said = request(BODY, f"Content-Length: {len(BODY)}")
        assert status(speak(port, said)) == 204
        answer = speak(port, request(b"", "Content-Length: 0"))
    assert status(answer) == 429
    assert b"\r\nRetry-After: 60\r\n" in answer


def test_an_asgi_server_on_a_real_socket_passes_a_hint_on() -> None:
    hints: list[tuple[str, str]] = []
    receiver = NotificationReceiver(lambda one, other: hints.append((one, other)))

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The least server: one request with a length, its body in the pieces that arrive."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = [line.lower().split(": ", 1) for line in head[1:] if line]
        headers = [(name.encode(), value.encode()) for name, value in fields]
        left = int(dict(headers)[b"content-length"])

        async def receive() -> Message:
            nonlocal left
            body = await reader.read(min(left, 10))
            left -= len(body)
            return {"type": "http.request", "body": body, "more_body": left > 0}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                writer.write(f"HTTP/1.1 {message['status']} \r\n\r\n".encode())
            else:
                writer.write(message["body"])
                await writer.drain()
                writer.close()

        scope = {"type": "http", "method": head[0].split()[0], "headers": headers}
        await receiver.asgi(scope, receive, send)
        await writer.wait_closed()

    async def talk() -> bytes:
        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(BODY, f"Content-Length: {len(BODY)}"))
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await writer.wait_closed()
            return answer

    assert status(asyncio.run(talk())) == 204
    assert hints == [("fiawa31zot", "p1")]
