"""The simulated keyboard scanner presses what a real one is configured to press."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_letters, digits
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_sim.errors import SimError
from cvconnect_sim.scanner import Desktop, KeyboardFirmware, KeyboardSettings, Symbology, reports_to_keys
from cvconnect_sim.scanner.layouts import KEYPAD_DIGITS, LAYOUTS, LayoutName
from cvconnect_sim.scanner.settings import CapsLock, Release

CAPS_LOCK_LAMP = b"\x02"

LABEL = "1@Az-._"
PRESSED = {
    "us": "001e 021f 0204 001d 002d 0037 022d",
    "fr": "021e 4027 0214 001a 0023 0236 0025",
    "be": "021e 401f 0214 001a 002e 0236 022e",
    "ch-fr": "001e 401f 0204 001c 0038 0037 0238",
    "uk": "001e 0234 0204 001d 002d 0037 022d",
    "de": "001e 4014 0204 001c 0038 0037 0238",
    "fr-bepo": "021e 0023 0204 002f 0025 0019 402c",
}
"""Modifiers and key of each character of the label, looked up by hand on pictures of the keyboards."""

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

SETTINGS = st.builds(
    KeyboardSettings,
    layout=st.sampled_from(list(LAYOUTS)),
    keypad_digits=st.booleans(),
    alt_numpad=st.sampled_from(["missing", "all"]),
    alt_digits=st.sampled_from([3, 4]),
    release=st.sampled_from(["each", "merged", "rolled"]),
    modifiers_apart=st.booleans(),
)


def pressed(settings: KeyboardSettings, text: str, *, lamps: bytes = b"\0") -> str:
    """The reports in hex, each as modifiers and the keys that are down."""
    firmware = KeyboardFirmware(settings)
    assert firmware.receive(lamps) == b""
    reports = [report for _, report in firmware.scan(text, Symbology.QR)]
    assert all(len(report) == 8 and report[1] == 0 for report in reports)
    return " ".join(f"{report[0]:02x}{report[2:].rstrip(bytes(1)).hex()}" for report in reports)


def test_a_label_is_pressed_key_by_key_and_ended_by_enter() -> None:
    assert KeyboardFirmware().scan("12") == [
        (0.0, bytes.fromhex("00001e0000000000")),
        (0.001, bytes(8)),
        (0.001, bytes.fromhex("00001f0000000000")),
        (0.001, bytes(8)),
        (0.001, bytes.fromhex("0000280000000000")),
        (0.001, bytes(8)),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_has_its_own_keys(layout: LayoutName) -> None:
    settings = KeyboardSettings(layout=layout, suffix="", release="merged")

    assert pressed(settings, LABEL) == f"{PRESSED[layout]} 00"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_printable_character_of_ascii_can_be_typed(layout: LayoutName) -> None:
    bare = KeyboardSettings(layout=layout, alt_numpad="never", dead_keys=True)
    typed = [pressed(bare, character) for character in PRINTABLE]

    assert "" not in typed
    assert len(set(typed)) == len(PRINTABLE)


@pytest.mark.parametrize(
    ("suffix", "enter", "keys"),
    [
        ("\r", "enter", "0028 00"),
        ("\r", "kp_enter", "0058 00"),
        ("\t", "enter", "002b 00"),
        ("", "enter", ""),
    ],
)
def test_labels_end_as_configured(suffix: str, enter: Literal["enter", "kp_enter"], keys: str) -> None:
    settings = KeyboardSettings(suffix=suffix, enter=enter)

    assert pressed(settings, "1") == f"001e 00 {keys}".strip()


def test_prefix_aim_identifier_text_and_suffix_stand_in_this_order() -> None:
    settings = KeyboardSettings(prefix="p", suffix="s\t", aim_id=True, release="merged")

    assert pressed(settings, "7") == "0013 0030 0214 001e 0024 0016 002b 00"


def test_a_upc_a_can_lose_its_check_digit() -> None:
    firmware = KeyboardFirmware(KeyboardSettings(upc_a_check_digit=False))

    assert len(firmware.scan("036000291452", Symbology.UPC_A)) == 2 * len("03600029145\r")


def test_digits_can_come_from_the_keypad() -> None:
    assert (
        pressed(KeyboardSettings(keypad_digits=True, suffix="", layout="fr"), "109")
        == "0059 00 0062 00 0061 00"
    )


@pytest.mark.parametrize(
    ("alt_digits", "page", "character", "keys"),
    [
        (4, "cp850", "é", "0233"),
        (3, "cp850", "é", "130"),
        (3, "cp850", "Á", "181"),
        (3, "cp437", "╡", "181"),
        (4, "cp850", "\x1d", "0029"),
        (3, "cp850", "\x1d", "029"),
    ],
)
def test_what_the_layout_lacks_is_typed_as_a_code_while_alt_is_held(
    alt_digits: Literal[3, 4], page: Literal["cp850", "cp437"], character: str, keys: str
) -> None:
    settings = KeyboardSettings(suffix="", alt_digits=alt_digits, alt_code_page=page, control_keys=False)

    expected = " 04 ".join(f"04{KEYPAD_DIGITS[int(key)]:02x}" for key in keys)
    assert pressed(settings, character) == f"{expected} 00"


def test_alt_goes_down_before_the_first_digit_and_up_after_the_last_in_reports_of_their_own() -> None:
    settings = KeyboardSettings(suffix="", alt_digits=3, modifiers_apart=True)

    assert pressed(settings, "é") == "04 0459 04 045b 04 0462 04 00"


def test_a_scanner_in_alt_mode_types_each_character_as_a_code() -> None:
    settings = KeyboardSettings(suffix="\r", alt_numpad="all", alt_digits=3)

    assert pressed(settings, "7") == "0462 04 045d 04 045d 00 0028 00"


def test_alt_is_released_between_two_codes() -> None:
    settings = KeyboardSettings(suffix="", alt_numpad="all", alt_digits=3, release="merged")

    assert pressed(settings, "12") == "0462 045c 0461 00 0462 045d 0462 00"


@pytest.mark.parametrize("missing", ["é", "€", "漢"])
def test_what_cannot_be_typed_is_left_out(missing: str) -> None:
    settings = KeyboardSettings(alt_numpad="never", control_keys=False, suffix="")

    assert pressed(settings, f"1{missing}2\x1d") == "001e 00 001f 00"


def test_a_dead_key_is_followed_by_space() -> None:
    settings = KeyboardSettings(layout="de", dead_keys=True, suffix="")

    assert pressed(settings, "^`") == "0035 00 002c 00 022e 00 002c 00"


@pytest.mark.parametrize(
    ("control", "key"),
    [("\x1d", "0130"), ("\x01", "0104"), ("\x1b", "012f"), ("\x1e", "0323"), ("\x02", "0105")],
)
def test_control_characters_are_ctrl_and_a_key(control: str, key: str) -> None:
    assert pressed(KeyboardSettings(suffix=""), control) == f"{key} 00"


def test_ctrl_and_a_letter_follow_the_layout_but_brackets_keep_their_place() -> None:
    assert pressed(KeyboardSettings(layout="fr", suffix=""), "\x01\x1d") == "0114 00 0130 00"


@pytest.mark.parametrize(
    ("caps_lock", "dark", "lit"),
    [
        ("ignored", "0204 0005 001e 00", "0204 0005 001e 00"),
        ("inverted", "0004 0205 001e 00", "0004 0205 001e 00"),
        ("shift_lock", "0004 0205 021e 00", "0004 0205 021e 00"),
        ("followed", "0204 0005 001e 00", "0004 0205 001e 00"),
        ("toggled", "0204 0005 001e 00", "0039 00 0204 0005 001e 00 0039 00"),
    ],
)
def test_caps_lock_is_met_as_configured(caps_lock: CapsLock, dark: str, lit: str) -> None:
    settings = KeyboardSettings(suffix="", release="merged", caps_lock=caps_lock)

    assert pressed(settings, "Ab1") == dark
    assert pressed(settings, "Ab1", lamps=CAPS_LOCK_LAMP) == lit


@pytest.mark.parametrize(
    ("release", "apart", "keys"),
    [
        ("each", False, "001e 00 0204 00 0005 00 0005 00"),
        ("merged", False, "001e 0204 0005 00 0005 00"),
        ("rolled", False, "001e 021e04 0204 000405 0005 00 0005 00"),
        ("each", True, "001e 00 02 0204 02 00 0005 00 0005 00"),
        ("merged", True, "001e 021e 0204 0004 0005 00 0005 00"),
    ],
)
def test_keys_are_released_as_configured(release: Release, apart: bool, keys: str) -> None:
    settings = KeyboardSettings(suffix="", release=release, modifiers_apart=apart)

    assert pressed(settings, "1Abb") == keys


def test_a_slow_scanner_pauses_before_each_character_but_the_first() -> None:
    settings = KeyboardSettings(
        suffix="", inter_character_delay_s=0.08, report_interval_s=0.004, modifiers_apart=True
    )

    pauses = [pause_s for pause_s, _ in KeyboardFirmware(settings).scan("1A2")]

    assert pauses == [0.0, 0.004, 0.08, 0.004, 0.004, 0.004, 0.08, 0.004]


def test_a_label_can_be_read_twice() -> None:
    once = KeyboardFirmware().scan("7")
    twice = KeyboardFirmware(KeyboardSettings(reads=2, between_reads_s=0.5)).scan("7")

    assert twice == [*once, (0.5, once[0][1]), *once[1:]]


def test_an_impossible_label_is_refused_without_repeating_it() -> None:
    with pytest.raises(SimError) as refused:
        KeyboardFirmware().scan("4006381333932", Symbology.EAN_13)

    assert refused.value.code == "LABEL_IMPOSSIBLE"
    assert "4006381333932" not in str(refused.value)


@given(settings=SETTINGS, text=st.text(st.sampled_from(PRINTABLE), min_size=1, max_size=40))
def test_windows_types_in_the_scanners_layout_what_the_label_holds(
    settings: KeyboardSettings, text: str
) -> None:
    reports = KeyboardFirmware(settings).scan(text, Symbology.QR)

    assert (
        "".join(typed for _, typed in Desktop(settings.layout).type(reports_to_keys(reports))) == f"{text}\r"
    )
    assert reports[-1][1] == bytes(8)


@given(
    settings=SETTINGS,
    text=st.text(st.sampled_from(ascii_letters + digits), min_size=1, max_size=20),
    caps_lock=st.booleans(),
    system=st.sampled_from(["windows", "linux"]),
)
def test_a_scanner_that_switches_caps_lock_off_is_read_rightly_and_leaves_it_as_it_was(
    settings: KeyboardSettings, text: str, caps_lock: bool, system: Literal["windows", "linux"]
) -> None:
    firmware = KeyboardFirmware(replace(settings, caps_lock="toggled", alt_numpad="missing"))
    desktop = Desktop(settings.layout, caps_lock=caps_lock, system=system)
    lamps = desktop.lamps
    firmware.receive(lamps)

    typed = desktop.type(reports_to_keys(firmware.scan(text, Symbology.QR)))

    assert "".join(character for _, character in typed) == f"{text}\r"
    assert desktop.lamps == lamps
