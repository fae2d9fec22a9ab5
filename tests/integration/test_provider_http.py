"""The simulated provider over real sockets: the contract's calls, seals and errors."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cvconnect_sim.clock import DEFAULT_START, VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import Merchant, Provider, ProviderServer, QrForm
from cvconnect_sim.gateway.seal import make_header
from cvconnect_sim.phone import Phone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

HOLDER = "10000003051"
OTHER_HOLDER = "20000004062"
MERCHANT = Merchant(seal_key="clé du simulateur")
DATE = "2026-11-21T13:05:00.123Z"


class Till:
    """A minimal client that knows the contract and nothing of the SDK."""

    def __init__(self, server: ProviderServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.merchant = MERCHANT

    def call(
        self, method: str, path: str, body: object, *sealed: str, header: str | None = None
    ) -> requests.Response:
        seal = header or make_header(self.merchant.seal_key, self.merchant.seal_key_version, sealed)
        return self.session.request(
            method,
            self.server.api_url + path,
            json=body,
            headers={"ANCV-Security": seal},
            timeout=10,
            allow_redirects=False,
        )

    def create(self, kind: str = "payment-transactions", **changes: Any) -> requests.Response:
        body = order_body(**changes)
        order = body["order"]
        sealed = (
            str(body["merchant"]["shopId"]),
            str(body["merchant"]["serviceProviderId"]),
            order["id"],
            order["paymentId"],
            str(order["amount"]["total"]),
        )
        return self.call("POST", f"/{kind}/", body, *sealed)

    def created(self, **changes: Any) -> str:
        return str(self.create(**changes).json()["transaction"]["id"])

    def payer(
        self, transaction_id: str, beneficiary: str = HOLDER, cents: int = 4550, currency: int = 978
    ) -> requests.Response:
        body = {
            "requestDate": DATE,
            "payer": {"beneficiaryId": beneficiary, "amount": {"total": cents, "currency": currency}},
        }
        path = f"/payment-transactions/{transaction_id}/payer/"
        return self.call("POST", path, body, transaction_id, beneficiary, str(cents))

    def cancel(self, any_id: str, kind: str = "payment-transactions") -> requests.Response:
        body = {"requestDate": DATE, "reason": "OTHER"}
        return self.call("POST", f"/{kind}/{any_id}/cancellation/", body, any_id, "OTHER")

    def status(self, any_id: str, kind: str = "payment-transactions") -> requests.Response:
        return self.call("GET", f"/{kind}/{any_id}/", None, any_id)


def order_body(cents: int = 4550, currency: int | str = 978, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "requestDate": DATE,
        "merchant": {"shopId": MERCHANT.shop_id, "serviceProviderId": MERCHANT.service_provider_id},
        "order": {
            "id": "REF253",
            "paymentId": "T1-2026-000253-1",
            "label": "Chambre n° 12 – été",
            "amount": {"total": cents, "currency": currency},
        },
        "paymentMethod": {"tspdMode": "001", "captureMode": "NORMAL", "captureDate": DATE},
        "redirectUrls": {"returnUrl": "https://till.invalid/ok", "cancelUrl": "https://till.invalid/no"},
    }
    return body | changes


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def provider(clock: VirtualClock) -> Provider:
    provider = Provider(MERCHANT, clock)
    provider.add_customer(HOLDER, email="client@example.invalid", balance_cents=50_000)
    provider.add_customer(OTHER_HOLDER, balance_cents=50_000)
    return provider


@pytest.fixture
def server(provider: Provider) -> Iterator[ProviderServer]:
    with ProviderServer(provider) as server:
        yield server


@pytest.fixture
def till(server: ProviderServer) -> Iterator[Till]:
    till = Till(server)
    with till.session:
        yield till


def refused(response: requests.Response, code: str, status: int) -> None:
    assert response.json()["errorCode"] == code
    assert response.json()["errorMessage"]
    assert response.status_code == status


# --- the calls


def test_a_sale_by_identifier_from_create_to_reversal(till: Till, provider: Provider) -> None:
    created = till.create().json()["transaction"]
    assert created["state"] == "INITIALIZED"
    assert created["payers"] == []
    transaction_id = created["id"]

    asked = till.payer(transaction_id, "client@example.invalid").json()["transaction"]
    assert asked["state"] == "PROCESSING"
    assert asked["payers"][0]["beneficiaryId"] == "client@example.invalid"

    phone = Phone(provider, HOLDER)
    phone.pay(phone.incoming()[0], 3000)
    paid = till.status(transaction_id).json()["transaction"]
    assert paid["state"] == "VALIDATED"
    (authorization,) = paid["payers"][0]["authorizations"]
    assert authorization["type"] == "CVCo"
    assert authorization["amount"]["total"] == 3000
    assert authorization["holder"] == "10*****3051"

    reversed_ = till.cancel(transaction_id).json()["transaction"]
    assert reversed_["state"] == "CANCELLED"
    assert reversed_["payers"][0]["authorizations"] == [authorization]
    assert phone.balance_cents() == 50_000


@pytest.mark.parametrize("form", QrForm)
def test_a_sale_by_qr_in_both_forms(till: Till, provider: Provider, form: QrForm) -> None:
    provider.set_rules(qr_form=form)
    shown = till.create("pre-transactions").json()["preTransaction"]
    assert shown["state"] == "INITIALIZED"
    assert "transaction" not in shown
    assert list(shown["qr"]) == [form.value]
    if form is QrForm.PNG:
        phone = Phone(provider, HOLDER)
        phone.pay(phone.scan(base64.b64decode(shown["qr"]["png"])))
    else:
        linked_id = provider.scan(HOLDER, shown["qr"]["payload"]).transaction_id
        provider.validate(HOLDER, linked_id)
    now = till.status(shown["id"], "pre-transactions").json()["preTransaction"]
    assert now["state"] == "VALIDATED"
    assert now["transaction"]["state"] == "VALIDATED"
    assert now["transaction"] == till.status(now["transaction"]["id"]).json()["transaction"]
    refused(till.cancel(shown["id"], "pre-transactions"), "OPERATION_TRANSACTION_NOT_ALLOWED", 409)


def test_a_cancelled_qr_is_dead_and_stays_so(till: Till) -> None:
    pre_id = till.create("pre-transactions").json()["preTransaction"]["id"]
    for _ in range(2):
        assert till.cancel(pre_id, "pre-transactions").json()["preTransaction"]["state"] == "CANCELLED"


def test_wire_types_vary_as_in_the_field(till: Till, clock: VirtualClock) -> None:
    clock.advance(0.12)
    transaction = till.create().json()["transaction"]
    assert transaction["order"]["amount"] == {"total": 4550, "currency": "978"}
    assert transaction["merchant"] == {"shopId": 12345678, "serviceProviderId": 123456}
    assert re.fullmatch(r"2026-11-21T14:05:00\.12\+01:00", transaction["creationDate"])
    clock.advance(0.003)
    assert till.create().json()["transaction"]["creationDate"] == "2026-11-21T14:05:00.123+01:00"


def test_the_expiry_and_the_date_header_follow_the_providers_clock(till: Till, clock: VirtualClock) -> None:
    clock.advance(60)
    response = till.create()
    assert (parsedate_to_datetime(response.headers["Date"]) - DEFAULT_START).total_seconds() == 60
    transaction = response.json()["transaction"]
    life = datetime.fromisoformat(transaction["expirationDate"]) - datetime.fromisoformat(
        transaction["creationDate"]
    )
    assert life.total_seconds() == 300
    clock.advance(300)
    assert till.status(transaction["id"]).json()["transaction"]["state"] == "EXPIRED"


def test_currency_as_text_and_merchant_ids_as_numbers_are_taken(till: Till) -> None:
    merchant = {"shopId": int(MERCHANT.shop_id), "serviceProviderId": int(MERCHANT.service_provider_id)}
    assert till.create(currency="978", merchant=merchant).status_code == 200


# --- refusals


def test_each_refusal_has_its_code(till: Till, provider: Provider) -> None:
    refused(till.create(cents=1999), "INVALID_TRANSACTION_AMOUNT", 400)
    refused(till.create(currency=840), "INVALID_TRANSACTION_CURRENCY", 400)
    foreign = {"shopId": "87654321", "serviceProviderId": MERCHANT.service_provider_id}
    refused(till.create(merchant=foreign), "MERCHANT_NOT_ALLOWED", 403)
    refused(till.status("fiawa31zot"), "TRANSACTION_NOT_FOUND", 404)
    refused(till.status("fiawa31zot", "pre-transactions"), "TRANSACTION_NOT_FOUND", 404)
    first, second = till.created(), till.created()
    refused(till.payer(first, "99999999999"), "BENEFICIARY_NOT_FOUND", 404)
    refused(till.payer(first, currency=840), "INVALID_TRANSACTION_CURRENCY", 400)
    assert till.payer(first).status_code == 200
    assert till.payer(first).status_code == 200
    refused(till.payer(second), "OTHER_TRANSACTION_PENDING", 409)
    refused(till.payer(first, OTHER_HOLDER), "OPERATION_TRANSACTION_NOT_ALLOWED", 409)
    assert till.cancel(first).status_code == 200
    refused(till.cancel(first), "OPERATION_TRANSACTION_NOT_ALLOWED", 409)
    assert provider.transaction(second).state == "INITIALIZED"


def test_every_refusal_can_wear_any_http_status(till: Till, provider: Provider) -> None:
    provider.set_rules(error_http_status=200)
    refused(till.status("fiawa31zot"), "TRANSACTION_NOT_FOUND", 200)


@pytest.mark.parametrize(
    "merchant",
    [Merchant(seal_key="another key"), Merchant(seal_key=MERCHANT.seal_key, seal_key_version="ver002")],
    ids=["key", "version"],
)
def test_a_seal_with_another_key_or_version_is_refused_on_every_call(till: Till, merchant: Merchant) -> None:
    transaction_id = till.created()
    pre_id = till.create("pre-transactions").json()["preTransaction"]["id"]
    till.merchant = merchant
    for response in (
        till.create(),
        till.create("pre-transactions"),
        till.payer(transaction_id),
        till.cancel(transaction_id),
        till.status(transaction_id),
        till.cancel(pre_id, "pre-transactions"),
        till.status(pre_id, "pre-transactions"),
    ):
        refused(response, "INVALID_SEAL", 403)
    till.merchant = MERCHANT
    assert till.status(transaction_id).json()["transaction"]["state"] == "INITIALIZED"


def test_a_call_without_a_seal_is_refused(till: Till) -> None:
    refused(till.call("GET", "/payment-transactions/fiawa31zot/", None, header="none"), "INVALID_SEAL", 403)
    response = till.session.get(till.server.api_url + "/payment-transactions/fiawa31zot/", timeout=10)
    refused(response, "INVALID_SEAL", 403)


@pytest.mark.parametrize(
    "change",
    [
        {"requestDate": "yesterday"},
        {"requestDate": "2026-13-21T13:05:00Z"},
        {"merchant": None},
        {"order": {"id": "REF253", "paymentId": "p", "amount": {"total": "4550", "currency": 978}}},
        {"order": {"id": "REF253", "paymentId": "p", "amount": {"total": True, "currency": 978}}},
        {"order": {"id": "x" * 21, "paymentId": "p", "amount": {"total": 4550, "currency": 978}}},
        {"order": {"id": "\ud800", "paymentId": "p", "amount": {"total": 4550, "currency": 978}}},
        {"order": {"id": "REF253", "paymentId": "p", "amount": {"total": 4550, "currency": "EUR"}}},
        {"paymentMethod": {"tspdMode": "002", "captureMode": "NORMAL"}},
        {"paymentMethod": {"tspdMode": "001", "captureMode": ["NORMAL"]}},
        {"redirectUrls": "https://till.invalid"},
    ],
)
def test_a_malformed_order_is_a_bad_request(till: Till, change: dict[str, Any]) -> None:
    body = order_body() | change
    refused(till.call("POST", "/payment-transactions/", body, "any"), "BAD_REQUEST", 400)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 60_000, b'{"requestDate":NaN}'])
def test_a_body_that_is_no_json_object_is_a_bad_request(till: Till, body: bytes) -> None:
    response = till.session.post(till.server.api_url + "/pre-transactions/", data=body, timeout=10)
    refused(response, "BAD_REQUEST", 400)


def test_unknown_paths_and_methods_are_refused(till: Till) -> None:
    refused(till.call("GET", "/payment-transactions/fiawa31zot", None), "BAD_REQUEST", 404)
    refused(till.call("GET", "/payment-transactions/a%2Fb/", None), "BAD_REQUEST", 404)
    wrong = till.call("DELETE", "/payment-transactions/fiawa31zot/", None)
    refused(wrong, "BAD_REQUEST", 405)
    assert wrong.headers["Allow"] == "GET"


# --- the server itself


def raw(server: ProviderServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), 10)


def read_responses(connection: socket.socket, count: int) -> list[bytes]:
    """Reads whole responses of a kept-alive connection."""
    reader = connection.makefile("rb")
    bodies: list[bytes] = []
    for _ in range(count):
        length = 0
        while (line := reader.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        bodies.append(reader.read(length))
    return bodies


def status_request(transaction_id: str, server: ProviderServer) -> bytes:
    seal = make_header(MERCHANT.seal_key, MERCHANT.seal_key_version, (transaction_id,))
    path = server.api_url.partition("127.0.0.1")[2].partition("/")[2]
    head = f"GET /{path}/payment-transactions/{transaction_id}/ HTTP/1.1\r\nHost: x\r\nANCV-Security: {seal}\r\n\r\n"
    return head.encode()


def test_requests_sent_byte_by_byte_or_all_at_once_are_answered_alike(
    till: Till, server: ProviderServer
) -> None:
    one = status_request(till.created(), server)
    with raw(server) as slow:
        for byte in one:
            slow.sendall(bytes((byte,)))
        (first,) = read_responses(slow, 1)
    with raw(server) as fast:
        fast.sendall(one * 3)
        rest = read_responses(fast, 3)
    assert rest == [first] * 3


class OneWriteProbe(socket.socket):
    """A connection that counts the writes of the server instead of sending them."""

    def __init__(self, received: bytes) -> None:
        super().__init__()
        self.received = [received, b""]
        self.writes: list[bytes] = []

    def recv(self, bufsize: int, _flags: int = 0, /) -> bytes:
        return self.received.pop(0)[:bufsize]

    def sendall(self, data: ReadableBuffer, _flags: int = 0, /) -> None:
        self.writes.append(bytes(data))


def test_an_answer_leaves_in_one_write_at_once(till: Till, server: ProviderServer) -> None:
    request = status_request(till.created(), server)
    with OneWriteProbe(request * 2) as probe:
        server._talk(probe)
    assert len(probe.writes) == 2
    assert all(write.startswith(b"HTTP/1.1 200 OK\r\n") and write.endswith(b"}") for write in probe.writes)
    for connection in server._connections.values():
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 16_384, b"431"),
    ],
)
def test_a_request_that_is_no_http_or_too_large_is_refused_and_the_connection_closed(
    server: ProviderServer, request_bytes: bytes, status: bytes
) -> None:
    with raw(server) as connection:
        connection.sendall(request_bytes)
        answer = connection.makefile("rb").read()
    assert answer.split(b" ")[1] == status
    assert server.requests == []


def test_a_client_that_asks_for_it_gets_its_connection_closed(server: ProviderServer) -> None:
    with raw(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 404 ")


def test_received_requests_are_recorded_with_the_time_of_their_first_byte(
    till: Till, server: ProviderServer, clock: VirtualClock
) -> None:
    clock.advance(5)
    transaction_id = till.created()
    clock.advance(2)
    till.payer(transaction_id)
    create, payer = server.requests
    assert (create.method, create.received_s, payer.received_s) == ("POST", 5, 7)
    assert payer.path.endswith(f"/{transaction_id}/payer/")
    assert json.loads(payer.body)["payer"]["amount"]["total"] == 4550
    assert HOLDER not in repr(payer)


def test_waiting_for_a_request_ends_when_it_comes(till: Till, server: ProviderServer) -> None:
    seen: list[bool] = []
    waiter = threading.Thread(
        target=lambda: seen.append(server.wait_request("POST", "/payment-transactions/", timeout_s=30))
    )
    waiter.start()
    till.create()
    waiter.join(30)
    assert seen == [True]
    assert not server.wait_request("GET", "/payment-transactions/", timeout_s=0)


def test_closing_ends_connections_and_threads_and_can_be_repeated(provider: Provider) -> None:
    before = set(threading.enumerate())
    server = ProviderServer(provider).start()
    with raw(server) as idle, raw(server) as half:
        half.sendall(b"GET / HT")
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_responses(idle, 1)
        server.close()
        server.close()
        assert idle.recv(1) == b""
    assert set(threading.enumerate()) == before
    with pytest.raises(SimError, match="SERVER_CLOSED"):
        server.start()


def test_many_customers_pay_at_the_same_time_without_losing_a_cent(
    server: ProviderServer, provider: Provider
) -> None:
    numbers = [f"3{index:010d}" for index in range(8)]
    for number in numbers:
        provider.add_customer(number, balance_cents=30_000)
    ends: list[str] = []

    def sell(number: str) -> None:
        till, phone = Till(server), Phone(provider, number)
        with till.session:
            for _ in range(5):
                transaction_id = till.created(cents=2000)
                till.payer(transaction_id, number, 2000)
                phone.pay(phone.wait_incoming(30)[0])
                ends.append(till.status(transaction_id).json()["transaction"]["state"])

    threads = [threading.Thread(target=sell, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends == ["VALIDATED"] * 40
    assert {provider.customer(number).balance_cents for number in numbers} == {20_000}
