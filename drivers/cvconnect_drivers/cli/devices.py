"""`cvconnect devices`: what is plugged in, by identity, with the URL to put into the station file. Opens nothing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cvconnect_drivers.cli.words import KINDS, SURE, say, show
from cvconnect_drivers.discovery import Discovery, Found, discover


def command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="En JSON, pour un programme.")] = False,
) -> None:
    """Liste les douchettes branchées, et l’adresse de chacune pour le fichier de la caisse.

    Rien n’est ouvert ni réservé : la caisse peut être en marche.

    Code de retour : 0 si une douchette est possible, 1 si rien n’y ressemble.
    """
    discovery = discover()
    if as_json:
        typer.echo(json.dumps(_as_json(discovery), ensure_ascii=False, indent=2))
    else:
        _tell(discovery)
    if all(each.sureness == "unlikely" for each in discovery.devices):
        raise typer.Exit(1)


def _tell(discovery: Discovery) -> None:
    candidates = [each for each in discovery.devices if each.sureness != "unlikely"]
    for found in discovery.devices:
        _tell_one(found)
    if not candidates:
        say("Aucune douchette reconnue : branchez-la, attendez deux secondes, et recommencez.", "yellow")
        say(
            "Si elle est branchée, elle ne dit pas ce qu’elle est : débranchez-la, recommencez, "
            "et voyez quel appareil disparaît."
        )
    for kind, why in discovery.unlooked.items():
        say(f"\nNon cherché ({KINDS[kind]}) : {why}", "yellow")
    if not candidates:
        return
    say("À mettre dans le fichier de la caisse :\n", "bold")
    show(f'[[scanners]]\nurl = "{candidates[0].url}"')
    if len(candidates) > 1:
        say(
            "\nPlusieurs appareils sont possibles : débranchez la douchette et recommencez pour voir lequel disparaît."
        )
    if not candidates[0].readable:
        say("\nCe compte n’a pas le droit de la lire : cvconnect doctor dit quoi installer.", "yellow")
    say("\nEnsuite : cvconnect scanner setup, pour régler la lecture avec une étiquette.")


def _tell_one(found: Found) -> None:
    words, style = SURE[found.sureness]
    say(found.name, "bold")
    say(f"  {words}, {KINDS[found.kind]}{f', fabricant {found.maker}' if found.maker else ''}", style)
    identity = found.identity
    if identity.vendor:
        serial = f"série {identity.serial}" if identity.serial else "sans numéro de série"
        say(f"  {identity.vendor}:{identity.product}, {serial}, prise {identity.port or 'inconnue'}")
    say(f"  {found.path}{'' if found.readable else ' : accès refusé'}", "" if found.readable else "red")
    show(f"  {found.url}\n")


def _as_json(discovery: Discovery) -> dict[str, object]:
    return {
        "devices": [
            {
                "kind": each.kind,
                "name": each.name,
                "vendor": each.identity.vendor,
                "product": each.identity.product,
                "serial": each.identity.serial,
                "port": each.identity.port,
                "path": each.path,
                "url": each.url,
                "scanner": each.sureness,
                "readable": each.readable,
            }
            for each in discovery.devices
        ],
        "not_looked_at": [{"kind": kind, "why": why} for kind, why in discovery.unlooked.items()],
    }
