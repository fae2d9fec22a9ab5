"""`cvconnect display clear`: what a till that was killed has left on its customer displays is taken away."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cvconnect_drivers.cli.display_place import Place
from cvconnect_drivers.cli.display_said import Verdict
from cvconnect_drivers.cli.display_test import CLEAR_S, Display, judged
from cvconnect_drivers.cli.installed import load_factory
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.displays.drawn import ends_within
from cvconnect_drivers.urls import parse_url

CLAIM_S: Final = 1.5
EACH_S: Final = 4.0
"""A service that ends gives its last command some time, and then kills it."""

_BY_ITSELF: Final = {
    "window": "La fenêtre part avec la caisse.",
    "callback": "La caisse dessine cet écran elle-même.",
    "printer": "Le papier ne s’efface pas.",
}
"""Nothing of these is left that another program could take away."""


def run(places: Sequence[Place]) -> int:
    """Clear displays.

    Args:
        places: The displays.

    Returns:
        The exit status: 1 when one could not be cleared.
    """
    # One of them may be this terminal, and is erased: all of them first, then the words.
    verdicts = [_cleared(place) for place in places]
    for verdict in verdicts:
        say("\n".join((verdict.url, *verdict.lines)), "red" if verdict.status else "green", err=False)
    return max(verdict.status for verdict in verdicts)


def _cleared(place: Place) -> Verdict:
    scheme = place.url.partition(":")[0]
    if scheme in _BY_ITSELF:
        return Verdict(place.url, f"Rien à effacer. {_BY_ITSELF[scheme]}")
    late = Verdict(place.url, "Non effacé : il ne répond pas à temps.", "éteignez-le.", "LINK_TIMEOUT", 1)
    found: list[Verdict] = []
    ends_within(EACH_S, lambda: found.append(_clear(place, scheme)))
    return found[0] if found else late


def _clear(place: Place, scheme: str) -> Verdict:
    try:
        display: Display = load_factory("displays", place.url)(place.url, place.options)
        if (elsewhere := _not_here(place, scheme)) is not None:
            return elsewhere
        try:
            display.claim(timeout_s=CLAIM_S)
            display.clear(timeout_s=CLEAR_S)
            health = display.check_health()
        finally:
            with contextlib.suppress(Exception):
                display.release()
    except Exception as error:  # noqa: BLE001 (a driver may raise anything; the others are cleared all the same)
        return judged(place.url, scheme, error)
    match health.state:
        case "absent":
            return Verdict(
                place.url, f"Non effacé. {health.detail}", "éteignez-le, ou rebranchez-le.", status=1
            )
        case "unknown":
            return Verdict(place.url, f"Peut-être non effacé. {health.detail}", "regardez-le.", status=1)
        case _:
            return Verdict(place.url, "Effacé.")


def _not_here(place: Place, scheme: str) -> Verdict | None:
    """Say that what is to be cleared is not where this command runs; None where it is."""
    if scheme == "terminal" and not (sys.stdout and sys.stdout.isatty()):
        return Verdict(
            place.url, "Non effacé : la sortie n’est pas un terminal.", "effacez dans ce terminal.", status=1
        )
    path = Path(parse_url(place.url, {"image"}).path) if scheme == "image" else None
    if path is None or path.exists():
        return None
    said = f"Rien à effacer : {path.absolute()} n’existe pas."
    if path.is_absolute():
        return Verdict(place.url, said)
    return Verdict(place.url, said, "recommencez dans le dossier d’où part la caisse.", status=1)
