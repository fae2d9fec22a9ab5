"""A desktop with two monitors, on a real X server that nobody sees: the till's, and the customer's right of it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import zxingcpp
from PIL import Image, ImageGrab

WAIT_S = 10.0
TILL_WIDTH = 640
CUSTOMER = (800, 480)
NOTHING = (0, 0, 0)
"""The colour of a desktop without a window."""

MISSING = [name for name in ("Xvfb", "xrandr") if shutil.which(name) is None]
if importlib.util.find_spec("tkinter") is None:
    MISSING.append("python3-tk")

needs_x = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"apt-get install xvfb x11-xserver-utils python3-tk (missing: {', '.join(MISSING)})",
)


@dataclass
class Desktop:
    """The X server.

    Args:
        name: What `DISPLAY` says.
        server: Its process.
    """

    name: str
    server: subprocess.Popen[bytes]

    def plug(self, name: str = "HDMI-1", size: tuple[int, int] = CUSTOMER) -> None:
        """Add a monitor right of the till's."""
        width, height = size
        self._xrandr("--setmonitor", name, f"{width}/200x{height}/120+{TILL_WIDTH}+0", "none")

    def unplug(self, name: str = "HDMI-1") -> None:
        self._xrandr("--delmonitor", name)

    def customer(self, size: tuple[int, int] = CUSTOMER) -> Image.Image:
        """Look at the customer's monitor."""
        return self.all().crop((TILL_WIDTH, 0, TILL_WIDTH + size[0], size[1]))

    def till(self) -> Image.Image:
        """Look at the till's monitor."""
        return self.all().crop((0, 0, TILL_WIDTH, CUSTOMER[1]))

    def all(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.name).convert("RGB")

    def end(self) -> None:
        """End the session of whoever is logged in."""
        self.server.terminate()
        self.server.wait(WAIT_S)

    def _xrandr(self, *arguments: str) -> None:
        there = {**os.environ, "DISPLAY": self.name}
        subprocess.run(["xrandr", *arguments], env=there, check=True, timeout=WAIT_S, capture_output=True)


def codes(picture: Image.Image) -> list[str]:
    """Scan everything that is seen, as a phone does."""
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def colours(picture: Image.Image) -> set[object]:
    """List the colours that are seen."""
    return {colour for _, colour in picture.getcolors(picture.width * picture.height) or []}


def until(holds: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    deadline_s = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@contextmanager
def desktop() -> Generator[Desktop]:
    """Start a server whose only monitor is the till's; `plug` adds the customer's."""
    read_end, write_end = os.pipe()
    width, height = TILL_WIDTH + 1024, 600
    screen = f"{width}x{height}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"],
        pass_fds=[write_end],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        there = Desktop(f":{answer.readline().strip()}", server)
    try:
        there._xrandr("--setmonitor", "*eDP-1", f"{TILL_WIDTH}/200x{height}/120+0+0", "screen")
        yield there
    finally:
        server.terminate()
        server.wait(WAIT_S)
