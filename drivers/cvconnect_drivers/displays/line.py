"""What a line display says: a prompt as pages of a few short rows. Pure: time is an argument.

The amount stands on the first row, and under it what is said about it. What remains to be paid, or is a matter of its own, has
the whole display: an amount that stood above "left to pay" would be read as what is left. A text that is too long rolls up by
whole words, row by row, so that each piece can be read standing still: one that moves letter by letter takes twice as long.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from cvconnect_drivers.displays import has_qr
from cvconnect_drivers.shapes import Prompt

PAGE_S: Final = 2.0
"""How long a page stands: 20 characters are read in half of it, by somebody who looks for their telephone meanwhile."""

QR_ELSEWHERE: Final = ("QR sur l’autre écran", "QR: see other screen")
"""Said instead of the instruction to scan a QR: each just fits a row; a driver does not know the customer's language."""

NO_BREAK_SPACE: Final = "\u00a0"

Page: TypeAlias = tuple[str, ...]
"""All rows of the display, each as wide as it is."""

Spell: TypeAlias = Callable[[str], str]
"""Writes a text with the characters that the display has; no-break spaces stay, since lines are broken after it."""


def pages_of(prompt: Prompt, columns: int, rows: int, spell: Spell) -> tuple[Page, ...]:
    """Lay a prompt out.

    Args:
        prompt: What to show.
        columns: Characters in a row, 1 or more.
        rows: Rows of the display, 1 or more.
        spell: The display's spelling.

    Returns:
        The pages to show one after the other, over and over; one blank page when there is nothing to say.
    """
    head = spell(prompt.amount or prompt.shop)
    about, apart = _said(prompt)
    if head and len(head) <= columns and rows > 1:
        under = [window for text in about for window in _roll(spell(text), columns, rows - 1)]
        pages = [(head, *window) for window in under or [()]]
    else:
        pages = [window for text in (head, *map(spell, about)) for window in _roll(text, columns, rows)]
    pages += [window for text in apart for window in _roll(spell(text), columns, rows)]
    return tuple(_page(page, columns, rows) for page in pages or [()])


def blank(columns: int, rows: int) -> Page:
    """Give the page on which nothing is left."""
    return _page((), columns, rows)


def page_at(pages: tuple[Page, ...], elapsed_s: float) -> Page:
    """Tell which page stands now.

    Args:
        pages: The pages of a prompt.
        elapsed_s: Seconds since it was shown, 0 or more.

    Returns:
        One of them.
    """
    return pages[int(elapsed_s / PAGE_S) % len(pages)]


def next_page_s(pages: tuple[Page, ...], elapsed_s: float) -> float:
    """Tell how long the page still stands.

    Args:
        pages: The pages of a prompt.
        elapsed_s: Seconds since it was shown, 0 or more.

    Returns:
        Seconds, more than 0; infinite for a single page.
    """
    return PAGE_S - elapsed_s % PAGE_S if len(pages) > 1 else float("inf")


def _said(prompt: Prompt) -> tuple[list[str], list[str]]:
    """Give what is said about the amount (or the shop), and what is said apart from it; the most urgent first."""
    told = [*QR_ELSEWHERE] if has_qr(prompt) else [prompt.instruction]
    about = [prompt.title, *told] if prompt.state == "idle" or not (prompt.amount or any(told)) else told
    expires = "" if has_qr(prompt) else prompt.expires_text  # the screen that has the QR shows until when
    return about, [prompt.detail, expires, prompt.notice]


def _roll(text: str, columns: int, rows: int) -> list[tuple[str, ...]]:
    """Break a text into rows, and give the windows through which it is seen; none for an empty one."""
    lines = textwrap.wrap(text, columns, break_on_hyphens=False)
    return [tuple(lines[at : at + rows]) for at in range(max(1, len(lines) - rows + 1))] if lines else []


def _page(texts: Iterable[str], columns: int, rows: int) -> Page:
    lines = [text.replace(NO_BREAK_SPACE, " ").strip().center(columns) for text in texts]
    return tuple(lines + [" " * columns] * (rows - len(lines)))
