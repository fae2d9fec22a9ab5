"""The provider's export against the journal: every line and every outcome is told once, and nothing is guessed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import InvalidInput, Outcome, State
from cvconnect_pos import provider_export as module
from cvconnect_pos.provider_export import MAX_LINE, ExportFormat, ExportRow, Finding, decode_export
from cvconnect_pos.reconciliation import ReconciliationReport, Verdict, reconcile
from cvconnect_pos.texts import REPORTS

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
HEADER = "N° de transaction;N° de panier;Modifiée le;Reçu;Statut"


def outcome(
    transaction_id: str,
    cents: int = 4550,
    *,
    request_id: str = "",
    state: State = State.APPROVED,
    simulation: bool = False,
) -> Outcome:
    kept = cents if state in {State.APPROVED, State.DECIDING} else 0
    return Outcome(
        request_id=request_id or f"r-{transaction_id}",
        basket_ref="REF253",
        state=state,
        asked_cents=4550,
        received_cents=kept,
        remaining_cents=0,
        reversed_cents=cents if state is State.REVERSED else 0,
        surplus_cents=0,
        transaction_id=transaction_id,
        authorizations=(),
        beneficiary="",
        reason="",
        ended_at=NOON,
        simulation=simulation,
    )


def row(
    transaction_id: str, received: str = "45,50", status: str = "Validé", day: str = "21/11/2026 12:00"
) -> str:
    return f"{transaction_id};REF253;{day};{received};{status}"


def export(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def codes(report: ReconciliationReport) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.line) for finding in report.findings]


def verdicts(report: ReconciliationReport) -> list[Verdict]:
    return [item.verdict for item in report.items]


# --- the four answers -------------------------------------------------------------------------------------------------


def test_what_both_sides_have_with_one_amount_is_matched() -> None:
    report = reconcile(export(row("t1")), [outcome("t1")])
    assert verdicts(report) == [Verdict.MATCHED]
    assert report.is_clean
    assert report.total().difference_cents == 0
    [item] = report.items
    assert item.row == ExportRow(2, "t1", 4550, "REF253", date(2026, 11, 21))


def test_an_amount_that_differs_is_said_with_both_amounts() -> None:
    report = reconcile(export(row("t1", "30,00")), [outcome("t1")])
    assert verdicts(report) == [Verdict.AMOUNT_DIFFERS]
    assert (report.items[0].here_cents, report.items[0].there_cents) == (4550, 3000)
    assert report.total().difference_cents == -1550
    assert not report.is_clean


def test_what_only_the_provider_has_is_missing_here() -> None:
    report = reconcile(export(row("t1")), [])
    assert verdicts(report) == [Verdict.MISSING_HERE]
    assert report.total().difference_cents == 4550


def test_what_only_the_journal_has_is_missing_there() -> None:
    report = reconcile(export(), [outcome("t1")])
    assert verdicts(report) == [Verdict.MISSING_THERE]
    assert report.total().difference_cents == -4550


@pytest.mark.parametrize("status", ["Expiré", "En attente de paiement", "Annulé"])
def test_what_nobody_paid_may_be_on_one_side_only(status: str) -> None:
    report = reconcile(
        export(row("t1", "", status)), [outcome("t2", state=State.EXPIRED), outcome("", state=State.ORPHANED)]
    )
    assert set(verdicts(report)) == {Verdict.NOTHING_KEPT}
    assert report.is_clean


def test_a_reversed_payment_matches_a_cancelled_line_whatever_amount_it_states() -> None:
    report = reconcile(export(row("t1", "45,50", "Annulé")), [outcome("t1", state=State.REVERSED)])
    assert verdicts(report) == [Verdict.MATCHED]


def test_a_reversal_that_the_provider_does_not_know_is_an_amount_that_differs() -> None:
    report = reconcile(export(row("t1")), [outcome("t1", state=State.REVERSED)])
    assert verdicts(report) == [Verdict.AMOUNT_DIFFERS]


def test_a_payment_that_waits_for_a_decision_is_money_of_both_sides() -> None:
    assert reconcile(export(row("t1")), [outcome("t1", state=State.DECIDING)]).is_clean


def test_without_a_column_of_statuses_every_amount_counts() -> None:
    assert reconcile("Transaction;Reçu\nt1;45,50", [outcome("t1")]).is_clean


def test_another_environment_is_set_apart_and_adds_nothing() -> None:
    both = [outcome("t1"), outcome("t1", 99_999, simulation=True)]
    report = reconcile(export(row("t1")), both)
    assert verdicts(report) == [Verdict.MATCHED, Verdict.OTHER_ENVIRONMENT]
    assert (report.total().here_cents, report.is_clean) == (4550, True)
    test = reconcile(export(row("t1", "999,99")), both, simulation=True)
    assert test.of(Verdict.MATCHED)[0].outcome == both[1]
    assert "SIMULATION - SANS VALEUR" in test.text()


# --- what is repeated or contradicts itself -----------------------------------------------------------------------------


def test_a_line_that_is_repeated_counts_once_and_is_said() -> None:
    report = reconcile(export(row("t1"), row("t2"), row("t1")), [outcome("t1"), outcome("t2")])
    assert verdicts(report) == [Verdict.MATCHED, Verdict.MATCHED, Verdict.DUPLICATE]
    assert report.findings == (Finding("ROW_DUPLICATE", 4, {"first": 2}),)
    assert "ligne 4" in report.findings[0].text() and "ligne 2" in report.findings[0].text()
    assert report.total().there_cents == 9100


def test_lines_that_contradict_one_another_are_in_doubt() -> None:
    report = reconcile(export(row("t1"), row("t1", "30,00")), [outcome("t1")])
    assert verdicts(report) == [Verdict.IN_DOUBT, Verdict.DUPLICATE]
    assert codes(report) == [("ROW_CONTRADICTS", 2), ("ROW_DUPLICATE", 3)]
    assert report.items[0].there_cents is None


def test_a_result_that_is_delivered_again_counts_once_and_the_last_word_counts() -> None:
    later = replace(outcome("t1", state=State.REVERSED), ended_at=NOON + timedelta(hours=1))
    report = reconcile(export(row("t1", status="Annulé")), [outcome("t1"), later])
    assert verdicts(report) == [Verdict.MATCHED, Verdict.DUPLICATE]
    assert report.is_clean


@pytest.mark.parametrize("rows", [[], [row("t1")]])
def test_two_requests_that_name_one_transaction_are_in_doubt(rows: list[str]) -> None:
    report = reconcile(export(*rows), [outcome("t1", request_id="a"), outcome("t1", request_id="b")])
    assert verdicts(report) == [Verdict.IN_DOUBT, Verdict.IN_DOUBT]
    assert codes(report) == [("TRANSACTION_SHARED", None)]
    assert report.total().here_cents == 9100


# --- bad lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (row("t1", "quarante"), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", ""), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "-45,50"), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "45,505"), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "1.234,50"), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "9" * 5000), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "?", "Expiré"), "ROW_AMOUNT_UNREADABLE"),
        (row("t1", "45,50", "Contesté"), "ROW_STATUS_UNKNOWN"),
        (row("t1", "45,50", ""), "ROW_STATUS_UNKNOWN"),
        (row("t1", "45,50", "Expiré"), "ROW_STATUS_CONTRADICTS"),
        (row("", "45,50"), "ROW_TRANSACTION_UNREADABLE"),
        (row("Total général", "45,50"), "ROW_TRANSACTION_UNREADABLE"),
        (row("t1") + ";", "ROW_CELLS"),
        ("t1;45,50", "ROW_CELLS"),
        (row('"t1'), "ROW_BROKEN"),
        (row('"t1"x'), "ROW_BROKEN"),
        (row("t1", "x" * MAX_LINE), "ROW_BROKEN"),
    ],
)
def test_a_bad_line_is_a_finding_and_in_doubt_and_spoils_no_other(line: str, code: str) -> None:
    report = reconcile(export(row("t0"), line, row("t2")), [outcome("t0"), outcome("t2")])
    assert verdicts(report) == [Verdict.MATCHED, Verdict.IN_DOUBT, Verdict.MATCHED]
    assert codes(report) == [(code, 3)]
    assert "ligne 3" in report.text()


def test_an_outcome_whose_line_cannot_be_read_is_in_doubt_and_not_missing() -> None:
    report = reconcile(export(row("t1", "?")), [outcome("t1")])
    assert verdicts(report) == [Verdict.IN_DOUBT]
    assert (report.items[0].here_cents, report.items[0].there_cents) == (4550, None)


def test_an_unreadable_date_is_said_and_the_amount_is_compared_all_the_same() -> None:
    report = reconcile(export(row("t1", day="31/02/2026")), [outcome("t1")])
    assert verdicts(report) == [Verdict.MATCHED]
    assert codes(report) == [("ROW_DATE_UNREADABLE", 2)]
    assert not report.is_clean


def test_lines_are_counted_as_an_editor_counts_them_blank_ones_too() -> None:
    text = "\r\n".join(["", HEADER, "", ";;;;", row("t1"), row("t2", "?"), "", ""])
    report = reconcile(text, [outcome("t1")])
    assert codes(report) == [("ROW_AMOUNT_UNREADABLE", 6)]
    assert report.blank_lines == 4


# --- lenient reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("feed", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_encodings_separators_and_line_ends(encoding: str, feed: str, separator: str) -> None:
    lines = [HEADER, row("t1", '"1 234,50 €"' if separator == "," else "1 234,50 €"), row("t2", "", "Expiré")]
    text = feed.join(lines).replace(";", separator)
    report = reconcile(decode_export(text.encode(encoding)), [outcome("t1", 123_450)])
    assert report.is_clean
    assert verdicts(report) == [Verdict.MATCHED, Verdict.NOTHING_KEPT]


def test_an_amount_with_a_comma_in_a_file_of_commas_is_not_read_as_another_amount() -> None:
    report = reconcile("Transaction,Reçu,Libellé\nt1,45,50,\n", [outcome("t1")])
    assert codes(report) == [("ROW_CELLS", 2)]


@pytest.mark.parametrize(
    ("written", "cents"),
    [("45,50", 4550), ("45.5", 4550), ("45", 4500), ("1 234,50", 123_450), ("1\u00a0234,50\u00a0€", 123_450),
     ("1\u202f234,50 €", 123_450), (" 45,50 ", 4550), ('"45,50"', 4550), ("0,00", 0)],
)  # fmt: skip
def test_amounts_in_euros(written: str, cents: int) -> None:
    report = reconcile(export(row("t1", written)), [])
    assert report.items[0].there_cents == cents


@pytest.mark.parametrize(
    ("written", "cents"), [("4550", 4550), ("0", 0), ("45,50", None), ("99999999999", None), ("٤٥", None)]
)
def test_amounts_in_cents_only_when_the_format_says_so(written: str, cents: int | None) -> None:
    report = reconcile(export(row("t1", written)), [], export_format=ExportFormat(in_cents=True))
    assert report.items[0].there_cents == cents


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("21/11/2026 14:05", date(2026, 11, 21)),
        ("21/11/2026 à 14h05", date(2026, 11, 21)),
        ("21/11/2026", date(2026, 11, 21)),
        ("1/2/2026 9:05:59", date(2026, 2, 1)),
        ("2026-11-21", date(2026, 11, 21)),
        ("2026-11-21 14:05", date(2026, 11, 21)),
        ("2026-11-21T23:30:00Z", date(2026, 11, 22)),  # half past midnight in Paris
        ("2026-11-21T23:30:00.123+01:00", date(2026, 11, 21)),
        ("", None),
    ],
)
def test_dates_french_and_iso(written: str, day: date | None) -> None:
    report = reconcile(export(row("t1", day=written)), [outcome("t1")])
    assert report.is_clean
    assert report.items[0].row is not None
    assert report.items[0].row.day == day


@pytest.mark.parametrize("written", ["21/13/2026", "21/11/26", "hier", "0001-01-01T00:00:00+14:00"])
def test_dates_that_are_none(written: str) -> None:
    assert codes(reconcile(export(row("t1", day=written)), [outcome("t1")])) == [("ROW_DATE_UNREADABLE", 2)]


def test_case_accents_and_apostrophes_of_a_header_do_not_matter_nor_does_the_order() -> None:
    text = "\ufeffETAT;Autre ;  MONTANT  RECU ;n° de transaction\nVALIDE;x;45,50;t1"
    assert reconcile(text, [outcome("t1")]).is_clean


def test_a_vendor_names_the_columns_and_words_in_one_place() -> None:
    theirs = ExportFormat(
        transaction_id=("id",), received=("amount",), status=("state",), paid=("PAID",), in_cents=True
    )
    assert reconcile("id,state,amount\nt1,PAID,4550\n", [outcome("t1")], export_format=theirs).is_clean


# --- files that cannot be compared --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("", "EXPORT_COLUMN_MISSING", "N° de transaction"),
        ("bonjour", "EXPORT_COLUMN_MISSING", "N° de transaction"),
        ("Transaction;Montant\nt1;4550", "EXPORT_COLUMN_MISSING", "Reçu"),
        ("Panier,Reçu\nt1,4550", "EXPORT_COLUMN_MISSING", "N° de transaction"),
        ("Transaction;Reçu;recu", "EXPORT_COLUMN_TWICE", "Reçu"),
    ],
)
def test_a_file_without_the_columns_is_refused_and_the_column_named(
    text: str, code: str, column: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        reconcile(text, [])
    assert (caught.value.code, caught.value.fields["column"]) == (code, column)
    assert column in caught.value.text()


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    assert len(reconcile(export(*map(row, "abc")), []).items) == 3
    with pytest.raises(InvalidInput, match="EXPORT_TOO_MANY_ROWS"):
        reconcile(export(*map(row, "abcd")), [])


def test_a_file_larger_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EXPORT", 100)
    assert decode_export(b"x" * 100)
    for refused in (lambda: decode_export(b"x" * 101), lambda: reconcile("x" * 101, [])):
        with pytest.raises(InvalidInput, match="EXPORT_TOO_LARGE"):
            refused()


def test_bytes_that_are_neither_encoding_are_refused() -> None:
    with pytest.raises(InvalidInput, match="EXPORT_ENCODING"):
        decode_export(b"Re\xe7u;\x81")


# --- the report -----------------------------------------------------------------------------------------------------------


ids = st.sampled_from(["t1", "t2", "t3", "t4", ""])
rows = st.builds(
    row,
    ids | st.just("un deux"),
    st.sampled_from(["45,50", "30,00", "", "?", "0"]),
    st.sampled_from(["Validé", "annule", "Expiré", "Inconnu"]),
    st.sampled_from(["21/11/2026", "?"]),
)
outcomes = st.builds(
    outcome,
    ids,
    st.sampled_from([4550, 3000]),
    request_id=st.sampled_from([f"r{i}" for i in range(8)]),
    state=st.sampled_from([State.APPROVED, State.REVERSED, State.DECIDING, State.EXPIRED]),
    simulation=st.booleans(),
)


@given(
    st.lists(rows | st.sampled_from(["t1;x", '"', "", ";;;;"]), max_size=12), st.lists(outcomes, max_size=12)
)
def test_every_line_and_every_outcome_is_in_exactly_one_item_and_the_totals_add_up(
    lines: list[str], given_: list[Outcome]
) -> None:
    report = reconcile(export(*lines), given_)
    told = [item.row.line for item in report.items if item.row]
    expected = [number for number, line in enumerate(lines, 2) if line not in {"", ";;;;"}]
    assert told == expected
    assert report.blank_lines == len(lines) - len(expected)
    assert Counter(o for item in report.items if (o := item.outcome)) == Counter(given_)

    parts = [report.total(verdict) for verdict in Verdict]
    whole = report.total()
    assert sum(part.items for part in parts) == whole.items == len(report.items)
    assert sum(part.here_cents for part in parts) == whole.here_cents
    assert sum(part.there_cents for part in parts) == whole.there_cents
    assert sum(part.difference_cents for part in parts) == whole.difference_cents

    last = {o.request_id: o for o in given_ if not o.simulation}
    assert whole.here_cents == sum(o.received_cents for o in last.values())
    assert report.total(Verdict.MATCHED).difference_cents == 0
    assert report.total(Verdict.NOTHING_KEPT) == replace(
        parts[0], items=len(report.of(Verdict.NOTHING_KEPT)), here_cents=0, there_cents=0
    )
    if report.is_clean:
        assert whole.difference_cents == 0
    if report.of(Verdict.IN_DOUBT):
        assert report.findings


@given(st.text(max_size=300))
def test_no_text_at_all_makes_it_fall(text: str) -> None:
    report = reconcile(HEADER + "\n" + text, [])
    assert report.text() and report.text("en")
    try:
        reconcile(text, [])
    except InvalidInput as error:
        assert error.code.startswith("EXPORT_")


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fall(data: bytes) -> None:
    try:
        decode_export(data)
    except InvalidInput as error:
        assert error.code == "EXPORT_ENCODING"


def test_the_report_is_plain_json() -> None:
    report = reconcile(export(row("t1"), row("t2", "?")), [outcome("t1"), outcome("t3")])
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["clean"] is False
    assert plain["totals"]["MATCHED"] == {"items": 1, "here_cents": 4550, "there_cents": 4550}
    assert plain["items"][0] == {
        "verdict": "MATCHED",
        "line": 2,
        "request_id": "r-t1",
        "transaction_id": "t1",
        "here_cents": 4550,
        "there_cents": 4550,
    }
    assert plain["findings"] == [{"code": "ROW_AMOUNT_UNREADABLE", "line": 3, "fields": {}}]


def test_the_screen_names_what_a_person_must_look_at() -> None:
    report = reconcile(
        export(row("t1"), row("t2", "30,00"), row("t4", "?")), [outcome("t1"), outcome("t2"), outcome("t3")]
    )
    text = report.text()
    for said in (
        "Concordant : 1",
        "Montant différent : 1",
        "ligne 3, transaction t2, panier REF253 : caisse 45,50\u00a0€, fournisseur 30,00\u00a0€",
        "transaction t3, panier REF253 : caisse 45,50\u00a0€, fournisseur néant",
        "ligne 4 : Le montant reçu manque ou n’est pas lisible.",
        "ligne 4, transaction t4, panier REF253 : caisse néant, fournisseur inconnu",
        "Écart, montants inconnus à part : -61,00\u00a0€",
    ):
        assert said in text
    assert "transaction t1" not in text
    assert "Amount differs: 1" in report.text("en")
    known = reconcile(export(row("t2", "30,00")), [outcome("t2")])
    assert "Écart : -15,50\u00a0€" in known.text()


def test_a_long_list_is_cut_on_the_screen_with_the_number_of_those_left_out() -> None:
    report = reconcile(export(*(row(f"t{i}") for i in range(53))), [])
    assert "… et 3 de plus" in report.text()
    assert len(report.items) == 53


def test_nothing_of_an_unreadable_line_is_repeated() -> None:
    secret = "12345678901"
    report = reconcile(export(f"{secret};{secret}", row(f"x {secret}", secret, secret)), [])
    assert len(report.findings) == 3
    assert secret not in report.text() and secret not in json.dumps(report.as_dict())


def test_every_verdict_has_its_words() -> None:
    assert {verdict.value for verdict in Verdict} <= set(REPORTS)
