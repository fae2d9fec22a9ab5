"""What is written to a line display is read back from the simulated glass, whatever was there before."""

from __future__ import annotations

import itertools
import json
import string
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.displays.line_charset import respell
from cvconnect_drivers.displays.line_protocols import LEVELS, PROTOCOLS, Panel, model_in
from cvconnect_pos import prompts as texts
from cvconnect_pos.peripherals import PaymentPrompt
from cvconnect_sim.display import Cd5220Display, EpsonDisplay, Firmware, LogicControlsDisplay, Mode
from line_glass import GLASSES, PARTIAL, USUAL, WAITING, WITH_QR, panel_for

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "line_displays" / "screens.json"

FRENCH = "àâäçéèêëîïôöùûüÿæœÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÆŒ«»’…–€°"
PLAIN = string.ascii_letters + string.digits + " " + string.punctuation
characters = st.sampled_from(PLAIN + FRENCH) | st.characters(codec="utf-8")
PLAINER = {
    **dict.fromkeys("«»", '"'),
    "’": "'",
    "…": "...",
    "–": "-",
    "€": "EUR",
    "°": "o",
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    **dict(zip("àâäçéèêëîïôöùûüÿÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸ", "aaaceeeeiioouuuyAAACEEEEIIOOUUUY", strict=True)),
}
"""How each French character may be spelled, and no other way."""

MISSING = {
    ("epson", "cp858"): "ŸœŒ’…–",
    ("epson", "cp437"): "ÀÂÈÊËÎÏÔÙÛŸœŒ’…–€",
    ("epson", "cp850"): "ŸœŒ’…–€",
    ("epson", "cp1252"): "",
    ("cd5220", "france"): "âäêëîïôöûüÿæœÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÆŒ«»’…–€",
    ("cd5220", "cp437"): "ÀÂÈÊËÎÏÔÙÛŸœŒ’…–€",
    ("cd5220", "cp858"): "ŸœŒ’…–",
    ("logic-controls", "cp437"): "ÀÂÈÊËÎÏÔÙÛŸœŒ’…–€",
    ("logic-controls", "ascii"): FRENCH,
    ("aedex", "cp437"): "ÀÂÈÊËÎÏÔÙÛŸœŒ’…–€",
    ("aedex", "ascii"): FRENCH,
}
"""What each set lacks; all else must be seen as itself."""

SETS = list(GLASSES)


def started(protocol: str, page: str) -> Firmware:
    glass = GLASSES[protocol, page]()
    glass.receive(PROTOCOLS[protocol].start)
    return glass


def shown(panel: Panel, glass: Firmware, prompt: PaymentPrompt | None) -> list[tuple[str, ...]]:
    screens: list[tuple[str, ...]] = []
    for page in panel.lay_out(prompt):
        glass.receive(panel.frame(page))
        screens.append(glass.lines)
    return screens


@pytest.mark.parametrize(("protocol", "page"), SETS)
def test_each_french_character_is_seen_as_itself_or_as_its_listed_spelling(protocol: str, page: str) -> None:
    panel, glass = panel_for(protocol, page), started(protocol, page)
    for character in FRENCH:
        prompt = PaymentPrompt("waiting", amount=f"a{character}z", instruction=".")
        [(seen, _)] = shown(panel, glass, prompt)
        lacking = character in MISSING[protocol, page]
        assert seen.strip() == (f"a{PLAINER[character]}z" if lacking else f"a{character}z")


@pytest.mark.parametrize(("protocol", "page"), SETS)
def test_every_text_of_the_sdk_is_read_back(protocol: str, page: str) -> None:
    panel, glass = panel_for(protocol, page), started(protocol, page)
    for kind, *languages in texts._PROMPTS.values():
        for said in languages:
            amount = "1\u00a0234,50\u00a0€"
            prompt = PaymentPrompt(kind, title=texts.TITLE, amount=amount, instruction=said)
            lacking = MISSING[protocol, page]
            spelled = (PLAINER[each] if each in lacking else each for each in f"{amount} {said}")
            rows = " ".join(row.strip() for screen in shown(panel, glass, prompt) for row in screen)
            for word in "".join(spelled).split():
                assert kind == "idle" or word in rows
    assert (glass.unknown, glass.ignored) == ([], [])


@pytest.mark.parametrize(("protocol", "page"), SETS)
@given(st.text(characters, max_size=60))
def test_any_text_is_read_back_as_it_was_spelled(protocol: str, page: str, text: str) -> None:
    panel, glass = panel_for(protocol, page), started(protocol, page)
    pages = panel.lay_out(PaymentPrompt("waiting", amount="20,00", instruction=text, notice=text))
    for each in pages:
        glass.receive(panel.frame(each))
        assert glass.lines == each
    assert (glass.unknown, glass.ignored) == ([], [])
    if "?" not in text:
        assert "?" not in str(pages)


@pytest.mark.parametrize(("protocol", "page"), SETS)
def test_a_text_cannot_steer_the_display(protocol: str, page: str) -> None:
    panel, glass = panel_for(protocol, page), started(protocol, page)
    evil = "a\x1b@\x1f\x02\x04\x20\x0cb!#2gone\rc\x10\x00d\x1bQAe\nf"
    pages = panel.lay_out(PaymentPrompt("waiting", amount="20,00", instruction=evil))
    glass.receive(panel.frame(pages[0]))
    assert glass.lines == pages[0]
    assert glass.lines[0].strip() == "20,00"
    assert (glass.panel.brightness, glass.unknown) == (100, [])
    if protocol != "aedex":
        assert glass.panel.mode is Mode.OVERWRITE


def test_a_character_with_a_shape_is_never_dropped() -> None:
    pages = panel_for("logic-controls", "ascii").pages
    assert respell("a\u00ad☃\u0301z", pages) == "a##z"
    assert respell("日本", pages) == "##"


def test_every_character_ends_in_ascii_where_there_is_nothing_else() -> None:
    pages = panel_for("aedex", "ascii").pages
    for start in range(0, 0x30000, 0x400):
        if not 0xD800 <= start < 0xE000:
            spelled = respell("".join(map(chr, range(start, start + 0x400))), pages)
            assert spelled.replace("\u00a0", " ").isascii()
    assert respell("5 µm, 3 μA, ㎍", pages) == "5 um, 3 uA, ug"


@pytest.mark.parametrize(("protocol", "page"), SETS)
def test_frames_may_be_cut_anywhere(protocol: str, page: str) -> None:
    panel = panel_for(protocol, page)
    whole, bytewise = started(protocol, page), GLASSES[protocol, page]()
    screens = shown(panel, whole, PARTIAL)
    for code in PROTOCOLS[protocol].start + b"".join(map(panel.frame, panel.lay_out(PARTIAL))):
        bytewise.receive(bytes((code,)))
    assert bytewise.lines == screens[-1]


@pytest.mark.parametrize("power", ["kept", "cut"])
@pytest.mark.parametrize(("protocol", "page"), USUAL)
def test_pulled_at_every_byte_the_display_comes_to_the_current_prompt(
    protocol: str, page: str, power: str
) -> None:
    panel = panel_for(protocol, page)
    before = PROTOCOLS[protocol].start + b"".join(map(panel.frame, panel.lay_out(WAITING)))
    now = panel.lay_out(PARTIAL)[0]
    for sent in range(len(before) + 1):
        glass = GLASSES[protocol, page]()
        glass.receive(before[:sent])
        if power == "cut":
            glass.cut_power()
            glass.receive(before[sent : sent + 10])
            glass.restore_power()
        glass.receive(PROTOCOLS[protocol].start)
        glass.unknown.clear()  # an ESC that was torn from its command, with what came after it
        glass.receive(panel.frame(now))
        assert glass.lines == now, sent
        assert glass.unknown == [], sent
        if protocol != "aedex":
            assert (glass.panel.mode, glass.panel.cursor_on) == (Mode.OVERWRITE, False), sent


@pytest.mark.parametrize(("protocol", "page"), SETS)
def test_a_frame_alone_sets_a_display_right_that_lost_its_power(protocol: str, page: str) -> None:
    panel, glass = panel_for(protocol, page), started(protocol, page)
    for each in panel.lay_out(WAITING):
        glass.cut_power()
        glass.restore_power()
        assert glass.lines != each
        glass.receive(panel.frame(each))
        assert glass.lines == each


@pytest.mark.parametrize(
    ("protocol", "left"),
    [
        ("epson", b"\x1f\x02\x1bt\x10\x1bR\x02Guten Tag"),
        ("epson", b"\x1b=\x01for the printer"),
        ("epson", b"\x1f\x03\x1fC\x01\x1fX\x01"),
        ("cd5220", b"\x1bQAWelcome\r\x1bQBdear customer\r"),
        ("cd5220", b"\x1b\x13\x1b_\x01\x1bfG"),
        ("logic-controls", b"\x12\x13\x04\x20scrolled\r\nup"),
        ("aedex", b"!#9Welcome              dear customer\r!#"),
    ],
)
def test_what_another_program_left_on_the_display_is_gone(protocol: str, left: bytes) -> None:
    page = dict(USUAL)[protocol]
    panel, glass = panel_for(protocol, page), GLASSES[protocol, page]()
    glass.receive(left)
    glass.receive(PROTOCOLS[protocol].start)
    assert shown(panel, glass, WITH_QR) == list(panel.lay_out(WITH_QR))
    assert glass.panel.brightness == 100


def test_nothing_is_a_blank_glass() -> None:
    for protocol, page in USUAL:
        panel, glass = panel_for(protocol, page), started(protocol, page)
        shown(panel, glass, WAITING)
        assert shown(panel, glass, None) == [(" " * 20, " " * 20)]


@pytest.mark.parametrize("protocol", ["epson", "cd5220", "logic-controls"])
def test_brightness_has_four_levels(protocol: str) -> None:
    found, glass = PROTOCOLS[protocol], started(protocol, dict(USUAL)[protocol])
    seen: list[int] = []
    for level in LEVELS:
        panel = Panel(found, next(iter(found.pages.values())), brightness=level)
        glass.receive(panel.frame(panel.lay_out(None)[0]))
        seen.append(glass.panel.brightness)
    assert seen == [20, 40, 60, 100]


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
@pytest.mark.parametrize("columns", [16, 20, 40])
@pytest.mark.parametrize("protocol", ["epson", "cd5220"])
def test_other_sizes_fill_their_glass(protocol: str, columns: int, rows: int) -> None:
    found = PROTOCOLS[protocol]
    panel = Panel(found, next(iter(found.pages.values())), columns, rows)
    glass: Firmware = (EpsonDisplay if protocol == "epson" else Cd5220Display)(columns, rows)
    glass.receive(found.start)
    assert shown(panel, glass, WAITING) == list(panel.lay_out(WAITING))


def test_an_imitation_without_the_euro_page_still_has_its_accents() -> None:
    clone = EpsonDisplay(name=None, pages=frozenset(range(6)))
    panel = panel_for("epson", "cp858")
    seen = shown(panel, clone, PaymentPrompt("waiting", amount="20,00", instruction="Présentez à la caisse"))
    assert seen[0][1].strip() == "Présentez à la"
    assert clone.ignored == [b"\x1bt\x13"] * len(seen)


def test_the_page_changes_within_a_row_only_where_it_must() -> None:
    panel = panel_for("cd5220", "france")
    frame = panel.frame(("[é]".ljust(20), "é".ljust(20)))
    assert frame.count(b"\x1bfF") == 3
    assert frame.count(b"\x1bfA") == 2
    glass = Cd5220Display()
    glass.receive(frame)
    assert [row.strip() for row in glass.lines] == ["[é]", "é"]


# --- the question for the model ---------------------------------------------------------------------------------------


def test_an_epson_display_says_what_it_is() -> None:
    assert model_in(EpsonDisplay().receive(PROTOCOLS["epson"].ask)) == "DM-D70"


def test_an_old_display_says_nothing_and_shows_nothing_of_the_question() -> None:
    glass = EpsonDisplay(name=None)
    assert glass.receive(PROTOCOLS["epson"].ask) == b""
    assert glass.lines == (" " * 20, " " * 20)


@given(st.binary(max_size=40))
def test_garbage_is_no_model(garbage: bytes) -> None:
    found = model_in(garbage)
    assert found is None or (b"\x57\x20" in garbage and found.isascii() and found.isprintable())


@given(st.binary(max_size=8).filter(lambda data: b"\x57" not in data), st.binary(max_size=8))
def test_a_model_is_found_between_other_bytes(before: bytes, after: bytes) -> None:
    assert model_in(before + b"\x57\x200\x1fDM-D30\0" + after) == "DM-D30"


@pytest.mark.parametrize(
    "answer", [b"", b"\x57\x200\x1fDM-D3", b"\x57\x200DM\0", b"\x57\x200\x1f\0", b"\x57\x20x\x1fDM\0"]
)
def test_a_torn_answer_is_none(answer: bytes) -> None:
    assert model_in(answer) is None


# --- golden screens ---------------------------------------------------------------------------------------------------


def golden() -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", json.loads(VECTORS.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "case", golden(), ids=lambda case: f"{case['protocol']}-{case['page']}-{case['name']}"
)
def test_the_golden_screens_stand(case: dict[str, object]) -> None:
    protocol, page = str(case["protocol"]), str(case["page"])
    panel, glass = panel_for(protocol, page), started(protocol, page)
    prompt = PaymentPrompt(**cast("dict[str, str]", case["prompt"]))  # type: ignore[arg-type]
    frames = [panel.frame(each) for each in panel.lay_out(prompt)]
    assert [frame.hex() for frame in frames] == case["frames"]
    screens: list[list[str]] = []
    for frame in frames:
        glass.receive(frame)
        screens.append(list(glass.lines))
    assert screens == case["screens"]


def test_the_golden_screens_cover_each_protocol_and_each_state() -> None:
    cases = golden()
    assert {(case["protocol"], case["page"]) for case in cases} == set(SETS)
    states = {cast("dict[str, str]", case["prompt"])["state"] for case in cases}
    assert states >= {
        "idle",
        "waiting",
        "seen",
        "paid",
        "partial",
        "refused",
        "expired",
        "cancelled",
        "check",
    }


def test_two_frames_of_the_same_page_are_the_same_bytes() -> None:
    for (protocol, page), prompt in itertools.product(SETS, (WAITING, PARTIAL)):
        panel = panel_for(protocol, page)
        assert [panel.frame(each) for each in panel.lay_out(prompt)] == [
            panel.frame(each) for each in panel.lay_out(prompt)
        ]


def test_the_logic_controls_display_scrolls_until_it_is_told_not_to() -> None:
    glass = LogicControlsDisplay()
    assert glass.panel.mode is Mode.VERTICAL
