"""Pipes over a serial port (RS-232, or USB CDC-ACM), through pyserial."""

from __future__ import annotations

import contextlib
import errno
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError, PackageMissingError
from cvconnect_drivers.links.base import Deadline

if TYPE_CHECKING:
    from serial import serialposix, serialwin32

FLOWS = ("none", "xonxoff", "rtscts")
"""How a device says "wait": by bytes on the line, which the system takes out of it, or by a wire of the cable."""

DRAIN_POLL_S = 0.005
"""No system tells the moment when the last byte leaves; at 9600 baud this is 5 of them."""

_HELD = "{} est utilisé par un autre programme : fermez-le."
_NOT_FOUND = "{} est introuvable : vérifiez que l’appareil est branché, et le nom du port."
_WHY = {
    errno.EACCES: "{} : accès refusé. Donnez à ce compte les droits sur le port (sous Linux : groupe dialout).",
    errno.EPERM: "{} : accès refusé. Donnez à ce compte les droits sur le port (sous Linux : groupe dialout).",
    errno.EBUSY: _HELD,
    errno.EAGAIN: _HELD,  # what the lock of an open port says
    errno.ENOENT: _NOT_FOUND,
    errno.ENODEV: _NOT_FOUND,
    errno.ENXIO: _NOT_FOUND,
    errno.ENOTTY: "{} n’est pas un port série : vérifiez le nom du port.",
}
_WHY_ON_WINDOWS = {"PermissionError": _HELD, "FileNotFoundError": _NOT_FOUND}
"""There pyserial only quotes the system's error, and a port that is open is refused to everybody else."""


class SerialLink:
    """An open serial port.

    Args:
        port: pyserial's port; the link owns it.
        where: How the device is called in messages.
    """

    def __init__(self, port: serialposix.Serial | serialwin32.Serial, where: str) -> None:
        self._port = port
        self._where = where
        self._closed = threading.Event()

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the device: when this returns, none waits in this computer any more.

        After a time-out, what had not left is thrown away, so that nothing is printed behind the caller's back and
        `close` does not wait for a device that says "wait" for ever.

        Raises:
            LinkLostError: The port vanished.
            LinkTimeoutError: The device stopped reading; pyserial does not tell how many bytes went.
        """
        import serial

        if timeout_s <= 0:  # to pyserial that means: send what fits, and never mind the rest
            raise LinkTimeoutError(self._where, "write")
        deadline = Deadline(timeout_s)
        try:
            self._port.write_timeout = timeout_s
            self._port.write(data)
            gone = self._drain(deadline)
        except serial.SerialTimeoutException as error:
            self._throw_away()
            raise LinkTimeoutError(self._where, "write", sent_bytes=None) from error
        except Exception as error:  # pyserial lets termios.error and others through, which are no OSError
            raise LinkLostError(self._where, type(error).__name__, sent_bytes=None) from error
        if self._closed.is_set():  # a write that was cancelled ends as if all of it had gone
            raise LinkLostError(self._where, "closed meanwhile", sent_bytes=None)
        if not gone:
            self._throw_away()
            raise LinkTimeoutError(self._where, "write", sent_bytes=None)

    def _drain(self, deadline: Deadline) -> bool:
        while self._port.out_waiting:
            left_s = deadline.left_s()
            if left_s <= 0 or self._closed.wait(min(DRAIN_POLL_S, left_s)):
                return False
        return True

    def _throw_away(self) -> None:
        with contextlib.suppress(Exception):  # a port that is closed or gone has nothing left to throw away
            self._port.reset_output_buffer()

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Block for one byte, then take what the port already holds.

        Raises:
            LinkLostError: The port vanished.
            LinkTimeoutError: Nothing came.
        """
        try:
            # Each assignment reconfigures an open port: only when it changes.
            if self._port.timeout != timeout_s:
                self._port.timeout = timeout_s
            data = self._port.read(1)
            waiting = min(self._port.in_waiting, max_bytes - 1) if data else 0
            if waiting:
                data += self._port.read(waiting)
        except Exception as error:  # a TypeError, when another thread has just closed the port
            raise LinkLostError(self._where, type(error).__name__) from error
        if not data:
            raise LinkTimeoutError(self._where, "byte")
        return data

    def close(self) -> None:
        """Close the port; what could not leave it is thrown away. Idempotent; never raises.

        A read or a write of another thread is woken first, where the port can do that (RS-232 and USB, not URLs).
        """
        self._closed.set()
        with contextlib.suppress(Exception):
            self._port.cancel_read()
            self._port.cancel_write()
        self._throw_away()
        with contextlib.suppress(Exception):
            self._port.close()


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port of this computer, and what is plugged into it.

    Args:
        device: The port's name today (`/dev/ttyACM0`, `COM3`).
        vendor_id: USB vendor number; None for a port that is not USB, as the next one.
        product_id: USB product number.
        serial: The device's serial number, or an empty text.
        location: The place it is plugged in, as the operating system writes it, or an empty text.
        product: What the device calls itself, or an empty text.
    """

    device: str
    vendor_id: int | None
    product_id: int | None
    serial: str
    location: str
    product: str


def list_serial() -> list[SerialPort]:
    """List the serial ports of this computer.

    Raises:
        PackageMissingError: pyserial is not installed.
    """
    try:
        from serial.tools import list_ports
    except ImportError as error:
        raise PackageMissingError("pyserial") from error
    return [
        SerialPort(
            each.device, each.vid, each.pid, each.serial_number or "", each.location or "", each.product or ""
        )
        for each in list_ports.comports()
    ]


def open_serial(device: str, *, baud: int, flow: str = "none") -> SerialLink:
    """Open a serial port: 8 data bits, no parity, one stop bit, for this program alone.

    Args:
        device: The port (`/dev/ttyACM0`, `COM3`) or a URL that pyserial knows.
        baud: Bits per second.
        flow: How the device says "wait", one of `FLOWS`.

    Returns:
        The open link; bytes that waited in the port are dropped, since they belong to no payment.

    Raises:
        LinkAbsentError: The port does not exist, is held by another program, or may not be opened.
        PackageMissingError: pyserial is not installed.
    """
    try:
        import serial
    except ImportError as error:
        raise PackageMissingError("pyserial") from error
    port = None
    try:
        # No write time-out here: rfc2217:// refuses any, and `write` sets its own.
        port = serial.serial_for_url(device, baudrate=baud, timeout=0, exclusive=True)
        if flow != "none":
            port.xonxoff, port.rtscts = flow == "xonxoff", flow == "rtscts"
        port.reset_input_buffer()
    except Exception as error:
        if port is not None:
            SerialLink(port, device).close()
        raise LinkAbsentError(device, type(error).__name__, fr=_why(error).format(device)) from error
    return SerialLink(port, device)


def _why(error: Exception) -> str:
    # The system's number comes first in its own errors and in those of pyserial that keep it; else it is behind them.
    for each in (error, error.__context__):
        number = each.args[0] if each is not None and each.args else None
        if isinstance(number, int) and number in _WHY:
            return _WHY[number]
    quoted = (why for name, why in _WHY_ON_WINDOWS.items() if name in str(error))
    return next(quoted, "{} ne répond pas : vérifiez que l’appareil est branché et allumé.")
