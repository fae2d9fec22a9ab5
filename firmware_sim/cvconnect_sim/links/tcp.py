"""A device behind a TCP port: a network printer, or a scanner where there is no pty."""

import selectors
import socket
import struct
import sys
from typing import Literal

from cvconnect_sim.links.base import Receive, deaf
from cvconnect_sim.links.serving import CHUNK_BYTES, ServingLink


class TcpLink(ServingLink):
    """Serves one host at a time on 127.0.0.1; a second one waits until the first has gone, as with real printers.

    It does not model a network: no loss, no delay, no address of its own. Bytes sent before a host connects wait for
    it; pyserial, however, throws away what has come in when its `open` ends.

    Args:
        receive: the firmware, as `printer.receive`; none for a device that only talks.
        scheme: `tcp` for a network printer; `socket` for a serial device, as pyserial names it.
    """

    def __init__(self, receive: Receive = deaf, *, scheme: Literal["tcp", "socket"] = "tcp") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4)
        super().__init__(receive)
        self._listener.setblocking(False)
        self._port: int = self._listener.getsockname()[1]
        self._scheme = scheme
        self._host: socket.socket | None = None
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._start()

    @property
    def url(self) -> str:
        """`tcp://127.0.0.1:PORT` or `socket://127.0.0.1:PORT`."""
        return f"{self._scheme}://127.0.0.1:{self._port}"

    @property
    def connected(self) -> bool:
        """Whether a host is connected."""
        return self._host is not None

    def hang_up(self) -> None:
        """Break the connection at once, as a device that loses its power; a host may connect again.

        The firmware may call it: what it answers then is lost.
        """
        with self._changed:
            host = self._host
            if host is not None:
                # A reset, not an orderly end: what is on its way in either direction is gone.
                linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                host.shutdown(socket.SHUT_RD)

    def _ready(self, *, readable: bool) -> None:
        if self._host is None:
            self._accept()
        elif readable:
            self._read(self._host)

    def _accept(self) -> None:
        try:
            host, _ = self._listener.accept()
        except OSError:
            # The host gave up between its call and our answer.
            return
        host.setblocking(False)
        host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.unregister(self._listener)
        self._selector.register(host, selectors.EVENT_READ)
        with self._changed:
            self._host = host
            self._changed.notify_all()

    def _read(self, host: socket.socket) -> None:
        try:
            data = host.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take_in(data)
        else:
            self._hang_up(host)

    def _hang_up(self, host: socket.socket) -> None:
        self._selector.unregister(host)
        host.close()
        with self._changed:
            self._host = None
            self._forget()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _write(self, data: bytes) -> int:
        try:
            return self._host.send(data) if self._host is not None else 0
        except BlockingIOError:
            return 0
        except OSError:
            # The connection is broken: reading finds that out and hangs up.
            return len(data)

    def _want_writable(self, *, wanted: bool) -> None:
        if self._host is not None:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
            self._selector.modify(self._host, events)

    def _release(self) -> None:
        if self._host is not None:
            self._host.close()
        self._listener.close()
