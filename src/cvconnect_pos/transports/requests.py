"""The transport over the network, on the `requests` package.

One pooled session; no redirect, no repetition, no proxy from the environment; TLS verified; the body bounded; and a
*total* deadline: the time-outs of sockets alone let a server that drips one byte at a time hold a till for ever. So a
watchdog shuts the connection when the time is up, whatever it is doing. Only the look-up of the host's name is not
under it: the operating system bounds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cvconnect_pos._version import __version__
from cvconnect_pos.errors import ConfigError, NoAnswer, NotSent
from cvconnect_pos.transports.base import MAX_BODY_BYTES, HttpRequest, HttpResponse
from cvconnect_pos.transports.watchdog import Guard, Watchdog

if TYPE_CHECKING:
    from requests import Response

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class RequestsTransport:
    """Sends requests to one provider.

    Args:
        base_url: `https://host[:port]`; `http` only to this machine, and never in production.
        till_id: Names the till in `User-Agent`.
        production: Whether real money moves.
        proxy: The proxy's URL, or None for none, whatever the environment says.
        ca_bundle: A file of certificates to trust instead of the usual ones, or None.
        pool_size: The largest number of connections kept open.

    Raises:
        ConfigError: `PROVIDER_URL` when the address is not allowed.
    """

    def __init__(
        self,
        base_url: str,
        *,
        till_id: str = "",
        production: bool = False,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        pool_size: int = 4,
    ) -> None:
        self._base_url = checked_url(base_url, production=production)
        from cvconnect_pos.transports.watched import make_session

        self._watchdog = Watchdog()
        self._session = make_session(self._watchdog, pool_size)
        self._session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._session.verify = ca_bundle or True
        self._session.headers["User-Agent"] = user_agent(till_id)

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send one request, once. See `Transport.send`."""
        if timeout_s <= 0:
            raise NotSent(reason="deadline")
        with self._watchdog.guard(timeout_s) as guard, _translated(guard):
            response = self._session.request(
                request.method,
                self._base_url + request.path,
                data=request.body or None,
                headers=dict(request.headers),
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            )
            with response:
                body = _read(response)
            if guard.expired:  # a connection shut in the middle may look like a short, complete answer
                raise NoAnswer(reason="deadline")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return HttpResponse(response.status_code, headers, body)

    def close(self) -> None:
        """Close the connections and join the watchdog."""
        self._session.close()
        self._watchdog.close()


def checked_url(base_url: str, *, production: bool) -> str:
    """Accept the provider's address: `https`, or `http` to this machine outside production.

    Raises:
        ConfigError: `PROVIDER_URL`.
    """
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError("PROVIDER_URL", key="provider.url") from error
    loopback = parts.scheme == "http" and host in _LOOPBACK and not production
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if not host or not plain or not (parts.scheme == "https" or loopback):
        raise ConfigError("PROVIDER_URL", key="provider.url")
    return base_url.rstrip("/")


def user_agent(till_id: str) -> str:
    """Name the software and the till, in characters that a header may hold."""
    till = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in till_id)[:64]
    return f"cvconnect-pos/{__version__}" + (f" (till {till})" if till else "")


def _read(response: Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(16 * 1024):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise NoAnswer(reason="too_large")
    return bytes(body)


@contextmanager
def _translated(guard: Guard) -> Iterator[None]:
    """Turn every fault of the network into one of two: certainly not sent, or unknown."""
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (RequestException, HTTPError, OSError) as error:
        reason = "deadline" if guard.expired else type(error).__name__
        raise (NoAnswer if guard.connected else NotSent)(reason=reason) from error
