"""What a desktop writes when a keyboard scanner is set to another layout. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from cvconnect_drivers.scanners.layouts import DEAD, LAYOUTS, levels


@cache
def seen_on_desktops(text: str) -> tuple[tuple[tuple[str, str], re.Pattern[str]], ...]:
    """Give what each desktop makes of a text when a scanner is set otherwise; dead keys may make anything.

    Args:
        text: What the label holds.

    Returns:
        The layouts of scanner and desktop, and what is then seen.
    """
    return tuple(_patterns(text))


def _patterns(text: str) -> Iterator[tuple[tuple[str, str], re.Pattern[str]]]:
    for scanner in LAYOUTS:
        strokes = {
            written: (code, level)
            for level in (3, 2, 1, 0)
            for code, written in levels(scanner)[level].items()
        }
        for desktop in LAYOUTS:
            if desktop == scanner:
                continue
            writes = levels(desktop)
            seen: list[str] = []
            for character in text:
                code, level = strokes[character]
                written = writes[level].get(code, DEAD)
                seen.append(".{0,2}" if DEAD in written else re.escape(written))
            yield (scanner, desktop), re.compile("".join(seen), re.DOTALL)
