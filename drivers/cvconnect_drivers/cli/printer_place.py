"""Which printer is meant: the one of the command line, of the station file, or the one that is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cvconnect_drivers.cli.installed import scheme_of
from cvconnect_drivers.cli.questions import Questions
from cvconnect_drivers.cli.setup import device_of
from cvconnect_drivers.cli.station_text import StationText
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.printer_discovery import FoundPrinter, discover_printers
from cvconnect_drivers.urls import parse_url

ADVICE = "« cvconnect devices » montre ce qui est branché ; une imprimante du réseau s’écrit --url tcp://ADRESSE:9100."


@dataclass(frozen=True, slots=True)
class Place:
    """A printer, and where its settings stand.

    Args:
        url: Its URL.
        options: Its other settings.
        station: The station file; None when there is none.
        stale: The keys of another printer's table, which go with it.
    """

    url: str
    options: dict[str, object] = field(default_factory=dict[str, object])
    station: StationText | None = None
    stale: tuple[str, ...] = ()


def find_place(url: str | None, file: Path, questions: Questions | None = None) -> Place:
    """Find the printer that is meant.

    Args:
        url: What the command line says.
        file: The station file.
        questions: How to ask which of those that are plugged in; None to look for none.

    Returns:
        The printer.

    Raises:
        ConfigurationError: `PRINTER_URL`: none is told; or the URL or the file is not valid.
    """
    station = StationText(file) if file.exists() else None
    table = (station.printer() if station else None) or {}
    if url is None and table:
        url = str(table["url"])
    if url is None:
        why = f"{file} n’a pas d’imprimante" if station else f"{file} est introuvable"
        url = _choose(questions, why)
    others = {key: value for key, value in table.items() if key != "url"}
    if table and device_of(url) == device_of(str(table["url"])):
        query = parse_url(url, {scheme_of(url)}).query
        return Place(url, {key: value for key, value in others.items() if key not in query}, station)
    return Place(url, {}, station, tuple(others))


def _choose(questions: Questions | None, why: str) -> str:
    if questions is None:
        raise _unnamed(f"{why} : indiquez l’adresse de l’imprimante avec --url. {ADVICE}")
    found = [each for each in discover_printers().printers if each.sureness != "unlikely"]
    sure = [each for each in found if each.sureness == "sure"]
    if len(sure) == 1:
        (only,) = sure
        say(f"Imprimante trouvée : {only.name} ({only.url})")
        return only.url
    if not found:
        raise _unnamed(f"Aucune imprimante trouvée : branchez-la, allumez-la, et recommencez. {ADVICE}")
    return _ask(questions, found)


def _ask(questions: Questions, found: Sequence[FoundPrinter]) -> str:
    say("Ces appareils sont possibles :\n")
    for number, each in enumerate(found, start=1):
        say(f"  {number}  {each.name}, {each.path}\n     {each.url}")
    if questions.silent:
        urls = ", ".join(each.url for each in found)
        raise _unnamed(f"Aucune imprimante n’est sûre d’être la bonne : choisissez avec --url : {urls}.")
    number = questions.one_of("\nLequel est l’imprimante de tickets ?", range(1, len(found) + 1), 1)
    return found[number - 1].url


def _unnamed(fr: str) -> ConfigurationError:
    return ConfigurationError("PRINTER_URL", fr=fr, en="No printer is named: give --url")
