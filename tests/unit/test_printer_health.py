"""What the person at the till reads of the printer, and how old it is."""

from __future__ import annotations

import pytest

from cvconnect_drivers.printers.health import health_of, with_age
from cvconnect_drivers.printers.status import decode_status
from cvconnect_drivers.shapes import Health

WELL = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}


@pytest.mark.parametrize(
    ("answers", "state", "said"),
    [
        ({}, "unknown", "ne dit rien"),
        (WELL, "ready", "prête."),
        (WELL | {4: 0x1E}, "ready", "bientôt épuisé"),
        (WELL | {4: 0x72}, "degraded", "plus de papier"),
        (WELL | {2: 0x16, 4: 0x72}, "degraded", "capot"),
        ({1: 0x12}, "ready", "prête."),
    ],
)
def test_a_state_has_its_sentence(answers: dict[int, int], state: str, said: str) -> None:
    health = health_of(decode_status(answers))
    assert health.state == state
    assert said in health.detail


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (0.0, "Prête."),
        (59.9, "Prête."),
        (60.0, "Prête. C’était il y a 1 min."),
        (3599.0, "Prête. C’était il y a 59 min."),
        (7300.0, "Prête. C’était il y a 2 h."),
    ],
)
def test_an_old_sentence_says_its_age(age_s: float, said: str) -> None:
    assert with_age(Health("ready", "Prête."), age_s) == Health("ready", said)
