"""`cvconnect journal`, as whoever closes the day or looks after the till meets it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from cvconnect_pos import Order, State, Way
from cvconnect_pos.cli.main import main
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal.sqlite import SqliteJournal

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
NUMBER = "10000003051"
STATION = """\
[provider]
environment = "test"
url = "https://provider.example/"
shop_id = "123456789012"
service_provider_id = "1234567890"
seal_key = "env:NONE"

[shop]
name = "Camping Les Pins"

[journal]
path = "data/journal.db"
head = "elsewhere/head"
keys = "secret/keys"
"""

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A closed till whose journal holds one payment."""
    (tmp_path / "cvconnect.toml").write_text(STATION, encoding="utf-8")
    journal = open_journal(tmp_path)
    journal.begin(Order("r1", 4550, "B1", Way.SCAN), "p1", NOW, simulation=True, identifier=NUMBER)
    journal.append("r1", NOW, "PAID", State.APPROVED, {"received_cents": 3000})
    journal.close()
    return tmp_path / "cvconnect.toml"


def open_journal(folder: Path) -> SqliteJournal:
    return SqliteJournal(
        folder / "data/journal.db", head=folder / "elsewhere/head", keys=folder / "secret/keys"
    )


def acknowledge(station: Path) -> None:
    journal = open_journal(station.parent)
    journal.append("r1", NOW, ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})
    journal.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["cvconnect", "journal", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return command


def test_a_whole_journal_is_said_to_be_whole(run: Run, station: Path) -> None:
    code, out, err = run("verify", station)
    assert (code, err) == (0, "")
    assert out.startswith("2 écritures, 1 opérations, 0 clôtures, 1 identifiants chiffrés.\n")
    assert out.endswith("Le journal est intact.\n")
    assert (station.parent / "elsewhere/head").exists()
    assert (station.parent / "secret/keys").exists()


def test_a_changed_entry_is_named(run: Run, station: Path) -> None:
    connection = apsw.Connection(str(station.parent / "data/journal.db"))
    connection.execute("DROP TRIGGER entries_stay; UPDATE entries SET data = '{}' WHERE seq = 2")
    connection.close()
    code, _, err = run("verify", station)
    assert code == 1
    assert "Anomalie : l’écriture 2 n’est plus celle qui a été écrite." in err
    code, _, err = run("close-day", station)
    assert code == 2
    assert "Code : JOURNAL_CHAIN_BROKEN" in err


def test_a_day_is_closed_once_what_is_open_is_settled(run: Run, station: Path) -> None:
    code, out, err = run("close-day", station, "--date", "2026-11-21")
    assert (code, out) == (1, "")
    assert "r1 (B1, APPROVED)" in err
    assert "Code : DAY_HAS_OPEN_ITEMS" in err
    acknowledge(station)
    code, out, _ = run("close-day", station, "--date", "2026-11-21")
    assert code == 0
    assert "Clôture day/2026-11-21, jusqu’à l’écriture 3 :" in out
    assert "simulation : 1 opérations, 1 paiements, 30,00\u00a0€ reçus, 0,00\u00a0€ remboursés" in out
    assert (
        run("close-day", station, "--date", "2026-11-21")[1]
        == "La journée du 21/11/2026 est déjà clôturée.\n"
    )
    assert "Clé des clôtures : " in run("verify", station)[1]
    code, _, err = run("close-day", station, "--date", "2999-01-01")
    assert (code, err) == (2, "La journée du 01/01/2999 n’est pas commencée.\n")


def test_exports_hold_every_operation_and_no_identifier(run: Run, station: Path, tmp_path: Path) -> None:
    table, lines = tmp_path / "out.csv", tmp_path / "out.jsonl"
    assert run("export", station, "--output", table)[0] == 0
    assert run("export", station, "--format", "jsonl", "--output", lines)[0] == 0
    content = table.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfN\xc2\xb0;Demande;")
    assert content.count(b"\r\n") == 2
    assert [json.loads(line)["seq"] for line in lines.read_text(encoding="utf-8").splitlines()] == [1, 2]
    assert NUMBER.encode() not in content + lines.read_bytes()
    for number, (option, day, rows) in enumerate((("--from", "2026-11-22", 1), ("--to", "2026-11-21", 2))):
        part = tmp_path / f"part{number}.csv"
        assert run("export", station, "--output", part, option, day)[0] == 0
        assert part.read_bytes().count(b"\r\n") == rows
    assert run("export", station, "--output", tmp_path)[0] == 2


def test_a_lost_head_is_made_anew_when_asked(run: Run, station: Path) -> None:
    (station.parent / "elsewhere/head").unlink()
    code, _, err = run("export", station)
    assert (code, "restore-head" in err) == (2, True)
    code, out, _ = run("restore-head", station)
    assert (code, out.startswith("Témoin refait : 2 ")) == (0, True)
    assert run("verify", station)[0] == 0


def test_the_key_is_replaced_and_an_identifier_erased(run: Run, station: Path) -> None:
    said = run("rotate-key", station)[1]
    assert said.startswith("Clé remplacée, 1 identifiants repris.")
    assert "Renouvelez la sauvegarde des clés" in said
    assert run("erase", "r1", station)[1] == "Identifiants effacés : 1\n"
    assert run("erase", "r9", station)[0] == 1
    assert run("verify", station)[0] == 0


def test_lost_keys_are_replaced_only_when_that_is_confirmed(run: Run, station: Path) -> None:
    acknowledge(station)
    assert run("new-keys", station, "--yes")[0] == 2
    (station.parent / "secret/keys").unlink()
    code, _, err = run("close-day", station, "--date", "2026-11-21")
    assert (code, "cvconnect journal new-keys" in err) == (2, True)
    code, _, err = run("new-keys", station)
    assert (code, "--yes" in err) == (2, True)
    assert not (station.parent / "secret/keys").exists()
    code, out, _ = run("new-keys", station, "--yes")
    assert (code, out.startswith("Nouvelle clé des clôtures : ")) == (0, True)
    assert run("close-day", station, "--date", "2026-11-21")[0] == 0
    code, out, _ = run("verify", station)
    assert code == 0
    assert (
        "Identifiants dont la clé est perdue : 1\nÀ savoir : les clés étaient perdues à l’écriture 4 ;" in out
    )


def test_a_copy_is_taken_up_when_the_loss_is_accepted(run: Run, station: Path) -> None:
    journal = station.parent / "data/journal.db"
    older = journal.read_bytes()
    acknowledge(station)
    journal.write_bytes(older)
    code, _, err = run("restore-head", station)
    assert (code, "restore-head --accept-loss" in err) == (2, True)
    code, out, _ = run("restore-head", station, "--accept-loss")
    assert (code, out.startswith("Écritures perdues : 3-3. ")) == (0, True)
    code, out, _ = run("verify", station)
    assert code == 0
    assert (
        "À savoir : une copie plus ancienne a été remise avant l’écriture 3 ; écritures perdues : 3-3." in out
    )
    assert "Témoin refait : 3 " in run("restore-head", station, "--accept-loss")[1]


def test_what_mends_is_refused_beside_an_open_till_and_what_reads_is_not(run: Run, station: Path) -> None:
    acknowledge(station)
    till = open_journal(station.parent)
    for command in ("restore-head", "restore-head --accept-loss", "new-keys --yes", "rotate-key"):
        name, *options = command.split()
        code, _, err = run(name, station, *options)
        assert (code, "Code : JOURNAL_IN_USE" in err) == (2, True), command
    assert run("verify", station)[0] == 0
    assert run("close-day", station, "--date", "2026-11-21")[0] == 0
    assert run("erase", "r1", station)[0] == 0
    assert run("export", station, "--output", station.parent / "out.csv")[0] == 0
    assert [entry.kind for entry in till.entries("r1")][-1] == "ERASED"
    till.close()


def test_a_journal_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    station = tmp_path / "cvconnect.toml"
    station.write_text(STATION, encoding="utf-8")
    for command in ("verify", "export", "close-day", "restore-head", "rotate-key"):
        code, _, err = run(command, station)
        assert (code, "Code : JOURNAL_MISSING" in err) == (2, True), command
    assert not (tmp_path / "data").exists()


def test_an_unknown_command_is_answered_with_those_there_are(run: Run) -> None:
    code, _, err = run("verfy")
    assert code == 2
    assert "Commandes : verify, export, close-day, restore-head, new-keys, rotate-key, erase." in " ".join(
        err.replace("│", " ").split()
    )


@pytest.mark.parametrize("target", ["data/journal.db", "secret/keys", "elsewhere/head", "cvconnect.toml"])
def test_an_export_is_never_written_over_something_that_exists(run: Run, station: Path, target: str) -> None:
    before = (station.parent / target).read_bytes()
    code, _, err = run("export", station, "--output", station.parent / target)
    assert code == 2
    assert "existe déjà" in err
    assert (station.parent / target).read_bytes() == before
    assert run("verify", station)[0] == 0


@pytest.mark.parametrize(("option", "date"), [("--to", "9999-12-31"), ("--from", "0001-01-01")])
def test_a_date_that_no_journal_has_is_refused(run: Run, station: Path, option: str, date: str) -> None:
    code, _, err = run("export", station, "--output", station.parent / "out.csv", option, date)
    assert code == 2
    assert "ne convient pas" in err
    assert not (station.parent / "out.csv").exists()
