"""What `cvconnect doctor` says of printers: the right to use them, and what the one of the station file answers."""

from __future__ import annotations

import time
from pathlib import Path

from cvconnect_drivers.cli.installed import load_factory
from cvconnect_drivers.cli.printer_asking import meet, target_of
from cvconnect_drivers.cli.printer_place import find_place
from cvconnect_drivers.cli.printer_rights import prescribe
from cvconnect_drivers.cli.printer_state import REMEDIES, describe_state, is_known
from cvconnect_drivers.cli.station_text import StationText
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.printer_discovery import RECOGNISED, discover_printers
from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_drivers.printers.status import why_not_ready


def check_printers(file: Path) -> bool:
    """Say of each printer whether this account may use it, and ask the one of the station file how it is.

    Args:
        file: The station file, which need not be there.

    Returns:
        Whether nothing is to be corrected.
    """
    say("\nImprimantes", "bold")
    discovery = discover_printers()
    printers = [each for each in discovery.printers if each.sureness in RECOGNISED]
    for why in discovery.unlooked.values():
        say(f"  {why}", "yellow")
    for each in printers:
        right = "utilisable" if each.usable else "accès refusé"
        say(f"  {each.name} ({each.url}) : {right}", "green" if each.usable else "red")
    denied = [each for each in printers if not each.usable]
    answers = _ask_the_one_of(file)
    if not printers and answers is None:
        say("  Aucune imprimante reconnue : cvconnect devices dit comment la désigner.", "yellow")
    if denied:
        prescribe(denied)
    return not denied and answers is not False


def _ask_the_one_of(file: Path) -> bool | None:
    """Ask the station file's printer; None where there is none."""
    if not file.exists():
        return None
    try:
        if StationText(file).printer() is None:
            return None
        place = find_place(None, file)
        say(f"  {place.url} ({file})")
        printer = load_factory("printers", place.url)(place.url, place.options)
        target = target_of(place.url, place.options)
        if target is None or not target.answers or not isinstance(printer, EscPosPrinter):
            say("    Elle ne dit rien de son état : cvconnect printer test imprime un ticket d’essai.")
            return True
        meet(target, place.url)
        printer.check_health("external")
    except DriverError as error:
        say(f"    {error.text()}", "red")
        return False
    status = printer.status
    if not is_known(status):
        say("    Elle ne répond pas aux questions ; cvconnect printer test dit si elle imprime.", "yellow")
        return True
    reason = why_not_ready(status)
    say("\n".join(f"    {line}" for line in describe_state(status, time.monotonic())))
    if reason is not None:
        say(f"    {reason[1]} {REMEDIES.get(reason[0], '')}".rstrip(), "red")
    return reason is None
