"""A customer screen that the till draws itself: `callback:NAME`.

The driver's side is an ordinary display; the till's side is a function, set before the station is opened:

```python
from cvconnect_drivers.displays.callback import display

def draw(prompt, qr_png):
    if prompt is None:
        ...  # show nothing
        return "none"
    ...  # prompt.amount, prompt.instruction, qr_png
    return "qr" if qr_png else "text"

display("COUNTER").on_prompt(draw)
```

The function is called from a thread of the station, one prompt after the other, and says what the customer now sees: it returns
when that is on the screen, within three seconds. Nothing else waits for it but this display. A till that closes its station in
the thread of its user interface, and has its function hand the prompt over to that thread, waits for itself: `release` ends that.

Settings: `qr_px`, the side in pixels of the square that is free for the QR, its quiet zone with it.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cvconnect_drivers.displays import READY, has_qr, screen
from cvconnect_drivers.displays.drawn import DrawnDisplay
from cvconnect_drivers.errors import (
    ConfigurationError,
    DriverError,
    LinkAbsentError,
    PackageMissingError,
)
from cvconnect_drivers.shapes import Health, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

DEFAULT_QR_PX: Final = 480
MIN_QR_PX, MAX_QR_PX = 87, 4096
"""The smallest: 21 modules and the quiet zone, at 3 pixels each."""

OnPrompt: TypeAlias = Callable[[Prompt | None, bytes | None], Surface]
"""Takes a prompt, or None for nothing, and the PNG of its QR, or None without one; says what the customer now sees."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_lock = threading.Lock()
_displays: dict[str, TillDisplay] = {}


class TillDisplay:
    """The till's side of a display.

    Args:
        name: What stands after `callback:`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._function: OnPrompt | None = None

    def on_prompt(self, function: OnPrompt) -> None:
        """Say who draws; the last one counts.

        Args:
            function: Takes a prompt and the PNG of its QR, and says what the customer then sees.
        """
        self._function = function

    def draw(self, prompt: Prompt | None, qr_png: bytes | None) -> Surface:
        """Have the till draw.

        Args:
            prompt: What to show, or None for nothing.
            qr_png: Its QR as a PNG, or None.

        Returns:
            What the till says; `none` when it says nothing that is known.

        Raises:
            DriverError: The till's function failed (`CALLBACK_FAILED`).
            LinkAbsentError: No function was set.
        """
        function = self._function
        where = f"callback:{self.name}"
        if function is None:
            raise LinkAbsentError(
                where,
                "on_prompt was not called",
                fr=f"L’écran client {where} n’est pas prêt : la caisse n’a pas encore dit qui le dessine (on_prompt).",
            )
        try:
            surface = function(prompt, qr_png)
        except Exception as error:
            raise DriverError(
                "CALLBACK_FAILED",
                fr=f"La caisse n’a pas pu dessiner l’écran client {where}.",
                en=f"The till's function for {where} raised {type(error).__name__}",
            ) from error
        return surface if surface in {"qr", "text"} else "none"


def display(name: str) -> TillDisplay:
    """Give the till's side of a display; it may be asked for before or after the station is opened.

    Args:
        name: What stands after `callback:` in the station file: 1 to 64 letters, digits, `_`, `.` and `-`.

    Returns:
        The one display of this process that has this name.

    Raises:
        ConfigurationError: The name is not valid.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "INVALID_URL",
            fr=f"callback:{name} : le nom se compose de lettres, de chiffres, de « _ », « . » et « - ».",
            en=f"'callback:{name}': a name has letters, digits, '_', '.' and '-'",
        )
    with _lock:
        return _displays.setdefault(name, TillDisplay(name))


class CallbackDisplay(DrawnDisplay):
    """A screen that the till draws.

    Args:
        name: The URL it was made from.
        till: Who draws it.
        qr_px: The side of the square that is free for the QR, in pixels.
    """

    def __init__(self, name: str, till: TillDisplay, qr_px: int) -> None:
        super().__init__(name, "Vérifiez que le client voit l’écran.")
        self._till = till
        self._qr_px = qr_px

    def _draw(self, prompt: Prompt | None) -> Surface:
        try:
            png = None if prompt is None or not has_qr(prompt) else self._code(prompt)
            surface = self._till.draw(prompt, png)
        except DriverError as error:
            self._health = Health("absent", error.text())
            raise
        self._health = READY
        return "text" if surface == "qr" and png is None else surface

    def _code(self, prompt: Prompt) -> bytes | None:
        try:
            code = screen.draw_code(prompt, self._qr_px)
        except ImportError as error:
            raise PackageMissingError("pillow") from error
        if code is None:
            return None
        file = io.BytesIO()
        code.save(file, "PNG")
        return file.getvalue()


def open_display(url: str, options: Mapping[str, object]) -> CallbackDisplay:
    """Make the display that the till draws; nothing is drawn before `claim`.

    Args:
        url: `callback:NAME`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"callback"})
    till = display(device.target)
    settings = Settings(device, options)
    qr_px = settings.whole("qr_px", DEFAULT_QR_PX, MIN_QR_PX, MAX_QR_PX)
    settings.refuse_unknown()
    return CallbackDisplay(url, till, qr_px)
