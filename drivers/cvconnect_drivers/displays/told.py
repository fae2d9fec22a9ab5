"""A prompt on its way to another process: what is told of it, as JSON. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cvconnect_drivers.shapes import Language, Prompt, PromptState

ENDED: Final = "Ce QR code n’est plus valable.\u00a0/ This QR code has expired."
"""Said instead of the instruction once a QR has ended; a driver does not know the customer's language."""

_WORDS: Final = (
    "state",
    "title",
    "amount",
    "instruction",
    "detail",
    "shop",
    "basket_ref",
    "expires_text",
    "notice",
    "language",
    "qr_payload",
)


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt that came from another process; when it ends is told beside it."""

    state: PromptState
    title: str = ""
    amount: str = ""
    instruction: str = ""
    detail: str = ""
    shop: str = ""
    basket_ref: str = ""
    qr_payload: str | None = None
    qr_png: bytes | None = None
    expires_at: datetime | None = None
    expires_text: str = ""
    notice: str = ""
    language: Language = "fr"

    def ended(self) -> Told:
        """Make what is shown once the QR has ended."""
        return replace(self, qr_payload=None, qr_png=None, instruction=ENDED, detail="", expires_text="")


def write(prompt: Prompt) -> dict[str, Any]:
    """Write a prompt down.

    Args:
        prompt: The prompt.

    Returns:
        What JSON holds, its picture in base64.
    """
    png = prompt.qr_png
    words = {name: getattr(prompt, name) for name in _WORDS}
    return {**words, "qr_png": None if png is None else base64.b64encode(png).decode()}


def read(told: dict[str, Any]) -> Told:
    """Read what `write` made."""
    png = told["qr_png"]
    fields: dict[str, Any] = {**told, "qr_png": None if png is None else base64.b64decode(png)}
    return Told(**fields)
