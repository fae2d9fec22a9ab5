"""The words of the lifecycle: where an attempt may stand, what may happen to it, what may be done about it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an attempt stands."""

    CREATING = "CREATING"  # journaled; the create may have been sent
    ORPHANED = "ORPHANED"  # create of unknown fate, or refused: nobody can pay it; the line is free
    OPENED = "OPENED"  # the provider knows it; no customer is named, nothing is shown
    SHOWING = "SHOWING"  # the QR may have been seen
    SCANNED = "SCANNED"  # a customer has scanned it and decides
    SWITCH_ASKED = "SWITCH_ASKED"  # an identifier was read while the QR was shown: is the QR still free?
    SWITCHING = "SWITCHING"  # it was: the cancel of the QR may have been sent, and it must be dead first
    IDENTIFYING = "IDENTIFYING"  # the payer call may have been sent
    PAYER_UNKNOWN = "PAYER_UNKNOWN"  # its answer was lost
    AWAITING = "AWAITING"  # the customer decides
    CANCELLING = "CANCELLING"  # to be cancelled: what does the provider say first?
    CANCEL_SENT = "CANCEL_SENT"  # the cancel may have been sent
    CANCEL_UNKNOWN = "CANCEL_UNKNOWN"  # its answer was lost
    CANCEL_CONFIRMING = "CANCEL_CONFIRMING"  # it was answered: what does the provider say now?
    IN_DOUBT = "IN_DOUBT"  # the provider says something that cannot be read
    RESERVED = "RESERVED"  # pre-reservation: reserved, never "paid"
    CAPTURING = "CAPTURING"  # the capture may have been sent
    CAPTURE_UNKNOWN = "CAPTURE_UNKNOWN"  # its answer was lost
    CAPTURE_REFUSED = "CAPTURE_REFUSED"  # it was refused: what does the provider say now?
    RELEASING = "RELEASING"  # the release may have been sent
    RELEASE_UNKNOWN = "RELEASE_UNKNOWN"  # its answer was lost
    RELEASED = "RELEASED"  # the reservation was given back
    DECIDING = "DECIDING"  # paid, and a person must keep or reverse it
    APPROVED = "APPROVED"  # paid, in full or in part
    REVERSING = "REVERSING"  # the reversal may have been sent
    REVERSAL_UNKNOWN = "REVERSAL_UNKNOWN"  # its answer was lost
    REVERSAL_REFUSED = "REVERSAL_REFUSED"  # it was refused: what does the provider say now?
    REVERSED = "REVERSED"  # paid, then re-credited because we asked
    REVERSED_AFTER_KEEP = "REVERSED_AFTER_KEEP"  # kept by the till, re-credited all the same
    REFUSED = "REFUSED"  # the customer said no
    FAILED = "FAILED"  # the provider said no
    EXPIRED = "EXPIRED"  # nobody answered
    CANCELLED = "CANCELLED"  # the till said no
    LINE_RELEASED = "LINE_RELEASED"  # a supervisor freed the line; still watched


class Signal(StrEnum):
    """What happened."""

    # the till
    IDENTIFIED = "IDENTIFIED"  # an identifier was read or typed
    CANCEL = "CANCEL"  # the cashier, or the till's patience
    KEEP = "KEEP"
    REVERSE = "REVERSE"
    GIVE_BACK = "GIVE_BACK"  # nobody decided, and the till had said that the line was paid otherwise
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    SURPLUS_SETTLED = "SURPLUS_SETTLED"  # a person answers for what was received beside the payment
    RELEASE_LINE = "RELEASE_LINE"
    RESTARTED = "RESTARTED"  # the process came back
    RESUMED = "RESUMED"  # and the till came back to this payment
    STALLED = "STALLED"  # the provider took the order, and nothing came of it
    # results of calls
    CREATED = "CREATED"
    CREATED_NAMED = "CREATED_NAMED"  # and the customer is known already
    QR_CREATED = "QR_CREATED"
    CREATE_LOST = "CREATE_LOST"
    CREATE_REFUSED = "CREATE_REFUSED"
    PAYER_LOST = "PAYER_LOST"
    PAYER_REFUSED = "PAYER_REFUSED"
    CANCEL_ANSWERED = "CANCEL_ANSWERED"
    CANCEL_LOST = "CANCEL_LOST"
    CANCEL_REFUSED = "CANCEL_REFUSED"
    CAPTURE_ANSWERED = "CAPTURE_ANSWERED"
    CAPTURE_LOST = "CAPTURE_LOST"
    CAPTURE_REFUSED = "CAPTURE_REFUSED"
    RELEASE_ANSWERED = "RELEASE_ANSWERED"
    RELEASE_LOST = "RELEASE_LOST"
    RELEASE_REFUSED = "RELEASE_REFUSED"
    # what the provider says
    PENDING = "PENDING"  # no customer yet
    SCAN_SEEN = "SCAN_SEEN"  # a customer holds it
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    AMOUNT_CHANGED = "AMOUNT_CHANGED"
    AMOUNT_RAISED = "AMOUNT_RAISED"  # changed, to what a person must look at
    HELD = "HELD"  # reserved
    DECLINED = "DECLINED"  # the customer refused
    REJECTED = "REJECTED"  # the provider refused
    LAPSED = "LAPSED"  # expired
    VOIDED = "VOIDED"  # cancelled, no money moved
    RECREDITED = "RECREDITED"  # cancelled, money moved and came back
    UNREADABLE = "UNREADABLE"  # a state we do not know
    PAID_UNREADABLE = "PAID_UNREADABLE"  # paid, without an amount that can be read
    MISSING = "MISSING"  # not found, and past the grace
    BROKEN = "BROKEN"  # the QR ended without a verdict: a cancel confirms that nothing lives behind it
    # what it says of the rival: the request that this attempt gave up for another one
    RIVAL_DEAD = "RIVAL_DEAD"
    RIVAL_ALIVE = "RIVAL_ALIVE"  # a customer can pay it, although it was said to be dead
    RIVAL_HELD = "RIVAL_HELD"  # it is reserved
    RIVAL_PAID = "RIVAL_PAID"
    RIVAL_UNREADABLE = "RIVAL_UNREADABLE"  # paid, without an amount that can be read
    RIVAL_RECREDITED = "RIVAL_RECREDITED"


class Command(StrEnum):
    """What to do about it. The calls are `CALLS`; the others are for the devices."""

    SHOW = "SHOW"
    HIDE = "HIDE"
    ARM = "ARM"
    DISARM = "DISARM"
    TELL = "TELL"  # the prompt on the customer display
    TICKET = "TICKET"
    STATUS = "STATUS"
    CREATE = "CREATE"
    PAYER = "PAYER"
    CANCEL = "CANCEL"
    REVERSE = "REVERSE"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    RIVAL_STATUS = "RIVAL_STATUS"
    RIVAL_CANCEL = "RIVAL_CANCEL"
    RIVAL_RELEASE = "RIVAL_RELEASE"


S, G, C = State, Signal, Command

CALLS = frozenset(
    {
        C.STATUS, C.CREATE, C.PAYER, C.CANCEL, C.REVERSE, C.CAPTURE, C.RELEASE, C.RIVAL_STATUS, C.RIVAL_CANCEL,
        C.RIVAL_RELEASE,
    }
)  # fmt: skip
"""The commands that are network calls."""

NEGATIVE = frozenset({S.REFUSED, S.FAILED, S.EXPIRED, S.CANCELLED, S.RELEASED})
"""Ends without money. The provider may still say *paid* later: they are watched."""

FINAL = NEGATIVE | {S.ORPHANED, S.APPROVED, S.REVERSED, S.REVERSED_AFTER_KEEP, S.LINE_RELEASED}
"""The states that have an outcome."""

ALIVE = frozenset(
    {
        S.SHOWING, S.SCANNED, S.SWITCH_ASKED, S.SWITCHING, S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING, S.CANCELLING,
        S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING, S.IN_DOUBT, S.RESERVED, S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED,
        S.RELEASING, S.RELEASE_UNKNOWN,
    }
)  # fmt: skip
"""The states in which a customer can still pay."""

OBSERVATIONS = frozenset(
    {
        G.PENDING, G.SCAN_SEEN, G.PAID, G.OVERPAID, G.AMOUNT_CHANGED, G.AMOUNT_RAISED, G.HELD, G.DECLINED, G.REJECTED,
        G.LAPSED, G.VOIDED, G.RECREDITED, G.UNREADABLE, G.PAID_UNREADABLE, G.MISSING, G.BROKEN,
    }
)  # fmt: skip
"""The signals that are the provider's word; each of them has a row in every state."""

RIVALS = frozenset(
    {G.RIVAL_DEAD, G.RIVAL_ALIVE, G.RIVAL_HELD, G.RIVAL_PAID, G.RIVAL_UNREADABLE, G.RIVAL_RECREDITED}
)
"""The provider's word on a rival; each of them has a row in every state, too."""

_CANCELLING = frozenset({S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING})

RIVAL_WINS = (
    frozenset(
        {
            S.CREATING, S.OPENED, S.SHOWING, S.SCANNED, S.SWITCH_ASKED, S.SWITCHING, S.IDENTIFYING, S.PAYER_UNKNOWN,
            S.AWAITING, S.IN_DOUBT, S.ORPHANED, S.LINE_RELEASED,
        }
    )
    | _CANCELLING
    | NEGATIVE
)  # fmt: skip
"""The states without money of their own: a rival that turns out to be paid takes the attempt's place."""
