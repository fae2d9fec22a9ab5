"""What a customer display shows in a test: nobody takes it for a payment, and a glance tells whether it can be read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cvconnect_drivers.shapes import Language, PromptState

NOTICE: Final = "TEST - SIMULATION - SANS VALEUR"
AMOUNT: Final = "12,50\u00a0€"
ACCENTS: Final = "é è ê ç à ù ô œ É Ç « L’Œuf » €"
LINE: Final = "TEST é è ç à ù ê É €"
"""What stands under the amount on a line display: one row of 20, so that it is seen at once, and stays."""

PAYLOAD: Final = "TEST - SANS VALEUR : ce code ne demande aucun paiement, ne payez rien. / TEST: this code asks for no payment."
"""As long as a provider's, so that the QR is as dense as the one that a customer scans."""

_WAITING: Final[dict[Language, tuple[str, str]]] = {
    "fr": ("Essai de l’écran client", "Ceci est un essai : ne payez rien"),
    "en": ("Customer display test", "This is a test: pay nothing"),
}
_PAID: Final[dict[Language, str]] = {
    "fr": "Essai : paiement accepté, merci",
    "en": "Test: payment accepted, thank you",
}


@dataclass(frozen=True, slots=True)
class TrialPrompt:
    """A prompt of a test."""

    state: PromptState
    title: str
    amount: str
    instruction: str
    language: Language
    detail: str = ""
    shop: str = ""
    basket_ref: str = ""
    qr_payload: str | None = None
    qr_png: bytes | None = None
    expires_at: datetime | None = None
    expires_text: str = ""
    notice: str = NOTICE


def waiting(language: Language, ends_at: datetime) -> TrialPrompt:
    """Write what a screen shows first.

    Args:
        language: The customer's.
        ends_at: When a screen that is forgotten hides the QR by itself.
    """
    title, instruction = _WAITING[language]
    return TrialPrompt(
        "waiting",
        title,
        AMOUNT,
        instruction,
        language,
        detail=ACCENTS,
        qr_payload=PAYLOAD,
        expires_at=ends_at,
    )


def waiting_on_lines(language: Language) -> TrialPrompt:
    """Write what a display of a few rows shows first: it has no QR, and what is to be seen stands still."""
    title, _ = _WAITING[language]
    return TrialPrompt("waiting", title, AMOUNT, LINE, language)


def paid(language: Language) -> TrialPrompt:
    """Write what a display shows then."""
    title, _ = _WAITING[language]
    return TrialPrompt("paid", title, AMOUNT, _PAID[language], language)
