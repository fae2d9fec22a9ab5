"""Tickets on paper: nothing too long, nothing lost, whatever a till puts into them; and the golden ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvconnect_drivers.printers.escpos import Encoder
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_pos import Authorization, Ticket, format_amount, ticket_of
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets import Printable
from cvconnect_pos.tickets.parts import clean
from vectors.make_tickets import ATTEMPTS, LANGUAGES, PAID, SHOP, WIDTHS, golden, samples

GOLDEN = Path(__file__).resolve().parents[1] / "vectors/tickets"
ENDS = ("COPIE COMMERÇANT", "COPIE CLIENT", "FIN DU RAPPORT", "END OF THE REPORT")
HOSTILE = "\x1b@\x00A\r\nB\u2028C\u202eD\u200d\ud800\U0001f3d6 e\u0301<b>&amp;'\""

NAMES = st.sampled_from(sorted(ATTEMPTS))
CENTS = st.integers(1, 10**10 - 1)
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60)


def digits(text: str) -> str:
    """What stands on paper, without what lies between."""
    return "".join(text.split()).replace("\u00a0", "")


def test_every_golden_ticket_is_as_it_was_read() -> None:
    made = dict(golden())
    assert sorted(made) == sorted(path.name for path in GOLDEN.glob("*.txt"))
    for name, text in made.items():
        assert (GOLDEN / name).read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", [24, *WIDTHS])
def test_nothing_of_ours_is_broken_in_the_middle_of_a_word(columns: int, language: Language) -> None:
    for name, document in samples(language).items():
        words = {word for line in document.lines(200) for word in line.text.replace("\u00a0", "_").split(" ")}
        for line in document.lines(columns):
            assert len(line.text) <= (columns // 2 if line.large else columns)
            broken = set(line.text.replace("\u00a0", "_").split(" ")) - words
            assert {word for word in broken if word.strip("-=")} == set(), name


@given(
    columns=st.integers(8, 64),
    name=NAMES,
    shop=st.lists(TEXTS, max_size=3),
    asked=CENTS,
    received=CENTS,
    language=st.sampled_from(LANGUAGES),
    simulation=st.booleans(),
)
@example(
    columns=24,
    name="request",
    shop=[HOSTILE, "x" * 10_000],
    asked=10**10 - 1,
    received=1,
    language="fr",
    simulation=True,
)
def test_no_line_is_too_long_and_no_digit_of_an_amount_is_lost(
    *,
    columns: int,
    name: str,
    shop: list[str],
    asked: int,
    received: int,
    language: Language,
    simulation: bool,
) -> None:
    attempt = ATTEMPTS[name]
    if attempt.received_cents is not None:
        attempt = replace(attempt, received_cents=received)
    order = replace(attempt.order, amount_cents=asked, seller_id="v" * 50, label="l" * 100)
    ticket = ticket_of(
        replace(attempt, order=order, simulation=simulation), shop=shop, language=language, qr="x" * 99
    )
    for line in ticket.lines(columns):
        assert len(line.text) <= (columns // 2 if line.large else columns)
        assert all(
            character.isprintable() or character == "\u00a0" for character in line.text if character.isascii()
        )
    paper = digits("".join(line.text for line in ticket.lines(columns)))
    for amount in ticket.amounts:
        assert digits(format_amount(amount.amount_cents)) in paper
    assert digits(ticket.text(columns)).endswith(
        digits("SIMULATION - SANS VALEUR" if simulation else ticket.copy)
    )


@given(CENTS)
def test_from_24_columns_on_an_amount_stands_on_one_line(cents: int) -> None:
    ticket = ticket_of(
        replace(PAID, order=replace(PAID.order, amount_cents=10**10 - 1), received_cents=cents)
    )
    for columns in (24, *WIDTHS):
        lines = [line.text for line in ticket.lines(columns)]
        for amount in ticket.amounts:
            assert any(line.endswith(amount.text) for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", WIDTHS)
def test_half_a_ticket_never_looks_like_a_whole_one(columns: int, language: Language) -> None:
    for name, document in samples(language).items():
        lines = document.text(columns).splitlines()
        ends = [number for number, line in enumerate(lines) if line.strip() in ENDS]
        simulation = "SIMULATION - SANS VALEUR"
        if lines[-1].strip() == simulation:
            assert ends == [len(lines) - 2], name
            assert simulation in [line.strip() for line in lines[: ends[0]]], name
        else:
            assert ends == [len(lines) - 1], name


@pytest.mark.parametrize("columns", [24, *WIDTHS])
def test_what_counts_is_large_and_what_is_left_to_pay_is_boxed(columns: int) -> None:
    lines = list(ticket_of(ATTEMPTS["part-payment"]).lines(columns))
    paid = next(line for line in lines if line.text == "30,00\u00a0€")
    assert paid.large and paid.bold and paid.align == "right"
    edges = [number for number, line in enumerate(lines) if line.text == "=" * columns]
    label, left = lines[edges[0] + 1 : edges[1]]
    assert (label.text, left.text) == ("Reste à payer", "15,50\u00a0€")
    assert label.bold and left.bold and left.large
    assert label.large is (columns >= 26)
    assert [line.text for line in lines if line.large and line.text[0].isdigit()] == [paid.text, left.text]


def test_an_amount_too_long_to_be_large_is_bold_on_paper_that_is_narrow() -> None:
    ticket = ticket_of(replace(PAID, received_cents=10**10 - 1))
    (paid,) = [line for line in ticket.lines(24) if line.text.endswith("99\u00a0999\u00a0999,99\u00a0€")]
    assert paid.bold and not paid.large


def test_a_logo_is_the_first_line_and_no_text() -> None:
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08"
    ticket = ticket_of(PAID, shop=SHOP, logo=png)
    first, *rest = ticket.lines(42)
    assert (first.image, first.text, first.align) == (png, "", "center")
    assert ticket.text() == ticket_of(PAID, shop=SHOP).text()
    assert all(line.image is None for line in rest)


@pytest.mark.parametrize("logo", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40])
def test_a_logo_that_nobody_could_print_does_not_keep_the_ticket(logo: bytes) -> None:
    assert ticket_of(PAID, logo=logo).lines(42) == ticket_of(PAID).lines(42)


def test_a_qr_is_a_line_for_a_printer_and_its_content_in_a_text() -> None:
    ticket = ticket_of(PAID, qr="https://example.invalid/t/1")
    codes = [line.qr for line in ticket.lines(42) if line.qr is not None]
    assert codes == ["https://example.invalid/t/1"]
    assert "https://example.invalid/t/1" in ticket.text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("L’Œuf à la coque", "L’Œuf à la coque"),
        ("12,50\u00a0€", "12,50\u00a0€"),
        ("Cafe\u0301", "Café"),
        ("  deux   mots ", "deux mots"),
        ("une\r\nligne\u2028et\tune autre", "une ligne et une autre"),
        ("\x1bp\x00\x19\x19", "p"),
        ("mon\u00adtant \u202e05,54", "montant 05,54"),
        ("\U0001f3d6 Plage", "\U0001f3d6 Plage"),
        ("\ud83c", "\ufffd"),
    ],
)
def test_a_text_becomes_one_line_that_can_be_shown(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert clean(shown) == shown


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["80mm", "58mm"]))
@example(HOSTILE, HOSTILE, "58mm")
def test_no_text_keeps_a_ticket_from_a_printer(shop: str, number: str, profile: str) -> None:
    attempt = replace(PAID, authorizations=(Authorization(number, 4550),))
    ticket: Ticket = ticket_of(attempt, shop=(shop,))
    chosen = PROFILES[profile]
    assert Encoder(chosen).job(ticket.lines(chosen.columns))


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("Le client a reçu une demande de paiement", 32, ["Le client a reçu une", "demande de paiement"]),
        ("Anticonstitutionnellement a", 25, ["Anticonstitutionnellement", "a"]),
        ("Camping de la Presqu’île-aux-Moines", 32, ["Camping de la", "Presqu’île-aux-Moines"]),
        ("un", 32, ["un"]),
    ],
)
def test_a_text_is_broken_into_lines_of_about_the_same_length(
    text: str, columns: int, lines: list[str]
) -> None:
    shop = [line.text for line in ticket_of(PAID, shop=(text,)).lines(columns)]
    assert shop[: shop.index("")] == lines


def test_a_value_is_never_broken_at_a_hyphen() -> None:
    number = "12345678-" * 6
    ticket = ticket_of(replace(PAID, transaction_id=number))
    assert [line.text for line in ticket.lines(32) if "12345678-" in line.text] == [number[:32], number[32:]]


def test_ten_thousand_characters_are_all_there() -> None:
    name = "".join(chr(ord("a") + number % 26) for number in range(10_000))
    document: Printable = ticket_of(PAID, shop=(name,))
    assert name in "".join(line.text for line in document.lines(32))
