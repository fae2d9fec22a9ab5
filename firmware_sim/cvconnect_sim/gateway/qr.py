"""Draws the QR code that the provider hands out as a ready image."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

# ISO/IEC 18004 asks for a quiet zone of four modules on every side.
QUIET_ZONE_MODULES: Final = 4
MODULE_DOTS: Final = 8


@lru_cache(maxsize=64)
def qr_png(payload: str) -> bytes:
    """Draws a QR code; a till polls, so the same image is drawn once.

    Args:
        payload: Text to encode.

    Returns:
        A black and white PNG, 8 dots a module, error correction M, with its quiet zone.
    """
    import segno

    image = io.BytesIO()
    code = segno.make_qr(payload, error="m", boost_error=False)
    code.save(image, kind="png", scale=MODULE_DOTS, border=QUIET_ZONE_MODULES)
    return image.getvalue()
