"""The search for what a line display speaks: questions to the person who looks at it, and the lines for the station file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cvconnect_drivers.cli.display_place import Place
from cvconnect_drivers.cli.display_probe import (
    NAMES,
    SPOKEN,
    Glass,
    Port,
    read_port,
    words_of,
)
from cvconnect_drivers.cli.display_stop import Stops
from cvconnect_drivers.cli.questions import Questions
from cvconnect_drivers.cli.station_text import without_query
from cvconnect_drivers.cli.words import say, show
from cvconnect_drivers.displays.line import Page
from cvconnect_drivers.displays.line_protocols import PROTOCOLS
from cvconnect_drivers.displays.serial_line import DEFAULT_BAUD
from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.urls import parse_url

SPEEDS: Final = (19200, 115200, 2400)
"""What is tried when nothing is seen at `DEFAULT_BAUD`."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a display speaks.

    Args:
        protocol: One of `PROTOCOLS`.
        page: The character set that a person found right, or None.
        baud: Bits per second.
        model: What it calls itself, or an empty text.
    """

    protocol: str
    page: str | None
    baud: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """Searches on one port.

    Args:
        place: The display, without a protocol.
        port: Its port.
        stops: Who hears Ctrl-C.
    """

    place: Place
    port: Port
    stops: Stops

    def at(self, baud: int) -> Spoken | None:
        """Search at one speed; the display is empty afterwards.

        Args:
            baud: Bits per second.

        Raises:
            ConfigurationError: Nobody answers.
            LinkError: The port cannot be opened, or was lost.
        """
        glass = self.port.open(baud)
        try:
            say(f"\n{self.place.url}, {baud} bauds", "bold")
            model = glass.ask()
            if model is not None:
                say(f"  L’afficheur répond : {model}. Il parle epson.", "green")
                _draw(glass.show("epson", next(iter(PROTOCOLS["epson"].pages))))
                return Spoken("epson", self._page(glass, "epson"), baud, model)
            say("  Il ne répond pas : c’est le cas de la plupart. Regardez-le.")
            found = next((name for name in PROTOCOLS if self._is_seen(glass, name)), None)
            return Spoken(found, self._page(glass, found), baud) if found else None
        finally:
            with self.stops.put_off():
                glass.close()

    def _is_seen(self, glass: Glass, protocol: str) -> bool:
        say(f"\nEssai du protocole {protocol} :")
        page = glass.show(protocol, next(iter(PROTOCOLS[protocol].pages)))
        _draw(page)
        return _asked(
            f"Voyez-vous « {words_of(page)} », avec > au bord gauche et < au bord droit ? Accents faux : oui quand même. "
            "[o/n]",
            proposed=False,
        )

    def _page(self, glass: Glass, protocol: str) -> str | None:
        """Find the character set that is right; the first is on the display already."""
        for number, page in enumerate(PROTOCOLS[protocol].pages, start=1):
            if number > 1:
                say(f"\nJeu de caractères {page} :")
                _draw(glass.show(protocol, page, str(number)))
            try:
                if _asked("Chaque signe est-il juste, comme dans ce cadre ? [o/n]", proposed=True):
                    return page
            except ConfigurationError:
                say("  Personne ne répond au clavier : jeu de caractères non vérifié.", "yellow")
                return None
        say("Aucun jeu n’est tout à fait juste. Gardez celui qui l’est le plus : « page ».", "yellow")
        return None


def run(place: Place, file: Path, baud: int | None, stops: Stops) -> int:
    """Find out what a line display speaks.

    Args:
        place: The display.
        file: The station file, as it is called in what is said.
        baud: The only speed to try; None tries the usual ones.
        stops: Who hears Ctrl-C.

    Returns:
        The exit status.

    Raises:
        ConfigurationError: A setting is wrong, or nobody answers.
        LinkError: The port cannot be opened, or was lost.
    """
    port, told = read_port(place.url, place.options)
    first = baud or told or DEFAULT_BAUD
    search = Search(place, port, stops)
    spoken = search.at(first)
    if spoken is None and baud is None:
        others = [each for each in (DEFAULT_BAUD, *SPEEDS) if each != first]
        speeds = ", ".join(map(str, others))
        say()
        if _asked(f"Rien de lisible à {first} bauds. Essayer {speeds} ? [o/n]", proposed=True):
            spoken = next(filter(None, map(search.at, others)), None)
    if spoken is None:
        say(
            "\nProtocole non trouvé.\nÀ faire : vérifiez l’alimentation et le câble de l’afficheur ; son interrupteur, ou son "
            "menu, dit protocole et vitesse (--baud). Éteignez-le et rallumez-le, puis recommencez.",
            "red",
        )
        return 1
    _tell(place, file, spoken)
    return 0


def _tell(place: Place, file: Path, spoken: Spoken) -> None:
    usual = next(iter(PROTOCOLS[spoken.protocol].pages))
    settings: dict[str, object] = {"protocol": spoken.protocol}
    if spoken.page not in {None, usual}:
        settings["page"] = spoken.page
    if spoken.baud != DEFAULT_BAUD:
        settings["baud"] = spoken.baud
    found = dict.fromkeys((*SPOKEN, "baud"))
    url = without_query(parse_url(place.url, {"serial"}), found)
    others = {key: value for key, value in place.options.items() if key not in found}
    model = f" ({spoken.model})" if spoken.model else ""
    say(f"\nTrouvé : {spoken.protocol}{model}, {spoken.baud} bauds, jeu {spoken.page or usual}.", "green")
    say(f"À mettre dans {file} :\n")
    table = {"url": url, **others, **settings}
    # A TOML string is written as one of JSON.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    show("\n".join(("[[displays]]", *lines)))
    say("\nPuis :")
    show(f"  cvconnect display test {file}")


def _draw(page: Page) -> None:
    """Draw what should stand on the glass."""
    edge = "─" * len(page[0])
    show("\n".join((f"  ┌{edge}┐", *(f"  │{row}│" for row in page), f"  └{edge}┘")))


def _asked(text: str, *, proposed: bool) -> bool:
    """Ask the person who looks at the display.

    Raises:
        ConfigurationError: `ANSWER`: nobody answers.
    """
    try:
        return Questions(yes=False).yes_no(text, proposed=proposed)
    except ConfigurationError as error:
        raise ConfigurationError(
            "ANSWER",
            fr="Personne ne répond au clavier : quelqu’un doit regarder l’afficheur. Si le protocole est connu, donnez-le : "
            f"--url 'serial:PORT?protocol=epson' ({', '.join(NAMES)}).",
            en="Nobody answers; name the protocol",
        ) from error
