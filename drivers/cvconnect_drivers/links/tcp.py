"""Pipes over TCP: network printers (port 9100), and scanners behind a device server."""

from __future__ import annotations

import contextlib
import socket

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline


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
    where = f"{host}:{port}"
    try:
        connection = socket.create_connection((host, port), timeout=max(timeout_s, 0.001))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Who only reads never learns that the other side lost its power.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError as error:
        raise LinkAbsentError(where, _why(error)) from error
    return TcpLink(connection, where)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
