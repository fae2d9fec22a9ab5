"""The provider's notifications over real HTTP, to a till that takes them, and to tills that do not."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import NotificationSender, Order, Provider, ProviderApi, Request
from cvconnect_sim.gateway.contract import BASE_PATH
from cvconnect_sim.gateway.notifications import QUEUE_SIZE
from cvconnect_sim.gateway.seal import make_header

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDER = "10000003051"
LIFE = ["INITIALIZED", "PROCESSING", "VALIDATED"]


class TillDoor(ThreadingHTTPServer):
    """A till's address for notifications; keeps what comes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.bodies: queue.Queue[tuple[str, bytes]] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/cvconnect?till=1"

    def take(self) -> Any:
        path, body = self.bodies.get(timeout=10)
        assert path == "/cvconnect?till=1"
        return json.loads(body)

    def states(self, count: int) -> list[str]:
        return [self.take()["transaction"]["state"] for _ in range(count)]


class Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, TillDoor)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.put((self.path, body))  # first: the sender goes on as soon as it is answered
        self.send_response(204)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keeps the test quiet."""


@pytest.fixture
def door() -> Iterator[TillDoor]:
    with TillDoor() as door:
        thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield door
        door.shutdown()
        thread.join(10)


@pytest.fixture
def provider() -> Provider:
    provider = Provider(clock=VirtualClock())
    provider.add_customer(HOLDER, balance_cents=50_000)
    return provider


def sell(provider: Provider) -> str:
    transaction_id = provider.create(Order("P1", "T1-1", 4550)).transaction_id
    provider.set_payer(transaction_id, HOLDER, 4550)
    return provider.validate(HOLDER, transaction_id).transaction_id


def test_every_change_is_told_in_order_and_exactly_as_a_status_tells_it(
    provider: Provider, door: TillDoor
) -> None:
    with NotificationSender(provider, door.url) as sender:
        transaction_id = sell(provider)
        assert door.states(2) == LIFE[:2]
        told = door.take()
        assert sender.wait_sent(3, 10)
    merchant = provider.merchant
    header = make_header(merchant.seal_key, merchant.seal_key_version, [transaction_id])
    path = f"{BASE_PATH}/payment-transactions/{transaction_id}/"
    answer = ProviderApi(provider).answer(Request("GET", path, {"ancv-security": header}))
    assert told == {"transaction": json.loads(answer.body)["transaction"]}
    assert [(one.transaction_id, one.state, one.status) for one in sender.sent] == [
        (transaction_id, state, 204) for state in LIFE
    ]


def test_notifications_can_be_repeated(provider: Provider, door: TillDoor) -> None:
    with NotificationSender(provider, door.url, copies=2):
        sell(provider)
        assert door.states(6) == [state for state in LIFE for _ in range(2)]


def test_notifications_can_overtake_each_other(provider: Provider, door: TillDoor) -> None:
    with NotificationSender(provider, door.url, swapped=True, swap_wait_s=10) as sender:
        transaction_id = sell(provider)
        provider.cancel(transaction_id)
        assert door.states(4) == ["PROCESSING", "INITIALIZED", "CANCELLED", "VALIDATED"]
        assert sender.wait_sent(4, 10)


def test_a_notification_that_nothing_follows_leaves_alone(provider: Provider, door: TillDoor) -> None:
    with NotificationSender(provider, door.url, swapped=True, swap_wait_s=0.01):
        provider.create(Order("P1", "T1-1", 4550))
        assert door.states(1) == ["INITIALIZED"]


def test_a_till_that_is_not_there_loses_its_notifications_and_nothing_else(provider: Provider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with NotificationSender(provider, f"http://127.0.0.1:{port}/") as sender:
        sell(provider)
        assert sender.wait_sent(3, 10)
    assert [one.status for one in sender.sent] == [None] * 3


def test_a_till_that_never_answers_costs_one_deadline(provider: Provider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with NotificationSender(provider, url, deadline_s=0.05) as sender:
            provider.create(Order("P1", "T1-1", 4550))
            assert sender.wait_sent(1, 10)
        assert sender.sent[0].status is None


def test_closing_ends_a_notification_that_hangs_and_can_be_repeated(provider: Provider) -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        sender = NotificationSender(provider, url, deadline_s=60).start()
        provider.create(Order("P1", "T1-1", 4550))
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(10)
            assert connection.recv(65_536).startswith(b"POST / HTTP/1.1\r\n")
            begin_s = time.monotonic()
            sender.close()
            sender.close()
            assert time.monotonic() - begin_s < 5
    assert set(threading.enumerate()) == before
    provider.create(Order("P1", "T1-2", 4550))
    assert len(sender.sent) == 1


def test_a_flood_is_bounded_and_counted(provider: Provider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with NotificationSender(provider, url, deadline_s=60) as sender:
            for _ in range(QUEUE_SIZE + 5):
                provider.create(Order("P1", "T1-1", 4550))
            assert 4 <= sender.dropped <= 5


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "127.0.0.1", "http://", "http://x:port/", "http://x/\r\n"]
)
def test_an_address_that_is_no_plain_http_is_refused(provider: Provider, url: str) -> None:
    with pytest.raises(SimError, match="URL_UNUSABLE"):
        NotificationSender(provider, url)
