"""Tickets as documents: what is said, and how it is laid out on paper of so many columns. Never bytes.

Source: mission, "French conventions" (mentions, fields and their order).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.money import format_amount
from cvconnect_pos.peripherals import Align

PARIS = ZoneInfo("Europe/Paris")
SIMULATION = "SIMULATION - SANS VALEUR"
MERCHANT_COPY, CUSTOMER_COPY = "COPIE COMMERÇANT", "COPIE CLIENT"

_HEADINGS: dict[State, tuple[str, str]] = {
    State.APPROVED: ("", "Paiement accepté"),
    State.RESERVED: ("PRÉ-RÉSERVATION", "Montant réservé, non débité"),
    State.RELEASED: ("PRÉ-RÉSERVATION", "Réservation rendue au client"),
    State.REVERSED: ("ANNULATION", "Le client est recrédité"),
    State.REVERSED_AFTER_KEEP: ("ANNULATION", "Le client a été recrédité par le fournisseur"),
    State.REFUSED: ("OPÉRATION NON ABOUTIE", "Paiement refusé par le client"),
    State.FAILED: ("OPÉRATION NON ABOUTIE", "Paiement rejeté"),
    State.EXPIRED: ("OPÉRATION NON ABOUTIE", "Demande expirée"),
    State.CANCELLED: ("OPÉRATION NON ABOUTIE", "Demande annulée en caisse"),
}
"""For each state that has a ticket: its mention, and what happened in words."""

NOTHING_DEBITED = "Aucun montant n’a été débité"

_PAID = frozenset({State.APPROVED, State.REVERSED, State.REVERSED_AFTER_KEEP})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of paper; see `peripherals.PrintLine`."""

    text: str = ""
    align: Align = "left"
    bold: bool = False
    large: bool = False
    qr: str | None = None
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """The ticket of one operation, data first.

    Args:
        shop: The shop's name and address lines.
        mention: *ANNULATION*, *OPÉRATION NON ABOUTIE*, or empty.
        result: What happened, in words.
        fields: Label and value, in the order of printing.
        amounts: Label and value: what was asked, then what was received and what is left.
        notice: A last line of explanation, or empty.
        copy: *COPIE COMMERÇANT* or *COPIE CLIENT*.
        simulation: Whether it must say that it is worth nothing.
        duplicate: Whether it is a reprint.
    """

    shop: tuple[str, ...]
    mention: str
    result: str
    fields: tuple[tuple[str, str], ...]
    amounts: tuple[tuple[str, str], ...]
    notice: str
    copy: str
    simulation: bool
    duplicate: bool = False

    def lines(self, columns: int) -> Sequence[Line]:
        """Lay the ticket out.

        Args:
            columns: Characters on a line, at least 24.

        Returns:
            The lines, none longer than `columns`.
        """
        out: list[Line] = []
        rule = Line("-" * columns)

        def centred(text: str, *, bold: bool = False) -> None:
            out.extend(Line(part, "center", bold) for part in textwrap.wrap(text, columns))

        for line in self.shop:
            centred(line)
        out.append(Line())
        centred("CHÈQUE-VACANCES CONNECT", bold=True)
        for banner in (
            self.mention,
            "DUPLICATA" if self.duplicate else "",
            SIMULATION if self.simulation else "",
        ):
            if banner:
                centred(banner, bold=True)
        out.append(rule)
        for label, value in self.fields:
            out.extend(_pair(label, value, columns))
        out.append(rule)
        centred(self.result, bold=True)
        for position, (label, value) in enumerate(self.amounts):
            out.extend(
                _pair(label, value, columns, bold=position > 0)
            )  # what was asked is not what was received
        if self.notice:
            out.append(Line())
            centred(self.notice)
        out.append(rule)
        centred(self.copy)
        if self.simulation:
            centred(SIMULATION, bold=True)
        return out

    def text(self, columns: int = 42) -> str:
        """Give the ticket as plain text, for a till that prints it in its own receipt."""
        return "\n".join(_aligned(line, columns) for line in self.lines(columns))


def has_ticket(state: State) -> bool:
    """Whether an operation in this state has a ticket."""
    return state in _HEADINGS


def local_time(moment: datetime) -> str:
    """Write a moment as people in the shop read it: `21/11/2026 14:05`."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y %H:%M")


def ticket_of(
    attempt: Attempt, *, shop: Sequence[str] = (), copy: str = MERCHANT_COPY, duplicate: bool = False
) -> Ticket:
    """Write the ticket of an operation that has one.

    Args:
        attempt: The operation.
        shop: The shop's name and address lines.
        copy: Whose copy it is.
        duplicate: Whether it may have been printed before.

    Returns:
        The ticket.
    """
    mention, result = _HEADINGS[attempt.state]
    order = attempt.order
    asked, received = order.amount_cents, attempt.received_cents
    paid = attempt.state in _PAID and received is not None
    fields = [
        ("Date", local_time(attempt.changed_at)),
        ("N° de panier", order.basket_ref),
        ("Transaction", attempt.transaction_id or attempt.pre_transaction_id),
        ("Autorisation", ", ".join(a.number for a in attempt.authorizations)),
        ("Client", attempt.beneficiary),
        ("Vendeur", order.seller_id),
    ]
    amounts = [("Montant demandé", format_amount(asked))]
    if attempt.reserved_cents is not None:
        amounts.append(("Montant réservé", format_amount(attempt.reserved_cents)))
    notice = ""
    if paid and received is not None:
        given_back = attempt.state is not State.APPROVED
        amounts.append(("Montant recrédité" if given_back else "Montant réglé", format_amount(received)))
        if not given_back and received < attempt.due_cents:
            result = "Paiement partiel accepté"
            amounts.append(("Reste à payer", format_amount(attempt.due_cents - received)))
    elif attempt.state is not State.RESERVED:
        notice = NOTHING_DEBITED
    return Ticket(
        shop=tuple(shop),
        mention=mention,
        result=result,
        fields=tuple((label, value) for label, value in fields if value),
        amounts=tuple(amounts),
        notice=notice,
        copy=copy,
        simulation=attempt.simulation,
        duplicate=duplicate,
    )


def _pair(label: str, value: str, columns: int, *, bold: bool = False) -> list[Line]:
    """Set a label to the left and its value to the right; on two lines when one is too short."""
    space = columns - len(label) - len(value)
    if space >= 1:
        return [Line(label + " " * space + value, bold=bold)]
    return [
        Line(label, bold=bold),
        *(
            Line(part.rjust(columns), bold=bold)
            for part in textwrap.wrap(value, columns, break_on_hyphens=False)
        ),
    ]


def _aligned(line: Line, columns: int) -> str:
    match line.align:
        case "center":
            return line.text.center(columns).rstrip()
        case "right":
            return line.text.rjust(columns)
        case "left":
            return line.text
