"""Lenient reading of the provider's answers: types vary, fields are missing, states are new. Nothing is guessed.

Source: public integrations, unverified against the ANCV: the currency comes back as `"978"`, merchant ids as numbers,
dates with offsets and two or three fractional digits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from cvconnect_pos.core.provider import Authorization, PreTransaction, ProviderState, Transaction
from cvconnect_pos.errors import NoAnswer

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a provider's id may be made of, before it enters a path."""

_MAX_AUTHORIZATIONS = 64
"""A payment has one or two; more is not an answer."""


def decode(body: bytes) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises:
        NoAnswer: The body is empty, cut, HTML, or no object: what was asked may have happened.
    """
    import json

    import msgspec

    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:  # half a character in some text of it is no reason not to hear of a payment
            answer = json.loads(body.decode())
        except (ValueError, RecursionError) as error:
            raise NoAnswer(reason="unreadable_body") from error
    return as_object(answer)


def as_object(value: object) -> Mapping[str, Any]:
    """Take an object, or say that there was no answer."""
    if not isinstance(value, dict):
        raise NoAnswer(reason="unreadable_body")
    return cast("Mapping[str, Any]", value)


def _maybe(value: object) -> Mapping[str, Any]:
    """Take an object; anything else is an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [_maybe(item) for item in items if isinstance(item, dict)]  # pyright: ignore[reportUnknownArgumentType]


def as_text(value: object) -> str:
    """Take a text or an integer as text; anything else is empty."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # half a character becomes a question mark
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_cents(amount: object) -> int | None:
    """Take `{total, currency}` in euros as cents; None for anything else, a float or another currency included."""
    known = _maybe(amount)
    total = as_text(known.get("total"))
    if as_text(known.get("currency")) not in {"978", "EUR"}:
        return None
    return int(total) if re.fullmatch(r"[0-9]{1,12}", total) else None


_YEARS = range(2000, 2200)
"""What a date of a payment can be; the others mean *never*, or nothing."""


def as_time(value: object) -> datetime | None:
    """Take an ISO date with an offset, as UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    # Python reads three or six fractional digits; the provider writes two or three.
    text = re.sub(r"\.(\d{1,9})", lambda m: "." + m[1][:6].ljust(6, "0"), value, count=1)
    text = re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", text)
    try:
        moment = datetime.fromisoformat(text)
        known = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return known if known is not None and known.year in _YEARS else None


def _state(value: object) -> ProviderState:
    text = as_text(value)
    return ProviderState(text) if text in ProviderState.__members__ else ProviderState.UNRECOGNISED


_CAPTURE_DEFERRED = {"NORMAL": False, "DEFERRED": True}


def read_transaction(wire: Mapping[str, Any], provider_now: datetime | None) -> Transaction:
    """Read the `transaction` object.

    Raises:
        NoAnswer: It has no id that could be one.
    """
    payers = _objects(wire.get("payers"))
    grants = [grant for payer in payers for grant in _objects(payer.get("authorizations"))]
    transaction_id = as_text(wire.get("id"))
    if not ID.fullmatch(transaction_id) or len(grants) > _MAX_AUTHORIZATIONS:
        raise NoAnswer(reason="unreadable_body")
    return Transaction(
        transaction_id=transaction_id,
        state=_state(wire.get("state")),
        state_text=as_text(wire.get("state"))[:64],
        payment_id=as_text(_maybe(wire.get("order")).get("paymentId")),
        has_payer=bool(payers),
        payers_paid=sum(bool(_objects(payer.get("authorizations"))) for payer in payers),
        capture_deferred=_CAPTURE_DEFERRED.get(as_text(_maybe(wire.get("paymentMethod")).get("captureMode"))),
        authorizations=tuple(_authorization(grant) for grant in grants),
        expires_at=as_time(wire.get("expirationDate")),
        updated_at=as_time(wire.get("updateDate")),
        provider_time=provider_now,
    )


_MASKED = re.compile(r"(?=.*\*{3})(?!(?:.*[0-9]){7})[^\s]{1,64}")
"""Stars, and no more than the six digits that the provider leaves."""


def _authorization(wire: Mapping[str, Any]) -> Authorization:
    holder = as_text(wire.get("holder"))
    return Authorization(
        number=as_text(wire.get("number"))[:64],
        amount_cents=as_cents(wire.get("amount")),
        holder=holder if _MASKED.fullmatch(holder) else "",  # an identifier in clear is not ours to keep
        validated_at=as_time(wire.get("validationDate")),
    )


def read_pre_transaction(wire: Mapping[str, Any], provider_now: datetime | None) -> PreTransaction:
    """Read the `preTransaction` object. Provisional.

    Raises:
        NoAnswer: It has no id that could be one.
    """
    identifier = as_text(wire.get("id"))
    if not ID.fullmatch(identifier):
        raise NoAnswer(reason="unreadable_body")
    shown = _maybe(wire.get("qr"))
    linked = wire.get("transaction")
    return PreTransaction(
        pre_transaction_id=identifier,
        state=_state(wire.get("state")),
        state_text=as_text(wire.get("state"))[:64],
        qr_payload=as_text(shown.get("payload")) or None,
        qr_png=_picture(shown.get("png")),
        transaction=read_transaction(as_object(linked), provider_now) if linked is not None else None,
        expires_at=as_time(wire.get("expirationDate")),
        provider_time=provider_now,
    )


def _picture(value: object) -> bytes | None:
    try:
        picture = base64.b64decode(as_text(value), validate=True)
    except (binascii.Error, ValueError):
        return None
    return picture if picture.startswith(b"\x89PNG\r\n\x1a\n") else None
