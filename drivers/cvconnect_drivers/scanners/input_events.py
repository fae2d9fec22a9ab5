"""What the kernel says on the file of an input device. Pure.

Source: Linux `include/uapi/linux/input.h` (`struct input_event`) and `Documentation/input/event-codes.rst`.
"""

from __future__ import annotations

import struct

EVENT = struct.Struct("@llHHi")
"""Seconds, microseconds, type, code, value."""

EV_SYN, EV_KEY, EV_REL, EV_ABS, EV_MSC, EV_LED = 0x00, 0x01, 0x02, 0x03, 0x04, 0x11
SYN_REPORT, SYN_DROPPED = 0, 3
LED_NUM_LOCK, LED_CAPS_LOCK = 0, 1
RELEASED, PRESSED, REPEATED = 0, 1, 2

BUTTONS = range(0x100, 0x160)
"""What is pressed on mice, joysticks and pens (`BTN_MISC` to `BTN_DIGI` and the wheel): no text comes of it."""

CLOCK_MONOTONIC = 1
"""Source: Linux `include/uapi/linux/time.h`; Python's `time.monotonic` reads the same clock."""


def _to_kernel(number: int, size: int) -> int:
    """Number a request that hands `size` bytes to the kernel.

    Source: Linux `include/uapi/asm-generic/ioctl.h`, `_IOW('E', number, size)`.
    """
    return 1 << 30 | size << 16 | ord("E") << 8 | number


EVIOCSCLOCKID = _to_kernel(0xA0, struct.calcsize("@i"))
INPUT_MASK = struct.Struct("=IIQ")
EVIOCSMASK = _to_kernel(0x93, INPUT_MASK.size)

MODIFIERS = frozenset({29, 42, 54, 56, 97, 100, 125, 126})
"""Ctrl, Shift, Alt and Meta, left and right."""
