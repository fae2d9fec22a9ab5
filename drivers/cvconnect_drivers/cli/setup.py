"""`cvconnect scanner setup`: one label is printed and read, and the station file says how the scanner is set."""

# ruff: noqa: D102 (what a scanner does is told where the SDK declares it)

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Protocol, Self

import typer

from cvconnect_drivers.cli.calibration_label import offer_label
from cvconnect_drivers.cli.installed import load_factory, scheme_of
from cvconnect_drivers.cli.raw_readers import READABLE, Raw, RawReader, open_raw
from cvconnect_drivers.cli.station_text import StationText, scanner_table, without_query
from cvconnect_drivers.errors import ConfigurationError, DriverError, PackageMissingError
from cvconnect_drivers.scanners.calibration import (
    CALIBRATION_TEXT,
    Calibration,
    CalibrationError,
    detect,
)
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.wedge import wedge
from cvconnect_drivers.scanners.wedge_intake import Characters
from cvconnect_drivers.shapes import Health
from cvconnect_drivers.urls import parse_url

CLAIM_S: Final = 3.0
TRIES: Final = 3
QUIET_S: Final = 1.0
"""What was read is over when nothing came for this long: slow scanners pause 0.1 s between two keys."""

LONGEST_READ_S: Final = 30.0
MOST_ITEMS: Final = 20_000
"""A device that sends without end is given up."""

SLICE_S: Final = 0.2
_pause: Final = threading.Event()

_ENDS: Final = {
    "enter": "Entrée",
    "kp_enter": "Entrée du pavé numérique",
    "tab": "Tabulation",
    "any": "Entrée, par un code de commande",
    "none": "aucune : une étiquette finit par une pause",
    "cr": "CR",
    "lf": "LF",
    "crlf": "CR LF",
}

_REFUSED: Final = {
    "LAYOUT_MISMATCH": "la disposition de clavier ne convient pas",
    "DAMAGED": "la lecture est arrivée incomplète",
    "SYMBOLOGY": "« symbologies » n’accepte pas les QR codes",
}


class Action(Enum):
    """What can be done with a scanner."""

    SETUP = "setup"


class Scanner(Protocol):
    """What the entry points of the group `cvconnect.scanners` make."""

    def claim(self, *, on_status: Callable[[Health], None], timeout_s: float) -> None: ...
    def arm(self, on_label: Callable[[Label], None]) -> None: ...
    def check_health(self) -> Health: ...
    def release(self) -> None: ...


def command(
    action: Annotated[Action, typer.Argument(metavar="setup", help="Régler une douchette.")],
    url: Annotated[
        str | None,
        typer.Argument(metavar="[URL]", help="L’adresse de la douchette ; par défaut celle du fichier."),
    ] = None,
    *,
    file: Annotated[Path, typer.Option("--file", help="Le fichier de la caisse.")] = Path("cvconnect.toml"),
    png: Annotated[
        Path | None, typer.Option("--png", help="Écrit l’étiquette dans ce fichier au lieu de l’imprimer.")
    ] = None,
    timeout_s: Annotated[
        int, typer.Option("--timeout", min=1, max=600, help="Secondes d’attente de chaque lecture.")
    ] = 60,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Montre les réglages trouvés sans toucher au fichier.")
    ] = False,
) -> None:
    """Règle une douchette d’après une étiquette imprimée, et complète le fichier de la caisse.

    La caisse doit être fermée. Une étiquette de calibrage est imprimée, puis lue deux fois :
    pour trouver les réglages, et pour les prouver. L’ancien fichier est gardé à côté.

    Code de retour : 0 si la douchette lit bien, 1 si elle n’a pas pu être réglée,
    2 si l’adresse ou le fichier est à corriger.
    """
    assert action is Action.SETUP  # noqa: S101 (there is no other)
    try:
        _set_up(url, file, png, float(timeout_s), dry_run=dry_run)
    except (ConfigurationError, PackageMissingError) as error:
        raise _ended(error, 2) from None
    except DriverError as error:
        raise _ended(error, 1) from None
    except KeyboardInterrupt:
        typer.echo("\nInterrompu. Le fichier n’a pas été changé.", err=True)
        raise typer.Exit(130) from None


def _set_up(url: str | None, file: Path, png: Path | None, timeout_s: float, *, dry_run: bool) -> None:
    station = StationText(file) if file.exists() or url is None else None
    url = url or _only_scanner(station, file)
    tables = station.scanners() if station else []
    table = next((each for each in tables if each["url"] == url), dict[str, object]())
    options: dict[str, object] = {key: value for key, value in table.items() if key != "url"}
    factory = load_factory("scanners", url)
    factory(url, options)  # what is wrong in the file is said before paper is used
    typer.echo(offer_label(station.printer() if station else None, file, png))
    if scheme_of(url) not in READABLE:
        typer.echo(f"{url} n’a rien à régler : la lecture suffit.")
        _prove(factory, url, options, timeout_s)
        return
    calibration = _calibrate(url, options, timeout_s)
    settings = calibration.settings()
    for line in describe(calibration):
        typer.echo(line)
    new_url = without_query(parse_url(url, READABLE), settings)
    options = {key: value for key, value in (options | dict(settings)).items() if value is not None}
    factory(new_url, options)  # what the driver refuses is never written
    _write(station, file, url, new_url, settings, dry_run=dry_run)
    _prove(factory, new_url, options, timeout_s)


def describe(calibration: Calibration) -> list[str]:
    """Put what was found into words, in French.

    Args:
        calibration: What was found.

    Returns:
        Lines for a terminal.
    """
    layout = {
        "keys": calibration.layout,
        "characters": "celui de ce poste",
        "bytes": "sans objet (liaison série)",
    }[calibration.sends]
    duration = f"{calibration.duration_s:.2f}".replace(".", ",")
    pause = f"{calibration.pause_s * 1000:.0f}"
    speed = f"{duration} s pour l’étiquette, {pause} ms au plus entre deux envois"
    rows = [
        ("Clavier", layout),
        ("Fin d’étiquette", f"{_visible(calibration.suffix)} {_ENDS[calibration.terminator]}".strip()),
        ("Identifiant AIM", f"envoyé ({calibration.aim})" if calibration.aim else "non envoyé"),
        ("Préfixe", _visible(calibration.prefix) or "aucun"),
        ("Vitesse", speed if calibration.duration_s else "tout est arrivé d’un bloc"),
    ]
    if calibration.label_prefix:
        rows.insert(4, ("Préfixe d’étiquette", _visible(calibration.label_prefix)))
    width = max(len(name) for name, _ in rows)
    lines = ["", "Trouvé :", *(f"  {name:<{width}}  {value}" for name, value in rows)]
    if calibration.caps_lock:
        lines.append("  Attention : Verr. Maj est active. Désactivez-la sur ce poste et sur la douchette.")
    if calibration.aim is None:
        lines.append(
            "  Conseil : activez l’identifiant AIM de la douchette : les codes produits sont alors reconnus à coup sûr."
        )
    if calibration.sends == "characters":
        lines.append(
            "  Si la caisse transmet des touches et non des caractères, ajoutez « layout » : la disposition de ce poste."
        )
    return [*lines, ""]


def _only_scanner(station: StationText | None, file: Path) -> str:
    urls = [str(table["url"]) for table in station.scanners()] if station else []
    if len(urls) == 1:
        return urls[0]
    fr = (
        f"{file} a plusieurs douchettes : indiquez l’adresse de celle à régler : {', '.join(urls)}."
        if urls
        else f"{file} n’a pas de douchette : indiquez son adresse ; « cvconnect devices » la donne."
    )
    raise ConfigurationError("SCANNER_URL", fr=fr, en=f"{file}: {len(urls)} scanners; name one")


def _calibrate(url: str, options: Mapping[str, object], timeout_s: float) -> Calibration:
    """Read the label until it tells something, a few times at most."""
    with closing(open_raw(url, options)) as reader:
        for left in range(TRIES - 1, -1, -1):
            read = _wait_for_read(reader, timeout_s)
            try:
                return detect(read)  # type: ignore[arg-type] # of one kind, as the reader is
            except CalibrationError as error:
                if not left or not read:
                    raise
                typer.echo(error.text())
    raise AssertionError


def _wait_for_read(reader: RawReader, timeout_s: float) -> list[Raw]:
    """Wait until something comes, then until nothing more does."""
    read: list[Raw] = []
    with Countdown("Lisez l’étiquette de calibrage, une fois", timeout_s) as countdown:
        while not read and countdown.left_s() > 0:
            read += reader.read(timeout_s=min(SLICE_S, countdown.left_s()))
            countdown.show()
    stop_s = time.monotonic() + LONGEST_READ_S
    while read and len(read) < MOST_ITEMS and time.monotonic() < stop_s:
        more = reader.read(timeout_s=QUIET_S)
        if not more:
            break
        read += more
    return read


def _write(
    station: StationText | None,
    file: Path,
    url: str,
    new_url: str,
    settings: Mapping[str, str | int | None],
    *,
    dry_run: bool,
) -> None:
    if station is None or dry_run:
        why = "n’a pas été changé" if station else "n’existe pas"
        typer.echo(f"{file} {why}. Les réglages :\n\n{scanner_table(new_url, settings)}")
        return
    before = station.text()
    station.set_scanner(url, new_url, settings)
    if station.text() == before:
        typer.echo(f"{file} a déjà ces réglages.")
        return
    backup = station.save()
    typer.echo(f"{file} est complété ; l’ancien est gardé dans {backup.name}.")


def _prove(
    factory: Callable[[str, Mapping[str, object]], Scanner],
    url: str,
    options: Mapping[str, object],
    timeout_s: float,
) -> None:
    """Read the label once more, as the till will."""
    scanner = factory(url, options)
    labels: list[Label] = []
    with ExitStack() as stack:
        stack.callback(scanner.release)
        scanner.claim(on_status=_ignore, timeout_s=CLAIM_S)
        health = scanner.check_health()
        if health.state == "absent":
            raise DriverError("SCANNER_ABSENT", fr=health.detail, en="The scanner is away")
        scanner.arm(labels.append)
        feed: Callable[[float], None] = _nothing
        if scheme_of(url) == "wedge":
            feed = _terminal_feed(url, stack)
        with Countdown("Pour preuve, lisez l’étiquette encore une fois", timeout_s) as countdown:
            while not labels and countdown.left_s() > 0:
                feed(min(SLICE_S, countdown.left_s()))
                countdown.show()
    if not labels:
        raise DriverError(
            "SCANNER_SILENT",
            fr="Rien n’a été lu avec ces réglages : recommencez, ou remettez l’ancien fichier.",
            en="Nothing was read with these settings",
        )
    if labels[0].text != CALIBRATION_TEXT:
        why = _REFUSED.get(labels[0].refusal or "", "une autre étiquette a été lue")
        raise DriverError(
            "SCANNER_MISREADS",
            fr=f"La preuve a échoué : {why}. Recommencez, ou remettez l’ancien fichier.",
            en=f"The second read differs ({labels[0].refusal})",
        )
    typer.echo("La douchette lit bien : elle est prête pour la caisse.")


def _terminal_feed(url: str, stack: ExitStack) -> Callable[[float], None]:
    """Hand this terminal's characters to a wedge, as the till will hand its own."""
    reader = stack.enter_context(closing(open_raw(url, {})))
    till_side = wedge(parse_url(url, {"wedge"}).target)

    def feed(timeout_s: float) -> None:
        for item in reader.read(timeout_s=timeout_s):
            if isinstance(item, Characters):
                till_side.character(item.text, item.time_s)

    return feed


def _nothing(timeout_s: float) -> None:
    _pause.wait(timeout_s)


class Countdown:
    """Shows how long is still waited; on a terminal the line is written anew each second.

    Args:
        asks: What the person shall do, in French.
        timeout_s: How long is waited, in seconds.
    """

    def __init__(self, asks: str, timeout_s: float) -> None:
        self._asks = asks
        self._until_s = time.monotonic() + timeout_s
        self._shown = -1
        self._live = sys.stdout.isatty()

    def __enter__(self) -> Self:
        """Show what to do."""
        if not self._live:
            typer.echo(f"{self._asks} ({math.ceil(self.left_s())} s).")
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        """End the line."""
        if self._live:
            typer.echo()

    def left_s(self) -> float:
        """Tell how long is still waited, in seconds."""
        return max(self._until_s - time.monotonic(), 0.0)

    def show(self) -> None:
        """Show the seconds that are left, when they have changed."""
        seconds = math.ceil(self.left_s())
        if self._live and seconds != self._shown:
            self._shown = seconds
            typer.echo(f"\r{self._asks} : {seconds:>3} s ", nl=False)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else f"<{ord(c):02X}>" for c in text)


def _ended(error: DriverError, status: int) -> typer.Exit:
    typer.echo(f"{error.text()}\nCode : {error.code}", err=True)
    return typer.Exit(status)


def _ignore(_health: Health) -> None:
    """The state is asked for instead."""
