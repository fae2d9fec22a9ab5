"""The app's camera: finds QR codes in the pixels of an image.

Does not model: blur, glare, a shaking hand, the time an exposure takes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cvconnect_sim.errors import SimError

if TYPE_CHECKING:
    from pathlib import Path


def read_qr_codes(image: bytes | Path | str) -> list[str]:
    """Decodes every QR code in an image, a whole screenshot for instance.

    Args:
        image: Bytes of an image file, or its path.

    Returns:
        The texts, in the order the decoder found them; at least one.

    Raises:
        SimError: IMAGE_UNREADABLE, or QR_NOT_FOUND.
    """
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
            # A transparent pixel shows the white page behind it, not the colour stored under it.
            pixels = opened.convert("RGBA")
            page = Image.new("RGBA", pixels.size, "white")
            page.alpha_composite(pixels)
            grey = page.convert("L")
    except (OSError, UnidentifiedImageError) as error:
        raise SimError("IMAGE_UNREADABLE", "L'image est illisible.", "The image cannot be read.") from error
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    texts = [code.text for code in found]
    if not texts:
        raise SimError("QR_NOT_FOUND", "Aucun QR code dans l'image.", "There is no QR code in the image.")
    return texts
