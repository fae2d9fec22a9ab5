"""The printer's own QR encoder: `GS ( k` with cn = 49.

Source: Epson ESC/POS command reference, `GS ( k` functions 165, 167, 169, 180, 181.
"""

from dataclasses import dataclass
from functools import lru_cache

from cvconnect_sim.printer.font import Rows

ERROR_LEVELS = {48: "l", 49: "m", 50: "q", 51: "h"}


@dataclass(slots=True)
class QrSettings:
    """The symbol settings and the symbol storage area; all are lost with `ESC @`."""

    model: int = 50
    module_dots: int = 3
    error_level: str = "l"
    data: bytes = b""


def qr_rows(settings: QrSettings) -> Rows | None:
    """The modules of the stored symbol, one bit each, without any quiet zone; None if it does not fit a QR code."""
    return _symbol(settings.data, settings.error_level)


@lru_cache(maxsize=64)
def _symbol(data: bytes, error_level: str) -> Rows | None:
    import segno

    try:
        code = segno.make_qr(data, error=error_level, boost_error=False)
    except segno.DataOverflowError:
        return None
    return tuple(int("".join("1" if module else "0" for module in row), 2) for row in code.matrix)
