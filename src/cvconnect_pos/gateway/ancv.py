"""The ANCV's dialect: paths, fields, seals and error codes, all in this module.

Modelled on public integrations of 2019 to 2022, **unverified against the ANCV**: its specification is not public. A
vendor who holds the integration kit corrects it here, and nowhere else. What is marked *provisional* (the QR
pre-transactions; the deadline, customer reference and seller of an order; capture and release) is ours: only its
existence is public.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cvconnect_pos.core.attempt import Order
from cvconnect_pos.core.provider import PreTransaction, Transaction
from cvconnect_pos.errors import CredentialRefused, NoAnswer, ProviderRefused
from cvconnect_pos.gateway.reading import (
    ID,
    as_object,
    as_text,
    decode,
    read_pre_transaction,
    read_transaction,
)
from cvconnect_pos.gateway.seal import HEADER, SealKey
from cvconnect_pos.identifiers import Beneficiary
from cvconnect_pos.transports.base import HttpRequest, Transport

BASE_PATH: Final = "/acquisition/api/public/v1"
EURO: Final = "978"
CANCEL_REASON: Final = "OTHER"

CANCEL_WINDOW_S: Final = 4 * 3600.0
"""Source: the ANCV's leaflets for merchants (a payment can be cancelled within four hours). A refund after that, or
after the settlement, is not known to exist."""

RETRY_AFTER_MAX_S: Final = 600.0
"""A provider that asks to be left alone for longer is asked again all the same: a customer may be waiting."""

CREDENTIAL_CODES: Final = frozenset({"INVALID_SEAL", "MERCHANT_NOT_ALLOWED"})
"""Faults of the configuration: never retried."""

ERROR_CODES: Final = CREDENTIAL_CODES | {
    "BAD_REQUEST",
    "OPERATION_TRANSACTION_NOT_ALLOWED",
    "TRANSACTION_NOT_FOUND",
    "BENEFICIARY_NOT_FOUND",
    "OTHER_TRANSACTION_PENDING",
    "INVALID_TRANSACTION_AMOUNT",
    "INVALID_TRANSACTION_CURRENCY",
    "INTERNAL_SERVER_ERROR",
}
"""Every error code seen. The HTTP status that goes with each is unknown, so the body decides."""


_DENIED: Final = frozenset({401, 403})
"""Refused without a code: by the provider's front, for a firewall of ours would answer with a page.

Unverified. Source: RFC 9110, sections 15.5.2 and 15.5.4.
"""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who is paid.

    Args:
        shop_id: The shop's number at the provider (samples: 8 digits).
        service_provider_id: The service provider's number (samples: 6 digits).
        return_url: Where the provider's page would send a browser back; tills have none.
    """

    shop_id: str
    service_provider_id: str
    return_url: str = "https://localhost/"


class AncvGateway:
    """`PaymentGateway` in the ANCV's dialect.

    Args:
        transport: How requests travel; owned, closed with the gateway.
        merchant: Who is paid.
        key: What seals the requests.
        production: Whether real money moves.
    """

    def __init__(self, transport: Transport, merchant: Merchant, key: SealKey, *, production: bool) -> None:
        self._transport = transport
        self._merchant = merchant
        self._key = key
        self._production = production

    @property
    def is_production(self) -> bool:
        """Whether real money moves."""
        return self._production

    @property
    def fingerprint(self) -> str:
        """What tells the credential from another one: a digest of who seals, and of a seal that is never sent."""
        merchant = self._merchant
        seal = self._key.seal(("fingerprint", merchant.shop_id, merchant.service_provider_id))
        return hashlib.sha256(seal.encode()).hexdigest()[:32]

    @property
    def cancel_window_s(self) -> float:
        """For how long after the payment it can be given back, in seconds."""
        return CANCEL_WINDOW_S

    def create(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """`POST /payment-transactions/`, sealed: shopId, serviceProviderId, order.id, paymentId, total."""
        return self._transaction(*self._create("payment-transactions", order, payment_id, now, timeout_s))

    def create_qr(self, order: Order, payment_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        """`POST /pre-transactions/`, sealed as create. Provisional."""
        return self._pre_transaction(*self._create("pre-transactions", order, payment_id, now, timeout_s))

    def put_in_payment(
        self,
        transaction_id: str,
        beneficiary: Beneficiary,
        amount_cents: int,
        now: datetime,
        *,
        timeout_s: float,
    ) -> Transaction:
        """`POST /payment-transactions/{id}/payer/`, sealed: id, beneficiaryId, total."""
        payer = {"beneficiaryId": beneficiary.value, "amount": {"total": amount_cents, "currency": EURO}}
        return self._transaction(
            *self._post(
                f"payment-transactions/{_checked(transaction_id)}/payer",
                {"payer": payer},
                (transaction_id, beneficiary.value, amount_cents),
                now,
                timeout_s,
            )
        )

    def status(self, transaction_id: str, *, timeout_s: float) -> Transaction:
        """`GET /payment-transactions/{id}/`, sealed: id."""
        return self._transaction(*self._get(f"payment-transactions/{_checked(transaction_id)}", timeout_s))

    def qr_status(self, pre_transaction_id: str, *, timeout_s: float) -> PreTransaction:
        """`GET /pre-transactions/{id}/`, sealed: id. Provisional."""
        return self._pre_transaction(
            *self._get(f"pre-transactions/{_checked(pre_transaction_id)}", timeout_s)
        )

    def cancel(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """`POST /payment-transactions/{id}/cancellation/`, sealed: id, reason."""
        return self._transaction(*self._cancel("payment-transactions", transaction_id, now, timeout_s))

    def cancel_qr(self, pre_transaction_id: str, now: datetime, *, timeout_s: float) -> PreTransaction:
        """`POST /pre-transactions/{id}/cancellation/`, sealed: id, reason. Provisional."""
        return self._pre_transaction(*self._cancel("pre-transactions", pre_transaction_id, now, timeout_s))

    def capture(
        self, transaction_id: str, amount_cents: int, now: datetime, *, timeout_s: float
    ) -> Transaction:
        """`POST /payment-transactions/{id}/capture/`, sealed: id, total. Provisional."""
        return self._transaction(
            *self._post(
                f"payment-transactions/{_checked(transaction_id)}/capture",
                {"amount": {"total": amount_cents, "currency": EURO}},
                (transaction_id, amount_cents),
                now,
                timeout_s,
            )
        )

    def release(self, transaction_id: str, now: datetime, *, timeout_s: float) -> Transaction:
        """`POST /payment-transactions/{id}/release/`, sealed: id. Provisional."""
        path = f"payment-transactions/{_checked(transaction_id)}/release"
        return self._transaction(*self._post(path, {}, (transaction_id,), now, timeout_s))

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    # --- bodies ------------------------------------------------------------------------------------------------

    def _create(
        self, resource: str, order: Order, payment_id: str, now: datetime, timeout_s: float
    ) -> tuple[Mapping[str, Any], datetime | None]:
        merchant = self._merchant
        body = {
            "merchant": {"shopId": merchant.shop_id, "serviceProviderId": merchant.service_provider_id},
            "order": {
                "id": order.basket_ref,
                "paymentId": payment_id,
                "label": order.label or order.basket_ref,
                "amount": {"total": order.amount_cents, "currency": EURO},
                **_optional(order, now),
            },
            "paymentMethod": {"tspdMode": "001", "captureMode": "DEFERRED" if order.reserve else "NORMAL"},
            "redirectUrls": {"returnUrl": merchant.return_url, "cancelUrl": merchant.return_url},
        }
        sealed = (
            merchant.shop_id,
            merchant.service_provider_id,
            order.basket_ref,
            payment_id,
            order.amount_cents,
        )
        return self._post(resource, body, sealed, now, timeout_s)

    def _cancel(
        self, resource: str, provider_id: str, now: datetime, timeout_s: float
    ) -> tuple[Mapping[str, Any], datetime | None]:
        path = f"{resource}/{_checked(provider_id)}/cancellation"
        return self._post(path, {"reason": CANCEL_REASON}, (provider_id, CANCEL_REASON), now, timeout_s)

    # --- the exchange ----------------------------------------------------------------------------------------------

    def _post(
        self, path: str, body: dict[str, Any], sealed: tuple[object, ...], now: datetime, timeout_s: float
    ) -> tuple[Mapping[str, Any], datetime | None]:
        import msgspec

        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            HEADER: self._key.seal(sealed),
        }
        payload = msgspec.json.encode({"requestDate": _instant(now)} | body)
        return self._exchange(HttpRequest("POST", f"{BASE_PATH}/{path}/", headers, payload), timeout_s)

    def _get(self, path: str, timeout_s: float) -> tuple[Mapping[str, Any], datetime | None]:
        headers = {"Accept": "application/json", HEADER: self._key.seal((path.rpartition("/")[2],))}
        return self._exchange(HttpRequest("GET", f"{BASE_PATH}/{path}/", headers), timeout_s)

    def _exchange(self, request: HttpRequest, timeout_s: float) -> tuple[Mapping[str, Any], datetime | None]:
        """Send, and read the body before the HTTP status: a known error code is an answer, anything else is none."""
        response = self._transport.send(request, timeout_s=timeout_s)
        try:
            answer = decode(response.body or b"{}")
        except NoAnswer as error:
            raise NoAnswer(
                reason=error.fields["reason"], status=response.status, **retry_after(response.headers)
            ) from error
        code = as_text(answer.get("errorCode"))
        if code in CREDENTIAL_CODES or (not code and response.status in _DENIED):
            raise CredentialRefused(code or "ACCESS_DENIED")
        if code == "INTERNAL_SERVER_ERROR":
            # It may have happened before the fault.
            raise NoAnswer(reason=code, status=response.status, **retry_after(response.headers))
        if code in ERROR_CODES:
            raise ProviderRefused(code, **retry_after(response.headers))
        if code or response.status not in range(200, 300):
            raise NoAnswer(reason="http_status", status=response.status, **retry_after(response.headers))
        return answer, provider_time(response.headers)

    @staticmethod
    def _transaction(answer: Mapping[str, Any], now: datetime | None) -> Transaction:
        return read_transaction(as_object(answer.get("transaction")), now)

    @staticmethod
    def _pre_transaction(answer: Mapping[str, Any], now: datetime | None) -> PreTransaction:
        return read_pre_transaction(as_object(answer.get("preTransaction")), now)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _optional(order: Order, now: datetime) -> dict[str, str]:
    """Write what a till may leave out. Provisional: only the label's place is public."""
    given = {"customerReference": order.customer_ref, "sellerId": order.seller_id}
    if order.delay_s:
        given["expirationDate"] = _instant(now + timedelta(seconds=order.delay_s))
    return {name: value for name, value in given.items() if value}


def retry_after(headers: Mapping[str, str]) -> dict[str, float]:
    """Read for how long the provider wants to be left alone: `retry_after_s`, or nothing.

    Source: RFC 9110, section 10.2.3 (seconds, or a date, which is read against the answer's own `Date`).
    """
    from email.utils import parsedate_to_datetime

    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return {}
        now = provider_time(headers)
        if now is None:
            return {}
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return {"retry_after_s": min(max(seconds, 0.0), RETRY_AFTER_MAX_S)}


def provider_time(headers: Mapping[str, str]) -> datetime | None:
    """Read the provider's clock from the `Date` header: it judges windows, ours does not.

    Source: RFC 9110, section 6.6.1.
    """
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # `-0000`: UTC, of unknown origin


def _checked(provider_id: str) -> str:
    """Refuse an id that could be more than one path segment."""
    if not ID.fullmatch(provider_id):
        raise NoAnswer(reason="provider_id")
    return provider_id
