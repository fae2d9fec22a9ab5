"""Pipes to printers on USB, through libusb.

Only the printer's own interface is taken from the system's driver, and given back.
"""

from __future__ import annotations

import contextlib
import errno
import math
import threading
from importlib import import_module
from typing import Any, Final

from cvconnect_drivers.errors import (
    LinkAbsentError,
    LinkError,
    LinkLostError,
    LinkTimeoutError,
)
from cvconnect_drivers.links.base import SLICE_S, Deadline
from cvconnect_drivers.links.usb_devices import PrinterPipes, UsbDevice, refused

CHUNK_BYTES: Final = 4096
"""What a write that failed leaves unknown at most."""

PAUSE_S: Final = 0.005
"""Between two reads of a printer that answers at once with an empty packet."""


class UsbLink:
    """An open printer.

    Args:
        device: The device; its printer's interface is claimed, and the link owns that.
        printer: Where in the device it is.
        where: How the printer is called in messages.
        borrowed: Whether the system's driver had the interface, and gets it back.
    """

    def __init__(self, device: UsbDevice, printer: PrinterPipes, where: str, *, borrowed: bool) -> None:
        self._handle = device.handle
        self._printer = printer
        self._where = where
        self._borrowed = borrowed
        self._held = b""
        # libusb does not bear that a device is closed while another thread uses it.
        self._using = threading.Lock()
        self._closed = threading.Event()

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the printer; it has taken them when this returns.

        Raises:
            LinkLostError: The printer was unplugged, or the link is closed.
            LinkTimeoutError: The printer stopped reading; `sent_bytes` of the job are in it.
        """
        deadline = Deadline(timeout_s)
        sent = 0
        while sent < len(data):
            left_s = deadline.left_s()
            if left_s <= 0:
                raise LinkTimeoutError(self._where, "write", sent_bytes=sent)
            with self._using:
                try:
                    # libusb tells how much of a write that timed out has gone.
                    sent += self._open_handle().write(
                        self._printer.write_to,
                        data[sent : sent + CHUNK_BYTES],
                        _milliseconds(min(left_s, SLICE_S)),
                    )
                except OSError as error:
                    if _is_timeout(error):
                        continue
                    raise self._lost(error, self._printer.write_to, sent_bytes=None) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte.

        Raises:
            LinkLostError: The printer was unplugged, or the link is closed.
            LinkTimeoutError: Nothing came, or the printer never tells anything.
        """
        deadline = Deadline(timeout_s)
        while not self._held:
            left_s = deadline.left_s()
            if left_s <= 0 or self._printer.read_from is None:
                raise LinkTimeoutError(self._where, "answer")
            with self._using:
                self._held = self._read(self._printer.read_from, max_bytes, min(left_s, SLICE_S))
            if not self._held:
                self._closed.wait(min(PAUSE_S, deadline.left_s()))
        data, self._held = self._held[:max_bytes], self._held[max_bytes:]
        return data

    def _read(self, endpoint: int, max_bytes: int, timeout_s: float) -> bytes:
        # Whole packets only: a packet that does not fit is an error that loses it.
        packets = max(1, max_bytes // self._printer.packet_bytes)
        try:
            came = self._open_handle().read(
                endpoint, packets * self._printer.packet_bytes, _milliseconds(timeout_s)
            )
        except OSError as error:
            if _is_timeout(error):
                return b""
            raise self._lost(error, endpoint) from error
        return bytes(came)

    def close(self) -> None:
        """Give the interface back to the system. Idempotent; never raises."""
        if self._closed.is_set():
            return
        self._closed.set()
        usb_util = import_module("usb.util")
        with self._using:
            with contextlib.suppress(OSError):
                usb_util.release_interface(self._handle, self._printer.interface)
            if self._borrowed:
                with contextlib.suppress(OSError, NotImplementedError):  # nothing to give back once unplugged
                    self._handle.attach_kernel_driver(self._printer.interface)
            with contextlib.suppress(OSError):
                usb_util.dispose_resources(self._handle)

    def _open_handle(self) -> Any:
        if self._closed.is_set():
            raise LinkLostError(self._where, "closed", sent_bytes=None)
        return self._handle

    def _lost(self, error: OSError, endpoint: int, *, sent_bytes: int | None = 0) -> LinkError:
        if (
            error.errno == errno.EPIPE
        ):  # the endpoint stays shut, for the next job too, until it is told to open
            with contextlib.suppress(OSError):
                self._handle.clear_halt(endpoint)
        return LinkLostError(self._where, error.strerror or type(error).__name__, sent_bytes=sent_bytes)


def open_usb(device: UsbDevice, where: str) -> UsbLink:
    """Open a printer.

    Args:
        device: A device with a printer in it.
        where: How the printer is called in messages.

    Returns:
        The open link.

    Raises:
        LinkAbsentError: The device is no printer, is held by another program, or may not be opened.
    """
    printer = device.printer
    if printer is None:
        raise LinkAbsentError(
            where,
            "no interface of the printer class",
            fr=f"{where} est branché, mais ce n’est pas une imprimante : vérifiez vendor= et product=.",
        )
    usb_util = import_module("usb.util")
    handle = device.handle
    borrowed = False
    try:
        _configure(handle)
        with contextlib.suppress(NotImplementedError):  # Windows and macOS have no driver to send away
            if handle.is_kernel_driver_active(printer.interface):
                handle.detach_kernel_driver(printer.interface)
                borrowed = True
        usb_util.claim_interface(handle, printer.interface)
        if printer.setting:
            handle.set_interface_altsetting(printer.interface, printer.setting)
    except (OSError, NotImplementedError) as error:
        UsbLink(device, printer, where, borrowed=borrowed).close()
        raise refused(device, where, error) from error
    return UsbLink(device, printer, where, borrowed=borrowed)


def _configure(handle: Any) -> None:
    # A device that is configured stays as it is: its other interfaces are in use.
    try:
        handle.get_active_configuration()
    except OSError as error:
        if error.errno is not None:
            raise
        handle.set_configuration()


def _milliseconds(timeout_s: float) -> int:
    # To libusb 0 means: for ever.
    return max(1, math.ceil(timeout_s * 1000))


def _is_timeout(error: OSError) -> bool:
    return error.errno == errno.ETIMEDOUT or type(error).__name__ == "USBTimeoutError"
