"""Lines become the ESC/POS bytes of Epson's reference, and a command is sent only when something changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.charset import PC858, WPC1252
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.raster import Bitmap, draw_qr
from cvconnect_drivers.qr import make_matrix
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
        b"\x1b@\x1bt\x13\x1ba\x01\x1bE\x01\x1d!\x11T\nT\n\x1ba\x00\x1bE\x00\x1d!\x00x\n\x1dVB\x00"
    )


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
    assert data.startswith(b"\x1b@\x1bt\x13\x1ba\x01\n\x1d(k")
    assert data.endswith(b"1Q0\n\x1dVB\x00")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=200))
def test_a_qr_is_as_large_as_the_paper_allows_and_no_larger(payload: str) -> None:
    modules = make_matrix(payload, mode="byte").modules_with_quiet_zone
    for profile in (WIDE, NARROW):
        dots = escpos.module_dots(payload, profile)
        assert escpos.MIN_MODULE_DOTS <= dots <= 8
        assert dots * modules <= profile.width_dots
        assert dots == 8 or (dots + 1) * modules > profile.width_dots


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
    assert data.startswith(b"\x1b@\x1bt\x13\x1ba\x01\n\x1dv0\x03")
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
    assert process_id == escpos.process_id(job_id, attempt)


def test_two_attempts_at_a_job_have_two_process_ids() -> None:
    assert escpos.process_id("T1", 1) != escpos.process_id("T1", 2)


def test_resynchronising_completes_any_command_that_was_cut() -> None:
    job = escpos.Encoder(WIDE).job([PaperLine("x" * 500), PaperLine(qr="https://exemple.fr")])
    filler, _, rest = escpos.resynchronise(job).partition(b"\x1b@")
    assert set(filler) == {0}
    assert len(filler) == max(len(each.to_bytes()) for each in job if isinstance(each, escpos.QrCode))
    assert rest == b"\n\x1dVB\x00"
    assert escpos.resynchronise([]) == b""
