"""What the person at the till reads of a printer's state. Pure."""

from __future__ import annotations

from typing import Final

from cvconnect_drivers.printers.status import PrinterStatus, why_not_ready
from cvconnect_drivers.shapes import Health

OLD_S: Final = 60.0
"""From then on a sentence says how old it is: paper runs out, and covers are opened."""

_HOUR_MINUTES: Final = 60


def health_of(status: PrinterStatus) -> Health:
    """Say in a sentence what a printer told.

    Args:
        status: What is known of it.

    Returns:
        `ready`, `degraded` with the most telling reason, or `unknown` when it told nothing.
    """
    reason = why_not_ready(status)
    if reason is not None:
        return Health("degraded", reason[1])
    if status.oldest_s(0.0) is None:
        return Health("unknown", "L’imprimante ne dit rien de son état.")
    if status.paper_near_end.value:
        return Health("ready", "Imprimante prête ; le papier est bientôt épuisé.")
    return Health("ready", "Imprimante prête.")


def with_age(health: Health, age_s: float) -> Health:
    """Say how old a sentence is, once it is.

    Args:
        health: What was known.
        age_s: How long ago, in seconds.

    Returns:
        The same, with its age from `OLD_S` on.
    """
    if age_s < OLD_S:
        return health
    minutes = int(age_s // 60)
    ago = f"{minutes} min" if minutes < _HOUR_MINUTES else f"{minutes // _HOUR_MINUTES} h"
    return Health(health.state, f"{health.detail} C’était il y a {ago}.")
