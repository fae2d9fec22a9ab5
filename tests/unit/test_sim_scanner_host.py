"""The simulated host makes of a keyboard's reports what Linux makes of them."""

from __future__ import annotations

from typing import Literal

import pytest

from cvconnect_sim.scanner import (
    Desktop,
    HostKeyboard,
    Key,
    KeyboardFirmware,
    KeyboardSettings,
    Symbology,
    reports_to_keys,
)
from cvconnect_sim.scanner.host import KEY_OF_USAGE
from cvconnect_sim.scanner.layouts import LayoutName

LEFT_CTRL, LEFT_SHIFT, LEFT_ALT = 29, 42, 56


def events(*reports: str) -> list[str]:
    """What happens, as `+code` and `-code`; each report in hex, as modifiers and the keys that are down."""
    sent = [(0.0, bytes.fromhex(f"{report[:2]}00{report[2:]}")) for report in reports]
    return [f"{'+' if key.pressed else '-'}{key.code}" for key in reports_to_keys(sent)]


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        (0x04, 30),
        (0x1D, 44),
        (0x1E, 2),
        (0x27, 11),
        (0x28, 28),
        (0x2B, 15),
        (0x2C, 57),
        (0x31, 43),
        (0x32, 43),
        (0x39, 58),
        (0x53, 69),
        (0x58, 96),
        (0x59, 79),
        (0x62, 82),
        (0x64, 86),
        (0xE0, LEFT_CTRL),
        (0xE1, LEFT_SHIFT),
        (0xE2, LEFT_ALT),
        (0xE5, 54),
        (0xE6, 100),
        (0xE7, 126),
    ],
)
def test_usages_have_the_codes_of_the_kernel(usage: int, code: int) -> None:
    assert KEY_OF_USAGE[usage] == code


def test_no_usage_below_0x04_is_a_key() -> None:
    assert [KEY_OF_USAGE[usage] for usage in range(4)] == [0, 0, 0, 0]
    assert len(KEY_OF_USAGE) == 0x66 + 8


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (("0004", "00"), "+30 -30"),
        (("0204", "00"), "+42 +30 -42 -30"),
        (("0304", "0304"), "+29 +42 +30"),
        (("0004", "0005"), "+30 -30 +48"),
        (("0004", "000405", "0005", "00"), "+30 +48 -30 -48"),
        (("000405", "000504", "00"), "+30 +48 -48 -30"),
        (("0004", "000504"), "+30 +48"),
        (("0231", "0004"), "+42 +43 -42 -43 +30"),
        (("0031", "003132", "0032"), "+43 -43"),
        (("0004", "02010101010101", "0004"), "+30 +42 -42"),
        (("00a5", "00"), "+240 -240"),
        (("00030203",), ""),
    ],
)
def test_changes_are_told_modifiers_first_then_place_by_place(
    reports: tuple[str, ...], expected: str
) -> None:
    assert " ".join(events(*reports)) == expected


def test_a_short_report_is_filled_with_zeros_and_a_long_one_is_cut() -> None:
    host = HostKeyboard()

    assert host.receive(bytes.fromhex("000004"), 1.0) == [Key(1.0, 30, True)]
    assert host.receive(bytes(8) + b"\x05", 2.0) == [Key(2.0, 30, False)]


def test_times_are_the_sums_of_the_pauses() -> None:
    keys = reports_to_keys(
        KeyboardFirmware(KeyboardSettings(suffix="", inter_character_delay_s=0.5)).scan("12"), start_s=10.0
    )

    assert [round(key.time_s, 6) for key in keys] == [10.0, 10.001, 10.501, 10.502]


def typed(desktop: Desktop, settings: KeyboardSettings, text: str) -> str:
    keys = reports_to_keys(KeyboardFirmware(settings).scan(text, Symbology.QR))
    return "".join(character for _, character in desktop.type(keys))


def test_digits_of_a_us_scanner_are_french_garbage() -> None:
    assert typed(Desktop("fr"), KeyboardSettings(), "1234567890") == "&é\"'(-è_çà\r"


def test_digits_of_a_french_scanner_are_us_garbage() -> None:
    assert typed(Desktop("us"), KeyboardSettings(layout="fr"), "1234567890") == "!@#$%^&*()\r"


@pytest.mark.parametrize(
    ("layout", "system", "text", "expected"),
    [
        ("us", "linux", "aB1", "Ab1"),
        ("fr", "linux", "aB1.", "Ab1."),
        ("fr", "windows", "aB1.", "Ab&;"),
        ("de", "linux", "aB1.ö", "Ab1.Ö"),
        ("de", "windows", "aB1.ö", "Ab!:Ö"),
        ("fr-bepo", "linux", "aB1.é", 'Ab".É'),
    ],
)
def test_caps_lock_shifts_letters_and_on_some_keyboards_more(
    layout: LayoutName, system: Literal["windows", "linux"], text: str, expected: str
) -> None:
    settings = KeyboardSettings(layout=layout, suffix="")
    desktop = Desktop(layout, caps_lock=True, system=system)

    assert typed(desktop, settings, text) == expected


def test_the_keypad_needs_num_lock() -> None:
    settings = KeyboardSettings(keypad_digits=True, suffix="")

    assert typed(Desktop(num_lock=True), settings, "12a") == "12a"
    assert typed(Desktop(num_lock=False), settings, "12a") == "a"


@pytest.mark.parametrize("digits", [3, 4])
def test_codes_with_alt_are_characters_under_windows_only(digits: Literal[3, 4]) -> None:
    settings = KeyboardSettings(alt_digits=digits, suffix="")

    assert typed(Desktop(), settings, "1é2") == "1é2"
    assert typed(Desktop(system="linux"), settings, "1é2") == "12"


@pytest.mark.parametrize("layout", ["us", "fr"])
def test_control_characters_arrive_where_ctrl_and_the_key_make_them(layout: LayoutName) -> None:
    settings = KeyboardSettings(layout=layout, suffix="")

    assert typed(Desktop(settings.layout), settings, "\x02\x03") == "\x02\x03"


def test_lamps_follow_the_lock_keys() -> None:
    desktop = Desktop()
    assert desktop.lamps == b"\x01"

    assert desktop.type([Key(0.0, 58, True), Key(0.0, 58, False), Key(0.0, 69, True)]) == []

    assert desktop.lamps == b"\x02"
