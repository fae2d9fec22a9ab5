"""Tickets: what must stand on them, and what must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cvconnect_pos import (
    Attempt,
    Authorization,
    InvalidInput,
    NotAllowedNow,
    Order,
    State,
    TicketCopy,
    TicketKind,
    Way,
    ticket_of,
)
from cvconnect_pos.core.lifecycle import NEGATIVE
from cvconnect_pos.messages import Language
from cvconnect_pos.prompts import _PROMPTS, prompt_of
from cvconnect_pos.tickets import has_ticket, kind_of
from harness import NUMBER, Till, keyed, reserved
from vectors.make_tickets import ATTEMPTS, LANGUAGES, SHOP

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


def test_a_paid_ticket_says_everything() -> None:
    text = ticket_of(PAID, shop=SHOP).text(42)
    for mention in ("CHÈQUE-VACANCES CONNECT", "Camping L’Œuf à la coque", "21/11/2026 14:05", "REF253", "fiawa31zot", "897395948",
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
    text = ticket_of(PAID, copy=TicketCopy.CUSTOMER, duplicate=True).text()
    assert "DUPLICATA" in text and "COPIE CLIENT" in text


def test_only_what_did_not_come_from_production_says_simulation() -> None:
    assert "SIMULATION" not in ticket_of(replace(PAID, simulation=False)).text()


def test_the_time_is_the_one_of_paris_in_summer_too() -> None:
    summer = replace(PAID, changed_at=datetime(2026, 7, 14, 22, 30, tzinfo=UTC))
    assert "15/07/2026 00:30" in ticket_of(summer).text()


def test_a_state_without_a_ticket_is_known_as_such() -> None:
    assert not has_ticket(State.AWAITING) and not has_ticket(State.ORPHANED)
    assert has_ticket(State.APPROVED)
    with pytest.raises(NotAllowedNow, match="NO_TICKET"):
        ticket_of(replace(PAID, state=State.AWAITING))


@pytest.mark.parametrize("copy", ["", "COPIE", None, ["COPIE CLIENT"]])
def test_a_ticket_belongs_to_somebody(copy: Any) -> None:
    with pytest.raises(InvalidInput, match="CHOICE_UNKNOWN"):
        ticket_of(PAID, copy=copy)


MENTIONS = {
    "CHÈQUE-VACANCES CONNECT", "N° de panier", "Transaction", "Autorisation", "Montant demandé", "Montant réglé",
    "Montant réservé", "Montant recrédité", "Reste à payer", "ANNULATION", "NON ABOUTIE", "DUPLICATA",
    "Aucun montant n’a été débité", "Ce ticket n’est pas une preuve de paiement", "Montant rendu au client",
    "COPIE COMMERÇANT", "COPIE CLIENT", "SIMULATION - SANS VALEUR",
}  # fmt: skip
ALWAYS = {
    "CHÈQUE-VACANCES CONNECT",
    "N° de panier",
    "Transaction",
    "Montant demandé",
    "COPIE COMMERÇANT",
}
NOT_DONE = {"NON ABOUTIE", "Aucun montant n’a été débité"}
WANTED = {
    "payment": {"Autorisation", "Montant réglé"},
    "part-payment": {"Autorisation", "Montant réglé", "Reste à payer"},
    "several-payers": {"Autorisation", "Montant réglé", "Reste à payer"},
    "reservation": {"Autorisation", "Montant réservé", "Ce ticket n’est pas une preuve de paiement"},
    "part-reservation": {"Autorisation", "Montant réservé", "Ce ticket n’est pas une preuve de paiement"},
    "capture": {"Autorisation", "Montant réservé", "Montant réglé"},
    "part-capture": {"Autorisation", "Montant réservé", "Montant réglé", "Montant rendu au client"},
    "release": {"Autorisation", "Aucun montant n’a été débité"},
    "reversal": {"Autorisation", "ANNULATION", "Montant recrédité"},
    "reversal-by-provider": {"Autorisation", "ANNULATION", "Montant recrédité"},
    "refused": NOT_DONE,
    "failed": NOT_DONE,
    "expired": NOT_DONE,
    "cancelled": NOT_DONE | {"ANNULATION"},
    "request": {"Ce ticket n’est pas une preuve de paiement"},
    "simulation": {"Autorisation", "Montant réglé", "Reste à payer", "SIMULATION - SANS VALEUR"},
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_each_ticket_has_its_mentions_and_no_other(name: str) -> None:
    text = ticket_of(ATTEMPTS[name]).text(48)
    assert {mention for mention in MENTIONS if mention in text} == ALWAYS | WANTED[name]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_mentions_that_are_known_stay_french(name: str, language: Language) -> None:
    attempt = replace(ATTEMPTS[name], simulation=True)
    text = ticket_of(attempt, duplicate=True, language=language).text(32)
    for mention in ("CHÈQUE-VACANCES CONNECT", "DUPLICATA", "COPIE COMMERÇANT"):
        assert text.count(mention) == 1
    assert text.count("SIMULATION - SANS VALEUR") == 2
    assert text.splitlines()[-1].strip() == "SIMULATION - SANS VALEUR"
    assert ("ANNULATION" in text) is (name in {"cancelled", "reversal", "reversal-by-provider"})


def test_english_says_all_that_french_says() -> None:
    for attempt in ATTEMPTS.values():
        french, english = (ticket_of(attempt, language=language) for language in LANGUAGES)
        assert [value for _, value in french.fields] == [value for _, value in english.fields]
        assert [a.amount_cents for a in french.amounts] == [a.amount_cents for a in english.amounts]
        assert bool(french.mention) == bool(english.mention)
        assert bool(french.notice) == bool(english.notice)
        assert french.result != english.result


def test_every_kind_of_ticket_has_a_sample() -> None:
    assert {kind_of(attempt) for attempt in ATTEMPTS.values()} == set(TicketKind)


@pytest.mark.parametrize("state", sorted(State))
def test_what_has_a_ticket_is_what_has_a_kind(state: State) -> None:
    assert has_ticket(state) is (kind_of(replace(PAID, state=state)) is not None)


@pytest.mark.parametrize("state", sorted(NEGATIVE))
def test_where_money_is_known_to_have_moved_no_ticket_says_that_none_did(state: State) -> None:
    assert "débité" not in ticket_of(replace(PAID, state=state)).text()
    nothing = ticket_of(replace(PAID, state=state, received_cents=None)).text()
    assert "Aucun montant n’a été débité" in nothing


def test_an_amount_that_is_not_known_is_left_out_never_zero() -> None:
    text = ticket_of(replace(PAID, state=State.REVERSED, received_cents=None)).text()
    assert "recrédité" in text and "Montant recrédité" not in text and "0,00" not in text


def test_a_customer_is_masked_on_the_slip_of_a_deferred_request(till: Till) -> None:
    payment = till.ask(way="deferred", beneficiary="client@example.invalid", label="Nuit d’hôtel")
    text = payment.ticket(shop=SHOP).text()
    assert "client@" not in text and "c*****@e*****.invalid" in text
    assert "DEMANDE DIFFÉRÉE" in text and "Nuit d’hôtel" in text and "Expire le" in text
    assert payment.ticket().kind is TicketKind.REQUEST


def test_a_payment_gives_its_ticket_when_it_is_over(till: Till) -> None:
    waiting = keyed(till)
    with pytest.raises(NotAllowedNow, match="NO_TICKET") as caught:
        waiting.ticket()
    assert "AWAITING" in caught.value.text() and caught.value.remedy()
    till.phone.pay(till.phone.incoming()[0], 3000)
    till.run(5)
    ticket = waiting.ticket(copy=TicketCopy.CUSTOMER, language="en", shop=SHOP, duplicate=True)
    assert (ticket.kind, ticket.copy, ticket.shop) == (TicketKind.PART_PAYMENT, "COPIE CLIENT", SHOP)
    assert [(each.label, each.text, each.weight) for each in ticket.amounts] == [
        ("Amount asked", "45,50\u00a0€", "plain"),
        ("Amount paid", "30,00\u00a0€", "large"),
        ("Left to pay", "15,50\u00a0€", "boxed"),
    ]
    assert NUMBER not in ticket.text() and ticket.duplicate and ticket.simulation
    waiting.reverse()
    till.run(5)
    assert waiting.ticket().mention == "ANNULATION"


def test_a_reservation_has_a_ticket_at_each_step(till: Till) -> None:
    payment = reserved(till)
    assert payment.ticket().kind is TicketKind.RESERVATION
    payment.capture(2000)
    till.run(5)
    ticket = payment.ticket()
    assert ticket.kind is TicketKind.PART_CAPTURE
    assert [each.amount_cents for each in ticket.amounts] == [4550, 4550, 2000, 2550]


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
