"""The simulated provider on a real socket: HTTP/1.1 with keep-alive on 127.0.0.1, one thread per connection.

An answer leaves in one write with Nagle's algorithm off: head and body in two writes would cost a polling client
40 ms of delayed acknowledgement each time.

Does not model: TLS, proxies and load balancers in between, connection limits.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Final, Self

from cvconnect_sim.errors import SimError
from cvconnect_sim.faults import HUGE_BODY_BYTES, Fault, FaultKind, FaultScript, rewritten
from cvconnect_sim.gateway.api import Answer, ProviderApi, Request
from cvconnect_sim.gateway.contract import BASE_PATH
from cvconnect_sim.gateway.http1 import MalformedRequestError, RequestBuffer, response_bytes
from cvconnect_sim.gateway.received import ReceivedRequest, RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cvconnect_sim.gateway.provider import Provider

HOST: Final = "127.0.0.1"
# Longer than any client's own deadline, so that only a client that is gone meets it.
IDLE_TIMEOUT_S: Final = 120.0
CLOSE_TIMEOUT_S: Final = 10.0
RECEIVE_BYTES: Final = 65_536
HTML: Final = b"<!DOCTYPE html><html><head><title>Connexion</title></head><body>Bienvenue</body></html>"


class ProviderServer:
    """Serves a provider over HTTP from construction of the context until `close`.

    Args:
        provider: Whose calls are answered.
        faults: Script of faults; a new, empty one by default.

    Use as a context manager, or call `start` and `close`.
    """

    def __init__(self, provider: Provider, faults: FaultScript | None = None) -> None:
        self.provider: Final = provider
        self.faults: Final = faults or FaultScript()
        self._api = ProviderApi(provider)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._received = RequestLog()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Scheme, host and port, such as `http://127.0.0.1:40123`; the calls lie below `BASE_PATH`."""
        return f"http://{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """`base_url` with `BASE_PATH`."""
        return self.base_url + BASE_PATH

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests received so far, oldest first, also those that met a fault."""
        return self._received.all()

    def wait_request(self, method: str, path: str, *, count: int = 1, timeout_s: float = 5.0) -> bool:
        """Waits until so many matching requests were received.

        Args:
            method: HTTP method.
            path: Part of the path.
            count: Requests since the start of the server.
            timeout_s: Longest wait.

        Returns:
            False if the time ran out.
        """
        return self._received.wait(method, path, count, timeout_s)

    def start(self) -> Self:
        """Listens on a free port of 127.0.0.1.

        Raises:
            SimError: SERVER_CLOSED if it was closed before, PORT_UNAVAILABLE if no port can be had.
        """
        if self._closing.is_set():
            raise SimError("SERVER_CLOSED", "Le serveur est fermé.", "The server is closed.")
        if self._acceptor is None:
            try:
                self._listener = socket.create_server((HOST, 0), backlog=128)
            except OSError as error:
                raise SimError("PORT_UNAVAILABLE", "Aucun port libre.", "No port is free.") from error
            self._port = self._listener.getsockname()[1]
            self._acceptor = threading.Thread(
                target=self._accept, args=(self._listener,), name=f"provider-{self._port}", daemon=True
            )
            self._acceptor.start()
        return self

    def close(self) -> None:
        """Ends every connection and joins every thread; may be called again.

        Raises:
            SimError: SERVER_STUCK if a thread does not end in time.
        """
        if self._closing.is_set() or self._acceptor is None or self._listener is None:
            self._closing.set()
            return
        self._closing.set()
        # A connection of our own wakes accept() on every system; closing the listener does not.
        with suppress(OSError):
            socket.create_connection((HOST, self._port), CLOSE_TIMEOUT_S).close()
        self._acceptor.join(CLOSE_TIMEOUT_S)
        self._listener.close()
        with self._lock:
            open_now = list(self._connections.items())
        for _, connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread, _ in open_now:
            thread.join(CLOSE_TIMEOUT_S)
        if any(thread.is_alive() for thread in [self._acceptor, *(thread for thread, _ in open_now)]):
            raise SimError("SERVER_STUCK", "Le serveur ne s'arrête pas.", "The server does not stop.")

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._closing.is_set():
                    return
                continue
            if self._closing.is_set():
                connection.close()
                return
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="provider-call", daemon=True
            )
            thread.start()
            with self._lock:
                # Ended threads are forgotten here and not by themselves, so that close() joins every other.
                alive = {old: its for old, its in self._connections.items() if old.is_alive()}
                self._connections = alive | {thread: connection}

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(IDLE_TIMEOUT_S)
            with suppress(OSError):
                self._talk(connection)
        finally:
            connection.close()

    def _talk(self, connection: socket.socket) -> None:
        """Answers requests of one connection until either side ends it."""
        buffer = RequestBuffer()
        clock = self.provider.clock
        keep_alive = True
        while keep_alive and not self._closing.is_set():
            first_byte_s = clock.monotonic()
            try:
                while (taken := buffer.take()) is None:
                    was_empty = not buffer
                    data = connection.recv(RECEIVE_BYTES)
                    if not data:
                        return
                    if was_empty:
                        first_byte_s = clock.monotonic()
                    buffer.feed(data)
            except MalformedRequestError as error:
                connection.sendall(self._response(Answer(error.status, b""), keep_alive=False))
                return
            request, keep_alive = taken
            self._received.add(ReceivedRequest(request.method, request.path, first_byte_s, request.body))
            keep_alive = self._reply(connection, request, keep_alive=keep_alive) and keep_alive

    def _reply(self, connection: socket.socket, request: Request, *, keep_alive: bool) -> bool:
        """Answers one request, or what the armed fault makes of it; returns whether to go on."""
        fault = self.faults.take(request.method, request.path)
        if fault and fault.kind in UNPROCESSED:
            if fault.processed:
                self._api.answer(request)
            return UNPROCESSED[fault.kind](self, connection, request, fault)
        answer = self._api.answer(request)
        fault = fault or self.faults.take_for_answer(request.method, request.path, answer.body)
        if fault:
            answer = Answer(answer.status, rewritten(fault, answer.body), answer.headers)
            if fault.kind in SPOILED:
                return SPOILED[fault.kind](self, connection, answer, fault)
        connection.sendall(self._response(answer, keep_alive=keep_alive))
        return True

    def _response(
        self, answer: Answer, *, keep_alive: bool = True, content_type: str = "application/json"
    ) -> bytes:
        return response_bytes(
            answer.status,
            answer.body,
            date=self.provider.clock.now(),
            keep_alive=keep_alive,
            content_type=content_type,
            headers=answer.headers,
        )

    # --- faults; each returns whether the connection goes on

    def drop(self, connection: socket.socket, _: Request | Answer, __: Fault) -> bool:
        """DROP_BEFORE and DROP_AFTER."""
        connection.shutdown(socket.SHUT_RDWR)
        return False

    def status(self, connection: socket.socket, _: Request, fault: Fault) -> bool:
        """STATUS and its relatives."""
        connection.sendall(self._response(Answer(*fault.answer())))
        return True

    def redirect(self, connection: socket.socket, request: Request, _: Fault) -> bool:
        """REDIRECT."""
        location = {"Location": f"{self.base_url}/elsewhere{request.path}"}
        connection.sendall(self._response(Answer(HTTPStatus.TEMPORARY_REDIRECT, b"", location)))
        return True

    def delay(self, connection: socket.socket, answer: Answer, fault: Fault) -> bool:
        """DELAY."""
        if self._closing.wait(fault.delay_s):
            return False
        connection.sendall(self._response(answer))
        return True

    def empty(self, connection: socket.socket, _: Answer, __: Fault) -> bool:
        """EMPTY_BODY."""
        connection.sendall(self._response(Answer(HTTPStatus.OK, b"")))
        return True

    def truncated(self, connection: socket.socket, answer: Answer, _: Fault) -> bool:
        """TRUNCATED_BODY."""
        whole = self._response(answer, keep_alive=False)
        connection.sendall(whole[: len(whole) - len(answer.body) // 2])
        return False

    def html(self, connection: socket.socket, _: Answer, __: Fault) -> bool:
        """HTML_PAGE."""
        connection.sendall(
            self._response(Answer(HTTPStatus.OK, HTML), content_type="text/html; charset=utf-8")
        )
        return True

    def huge(self, connection: socket.socket, _: Answer, __: Fault) -> bool:
        """HUGE_BODY."""
        body = b'{"padding":"%s"}' % (b"x" * HUGE_BODY_BYTES)
        connection.sendall(self._response(Answer(HTTPStatus.OK, body)))
        return True

    def drip(self, connection: socket.socket, answer: Answer, fault: Fault) -> bool:
        """DRIP."""
        for byte in self._response(answer, keep_alive=False):
            if self._closing.wait(fault.delay_s):
                return False
            connection.sendall(bytes((byte,)))
        return False


UNPROCESSED: Final[Mapping[FaultKind, Callable[[ProviderServer, socket.socket, Request, Fault], bool]]] = (
    MappingProxyType(
        {
            FaultKind.DROP_BEFORE: ProviderServer.drop,
            FaultKind.STATUS: ProviderServer.status,
            FaultKind.CONFLICT: ProviderServer.status,
            FaultKind.TOO_MANY_REQUESTS: ProviderServer.status,
            FaultKind.SERVER_ERROR: ProviderServer.status,
            FaultKind.UNAVAILABLE: ProviderServer.status,
            FaultKind.REDIRECT: ProviderServer.redirect,
        }
    )
)
SPOILED: Final[Mapping[FaultKind, Callable[[ProviderServer, socket.socket, Answer, Fault], bool]]] = (
    MappingProxyType(
        {
            FaultKind.DROP_AFTER: ProviderServer.drop,
            FaultKind.DELAY: ProviderServer.delay,
            FaultKind.EMPTY_BODY: ProviderServer.empty,
            FaultKind.TRUNCATED_BODY: ProviderServer.truncated,
            FaultKind.HTML_PAGE: ProviderServer.html,
            FaultKind.HUGE_BODY: ProviderServer.huge,
            FaultKind.DRIP: ProviderServer.drip,
        }
    )
)
