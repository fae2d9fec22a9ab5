"""A QR that came as a ready picture: read its modules, so that it can be drawn as sharply as one of ours."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvconnect_drivers.errors import ContentError, PackageMissingError
from cvconnect_drivers.qr import QUIET_ZONE_MODULES, QrMatrix

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PX = 4096
"""A QR of 177 modules at 20 px each stays below; a picture that unpacks to more is no QR."""

_FINDER_MODULES = 7
_FINDER = tuple(
    tuple(max(abs(x - 3), abs(y - 3)) != 2 for x in range(_FINDER_MODULES))  # noqa: PLR2004 (the ring of light modules)
    for y in range(_FINDER_MODULES)
)
_SMALLEST, _LARGEST, _STEP = 21, 177, 4
_DARK_BELOW = 128
_HEADER_BYTES = 24
"""Up to the width and the height, its last 8. Source: ISO/IEC 15948, 5.3 and 11.2.2."""


def open_picture(png: bytes) -> Image:
    """Decode a PNG as dark and light on white.

    Args:
        png: The provider's picture.

    Returns:
        A greyscale picture, what was transparent made white.

    Raises:
        ContentError: `BAD_PICTURE`: no PNG, damaged, or far too large.
    """
    from PIL import Image

    if png.count(b"IHDR") > 1:  # Pillow would believe the last one
        raise _bad("two headers")
    width, height = struct.unpack_from(">II", png.ljust(_HEADER_BYTES, b"\0"), _HEADER_BYTES - 8)
    if max(width, height) > MAX_SIDE_PX:  # before Pillow warns of it
        raise _bad(f"{width}x{height} px")
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            # Pillow takes every grey of 16 bits but the darkest 255 for white.
            shown = (
                picture.point(lambda grey: grey / 256).convert("L")
                if picture.mode.startswith("I")
                else picture
            )
            rgba = shown.convert("RGBA")
    except Exception as error:  # Pillow raises nearly anything for what is damaged
        raise _bad(type(error).__name__) from error
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L")


def read_modules(picture: Image) -> QrMatrix | None:
    """Read the modules of a QR that stands straight and sharp.

    Args:
        picture: Greyscale, the quiet zone with it or not.

    Returns:
        Its modules, or None when the picture is no plain grid (a logo, rounded modules, a blurred scaling).
    """
    dark = picture.point([255 if grey < _DARK_BELOW else 0 for grey in range(256)])
    box = dark.getbbox()
    if box is None:
        return None
    width, side = box[2] - box[0], box[3] - box[1]
    ink = dark.crop(box).tobytes()
    lines = [ink[start : start + width] for start in range(0, len(ink), width)]
    # The first line begins with the upper edge of a finder pattern.
    pixels, rest = divmod(len(lines[0]) - len(lines[0].lstrip(b"\xff")), _FINDER_MODULES)
    if width != side or rest or not pixels or side % pixels:
        return None
    modules = side // pixels
    if not _SMALLEST <= modules <= _LARGEST or (modules - _SMALLEST) % _STEP:
        return None
    grid = [line[::pixels] for line in lines[::pixels]]
    drawn = [bytes(module for module in row for _ in range(pixels)) for row in grid for _ in range(pixels)]
    dark_modules = tuple(tuple(module != 0 for module in row) for row in grid)
    return QrMatrix(dark_modules) if drawn == lines and _has_finders(dark_modules) else None


def _has_finders(modules: Sequence[Sequence[bool]]) -> bool:
    """Whether three of the corners hold what every QR has there. Source: ISO/IEC 18004, 6.3.3."""
    first, last = slice(_FINDER_MODULES), slice(-_FINDER_MODULES, None)
    corners = ((first, first), (first, last), (last, first))
    return all(tuple(tuple(row[across]) for row in modules[down]) == _FINDER for down, across in corners)


def inverted(picture: Image) -> Image:
    """Turn a greyscale picture that is light on dark into one that is dark on light."""
    from PIL import ImageOps

    return ImageOps.invert(picture)


def can_be_scanned(picture: Image) -> bool:
    """Whether a QR, dark on light, is read in a greyscale picture.

    Raises:
        PackageMissingError: zxing-cpp is not installed.
    """
    return _read(picture) is not None


def read_text(picture: Image) -> str | None:
    """Read what a QR holds, dark on light or light on dark.

    Args:
        picture: Greyscale, the quiet zone with it or not.

    Returns:
        Its text, or None when no QR is read.

    Raises:
        PackageMissingError: zxing-cpp is not installed.
    """
    both = (with_quiet_zone(picture), with_quiet_zone(inverted(picture)))
    return next(filter(None, (_read(each) for each in both)), None)


def _read(picture: Image) -> str | None:
    try:
        import zxingcpp
    except ImportError as error:
        raise PackageMissingError("zxing-cpp") from error
    found = zxingcpp.read_barcodes(
        picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), try_invert=False
    )
    return found[0].text if found else None


def with_quiet_zone(picture: Image) -> Image:
    """Surround a picture that is no plain grid with white, wide enough for any QR.

    Args:
        picture: Greyscale.

    Returns:
        The same with a white border.
    """
    from PIL import ImageOps

    # The coarsest QR has 21 modules on a side.
    return ImageOps.expand(picture, border=-(-max(picture.size) * QUIET_ZONE_MODULES // _SMALLEST), fill=255)


def _bad(why: str) -> ContentError:
    return ContentError(
        "BAD_PICTURE",
        fr="L’image du QR code est illisible.",
        en=f"The provider's picture cannot be used: {why}",
    )
