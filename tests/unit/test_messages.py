"""The words: complete in both languages, never a traceback, never a secret."""

from __future__ import annotations

import dataclasses
import inspect
import re
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

import cvconnect_pos
from cvconnect_pos import CvConnectError, errors, events
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.events import Event
from cvconnect_pos.gateway.ancv import ERROR_CODES
from cvconnect_pos.messages import Language, reason_text
from cvconnect_pos.peripherals import PrintOutcome
from cvconnect_pos.texts import ERRORS, EVENTS

SOURCE = Path(cvconnect_pos.__file__).parent
NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_says_what_is_wrong_and_what_to_do_in_both_languages(code: str) -> None:
    words = ERRORS[code]
    assert words.fr and words.en and words.fr_remedy and words.en_remedy
    assert words.fr != words.en
    assert "'" not in words.fr + words.fr_remedy, "a French apostrophe is ’"
    assert words.fr[0].isupper() or words.fr[0] == "{"


def test_every_code_that_is_raised_has_its_words() -> None:
    raised = re.compile(
        r"(?:InvalidInput|ConfigError|JournalError|NotAllowedNow|CvConnectError)\(\s*\"([A-Z_]+)\""
    )
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    default = {kind.default_code for kind in kinds if issubclass(kind, CvConnectError)}
    found = default | set(ERROR_CODES)
    for file in SOURCE.rglob("*.py"):
        found |= set(raised.findall(file.read_text(encoding="utf-8")))
    assert found <= set(ERRORS)
    assert len(found) > 40


def test_an_error_without_its_fields_is_still_a_sentence() -> None:
    for code in ERRORS:
        error = CvConnectError(code)
        assert error.text("fr") and error.text("en") and str(error).startswith(code)


def test_an_unknown_code_has_words_too() -> None:
    assert CvConnectError("SOMETHING_NEW").text("fr") == ERRORS["INTERNAL"].fr
    assert reason_text("", "fr") == ""


EVENT_CLASSES = [
    kind for kind in vars(events).values()
    if inspect.isclass(kind) and issubclass(kind, Event) and kind not in {Event, events.NotPaid}
]  # fmt: skip


def sample(kind: type[Event]) -> Event:
    values: dict[str, Any] = {
        "at": NOW,
        "request_id": "r1",
        "expires_at": NOW,
        "outcome": "unknown",
        "surface": "qr",
    }
    for field in dataclasses.fields(kind):
        values.setdefault(field.name, 4550 if field.name.endswith("_cents") else "X")
    return kind(**{field.name: values[field.name] for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", EVENT_CLASSES)
@pytest.mark.parametrize("language", get_args(Language))
def test_an_event_says_itself_and_gives_itself_as_json(kind: type[Event], language: Language) -> None:
    import json

    event = sample(kind)
    text = event.text(language)
    assert text and "{" not in text
    assert json.loads(json.dumps(event.as_dict()))["event"] == kind.__name__
    assert set(EVENTS) == {k.__name__ for k in EVENT_CLASSES}


def test_a_partial_payment_says_what_is_left() -> None:
    event = events.Approved(
        request_id="r", at=NOW, asked_cents=4550, received_cents=3000, remaining_cents=1550, authorization="1",
        beneficiary="10*****3051",
    )  # fmt: skip
    assert (
        event.text("fr")
        == "Validé : 30,00\u00a0€ reçus sur 45,50\u00a0€ demandés, reste 15,50\u00a0€ à régler autrement."
    )


def test_every_outcome_of_a_ticket_has_words() -> None:
    for outcome in get_args(PrintOutcome):
        event = events.TicketPrinted(request_id="r", at=NOW, outcome=outcome, reason="", detail="")
        assert "…" not in event.text("fr")


def test_every_final_state_is_told() -> None:
    from cvconnect_pos.core.lifecycle import FINAL
    from cvconnect_pos.events import _ENTERED

    assert set(_ENTERED) >= FINAL | {State.DECIDING}
