"""Pipes over a serial port (RS-232, or USB CDC-ACM), through pyserial."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError, PackageMissingError

if TYPE_CHECKING:
    from serial import serialposix, serialwin32

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

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the port.

        Raises:
            LinkLostError: The port vanished.
            LinkTimeoutError: The device stopped reading; pyserial does not tell how many bytes went.
        """
        import serial

        try:
            self._port.write_timeout = timeout_s
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkTimeoutError(self._where, "write", sent_bytes=None) from error
        except Exception as error:  # pyserial lets termios.error and others through, which are no OSError
            raise LinkLostError(self._where, type(error).__name__, sent_bytes=None) from error

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
        """Close the port. Idempotent; never raises."""
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


def open_serial(device: str, *, baud: int) -> SerialLink:
    """Open a serial port: 8 data bits, no parity, one stop bit, for this program alone.

    Args:
        device: The port (`/dev/ttyACM0`, `COM3`) or a URL that pyserial knows.
        baud: Bits per second.

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
