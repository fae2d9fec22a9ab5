"""Every text comes out on the simulated paper: by page, by a listed spelling, or drawn. Never as a question mark."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.charset import PC858, CodePage, encode
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.raster import Bitmap, draw_text
from cvconnect_drivers.shapes import Align
from cvconnect_drivers.spelling import TYPOGRAPHY, compose
from cvconnect_sim.printer import TM58, TM80, TM80_180DPI, PaperCut, Printer, PrinterModel, Slip

FRENCH = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ€£«»’‘“”–—…°²·×•−‑№™ﬁ\u00a0\u202f\u2009"
)
PRINTABLE = st.text(st.characters(exclude_categories=["Cc"]), max_size=10)

TH230 = replace(TM80, code_pages={0: "cp437", 1: "cp850", 6: "cp858", 8: "cp1252"}, native_qr=False)
OF_437 = Profile(columns=48, width_dots=576, pages=(CodePage(0, "cp437"),))
PRINTERS = (
    (PROFILES["80mm"], TM80),
    (PROFILES["58mm"], TM58),
    (PROFILES["epson-tm-t88v"], TM80_180DPI),
    (PROFILES["wincor-th230"], TH230),
    (replace(PROFILES["80mm"], pages=(PC858,)), TM80),
    (OF_437, TM80),
)


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


def on_paper(*lines: PaperLine, profile: Profile, model: PrinterModel) -> Slip:
    printer = Printer(model)
    answer = printer.receive(escpos.to_bytes(escpos.Encoder(profile).job(lines)))
    assert answer == b""
    assert [event for event in printer.events if not isinstance(event, PaperCut)] == []
    (slip,) = printer.slips
    return slip


def dots(image: Bitmap) -> list[int]:
    size = image.row_bytes
    return [int.from_bytes(image.data[at : at + size]) for at in range(0, len(image.data), size)]


def drawn(line: PaperLine, profile: Profile) -> list[Bitmap]:
    images = draw_text(
        line.text,
        columns=profile.columns,
        column_dots=profile.column_dots,
        align=line.align,
        bold=line.bold,
        large=line.large,
    )
    return list(images)


def spellings(text: str) -> str:
    """A pattern of all that a text may become by the list."""
    pattern = ""
    for character in compose(text):
        ways = [character]
        while (plainer := "".join(TYPOGRAPHY.get(each, each) for each in ways[-1])) != ways[-1]:
            ways.append(plainer)
        pattern += f"({'|'.join(map(re.escape, ways))})"
    return pattern


def assert_comes_out(text: str, profile: Profile, model: PrinterModel) -> None:
    slip = on_paper(PaperLine(text), profile=profile, model=model)
    if encode(text, profile.pages, profile.pages[0]) is not None:
        # The simulated paper tells its lines without the spaces at their end.
        assert re.fullmatch(spellings(compose(text).rstrip()), slip.lines[0].text)
        assert slip.lines[0].text.count("?") == compose(text).count("?")
        return
    assert slip.lines == ()
    (image,) = drawn(PaperLine(text), profile)
    at = model.head_to_cutter_dots
    shift = model.width_dots - 8 * image.row_bytes
    rows = dots(image)
    assert list(slip.rows[at : at + len(rows)]) == [row << shift for row in rows]


@given(st.text(FRENCH, max_size=10), st.sampled_from(PRINTERS))
def test_every_french_text_comes_out_on_every_printer(
    text: str, printer: tuple[Profile, PrinterModel]
) -> None:
    assert_comes_out(text, *printer)


CODECS = ("cp858", "cp1252", "iso8859-15")


@pytest.mark.parametrize("codec", CODECS)
@given(st.data(), st.sampled_from(PRINTERS))
def test_every_text_of_the_western_code_pages_comes_out_on_every_printer(
    codec: str, data: st.DataObject, printer: tuple[Profile, PrinterModel]
) -> None:
    characters = st.characters(codec=codec, exclude_categories=["Cc"])
    assert_comes_out(data.draw(st.text(characters, max_size=10)), *printer)


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda each: each[1].name)
def test_the_line_that_other_drivers_spoil_comes_out_as_text(printer: tuple[Profile, PrinterModel]) -> None:
    profile, model = printer
    text = "L’Œuf – 12,50 €…"
    assert_comes_out(text, profile, model)
    if profile is not OF_437:  # which has no €: the line is drawn there
        slip = on_paper(PaperLine(text), profile=profile, model=model)
        plain = slip.lines[0].text.translate({ord("’"): "'", ord("–"): "-", ord("…"): "...", ord("Œ"): "OE"})
        assert plain == "L'OEuf - 12,50 €..."


@given(PRINTABLE, st.sampled_from(PRINTERS))
def test_every_text_of_unicode_comes_out_on_every_printer(
    text: str, printer: tuple[Profile, PrinterModel]
) -> None:
    assert_comes_out(text, *printer)


@given(st.text(FRENCH, max_size=32))
def test_french_costs_no_drawing_on_a_printer_with_the_two_usual_pages(text: str) -> None:
    profile = PROFILES["80mm"]
    assert encode(text, profile.pages, profile.pages[0]) is not None


@given(st.characters(exclude_categories=["Cc", "Cf", "Z"]))
def test_every_character_can_be_drawn_and_only_a_question_mark_looks_like_one(character: str) -> None:
    profile = PROFILES["80mm"]
    assert b"".join(image.data for image in drawn(PaperLine(character), profile)).strip(b"\x00") or (
        compose(character) == ""
    )
    assert character == "?" or drawn(PaperLine(character), profile) != drawn(PaperLine("?"), profile)


def test_half_a_surrogate_is_drawn_as_its_code() -> None:
    assert_comes_out("a\ud800b", *PRINTERS[0])


@given(st.text(max_size=20))
def test_only_control_characters_are_refused(text: str) -> None:
    has_control = any(unicodedata.category(character) == "Cc" for character in text)
    try:
        escpos.Encoder(PROFILES["58mm"]).job([PaperLine(text)])
    except ContentError as error:
        assert (error.code, has_control) == ("CONTROL_CHARACTER", True)
    else:
        assert not has_control


@pytest.mark.parametrize("name", ["80mm", "58mm", "epson-tm-t88v"])
def test_the_amount_of_a_drawn_line_stands_in_the_columns_of_the_printed_ones(name: str) -> None:
    profile, model = next(each for each in PRINTERS if each[0] == PROFILES[name])
    space = " " * (profile.columns - 13)
    slip = on_paper(
        PaperLine(f"Ω{space}1 030,00 €.."), PaperLine(f"a{space}1 030,00 €.."), profile=profile, model=model
    )
    top = model.head_to_cutter_dots
    first, second = slip.rows[top : top + 24], slip.rows[top + 30 : top + 54]
    middle = model.width_dots - profile.column_dots * (profile.columns - 14) - 1
    for rows in (first, second):
        right = [row & (1 << middle) - 1 for row in rows]
        left_edge = max(row.bit_length() for row in right)
        expected = model.width_dots - profile.column_dots * (profile.columns - 12)
        assert abs(left_edge - expected) <= profile.column_dots


@pytest.mark.parametrize(
    ("align", "bold", "large"),
    [*itertools.product(("left", "center", "right"), (False, True), (False, True))],
)
def test_a_drawn_line_is_as_bold_large_and_aligned_as_it_is_asked(
    align: Align, bold: bool, large: bool
) -> None:
    profile, model = PRINTERS[0]
    line = PaperLine("ΩMH", align, bold, large)
    slip = on_paper(line, profile=profile, model=model)
    black = [row for row in slip.rows if row]
    width = max(row.bit_length() for row in black)
    right = min((row & -row).bit_length() - 1 for row in black)
    plain = on_paper(replace(line, bold=False, large=False), profile=profile, model=model)
    ink = sum(row.bit_count() for row in black) / sum(row.bit_count() for row in plain.rows)
    times = 2 if large else 1
    text_dots = 3 * profile.column_dots * times
    free = profile.width_dots - text_dots
    left = {"left": 0, "center": free // 2, "right": free}[align]
    # The sides of letters are blank, and an image ends at a byte.
    assert abs((profile.width_dots - width) - left) <= 8
    assert abs(right - (free - left)) <= 8
    assert ink > (1.05 if bold else 0.9) * times**2


def test_lines_after_a_drawn_one_keep_their_distance_and_their_state() -> None:
    profile, model = PRINTERS[0]
    slip = on_paper(
        PaperLine("a", bold=True, align="center"),
        PaperLine("Ω", align="right", large=True),
        PaperLine("Ω"),
        PaperLine("L’Œuf", bold=True, align="center"),
        profile=profile,
        model=model,
    )
    assert [(line.text, line.y_dots - model.head_to_cutter_dots) for line in slip.lines] == [
        ("a", 0),
        ("L’Œuf", 30 + 48 + 30),
    ]
    assert [line.height_dots for line in slip.lines] == [24, 24]


def test_a_drawn_line_goes_on_below_as_a_printed_one_does() -> None:
    profile, model = PRINTERS[1]
    slip = on_paper(PaperLine("Ω" * 70), PaperLine("x" * 70), profile=profile, model=model)
    tops = [line.y_dots - model.head_to_cutter_dots for line in slip.lines]
    assert tops == [90, 120, 150]
    assert [len(line.text) for line in slip.lines] == [32, 32, 6]


@pytest.mark.parametrize("character", ["x", "é", "Ω"])
def test_ten_thousand_characters_come_out_in_bounded_paper(character: str) -> None:
    profile, model = PRINTERS[1]
    slip = on_paper(PaperLine(character * 10_000), profile=profile, model=model)
    assert len(slip.rows) == model.head_to_cutter_dots + 313 * 30


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([PaperLine("x" * 10_001)], "LINE_TOO_LONG"),
        ([PaperLine("Ω" * 10_000_000)], "LINE_TOO_LONG"),
        ([PaperLine("x" * 9_999)] * 11, "JOB_TOO_LONG"),
        ([PaperLine()] * 100_001, "JOB_TOO_LONG"),
        ([PaperLine(qr="x" * 10_000_000)], "QR_CONTENT"),
        ([PaperLine(qr="x" * 1_500)], "QR_TOO_DENSE"),
    ],
    ids=["line", "endless line", "job", "empty lines", "endless QR", "dense QR"],
)
def test_what_is_absurd_is_refused_in_words(lines: list[PaperLine], code: str) -> None:
    with pytest.raises(ContentError) as caught:
        escpos.Encoder(PROFILES["58mm"]).job(lines)
    assert caught.value.code == code
    assert caught.value.text("fr")


@pytest.mark.parametrize("text", ["ZMΩ", "ZmΩ"])
def test_dots_that_would_be_a_real_time_command_are_not_sent(text: str) -> None:
    (image,) = drawn(PaperLine(text), PROFILES["80mm"])
    assert b"\x18\x04" in image.data
    assert not re.search(rb"\x10[\x04\x05\x14]", image.data)
