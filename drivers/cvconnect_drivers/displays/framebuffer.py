"""A customer screen on a Linux console, without a graphical session: `fb:/dev/fb0`, `fb:/dev/fb0?tty=/dev/tty1`.

The whole screen is written for each prompt, in its own size, and the device is opened anew each time: one that was unplugged
shows the next prompt once it is back. Where the system draws a desktop, nothing of this is seen: there, take `window:`.

Settings: `tty`, the console that draws on the same screen; it draws nothing while the display is claimed.

Source: Linux `include/uapi/linux/fb.h`, `include/uapi/linux/kd.h`; `drivers/video/fbdev/core/fbmem.c`; `drivers/tty/vt/vt_ioctl.c`.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import platform
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from cvconnect_drivers.displays import READY, screen
from cvconnect_drivers.displays.drawn import RELEASE_S, DrawnDisplay, in_turn
from cvconnect_drivers.displays.pixels import FIXED_BYTES, VARIABLE_BYTES, Raster, pack, read_raster
from cvconnect_drivers.errors import DriverError, LinkAbsentError, PackageMissingError
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

if TYPE_CHECKING:
    from PIL.Image import Image

_FBIOGET_VSCREENINFO, _FBIOGET_FSCREENINFO, _FBIOBLANK, _FB_BLANK_UNBLANK = 0x4600, 0x4602, 0x4611, 0
_KDSETMODE, _KD_TEXT, _KD_GRAPHICS = 0x4B3A, 0, 1

_DENIED: Final = "{} : accès refusé. Ajoutez ce compte au groupe video (« usermod -aG video COMPTE »), puis rouvrez sa session."
_NOT_FOUND: Final = "{} est introuvable : l’écran est-il branché ? « cat /proc/fb » donne la liste."
_NOT_A_SCREEN: Final = "{} n’est pas un écran : indiquez un framebuffer, comme /dev/fb0."
_DENIALS: Final = (errno.EACCES, errno.EPERM)
_WHY: Final[Mapping[int, str]] = {
    **dict.fromkeys(_DENIALS, _DENIED),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO), _NOT_FOUND),
    **dict.fromkeys((errno.ENOTTY, errno.EINVAL, errno.EISDIR), _NOT_A_SCREEN),
}
_CONSOLE_DENIED: Final = (
    "{0} : cette caisse n’a pas le droit de faire taire cette console. Lancez-la sur elle (systemd : StandardInput=tty, TTYPath={0}), "
    "ou enlevez « tty » et ajoutez vt.global_cursor_default=0 au démarrage de Linux."
)
_NOT_A_CONSOLE: Final = "{} n’est pas une console de Linux : « tty » s’écrit comme /dev/tty1."
_OTHER_PIXELS: Final = "{} n’est pas en 16, 24 ou 32 bits de couleur, ou a moins de 160 points de côté : essayez « fbset -depth 32 », ou prenez web:."

_Draw: TypeAlias = "Callable[[tuple[int, int]], tuple[Image, Surface]]"


class FramebufferDisplay(DrawnDisplay):
    """A screen that is a framebuffer.

    Args:
        name: The URL it was made from.
        path: The device.
        console: The console that draws on it, or empty.
    """

    def __init__(self, name: str, path: str, console: str) -> None:
        super().__init__(name, f"Vérifiez que le client voit {path}.")
        self._path = path
        self._console = console

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the screen could be written; `external` looks whether it is there. See `DrawnDisplay.check_health`."""
        if level != "internal" and self._claimed:
            with contextlib.suppress(DriverError), in_turn(self._lock, self._name, RELEASE_S), self._opened():
                self._health = READY
        return super().check_health(level)

    def release(self) -> None:
        """Leave the screen black, and give it back to its console. Idempotent; never raises."""
        super().release()
        atexit.unregister(self.release)

    def _take(self) -> None:
        self._draw(None)
        self._set_console(_KD_GRAPHICS)
        atexit.register(self.release)
        self._draw(None)  # the console has wiped its cursor off

    def _give_back(self) -> None:
        self._set_console(_KD_TEXT)

    def _draw(self, prompt: Prompt | None) -> Surface:
        return self._paint(_nothing if prompt is None else lambda size: screen.render(prompt, size))

    def _paint(self, draw: _Draw) -> Surface:
        import fcntl

        with self._opened() as (descriptor, raster):
            try:
                picture, surface = draw(raster.size)
                pixels = memoryview(pack(picture, raster))
            except ImportError as error:
                raise PackageMissingError("pillow") from error
            with contextlib.suppress(OSError):  # not every screen can sleep
                fcntl.ioctl(descriptor, _FBIOBLANK, _FB_BLANK_UNBLANK)
            at = raster.first_byte
            while pixels and (taken := os.pwrite(descriptor, pixels, at)):
                pixels, at = pixels[taken:], at + taken
            if pixels:
                raise self._absent(self._path, "it takes nothing", "")
        self._health = READY
        return surface

    @contextmanager
    def _opened(self) -> Generator[tuple[int, Raster], None, None]:
        """Open the screen and measure it; the caller holds the lock."""
        import fcntl

        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                variable = fcntl.ioctl(descriptor, _FBIOGET_VSCREENINFO, bytes(VARIABLE_BYTES))
                fixed = fcntl.ioctl(descriptor, _FBIOGET_FSCREENINFO, bytes(FIXED_BYTES))
                raster = read_raster(variable, fixed)
                if raster is None:
                    raise self._absent(self._path, "its pixels are not of a supported layout", _OTHER_PIXELS)
                yield descriptor, raster
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._absent(self._path, _why(error), _WHY.get(error.errno or 0, "")) from error

    def _set_console(self, mode: int) -> None:
        """Let the console draw, or not."""
        import fcntl

        if not self._console:
            return
        try:
            descriptor = os.open(self._console, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.ioctl(descriptor, _KDSETMODE, mode)
            finally:
                os.close(descriptor)
        except OSError as error:
            said = _CONSOLE_DENIED if error.errno in _DENIALS else _NOT_A_CONSOLE
            raise self._absent(self._console, _why(error), said) from error

    def _absent(self, where: str, why: str, fr: str) -> LinkAbsentError:
        absent = LinkAbsentError(where, why, fr=fr.format(where))
        self._health = Health("absent", absent.text())
        return absent


def _why(error: OSError) -> str:
    why = error.strerror or type(error).__name__
    denied = error.errno in _DENIALS
    return f"{why}; the group video may draw, a console's own user may silence it" if denied else why


def _nothing(size: tuple[int, int]) -> tuple[Image, Surface]:
    from PIL import Image

    return Image.new("RGB", size), "none"


def open_display(url: str, options: Mapping[str, object]) -> FramebufferDisplay:
    """Make a framebuffer display; nothing is opened before `claim`.

    Args:
        url: `fb:/dev/fb0`, `fb:/dev/fb1?tty=/dev/tty1`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid, or this is not Linux.
    """
    device = parse_url(url, {"fb"})
    settings = Settings(device, options)
    console = settings.text("tty", "")
    settings.refuse_unknown()
    if platform.system() != "Linux":
        raise settings.invalid(
            fr="« fb: » n’existe que sous Linux ; prenez window:, web: ou image:",
            en="fb: exists on Linux only; take window:, web: or image:",
        )
    return FramebufferDisplay(url, device.path, console)
