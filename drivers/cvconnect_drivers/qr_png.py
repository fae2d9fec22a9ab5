"""A QR as a picture of its own, crisp and small. Pure.

Source: ISO/IEC 15948 (PNG: one bit of grey; filter 2 says "as the row above").
"""

from __future__ import annotations

import struct
import zlib

from cvconnect_drivers.qr import QrMatrix

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ONE_BIT_GREY = (1, 0, 0, 0, 0)
_PLAIN, _AS_ABOVE = b"\0", b"\2"


def png_of(matrix: QrMatrix, module_px: int) -> bytes:
    """Draw a QR, black on white, its quiet zone with it.

    Args:
        matrix: The QR.
        module_px: Pixels on a side of a module; at least `qr.MIN_MODULE_PX` where it is to be scanned.

    Returns:
        A PNG of one bit for each pixel.
    """
    side = matrix.modules_with_quiet_zone * module_px
    padding = "1" * (-side % 8)
    dark, light = "0" * module_px, "1" * module_px
    again = (_AS_ABOVE + bytes((side + 7) // 8)) * (module_px - 1)
    rows: list[bytes] = []
    for row in matrix.with_quiet_zone():
        digits = "".join(dark if module else light for module in row) + padding
        rows += (_PLAIN, int(digits, 2).to_bytes(len(digits) // 8, "big"), again)
    header = struct.pack(">IIBBBBB", side, side, *_ONE_BIT_GREY)
    return _SIGNATURE + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
