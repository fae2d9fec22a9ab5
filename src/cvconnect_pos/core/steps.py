"""What a step makes known by itself, beside what the provider said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cvconnect_pos.core.attempt import Attempt, Rival
from cvconnect_pos.core.lifecycle import NEGATIVE, Command, Signal, State, Step

S = State

_FRESH = frozenset({S.IDENTIFYING, S.AWAITING, S.SCANNED, S.APPROVED, S.CAPTURING, S.RELEASING})
"""Entering these, an older reason no longer applies."""

_CANCELS = frozenset({Command.CANCEL, Command.REVERSE})

_SWITCHING = frozenset({S.SWITCH_ASKED, S.SWITCHING})

_CANCELLING = frozenset({S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING})


def consequences(
    before: Attempt,
    signal: Signal,
    row: Step,
    heard: Mapping[str, Any],
    *,
    fresh_payment_id: str,
    now: datetime,
) -> dict[str, Any]:
    """Say what follows from a step.

    Args:
        before: The attempt before it.
        signal: What happened.
        row: What follows from it.
        heard: What was said with the signal.
        fresh_payment_id: A reference that was never used, for a step that opens a second request at the provider.
        now: The time (UTC).

    Returns:
        Facts for the journal: what was heard, and what follows.
    """
    facts, state = dict(heard), row.state
    news = _is_news(before, signal, state, heard)
    if before.acknowledged and news:  # something new, after the till's receipt: it is delivered again
        facts["acknowledged"] = False
    if _CANCELS & set(row.commands):
        facts["cancel_sent"] = True
    facts |= _KNOWN.get(signal, {})
    if signal in {Signal.RIVAL_DEAD, Signal.RIVAL_RECREDITED} and before.reason == "SURPLUS_UNREADABLE":
        facts["reason"] = ""
    if signal is Signal.AMOUNT_CHANGED and news:
        facts["reason"] = "AMOUNT_CHANGED"
    if state is not before.state:
        facts |= _entering(before, signal, state, fresh_payment_id, now)
    if "beneficiary" in heard:
        facts["beneficiary"] = heard["beneficiary"]
    if signal is Signal.RIVAL_PAID:
        wins = state is not before.state or (state is S.APPROVED and _is_earlier(before, facts))
        facts = _exchanged(before, facts, now) if wins else _apart(facts)
    return facts


_KNOWN: Mapping[Signal, Mapping[str, Any]] = {
    Signal.GIVE_BACK: {"reason": "SETTLED_OTHERWISE", "give_back_asked": True},
    Signal.PAYER_LOST: {"payer_lost": True},
    Signal.RIVAL_UNREADABLE: {"reason": "SURPLUS_UNREADABLE"},
}
"""What a signal makes known wherever it comes."""


def _entering(
    before: Attempt, signal: Signal, state: State, fresh_payment_id: str, now: datetime
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if before.state in _SWITCHING and state is S.CREATING:  # the QR is dead: what follows is a new request
        facts |= {"pre_transaction_id": "", "transaction_id": "", "qr_payload": "", "qr_png": ""}
        facts |= {
            "payment_id": fresh_payment_id,
            "expires_at": None,
            "cancel_sent": False,
            "payer_lost": False,
        }
        given_up = Rival(before.payment_id, before.pre_transaction_id, before.transaction_id, now)
        facts["rival"] = given_up.as_data()
    elif before.state in _SWITCHING and state not in _SWITCHING:
        facts["beneficiary"] = ""  # the label was refused: whoever pays names themselves
    if reason := _reason(before, signal, state):
        facts["reason"] = reason
    elif state in _FRESH and before.state is not S.REVERSAL_REFUSED:
        facts["reason"] = ""
    return facts


def _is_news(before: Attempt, signal: Signal, state: State, heard: Mapping[str, Any]) -> bool:
    match signal:
        case Signal.RIVAL_UNREADABLE:
            return before.reason != "SURPLUS_UNREADABLE"
        case Signal.RIVAL_PAID:
            return state is not before.state or before.surplus_cents != heard.get("surplus_cents")
        case Signal.AMOUNT_CHANGED if state is before.state:
            return before.received_cents != heard.get("received_cents")
        case _:
            return state is not before.state


def _exchanged(before: Attempt, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The rival is paid and the attempt is not: they change places, and the attempt's own request must die."""
    assert before.rival is not None  # noqa: S101 - a word about a rival needs one
    mine = Rival(before.payment_id, before.pre_transaction_id, before.transaction_id, now)
    known = bool(mine.pre_transaction_id or mine.transaction_id)
    return facts | {
        "payment_id": before.rival.payment_id,
        "pre_transaction_id": "",
        "transaction_id": facts["rival"]["transaction_id"],
        "received_cents": facts["surplus_cents"],
        "surplus_cents": before.received_cents or 0,
        "rival": mine.as_data() if known else None,
    }


def _is_earlier(before: Attempt, facts: Mapping[str, Any]) -> bool:
    """Both are paid: whether the rival's customer validated first."""
    dates = [one["validated_at"] for one in facts.get("authorizations", ())]
    mine = before.validated_at
    if mine is None or not dates or None in dates:
        return False
    return max(datetime.fromisoformat(date) for date in dates) < mine


def _apart(facts: dict[str, Any]) -> dict[str, Any]:
    """The money is the rival's, not the attempt's."""
    return {name: value for name, value in facts.items() if name not in {"authorizations", "beneficiary"}}


def _reason(before: Attempt, signal: Signal, state: State) -> str:
    if signal is Signal.RESTARTED:
        return "INTERRUPTED" if state in {S.ORPHANED, S.CANCELLING} else ""
    if signal is Signal.STALLED:
        return _WITHOUT_EFFECT.get(before.state, "")
    if state is S.RESERVED:
        return "LATE_RESERVATION" if before.state in NEGATIVE else before.reason
    if state is S.DECIDING and signal not in {Signal.OVERPAID, Signal.AMOUNT_RAISED}:
        return _why(before)
    return ""  # an alarm comes with its reason


def _why(before: Attempt) -> str:
    """Say why a person must decide about money that nobody waited for."""
    if before.state in _HOLDING:
        return "CAPTURED_UNASKED" if before.capture_cents is None else "LATE_CAPTURE"
    return "CANCEL_CROSSED" if before.state in _CANCELLING else "LATE_PAYMENT"


_HOLDING = frozenset({S.RESERVED, S.RELEASING, S.RELEASE_UNKNOWN})

_WITHOUT_EFFECT = {
    S.REVERSING: "REVERSAL_WITHOUT_EFFECT",
    S.CAPTURING: "CAPTURE_WITHOUT_EFFECT",
    S.RELEASING: "RELEASE_WITHOUT_EFFECT",
}
