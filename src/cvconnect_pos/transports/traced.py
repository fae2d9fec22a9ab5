"""A transport that tells the debug log of each exchange: verb, path, result and duration; no body, no header."""

from __future__ import annotations

from cvconnect_pos.clock import Clock
from cvconnect_pos.debuglog import TRACE
from cvconnect_pos.errors import ProviderError
from cvconnect_pos.transports.base import HttpRequest, HttpResponse, Transport


class TracedTransport:
    """Sends through another transport.

    Args:
        transport: What sends; owned, closed with this one.
        clock: Measures durations.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send one request, once. See `Transport.send`."""
        start = self._clock.monotonic()
        result: object = "failed"
        try:
            response = self._transport.send(request, timeout_s=timeout_s)
            result = response.status
        except ProviderError as error:
            result = f"{error.code} {error.fields.get('reason', '')}".rstrip()
            raise
        else:
            return response
        finally:
            took_ms = (self._clock.monotonic() - start) * 1000
            TRACE.debug("%s %s: %s in %d ms", request.method, request.path, result, took_ms)

    def close(self) -> None:
        """Close the other one."""
        self._transport.close()
