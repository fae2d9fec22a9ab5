"""A customer screen as an image file that the till, or any viewer, shows: `image:out/display.png?size=800x480`.

A file whose name ends with `.svg` is an SVG, which stays sharp at any size; every other one is a PNG.

The file is replaced as a whole, never written in place, so that a viewer never sees half a QR.

Settings: `size`, in pixels.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from cvconnect_drivers.displays import screen
from cvconnect_drivers.errors import LinkAbsentError, NotClaimedError, PackageMissingError
from cvconnect_drivers.links.file import unwritable
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url

DEFAULT_SIZE = (800, 480)
MIN_SIDE_PX, MAX_SIDE_PX = 160, 3840


class ImageDisplay:
    """A screen that is a file.

    Args:
        name: The URL it was made from.
        path: The file.
        size: Width and height, in pixels.
    """

    def __init__(self, name: str, path: Path, size: tuple[int, int]) -> None:
        self._name = name
        self._path = path
        self._size = size
        self._lock = threading.Lock()
        self._claimed = False
        self._health = Health("unknown", "Écran client non réservé.")

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, timeout_s: float) -> None:
        """Take the file, and clear what an earlier run may have left in it.

        Args:
            timeout_s: Unused: a disk has no deadline.

        Raises:
            LinkAbsentError: The file cannot be written.
            PackageMissingError: Pillow is not installed.
        """
        del timeout_s
        with self._lock:
            self._replace(self._draw(None)[0])
            self._claimed = True

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Draw this prompt instead of the last one.

        Args:
            prompt: What to show.
            timeout_s: Unused: a disk has no deadline.

        Returns:
            `text` when the QR would be too dense for this screen, or no QR is read in its picture.

        Raises:
            LinkAbsentError: The file cannot be written.
            NotClaimedError: The display is not claimed.
        """
        del timeout_s
        with self._lock:
            if not self._claimed:
                raise NotClaimedError(self._name)
            picture, surface = self._draw(prompt)
            self._replace(picture)
        return surface

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing. Idempotent.

        Args:
            timeout_s: Unused: a disk has no deadline.

        Raises:
            LinkAbsentError: The file cannot be written.
        """
        del timeout_s
        with self._lock:
            if self._claimed:
                self._replace(self._draw(None)[0])

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the last picture could be written.

        Args:
            level: `interactive` adds what a person should do.

        Returns:
            What is known.
        """
        if level == "interactive" and self._health.state == "ready":
            return Health("ready", f"{self._health.detail} Vérifiez que l’écran affiche {self._path.name}.")
        return self._health

    def release(self) -> None:
        """Clear, and give the file back. Idempotent; never raises."""
        with contextlib.suppress(LinkAbsentError):
            self.clear(timeout_s=0)
        self._claimed = False

    def _draw(self, prompt: Prompt | None) -> tuple[bytes, Surface]:
        draw = _svg if self._path.suffix.lower() == ".svg" else _png
        try:
            return draw(prompt, self._size)
        except ImportError as error:
            raise PackageMissingError("pillow") from error

    def _replace(self, picture: bytes) -> None:
        # Always the same name: what a crash left behind goes with the next picture.
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(picture)
            temporary.replace(self._path)
        except OSError as error:
            # No picture rather than the QR of a payment that is over.
            _remove(temporary)
            _remove(self._path)
            absent = unwritable(str(self._path), error)
            self._health = Health("absent", absent.text())
            raise absent from error
        self._health = Health("ready", "Écran client prêt.")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # a file may be emptied where its folder allows no change
        with contextlib.suppress(OSError):
            os.truncate(path, 0)


def open_display(url: str, options: Mapping[str, object]) -> ImageDisplay:
    """Make an image display; nothing is written before `claim`.

    Args:
        url: `image:out/display.png?size=800x480`, `image:out/display.svg`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The display, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"image"})
    settings = Settings(device, options)
    size = settings.size("size", DEFAULT_SIZE, MIN_SIDE_PX, MAX_SIDE_PX)
    settings.refuse_unknown()
    return ImageDisplay(url, Path(device.path), size)


def _png(prompt: Prompt | None, size: tuple[int, int]) -> tuple[bytes, Surface]:
    picture, surface = screen.render(prompt, size) if prompt is not None else (screen.blank(size), "none")
    file = io.BytesIO()
    # A screen is written once and read once: speed before size.
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue(), surface


def _svg(prompt: Prompt | None, size: tuple[int, int]) -> tuple[bytes, Surface]:
    from cvconnect_drivers.displays import svg

    text, surface = svg.render(prompt, size)
    return text.encode(), surface
