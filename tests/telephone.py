"""What a telephone sees of a screen, and what two decoders read in it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import zxingcpp
from PIL import Image, ImageFilter

_PALE = [110 + grey * 40 // 255 for grey in range(256)]


def sights(picture: Image.Image) -> Mapping[str, Image.Image]:
    """Look at a screen from near, from afar, askew, out of focus, and in bad light."""
    width, height = picture.size
    return {
        "sharp": picture,
        "half": picture.resize((width // 2, height // 2)),
        "turned": picture.rotate(15, Image.Resampling.BILINEAR, expand=True, fillcolor=_grey(picture)),
        "blurred": picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 500)),
        "pale": picture.point(_PALE * len(picture.getbands())),
    }


def read(picture: Image.Image) -> dict[str, list[str]]:
    """Read the QR codes in a picture, by each decoder."""
    by_opencv = cv2.QRCodeDetectorAruco().detectAndDecode(np.asarray(picture.convert("L")))[0]
    return {
        "zxing-cpp": [code.text for code in zxingcpp.read_barcodes(picture)],
        "OpenCV": [by_opencv] if by_opencv else [],
    }


def misread(picture: Image.Image, payload: str) -> list[str]:
    """Tell in which sights which decoder does not read exactly this."""
    return [
        f"{decoder}, {name}"
        for name, sight in sights(picture).items()
        for decoder, found in read(sight).items()
        if found != [payload]
    ]


def _grey(picture: Image.Image) -> int | tuple[int, ...]:
    return 128 if picture.mode == "L" else (128,) * len(picture.getbands())
