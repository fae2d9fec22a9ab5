"""The provider's notifications: every change of a transaction, posted to a till over HTTP.

Each notification is one POST of `{"transaction": ...}` on a connection of its own, once: what a till does not take is
lost. Nothing signs it, so a till takes it as a hint and asks for the status.

Unverified: that notifications come to a till at all, when, how often, and that nothing signs them.

Does not model: TLS, redirects, retries after hours, a till that is reached through several addresses.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway.contract import encode, notification
from cvconnect_sim.gateway.domain import Transaction, TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from cvconnect_sim.gateway.provider import Provider

QUEUE_SIZE: Final = 1000
CLOSE_TIMEOUT_S: Final = 10.0
STATUS_LINE_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """One notification that left, or tried to.

    Args:
        transaction_id: What it was about.
        state: The state it told.
        status: HTTP status of the till's answer; None if there was none in time.
    """

    transaction_id: str
    state: TransactionState
    status: int | None


class NotificationSender:
    """Posts every change of the provider's transactions to one address, until `close`.

    Args:
        provider: Whose changes are told.
        url: Where to, such as `http://127.0.0.1:40123/cvconnect`; plain HTTP only.
        deadline_s: Longest time for one POST, connection and answer included.
        copies: How often each notification is sent, 1 or more: a provider that repeats itself.
        swapped: Whether of two notifications the second leaves first: a provider whose messages overtake each other.
        swap_wait_s: How long the first of two waits for the second before it leaves alone.

    Raises:
        SimError: URL_UNUSABLE.

    Use as a context manager, or call `start` and `close`.
    """

    def __init__(
        self,
        provider: Provider,
        url: str,
        *,
        deadline_s: float = 5.0,
        copies: int = 1,
        swapped: bool = False,
        swap_wait_s: float = 0.2,
    ) -> None:
        self._provider: Final = provider
        self._host, self._port, self._target = _address(url)
        self._deadline_s = deadline_s
        self._copies = copies
        self._swapped = swapped
        self._swap_wait_s = swap_wait_s
        self._queue: queue.Queue[Transaction | None] = queue.Queue(QUEUE_SIZE)
        self._counted = threading.Condition()
        self._sent: list[Sent] = []
        self._dropped = 0
        self._closing = threading.Event()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="provider-notifications", daemon=True)
        self._stop_listening: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def sent(self) -> list[Sent]:
        """What left so far, in the order in which it left."""
        with self._counted:
            return list(self._sent)

    @property
    def dropped(self) -> int:
        """How many changes found the queue full and were never told."""
        with self._counted:
            return self._dropped

    def wait_sent(self, count: int, timeout_s: float = 5.0) -> bool:
        """Waits until so many notifications have left; returns False if the time ran out."""
        with self._counted:
            return self._counted.wait_for(lambda: len(self._sent) >= count, timeout_s)

    def start(self) -> Self:
        """Listens to the provider from now on; a sender starts once."""
        self._thread.start()
        self._stop_listening = self._provider.on_change(self._put)
        return self

    def close(self) -> None:
        """Stops at once; what still waits is never told. May be called again.

        Raises:
            SimError: SENDER_STUCK if the thread does not end in time.
        """
        if self._stop_listening:
            self._stop_listening()
        self._closing.set()
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        with self._counted:
            if self._connection:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            raise SimError("SENDER_STUCK", "L'envoi ne s'arrête pas.", "The sender does not stop.")

    def _put(self, transaction: Transaction) -> None:
        try:
            self._queue.put_nowait(transaction)
        except queue.Full:
            with self._counted:
                self._dropped += 1

    def _run(self) -> None:
        while not self._closing.is_set():
            first = self._queue.get()
            pair = [first]
            if self._swapped and first:
                with suppress(queue.Empty):
                    pair.insert(0, self._queue.get(timeout=self._swap_wait_s))
            for transaction in pair:
                for _ in range(self._copies):
                    if transaction is None or self._closing.is_set():
                        break
                    self._send(transaction)

    def _send(self, transaction: Transaction) -> None:
        status = None
        with suppress(OSError):
            status = self._post(encode(notification(transaction, self._provider.merchant)))
        with self._counted:
            self._sent.append(Sent(transaction.transaction_id, transaction.state, status))
            self._counted.notify_all()

    def _post(self, body: bytes) -> int | None:
        """Posts one body; returns the status of the answer, None if there is none.

        Raises:
            OSError: The till cannot be reached, or does not answer in time.
        """
        end_s = time.monotonic() + self._deadline_s
        head = (
            f"POST {self._target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection((self._host, self._port), self._deadline_s) as connection:
            try:
                self._hold(connection)
                connection.settimeout(_left_s(end_s))
                connection.sendall(head.encode("ascii") + body)
                line = b""
                while b"\r\n" not in line and len(line) < STATUS_LINE_BYTES:
                    connection.settimeout(_left_s(end_s))
                    piece = connection.recv(STATUS_LINE_BYTES)
                    if not piece:
                        break
                    line += piece
            finally:
                self._hold(None)
        words = line.split(b"\r\n")[0].split(b" ")
        is_status = len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit()
        return int(words[1]) if is_status else None

    def _hold(self, connection: socket.socket | None) -> None:
        """Lets `close` end a connection that the till keeps waiting."""
        with self._counted:
            self._connection = connection
        if connection is not None and self._closing.is_set():  # it was opened while `close` looked for it
            raise TimeoutError


def _left_s(end_s: float) -> float:
    left_s = end_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _address(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme != "http" or host is None or not url.isascii() or not url.isprintable():
        raise SimError(
            "URL_UNUSABLE", "L'adresse doit commencer par http://.", "The address must start with http://."
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port, target
