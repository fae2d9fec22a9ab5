"""A QR in characters: half blocks, two modules per character. Pure."""

from __future__ import annotations

from typing import Final

from cvconnect_drivers.qr import QrMatrix

# Fixed entries of the 256-colour cube: the first 16 follow the user's theme and might turn black into grey.
_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
RESET: Final = "\x1b[0m"
"""Ends what a colour began."""

# Upper half, lower half.
_DARK_ON_LIGHT: Final = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_LIGHT_ON_DARK: Final = {pair: _DARK_ON_LIGHT[not pair[0], not pair[1]] for pair in _DARK_ON_LIGHT}

BLOCKS: Final = "".join(_DARK_ON_LIGHT.values())
"""What an encoding must have."""


def blocks(matrix: QrMatrix, *, coloured: bool) -> list[str]:
    """Draw a QR with half blocks.

    Args:
        matrix: The QR.
        coloured: Whether to colour it black on white; without, the light modules are the blocks, which is right on a
            dark terminal.

    Returns:
        Lines of as many characters as the QR has modules with its quiet zone.
    """
    rows = list(matrix.with_quiet_zone())
    side = matrix.modules_with_quiet_zone
    if side % 2:
        rows.append((False,) * side)
    table = _DARK_ON_LIGHT if coloured else _LIGHT_ON_DARK
    lines = (
        "".join(map(table.__getitem__, zip(*rows[y : y + 2], strict=True))) for y in range(0, len(rows), 2)
    )
    return [f"{_BLACK_ON_WHITE}{line}{RESET}" if coloured else line for line in lines]
