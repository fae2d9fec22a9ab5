"""Each scripted fault, seen from the client's end of the socket, and what it did to the provider's state."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cvconnect_sim.clock import DEFAULT_START, VirtualClock
from cvconnect_sim.gateway import (
    Fault,
    FaultKind,
    Order,
    Provider,
    ProviderServer,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.seal import make_header

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDER = "10000003051"
ANSWERED_ODDLY = {
    FaultKind.EMPTY_BODY: b"",
    FaultKind.HTML_PAGE: b"<!DOCTYPE html>",
    FaultKind.HUGE_BODY: b'{"padding":"xxx',
}


@pytest.fixture
def provider() -> Provider:
    provider = Provider(clock=VirtualClock())
    provider.add_customer(HOLDER, balance_cents=50_000)
    return provider


@pytest.fixture
def server(provider: Provider) -> Iterator[ProviderServer]:
    with ProviderServer(provider) as server:
        yield server


@pytest.fixture
def waiting(provider: Provider) -> Transaction:
    created = provider.create(Order("REF253", "T1-1", 4550))
    return provider.set_payer(created.transaction_id, HOLDER, 4550)


def direct_session() -> requests.Session:
    """A session that ignores proxies of the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def call(
    server: ProviderServer, transaction: Transaction, *, cancel: bool = False, timeout_s: float = 10
) -> requests.Response:
    """Asks for the status, or cancels."""
    merchant, transaction_id = server.provider.merchant, transaction.transaction_id
    fields = [transaction_id, "OTHER"] if cancel else [transaction_id]
    with direct_session() as session:
        return session.request(
            "POST" if cancel else "GET",
            f"{server.api_url}/payment-transactions/{transaction_id}/{'cancellation/' if cancel else ''}",
            json={"requestDate": "2026-11-21T13:05:00Z", "reason": "OTHER"} if cancel else None,
            headers={"ANCV-Security": make_header(merchant.seal_key, merchant.seal_key_version, fields)},
            timeout=timeout_s,
            allow_redirects=False,
        )


def state(server: ProviderServer, transaction: Transaction) -> TransactionState:
    return server.provider.transaction(transaction.transaction_id).state


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (FaultKind.DROP_BEFORE, TransactionState.PROCESSING),
        (FaultKind.DROP_AFTER, TransactionState.CANCELLED),
    ],
)
def test_a_dropped_connection_loses_the_answer_and_only_drop_after_the_effect(
    server: ProviderServer, waiting: Transaction, kind: FaultKind, after: TransactionState
) -> None:
    armed = server.faults.add(Fault(kind, method="POST"))
    with pytest.raises(requests.ConnectionError):
        call(server, waiting, cancel=True)
    assert state(server, waiting) is after
    assert armed.spent
    assert len(server.requests) == 1


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.CONFLICT, 409, "OPERATION_TRANSACTION_NOT_ALLOWED"),
        (FaultKind.TOO_MANY_REQUESTS, 429, None),
        (FaultKind.SERVER_ERROR, 500, "INTERNAL_SERVER_ERROR"),
        (FaultKind.UNAVAILABLE, 503, None),
    ],
)
def test_each_error_of_the_server_has_a_kind_of_its_own(
    server: ProviderServer,
    waiting: Transaction,
    kind: FaultKind,
    status: int,
    code: str | None,
    *,
    processed: bool,
) -> None:
    server.faults.add(Fault(kind, processed=processed, retry_after_s=7))
    response = call(server, waiting, cancel=True)
    assert response.status_code == status
    assert (response.json()["errorCode"] if response.content else None) == code
    assert response.headers.get("Retry-After") == ("7" if kind is FaultKind.TOO_MANY_REQUESTS else None)
    assert parsedate_to_datetime(response.headers["Date"]) == DEFAULT_START
    assert (state(server, waiting) is TransactionState.CANCELLED) is processed


@pytest.mark.parametrize(("processed", "body"), [(False, b""), (True, b""), (False, b"oops")])
def test_a_server_error_may_or_may_not_have_taken_effect(
    server: ProviderServer, waiting: Transaction, body: bytes, *, processed: bool
) -> None:
    server.faults.add(
        Fault(FaultKind.STATUS, status=500, body=body, headers={"Retry-After": "7"}, processed=processed)
    )
    response = call(server, waiting, cancel=True)
    assert (response.status_code, response.content) == (500, body)
    assert response.headers["Retry-After"] == "7"
    assert (state(server, waiting) is TransactionState.CANCELLED) is processed


def test_a_redirect_points_elsewhere_and_has_no_effect(server: ProviderServer, waiting: Transaction) -> None:
    server.faults.add(Fault(FaultKind.REDIRECT))
    response = call(server, waiting, cancel=True)
    assert response.status_code == 307
    assert response.headers["Location"].startswith(server.base_url + "/elsewhere/")
    assert state(server, waiting) is TransactionState.PROCESSING


@pytest.mark.parametrize("kind", ANSWERED_ODDLY)
def test_an_odd_answer_comes_with_200_after_the_effect(
    server: ProviderServer, waiting: Transaction, kind: FaultKind
) -> None:
    server.faults.add(Fault(kind))
    response = call(server, waiting, cancel=True)
    assert response.status_code == 200
    assert response.content[:15] == ANSWERED_ODDLY[kind]
    assert (len(response.content) > 4_999_999) is (kind is FaultKind.HUGE_BODY)
    assert state(server, waiting) is TransactionState.CANCELLED


def test_a_truncated_body_ends_before_its_length(server: ProviderServer, waiting: Transaction) -> None:
    server.faults.add(Fault(FaultKind.TRUNCATED_BODY))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        call(server, waiting, cancel=True)
    assert state(server, waiting) is TransactionState.CANCELLED


def test_a_delayed_answer_takes_effect_at_once(server: ProviderServer, waiting: Transaction) -> None:
    server.faults.add(Fault(FaultKind.DELAY, delay_s=30))
    with pytest.raises(requests.ReadTimeout):
        call(server, waiting, cancel=True, timeout_s=0.2)
    assert state(server, waiting) is TransactionState.CANCELLED


def test_a_short_delay_is_only_a_delay(server: ProviderServer, waiting: Transaction) -> None:
    server.faults.add(Fault(FaultKind.DELAY, delay_s=0.1))
    started_s = time.monotonic()
    assert call(server, waiting).json()["transaction"]["state"] == "PROCESSING"
    assert time.monotonic() - started_s >= 0.1


def test_a_dripping_answer_outlives_a_read_timeout_and_ends_with_the_server(
    provider: Provider, waiting: Transaction
) -> None:
    with ProviderServer(provider) as server:
        server.faults.add(Fault(FaultKind.DRIP, delay_s=0.004))
        merchant, fields = provider.merchant, [waiting.transaction_id]
        headers = {"ANCV-Security": make_header(merchant.seal_key, merchant.seal_key_version, fields)}
        url = f"{server.api_url}/payment-transactions/{waiting.transaction_id}/"
        started_s = time.monotonic()
        with (
            direct_session() as session,
            session.get(url, headers=headers, timeout=0.2, stream=True) as response,
        ):
            assert len(response.raw.read(10)) == 10
            assert time.monotonic() - started_s > 0.2
            server.close()
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                assert response.content


def test_wrong_types_and_unknown_states_reach_the_client(
    server: ProviderServer, waiting: Transaction
) -> None:
    server.faults.add(Fault(FaultKind.WRONG_TYPES))
    server.faults.add(Fault(FaultKind.UNKNOWN_STATE))
    odd = call(server, waiting).json()["transaction"]
    assert (odd["state"], odd["payers"]) == ({"value": 4}, "none")
    assert call(server, waiting).json()["transaction"]["state"] == "UNDER_REVIEW"
    assert call(server, waiting).json()["transaction"]["state"] == "PROCESSING"


@pytest.mark.parametrize(
    ("kind", "authorizations"),
    [
        (FaultKind.PAID_WITHOUT_AUTHORIZATIONS, None),
        (FaultKind.PAID_UNREADABLE_AUTHORIZATIONS, {"total": "thirty", "currency": "978"}),
        (FaultKind.PAID_FOREIGN_CURRENCY, {"total": 3000, "currency": "840"}),
    ],
)
def test_a_fault_of_authorizations_waits_for_a_paid_answer(
    server: ProviderServer, waiting: Transaction, kind: FaultKind, authorizations: dict[str, Any] | None
) -> None:
    armed = server.faults.add(Fault(kind))
    assert call(server, waiting).json()["transaction"]["state"] == "PROCESSING"
    assert armed.used == 0
    server.provider.validate(HOLDER, waiting.transaction_id, 3000)
    odd = call(server, waiting).json()["transaction"]
    assert odd["state"] == "VALIDATED"
    found = odd["payers"][0].get("authorizations")
    assert (found and found[0]["amount"]) == authorizations
    assert armed.used == 1
    sound = call(server, waiting).json()["transaction"]
    assert sound["payers"][0]["authorizations"][0]["amount"] == {"total": 3000, "currency": "978"}


def test_a_test_can_rewrite_an_answer_as_it_likes(server: ProviderServer, waiting: Transaction) -> None:
    def expire(document: dict[str, Any]) -> None:
        document["transaction"]["state"] = "EXPIRED"

    server.faults.add(Fault(FaultKind.REWRITE, rewrite=expire))
    assert call(server, waiting).json()["transaction"]["state"] == "EXPIRED"
    assert state(server, waiting) is TransactionState.PROCESSING


def test_faults_wait_for_their_method_and_path_and_count_their_victims(
    server: ProviderServer, waiting: Transaction
) -> None:
    never = server.faults.add(Fault(FaultKind.STATUS, path="/payer/"))
    gets = server.faults.add(Fault(FaultKind.STATUS, method="GET", status=503, count=2))
    assert call(server, waiting, cancel=True).status_code == 200
    assert [call(server, waiting).status_code for _ in range(3)] == [503, 503, 200]
    assert (never.used, gets.used) == (0, 2)
    server.faults.add(Fault(FaultKind.STATUS, status=502))
    server.faults.clear()
    assert call(server, waiting).status_code == 200


def test_a_fault_leaves_the_connection_usable_where_http_allows_it(
    server: ProviderServer, waiting: Transaction
) -> None:
    fields = [waiting.transaction_id]
    merchant = server.provider.merchant
    headers = {"ANCV-Security": make_header(merchant.seal_key, merchant.seal_key_version, fields)}
    url = f"{server.api_url}/payment-transactions/{waiting.transaction_id}/"
    for kind in (FaultKind.STATUS, FaultKind.EMPTY_BODY, FaultKind.HTML_PAGE):
        server.faults.add(Fault(kind))
    with direct_session() as session:
        for _ in range(3):
            assert session.get(url, headers=headers, timeout=10).content[:1] != b"{"
        assert json.loads(session.get(url, headers=headers, timeout=10).content)["transaction"]
