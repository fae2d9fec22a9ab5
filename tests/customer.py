"""What the customer is shown, in every state, for the tests of screens and for their pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cvconnect_pos.peripherals import PaymentPrompt, PromptState

PAYLOAD: Final = (
    "https://app.exemple.fr/paiement/scan?transaction=8f2d1c0a9b4e4d7f9a3c&pa=200000000016&montant=4550&v=1"
)

_COMMON: Final = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    notice="SIMULATION - SANS VALEUR",
)
_QR: Final = replace(
    _COMMON,
    instruction="Scannez ce QR code avec l’application Chèque-Vacances",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05:30",
)


def _ended(state: PromptState, instruction: str, detail: str = "") -> PaymentPrompt:
    return replace(_COMMON, state=state, instruction=instruction, detail=detail)


SCREENS: Final[dict[str, PaymentPrompt]] = {
    "idle": PaymentPrompt("idle", title="Chèque-Vacances Connect", shop="Camping L’Œuf Bleu"),
    "qr": _QR,
    "either": replace(_QR, detail="ou présentez votre identifiant Chèque-Vacances"),
    "english": replace(
        _QR,
        instruction="Scan this QR code with the Chèque-Vacances app",
        detail="or present your Chèque-Vacances identifier",
        expires_text="Valid until 14:05:30",
        language="en",
    ),
    "waiting": replace(_COMMON, instruction="Présentez votre identifiant Chèque-Vacances"),
    "seen": _ended("seen", "Validez dans votre application"),
    "paid": replace(_ended("paid", "Paiement accepté, merci"), notice=""),
    "partial": replace(
        _ended("partial", "Paiement partiel accepté", "Reste à régler autrement : 15,50\u00a0€"),
        amount="30,00\u00a0€",
    ),
    "refused": _ended("refused", "Paiement refusé"),
    "expired": _ended("expired", "Demande expirée"),
    "cancelled": _ended("cancelled", "Demande annulée"),
    "check": _ended("check", "Vérification en cours…"),
    "long": replace(
        _QR,
        amount="1\u00a0234\u00a0567,89\u00a0€",
        shop="Office de tourisme intercommunal du Pays de Saint-Gilles-Croix-de-Vie et du Marais",
        instruction="Scannez ce QR code avec l’application Chèque-Vacances de votre téléphone, puis validez avec votre code",
        detail="ou présentez votre identifiant Chèque-Vacances à la personne qui tient la caisse, s’il vous plaît",
        basket_ref="PANIER-2026-11-22-CAISSE-03-0000000123456789",
    ),
    "dense": replace(_QR, qr_payload="https://exemple.fr/?" + "é" * 2000),  # more than any QR holds
}
"""Every state, and the hard ones."""
