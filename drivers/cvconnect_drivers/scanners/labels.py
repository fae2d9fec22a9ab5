"""From a raw label to what may be a customer's identifier. Pure.

An identifier is 11 digits or an e-mail address. It may come bare, or in an envelope: after a prefix, in a URL's
parameter, in a JSON object's field. Everything else is refused with a reason that the till can put into words.

Source: AIM symbology identifiers, ISO/IEC 15424 (`]` + code letter + modifier; `]E` is EAN/UPC).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from cvconnect_drivers.scanners.framing import RawLabel

Refusal: TypeAlias = Literal["PRODUCT_CODE", "DAMAGED", "NOT_AN_IDENTIFIER"]

_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_CUSTOMER_NUMBER = re.compile(r"[0-9]{11}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_MAX_EMAIL = 254
# EAN-8, UPC-A, EAN-13, GTIN-14.
_PRODUCT_DIGITS = re.compile(r"[0-9]{8}|[0-9]{12,14}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an identifier may be wrapped in; an empty text means that this wrapping is not expected.

    Args:
        prefix: What stands before it (`CVCO:`).
        url_parameter: The parameter of an http(s) URL that holds it.
        json_field: The field of a JSON object that holds it.
    """

    prefix: str = ""
    url_parameter: str = ""
    json_field: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One label, framing, symbology identifier and envelope taken off.

    Args:
        text: What may be an identifier, or what was read instead; personal, so no repr shows it.
        symbology: The AIM identifier, or None.
        refusal: Why it cannot be an identifier, or None.
    """

    text: str = field(repr=False)
    symbology: str | None = None
    refusal: Refusal | None = None


def read_label(raw: RawLabel, envelope: Envelope) -> Label:
    """Read a raw label.

    Args:
        raw: What the framer cut out.
        envelope: What the identifier may be wrapped in.

    Returns:
        The label, with a refusal when it cannot be an identifier.
    """
    if raw.damage is not None:
        return Label("", None, "DAMAGED")
    try:
        text = raw.data.decode("utf-8")
    except UnicodeDecodeError:
        return Label("", None, "DAMAGED")
    symbology = _AIM.match(text)
    aim = symbology[0] if symbology else None
    text = (text[len(aim) :] if aim else text).strip(" ")
    if any(unicodedata.category(character) == "Cc" for character in text):
        return Label("", aim, "DAMAGED")
    if aim is not None and aim.startswith("]E"):
        return Label(text, aim, "PRODUCT_CODE")
    for unwrap, key in (
        (_after_prefix, envelope.prefix),
        (_url_value, envelope.url_parameter),
        (_json_value, envelope.json_field),
    ):
        inside = unwrap(text, key) if key else None
        if inside is not None:
            text = inside
            break
    return Label(text, aim, _refusal(text))


def _refusal(text: str) -> Refusal | None:
    if _CUSTOMER_NUMBER.fullmatch(text) or (len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text)):
        return None
    return "PRODUCT_CODE" if _PRODUCT_DIGITS.fullmatch(text) else "NOT_AN_IDENTIFIER"


def _after_prefix(text: str, prefix: str) -> str | None:
    return text.removeprefix(prefix) if text.startswith(prefix) else None


def _url_value(text: str, parameter: str) -> str | None:
    try:
        url = urlsplit(text)
        values = parse_qs(url.query).get(parameter, [])
    except ValueError:
        return None
    # Two values would be a guess.
    return values[0] if url.scheme in {"http", "https"} and len(values) == 1 else None


def _json_value(text: str, field_name: str) -> str | None:
    if not text.startswith("{"):
        return None
    try:
        value = cast("dict[str, object]", json.loads(text)).get(field_name)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None
