"""Tickets as HTML: the same words, for people and for machines that read aloud, and nothing that a text could make of them."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import zxingcpp
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from cvconnect_pos import Authorization, InvalidInput, ticket_of
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets import Amount, Printable
from cvconnect_pos.tickets.parts import Pair, Words, clean
from vectors.make_tickets import ATTEMPTS, LANGUAGES, PAID, SHOP, samples

LOGO = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08"
HOSTILE = [
    "<script>alert(1)</script>",
    "</article></body>",
    '"><img src=x onerror=alert(1)>',
    "<!-- ",
    "]]> &amp; &#60;b&#62;",
    "</style><b>",
    "javascript:alert('x')",
    "\x00<b\x00>\ud800",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=[]), max_size=40))


class Read(HTMLParser):
    """What a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {"p": [], "dt": [], "dd": [], "title": []}
        self.other: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in {"hr", "img", "meta"}:
            self.open.append(tag)
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.texts:
            self.texts[self.open[-1]][-1] += data
        elif data.strip() and self.open[-1] != "style":
            self.other.append(data)


def said(document: Printable) -> tuple[list[str], list[str], list[str]]:
    """What the parts say: words, labels, values."""
    parts = list(document.parts())
    pairs = [part for part in parts if isinstance(part, Pair)]
    words = [part.text for part in parts if isinstance(part, Words)]
    return words, [pair.label for pair in pairs], [pair.value for pair in pairs]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_what_the_paper_says_in_its_language(language: Language) -> None:
    for name, document in samples(language).items():
        read = Read(document.html(page=True))
        words, labels, values = said(document)
        assert [text for text in read.texts["p"] if text] == words, name
        assert (read.texts["dt"], read.texts["dd"]) == (labels, values), name
        assert read.other == []
        assert ("html", "lang", language) in read.attributes
        assert Counter(read.tags)["article"] == 1


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(sorted(ATTEMPTS)))
@example(HOSTILE[0], HOSTILE[1], HOSTILE[2], "request")
def test_no_text_becomes_anything_but_text(shop: str, number: str, label: str, name: str) -> None:
    attempt = ATTEMPTS[name]

    def page_of(shop: str, number: str, label: str) -> Read:
        order = replace(attempt.order, label=label, seller_id=label)
        known = replace(attempt, order=order, authorizations=(Authorization(number, 1),), beneficiary=label)
        html = ticket_of(known, shop=(shop,)).html(page=True)
        html.encode("utf-8")
        return Read(html)

    hostile, harmless = page_of(f"x{shop}", f"x{number}", f"x{label}"), page_of("x", "x", "x")
    assert hostile.tags == harmless.tags
    assert hostile.attributes == harmless.attributes
    assert clean(f"x{shop}") in hostile.texts["p"]
    assert clean(f"x{number}") in hostile.texts["dd"]
    assert clean(f"x{label}") in hostile.texts["dd"]


@pytest.mark.parametrize("text", [*HOSTILE, "{0} %s {title}"])
def test_a_ticket_that_a_vendor_has_changed_is_as_safe(text: str) -> None:
    text = f"x{text}"
    ticket = replace(
        ticket_of(PAID),
        result=text,
        mention=text,
        notice=text,
        copy=text,
        fields=((text, text),),
        amounts=(Amount(text, 4550, "boxed"),),
    )
    read, plain = Read(ticket.html(page=True)), Read(ticket_of(PAID, duplicate=True).html(page=True))
    assert set(read.tags) <= set(plain.tags) | {"div"}
    assert read.texts["title"] == [f"Chèque-Vacances Connect – {clean(text)}"]
    assert ("article", "aria-label", clean(text)) in read.attributes
    assert read.texts["dt"] == [clean(text)] * 2
    assert [each for each in read.texts["p"] if each == clean(text)] == [clean(text)] * 4
    assert {name for _, name, _ in read.attributes} <= {name for _, name, _ in plain.attributes}


def test_a_fragment_and_a_page_hold_the_same_ticket() -> None:
    ticket = ticket_of(PAID, shop=SHOP, logo=LOGO, qr="x")
    fragment, page = ticket.html(), ticket.html(page=True)
    assert fragment in page
    assert fragment.startswith('<article class="cvc-ticket" lang="fr" aria-label="Paiement accepté">')
    assert "<html" not in fragment and "@page" not in fragment
    assert page.startswith("<!DOCTYPE html>")


def test_nothing_is_fetched_from_elsewhere() -> None:
    html = ticket_of(PAID, shop=SHOP, logo=LOGO, qr="https://example.invalid/t/1").html(page=True)
    read = Read(html)
    assert [value for _, name, value in read.attributes if name in {"href", "src"}] == [
        f"data:image/png;base64,{base64.b64encode(LOGO).decode()}"
    ]
    assert "url(" not in html and "@import" not in html
    assert (
        "meta",
        "content",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    ) in read.attributes


@pytest.mark.parametrize(("width_mm", "inner_mm"), [(58, 48), (80, 72)])
def test_a_page_is_as_wide_as_its_paper(width_mm: int, inner_mm: int) -> None:
    html = ticket_of(PAID, shop=SHOP).html(page=True, width_mm=width_mm)
    size = re.search(r"@page\{size:(\d+)mm (\d+)mm;margin:0\}", html)
    assert size and int(size[1]) == width_mm and 60 < int(size[2]) < 160
    assert f"width:{inner_mm}mm" in html


def test_a_page_is_longer_when_more_stands_on_it() -> None:
    def length_mm(document: Printable) -> int:
        size = re.search(r"@page\{size:80mm (\d+)mm", document.html(page=True))
        assert size
        return int(size[1])

    plain = length_mm(ticket_of(PAID))
    assert length_mm(ticket_of(PAID, qr="x")) >= plain + 37
    assert length_mm(ticket_of(PAID, logo=LOGO)) >= plain + 25
    assert length_mm(ticket_of(PAID, shop=("mot " * 1000,))) > plain + 500


@pytest.mark.parametrize("width_mm", [39, 211, -80])
def test_paper_that_there_is_not_is_refused(width_mm: int) -> None:
    with pytest.raises(InvalidInput, match="NUMBER_OUT_OF_RANGE"):
        ticket_of(PAID).html(width_mm=width_mm)


def test_french_mentions_are_marked_as_french_in_an_english_ticket() -> None:
    html = ticket_of(ATTEMPTS["simulation"], duplicate=True, language="en").html()
    for mention in ("CHÈQUE-VACANCES CONNECT", "DUPLICATA", "SIMULATION - SANS VALEUR", "COPIE COMMERÇANT"):
        assert re.search(rf'<p[^>]* lang="fr">{mention}</p>', html), mention
    assert ' lang="fr"' not in ticket_of(PAID).html().partition("\n")[2]


def test_what_is_left_to_pay_stands_in_a_box() -> None:
    html = ticket_of(ATTEMPTS["part-payment"]).html()
    assert '<div class="cvc-boxed"><dt>Reste à payer</dt><dd>15,50\u00a0€</dd></div>' in html
    assert '<div class="cvc-large"><dt>Montant réglé</dt><dd>30,00\u00a0€</dd></div>' in html


@pytest.mark.parametrize("payload", ["https://example.invalid/t/1", "L’Œuf – 12,50 €", "0123456789" * 20])
def test_a_qr_can_be_scanned_and_has_its_quiet_zone(payload: str) -> None:
    html = ticket_of(PAID, qr=payload).html()
    box = re.search(r'<svg role="img" viewBox="0 0 (\d+) \1">', html)
    path = re.search(r'<path stroke="#000" d="([^"]+)"', html)
    assert box and path
    side = int(box[1])
    picture = Image.new("L", (side, side), 255)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path[1]):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            for column in range(int(x), int(x + values[0])):
                picture.putpixel((column, int(y)), 0)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    assert picture.getbbox() == (0, 0, side, side)
    inner = picture.crop((4, 4, side - 4, side - 4))
    assert picture.point(lambda dot: 255 - dot).getbbox() == (4, 4, side - 4, side - 4)
    assert inner.getpixel((0, 0)) == 0
    (code,) = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    assert code.text == payload


@pytest.mark.parametrize("payload", ["<b>" * 1000, "\ud800" * 3000])
def test_what_no_qr_holds_is_written_out(payload: str) -> None:
    html = ticket_of(PAID, qr=payload).html()
    assert "<svg" not in html and "<b>" not in html
    assert clean(payload) in Read(html).texts["p"]


def test_a_qr_of_a_text_that_is_no_text_keeps_no_ticket() -> None:
    assert "<svg" in ticket_of(PAID, qr="a\ud800b").html()
