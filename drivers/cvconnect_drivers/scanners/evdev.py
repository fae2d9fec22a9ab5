"""Scanners that are keyboards, on Linux: `evdev:?vendor=0c2e&product=0b61` or `evdev:///dev/input/by-id/usb-...-event-kbd`.

Only the device that the URL names is ever opened; it is taken from the desktop (`EVIOCGRAB`) while a label is wanted, so that
no identifier is typed into a window, and given back afterwards. Needs `pip install "cvconnect-pos[evdev]"`.

Settings: `vendor`, `product`, `serial`, `port` where the URL names no file; `layout`, the scanner's; `terminator` (`any`, `enter`,
`kp_enter`, `tab`, `none`); `idle_gap_ms`, the pause that ends a label; `grab` (`armed`, `claimed`: as long as the till has it,
`never`); and those of `settings`.
"""

from __future__ import annotations

import array
import contextlib
import errno
import platform
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError, PackageMissingError
from cvconnect_drivers.scanners import input_events as linux
from cvconnect_drivers.scanners.evdev_source import Device, EvdevSource, Grab
from cvconnect_drivers.scanners.input_devices import input_nodes, keys_of_a_keyboard
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, TERMINATOR_KEYS, KeyboardDecoder
from cvconnect_drivers.scanners.layouts import LAYOUTS
from cvconnect_drivers.scanners.plug_watch import PlugWatch
from cvconnect_drivers.scanners.scanner import LabelScanner, OnStatus
from cvconnect_drivers.scanners.settings import (
    Identity,
    ScannerSettings,
    read_identity,
    read_scanner_settings,
    usb_number,
)
from cvconnect_drivers.urls import Settings, parse_url

if TYPE_CHECKING:
    import evdev

ENDINGS: Final[Mapping[str, frozenset[str]]] = {
    "any": ANY_TERMINATOR,
    "none": frozenset(),
    **{name: frozenset({name}) for name in TERMINATOR_KEYS},
}

READY = "Lecteur branché ; il n’écrit dans aucune fenêtre pendant un paiement."
READY_NEVER = "Lecteur branché ; ce qu’il lit est aussi tapé dans la fenêtre active."

_DENIED = (
    "{} : accès refusé. Donnez à ce compte le droit de lire ce lecteur, par une règle udev ou par le groupe input : "
    "« cvconnect doctor » affiche ce qu’il faut installer."
)
_NOT_FOUND = (
    "{} est introuvable : vérifiez que le lecteur est branché ; « cvconnect devices » donne son adresse."
)
_NOT_AN_INPUT = "{} n’est pas un périphérique d’entrée : « cvconnect devices » donne l’adresse du lecteur."
_WHY = {
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOENT: _NOT_FOUND,
    errno.ENODEV: _NOT_FOUND,
    errno.ENXIO: _NOT_FOUND,
    errno.ENOTTY: _NOT_AN_INPUT,
    errno.EINVAL: _NOT_AN_INPUT,
    errno.EISDIR: _NOT_AN_INPUT,
}


class EvdevScanner(LabelScanner):
    """A keyboard scanner; where udev runs it is found again the moment it is plugged in."""

    def __init__(
        self, name: str, open_source: Callable[[], EvdevSource], settings: ScannerSettings, ready: str
    ) -> None:
        super().__init__(name, open_source, settings, ready=ready)
        self._watch = PlugWatch("input", self.retry)

    def claim(self, *, on_status: OnStatus, timeout_s: float) -> None:
        """Start the driver's threads and wait for the first try to open the device; see `LabelScanner.claim`."""
        super().claim(on_status=on_status, timeout_s=timeout_s)
        self._watch.start()
        if self._session is None:  # given back by another thread meanwhile
            self._watch.stop()

    def release(self) -> None:
        """Disarm, join the driver's threads and close the device. Idempotent."""
        self._watch.stop()
        super().release()


def open_scanner(url: str, options: Mapping[str, object]) -> EvdevScanner:
    """Make a keyboard scanner; nothing is opened before `claim`.

    Args:
        url: `evdev:?vendor=0c2e&product=0b61`, with `serial` or `port` where several are plugged in, or
            `evdev:///dev/input/by-id/usb-...-event-kbd`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The scanner, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid, or this is not Linux.
    """
    device = parse_url(url, {"evdev"})
    settings = Settings(device, options)
    identity = Identity() if device.target else read_identity(settings)
    layout = settings.choice("layout", "us", LAYOUTS)
    ending = settings.choice("terminator", "any", ENDINGS)
    idle_gap_s = settings.whole("idle_gap_ms", 300, 20, 10_000) / 1000
    grab = cast("Grab", settings.choice("grab", "armed", {"armed", "claimed", "never"}))
    shared = read_scanner_settings(settings)
    settings.refuse_unknown()
    if platform.system() != "Linux":
        raise settings.invalid(
            fr="« evdev: » n’existe que sous Linux ; prenez hidpos:, serial: ou wedge:",
            en="evdev: exists on Linux only; take hidpos:, serial: or wedge:",
        )
    open_device: Callable[[], Device]
    if identity == Identity():
        open_device = partial(open_by_path, Path(device.path), url)
    else:
        open_device = partial(open_by_identity, identity, url)

    def open_source() -> EvdevSource:
        decoder = KeyboardDecoder(layout, terminators=ENDINGS[ending], idle_gap_s=idle_gap_s)
        device = open_device()
        try:
            # The file itself leads to the same device, whatever became of its name.
            reopen = partial(_open, Path(f"/proc/self/fd/{device.fd}"), url)
            return EvdevSource(device, decoder, where=url, reopen=reopen, grab=grab, idle_gap_s=idle_gap_s)
        except DriverError:
            device.close()
            raise

    return EvdevScanner(url, open_source, shared, READY_NEVER if grab == "never" else READY)


def open_by_identity(identity: Identity, where: str) -> Device:
    """Find the keyboard that has this identity, whatever its number is today, and open it.

    Args:
        identity: What it is, or where it is plugged in.
        where: How the device is called in messages.

    Returns:
        The open device.

    Raises:
        LinkAbsentError: It is not plugged in, or may not be opened.
        ConfigurationError: Several match (`DEVICE_AMBIGUOUS`), or what matches is no keyboard (`NOT_A_KEYBOARD`).
        PackageMissingError: python-evdev is not installed.
    """
    plugged = input_nodes()
    keyboards = [node for node in plugged if node.is_keyboard]
    if not any(identity.matches(node.identity) for node in keyboards) and any(
        identity.matches(node.identity) for node in plugged
    ):
        raise _not_a_keyboard(where)
    node = identity.choose(keyboards, lambda each: each.identity, where)
    device = _open(node.path, where)
    info = device.info
    now = Identity(
        usb_number(info.vendor), usb_number(info.product), device.uniq.strip(), device.phys.strip()
    )
    if not identity.matches(now):  # its number went to another device meanwhile
        device.close()
        raise LinkAbsentError(where, "it has just left", fr=_NOT_FOUND.format(where))
    return device


def open_by_path(path: Path, where: str) -> Device:
    """Open an input device by its file.

    Args:
        path: The file, or a link to it.
        where: How the device is called in messages.

    Returns:
        The open device, its events on the clock of `time.monotonic`.

    Raises:
        LinkAbsentError: It is not there, or may not be opened.
        ConfigurationError: It is no keyboard (`NOT_A_KEYBOARD`).
        PackageMissingError: python-evdev is not installed.
    """
    return _open(path, where)


def _open(path: Path, where: str) -> evdev.InputDevice[str]:
    try:
        import evdev
    except ImportError as error:
        raise PackageMissingError("cvconnect-pos[evdev]") from error
    try:
        device: evdev.InputDevice[str] = evdev.InputDevice(str(path))
    except OSError as error:
        raise _absent(where, error) from error
    try:
        _set_up(device, where)
    except BaseException as error:
        device.close()
        if isinstance(error, OSError):
            raise _absent(where, error) from error
        raise
    return device


def _set_up(device: evdev.InputDevice[str], where: str) -> None:
    """See that it types; ask for the clock of `time.monotonic`, and for no events but keys and lights: few are held.

    Source: Linux `include/uapi/linux/input.h`, EVIOCSCLOCKID, EVIOCSMASK (since 4.4).
    """
    import fcntl

    if not keys_of_a_keyboard(frozenset(device.capabilities(absinfo=False).get(linux.EV_KEY, []))):
        raise _not_a_keyboard(where)
    fcntl.ioctl(device.fd, linux.EVIOCSCLOCKID, struct.pack("@i", linux.CLOCK_MONOTONIC))
    nothing = array.array("Q", [0])
    for kind in (linux.EV_MSC, linux.EV_REL, linux.EV_ABS):
        with contextlib.suppress(OSError):
            fcntl.ioctl(device.fd, linux.EVIOCSMASK, linux.INPUT_MASK.pack(kind, 8, nothing.buffer_info()[0]))


def _absent(where: str, error: OSError) -> LinkAbsentError:
    why = _WHY.get(error.errno or 0, _NOT_FOUND)
    return LinkAbsentError(where, error.strerror or type(error).__name__, fr=why.format(where))


def _not_a_keyboard(where: str) -> ConfigurationError:
    return ConfigurationError(
        "NOT_A_KEYBOARD",
        fr=f"{where} n’est pas un clavier ni une douchette : « cvconnect devices » donne l’adresse du lecteur.",
        en=f"{where} cannot type letters, digits and Enter: it is no keyboard scanner",
    )
