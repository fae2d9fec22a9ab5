"""The monitors of this computer: their names, where they stand, and which of them the customer sees.

Source: libXrandr, `XRRGetMonitors` (RandR 1.5; what `xrandr --listmonitors` prints). Unverified: Windows
(`EnumDisplayMonitors`, `GetMonitorInfoW`), known from its documentation alone. Elsewhere no monitor is known.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor.

    Args:
        name: `HDMI-1`, or `DISPLAY2` on Windows.
        left: Of its corner on the desktop, in pixels.
        top: Of its corner on the desktop, in pixels.
        width: In pixels.
        height: In pixels.
        is_primary: Whether it is the one with the desktop's bars: the cashier's.
    """

    name: str
    left: int
    top: int
    width: int
    height: int
    is_primary: bool = False

    def overlaps(self, other: Monitor) -> bool:
        """Whether both show a part of the desktop that is the same."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.top < other.top + other.height
            and other.top < self.top + self.height
        )

    def __str__(self) -> str:
        """Name it as a person finds it."""
        return f"{self.name} ({self.width}x{self.height})"


class NoScreenError(Exception):
    """There is no graphical session to show a window in.

    Args:
        why: In English.
        fr: What to do about it.
    """

    def __init__(self, why: str, fr: str) -> None:
        super().__init__(why)
        self.why = why
        self.fr = fr


class Monitors(Protocol):
    """Knows the monitors."""

    def list(self) -> Sequence[Monitor]:
        """List those that are on."""
        ...


def choose(monitors: Sequence[Monitor], name: str) -> Monitor | None:
    """Choose the customer's monitor. Pure.

    Args:
        monitors: Those that are on.
        name: Its name, or nothing for the first one that shows nothing of the cashier's.

    Returns:
        The monitor, or None.
    """
    if name:
        return next((each for each in monitors if each.name.casefold() == name.casefold()), None)
    mine = cashiers(monitors)
    return next((each for each in monitors if mine is not None and not each.overlaps(mine)), None)


def cashiers(monitors: Sequence[Monitor]) -> Monitor | None:
    """Find the monitor with the till: the primary one, or the first where none is. Pure."""
    return next((each for each in monitors if each.is_primary), monitors[0] if monitors else None)


def open_monitors() -> Monitors:
    """Find out who knows the monitors here.

    Raises:
        NoScreenError: There is no graphical session, or none that is supported.
    """
    if sys.platform == "win32":
        return _WindowsMonitors()
    if sys.platform == "darwin":
        raise NoScreenError(
            "macOS is not supported",
            "Une fenêtre client n’est pas possible sous macOS : utilisez web: ou image:.",
        )
    return _X11Monitors()


_NO_X11: Final = (
    "Aucune session graphique X11 (variable DISPLAY) : lancez la caisse dans sa session graphique."
)


class _XMonitor(ctypes.Structure):
    """`XRRMonitorInfo` of X11/extensions/Xrandr.h."""

    _fields_ = (
        ("name", ctypes.c_ulong),
        ("primary", ctypes.c_int),
        ("automatic", ctypes.c_int),
        ("noutput", ctypes.c_int),
        ("x", ctypes.c_int),
        ("y", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("mwidth", ctypes.c_int),
        ("mheight", ctypes.c_int),
        ("outputs", ctypes.c_void_p),
    )


class _X11Monitors:
    def __init__(self) -> None:
        try:
            self._x11, self._randr = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
            self._declare()
        except (OSError, AttributeError) as error:
            raise NoScreenError(
                "libX11.so.6 or libXrandr.so.2 is missing",
                "Le composant libXrandr manque sur cette caisse : apt-get install libxrandr2",
            ) from error
        self._display: int | None = self._x11.XOpenDisplay(None)
        if self._display is None:
            raise NoScreenError("there is no X display", _NO_X11)
        self._root: int = self._x11.XDefaultRootWindow(self._display)

    def list(self) -> Sequence[Monitor]:
        """List those that are on, in the server's order."""
        count = ctypes.c_int()
        found: Any = self._randr.XRRGetMonitors(self._display, self._root, 1, ctypes.byref(count))
        if not found:
            return []
        try:
            return [self._monitor(found[index]) for index in range(count.value)]
        finally:
            self._randr.XRRFreeMonitors(found)

    def _monitor(self, info: _XMonitor) -> Monitor:
        return Monitor(self._name(info.name), info.x, info.y, info.width, info.height, bool(info.primary))

    def _name(self, atom: int) -> str:
        text: int | None = self._x11.XGetAtomName(self._display, atom)
        if text is None:
            return ""
        try:
            return ctypes.string_at(text).decode("utf-8", "replace")
        finally:
            self._x11.XFree(text)

    def _declare(self) -> None:
        display, window = ctypes.c_void_p, ctypes.c_ulong
        functions: tuple[tuple[Any, Any, list[Any]], ...] = (
            (self._x11.XOpenDisplay, display, [ctypes.c_char_p]),
            (self._x11.XDefaultRootWindow, window, [display]),
            (self._x11.XGetAtomName, ctypes.c_void_p, [display, ctypes.c_ulong]),
            (self._x11.XFree, ctypes.c_int, [ctypes.c_void_p]),
            (
                self._randr.XRRGetMonitors,
                ctypes.POINTER(_XMonitor),
                [display, window, ctypes.c_int, ctypes.POINTER(ctypes.c_int)],
            ),
            (self._randr.XRRFreeMonitors, None, [ctypes.POINTER(_XMonitor)]),
        )
        for function, result, arguments in functions:
            function.restype, function.argtypes = result, arguments


class _Rectangle(ctypes.Structure):
    """`RECT` of windef.h."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("left", "top", "right", "bottom"))


class _WindowsMonitor(ctypes.Structure):
    """`MONITORINFOEXW` of winuser.h."""

    _fields_ = (
        ("size", ctypes.c_ulong),
        ("monitor", _Rectangle),
        ("work", _Rectangle),
        ("flags", ctypes.c_ulong),
        ("device", ctypes.c_wchar * 32),
    )


_PRIMARY: Final = 1
_PER_MONITOR_DPI: Final = 2


class _WindowsMonitors:
    def __init__(self) -> None:
        library: Any = ctypes
        self._user32: Any = library.windll.user32
        self._callback: Any = library.WINFUNCTYPE(
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(_Rectangle), ctypes.c_void_p
        )
        # Real pixels: a QR that the desktop scales is no longer sharp.
        library.windll.shcore.SetProcessDpiAwareness(_PER_MONITOR_DPI)

    def list(self) -> Sequence[Monitor]:
        """List those that are on, by the last part of their names: `DISPLAY2`."""
        handles: list[int] = []

        def found(handle: int, _context: int, _where: object, _data: int) -> int:
            handles.append(handle)
            return 1

        self._user32.EnumDisplayMonitors(None, None, self._callback(found), None)
        return [monitor for monitor in map(self._monitor, handles) if monitor is not None]

    def _monitor(self, handle: int) -> Monitor | None:
        info = _WindowsMonitor(size=ctypes.sizeof(_WindowsMonitor))
        if not self._user32.GetMonitorInfoW(ctypes.c_void_p(handle), ctypes.byref(info)):
            return None  # unplugged meanwhile
        where = info.monitor
        return Monitor(
            str(info.device).rpartition("\\")[2],
            where.left,
            where.top,
            where.right - where.left,
            where.bottom - where.top,
            bool(info.flags & _PRIMARY),
        )
