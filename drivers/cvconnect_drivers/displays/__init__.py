"""Surfaces turned to the customer."""

from __future__ import annotations

from typing import Final

from cvconnect_drivers.shapes import Health, HealthLevel, Prompt
from cvconnect_drivers.urls import Settings

UNCLAIMED: Final = Health("unknown", "Écran client non réservé.")
READY: Final = Health("ready", "Écran client prêt.")

NO_QR: Final = "Le QR code ne peut pas être affiché ici.\u00a0/ The QR code cannot be shown here."
"""Said instead of the instruction to scan a QR that this surface cannot show; a driver does not know the customer's language."""

_SIZE: Final = (800, 480)
_MIN_SIDE_PX, _MAX_SIDE_PX = 160, 3840


def has_qr(prompt: Prompt) -> bool:
    """Whether a prompt comes with a QR to show."""
    return prompt.qr_png is not None or prompt.qr_payload is not None


def screen_size(settings: Settings) -> tuple[int, int]:
    """Take the setting `size` of a screen that is drawn: width and height, in pixels.

    Raises:
        ConfigurationError: The value is no size, or out of range.
    """
    return settings.size("size", _SIZE, _MIN_SIDE_PX, _MAX_SIDE_PX)


def health_at(level: HealthLevel, health: Health, to_look_at: str) -> Health:
    """Tell what is known of a screen; `interactive` adds what a person should look at when all seems well.

    Args:
        level: How much was asked for.
        health: What is known.
        to_look_at: A French sentence for the person at the till.
    """
    if level == "interactive" and health.state == "ready":
        return Health("ready", f"{health.detail} {to_look_at}")
    return health
