"""The dialect of the wire: JSON to domain and back, and the HTTP status of each error code.

Source: modelled on public integrations, unverified against the ANCV. Types vary on purpose, as they do there:
currency comes back as text, merchant ids as numbers, dates with an offset and two or three fractional digits.
Unverified: the HTTP statuses and everything about pre-transactions are ours.

Does not model: fields of the real answers that no public integration reads.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from cvconnect_sim.gateway.domain import (
    CaptureMode,
    Merchant,
    Order,
    Payer,
    PreTransaction,
    QrForm,
    RefusedError,
    Transaction,
)
from cvconnect_sim.gateway.qr import qr_png

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]

BASE_PATH: Final = "/acquisition/api/public/v1"

HTTP_STATUS: Final[dict[str, int]] = {
    "BAD_REQUEST": 400,
    "INVALID_SEAL": 403,
    "MERCHANT_NOT_ALLOWED": 403,
    "OPERATION_TRANSACTION_NOT_ALLOWED": 409,
    "TRANSACTION_NOT_FOUND": 404,
    "BENEFICIARY_NOT_FOUND": 404,
    "OTHER_TRANSACTION_PENDING": 409,
    "INVALID_TRANSACTION_AMOUNT": 400,
    "INVALID_TRANSACTION_CURRENCY": 400,
    "INTERNAL_SERVER_ERROR": 500,
}

# A fixed offset, so that a client that drops it is wrong by an hour in every test, summer or winter.
WIRE_ZONE: Final = timezone(timedelta(hours=1))
INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CreateCall:
    """The body of `create`, for transactions and pre-transactions."""

    shop_id: str
    service_provider_id: str
    order: Order

    @property
    def sealed(self) -> tuple[str, ...]:
        """The sealed fields."""
        order = self.order
        return (
            self.shop_id,
            self.service_provider_id,
            order.order_id,
            order.payment_id,
            str(order.amount_cents),
        )


@dataclass(frozen=True, slots=True)
class PayerCall:
    """The body of `payer`."""

    beneficiary_id: str
    amount_cents: int
    currency: int

    def sealed(self, transaction_id: str) -> tuple[str, ...]:
        """The sealed fields."""
        return (transaction_id, self.beneficiary_id, str(self.amount_cents))


# --- from the wire


def parse_body(body: bytes) -> Json:
    """Reads a body that must be one JSON object with a `requestDate`.

    Raises:
        RefusedError: BAD_REQUEST.
    """
    try:
        document: object = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RefusedError("BAD_REQUEST") from None
    if not isinstance(document, dict):
        raise RefusedError("BAD_REQUEST")
    read = cast("Json", document)
    _instant(read, "requestDate")
    return read


def parse_create(body: Json) -> CreateCall:
    """Reads the body of `create`.

    Raises:
        RefusedError: BAD_REQUEST.
    """
    merchant, order = _object(body, "merchant"), _object(body, "order")
    method = _object(body, "paymentMethod")
    if method.get("tspdMode") != "001" or method.get("captureMode") not in tuple(CaptureMode):
        raise RefusedError("BAD_REQUEST")
    urls = _object(body, "redirectUrls") if "redirectUrls" in body else {}
    amount_cents, currency = _amount(order)
    return CreateCall(
        shop_id=_digits(merchant, "shopId"),
        service_provider_id=_digits(merchant, "serviceProviderId"),
        order=Order(
            order_id=_text(order, "id", 20),
            payment_id=_text(order, "paymentId", 64),
            amount_cents=amount_cents,
            currency=currency,
            label=_text(order, "label", 255, least=0) if "label" in order else "",
            capture_mode=CaptureMode(method["captureMode"]),
            capture_date=_instant(method, "captureDate") if "captureDate" in method else None,
            return_url=_text(urls, "returnUrl", 2048) if "returnUrl" in urls else None,
            cancel_url=_text(urls, "cancelUrl", 2048) if "cancelUrl" in urls else None,
        ),
    )


def parse_payer(body: Json) -> PayerCall:
    """Reads the body of `payer`.

    Raises:
        RefusedError: BAD_REQUEST.
    """
    payer = _object(body, "payer")
    amount_cents, currency = _amount(payer)
    return PayerCall(_text(payer, "beneficiaryId", 254), amount_cents, currency)


def parse_reason(body: Json) -> str:
    """Reads the reason of a cancellation.

    Raises:
        RefusedError: BAD_REQUEST.
    """
    return _text(body, "reason", 64)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(parent: Json, key: str) -> Json:
    value: object = parent.get(key)
    if not isinstance(value, dict):
        raise RefusedError("BAD_REQUEST")
    return cast("Json", value)


def _text(parent: Json, key: str, most: int, least: int = 1) -> str:
    value: object = parent.get(key)
    if not isinstance(value, str) or not least <= len(value) <= most or not _is_unicode(value):
        raise RefusedError("BAD_REQUEST")
    return value


def _is_unicode(value: str) -> bool:
    """JSON can escape half a surrogate pair, which no UTF-8 text and so no seal can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _digits(parent: Json, key: str) -> str:
    """Merchant ids are digits; some clients send them as numbers."""
    value: object = parent.get(key)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,16}", text, re.ASCII):
        raise RefusedError("BAD_REQUEST")
    return text


def _amount(parent: Json) -> tuple[int, int]:
    amount = _object(parent, "amount")
    total: object = amount.get("total")
    if not isinstance(total, int) or isinstance(total, bool):
        raise RefusedError("BAD_REQUEST")
    currency = _digits(amount, "currency")
    return total, int(currency)


def _instant(parent: Json, key: str) -> str:
    value: object = parent.get(key)
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise RefusedError("BAD_REQUEST")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise RefusedError("BAD_REQUEST") from None
    return value


# --- to the wire


def transaction_answer(transaction: Transaction, merchant: Merchant, now: datetime) -> Json:
    """Builds the answer that carries a transaction."""
    return _envelope(now) | {"transaction": _transaction(transaction, merchant)}


def pre_transaction_answer(pre: PreTransaction, merchant: Merchant, now: datetime, qr_form: QrForm) -> Json:
    """Builds the provisional answer that carries a pre-transaction, with the linked transaction if there is one."""
    match qr_form:
        case QrForm.PAYLOAD:
            qr = {"payload": pre.qr_payload}
        case QrForm.PNG:
            qr = {"png": base64.b64encode(qr_png(pre.qr_payload)).decode()}
    wire: Json = {
        "id": pre.pre_transaction_id,
        "state": pre.state.value,
        "creationDate": _wire_date(pre.created_at),
        "expirationDate": _wire_date(pre.expires_at),
        "qr": qr,
    }
    if pre.transaction:
        wire["transaction"] = _transaction(pre.transaction, merchant)
    return _envelope(now) | {"preTransaction": wire}


def error_answer(refusal: RefusedError) -> Json:
    """Builds the answer of a refused call."""
    return {"errorCode": refusal.code, "errorMessage": refusal.en}


def encode(document: Mapping[str, object]) -> bytes:
    """Returns compact JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _envelope(now: datetime) -> Json:
    return {
        "responseDate": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "applicationContext": {"applicationId": "cvconnect-sim"},
    }


def _transaction(transaction: Transaction, merchant: Merchant) -> Json:
    order = transaction.order
    return {
        "id": transaction.transaction_id,
        "state": transaction.state.value,
        "subState": None,
        "creationDate": _wire_date(transaction.created_at),
        "updateDate": _wire_date(transaction.updated_at),
        "expirationDate": _wire_date(transaction.expires_at),
        "merchant": {
            "shopId": int(merchant.shop_id),
            "serviceProviderId": int(merchant.service_provider_id),
        },
        "order": {
            "id": order.order_id,
            "paymentId": order.payment_id,
            "label": order.label,
            "amount": _wire_amount(order.amount_cents),
        },
        "paymentMethod": {
            "tspdMode": "001",
            "captureMode": order.capture_mode.value,
            "captureDate": order.capture_date,
        },
        "redirectUrls": {"returnUrl": order.return_url, "cancelUrl": order.cancel_url},
        "payers": [_payer(transaction.payer)] if transaction.payer else [],
    }


def _payer(payer: Payer) -> Json:
    return {
        "beneficiaryId": payer.beneficiary_id,
        "amount": _wire_amount(payer.amount_cents),
        "authorizations": [
            {
                "number": authorization.number,
                "type": "CVCo",
                "amount": _wire_amount(authorization.amount_cents),
                "validationDate": _wire_date(authorization.validated_at),
                "holder": authorization.holder,
            }
            for authorization in payer.authorizations
        ],
    }


def _wire_amount(amount_cents: int) -> Json:
    return {"total": amount_cents, "currency": "978"}


def _wire_date(instant: datetime) -> str:
    """Three fractional digits, or two when the third would be zero."""
    text = instant.astimezone(WIRE_ZONE).isoformat(timespec="milliseconds")
    return re.sub(r"0([+-])", r"\1", text, count=1)
