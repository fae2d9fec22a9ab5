"""The calibration page, and what the answers make of a profile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.cli.printer_asking import profile_named
from cvconnect_drivers.cli.printer_sheet import (
    NO_PAGE,
    PAGES,
    QRS,
    RULERS,
    candidates,
    page_sheet,
    sample,
    sheet,
    with_columns,
    with_pages,
    with_qr,
)
from cvconnect_drivers.cli.printer_ticket import TrialTicket, ruler
from cvconnect_drivers.printers import commands
from cvconnect_drivers.printers.charset import ISO8859_15, PC858, WPC1252, CodePage, encode
from cvconnect_drivers.printers.profiles import CORRECTIONS, PROFILES
from cvconnect_sim.printer import MODELS, Printer
from paper_reader import longest_ruler, qr_codes

FULL, NARROW = PROFILES["80mm"], PROFILES["58mm"]


@given(st.integers(20, 72))
def test_a_ruler_has_its_length_and_ends_with_a_bar(columns: int) -> None:
    for label in ("", f"{columns} "):
        line = ruler(columns, label)
        assert len(line) == columns
        assert line.endswith("|")
        assert line.isascii()
        assert "\n" not in line


@pytest.mark.parametrize("name", ["TM80", "TM58", "TM80_180DPI"])
def test_the_longest_ruler_on_one_line_is_the_printers_width(name: str) -> None:
    simulated = Printer(MODELS[name])
    simulated.receive(commands.to_bytes(sheet(FULL)))
    (slip,) = simulated.slips
    assert longest_ruler(slip) == MODELS[name].width_dots // 12
    assert simulated.unknown_commands == []


def test_each_code_tells_its_number_and_a_printer_without_codes_shows_the_pictures_alone() -> None:
    for name, numbers in (("TM80", [1, 2, 3, 4]), ("TM58", [3, 4])):
        simulated = Printer(MODELS[name])
        simulated.receive(commands.to_bytes(sheet(FULL)))
        assert qr_codes(simulated.slips[0]) == [f"CVCONNECT {number}" for number in numbers]


def test_the_second_page_leaves_the_two_byte_mode_first() -> None:
    simulated = Printer(MODELS["CLONE58_CHINESE"])
    simulated.receive(commands.to_bytes(page_sheet(NARROW, leave_kanji=True)))
    texts = [line.text for line in simulated.uncut.lines]
    assert f" 1 {sample(PC858)}" in texts


def test_the_pages_of_the_profile_come_first_and_none_twice() -> None:
    pages = candidates(PROFILES["wincor-th230"])
    assert pages[:2] == PROFILES["wincor-th230"].pages
    assert len(set(pages)) == len(pages) == len(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_line_shows_what_its_page_has_and_no_more(page: CodePage) -> None:
    assert sample(page).startswith("é è ê à ç ù ô")
    assert encode(sample(page), (page,), page) is not None


def test_the_widths_change_together() -> None:
    assert (with_columns(FULL, 42).columns, with_columns(FULL, 42).width_dots) == (42, 504)
    assert with_columns(PROFILES["epson-tm-t88v"], 42) is PROFILES["epson-tm-t88v"]
    assert {with_columns(FULL, columns).column_dots for columns in RULERS} <= {11, 12}


@pytest.mark.parametrize(
    ("right", "pages"),
    [
        ([PC858, WPC1252, ISO8859_15], FULL.pages),
        ([WPC1252], (WPC1252,)),
        ([CodePage(53, "cp858"), CodePage(14, "cp858")], (CodePage(53, "cp858"),)),
        ([CodePage(71, "cp1252"), CodePage(2, "cp850")], (CodePage(71, "cp1252"),)),
        ([CodePage(2, "cp850"), CodePage(0, "cp437")], (CodePage(2, "cp850"),)),
        ([], (NO_PAGE,)),
    ],
)
def test_the_first_right_page_of_each_kind_is_kept(
    right: list[CodePage], pages: tuple[CodePage, ...]
) -> None:
    assert with_pages(FULL, right).pages == pages


@pytest.mark.parametrize(
    ("readable", "native"),
    [([1, 2, 3, 4], True), ([1, 2], True), ([3, 4], False), ([2, 3, 4], False), ([2, 4], True), ([1], True)],
)
def test_the_printer_draws_codes_itself_when_its_own_are_read_as_well_as_pictures(
    readable: list[int], native: bool
) -> None:
    assert [each.number for each in QRS] == [1, 2, 3, 4]
    for profile in (FULL, NARROW):
        assert with_qr(profile, readable).native_qr is native
        assert with_qr(profile, []) is profile


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("TM-T88V", "epson-tm-t88v"),
        ("TM-T20II", "epson-tm-t20ii"),
        ("RP-F10-80mm", "seiko-rp-f10-80mm"),
        ("TM-M30", None),
        ("", None),
        ("---", None),
    ],
)
def test_a_models_name_finds_its_profile(model: str, name: str | None) -> None:
    assert profile_named(model) == name


@given(st.integers(20, 72))
def test_the_trial_ticket_fits_and_says_that_it_is_worth_nothing(columns: int) -> None:
    lines = TrialTicket("22/11/2026 05:00", "TEST 0A1B").lines(columns)
    assert lines[0].text == lines[-1].text == "TEST - SANS VALEUR"
    for line in lines:
        if line.large:
            assert 2 * len(line.text) <= columns
    assert [line.qr for line in lines if line.qr] == ["TEST 0A1B"]


def test_a_correction_is_of_a_profile_that_is_there() -> None:
    for each in CORRECTIONS:
        assert getattr(PROFILES[each.profile], each.field) != each.database
        assert each.reason
