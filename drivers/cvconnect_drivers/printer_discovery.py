"""What is plugged in that may be a ticket printer, and the URL to put into the station file.

Nothing is opened to be looked at, and no network is searched: a printer there is named by its address. A printer on USB that
the kernel's driver holds has a device node too; it is one printer, told once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cvconnect_drivers.discovery import SCANNER_MAKERS, Sureness, shortest_url
from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.links.device import UDEV_RULE as NODE_RULE
from cvconnect_drivers.links.serial import list_serial
from cvconnect_drivers.links.usb_devices import UsbDevice, list_usb
from cvconnect_drivers.scanners.serial import identity_of
from cvconnect_drivers.scanners.settings import Identity, usb_number

PrinterKind: TypeAlias = Literal["usb", "device", "serial"]

USB_DEVICES: Final = Path("/sys/bus/usb/devices")
USB_NODES: Final = Path("/dev/bus/usb")
PRINTER_CLASS: Final = Path("/sys/class/usbmisc")
"""Source: Linux `drivers/usb/class/usblp.c`: class `usbmisc`, nodes `/dev/usb/lp%d`."""

PRINTER_NODES: Final = Path("/dev/usb")

PRINTER_MAKERS: Final = {
    "0404": "NCR",
    "04b8": "Epson",
    "0519": "Star Micronics",
    "0619": "Seiko Instruments",
    "0aa7": "Wincor Nixdorf",
    "0dd4": "Custom",
    "1504": "Bixolon",
    "154f": "SNBC",
    "1d90": "Citizen",
}
"""USB vendors whose serial ports are printers. Source: usb.ids (linux-usb.org). Unverified: that none is a customer display."""

RECOGNISED: Final[frozenset[Sureness]] = frozenset({"sure", "likely"})

_SAYS_PRINTER = re.compile(r"print|imprim|receipt|ticket|\bpos-?\d", re.IGNORECASE)
_SAYS_SCANNER = re.compile(r"scan|bar ?code|imager", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundPrinter:
    """What may be a ticket printer.

    Args:
        kind: How its bytes would go.
        name: What it calls itself.
        identity: By what it is found again.
        path: Its name today (`/dev/ttyUSB0`, `/dev/usb/lp0`, `1-4.2`).
        url: What to put into the station file.
        sureness: How sure it is that this is a printer.
        usable: Whether this account may use it.
        udev_rule: The rule that lets this account use it; empty where another remedy is due.
    """

    kind: PrinterKind
    name: str
    identity: Identity
    path: str
    url: str
    sureness: Sureness
    usable: bool
    udev_rule: str = ""


@dataclass(frozen=True, slots=True)
class PrinterDiscovery:
    """What was found.

    Args:
        printers: The printers for certain first.
        unlooked: The kinds that could not be listed, each with the reason in French.
    """

    printers: Sequence[FoundPrinter]
    unlooked: dict[PrinterKind, str] = field(default_factory=dict[PrinterKind, str])


def discover_printers() -> PrinterDiscovery:
    """List the printers on USB, the kernel's printer nodes, and the serial ports that may have one.

    Returns:
        The printers; a kind whose package is missing is told as not looked at.
    """
    found: list[FoundPrinter] = []
    unlooked: dict[PrinterKind, str] = {}
    looks: tuple[tuple[PrinterKind, Callable[[], list[FoundPrinter]]], ...] = (
        ("usb", _usb),
        ("device", _nodes),
        ("serial", _serial),
    )
    for kind, look in looks:
        try:
            seen = look()
        except DriverError as error:
            unlooked[kind] = error.text()
        except Exception as error:  # noqa: BLE001 (a system library may fail in any way; the other kinds are still there)
            unlooked[kind] = f"La liste ne peut pas être lue ({type(error).__name__})."
        else:
            places = {each.identity.port for each in found if each.identity.port}
            found += [each for each in seen if each.kind != "device" or each.identity.port not in places]
    found.sort(key=lambda each: ("sure", "likely", "possible", "unlikely").index(each.sureness))
    return PrinterDiscovery(tuple(found), unlooked)


def _usb() -> list[FoundPrinter]:
    printers = [each for each in list_usb() if each.printer is not None]
    identities = [_identity(each) for each in printers]
    return [
        FoundPrinter(
            "usb",
            _told(identity.port, "manufacturer", "product")
            or f"Imprimante {identity.vendor}:{identity.product}",
            identity,
            identity.port,
            shortest_url("usb", identity, identities, ""),
            "sure",
            _may_use(USB_NODES / f"{each.handle.bus:03}" / f"{each.handle.address:03}"),
            each.udev_rule,
        )
        for each, identity in zip(printers, identities, strict=True)
    ]


def _identity(device: UsbDevice) -> Identity:
    return Identity(
        usb_number(device.vendor_id),
        usb_number(device.product_id),
        _told(device.location, "serial"),
        device.location,
    )


def _nodes() -> list[FoundPrinter]:
    return [
        FoundPrinter(
            "device",
            _told(place := _place_of(node.name), "manufacturer", "product") or "Imprimante",
            Identity(_told(place, "idVendor"), _told(place, "idProduct"), _told(place, "serial"), place),
            str(node),
            f"device:{node}",
            "sure",
            _may_use(node),
            NODE_RULE,
        )
        for node in sorted(PRINTER_NODES.glob("lp*"))
    ]


def _place_of(node: str) -> str:
    """Tell where the printer of a node is plugged in: its driver holds an interface, and that is part of a device."""
    interface = PRINTER_CLASS / node / "device"
    return interface.resolve().parent.name if interface.exists() else ""


def _told(place: str, *files: str) -> str:
    """Read what the system knows of a device on USB; an empty text where it knows nothing."""

    def words() -> Iterator[str]:
        for file in files:
            path = USB_DEVICES / place / file
            if place and path.is_file():
                yield path.read_text(encoding="utf-8", errors="replace").strip()

    return " ".join(words())


def _serial() -> list[FoundPrinter]:
    ports = list_serial()
    identities = [identity_of(port) for port in ports]
    return [
        FoundPrinter(
            "serial",
            port.product or "Port série",
            identity,
            port.device,
            shortest_url("serial", identity, identities, port.device),
            _sureness(identity, port.product),
            _may_use(Path(port.device)),
        )
        for port, identity in zip(ports, identities, strict=True)
    ]


def _sureness(identity: Identity, name: str) -> Sureness:
    if identity.vendor in SCANNER_MAKERS or _SAYS_SCANNER.search(name):
        return "unlikely"
    if identity.vendor in PRINTER_MAKERS or _SAYS_PRINTER.search(name):
        return "likely"
    return "possible"


def _may_use(path: Path) -> bool:
    return not path.exists() or os.access(path, os.R_OK | os.W_OK)
