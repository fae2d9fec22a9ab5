"""What comes out of the simulated printer, to the dot."""

import io
import itertools

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_sim.printer import TM58, TM80, IgnoredCommand, PaperCut, Printer, PrinterModel, Slip
from cvconnect_sim.printer.charset import character_table
from cvconnect_sim.printer.font import Font, glyph

FRENCH = "ÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸàâäæçéèêëîïôöœùûüÿ«»€°’…–"


def printed(data: bytes, model: PrinterModel = TM80) -> Slip:
    printer = Printer(model)
    printer.receive(data)
    return printer.uncut


def ink(slip: Slip) -> int:
    return sum(row.bit_count() for row in slip.rows)


def black_box(slip: Slip) -> tuple[int, int]:
    """Width and height of what is black."""
    columns = 0
    for row in slip.rows:
        columns |= row
    rows = [y for y, row in enumerate(slip.rows) if row]
    return columns.bit_length() - ((columns & -columns).bit_length() - 1), rows[-1] - rows[0] + 1


def qr_job(text: bytes, *, module_dots: int = 6, level: bytes = b"1") -> bytes:
    def function(fn: int, data: bytes) -> bytes:
        return b"\x1d(k" + (len(data) + 2).to_bytes(2, "little") + bytes((49, fn)) + data

    return (
        function(65, b"2\x00")
        + function(67, bytes((module_dots,)))
        + function(69, level)
        + function(80, b"0" + text)
        + function(81, b"0")
    )


def read_codes(slip: Slip) -> list[str]:
    with Image.open(io.BytesIO(slip.png())) as picture:
        return [code.text for code in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("font", Font)
def test_every_french_character_has_a_glyph_of_its_own(font: Font) -> None:
    box = glyph(font, None)
    images = {glyph(font, char) for char in FRENCH}

    assert len(images) == len(FRENCH)
    assert box not in images
    assert all(len(image) == font.height_dots for image in images)


@pytest.mark.parametrize("codec", ["cp437", "cp850", "cp858", "cp1252", "iso8859-15"])
@pytest.mark.parametrize("font", Font)
def test_the_western_pages_are_drawn_whole(font: Font, codec: str) -> None:
    chars = [char for char in character_table(codec, 0) if char is not None]

    assert len(chars) > 180
    assert [char for char in chars if glyph(font, char) == glyph(font, None)] == []


def test_bold_is_wider_by_one_dot_and_blacker() -> None:
    plain, bold = printed(b"I\n"), printed(b"\x1bE\x01I\n")

    assert black_box(bold) == (black_box(plain)[0] + 1, black_box(plain)[1])
    assert ink(bold) > ink(plain)


@given(st.integers(1, 8), st.integers(1, 8))
def test_enlarged_characters_are_the_same_dots_enlarged(wide: int, tall: int) -> None:
    plain = printed(b"E\n")
    big = printed(b"\x1d!" + bytes(((wide - 1) << 4 | tall - 1,)) + b"E\n")

    assert ink(big) == ink(plain) * wide * tall
    assert black_box(big) == (black_box(plain)[0] * wide, black_box(plain)[1] * tall)


def test_large_and_small_characters_stand_on_the_same_foot() -> None:
    full_block = b"\xdb"
    mixed = printed(b"\x1d!\x11" + full_block + b"\x1d!\x00" + full_block + b"\n")
    left, right = (1 << 24) - 1 << 552, (1 << 12) - 1 << 540

    def lowest(mask: int) -> int:
        return max(y for y, row in enumerate(mixed.rows) if row & mask)

    assert lowest(left) == lowest(right)
    assert mixed.lines[0].height_dots == 48


def test_reverse_is_white_on_black_and_underline_is_black_across() -> None:
    reverse, underlined = printed(b"\x1dB\x01ab\n"), printed(b"\x1b-\x02a b\n")

    assert ink(reverse) == 24 * 24 - ink(printed(b"ab\n"))
    full = (1 << 36) - 1 << 540
    assert [row for row in underlined.rows if row == full] == [full, full]


def test_an_undefined_character_is_a_visible_box() -> None:
    slip = printed(b"\x1bt\x10\x81\n")

    assert slip.text == "▯"
    width, height = black_box(slip)
    assert width == 10
    assert height >= 16


def test_line_spacing_is_as_set_and_never_overprints_tall_characters() -> None:
    tops = [line.y_dots for line in printed(b"a\nb\n\x1b3\x28c\nd\n\x1b3\x08e\nf\n\x1b2g\n").lines]

    assert [low - high for high, low in itertools.pairwise(tops)] == [30, 30, 40, 40, 24, 24]


@pytest.mark.parametrize(("model", "columns"), [(TM80, 48), (TM58, 32)])
def test_a_model_has_its_number_of_columns(model: PrinterModel, columns: int) -> None:
    assert [len(line.text) for line in printed(b"x" * (columns + 1) + b"\n", model).lines] == [columns, 1]


def test_tabs_go_to_every_eighth_column() -> None:
    assert printed(b"a\tb\t\tc\n").text == "a       b               c"


@pytest.mark.parametrize("level", [b"0", b"1", b"2", b"3"])
@pytest.mark.parametrize("module_dots", [3, 6, 8])
def test_a_native_qr_code_is_readable_on_the_picture(module_dots: int, level: bytes) -> None:
    text = b"https://example.invalid/pay?id=0123456789"

    slip = printed(b"\x1ba\x01" + qr_job(text, module_dots=module_dots, level=level) + b"\x1bd\x04")

    assert read_codes(slip) == [text.decode()]
    width, height = black_box(slip)
    assert width == height
    assert width % module_dots == 0


def test_a_native_qr_code_has_no_quiet_zone_of_its_own() -> None:
    slip = printed(qr_job(b"12345678901"))

    assert slip.rows[TM80.head_to_cutter_dots] >> (TM80.width_dots - 1) == 1
    assert slip.rows[-1] >> (TM80.width_dots - 1) == 1


@pytest.mark.parametrize(
    ("job", "model"),
    [
        (qr_job(b"x" * 120, module_dots=16), TM80),
        (qr_job(b"x" * 3000), TM80),
        (qr_job(b"x"), TM58),
        (b"a" + qr_job(b"x"), TM80),
    ],
    ids=["too wide", "too long", "no native QR", "within a line"],
)
def test_a_qr_code_that_cannot_be_printed_is_recorded(job: bytes, model: PrinterModel) -> None:
    printer = Printer(model)
    printer.receive(job)

    assert printer.uncut.blank
    assert isinstance(printer.events[-1], IgnoredCommand)


@pytest.mark.parametrize(
    ("mode", "size"), [(0, (16, 2)), (1, (32, 2)), (2, (16, 4)), (3, (32, 4)), (51, (32, 4))]
)
def test_a_raster_image_is_printed_dot_by_dot(mode: int, size: tuple[int, int]) -> None:
    slip = printed(b"\x1dv0" + bytes((mode,)) + b"\x02\x00\x02\x00\x80\x01\x80\x01")

    assert black_box(slip) == size
    assert ink(slip) == 4 * size[0] * size[1] // 32


def test_an_image_wider_than_the_paper_loses_its_right_side() -> None:
    slip = printed(b"\x1dv0\x00\x50\x00\x01\x00" + b"\xff" * 72 + b"\x00" * 8)

    assert slip.rows[-1] == (1 << 576) - 1


def test_what_lies_between_head_and_cutter_stays_for_the_next_slip() -> None:
    printer = Printer()

    printer.receive(b"first\n" + b"\n" * 3 + b"last\n\x1dV\x00" + b"second\n\x1dVB\x00")

    assert [slip.text for slip in printer.slips] == ["first", "last\nsecond"]
    head_dots = 112 + 5 * 30
    assert len(printer.slips[0].rows) == head_dots - 112
    assert {line.text: line.y_dots for line in printer.slips[1].lines}["last"] == 112 - 30


def test_a_cut_set_ahead_happens_when_the_paper_has_come_that_far() -> None:
    printer = Printer()

    printer.receive(b"first\n\x1dVa\x00second\n")
    assert printer.slips == []
    printer.receive(b"third\nfourth\nfifth\n")

    assert [slip.text for slip in printer.slips] == ["first"]
    assert printer.uncut.text == "second\nthird\nfourth\nfifth"


def test_a_cut_with_return_prints_the_next_slip_from_its_very_top() -> None:
    printer = Printer()

    printer.receive(b"first\n\x1dVh\x00second\n\x1dVB\x00")

    assert [slip.lines[0].y_dots for slip in printer.slips] == [112, 0]
    assert [event for event in printer.events if isinstance(event, PaperCut)] == [
        PaperCut(partial=True, length_dots=142),
        PaperCut(partial=True, length_dots=30),
    ]


def test_two_cuts_in_a_row_make_one_slip() -> None:
    printer = Printer()

    printer.receive(b"a\n\x1dVB\x00\x1dV\x00")

    assert [slip.text for slip in printer.slips] == ["a"]


def test_the_picture_is_the_paper_with_its_margins() -> None:
    slip = printed(b"\x1dv0\x00\x48\x00\x01\x00" + b"\xff" * 72)

    with Image.open(io.BytesIO(slip.png())) as picture:
        assert picture.size == (640, len(slip.rows))
        row = [picture.getpixel((x, picture.height - 1)) for x in (16, 31, 32, 607, 608)]
    assert [shade == 34 for shade in row] == [False, False, True, True, False]
