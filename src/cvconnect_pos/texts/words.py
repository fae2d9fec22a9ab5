"""What each text of an error consists of."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A text and its remedy, in both languages."""

    fr: str
    fr_remedy: str
    en: str
    en_remedy: str


ASK_SUPPORT = ("Contactez votre assistance.", "Contact your support.")
