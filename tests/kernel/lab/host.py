"""What the host makes of a device that was plugged in: its nodes, its events, its users."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, cast

from cvconnect_sim.links.base import Burst
from cvconnect_sim.links.gadget import Function, Gadget, Identity

if TYPE_CHECKING:  # read on every machine, for the conftest beside: evdev is for Linux only
    import evdev

TIMEOUT_S = 10.0
"""Under emulation a second is soon over."""

ENTER = 0x28
_FIRST_DIGIT = 0x1E
"""Usages of the keyboard page: the digits stand in a row from 1 to 0.

Source: HID Usage Tables 1.4, 10.
"""

_EV_KEY = 1

Subsystem = Literal["input", "hidraw", "tty", "usbmisc"]
_NODES: dict[Subsystem, tuple[str, str]] = {
    "input": ("event*", "/dev/input"),
    "hidraw": ("hidraw*", "/dev"),
    "tty": ("ttyACM*", "/dev"),
    "usbmisc": ("lp*", "/dev/usb"),
}

Found = TypeVar("Found")


class Plug(Protocol):
    """Plugs in a gadget that lives as long as its test."""

    def __call__(
        self, identity: Identity, functions: Sequence[Function], *, controller: str | None = None
    ) -> Gadget: ...


def wait_for(find: Callable[[], Found | None], timeout_s: float = TIMEOUT_S) -> Found:
    """Wait until something is found, which must not be false.

    Args:
        find: Looks for it.
        timeout_s: Longest wait, in seconds.

    Returns:
        What was found.

    Raises:
        AssertionError: Nothing was.
    """
    pause, deadline = threading.Event(), time.monotonic() + timeout_s
    while not (found := find()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        pause.wait(0.01)
    return found


def nodes(gadget: Gadget, subsystem: Subsystem) -> list[str]:
    """The nodes that the kernel has made of a gadget, as `/dev/input/event3`."""
    pattern, folder = _NODES[subsystem]
    # dummy_hcd.N is the host's port that dummy_udc.N is plugged into.
    port = (gadget.controller or "").replace("udc", "hcd")
    return [
        f"{folder}/{entry.name}"
        for entry in Path("/sys/class", subsystem).glob(pattern)
        if port in (entry / "device").resolve().parts
    ]


def node(gadget: Gadget, subsystem: Subsystem) -> str:
    """Wait for the one node of this kind, and give it."""
    (found,) = wait_for(lambda: nodes(gadget, subsystem))
    return found


def wait_until_gone() -> None:
    """Wait until the host has forgotten all that was unplugged."""
    wait_for(lambda: not list(Path("/sys/bus/usb/devices").glob("*-[1-9]")))


def typed(digits: str, pause_s: float = 0.005) -> list[Burst]:
    """The reports of a boot keyboard that types digits and Enter."""
    usages = [_FIRST_DIGIT + (int(digit) - 1) % 10 for digit in digits]
    return [(pause_s, report) for usage in [*usages, ENTER] for report in (_held(usage), bytes(8))]


@contextlib.contextmanager
def sending(gadget: Gadget, bursts: Iterable[Burst], function: int = 0) -> Generator[None, None, None]:
    """Send while the body reads: the kernel keeps less than one identifier for a program that does not."""
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(gadget.send, bursts, function=function)
        yield
        assert sent.result(TIMEOUT_S)


def opened(path: str) -> contextlib.closing[evdev.InputDevice[str]]:
    """Open an input device, as a program does that is not ours."""
    import evdev

    return contextlib.closing(cast("evdev.InputDevice[str]", evdev.InputDevice(path)))


def events(device: evdev.InputDevice[str], wait_s: float = 0.2) -> list[evdev.InputEvent]:
    """What has come, or comes within a moment."""
    if not select.select([device], [], [], wait_s)[0]:
        return []
    return list(cast("Iterable[evdev.InputEvent]", device.read()))


def key_codes(seen: Iterable[evdev.InputEvent]) -> list[tuple[int, int]]:
    """What keys did: code, and 1 down, 0 up, 2 again."""
    return [(event.code, event.value) for event in seen if event.type == _EV_KEY]


@contextlib.contextmanager
def as_nobody(group: str | None = None) -> Generator[None, None, None]:
    """This process, all its threads, without root's rights and groups, but perhaps in a group."""
    import grp

    groups, nobody = os.getgroups(), 65534
    os.setgroups([grp.getgrnam(group).gr_gid] if group else [])
    os.setresgid(nobody, nobody, 0)
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def _held(usage: int) -> bytes:
    return bytes((0, 0, usage, 0, 0, 0, 0, 0))
