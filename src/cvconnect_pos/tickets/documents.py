"""The tickets of operations, data first: what is said, from what the journal knows. Never bytes.

Source: mission, "French conventions" (mentions, fields and their order).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cvconnect_pos.core.attempt import Attempt, Way
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.errors import InvalidInput, NotAllowedNow
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets.amounts import Amount, amounts_of
from cvconnect_pos.tickets.layout import Printable
from cvconnect_pos.tickets.logo import logo_fault
from cvconnect_pos.tickets.parts import Code, Gap, Pair, Part, Picture, Rule, Words
from cvconnect_pos.tickets.words import (
    DUPLICATE,
    HEADINGS,
    KINDS,
    LABELS,
    MERCHANT_COPY,
    NOTHING_DEBITED,
    SIMULATION,
    TENDER,
    TicketCopy,
    TicketKind,
    say,
)

PARIS: Final = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Ticket(Printable):
    """The ticket of one operation, data first.

    Args:
        kind: What it is about.
        shop: The shop's name and address lines.
        mention: *ANNULATION*, *OPÉRATION NON ABOUTIE*, or empty.
        result: What happened, in words.
        fields: Label and value, in the order of printing.
        amounts: What was asked, then what was received and what is left.
        notice: A last line of explanation, or empty.
        copy: *COPIE COMMERÇANT* or *COPIE CLIENT*.
        simulation: Whether it must say that it is worth nothing.
        duplicate: Whether it is a reprint.
        language: The language it is in.
        logo: The shop's logo, a PNG for the first line, or None.
        qr: The content of a QR to print before the last lines, or empty.
    """

    kind: TicketKind
    shop: tuple[str, ...]
    mention: str
    result: str
    fields: tuple[tuple[str, str], ...]
    amounts: tuple[Amount, ...]
    notice: str
    copy: str
    simulation: bool
    duplicate: bool = False
    language: Language = "fr"
    logo: bytes | None = None
    qr: str = ""

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return self.result

    def parts(self) -> Iterator[Part]:
        """Say what stands on it, from the top. Its last line is the copy, or the mention of a simulation."""
        yield from head_of(self.shop, self.logo)
        if self.mention:
            yield Words(self.mention, bold=True, french=self.mention == HEADINGS[self.kind].mention[0])
        if self.duplicate:
            yield Words(DUPLICATE, bold=True, french=True)
        if self.simulation:
            yield Words(SIMULATION, bold=True, french=True)
        yield Rule()
        yield from (Pair(label, value) for label, value in self.fields)
        yield Rule()
        yield Words(self.result, bold=True)
        yield from (Pair(amount.label, amount.text, amount.weight) for amount in self.amounts)
        if self.notice:
            yield from (Gap(), Words(self.notice))
        if self.qr:
            yield Code(self.qr)
        yield Rule()
        yield Words(self.copy, french=True)
        if self.simulation:
            yield Words(SIMULATION, bold=True, french=True)


def head_of(shop: Sequence[str], logo: bytes | None) -> Iterator[Part]:
    """Write what stands over every ticket: the shop, and the means of payment."""
    if logo is not None and logo_fault(logo) is None:
        yield Picture(logo)
    for number, line in enumerate(shop):
        yield Words(line, bold=number == 0)
    yield Gap()
    yield Words(TENDER, bold=True, title=True, french=True)


def has_ticket(state: State) -> bool:
    """Whether an operation in this state has a ticket, however it was asked."""
    return state in KINDS


def local_time(moment: datetime) -> str:
    """Write a moment as people in the shop read it: `21/11/2026 14:05`."""
    return moment.astimezone(PARIS).strftime("%d/%m/%Y %H:%M")


def kind_of(attempt: Attempt) -> TicketKind | None:
    """Say what the ticket of an operation is about.

    Args:
        attempt: The operation.

    Returns:
        The kind; None while it has no ticket.
    """
    if attempt.order.way is Way.DEFERRED and attempt.state is State.AWAITING:
        return TicketKind.REQUEST
    kind = KINDS.get(attempt.state)
    received, reserved = attempt.received_cents, attempt.reserved_cents
    if kind is not TicketKind.PAYMENT or received is None:
        return kind
    if reserved is not None:
        return TicketKind.PART_CAPTURE if received < reserved else TicketKind.CAPTURE
    return TicketKind.PART_PAYMENT if received < attempt.due_cents else TicketKind.PAYMENT


def ticket_of(
    attempt: Attempt,
    *,
    shop: Sequence[str] = (),
    copy: str = MERCHANT_COPY,
    duplicate: bool = False,
    language: Language = "fr",
    logo: bytes | None = None,
    qr: str = "",
) -> Ticket:
    """Write the ticket of an operation: over, or reserved; or the slip of a deferred request that waits for its customer.

    Args:
        attempt: The operation.
        shop: The shop's name and address lines.
        copy: Whose copy it is: a `TicketCopy`, or its text.
        duplicate: Whether it may have been printed before.
        language: French or English.
        logo: The shop's logo, a PNG; one that no printer could print is left out.
        qr: The content of a QR to print, or empty.

    Returns:
        The ticket.

    Raises:
        InvalidInput: `CHOICE_UNKNOWN`: there is no such copy.
        NotAllowedNow: `NO_TICKET`: the operation goes on, or was never created.
    """
    kind = kind_of(attempt)
    if kind is None:
        raise NotAllowedNow("NO_TICKET", state=attempt.state.value)
    if copy not in tuple(TicketCopy):
        raise InvalidInput("CHOICE_UNKNOWN", field="copy", allowed=", ".join(TicketCopy))
    heading = HEADINGS[kind]
    untrue = heading.notice is NOTHING_DEBITED and attempt.received_cents is not None
    return Ticket(
        kind=kind,
        shop=tuple(shop),
        mention=say(heading.mention, language),
        result=say(heading.result, language),
        fields=_fields(attempt, kind, language),
        amounts=amounts_of(attempt, kind, language),
        notice="" if untrue else say(heading.notice, language),
        copy=copy,
        simulation=attempt.simulation,
        duplicate=duplicate,
        language=language,
        logo=logo,
        qr=qr,
    )


def _fields(attempt: Attempt, kind: TicketKind, language: Language) -> tuple[tuple[str, str], ...]:
    order = attempt.order
    waits = kind is TicketKind.REQUEST
    fields = {
        "date": local_time(attempt.changed_at),
        "basket": order.basket_ref,
        "transaction": attempt.transaction_id or attempt.pre_transaction_id,
        "authorization": ", ".join(a.number for a in attempt.authorizations),
        "customer": attempt.beneficiary,
        "seller": order.seller_id,
        "label": order.label if waits else "",
        "valid_until": local_time(attempt.expires_at) if waits and attempt.expires_at else "",
    }
    return tuple((say(LABELS[name], language), value) for name, value in fields.items() if value)
