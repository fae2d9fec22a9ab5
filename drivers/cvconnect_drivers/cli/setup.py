"""`cvconnect scanner setup`: one label is printed and read, and the station file says how the scanner is set."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from cvconnect_drivers.cli.calibration_label import offer_label, refuse_label
from cvconnect_drivers.cli.countdown import SLICE_S, Countdown
from cvconnect_drivers.cli.found import describe
from cvconnect_drivers.cli.installed import load_factory, scheme_of
from cvconnect_drivers.cli.proof import claimed, prove
from cvconnect_drivers.cli.raw_readers import READABLE, Raw, RawReader, open_raw
from cvconnect_drivers.cli.station_text import StationText, scanner_table, without_query
from cvconnect_drivers.cli.words import say, show
from cvconnect_drivers.errors import ConfigurationError, DriverError, PackageMissingError
from cvconnect_drivers.scanners.calibration import Calibration, detect
from cvconnect_drivers.scanners.calibration_errors import CalibrationError
from cvconnect_drivers.urls import parse_url

TRIES: Final = 3
QUIET_S: Final = 1.0
"""What was read is over when nothing came for this long: slow scanners pause 0.1 s between two keys."""

LONGEST_READ_S: Final = 30.0
MOST_ITEMS: Final = 2000
"""A device that sends without end is given up; the label is some 200 keys, going down and up, in the longest way to type it."""


_IDENTITY: Final = frozenset({"vendor", "product", "serial", "port"})


def command(
    action: Annotated[str | None, typer.Argument(metavar="setup", help="Régler une douchette.")] = None,
    url: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="L’adresse de la douchette ; par défaut celle du fichier."),
    ] = None,
    *,
    file: Annotated[Path, typer.Option("--file", metavar="FICHIER", help="Le fichier de la caisse.")] = Path(
        "cvconnect.toml"
    ),
    png: Annotated[
        Path | None,
        typer.Option(
            "--png", metavar="FICHIER", help="Écrit l’étiquette dans ce fichier au lieu de l’imprimer."
        ),
    ] = None,
    timeout_s: Annotated[
        int,
        typer.Option("--timeout", min=1, max=600, metavar="SECONDES", help="L’attente de chaque lecture."),
    ] = 60,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Montre les réglages trouvés sans toucher au fichier.")
    ] = False,
) -> None:
    """Règle une douchette d’après une étiquette imprimée, et complète le fichier de la caisse.

    La caisse doit être fermée. Une étiquette de calibrage est imprimée, puis lue
    deux fois : pour trouver les réglages, et pour les prouver. Le fichier n’est
    complété qu’après la preuve, et l’ancien est gardé à côté.

    Code de retour : 0 si la douchette lit bien, 1 si elle n’a pas pu être réglée,
    2 si l’adresse ou le fichier est à corriger.
    """
    if action != "setup":
        say("Écrivez : cvconnect scanner setup [URL]", err=True)
        raise typer.Exit(2)
    try:
        _set_up(url, file, png, float(timeout_s), dry_run=dry_run)
    except (ConfigurationError, PackageMissingError) as error:
        raise ended(error, 2) from None
    except DriverError as error:
        raise ended(error, 1) from None
    except KeyboardInterrupt:
        say("\nInterrompu. Le fichier n’a pas été changé.", err=True)
        raise typer.Exit(130) from None


def _set_up(url: str | None, file: Path, png: Path | None, timeout_s: float, *, dry_run: bool) -> None:
    station = StationText(file) if file.exists() else None
    tables = station.scanners() if station else []
    if url is None:
        url = _only_scanner(tables, file, exists=station is not None)
    table = _table_of(url, tables)
    url = str(table.get("url", url))
    options = {key: value for key, value in table.items() if key != "url"}
    factory = load_factory("scanners", url)
    factory(url, options)  # what is wrong is said before paper is used
    if station and not dry_run:
        station.refuse_unwritable()
    printer = station.printer() if station else None
    refuse_label(printer, file, png)
    settings: dict[str, str | int | None] = {}
    new_url, proven = url, options
    with ExitStack() as stack:
        if scheme_of(url) in READABLE:
            reader = stack.enter_context(closing(open_raw(url, options)))
        else:
            reader = None
            with claimed(factory, url, options):
                pass
        say(offer_label(printer, png))
        if reader is None:
            say(f"{url} n’a rien à régler : la lecture suffit.")
        else:
            calibration = _calibrate(reader, timeout_s)
            say("\n".join(describe(calibration)))
            settings = settings_beside(calibration, options)
            new_url = without_query(parse_url(url, READABLE), settings)
            options = {key: value for key, value in (options | settings).items() if value is not None}
            factory(new_url, options)  # what the driver refuses is never written
            # What customers' labels are wrapped in, this one is not.
            proven = options | {"label_prefix": calibration.label_prefix}
    prove(factory, new_url, proven, timeout_s)
    _write(station, file, url, new_url, settings, dry_run=dry_run)


def settings_beside(calibration: Calibration, options: Mapping[str, object]) -> dict[str, str | int | None]:
    """Give the settings that were found, to be put beside those that stand in the station file.

    Args:
        calibration: What was found.
        options: What stands there.

    Returns:
        Keys and values; None takes a key away.
    """
    settings = dict(calibration.settings())
    known = options.get("label_prefix")
    if calibration.label_prefix and isinstance(known, str):
        # What the scanner adds stands before what the customers' labels hold.
        settings["label_prefix"] = calibration.label_prefix + known.removeprefix(calibration.label_prefix)
    return settings


def _only_scanner(tables: Sequence[Mapping[str, object]], file: Path, *, exists: bool) -> str:
    urls = [str(table["url"]) for table in tables]
    if len(urls) == 1:
        return urls[0]
    if not exists:
        fr = f"{file} est introuvable : indiquez-le avec --file, ou l’adresse de la douchette ; « cvconnect devices » la donne."
    elif urls:
        fr = f"{file} a plusieurs douchettes : indiquez l’adresse de celle à régler : {', '.join(urls)}."
    else:
        fr = f"{file} n’a pas de douchette : indiquez son adresse ; « cvconnect devices » la donne."
    code = "SCANNER_URL" if exists else "STATION_FILE"
    raise ConfigurationError(code, fr=fr, en=f"{file}: {len(urls)} scanners; name one")


def _table_of(url: str, tables: Sequence[dict[str, object]]) -> dict[str, object]:
    """Find the table of a scanner: by its URL as it stands there, or by the one that names the same device."""
    same = [each for each in tables if each["url"] == url] or [
        each for each in tables if device_of(str(each["url"])) == device_of(url)
    ]
    return same[0] if same else {}


def device_of(url: str) -> tuple[object, ...]:
    """Tell which device a URL means, however it is written."""
    device = parse_url(url, {scheme_of(url)})
    identity = sorted((key, value.lower()) for key, value in device.query.items() if key in _IDENTITY)
    return (device.scheme, device.target, *identity)


def _calibrate(reader: RawReader, timeout_s: float) -> Calibration:
    """Read the label until it tells something, a few times at most."""
    for left in range(TRIES - 1, -1, -1):
        read = _wait_for_read(reader, timeout_s)
        try:
            return detect(read)  # type: ignore[arg-type] # of one kind, as the reader is
        except CalibrationError as error:
            if not left or not read:
                raise
            say(error.text())
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
        say(f"{file} {why}. Les réglages :\n")
        show(scanner_table(new_url, settings).rstrip())
        return
    before = station.text()
    station.set_scanner(url, new_url, settings)
    if station.text() == before:
        say(f"{file} a déjà ces réglages.")
        return
    with uninterrupted():
        try:
            backup = station.save()
        except ConfigurationError:
            say("Les réglages, à recopier :\n")
            show(scanner_table(new_url, settings).rstrip())
            raise
        say(f"{file} est complété ; l’ancien est gardé dans {backup.name}.")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Do something whole: an interruption says that the file was not changed."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def ended(error: DriverError, status: int) -> typer.Exit:
    """Say what went wrong, and make the exit code."""
    say(f"{error.text()}\nCode : {error.code}", err=True)
    return typer.Exit(status)
