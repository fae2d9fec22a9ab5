"""From a raw label to what may be a customer's identifier. Pure.

An identifier is 11 digits or an e-mail address. It may come bare, or in an envelope: after a prefix, in a URL's
parameter, in a JSON object's field. Everything else is refused with a reason that the till can put into words.

Product codes have 8, 12, 13 or 14 digits. A UPC-A of which the scanner drops the check digit has 11, and passes for an identifier
unless the AIM identifier (`]E0`) or the allow-list tells: set scanners to send the one.

Source: ISO/IEC 15424 (AIM symbology identifiers: `]`, code character, modifier; `]E` is EAN/UPC).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.identifier import is_identifier
from cvconnect_drivers.scanners.layouts import misread

Refusal: TypeAlias = Literal["PRODUCT_CODE", "DAMAGED", "NOT_AN_IDENTIFIER", "LAYOUT_MISMATCH", "SYMBOLOGY"]

_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
# EAN-8, UPC-A, EAN-13, GTIN-14.
_PRODUCT_DIGITS = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_EAN_UPC = "]E"
_DAMAGED = "\ufffd"

_GS = "\x1d"
_GS1: Final = frozenset({"]C1", "]Q3", "]Q4", "]d2", "]d5", "]e0", "]e1", "]e2", "]z1", "]J1"})
"""Symbologies with FNC1 in the first position: they hold GS1 element strings.

Source: GS1 General Specifications, "Symbology identifiers"; ISO/IEC 15424, modifiers of Q, d and z.
"""

_GS1_PRODUCTS: Final = ("01", "02", "03", "8006", "8026")
"""Application identifiers of goods: GTIN, contained GTIN, made-to-order GTIN, ITIP, contained ITIP."""

_GS1_LENGTHS: Final = {
    "00": 20, "04": 18, "20": 4, "41": 16,
    **dict.fromkeys(["11", "12", "13", "14", "15", "16", "17", "18", "19"], 8),
    **dict.fromkeys(["31", "32", "33", "34", "35", "36"], 10),
}  # fmt: skip
"""Elements that no separator ends: their first two digits, and their length.

Source: GS1 General Specifications, "Element strings with predefined length using GS1 Application Identifiers".
"""


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


def read_label(raw: RawLabel, envelope: Envelope, allowed: frozenset[str] | None = None) -> Label:
    """Read a raw label.

    Args:
        raw: What was cut out of bytes or keys.
        envelope: What the identifier may be wrapped in.
        allowed: How the AIM identifiers begin of the symbologies that are taken (`]Q`, `Q`, `]C0`); a label that does not tell its
            symbology is then not taken. None or empty: all.

    Returns:
        The label, with a refusal when it cannot be an identifier. A product code is one in any symbology.
    """
    # A device sends U+FFFD itself for what it could not read.
    whole = _DAMAGED if raw.damage is not None else raw.data.decode("utf-8", errors="replace")
    aim, text = _without_aim(whole, raw.symbology)
    is_gs1 = aim in _GS1
    if _is_damaged(text.replace(_GS, "") if is_gs1 else text):
        return Label("", aim, "DAMAGED")
    inside = _open(text, envelope)
    if _is_product(aim, inside):
        return Label(inside, aim, "PRODUCT_CODE")
    is_good = not is_gs1 and is_identifier(inside)
    # A keyboard's e-mail address must not be one in two layouts; other text is judged only once it is none.
    if (raw.layout or not is_good) and misread(whole, raw.layout, partial(_holds_identifier, envelope)):
        return Label(inside, aim, "LAYOUT_MISMATCH")
    if allowed and not _is_allowed(aim, allowed):
        return Label(inside, aim, "SYMBOLOGY")
    return Label(inside, aim, None if is_good else "NOT_AN_IDENTIFIER")


def _without_aim(whole: str, told: str | None) -> tuple[str | None, str]:
    """Take the AIM identifier off; one that the device told beside the text may stand there once more."""
    found = _AIM.match(whole)
    if told is not None:
        return told, whole.removeprefix(told).strip(" ")
    return (found[0], whole[found.end() :].strip(" ")) if found else (None, whole.strip(" "))


def _is_damaged(text: str) -> bool:
    return _DAMAGED in text or any(unicodedata.category(character) == "Cc" for character in text)


def _is_product(aim: str | None, text: str) -> bool:
    if aim in _GS1:
        return _names_goods(text)
    return (aim or "").startswith(_EAN_UPC) or _PRODUCT_DIGITS.fullmatch(text) is not None


def _names_goods(text: str) -> bool:
    """Tell whether one element of a GS1 element string says which goods these are."""
    while text := text.lstrip(_GS):
        if text.startswith(_GS1_PRODUCTS):
            return True
        length = _GS1_LENGTHS.get(text[:2])
        text = text.partition(_GS)[2] if length is None else text[length:]
    return False


def _is_allowed(aim: str | None, allowed: frozenset[str]) -> bool:
    return aim is not None and aim[1:].startswith(tuple(start.removeprefix("]") for start in allowed))


def _holds_identifier(envelope: Envelope, whole: str) -> bool:
    return is_identifier(_open(_without_aim(whole, None)[1], envelope))


def _open(text: str, envelope: Envelope) -> str:
    """Take the envelope off; text that is in none stays as it is."""
    for unwrap, key in (
        (_after_prefix, envelope.prefix),
        (_url_value, envelope.url_parameter),
        (_json_value, envelope.json_field),
    ):
        inside = unwrap(text, key) if key else None
        if inside is not None:
            return inside
    return text


def _after_prefix(text: str, prefix: str) -> str | None:
    return text.removeprefix(prefix) if text.startswith(prefix) else None


def _url_value(text: str, parameter: str) -> str | None:
    try:
        url = urlsplit(text)
        values = parse_qs(url.query, keep_blank_values=True).get(parameter, [])
    except ValueError:
        return None
    # Two values would be a guess.
    return values[0] if url.scheme in {"http", "https"} and len(values) == 1 else None


def _json_value(text: str, field_name: str) -> str | None:
    if not text.startswith("{"):
        return None
    try:
        value = cast("dict[str, object]", json.loads(text, object_pairs_hook=_once_each)).get(field_name)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field stands twice")  # the reader's cue to refuse: which one is meant is a guess
    return fields
