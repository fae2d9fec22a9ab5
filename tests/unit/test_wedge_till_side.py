"""The till's side of a wedge: what it should swallow, what the driver gets, and what a page may send."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import count

import pytest
from evdev import ecodes
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.wedge import Wedge, open_scanner, wedge
from cvconnect_drivers.scanners.wedge_intake import Intake
from cvconnect_drivers.scanners.wedge_page import (
    DOM_KEYS,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    UNKNOWN_KEY,
    PageError,
    read_batch,
)
from cvconnect_drivers.scanners.wedge_source import MAX_QUEUE, WedgeSettings, WedgeSource
from cvconnect_drivers.scanners.wedge_till import MAX_TEXT, WedgeInputError

KEY_1, KEY_2, ENTER, ESC, F1, A, SHIFT = 2, 3, 28, 1, 59, 30, 42

_numbers = count()


@pytest.fixture
def till() -> Wedge:
    return Wedge(f"unit-{next(_numbers)}")


@pytest.fixture
def source(till: Wedge) -> Iterator[WedgeSource]:
    source = WedgeSource(till.inbox, Intake(), WedgeSettings())
    yield source
    source.close()


def tap(till: Wedge, code: int, at_s: float) -> tuple[bool, bool]:
    return till.key(code, True, at_s), till.key(code, False, at_s + 0.001)


def read(source: WedgeSource) -> list[tuple[bytes, str | None]]:
    return [(label.data, label.damage) for label in source.read(timeout_s=0)]


def test_nothing_is_swallowed_or_kept_before_a_station_listens(till: Wedge) -> None:
    assert tap(till, KEY_1, 1.0) == (False, False)
    assert not till.character("1", 1.0)
    assert not till.text("034", 1.0)
    source = WedgeSource(till.inbox, Intake(), WedgeSettings())
    assert read(source) == []
    source.close()


def test_keys_are_the_tills_until_it_is_armed(till: Wedge, source: WedgeSource) -> None:
    assert tap(till, KEY_1, 1.0) == (False, False)
    source.set_armed(True)
    assert tap(till, KEY_1, 9.0) == (True, True)
    assert tap(till, ESC, 19.0) == (False, False)
    assert tap(till, F1, 19.0) == (False, False)


def test_a_key_goes_up_where_it_went_down(till: Wedge, source: WedgeSource) -> None:
    assert not till.key(KEY_1, True, 1.0)
    source.set_armed(True)
    assert not till.key(KEY_1, False, 1.1)
    assert till.key(KEY_2, True, 9.0)
    source.set_armed(False)
    assert till.key(KEY_2, False, 99.0)


def test_a_label_comes_out(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    assert source.read(timeout_s=0) == []
    for n, code in enumerate((KEY_1, KEY_2, ENTER)):
        tap(till, code, 1 + n / 100)
    assert source.read(timeout_s=0) == [RawLabel(b"12", layout="us")]


def test_the_end_of_a_label_is_swallowed_after_it_was_disarmed(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    tap(till, KEY_1, 1.0)
    source.set_armed(False)
    assert tap(till, KEY_2, 1.1) == (True, True)
    assert tap(till, ENTER, 1.2) == (True, True)
    assert tap(till, KEY_1, 1.3) == (False, False)


def test_a_second_read_is_swallowed_and_later_typing_is_not(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    tap(till, KEY_1, 1.0)
    tap(till, ENTER, 1.1)
    source.set_armed(False)
    assert tap(till, KEY_1, 1.5) == (True, True)
    assert tap(till, ENTER, 1.6) == (True, True)
    assert tap(till, KEY_1, 2.5) == (False, False)


def test_what_was_complete_before_it_was_armed_is_delivered_to_nobody(
    till: Wedge, source: WedgeSource
) -> None:
    till.character("034\r", 1.0)
    assert source.pending
    source.set_armed(True)
    assert read(source) == [(b"", "TORN")]  # the one that its owner was told of
    till.character("815\r", 9.0)
    assert read(source) == [(b"815", None)]


def test_a_press_without_its_release_tears_the_label(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.key(KEY_1, True, 1.0)
    till.key(KEY_1, True, 1.1)
    tap(till, ENTER, 1.2)
    assert read(source) == [(b"", "TORN")]


def test_a_release_without_its_press_tears_the_label(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    tap(till, KEY_1, 1.0)
    till.key(A, False, 1.1)  # an input method took the press
    tap(till, ENTER, 1.2)
    assert read(source) == [(b"", "TORN")]


def test_a_key_that_repeats_counts_once(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    assert till.key(KEY_1, True, 1.0)
    assert till.key(KEY_1, True, 1.1, repeat=True)
    till.key(KEY_1, False, 1.15)
    tap(till, ENTER, 1.2)
    assert read(source) == [(b"1", None)]


def test_the_window_that_lost_the_keyboard_tears_the_label_and_forgets_shift(
    till: Wedge, source: WedgeSource
) -> None:
    source.set_armed(True)
    till.key(SHIFT, True, 1.0)
    tap(till, KEY_1, 1.0)
    till.lose()
    assert read(source) == [(b"", "TORN")]
    tap(till, KEY_1, 9.0)
    tap(till, ENTER, 9.1)
    assert read(source) == [(b"1", None)]


def test_a_clock_that_goes_back_tears_the_label(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    tap(till, KEY_1, 1000.0)
    tap(till, KEY_2, 1.0)
    tap(till, ENTER, 1.1)
    assert read(source) == [(b"", "TORN"), (b"2", None)]


@pytest.mark.parametrize(
    "time_s",
    [math.nan, math.inf, -math.inf, 1e308, -1e12, pytest.param(10**400, id="more than a float holds")],
)
def test_a_time_that_is_none_is_refused(till: Wedge, time_s: float) -> None:
    with pytest.raises(WedgeInputError, match="WEDGE_TIME"):
        till.key(KEY_1, True, time_s)
    with pytest.raises(WedgeInputError, match="WEDGE_TIME"):
        till.character("1", time_s)
    with pytest.raises(WedgeInputError, match="WEDGE_TIME"):
        till.text("1", time_s)


@pytest.mark.parametrize("code", [-1, 768, 10**9])
def test_a_code_that_is_none_is_refused(till: Wedge, code: int) -> None:
    with pytest.raises(WedgeInputError, match="WEDGE_KEY"):
        till.key(code, True, 0.0)


def test_what_is_never_read_is_bounded_and_torn(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    for n in range(MAX_QUEUE + 10):
        till.character("1", n / 1e6)
    till.character("\r", 0.01)
    assert read(source) == [(b"", "TORN")]
    till.character("03\r", 2.0)
    assert read(source) == [(b"03", None)]


def test_a_text_without_bound_is_a_loss(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.character("0", 1.0)
    till.character("1" * (MAX_TEXT + 1), 1.01)
    assert read(source) == [(b"", "TORN")]


def test_claimed_swallows_always_and_never_swallows_never(till: Wedge) -> None:
    source = WedgeSource(till.inbox, Intake(), WedgeSettings(grab="claimed"))
    assert tap(till, KEY_1, 1.0) == (True, True)
    source.close()
    source = WedgeSource(till.inbox, Intake(), WedgeSettings(grab="never"))
    source.set_armed(True)
    assert tap(till, KEY_1, 2.0) == (False, False)
    tap(till, ENTER, 2.1)
    assert read(source) == [(b"1", None)]
    source.close()


def test_one_scanner_alone_listens(till: Wedge, source: WedgeSource) -> None:
    with pytest.raises(LinkAbsentError):
        WedgeSource(till.inbox, Intake(), WedgeSettings())
    source.close()
    WedgeSource(till.inbox, Intake(), WedgeSettings()).close()


def test_wedges_are_told_apart_by_name() -> None:
    assert wedge("LEFT") is wedge("LEFT")
    assert wedge("LEFT") is not wedge("RIGHT")
    for name in ("", "a b", "é", "x" * 65):
        with pytest.raises(ConfigurationError, match="INVALID_URL"):
            wedge(name)


@pytest.mark.parametrize(
    "options",
    [{"layout": "klingon"}, {"terminator": "cr"}, {"idle_gap_ms": 0}, {"grab": "yes"}, {"speed": 1}],
)
def test_a_setting_that_is_wrong_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        open_scanner("wedge:X", options)


# --- the page -------------------------------------------------------------------------------------------------------


def test_the_browsers_keys_are_linuxs() -> None:
    renamed = {
        "Escape": "ESC", "Quote": "APOSTROPHE", "Backquote": "GRAVE", "Period": "DOT", "IntlBackslash": "102ND",
        "IntlRo": "RO", "IntlYen": "YEN", "BracketLeft": "LEFTBRACE", "BracketRight": "RIGHTBRACE",
        "NumpadMultiply": "KPASTERISK", "NumpadSubtract": "KPMINUS", "NumpadAdd": "KPPLUS", "NumpadDecimal": "KPDOT",
        "NumpadDivide": "KPSLASH", "NumpadEqual": "KPEQUAL", "NumpadComma": "KPCOMMA", "NumpadEnter": "KPENTER",
        "ControlLeft": "LEFTCTRL", "ControlRight": "RIGHTCTRL", "PrintScreen": "SYSRQ", "ContextMenu": "COMPOSE",
    }  # fmt: skip
    sides = ("Shift", "Alt", "Meta")
    for dom, code in DOM_KEYS.items():
        name = renamed.get(dom)
        if name is None:
            name = dom.removeprefix("Digit").removeprefix("Key").removeprefix("Arrow").replace("Numpad", "KP")
            for side in sides:
                name = {f"{side}Left": f"LEFT{side}", f"{side}Right": f"RIGHT{side}"}.get(name, name)
        assert ecodes.ecodes[f"KEY_{name.upper()}"] == code, dom


def batch(*events: dict[str, object], page: str = "p1", number: int = 0) -> str:
    return json.dumps({"page": page, "batch": number, "events": events})


def typed(text: str, at_ms: float = 0.0) -> list[dict[str, object]]:
    return [
        {"code": code, "down": down, "ms": at_ms + n, "caps": False}
        for n, code in enumerate([*(f"Digit{digit}" for digit in text), "Enter"])
        for down in (True, False)
    ]


def test_a_page_hands_over_a_label(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    assert till.page_events(batch(*typed("034")))
    assert read(source) == [(b"034", None)]


def test_a_page_that_was_loaded_again_starts_another_clock(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.page_events(batch(*typed("034", at_ms=90_000)))
    till.page_events(batch(*typed("815"), page="p2"))
    assert read(source) == [(b"034", None), (b"815", None)]


def test_a_batch_that_is_missing_tears_what_follows_at_once(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.page_events(batch(*typed("0348")[:-2]))
    till.page_events(batch(*typed("03481592677", at_ms=20), number=2))
    assert all(damage == "TORN" for _, damage in read(source))
    till.page_events(batch(*typed("15926", at_ms=9000), number=3))
    assert read(source) == [(b"15926", None)]


def test_a_first_batch_that_is_missing_is_noticed_too(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.page_events(batch(*typed("03481592677"), number=1))
    assert read(source) == [(b"", "TORN")]


def test_a_batch_that_comes_twice_counts_once(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    for _ in range(2):
        till.page_events(batch(*typed("034")))
    assert read(source) == [(b"034", None)]


def test_a_key_that_no_browser_names_makes_the_label_unreadable(till: Wedge, source: WedgeSource) -> None:
    source.set_armed(True)
    till.page_events(batch({"code": "Klingon", "down": True, "ms": 1}, *typed("034", at_ms=2)))
    assert read(source) == [(b"", "UNREADABLE")]
    assert till.browser_key("Klingon", True, 99.0)
    assert UNKNOWN_KEY == ecodes.KEY_UNKNOWN


KEY: dict[str, object] = {"code": "KeyA", "down": True, "ms": 1}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "03481592677",
        "[]",
        b"\xff\xfe",
        "[" * 100_000,
        batch(page=""),
        batch(page="x" * 65),
        batch(number=-1),
        batch(number=True),
        json.dumps({"page": "p", "batch": 0, "events": {}}),
        json.dumps({"page": "p", "batch": 0, "events": [1]}),
        batch(KEY | {"ms": -1}),
        batch(KEY | {"ms": "1"}),
        batch(KEY | {"ms": math.nan}),
        batch(KEY | {"ms": True}),
        batch(KEY | {"code": 3}),
        batch(KEY | {"down": 1}),
        batch(KEY | {"caps": "yes"}),
        json.dumps({"page": "p", "batch": 0, "events": [KEY] * (MAX_BATCH_EVENTS + 1)}),
        " " * (MAX_BATCH_BYTES + 1),
        '{"page": "p", "batch": 0, "events": [{"code": "KeyA", "down": true, "ms": 1' + "0" * 5000 + "}]}",
        batch(KEY | {"ms": 10**400}),  # an integer that no float holds
    ],
)
def test_what_is_no_batch_is_refused_and_nothing_of_it_taken(
    till: Wedge, source: WedgeSource, body: str | bytes
) -> None:
    source.set_armed(True)
    with pytest.raises(PageError) as told:
        till.page_events(body)
    assert told.value.code in {"PAGE_MALFORMED", "PAGE_TOO_LARGE"}
    assert "03481592677" not in f"{told.value} {told.value.fr}"
    assert read(source) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["page", "batch", "events", "code", "down", "ms", "lost"]), inner
            )
        ),
    )
)
def test_any_json_is_a_batch_or_a_typed_refusal(content: object) -> None:
    with pytest.raises(DriverError):
        read_batch(json.dumps(content))
