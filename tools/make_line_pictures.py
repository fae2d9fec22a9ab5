"""Draw `docs/images/line-*.png` from the golden screens: `python tools/make_line_pictures.py`.

What the drivers write, which `tests/vectors/line_displays/screens.json` holds, goes to the simulated displays, and their glass is
drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import TypedDict

from PIL import Image

from cvconnect_sim.display import AedexDisplay, Cd5220Display, EpsonDisplay, Firmware, LogicControlsDisplay

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "tests/vectors/line_displays/screens.json"
IMAGES = ROOT / "docs/images"
GAP_PX = 12
PAPER = "#ffffff"

FIRMWARE: dict[str, Callable[[], Firmware]] = {
    "epson": EpsonDisplay,
    "cd5220": Cd5220Display,
    "logic-controls": LogicControlsDisplay,
    "aedex": AedexDisplay,
}


class Case(TypedDict):
    """A golden screen; the frames are hexadecimal."""

    protocol: str
    page: str
    name: str
    frames: list[str]


def pictures() -> dict[str, Image.Image]:
    """Draw all of them.

    Returns:
        File name -> picture.
    """
    golden: list[Case] = json.loads(SCREENS.read_text(encoding="utf-8"))
    cases = {(case["protocol"], case["page"], case["name"]): case for case in golden}

    def pages(protocol: str, page: str, name: str) -> list[Image.Image]:
        glass = FIRMWARE[protocol]()
        drawn: list[Image.Image] = []
        for frame in cases[protocol, page, name]["frames"]:
            glass.receive(bytes.fromhex(frame))
            drawn.append(Image.open(BytesIO(glass.picture())))
        return drawn

    states = ("qr", "seen", "paid", "partial", "refused", "cancelled", "check", "idle")
    first = [pages("epson", "cp858", name)[0] for name in states]
    first[states.index("partial") + 1 : states.index("partial") + 1] = pages("epson", "cp858", "partial")[2:]
    sets = (("epson", "cp858"), ("cd5220", "france"), ("logic-controls", "cp437"), ("aedex", "ascii"))
    return {
        "line-scroll.png": stack(pages("epson", "cp858", "waiting"), 2),
        "line-states.png": stack(first[:8], 2),
        "line-protocols.png": stack([pages(*each, "waiting")[0] for each in sets], 2),
    }


def stack(drawn: Iterable[Image.Image], columns: int) -> Image.Image:
    """Put pictures of one size in rows, from left to right."""
    each = list(drawn)
    width, height = each[0].size
    rows = -(-len(each) // columns)
    size = (columns * (width + GAP_PX) - GAP_PX, rows * (height + GAP_PX) - GAP_PX)
    sheet = Image.new("RGB", size, PAPER)
    for number, one in enumerate(each):
        row, column = divmod(number, columns)
        sheet.paste(one, (column * (width + GAP_PX), row * (height + GAP_PX)))
    return sheet


if __name__ == "__main__":
    for name, picture in pictures().items():
        picture.quantize(64).save(IMAGES / name, optimize=True)
