"""The published OpenAPI document and the simulated provider say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.gateway import CaptureMode, Order, Provider, ProviderServer, QrForm, Rules
from cvconnect_sim.gateway.api import ROUTES
from cvconnect_sim.gateway.contract import BASE_PATH, HTTP_STATUS
from cvconnect_sim.gateway.seal import make_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "provider-openapi.yaml"
# The library types its generics only in part.
library: Any = schemathesis
Test = TypeVar("Test")
HOLDER = "10000003051"
ORDER = Order("REF253", "T1-1", 4550)


def whole(number: str) -> float:
    value = float(number)
    return int(value) if value.is_integer() else value


def map_body(context: schemathesis.HookContext, body: object) -> object:
    """JSON Schema calls 4550.0 an integer; a provider of money does not, so such numbers are sent as 4550."""
    return json.loads(json.dumps(body), parse_float=whole) if isinstance(body, dict) else body


def load_schema(*modes: schemathesis.GenerationMode) -> Any:
    schema = library.openapi.from_path(DOCUMENT)
    schema.config.generation.update(modes=list(modes))
    schema.hook(map_body)
    return schema


def each_call(schema: Any) -> Callable[[Test], Test]:
    return cast("Callable[[Test], Test]", schema.parametrize())


any_calls = load_schema(*schemathesis.GenerationMode)
good_calls = load_schema(schemathesis.GenerationMode.POSITIVE)


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderServer]:
    provider = Provider(clock=VirtualClock(), rules=Rules(one_pending_per_customer=False))
    provider.add_customer(HOLDER, balance_cents=10**9)
    with ProviderServer(provider) as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def reach_the_state(case: Any, provider: Provider) -> None:
    """Turns a generated call into one that passes the front door: known merchant, living id, right seal."""
    body = cast("dict[str, Any]", case.body if isinstance(case.body, dict) else {})
    if "merchant" in body:
        body["merchant"] = {
            "shopId": provider.merchant.shop_id,
            "serviceProviderId": provider.merchant.service_provider_id,
        }
    if "payer" in body:
        body["payer"]["beneficiaryId"] = HOLDER
        body["payer"]["amount"]["total"] = 4550
    if "expirationDate" in body.get("order", {}):
        body["order"]["expirationDate"] = (provider.clock.now() + timedelta(days=1)).isoformat()
    parameters = case.path_parameters
    if "id" in parameters:
        parameters["id"] = living_id(case, provider, body)
    if "after" in case.query:
        case.query["after"] = provider.create(ORDER).transaction_id
    case.headers["ANCV-Security"] = make_header(
        provider.merchant.seal_key,
        provider.merchant.seal_key_version,
        [provider.merchant.shop_id, case.query["from"], case.query["to"]]
        if case.query
        else sealed(body, parameters),
    )


def living_id(case: Any, provider: Provider, body: dict[str, Any]) -> str:
    """The id of something in the state that the call is for."""
    if "pre-transactions" in case.path:
        return provider.create_pre_transaction(ORDER).pre_transaction_id
    if not case.path.endswith(("/capture/", "/release/")):
        return provider.create(ORDER).transaction_id
    reserved_id = provider.create(replace(ORDER, capture_mode=CaptureMode.DEFERRED)).transaction_id
    provider.set_payer(reserved_id, HOLDER, 4550)
    if "amount" in body:
        body["amount"]["total"] = min(body["amount"]["total"], 4550)
    return provider.validate(HOLDER, reserved_id).transaction_id


def sealed(body: dict[str, Any], parameters: dict[str, Any]) -> list[str]:
    """The sealed fields of a well-formed call, read from the contract and not from the simulator."""
    fields = [str(parameters["id"])] if "id" in parameters else []
    match body:
        case {"merchant": merchant, "order": order}:
            fields += [merchant["shopId"], merchant["serviceProviderId"], order["id"], order["paymentId"]]
            fields.append(str(order["amount"]["total"]))
        case {"payer": payer}:
            fields += [payer["beneficiaryId"], str(payer["amount"]["total"])]
        case {"amount": {"total": total}}:
            fields.append(str(total))
        case {"reason": reason}:
            fields.append(reason)
        case _:
            pass
    return fields


bounded = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


@each_call(any_calls)
@bounded
def test_any_call_is_answered_as_documented(
    case: Any, server: ProviderServer, session: requests.Session
) -> None:
    case.call_and_validate(base_url=server.api_url, session=session)


@each_call(good_calls)
@bounded
def test_a_well_formed_call_succeeds_as_documented(
    case: Any, server: ProviderServer, session: requests.Session
) -> None:
    reach_the_state(case, server.provider)
    response = case.call_and_validate(base_url=server.api_url, session=session)
    assert response.status_code == 200


def test_every_call_and_every_error_code_is_documented() -> None:
    documented = any_calls.raw_schema
    calls = [
        (method.upper(), BASE_PATH + path.replace("{id}", "fiawa31zot"))
        for path, item in documented["paths"].items()
        for method in item.keys() - {"parameters"}
    ]
    routes = [(method, pattern) for method, pattern, _ in ROUTES]
    for method, path in calls:
        assert [route for route in routes if route[0] == method and route[1].fullmatch(path)]
    assert len(calls) == len(routes)
    assert set(documented["components"]["schemas"]["Error"]["properties"]["errorCode"]["enum"]) == set(
        HTTP_STATUS
    )


@pytest.mark.parametrize("form", QrForm)
def test_the_answers_of_a_paid_sale_are_as_documented(
    server: ProviderServer, session: requests.Session, form: QrForm
) -> None:
    provider = server.provider
    provider.set_rules(qr_form=form)
    pre = provider.create_pre_transaction(Order("REF253", "T1-1", 4550, label="Été"))
    linked = provider.scan(HOLDER, pre.qr_payload)
    provider.validate(HOLDER, linked.transaction_id, 3000)
    for path, any_id in (
        ("/pre-transactions/{id}/", pre.pre_transaction_id),
        ("/payment-transactions/{id}/", linked.transaction_id),
    ):
        merchant = provider.merchant
        case = any_calls[path]["GET"].Case(
            path_parameters={"id": any_id},
            headers={"ANCV-Security": make_header(merchant.seal_key, merchant.seal_key_version, [any_id])},
        )
        answer = case.call_and_validate(base_url=server.api_url, session=session).json()
        transaction = (
            answer["preTransaction"]["transaction"] if "preTransaction" in answer else answer["transaction"]
        )
        assert transaction["payers"][0]["authorizations"][0]["amount"]["total"] == 3000
