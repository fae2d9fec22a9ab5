"""A ticket's page in a real browser: one piece of paper, nothing beside it, a QR that can be scanned, nothing fetched."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, Request, sync_playwright

from cvconnect_pos import ticket_of
from vectors.make_tickets import ATTEMPTS, SHOP, samples

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
POINTS_PER_MM = 72 / 25.4

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists() and not os.environ.get("CI"),
    reason="no Chromium: apt-get install chromium",
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 400, "height": 900}, device_scale_factor=2)
        browser.close()


def pieces(pdf: bytes) -> list[tuple[float, float]]:
    """The sizes of the pages, in mm."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(float(width) / POINTS_PER_MM, float(height) / POINTS_PER_MM) for width, height in boxes]


@pytest.mark.parametrize("width_mm", [58, 80])
def test_a_ticket_is_one_piece_as_wide_as_its_paper(page: Page, width_mm: int) -> None:
    documents = samples("fr") | {f"{name} en": each for name, each in samples("en").items()}
    documents["long"] = ticket_of(ATTEMPTS["part-payment"], shop=("nom " * 60,), qr="x")
    for name, document in documents.items():
        page.set_content(document.html(page=True, width_mm=width_mm))
        paper = pieces(page.pdf(prefer_css_page_size=True))
        assert [width for width, _ in paper] == [pytest.approx(width_mm, abs=0.5)], name
        beside = page.evaluate(
            "() => [...document.querySelectorAll('.cvc-ticket, .cvc-ticket *')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'"
            " && !e.closest('svg')).map(e => e.outerHTML)"
        )
        assert beside == [], name


def test_an_amount_stands_on_one_line_and_what_counts_is_larger(page: Page) -> None:
    page.set_content(samples("fr")["several-payers"].html(page=True, width_mm=80))
    heights = page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('dl > div')].map(e =>"
        " [e.firstChild.textContent, e.lastChild.getBoundingClientRect().height]))"
    )
    plain = heights["Date"]
    assert heights["Montant demandé"] == plain
    assert plain * 1.2 < heights["Montant réglé"] < plain * 2
    assert plain * 1.2 < heights["Reste à payer"] < plain * 2


def test_the_qr_on_the_screen_can_be_scanned_and_nothing_is_fetched(page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    logo = io.BytesIO()
    Image.new("1", (200, 48), 0).save(logo, "PNG")
    ticket = ticket_of(ATTEMPTS["payment"], shop=SHOP, qr="https://example.invalid/t/1", logo=logo.getvalue())
    page.on("request", note)
    page.set_content(ticket.html(page=True))
    page.remove_listener("request", note)
    assert [url for url in asked if not url.startswith("data:image/png")] == []
    assert page.evaluate("() => document.querySelector('img').naturalWidth") == 200
    with Image.open(io.BytesIO(page.screenshot(full_page=True))) as screen:
        (code,) = zxingcpp.read_barcodes(screen.convert("L"))
    assert code.text == "https://example.invalid/t/1"


def test_a_screen_reader_hears_what_it_is(page: Page) -> None:
    page.set_content(samples("en")["part-payment"].html(page=True))
    told = page.locator("article").aria_snapshot().replace("\u00a0", " ")
    assert 'heading "CHÈQUE-VACANCES CONNECT"' in told
    assert "Left to pay" in told and "definition: 15,50 €" in told
    assert page.title() == "Chèque-Vacances Connect – Part payment accepted"
