"""The lifecycle of one attempt: a table, (state, signal) -> (state, commands).

Everything that may happen to a payment is a `Signal`: something the till did, the result of a call, or what the
provider says. Everything to be done about it is a `Command`. The engine journals the row, then carries out its
commands, and feeds their results back as signals. So each race of the field is a row, or a short walk through rows.

The rules behind the table:

* Only the provider's answer ends an attempt. A local timer can ask to cancel, nothing more.
* *Paid* beats every local state, the cancelled and expired ones included.
* A call whose answer was lost is followed by a status call (the state is polled), never by itself again.
* Cancel and reversal are one call at this provider: before the customer validates it aborts, after it re-credits.
  So it is sent only after a status that says which of the two it would be.

At most one command of a row is a call, and it is the last: one call in flight per attempt.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvconnect_pos.core.states import (
    ALIVE,
    CALLS,
    FINAL,
    NEGATIVE,
    OBSERVATIONS,
    RIVAL_WINS,
    RIVALS,
    Command,
    Signal,
    State,
)

__all__ = [
    "ALIVE",
    "CALLS",
    "FINAL",
    "NEGATIVE",
    "OBSERVATIONS",
    "RIVALS",
    "RIVAL_WINS",
    "TABLE",
    "Command",
    "Signal",
    "State",
    "Step",
    "step",
]

S, G, C = State, Signal, Command

_CANCELLING = frozenset({S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING})


@dataclass(frozen=True, slots=True)
class Step:
    """One row: the next state, and what to do, in order."""

    state: State
    commands: tuple[Command, ...] = ()


def _rows() -> dict[tuple[State, Signal], Step]:  # noqa: PLR0915 - a table, written as one
    table: dict[tuple[State, Signal], Step] = {}

    def row(
        states: State | frozenset[State] | set[State], signal: Signal, to: State | None, *do: Command
    ) -> None:
        """Add rows; `to=None` stays. A later row replaces an earlier one, so the special follows the general."""
        for state in [states] if isinstance(states, State) else states:
            table[state, signal] = Step(to or state, do)

    every = frozenset(State)
    opening = {S.CREATING, S.OPENED}
    switching = {S.SWITCH_ASKED, S.SWITCHING}
    waiting = {S.SHOWING, S.SCANNED, S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING, S.IN_DOUBT} | switching
    cancelling = _CANCELLING
    capturing = {S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED}
    releasing = {S.RELEASING, S.RELEASE_UNKNOWN}
    holding = {S.RESERVED} | capturing | releasing
    reversing = {S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED}
    open_ = opening | waiting | cancelling

    # --- the provider's word, in every state: nothing new by default -------------------------------------------
    for said in OBSERVATIONS:
        row(every, said, None)

    # --- the provider's word while the sale is open -------------------------------------------------------------
    row(open_ - cancelling, G.PAID, S.APPROVED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(cancelling, G.PAID, S.DECIDING, C.HIDE, C.TELL)
    row(open_, G.OVERPAID, S.DECIDING, C.HIDE, C.DISARM, C.TELL)
    row(open_, G.HELD, S.RESERVED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(open_, G.DECLINED, S.REFUSED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(open_, G.REJECTED, S.FAILED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(open_, G.LAPSED, S.EXPIRED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(open_, G.VOIDED, S.CANCELLED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(open_, G.RECREDITED, S.REVERSED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    for said in (G.UNREADABLE, G.PAID_UNREADABLE, G.MISSING):
        row(waiting | opening, said, S.IN_DOUBT, C.HIDE, C.DISARM, C.TELL)
    row({S.SHOWING, S.IN_DOUBT}, G.SCAN_SEEN, S.SCANNED, C.TELL)
    row({S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING}, G.SCAN_SEEN, S.AWAITING, C.TELL)
    row({S.SCANNED, S.AWAITING}, G.SCAN_SEEN, None)
    for said in (G.UNREADABLE, G.PAID_UNREADABLE, G.MISSING):
        row(S.IN_DOUBT, said, None)
    row(S.IN_DOUBT, G.PENDING, S.CANCEL_SENT, C.HIDE, C.TELL, C.CANCEL)  # readable again, and nobody has paid
    row(S.IN_DOUBT, G.BROKEN, S.CANCEL_SENT, C.HIDE, C.TELL, C.CANCEL)

    # --- create ----------------------------------------------------------------------------------------------------
    row(S.CREATING, G.CREATED, S.OPENED, C.ARM, C.TELL)
    row(S.CREATING, G.CREATED_NAMED, S.IDENTIFYING, C.DISARM, C.TELL, C.PAYER)
    row(S.CREATING, G.QR_CREATED, S.SHOWING, C.SHOW)
    row(S.CREATING, G.CREATE_LOST, S.ORPHANED, C.TELL)
    row(S.CREATING, G.CREATE_REFUSED, S.ORPHANED, C.TELL)
    row(S.CREATING, G.RESTARTED, S.ORPHANED)
    row(S.CREATING, G.CANCEL, None)  # waits behind the create's answer, and is judged then

    # --- the customer is named -------------------------------------------------------------------------------------
    row(S.OPENED, G.IDENTIFIED, S.IDENTIFYING, C.DISARM, C.TELL, C.PAYER)
    row(S.SHOWING, G.IDENTIFIED, S.SWITCH_ASKED, C.HIDE, C.DISARM, C.STATUS)
    row(S.OPENED, G.SCAN_SEEN, S.AWAITING, C.DISARM, C.TELL)
    row(S.IDENTIFYING, G.PAYER_LOST, S.PAYER_UNKNOWN)
    row(S.IDENTIFYING, G.PAYER_REFUSED, S.OPENED, C.TELL, C.ARM, C.STATUS)
    row(S.IDENTIFYING, G.PENDING, S.PAYER_UNKNOWN)  # answered, and yet no payer: ask again
    row(S.PAYER_UNKNOWN, G.PENDING, S.IDENTIFYING, C.PAYER)  # same id, same customer, same amount
    row({S.IDENTIFYING, S.PAYER_UNKNOWN}, G.RESTARTED, S.PAYER_UNKNOWN, C.STATUS)
    row(S.OPENED, G.RESTARTED, None, C.STATUS)  # cancelled soon, unless the till comes back to it
    row(S.OPENED, G.RESUMED, None, C.ARM, C.TELL)

    # --- the QR gives way to an identifier: free, then dead, then the payer ------------------------------------------
    row(S.SWITCH_ASKED, G.PENDING, S.SWITCHING, C.CANCEL)
    row(S.SWITCH_ASKED, G.BROKEN, S.SWITCHING, C.CANCEL)
    row(S.SWITCHING, G.CANCEL_ANSWERED, None, C.STATUS)
    row(S.SWITCHING, G.CANCEL_REFUSED, S.CANCEL_CONFIRMING, C.TELL, C.STATUS)  # refused: no payer
    row(S.SWITCHING, G.STALLED, S.CANCEL_UNKNOWN, C.TELL)
    row(S.SWITCHING, G.CANCEL_LOST, S.CANCEL_UNKNOWN, C.TELL)  # unanswered: no payer
    row(switching, G.VOIDED, S.CREATING, C.CREATE)
    row(switching, G.LAPSED, S.CREATING, C.CREATE)
    row(S.SWITCHING, G.BROKEN, S.CREATING, C.CREATE)  # reached only after its cancel was answered
    row(switching, G.SCAN_SEEN, S.SCANNED, C.TELL)  # the QR was first: it wins
    row(switching, G.RESTARTED, S.CANCELLING, C.HIDE, C.STATUS)
    row(S.SHOWING, G.RESTARTED, None, C.HIDE, C.STATUS)  # cancelled soon, unless the till comes back to it
    row(S.SHOWING, G.RESUMED, None, C.SHOW)
    row({S.SCANNED, S.AWAITING, S.IN_DOUBT}, G.RESTARTED, None, C.STATUS)

    # --- cancel: status, cancel, status ---------------------------------------------------------------------------------
    row(waiting | {S.OPENED}, G.CANCEL, S.CANCELLING, C.HIDE, C.DISARM, C.TELL, C.STATUS)
    row(cancelling, G.CANCEL, None)
    row({S.CANCELLING, S.CANCEL_UNKNOWN}, G.PENDING, S.CANCEL_SENT, C.CANCEL)
    row({S.CANCELLING, S.CANCEL_UNKNOWN}, G.SCAN_SEEN, S.CANCEL_SENT, C.CANCEL)
    row(S.CANCEL_SENT, G.CANCEL_ANSWERED, S.CANCEL_CONFIRMING, C.STATUS)
    row(S.CANCEL_SENT, G.CANCEL_REFUSED, S.CANCEL_CONFIRMING, C.STATUS)
    row(S.CANCEL_SENT, G.CANCEL_LOST, S.CANCEL_UNKNOWN)
    row({S.SHOWING, S.SCANNED, S.CANCELLING, S.CANCEL_UNKNOWN}, G.BROKEN, S.CANCEL_SENT, C.HIDE, C.CANCEL)
    row(S.CANCEL_CONFIRMING, G.STALLED, S.CANCEL_UNKNOWN)
    row(S.CANCEL_CONFIRMING, G.BROKEN, S.EXPIRED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    row(S.CANCELLING, G.RESTARTED, None, C.STATUS)
    row({S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING}, G.RESTARTED, S.CANCEL_UNKNOWN, C.STATUS)

    # --- pre-reservation: reserved by the customer, then captured or released by the till -------------------------------
    row(S.RESERVED, G.CAPTURE, S.CAPTURING, C.CAPTURE)
    row(S.CAPTURING, G.CAPTURE_ANSWERED, None, C.STATUS)
    row(S.CAPTURING, G.CAPTURE_LOST, S.CAPTURE_UNKNOWN)
    row(S.CAPTURING, G.CAPTURE_REFUSED, S.CAPTURE_REFUSED, C.STATUS)
    row(S.CAPTURING, G.STALLED, S.CAPTURE_REFUSED, C.STATUS)
    row(S.CAPTURE_REFUSED, G.HELD, S.RESERVED, C.TELL)
    row(S.CAPTURE_UNKNOWN, G.HELD, S.CAPTURING, C.CAPTURE)  # the till chose, and only one capture can succeed
    row(S.RESERVED, G.RELEASE, S.RELEASING, C.RELEASE)
    row(S.RELEASING, G.RELEASE_ANSWERED, None, C.STATUS)
    row(S.RELEASING, G.RELEASE_LOST, S.RELEASE_UNKNOWN)
    row(S.RELEASING, G.RELEASE_REFUSED, S.RESERVED, C.TELL, C.STATUS)
    row(S.RELEASING, G.STALLED, S.RESERVED, C.TELL)
    row(S.RELEASE_UNKNOWN, G.HELD, S.RELEASING, C.RELEASE)
    row(capturing, G.PAID, S.APPROVED, C.TELL, C.TICKET)
    row({S.RESERVED} | releasing, G.PAID, S.DECIDING, C.TELL)  # captured, although nobody asked
    row(holding, G.OVERPAID, S.DECIDING, C.TELL)
    for said in (G.VOIDED, G.RECREDITED, G.LAPSED):
        row(holding, said, S.RELEASED, C.TELL, C.TICKET)
    row(S.RESERVED, G.RESTARTED, None, C.STATUS)
    row(capturing, G.RESTARTED, S.CAPTURE_UNKNOWN, C.STATUS)
    row(S.CAPTURE_REFUSED, G.RESTARTED, None, C.STATUS)
    row(releasing, G.RESTARTED, S.RELEASE_UNKNOWN, C.STATUS)
    row(NEGATIVE | {S.LINE_RELEASED}, G.HELD, S.RESERVED, C.TELL)

    # --- paid, and a person decides ----------------------------------------------------------------------------------
    row(S.DECIDING, G.KEEP, S.APPROVED, C.TELL, C.TICKET)
    row(S.DECIDING, G.REVERSE, S.REVERSING, C.REVERSE)
    row(S.DECIDING, G.GIVE_BACK, S.REVERSING, C.REVERSE)
    row(S.DECIDING, G.RECREDITED, S.REVERSED, C.TELL, C.TICKET)
    row(S.DECIDING, G.RESTARTED, None, C.STATUS)

    # --- reversal within the window ------------------------------------------------------------------------------------
    row(S.APPROVED, G.REVERSE, S.REVERSING, C.REVERSE)
    row(S.REVERSING, G.CANCEL_ANSWERED, None, C.STATUS)
    row(S.REVERSING, G.CANCEL_LOST, S.REVERSAL_UNKNOWN)
    row(S.REVERSING, G.CANCEL_REFUSED, S.REVERSAL_REFUSED, C.STATUS)
    row(reversing, G.RECREDITED, S.REVERSED, C.TELL, C.TICKET)
    for said in (G.PAID, G.OVERPAID, G.AMOUNT_CHANGED, G.AMOUNT_RAISED):
        row(S.REVERSAL_UNKNOWN, said, S.REVERSING, C.REVERSE)  # the till chose: it may be repeated
        row(S.REVERSAL_REFUSED, said, S.APPROVED, C.TELL)
    row(S.REVERSAL_REFUSED, G.OVERPAID, S.DECIDING, C.TELL)
    row(S.REVERSING, G.STALLED, S.REVERSAL_REFUSED, C.STATUS)
    row(reversing, G.RESTARTED, S.REVERSAL_UNKNOWN, C.STATUS)
    row(S.REVERSAL_REFUSED, G.RESTARTED, None, C.STATUS)

    # --- after a restart: what may still change is asked
    row(NEGATIVE | {S.APPROVED, S.LINE_RELEASED}, G.RESTARTED, None, C.STATUS)

    # --- after the end: paid beats everything, a re-credit is never silent ------------------------------------------------
    row(NEGATIVE, G.PAID, S.DECIDING, C.TELL)
    row(NEGATIVE, G.OVERPAID, S.DECIDING, C.TELL)
    row(NEGATIVE, G.RECREDITED, S.REVERSED, C.TELL, C.TICKET)
    row(NEGATIVE | {S.LINE_RELEASED}, G.PAID_UNREADABLE, S.IN_DOUBT, C.TELL)
    row(S.APPROVED, G.AMOUNT_CHANGED, None, C.TELL)
    row(S.APPROVED, G.AMOUNT_RAISED, S.DECIDING, C.TELL)
    row(S.APPROVED, G.RECREDITED, S.REVERSED_AFTER_KEEP, C.TELL, C.TICKET)

    # --- a supervisor frees the line: the attempt is watched, and cancelled as soon as the provider can be asked -----------
    row(
        (open_ - {S.CREATING}) | holding | reversing,
        G.RELEASE_LINE,
        S.LINE_RELEASED,
        C.HIDE,
        C.DISARM,
        C.TELL,
    )
    row(S.LINE_RELEASED, G.PAID, S.DECIDING, C.TELL)
    row(S.LINE_RELEASED, G.OVERPAID, S.DECIDING, C.TELL)
    row(S.LINE_RELEASED, G.RECREDITED, S.REVERSED, C.TELL, C.TICKET)
    for said, end in (
        (G.DECLINED, S.REFUSED),
        (G.REJECTED, S.FAILED),
        (G.LAPSED, S.EXPIRED),
        (G.VOIDED, S.CANCELLED),
    ):
        row(S.LINE_RELEASED, said, end)
    for said in (G.PENDING, G.SCAN_SEEN, G.BROKEN):
        row(S.LINE_RELEASED, said, None, C.CANCEL)
    row(S.LINE_RELEASED, G.CANCEL_ANSWERED, None, C.STATUS)
    row(S.LINE_RELEASED, G.CANCEL_LOST, None)
    row(S.LINE_RELEASED, G.CANCEL_REFUSED, None)

    # --- the rival: it must hold no money, unless it is the only one that does ---------------------------------------------
    row(every, G.RIVAL_DEAD, None)
    row(every, G.RIVAL_ALIVE, None, C.RIVAL_CANCEL)
    row(every, G.RIVAL_HELD, None, C.RIVAL_RELEASE)
    row(every, G.RIVAL_PAID, None, C.TELL, C.RIVAL_CANCEL)
    row(every, G.RIVAL_UNREADABLE, None, C.TELL, C.RIVAL_CANCEL)
    row(every, G.RIVAL_RECREDITED, None, C.TELL)
    row(every, G.SURPLUS_SETTLED, None, C.TELL)
    row(RIVAL_WINS, G.RIVAL_PAID, S.DECIDING, C.HIDE, C.DISARM, C.TELL)
    row((opening | waiting), G.RIVAL_PAID, S.APPROVED, C.HIDE, C.DISARM, C.TELL, C.TICKET)
    return table


TABLE = _rows()
"""Every allowed (state, signal) pair. The diagram in the docs is drawn from it."""


def step(state: State, signal: Signal) -> Step | None:
    """Look up what follows.

    Args:
        state: Where the attempt stands.
        signal: What happened.

    Returns:
        The row, or None when that may not happen in that state: the till is told no, a late result is dropped.
    """
    return TABLE.get((state, signal))
