"""QR codes, drawn by the printer or sent as images, are read from the simulated paper by two decoders."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.raster import draw_qr
from cvconnect_drivers.qr import make_matrix
from cvconnect_drivers.shapes import Align
from cvconnect_sim.printer import TM58, TM80, TM80_180DPI, PaperCut, Printer, PrinterModel, Slip

PAYLOAD = "https://exemple.fr/cvconnect/paiement?id=0123456789abcdef&montant=4550"
LONG = (
    PAYLOAD
    + "&magasin=camping-de-l-oeuf-bleu&caisse=12&ticket=2026-11-22-000123&retour=https://exemple.fr/ok"
)

WIDTHS = {
    "80mm 203dpi": (PROFILES["80mm"], TM80),
    "58mm 203dpi": (PROFILES["58mm"], replace(TM58, native_qr=True)),
    "80mm 180dpi": (PROFILES["epson-tm-t88v"], TM80_180DPI),
    "58mm 180dpi": (
        Profile(columns=30, width_dots=360, dpi=180),
        replace(TM80_180DPI, width_dots=360, paper_dots=411),
    ),
}


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


def ticket(payload: str, profile: Profile, model: PrinterModel) -> Slip:
    printer = Printer(model)
    lines = [
        PaperLine("Présentez ce code", "center"),
        PaperLine(qr=payload, align="center"),
        PaperLine("Expire à 14:30", "center", bold=True),
    ]
    printer.receive(escpos.to_bytes(escpos.Encoder(profile).job(lines)))
    assert [event for event in printer.events if not isinstance(event, PaperCut)] == []
    return printer.slips[0]


@pytest.mark.parametrize("payload", ["01234567890", PAYLOAD, LONG], ids=["short", "usual", "long"])
@pytest.mark.parametrize("native", [True, False], ids=["native", "image"])
@pytest.mark.parametrize("width", WIDTHS)
def test_two_decoders_read_the_qr_from_the_paper(width: str, native: bool, payload: str) -> None:
    profile, model = WIDTHS[width]
    slip = ticket(payload, replace(profile, native_qr=native), replace(model, native_qr=native))
    with Image.open(io.BytesIO(slip.png())) as picture:
        assert [code.text for code in zxingcpp.read_barcodes(picture)] == [payload]
        pixels = np.asarray(picture.convert("RGB"))
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(pixels)
    assert text == payload


@pytest.mark.parametrize(("width", "dots"), [("80mm 203dpi", 8), ("80mm 180dpi", 7)])
def test_a_module_is_at_most_a_millimetre(width: str, dots: int) -> None:
    assert escpos.module_dots("0", WIDTHS[width][0]) == dots


@pytest.mark.parametrize("width", WIDTHS)
def test_the_image_has_the_dots_of_the_symbol_and_a_quarter_of_its_bytes_when_it_can(width: str) -> None:
    profile, _ = WIDTHS[width]
    job = escpos.Encoder(replace(profile, native_qr=False)).job([PaperLine(qr=PAYLOAD)])
    images = [each for each in job if isinstance(each, escpos.PrintRasterBitImage)]
    dots = escpos.module_dots(PAYLOAD, profile)
    times = 1 if dots % 2 else 2
    assert {image.times for image in images} == {times}
    height = sum(image.bitmap.height_dots for image in images)
    assert height * times == dots * make_matrix(PAYLOAD, mode="byte").modules


@given(
    st.integers(1, 8),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=60),
)
def test_each_module_is_a_square_of_dots(module_dots: int, payload: str) -> None:
    matrix = make_matrix(payload)
    image = draw_qr(matrix, module_dots)
    for y in range(image.height_dots):
        row = image.data[y * image.row_bytes : (y + 1) * image.row_bytes]
        bits = "".join(f"{byte:08b}" for byte in row)
        black = "".join(("1" if module else "0") * module_dots for module in matrix.rows[y // module_dots])
        assert bits == black.ljust(8 * image.row_bytes, "0")
