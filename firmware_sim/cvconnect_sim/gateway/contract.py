"""The dialect of what goes out: domain to JSON, and the HTTP status of each error code.

Source: modelled on public integrations, unverified against the ANCV. Types vary on purpose, as they do there:
currency comes back as text, merchant ids as numbers, dates with an offset and two or three fractional digits.
Unverified: the HTTP statuses and everything about pre-transactions are ours.

Does not model: fields of the real answers that no public integration reads.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cvconnect_sim.gateway.domain import (
    Merchant,
    Payer,
    PreTransaction,
    QrForm,
    Transaction,
)
from cvconnect_sim.gateway.qr import qr_png
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cvconnect_sim.gateway.till_desk import Page

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


def transaction_answer(transaction: Transaction, merchant: Merchant, now: datetime) -> Json:
    """Builds the answer that carries a transaction."""
    return _envelope(now) | {"transaction": _transaction(transaction, merchant)}


def page_answer(page: Page, merchant: Merchant, now: datetime) -> Json:
    """Builds the provisional answer that carries a part of a list."""
    return {
        "responseDate": _envelope(now)["responseDate"],
        "transactions": [_transaction(transaction, merchant) for transaction in page.transactions],
        "next": page.next_id,
    }


def notification(transaction: Transaction, merchant: Merchant) -> Json:
    """Builds what the provider sends to a merchant by itself; nothing signs it."""
    return {"transaction": _transaction(transaction, merchant)}


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
            "customerReference": order.customer_reference,
            "sellerId": order.seller_id,
            "expirationDate": _wire_date(order.expires_at) if order.expires_at else None,
        },
        "paymentMethod": {
            "tspdMode": "001",
            "captureMode": order.capture_mode.value,
            "captureDate": order.capture_date,
        },
        "redirectUrls": {"returnUrl": order.return_url, "cancelUrl": order.cancel_url},
        "payers": [_payer(payer) for payer in transaction.payers],
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
