"""How a Linux framebuffer lays out its pixels, and a picture laid out so. Pure.

Source: Linux `include/uapi/linux/fb.h` (`fb_var_screeninfo`, `fb_fix_screeninfo`), `Documentation/fb/api.rst`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_SIDE_PX, MAX_SIDE_PX = 160, 8192

VARIABLE_BYTES: Final = struct.calcsize("@40I")
FIXED_BYTES: Final = struct.calcsize("@16sL4I3HIL2I3H0L")
"""Of the two structures that tell of a screen."""

_VARIABLE: Final = struct.Struct("@20I")
"""`xres`, `yres`, both again of the virtual screen, `xoffset`, `yoffset`, `bits_per_pixel`, `grayscale`; then offset, length and
`msb_right` of red, green, blue and transparency."""
_FIXED: Final = struct.Struct("@16sL4I3HI")
"""`id`, `smem_start`, `smem_len`, `type`, `type_aux`, `visual`, three steps, `line_length`."""

_PACKED_PIXELS: Final = 0
_TRUE_COLOUR, _DIRECT_COLOUR = 2, 4

Layout: TypeAlias = Literal["BGRA", "RGBA", "BGR", "565"]
"""Bytes of a pixel, in the order of their addresses on a little-endian machine; `565` is two of them. Transparency is opaque."""

_PIXEL_BYTES: Final[Mapping[Layout, int]] = {"BGRA": 4, "RGBA": 4, "BGR": 3, "565": 2}
_LAYOUTS: Final[Mapping[tuple[int, ...], Layout]] = {
    (32, 16, 8, 0, 8, 8, 0, 0, 8, 0): "BGRA",
    (32, 0, 8, 0, 8, 8, 0, 16, 8, 0): "RGBA",
    (24, 16, 8, 0, 8, 8, 0, 0, 8, 0): "BGR",
    (16, 11, 5, 0, 5, 6, 0, 0, 5, 0): "565",
}
"""By bits per pixel, and offset, length and `msb_right` of red, green and blue."""

_HIGH_RED: Final = [part & 0xF8 for part in range(256)]
_HIGH_GREEN: Final = [part >> 5 for part in range(256)]
_LOW_GREEN: Final = [part << 3 & 0xE0 for part in range(256)]
_LOW_BLUE: Final = [part >> 3 for part in range(256)]
"""What each part of a colour adds to the two bytes of a pixel of 16 bits."""


@dataclass(frozen=True, slots=True)
class Raster:
    """The visible part of a framebuffer.

    Args:
        size: Width and height, in pixels.
        layout: How a pixel is written.
        line_bytes: From one line to the next.
        first_byte: Where its first pixel stands.
    """

    size: tuple[int, int]
    layout: Layout
    line_bytes: int
    first_byte: int


def read_raster(variable: bytes, fixed: bytes) -> Raster | None:
    """Read what the kernel tells of a framebuffer.

    Args:
        variable: A `struct fb_var_screeninfo`.
        fixed: A `struct fb_fix_screeninfo`, of this machine's word size.

    Returns:
        Its layout, or None for one that is not written here: another depth, a palette, planes, a screen of no use.
    """
    told = _VARIABLE.unpack_from(variable)
    width, height, _, _, left, top, bits, grey = told[:8]
    _, _, _, kind, _, visual, _, _, _, line_bytes = _FIXED.unpack_from(fixed)
    layout = _LAYOUTS.get((bits, *told[8:17]))
    if layout is None or grey or kind != _PACKED_PIXELS or visual not in {_TRUE_COLOUR, _DIRECT_COLOUR}:
        return None
    pixel = _PIXEL_BYTES[layout]
    is_of_use = all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in (width, height))
    if not is_of_use or line_bytes < width * pixel:
        return None
    return Raster((width, height), layout, line_bytes, top * line_bytes + left * pixel)


def pack(picture: Image, raster: Raster) -> bytes:
    """Lay a picture out.

    Args:
        picture: RGB, of the raster's size.
        raster: Where it goes.

    Returns:
        What to write from the raster's first byte on: all lines, black between them, up to the last pixel.
    """
    if raster.layout == "565":
        packed = _in_16_bits(picture).tobytes("raw", "LA", raster.line_bytes)
    else:
        packed = picture.convert("RGBA").tobytes("raw", raster.layout, raster.line_bytes)
    width, height = raster.size
    return packed[: (height - 1) * raster.line_bytes + width * _PIXEL_BYTES[raster.layout]]


def _in_16_bits(picture: Image) -> Image:
    """Make a picture whose two bands are the low and the high byte of each pixel; no bit is in two of the parts."""
    from PIL import Image, ImageChops

    red, green, blue = picture.split()
    low = ImageChops.add(green.point(_LOW_GREEN), blue.point(_LOW_BLUE))
    high = ImageChops.add(red.point(_HIGH_RED), green.point(_HIGH_GREEN))
    return Image.merge("LA", (low, high))
