"""A provider's picture that is damaged is words, and never leaves what was shown before."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
import segno
from PIL import Image

from cvconnect_drivers.displays.picture import open_picture
from cvconnect_drivers.displays.screen import render
from cvconnect_drivers.errors import ContentError
from cvconnect_pos.peripherals import PaymentPrompt


def drawn() -> bytes:
    """A QR as a provider sends it."""
    file = io.BytesIO()
    segno.make_qr("https://pay.example/1").save(file, kind="png", scale=5)
    return file.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sized(width: int, height: int) -> bytes:
    """A small picture that says that it is large."""
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    png = bytearray(file.getvalue())
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(bytes(png[12:29])))
    return bytes(png)


@pytest.mark.parametrize(
    "png",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        drawn()[:-12] + chunk(b"iCCP") + drawn()[-12:],  # Pillow raises an IndexError
        drawn()[:33] + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)) + drawn()[33:],
        sized(12_000, 12_000),
        sized(60_000, 1),
    ],
)
def test_a_picture_that_is_damaged_or_a_bomb_is_refused_and_shown_as_words(png: bytes) -> None:
    with pytest.raises(ContentError) as refused:
        open_picture(png)
    assert refused.value.code == "BAD_PICTURE"
    prompt = PaymentPrompt("waiting", title="t", amount="45,50 €", instruction="i", qr_png=png or b"\0")
    assert render(prompt, (800, 480))[1] == "text"


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_picture_that_is_cut_anywhere_is_drawn_or_refused(place: int) -> None:
    try:
        open_picture(drawn()[:place])
    except ContentError as error:
        assert error.code == "BAD_PICTURE"
