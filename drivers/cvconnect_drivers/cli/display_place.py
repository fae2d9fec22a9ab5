"""Which customer displays are meant: the one of the command line, or those of the station file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cvconnect_drivers.cli.installed import scheme_of
from cvconnect_drivers.cli.setup import device_of
from cvconnect_drivers.cli.station_text import StationText
from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.shapes import Language
from cvconnect_drivers.urls import parse_url

_OURS = frozenset({"url", "fallback"})
"""What the till reads of a display's table, and its driver does not."""


@dataclass(frozen=True, slots=True)
class Place:
    """A display, and its settings.

    Args:
        url: Its URL.
        options: Its other settings.
    """

    url: str
    options: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def scheme(self) -> str:
        """What stands before the URL's first colon.

        Raises:
            ConfigurationError: Nothing does.
        """
        return scheme_of(self.url)

    @property
    def speaks_unknown(self) -> bool:
        """Whether its URL is that of a line display, and does not tell what it speaks."""
        return self.scheme == "serial" and "protocol" not in parse_url(self.url, {"serial"}).query


def find_displays(url: str | None, file: Path) -> list[Place]:
    """Find the displays that are meant.

    Args:
        url: What the command line says; one that stands in the station file too has its settings from there.
        file: The station file.

    Returns:
        At least one.

    Raises:
        ConfigurationError: `DISPLAY_URL` or `STATION_FILE`: none is told; or the URL or the file is not valid.
    """
    station = StationText(file) if file.exists() else None
    places = [
        Place(str(table["url"]), {key: value for key, value in table.items() if key not in _OURS})
        for table in (station.displays() if station else [])
    ]
    if url is not None:
        return [_named(url, places)]
    if not places:
        why = f"{file} n’a pas d’écran client" if station else f"{file} est introuvable"
        raise ConfigurationError(
            "DISPLAY_URL" if station else "STATION_FILE",
            fr=f"{why} : indiquez le fichier de la caisse, ou un écran avec --url, comme --url window: ou "
            "--url serial:/dev/ttyUSB0 ; « cvconnect devices » montre les ports.",
            en=f"{file}: no display is named; give --url",
        )
    return places


def customers_language(file: Path) -> Language:
    """Read the language of the customer displays; French when no file tells."""
    return StationText(file).language() if file.exists() else "fr"


def _named(url: str, places: list[Place]) -> Place:
    meant = device_of(url)
    same = next((each for each in places if device_of(each.url) == meant), None)
    if same is None:
        return Place(url)
    here = parse_url(url, {scheme_of(url)}).query
    # What stands behind the file's URL is a setting as those of its table are.
    known = {**parse_url(same.url, {same.scheme}).query, **same.options}
    return Place(url, {key: value for key, value in known.items() if key not in here})
