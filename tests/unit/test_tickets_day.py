"""The report of a closing: what was signed, beside what a person must still look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvconnect_pos import Operations, OperationStatus, day_report_of
from cvconnect_pos.journal.closings import Books, Period, Totals
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets import PARIS
from cvconnect_pos.tickets.day_report import SHOWN_OPEN
from harness import Till, keyed, paid
from vectors.make_tickets import BOTH, CLOSING, LANGUAGES, OPERATIONS, SHOP, SIMULATED, operation

SIMULATION = "SIMULATION - SANS VALEUR"


def lines_of(text: str) -> list[str]:
    return [" ".join(line.replace("\u00a0", "_").split()) for line in text.splitlines()]


def test_a_report_gives_the_totals_that_were_signed() -> None:
    lines = lines_of(day_report_of(CLOSING, shop=SHOP).text(42))
    for wanted in (
        "CLÔTURE DU JOUR",
        "21/11/2026",
        "Jusqu’à l’écriture 1184",
        "Empreinte 3f2a9c0d1b4e5f60",
        "Clé a41f09c2",
        "Demandes 14",
        "Paiements reçus 9",
        "Annulations 1",
        "Montant reçu 413,00_€",
        "Montant recrédité 45,50_€",
        "Encaissé",
        "367,50_€",
        "Cumul perpétuel 12_095,50_€",
    ):
        assert wanted in lines
    assert lines[-1] == "FIN DU RAPPORT"
    assert not any(SIMULATION in line for line in lines)


def test_a_report_counts_operations_by_status_and_names_what_was_left_open() -> None:
    lines = lines_of(day_report_of(CLOSING, OPERATIONS, OPERATIONS).text(48))
    assert {
        "Validé 9",
        "Remboursé 1",
        "Expiré 1",
        "Refusé 1",
        "Réservé 1",
        "En attente de paiement 1",
    } <= set(lines)
    at = lines.index("Resté ouvert 3")
    assert lines[at + 1 : at + 7] == [
        "SEJOUR-2026-118 1_200,00_€",
        "réservé, à encaisser ou à libérer",
        "DEVIS-77 45,50_€",
        "différé, le client a encore le temps",
        "REF25 45,50_€",
        "trop perçu, 10,00_€ à rendre",
    ]


def test_a_report_says_nothing_of_what_was_not_looked_at() -> None:
    text = day_report_of(CLOSING).text()
    assert "ouvert" not in text and "statut" not in text
    assert "Rien n’est resté ouvert" in day_report_of(CLOSING, left_open=[]).text()
    recorded = [operation("REF1", OperationStatus.APPROVED)]
    assert "Rien n’est resté ouvert" in day_report_of(CLOSING, left_open=recorded).text()


def test_a_long_list_of_open_operations_is_counted_to_its_end() -> None:
    many = [operation(f"REF{n}", OperationStatus.RESERVED, needs="RESERVED") for n in range(SHOWN_OPEN + 7)]
    text = day_report_of(CLOSING, left_open=many).text()
    assert f"REF{SHOWN_OPEN - 1}" in text and f"REF{SHOWN_OPEN}" not in text
    assert "… et 7 de plus" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_simulated_stands_apart_and_says_so(language: Language) -> None:
    both = day_report_of(BOTH, language=language)
    lines = lines_of(both.text())
    at = lines.index(SIMULATION)
    assert lines.count(SIMULATION) == 1 and not both.simulation
    assert "413,00_€" in lines[:at] and "30,00_€" not in " ".join(lines[:at])
    assert "413,00_€" not in " ".join(lines[at:])
    only = day_report_of(SIMULATED, language=language)
    lines = lines_of(only.text())
    assert only.simulation and lines.count(SIMULATION) == 2 and lines[-1] == SIMULATION


def test_a_simulated_operation_that_is_open_stands_with_the_simulated_ones() -> None:
    simulated = replace(operation("REF9", OperationStatus.RESERVED, needs="RESERVED"), simulation=True)
    report = day_report_of(CLOSING, [], [simulated])
    assert [section.simulation for section in report.sections] == [False, True]
    assert [section.open_items for section in report.sections] == [
        (),
        (("REF9", "45,50\u00a0€", "réservé, à encaisser ou à libérer"),),
    ]


@pytest.mark.parametrize(
    ("period", "name", "heading", "day"),
    [
        (Period.DAY, "2026-11-21", "CLÔTURE DU JOUR", "21/11/2026"),
        (Period.MONTH, "2026-11", "CLÔTURE DU MOIS", "11/2026"),
        (Period.YEAR, "2026", "CLÔTURE DE L’ANNÉE", "2026"),
    ],
)
def test_each_period_has_its_name(period: Period, name: str, heading: str, day: str) -> None:
    report = day_report_of(replace(CLOSING, period=period, name=name))
    assert (report.heading, report.day) == (heading, day)


def test_a_day_without_anything_says_so() -> None:
    lines = lines_of(day_report_of(replace(CLOSING, period_totals=Books()), [], []).text())
    assert "Aucune demande" in lines and not any("€" in line for line in lines)


def test_more_given_back_than_received_is_no_riddle() -> None:
    totals = Totals(reversals=1, reversed_cents=4550)
    lines = lines_of(day_report_of(replace(CLOSING, period_totals=Books(totals))).text())
    assert "-45,50_€" in lines


def test_a_report_of_a_till_is_made_of_what_the_till_gives(till: Till) -> None:
    paid(till, "r1", basket_ref="B1").acknowledge()
    paid(till, "r2", basket_ref="B2").reverse()
    till.run(5)
    till.engine.resume("r2").acknowledge()
    keyed(till, "r3", basket_ref="B3", reserve=True)
    till.phone.pay(till.phone.incoming()[0])
    till.run(5)
    journal, now = till.engine._journal, till.clock.now()
    operations = Operations(journal).list().operations
    closing, *_ = journal.close_day(now.astimezone(PARIS).date(), now)
    text = day_report_of(closing, operations, operations, duplicate=True).text()
    lines = lines_of(text)
    assert {"Demandes 3", "Paiements reçus 2", "Annulations 1", "Montant reçu 91,00_€"} <= set(lines)
    assert {"Validé 1", "Remboursé 1", "Réservé 1", "Resté ouvert 1", "B3 45,50_€"} <= set(lines)
    assert lines.count("DUPLICATA") == 1 and lines[-1] == SIMULATION
