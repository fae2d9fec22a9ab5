"""The glass of a line display as a PNG: blue-green dots behind a dark filter."""

from io import BytesIO

from cvconnect_sim.display.panel import Panel
from cvconnect_sim.printer.font import Font, glyph

DOT_PX = 2
GAP_DOTS = 1
"""Between two dots of the picture there is a dark line, as between the dots of a vacuum tube."""

BETWEEN_CELLS_DOTS, BETWEEN_ROWS_DOTS, EDGE_DOTS = 2, 5, 8
GLASS, FRAME = (6, 18, 18), (28, 32, 34)
LIGHT, DARK = (92, 255, 214), (11, 30, 29)
_CURSOR_ROWS = 1


def panel_png(panel: Panel, *, powered: bool = True) -> bytes:
    """Draw the glass.

    Args:
        panel: What to draw.
        powered: Whether anything is lit.

    Returns:
        A PNG in colour.
    """
    from PIL import Image

    step = DOT_PX + GAP_DOTS
    cell_width, cell_height = Font.B.width_dots, Font.B.height_dots
    across = panel.columns * (cell_width + BETWEEN_CELLS_DOTS) - BETWEEN_CELLS_DOTS
    down = panel.rows * (cell_height + BETWEEN_ROWS_DOTS) - BETWEEN_ROWS_DOTS
    picture = Image.new("RGB", ((across + 2 * EDGE_DOTS) * step, (down + 2 * EDGE_DOTS) * step), FRAME)
    picture.paste(GLASS, (3 * step, 3 * step, picture.width - 3 * step, picture.height - 3 * step))
    share = panel.brightness / 100 if powered else 0
    lit = tuple(round(dark + (light - dark) * share) for dark, light in zip(DARK, LIGHT, strict=True))
    for row, cells in enumerate(panel.cells):
        for column, character in enumerate(cells):
            dots = list(glyph(Font.B, character))
            if powered and panel.cursor_on and (column, row) == (panel.column, panel.row):
                dots[-_CURSOR_ROWS:] = [(1 << cell_width) - 1] * _CURSOR_ROWS
            left = EDGE_DOTS + column * (cell_width + BETWEEN_CELLS_DOTS)
            top = EDGE_DOTS + row * (cell_height + BETWEEN_ROWS_DOTS)
            for y, bits in enumerate(dots):
                for x in range(cell_width):
                    colour = lit if bits >> (cell_width - 1 - x) & 1 else DARK
                    at = ((left + x) * step, (top + y) * step)
                    picture.paste(colour, (*at, at[0] + DOT_PX, at[1] + DOT_PX))
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
