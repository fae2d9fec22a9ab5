"""What is plugged in on USB, through libusb (pyusb, and libusb-package, which brings libusb along).

A printer is an interface of the printer class with a bulk endpoint out, wherever in the device it stands: many devices are
a scanner, a serial port and a printer at once.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from cvconnect_drivers.errors import LinkAbsentError, PackageMissingError

PRINTER_CLASS: Final = 7
"""Source: USB Device Class Definition for Printing Devices 1.1, section 4.2.1."""

_IPP_OVER_USB: Final = 4
"""Such a setting of the interface speaks IPP, not bytes for paper. Source: IPP over USB 1.0, section 4.1."""

_BULK: Final = 2
_IN: Final = 0x80
"""Source: USB 2.0, section 9.6.6: bits 0 and 1 of `bmAttributes`, bit 7 of `bEndpointAddress`."""

_RULE = 'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{}", ATTR{{idProduct}}=="{}", GROUP="lp", MODE="0660", TAG+="uaccess"'
"""Source: systemd `rules.d/73-seat-late.rules` (`uaccess`, for whoever sits at the machine); udev(7), ATTR."""


@dataclass(frozen=True, slots=True)
class PrinterPipes:
    """Where in a device its printer is.

    Args:
        interface: The interface's number.
        setting: Its alternate setting.
        write_to: The address of the bulk endpoint out.
        read_from: The address of the bulk endpoint in; None for a printer that tells nothing.
        packet_bytes: The size of the packets that it sends.
    """

    interface: int
    setting: int
    write_to: int
    read_from: int | None
    packet_bytes: int


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """What is plugged in.

    Args:
        vendor_id: USB vendor number.
        product_id: USB product number.
        location: The place it is plugged in, as Linux writes it (`1-4.2`), or an empty text.
        printer: Where its printer is; None for a device that is no printer.
        handle: pyusb's device, which has no types.
    """

    vendor_id: int
    product_id: int
    location: str
    printer: PrinterPipes | None
    handle: Any

    @property
    def udev_rule(self) -> str:
        """The rule that lets whoever sits at the machine, and the group `lp`, use it."""
        return _RULE.format(f"{self.vendor_id:04x}", f"{self.product_id:04x}")


def load_backend() -> Any:
    """Load libusb.

    Returns:
        pyusb's backend, which has no types.

    Raises:
        PackageMissingError: pyusb is not installed, or there is no libusb.
    """
    try:
        libusb1 = import_module("usb.backend.libusb1")
    except ImportError as error:
        raise PackageMissingError("pyusb") from error
    backend = None
    with contextlib.suppress(ImportError):
        backend = import_module("libusb_package").get_libusb1_backend()
    backend = backend or libusb1.get_backend()
    if backend is None:
        raise PackageMissingError("libusb-package")
    return backend


def list_usb() -> list[UsbDevice]:
    """List what is plugged in; no device is opened.

    Raises:
        LinkAbsentError: The system does not let USB devices be listed.
        PackageMissingError: pyusb is not installed, or there is no libusb.
    """
    backend = load_backend()
    usb_core = import_module("usb.core")
    try:
        return [
            UsbDevice(each.idVendor, each.idProduct, _location(each), _find_printer(each), each)
            for each in usb_core.find(find_all=True, backend=backend)
        ]
    except OSError as error:
        raise LinkAbsentError("USB", error.strerror or type(error).__name__) from error


def read_serial(device: UsbDevice, where: str) -> str:
    """Read a device's serial number.

    Args:
        device: The device; it is opened for that.
        where: How the device is called in messages.

    Returns:
        The number, or an empty text.

    Raises:
        LinkAbsentError: The device may not be opened.
    """
    usb_util = import_module("usb.util")
    try:
        device.handle.get_active_configuration()  # a refusal while reading a text is not told
        return str(usb_util.get_string(device.handle, device.handle.iSerialNumber) or "")
    except ValueError:
        return ""
    except (OSError, NotImplementedError) as error:
        raise refused(device, where, error) from error
    finally:
        usb_util.dispose_resources(device.handle)


def _find_printer(handle: Any) -> PrinterPipes | None:
    try:
        found = [pipes for each in handle for setting in each for pipes in _pipes(setting)]
    except (OSError, NotImplementedError):  # a device that does not even tell what it is
        return None
    # One that answers is preferred, then the setting that the device starts with.
    return min(found, key=lambda each: (each.read_from is None, each.setting), default=None)


def _pipes(setting: Any) -> Iterator[PrinterPipes]:
    if setting.bInterfaceClass != PRINTER_CLASS or setting.bInterfaceProtocol == _IPP_OVER_USB:
        return
    bulk = [each for each in setting if each.bmAttributes & 0b11 == _BULK]
    out = [each.bEndpointAddress for each in bulk if not each.bEndpointAddress & _IN]
    back = [each for each in bulk if each.bEndpointAddress & _IN]
    if out:
        yield PrinterPipes(
            setting.bInterfaceNumber,
            setting.bAlternateSetting,
            out[0],
            back[0].bEndpointAddress if back else None,
            max(1, back[0].wMaxPacketSize & 0x7FF) if back else 1,
        )


def _location(handle: Any) -> str:
    ports = handle.port_numbers
    return f"{handle.bus}-{'.'.join(map(str, ports))}" if ports else ""


def refused(device: UsbDevice, where: str, error: Exception) -> LinkAbsentError:
    """Say why a device cannot be opened.

    Args:
        device: The device.
        where: How it is called in messages.
        error: What libusb said.

    Returns:
        The error to raise.
    """
    number = error.errno if isinstance(error, OSError) else None
    why = getattr(error, "strerror", None) or type(error).__name__
    match number:
        case errno.EACCES | errno.EPERM:
            rule, file = device.udev_rule, "/etc/udev/rules.d/70-cvconnect.rules"
            return LinkAbsentError(
                where,
                f"permission denied; add the udev rule {rule} to {file} and plug it in again",
                fr=f"{where} : accès refusé. Ajoutez la règle udev {rule} à {file}, puis rebranchez l’imprimante.",
            )
        case errno.EBUSY:
            return LinkAbsentError(where, why, fr=f"{where} est utilisé par un autre programme : fermez-le.")
        case _ if isinstance(error, NotImplementedError):
            return LinkAbsentError(
                where,
                "its driver lets no program through; on Windows give it the WinUSB driver, with Zadig",
                fr=f"{where} : le pilote de Windows ne laisse passer aucun programme. Donnez-lui le pilote WinUSB, avec Zadig.",
            )
        case _:
            return LinkAbsentError(where, why)
