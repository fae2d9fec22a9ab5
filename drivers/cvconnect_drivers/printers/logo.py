"""The shop's logo as dots. A picture comes from outside: its size is read before it is opened, and nothing else is done with it.

Source: W3C, Portable Network Graphics (Third Edition), section 5.2 (signature) and 11.2.1 (IHDR comes first: width and height).
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.printers.raster import Bitmap, without_real_time_commands

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES: Final = 512 * 1024
MAX_SIDE_PIXELS: Final = 2048

_CONTRAST: Final = [0 if grey < 32 else 255 if grey > 223 else grey for grey in range(256)]  # noqa: PLR2004 (an eighth at either end)
"""What is nearly black or white is so on paper: dithered, it would be speckled."""

_HEADER: Final = struct.Struct(">8s4x4sII")
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


@lru_cache(maxsize=4)
def draw_logo(png: bytes, width_dots: int) -> Bitmap:
    """Draw a logo in black dots: as it is, or smaller where it is wider than the paper or higher than half of that.

    Args:
        png: The picture, in PNG; what is transparent is paper.
        width_dots: Printable width.

    Returns:
        The dots, in rows of whole bytes.

    Raises:
        ContentError: `LOGO_FORMAT`: no PNG; `LOGO_SIZE`: over `MAX_BYTES` or `MAX_SIDE_PIXELS`, or nothing;
            `LOGO_DAMAGED`: it cannot be read.
    """
    _check(png)
    dots = _dots(png, width_dots)
    return Bitmap(dots.width // 8, without_real_time_commands(dots.tobytes()))


def _check(png: bytes) -> None:
    if len(png) < _HEADER.size or not png.startswith(_SIGNATURE):
        raise ContentError(
            "LOGO_FORMAT",
            fr="Le logo n’est pas une image PNG.",
            en="The logo is no PNG picture.",
        )
    _, first_chunk, width, height = _HEADER.unpack_from(png)
    sides_fit = all(0 < side <= MAX_SIDE_PIXELS for side in (width, height))
    if first_chunk != b"IHDR" or len(png) > MAX_BYTES or not sides_fit:
        raise ContentError(
            "LOGO_SIZE",
            fr=f"Le logo dépasse {MAX_SIDE_PIXELS} × {MAX_SIDE_PIXELS} pixels ou {MAX_BYTES // 1024} Kio.",
            en=f"The logo is over {MAX_SIDE_PIXELS} x {MAX_SIDE_PIXELS} pixels or {MAX_BYTES // 1024} KiB.",
        )


def _dots(png: bytes, width_dots: int) -> Image:
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            # A second header is not looked at before, and may be that of a bomb.
            if picture.size != _HEADER.unpack_from(png)[2:]:
                raise ValueError("two headers")  # noqa: TRY301 (one refusal for all that is damaged)
            colours = _eight_bits(picture).convert("RGBA")
    except Exception as error:  # what a damaged file makes of its reader is not a closed list
        raise ContentError(
            "LOGO_DAMAGED",
            fr="Le logo est abîmé : l’image ne peut pas être lue.",
            en="The logo cannot be read.",
        ) from error
    paper = Image.new("RGBA", colours.size, "white")
    grey = Image.alpha_composite(paper, colours).convert("L")
    grey.thumbnail((width_dots, max(width_dots // 2, 1)))
    # A row is whole bytes. Pillow's black is 0, a printer's is 1.
    rows = Image.new("L", (-(-grey.width // 8) * 8, grey.height), "white")
    rows.paste(grey, (0, 0))
    return ImageOps.invert(rows.point(_CONTRAST)).convert("1")


def _eight_bits(picture: Image) -> Image:
    """Halve a grey of 16 bits: left to itself, Pillow takes all but the blackest for white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point([grey >> 8 for grey in range(1 << 16)], "L")
