"""The provider's calls: one HTTP request in, one answer out, no sockets. Routes, seals, refusals.

Does not model: TLS, client certificates, rate limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from cvconnect_sim.gateway import calls, contract, seal
from cvconnect_sim.gateway.domain import PreTransaction, Transaction
from cvconnect_sim.gateway.refusals import RefusedError
from cvconnect_sim.gateway.till_desk import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cvconnect_sim.gateway.provider import Provider


@dataclass(frozen=True, slots=True)
class Request:
    """One call as received.

    Args:
        method: HTTP method in capitals.
        path: Path with its query string.
        headers: Names in lower case.
        body: Empty when there is none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a JSON body, an HTTP status, and headers such as `Date`."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Handler: TypeAlias = "Callable[[ProviderApi, Request, str], Transaction | PreTransaction | Page]"


class ProviderApi:
    """Answers requests from a provider's state.

    Args:
        provider: Whose state it is.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider: Final = provider

    def answer(self, request: Request) -> Answer:
        """Answers one request; never raises."""
        try:
            result = self._dispatch(request)
        except _NoSuchMethodError as error:
            return self._refusal(
                RefusedError("BAD_REQUEST"), HTTPStatus.METHOD_NOT_ALLOWED, Allow=error.allowed
            )
        except _NoSuchPathError:
            return self._refusal(RefusedError("BAD_REQUEST"), HTTPStatus.NOT_FOUND)
        except RefusedError as refusal:
            forced = self.provider.rules.error_http_status
            return self._refusal(refusal, forced or contract.HTTP_STATUS[refusal.code])
        now, merchant = self.provider.clock.now(), self.provider.merchant
        match result:
            case Transaction():
                document = contract.transaction_answer(result, merchant, now)
            case Page():
                document = contract.page_answer(result, merchant, now)
            case PreTransaction():
                form = self.provider.rules.qr_form
                document = contract.pre_transaction_answer(result, merchant, now, form)
        return Answer(HTTPStatus.OK, contract.encode(document), self._date())

    def _refusal(self, refusal: RefusedError, status: int, **headers: str) -> Answer:
        return Answer(status, contract.encode(contract.error_answer(refusal)), self._date() | headers)

    def _date(self) -> dict[str, str]:
        """The provider's clock, by which a till judges the window of cancellation."""
        return {"Date": format_datetime(self.provider.clock.now(), usegmt=True)}

    def _dispatch(self, request: Request) -> Transaction | PreTransaction | Page:
        path = request.path.partition("?")[0]
        allowed: list[str] = []
        for method, pattern, handler in ROUTES:
            if found := pattern.fullmatch(path):
                if method == request.method:
                    return handler(self, request, found.groupdict().get("id", ""))
                allowed.append(method)
        if allowed:
            raise _NoSuchMethodError(", ".join(allowed))
        raise _NoSuchPathError

    def _check_seal(self, request: Request, sealed: tuple[str, ...]) -> None:
        merchant = self.provider.merchant
        header = request.headers.get(seal.HEADER.lower(), "")
        if not seal.is_genuine(header, merchant.seal_key, merchant.seal_key_version, sealed):
            raise RefusedError("INVALID_SEAL")

    def _checked_create(self, request: Request) -> calls.CreateCall:
        call = calls.parse_create(calls.parse_body(request.body))
        merchant = self.provider.merchant
        # The key belongs to the merchant, so an unknown merchant has no seal to check.
        if (call.shop_id, call.service_provider_id) != (merchant.shop_id, merchant.service_provider_id):
            raise RefusedError("MERCHANT_NOT_ALLOWED")
        self._check_seal(request, call.sealed)
        return call

    def create(self, request: Request, _: str) -> Transaction:
        """`POST /payment-transactions/`."""
        return self.provider.create(self._checked_create(request).order)

    def payer(self, request: Request, transaction_id: str) -> Transaction:
        """`POST /payment-transactions/{id}/payer/`."""
        call = calls.parse_payer(calls.parse_body(request.body))
        self._check_seal(request, call.sealed(transaction_id))
        return self.provider.set_payer(transaction_id, call.beneficiary_id, call.amount_cents, call.currency)

    def cancel(self, request: Request, transaction_id: str) -> Transaction:
        """`POST /payment-transactions/{id}/cancellation/`."""
        self._check_cancellation(request, transaction_id)
        return self.provider.cancel(transaction_id)

    def capture(self, request: Request, transaction_id: str) -> Transaction:
        """`POST /payment-transactions/{id}/capture/`, provisional."""
        amount_cents, currency = calls.parse_capture(calls.parse_body(request.body))
        self._check_seal(request, (transaction_id, str(amount_cents)))
        return self.provider.capture(transaction_id, amount_cents, currency)

    def release(self, request: Request, transaction_id: str) -> Transaction:
        """`POST /payment-transactions/{id}/release/`, provisional."""
        calls.parse_body(request.body)
        self._check_seal(request, (transaction_id,))
        return self.provider.release(transaction_id)

    def listing(self, request: Request, _: str) -> Page:
        """`GET /payment-transactions/?from=...&to=...&after=...`, provisional."""
        call = calls.parse_list(request.path.partition("?")[2])
        self._check_seal(request, (self.provider.merchant.shop_id, *call.sealed))
        return self.provider.page(call.created_from, call.created_to, call.after_id)

    def status(self, request: Request, transaction_id: str) -> Transaction:
        """`GET /payment-transactions/{id}/`."""
        self._check_seal(request, (transaction_id,))
        return self.provider.transaction(transaction_id)

    def create_pre(self, request: Request, _: str) -> PreTransaction:
        """`POST /pre-transactions/`, provisional."""
        return self.provider.create_pre_transaction(self._checked_create(request).order)

    def status_pre(self, request: Request, pre_transaction_id: str) -> PreTransaction:
        """`GET /pre-transactions/{id}/`, provisional."""
        self._check_seal(request, (pre_transaction_id,))
        return self.provider.pre_transaction(pre_transaction_id)

    def cancel_pre(self, request: Request, pre_transaction_id: str) -> PreTransaction:
        """`POST /pre-transactions/{id}/cancellation/`, provisional."""
        self._check_cancellation(request, pre_transaction_id)
        return self.provider.cancel_pre_transaction(pre_transaction_id)

    def _check_cancellation(self, request: Request, any_id: str) -> None:
        reason = calls.parse_reason(calls.parse_body(request.body))
        self._check_seal(request, (any_id, reason))


class _NoSuchPathError(Exception):
    """No call has this path."""


class _NoSuchMethodError(Exception):
    """The path exists, the method does not."""

    def __init__(self, allowed: str) -> None:
        super().__init__(allowed)
        self.allowed = allowed


def _route(method: str, path: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    pattern = re.escape(contract.BASE_PATH) + path.replace("{id}", "(?P<id>[A-Za-z0-9_-]{1,64})")
    return method, re.compile(pattern), handler


ROUTES: Final = (
    _route("POST", "/payment-transactions/", ProviderApi.create),
    _route("GET", "/payment-transactions/", ProviderApi.listing),
    _route("POST", "/payment-transactions/{id}/capture/", ProviderApi.capture),
    _route("POST", "/payment-transactions/{id}/release/", ProviderApi.release),
    _route("POST", "/payment-transactions/{id}/payer/", ProviderApi.payer),
    _route("POST", "/payment-transactions/{id}/cancellation/", ProviderApi.cancel),
    _route("GET", "/payment-transactions/{id}/", ProviderApi.status),
    _route("POST", "/pre-transactions/", ProviderApi.create_pre),
    _route("GET", "/pre-transactions/{id}/", ProviderApi.status_pre),
    _route("POST", "/pre-transactions/{id}/cancellation/", ProviderApi.cancel_pre),
)
