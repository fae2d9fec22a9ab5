"""Which pictures may stand on a ticket as the shop's logo.

Source: W3C, Portable Network Graphics, 5.2 (signature), 11.2.2 (`IHDR`: width and height, four bytes each).
"""

from __future__ import annotations

from typing import Final

MAX_LOGO_BYTES: Final = 512 * 1024
MAX_LOGO_SIDE_PX: Final = 2048
"""Twice as many dots as the widest paper has: what is larger is a mistake, and would take seconds to draw."""

_START: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def logo_fault(png: bytes) -> tuple[str, str] | None:
    """Say what keeps a picture from being a logo.

    Args:
        png: The picture.

    Returns:
        In French and in English; None when nothing does.
    """
    if not png.startswith(_START) or len(png) < len(_START) + 8:
        return "une image PNG", "a PNG picture"
    if len(png) > MAX_LOGO_BYTES:
        return f"au plus {MAX_LOGO_BYTES // 1024} Kio", f"at most {MAX_LOGO_BYTES // 1024} KiB"
    at = len(_START)
    sides = int.from_bytes(png[at : at + 4]), int.from_bytes(png[at + 4 : at + 8])
    if not all(1 <= side <= MAX_LOGO_SIDE_PX for side in sides):
        return f"au plus {MAX_LOGO_SIDE_PX} pixels de côté", f"at most {MAX_LOGO_SIDE_PX} pixels on a side"
    return None
