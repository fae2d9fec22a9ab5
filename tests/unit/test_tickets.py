"""Tickets: what must stand on them, on any width of paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import Attempt, Authorization, Order, State, Way, ticket_of
from cvconnect_pos.prompts import _PROMPTS, prompt_of
from cvconnect_pos.tickets import _HEADINGS, CUSTOMER_COPY, has_ticket

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
SHOP = ("L’Œuf à la coque", "12 rue de l’Église")


def test_a_paid_ticket_says_everything() -> None:
    text = ticket_of(PAID, shop=SHOP).text(42)
    for mention in ("CHÈQUE-VACANCES CONNECT", "L’Œuf à la coque", "21/11/2026 14:05", "REF253", "fiawa31zot", "897395948",
                    "10*****3051", "Montant demandé", "Montant réglé", "45,50\u00a0€", "COPIE COMMERÇANT",
                    "SIMULATION - SANS VALEUR"):  # fmt: skip
        assert mention in text
    assert "Reste à payer" not in text and "DUPLICATA" not in text and "ANNULATION" not in text


def test_a_partial_payment_says_what_is_left() -> None:
    text = ticket_of(replace(PAID, received_cents=3000)).text()
    assert "Reste à payer" in text and "15,50\u00a0€" in text


def test_a_reversal_says_annulation() -> None:
    text = ticket_of(replace(PAID, state=State.REVERSED)).text()
    assert "ANNULATION" in text and "Montant recrédité" in text and "Montant réglé" not in text


@pytest.mark.parametrize("state", [State.REFUSED, State.EXPIRED, State.CANCELLED, State.FAILED])
def test_an_operation_without_money_says_that_nothing_was_debited(state: State) -> None:
    text = ticket_of(replace(PAID, state=state, received_cents=None, authorizations=())).text()
    assert "NON ABOUTIE" in text and "Aucun montant n’a été débité" in text and "réglé" not in text


def test_a_duplicate_and_the_customers_copy_say_so() -> None:
    text = ticket_of(PAID, copy=CUSTOMER_COPY, duplicate=True).text()
    assert "DUPLICATA" in text and "COPIE CLIENT" in text


def test_only_what_did_not_come_from_production_says_simulation() -> None:
    assert "SIMULATION" not in ticket_of(replace(PAID, simulation=False)).text()


def test_the_time_is_the_one_of_paris_in_summer_too() -> None:
    summer = replace(PAID, changed_at=datetime(2026, 7, 14, 22, 30, tzinfo=UTC))
    assert "15/07/2026 00:30" in ticket_of(summer).text()


@given(
    st.integers(24, 64),
    st.sampled_from(sorted(_HEADINGS)),
    st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=60),
    st.integers(2000, 10**10 - 1),
)
def test_no_line_is_longer_than_the_paper(columns: int, state: State, shop: str, cents: int) -> None:
    attempt = replace(PAID, state=state, order=replace(PAID.order, amount_cents=cents, seller_id="v" * 50))
    for line in ticket_of(attempt, shop=(shop,)).lines(columns):
        assert len(line.text) <= columns


def test_a_state_without_a_ticket_is_known_as_such() -> None:
    assert not has_ticket(State.AWAITING) and not has_ticket(State.ORPHANED)
    assert has_ticket(State.APPROVED)


@pytest.mark.parametrize("state", sorted(State))
def test_every_state_has_a_prompt_and_only_one_shows_the_qr(state: State) -> None:
    attempt = replace(
        PAID, state=state, qr_payload="https://example.invalid/qr", expires_at=NOW + timedelta(minutes=5)
    )
    prompt = prompt_of(attempt, shop="L’Œuf")
    assert (prompt.qr_payload is not None) == (state is State.SHOWING)
    assert (prompt.expires_text != "") == (state is State.SHOWING)
    assert prompt.notice == "SIMULATION - SANS VALEUR"
    assert set(_PROMPTS) == set(State)


def test_a_partial_prompt_says_what_is_left_in_both_languages() -> None:
    attempt = replace(PAID, received_cents=3000)
    assert prompt_of(attempt).detail == "Reste à régler autrement : 15,50\u00a0€"
    assert prompt_of(attempt, language="en").detail == "Left to pay otherwise: 15,50\u00a0€"
    assert prompt_of(attempt).state == "partial" and prompt_of(attempt).amount == "30,00\u00a0€"
