"""The process that owns the customer's window; `window.WindowDisplay` starts it and speaks to it.

A line of JSON comes in for each thing to do, and a line goes out when it is done: painted, as far as the window system tells.
When the pipe ends, or the till has died, the process ends and its window is gone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cvconnect_drivers.displays import has_qr, told
from cvconnect_drivers.displays.monitors import Monitor, Monitors, NoScreenError, open_monitors
from cvconnect_drivers.displays.window_place import Place
from cvconnect_drivers.errors import PackageMissingError
from cvconnect_drivers.shapes import Surface

if TYPE_CHECKING:
    import tkinter as tk

TICK_S: Final = 0.05
"""How long the window waits to be painted again after it was uncovered, and to notice that the till is gone when another process keeps
its end of the pipe open; what comes from the till, and the end of the pipe, is not waited for."""

LOOK_S: Final = 0.5
"""How often the monitors are looked at."""

MAPPED_S: Final = 2.0


class Window:
    """The window, and what stands in it.

    Args:
        place: Where it goes.
        monitors: Who knows the monitors.

    Raises:
        NoScreenError: Its monitor is not there.
        PackageMissingError: Tk or Pillow is not installed.
    """

    def __init__(self, place: Place, monitors: Monitors) -> None:
        self._place = place
        self._monitors = monitors
        self._where: tuple[int, int, int, int] = place.on(place.monitor_of([*monitors.list()]))
        self._told: told.Told | None = None
        self._ends_at_s: float | None = None
        self._looked_at_s = time.monotonic()
        self._root = _root()
        self._label = _label(self._root)
        self._image: Any = None
        self._is_away = False

    def close(self) -> None:
        """Take the window away."""
        self._root.destroy()

    def show(self, prompt: told.Told, left_ms: int | None) -> Surface:
        """Paint a prompt.

        Args:
            prompt: The prompt.
            left_ms: For how long its QR may stand there; None for no end.

        Returns:
            What the customer sees.

        Raises:
            NoScreenError: The monitor is not there any more; then nothing comes back when it is.
        """
        self._told = self._ends_at_s = None
        self.look()
        ends = has_qr(prompt) and left_ms is not None
        self._ends_at_s = time.monotonic() + (left_ms or 0) / 1000 if ends else None
        self._told = prompt.ended() if ends and not left_ms else prompt
        return self._paint()

    def clear(self) -> None:
        """Leave nothing of a prompt; on the cashier's monitor, not even the window."""
        self._told = self._ends_at_s = None
        if not self._is_away:
            self._paint()

    def look(self) -> Monitor:
        """Follow the monitor, wherever it is now.

        Returns:
            The monitor.

        Raises:
            NoScreenError: It is not there: the window hides, so that it does not come up in front of the cashier.
        """
        self._looked_at_s = time.monotonic()
        try:
            monitor = self._place.monitor_of([*self._monitors.list()])
        except NoScreenError:
            self._is_away = True
            self._hide()
            raise
        where = self._place.on(monitor)
        if where != self._where or self._is_away:
            self._where, self._is_away = where, False
            self._paint()
        return monitor

    def tick(self) -> None:
        """Do what the window system and the clock ask for."""
        now_s = time.monotonic()
        if self._ends_at_s is not None and now_s >= self._ends_at_s and self._told is not None:
            self._told, self._ends_at_s = self._told.ended(), None
            self._paint()
        if now_s - self._looked_at_s >= LOOK_S:
            try:
                self.look()
            except NoScreenError:
                return
        self._root.update()

    def _paint(self) -> Surface:
        from PIL import ImageTk

        from cvconnect_drivers.displays import screen

        if self._told is None and not self._place.fullscreen:
            self._hide()
            return "none"
        width, height, left, top = self._where
        picture = screen.blank((width, height))
        surface: Surface = "none"
        if self._told is not None:
            picture, surface = screen.render(self._told, (width, height))
        image = ImageTk.PhotoImage(picture, master=self._root)
        self._label.configure(image=image)  # type: ignore[call-overload, unused-ignore]
        self._image = image  # Tk keeps no reference of its own
        self._root.geometry(f"{width}x{height}+{left}+{top}")
        self._root.deiconify()
        self._root.lift()
        self._settle()
        return surface

    def _settle(self) -> None:
        """Wait until the window system has done all: `update` ends with a round trip to it."""
        limit_s = time.monotonic() + MAPPED_S
        self._root.update()
        while not self._root.winfo_viewable() and time.monotonic() < limit_s:
            self._root.update()

    def _hide(self) -> None:
        self._label.configure(image="")
        self._image = None
        self._root.withdraw()
        self._root.update()


def _root() -> tk.Tk:
    try:
        import tkinter as tk
    except ImportError as error:
        raise PackageMissingError("tkinter") from error
    try:
        from PIL import ImageTk
    except ImportError as error:
        raise PackageMissingError("pillow") from error
    del ImageTk
    try:
        root = tk.Tk()
    except tk.TclError as error:
        raise NoScreenError(
            "Tk finds no display", "Aucune session graphique : lancez la caisse dans sa session graphique."
        ) from error
    root.withdraw()
    # No frame, no place in a task bar, never the keyboard: the till keeps it.
    root.overrideredirect(True)
    root.attributes("-topmost", True)
    root.configure(cursor="none", background="#f4f6fa")
    return root


def _label(root: tk.Tk) -> tk.Label:
    import tkinter as tk

    label = tk.Label(root, borderwidth=0, highlightthickness=0, padx=0, pady=0, background="#f4f6fa")
    label.pack()
    return label


# --- the pipe -------------------------------------------------------------------------------------------------------------


def main(settings: str) -> None:
    """Serve one till until its pipe ends.

    Args:
        settings: `Place`, as JSON.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the till's terminal is the till's own
    parent = os.getppid()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), name="till", daemon=True).start()
    try:
        window = Window(Place(**json.loads(settings)), open_monitors())
        window.clear()
        _answer({"surface": "none"})
    except (NoScreenError, PackageMissingError) as error:
        _answer(_trouble(error))
        return
    serve(window, lines, lambda: os.getppid() == parent)


def serve(window: Window, lines: queue.SimpleQueue[bytes], has_till: Callable[[], bool]) -> None:
    """Do what the till says until it is gone, then take the window away.

    Args:
        window: The window.
        lines: What comes through the pipe; an empty line is its end.
        has_till: Whether the till still lives; asked after each line, and every `TICK_S`.
    """
    while has_till():
        try:
            line = lines.get(timeout=TICK_S)
        except queue.Empty:
            window.tick()
            continue
        if not line:
            break
        try:
            _answer(_do(window, json.loads(line)))
        except (NoScreenError, PackageMissingError) as error:
            _answer(_trouble(error))
    window.close()


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    """Read the till's lines; an empty one is the end of the pipe."""
    while True:
        line = sys.stdin.buffer.readline()
        lines.put(line)
        if not line:
            return


def _do(window: Window, wanted: dict[str, Any]) -> dict[str, Any]:
    match wanted["do"]:
        case "show":
            return {"surface": window.show(told.read(wanted["prompt"]), wanted["left_ms"])}
        case "clear":
            window.clear()
            return {"surface": "none"}
        case _:
            return {"monitor": str(window.look())}


def _trouble(error: NoScreenError | PackageMissingError) -> dict[str, Any]:
    if isinstance(error, PackageMissingError):
        return {"missing": error.package}
    return {"absent": error.why, "fr": error.fr}


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()
