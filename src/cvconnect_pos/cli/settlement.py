"""`cvconnect settlement`: the transfers to expect, and the provider's export beside the journal. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from cvconnect_pos.cli.common import STATION, YEARS, Json, day_of, open_journal, refuse, say, say_json, told
from cvconnect_pos.configuration import StationFile, read_station_file
from cvconnect_pos.core.calendar import WorkingDays
from cvconnect_pos.operations import Operations
from cvconnect_pos.outcome import Outcome
from cvconnect_pos.provider_export import MAX_EXPORT, PROVIDER_EXPORT, ExportRow, decode_export, read_export
from cvconnect_pos.reconciliation import reconcile
from cvconnect_pos.settlement import forecast_settlement, payment_day
from cvconnect_pos.tickets import PARIS

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FICHIER",
        help="Les fichiers de toutes les caisses du commerce ; par défaut cvconnect.toml.",
        show_default=False,
    ),
]

_SHOWN_DAYS: Final = timedelta(days=14)
"""Long enough for every payment whose transfer is still to come: five working days are never more than twelve days."""

_BEFORE, _AFTER = timedelta(days=1), timedelta(days=31)
"""How far from the day of its payment an export may date a line: it was created up to thirty days before, or reversed
within hours after."""


def forecast(
    files: Files = None,
    *,
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="Premier jour ; par défaut quatorze jours avant le dernier."
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Dernier jour ; par défaut aujourd’hui."),
    ] = None,
    alsace_moselle: Annotated[
        bool, typer.Option("--alsace-moselle", help="Vendredi saint et 26 décembre sont fériés.")
    ] = False,
    bank: Annotated[
        bool, typer.Option("--bank", help="Compte aussi les jours de fermeture des banques.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Prévoit les virements des encaissements d’une période. La caisse peut être ouverte.

    Les dates sont estimées : cinq jours ouvrés après l’encaissement.

    Code de retour : 0, ou 2 si un journal ne peut pas être lu
    ou si une option ne convient pas.
    """
    until = day_of(last) or datetime.now(UTC).astimezone(PARIS).date()
    since = day_of(first) or until - _SHOWN_DAYS
    with told():
        outcomes = _outcomes(_stations(files), since, until)
    expected = forecast_settlement(
        outcomes, working_days=WorkingDays(alsace_moselle=alsace_moselle, bank=bank)
    )
    if as_json:
        say_json({"from": since.isoformat(), "to": until.isoformat(), **expected.as_dict()})
    else:
        say(_period(since, until), "bold")
        say(expected.text())


def compare(
    export: Annotated[Path, typer.Argument(metavar="EXPORT.csv", help="L’export du fournisseur.")],
    files: Files = None,
    *,
    day: Annotated[
        datetime | None,
        typer.Option(
            "--day", formats=["%Y-%m-%d"], help="La journée de l’export ; par défaut la période de ses dates."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Rapproche un export du fournisseur et les journaux du commerce. Les caisses peuvent être ouvertes.

    Code de retour : 0 si tout concorde, 1 si quelque chose est à vérifier,
    2 si l’export ou un journal ne peut pas être lu.
    """
    with told():
        text = decode_export(_read(export))
        rows = read_export(text, PROVIDER_EXPORT)[0]
        stations = _stations(files)
        first, last = _days(rows, day_of(day))
        outcomes = _around(rows, stations, first, last)
        report = reconcile(text, outcomes, simulation=_is_simulation(stations))
    if as_json:
        say_json({"from": first.isoformat(), "to": last.isoformat(), **report.as_dict()})
    else:
        say(_period(first, last), "bold")
        say(report.text())
    raise typer.Exit(0 if report.is_clean else 1)


def _read(export: Path) -> bytes:
    try:
        with export.open("rb") as file:
            return file.read(MAX_EXPORT + 1)  # one more than is accepted: what is larger is refused, not read
    except OSError as error:
        refuse(f"{export} ne peut pas être lu : {error.strerror}")


def _days(rows: Sequence[ExportRow], day: date | None) -> tuple[date, date]:
    """Tell the period of an export: the day that was said, or the days that its lines name."""
    days = [day] if day else [row.day for row in rows if row.day and row.day.year in YEARS]
    if not days:
        refuse("L’export n’a aucune date lisible : indiquez sa journée avec --day.")
    return min(days), max(days)


def _stations(files: Sequence[Path] | None) -> dict[Path, StationFile]:
    return {file: read_station_file(file) for file in files or [STATION]}


def _is_simulation(stations: dict[Path, StationFile]) -> bool:
    environments = {station.provider.environment for station in stations.values()}
    if len(environments) > 1:
        refuse("Des caisses de production et de test : rapprochez-les séparément.")
    return environments != {"production"}


def _around(
    rows: Sequence[ExportRow], stations: dict[Path, StationFile], first: date, last: date
) -> list[Outcome]:
    """Read the outcomes of a period, and those of the days around it that the export names."""
    named = {row.transaction_id for row in rows if row.transaction_id}
    return [
        outcome
        for outcome in _outcomes(stations, first - _BEFORE, last + _AFTER)
        if first <= payment_day(outcome) <= last or outcome.transaction_id in named
    ]


def _outcomes(stations: dict[Path, StationFile], first: date, last: date) -> list[Outcome]:
    """Read the outcomes of all tills; a journal that several share is read once."""
    journals = {(file.parent / station.journal.path).resolve(): file for file, station in stations.items()}
    outcomes: list[Outcome] = []
    for file in journals.values():
        with open_journal(stations[file], file) as journal:
            outcomes += Operations(journal).outcomes(first, last)
    return outcomes


def _period(first: date, last: date) -> str:
    return f"Du {first:%d/%m/%Y} au {last:%d/%m/%Y}" if first != last else f"Journée du {first:%d/%m/%Y}"


COMMANDS: Final[dict[str, Callable[..., None]]] = {"forecast": forecast, "reconcile": compare}
"""The commands, by their names."""
