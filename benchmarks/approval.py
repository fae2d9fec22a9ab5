"""From the provider's approval to the till's event: by polling, and by notification. The floor is one status call.

A customer who looks at a screen is polled about every two seconds, so polling takes a second on average. A notification
is a hint to ask now.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests
from far_side import NUMBER, make_engine, status_call, until
from figures import ratio, show, summary

from cvconnect_pos import Approved, State, Tender
from cvconnect_pos.engine import Engine
from cvconnect_pos.events import Event
from cvconnect_pos.notifications import NotificationReceiver
from cvconnect_sim.gateway import NotificationSender, Provider, ProviderServer, Rules
from cvconnect_sim.phone import Phone

PAYMENTS = 30
AT_ONCE = 10
"""How many customers decide at a time: too few for the rate to matter."""
PAUSE_S = 2.0


class Quiet(WSGIRequestHandler):
    """Writes nothing to the console."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing."""


@contextmanager
def notified(provider: Provider, engine: Engine) -> Iterator[None]:
    """Have the provider tell the till of every change, over HTTP."""
    receiver = NotificationReceiver(engine.hint)
    with make_server("127.0.0.1", 0, receiver.wsgi, WSGIServer, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            with NotificationSender(provider, f"http://127.0.0.1:{server.server_port}/cvconnect"):
                yield
        finally:
            server.shutdown()
            thread.join(5)


class Seen:
    """When the till was told of each approval, on the monotonic clock."""

    def __init__(self) -> None:
        self.approved_s: dict[str, float] = {}

    def listen(self, event: Event) -> None:
        """Take an event of a payment."""
        if isinstance(event, Approved):
            self.approved_s[event.request_id] = time.monotonic()


def pay_some(provider: Provider, tender: Tender, names: list[str], order: random.Random) -> list[float]:
    """Have some customers pay, each at a moment of their own; say how long the till took to know, in seconds."""
    seen, phone = Seen(), Phone(provider, NUMBER)
    payments = {
        name: tender.request(
            request_id=name, amount_cents=4550, basket_ref=name, way="keyed", beneficiary=NUMBER
        )
        for name in names
    }
    for payment in payments.values():
        payment.add_listener(seen.listen)
    until(lambda: all(one.attempt.state is State.AWAITING for one in payments.values()), 10.0)
    time.sleep(1.2)  # longer than the till keeps a second hint off
    by_id = {payment.attempt.transaction_id: name for name, payment in payments.items()}
    paid_s: dict[str, float] = {}
    for request in phone.incoming():
        time.sleep(order.uniform(0.0, 2 * PAUSE_S / AT_ONCE))
        phone.pay(request)
        paid_s[by_id[request.transaction_id]] = time.monotonic()
    until(lambda: seen.approved_s.keys() == paid_s.keys(), 10.0, pause_s=0.01)
    for payment in payments.values():
        payment.acknowledge()
    return [max(seen.approved_s[name] - paid_s[name], 0.0) for name in names]


def measure() -> dict[str, Any]:
    """Measure both ways, and the floor beside each payment.

    Returns:
        Median and p99 of each, and the ratios.
    """
    order = random.Random(1)
    provider = Provider(rules=Rules(one_pending_per_customer=False))
    provider.add_customer(NUMBER, balance_cents=1_000_000_000)
    floor: list[float] = []
    times: dict[str, list[float]] = {"polling": [], "notification": []}
    with (
        ProviderServer(provider) as server,
        tempfile.TemporaryDirectory() as name,
        requests.Session() as session,
    ):
        engine = make_engine(server.base_url, Path(name) / "journal.db")
        tender = Tender(engine)
        for number in range(0, PAYMENTS, AT_ONCE):
            for way, times_s in times.items():
                names = [f"{way}-{one}" for one in range(number, number + AT_ONCE)]
                with notified(provider, engine) if way == "notification" else nullcontext():
                    times_s.extend(pay_some(provider, tender, names, order))
            url, headers = status_call(server.base_url, provider.transactions()[-1].transaction_id)
            for _ in range(AT_ONCE):
                start = time.perf_counter()
                session.get(url, headers=headers, timeout=10).raise_for_status()
                floor.append(time.perf_counter() - start)
        engine.close()
    return {
        "payments": PAYMENTS,
        "floor: one bare status call": summary(floor),
        **{f"by {way}": summary(times_s) for way, times_s in times.items()},
        "ratio": {
            "by polling / half a pause": summary(times["polling"])["median_ms"] / (PAUSE_S * 500),
            "by notification / floor": ratio(times["notification"], floor),
        },
    }


if __name__ == "__main__":
    show("approval", measure())
