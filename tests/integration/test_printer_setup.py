"""`cvconnect printer setup`: the page is looked at, the questions answered, and what is written prints a right ticket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cvconnect_drivers.cli import printer, printer_asking, printer_place
from cvconnect_drivers.cli.questions import keyboard
from cvconnect_drivers.printer_discovery import FoundPrinter, PrinterDiscovery
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.printers.profile_settings import read_profile
from cvconnect_drivers.scanners.settings import Identity
from cvconnect_drivers.urls import Settings, parse_url
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import MODELS, Printer, PrinterModel, Slip
from device_commands import Run, runs
from fake_usb import UsbPrinter, install
from paper_reader import Person, qr_codes
from slips import TIMEOUT_S, Paper, PaperLine

STATION = """\
# The till of the entrance
[shop]
name = "L’Œuf"  # printed as it stands

[printer]  # under the counter
url = "{url}"  # do not move
confirm = "process-id"

# --- The screens ---
[[displays]]
url = "image:ecran.png"
"""

TICKET = ("L’Œuf – Crêperie", "À payer : 12,50\u00a0€", "Ça coûte, où ? Là, forêt.")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `cvconnect printer` in an empty folder; somebody may answer its questions."""
    monkeypatch.setattr(printer_asking, "CONFIRM_S", 1.0)  # nothing takes time on simulated paper
    return runs(printer.command, tmp_path, monkeypatch)


@pytest.fixture(params=["TM80", "TM58", "TM80_180DPI", "CLONE80_PAGES", "CLONE58_CHINESE", "MUTE58"])
def model(request: pytest.FixtureRequest) -> PrinterModel:
    return MODELS[request.param]


def table(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((folder / "cvconnect.toml").read_text(encoding="utf-8"))[
        "printer"
    ]
    return content


def print_as_a_till(folder: Path, simulated: Printer) -> tuple[Slip, list[str]]:
    """Print a ticket with what the station file says; gives the paper, and the lines of this ticket."""
    before = len(simulated.uncut.lines)
    settings = table(folder)
    till = open_printer(settings.pop("url"), settings)
    till.claim(timeout_s=TIMEOUT_S)
    lines = (
        *map(PaperLine, TICKET),
        PaperLine("x" * till.columns),
        PaperLine(qr="https://cvc.example/p/1234"),
    )
    result = till.print(Paper(*lines), job_id="T1-1", timeout_s=TIMEOUT_S)
    till.release()
    assert result.outcome != "not_sent", result
    slip = simulated.slips[-1] if simulated.model.cutter else simulated.uncut
    return slip, [line.text for line in slip.lines[0 if simulated.model.cutter else before :]]


# --- Whole sessions --------------------------------------------------------------------------------------------------------


def test_what_a_person_sees_makes_a_profile_that_prints_a_right_ticket(
    run: Run, tmp_path: Path, model: PrinterModel
) -> None:
    simulated = Printer(model)
    with TcpLink(simulated.receive) as link:
        (tmp_path / "cvconnect.toml").write_text(STATION.format(url=link.url), encoding="utf-8")
        person = Person(simulated)
        ran = run("setup", person=person)
        assert ran.code == 0, ran.output
        slip, lines = print_as_a_till(tmp_path, simulated)
    settings, columns = table(tmp_path), model.width_dots // 12
    url = parse_url(settings.pop("url"), {"tcp"})
    confirms = settings.pop("confirm") == "process-id"
    profile = read_profile(Settings(url, settings))
    assert (profile.columns, profile.native_qr, profile.cut, profile.kanji, confirms) == (
        columns,
        model.native_qr,
        model.cutter,
        model.pairs is not None,
        not model.lacks,
    )
    assert "x" * columns in lines
    assert qr_codes(slip)[-1] == "https://cvc.example/p/1234"
    # What is on no page of this printer was drawn: it is no text, and never a wrong one.
    with_accents = {line for line in lines if not line.isascii()}
    assert with_accents <= {*TICKET, *SPELT}


SPELT = {"L'Œuf - Crêperie", "L'OEuf - Crêperie", "À payer : 12,50\u00a0EUR"}
"""What reads the same, where a printer has no such characters."""


def test_the_file_keeps_its_comments_and_the_old_one_stands_beside_it(run: Run, tmp_path: Path) -> None:
    simulated = Printer(MODELS["TM58"])
    file = tmp_path / "cvconnect.toml"
    with TcpLink(simulated.receive) as link:
        before = STATION.format(url=link.url)
        file.write_text(before, encoding="utf-8")
        ran = run("setup", person=Person(simulated))
        assert ran.code == 0, ran.output
        text = file.read_text(encoding="utf-8")
        assert '[printer]  # under the counter\nurl = "' in text
        assert 'confirm = "process-id"\nprofile = "58mm"\n\n# --- The screens ---\n' in text
        assert file.with_name("cvconnect.toml.bak").read_text(encoding="utf-8") == before
        again = run("setup", person=Person(simulated, "58mm"))
    assert "a déjà ces réglages" in again.output
    assert not file.with_name("cvconnect.toml.bak2").exists()


def test_a_printer_on_a_serial_port_is_asked_for_its_speed(run: Run, tmp_path: Path) -> None:
    simulated = Printer()
    (tmp_path / "cvconnect.toml").write_text("# mine\n", encoding="utf-8")
    with PtyLink(simulated.receive) as link:
        ran = run("setup", "--url", link.url, person=Person(simulated))
        assert ran.code == 0, ran.output
        assert "répond à 9600 bauds" in ran.output
    assert table(tmp_path) == {"url": link.url, "profile": "80mm", "baud": 9600}


def test_the_printer_on_usb_is_found_by_itself(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Printer(MODELS["TM80_180DPI"])
    (tmp_path / "cvconnect.toml").write_text("", encoding="utf-8")
    with install(monkeypatch) as bus:
        bus.plug(UsbPrinter(simulated.receive))
        ran = run("setup", person=Person(simulated))
    assert ran.code == 0, ran.output
    assert "usb:?vendor=04b8&product=0202" in ran.output
    assert table(tmp_path) == {"url": "usb:?vendor=04b8&product=0202", "profile": "80mm", "columns": 42}


def test_what_is_known_is_not_asked(run: Run, tmp_path: Path) -> None:
    simulated = Printer(MODELS["CLONE80_PAGES"])
    (tmp_path / "cvconnect.toml").write_text("", encoding="utf-8")
    with TcpLink(simulated.receive) as link:
        ran = run(
            "setup",
            "--yes",
            "--url",
            link.url,
            "--columns",
            "48",
            "--pages",
            "cp858:20",
            "--qr",
            "image",
            "--cut",
        )
        assert ran.code == 0, ran.output
        _, lines = print_as_a_till(tmp_path, simulated)
    assert "1. LARGEUR" not in ran.output
    assert table(tmp_path) == {
        "url": link.url,
        "profile": "80mm",
        "pages": "cp858:20",
        "qr": "image",
        "confirm": "none",
    }
    assert TICKET[1] in lines


def test_with_yes_a_page_and_a_ticket_come_out_and_nobody_is_asked(run: Run, tmp_path: Path) -> None:
    simulated = Printer()
    (tmp_path / "cvconnect.toml").write_text("", encoding="utf-8")
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--yes", "--url", link.url)
    assert ran.code == 0, ran.output
    assert len(simulated.slips) == 2
    assert table(tmp_path) == {"url": link.url, "profile": "80mm"}


def test_the_model_chooses_where_to_begin(run: Run, tmp_path: Path) -> None:
    simulated = Printer(replace(MODELS["TM80_180DPI"], name="TM-T88V"))
    (tmp_path / "cvconnect.toml").write_text("", encoding="utf-8")
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--yes", "--url", link.url)
    assert "L’imprimante dit être : TM-T88V, profil epson-tm-t88v" in ran.output
    assert table(tmp_path) == {"url": link.url, "profile": "epson-tm-t88v"}


def test_another_printers_settings_do_not_stay(run: Run, tmp_path: Path) -> None:
    simulated = Printer()
    text = '[printer]\nurl = "serial:COM9"\nflow = "rtscts"\nbaud = 19200\ncolumns = 32\n'
    (tmp_path / "cvconnect.toml").write_text(text, encoding="utf-8")
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--yes", "--url", link.url)
    assert ran.code == 0, ran.output
    assert table(tmp_path) == {"url": link.url, "profile": "80mm"}


# --- Nothing is written ------------------------------------------------------------------------------------------------------


def test_a_ticket_that_is_wrong_leaves_the_file(run: Run, tmp_path: Path) -> None:
    simulated = Printer()
    with TcpLink(simulated.receive) as link:
        before = STATION.format(url=link.url)
        (tmp_path / "cvconnect.toml").write_text(before, encoding="utf-8")
        ran = run("setup", person=Person(simulated, good=False))
    assert ran.code == 1
    assert "Code : PRINTER_MISPRINTS" in ran.output
    assert (tmp_path / "cvconnect.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
def test_settings_are_shown_where_there_is_no_file_to_complete(
    run: Run, tmp_path: Path, arguments: list[str]
) -> None:
    simulated = Printer(MODELS["TM58"])
    file = tmp_path / "cvconnect.toml"
    if arguments:
        file.write_text("# mine\n", encoding="utf-8")
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--url", link.url, *arguments, person=Person(simulated))
        assert ran.code == 0, ran.output
        assert f'[printer]\nurl = "{link.url}"\nprofile = "58mm"\n' in ran.output
    assert not file.exists() or file.read_text(encoding="utf-8") == "# mine\n"


class Silence:
    """A keyboard at which nobody sits."""

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        return ""


class Stubborn(Silence):
    """Somebody who answers something else."""

    def readline(self) -> str:
        return "peut-être\n"


@pytest.mark.parametrize(("person", "said"), [(Silence(), "--yes"), (Stubborn(), "32, 36, 42, 44, 48")])
def test_without_an_answer_it_ends_in_words(run: Run, tmp_path: Path, person: object, said: str) -> None:
    simulated = Printer()
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--url", link.url, person=person)
    assert ran.code == 2
    assert "Code : ANSWER" in ran.output
    assert said in ran.output


def test_a_printer_with_an_open_cover_gets_no_page(run: Run, tmp_path: Path) -> None:
    simulated = Printer()
    simulated.set_sensors(cover_open=True)
    with TcpLink(simulated.receive) as link:
        ran = run("setup", "--yes", "--url", link.url)
    assert ran.code == 1
    assert "Fermez le capot" in ran.output
    assert "Code : COVER_OPEN" in ran.output


def test_a_page_that_was_torn_is_no_reason_to_write_anything(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Printer()
    (tmp_path / "cvconnect.toml").write_text("# mine\n", encoding="utf-8")
    with install(monkeypatch) as bus:
        bus.plug(UsbPrinter(simulated.receive))
        bus.stuck_after = 500
        ran = run("setup", "--yes", "--url", "usb:", "--timeout", "1")
    assert ran.code == 1
    assert "La page n’a pas été prise en entier" in ran.output
    assert "Code : PAGE_NOT_PRINTED" in ran.output
    assert (tmp_path / "cvconnect.toml").read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        (None, ["setup", "--yes", "--url", "tcp://127.0.0.1:1"], "LINK_ABSENT"),
        (None, ["setup", "--yes", "--url", "nothing"], "INVALID_URL"),
        (None, ["setup", "--yes", "--url", "telepathy:x"], "UNKNOWN_DRIVER"),
        (None, ["setup", "--yes", "--url", "tcp://127.0.0.1"], "INVALID_URL"),
        (None, ["setup", "--yes"], "PRINTER_URL"),
        (None, ["setup", "--yes", "--url", "memory:x", "--profile", "90mm"], "INVALID_URL"),
        (None, ["setup", "--yes", "--url", "memory:x", "--pages", "cp858"], "INVALID_URL"),
        ("printer = 3\n", ["setup", "--yes"], "PRINTER_URL"),
        ("[printer\n", ["setup", "--yes"], "STATION_FILE"),
        ('[printer]\nurl="tcp://127.0.0.1:9"\nspeed=1\n', ["setup", "--yes"], "UNKNOWN_OPTION"),
        ('[printer]\nurl="tcp://127.0.0.1:9"\nqr="photo"\n', ["setup", "--yes"], "INVALID_URL"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    run: Run, monkeypatch: pytest.MonkeyPatch, content: str | None, arguments: list[str], code: str
) -> None:
    monkeypatch.setattr(printer_place, "discover_printers", lambda: PrinterDiscovery(()))
    if content is not None:
        Path("cvconnect.toml").write_text(content, encoding="utf-8")
    ran = run(*arguments)
    assert ran.code in {1, 2}
    assert f"Code : {code}" in ran.output, ran.output


def a_found(number: int) -> FoundPrinter:
    url = f"usb:?vendor=04b8&product=000{number}"
    return FoundPrinter("usb", f"TM {number}", Identity("04b8", f"000{number}"), "1-1", url, "sure", True)


def test_of_several_printers_none_is_guessed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        printer_place, "discover_printers", lambda: PrinterDiscovery((a_found(1), a_found(2)))
    )
    ran = run("setup", "--yes")
    assert ran.code == 2
    assert "usb:?vendor=04b8&product=0001, usb:?vendor=04b8&product=0002" in ran.output


def test_of_several_printers_the_person_chooses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Second(Silence):
        def readline(self) -> str:
            return "2\n"

    monkeypatch.setattr(
        printer_place, "discover_printers", lambda: PrinterDiscovery((a_found(1), a_found(2)))
    )
    with install(monkeypatch):
        ran = run("setup", person=Second())
    assert "usb:?vendor=04b8&product=0002" in ran.output.rpartition("Code")[0].splitlines()[-1]
    assert "Code : LINK_ABSENT" in ran.output


# --- At a terminal -----------------------------------------------------------------------------------------------------------


CVCONNECT = "import sys; from cvconnect_pos.cli.main import main; sys.exit(main())"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", CVCONNECT, "printer", *arguments],
                cwd=tmp_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUTF8": "1"},
                encoding="utf-8",
            )
        )
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.communicate()


def test_an_interruption_leaves_the_file_and_shows_no_traceback(
    tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    simulated = Printer()
    with TcpLink(simulated.receive) as link:
        before = STATION.format(url=link.url)
        (tmp_path / "cvconnect.toml").write_text(before, encoding="utf-8")
        command = started("setup")
        assert command.stdout is not None
        said = ""
        while "LARGEUR" not in said:
            line = command.stdout.readline()
            assert line, said
            said += line
        command.send_signal(signal.SIGINT)
        rest, _ = command.communicate(timeout=20)
    assert command.returncode == 130
    assert "Interrompu" in rest
    assert "Traceback" not in said + rest
    assert (tmp_path / "cvconnect.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    "text",
    [
        'printer.url = "{url}"\nprinter.columns = 42\n[shop]\nname = "x"\n',
        '[printer.mine]\nkey = 1\n[printer]\nurl = "{url}"\n',
        '[[printer]]\nurl = "{url}"\n',
        'printer = "{url}"\n',
    ],
)
def test_a_table_that_cannot_be_completed_is_told_before_paper_is_used(
    run: Run, tmp_path: Path, text: str
) -> None:
    simulated = Printer()
    file = tmp_path / "cvconnect.toml"
    with TcpLink(simulated.receive) as link:
        file.write_text(text.format(url=link.url), encoding="utf-8")
        ran = run("setup", "--yes", "--url", link.url)
        assert ran.code == 2, ran.output
        assert "STATION_FILE" in ran.output
        assert file.read_text(encoding="utf-8") == text.format(url=link.url)
    assert not simulated.slips


def test_a_program_without_a_keyboard_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_drivers.cli.questions.sys.stdin", None)
    assert not keyboard().readline()
