"""The dialect: what goes on the wire, and how answers are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import Beneficiary, CredentialRefused, NoAnswer, Order, ProviderError, ProviderRefused, Way
from cvconnect_pos.core.provider import ProviderState
from cvconnect_pos.gateway.ancv import CREDENTIAL_CODES, ERROR_CODES, AncvGateway, Merchant, provider_time
from cvconnect_pos.gateway.reading import as_cents, as_time, decode, read_pre_transaction, read_transaction
from cvconnect_pos.gateway.seal import HEADER, SealKey
from cvconnect_pos.transports.base import HttpResponse
from cvconnect_pos.transports.memory import MemoryTransport

NOW = datetime(2026, 11, 21, 13, 5, 0, 250_000, tzinfo=UTC)
ORDER = Order("r1", 4550, "REF253", Way.SCAN, label="Deux entrées")
KEY = SealKey("ver001", "test-seal-key")
TRANSACTION = {"id": "fiawa31zot", "state": "INITIALIZED"}


def gateway(body: object = None, status: int = 200, **headers: str) -> tuple[AncvGateway, MemoryTransport]:
    answer = {"transaction": TRANSACTION, "preTransaction": {"id": "pre1", "state": "INITIALIZED"}}
    text = body if isinstance(body, bytes) else json.dumps(answer if body is None else body).encode()
    transport = MemoryTransport(lambda _: HttpResponse(status, headers, text))
    return AncvGateway(transport, Merchant("12345678", "123456"), KEY, production=False), transport


def test_create_is_the_documented_call() -> None:
    ancv, transport = gateway()
    ancv.create(ORDER, "T1-2026-000253-1", NOW, timeout_s=1)
    (request,) = transport.requests
    assert (request.method, request.path) == ("POST", "/acquisition/api/public/v1/payment-transactions/")
    assert request.headers[HEADER] == "HmacSHA256.ver001.8ELAfGmqBnrzqhqaWD_jvcNWF_dUPk-Rp-h5vnTTme8"
    assert json.loads(request.body) == {
        "requestDate": "2026-11-21T13:05:00.250Z",
        "merchant": {"shopId": "12345678", "serviceProviderId": "123456"},
        "order": {
            "id": "REF253",
            "paymentId": "T1-2026-000253-1",
            "label": "Deux entrées",
            "amount": {"total": 4550, "currency": "978"},
        },
        "paymentMethod": {"tspdMode": "001", "captureMode": "NORMAL"},
        "redirectUrls": {"returnUrl": "https://localhost/", "cancelUrl": "https://localhost/"},
    }


def test_the_other_calls_are_the_documented_ones() -> None:
    ancv, transport = gateway()
    customer = Beneficiary.parse("10000003051")
    ancv.put_in_payment("fiawa31zot", customer, 4550, NOW, timeout_s=1)
    ancv.cancel("fiawa31zot", NOW, timeout_s=1)
    ancv.status("fiawa31zot", timeout_s=1)
    ancv.create_qr(ORDER, "p", NOW, timeout_s=1)
    ancv.cancel_qr("pre1", NOW, timeout_s=1)
    ancv.qr_status("pre1", timeout_s=1)
    base = "/acquisition/api/public/v1"
    assert [(r.method, r.path) for r in transport.requests] == [
        ("POST", f"{base}/payment-transactions/fiawa31zot/payer/"),
        ("POST", f"{base}/payment-transactions/fiawa31zot/cancellation/"),
        ("GET", f"{base}/payment-transactions/fiawa31zot/"),
        ("POST", f"{base}/pre-transactions/"),
        ("POST", f"{base}/pre-transactions/pre1/cancellation/"),
        ("GET", f"{base}/pre-transactions/pre1/"),
    ]
    seals = [r.headers[HEADER].rpartition(".")[2] for r in transport.requests[:3]]
    assert seals == [
        "z4TKANIbWnGsa1hv-v9mvuPKRNUABPj8Pkai35zM11w",
        "8N2noAP_-llqR0yyBffswQ-IEnAMRJCSQGBR-yhAvHE",
        "xb6pWnCpv-yoT-oG8nKvW_AiILJqzGquzT01h-Q4WlU",
    ]
    payer = json.loads(transport.requests[0].body)["payer"]
    assert payer == {"beneficiaryId": "10000003051", "amount": {"total": 4550, "currency": "978"}}


def test_no_repr_of_a_request_names_the_customer_or_shows_the_seal() -> None:
    ancv, transport = gateway()
    ancv.put_in_payment("fiawa31zot", Beneficiary.parse("10000003051"), 4550, NOW, timeout_s=1)
    shown = repr(transport.requests)
    assert "10000003051" not in shown and "HmacSHA256" not in shown


@pytest.mark.parametrize("provider_id", ["", "../x", "a/b", "a%2fb", "a" * 65, "é", "a b", "a?b"])
def test_an_id_that_is_more_than_a_path_segment_goes_nowhere(provider_id: str) -> None:
    ancv, transport = gateway()
    with pytest.raises(NoAnswer):
        ancv.status(provider_id, timeout_s=1)
    assert not transport.requests


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("code", sorted(ERROR_CODES))
def test_every_error_code_is_a_typed_error_whatever_the_http_status(code: str, status: int) -> None:
    ancv, _ = gateway({"errorCode": code, "errorMessage": "x"}, status)
    kind: type[ProviderError] = CredentialRefused if code in CREDENTIAL_CODES else ProviderRefused
    if code == "INTERNAL_SERVER_ERROR":
        kind = NoAnswer  # it may have been carried out before the fault
    with pytest.raises(kind) as caught:
        ancv.status("fiawa31zot", timeout_s=1)
    assert type(caught.value) is kind
    assert kind is NoAnswer or caught.value.code == code
    assert caught.value.text("fr") and caught.value.remedy("en")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html></html>", 200),
        (b"null", 200),
        (b"[]", 200),
        (b'"text"', 200),
        (b"{", 200),
        (b"\xff", 200),
        ({}, 200),
        ({"transaction": None}, 200),
        ({"transaction": []}, 200),
        ({"transaction": {"state": "VALIDATED"}}, 200),
        ({"transaction": TRANSACTION}, 302),
        ({"transaction": TRANSACTION}, 503),
        ({"errorCode": "SOMETHING_NEW"}, 400),
        ({"errorCode": "SOMETHING_NEW", "transaction": TRANSACTION}, 200),
    ],
)
def test_what_is_no_answer_is_unknown_never_no(body: object, status: int) -> None:
    ancv, _ = gateway(body, status)
    with pytest.raises(NoAnswer):
        ancv.status("fiawa31zot", timeout_s=1)


def test_an_answer_as_the_provider_varies_it_is_read() -> None:
    transaction = read_transaction(
        {
            "id": "fiawa31zot",
            "state": "VALIDATED",
            "subState": "NEW_ONE",
            "expirationDate": "2026-11-21T14:10:00.25+0100",
            "updateDate": "2026-11-21T14:05:03.123+01:00",
            "merchant": {"shopId": 12345678},
            "order": {"id": "REF253", "paymentId": "p1"},
            "payers": [
                {
                    "beneficiaryId": "10000003051",
                    "authorizations": [
                        {"number": 897395948, "type": "CVCo", "amount": {"total": "3000", "currency": "978"},
                         "validationDate": "2026-11-21T13:05:02Z", "holder": "10*****3051"},
                        {"number": "2", "amount": {"total": 550, "currency": 978}, "holder": "10000003051"},
                    ],
                }
            ],
        },
        None,
    )  # fmt: skip
    assert transaction.state is ProviderState.VALIDATED and transaction.has_payer
    assert transaction.received_cents == 3550
    assert [a.number for a in transaction.authorizations] == ["897395948", "2"]
    assert [a.holder for a in transaction.authorizations] == ["10*****3051", ""]
    assert transaction.expires_at == datetime(2026, 11, 21, 13, 10, 0, 250_000, tzinfo=UTC)
    assert "10000003051" not in repr(transaction)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ({"total": 4550, "currency": "978"}, 4550),
        ({"total": "4550", "currency": 978}, 4550),
        ({"total": 4550, "currency": "EUR"}, 4550),
        ({"total": 4550, "currency": "840"}, None),
        ({"total": 4550}, None),
        ({"total": 45.5, "currency": "978"}, None),
        ({"total": 4550.0, "currency": "978"}, None),
        ({"total": "45,50", "currency": "978"}, None),
        ({"total": "٤٥", "currency": "978"}, None),
        ({"total": -1, "currency": "978"}, None),
        ({"total": True, "currency": "978"}, None),
        ({"total": 10**13, "currency": "978"}, None),
        (4550, None),
        (None, None),
    ],
)
def test_an_amount_is_euros_in_whole_cents_or_unknown(amount: object, cents: int | None) -> None:
    assert as_cents(amount) == cents


@pytest.mark.parametrize("text", ["2026-11-21T14:05:00", "yesterday", "", "2026-13-01T00:00:00Z", 12, None])
def test_a_date_without_an_offset_is_no_date(text: object) -> None:
    assert as_time(text) is None


def test_the_providers_clock_is_the_date_header() -> None:
    assert provider_time({"date": "Sat, 21 Nov 2026 13:05:00 GMT"}) == datetime(
        2026, 11, 21, 13, 5, tzinfo=UTC
    )
    assert provider_time({}) is None
    assert provider_time({"date": "soon"}) is None


def test_a_picture_that_is_no_png_is_no_picture() -> None:
    pre = read_pre_transaction({"id": "p", "state": "INITIALIZED", "qr": {"png": "PGh0bWw+"}}, None)
    assert pre.qr_png is None and pre.qr_payload is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "id",
        "state",
        "order",
        "payers",
        "expirationDate",
        "qr",
        "transaction",
        "authorizations",
        "amount",
        "holder",
    ]
)


@given(st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=4), max_size=8))
def test_any_json_is_read_or_is_no_answer(wire: dict[str, Any]) -> None:
    for read in (read_transaction, read_pre_transaction):
        try:
            read(wire, None)
        except NoAnswer as error:
            assert error.fields["reason"] == "unreadable_body"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_no_answer(body: bytes) -> None:
    try:
        assert isinstance(decode(body), dict)
    except NoAnswer as error:
        assert error.fields["reason"] == "unreadable_body"
