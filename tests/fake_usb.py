"""A composite device with a printer in it, spoken to over USB/IP inside this process by an unmodified pyusb.

The device is the package `usbip`, the bus is pyusb's backend from `pyusb-usbip-backend`. That backend has no serial number,
no kernel drivers and no claims, and drops its connection when a read times out: `Bus` adds them, and unlinks as a host
controller does.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Self

import pytest

from cvconnect_drivers.links import usb_devices

VENDOR, PRODUCT = 0x04B8, 0x0202

_UNLINK = struct.Struct("!IIIIIIiiii8s")
_REPLY = struct.Struct("!IIIIIiIiiiQ")
_RET_UNLINK = 4


class UsbPrinter:
    """A device that is a scanner first, and a printer on its second interface.

    Args:
        receive: The printer's firmware.
        serial: Its serial number.
        product: Its product number.
        protocol: 1 for a printer that tells nothing, 2 for one that answers; None for a device without printer.
    """

    def __init__(
        self,
        receive: Callable[[bytes], bytes],
        *,
        serial: str = "ABC",
        product: int = PRODUCT,
        protocol: int | None = 2,
    ) -> None:
        device_of = import_module("usbip.device")
        self._receive = receive
        self.device: Any = device_of.USBDevice(VENDOR, product, product="Counter", serial=serial)
        self.device.set_composite()
        scanner = self.device.add_group()
        scanner.claim_interface()
        scanner.add(bytes([9, 4, 0, 0, 1, 3, 0, 0, 0]))
        scanner.add_endpoint(device_of.In(0x81, "interrupt", mps=8))
        if protocol is None:
            return
        printer = self.device.add_group()
        printer.claim_interface()
        printer.add(bytes([9, 4, 1, 0, protocol, 7, 1, protocol, 0]))
        # Numbers that no program guesses.
        self.out: Any = printer.add_endpoint(device_of.Out(0x07, "bulk", mps=64))
        self.out.on_out = self._take
        if protocol > 1:
            self.back: Any = printer.add_endpoint(device_of.In(0x86, "bulk", mps=64))

    def _take(self, _endpoint: object, data: bytes) -> None:
        answer = self._receive(bytes(data))
        if answer:
            self.back.write(answer)


class Bus:
    """What pyusb takes for libusb.

    Attributes:
        claimed: The interfaces that the program holds now.
        driven: The interfaces that a driver of the system holds now.
        held_elsewhere: The interfaces that another program holds.
        refuses: The error number that opening a device ends with; 0 opens it.
        stuck_after: How many bytes the printer takes before it stops reading; None for all.
    """

    def __init__(self) -> None:
        self._loopback: Any = import_module("usbip.transport").Loopback()
        self._error: Any = import_module("usb.core").USBError
        self._real: Any = import_module("usbip_backend.backend").USBIPBackend("127.0.0.1", timeout=2.0)
        self._real._connect = self._connect
        self._ends: list[socket.socket] = []
        self.claimed: set[int] = set()
        self.driven: set[int] = {0, 1}
        self.held_elsewhere: set[int] = set()
        self.refuses = 0
        self.stuck_after: int | None = None
        self.timeouts_ms: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def plug(self, printer: UsbPrinter) -> None:
        printer.device.plug(via=self._loopback)

    def unplug(self, printer: UsbPrinter) -> None:
        self._loopback._listener.unregister(printer.device)
        self._hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()
        self._loopback.stop()

    def _hang_up(self) -> None:
        self._real._conns.clear()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def _connect(self) -> socket.socket:
        end: socket.socket = self._loopback.connect()
        end.settimeout(2.0)
        self._ends.append(end)
        return end

    # --- What the backend lacks

    def enumerate_devices(self) -> Any:
        self._real._devices = None  # it would list them once and for all
        return self._real.enumerate_devices()

    def get_device_descriptor(self, device: Any) -> Any:
        descriptor = self._real.get_device_descriptor(device)
        descriptor.iSerialNumber = self._real._get_device_descriptor_raw(device)[16]
        descriptor.port_numbers = (4, device.devnum)
        return descriptor

    def open_device(self, device: Any) -> Any:
        if self.refuses:
            raise self._error("refused", errno=self.refuses)
        connection = self._real.open_device(device)
        if not isinstance(connection._recv_exact, _Unlinking):
            connection._SERVER_TIMEOUT_MARGIN_MS = 0
            connection._backend = None  # a device that was unplugged does not come back under the same handle
            connection._recv_exact = _Unlinking(connection, self._error)
            connection.submit(  # a kernel configures what is plugged in
                direction=0, ep=0, setup=bytes([0, 9, 1, 0, 0, 0, 0, 0]), transfer_buffer_length=0
            )
        return connection

    def is_kernel_driver_active(self, _handle: Any, interface: int) -> bool:
        return interface in self.driven

    def detach_kernel_driver(self, _handle: Any, interface: int) -> None:
        self.driven.remove(interface)

    def attach_kernel_driver(self, _handle: Any, interface: int) -> None:
        assert interface not in self.claimed, "a driver gets only what the program has released"
        self.driven.add(interface)

    def claim_interface(self, _handle: Any, interface: int) -> None:
        if interface in self.driven | self.held_elsewhere:
            raise self._error("Resource busy", errno=errno.EBUSY)
        self.claimed.add(interface)

    def release_interface(self, _handle: Any, interface: int) -> None:
        self.claimed.discard(interface)

    def bulk_write(self, handle: Any, endpoint: int, interface: int, data: Any, timeout_ms: int) -> int:
        assert interface in self.claimed
        self.timeouts_ms.append(timeout_ms)
        if self.stuck_after is not None:
            data = data[: self.stuck_after]
            self.stuck_after -= len(data)
            if not data:
                threading.Event().wait(timeout_ms / 1000)
                raise self._error("Operation timed out", errno=errno.ETIMEDOUT)
        return int(self._real.bulk_write(handle, endpoint, interface, data, timeout_ms))

    def bulk_read(self, handle: Any, endpoint: int, interface: int, buffer: Any, timeout_ms: int) -> int:
        assert interface in self.claimed
        assert len(buffer) % 64 == 0, "a packet that does not fit is lost"
        self.timeouts_ms.append(timeout_ms)
        return int(self._real.bulk_read(handle, endpoint, interface, buffer, timeout_ms))


class _Unlinking:
    """Reads replies; one that does not come in time is taken back, and the connection lives on."""

    def __init__(self, connection: Any, error: Any) -> None:
        self._connection = connection
        self._receive: Callable[[int], bytes] = connection._recv_exact
        self._error = error
        self._data_follows = False

    def __call__(self, size: int) -> bytes:
        if self._data_follows:
            self._data_follows = False
            return self._receive(size)
        try:
            reply = self._reply()
        except OSError as error:
            if error.errno != errno.ETIMEDOUT:
                raise self._error("No such device", errno=errno.ENODEV) from error
            reply = self._taken_back()
        _, _, _, direction, _, _, length, *_ = _REPLY.unpack(reply)
        self._data_follows = direction == 1 and length > 0
        return reply

    def _reply(self) -> bytes:
        """Read the next reply; that to an unlinking which came too late tells nothing."""
        while int.from_bytes((reply := self._receive(_REPLY.size))[:4], "big") == _RET_UNLINK:
            pass
        return reply

    def _taken_back(self) -> bytes:
        connection = self._connection
        late = connection._seq - 1
        connection._sendall(
            _UNLINK.pack(2, connection._seq, connection.dev.devid, 0, 0, late, 0, 0, 0, 0, bytes(8))
        )
        connection._seq += 1
        connection.sock.settimeout(2.0)
        reply = self._receive(_REPLY.size)
        if int.from_bytes(reply[:4], "big") == _RET_UNLINK:
            return _REPLY.pack(3, late, 0, 0, 0, -errno.ETIMEDOUT, 0, 0, 0, 0, 0)
        return reply


def install(monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    monkeypatch.setattr(usb_devices, "load_backend", lambda: bus)
    return bus
