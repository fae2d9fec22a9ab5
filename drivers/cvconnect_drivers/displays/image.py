"""A customer screen as an image file that the till, or any viewer, shows: `image:out/display.png?size=800x480`.

A file whose name ends with `.svg` is an SVG, which stays sharp at any size; every other one is a PNG.

The file is replaced as a whole, never written in place, so that a viewer never sees half a QR. A picture whose QR has an end says so
itself, since a till that was killed cannot take it away: `Expires`, UTC as in RFC 3339, is a text of the PNG (tEXt), or the attribute
`data-expires` of the SVG.

Settings: `size`, in pixels.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from cvconnect_drivers.displays import READY, has_qr, screen, screen_size
from cvconnect_drivers.displays.drawn import DrawnDisplay
from cvconnect_drivers.errors import PackageMissingError
from cvconnect_drivers.links.file import unwritable
from cvconnect_drivers.shapes import Health, Prompt, Surface
from cvconnect_drivers.urls import Settings, parse_url


class ImageDisplay(DrawnDisplay):
    """A screen that is a file.

    Args:
        name: The URL it was made from.
        path: The file.
        size: Width and height, in pixels.
    """

    def __init__(self, name: str, path: Path, size: tuple[int, int]) -> None:
        super().__init__(name, f"Vérifiez que l’écran affiche {path.name}.")
        self._path = path
        self._size = size

    def _draw(self, prompt: Prompt | None) -> Surface:
        draw = _svg if self._path.suffix.lower() == ".svg" else _png
        try:
            picture, surface = draw(prompt, self._size)
        except ImportError as error:
            raise PackageMissingError("pillow") from error
        self._replace(picture)
        return surface

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
        self._health = READY


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
    size = screen_size(settings)
    settings.refuse_unknown()
    return ImageDisplay(url, Path(device.path), size)


def _expires(prompt: Prompt | None) -> str:
    """Write down when a picture must be gone; nothing for one without a QR, or with one that has no end."""
    if prompt is None or prompt.expires_at is None or not has_qr(prompt):
        return ""
    return f"{prompt.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _png(prompt: Prompt | None, size: tuple[int, int]) -> tuple[bytes, Surface]:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    if expires := _expires(prompt):
        notes.add_text("Expires", expires)
    picture, surface = screen.render(prompt, size) if prompt is not None else (screen.blank(size), "none")
    file = io.BytesIO()
    # A screen is written once and read once: speed before size.
    picture.save(file, "PNG", compress_level=1, pnginfo=notes)
    return file.getvalue(), surface


def _svg(prompt: Prompt | None, size: tuple[int, int]) -> tuple[bytes, Surface]:
    from cvconnect_drivers.displays import svg

    text, surface = svg.render(prompt, size, expires=_expires(prompt))
    return text.encode(), surface
