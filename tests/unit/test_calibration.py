"""One label tells how a scanner is set up, whatever it is set to."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.scanners.calibration import (
    CALIBRATION_TEXT,
    Chunk,
    detect,
)
from cvconnect_drivers.scanners.calibration_errors import CalibrationError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.keyboard import TERMINATOR_KEYS, KeyEvent
from cvconnect_drivers.scanners.labels import Envelope, read_label
from cvconnect_drivers.scanners.layouts import DEAD, LAYOUTS, levels
from cvconnect_drivers.scanners.wedge_intake import Characters

SHIFT_KEY, ALTGR_KEY, ALT_KEY, CAPS_KEY = 42, 100, 56, 58
KEYPAD = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}
PAIRS = [(one, other) for one, other in product(LAYOUTS, LAYOUTS) if one != other]


def strokes(layout: str) -> dict[str, tuple[int, int]]:
    return {text: (code, level) for level in (3, 2, 1, 0) for code, text in levels(layout)[level].items()}


def keys(text: str, layout: str, end: str = "enter", pause_s: float = 0.004) -> list[KeyEvent]:
    """What a scanner set to a layout presses."""
    events: list[KeyEvent] = []
    now_s = 5.0

    def edge(code: int, *, pressed: bool) -> None:
        events.append(KeyEvent(now_s, code, pressed))

    table = strokes(layout)
    for character in text:
        code, level = table[character]
        held = [key for bit, key in ((1, SHIFT_KEY), (2, ALTGR_KEY)) if level & bit]
        for key in held:
            edge(key, pressed=True)
        edge(code, pressed=True)
        edge(code, pressed=False)
        for key in reversed(held):
            edge(key, pressed=False)
        now_s += pause_s
    if end != "none":
        edge(TERMINATOR_KEYS[end], pressed=True)
        edge(TERMINATOR_KEYS[end], pressed=False)
    return events


def alt_codes(text: str) -> list[KeyEvent]:
    """What a scanner presses that types the number of each character on the keypad."""
    codes: list[tuple[int, bool]] = []
    for character in text:
        codes.append((ALT_KEY, True))
        for digit in f"{ord(character):03}":
            codes += [(KEYPAD[digit], True), (KEYPAD[digit], False)]
        codes.append((ALT_KEY, False))
    codes += [(28, True), (28, False)]
    return [KeyEvent(n / 1000, code, pressed) for n, (code, pressed) in enumerate(codes)]


def on_desktop(text: str, scanner: str, desktop: str) -> str:
    """What a desktop writes of the keys of a scanner that is set otherwise; a dead key writes its accent."""
    table, writes = strokes(scanner), levels(desktop)
    written = (writes[level].get(code, "") for code, level in (table[character] for character in text))
    return "".join(text.removeprefix(DEAD) for text in written)


def characters(text: str) -> list[Characters]:
    return [Characters(n / 200, character) for n, character in enumerate(text)]


@pytest.mark.parametrize("end", [*TERMINATOR_KEYS, "none"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_keys_tell_layout_and_terminator(layout: str, end: str) -> None:
    found = detect(keys(CALIBRATION_TEXT, layout, end))
    assert (found.layout, found.terminator, found.aim, found.prefix, found.caps_lock) == (
        layout,
        end,
        None,
        "",
        False,
    )


@pytest.mark.parametrize(("scanner", "desktop"), PAIRS)
def test_the_label_read_with_a_wrong_layout_is_no_identifier(scanner: str, desktop: str) -> None:
    text = on_desktop(CALIBRATION_TEXT, scanner, desktop)
    assert text != CALIBRATION_TEXT
    assert read_label(RawLabel(text.encode()), Envelope()).refusal is not None


def test_the_label_itself_is_no_identifier() -> None:
    assert read_label(RawLabel(CALIBRATION_TEXT.encode()), Envelope()).refusal is not None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_keys_tell_aim_identifier_and_prefixes(layout: str) -> None:
    found = detect(keys(f"P>]Q1#{CALIBRATION_TEXT}", layout))
    assert (found.prefix, found.aim, found.label_prefix) == ("P>", "]Q1", "#")
    assert found.settings() == {
        "layout": layout,
        "terminator": "enter",
        "prefix": "P>",
        "label_prefix": "#",
        "idle_gap_ms": None,
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_caps_lock_is_told(layout: str) -> None:
    switch = [KeyEvent(0.0, CAPS_KEY, pressed=True), KeyEvent(0.0, CAPS_KEY, pressed=False)]
    found = detect([*switch, *keys(CALIBRATION_TEXT, layout)])
    assert (found.layout, found.caps_lock) == (layout, True)
    assert not detect([*switch, *switch, *keys(CALIBRATION_TEXT, layout)]).caps_lock


def test_a_slow_scanner_gets_a_longer_pause() -> None:
    found = detect(keys(CALIBRATION_TEXT, "fr", pause_s=0.11))
    assert found.pause_s == pytest.approx(0.11)
    assert found.settings()["idle_gap_ms"] == 450
    assert detect(keys(CALIBRATION_TEXT, "fr", pause_s=0.004)).settings()["idle_gap_ms"] is None


def test_alt_codes_are_read_in_any_layout() -> None:
    assert detect(alt_codes(CALIBRATION_TEXT)).layout == "us"


@pytest.mark.parametrize(("scanner", "desktop"), PAIRS)
def test_characters_name_both_layouts(scanner: str, desktop: str) -> None:
    with pytest.raises(CalibrationError) as told:
        detect(characters(on_desktop(CALIBRATION_TEXT, scanner, desktop) + "\r"))
    assert told.value.code == "CALIBRATION_DESKTOP"
    assert f"« {desktop} »" in told.value.fr
    assert f"« {scanner} »" in told.value.fr


@pytest.mark.parametrize(("end", "name"), [("\r", "enter"), ("\n", "enter"), ("\t", "tab"), ("", "none")])
def test_characters_tell_the_terminator(end: str, name: str) -> None:
    found = detect(characters(f"]Q1{CALIBRATION_TEXT}{end}"))
    assert (found.layout, found.terminator, found.aim, found.sends) == ("", name, "]Q1", "characters")


def test_characters_with_caps_lock_are_told() -> None:
    assert detect(characters(CALIBRATION_TEXT.swapcase() + "\r")).caps_lock


@pytest.mark.parametrize(("end", "name"), [("\r", "cr"), ("\n", "lf"), ("\r\n", "crlf"), ("\t", "tab")])
@given(
    prefix=st.text(st.characters(codec="ascii", exclude_characters="]\r\n\t"), max_size=4),
    aim=st.sampled_from(["", "]Q1", "]Q3", "]d2"]),
    size=st.integers(1, 50),
)
def test_bytes_tell_everything_however_they_are_cut(
    prefix: str, aim: str, size: int, end: str, name: str
) -> None:
    data = f"{prefix}{aim}{CALIBRATION_TEXT}{end}".encode()
    chunks = [Chunk(at / 1000, data[at : at + size]) for at in range(0, len(data), size)]
    found = detect(chunks)
    assert (found.prefix, found.aim or "", found.terminator) == (prefix, aim, name)


def test_a_suffix_of_bytes_becomes_the_end_of_labels() -> None:
    found = detect([Chunk(0.0, f"{CALIBRATION_TEXT}#\r\n".encode())])
    assert (found.suffix, found.terminator) == ("#\r\n", "")
    assert found.settings() == {
        "layout": None,
        "terminator": None,
        "prefix": None,
        "suffix": "#\r\n",
    }


@pytest.mark.parametrize("end", ["\x03", "\x03\r", "\rXY", "\r\x04", "<>", "77\r"])
def test_bytes_after_the_label_are_all_of_its_end(end: str) -> None:
    found = detect([Chunk(0.0, f"\x02{CALIBRATION_TEXT}{end}".encode())])
    assert (found.prefix, found.settings()["suffix"], found.settings()["terminator"]) == ("\x02", end, None)


@pytest.mark.parametrize(
    ("end", "name"), [("\t\r", "any"), ("\n\r", "any"), ("\r\r", "cr"), ("\r\n\r\n", "any"), ("\t\t", "tab")]
)
def test_several_ends_leave_nothing_for_the_next_label(end: str, name: str) -> None:
    found = detect([Chunk(0.0, f"{CALIBRATION_TEXT}{end}".encode())])
    assert (found.settings()["terminator"], found.settings()["suffix"]) == (name, None)


@pytest.mark.parametrize("end", ["\t\r", "\r\t"])
def test_a_keyboard_that_presses_tab_and_enter_needs_both(end: str) -> None:
    codes = [TERMINATOR_KEYS["tab" if character == "\t" else "enter"] for character in end]
    more = [KeyEvent(9.0, code, pressed) for code in codes for pressed in (True, False)]
    assert detect([*keys(CALIBRATION_TEXT, "fr", "none"), *more]).terminator == "any"
    assert detect(characters(CALIBRATION_TEXT + end)).terminator == "any"


def test_a_prefix_of_labels_is_only_told_where_there_is_one() -> None:
    assert "label_prefix" not in detect([Chunk(0.0, f"]Q1{CALIBRATION_TEXT}\r".encode())]).settings()


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ([], "CALIBRATION_NOTHING"),
        ([Chunk(0.0, b"")], "CALIBRATION_NOTHING"),
        ([Chunk(0.0, b"3017620422003\r")], "CALIBRATION_OTHER_LABEL"),
        ([Chunk(0.0, b"\xff\xfe\x00" * 100)], "CALIBRATION_GARBLED"),
        ([Chunk(0.0, f"{CALIBRATION_TEXT}\r".encode("utf-16-le"))], "CALIBRATION_GARBLED"),
        ([Chunk(0.0, b"\xff" + CALIBRATION_TEXT[:20].encode())], "CALIBRATION_PARTIAL"),
        ([Chunk(0.0, CALIBRATION_TEXT[:-4].encode() + b"\r")], "CALIBRATION_PARTIAL"),
        ([Chunk(0.0, CALIBRATION_TEXT.encode())], "CALIBRATION_NO_END"),
        ([Chunk(0.0, f"3017620422003\r{CALIBRATION_TEXT}\r".encode())], "CALIBRATION_TWO_LABELS"),
        ([Chunk(0.0, f"{CALIBRATION_TEXT}\r3017620422003\r".encode())], "CALIBRATION_TWO_LABELS"),
        (characters(f"3017620422003\r{CALIBRATION_TEXT}\r"), "CALIBRATION_TWO_LABELS"),
        (keys(f"3017620422003{CALIBRATION_TEXT}", "fr", "none"), "CALIBRATION_TWO_LABELS"),
        (characters(f"jean@exemple.fr{CALIBRATION_TEXT}"), "CALIBRATION_TWO_LABELS"),
        ([Chunk(0.0, f"{CALIBRATION_TEXT}#END".encode())], "CALIBRATION_NO_END"),
        ([Chunk(0.0, b"\xe9" + f"{CALIBRATION_TEXT}\r".encode())], "CALIBRATION_PREFIX"),
        ([Chunk(0.0, f"{CALIBRATION_TEXT}\r".encode() * 2)], "CALIBRATION_TWICE"),
        (keys(CALIBRATION_TEXT, "de") + keys(CALIBRATION_TEXT, "de"), "CALIBRATION_TWICE"),
        (keys(CALIBRATION_TEXT, "de") + keys("xy", "de", "none"), "CALIBRATION_SUFFIX"),
        (characters(f"{CALIBRATION_TEXT}\rXY"), "CALIBRATION_SUFFIX"),
        (keys("03481592677", "fr"), "CALIBRATION_OTHER_LABEL"),
        (keys(CALIBRATION_TEXT * 2, "de"), "CALIBRATION_TWICE"),
        (keys(f"{CALIBRATION_TEXT}##", "de"), "CALIBRATION_SUFFIX"),
        (characters("hello\r"), "CALIBRATION_OTHER_LABEL"),
        (characters(f"{CALIBRATION_TEXT}\r{CALIBRATION_TEXT}\r"), "CALIBRATION_TWICE"),
    ],
)
def test_what_tells_nothing_is_explained(
    read: list[Chunk] | list[KeyEvent] | list[Characters], code: str
) -> None:
    with pytest.raises(DriverError) as told:
        detect(read)
    assert told.value.code == code
    assert told.value.fr.endswith((".", "fois."))
    assert "3017620422003" not in str(told.value)


@given(
    events=st.lists(st.builds(KeyEvent, st.floats(0, 1e6), st.integers(0, 767), st.booleans()), max_size=200)
)
def test_any_keys_give_a_calibration_or_a_typed_refusal(events: list[KeyEvent]) -> None:
    with pytest.raises(CalibrationError):
        detect(events)
