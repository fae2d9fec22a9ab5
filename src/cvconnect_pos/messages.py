"""What is said to people: the texts of `texts`, filled in, in French for the till and in English for those who build it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from cvconnect_pos.texts import ERRORS, EVENTS, OUTCOMES, REMAINDER, REPORTS

Language: TypeAlias = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Message:
    """A text, and what to do about it."""

    text: str
    remedy: str = ""


class _Fields(dict[str, Any]):
    """A text is shown even where a field is missing."""

    def __missing__(self, key: str) -> str:
        return "…"


def error_message(code: str, fields: Mapping[str, object], language: Language) -> Message:
    """Give the words of an error.

    Args:
        code: Its stable code; an unknown one gets the words of `INTERNAL`.
        fields: What the words need.
        language: French or English.

    Returns:
        The text and the remedy.
    """
    words = ERRORS.get(code, ERRORS["INTERNAL"])
    text, remedy = (words.fr, words.fr_remedy) if language == "fr" else (words.en, words.en_remedy)
    known = _Fields(fields)
    return Message(text.format_map(known), remedy.format_map(known))


def reason_text(code: str, language: Language) -> str:
    """Give the words and the remedy of a reason code on one line; an empty text for none."""
    if not code:
        return ""
    message = error_message(code, {}, language)
    return f"{message.text} {message.remedy}".strip()


def event_text(name: str, values: Mapping[str, Any], language: Language) -> str:
    """Give the words of an event.

    Args:
        name: The event's name.
        values: Its fields.
        language: French or English.

    Returns:
        One line.
    """
    from cvconnect_pos.money import format_amount

    column = 0 if language == "fr" else 1
    known = _Fields(values)
    for key, value in values.items():
        if key.endswith("_cents") and isinstance(value, int):
            known[key.removesuffix("_cents")] = format_amount(value)
    remaining = values.get("remaining_cents", 0)
    known["remainder"] = REMAINDER[column].format(format_amount(remaining)) if remaining else ""
    known["reason_text"] = reason_text(str(values.get("reason", "")), language)
    known["why_text"] = reason_text(str(values.get("why", "")), language)
    again = "_again" if values.get("will_retry") else ""
    outcome = OUTCOMES.get(f"{values.get('outcome', '')}{again}")
    known["outcome_text"] = outcome[column] if outcome else "…"
    return EVENTS[name][column].format_map(known).strip()


def labelled(label: str, said: str, language: Language) -> str:
    """Put a label before a text, with the colon of the language."""
    return f"{label}{' : ' if language == 'fr' else ': '}{said}"


def report_text(key: str, language: Language, **values: object) -> str:
    """Give the words of a report: a key of `REPORTS`, and what its words need."""
    return REPORTS[key][0 if language == "fr" else 1].format_map(_Fields(values))
