"""`cvconnect check`: is the station file right, and are its devices there? Touches no payment."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Final, Protocol, runtime_checkable

import typer

from cvconnect_pos.configuration import JournalTable, StationFile, read_station_file
from cvconnect_pos.credential import Credential, forget, refusal_beside
from cvconnect_pos.errors import ConfigError, JournalError
from cvconnect_pos.peripherals import Display, Health, HealthState, Printer, Scanner
from cvconnect_pos.station import make_devices, make_gateway

CLAIM_S: Final = 3.0
"""As long as a till gives a device when it starts."""

STATES: Final[dict[HealthState, str]] = {
    "ready": "prêt",
    "degraded": "à surveiller",
    "absent": "absent",
    "unknown": "état inconnu",
}


@runtime_checkable
class _Speaking(Protocol):
    """An error that says in French what is wrong, as those of the SDK and of its drivers do."""

    def text(self) -> str:
        """Say what is wrong."""
        ...


def check(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Le fichier de la caisse.")] = Path(
        "cvconnect.toml"
    ),
    *,
    retry_credential: Annotated[
        bool,
        typer.Option(
            "--retry-credential",
            help="La clé refusée par le service a été rétablie : la caisse peut l’essayer à nouveau.",
        ),
    ] = False,
) -> None:
    """Vérifie le fichier d’une caisse et l’état de ses périphériques.

    La caisse doit être fermée. Aucun paiement n’est demandé, repris ni annulé.
    Une clé que le service a refusée n’est plus essayée tant qu’elle n’a pas été changée.

    Code de retour : 0 si tout va bien, 1 si un périphérique manque ou si la clé a été refusée,
    2 si le fichier est à corriger.
    """
    try:
        station = read_station_file(file)
        gateway = make_gateway(station, file)
        gateway.close()
        refused = refusal_beside(file.parent / station.journal.path)
        if retry_credential:
            forget(refused)
        refusal = Credential(gateway.fingerprint, refused).refusal
        scanners, displays, printer = make_devices(station, file)
        _check_closed(station.journal, file.parent)
    except (ConfigError, JournalError) as error:
        typer.echo(f"{error.text()}\n{error.remedy()}\nCode : {error.code}", err=True)
        raise typer.Exit(2) from None
    devices: list[Scanner | Display | Printer] = [*scanners, *displays, *([printer] if printer else [])]
    # A customer display may be this very terminal, and is erased: all of them first, then the words.
    found = [(device.name, *_visit(device)) for device in devices]
    _describe(station, file)
    for name, state, detail in found:
        typer.echo(f"\n{name}\n  {STATES[state]} : {detail}")
    if refusal is not None:
        typer.echo(f"\n{refusal.text()}\n{refusal.remedy()}\nCode : {refusal.code}", err=True)
        typer.echo("Si elle est juste à présent : cvconnect check --retry-credential", err=True)
    if refusal is not None or any(state not in {"ready", "unknown"} for _, state, _ in found):
        raise typer.Exit(1)


def _check_closed(journal: JournalTable, folder: Path) -> None:
    """Refuse to touch the devices of a till that is open: its customer may be looking at a QR."""
    if (folder / journal.path).exists():
        from cvconnect_pos.journal.sqlite import SqliteJournal

        opened = SqliteJournal.of_table(journal, folder)
        try:
            if others := opened.others_alive():
                raise JournalError("JOURNAL_IN_USE", path=str(folder / journal.path), count=others)
        finally:
            opened.close()


def _describe(station: StationFile, file: Path) -> None:
    where = "production" if station.provider.environment == "production" else "test, sans valeur"
    typer.echo(f"Le fichier {file} est correct.")
    typer.echo(f"{station.shop.name} : {station.provider.url} ({where})")


def _visit(device: Scanner | Display | Printer) -> tuple[HealthState, str]:
    """Claim a device, ask it how it is, and give it back."""
    try:
        if isinstance(device, Scanner):
            device.claim(on_status=_ignore, timeout_s=CLAIM_S)
        else:
            device.claim(timeout_s=CLAIM_S)
        health = device.check_health("external")
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        return "absent", _words(error)
    else:
        return health.state, health.detail
    finally:
        with contextlib.suppress(Exception):
            device.release()


def _words(error: Exception) -> str:
    return error.text() if isinstance(error, _Speaking) else type(error).__name__


def _ignore(_health: Health) -> None:
    """The state is asked for instead."""
