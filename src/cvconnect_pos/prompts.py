"""What the customer display says in each state of a payment."""

from __future__ import annotations

import base64

from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.messages import Language
from cvconnect_pos.money import format_amount
from cvconnect_pos.peripherals import PaymentPrompt, PromptState
from cvconnect_pos.tickets import PARIS, SIMULATION

TITLE = "Chèque-Vacances Connect"

_S = State
_WAITING: tuple[PromptState, str, str] = (
    "waiting",
    "Présentez votre identifiant Chèque-Vacances",
    "Present your Chèque-Vacances identifier",
)
_SEEN: tuple[PromptState, str, str] = ("seen", "Validez dans votre application", "Validate in your app")
_CHECK: tuple[PromptState, str, str] = ("check", "Vérification en cours…", "Checking…")
_CANCELLING: tuple[PromptState, str, str] = ("cancelled", "Annulation en cours…", "Cancelling…")

_PROMPTS: dict[State, tuple[PromptState, str, str]] = {
    _S.OPENED: _WAITING,
    _S.SHOWING: (
        "waiting",
        "Scannez ce QR code avec l’application Chèque-Vacances",
        "Scan this QR code with the Chèque-Vacances app",
    ),
    **dict.fromkeys(
        (_S.SCANNED, _S.SWITCH_ASKED, _S.SWITCHING, _S.IDENTIFYING, _S.PAYER_UNKNOWN, _S.AWAITING), _SEEN
    ),
    **dict.fromkeys((_S.CANCELLING, _S.CANCEL_SENT, _S.CANCEL_UNKNOWN, _S.CANCEL_CONFIRMING), _CANCELLING),
    **dict.fromkeys((_S.IN_DOUBT, _S.DECIDING, _S.LINE_RELEASED), _CHECK),
    **dict.fromkeys(
        (_S.CAPTURING, _S.CAPTURE_UNKNOWN, _S.CAPTURE_REFUSED, _S.RELEASING, _S.RELEASE_UNKNOWN), _CHECK
    ),
    **dict.fromkeys((_S.REVERSING, _S.REVERSAL_UNKNOWN, _S.REVERSAL_REFUSED), _CHECK),
    _S.RESERVED: ("paid", "Montant réservé", "Amount reserved"),
    _S.RELEASED: ("cancelled", "Réservation rendue", "Reservation released"),
    _S.APPROVED: ("paid", "Paiement accepté, merci", "Payment accepted, thank you"),
    _S.REVERSED: ("cancelled", "Paiement annulé, vous êtes recrédité", "Payment reversed, you are credited"),
    _S.REVERSED_AFTER_KEEP: ("cancelled", "Paiement annulé, vous êtes recrédité", "Payment reversed"),
    _S.REFUSED: ("refused", "Paiement refusé", "Payment refused"),
    _S.FAILED: ("refused", "Paiement rejeté", "Payment rejected"),
    _S.EXPIRED: ("expired", "Demande expirée", "Request expired"),
    _S.CANCELLED: ("cancelled", "Demande annulée", "Request cancelled"),
    _S.CREATING: ("idle", "", ""),
    _S.ORPHANED: ("idle", "", ""),
}


def prompt_of(attempt: Attempt, *, shop: str = "", language: Language = "fr") -> PaymentPrompt:
    """Write what the customer should see now.

    Args:
        attempt: The payment.
        shop: The shop's name.
        language: French or English.

    Returns:
        The prompt; it holds the QR only while it may be scanned.
    """
    kind, french, english = _PROMPTS[attempt.state]
    instruction = french if language == "fr" else english
    order, amount, detail = attempt.order, attempt.due_cents, ""
    if attempt.state is State.RESERVED and attempt.reserved_cents is not None:
        amount = attempt.reserved_cents
    if attempt.state is State.APPROVED and attempt.received_cents is not None:
        amount = attempt.received_cents
        if amount < attempt.due_cents:
            kind = "partial"
            instruction = "Paiement partiel accepté" if language == "fr" else "Part payment accepted"
            rest = format_amount(attempt.due_cents - amount)
            detail = (
                f"Reste à régler autrement : {rest}" if language == "fr" else f"Left to pay otherwise: {rest}"
            )
    showing = attempt.state is State.SHOWING
    if showing and order.way is Way.EITHER:
        detail = _WAITING[1] if language == "fr" else _WAITING[2]
        detail = (
            f"ou {detail[0].lower()}{detail[1:]}"
            if language == "fr"
            else f"or {detail[0].lower()}{detail[1:]}"
        )
    return PaymentPrompt(
        state=kind,
        title=TITLE,
        amount="" if kind == "idle" else format_amount(amount),
        instruction=instruction,
        detail=detail,
        shop=shop,
        basket_ref=order.basket_ref,
        qr_payload=attempt.qr_payload or None if showing else None,
        qr_png=base64.b64decode(attempt.qr_png) if showing and attempt.qr_png else None,
        expires_at=attempt.expires_at if showing else None,
        expires_text=_until(attempt, language) if showing else "",
        notice=SIMULATION if attempt.simulation else "",
        language=language,
    )


def idle_prompt(shop: str) -> PaymentPrompt:
    """Write what the customer sees between payments."""
    return PaymentPrompt(state="idle", title=TITLE, shop=shop)


def _until(attempt: Attempt, language: Language) -> str:
    if attempt.expires_at is None:
        return ""
    time = attempt.expires_at.astimezone(PARIS).strftime("%H:%M:%S")
    return f"Valable jusqu’à {time}" if language == "fr" else f"Valid until {time}"
