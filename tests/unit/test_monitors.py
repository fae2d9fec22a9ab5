"""Which monitor is the customer's, where the window goes, and what is told to the process that owns it."""

from __future__ import annotations

import ctypes
import json
import sys
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.displays import told
from cvconnect_drivers.displays.monitors import Monitor, NoScreenError, choose, open_monitors
from cvconnect_drivers.displays.window_place import Place
from cvconnect_pos.peripherals import PaymentPrompt

TILL = Monitor("eDP-1", 0, 0, 1280, 800, is_primary=True)
MIRROR = Monitor("HDMI-1", 0, 0, 1280, 800)
RIGHT = Monitor("HDMI-2", 1280, 0, 800, 480)
LEFT = Monitor("DP-1", -1024, 0, 1024, 600)


@pytest.mark.parametrize(
    ("there", "name", "chosen"),
    [
        ([], "", None),
        ([TILL], "", None),
        ([TILL, RIGHT], "", RIGHT),
        ([RIGHT, TILL], "", RIGHT),
        ([LEFT, TILL, RIGHT], "", LEFT),
        ([TILL, MIRROR], "", None),
        ([TILL, MIRROR, RIGHT], "", RIGHT),
        ([RIGHT, LEFT], "", LEFT),  # none is primary: the first is the till's
        ([TILL, RIGHT], "hdmi-2", RIGHT),
        ([TILL, RIGHT], "eDP-1", TILL),
        ([TILL, RIGHT], "HDMI-9", None),
    ],
)
def test_the_customers_monitor_is_the_one_that_is_named_or_shows_nothing_of_the_tills(
    there: list[Monitor], name: str, chosen: Monitor | None
) -> None:
    assert choose(there, name) == chosen


def test_a_window_fills_its_monitor_or_stands_in_a_corner_of_it() -> None:
    assert Place("", fullscreen=True, width=9, height=9).on(LEFT) == (1024, 600, -1024, 0)
    assert Place("", fullscreen=False, width=400, height=300).on(TILL) == (400, 300, 880, 0)
    assert Place("", fullscreen=False, width=4000, height=300).on(RIGHT) == (800, 300, 1280, 0)


def test_a_small_window_goes_to_the_customers_monitor_or_to_the_only_one() -> None:
    place = Place("", fullscreen=False, width=400, height=300)
    assert place.monitor_of([TILL, RIGHT]) == RIGHT
    assert place.monitor_of([TILL]) == TILL
    with pytest.raises(NoScreenError):
        place.monitor_of([])
    with pytest.raises(NoScreenError, match="no monitor DP-9"):
        Place("DP-9", fullscreen=False, width=400, height=300).monitor_of([TILL])


def test_macos_is_refused_with_what_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NoScreenError) as caught:
        open_monitors()
    assert "web:" in caught.value.fr


def test_a_till_without_librandr_is_told_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(NoScreenError) as caught:
        open_monitors()
    assert "apt-get install libxrandr2" in caught.value.fr


texts = st.text(max_size=20)


@given(
    st.builds(
        PaymentPrompt,
        state=st.sampled_from(["idle", "waiting", "paid"]),
        title=texts,
        amount=texts,
        instruction=texts,
        qr_payload=st.none() | texts,
        qr_png=st.none() | st.binary(max_size=20),
        notice=texts,
    )
)
def test_a_prompt_arrives_as_it_was_told(prompt: PaymentPrompt) -> None:
    arrived = told.read(json.loads(json.dumps(told.write(prompt))))
    assert {each.name: getattr(arrived, each.name) for each in fields(arrived)} == {
        each.name: getattr(prompt, each.name) for each in fields(prompt)
    }


def test_a_qr_that_has_ended_is_no_more_told() -> None:
    ended = told.Told("waiting", amount="1", qr_payload="x", qr_png=b"y", expires_text="Valable").ended()
    assert (ended.qr_payload, ended.qr_png, ended.expires_text) == (None, None, "")
    assert (ended.amount, ended.instruction) == ("1", told.ENDED)
