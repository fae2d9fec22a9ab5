"""What the desktop sees of a keyboard while it is taken away: a second open file is one more program that reads it.

The kernel gives every program the same events until one grabs the device. Which of two came first, a key or the grab, no clock
tells; that the onlooker saw the key does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from cvconnect_drivers.scanners import input_events as linux


class SecondFile(Protocol):
    """The device, opened once more; its file is read without blocking."""

    @property
    def fd(self) -> int:
        """The file."""
        ...

    def active_keys(self) -> Sequence[int]:
        """Tell which keys are held; the kernel then forgets the key events that were not read."""
        ...

    def write(self, etype: int, code: int, value: int) -> None:
        """Give an event to all programs that read the device, as if it came from there."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Onlooker:
    """Sees what the desktop sees, from now on.

    Args:
        device: The second file; the onlooker owns it.

    Raises:
        OSError: The device is gone.
    """

    def __init__(self, device: SecondFile) -> None:
        self._device = device
        self._down: set[int] = set()
        try:
            self.held = frozenset(device.active_keys())
        except BaseException:
            self.close()
            raise

    def down(self) -> frozenset[int]:
        """Tell which keys went down before the desktop's eyes and have not come up there."""
        data = b""
        with contextlib.suppress(OSError):  # nothing more came, or the device is gone
            data = os.read(self._device.fd, linux.EVENT.size * 256)
        for _, _, kind, code, value in linux.EVENT.iter_unpack(data):
            if kind == linux.EV_KEY and value == linux.PRESSED:
                self._down.add(code)
            elif kind == linux.EV_KEY and value == linux.RELEASED:
                self._down.discard(code)
            elif (kind, code) == (linux.EV_SYN, linux.SYN_DROPPED):
                self._down.clear()  # the desktop lost them, too, and asks which keys are held
        return frozenset(self._down)

    def release(self, codes: Iterable[int]) -> None:
        """Let keys come up before the desktop's eyes that are up already, as far as this program may write to the device.

        The kernel passes on only what changes a key, so each goes down once more first; to whom it is down already, that says
        nothing new. A text console types it once more.

        Source: Linux `drivers/input/input.c`, `input_get_disposition`; `drivers/input/evdev.c`, `evdev_write`.
        Unverified: that every desktop ignores a key that goes down twice, as libinput does.
        """
        with contextlib.suppress(Exception):  # the file may be open for reading only
            for code in codes:
                for value in (linux.PRESSED, linux.RELEASED):
                    self._device.write(linux.EV_KEY, code, value)
                    self._device.write(linux.EV_SYN, linux.SYN_REPORT, 0)

    def close(self) -> None:
        """Close the file. Never raises."""
        with contextlib.suppress(Exception):
            self._device.close()
