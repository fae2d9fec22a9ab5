"""A ticket as HTML, for tills that print through a browser: one element or a whole page, nothing from elsewhere.

Source: W3C, CSS Paged Media Module Level 3, 7.1 (`@page`, `size`); HTML Living Standard, 4.4 (`dl`, its groups in `div`).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final, NamedTuple

from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets.layout import Printable
from cvconnect_pos.tickets.parts import Code, Gap, Pair, Part, Picture, Rule, Words, clean

WIDTHS_MM: Final = (40, 210)
"""The narrowest paper that holds a ticket, and a sheet of A4."""

_NARROW_MM: Final = 70

MAX_QR_BYTES: Final = 2331
"""What the largest QR holds with error correction M, as bytes. Source: ISO/IEC 18004, table 7."""

_STYLE: Final = (
    ".cvc-ticket{box-sizing:border-box;width:%(inner_mm)smm;max-width:100%%;margin:0 auto;padding:3mm %(side_mm)smm;"
    "background:#fff;color:#000;font:%(size_pt)spt/1.35 system-ui,sans-serif;overflow-wrap:anywhere}"
    ".cvc-ticket p,.cvc-ticket dl,.cvc-ticket dd{margin:0}"
    ".cvc-ticket p{text-align:center;text-wrap:balance}"
    ".cvc-ticket .cvc-bold{font-weight:700}"
    ".cvc-ticket .cvc-gap{height:.7em}"
    ".cvc-ticket hr{border:0;border-top:1px dashed #000;margin:.5em 0}"
    ".cvc-ticket dl>div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .6em}"
    ".cvc-ticket dd{margin-left:auto;text-align:right;font-variant-numeric:tabular-nums}"
    ".cvc-ticket .cvc-large dd,.cvc-ticket .cvc-boxed dd{font-size:1.7em;font-weight:700;line-height:1.2}"
    ".cvc-ticket .cvc-large{align-items:baseline;font-weight:700}"
    ".cvc-ticket dl>.cvc-boxed{display:block;border:2px solid #000;margin:.4em 0;padding:.2em;font-weight:700}"
    ".cvc-ticket .cvc-boxed dt{font-size:1.25em}"
    ".cvc-ticket .cvc-boxed dt,.cvc-ticket .cvc-boxed dd{text-align:center}"
    ".cvc-ticket img{max-width:100%%;max-height:25mm}"
    ".cvc-ticket svg{width:36mm;max-width:100%%}"
)

_PAGE: Final = (
    "<!DOCTYPE html>\n"
    '<html lang="{language}">\n'
    '<head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    '<meta name="viewport" content="width=device-width">'
    "<title>{title}</title>"
    "<style>@page{{size:{width}mm {height}mm;margin:0}}body{{margin:0}}</style></head>\n"
    "<body>\n{element}\n</body>\n</html>\n"
)


def element_of(document: Printable, width_mm: int) -> str:
    """Write an `article` that can stand in any page, with its style in it.

    Args:
        document: The ticket.
        width_mm: The paper's width, in mm.

    Returns:
        The HTML.

    Raises:
        InvalidInput: `NUMBER_OUT_OF_RANGE`.
    """
    least, most = WIDTHS_MM
    if not least <= width_mm <= most:
        raise InvalidInput("NUMBER_OUT_OF_RANGE", field="width_mm", least=least, most=most)
    style = _STYLE % _measures(width_mm)._asdict()
    title = escape(clean(document.title))
    return "\n".join(
        [
            f'<article class="cvc-ticket" lang="{_language(document.language)}" aria-label="{title}">',
            f"<style>{style}</style>",
            *_elements(document.parts(), document.language),
            "</article>",
        ]
    )


def page_of(document: Printable, width_mm: int) -> str:
    """Write a whole page, as wide and about as long as its paper: a browser prints it on one piece.

    Args:
        document: The ticket.
        width_mm: The paper's width, in mm.

    Returns:
        The HTML, to be stored or served as UTF-8.

    Raises:
        InvalidInput: `NUMBER_OUT_OF_RANGE`.
    """
    return _PAGE.format(
        language=_language(document.language),
        title=escape(f"Chèque-Vacances Connect – {clean(document.title)}"),
        width=width_mm,
        element=element_of(document, width_mm),
        height=_height_mm(document, width_mm),
    )


def _language(language: Language) -> str:
    return "fr" if language == "fr" else "en"


class _Measures(NamedTuple):
    """What fits on a paper.

    Args:
        inner_mm: What a head can print: 48 mm on paper of 58 mm, 72 mm on paper of 80 mm.
        side_mm: What is left free of it on each side.
        size_pt: The size of the type.
    """

    inner_mm: int
    side_mm: int
    size_pt: int


def _measures(width_mm: int) -> _Measures:
    return _Measures(width_mm - 10, 0, 8) if width_mm < _NARROW_MM else _Measures(width_mm - 8, 2, 11)


def _height_mm(document: Printable, width_mm: int) -> int:
    """Estimate how long the paper must be, rather too long: a browser that has too little makes a second piece."""
    inner_mm, side_mm, size_pt = _measures(width_mm)
    em_mm = size_pt * 25.4 / 72
    line_mm, columns = 1.35 * em_mm, max(int((inner_mm - 2 * side_mm) / (0.6 * em_mm)), 1)
    lines = document.lines(columns)
    height = sum(2.0 if line.large else 1.0 for line in lines) * line_mm
    pictures = sum(25.0 if line.image is not None else 37.0 if line.qr is not None else 0.0 for line in lines)
    return math.ceil(height + pictures + 12)


def _elements(parts: Iterable[Part], language: Language) -> Iterator[str]:
    for is_pair, some in groupby(parts, key=lambda part: isinstance(part, Pair)):
        if is_pair:
            yield "<dl>"
        yield from (_element(part, language) for part in some)
        if is_pair:
            yield "</dl>"


def _element(part: Part, language: Language) -> str:
    match part:
        case Pair(label, value, weight):
            name = "" if weight == "plain" else f' class="cvc-{weight}"'
            return f"<div{name}><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
        case Words(text, bold, title, french):
            name = ' class="cvc-bold"' if bold else ""
            heading = ' role="heading" aria-level="2"' if title else ""
            spoken = ' lang="fr"' if french and language != "fr" else ""
            return f"<p{name}{heading}{spoken}>{escape(text)}</p>" if text else ""
        case Picture(png):
            return f'<p><img alt="" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}"></p>'
        case Code(payload):
            return f"<p>{_qr(payload)}</p>"
        case Rule():
            return "<hr>"
        case Gap():
            return '<div class="cvc-gap"></div>'


def _qr(payload: str) -> str:
    """Draw a QR, with the quiet zone that belongs to it; what no QR holds is written out."""
    import segno

    if not 0 < len(payload.encode("utf-8", "replace")) <= MAX_QR_BYTES:
        return escape(clean(payload))
    code = segno.make_qr(payload.encode("utf-8", "replace").decode("utf-8"), error="m")
    drawn = code.svg_inline(
        border=4, omitsize=True, light="#fff", title="QR code", svgclass=None, lineclass=None
    )
    return drawn.replace("<svg ", '<svg role="img" ', 1)
