"""What a step makes known by itself, beside what the provider said."""

from __future__ import annotations

from typing import Any

from cvconnect_pos.core.attempt import Attempt
from cvconnect_pos.core.lifecycle import Signal, State

S = State

_FRESH = frozenset({S.IDENTIFYING, S.AWAITING, S.SCANNED, S.APPROVED})
"""Entering these, an older reason no longer applies."""

_CANCELLING = frozenset({S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING})


def consequences(before: Attempt, signal: Signal, state: State, fresh_payment_id: str) -> dict[str, Any]:
    """Say what follows from a step.

    Args:
        before: The attempt before it.
        signal: What happened.
        state: The state it leads to.
        fresh_payment_id: A reference that was never used, for a step that opens a second request at the provider.

    Returns:
        Facts for the journal.
    """
    facts: dict[str, Any] = {}
    if state is before.state:
        return facts
    if before.acknowledged:  # something new, after the till's receipt: it is delivered again
        facts["acknowledged"] = False
    if state is S.CANCEL_SENT:
        facts["cancel_sent"] = True
    if before.state is S.SWITCHING and state is S.CREATING:  # the QR is dead: what follows is a new request
        facts |= {"pre_transaction_id": "", "transaction_id": "", "qr_payload": "", "qr_png": ""}
        facts |= {"payment_id": fresh_payment_id, "expires_at": None, "cancel_sent": False}
    if reason := _reason(before, signal, state):
        facts["reason"] = reason
    elif state in _FRESH and before.state is not S.REVERSAL_REFUSED:
        facts["reason"] = ""
    return facts


def _reason(before: Attempt, signal: Signal, state: State) -> str:
    if signal is Signal.RESTARTED and state in {S.ORPHANED, S.CANCELLING}:
        return "INTERRUPTED"
    if signal is Signal.STALLED and state is S.REVERSAL_REFUSED:
        return "REVERSAL_WITHOUT_EFFECT"
    if state is not S.DECIDING:
        return ""
    if signal is Signal.OVERPAID:
        return "OVERPAID"
    return "CANCEL_CROSSED" if before.state in _CANCELLING else "LATE_PAYMENT"
