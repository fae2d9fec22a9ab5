"""`cvconnect display test` on a line display of which nobody knows what it speaks."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial

from cvconnect_drivers.cli import display
from cvconnect_drivers.cli.display_probe import NAMES, WIPE, Glass, Port
from cvconnect_drivers.displays.line_protocols import EPSON, PROTOCOLS, Panel
from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_sim.display import AedexDisplay, Cd5220Display, EpsonDisplay, Firmware, LogicControlsDisplay
from cvconnect_sim.links import PtyLink
from device_commands import Ran, Run, runs
from line_glass import Cable
from line_shop import Looker, plugged, still

BLANK = (" " * 20, " " * 20)
ORIGINAL = frozenset({0, 1, 2, 3, 4, 5})
"""The pages of one that only imitates Epson's."""

SPEAKERS: dict[str, Callable[[], Firmware]] = {
    "epson": lambda: EpsonDisplay(name=None),
    "cd5220": Cd5220Display,
    "logic-controls": LogicControlsDisplay,
    "aedex": AedexDisplay,
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runs(display.command, tmp_path, monkeypatch, "test")


def table_of(ran: Ran) -> dict[str, Any]:
    """The lines for the station file."""
    lines = ran.output[ran.output.index("[[displays]]") :].partition("\n\n")[0]
    (only,) = tomllib.loads(lines)["displays"]
    return dict(only)


# --- A protocol is harmless to the displays of the others ---------------------------------------------------------------


@pytest.mark.parametrize("spoken", SPEAKERS)
@pytest.mark.parametrize("tried", PROTOCOLS)
def test_after_a_wrong_protocol_the_right_one_is_shown_clean(spoken: str, tried: str) -> None:
    cable = Cable(SPEAKERS[spoken]())
    fresh = Cable(SPEAKERS[spoken]())
    glass = Glass(cable.open(), Port(lambda _: cable.open()), 9600)
    clean = Glass(fresh.open(), Port(lambda _: fresh.open()), 9600)
    glass.ask()
    for page in PROTOCOLS[tried].pages:
        glass.show(tried, page)
    shown = glass.show(spoken, next(iter(PROTOCOLS[spoken].pages)))
    clean.show(spoken, next(iter(PROTOCOLS[spoken].pages)))
    assert cable.glass.lines == shown
    assert cable.glass.panel == fresh.glass.panel


@pytest.mark.parametrize("spoken", SPEAKERS)
@pytest.mark.parametrize("tried", PROTOCOLS)
def test_the_till_itself_shows_its_page_clean_after_a_wrong_protocol(spoken: str, tried: str) -> None:
    glass = SPEAKERS[spoken]()
    wrong, right = (
        Panel(PROTOCOLS[name], next(iter(PROTOCOLS[name].pages.values()))) for name in (tried, spoken)
    )
    glass.receive(wrong.protocol.start + EPSON.ask + wrong.frame(("EPSON é".center(20), " " * 20)))
    glass.receive(right.protocol.start + right.frame(("12,50".center(20), "Merci".center(20))))
    assert [row.strip() for row in glass.lines] == ["12,50", "Merci"]


@pytest.mark.parametrize("spoken", SPEAKERS)
@pytest.mark.parametrize("tried", PROTOCOLS)
def test_nothing_is_left_on_any_display(spoken: str, tried: str) -> None:
    glass = SPEAKERS[spoken]()
    panel = Panel(PROTOCOLS[tried], next(iter(PROTOCOLS[tried].pages.values())))
    glass.receive(panel.protocol.start + panel.frame(("EPSON é".center(20), "TEST".center(20))))
    glass.receive(WIPE)
    assert glass.lines == BLANK
    if spoken == "aedex":
        return
    glass.receive(b"\x0c" if spoken != "logic-controls" else b"\x1f")
    assert glass.lines == BLANK


@pytest.mark.parametrize(
    ("spoken", "tried"), [(spoken, tried) for spoken in SPEAKERS for tried in PROTOCOLS if spoken != tried]
)
def test_a_wrong_protocol_never_looks_like_the_right_one(spoken: str, tried: str) -> None:
    cable = Cable(SPEAKERS[spoken]())
    glass = Glass(cable.open(), Port(lambda _: cable.open()), 9600)
    glass.show(tried, next(iter(PROTOCOLS[tried].pages)))
    first, second = cable.glass.lines
    assert not (first.startswith(f">{NAMES[tried]}") and second.startswith(">TEST"))
    assert not (first.endswith("<") and second.endswith("<"))


class Buffered:
    """A port that echoes, or is silent; how long it is waited for before it is closed.

    Args:
        echoes: Whether something always comes.
    """

    def __init__(self, *, echoes: bool) -> None:
        self._echoes = echoes
        self._written_at_s = 0.0
        self.waited_s = 0.0

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Take it."""
        self._written_at_s = time.monotonic()

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Give an echo, or nothing."""
        if self._echoes:
            return b"x"
        self.waited_s = timeout_s
        raise LinkTimeoutError("port", "byte")

    def close(self) -> None:
        """Throw away what is still in the buffer."""
        if self._echoes:
            self.waited_s = time.monotonic() - self._written_at_s


@pytest.mark.parametrize(("baud", "echoes"), [(9600, True), (9600, False), (2400, False)])
def test_the_port_is_closed_when_its_last_64_bytes_are_out(baud: int, echoes: bool) -> None:
    link = Buffered(echoes=echoes)
    Glass(link, Port(lambda _: link), baud).close()
    assert link.waited_s >= 640 / baud - 0.01


# --- What is found ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", SPEAKERS)
def test_each_protocol_is_found_by_who_looks(run: Run, protocol: str) -> None:
    glass = SPEAKERS[protocol]()
    person = Looker(glass)
    with plugged(glass) as link:
        ran = run("--url", link.url, person=person)
    assert ran.code == 0, ran.output
    assert table_of(ran) == {"url": link.url, "protocol": protocol}
    assert "Il ne répond pas" in ran.output
    assert person.said == [*["non"] * list(PROTOCOLS).index(protocol), "oui", "oui"]
    assert still(glass) == BLANK


def test_a_display_that_answers_is_named_and_its_protocol_not_asked_for(run: Run) -> None:
    glass = EpsonDisplay(name="DM-D210")
    person = Looker(glass)
    with plugged(glass) as link:
        ran = run("--url", link.url, person=person)
    assert ran.code == 0, ran.output
    assert "L’afficheur répond : DM-D210" in ran.output
    assert "Essai du protocole" not in ran.output
    assert table_of(ran) == {"url": link.url, "protocol": "epson"}


def test_one_that_answers_needs_nobody(run: Run) -> None:
    glass = EpsonDisplay()
    with plugged(glass) as link:
        ran = run("--url", link.url)
    assert ran.code == 0, ran.output
    assert "jeu de caractères non vérifié" in ran.output
    assert table_of(ran) == {"url": link.url, "protocol": "epson"}
    assert still(glass) == BLANK


def test_an_imitation_without_the_page_of_the_euro_gets_its_character_set(run: Run) -> None:
    glass = EpsonDisplay(name=None, pages=ORIGINAL)
    with plugged(glass) as link:
        ran = run("--url", link.url, person=Looker(glass))
    assert ran.code == 0, ran.output
    assert table_of(ran)["page"] == "cp437"


@pytest.mark.parametrize("baud", [19200, 2400])
def test_another_speed_is_tried_when_nothing_is_seen(run: Run, baud: int) -> None:
    glass = Cd5220Display()
    person = Looker(glass)
    with plugged(glass, baud) as link:
        ran = run("--url", link.url, person=_Stubborn(person))
    assert ran.code == 0, ran.output
    assert "Rien de lisible à 9600 bauds" in ran.output
    assert table_of(ran) == {"url": link.url, "protocol": "cd5220", "baud": baud}


class _Stubborn:
    """Wants the other speeds to be tried: that question is the fifth."""

    def __init__(self, person: Looker) -> None:
        self._person = person
        self._asked = 0

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        self._asked += 1
        return "oui\n" if self._asked == len(PROTOCOLS) + 1 else self._person.readline()


def test_the_speed_of_the_command_line_is_the_only_one(run: Run) -> None:
    glass = Cd5220Display()
    with plugged(glass, 19200) as link:
        found = run("--url", link.url, "--baud", "19200", person=Looker(glass))
        wrong = run("--url", link.url, "--baud", "2400", person=Looker(glass))
    assert table_of(found) == {"url": link.url, "protocol": "cd5220", "baud": 19200}
    assert wrong.code == 1
    assert "Protocole non trouvé" in wrong.output
    assert "Essayer" not in wrong.output


def test_what_the_file_says_of_the_port_is_kept_and_of_the_protocol_is_not_believed(
    run: Run, tmp_path: Path
) -> None:
    glass = AedexDisplay()
    with plugged(glass, 19200) as link:
        text = f'[[displays]]\nurl = "{link.url}"\nflow = "xonxoff"\nbaud = 19200\nprotocol = "epson"\npage = "cp437"\n'
        (tmp_path / "cvconnect.toml").write_text(text, encoding="utf-8")
        ran = run("--url", link.url, person=Looker(glass))
    assert table_of(ran) == {"url": link.url, "flow": "xonxoff", "protocol": "aedex", "baud": 19200}


# --- What is not --------------------------------------------------------------------------------------------------------


def test_nobody_at_the_keyboard_is_told_to_name_the_protocol(run: Run) -> None:
    glass = Cd5220Display()
    with plugged(glass) as link:
        ran = run("--url", link.url)
    assert ran.code == 2
    assert "Personne ne répond au clavier" in ran.output
    assert "?protocol=epson" in ran.output
    assert still(glass) == BLANK


def test_a_port_that_is_not_there_is_one_sentence(run: Run) -> None:
    ran = run("--url", "serial:/dev/no-port")
    assert ran.code == 1
    assert "introuvable" in ran.output
    assert "cvconnect devices" in ran.output


def test_a_port_that_a_till_holds_is_said(run: Run) -> None:
    with PtyLink() as link, serial.Serial(link.path, exclusive=True):
        ran = run("--url", link.url)
    assert ran.code == 1
    assert "autre programme" in ran.output
    assert "fermez la caisse" in ran.output


@pytest.mark.parametrize("setting", ["brightness=9", "colour=red", "columns=3"])
def test_a_wrong_setting_is_said_before_anything_is_written(run: Run, setting: str) -> None:
    ran = run("--url", f"serial:/dev/no-port?{setting}")
    assert ran.code == 2
    assert setting.partition("=")[0] in ran.output
