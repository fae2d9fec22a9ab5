"""`cvconnect doctor`: why a scanner cannot be read or a printer not used, and what to install. Changes nothing."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cvconnect_drivers.cli.doctor_printers import check_printers
from cvconnect_drivers.cli.printer_rights import RULES
from cvconnect_drivers.cli.words import say, show
from cvconnect_drivers.discovery import Found, Kind, discover
from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.links.usb_devices import load_backend
from cvconnect_drivers.scanners.hidpos import load_hidapi
from cvconnect_drivers.scanners.plug_watch import UDEV


@dataclass(frozen=True, slots=True)
class Component:
    """A package that only some scanners need.

    Args:
        distributions: Its names on PyPI; one of them is enough.
        use: What it is for, in French.
        extra: Which extra of this package brings it.
        load: Imports it, or raises.
        kind: The devices that cannot be read without it; None when they all can.
    """

    distributions: tuple[str, ...]
    use: str
    extra: str
    load: Callable[[], object]
    kind: Kind | None
    linux_only: bool = False


def _load_udev() -> object:
    pyudev: Any = import_module("pyudev")  # it has no types
    return pyudev.Context()


COMPONENTS: Final = (
    Component(
        ("evdev", "evdev-binary"),
        "douchettes en mode clavier",
        "cvconnect-pos[evdev]",
        lambda: import_module("evdev"),
        "keyboard",
        linux_only=True,
    ),
    Component(
        ("pyudev",), "rebranchement vu aussitôt", "cvconnect-pos[evdev]", _load_udev, None, linux_only=True
    ),
    Component(("hidapi",), "douchettes en mode HID-POS", "cvconnect-pos[hidpos]", load_hidapi, "hidpos"),
    Component(
        ("pyserial",), "douchettes sur un port série", "pyserial", lambda: import_module("serial"), "serial"
    ),
    Component(("pyusb",), "imprimantes USB", "cvconnect-pos[usb]", load_backend, None),
)


def command(
    *,
    file: Annotated[Path, typer.Option("--file", metavar="FICHIER", help="Le fichier de la caisse.")] = Path(
        "cvconnect.toml"
    ),
) -> None:
    """Dit ce qui empêche de lire une douchette ou d’imprimer, et quoi installer.

    Rien n’est modifié, aucune douchette n’est ouverte : la caisse peut être en
    marche. L’imprimante du fichier est interrogée ; rien n’en sort.

    Code de retour : 0 s’il n’y a rien à corriger, 1 s’il y a quelque chose à corriger.
    """
    discovery = discover()
    scanners = _scanners(discovery.devices)
    say("Composants", "bold")
    missing = list(_check_components({each.kind for each in scanners}))
    if platform.system() == "Linux":
        _check_udev()
    for why in discovery.unlooked.values():
        say(f"  {why}", "yellow")
    say("\nDouchettes", "bold")
    if not scanners:
        say("  Aucune douchette reconnue : cvconnect devices montre tout ce qui est branché.", "yellow")
    for each in scanners:
        style = "green" if each.readable else "red"
        say(f"  {each.name} ({each.path}) : {'lisible' if each.readable else 'accès refusé'}", style)
    denied = [each for each in scanners if not each.readable]
    if denied:
        _prescribe(denied)
    if missing:
        say("\nÀ installer", "bold")
        show("\n".join(f'  pip install "{extra}"' for extra in dict.fromkeys(missing)))
    printers_print = check_printers(file)
    if denied or missing or not printers_print:
        raise typer.Exit(1)
    say("\nRien à corriger.", "green")


def _scanners(devices: Sequence[Found]) -> list[Found]:
    """Keep what is a scanner for certain or likely; where nothing is, what may be one."""
    likely = [each for each in devices if each.sureness in {"sure", "likely"}]
    return likely or [each for each in devices if each.sureness == "possible"]


def _check_components(needed: set[Kind]) -> Iterator[str]:
    """Tell of each package; give the extras that a device needs which is plugged in."""
    for component in COMPONENTS:
        if component.linux_only and platform.system() != "Linux":
            continue
        there = [f"{name} {number}" for name in component.distributions if (number := _version(name))]
        label = there[0] if there else component.distributions[0]
        try:
            component.load()
        except Exception as error:  # noqa: BLE001 (an import may fail in any way: a library of the system is missing)
            if component.kind in needed:
                yield component.extra
            broken = there and not isinstance(error, DriverError)
            why = f"ne fonctionne pas ({type(error).__name__} : {error})" if broken else "absent"
            style = "red" if component.kind in needed else "yellow"
            say(f'  {label} : {why}. Sert aux {component.use} : pip install "{component.extra}"', style)
        else:
            say(f"  {label} : présent ({component.use})", "green")
        if len(there) > 1:
            say(
                f"  {' et '.join(there)} s’écrasent l’un l’autre : désinstallez-en un, réinstallez l’autre.",
                "red",
            )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _check_udev() -> None:
    if UDEV.exists():
        say("  udev : en marche", "green")
    else:
        say("  udev : absent. Un lecteur rebranché est retrouvé en 5 secondes au plus.", "yellow")


def _prescribe(denied: Sequence[Found]) -> None:
    rules = dict.fromkeys(each.udev_rule for each in denied if each.udev_rule)
    if rules:
        say(f"\nRègle udev à installer dans {RULES}", "bold")
        show("\n".join(rules))
        say("\nCommandes", "bold")
        for rule in rules:
            show(f"  echo '{rule}' | sudo tee -a {RULES}")
        show("  sudo udevadm control --reload")
        show("  sudo udevadm trigger --subsystem-match=input --subsystem-match=hidraw")
        say(
            "La personne assise à la machine peut alors lire la douchette. Pour une caisse lancée comme service, ajoutez son "
            "compte au groupe input, puis redémarrez-la :"
        )
        show("  sudo usermod -aG input COMPTE")
    if any(each.kind == "serial" for each in denied):
        say("\nPort série : ajoutez ce compte au groupe dialout, puis rouvrez la session", "bold")
        show("  sudo usermod -aG dialout COMPTE")
