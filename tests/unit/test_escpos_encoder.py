"""Lines become the ESC/POS bytes of Epson's reference, and a command is sent only when something changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest
import segno
from escpos.constants import QR_ECLEVEL_M
from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.charset import PC858, WPC1252
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.raster import Bitmap, draw_qr
from cvconnect_drivers.qr import make_matrix, modules_for
from cvconnect_drivers.shapes import Align

WIDE, NARROW = PROFILES["80mm"], PROFILES["58mm"]


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


def encode(*lines: PaperLine, profile: Profile = WIDE) -> bytes:
    return escpos.to_bytes(escpos.Encoder(profile).job(lines))


@pytest.mark.parametrize("yes", [1, 2, -1, "oui"])
@pytest.mark.parametrize("no", [0, None, ""])
def test_what_a_till_takes_for_yes_and_no_is_bold_and_large_or_not(yes: Any, no: Any) -> None:
    odd = [PaperLine("a", bold=yes, large=yes), PaperLine("b", bold=yes, large=no), PaperLine("c", bold=no)]
    plain = [PaperLine("a", bold=True, large=True), PaperLine("b", bold=True), PaperLine("c")]
    assert encode(*odd) == encode(*plain)


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (escpos.InitializePrinter(), "1b 40"),
        (escpos.SelectCharacterCodeTable(PC858), "1b 74 13"),
        (escpos.SelectCharacterCodeTable(WPC1252), "1b 74 10"),
        (escpos.SelectJustification("left"), "1b 61 00"),
        (escpos.SelectJustification("center"), "1b 61 01"),
        (escpos.SelectJustification("right"), "1b 61 02"),
        (escpos.TurnEmphasizedMode(on=True), "1b 45 01"),
        (escpos.TurnEmphasizedMode(on=False), "1b 45 00"),
        (escpos.SelectCharacterSize(1), "1d 21 00"),
        (escpos.SelectCharacterSize(2), "1d 21 11"),
        (escpos.SelectPrintModes(emphasized=False, double=False), "1b 21 00"),
        (escpos.SelectPrintModes(emphasized=True, double=False), "1b 21 08"),
        (escpos.SelectPrintModes(emphasized=True, double=True), "1b 21 38"),
        (escpos.CancelKanjiCharacterMode(), "1c 2e"),
        (escpos.GeneratePulse(), "1b 70 00 32 fa"),
        (escpos.GeneratePulse(5, 50, 400), "1b 70 01 19 c8"),
        (escpos.TransmitStatus(1), "1d 72 01"),
        (escpos.EnableAutomaticStatusBack(0x0F), "1d 61 0f"),
        (escpos.PrintData(b"abc"), "61 62 63"),
        (escpos.PrintAndLineFeed(), "0a"),
        (escpos.FeedAndCut(), "1d 56 42 00"),
        (escpos.PrintAndFeedLines(5), "1b 64 05"),
        (
            escpos.PrintRasterBitImage(Bitmap(2, b"\x80\x01\xff\xff\x00\x00")),
            "1d 76 30 00 02 00 03 00 80 01 ff ff 00 00",
        ),
        (escpos.PrintRasterBitImage(Bitmap(1, b"\x80"), times=2), "1d 76 30 03 01 00 01 00 80"),
        (escpos.RequestProcessId(b"00A1"), "1d 28 48 06 00 30 30 30 30 41 31"),
        (escpos.TransmitRealTimeStatus(4), "10 04 04"),
        (
            escpos.QrCode(b"AB", 6),
            """1d 28 6b 04 00 31 41 32 00  1d 28 6b 03 00 31 43 06  1d 28 6b 03 00 31 45 31
            1d 28 6b 05 00 31 50 30 41 42  1d 28 6b 03 00 31 51 30""",
        ),
    ],
)
def test_commands_have_the_bytes_of_the_reference(command: escpos.Command, data: str) -> None:
    assert command.to_bytes() == bytes.fromhex(data)


def test_a_long_qr_counts_its_bytes_in_two() -> None:
    assert b"\x1d(k\x2f\x011P0" + b"x" * 300 in escpos.QrCode(b"x" * 300, 3).to_bytes()


def test_a_job_resets_selects_its_page_and_cuts() -> None:
    assert encode() == b"\x1b@\x1bt\x13\x1dVB\x00"


def test_plain_lines_cost_nothing_but_their_characters() -> None:
    assert encode(PaperLine("a"), PaperLine(), PaperLine("b")) == b"\x1b@\x1bt\x13a\n\nb\n\x1dVB\x00"


def test_each_state_is_set_when_it_changes_and_only_then() -> None:
    title = PaperLine("T", "center", bold=True, large=True)
    assert encode(title, title, PaperLine("x")) == (
        b"\x1b@\x1bt\x13\x1ba\x01\x1b!\x38T\nT\n\x1ba\x00\x1b!\x00x\n\x1dVB\x00"
    )


def test_one_state_alone_is_set_by_its_own_command() -> None:
    assert encode(PaperLine("a", bold=True), PaperLine("b", bold=True, large=True)) == (
        b"\x1b@\x1bt\x13\x1bE\x01a\n\x1d!\x11b\n\x1dVB\x00"
    )


def test_what_nobody_sees_is_not_sent() -> None:
    title = PaperLine("T", "center", bold=True)
    filled = PaperLine("=" * 48, "left", bold=True)
    empty = PaperLine("", "right", large=True)
    assert encode(title, empty, filled, title, PaperLine("x   ", "left", bold=True)) == (
        b"\x1b@\x1bt\x13\x1ba\x01\x1bE\x01T\n\n" + b"=" * 48 + b"\nT\n\x1ba\x00x\n\x1dVB\x00"
    )


def test_a_printer_that_pairs_bytes_is_told_to_stop_that() -> None:
    assert encode(PaperLine("é"), profile=replace(WIDE, kanji=True)) == b"\x1b@\x1c.\x1bt\x13\x82\n\x1dVB\x00"


def test_the_page_changes_only_for_what_the_page_in_use_lacks() -> None:
    assert encode(PaperLine("été"), PaperLine("L’Œuf"), PaperLine("été"), PaperLine("█")) == (
        b"\x1b@\x1bt\x13\x82t\x82\n\x1bt\x10L\x92\x8cuf\n\xe9t\xe9\n\x1bt\x13\xdb\n\x1dVB\x00"
    )


def test_a_second_job_starts_from_nothing() -> None:
    encoder = escpos.Encoder(WIDE)
    lines = [PaperLine("L’Œuf", "right", bold=True, large=True)]
    assert encoder.job(lines) == encoder.job(lines)


def test_a_qr_stands_between_empty_lines_as_its_quiet_zone() -> None:
    data = encode(PaperLine(qr="https://exemple.fr", align="center"))
    assert data.startswith(b"\x1b@\x1bt\x13\n\x1ba\x01\x1d(k")
    assert data.endswith(b"1Q0\n\x1dVB\x00")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200))
def test_a_qr_is_as_large_as_the_paper_allows_and_no_larger(payload: str) -> None:
    modules = make_matrix(payload, mode="byte").modules_with_quiet_zone
    for profile in (WIDE, NARROW):
        dots = escpos.module_dots(payload, profile)
        assert escpos.MIN_MODULE_DOTS <= dots <= 8
        assert dots * modules <= profile.width_dots
        assert dots == 8 or (dots + 1) * modules > profile.width_dots


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_the_size_of_a_qr_is_known_without_drawing_it(payload: str) -> None:
    code = segno.make_qr(payload.encode(), error="m", mode="byte", boost_error=False)
    assert modules_for(payload) == len(code.matrix)


@pytest.mark.parametrize("length", [14, 15, 1264, 1265, 2330, 2331])
def test_the_size_of_a_qr_changes_where_the_standard_says(length: int) -> None:
    code = segno.make_qr("x" * length, error="m", mode="byte", boost_error=False)
    assert modules_for("x" * length) == len(code.matrix)


@pytest.mark.parametrize("payload", ["", "x" * 2332, "é" * 1166, "\ud800", "x" * 10_000_000])
def test_what_no_qr_holds_is_refused(payload: str) -> None:
    with pytest.raises(ContentError) as caught:
        escpos.module_dots(payload, WIDE)
    assert caught.value.code == "QR_CONTENT"


@pytest.mark.parametrize("pin", [2, 5])
def test_the_drawer_opens_as_python_escpos_opens_it(pin: Literal[2, 5]) -> None:
    theirs = Dummy()
    theirs.cashdraw(pin)
    assert theirs.output == escpos.GeneratePulse(pin, 100, 100).to_bytes()


@pytest.mark.parametrize(("payload", "dots"), [("https://exemple.fr/p/1", 6), ("x" * 300, 3)])
def test_a_native_qr_has_the_bytes_that_python_escpos_gives_it(payload: str, dots: int) -> None:
    theirs = Dummy()
    theirs.qr(payload, ec=QR_ECLEVEL_M, size=dots, native=True)
    assert theirs.output == escpos.QrCode(payload.encode(), dots).to_bytes()


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_alignment_and_emphasis_have_the_bytes_that_python_escpos_gives_them(align: Align) -> None:
    theirs = Dummy()
    theirs.set(align=align, bold=True)
    assert theirs.output == (
        escpos.TurnEmphasizedMode(True).to_bytes() + escpos.SelectJustification(align).to_bytes()
    )


def test_text_in_the_first_page_has_the_bytes_that_python_escpos_gives_it() -> None:
    text = "Crêperie à la ferme, réglé 30,00 : ça ira où ?"
    theirs = Dummy(profile="TM-T88V")
    theirs.magic.force_encoding("CP858")
    theirs.textln(text)
    assert theirs.output.endswith(b"\x1bt\x13" + text.encode("cp858") + b"\n")
    assert encode(PaperLine(text)) == b"\x1b@\x1bt\x13" + text.encode("cp858") + b"\n\x1dVB\x00"


def test_an_image_has_the_bytes_that_python_escpos_gives_it() -> None:
    matrix = make_matrix("https://exemple.fr")
    side = matrix.modules * 8
    picture = Image.new("1", (side, side), 1)
    for y, row in enumerate(matrix.rows):
        for x, module in enumerate(row):
            if module:
                picture.paste(0, (8 * x, 8 * y, 8 * x + 8, 8 * y + 8))
    theirs = Dummy()
    theirs.image(picture, impl="bitImageRaster")
    assert theirs.output == escpos.PrintRasterBitImage(draw_qr(matrix, 8)).to_bytes()


def test_a_printer_without_qr_codes_of_its_own_is_sent_an_image() -> None:
    data = encode(PaperLine(qr="https://exemple.fr", align="center"), profile=replace(WIDE, native_qr=False))
    assert data.startswith(b"\x1b@\x1bt\x13\n\x1ba\x01\x1dv0\x03")
    assert data.endswith(b"\n\x1dVB\x00")
    assert b"\x1d(k" not in data


def test_a_drawn_line_changes_no_state_but_the_alignment() -> None:
    title = PaperLine("Ω", "center", bold=True, large=True)
    data = encode(title, PaperLine("x", "center"))
    assert data.startswith(b"\x1b@\x1bt\x13\x1ba\x01\x1dv0\x00\x03\x00\x30\x00")
    assert data.endswith(b"x\n\x1dVB\x00")
    assert len(data) == 8 + 8 + 3 * 48 + 6


def test_a_qr_too_dense_for_the_paper_is_refused() -> None:
    with pytest.raises(ContentError) as caught:
        escpos.module_dots("x" * 1500, NARROW)
    assert caught.value.code == "QR_TOO_DENSE"


@given(st.text(max_size=40), st.integers(0, 1000))
def test_a_process_id_is_four_printable_characters(job_id: str, attempt: int) -> None:
    process_id = escpos.process_id(job_id, attempt)
    assert len(process_id) == 4
    assert all(0x20 <= byte <= 0x7E for byte in process_id)
    assert not any(byte & 0x10 for byte in process_id), (
        "it would look like a status to whoever reads half of it"
    )
    assert process_id == escpos.process_id(job_id, attempt)


def test_two_attempts_at_a_job_have_two_process_ids() -> None:
    assert escpos.process_id("T1", 1) != escpos.process_id("T1", 2)


@pytest.mark.parametrize("columns", [48, 72])
def test_a_printer_is_never_asked_for_larger_modules_than_it_has(columns: int) -> None:
    fine = replace(WIDE, dpi=600, columns=columns, width_dots=12 * columns)
    job = escpos.Encoder(fine).job([PaperLine(qr="TEST")])
    assert [each.module_dots for each in job if isinstance(each, escpos.QrCode)] == [16]


@pytest.mark.parametrize("payload", ["\x10\x14\x01\x00\x01", "a\x10\x04\x01", "\x10\x05\x01"])
def test_a_qr_with_a_real_time_command_in_it_is_drawn(payload: str) -> None:
    job = escpos.Encoder(WIDE).job([PaperLine(qr=payload)])
    assert any(isinstance(each, escpos.PrintRasterBitImage) for each in job)
    assert payload.encode() not in escpos.to_bytes(job)


def test_a_line_fills_the_paper_by_what_is_printed_of_it() -> None:
    full = PaperLine("e\u0301".ljust(49, "x"), "right")
    nearly = PaperLine("e\u0301".ljust(48, "x"), "right")
    aligned = escpos.SelectJustification("right")
    assert aligned not in escpos.Encoder(WIDE).job([full])
    assert aligned in escpos.Encoder(WIDE).job([nearly])
