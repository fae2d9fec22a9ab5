"""`cvconnect display test` and `clear`: what the customer sees is said, and nothing is left on any display."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import pytest
import serial
import zxingcpp
from PIL import Image

from cvconnect_drivers.cli import display, display_prompt
from cvconnect_drivers.displays.image import open_display
from cvconnect_sim.display import Cd5220Display, EpsonDisplay
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import Printer
from device_commands import Run, runs
from line_shop import still, wait_for
from paper_reader import qr_codes
from web_page import FakePage, free_port
from x_screens import codes as qr_on
from x_screens import desktop, needs_x

CVCONNECT = "import sys; from cvconnect_pos.cli.main import main; sys.exit(main())"
TOKEN = "0123456789abcdef"
BLANK = (" " * 20, " " * 20)
NO_SERVICE = """\
[shop]
name = "L’Œuf"
language = "{language}"

{displays}"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runs(display.command, tmp_path, monkeypatch)


Seen = TypeVar("Seen")


class Person(Generic[Seen]):
    """Sits at a terminal, and looks at something each time before Enter is pressed.

    Args:
        look: What is done then.
        answers: What is typed, one after the other; then only Enter.
    """

    def __init__(self, look: Callable[[], Seen], *answers: str) -> None:
        self._look = look
        self._answers = iter(answers)
        self.seen: list[Seen] = []

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self.seen.append(self._look())
        return f"{next(self._answers, '')}\n"


def station(folder: Path, *displays: str, language: str = "fr") -> Path:
    tables = "\n".join(f"[[displays]]\n{each}\n" for each in displays)
    path = folder / "cvconnect.toml"
    path.write_text(NO_SERVICE.format(language=language, displays=tables), encoding="utf-8")
    return path


def codes(path: Path) -> list[str]:
    with Image.open(path) as picture:
        return [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]


# --- A screen -----------------------------------------------------------------------------------------------------------


def test_a_picture_shows_a_qr_that_asks_for_nothing_then_paid_then_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "client.png"
    person = Person(lambda: (codes(path), path.read_bytes()))
    ran = run("test", "--url", "image:client.png", person=person)
    assert ran.code == 0, ran.output
    (waiting, _), (paid, picture) = person.seen
    assert waiting == [display_prompt.PAYLOAD]
    assert "aucun paiement" in display_prompt.PAYLOAD
    assert "no payment" in display_prompt.PAYLOAD
    assert paid == []
    assert picture != path.read_bytes()
    nothing = open_display("image:nothing.png", {})
    nothing.claim(timeout_s=1)
    assert path.read_bytes() == (tmp_path / "nothing.png").read_bytes()
    assert "prêt" in ran.output
    assert "QR dessiné dans le fichier" in ran.output


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_shown_says_in_the_customers_language_that_it_is_a_test(
    run: Run, tmp_path: Path, language: str
) -> None:
    station(tmp_path, 'url = "terminal:"\ncolumns = 100', language=language)
    ran = run("test", "--seconds", "1")
    assert ran.code == 0, ran.output
    words = {
        "fr": ("Ceci est un essai : ne payez rien", "Essai : paiement accepté"),
        "en": ("This is a test: pay nothing", "Test: payment accepted"),
    }
    for word in (*words[language], "SIMULATION - SANS VALEUR", "12,50\u00a0€", "é è ê ç à", "QR écrit"):
        assert word in ran.output
    other = run("test", "--seconds", "1", "--lang", "fr" if language == "en" else "en")
    assert words[language][0] not in other.output


def test_a_terminal_too_small_for_the_qr_is_told(run: Run) -> None:
    ran = run("test", "--url", "terminal:?columns=40&rows=20", "--seconds", "1")
    assert ran.code == 1
    assert "Texte seul" in ran.output
    assert "agrandissez la fenêtre" in ran.output


def test_a_page_that_nobody_has_open_is_to_be_looked_at(run: Run) -> None:
    ran = run("test", "--url", f"web://127.0.0.1:{free_port()}", "--seconds", "1")
    assert ran.code == 1
    assert "à surveiller : Aucun navigateur" in ran.output
    assert "Adresse : http://127.0.0.1:" in ran.output
    assert "ouvrez cette adresse" in ran.output
    assert "Rien n’a changé" in ran.output


def test_a_page_that_is_opened_meanwhile_shows_the_qr_then_paid_then_nothing(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "display.token").write_text(TOKEN, encoding="ascii")
    port = free_port()
    page = FakePage(port, TOKEN)

    def open_page() -> None:
        if not page.states:
            page.__enter__()
            assert wait_for(lambda: bool(page.states))

    try:
        url = f"web://127.0.0.1:{port}?token_file=display.token"
        ran = run("test", "--url", url, person=Person(open_page))
        assert ran.code == 0, ran.output
        assert wait_for(lambda: page.states[-1] == "blank")
    finally:
        page.__exit__()
    assert "à surveiller : Aucun navigateur" in ran.output
    assert "prêt : Écran client prêt : 1 page(s) ouverte(s)." in ran.output
    assert "QR affiché : une page l’a peint." in ran.output
    assert page.states.index("waiting") < page.states.index("paid")


def test_a_port_that_a_till_holds_is_told_plainly(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as till:
        ran = run("test", "--url", f"web://127.0.0.1:{till.getsockname()[1]}", "--seconds", "1")
    assert ran.code == 1
    assert "port déjà pris" in ran.output
    assert "fermez la caisse" in ran.output
    assert "Code : LINK_ABSENT" in ran.output


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="only X11 may be missing")
def test_a_window_without_a_desktop_is_told_where_to_start_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    ran = run("test", "--url", "window:", "--seconds", "1")
    assert ran.code in {1, 2}  # 2 where Tk is not installed
    assert "session graphique" in ran.output or "python3-tk" in ran.output


@needs_x
def test_a_window_says_on_which_monitor_the_customer_sees_the_qr(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desktop() as there:
        there.plug()
        monkeypatch.setenv("DISPLAY", there.name)
        person = Person(lambda: qr_on(there.customer()))
        ran = run("test", "--url", "window:", person=person)
        assert qr_on(there.customer()) == []
    assert ran.code == 0, ran.output
    assert person.seen == [[display_prompt.PAYLOAD], []]
    assert "QR affiché : le système de fenêtres l’a peint." in ran.output


def test_a_screen_that_the_till_draws_cannot_be_tested_without_it(run: Run) -> None:
    ran = run("test", "--url", "callback:COUNTER", "--seconds", "1")
    assert ran.code == 1
    assert "la caisse dessine cet écran elle-même" in ran.output


def test_paper_comes_out_once_and_bears_the_mention(run: Run) -> None:
    paper = Printer()
    with TcpLink(paper.receive) as link:
        ran = run("test", "--url", f"printer:{link.url}", "--seconds", "1")
    assert ran.code == 0, ran.output
    assert len(paper.slips) == 1
    assert "SANS VALEUR" in paper.slips[0].text
    assert qr_codes(paper.slips[0]) == [display_prompt.PAYLOAD]


def test_what_nobody_sees_is_no_success(run: Run) -> None:
    ran = run("test", "--url", "image:client.png", person=Person(lambda: None, "n"))
    assert ran.code == 1
    assert "Personne ne le voit" in ran.output
    assert "relit quand il change" in ran.output


# --- A line display -------------------------------------------------------------------------------------------------------


def test_a_line_display_shows_the_amount_and_the_accents_and_its_model_is_said(run: Run) -> None:
    glass = EpsonDisplay(name="DM-D30")
    person = Person(lambda: [row.strip() for row in still(glass)])
    with PtyLink(glass.receive) as link:
        ran = run("test", "--url", f"{link.url}?protocol=epson", person=person)
    assert ran.code == 0, ran.output
    assert "prêt : Afficheur client prêt (DM-D30)." in ran.output
    assert person.seen == [["12,50 €", "TEST é è ç à ù ê É €"], ["12,50 €", "Essai : paiement"]]
    assert still(glass) == BLANK


def test_one_that_does_not_answer_is_unknown_and_shown_to_the_person(run: Run) -> None:
    glass = Cd5220Display()
    with PtyLink(glass.receive) as link:
        ran = run("test", "--url", f"{link.url}?protocol=cd5220", "--seconds", "1")
        assert ran.code == 0, ran.output
        unseen = run("test", "--url", f"{link.url}?protocol=cd5220", person=Person(lambda: None, "non"))
    assert "état inconnu" in ran.output
    assert unseen.code == 1
    assert "cherchez son protocole" in unseen.output


def test_a_display_whose_port_is_taken_can_be_tried_again(run: Run) -> None:
    glass = EpsonDisplay()
    with PtyLink(glass.receive) as link:
        till = serial.Serial(link.path, exclusive=True)
        held = run("test", "--url", f"{link.url}?protocol=epson", "--seconds", "1")
        person = Person(till.close)
        freed = run("test", "--url", f"{link.url}?protocol=epson", person=person)
    assert held.code == 1
    assert "autre programme" in held.output
    assert "fermez la caisse" in held.output
    assert freed.code == 0, freed.output


# --- Several, and none ------------------------------------------------------------------------------------------------------


def test_one_display_that_fails_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    glass = EpsonDisplay()
    with PtyLink(glass.receive) as link:
        station(
            tmp_path,
            'url = "serial:/dev/no-port"\nprotocol = "aedex"',
            'url = "telepathy:x"',
            'url = "image:client.png"\nfallback = true\nsize = "800x480"',
            f'url = "{link.url}"',
        )
        ran = run("test", "--seconds", "1")
    assert ran.code == 2
    result = ran.output.partition("Résultat")[2]
    for words in ("serial:/dev/no-port", "Rien n’est affiché", "Pilotes :", "QR dessiné", "Texte envoyé"):
        assert words in result
    assert codes(tmp_path / "client.png") == []


def test_the_settings_of_the_file_hold_for_the_display_that_is_named(run: Run, tmp_path: Path) -> None:
    station(tmp_path, 'url = "image:client.png"\nsize = "1024x600"')
    assert run("test", "--url", "image:client.png", "--seconds", "1").code == 0
    with Image.open(tmp_path / "client.png") as picture:
        assert picture.size == (1024, 600)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test"], "cvconnect.toml est introuvable"),
        (["test", "autre.toml"], "autre.toml est introuvable"),
        (["clear"], "cvconnect.toml est introuvable"),
        (["test", "--url", "ecran"], "commence par une sorte de liaison"),
        (["test", "--url", "telepathy:x"], "Pilotes :"),
        (["test", "--url", "image:a.png?colour=red"], "réglage inconnu : colour"),
        ([], "cvconnect display test"),
        (["show"], "cvconnect display test"),
    ],
)
def test_a_wrong_order_is_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert words in ran.output
    assert "Traceback" not in ran.output


def test_a_file_without_displays_says_so(run: Run, tmp_path: Path) -> None:
    station(tmp_path)
    ran = run("test")
    assert ran.code == 2
    assert "n’a pas d’écran client" in ran.output


# --- Ended in the middle ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_no_qr_is_left(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "client.png"
    with started(tmp_path, "test", "--url", "image:client.png", "--seconds", "60") as command:
        assert wait_for(lambda: path.exists() and codes(path) == [display_prompt.PAYLOAD])
        command.send_signal(number)
        said, _ = command.communicate(timeout=20)
    assert command.returncode == 128 + number
    assert codes(path) == []
    assert "Interrompu. L’écran a été effacé." in said
    assert "Traceback" not in said


def test_who_ends_it_hears_what_could_not_be_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "ecran"
    folder.mkdir()
    path = folder / "client.png"
    with started(tmp_path, "test", "--url", "image:ecran/client.png", "--seconds", "60") as command:
        assert wait_for(lambda: path.exists() and codes(path) == [display_prompt.PAYLOAD])
        folder.rename(tmp_path / "ailleurs")
        folder.touch()
        command.send_signal(signal.SIGINT)
        said, _ = command.communicate(timeout=20)
    assert command.returncode == 130
    assert "Interrompu. Tout n’a peut-être pas été effacé." in said


@pytest.mark.parametrize("url", ["{}?protocol=epson", "{}"])
def test_ctrl_c_clears_a_line_display(tmp_path: Path, url: str) -> None:
    glass = EpsonDisplay(name=None)
    with PtyLink(glass.receive) as link:
        with started(tmp_path, "test", "--url", url.format(link.url), "--seconds", "60") as command:
            assert wait_for(lambda: "€" in "".join(glass.lines))
            command.send_signal(signal.SIGINT)
            command.send_signal(signal.SIGINT)
            command.communicate(timeout=20)
        assert command.returncode == 130
        assert still(glass) == BLANK


@contextmanager
def started(folder: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Start the command as a shell does, with nobody at the keyboard who answers."""
    command = subprocess.Popen(
        [sys.executable, "-c", CVCONNECT, "display", *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUTF8": "1"},
        encoding="utf-8",
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()


# --- Cleared afterwards ------------------------------------------------------------------------------------------------------


def test_clear_takes_away_what_a_till_has_left(run: Run, tmp_path: Path) -> None:
    glass = EpsonDisplay()
    glass.receive(b"45,50 EUR")
    left = open_display("image:client.png", {})
    left.claim(timeout_s=1)
    with PtyLink(glass.receive) as link:
        left.show(display_prompt.waiting("fr", datetime.now(UTC)), timeout_s=1)
        assert codes(tmp_path / "client.png")
        station(
            tmp_path,
            'url = "image:client.png"',
            f'url = "{link.url}"\nprotocol = "epson"',
            'url = "window:"',
            'url = "printer:tcp://127.0.0.1:1"\nfallback = true',
        )
        ran = run("clear")
    assert ran.code == 0, ran.output
    assert codes(tmp_path / "client.png") == []
    assert still(glass) == BLANK
    assert "Le papier ne s’efface pas" in ran.output


def test_clear_says_what_it_could_not_clear(run: Run, tmp_path: Path) -> None:
    (tmp_path / "client.png").write_bytes(b"left by a till")
    with socket.create_server(("127.0.0.1", 0)) as till:
        station(
            tmp_path,
            'url = "serial:/dev/no-port"\nprotocol = "epson"',
            f'url = "web://127.0.0.1:{till.getsockname()[1]}"',
            'url = "image:client.png"',
        )
        ran = run("clear")
    assert ran.code == 1
    assert "Non effacé. /dev/no-port est introuvable" in ran.output
    assert "port déjà pris" in ran.output
    assert "image:client.png\n  Effacé." in ran.output
    assert not [each for each in threading.enumerate() if each.name.startswith("display")]
