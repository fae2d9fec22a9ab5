"""`cvconnect operations` and `cvconnect settlement`, as whoever looks after a shop meets them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import Order, State, Way
from cvconnect_pos.cli.main import main
from cvconnect_pos.core.attempt import ACKNOWLEDGED, authorizations_data
from cvconnect_pos.core.provider import Authorization
from cvconnect_pos.journal.sqlite import SqliteJournal

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 5, 6, 10, 0, tzinfo=UTC)  # noon in Paris
NUMBER = "10000003051"
STATION = """\
[provider]
environment = "production"
url = "https://provider.example/"
shop_id = "123456789012"
service_provider_id = "1234567890"
seal_key = "env:NONE"

[shop]
name = "Camping Les Pins"

[journal]
path = "journal.sqlite3"
"""
EXPORT = "N° de transaction;N° de panier;Modifiée le;Reçu;Statut\r\n"
MATCHING = (
    EXPORT
    + "abc123;PANIER-1;06/05/2026 12:00;30,00;Validé\r\nabc124;PANIER-2;06/05/2026 12:06;45,50;Validé\r\n"
)

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `cvconnect ARGUMENTS` in the folder of a shop."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str | Path) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["cvconnect", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out.replace("\u00a0", " "), err.replace("\u00a0", " ")

    return command


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """The journal of a shop: one payment in part, one to be decided, one deferred; open, as a till has it."""
    (tmp_path / "cvconnect.toml").write_text(STATION, encoding="utf-8")
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    for number, way in enumerate((Way.QR, Way.SCAN, Way.DEFERRED), 1):
        order = Order(f"T1-{number}", 4550, f"PANIER-{number}", way, seller_id=f"V{number}")
        journal.begin(order, f"p{number}", after(number), simulation=False, identifier=NUMBER)
    part = authorizations_data([Authorization("A7", 3000, "10*****3051", NOON)])
    paid: dict[str, Any] = {"transaction_id": "abc123", "beneficiary": "10*****3051"}
    paid |= {"received_cents": 3000, "authorizations": part}
    journal.append("T1-1", after(5), "PAID", State.APPROVED, paid)
    journal.append("T1-1", after(6), ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})
    crossed = {"transaction_id": "abc124", "received_cents": 4550, "reason": "CANCEL_CROSSED"}
    journal.append("T1-2", after(7), "PAID", State.DECIDING, crossed)
    journal.append("T1-3", after(8), "CREATED_NAMED", State.AWAITING, {"beneficiary": "10*****3051"})
    yield journal
    journal.close()


def after(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def listed(out: str) -> list[str]:
    """Name the operations of a list, in its order."""
    return re.findall(r"^  (T1-\d),", out, re.MULTILINE)


@pytest.mark.usefixtures("journal")
def test_operations_are_listed_beside_an_open_till(run: Run) -> None:
    code, out, err = run("operations", "list")
    assert (code, err) == (0, "")
    assert listed(out) == ["T1-3", "T1-2", "T1-1"]
    assert "\x1b" not in out
    assert NUMBER not in out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--mine", "V2"), ["T1-2"]),
        (("--basket", "PANIER-1"), ["T1-1"]),
        (("--state", "validé"), ["T1-1"]),
        (("--state", "A-DECIDER"), ["T1-2"]),
        (("--state", "En attente de paiement"), ["T1-3"]),
        (("--state", "AWAITING"), ["T1-3"]),
        (("--amount", "30,00"), ["T1-1"]),
        (("--amount", "45.50"), ["T1-3", "T1-2", "T1-1"]),
        (("--open",), ["T1-3", "T1-2"]),
        (("--from", "2026-05-06", "--to", "2026-05-06"), ["T1-3", "T1-2", "T1-1"]),
        (("--to", "2026-05-05"), []),
        (("--limit", "1", "--mine", "V1"), ["T1-1"]),
    ],
)
@pytest.mark.usefixtures("journal")
def test_a_list_holds_what_was_asked_for(run: Run, options: tuple[str, ...], found: list[str]) -> None:
    code, out, _ = run("operations", "list", *options)
    assert (code, listed(out)) == (0, found)
    code, out, _ = run("operations", "list", *options, "--json")
    assert [each["request_id"] for each in json.loads(out)["operations"]] == found


@pytest.mark.usefixtures("journal")
def test_a_long_list_says_how_to_go_on(run: Run) -> None:
    out = run("operations", "list", "--limit", "2")[1]
    assert listed(out) == ["T1-3", "T1-2"]
    [before] = re.findall(r"ajoutez --before (\d+)\.", out)
    out = run("operations", "list", "--limit", "2", "--before", before)[1]
    assert listed(out) == ["T1-1"]
    assert "--before" not in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--state", "payé"), "Statut inconnu. Statuts : En attente de paiement, Validé,"),
        (("--amount", "beaucoup"), "Code : AMOUNT_UNREADABLE"),
        (("--from", "2999-01-01"), "La date 01/01/2999 ne convient pas."),
    ],
)
@pytest.mark.usefixtures("journal")
def test_an_option_that_will_not_do_is_refused(run: Run, options: tuple[str, ...], said: str) -> None:
    code, out, err = run("operations", "list", *options)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.usefixtures("journal")
def test_an_operation_is_told_with_its_customer_masked(run: Run) -> None:
    code, out, _ = run("operations", "show", "T1-1")
    assert code == 0
    assert "Client : 10*****3051" in out
    assert NUMBER not in out
    code, out, err = run("operations", "show", "T1-9")
    assert (code, out) == (1, "")
    assert "Code : REQUEST_UNKNOWN" in err


def test_open_items_say_what_keeps_the_day_from_closing(run: Run, journal: SqliteJournal) -> None:
    code, out, _ = run("operations", "open")
    assert (code, listed(out)) == (1, ["T1-2", "T1-3"])
    assert "Empêchent la clôture : 1 sur 2." in out
    journal.append("T1-2", after(9), "KEEP", State.APPROVED, {"reason": ""})
    journal.append("T1-2", after(9), ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})
    code, out, _ = run("operations", "open", "--json")
    assert (code, json.loads(out)["blocking"]) == (0, 0)
    assert [each["request_id"] for each in json.loads(out)["operations"]] == ["T1-3"]
    assert run("journal", "close-day", "--date", "2026-05-06")[0] == 0
    journal.append("T1-3", after(9), "LAPSED", State.EXPIRED, {})
    journal.append("T1-3", after(9), ACKNOWLEDGED, State.EXPIRED, {"acknowledged": True})
    assert run("operations", "open") == (0, "Rien à voir : la journée peut être clôturée.\n", "")


def test_a_terminal_shows_the_same_words_in_colour(
    run: Run, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.begin(Order("T1-4", 4550, ":bear: [red]4[/]", Way.QR), "p4", NOON, simulation=True)
    plain = run("operations", "open")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = run("operations", "open")[1]
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.usefixtures("journal")
def test_transfers_are_forecast_from_the_journal(run: Run) -> None:
    code, out, _ = run("settlement", "forecast", "--from", "2026-05-01", "--to", "2026-05-31", "--json")
    expected = json.loads(out)
    assert (code, expected["from"], expected["to"]) == (0, "2026-05-01", "2026-05-31")
    [day] = expected["production"]
    assert (day["kept_cents"], day["undecided_cents"], day["transfer_on"]) == (3000, 4550, "2026-05-15")
    code, out, _ = run("settlement", "forecast", "--to", "2026-05-05")
    assert (code, "Aucun virement attendu." in out) == (0, True)
    assert out.startswith("Du 21/04/2026 au 05/05/2026\n")


def test_the_calendar_of_a_shop_can_be_chosen(run: Run, journal: SqliteJournal) -> None:
    at = datetime(2025, 12, 22, 11, tzinfo=UTC)
    journal.begin(Order("T1-9", 2000, "PANIER-9", Way.QR), "p9", at, simulation=False)
    journal.append("T1-9", at, "PAID", State.APPROVED, {"received_cents": 2000})

    def transfer(*options: str) -> str:
        out = run("settlement", "forecast", "--from", "2025-12-22", "--to", "2025-12-22", "--json", *options)[
            1
        ]
        return str(json.loads(out)["production"][0]["transfer_on"])

    assert transfer() == "2025-12-30"
    assert transfer("--alsace-moselle") == transfer("--bank") == "2025-12-31"


def test_an_export_is_reconciled_with_the_journals_of_all_tills(
    run: Run, journal: SqliteJournal, tmp_path: Path
) -> None:
    export = tmp_path / "export.csv"
    export.write_bytes(MATCHING.encode("cp1252"))
    code, out, _ = run("settlement", "reconcile", export)
    assert code == 0
    assert out.startswith("Journée du 06/05/2026\nRapprochement avec l’export du fournisseur\nConcordant : 2")
    other = tmp_path / "other"
    other.mkdir()
    (other / "cvconnect.toml").write_text(STATION, encoding="utf-8")
    second = SqliteJournal(other / "journal.sqlite3")
    second.begin(Order("T2-1", 2000, "PANIER-1", Way.QR), "q1", NOON, simulation=False)
    second.append("T2-1", NOON, "PAID", State.APPROVED, {"received_cents": 2000, "transaction_id": "abc200"})
    second.close()
    files = ["cvconnect.toml", other / "cvconnect.toml", "./cvconnect.toml"]
    code, out, _ = run("settlement", "reconcile", export, *files, "--json")
    report = json.loads(out)
    assert (code, report["clean"], report["totals"]["MATCHED"]["items"]) == (1, False, 2)
    assert report["totals"]["MISSING_THERE"] == {"items": 1, "here_cents": 2000, "there_cents": 0}


def test_a_line_of_the_export_finds_its_payment_of_the_day_before(
    run: Run, journal: SqliteJournal, tmp_path: Path
) -> None:
    late = datetime(2026, 5, 5, 21, 59, tzinfo=UTC)  # 23:59 in Paris
    journal.begin(Order("T1-9", 2000, "PANIER-9", Way.QR), "p9", late, simulation=False)
    paid = {"received_cents": 2000, "transaction_id": "abc900"}
    journal.append("T1-9", late, "PAID", State.APPROVED, paid)
    export = tmp_path / "export.csv"
    export.write_text(MATCHING + "abc900;PANIER-9;06/05/2026 00:01;20,00;Validé\r\n", encoding="utf-8")
    code, out, _ = run("settlement", "reconcile", export, "--day", "2026-05-06")
    assert (code, "Concordant : 3" in out) == (0, True)
    export.write_text(MATCHING, encoding="utf-8")
    assert run("settlement", "reconcile", export)[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "ne peut pas être lu"),
        ("a;b\r\n", "Code : EXPORT_COLUMN_MISSING"),
        ("N° de transaction;Reçu\r\nabc123;30,00\r\n", "indiquez sa journée avec --day"),
    ],
)
@pytest.mark.usefixtures("journal")
def test_an_export_that_cannot_be_compared_is_refused(
    run: Run, tmp_path: Path, content: str | None, said: str
) -> None:
    export = tmp_path / "export.csv"
    if content is not None:
        export.write_text(content, encoding="utf-8")
    code, out, err = run("settlement", "reconcile", export)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.usefixtures("journal")
def test_tills_of_two_environments_are_not_reconciled_together(run: Run, tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_text(STATION.replace('"production"', '"test"'), encoding="utf-8")
    (tmp_path / "export.csv").write_text(MATCHING, encoding="utf-8")
    code, _, err = run("settlement", "reconcile", "export.csv", "cvconnect.toml", "test.toml")
    assert (code, "rapprochez-les séparément" in err) == (2, True)


COMMANDS = (
    ("operations", "list"),
    ("operations", "show", "T1-1"),
    ("operations", "open"),
    ("settlement", "forecast"),
    ("settlement", "reconcile", "export.csv"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_journal_that_is_not_there_is_not_made(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "cvconnect.toml").write_text(STATION, encoding="utf-8")
    (tmp_path / "export.csv").write_text(MATCHING, encoding="utf-8")
    code, out, err = run(*command)
    assert (code, out, "Code : JOURNAL_MISSING" in err) == (2, "", True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cvconnect.toml", "export.csv"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_is_french_and_tells_its_exit_codes(run: Run, command: tuple[str, ...]) -> None:
    code, out, _ = run(*command[:2], "--help")
    assert code == 0
    assert "Code de retour : 0" in out
    assert "Affiche cette aide." in out


CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.docs
@pytest.mark.parametrize("page", ["operations.md", "settlement.md"])
@pytest.mark.usefixtures("journal")
def test_the_pages_show_what_the_commands_say(run: Run, tmp_path: Path, page: str) -> None:
    (tmp_path / "export.csv").write_text(MATCHING, encoding="utf-8")
    shown = CONSOLE.findall((ROOT / "docs/how-to" / page).read_text(encoding="utf-8"))
    assert shown
    for block in shown:
        line, _, promised = block.partition("\n")
        said = run(*shlex.split(line.removeprefix("$ cvconnect ")))[1]
        assert said == promised, line
