"""A logo becomes dots as wide as the paper at most; whatever is wrong with it, the ticket comes out."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import pytest
from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.logo import MAX_BYTES, MAX_SIDE_PIXELS, draw_logo
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.raster import BAND_BYTES, Bitmap
from cvconnect_drivers.shapes import Align
from cvconnect_sim.printer import TM58, TM80, Printer

WIDE = PROFILES["80mm"]


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line of a till's own, which knows no pictures."""

    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def black(width: int, height: int) -> bytes:
    return png(Image.new("1", (width, height), 0))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A file that says its size, whatever is in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def size(dots: Bitmap) -> tuple[int, int]:
    return 8 * dots.row_bytes, dots.height_dots


@pytest.mark.parametrize(
    ("picture", "dots"),
    [
        ((8, 8), (8, 8)),
        ((576, 100), (576, 100)),
        ((1152, 100), (576, 50)),
        ((300, 600), (144, 288)),
        ((2048, 1), (576, 1)),
    ],
)
def test_a_logo_keeps_its_proportions_within_the_width_and_half_of_it(
    picture: tuple[int, int], dots: tuple[int, int]
) -> None:
    assert size(draw_logo(black(*picture), 576)) == dots


def test_black_is_black_white_is_white_and_grey_is_dithered() -> None:
    picture = Image.new("L", (64, 24), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 63, 7), fill=20)
    draw.rectangle((0, 8, 63, 15), fill=128)
    draw.rectangle((0, 16, 63, 23), fill=235)
    band = draw_logo(png(picture), 576)
    rows = [band.data[at : at + 8] for at in range(0, len(band.data), 8)]
    assert set(rows[:8]) == {b"\xff" * 8}
    assert 0.4 < sum(row_byte.bit_count() for row in rows[8:16] for row_byte in row) / 512 < 0.6
    assert set(rows[17:]) == {bytes(8)}


def test_what_is_transparent_is_paper() -> None:
    band = draw_logo(png(Image.new("RGBA", (16, 2), (0, 0, 0, 0))), 576)
    assert band.data == bytes(4)


def test_a_width_that_is_no_whole_byte_is_filled_with_paper() -> None:
    band = draw_logo(black(11, 2), 576)
    assert (band.row_bytes, band.data) == (2, b"\xff\xe0" * 2)


@pytest.mark.parametrize("width_dots", [384, 576, 1728])
def test_an_image_is_sent_in_pieces_that_a_small_printer_has_room_for(width_dots: int) -> None:
    dots = draw_logo(black(width_dots, width_dots // 2), width_dots)
    bands = list(dots.bands())
    assert b"".join(band.data for band in bands) == dots.data
    assert all(len(band.data) <= BAND_BYTES and band.row_bytes == dots.row_bytes for band in bands)
    assert all(len(band.data) > BAND_BYTES - dots.row_bytes for band in bands[:-1])


def test_every_image_of_a_ticket_is_sent_in_pieces() -> None:
    narrow = PROFILES["58mm"]
    lines = [
        PaperLine(image=black(384, 192)),
        PaperLine(qr="https://exemple.fr/p/0123456789"),
        PaperLine("Ω" * 16, large=True),
    ]
    job = escpos.Encoder(narrow).job(lines)
    images = [len(each.to_bytes()) for each in job if isinstance(each, escpos.PrintRasterBitImage)]
    assert len(images) > 8
    assert max(images) <= BAND_BYTES + 8


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([384, 576]))
def test_every_size_comes_out_within_the_paper(width: int, height: int, width_dots: int) -> None:
    wide, high = size(draw_logo(black(width, height), width_dots))
    assert 8 <= wide <= width_dots
    assert 1 <= high <= width_dots // 2


def test_dots_are_never_a_command_to_be_carried_out_at_once() -> None:
    picture = Image.frombytes("1", (24, 1), bytes(0xFF ^ byte for byte in b"\x10\x04\x01"))
    band = draw_logo(png(picture), 576)
    assert band.data == b"\x18\x04\x01"


def test_a_picture_of_black_and_white_has_the_bytes_that_python_escpos_gives_it() -> None:
    picture = Image.new("1", (64, 40), 1)
    ImageDraw.Draw(picture).ellipse((4, 4, 60, 36), fill=0)
    theirs = Dummy()
    theirs.image(picture, impl="bitImageRaster")
    band = draw_logo(png(picture), 576)
    assert theirs.output == escpos.PrintRasterBitImage(band).to_bytes()


BOMB = png_of(MAX_SIDE_PIXELS + 1, 1, zlib.compress(bytes(4096)))
BAD = {
    "nothing": (b"", "LOGO_FORMAT"),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(60), "LOGO_FORMAT"),
    "only the signature": (b"\x89PNG\r\n\x1a\n", "LOGO_FORMAT"),
    "a bomb of pixels": (png_of(60_000, 60_000, zlib.compress(bytes(100))), "LOGO_SIZE"),
    "one pixel too wide": (BOMB, "LOGO_SIZE"),
    "no pixels": (png_of(0, 8, b""), "LOGO_SIZE"),
    "a huge file": (black(8, 8) + bytes(MAX_BYTES), "LOGO_SIZE"),
    "another first chunk": (b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", bytes(8)) + bytes(20), "LOGO_SIZE"),
    "cut off": (black(64, 64)[:-30], "LOGO_DAMAGED"),
    "no picture in it": (png_of(64, 64, b"not compressed"), "LOGO_DAMAGED"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_logo_that_cannot_be_printed_is_refused_in_words(name: str) -> None:
    data, code = BAD[name]
    with pytest.raises(ContentError) as caught:
        draw_logo(data, 576)
    assert caught.value.code == code
    assert caught.value.text("fr").endswith(".")


@pytest.mark.parametrize("name", BAD)
def test_a_ticket_never_fails_because_of_its_logo(name: str) -> None:
    encoder = escpos.Encoder(WIDE)
    job = encoder.job([PaperLine(image=BAD[name][0], align="center"), PaperLine("12,50")])
    assert escpos.to_bytes(job) == b"\x1b@\x1bt\x1312,50\n\x1dVB\x00"
    assert [error.code for error in encoder.left_out] == [BAD[name][1]]
    encoder.job([PaperLine("12,50")])
    assert not encoder.left_out


def test_lines_that_know_no_pictures_are_printed() -> None:
    line: Any = PlainLine("a")
    assert escpos.to_bytes(escpos.Encoder(WIDE).job([line])) == b"\x1b@\x1bt\x13a\n\x1dVB\x00"


@pytest.mark.parametrize(("profile", "model"), [("80mm", TM80), ("58mm", TM58)])
def test_the_logo_stands_in_the_middle_of_the_simulated_paper(profile: str, model: object) -> None:
    printer = Printer(TM80 if model is TM80 else TM58)
    line = PaperLine(image=black(64, 20), align="center")
    printer.receive(escpos.to_bytes(escpos.Encoder(PROFILES[profile]).job([line, PaperLine("x")])))
    (slip,) = printer.slips
    width = PROFILES[profile].width_dots
    rows = [row for row in slip.rows if row][:20]
    assert set(rows) == {((1 << 64) - 1) << (width - 64) // 2}
    assert [each.text for each in slip.lines if each.text] == ["x"]


def test_a_second_header_makes_no_picture_larger_than_the_first_said() -> None:
    first, second = (
        chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        for side in (8, MAX_SIDE_PIXELS + 1)
    )
    rows = zlib.compress(bytes((MAX_SIDE_PIXELS + 1) * (1 + -(-(MAX_SIDE_PIXELS + 1) // 8))), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + first + second + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    with pytest.raises(ContentError) as refused:
        draw_logo(bomb, 576)
    assert refused.value.code == "LOGO_DAMAGED"


@pytest.mark.parametrize(("grey", "byte"), [(0, 0xFF), (20 << 8, 0xFF), (250 << 8, 0), (0xFFFF, 0)])
def test_a_grey_of_16_bits_is_as_dark_as_one_of_8(grey: int, byte: int) -> None:
    assert draw_logo(png(Image.new("I;16", (16, 2), grey)), 576).data == bytes([byte]) * 4
