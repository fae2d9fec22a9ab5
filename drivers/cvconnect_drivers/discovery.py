"""What is plugged in that may be a scanner, and the URL to put into the station file.

Nothing is opened to be looked at. The URL of a device is the shortest one that only this device answers to: vendor and product,
then its serial number, then the port; the path of its file where it has no identity.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from cvconnect_drivers.errors import PackageMissingError
from cvconnect_drivers.links.serial import list_serial
from cvconnect_drivers.scanners.hidpos import list_hidpos, udev_rule
from cvconnect_drivers.scanners.input_devices import BUILT_IN_BUSES, input_nodes, stable_links
from cvconnect_drivers.scanners.serial import identity_of
from cvconnect_drivers.scanners.settings import Identity

Kind: TypeAlias = Literal["keyboard", "hidpos", "serial"]
Sureness: TypeAlias = Literal["sure", "likely", "possible", "unlikely"]

SURENESS: Final[tuple[Sureness, ...]] = ("sure", "likely", "possible", "unlikely")
SCHEMES: Final[dict[Kind, str]] = {"hidpos": "hidpos", "keyboard": "evdev", "serial": "serial"}

SCANNER_MAKERS: Final = {
    "0536": "Hand Held Products",
    "05e0": "Symbol (Zebra)",
    "05f9": "PSC (Datalogic)",
    "065a": "Optoelectronics (Opticon)",
    "067e": "Intermec (Honeywell)",
    "080c": "Datalogic",
    "0c2e": "Metrologic (Honeywell)",
    "1eab": "Newland",
    "27dd": "Mindeo",
}
"""USB vendors whose keyboards are scanners.

Source: usb.ids (linux-usb.org). Unverified: the names in brackets, as they are known today.
"""

_NAMELESS: Final[dict[Kind, str]] = {"keyboard": "Clavier", "hidpos": "Douchette", "serial": "Port série"}
_SAYS_SCANNER = re.compile(
    r"scan|bar ?code|code reader|imager|voyager|gryphon|quickscan|douchette", re.IGNORECASE
)
_SAYS_OTHER = re.compile(
    r"keyboard|clavier|mouse|souris|receiver|virtual|touch|button|consumer|system control", re.IGNORECASE
)


_KEYBOARD_RULE = (
    'SUBSYSTEM=="input", KERNEL=="event*", ATTRS{{id/vendor}}=="{}", ATTRS{{id/product}}=="{}", '
    'MODE="0660", GROUP="input", TAG+="uaccess"'
)


@dataclass(frozen=True, slots=True)
class Found:
    """A device that may be a scanner.

    Args:
        kind: How its labels would come.
        name: What it calls itself.
        identity: By what it is found again.
        path: Its name today (`/dev/input/event5`, `COM3`).
        url: What to put into the station file.
        sureness: How sure it is that this is a scanner.
        readable: Whether this account may read it.
    """

    kind: Kind
    name: str
    identity: Identity
    path: str
    url: str
    sureness: Sureness
    readable: bool

    @property
    def maker(self) -> str:
        """The maker, when it is one of scanners."""
        return SCANNER_MAKERS.get(self.identity.vendor, "")

    @property
    def udev_rule(self) -> str:
        """The rule that lets this account read it, and the group `input`; empty where another remedy is due.

        Source: systemd `rules.d/73-seat-late.rules` (`uaccess`, for whoever sits at the machine); udev(7), ATTRS.
        """
        match self.kind:
            case "keyboard":
                return _KEYBOARD_RULE.format(self.identity.vendor, self.identity.product)
            case "hidpos":
                return udev_rule(self.identity)
            case "serial":
                return ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    Args:
        devices: The devices, likely scanners first.
        unlooked: The kinds that could not be listed, each with the reason in French.
    """

    devices: Sequence[Found]
    unlooked: dict[Kind, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    kind: Kind
    name: str
    identity: Identity
    path: str
    built_in: bool = False
    stable_path: str = ""


def discover() -> Discovery:
    """List keyboards (on Linux), HID-POS scanners and serial ports.

    Returns:
        The devices; a kind whose package is missing is told as not looked at.
    """
    looks: list[tuple[Kind, Callable[[], list[_Seen]]]] = [("hidpos", _hidpos), ("serial", _serial)]
    if platform.system() == "Linux":
        looks.insert(0, ("keyboard", _keyboards))
    found: list[Found] = []
    unlooked: dict[Kind, str] = {}
    for kind, look in looks:
        try:
            seen = look()
        except PackageMissingError as error:
            unlooked[kind] = error.text()
        except Exception as error:  # noqa: BLE001 (a system library may fail in any way; the other kinds are still there)
            unlooked[kind] = f"La liste ne peut pas être lue ({type(error).__name__})."
        else:
            found += [_judge(each, seen) for each in seen]
    found.sort(key=lambda each: (SURENESS.index(each.sureness), list(SCHEMES).index(each.kind), each.path))
    return Discovery(tuple(found), unlooked)


def shortest_url(scheme: str, identity: Identity, others: Sequence[Identity], path: str) -> str:
    """Write the shortest URL that only one device answers to.

    Args:
        scheme: The driver's.
        identity: The device's.
        others: The identities of all devices that this driver would look at, its own among them.
        path: Its name today, for a device that cannot be told by its identity.

    Returns:
        The URL.
    """
    if identity.vendor.strip("0") and identity.product:
        for more in ({}, {"serial": identity.serial}, {"port": identity.port}):
            asked = Identity(identity.vendor, identity.product, **more)
            if all(more.values()) and sum(asked.matches(each) for each in others) == 1:
                extra = "".join(f"&{key}={quote(value, safe=':/')}" for key, value in more.items())
                return f"{scheme}:?vendor={identity.vendor}&product={identity.product}{extra}"
    return f"{scheme}:{'//' if path.startswith('/') else ''}{quote(path, safe=':/')}"


def _judge(seen: _Seen, all_seen: Sequence[_Seen]) -> Found:
    identities = [each.identity for each in all_seen]
    return Found(
        seen.kind,
        seen.name or _NAMELESS[seen.kind],
        seen.identity,
        seen.path,
        shortest_url(SCHEMES[seen.kind], seen.identity, identities, seen.stable_path or seen.path),
        _sureness(seen),
        _may_read(seen),
    )


def _sureness(seen: _Seen) -> Sureness:
    if seen.kind == "hidpos":
        return "sure"
    if seen.identity.vendor in SCANNER_MAKERS or _SAYS_SCANNER.search(seen.name):
        return "likely"
    if seen.built_in or _SAYS_OTHER.search(seen.name):
        return "unlikely"
    return "possible"


def _may_read(seen: _Seen) -> bool:
    if not seen.path.startswith("/dev/") and not os.path.exists(seen.path):  # noqa: PTH110 (COM3 is no path)
        return True
    return os.access(seen.path, os.R_OK if seen.kind == "keyboard" else os.R_OK | os.W_OK)


def _keyboards() -> list[_Seen]:
    return [
        _Seen(
            "keyboard",
            node.name,
            node.identity,
            str(node.path),
            built_in=node.bus in BUILT_IN_BUSES,
            stable_path=next(map(str, stable_links(node.path)), ""),
        )
        for node in input_nodes()
        if node.is_keyboard
    ]


def _hidpos() -> list[_Seen]:
    return [_Seen("hidpos", each.product, each.identity, os.fsdecode(each.path)) for each in list_hidpos()]


def _serial() -> list[_Seen]:
    return [
        _Seen("serial", port.product, identity_of(port), port.device, built_in=port.vendor_id is None)
        for port in list_serial()
    ]
