"""What a page is told of a prompt: words, and the modules of the QR. Pure.

The page draws the modules itself, each as a whole number of its own pixels.
"""

from __future__ import annotations

import base64
import io
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from cvconnect_drivers.displays import NO_QR, has_qr
from cvconnect_drivers.displays.picture import (
    can_be_scanned,
    inverted,
    open_picture,
    read_modules,
    with_quiet_zone,
)
from cvconnect_drivers.errors import ContentError
from cvconnect_drivers.qr import QrMatrix, make_matrix
from cvconnect_drivers.shapes import Prompt

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_PX: Final = (480, 320, 240, 160, 120, 80)
"""The sides at which a picture that is no plain grid is tried, until it is not read; a telephone needs twice as much."""

BLANK: Final[dict[str, Any]] = {"state": "blank"}

_WORDS = ("state", "title", "amount", "instruction", "detail", "shop", "basket_ref", "expires_text", "notice")


def view_of(prompt: Prompt) -> dict[str, Any]:
    """Write a prompt down for the page.

    Args:
        prompt: What to show.

    Returns:
        Its words and their language, and its QR: `qr` with the modules row by row, or `picture` for one that is no plain grid, with
        `picture_px`, the pixels that it needs on a side. One that no telephone would read is left out, and words say so.
    """
    view: dict[str, Any] = {name: getattr(prompt, name) for name in (*_WORDS, "language")}
    if has_qr(prompt):
        view.update(_code(prompt) or {"instruction": NO_QR})
    return view


def left_ms(expires_at: datetime | None, now: datetime) -> int | None:
    """Say for how long a QR may still stand there.

    Args:
        expires_at: Its end (UTC), or None when it has none.
        now: Now (UTC).

    Returns:
        Milliseconds, never negative; None for no end.
    """
    return None if expires_at is None else max(round((expires_at - now).total_seconds() * 1000), 0)


def _code(prompt: Prompt) -> dict[str, Any] | None:
    code = None
    with suppress(ContentError):
        if prompt.qr_png is not None:
            code = _picture(prompt.qr_png)
    with suppress(ContentError):
        if code is None and prompt.qr_payload is not None:
            code = _modules(make_matrix(prompt.qr_payload))
    return code


def _modules(matrix: QrMatrix) -> dict[str, Any]:
    return {"qr": ["".join("1" if dark else "0" for dark in row) for row in matrix.with_quiet_zone()]}


def _picture(png: bytes) -> dict[str, Any] | None:
    picture = open_picture(png)
    both = (picture, inverted(picture))  # light on dark, most telephones read nothing
    matrix = next(filter(None, map(read_modules, both)), None)
    if matrix is not None:
        return _modules(matrix)
    found = next(filter(None, map(_readable, both)), None)
    if found is None:
        return None
    readable, pixels = found
    file = io.BytesIO()
    readable.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return {"picture": f"data:image/png;base64,{data}", "picture_px": pixels}


def _readable(picture: Image) -> tuple[Image, int] | None:
    """Surround a picture with white, no larger than a page needs it, and find the side below which no telephone reads it."""
    picture = with_quiet_zone(_within(picture, 2 * PICTURE_PX[0]))
    readable = list(takewhile(lambda side: can_be_scanned(_within(picture, side)), PICTURE_PX))
    return (picture, 2 * readable[-1]) if readable else None


def _within(picture: Image, side: int) -> Image:
    smaller = picture.copy()
    smaller.thumbnail((side, side))
    return smaller
