"""A slip as a PNG: grey-black dots on off-white paper."""

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvconnect_sim.printer.paper import Slip

PAPER, INK, EDGE = 250, 34, 205


def slip_png(slip: "Slip") -> bytes:
    """Draw a slip at one pixel per dot.

    Args:
        slip: what to draw; a slip of no length gives a picture one dot high.

    Returns:
        A greyscale PNG as wide as the paper, with the printer's resolution in it.
    """
    from PIL import Image

    model = slip.model
    margin = (model.paper_dots - model.width_dots) // 2
    rows = slip.rows or (0,)
    row_bytes = model.width_dots // 8
    bits = b"".join(row.to_bytes(row_bytes) for row in rows)
    ink = Image.frombytes("1", (model.width_dots, len(rows)), bits)
    picture = Image.new("L", (model.paper_dots, len(rows)), PAPER)
    picture.paste(INK, (margin, 0), ink)
    # A thin edge, so that the paper is seen on a white page.
    for box in ((0, 0, 1, len(rows)), (model.paper_dots - 1, 0, model.paper_dots, len(rows))):
        picture.paste(EDGE, box)
    out = BytesIO()
    picture.save(out, "PNG", dpi=(model.dpi, model.dpi))
    return out.getvalue()
