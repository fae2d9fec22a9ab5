"""`cvconnect devices`: what is plugged in, by identity, with the URL to put into the station file. Opens nothing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cvconnect_drivers.cli.words import KINDS, SURE, say, show
from cvconnect_drivers.discovery import Discovery, Found, Sureness, discover
from cvconnect_drivers.printer_discovery import (
    RECOGNISED,
    FoundPrinter,
    PrinterDiscovery,
    PrinterKind,
    discover_printers,
)

PRINTER_KINDS: dict[PrinterKind, str] = {
    "usb": "USB",
    "device": "fichier d’appareil de Linux",
    "serial": "port série",
}
PRINTER_SURE: dict[Sureness, tuple[str, str]] = {
    "sure": ("imprimante", "green"),
    "likely": ("sans doute une imprimante", "green"),
    "possible": ("peut-être une imprimante", "yellow"),
    "unlikely": ("plutôt autre chose", "dim"),
}


def command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="En JSON, pour un programme.")] = False,
) -> None:
    """Liste les douchettes et les imprimantes branchées, et leur adresse pour le fichier de la caisse.

    Rien n’est ouvert ni réservé : la caisse peut être en marche. Le réseau n’est
    pas fouillé : une imprimante s’y désigne par son adresse.

    Code de retour : 0 si une douchette est possible ou une imprimante reconnue,
    1 si rien n’y ressemble.
    """
    discovery, printers = discover(), discover_printers()
    if as_json:
        told = _as_json(discovery) | _printers_as_json(printers)
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(discovery)
        _tell_printers(printers)
    scanner = any(each.sureness != "unlikely" for each in discovery.devices)
    printer = any(each.sureness in RECOGNISED for each in printers.printers)
    if not (scanner or printer):
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


def _tell_printers(discovery: PrinterDiscovery) -> None:
    say("\nImprimantes", "bold")
    # A port that says nothing of itself stands among the scanners' already: named once more, it is told where to look.
    ports = [each for each in discovery.printers if each.kind == "serial" and each.sureness == "possible"]
    printers = [each for each in discovery.printers if each.sureness in RECOGNISED]
    for found in printers:
        _tell_printer(found)
    for kind, why in discovery.unlooked.items():
        say(f"  Non cherché ({PRINTER_KINDS[kind]}) : {why}", "yellow")
    if not printers:
        say("  Aucune imprimante reconnue en USB.", "yellow")
    if ports:
        say("  Une imprimante sur un port série ne dit pas ce qu’elle est ; elle serait l’une de celles-ci :")
        for found in ports:
            show(f"  {found.url}")
    say("  Une imprimante du réseau s’écrit tcp://ADRESSE:9100 (son adresse est sur sa page d’auto-test).")
    if not printers:
        say("  Ensuite : cvconnect printer setup --url ADRESSE")
        return
    say("\nÀ mettre dans le fichier de la caisse :\n", "bold")
    show(f'[printer]\nurl = "{printers[0].url}"')
    if not printers[0].usable:
        say("\nCe compte n’a pas le droit de s’en servir : cvconnect doctor dit quoi installer.", "yellow")
    say("\nEnsuite : cvconnect printer setup, qui imprime une page de calibrage et complète le fichier.")


def _tell_printer(found: FoundPrinter) -> None:
    words, style = PRINTER_SURE[found.sureness]
    say(f"  {found.name}", "bold")
    say(f"    {words}, {PRINTER_KINDS[found.kind]}", style)
    identity = found.identity
    if identity.vendor:
        serial = f"série {identity.serial}" if identity.serial else "sans numéro de série"
        say(f"    {identity.vendor}:{identity.product}, {serial}, prise {identity.port or 'inconnue'}")
    if found.kind != "usb" or not found.usable:
        say(f"    {found.path}{'' if found.usable else ' : accès refusé'}", "" if found.usable else "red")
    show(f"    {found.url}\n")


def _printers_as_json(discovery: PrinterDiscovery) -> dict[str, object]:
    return {
        "printers": [
            {
                "kind": each.kind,
                "name": each.name,
                "vendor": each.identity.vendor,
                "product": each.identity.product,
                "serial": each.identity.serial,
                "port": each.identity.port,
                "path": each.path,
                "url": each.url,
                "printer": each.sureness,
                "usable": each.usable,
            }
            for each in discovery.printers
        ],
        "printers_not_looked_at": [{"kind": kind, "why": why} for kind, why in discovery.unlooked.items()],
    }


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
