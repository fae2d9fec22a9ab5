"""Tickets as pictures: every character in its cell, codes that are read, nothing without bounds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.paper import MARGIN_DOTS, render
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.shapes import Align
from cvconnect_pos import ticket_of
from vectors.make_tickets import ATTEMPTS, SHOP

PAYLOAD = "https://exemple.fr/cvconnect/paiement?id=0123456789abcdef&montant=4550"


@dataclass(frozen=True, slots=True)
class PaperLine:
    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


def ink(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around what is black, from the corner of what can be printed."""
    inner = picture.crop(
        (MARGIN_DOTS, MARGIN_DOTS, picture.width - MARGIN_DOTS, picture.height - MARGIN_DOTS)
    )
    return inner.point([255 if grey < 128 else 0 for grey in range(256)]).getbbox()


def box(*lines: PaperLine, profile: str = "80mm") -> tuple[int, int, int, int]:
    found = ink(render(lines, PROFILES[profile]))
    assert found is not None
    return found


@pytest.mark.parametrize(("profile", "width"), [("80mm", 576), ("58mm", 384), ("epson-tm-t88v", 512)])
def test_a_picture_is_as_wide_as_the_paper_and_has_a_dot_per_pixel(profile: str, width: int) -> None:
    picture = render([PaperLine("a"), PaperLine("b", large=True)], PROFILES[profile])
    assert picture.size == (width + 2 * MARGIN_DOTS, 30 + 48 + 2 * MARGIN_DOTS)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_full_line_ends_where_the_paper_ends(profile: str) -> None:
    columns = PROFILES[profile].columns
    left, _, right, bottom = box(PaperLine("█" + "M" * (columns - 2) + "█"), profile=profile)
    assert left <= 12
    assert PROFILES[profile].width_dots - 24 <= right <= PROFILES[profile].width_dots
    assert bottom <= 30
    assert box(PaperLine("M" * (columns + 1)), profile=profile)[3] > 30, "what is longer goes on below"


@pytest.mark.parametrize(("align", "left"), [("left", 0), ("center", 234), ("right", 468)])
@pytest.mark.parametrize("large", [False, True])
def test_a_line_stands_where_it_is_aligned(align: Align, left: int, large: bool) -> None:
    text = "Montan" if large else "Montant d"
    width = 144 if large else 108
    found = box(PaperLine(text, align, large=large))
    expected = {"left": 0, "center": (576 - width) // 2, "right": 576 - width}[align]
    assert expected <= found[0] <= expected + 5
    assert large or expected == left


def test_bold_is_darker() -> None:
    def darkness(bold: bool) -> int:
        return int(
            (255 - np.asarray(render([PaperLine("Montant réglé", bold=bold)], PROFILES["80mm"]))).sum()
        )

    assert darkness(True) > 1.15 * darkness(False)


@given(st.text(st.characters(exclude_categories=["Cc"]), max_size=20), st.booleans(), st.booleans())
def test_every_text_is_drawn_within_the_paper(text: str, bold: bool, large: bool) -> None:
    picture = render([PaperLine(text, "center", bold, large)], PROFILES["58mm"])
    pixels = np.asarray(picture)
    assert pixels[:, :MARGIN_DOTS].min() == pixels[:, -MARGIN_DOTS:].min() == 255


@pytest.mark.parametrize("character", [*"éèçàùâêîôûëïüÿœæÉÈÇÀÙŒÆŸ€’‘“”«»–—…°²½·×•"])
def test_french_has_a_letter_of_its_own_for_each_character(character: str) -> None:
    profile = PROFILES["80mm"]
    one = render([PaperLine(character)], profile).tobytes()
    assert one != render([PaperLine("\ue000")], profile).tobytes()[: len(one)], "a box"
    others = "ecauionysEAOY?E'\"-.xo*<>"
    assert all(one != render([PaperLine(other)], profile).tobytes() for other in others)


@pytest.mark.parametrize("profile", ["80mm", "58mm", "epson-tm-t88v"])
@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_two_decoders_read_the_code_and_its_quiet_zone_is_whole(profile: str, align: Align) -> None:
    picture = render(
        [PaperLine("█" * 48), PaperLine(qr=PAYLOAD, align=align), PaperLine("█" * 48)], PROFILES[profile]
    )
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [PAYLOAD]
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(np.asarray(picture))
    assert text == PAYLOAD


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([PaperLine("a\x1bb")], "CONTROL_CHARACTER"),
        ([PaperLine("x" * 10_001)], "LINE_TOO_LONG"),
        ([PaperLine("x" * 9_999)] * 11, "JOB_TOO_LONG"),
        ([PaperLine()] * 99_999, "JOB_TOO_LONG"),
        ([PaperLine(qr="x" * 1_500)], "QR_TOO_DENSE"),
    ],
    ids=["control character", "line", "job", "empty lines", "dense QR"],
)
def test_what_is_absurd_is_refused_in_words(lines: list[PaperLine], code: str) -> None:
    with pytest.raises(ContentError) as caught:
        render(lines, PROFILES["58mm"])
    assert caught.value.code == code
    assert caught.value.text("fr")


def test_a_logo_that_cannot_be_read_costs_no_ticket() -> None:
    with_logo = render([PaperLine(image=b"no picture"), PaperLine("12,50")], PROFILES["80mm"])
    assert with_logo.tobytes() == render([PaperLine("12,50")], PROFILES["80mm"]).tobytes()


def test_the_same_ticket_is_the_same_picture() -> None:
    lines = [PaperLine("L’Œuf", "center", bold=True, large=True), PaperLine(qr=PAYLOAD)]
    assert render(lines, PROFILES["80mm"]).tobytes() == render(lines, PROFILES["80mm"]).tobytes()


@pytest.mark.parametrize("profile", ["80mm", "58mm"])
@pytest.mark.parametrize("name", ATTEMPTS)
def test_every_ticket_of_a_payment_fits_its_paper(name: str, profile: str) -> None:
    columns = PROFILES[profile].columns
    lines = ticket_of(ATTEMPTS[name], shop=SHOP).lines(columns)
    picture = render(lines, PROFILES[profile])
    height = sum(48 if line.large else 30 for line in lines)
    assert picture.height == height + 2 * MARGIN_DOTS, "no line goes on below"
