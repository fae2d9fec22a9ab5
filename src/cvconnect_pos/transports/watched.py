"""The session of `requests` whose connections report to a watchdog."""

from __future__ import annotations

import socket
import time
from typing import Any

import requests
import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from cvconnect_pos.transports.watchdog import Watchdog


def make_session(watchdog: Watchdog, pool_size: int) -> requests.Session:  # noqa: C901
    """Make a session that trusts nothing of the environment and tells the watchdog of every connection.

    Args:
        watchdog: Who is told.
        pool_size: The largest number of connections kept open.

    Returns:
        The session; the caller closes it.
    """

    def connect(host: str, port: int) -> socket.socket:
        """Try each address of a host, all of them within the one deadline."""
        guard = watchdog.current
        fault: OSError = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connection = socket.socket(family, kind, protocol)
            try:
                if guard is not None:
                    connection.settimeout(max(guard.deadline - time.monotonic(), 0.001))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(address)
                watch(connection)  # not before: a socket that is shut while it connects seems to be connected
            except OSError as error:
                connection.close()
                fault = error
            else:
                return connection
        raise fault

    def watch(connection: Any) -> None:
        if guard := watchdog.current:
            guard.watch(connection)

    def connected() -> None:
        if guard := watchdog.current:
            guard.connected = True

    # The same three lines twice: a mixin would hide the types of both parents.
    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self._dns_host, self.port)

        def connect(self) -> None:
            super().connect()
            connected()

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:  # kept open from an earlier request
                watch(self.sock)
                connected()
            super().request(*args, **kwargs)

    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self._dns_host, self.port)

        def connect(self) -> None:
            super().connect()
            connected()

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None:
                watch(self.sock)
                connected()
            super().request(*args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls: Any = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls: Any = SecureConnection

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

        def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **kwargs)
            manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
            return manager

    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0))
    return session
