"""A customer screen as a window on the second monitor: `window:`, `window:?monitor=HDMI-1`.

The window belongs to a process of its own, because the till has a user interface of its own: it fills the monitor, takes no
key, and is gone as soon as the till is, however that ended. Without a second monitor there is none, unless
`fullscreen=no` asks for a window in a corner of the only one.

Settings: `monitor`, a name (left out: the first that shows nothing of the primary one); `fullscreen` (`yes`, `no`); `size`, in pixels,
of a window that does not fill its monitor.

Needs Tk. On X11 and, through Xwayland, on Wayland. Unverified: Wayland and Windows. macOS is not supported.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from cvconnect_drivers.displays import READY, UNCLAIMED, health_at, screen_size, told
from cvconnect_drivers.displays.web.view import left_ms
from cvconnect_drivers.displays.window_place import Place
from cvconnect_drivers.errors import (
    DriverError,
    LinkAbsentError,
    LinkError,
    LinkLostError,
    LinkTimeoutError,
    NotClaimedError,
    PackageMissingError,
)
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

HEALTH_S: Final = 1.0

_MAX_LINE: Final = 65_536
_RUN: Final = (
    "import sys; sys.path += [each for each in sys.argv[1].split(sys.argv[2]) if each not in sys.path]; "
    "from cvconnect_drivers.displays.window_process import main; main(sys.argv[3])"
)
"""The till may have its packages where no other Python looks; what Python finds by itself goes first."""

_CLOSED: Final = Health("absent", "La fenêtre client s’est fermée ; elle revient à la prochaine demande.")


class WindowDisplay:
    """A screen that is a window.

    Args:
        name: The URL it was made from.
        place: Where the window goes.
    """

    def __init__(self, name: str, place: Place) -> None:
        self._name = name
        self._place = place
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._claimed = False
        self._health = UNCLAIMED

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, timeout_s: float) -> None:
        """Open the window, with nothing in it.

        Args:
            timeout_s: Seconds for all of it.

        Raises:
            LinkError: There is no such monitor, no graphical session, or the window did not come in time.
            PackageMissingError: Tk or Pillow is not installed.
        """
        self._claimed = True
        try:
            self._do({"do": "clear"}, Deadline(timeout_s))
        except DriverError:
            self._claimed = False
            raise

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Paint this prompt instead of the last one; a window that was closed comes back.

        Args:
            prompt: What to show.
            timeout_s: Seconds for all of it. A window that does not answer in time is closed.

        Returns:
            What the window system was given: `text` when the QR would be too dense, or none is read in its picture.

        Raises:
            LinkError: The monitor is not there any more, or the window did not answer.
            NotClaimedError: The display is not claimed.
            PackageMissingError: What the picture is made with is not installed.
        """
        deadline = Deadline(timeout_s)
        left = left_ms(prompt.expires_at, datetime.now(UTC))
        answer = self._do({"do": "show", "prompt": told.write(prompt), "left_ms": left}, deadline)
        surface: Surface = answer["surface"]
        return surface

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent.

        Args:
            timeout_s: Seconds for all of it. A window that does not answer in time is closed.

        Raises:
            LinkError: The window did not answer.
        """
        if not self._claimed or not self._is_open():
            return  # where no window is, nothing is shown
        with contextlib.suppress(LinkLostError):  # the same
            self._do({"do": "clear"}, Deadline(timeout_s))

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the window is there.

        Args:
            level: `external` asks it; `interactive` adds what a person should do.

        Returns:
            What is known.
        """
        if not self._claimed:
            return self._health if self._health.state == "absent" else UNCLAIMED
        if level != "internal":
            with contextlib.suppress(DriverError):
                self._do({"do": "look"}, Deadline(HEALTH_S))
        elif self._health.state == "ready" and not self._is_open():
            return _CLOSED
        return health_at(level, self._health, "Vérifiez que le client voit la fenêtre.")

    def release(self) -> None:
        """Take the window away. Idempotent."""
        self._claimed = False
        self._kill()  # ends what is under way in another thread
        with self._lock:
            self._end()

    # --- the process ----------------------------------------------------------------------------------------------------

    def _is_open(self) -> bool:
        process = self._process
        return process is not None and process.poll() is None

    def _do(self, wanted: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        if not self._lock.acquire(timeout=deadline.left_s()):
            raise LinkTimeoutError(self._name, "answer")
        try:
            if not self._claimed:
                raise NotClaimedError(self._name)
            was_open = self._is_open()
            try:
                return self._ask(wanted, deadline)
            except LinkLostError:
                if not was_open:
                    raise
            return self._ask(wanted, deadline)  # it was killed while it was asked: a new one is
        except LinkError as error:
            self._health = Health("absent", error.text())
            raise
        finally:
            self._lock.release()

    def _ask(self, wanted: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        if not self._is_open():
            self._end()
            self._start(deadline)
        answer = self._exchange(json.dumps(wanted).encode() + b"\n", deadline)
        self._health = READY
        return answer

    def _start(self, deadline: Deadline) -> None:
        if getattr(sys, "frozen", False) or not sys.executable:
            raise self._no_python("no Python to run the window's process")
        path = os.pathsep.join(filter(None, sys.path))
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-P", "-c", _RUN, path, os.pathsep, json.dumps(asdict(self._place))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise self._no_python(error.strerror or type(error).__name__) from error
        if not self._claimed:  # released meanwhile
            self._kill()
        try:
            self._exchange(b"", deadline)
        except DriverError:
            self._end()
            raise

    def _no_python(self, why: str) -> LinkAbsentError:
        return LinkAbsentError(
            self._name,
            why,
            fr="Une fenêtre client demande un Python à part, qui manque à cette caisse ou ne démarre pas : "
            "utilisez web: ou callback:.",
        )

    def _exchange(self, line: bytes, deadline: Deadline) -> dict[str, Any]:
        """Hand a line over, and wait for the answer; a process that lets the deadline pass is killed, and its window gone."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise LinkLostError(self._name, "closed")
        with _killed_after(process, deadline) as is_late:
            with contextlib.suppress(OSError):  # it has ended: that is read below
                process.stdin.write(line)
                process.stdin.flush()
            while said := process.stdout.readline(_MAX_LINE):
                if said.startswith(b"{") and said.endswith(b"\n"):  # what else it says is a traceback
                    return self._understood(json.loads(said))
        self._end()
        if not self._claimed:
            raise NotClaimedError(self._name)
        if is_late.is_set():
            raise LinkTimeoutError(self._name, "answer")
        raise LinkLostError(self._name, "the window's process has ended")

    def _understood(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "missing" in answer:
            raise _missing(answer["missing"])
        if "absent" in answer:
            raise LinkAbsentError(self._name, answer["absent"], fr=answer["fr"])
        return answer

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _end(self) -> None:
        """End the process, if there is one; the caller holds the lock."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what it no longer read
                    pipe.close()


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], deadline: Deadline) -> Generator[threading.Event]:
    """Kill a process unless the block ends in time: that ends every wait for it, on every platform."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(deadline.left_s(), kill)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        timer.join()


def _missing(package: str) -> PackageMissingError:
    if package != "tkinter":
        return PackageMissingError(package)
    if sys.platform == "win32":
        return PackageMissingError(package, install="installer Python, option « tcl/tk »")
    return PackageMissingError(package, install="apt-get install python3-tk")


def open_display(url: str, options: Mapping[str, object]) -> WindowDisplay:
    """Make a window display; nothing is opened before `claim`.

    Args:
        url: `window:`, `window:?monitor=HDMI-1`, `window:?fullscreen=no&size=800x480`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"window"})
    settings = Settings(device, options)
    monitor = settings.text("monitor", "")
    fullscreen = settings.choice("fullscreen", "yes", {"yes", "no"}) == "yes"
    width, height = screen_size(settings)
    settings.refuse_unknown()
    if device.target:
        raise settings.invalid(
            fr="le nom de l’écran s’écrit window:?monitor=HDMI-1", en="a monitor is named by 'monitor'"
        )
    return WindowDisplay(url, Place(monitor, fullscreen, width, height))
