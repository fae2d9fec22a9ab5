"""The customer's screen as SVG says the same as the picture, and its QR is made of shapes."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from cvconnect_drivers.displays import screen, svg
from cvconnect_drivers.displays.image import open_display
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import PaymentPrompt

PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
PROMPT = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code & validez <maintenant>",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05",
    notice="SIMULATION - SANS VALEUR",
)
SVG = "{http://www.w3.org/2000/svg}"
SIZES = [(800, 480), (480, 800), (1920, 1080)]


def words(root: ET.Element) -> str:
    return " ".join(text.text or "" for text in root.iter(f"{SVG}text"))


def code(root: ET.Element) -> Image.Image:
    """Draw the path of the QR, as a viewer would, on white."""
    path = next(each for each in root.iter(f"{SVG}path") if "crispEdges" in each.attrib.values())
    numbers = [int(each) for each in re.findall(r"\d+", path.attrib["transform"])]
    left, top, pixels = numbers
    picture = Image.new("L", (left + 100 * pixels, top + 100 * pixels), 255)
    draw = ImageDraw.Draw(picture)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path.attrib["d"]):
        corner = left + int(x) * pixels, top + int(y) * pixels
        draw.rectangle((*corner, corner[0] + int(length) * pixels - 1, corner[1] + pixels - 1), fill=0)
    return picture


@pytest.mark.parametrize("size", SIZES)
def test_it_says_what_the_picture_says(size: tuple[int, int]) -> None:
    text, surface = svg.render(PROMPT, size)
    root = ET.fromstring(text)
    assert surface == screen.render(PROMPT, size)[1] == "qr"
    assert root.attrib["viewBox"] == f"0 0 {size[0]} {size[1]}"
    said = words(root)
    for word in (PROMPT.title, PROMPT.amount, "& validez", "<maintenant>", PROMPT.shop, PROMPT.notice):
        assert word in said
    assert [found.text for found in zxingcpp.read_barcodes(code(root))] == [PAYLOAD]


@pytest.mark.parametrize("state", list(screen.COLOURS))
def test_every_state_is_drawn(state: str) -> None:
    prompt = replace(PROMPT, state=state, qr_payload=None)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    text, surface = svg.render(prompt, (800, 480))
    assert surface == "text"
    assert screen.COLOURS[prompt.state] in text
    ET.fromstring(text)


def test_the_lines_of_a_paragraph_are_about_as_long_as_each_other() -> None:
    told = "Scannez ce QR code avec l’application Chèque-Vacances"
    prompt = replace(PROMPT, instruction=told, detail="ou présentez votre identifiant Chèque-Vacances")
    root = ET.fromstring(svg.render(prompt, (800, 480))[0])
    lines = [text for text in root.iter(f"{SVG}text") if text.text and text.text in told]
    assert " ".join(str(line.text) for line in lines) == told
    widths = [float(line.attrib["textLength"]) for line in lines]
    assert len(widths) > 1
    assert min(widths) > 0.7 * max(widths)


def test_in_portrait_the_shop_has_a_line_of_its_own_below_the_title() -> None:
    shop = "Office de tourisme de Saint-Gilles-Croix-de-Vie"
    said = {
        str(text.text): text.attrib
        for text in ET.fromstring(svg.render(replace(PROMPT, shop=shop), (480, 800))[0]).iter(f"{SVG}text")
    }
    assert said[shop]["x"] == said[PROMPT.title]["x"]
    assert float(said[shop]["y"]) > float(said[PROMPT.title]["y"]) + float(said[shop]["font-size"])
    assert float(said[shop]["font-size"]) > 16


def test_a_providers_picture_that_is_no_plain_grid_stays_a_picture() -> None:
    file = io.BytesIO()
    segno.make_qr(PAYLOAD).save(file, kind="png", scale=8, border=4)
    soft = io.BytesIO()
    Image.open(file).convert("L").filter(ImageFilter.GaussianBlur(2)).save(soft, "PNG")
    text, surface = svg.render(replace(PROMPT, qr_payload=None, qr_png=soft.getvalue()), (800, 480))
    assert surface == "qr"
    assert "data:image/png;base64," in text


def test_nothing_is_an_empty_screen() -> None:
    text, surface = svg.render(None, (800, 480))
    assert surface == "none"
    assert [each.tag for each in ET.fromstring(text)] == [f"{SVG}rect"]


@given(st.text())
def test_any_text_makes_a_file_that_is_well_formed(text: str) -> None:
    ET.fromstring(svg.render(PaymentPrompt("waiting", instruction=text, title=text), (320, 240))[0])


@pytest.mark.parametrize("name", ["d.svg", "D.SVG"])
def test_the_file_is_an_svg_when_its_name_says_so(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    check_display(lambda: open_display(f"image:{path}", {}))
    display = open_display(f"image:{path}", {})
    display.claim(timeout_s=1)
    assert display.show(PROMPT, timeout_s=1) == "qr"
    assert PROMPT.shop in words(ET.parse(path).getroot())
    display.clear(timeout_s=1)
    assert words(ET.parse(path).getroot()) == ""
