"""All that happened to an operation, in words: its journal entries, one after the other. No identifier in clear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cvconnect_pos.core.attempt import Entry
from cvconnect_pos.messages import Language, labelled, reason_text, report_text
from cvconnect_pos.money import format_amount
from cvconnect_pos.operation import printable, status_of
from cvconnect_pos.texts import ENTRIES, OUTCOMES
from cvconnect_pos.tickets import PARIS

_INDENT: Final = " " * 21


def history_text(entries: Iterable[Entry], language: Language = "fr") -> str:
    """Say what happened, an entry after the other: when, what, where the operation stood then, and what became known.

    Args:
        entries: The entries of an operation, in order.
        language: French or English.

    Returns:
        The lines. What a person cannot read (pictures, references of the software) is left out.
    """
    return "\n".join(line for entry in entries for line in _lines(entry, language))


def _lines(entry: Entry, language: Language) -> list[str]:
    words = ENTRIES.get(entry.kind)
    said = words[0 if language == "fr" else 1] if words else entry.kind
    status = status_of(entry.state).text(language)
    facts = [
        _INDENT + labelled(report_text(f"fact_{name}", language), text, language)
        for name, read in _FACTS.items()
        if name in entry.data and (text := _read(read, entry.data[name], language))
    ]
    return [f"{entry.at.astimezone(PARIS):%d/%m/%Y %H:%M:%S}  {said} [{status}]", *facts]


def _read(read: Callable[[Any, Language], str], value: object, language: Language) -> str:
    """Read a fact; one that cannot be read is shown as unknown, and hides no other."""
    try:
        return "" if value is None else read(value, language)
    except (AttributeError, KeyError, TypeError, ValueError):
        return report_text("unknown", language)


def _amount(cents: int, _language: Language) -> str:
    return format_amount(cents)


def _text(value: str, _language: Language) -> str:
    return printable(value)


def _way(value: str, language: Language) -> str:
    return report_text(f"way_{value}", language)


def _when(value: str, _language: Language) -> str:
    return f"{datetime.fromisoformat(value).astimezone(PARIS):%d/%m/%Y %H:%M:%S}" if value else ""


def _authorizations(items: Iterable[Mapping[str, Any]], language: Language) -> str:
    unknown = report_text("unknown", language)
    amounts = (
        (item["number"], unknown if item["amount_cents"] is None else format_amount(item["amount_cents"]))
        for item in items
    )
    return ", ".join(f"{number} ({amount})" for number, amount in amounts)


def _ticket(value: str, language: Language) -> str:
    return OUTCOMES[value][0 if language == "fr" else 1]


def _surplus(cents: int, language: Language) -> str:
    return _amount(cents, language) if cents else ""


_FACTS: Final[dict[str, Callable[[Any, Language], str]]] = {
    "amount_cents": _amount,
    "basket_ref": _text,
    "way": _way,
    "seller_id": _text,
    "customer_ref": _text,
    "label": _text,
    "beneficiary": _text,  # masked before it was written
    "transaction_id": _text,
    "expires_at": _when,
    "reserved_cents": _amount,
    "capture_cents": _amount,
    "received_cents": _amount,
    "surplus_cents": _surplus,
    "authorizations": _authorizations,
    "reason": reason_text,
    "job": _text,
    "ticket": _ticket,
    "ticket_why": reason_text,
}
"""What a person reads of an entry's data, in this order. The rest is for the software."""
