"""Whole tickets as they look on paper: their QR is read by two decoders, and their text is all there."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.paper import render
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_pos import Attempt, Authorization, Order, State, Way, ticket_of
from cvconnect_sim.printer import MODELS, PaperCut, Printer, PrinterModel, Slip
from cvconnect_sim.printer.models import Lack

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
PAID = Attempt(
    Order("r1", 4550, "REF253", Way.QR, seller_id="Caisse 1"),
    "pay1",
    State.APPROVED,
    NOW,
    NOW,
    NOW,
    transaction_id="fiawa31zot",
    beneficiary="10*****3051",
    received_cents=4550,
    authorizations=(Authorization("897395948", 4550),),
)
TICKETS = {
    "payment": PAID,
    "part payment": replace(PAID, received_cents=3000),
    "reversal": replace(PAID, state=State.REVERSED),
    "refusal": replace(PAID, state=State.REFUSED, received_cents=None, authorizations=()),
}
SHOP = ("L’Œuf à la coque", "12 rue de l’Église – Noël-sur-Mer")
QR = "https://exemple.fr/cvconnect/paiement?id=0123456789abcdef&montant=4550"

PAPERS: dict[str, tuple[Profile, PrinterModel]] = {
    "80mm 203dpi": (PROFILES["80mm"], MODELS["TM80"]),
    "58mm 203dpi": (PROFILES["58mm"], MODELS["TM58_QR"]),
    "80mm 180dpi": (PROFILES["epson-tm-t88v"], MODELS["TM80_180DPI"]),
    "58mm 180dpi": (Profile(columns=30, width_dots=360, dpi=180), MODELS["TM58_180DPI"]),
}
every_paper = pytest.mark.parametrize("paper", PAPERS)


def read_by_two(picture: Image.Image) -> list[str]:
    """What zxing-cpp and OpenCV read."""
    first = [code.text for code in zxingcpp.read_barcodes(picture)]
    second, _, _ = cv2.QRCodeDetector().detectAndDecode(np.asarray(picture.convert("RGB")))
    return [*first, second]


def on_paper(
    attempt: Attempt, profile: Profile, model: PrinterModel, language: str = "fr"
) -> tuple[Slip, list[str]]:
    """Print; give the slip, and what the ticket says."""
    ticket = ticket_of(attempt, shop=SHOP, qr=QR, language="en" if language == "en" else "fr")
    lines = ticket.lines(profile.columns)
    printer = Printer(model)
    printer.receive(escpos.to_bytes(escpos.Encoder(profile).job(lines)))
    assert [event for event in printer.events if not isinstance(event, PaperCut)] == []
    (slip,) = printer.slips
    return slip, [line.text.strip() for line in lines if line.text.strip()]


@every_paper
@pytest.mark.parametrize("native", [True, False], ids=["native", "image"])
@pytest.mark.parametrize("ticket", TICKETS)
def test_two_decoders_read_the_qr_of_every_ticket_from_the_paper(
    paper: str, native: bool, ticket: str
) -> None:
    profile, model = PAPERS[paper]
    lacks = {} if native else {"GS ( k": Lack.SKIPPED}
    slip, _ = on_paper(
        TICKETS[ticket], replace(profile, native_qr=native), replace(model, native_qr=native, lacks=lacks)
    )
    with Image.open(io.BytesIO(slip.png())) as picture:
        assert read_by_two(picture) == [QR, QR]


@every_paper
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("ticket", TICKETS)
def test_the_paper_says_what_the_ticket_says(paper: str, language: str, ticket: str) -> None:
    profile, model = PAPERS[paper]
    slip, expected = on_paper(TICKETS[ticket], profile, model, language)
    assert [line.text.strip() for line in slip.lines if line.text.strip()] == expected
    assert not any("?" in line.text for line in slip.lines)


@every_paper
@pytest.mark.parametrize("ticket", TICKETS)
def test_two_decoders_read_the_qr_of_a_ticket_that_is_only_a_picture(paper: str, ticket: str) -> None:
    profile, _ = PAPERS[paper]
    lines = ticket_of(TICKETS[ticket], shop=SHOP, qr=QR).lines(profile.columns)
    assert read_by_two(render(lines, profile)) == [QR, QR]


@every_paper
def test_the_ticket_of_the_narrowest_paper_still_fits_in_a_hand(paper: str) -> None:
    profile, model = PAPERS[paper]
    slip, _ = on_paper(PAID, profile, model)
    assert len(slip.rows) / profile.dots_per_mm < 200
