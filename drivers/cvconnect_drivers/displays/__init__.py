"""Surfaces turned to the customer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_drivers.shapes import Health, HealthLevel, Prompt
from cvconnect_drivers.urls import Settings

UNCLAIMED: Final = Health("unknown", "Écran client non réservé.")
READY: Final = Health("ready", "Écran client prêt.")

NO_QR: Final = "Le QR code ne peut pas être affiché ici.\u00a0/ The QR code cannot be shown here."
"""Said instead of the instruction to scan a QR that this surface cannot show; a driver does not know the customer's language."""

RELEASE_S: Final = 0.9
"""How long giving a surface back waits for whoever draws on it."""

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


def ends_within(timeout_s: float, work: Callable[[], None]) -> bool:
    """Do something that may never end, and wait for it no longer than this.

    Args:
        timeout_s: Seconds.
        work: What to do; it raises nothing. Where it is stuck, its thread ends with the process.

    Returns:
        Whether it is done.
    """
    thread = threading.Thread(target=work, name="display given back", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # Python is ending, and starts no thread any more
        work()
        return True
    thread.join(timeout_s)
    return not thread.is_alive()


@contextmanager
def in_turn(lock: threading.Lock, name: str, timeout_s: float) -> Iterator[None]:
    """Hold a display's lock, unless an earlier call is stuck with it.

    Args:
        lock: The display's.
        name: The display's URL.
        timeout_s: Seconds for the earlier call to end; 0 or less does not wait.

    Raises:
        LinkTimeoutError: It did not end.
    """
    if not lock.acquire(timeout=max(timeout_s, 0.0)):
        raise LinkTimeoutError(name, "answer")
    try:
        yield
    finally:
        lock.release()
