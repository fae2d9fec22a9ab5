"""Pipes over TCP: network printers (port 9100), and scanners behind a device server."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from typing import Any

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
_UNREAD, _MAX_UNREAD = 4096, 65536
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)


class TcpLink:
    """An open connection.

    Args:
        connection: The connected socket; the link owns it.
        where: How the device is called in messages.
    """

    def __init__(self, connection: socket.socket, where: str) -> None:
        self._socket = connection
        self._where = where

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the network, or tell how many went.

        Raises:
            LinkLostError: The other side is gone.
            LinkTimeoutError: The other side stopped reading.
        """
        deadline = Deadline(timeout_s)
        view = memoryview(data)
        sent = 0
        while sent < len(view):
            left_s = deadline.left_s()
            if left_s <= 0:
                raise LinkTimeoutError(self._where, "write", sent_bytes=sent)
            try:
                self._socket.settimeout(left_s)
                sent += self._socket.send(view[sent:])
            except TimeoutError as error:
                raise LinkTimeoutError(self._where, "write", sent_bytes=sent) from error
            except OSError as error:
                raise LinkLostError(self._where, _why(error), sent_bytes=sent) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte.

        Raises:
            LinkLostError: The other side is gone.
            LinkTimeoutError: Nothing came.
        """
        if timeout_s <= 0:
            raise LinkTimeoutError(self._where, "answer")
        try:
            self._socket.settimeout(timeout_s)
            data = self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise LinkTimeoutError(self._where, "answer") from error
        except OSError as error:
            raise LinkLostError(self._where, _why(error)) from error
        if not data:
            raise LinkLostError(self._where, "the other side closed the connection")
        return data

    def close(self) -> None:
        """Close the connection. Idempotent; never raises."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
            # While something that came was not read, closing throws away what has not left yet.
            for _ in range(_MAX_UNREAD // _UNREAD):
                if not self._socket.recv(_UNREAD):
                    break
        self._socket.close()


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
    return TcpLink(connection, where)


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    failed: OSError = TimeoutError(errno.ETIMEDOUT, "timed out")
    for family, address in _addresses(host, port, deadline):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            number = connection.connect_ex(address)
            if number in _UNDER_WAY:
                number = _outcome(connection, deadline)
            if number == 0:
                return connection
            failed = OSError(number, os.strerror(number))
        except OSError as error:
            failed = error
        connection.close()
    raise failed


def _outcome(connection: socket.socket, deadline: Deadline) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        while not selector.select(min(deadline.left_s(), SLICE_S)):
            if deadline.left_s() <= 0:
                return errno.ETIMEDOUT
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


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
