"""The dialect of what comes in: bodies and query strings, checked and turned into values.

Source: modelled on public integrations, unverified against the ANCV.
Unverified: lists, captures, wished expiry and the lengths of texts are ours.

Does not model: fields that the provider may know and no public integration sends.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import parse_qsl

from cvconnect_sim.gateway.domain import CaptureMode, Order
from cvconnect_sim.gateway.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]

ANY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
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


@dataclass(frozen=True, slots=True)
class ListCall:
    """The query string of a list; `sealed` holds `from` and `to` as they were written."""

    created_from: datetime
    created_to: datetime
    after_id: str | None
    sealed: tuple[str, str]


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
            customer_reference=_optional_text(order, "customerReference", 64),
            seller_id=_optional_text(order, "sellerId", 64),
            expires_at=_moment(order, "expirationDate") if "expirationDate" in order else None,
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


def parse_capture(body: Json) -> tuple[int, int]:
    """Reads the amount in cents and the currency of a capture.

    Raises:
        RefusedError: BAD_REQUEST.
    """
    return _amount(body)


def parse_list(query: str) -> ListCall:
    """Reads the query string of a list.

    Raises:
        RefusedError: BAD_REQUEST; unknown fields are ignored, a field given twice is refused.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=16
        )
    except ValueError:
        raise RefusedError("BAD_REQUEST") from None
    fields: dict[str, object] = dict(pairs)
    after = fields.get("after")
    if len(fields) != len(pairs) or (after is not None and not ANY_ID.fullmatch(str(after))):
        raise RefusedError("BAD_REQUEST")
    return ListCall(
        created_from=_moment(fields, "from"),
        created_to=_moment(fields, "to"),
        after_id=None if after is None else str(after),
        sealed=(str(fields["from"]), str(fields["to"])),
    )


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


def _optional_text(parent: Json, key: str, most: int) -> str | None:
    return _text(parent, key, most) if key in parent else None


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
    """Checks an instant and leaves it as it was written."""
    _moment(parent, key)
    return str(parent[key])


def _moment(parent: Mapping[str, object], key: str) -> datetime:
    value = parent.get(key)
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise RefusedError("BAD_REQUEST")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError("BAD_REQUEST") from None
