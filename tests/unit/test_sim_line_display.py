"""The simulated line displays do what the manuals say, and what they do not know is recorded."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cvconnect_sim.display import (
    AedexDisplay,
    Cd5220Display,
    EpsonDisplay,
    Firmware,
    LogicControlsDisplay,
    Mode,
    Panel,
)
from cvconnect_sim.links import MemoryLink

ROOT = Path(__file__).resolve().parents[2]
ALL: list[Callable[[], Firmware]] = [EpsonDisplay, Cd5220Display, LogicControlsDisplay, AedexDisplay]
OF_CELLS = ALL[:3]


def hello(glass: Firmware) -> bytes:
    return b"!#1Hello\r" if isinstance(glass, AedexDisplay) else b"Hello"


def read(glass: Firmware) -> list[str]:
    return [line.rstrip() for line in glass.lines]


# --- the glass --------------------------------------------------------------------------------------------------------


def test_overwriting_goes_round() -> None:
    panel = Panel(4, 2)
    for character in "abcdefghij":
        panel.put(character)
    assert panel.lines == ("ijcd", "efgh")
    assert (panel.column, panel.row) == (2, 0)


def test_vertical_scrolling_loses_the_upper_row() -> None:
    panel = Panel(4, 2, Mode.VERTICAL)
    for character in "abcdefghij":
        panel.put(character)
    assert panel.lines == ("efgh", "ij  ")


def test_horizontal_scrolling_pushes_to_the_left() -> None:
    panel = Panel(4, 2, Mode.HORIZONTAL)
    for character in "abcdefg":
        panel.put(character)
    assert panel.lines == ("defg", "    ")


@pytest.mark.parametrize(
    ("mode", "left", "right", "up", "down"),
    [
        (Mode.OVERWRITE, (3, 1), (0, 0), (0, 1), (3, 0)),
        (Mode.VERTICAL, (0, 0), (0, 1), (0, 0), (3, 1)),
        (Mode.HORIZONTAL, (0, 0), (3, 1), (0, 0), (3, 1)),
    ],
)
def test_the_cursor_at_the_corners(
    mode: Mode, left: tuple[int, int], right: tuple[int, int], up: tuple[int, int], down: tuple[int, int]
) -> None:
    seen: list[tuple[int, int]] = []
    for move, start in (("left", (0, 0)), ("right", (3, 1)), ("up", (0, 0)), ("down", (3, 1))):
        panel = Panel(4, 2, mode)
        panel.move_to(*start)
        getattr(panel, move)()
        seen.append((panel.column, panel.row))
    assert seen == [left, right, up, down]


def test_outside_the_glass_the_cursor_stays() -> None:
    panel = Panel(4, 2)
    assert panel.move_to(3, 1)
    assert not panel.move_to(4, 1)
    assert not panel.move_to(0, -1)
    assert (panel.column, panel.row) == (3, 1)


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL)
def test_power_comes_back_to_an_empty_glass(make: Callable[[], Firmware]) -> None:
    glass = make()
    glass.receive(hello(glass))
    assert read(glass)[0] == "Hello"
    glass.cut_power()
    assert (glass.powered, read(glass)) == (False, ["", ""])
    assert glass.receive(hello(glass)) == b""
    assert read(glass) == ["", ""]
    glass.restore_power()
    assert read(glass) == ["", ""]
    glass.receive(hello(glass))
    assert read(glass)[0] == "Hello"


@pytest.mark.parametrize("make", ALL)
def test_a_command_that_the_power_cut_tore_is_forgotten(make: Callable[[], Firmware]) -> None:
    glass = make()
    glass.receive(b"!#" if make is AedexDisplay else b"\x04" if make is LogicControlsDisplay else b"\x1b")
    glass.cut_power()
    glass.restore_power()
    glass.receive(hello(glass))
    assert read(glass)[0] == "Hello"


@pytest.mark.parametrize("make", OF_CELLS)
def test_what_begins_no_command_is_recorded(make: Callable[[], Firmware]) -> None:
    glass = make()
    glass.receive(b"a\x01b" if make is not EpsonDisplay else b"a\x05b")
    assert glass.unknown == [b"\x01" if make is not EpsonDisplay else b"\x05"]
    assert read(glass)[0] == "ab"


@pytest.mark.parametrize("make", ALL)
def test_the_picture_shows_the_text_and_goes_dark_without_power(make: Callable[[], Firmware]) -> None:
    glass = make()
    pictures = [glass.picture()]
    glass.receive(hello(glass))
    pictures.append(glass.picture())
    glass.cut_power()
    pictures.append(glass.picture())
    lit = [_brightest(picture) for picture in pictures]
    assert lit[1] > 200
    assert lit[2] < 40
    assert pictures[1] not in {pictures[0], pictures[2]}


def _brightest(png: bytes) -> int:
    picture = Image.open(BytesIO(png))
    assert picture.width > 4 * picture.height
    extrema = picture.getextrema()
    assert isinstance(extrema[1], tuple)
    return int(extrema[1][1])


def test_on_a_memory_link_a_display_answers_its_host() -> None:
    glass = EpsonDisplay(name="DM-D30")
    with MemoryLink(glass.receive) as link:
        link.write(b"\x1f(B\x02\x00\x30\x43")
        assert link.read() == b"\x57\x200\x1fDM-D30\0"


def test_the_pictures_of_the_documentation_are_those_of_the_golden_screens() -> None:
    drawn = runpy.run_path(str(ROOT / "tools/make_line_pictures.py"))["pictures"]()
    assert sorted(drawn) == sorted(each.name for each in (ROOT / "docs/images").glob("line-*.png"))
    for name, picture in drawn.items():
        with Image.open(ROOT / "docs/images" / name) as shown:
            assert shown.convert("RGB").tobytes() == picture.tobytes(), name


# --- Epson ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"\xa5", ["Ñ", ""]),
        (b"\x1bt\x13\xd5", ["€", ""]),
        (b"\x1bt\x10\x80", ["€", ""]),
        (b"\x1bR\x01{@}", ["éàè", ""]),
        (b"\x1bt\x13\xd5\x1bt\x00\x82", ["€é", ""]),
        (b"\x1bt\x13\x1b@\xd5", ["╒", ""]),
        (b"ab\x1f$\x03\x02cd\x0bX\x1fBY", ["Xb", "  cd               Y"]),
        (b"ab\x0acd\x0dX\x1f\x0aZ", ["aZ", "X cd"]),
        (b"abc\x08\x08X\x09Y", ["aXcY", ""]),
        (b"abc\x18d", ["d", ""]),
        (b"abc\x0cd", ["d", ""]),
        (b"\x1f\x0dab", [" " * 19 + "a", "b"]),
    ],
)
def test_epson_commands(data: bytes, lines: list[str]) -> None:
    glass = EpsonDisplay()
    for code in data:
        glass.receive(bytes((code,)))
    assert read(glass) == lines
    assert (glass.unknown, glass.ignored) == ([], [])


def test_epson_ignores_what_is_out_of_range() -> None:
    glass = EpsonDisplay(pages=frozenset({0}))
    for wrong in (
        b"\x1bt\x13",
        b"\x1bR\x63",
        b"\x1f$\x15\x01",
        b"\x1fX\x09",
        b"\x1b=\x00",
        b"\x1f(A\x01\x00\x30",
    ):
        glass.receive(wrong)
    assert len(glass.ignored) == 6
    glass.receive(b"\x82")
    assert read(glass)[0] == "é"


def test_what_is_for_a_printer_behind_the_display_is_not_shown() -> None:
    glass = EpsonDisplay()
    glass.receive(b"\x1b=\x01ticket\x0c\x1b=\x02shown")
    assert read(glass)[0] == "shown"
    assert bytes(glass.passed_on) == b"ticket\x0c"


# --- CD5220 -----------------------------------------------------------------------------------------------------------


def test_the_string_mode_hears_nothing_until_it_is_cleared() -> None:
    glass = Cd5220Display()
    glass.receive(b"\x1bQAupper row\r\x1bQBlower row\r")
    assert read(glass) == ["upper row", "lower row"]
    glass.receive(b"\x1bl\x01\x01X\x1b@")
    assert read(glass) == ["upper row", "lower row"]
    glass.receive(b"\x0c")
    glass.receive(b"X")
    assert read(glass) == ["X", ""]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"\x1bfF{@}", ["éàè", ""]),
        (b"\x1bfA{\x82", ["{é", ""]),
        (b"\x1bfx{", ["{", ""]),
        (b"\x1bl\x03\x02c\x1b[HX\x1b[KY\x1b[RZ", ["X", "Y c" + " " * 16 + "Z"]),
        (b"\x1b[B\x1b[Cb\x1b[A\x1b[D\x1b[Da", ["a", " b"]),
        (b"abc\x18d", ["d", ""]),
    ],
)
def test_cd5220_commands(data: bytes, lines: list[str]) -> None:
    glass = Cd5220Display()
    glass.receive(data)
    assert read(glass) == lines
    assert glass.unknown == []


# --- Logic Controls ---------------------------------------------------------------------------------------------------


def test_logic_controls_scrolls_vertically_after_power_on_and_after_a_reset() -> None:
    glass = LogicControlsDisplay()
    for data in (b"", b"\x11\x1f"):
        glass.receive(data + b"a" * 20 + b"b" * 20 + b"c")
        assert read(glass) == ["b" * 20, "c"]
        assert (glass.panel.mode, glass.panel.cursor_on) == (Mode.VERTICAL, True)


def test_logic_controls_places_cells_by_their_number() -> None:
    glass = LogicControlsDisplay()
    glass.receive(b"\x11\x10\x14low\x10\x00high\x10\x27!\x10\x28?")
    assert read(glass) == ["?igh", "low" + " " * 16 + "!"]
    assert glass.ignored == [b"\x10\x28"]


def test_logic_controls_back_space_erases() -> None:
    glass = LogicControlsDisplay()
    glass.receive(b"abc\x08\x08x\x14\x04\x40\x04\x41")
    assert read(glass)[0] == "ax"
    assert (glass.panel.cursor_on, glass.panel.brightness, glass.ignored) == (False, 40, [b"\x04\x41"])


# --- AEDEX ------------------------------------------------------------------------------------------------------------


def test_aedex_shows_rows_and_passes_the_rest_on() -> None:
    glass = AedexDisplay()
    glass.receive(b"to the printer\r!#1up!#2per\r!#2lower\r! # \r")
    assert read(glass) == ["up!#2per", "lower"]
    assert bytes(glass.passed_on) == b"to the printer\r! # \r"


def test_aedex_writes_both_rows_at_once() -> None:
    glass = AedexDisplay()
    glass.receive(b"!#9" + b"a" * 20 + b"b" * 25 + b"\r")
    assert read(glass) == ["a" * 20, "b" * 20]


def test_a_row_that_never_ends_is_given_up() -> None:
    glass = AedexDisplay()
    glass.receive(b"!#1" + b"a" * 200)
    assert read(glass)[0] == "a" * 20
    glass.receive(b"\r!#1b" + b" " * 19 + b"\r")
    assert read(glass)[0] == "b"
