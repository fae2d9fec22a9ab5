"""The provisional calls over real sockets: optional fields, deferred requests, capture, release, lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from cvconnect_sim.clock import DEFAULT_START, VirtualClock
from cvconnect_sim.gateway import CaptureMode, Order, Provider, ProviderApi, ProviderServer, Request
from cvconnect_sim.gateway.seal import make_header

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDER = "10000003051"
DATE = "2026-11-21T13:05:00.123Z"
FROM, TO = "2026-11-21T14:00:00+01:00", "2026-11-22T00:00:00Z"


class Till:
    """A minimal client that knows the contract and nothing of the SDK."""

    def __init__(self, server: ProviderServer, session: requests.Session) -> None:
        self.server = server
        self.session = session

    def call(self, method: str, path: str, body: object, *sealed: str) -> requests.Response:
        merchant = self.server.provider.merchant
        return self.session.request(
            method,
            self.server.api_url + path,
            json=body,
            headers={"ANCV-Security": make_header(merchant.seal_key, merchant.seal_key_version, sealed)},
            timeout=10,
        )

    def create(self, **order: Any) -> requests.Response:
        merchant = self.server.provider.merchant
        body = {
            "requestDate": DATE,
            "merchant": {"shopId": merchant.shop_id, "serviceProviderId": merchant.service_provider_id},
            "order": {"id": "P1", "paymentId": "T1-1", "amount": {"total": 4550, "currency": 978}} | order,
            "paymentMethod": {"tspdMode": "001", "captureMode": "DEFERRED"},
        }
        sealed = (merchant.shop_id, merchant.service_provider_id, "P1", "T1-1", "4550")
        return self.call("POST", "/payment-transactions/", body, *sealed)

    def capture(self, transaction_id: str, cents: int, currency: int = 978) -> requests.Response:
        body = {"requestDate": DATE, "amount": {"total": cents, "currency": currency}}
        path = f"/payment-transactions/{transaction_id}/capture/"
        return self.call("POST", path, body, transaction_id, str(cents))

    def release(self, transaction_id: str) -> requests.Response:
        path = f"/payment-transactions/{transaction_id}/release/"
        return self.call("POST", path, {"requestDate": DATE}, transaction_id)

    def list(self, after: str | None = None, begin: str = FROM, end: str = TO) -> requests.Response:
        query = f"from={quote(begin)}&to={quote(end)}" + (f"&after={after}" if after else "")
        shop_id = self.server.provider.merchant.shop_id
        return self.call("GET", f"/payment-transactions/?{query}", None, shop_id, begin, end)


@pytest.fixture
def provider() -> Provider:
    provider = Provider(clock=VirtualClock())
    provider.add_customer(HOLDER, balance_cents=50_000)
    return provider


@pytest.fixture
def till(provider: Provider) -> Iterator[Till]:
    with ProviderServer(provider) as server, requests.Session() as session:
        session.trust_env = False
        yield Till(server, session)


def reserved(provider: Provider) -> str:
    order = Order("P1", "T1-1", 4550, capture_mode=CaptureMode.DEFERRED)
    transaction_id = provider.create(order).transaction_id
    provider.set_payer(transaction_id, HOLDER, 4550)
    return provider.validate(HOLDER, transaction_id).transaction_id


def refused(response: requests.Response, code: str, status: int) -> None:
    assert (response.json()["errorCode"], response.status_code) == (code, status)


# --- optional fields and wished expiry


def test_the_optional_fields_come_back_and_are_null_when_absent(till: Till) -> None:
    given = till.create(customerReference="CLIENT-7", sellerId="V-3").json()["transaction"]["order"]
    assert (given["customerReference"], given["sellerId"], given["expirationDate"]) == (
        "CLIENT-7",
        "V-3",
        None,
    )
    absent = till.create().json()["transaction"]["order"]
    assert (absent["customerReference"], absent["sellerId"]) == (None, None)


def test_a_wished_expiry_is_granted_and_told(till: Till) -> None:
    wish = DEFAULT_START + timedelta(days=2)
    transaction = till.create(expirationDate=wish.isoformat()).json()["transaction"]
    assert datetime.fromisoformat(transaction["expirationDate"]) == wish
    assert datetime.fromisoformat(transaction["order"]["expirationDate"]) == wish


@pytest.mark.parametrize(
    "order",
    [
        {"expirationDate": DATE},
        {"expirationDate": "2027-01-21T13:05:00Z"},
        {"expirationDate": "0001-01-01T00:00:00+01:00"},
        {"expirationDate": "tomorrow"},
        {"expirationDate": 3},
        {"customerReference": ""},
        {"customerReference": "x" * 65},
        {"sellerId": 3},
    ],
)
def test_an_impossible_field_is_a_bad_request(till: Till, provider: Provider, order: dict[str, Any]) -> None:
    refused(till.create(**order), "BAD_REQUEST", 400)
    assert provider.transactions() == []


# --- reservations


def test_a_capture_answers_what_was_captured(till: Till, provider: Provider) -> None:
    transaction = till.capture(reserved(provider), 3000).json()["transaction"]
    assert transaction["state"] == "VALIDATED"
    (authorization,) = transaction["payers"][0]["authorizations"]
    assert authorization["amount"]["total"] == 3000
    assert provider.customer(HOLDER).balance_cents == 47_000


def test_a_release_answers_cancelled_with_its_authorizations(till: Till, provider: Provider) -> None:
    transaction = till.release(reserved(provider)).json()["transaction"]
    assert transaction["state"] == "CANCELLED"
    assert transaction["payers"][0]["authorizations"][0]["amount"]["total"] == 4550
    assert provider.customer(HOLDER).balance_cents == 50_000


def test_captures_and_releases_are_refused_with_their_codes(till: Till, provider: Provider) -> None:
    transaction_id = reserved(provider)
    refused(till.capture(transaction_id, 4551), "INVALID_TRANSACTION_AMOUNT", 400)
    refused(till.capture(transaction_id, 0), "INVALID_TRANSACTION_AMOUNT", 400)
    refused(till.capture(transaction_id, 100, 840), "INVALID_TRANSACTION_CURRENCY", 400)
    refused(till.capture("fiawa31zot", 100), "TRANSACTION_NOT_FOUND", 404)
    refused(till.release("fiawa31zot"), "TRANSACTION_NOT_FOUND", 404)
    cancel = {"requestDate": DATE, "reason": "OTHER"}
    path = f"/payment-transactions/{transaction_id}/"
    refused(
        till.call("POST", path + "cancellation/", cancel, transaction_id, "OTHER"),
        "OPERATION_TRANSACTION_NOT_ALLOWED",
        409,
    )
    body = {"requestDate": DATE, "amount": {"total": 3000, "currency": 978}}
    refused(till.call("POST", path + "capture/", body, transaction_id, "3001"), "INVALID_SEAL", 403)
    refused(till.call("POST", path + "release/", {"requestDate": DATE}, "other"), "INVALID_SEAL", 403)
    refused(till.call("POST", path + "release/", {}, transaction_id), "BAD_REQUEST", 400)
    assert till.capture(transaction_id, 4550).status_code == 200
    refused(till.capture(transaction_id, 4550), "OPERATION_TRANSACTION_NOT_ALLOWED", 409)
    refused(till.release(transaction_id), "OPERATION_TRANSACTION_NOT_ALLOWED", 409)


# --- lists


def test_a_list_is_read_page_by_page(till: Till, provider: Provider) -> None:
    ids = [provider.create(Order("P1", f"T1-{n}", 4550)).transaction_id for n in range(101)]
    first = till.list().json()
    assert [one["id"] for one in first["transactions"]] == ids[:100]
    assert first["next"] == ids[99]
    rest = till.list(after=first["next"]).json()
    assert [one["id"] for one in rest["transactions"]] == ids[100:]
    assert rest["next"] is None
    assert rest["responseDate"] == "2026-11-21T13:05:00.000Z"


def test_a_list_is_refused_with_its_codes(till: Till) -> None:
    refused(till.list(after="fiawa31zot"), "TRANSACTION_NOT_FOUND", 404)
    refused(till.list(begin="yesterday"), "BAD_REQUEST", 400)
    refused(till.call("GET", "/payment-transactions/", None), "BAD_REQUEST", 400)
    twice = f"/payment-transactions/?from={FROM[:19]}Z&from={FROM[:19]}Z&to={TO}"
    refused(till.call("GET", twice, None), "BAD_REQUEST", 400)
    refused(till.list(after="a/b"), "BAD_REQUEST", 400)
    span = f"/payment-transactions/?from={FROM[:19]}Z&to={TO}"
    refused(till.call("GET", span, None, "12345678", TO, TO), "INVALID_SEAL", 403)


# --- the provider's clock


def test_every_answer_tells_the_providers_clock_once_with_and_without_a_socket(
    till: Till, provider: Provider
) -> None:
    for response in (till.list(), till.release("fiawa31zot")):
        assert parsedate_to_datetime(response.headers["Date"]) == DEFAULT_START
    answer = ProviderApi(provider).answer(Request("GET", "/nowhere"))
    assert parsedate_to_datetime(answer.headers["Date"]) == DEFAULT_START
