"""A USB device made of software: what a Linux board with a USB device port tells the host it is plugged into.

Linux builds such *gadgets* from directories in configfs. Where there is no device port, the module `dummy_hcd` is one,
plugged into a host controller of the same kernel; on a single-board computer (Raspberry Pi Zero, 4 or 5 on its USB-C
port, BeagleBone) the same code is a scanner for any till, whatever its operating system. It needs root.

```python
with Gadget(Identity(serial="A1"), [BOOT_KEYBOARD]) as scanner:
    scanner.plug()
    scanner.send(KeyboardFirmware().scan("20000000016"))
```

It does not model: power drawn, cables that make bad contact, suspend and wake-up, several configurations.

Source: Linux `Documentation/usb/gadget_configfs.rst`, `Documentation/usb/gadget_hid.rst`, `Documentation/usb/gadget_printer.rst`,
`Documentation/ABI/testing/configfs-usb-gadget*`.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import select
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cvconnect_sim.errors import SimError
from cvconnect_sim.links.base import Burst

CONFIGFS = Path("/sys/kernel/config/usb_gadget")
CONTROLLERS = Path("/sys/class/udc")
PRINTERS = Path("/sys/class/usb_printer_gadget")
DEVICES = Path("/dev")

PLUG_TIMEOUT_S = 10.0
"""For the host to read the descriptors and choose the configuration: well under a second on real hardware."""

SEND_TIMEOUT_S = 5.0
"""For the host to fetch one report; it does so every few milliseconds while a program holds the device open."""

_ENGLISH = "0x409"
_POLL_S = 0.02
_STATE_BYTES = 64
_numbers = itertools.count()

_BOOT_KEYBOARD_DESCRIPTOR = bytes.fromhex(
    "05 01 09 06 A1 01"  # generic desktop, keyboard
    "05 07 19 E0 29 E7 15 00 25 01 75 01 95 08 81 02"  # eight modifiers, one bit each
    "95 01 75 08 81 03"  # a reserved byte
    "95 05 75 01 05 08 19 01 29 05 91 02 95 01 75 03 91 03"  # five lamps, that the host sets
    "95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 C0"  # up to six keys held
)


@dataclass(frozen=True, slots=True)
class Identity:
    """How a device presents itself to its host.

    Args:
        vendor: USB vendor number, 0 to 0xFFFF.
        product: USB product number, 0 to 0xFFFF.
        serial: Serial number; empty when the device has none, as many scanners.
        manufacturer: As shown to people.
        name: As shown to people.

    The default is a number that the Linux Foundation keeps for gadgets of several functions.
    """

    vendor: int = 0x1D6B
    product: int = 0x0104
    serial: str = ""
    manufacturer: str = "cvconnect"
    name: str = "Simulated scanner"


@dataclass(frozen=True, slots=True)
class Hid:
    """A function that sends reports.

    Args:
        descriptor: The report descriptor.
        report_bytes: Length of the longest report.
        subclass: 1 for a device of the boot interface, else 0.
        protocol: 1 for a boot keyboard, else 0.

    Source: USB Device Class Definition for Human Interface Devices 1.11, 4.2 and 4.3.
    """

    descriptor: bytes
    report_bytes: int
    subclass: int = 0
    protocol: int = 0


@dataclass(frozen=True, slots=True)
class Acm:
    """A function that is a serial port (CDC-ACM)."""


@dataclass(frozen=True, slots=True)
class PrinterClass:
    """A function that is a printer which answers; `PrinterLink` is its firmware's end.

    Args:
        device_id: What it says of itself when it is asked.

    Source: USB Device Class Definition for Printing Devices 1.1, 4.2.1 (`GET_DEVICE_ID`); Linux
        `Documentation/usb/gadget_printer.rst`.
    """

    device_id: str = "MFG:cvconnect;MDL:Simulated printer;CLS:PRINTER;CMD:ESC/POS;"


Function = Hid | Acm | PrinterClass

_KINDS: dict[type[Function], str] = {Hid: "hid", Acm: "acm", PrinterClass: "printer"}
"""What configfs calls each; what follows the point is ours."""

BOOT_KEYBOARD = Hid(_BOOT_KEYBOARD_DESCRIPTOR, report_bytes=8, subclass=1, protocol=1)
"""A keyboard with reports of 8 bytes: modifiers, a reserved byte, up to six keys.

Source: USB Device Class Definition for Human Interface Devices 1.11, appendix B.1.
"""


class Gadget:
    """A USB device, unplugged at first.

    One thread plugs and sends; another may `unplug` meanwhile: what was being sent stops there.

    Args:
        identity: How it presents itself.
        functions: What it is, in the order of its interfaces; more than one makes it a composite device.
        controller: A name in `/sys/class/udc`, such as `dummy_udc.0`; without it the first that is free when the
            gadget is first plugged, the same ever after.

    Raises:
        SimError: `GADGET_UNAVAILABLE`, this system cannot be a USB device, or does not let this user.
    """

    def __init__(
        self, identity: Identity, functions: Sequence[Function], *, controller: str | None = None
    ) -> None:
        self._root = CONFIGFS / f"cvconnect-{os.getpid()}-{next(_numbers)}"
        self._configuration = self._root / "configs" / "c.1"
        self._functions = [
            (self._root / "functions" / f"{_KINDS[type(function)]}.{number}", function)
            for number, function in enumerate(functions)
        ]
        self._printers: list[str] = []
        self._controller = controller
        self._unplugged = threading.Event()
        self._unplugged.set()
        self._lock = threading.Lock()
        try:
            self._build(identity)
        except OSError as error:
            self.close()
            raise SimError(
                "GADGET_UNAVAILABLE",
                fr="Ce système ne peut pas jouer un appareil USB (modules libcomposite et configfs, droits de root).",
                en=f"This system cannot be a USB device (libcomposite, configfs, root): {error.strerror}",
            ) from error

    @property
    def controller(self) -> str | None:
        """The device port it is or was plugged into, as named in `/sys/class/udc`."""
        return self._controller

    @property
    def plugged(self) -> bool:
        """Whether it is bound to its port."""
        return not self._unplugged.is_set()

    def plug(self, timeout_s: float = PLUG_TIMEOUT_S) -> None:
        """Connect it and wait until the host has configured it. Already plugged, it stays so.

        Args:
            timeout_s: Longest wait, in seconds.

        Raises:
            SimError: `GADGET_NO_PORT`, no device port is free; `GADGET_NO_HOST`, no host has configured it in time.
        """
        if self.plugged:
            return
        self._controller = self._controller or _free_controller()
        state = os.open(CONTROLLERS / self._controller / "state", os.O_RDONLY)
        try:
            os.read(state, _STATE_BYTES)  # it outlives unplugging: only what comes from here on counts
            self._bind(self._controller)
            if not self._wait_for_host(state, time.monotonic() + timeout_s):
                self.unplug()
                raise SimError(
                    "GADGET_NO_HOST",
                    fr="Aucun ordinateur n'a reconnu l'appareil USB.",
                    en=f"No host has configured the USB device on {self._controller}.",
                )
        finally:
            os.close(state)

    def unplug(self) -> None:
        """Pull the cable, whatever is being sent. Idempotent."""
        with self._lock:
            if not self._unplugged.is_set():
                self._unplugged.set()
                self._write("UDC", "\n")

    def send(self, bursts: Iterable[Burst], *, function: int = 0) -> bool:
        """Send reports or bytes, each after its pause, and wait until the host has them all but the last.

        Args:
            bursts: Pauses in seconds, each counted from the burst before, and what to send: one report each for a
                `Hid` function.
            function: Which one, by its place in `functions`; a printer's answers go through `PrinterLink`.

        Returns:
            Whether all was sent; false when the device was unplugged meanwhile.

        Raises:
            SimError: `GADGET_NOT_HEARD`, the host fetches nothing: no program has opened the device there.
        """
        descriptor = os.open(self.node(function), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            if isinstance(self._functions[function][1], Acm):
                _make_raw(descriptor)
            for pause_s, data in bursts:
                if self._unplugged.wait(pause_s) or not self._send_one(descriptor, data):
                    return False
            return True
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Unplug it and take it apart. Idempotent."""
        self.unplug()
        # From the leaves up; a file that a directory of configfs comes with goes with it.
        for path, _ in self._functions:
            with contextlib.suppress(OSError):
                (self._configuration / path.name).unlink()
        directories = [
            self._configuration / "strings" / _ENGLISH,
            self._configuration,
            *(path for path, _ in self._functions),
            self._root / "strings" / _ENGLISH,
            self._root,
        ]
        for directory in directories:
            with contextlib.suppress(OSError):
                directory.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _build(self, identity: Identity) -> None:
        self._root.mkdir()
        self._write("idVendor", f"{identity.vendor:#06x}")
        self._write("idProduct", f"{identity.product:#06x}")
        if len(self._functions) > 1:
            # Several interfaces belong together (an ACM has two): the triple that announces their association.
            # Source: USB Interface Association Descriptor Device Class Code and Use Model, 1.0.
            for name, code in (("bDeviceClass", 0xEF), ("bDeviceSubClass", 2), ("bDeviceProtocol", 1)):
                self._write(name, f"{code:#04x}")
        (self._root / "strings" / _ENGLISH).mkdir()
        self._write(f"strings/{_ENGLISH}/manufacturer", identity.manufacturer)
        self._write(f"strings/{_ENGLISH}/product", identity.name)
        if identity.serial:
            self._write(f"strings/{_ENGLISH}/serialnumber", identity.serial)
        self._configuration.mkdir()
        for path, function in self._functions:
            path.mkdir()
            if isinstance(function, PrinterClass):
                (path / "pnp_string").write_text(function.device_id)
            if isinstance(function, Hid):
                (path / "subclass").write_text(str(function.subclass))
                (path / "protocol").write_text(str(function.protocol))
                (path / "report_length").write_text(str(function.report_bytes))
                (path / "report_desc").write_bytes(function.descriptor)
                # The lamps of a keyboard come over the control endpoint, as in real ones. Linux 5.16 and later.
                with contextlib.suppress(FileNotFoundError, PermissionError):
                    (path / "no_out_endpoint").write_text("1")
            (self._configuration / path.name).symlink_to(path)

    def _bind(self, controller: str) -> None:
        others = _printer_nodes()
        try:
            self._write("UDC", controller)
        except OSError as error:
            raise SimError(
                "GADGET_NO_PORT",
                fr="Le port USB de cet appareil est occupé ou absent.",
                en=f"{controller} is taken or missing: {error.strerror}",
            ) from error
        # A printer's node is there only while it is bound, and nothing else tells whose it is.
        self._printers = sorted(_printer_nodes() - others)
        self._unplugged.clear()

    def _wait_for_host(self, state: int, deadline_s: float) -> bool:
        """Wait for the next news of the port's state that says that the host is done."""
        news = select.poll()
        news.register(state, select.POLLPRI)
        while time.monotonic() < deadline_s and self.plugged:
            if news.poll(_POLL_S * 1000):
                os.lseek(state, 0, os.SEEK_SET)
                if os.read(state, _STATE_BYTES).strip() == b"configured":
                    return True
        return False

    def _write(self, name: str, text: str) -> None:
        (self._root / name).write_text(text)

    def node(self, number: int) -> Path:
        """The file through which a function speaks to the host.

        Args:
            number: Which one, by its place in `functions`; a `PrinterClass` has its node only while it is plugged in.

        Returns:
            Its path, as `/dev/hidg0`, `/dev/ttyGS0` or `/dev/g_printer0`.

        Raises:
            OSError: It is not there.
        """
        path, function = self._functions[number]
        if isinstance(function, Acm):
            return DEVICES / f"ttyGS{(path / 'port_num').read_text().strip()}"
        if isinstance(function, PrinterClass):
            before = sum(isinstance(each, PrinterClass) for _, each in self._functions[:number])
            if not self.plugged or before >= len(self._printers):
                raise FileNotFoundError(errno.ENOENT, "not plugged in", str(path))
            return DEVICES / self._printers[before]
        device = (path / "dev").read_text().strip()
        return DEVICES / Path("/sys/dev/char", device).readlink().name

    def _send_one(self, descriptor: int, data: bytes) -> bool:
        deadline = time.monotonic() + SEND_TIMEOUT_S
        while data and self.plugged:
            if time.monotonic() >= deadline:
                raise SimError(
                    "GADGET_NOT_HEARD",
                    fr="Aucun programme de l'ordinateur n'écoute l'appareil USB.",
                    en="The host fetches nothing from the USB device.",
                )
            if not select.select([], [descriptor], [], _POLL_S)[1]:
                continue
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                continue
            except OSError:
                # Unplugged between the look and the write; anything else is a fault to be seen.
                if self.plugged:
                    raise
        return not data


def _free_controller() -> str:
    """The first device port that no gadget is bound to."""
    for port in sorted(CONTROLLERS.glob("*")):
        if not (port / "function").read_text().strip():
            return port.name
    raise SimError(
        "GADGET_NO_PORT",
        fr="Cet ordinateur n'a pas de port USB d'appareil libre.",
        en="No USB device port is free here.",
    )


def _printer_nodes() -> set[str]:
    """Names of the nodes of all printers that are plugged in now."""
    return {entry.name for entry in PRINTERS.glob("*")}


def _make_raw(descriptor: int) -> None:
    import tty

    tty.setraw(descriptor)
