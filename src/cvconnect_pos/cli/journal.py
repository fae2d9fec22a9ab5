"""`cvconnect journal`: verify, export, close a day, beside an open till or a closed one; and what mends, with it closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cvconnect_pos.cli.common import STATION, File, day_of, journal_of, told
from cvconnect_pos.configuration import read_station_file
from cvconnect_pos.journal import mend
from cvconnect_pos.journal.base import Search
from cvconnect_pos.journal.closings import Totals
from cvconnect_pos.journal.export import PARIS
from cvconnect_pos.journal.sqlite import beside
from cvconnect_pos.journal.verify import Finding, verify
from cvconnect_pos.money import format_amount

FAULTS: Final = {
    "CHANGED": "l’écriture {seq} n’est plus celle qui a été écrite",
    "MISSING": "l’écriture {seq} manque",
    "REORDERED": "l’écriture {seq} n’est pas à sa place",
    "CUT": "la fin manque, à partir de l’écriture {seq}",
    "PAGE": "le fichier est abîmé ({detail})",
    "HEAD": "le témoin connaît une autre écriture {seq} : ce fichier n’est pas le plus récent",
    "HEAD_MISSING": "le témoin manque ou n’est pas lisible ({detail})",
    "INDEX": "la liste des opérations ne dit pas la même chose que les écritures ({detail})",
    "CLOSING": "la clôture {detail} n’est pas juste",
    "IDENTIFIER": "l’identifiant client de l’écriture {seq} manque ou a été modifié ({detail})",
}
"""What a finding means; the words are the reader's, the codes are `Finding.code`."""

NOTES: Final = {
    "NEW_KEYS": "les clés étaient perdues à l’écriture {seq} ; depuis, la clé {detail} signe",
    "RESTORED": "une copie plus ancienne a été remise avant l’écriture {seq} ; écritures perdues : {detail}",
}
"""What the journal says of itself; the codes are those of `Report.notes`."""

_SHOWN = 20


class Form(StrEnum):
    """What an export looks like."""

    CSV = "csv"
    JSONL = "jsonl"


def check_chain(file: File = STATION) -> None:
    """Vérifie tout le journal : chaque écriture, chaque clôture, chaque identifiant chiffré.

    La caisse peut rester ouverte. Rien n’est modifié.

    Code de retour : 0 si tout va bien, 1 si quelque chose a été modifié ou manque,
    2 si le journal ne peut pas être lu.
    """
    with told():
        table = read_station_file(file).journal
        report = verify(file.parent / table.path, **beside(table, file.parent))
    typer.echo(
        f"{report.entries} écritures, {report.attempts} opérations, {len(report.closings)} clôtures,"
        f" {report.identifiers} identifiants chiffrés."
    )
    if report.lost_identifiers:
        typer.echo(f"Identifiants dont la clé est perdue : {report.lost_identifiers}")
    for note in report.notes:
        typer.echo(f"À savoir : {NOTES[note.code].format(seq=note.seq, detail=note.detail)}.")
    typer.echo(f"Dernière écriture : {report.head.seq} {report.head.hash.hex()}")
    for key in sorted({closing.key_id for closing in report.closings}):
        typer.echo(f"Clé des clôtures : {key}")
    for finding in report.findings[:_SHOWN]:
        typer.echo(f"Anomalie : {_words(finding)}.", err=True)
    if report.findings:
        typer.echo("N’y touchez pas, et contactez votre assistance.", err=True)
        raise typer.Exit(1)
    typer.echo("Le journal est intact.")


def export(
    file: File = STATION,
    *,
    form: Annotated[
        Form, typer.Option("--format", help="csv : une ligne par opération ; jsonl : toutes les écritures.")
    ] = Form.CSV,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Le fichier à écrire ; par défaut journal.csv ou journal.jsonl."),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Premier jour (csv).")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Dernier jour (csv).")
    ] = None,
) -> None:
    """Exporte le journal, sans identifiant client en clair. La caisse peut rester ouverte."""
    begin, end = day_of(first), day_of(last)
    search = Search(
        opened_from=_midnight(begin) if begin else None,
        opened_before=_midnight(end + timedelta(days=1)) if end else None,
    )
    target = output or Path(f"journal.{form.value}")
    with journal_of(file) as journal:
        try:
            # Never over something that exists: it might be the journal itself, or its keys.
            with target.open("x", encoding="utf-8", newline="") as out:
                try:
                    out.writelines(journal.export(form.value, search))
                except BaseException:
                    out.close()
                    target.unlink()  # half an export is none
                    raise
        except FileExistsError:
            typer.echo(f"{target} existe déjà : choisissez un autre nom avec --output.", err=True)
            raise typer.Exit(2) from None
        except OSError as error:
            typer.echo(f"{target} ne peut pas être écrit : {error.strerror}", err=True)
            raise typer.Exit(2) from None
    typer.echo(f"Écrit : {target}")


def close_day(
    file: File = STATION,
    *,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="La journée ; par défaut aujourd’hui."),
    ] = None,
) -> None:
    """Clôture une journée, et le mois et l’année qui se terminent : totaux signés.

    La caisse peut rester ouverte. Refusé tant qu’une opération est en attente ou non enregistrée ;
    une réservation, ou une demande différée que le client peut encore valider, passe à la journée suivante.
    """
    now = datetime.now(UTC)
    today = now.astimezone(PARIS).date()
    wanted = day.date() if day else today
    if wanted > today:
        typer.echo(f"La journée du {_date(wanted)} n’est pas commencée.", err=True)
        raise typer.Exit(2)
    with journal_of(file) as journal:
        closings = journal.close_day(wanted, now)
    if not closings:
        typer.echo(f"La journée du {_date(wanted)} est déjà clôturée.")
    for closing in closings:
        typer.echo(f"Clôture {closing.request_id}, jusqu’à l’écriture {closing.last_seq} :")
        typer.echo(f"  production : {_totals(closing.period_totals.production)}")
        typer.echo(f"  simulation : {_totals(closing.period_totals.simulation)}")


def make_head(
    file: File = STATION,
    *,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Continue avec une copie plus ancienne ; une écriture dit ce qui manque."
        ),
    ] = False,
) -> None:
    """Refait le témoin d’un journal intact, quand on sait pourquoi il manque. La caisse doit être fermée."""
    with told():
        table = read_station_file(file).journal
        path, where = file.parent / table.path, beside(table, file.parent)
        loss = mend.accept_loss(path, at=datetime.now(UTC), **where) if accept_loss else None
        head = loss.head if loss else mend.restore_head(path, **where)
    if loss:
        typer.echo(f"Écritures perdues : {loss.lost}. Comparez avec les versements avant d’encaisser.")
    typer.echo(f"Témoin refait : {head.seq} {head.hash.hex()}")


def make_keys(
    file: File = STATION,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Oui, les anciennes clés sont perdues.")] = False,
) -> None:
    """Fait de nouvelles clés quand les anciennes sont perdues. La caisse doit être fermée.

    Les identifiants clients chiffrés avec les anciennes restent illisibles pour toujours.
    """
    if not yes:
        typer.echo("Les anciennes clés sont-elles perdues pour toujours ? Alors ajoutez --yes.", err=True)
        raise typer.Exit(2)
    with told():
        table = read_station_file(file).journal
        name = mend.new_keys(file.parent / table.path, at=datetime.now(UTC), **beside(table, file.parent))
    typer.echo(f"Nouvelle clé des clôtures : {name}. Sauvegardez les clés maintenant.")


def rotate_key(file: File = STATION) -> None:
    """Remplace la clé qui protège les identifiants des clients. La caisse doit être fermée."""
    with journal_of(file) as journal:
        count = journal.rotate_key()
    typer.echo(
        f"Clé remplacée, {count} identifiants repris. Renouvelez la sauvegarde des clés : l’ancienne ne sert plus."
    )


def erase(
    request_id: Annotated[str, typer.Argument(metavar="DEMANDE", help="La demande (request_id).")],
    file: File = STATION,
) -> None:
    """Efface pour toujours l’identifiant client d’une demande terminée ; le journal reste vérifiable."""
    with journal_of(file) as journal:
        count = journal.erase(request_id, datetime.now(UTC))
    typer.echo(f"Identifiants effacés : {count}")


def _words(finding: Finding) -> str:
    return FAULTS[finding.code].format(seq=finding.seq, detail=finding.detail)


def _totals(totals: Totals) -> str:
    return (
        f"{totals.attempts} opérations, {totals.payments} paiements, {format_amount(totals.received_cents)} reçus,"
        f" {format_amount(totals.reversed_cents)} remboursés"
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS)


def _date(day: date) -> str:
    return f"{day:%d/%m/%Y}"


COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "verify": check_chain,
    "export": export,
    "close-day": close_day,
    "restore-head": make_head,
    "new-keys": make_keys,
    "rotate-key": rotate_key,
    "erase": erase,
}
"""The commands, by their names."""
