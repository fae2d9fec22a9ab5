"""The right to use a printer: what to install, and the commands for it (Linux)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cvconnect_drivers.cli.words import say, show
from cvconnect_drivers.printer_discovery import FoundPrinter, discover_printers

RULES: Final = "/etc/udev/rules.d/70-cvconnect.rules"
"""Before 73-seat-late.rules, which reads the tag `uaccess`."""

_SUBSYSTEMS: Final = {"usb": "usb", "device": "usbmisc"}


def prescribe(denied: Sequence[FoundPrinter]) -> None:
    """Say what lets this account use some printers.

    Args:
        denied: Those that it may not use.
    """
    rules = dict.fromkeys(each.udev_rule for each in denied if each.udev_rule)
    if rules:
        say(f"\nRègle udev à installer dans {RULES}", "bold")
        show("\n".join(rules))
        say("\nCommandes", "bold")
        for rule in rules:
            show(f"  echo '{rule}' | sudo tee -a {RULES}")
        show("  sudo udevadm control --reload")
        for subsystem in dict.fromkeys(_SUBSYSTEMS[each.kind] for each in denied if each.udev_rule):
            show(f"  sudo udevadm trigger --subsystem-match={subsystem}")
        say(
            "La personne assise à la machine peut alors imprimer. Pour une caisse lancée comme service, ajoutez son compte "
            "au groupe lp, puis redémarrez-la :"
        )
        show("  sudo usermod -aG lp COMPTE")
    if any(each.kind == "serial" for each in denied):
        say("\nPort série : ajoutez ce compte au groupe dialout, puis rouvrez la session", "bold")
        show("  sudo usermod -aG dialout COMPTE")


def prescribe_for(url: str) -> None:
    """Say what lets this account use the printer of a URL that was refused.

    Args:
        url: Its URL.
    """
    kind = url.partition(":")[0]
    same_kind = [each for each in discover_printers().printers if each.kind == kind]
    named = [each for each in same_kind if each.url == url or each.path in url.partition("?")[0]]
    prescribe(named or same_kind)
