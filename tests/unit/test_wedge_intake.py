"""Keys and characters that a till heard become labels, and a pause of its user interface makes none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.keyboard import KeyEvent
from cvconnect_drivers.scanners.wedge_intake import (
    ENDINGS,
    STALL_S,
    Armed,
    Characters,
    Input,
    Intake,
    Key,
    Lost,
    Whole,
)

GAP_S = 0.3
ENTER = 28
TORN = RawLabel(b"", "TORN")


def digits(text: str, at_s: float = 0.0) -> list[Input]:
    """The keys of digits on a US keyboard, 5 ms apart."""
    return [
        Key(KeyEvent(at_s + n * 0.005, 1 + (int(digit) or 10), pressed))
        for n, digit in enumerate(text)
        for pressed in (True, False)
    ]


def characters(text: str, at_s: float = 0.0) -> list[Input]:
    return [Characters(at_s + n * 0.005, character) for n, character in enumerate(text)]


class Make(Protocol):
    """Makes the inputs of a text."""

    def __call__(self, text: str, at_s: float = 0.0) -> list[Input]: ...


def press(code: int, at_s: float) -> Input:
    return Key(KeyEvent(at_s, code, pressed=True))


def fed(intake: Intake, items: list[Input]) -> list[RawLabel]:
    return [label for item in items for label in intake.feed(item)]


@pytest.mark.parametrize(
    ("terminator", "end"), [("any", "\r"), ("any", "\n"), ("any", "\t"), ("enter", "\r"), ("tab", "\t")]
)
def test_characters_end_by_a_terminator(terminator: str, end: str) -> None:
    intake = Intake(terminator=terminator)
    assert fed(intake, characters(f"034{end}")) == [RawLabel(b"034")]
    assert not intake.pending


def test_characters_may_come_together() -> None:
    assert fed(Intake(), [Characters(0.0, "034\r815\r92")]) == [RawLabel(b"034"), RawLabel(b"815")]


def test_a_scanner_without_terminator_is_read_by_its_pauses() -> None:
    for items in (characters("034"), digits("034")):
        intake = Intake(terminator="none")
        assert fed(intake, items) == []
        assert intake.tick(0.2) == []
        assert [label.data for label in intake.tick(0.02 + GAP_S)] == [b"034"]


@pytest.mark.parametrize("make", [characters, digits])
def test_a_user_interface_that_stops_cuts_no_label(make: Make) -> None:
    intake = Intake()
    fed(intake, make("30176204220"))  # 11 of 13 digits, then the program stops for a while
    assert intake.tick(STALL_S - 0.1) == []
    labels = fed(
        intake, [*make("03", at_s=0.06), press(ENTER, 1.0) if make is digits else Characters(1.0, "\r")]
    )
    assert [label.data for label in labels] == [b"3017620422003"]


@pytest.mark.parametrize("make", [characters, digits])
def test_what_comes_after_a_label_was_given_up_is_no_label(make: Make) -> None:
    intake = Intake(terminator="enter")
    fed(intake, make("301"))
    assert [label.damage for label in intake.tick(5.0)] == ["TORN"]
    # It comes after all, and its times show that there was no pause.
    rest = [*make("03481592677", at_s=0.06), press(ENTER, 0.2) if make is digits else Characters(0.2, "\r")]
    assert all(label.damage == "TORN" for label in fed(intake, rest))
    again = [*make("03481592677", at_s=9.0), press(ENTER, 9.2) if make is digits else Characters(9.2, "\r")]
    assert [label.data for label in fed(intake, again)] == [b"03481592677"]


def test_a_stray_character_spoils_no_later_scan() -> None:
    intake = Intake(terminator="enter")
    labels = fed(intake, [*characters("5"), *characters("034\r", at_s=3.0)])
    assert [(label.data, label.damage) for label in labels] == [(b"", "TORN"), (b"034", None)]


@pytest.mark.parametrize("make", [characters, digits])
@pytest.mark.parametrize("terminator", ["any", "enter"])
def test_a_user_interface_that_stops_for_long_makes_no_identifier_of_a_product_code(
    make: Make, terminator: str
) -> None:
    for cut in range(1, 13):
        intake = Intake(terminator=terminator)
        code = "3017620422003"
        labels = fed(intake, make(code[:cut])) + intake.tick(STALL_S + 0.2)
        end = press(ENTER, 1.4) if make is digits else Characters(1.4, "\r")
        labels += fed(intake, [*make(code[cut:], at_s=1.3), end])
        assert [label.data for label in labels if label.damage is None and len(label.data) == 11] == []


@pytest.mark.parametrize("make", [characters, digits])
def test_a_user_interface_that_stops_twice_makes_no_identifier_of_a_product_code(make: Make) -> None:
    intake = Intake()
    labels = fed(intake, make("30"))
    labels += intake.tick(1.2) + fed(intake, make("17620422003", at_s=1.3))
    labels += intake.tick(2.5) + fed(intake, make("15", at_s=2.6)) + intake.tick(5.0)
    assert {label.damage for label in labels} == {"TORN"}


@pytest.mark.parametrize("make", [characters, digits])
def test_eleven_digits_that_somebody_types_without_an_end_are_no_label(make: Make) -> None:
    intake = Intake()
    assert fed(intake, make("03481592677")) + intake.tick(9.0) == [TORN]


def test_what_was_typed_before_it_was_armed_tells_nothing_of_the_scanner() -> None:
    intake = Intake()
    fed(intake, characters("12"))
    assert intake.tick(2.0) == [TORN]  # by a pause
    assert intake.feed(Armed(3.0, label_begun=False)) == []
    assert fed(intake, characters("034\r", at_s=4.0)) == [RawLabel(b"034")]


@pytest.mark.parametrize(
    ("make", "end"), [(characters, Characters(0.05, "\r")), (digits, press(ENTER, 0.05))]
)
def test_a_label_in_the_middle_when_it_was_armed_comes_out_torn_once(make: Make, end: Input) -> None:
    intake = Intake()
    fed(intake, make("034"))
    assert intake.feed(Armed(0.02, label_begun=True)) == [TORN]
    assert fed(intake, [*make("815", at_s=0.03), end]) == []
    assert not intake.pending


def test_a_loss_tears_the_label_and_swallows_its_rest() -> None:
    intake = Intake()
    fed(intake, characters("034"))
    assert intake.feed(Lost(0.02)) == [TORN]
    assert fed(intake, characters("03481592677\r", at_s=0.03)) == []
    assert fed(intake, characters("03481592677\r", at_s=0.2)) == [RawLabel(b"03481592677")]


def test_a_loss_while_nothing_was_read_spoils_no_later_scan() -> None:
    for make, end in ((characters, Characters(5.1, "\r")), (digits, press(ENTER, 5.1))):
        intake = Intake()
        intake.feed(Lost(1.0))
        assert [label.data for label in fed(intake, [*make("034", at_s=5.0), end])] == [b"034"]


def test_the_host_tells_caps_lock() -> None:
    intake = Intake()
    intake.feed(Key(KeyEvent(0.0, 30, pressed=True), caps_lock=True))
    labels = intake.feed(Key(KeyEvent(0.1, ENTER, pressed=True), caps_lock=True))
    assert [label.data for label in labels] == [b"A"]


def test_caps_lock_is_remembered_when_it_is_armed_again() -> None:
    intake = Intake()
    intake.feed(press(58, 0.0))
    intake.feed(Armed(1.0, label_begun=False))
    intake.feed(press(30, 2.0))
    assert [label.data for label in intake.feed(press(ENTER, 2.1))] == [b"A"]


def test_typing_just_before_it_was_armed_spoils_no_later_scan() -> None:
    intake = Intake()
    fed(intake, [*characters("1"), *characters("2", at_s=3.0)])  # each ended by a pause
    assert intake.feed(Armed(3.5, label_begun=True)) == [TORN]
    assert fed(intake, characters("034\r", at_s=6.0)) == [RawLabel(b"034")]


def test_whole_labels_are_taken_as_they_are() -> None:
    intake = Intake()
    assert intake.feed(Whole(0.0, "034\r\n")) == [RawLabel(b"034")]
    assert intake.feed(Whole(0.0, "\r\n")) == []
    assert intake.feed(Whole(0.0, "9" * (MAX_LABEL_BYTES + 1))) == [RawLabel(b"", "TOO_LONG")]


def test_characters_without_end_are_bounded() -> None:
    intake = Intake()
    fed(intake, [Characters(n / 1000, "é" * 100) for n in range(100)])
    assert intake.pending
    assert fed(intake, [Characters(0.1, "\r")]) == [RawLabel(b"", "TOO_LONG")]


def test_half_a_character_is_no_valid_text() -> None:
    labels = fed(Intake(), [Characters(0.0, "\ud83d"), Characters(0.0, "\r")])
    with pytest.raises(UnicodeDecodeError):
        labels[0].data.decode()


KINDS: list[Callable[[float, int, str], Input]] = [
    lambda now_s, code, _: Key(KeyEvent(now_s, code, pressed=True)),
    lambda now_s, code, _: Key(KeyEvent(now_s, code, pressed=False)),
    lambda now_s, _, text: Characters(now_s, text),
    lambda now_s, _, text: Whole(now_s, text),
    lambda now_s, _, __: Lost(now_s),
    lambda now_s, _, __: Armed(now_s, label_begun=False),
]


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 2), st.sampled_from(KINDS), st.integers(0, 767), st.text(max_size=20)),
        max_size=60,
    ),
    terminator=st.sampled_from(sorted(ENDINGS)),
    layout=st.sampled_from(["us", "fr", "fr-bepo"]),
)
def test_anything_gives_bounded_labels(
    steps: list[tuple[float, Callable[[float, int, str], Input], int, str]], terminator: str, layout: str
) -> None:
    intake = Intake(layout, terminator=terminator)
    now_s = 0.0
    for pause_s, make, code, text in steps:
        now_s += pause_s
        for label in intake.feed(make(now_s, code, text)) + intake.tick(now_s):
            assert len(label.data) <= MAX_LABEL_BYTES
            assert label.damage is None or label.data == b""
    intake.tick(now_s + 100)
    assert not intake.pending
