"""The layouts write what their keyboards show, and a scanner that is set to another one is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.layouts import (
    ALTGR,
    CAPS,
    DEAD,
    KEYS,
    LAYOUTS,
    SHIFT,
    levels,
    misread,
    rereadings,
)

NUMBER = "12345678901"

# What the eleven keys of the digit row write that make NUMBER where digits take no Shift, and where they do.
UNSHIFTED = {"fr": "&é\"'(-è_çà&", "be": "&é\"'(§è!çà&", "fr-bepo": '"«»()@+-/*"'}
SHIFTED = {"us": "!@#$%^&*()!", "uk": '!"£$%^&*()!', "de": '!"§$%&/()=!', "ch-fr": '+"*ç%&/()=+'}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_writes_digits_letters_and_the_signs_of_an_address(name: str) -> None:
    written = {text for level in levels(name)[:CAPS] for text in level.values()}
    assert written >= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@.-_+")


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_key_writes_one_character_or_is_dead(name: str) -> None:
    for level in levels(name):
        assert set(level) <= set(KEYS)
        for text in level.values():
            assert len(text) == 1 or (len(text) == 2 and text[0] == DEAD)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_digit_stands_on_one_level_only_of_a_key_in_the_digit_row(name: str) -> None:
    for code, digit in zip(range(2, 12), "1234567890", strict=True):
        written = [level.get(code) for level in levels(name)[:CAPS]]
        assert written.count(digit) == 1
        assert sum(text is not None and text.isdecimal() for text in written) == 1


@pytest.mark.parametrize(
    ("name", "code", "level", "text"),
    [
        ("fr", 2, CAPS, "1"),
        ("fr", 2, CAPS + SHIFT, "&"),
        ("fr", 16, CAPS, "A"),
        ("fr", 86, CAPS, "<"),
        ("fr", 11, CAPS + ALTGR, "@"),
        ("us", 2, CAPS, "1"),
        ("us", 30, CAPS + SHIFT, "a"),
        ("de", 2, CAPS, "!"),
        ("de", 53, CAPS, "-"),
        ("ch-fr", 26, CAPS, "È"),
        ("ch-fr", 26, CAPS + SHIFT, "Ü"),
        ("ch-fr", 2, CAPS, "1"),
        ("fr-bepo", 2, CAPS, "1"),
        ("fr-bepo", 34, CAPS, ","),
    ],
)
def test_caps_lock_locks_shift_where_the_country_has_it_so(
    name: str, code: int, level: int, text: str
) -> None:
    assert levels(name)[level][code] == text


def test_an_unknown_layout_is_no_layout() -> None:
    with pytest.raises(KeyError):
        levels("dvorak")


@pytest.mark.parametrize("name", UNSHIFTED)
def test_unshifted_digits_read_as_azerty_are_named(name: str) -> None:
    assert misread(UNSHIFTED[name], name) == "us"
    assert dict(rereadings(UNSHIFTED[name], name))["de"] == NUMBER


@pytest.mark.parametrize("name", SHIFTED)
def test_shifted_digits_read_as_qwerty_are_named(name: str) -> None:
    assert misread(SHIFTED[name], name) == "fr"
    assert dict(rereadings(SHIFTED[name], name))["be"] == NUMBER


@pytest.mark.parametrize("text", [*UNSHIFTED.values(), *SHIFTED.values()])
def test_without_a_layout_each_one_is_tried_as_the_desktops(text: str) -> None:
    assert misread(text, "") is not None


@pytest.mark.parametrize(
    "text", ["", NUMBER, "3017620422003", "bonjour", "１２３４５６７８９０１", "\t", "€€"]
)
@pytest.mark.parametrize("name", ["", *LAYOUTS])
def test_what_is_an_identifier_in_no_layout_is_not_named(text: str, name: str) -> None:
    assert misread(text, name) is None


def test_what_is_wanted_may_stand_in_an_envelope() -> None:
    wanted: Callable[[str], bool] = "CVCO:12".__eq__
    assert misread("CVCOM&é", "fr", wanted) == "us"
    assert misread("CVCO;&é", "fr", wanted) is None


@given(text=st.text(max_size=60), name=st.sampled_from(["", *LAYOUTS]))
def test_any_text_can_be_read_again(text: str, name: str) -> None:
    for other, reread in rereadings(text, name):
        assert len(reread) == len(text) and reread != text
        if other != name:
            assert text in {text for _, text in rereadings(reread, other)}
        else:  # CapsLock, where it does more than make capitals
            assert LAYOUTS[name].shift_lock and reread.lower() != text.lower()


def test_an_address_that_capslock_makes_another_one_is_noticed() -> None:
    assert misread("V@H6I.COM", "fr-bepo") == "fr-bepo"
    assert misread("joe@example.com", "fr-bepo") is None
    assert misread("&é\"'(-è_çà&", "fr") is not None
