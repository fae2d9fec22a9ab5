"""Surfaces turned to the customer."""

from __future__ import annotations

from typing import Final

from cvconnect_drivers.shapes import Prompt

NO_QR: Final = "Le QR code ne peut pas être affiché ici. / The QR code cannot be shown here."
"""Said instead of the instruction to scan a QR that this surface cannot show; a driver does not know the customer's language."""


def has_qr(prompt: Prompt) -> bool:
    """Whether a prompt comes with a QR to show."""
    return prompt.qr_png is not None or prompt.qr_payload is not None
