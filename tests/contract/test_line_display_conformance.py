"""The line display keeps the promises of the interface, with each protocol and on each link, there or away."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest

from cvconnect_drivers.displays.line_protocols import PROTOCOLS
from cvconnect_drivers.displays.serial_line import LineDisplay, open_display
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory
from cvconnect_sim.display import AedexDisplay, Cd5220Display, EpsonDisplay, Firmware, LogicControlsDisplay
from cvconnect_sim.links import PtyLink, TcpLink
from line_glass import USUAL, Cable, panel_for

DISPLAYS: list[DisplayFactory] = [open_display]
FIRMWARE: dict[str, Callable[[], Firmware]] = {
    "epson": EpsonDisplay,
    "cd5220": Cd5220Display,
    "logic-controls": LogicControlsDisplay,
    "aedex": AedexDisplay,
}
pseudo_terminals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


def no_thread_is_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("display ")]


@pytest.mark.parametrize(("protocol", "page"), USUAL)
def test_the_line_display_keeps_its_promises_in_memory(protocol: str, page: str) -> None:
    cable = Cable(FIRMWARE[protocol]())
    check_display(lambda: LineDisplay("memory:glass", cable.open, panel_for(protocol, page)))
    assert cable.glass.unknown == []
    assert cable.glass.lines == (" " * 20, " " * 20)
    assert no_thread_is_left()


def test_the_line_display_keeps_its_promises_while_it_is_away() -> None:
    cable = Cable(EpsonDisplay())
    cable.pull()
    check_display(lambda: LineDisplay("memory:away", cable.open, panel_for("epson", "cp858")))
    assert no_thread_is_left()


@pseudo_terminals
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_line_display_keeps_its_promises_on_a_serial_port(protocol: str) -> None:
    glass = FIRMWARE[protocol]()
    with PtyLink(glass.receive) as link:
        check_display(partial(open_display, f"{link.url}?protocol={protocol}&flow=none", {}))
    assert glass.unknown == []
    assert no_thread_is_left()


def test_the_line_display_keeps_its_promises_behind_a_device_server() -> None:
    glass = EpsonDisplay()
    with TcpLink(glass.receive, scheme="socket") as link:
        check_display(partial(open_display, f"serial:{link.url}", {"protocol": "epson"}))
    assert glass.unknown == []
    assert no_thread_is_left()


@pseudo_terminals
def test_the_line_display_keeps_its_promises_when_nobody_reads() -> None:
    """A port whose other end takes nothing: its buffer fills, then writes block until their deadline."""
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        os.set_blocking(slave, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(slave, b"x" * 4096):
                pass
        os.set_blocking(slave, True)
        check_display(partial(open_display, f"serial://{os.ttyname(slave)}", {}))
    finally:
        os.close(master)
        os.close(slave)
    assert no_thread_is_left()
