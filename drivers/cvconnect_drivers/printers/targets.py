"""Where a printer is: on the network, on a serial port, on USB, behind a device node, in a file, in memory.

`tcp://192.168.1.50:9100`, `serial:///dev/ttyUSB0?baud=9600&flow=xonxoff`, `serial:COM3`, `serial:?vendor=0403&product=6001`,
`usb:`, `usb:?vendor=04b8&product=0202&serial=ABC`, `device:/dev/usb/lp0`, `file:out/ticket.bin`, `memory:NAME`.

Settings: on a serial port `baud` and `flow` (`none`, `xonxoff`, `rtscts`); without a port's name, and on USB, an identity:
`vendor`, `product`, `serial`, `port`, as for scanners; wherever the printer can answer, `confirm`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.links.device import open_device
from cvconnect_drivers.links.file import open_file
from cvconnect_drivers.links.memory import MemoryLink
from cvconnect_drivers.links.serial import FLOWS, list_serial, open_serial
from cvconnect_drivers.links.tcp import open_tcp_before
from cvconnect_drivers.links.usb import open_usb
from cvconnect_drivers.links.usb_devices import UsbDevice, list_usb, read_serial
from cvconnect_drivers.scanners.settings import Identity, read_identity, usb_number
from cvconnect_drivers.urls import DeviceUrl, Settings

SCHEMES = frozenset({"tcp", "serial", "usb", "device", "file", "memory"})

DEFAULT_BAUD = 9600
"""Unverified: what serial printers are mostly set to; a printer on USB that shows itself as a serial port ignores it."""

DEFAULT_FLOW = "xonxoff"
"""Harmless with a printer that says "wait" by a wire or not at all: no answer of a printer has an XON or XOFF in it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a printer is.

    Args:
        open_link: Opens a link before a deadline, which another thread may end.
        answers: Whether it can tell its state.
        confirms: Whether it may be asked to confirm each ticket.
        is_printer: Whether it may wait for the rest of a command that was cut; a file and memory never do.
    """

    open_link: Callable[[Deadline], Link]
    answers: bool
    confirms: bool = False
    is_printer: bool = True


def read_target(device: DeviceUrl, settings: Settings) -> Target:
    """Read where a printer is; nothing is opened.

    Args:
        device: The URL, of one of `SCHEMES`.
        settings: The printer's settings; the driver reads its own beside them, and ends the reading.

    Returns:
        The target.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    match device.scheme:
        case "file":
            path = device.path
            return Target(lambda _deadline: open_file(path), answers=False, is_printer=False)
        case "memory":
            roll = device.target
            return Target(lambda _deadline: MemoryLink(roll), answers=False, is_printer=False)
        case _:
            confirms = settings.choice("confirm", "process-id", {"process-id", "none"}) == "process-id"
            return Target(_opener(device, settings), answers=True, confirms=confirms)


def _opener(device: DeviceUrl, settings: Settings) -> Callable[[Deadline], Link]:
    match device.scheme:
        case "tcp":
            host, port = device.address()
            return lambda deadline: open_tcp_before(host, port, deadline)
        case "serial":
            return _serial(device, settings)
        case "usb":
            if device.target:
                raise settings.invalid(
                    fr="l’imprimante USB se désigne par son identité, comme usb:?vendor=04b8&product=0202",
                    en="a USB printer is named by its identity, such as usb:?vendor=04b8&product=0202",
                )
            url, identity = device.text, read_identity(settings)
            return lambda _deadline: open_usb(_choose_usb(identity, url), url)
        case _:
            path = device.path
            return lambda _deadline: open_device(path)


def _serial(device: DeviceUrl, settings: Settings) -> Callable[[Deadline], Link]:
    baud = settings.whole("baud", DEFAULT_BAUD, 300, 4_000_000)
    flow = settings.choice("flow", DEFAULT_FLOW, FLOWS)
    if "://" in device.target:
        raise settings.invalid(
            fr="une imprimante derrière un serveur de ports s’écrit tcp://ADRESSE:PORT",
            en="a printer behind a device server is written tcp://HOST:PORT",
        )
    identity = Identity() if device.target else read_identity(settings)
    if identity == Identity():
        port = device.path
        return lambda _deadline: open_serial(port, baud=baud, flow=flow)

    def open_by_identity(_deadline: Deadline) -> Link:
        """Look for the device anew each time: it may have another name."""
        # The scanners' driver and its threads load only for this.
        from cvconnect_drivers.scanners.serial import identity_of

        found = identity.choose(list_serial(), identity_of, device.text)
        return open_serial(found.device, baud=baud, flow=flow)

    return open_by_identity


def _choose_usb(identity: Identity, url: str) -> UsbDevice:
    """Look for the printer anew each time: it may have been plugged in elsewhere."""
    without_serial = replace(identity, serial="")
    plugged = [each for each in list_usb() if without_serial.matches(_identity(each))]
    # Anything may be meant by `usb:`, but only a printer is.
    printers = [each for each in plugged if each.printer is not None]
    found = printers or (plugged if identity != Identity() else [])
    if not identity.serial and len(found) == 1:
        return found[0]
    serials = {id(each): read_serial(each, url) for each in found}
    return identity.choose(found, lambda each: replace(_identity(each), serial=serials[id(each)]), url)


def _identity(device: UsbDevice) -> Identity:
    return Identity(usb_number(device.vendor_id), usb_number(device.product_id), "", device.location)
