"""What the provider says when it refuses a call: codes of the wire and their texts.

Source: the codes are modelled on public integrations, unverified against the ANCV; the texts are ours.

Does not model: further codes that no public integration reads.
"""

from __future__ import annotations

from typing import Final

from cvconnect_sim.errors import SimError


class RefusedError(SimError):
    """The provider refuses a call; `code` is the `errorCode` of the wire."""

    def __init__(self, code: str) -> None:
        fr, en = REFUSALS[code]
        super().__init__(code, fr, en)


REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "BAD_REQUEST": ("La demande est mal formée.", "The request is malformed."),
    "INVALID_SEAL": ("Le sceau de la demande est invalide.", "The seal of the request is invalid."),
    "MERCHANT_NOT_ALLOWED": ("Ce commerçant n'est pas autorisé.", "This merchant is not allowed."),
    "OPERATION_TRANSACTION_NOT_ALLOWED": (
        "Cette opération n'est pas permise dans l'état de la transaction.",
        "The state of the transaction does not allow this operation.",
    ),
    "TRANSACTION_NOT_FOUND": ("Transaction inconnue.", "Unknown transaction."),
    "BENEFICIARY_NOT_FOUND": ("Bénéficiaire inconnu.", "Unknown beneficiary."),
    "OTHER_TRANSACTION_PENDING": (
        "Une autre demande attend déjà ce bénéficiaire.",
        "Another request already waits for this beneficiary.",
    ),
    "INVALID_TRANSACTION_AMOUNT": ("Le montant n'est pas permis.", "The amount is not allowed."),
    "INVALID_TRANSACTION_CURRENCY": ("La devise n'est pas permise.", "The currency is not allowed."),
    "INTERNAL_SERVER_ERROR": ("Erreur interne.", "Internal error."),
}
