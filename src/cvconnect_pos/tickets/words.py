"""What tickets say, in French and English: data, and nothing else.

The mentions that the shop's customers, the provider and the law know stay French in both languages.

Source: mission, "French conventions" (mentions, fields and their order).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.messages import Language

TENDER: Final = "CHÈQUE-VACANCES CONNECT"
SIMULATION: Final = "SIMULATION - SANS VALEUR"
DUPLICATE: Final = "DUPLICATA"


class TicketCopy(StrEnum):
    """Whose copy a ticket is, in the words that stand on it."""

    MERCHANT = "COPIE COMMERÇANT"
    CUSTOMER = "COPIE CLIENT"


MERCHANT_COPY: Final = TicketCopy.MERCHANT.value
CUSTOMER_COPY: Final = TicketCopy.CUSTOMER.value

Text: TypeAlias = tuple[str, str]
"""In French, and in English."""


class TicketKind(StrEnum):
    """What a ticket is about."""

    PAYMENT = "PAYMENT"
    PART_PAYMENT = "PART_PAYMENT"
    RESERVATION = "RESERVATION"
    CAPTURE = "CAPTURE"
    PART_CAPTURE = "PART_CAPTURE"
    RELEASE = "RELEASE"
    REVERSAL = "REVERSAL"
    REVERSAL_BY_PROVIDER = "REVERSAL_BY_PROVIDER"
    REFUSED = "REFUSED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REQUEST = "REQUEST"


class Heading(NamedTuple):
    """What stands over a ticket of some kind.

    Args:
        mention: In capitals, or empty.
        result: What happened, in words.
        notice: What the ticket is not worth, or empty.
    """

    mention: Text
    result: Text
    notice: Text = ("", "")


_NOTHING: Final[Text] = ("", "")
_RESERVATION: Final[Text] = ("PRÉ-RÉSERVATION", "PRE-RESERVATION")
_CAPTURE: Final[Text] = ("ENCAISSEMENT DE RÉSERVATION", "CAPTURE OF A RESERVATION")
_REVERSAL: Final[Text] = ("ANNULATION", "ANNULATION")
_NOT_DONE: Final[Text] = ("OPÉRATION NON ABOUTIE", "NOT COMPLETED")
_CANCELLED: Final[Text] = ("ANNULATION - NON ABOUTIE", "ANNULATION - NOT COMPLETED")
_REQUEST: Final[Text] = ("DEMANDE DIFFÉRÉE", "DEFERRED REQUEST")

NOTHING_DEBITED: Final[Text] = ("Aucun montant n’a été débité", "No amount was debited")
NO_PROOF: Final[Text] = ("Ce ticket n’est pas une preuve de paiement", "This ticket is no proof of payment")

K = TicketKind

HEADINGS: Final[dict[TicketKind, Heading]] = {
    K.PAYMENT: Heading(_NOTHING, ("Paiement accepté", "Payment accepted")),
    K.PART_PAYMENT: Heading(_NOTHING, ("Paiement partiel accepté", "Part payment accepted")),
    K.RESERVATION: Heading(
        _RESERVATION, ("Montant réservé, non débité", "Amount reserved, not debited"), NO_PROOF
    ),
    K.CAPTURE: Heading(_CAPTURE, ("Réservation encaissée en entier", "Reservation captured in full")),
    K.PART_CAPTURE: Heading(_CAPTURE, ("Réservation encaissée en partie", "Reservation captured in part")),
    K.RELEASE: Heading(
        _RESERVATION, ("Réservation rendue au client", "Reservation given back"), NOTHING_DEBITED
    ),
    K.REVERSAL: Heading(_REVERSAL, ("Le client est recrédité", "Reversed: the customer is credited")),
    K.REVERSAL_BY_PROVIDER: Heading(
        _REVERSAL,
        (
            "Le fournisseur a recrédité le client",
            "Reversed by the provider",
        ),
    ),
    K.REFUSED: Heading(
        _NOT_DONE, ("Paiement refusé par le client", "The customer refused to pay"), NOTHING_DEBITED
    ),
    K.FAILED: Heading(_NOT_DONE, ("Paiement rejeté", "Payment rejected"), NOTHING_DEBITED),
    K.EXPIRED: Heading(_NOT_DONE, ("Demande expirée", "Request expired"), NOTHING_DEBITED),
    K.CANCELLED: Heading(
        _CANCELLED, ("Demande annulée en caisse", "Request cancelled at the till"), NOTHING_DEBITED
    ),
    K.REQUEST: Heading(
        _REQUEST,
        ("Le client a reçu une demande de paiement", "The customer has received a payment request"),
        NO_PROOF,
    ),
}

KINDS: Final[dict[State, TicketKind]] = {
    State.APPROVED: K.PAYMENT,
    State.RESERVED: K.RESERVATION,
    State.RELEASED: K.RELEASE,
    State.REVERSED: K.REVERSAL,
    State.REVERSED_AFTER_KEEP: K.REVERSAL_BY_PROVIDER,
    State.REFUSED: K.REFUSED,
    State.FAILED: K.FAILED,
    State.EXPIRED: K.EXPIRED,
    State.CANCELLED: K.CANCELLED,
}
"""For each state that has a ticket, what it is about; a payment is looked at more closely."""

LABELS: Final[dict[str, Text]] = {
    "date": ("Date", "Date"),
    "basket": ("N° de panier", "Basket"),
    "transaction": ("Transaction", "Transaction"),
    "authorization": ("Autorisation", "Authorisation"),
    "customer": ("Client", "Customer"),
    "seller": ("Vendeur", "Seller"),
    "label": ("Libellé", "Label"),
    "valid_until": ("Expire le", "Valid until"),
    "asked": ("Montant demandé", "Amount asked"),
    "reserved": ("Montant réservé", "Amount reserved"),
    "not_reserved": ("Montant non réservé", "Amount not reserved"),
    "paid": ("Montant réglé", "Amount paid"),
    "released": ("Montant rendu", "Amount given back"),
    "given_back": ("Montant rendu au client", "Amount given back"),
    "reversed": ("Montant recrédité", "Amount credited again"),
    "left": ("Reste à payer", "Left to pay"),
    "surplus": ("Reçu en plus, à rendre", "Received besides, to be returned"),
}
"""The labels of a ticket's fields and amounts."""

REPORT: Final[dict[str, Text]] = {
    "day": ("CLÔTURE DU JOUR", "CLOSING OF THE DAY"),
    "month": ("CLÔTURE DU MOIS", "CLOSING OF THE MONTH"),
    "year": ("CLÔTURE DE L’ANNÉE", "CLOSING OF THE YEAR"),
    "last_entry": ("Jusqu’à l’écriture", "Up to entry"),
    "head": ("Empreinte", "Hash"),
    "key": ("Clé", "Key"),
    "attempts": ("Demandes", "Requests"),
    "payments": ("Paiements reçus", "Payments received"),
    "received": ("Montant reçu", "Amount received"),
    "reversals": ("Annulations", "Reversals"),
    "reversed": ("Montant recrédité", "Amount credited again"),
    "kept": ("Encaissé", "Kept"),
    "total_kept": ("Cumul perpétuel", "Perpetual total"),
    "none": ("Aucune demande", "No request"),
    "states": ("Opérations par statut", "Operations by status"),
    "open": ("Resté ouvert", "Left open"),
    "nothing_open": ("Rien n’est resté ouvert", "Nothing was left open"),
    "more": ("… et {number} de plus", "… and {number} more"),
    "end": ("FIN DU RAPPORT", "END OF THE REPORT"),
}
"""The words of a closing's report."""


def say(text: Text, language: Language) -> str:
    """Choose the language of a text."""
    return text[0 if language == "fr" else 1]
