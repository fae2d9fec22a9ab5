"""A prompt on a few short rows: what the customer reads, and in which order."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.displays.line import PAGE_S, Page, blank, next_page_s, page_at, pages_of
from cvconnect_pos.peripherals import PaymentPrompt, PromptState
from line_glass import IDLE, PARTIAL, WAITING, WITH_QR

texts = st.text(st.sampled_from("abcéÉ €,.’’-   \u00a0"), max_size=60)
prompts = st.builds(
    PaymentPrompt,
    st.sampled_from(get_args(PromptState)),
    title=texts,
    amount=texts,
    instruction=texts,
    detail=texts,
    shop=texts,
    qr_payload=st.none() | st.just("x"),
    expires_text=texts,
    notice=texts,
)


def lay_out(prompt: PaymentPrompt, columns: int = 20, rows: int = 2) -> tuple[Page, ...]:
    return pages_of(prompt, columns, rows, str)


def read(pages: tuple[Page, ...]) -> list[tuple[str, ...]]:
    return [tuple(row.strip() for row in page) for page in pages]


@given(prompts, st.integers(1, 40), st.integers(1, 4))
def test_every_page_fills_the_glass_exactly(prompt: PaymentPrompt, columns: int, rows: int) -> None:
    for page in lay_out(prompt, columns, rows):
        assert len(page) == rows
        assert {len(row) for row in page} == {columns}


@given(prompts, st.integers(8, 40), st.integers(1, 4))
def test_no_word_of_what_is_said_is_lost(prompt: PaymentPrompt, columns: int, rows: int) -> None:
    rows_shown = [row for page in lay_out(prompt, columns, rows) for row in page]
    said = [prompt.amount or prompt.shop, prompt.detail, prompt.notice]
    said += [] if prompt.qr_payload else [prompt.instruction, prompt.expires_text]
    for word in " ".join(said).split(" "):
        readable = word.replace("\u00a0", " ").strip()
        assert len(word) > columns or any(readable in row for row in rows_shown)


def test_the_amount_stands_while_what_to_do_scrolls_under_it() -> None:
    assert read(lay_out(WAITING))[:3] == [
        ("45,50 €", "Présentez votre"),
        ("45,50 €", "identifiant"),
        ("45,50 €", "Chèque-Vacances"),
    ]


def test_the_mention_of_a_simulation_has_pages_of_its_own() -> None:
    assert read(lay_out(WAITING))[3:] == [("SIMULATION - SANS", "VALEUR")]


def test_what_was_received_never_stands_above_what_is_left() -> None:
    pages = read(lay_out(PARTIAL))
    assert pages == [
        ("30,00 €", "Paiement partiel"),
        ("30,00 €", "accepté"),
        ("Reste à régler", "autrement : 15,50 €"),
    ]


def test_what_is_left_keeps_its_last_words_beside_it_where_the_currency_is_spelt() -> None:
    pages = pages_of(PARTIAL, 20, 2, lambda text: text.replace("€", "EUR"))
    assert read(pages)[2:] == [("Reste à régler", "autrement :"), ("autrement :", "15,50 EUR")]


def test_a_qr_is_on_another_screen_and_the_identifier_can_still_be_presented() -> None:
    pages = read(lay_out(WITH_QR))
    assert pages == [
        ("1 234,50 €", "QR sur l’autre écran"),
        ("1 234,50 €", "QR: see other screen"),
        ("ou présentez votre", "identifiant"),
        ("identifiant", "Chèque-Vacances"),
    ]


def test_between_payments_the_shop_stands_and_the_means_of_payment_scrolls() -> None:
    assert read(lay_out(IDLE)) == [
        ("L’Œuf à la coque", "Chèque-Vacances"),
        ("L’Œuf à la coque", "Connect"),
    ]


def test_a_shop_that_is_too_long_for_its_row_scrolls_too() -> None:
    idle = PaymentPrompt("idle", shop="Camping municipal de la Plage des Pins")
    assert read(lay_out(idle)) == [("Camping municipal de", "la Plage des Pins")]


def test_a_single_row_says_the_amount_first() -> None:
    assert read(lay_out(PARTIAL, rows=1))[:2] == [("30,00 €",), ("Paiement partiel",)]


def test_four_rows_hold_the_amount_and_the_whole_instruction() -> None:
    assert read(lay_out(WAITING, rows=4))[0] == (
        "45,50 €",
        "Présentez votre",
        "identifiant",
        "Chèque-Vacances",
    )


def test_an_amount_is_never_torn_at_its_spaces() -> None:
    words = PaymentPrompt("partial", detail="Il reste encore 1\u00a0234,50\u00a0€ ici")
    assert read(lay_out(words)) == [("Il reste encore", "1 234,50 € ici")]


@pytest.mark.parametrize("state", get_args(PromptState))
def test_an_empty_prompt_is_one_blank_page(state: PromptState) -> None:
    assert lay_out(PaymentPrompt(state)) == (blank(20, 2),)


@given(st.integers(1, 6), st.floats(0, 1e6))
def test_pages_follow_each_other_and_start_again(count: int, elapsed_s: float) -> None:
    pages = tuple((str(number),) for number in range(count))
    assert page_at(pages, elapsed_s) == pages[math.floor(elapsed_s / PAGE_S) % count]
    left_s = next_page_s(pages, elapsed_s)
    assert left_s > 0
    assert (left_s == math.inf) == (count == 1)


def test_each_page_stands_for_the_same_time() -> None:
    pages = (("a",), ("b",))
    assert [page_at(pages, tick * PAGE_S / 4)[0] for tick in range(9)] == list("aaaabbbba")
    assert next_page_s(pages, PAGE_S * 2.75) == pytest.approx(PAGE_S / 4)
