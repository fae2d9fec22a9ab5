"""Surfaces turned to the customer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_drivers.shapes import Prompt

NO_QR: Final = "Le QR code ne peut pas être affiché ici. / The QR code cannot be shown here."
"""Said instead of the instruction to scan a QR that this surface cannot show; a driver does not know the customer's language."""

RELEASE_S: Final = 0.9
"""How long giving a surface back waits for whoever draws on it."""


def has_qr(prompt: Prompt) -> bool:
    """Whether a prompt comes with a QR to show."""
    return prompt.qr_png is not None or prompt.qr_payload is not None


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
