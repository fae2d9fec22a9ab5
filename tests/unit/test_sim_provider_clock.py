"""The clocks and the errors that every simulator shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cvconnect_sim.clock import SystemClock, VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import RefusedError
from cvconnect_sim.gateway.contract import HTTP_STATUS
from cvconnect_sim.gateway.refusals import REFUSALS


def test_a_virtual_clock_moves_only_when_told_and_both_faces_together() -> None:
    start = datetime(2026, 3, 29, 1, 59, tzinfo=timezone(timedelta(hours=1)))
    clock = VirtualClock(start)
    assert (clock.now(), clock.monotonic()) == (start, 0.0)
    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (start + timedelta(seconds=90), 90.0)
    assert clock.now().tzinfo is UTC


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-0.001)
    assert clock.monotonic() == 0.0


def test_the_system_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    first_s = clock.monotonic()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= first_s


def test_an_error_carries_its_code_and_both_languages() -> None:
    error = SimError("QR_NOT_FOUND", "Aucun QR code.", "No QR code.")
    assert (error.code, error.text(), error.text("en")) == ("QR_NOT_FOUND", "Aucun QR code.", "No QR code.")
    assert str(error) == "QR_NOT_FOUND: No QR code."


def test_every_refusal_has_a_status_and_texts_in_both_languages() -> None:
    assert HTTP_STATUS.keys() == REFUSALS.keys()
    for code in REFUSALS:
        refusal = RefusedError(code)
        assert refusal.code == code
        assert refusal.fr.endswith(".")
        assert refusal.en.endswith(".")
        assert refusal.fr != refusal.en
