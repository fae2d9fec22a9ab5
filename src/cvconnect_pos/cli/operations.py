"""`cvconnect operations`: what was asked, what came of it, and what a person must still look at.

Reads only; but a journal of an earlier version is brought to the present form first, as by whoever opens it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Final

import typer

from cvconnect_pos.cli.common import STATION, File, Json, day_of, journal_of, refuse, say, say_json, told
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.history import history_text
from cvconnect_pos.messages import report_text
from cvconnect_pos.money import parse_amount
from cvconnect_pos.operation import Operation, OperationStatus, heading, indented
from cvconnect_pos.operations import PAGE, Operations

_STYLES: Final = {
    OperationStatus.APPROVED: "green",
    OperationStatus.PENDING: "yellow",
    OperationStatus.RESERVED: "cyan",
    OperationStatus.DECIDING: "bold yellow",
    OperationStatus.IN_DOUBT: "bold red",
}
"""How a status looks on a terminal."""

_MOST: Final = 1_000


def list_operations(
    file: File = STATION,
    *,
    mine: Annotated[
        str | None, typer.Option("--mine", metavar="VENDEUR", help="Mes opérations : celles de ce vendeur.")
    ] = None,
    basket: Annotated[str | None, typer.Option("--basket", metavar="PANIER", help="N° de panier.")] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATUT", help="Par exemple validé, annulé, expiré, « à décider »."),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Créées ce jour-là ou après.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Créées ce jour-là ou avant.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--amount", metavar="45,50", help="Montant demandé ou reçu, en euros.")
    ] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Seulement celles qui restent à voir.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST, help="Combien au plus.")] = 50,
    before: Annotated[
        int | None, typer.Option("--before", min=1, help="La suite d’une liste, comme elle l’indique.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Liste les opérations, la plus récente d’abord. La caisse peut être ouverte : aucune opération n’est modifiée.

    Un journal d’une version précédente passe d’abord au format actuel.
    Un montant qui n’est pas encore connu est affiché « — ».

    Code de retour : 0, même si la liste est vide ; 2 si le journal
    ne peut pas être lu ou si une option ne convient pas.
    """
    status = _status(state)
    since, until = day_of(first), day_of(last)
    with told():
        cents = None if amount is None else parse_amount(amount)
    with journal_of(file) as journal:
        page = Operations(journal).list(
            mine=mine,
            basket_ref=basket,
            status=status,
            since=since,
            until=until,
            amount_cents=cents,
            open_only=open_only,
            limit=limit,
            before=before,
        )
    if as_json:
        say_json(page.as_dict())
        return
    _say_all(page.operations)
    if page.before is not None:
        say(report_text("operations_more", "fr", before=page.before))


def show(
    request_id: Annotated[str, typer.Argument(metavar="DEMANDE", help="La demande (request_id).")],
    file: File = STATION,
) -> None:
    """Raconte une opération : toutes ses écritures, l’identifiant du client masqué. La caisse peut être ouverte.

    Code de retour : 0, 1 si la demande est inconnue,
    2 si le journal ne peut pas être lu.
    """
    with journal_of(file) as journal:
        entries = Operations(journal).entries(request_id)
    say(request_id, "bold")
    say(history_text(entries))


def open_items(file: File = STATION, *, as_json: Json = False) -> None:
    """Liste ce qui reste à voir, ce qui empêche la clôture et que faire. La caisse peut être ouverte.

    Code de retour : 0 si rien n’empêche la clôture de la journée, 1 sinon,
    2 si le journal ne peut pas être lu.
    """
    with journal_of(file) as journal:
        found = list(_open(Operations(journal)))[::-1]
    blocking = sum(each.blocks_day_close for each in found)
    if as_json:
        say_json({"operations": [each.as_dict() for each in found], "blocking": blocking})
    elif not found:
        say("Rien à voir : la journée peut être clôturée.", "green")
    else:
        say(heading(), "bold")
        for each in found:
            _say_one(each)
            closing = report_text("blocks_day_close" if each.blocks_day_close else "carried_over", "fr")
            said = "\n".join(indented(f"{closing} {report_text(f'todo_{each.needs}', 'fr')}"))
            say(said, "red" if each.blocks_day_close else "")
        say(f"Empêchent la clôture : {blocking} sur {len(found)}.", "bold")
    raise typer.Exit(1 if blocking else 0)


def _open(operations: Operations) -> Iterator[Operation]:
    page = operations.list(open_only=True, limit=PAGE)
    yield from page.operations
    while page.before is not None:
        page = operations.list(open_only=True, limit=PAGE, before=page.before)
        yield from page.operations


def _say_all(found: tuple[Operation, ...]) -> None:
    if not found:
        say(report_text("operations_none", "fr"))
        return
    say(heading(), "bold")
    for each in found:
        _say_one(each)


def _say_one(operation: Operation) -> None:
    first, _, rest = operation.text().partition("\n")
    say(first, _STYLES.get(operation.status, ""))
    say(rest, "dim")


def _status(word: str | None) -> OperationStatus | State | None:
    """Read a status as a person writes it: `validé`, `VALIDE`, `a-decider`; or the name of a status or a state."""
    if word is None:
        return None
    known: dict[str, OperationStatus | State] = {_plain(state.value): state for state in State}
    known |= {_plain(status.value): status for status in OperationStatus}
    known |= {_plain(status.text()): status for status in OperationStatus}
    if _plain(word) not in known:
        refuse(f"Statut inconnu. Statuts : {', '.join(status.text() for status in OperationStatus)}.")
    return known[_plain(word)]


def _plain(word: str) -> str:
    bare = unicodedata.normalize("NFKD", word).replace("-", " ").replace("_", " ")
    return " ".join("".join(c for c in bare if not unicodedata.combining(c)).casefold().split())


COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "list": list_operations,
    "show": show,
    "open": open_items,
}
"""The commands, by their names."""
