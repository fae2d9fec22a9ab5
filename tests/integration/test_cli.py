"""The `cvconnect` command, as those who install tills meet it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_pos.cli.main import OUTPUT_LOST, main
from cvconnect_sim.counter import Counter


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command line gave."""

    code: int | str | None
    out: str
    err: str

    @property
    def words(self) -> str:
        """Both outputs on one line."""
        return " ".join(f"{self.out} {self.err}".split())


class Terminal:
    """Runs command lines in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: str | Path) -> Ran:
        """Run `cvconnect ARGUMENTS`."""
        self._monkeypatch.setattr(sys, "argv", ["cvconnect", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = self._capsys.readouterr()
        return Ran(end.value.code, out, err)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with Counter(tmp_path) as started:
        yield started


def change(counter: Counter, old: str, new: str) -> None:
    """Make a mistake in the station file."""
    text = counter.station_file.read_text(encoding="utf-8")
    assert old in text
    counter.station_file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_version_is_the_packages(terminal: Terminal) -> None:
    assert terminal.run("--version").out == f"cvconnect {version('cvconnect-pos')}\n"


def test_the_help_is_french_and_names_the_commands_of_every_package(terminal: Terminal) -> None:
    ran = terminal.run("--help")
    assert ran.code == 0
    for words in ("Affiche cette aide.", "Commandes", "check Vérifie", "demo Joue cinq paiements"):
        assert words in ran.words


@pytest.mark.parametrize("command", ["check", "demo"])
def test_each_command_has_a_french_help(terminal: Terminal, command: str) -> None:
    ran = terminal.run(command, "--help")
    assert ran.code == 0
    assert "Affiche cette aide." in ran.words
    assert "Show this message" not in ran.words


def test_an_unknown_command_is_answered_with_those_there_are(terminal: Terminal) -> None:
    ran = terminal.run("chek")
    assert ran.code == 2
    said = " ".join(ran.words.replace("│", " ").split())
    assert (
        "Commande inconnue : « chek ». Commandes : check, journal, operations, settlement, demo, devices, display, doctor, printer, scanner."
        in said
    )


def test_a_right_file_is_said_to_be_right_with_the_health_of_every_device(
    terminal: Terminal, counter: Counter
) -> None:
    ran = terminal.run("check", counter.station_file)
    assert (ran.code, ran.err) == (0, "")
    assert "est correct." in ran.out
    assert "(test, sans valeur)" in ran.out
    for url in (counter.scanner.link.url, f"image:{counter.display_png}", counter.printer_link.url):
        assert f"\n{url}\n  prêt : " in ran.out


def test_a_customer_display_in_this_terminal_erases_nothing_of_what_is_told(
    terminal: Terminal, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(counter, "[printer]", '[[displays]]\nurl = "terminal:"\n\n[printer]')
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    erased, left = terminal.run("check", counter.station_file).out.split("\x1b[H\x1b[J")
    assert erased == ""
    assert "est correct." in left
    assert "\nterminal:\n  prêt : " in left


def test_a_device_that_cannot_even_be_given_back_ends_no_check(
    terminal: Terminal, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_printer: EscPosPrinter) -> None:
        raise RuntimeError

    monkeypatch.setattr(EscPosPrinter, "release", stumble)
    ran = terminal.run("check", counter.station_file)
    assert (ran.code, ran.err) == (0, "")
    assert f"\n{counter.printer_link.url}\n  prêt : " in ran.out


def test_a_file_is_not_told_to_be_plugged_in(terminal: Terminal, counter: Counter) -> None:
    change(counter, "ecran-client.png", "seal.key/ecran.png")
    ran = terminal.run("check", counter.station_file)
    assert ran.code == 1
    assert "une partie du chemin n’est pas un dossier" in ran.out
    assert "allumé" not in ran.out


def test_a_check_touches_neither_the_journal_nor_the_provider(terminal: Terminal, counter: Counter) -> None:
    terminal.run("check", counter.station_file)
    assert not (counter.folder / "journal.db").exists()
    assert counter.server.requests == []


def test_a_device_that_is_away_is_named(terminal: Terminal, counter: Counter) -> None:
    counter.printer_link.close()
    ran = terminal.run("check", counter.station_file)
    assert ran.code == 1
    assert f"\n{counter.printer_link.url}\n  absent : " in ran.out


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("poll_speed", "pol_speed", "CONFIG_UNKNOWN_KEY"),
        ("[shop]", "[shop", "CONFIG_SYNTAX"),
        ('name = "Camping Les Pins"\n', "", "CONFIG_KEY_MISSING"),
        ('way = "qr"', 'way = "nfc"', "CONFIG_INVALID"),
        ("file:seal.key", "file:other.key", "CONFIG_SECRET"),
        ("http://127.0.0.1", "http://example.invalid", "PROVIDER_URL"),
        ("tcp://", "tpc://", "CONFIG_DEVICE"),
        ("ecran-client.png", "ecran-client.png?size=huge", "CONFIG_DEVICE_REFUSED"),
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_remedy_and_never_as_a_traceback(
    terminal: Terminal, counter: Counter, old: str, new: str, code: str
) -> None:
    change(counter, old, new)
    ran = terminal.run("check", counter.station_file)
    assert (ran.code, ran.out) == (2, "")
    text, remedy, last = ran.err.strip().split("\n")
    assert last == f"Code : {code}"
    assert text.endswith((".", ")"))
    assert remedy.endswith((".", ")"))
    assert "Traceback" not in ran.err
    assert counter.provider.merchant.seal_key not in ran.err


def test_a_file_that_is_not_there_is_said_to_be_missing(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal.run("check", tmp_path / "none.toml")
    assert ran.code == 2
    assert "est introuvable." in ran.words


def test_a_broken_package_is_named_and_the_other_commands_still_work(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "acme_till-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-till\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[cvconnect.commands]\nacme = acme_till.none:command\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    ran = terminal.run("acme", "--whatever")
    assert ran.code == 2
    assert "La commande « acme » du paquet « acme-till » ne peut pas être chargée." in ran.err
    assert "Traceback" not in ran.err
    assert "acme Indisponible" in terminal.run("--help").words
    assert terminal.run("--version").code == 0


def test_the_simulators_are_not_loaded_for_a_command_that_does_not_need_them() -> None:
    code = (
        "import sys, cvconnect_pos.cli.main as cli\n"
        "sys.argv = ['cvconnect', 'check', 'none.toml']\n"
        "try: cli.main()\n"
        "except SystemExit: print(*[m for m in sys.modules if m.startswith('cvconnect_sim')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--nope"], "Option inconnue : --nope."),
        (["demo", "--ou"], "Option inconnue : --ou. Peut-être : --out."),
        (["check", "a.toml", "b.toml"], "Argument en trop : b.toml."),
        (["operations", "show"], "Il manque 'DEMANDE'."),
        (["settlement", "forecast", "--from"], "L’option --from attend une valeur."),
        (["check", "--retry-credential=3"], "L’option --retry-credential n’attend pas de valeur."),
        (
            ["settlement", "forecast", "--from", "demain"],
            "'--from' : cette valeur ne convient pas. Une date s’écrit AAAA-MM-JJ.",
        ),
        (
            ["operations", "list", "--limit", "x"],
            "'--limit' : cette valeur ne convient pas. Il faut un nombre entier.",
        ),
    ],
)
def test_a_mistake_in_a_command_line_is_told_in_french(
    terminal: Terminal, arguments: list[str], said: str
) -> None:
    ran = terminal.run(*arguments)
    assert ran.code == 2
    assert said in " ".join(ran.words.replace("│", " ").split())
    for english in ("such option", "nexpected", "Missing", "requires", "nvalid", "take a value"):
        assert english not in ran.err


@pytest.mark.parametrize("where", ["cvconnect_pos.cli.commands", "cvconnect_pos.cli.commands.run"])
def test_ctrl_c_while_the_commands_are_loaded_ends_quietly(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("cvconnect_pos.cli.commands")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    setattr(module, "run" if where.endswith("run") else "__getattr__", interrupt)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr() == ("", "")


# --- an output that cannot be written ---------------------------------------------------------------------------------

CVCONNECT = "import sys; from cvconnect_pos.cli.main import main; sys.exit(main())"
COMMANDS = [
    ["--version"],
    ["--help"],
    ["devices"],
    ["printer", "test", "--url", "memory:lost"],
    ["printer", "test", "--help"],
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_the_output_is_one_sentence(
    arguments: list[str], unbuffered: str, tmp_path: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", CVCONNECT, *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    assert done.stderr.decode() == "La sortie ne peut pas être écrite : le disque est plein.\n"
    assert done.returncode == OUTPUT_LOST


@pytest.mark.parametrize("arguments", COMMANDS[1:4], ids=" ".join)
def test_a_reader_that_has_gone_is_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [sys.executable, "-c", CVCONNECT, *arguments],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=writes,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1"},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writes)
    assert (
        done.stderr.decode()
        == "La sortie ne peut pas être écrite : le programme qui la lisait n’est plus là.\n"
    )
    assert done.returncode == OUTPUT_LOST


def test_an_output_that_can_be_written_is_whole(tmp_path: Path) -> None:
    with (tmp_path / "said").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", CVCONNECT, "printer", "test", "--help"],
            stdout=file,
            env={**os.environ, "PYTHONUTF8": "1"},
            timeout=60,
            check=False,
        )
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert "Imprime un ticket d’essai" in said
    assert said.endswith("\n")


PRINTS = """
import os, sys
from cvconnect_pos.cli import commands, main

def run():
    print("Dit sans le pousser dehors.")
    {ends}

commands.run = run
main.main()
"""
"""A package's own command, which writes as Python's beginners do."""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_a_command_of_another_package_holds_back_is_one_sentence_too(unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PRINTS.format(ends="raise SystemExit(0)")],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    assert done.stderr.decode() == "La sortie ne peut pas être écrite : le disque est plein.\n"
    assert done.returncode == OUTPUT_LOST


def test_an_unbuffered_output_holds_nothing_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTS.format(ends="os._exit(0)")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        timeout=60,
        check=False,
    )
    assert done.stdout.decode().split() == ["Dit", "sans", "le", "pousser", "dehors."]
