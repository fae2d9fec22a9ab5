"""Pipes over TCP: network printers (port 9100), and scanners behind a device server."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import SLICE_S, Deadline

_UNREACHABLE = (
    "{} : aucun appareil n’est joignable à cette adresse. Vérifiez l’adresse, le câble et l’alimentation."
)
_WHY = {
    errno.ECONNREFUSED: (
        "{} refuse la connexion : vérifiez l’adresse et le port (9100 pour une imprimante), et qu’aucun autre poste "
        "ne l’occupe."
    ),
    errno.EHOSTUNREACH: _UNREACHABLE,
    errno.ENETUNREACH: _UNREACHABLE,
    errno.ETIMEDOUT: _UNREACHABLE,
}
_NO_SUCH_NAME = "{} : ce nom d’appareil est inconnu du réseau. Vérifiez l’adresse."
_UNREAD = 4096
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)

LINGER_S: Final = 0.5
"""With a slice of a wait before it, whoever ends a use from another thread has the link closed within a second."""


class TcpLink:
    """An open connection.

    Args:
        connection: The connected socket; the link owns it.
        where: How the device is called in messages.
        until: What `close` keeps to as well.
    """

    def __init__(self, connection: socket.socket, where: str, until: Deadline) -> None:
        self._socket = connection
        self._where = where
        self._until = until
        self._wrote = False
        # A descriptor that another thread closed may already be another connection.
        self._using = threading.Lock()
        self._closed = threading.Event()

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the network, or tell how many went.

        Raises:
            LinkLostError: The other side is gone, or the link is closed.
            LinkTimeoutError: The other side stopped reading.
        """
        deadline = Deadline(timeout_s)
        view = memoryview(data)
        sent = 0
        while sent < len(view):
            left_s = deadline.left_s()
            if left_s <= 0:
                raise LinkTimeoutError(self._where, "write", sent_bytes=sent)
            with self._using:
                self._refuse_closed(sent)
                self._wrote = True
                try:
                    self._socket.settimeout(min(left_s, SLICE_S))
                    sent += self._socket.send(view[sent:])
                except TimeoutError:
                    continue
                except OSError as error:
                    raise LinkLostError(self._where, _why(error), sent_bytes=sent) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte.

        Raises:
            LinkLostError: The other side is gone, or the link is closed.
            LinkTimeoutError: Nothing came.
        """
        deadline = Deadline(timeout_s)
        while (left_s := deadline.left_s()) > 0:
            with self._using:
                self._refuse_closed(0)
                try:
                    self._socket.settimeout(min(left_s, SLICE_S))
                    data = self._socket.recv(max_bytes)
                except TimeoutError:
                    continue
                except OSError as error:
                    raise LinkLostError(self._where, _why(error)) from error
            if not data:
                raise LinkLostError(self._where, "the other side closed the connection")
            return data
        raise LinkTimeoutError(self._where, "answer")

    def close(self) -> None:
        """Close the connection. Idempotent; never raises.

        Where something was written, the other side is given `LINGER_S` to read it to the end and hang up: what it says
        once nobody listens would make the network throw away all that it has not read.

        Source: RFC 9293, section 3.6.1 (closing while data comes in), and RFC 2525, section 2.17.
        """
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR if self._wrote else socket.SHUT_RDWR)
        with self._using:
            if self._wrote:
                self._listen_out(Deadline(min(LINGER_S, self._until.left_s())))
            self._socket.close()

    def _listen_out(self, deadline: Deadline) -> None:
        with contextlib.suppress(OSError):
            while (left_s := deadline.left_s()) > 0:
                self._socket.settimeout(left_s)
                if not self._socket.recv(_UNREAD):
                    break

    def _refuse_closed(self, sent_bytes: int) -> None:
        if self._closed.is_set():
            raise LinkLostError(self._where, "closed", sent_bytes=sent_bytes)


def open_tcp(host: str, port: int, *, timeout_s: float) -> TcpLink:
    """Connect to a device.

    Args:
        host: Name or address.
        port: 1 to 65535.
        timeout_s: Seconds for the connection.

    Returns:
        The open link.

    Raises:
        LinkAbsentError: Nothing answers there.
    """
    return open_tcp_before(host, port, Deadline(timeout_s))


def open_tcp_before(host: str, port: int, deadline: Deadline) -> TcpLink:
    """Connect to a device as `open_tcp` does, before a deadline that another thread may end."""
    where = f"{host}:{port}"
    until = Deadline(
        deadline.left_s()
    )  # one of its own: whoever ends a use early does not cut its ticket off
    try:
        connection = _connect(host, port, deadline)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Who only reads never learns that the other side lost its power.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except UnicodeError as error:  # a name that no network knows: a part of it is empty or too long
        raise LinkAbsentError(where, "no name", fr=_NO_SUCH_NAME.format(where)) from error
    except OSError as error:
        fr = _NO_SUCH_NAME if isinstance(error, socket.gaierror) else _WHY.get(error.errno or 0, "")
        raise LinkAbsentError(where, _why(error), fr=fr.format(where)) from error
    return TcpLink(connection, where, until)


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Try each address a slice after the one before it, or as soon as that one failed; the first to answer is taken.

    Source: RFC 8305, section 5: the addresses of a name are tried beside each other, 250 ms apart.
    """
    failed: OSError = TimeoutError(errno.ETIMEDOUT, "timed out")
    untried = deque(_addresses(host, port, deadline))
    with selectors.DefaultSelector() as trying, contextlib.ExitStack() as tried:
        while (untried or trying.get_map()) and deadline.left_s() > 0:
            if untried:
                family, address = untried.popleft()
                try:
                    trying.register(_begun(family, address, tried), selectors.EVENT_WRITE)
                except OSError as error:
                    failed = error
                    continue
            for key, _ in trying.select(min(deadline.left_s(), SLICE_S)):
                connection: Any = key.fileobj
                number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not number:
                    trying.unregister(connection)
                    return socket.socket(fileno=connection.detach())
                failed = OSError(number, os.strerror(number))
                trying.unregister(connection)
    raise failed


def _begun(family: int, address: Any, tried: contextlib.ExitStack) -> socket.socket:
    connection = tried.enter_context(socket.socket(family, socket.SOCK_STREAM))
    connection.setblocking(False)
    number = connection.connect_ex(address)
    if number not in _UNDER_WAY:
        raise OSError(number, os.strerror(number))
    return connection


def _addresses(host: str, port: int, deadline: Deadline) -> Iterator[tuple[int, Any]]:
    if _is_address(host):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        found = _search_of(host, port).wait(deadline)
    for family, _, _, _, address in found:
        yield family, address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Search:
    """The system's search for a name, which nothing can end: it goes on in a thread of its own until it gives up."""

    def __init__(self, host: str, port: int) -> None:
        self._found: list[Any] = []
        self._fault: OSError | UnicodeError | None = None
        self.ended = threading.Event()
        threading.Thread(target=self._run, args=(host, port), name=f"name {host}", daemon=True).start()

    def _run(self, host: str, port: int) -> None:
        try:
            self._found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._fault = error
        finally:
            self.ended.set()

    def wait(self, deadline: Deadline) -> list[Any]:
        """Wait for what it finds; a deadline that another thread ends is seen within a slice."""
        while not self.ended.wait(min(deadline.left_s(), SLICE_S)):
            if deadline.left_s() <= 0:
                raise TimeoutError(errno.ETIMEDOUT, "the search for the name timed out")
        if self._fault is not None:
            raise self._fault
        return self._found


_searches: dict[tuple[str, int], _Search] = {}
_searches_lock = threading.Lock()


def _search_of(host: str, port: int) -> _Search:
    """Join the search that is under way, so that there is never more than one for a name."""
    with _searches_lock:
        search = _searches.get((host, port))
        if search is None or search.ended.is_set():
            search = _searches[host, port] = _Search(host, port)
        return search


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
