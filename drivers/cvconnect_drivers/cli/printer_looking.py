"""What is seen on a calibration page, and what it tells of the printer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from cvconnect_drivers.cli.printer_sheet import (
    QRS,
    RULERS,
    candidates,
    page_sheet,
    sample,
    with_columns,
    with_pages,
    with_qr,
)
from cvconnect_drivers.cli.questions import Questions
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.printers.commands import Command
from cvconnect_drivers.printers.profiles import Profile

Send: TypeAlias = Callable[[Sequence[Command]], None]


def look(profile: Profile, given: Mapping[str, Any], ask: Questions, send: Send) -> Profile:
    """Ask what is seen on the page.

    Args:
        profile: What the page was printed with.
        given: What the command line says of the printer; that is not asked.
        ask: Asks the person who looks at the paper.
        send: Prints another page.

    Returns:
        What the printer is.
    """
    if "columns" not in given:
        proposed = (
            profile.columns
            if profile.columns in RULERS
            else min(RULERS, key=lambda n: abs(n - profile.columns))
        )
        columns = ask.one_of(
            f"\n1. LARGEUR. Quelle est la plus longue règle qui tient sur une seule ligne et finit par | ?\n"
            f"   ({', '.join(map(str, RULERS))})",
            RULERS,
            proposed,
        )
        profile = with_columns(profile, columns)
    if "pages" not in given:
        profile = _ask_pages(profile, ask, send)
    if "qr" not in given:
        readable = ask.numbers(
            "\n3. QR CODES. Lesquels un téléphone lit-il ? (il montre CVCONNECT et le numéro)",
            len(QRS),
            [each.number for each in QRS if profile.native_qr or not each.native],
        )
        if not readable:
            say(
                "   Les codes des tickets ne seront pas lus : nettoyez la tête d’impression, puis recommencez.",
                "yellow",
            )
        profile = with_qr(profile, readable)
    if "cut" not in given:
        cut = ask.yes_no("\n4. MASSICOT. La page a-t-elle été coupée toute seule ?", proposed=profile.cut)
        profile = replace(profile, cut=cut)
    return profile


def _ask_pages(profile: Profile, ask: Questions, send: Send) -> Profile:
    pages = candidates(profile)
    proposed = [pages.index(page) + 1 for page in profile.pages]
    say(
        "\n2. PAGES. Une ligne est juste quand elle montre exactement, après son numéro :\n"
        + "\n".join(f"     {numbers} : {text}" for text, numbers in _by_sample(pages))
    )
    question = "   Quelles lignes sont justes ? (0 : aucune)"
    right = ask.numbers(question, len(pages), proposed)
    if not right:
        say("\n   Une seconde page sort, pour les imprimantes qui commencent en chinois.")
        send(page_sheet(profile, leave_kanji=True))
        right = ask.numbers(question, len(pages), [])
        profile = replace(profile, kanji=bool(right))
    if not right:
        say(
            "   Aucune : les accents seront dessinés. Les tickets seront justes, et un peu plus longs à sortir."
        )
    return with_pages(profile, [pages[number - 1] for number in right])


def _by_sample(pages: tuple[Any, ...]) -> list[tuple[str, str]]:
    """Group the numbers of the lines by what they show."""
    groups: dict[str, list[str]] = {}
    for number, page in enumerate(pages, start=1):
        groups.setdefault(sample(page), []).append(str(number))
    return [(text, ", ".join(numbers)) for text, numbers in groups.items()]
