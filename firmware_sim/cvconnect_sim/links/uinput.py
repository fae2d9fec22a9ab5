"""A keyboard that Linux's input layer takes for a real one (`/dev/uinput`): no USB, no driver, only events.

It needs python-evdev, and the right to write to `/dev/uinput` (root, or a udev rule).

It does not model: a USB identity with a serial number, a port path in the USB tree, reports, an autorepeat of its own
(the kernel's does it).

Source: Linux `Documentation/input/uinput.rst`.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterable
from typing import Self, cast

from cvconnect_sim.errors import SimError

KeyStroke = tuple[float, int, bool]
"""Seconds to wait after what came before, a key as Linux numbers it (`KEY_*`), and whether it goes down."""

_EVENT = struct.Struct("@llHHi")
"""Seconds, microseconds, type, code, value: `struct input_event` of Linux's `input.h`."""


class UinputKeyboard:
    """A keyboard that is plugged in from the start.

    Args:
        name: As shown to people.
        vendor: Vendor number, 0 to 0xFFFF.
        product: Product number, 0 to 0xFFFF.
        port: Where it says it is plugged (`phys`).

    Raises:
        SimError: `UINPUT_UNAVAILABLE`, python-evdev or the right to `/dev/uinput` is missing.
    """

    def __init__(
        self,
        name: str = "Simulated keyboard",
        *,
        vendor: int = 0x1D6B,
        product: int = 0x0105,
        port: str = "cvconnect-sim/input0",
    ) -> None:
        try:
            from evdev import UInput, ecodes

            # As far as a keyboard of 105 keys goes; a device with other keys would be no keyboard to udev.
            keys = range(ecodes.KEY_ESC, ecodes.KEY_COMPOSE + 1)
            self._input = UInput(
                {ecodes.EV_KEY: list(keys), ecodes.EV_REP: []},
                name=name,
                vendor=vendor,
                product=product,
                phys=port,
            )
        except (ImportError, OSError, _uinput_error()) as error:
            raise SimError(
                "UINPUT_UNAVAILABLE",
                fr="Le clavier simulé demande Linux, python-evdev et le droit d'écrire dans /dev/uinput.",
                en="A simulated keyboard needs Linux, python-evdev and the right to write to /dev/uinput.",
            ) from error
        self._key_type, self._syn_type, self._report = ecodes.EV_KEY, ecodes.EV_SYN, ecodes.SYN_REPORT
        self._closed = threading.Event()

    @property
    def path(self) -> str:
        """Its `/dev/input/eventN`."""
        return str(self._input.device.path)

    def send(self, strokes: Iterable[KeyStroke]) -> bool:
        """Press and let go keys, each after its pause.

        Args:
            strokes: As `[(0.0, 2, True), (0.01, 2, False)]` for the key `1`.

        Returns:
            Whether all were sent; false when the keyboard was closed meanwhile.
        """
        for pause_s, code, pressed in strokes:
            if self._closed.wait(pause_s):
                return False
            self._input.write(self._key_type, code, int(pressed))
            self._input.write(self._syn_type, self._report, 0)
        return True

    def tap(self, *codes: int, pause_s: float = 0.0) -> bool:
        """Press and let go one key after the other.

        Args:
            codes: Which ones.
            pause_s: Seconds before each change.

        Returns:
            As `send`.
        """
        return self.send((pause_s, code, pressed) for code in codes for pressed in (True, False))

    def flood(self, code: int, times: int) -> None:
        """Press and let go a key in one call of the kernel, faster than any program reads: events are dropped.

        Args:
            code: Which one.
            times: How often; the kernel keeps 64 events for a program, and each time makes four.
        """
        events = ((self._key_type, code, 1), (self._syn_type, self._report, 0), (self._key_type, code, 0))
        once = b"".join(_EVENT.pack(0, 0, *event) for event in (*events, (self._syn_type, self._report, 0)))
        os.write(cast("int", self._input.fd), once * times)

    def close(self) -> None:
        """Take the keyboard away. Idempotent."""
        if not self._closed.is_set():
            self._closed.set()
            self._input.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _uinput_error() -> type[Exception]:
    try:
        from evdev.uinput import UInputError
    except ImportError:
        return ImportError
    return UInputError
