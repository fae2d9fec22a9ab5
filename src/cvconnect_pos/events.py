"""What a till hears about a payment: nouns for what happened, complete, serialisable, with words to show.

Each event is told after the journal has it. `tell` makes them from a step of the lifecycle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import NEGATIVE, Signal, State
from cvconnect_pos.messages import Language, event_text
from cvconnect_pos.peripherals import PrintOutcome, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of every event.

    Args:
        request_id: The payment it belongs to.
        at: When it was journaled, or seen at the device (UTC).
    """

    request_id: str
    at: datetime

    @property
    def name(self) -> str:
        """The stable English name."""
        return type(self).__name__

    def text(self, language: Language = "fr") -> str:
        """Say it in words for the cashier."""
        return event_text(self.name, self.as_dict(), language)

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}
        return {"event": self.name} | plain


@dataclass(frozen=True, slots=True, kw_only=True)
class QrReady(Event):
    """The provider gave a QR. A till without a display of ours draws it now: the attempt is alive.

    Args:
        payload: The text to encode, or an empty text.
        png_base64: The ready picture, or an empty text.
        expires_at: When it must be gone (UTC).
    """

    payload: str
    png_base64: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QrShown(Event):
    """A display shows it.

    Args:
        display: The display's URL.
        surface: What the customer really sees there.
    """

    display: str
    surface: Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyToScan(Event):
    """The request is open: scan or type the customer's identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRefused(Event):
    """A label was read that names no customer, or one the provider refuses.

    Args:
        reason: A stable code.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerBusy(Event):
    """The customer was not asked: another request waits in their app. Not a refusal: they answer it, then scan again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentified(Event):
    """The customer is named.

    Args:
        beneficiary: Their identifier, masked.
    """

    beneficiary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingCustomer(Event):
    """The customer holds the request in their app, and decides.

    Args:
        expires_at: Until when (UTC).
    """

    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling(Event):
    """The cancel was asked; the provider has the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt(Event):
    """The provider's word cannot be read. Nothing is assumed; it is asked again.

    Args:
        reason: A stable code.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """Paid, in full or in part.

    Args:
        asked_cents: What was asked.
        received_cents: What was received.
        remaining_cents: What must be paid otherwise.
        authorization: The authorisation number.
        beneficiary: The customer, masked.
    """

    asked_cents: int
    received_cents: int
    remaining_cents: int
    authorization: str
    beneficiary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPaid(Event):
    """The base of the ends without money.

    Args:
        reason: A stable code, or an empty text.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(NotPaid):
    """The customer said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(NotPaid):
    """The provider said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(NotPaid):
    """Nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(NotPaid):
    """The till said no, and the provider confirmed that no money moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted(NotPaid):
    """The request never reached a customer: the line is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReleased(NotPaid):
    """A supervisor freed the line; the attempt stays watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionNeeded(Event):
    """Paid, although the till thought otherwise: keep it or reverse it.

    Args:
        why: `CANCEL_CROSSED`, `LATE_PAYMENT`, `OVERPAID`, `SEVERAL_PAYERS`, `UNEXPECTED_PAYER`, `CAPTURED_UNASKED` or
            `LATE_CAPTURE`.
        asked_cents: What was asked.
        received_cents: What was received.
    """

    why: str
    asked_cents: int
    received_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved(Event):
    """The customer reserved the money; nothing is paid. Capture it, in full or in part, or release it.

    Args:
        asked_cents: What was asked.
        reserved_cents: What was reserved.
        expires_at: Until when it can be captured (UTC).
        reason: Why it is still only reserved: a stable code, or an empty text.
    """

    asked_cents: int
    reserved_cents: int
    expires_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(NotPaid):
    """The reservation was given back, or has run out; no money was taken.

    Args:
        reserved_cents: What had been reserved.
    """

    reserved_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountChanged(Event):
    """The provider changed the amount of a payment that was approved.

    Args:
        approved_cents: What had been approved.
        received_cents: What is received by now.
    """

    approved_cents: int
    received_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusReceived(Event):
    """More was received for this line, on a request that had been given up: it is being given back.

    Args:
        surplus_cents: How much.
    """

    surplus_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusReversed(Event):
    """The surplus was given back to the customer.

    Args:
        surplus_cents: How much.
    """

    surplus_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed(Event):
    """Paid, then re-credited to the customer.

    Args:
        received_cents: What was re-credited.
    """

    received_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRefused(Event):
    """The provider would not re-credit: the payment stands.

    Args:
        reason: A stable code.
        received_cents: What stays paid.
    """

    reason: str
    received_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversedAfterKeep(Reversed):
    """The till kept a payment, and the provider re-credited it all the same: the money is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPrinted(Event):
    """What became of a ticket.

    Args:
        outcome: `printed`, `not_sent` or `unknown`.
        reason: Why it did not come out, or an empty text.
        detail: The same as a French sentence.
        copy: *COPIE COMMERÇANT* or *COPIE CLIENT*.
        duplicate: Whether it says *DUPLICATA*.
        will_retry: Whether it comes out by itself as soon as the printer is ready; after `unknown`, as a *DUPLICATA*.
    """

    outcome: PrintOutcome
    reason: str
    detail: str
    copy: str = ""
    duplicate: bool = False
    will_retry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTrouble(Event):
    """A device could not do its part; the payment goes on without it.

    Args:
        device: Its URL.
        reason: A stable code.
        detail: The same as a French sentence, or an empty text.
    """

    device: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalTrouble(Event):
    """The journal could not be written: nothing is sent until it can.

    Args:
        reason: A stable code.
    """

    reason: str


def _approved(attempt: Attempt) -> Event:
    asked, received = attempt.due_cents, attempt.received_cents or 0
    return Approved(
        request_id=attempt.order.request_id,
        at=attempt.changed_at,
        asked_cents=asked,
        received_cents=received,
        remaining_cents=max(asked - received, 0),
        authorization=", ".join(a.number for a in attempt.authorizations),
        beneficiary=attempt.beneficiary,
    )


def _plain(kind: Callable[..., Event], **more: Callable[[Attempt], Any]) -> Callable[[Attempt], Event]:
    def make(attempt: Attempt) -> Event:
        extra = {name: value(attempt) for name, value in more.items()}
        return kind(request_id=attempt.order.request_id, at=attempt.changed_at, **extra)

    return make


def _reason(attempt: Attempt) -> str:
    return attempt.reason


def _received(attempt: Attempt) -> int:
    return attempt.received_cents or 0


def _asked(attempt: Attempt) -> int:
    return attempt.order.amount_cents


def _reserved(attempt: Attempt) -> int:
    return attempt.reserved_cents or 0


_cancelling = _plain(Cancelling)
_awaiting = _plain(AwaitingCustomer, expires_at=lambda a: a.expires_at)

_ENTERED: dict[State, Callable[[Attempt], Event]] = {
    State.OPENED: _plain(ReadyToScan),
    State.SHOWING: _plain(
        QrReady,
        payload=lambda a: a.qr_payload,
        png_base64=lambda a: a.qr_png,
        expires_at=lambda a: a.expires_at,
    ),
    State.IDENTIFYING: _plain(CustomerIdentified, beneficiary=lambda a: a.beneficiary),
    State.SCANNED: _awaiting,
    State.AWAITING: _awaiting,
    State.CANCELLING: _cancelling,
    State.IN_DOUBT: _plain(InDoubt, reason=_reason),
    State.DECIDING: _plain(DecisionNeeded, why=_reason, asked_cents=_asked, received_cents=_received),
    State.RESERVED: _plain(
        Reserved,
        asked_cents=_asked,
        reserved_cents=_reserved,
        expires_at=lambda a: a.expires_at,
        reason=_reason,
    ),
    State.APPROVED: _approved,
    State.REVERSED: _plain(Reversed, received_cents=_received),
    State.REVERSED_AFTER_KEEP: _plain(ReversedAfterKeep, received_cents=_received),
    State.REFUSED: _plain(Refused, reason=_reason),
    State.FAILED: _plain(Failed, reason=_reason),
    State.EXPIRED: _plain(Expired, reason=_reason),
    State.CANCELLED: _plain(Cancelled, reason=_reason),
    State.RELEASED: _plain(Released, reason=_reason, reserved_cents=_reserved),
    State.ORPHANED: _plain(NotStarted, reason=_reason),
    State.LINE_RELEASED: _plain(LineReleased, reason=_reason),
}
"""What the till hears when a state is entered. The others are steps of a conversation with the provider."""


def standing(attempt: Attempt) -> Event | None:
    """Say how an attempt stands, to a till that comes back to it."""
    make = _ENTERED.get(attempt.state)
    return make(attempt) if make else None


def tell(before: Attempt, signal: Signal, after: Attempt) -> tuple[Event, ...]:
    """Say what a step means to the till.

    Args:
        before: The attempt before it.
        signal: What happened.
        after: The attempt after it.

    Returns:
        The events, none for a step that changes nothing the till sees.
    """
    make = _TOLD.get((signal, after.state)) or _TOLD.get((signal, None))
    if make is not None:
        return make(before, after)
    return (*_label_refused(before, signal, after), *_standing(before, signal, after))


def _standing(before: Attempt, signal: Signal, after: Attempt) -> tuple[Event, ...]:
    if signal is Signal.RESTARTED and after.state not in NEGATIVE and after.state is not State.ORPHANED:
        return ()
    if after.state is before.state and signal is not Signal.RESUMED:
        return ()
    event = standing(after)
    return (event,) if event else ()


_Told = Callable[[Attempt, Attempt], tuple[Event, ...]]


def _payer_refused(_: Attempt, after: Attempt) -> tuple[Event, ...]:
    request_id, at = after.order.request_id, after.updated_at
    if after.reason == "OTHER_TRANSACTION_PENDING":
        return (CustomerBusy(request_id=request_id, at=at),)
    return (ScanRefused(reason=after.reason, request_id=request_id, at=at),)


def _amount_changed(before: Attempt, after: Attempt) -> tuple[Event, ...]:
    if before.received_cents == after.received_cents:
        return ()
    return (
        AmountChanged(
            approved_cents=before.received_cents or 0,
            received_cents=after.received_cents or 0,
            request_id=after.order.request_id,
            at=after.updated_at,
        ),
    )


def _approved_or_refused(before: Attempt, after: Attempt) -> tuple[Event, ...]:
    if before.state is State.REVERSAL_REFUSED:
        return (
            ReversalRefused(
                reason=after.reason,
                received_cents=after.received_cents or 0,
                request_id=after.order.request_id,
                at=after.updated_at,
            ),
        )
    if before.state is after.state:
        return ()
    return (*_label_refused(before, Signal.PAID, after), _approved(after))


def _rival_paid(before: Attempt, after: Attempt) -> tuple[Event, ...]:
    if after.state is not before.state:  # it took the attempt's place
        event = standing(after)
        return (event,) if event else ()
    if after.transaction_id != before.transaction_id:  # both are paid, and the earlier one stays
        return (_approved(after), *_surplus(after))
    if after.surplus_cents == before.surplus_cents:
        return ()
    return _surplus(after)


def _surplus(after: Attempt) -> tuple[Event, ...]:
    request_id, at = after.order.request_id, after.updated_at
    return (SurplusReceived(surplus_cents=after.surplus_cents, request_id=request_id, at=at),)


def _rival_unreadable(before: Attempt, after: Attempt) -> tuple[Event, ...]:
    if before.reason == after.reason:
        return ()
    return (InDoubt(reason=after.reason, request_id=after.order.request_id, at=after.updated_at),)


_SWITCHING = frozenset({State.SWITCH_ASKED, State.SWITCHING})


def _label_refused(before: Attempt, signal: Signal, after: Attempt) -> tuple[Event, ...]:
    """An identifier was read, and it is not used after all: the QR was first, or could not be closed."""
    given_up = before.state in _SWITCHING and after.state not in _SWITCHING | {State.CREATING}
    if not given_up or signal in {Signal.CANCEL, Signal.RESTARTED, Signal.RELEASE_LINE}:
        return ()
    first = {State.SCANNED, State.APPROVED, State.DECIDING, State.RESERVED}
    reason = "QR_FIRST" if after.state in first else "QR_NOT_CLOSED"
    return (ScanRefused(reason=reason, request_id=after.order.request_id, at=after.updated_at),)


def _rival_recredited(before: Attempt, after: Attempt) -> tuple[Event, ...]:
    if not before.surplus_cents:
        return ()
    request_id, at = after.order.request_id, after.updated_at
    return (SurplusReversed(surplus_cents=before.surplus_cents, request_id=request_id, at=at),)


_TOLD: dict[tuple[Signal, State | None], _Told] = {
    (Signal.PAYER_REFUSED, None): _payer_refused,
    (Signal.AMOUNT_CHANGED, State.APPROVED): _amount_changed,
    (Signal.PAID, State.APPROVED): _approved_or_refused,
    (Signal.RIVAL_PAID, None): _rival_paid,
    (Signal.RIVAL_UNREADABLE, None): _rival_unreadable,
    (Signal.RIVAL_RECREDITED, None): _rival_recredited,
}
"""The steps that are told otherwise than by the state they lead to."""
