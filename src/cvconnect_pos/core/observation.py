"""From what the provider says to the one signal it means. The words are the provider's, the meaning is here."""

from __future__ import annotations

import re

from cvconnect_pos.core.attempt import Attempt, Rival
from cvconnect_pos.core.lifecycle import Signal
from cvconnect_pos.core.provider import PreTransaction, ProviderState, Transaction

P = ProviderState

_PLAIN = {
    P.SCANNED: Signal.SCAN_SEEN,
    P.PROCESSING: Signal.SCAN_SEEN,
    P.ABORTED: Signal.DECLINED,
    P.REJECTED: Signal.REJECTED,
    P.EXPIRED: Signal.LAPSED,
}
"""The states that mean one thing, whatever else the answer says."""

_PAID = frozenset({P.AUTHORIZED, P.VALIDATED, P.CONSIGNED, P.PAID})
"""Unverified: AUTHORIZED means *paid* when the money was not to be reserved."""


def observe(transaction: Transaction, attempt: Attempt) -> Signal:
    """Say what a reading of our transaction means.

    Args:
        transaction: The reading.
        attempt: What was known before.

    Returns:
        The signal. Whatever cannot be read is `UNREADABLE`: never *no*, never zero, never the amount asked.
    """
    if not is_ours(transaction, attempt):
        return Signal.UNREADABLE
    match transaction.state:
        case P.INITIALIZED:
            return Signal.SCAN_SEEN if transaction.has_payer else Signal.PENDING
        case P.CANCELLED:
            return _cancelled(transaction, attempt)
        case P.AUTHORIZED if attempt.order.reserve or transaction.capture_deferred:
            return _reserved(transaction, attempt)
        case state if state in _PAID:
            return _money(transaction, attempt)
        case state:
            return _PLAIN.get(state, Signal.UNREADABLE)


def is_ours(transaction: Transaction, attempt: Attempt) -> bool:
    """Whether a reading is about this attempt: whatever it names is what we know."""
    same_id = attempt.transaction_id in {"", transaction.transaction_id}
    return same_id and transaction.payment_id in {"", attempt.payment_id}


def is_stale(transaction: Transaction, attempt: Attempt) -> bool:
    """Whether a reading says *paid* or *reserved* of an older date than what is known: another server, or a cache."""
    said_at, now = attempt.said_at, transaction.updated_at
    return transaction.state in _PAID and said_at is not None and now is not None and now < said_at


def _cancelled(transaction: Transaction, attempt: Attempt) -> Signal:
    """Money that was known to be received has come back; money that was not must be readable to have done so."""
    if attempt.received_cents is not None:
        return Signal.RECREDITED
    if not transaction.authorizations:
        return Signal.VOIDED
    if attempt.order.reserve and attempt.capture_cents is None:
        return Signal.VOIDED  # what was reserved and never captured was never received
    return Signal.RECREDITED if _readable(transaction) else Signal.UNREADABLE


def _readable(transaction: Transaction) -> bool:
    return bool(transaction.authorizations) and all(
        (a.amount_cents or 0) > 0 for a in transaction.authorizations
    )


def _reserved(transaction: Transaction, attempt: Attempt) -> Signal:
    """Reserved, when both sides mean that; AUTHORIZED without agreement on what it means is in doubt."""
    agreed = attempt.order.reserve and transaction.capture_deferred is not False
    return Signal.HELD if agreed and _readable(transaction) else Signal.UNREADABLE


def _money(transaction: Transaction, attempt: Attempt) -> Signal:
    received = transaction.received_cents
    if received is None or not _readable(transaction):
        return Signal.PAID_UNREADABLE
    alarming = bool(alarm(transaction, attempt))
    if attempt.received_cents not in {None, received}:
        return Signal.AMOUNT_RAISED if alarming else Signal.AMOUNT_CHANGED
    return Signal.OVERPAID if alarming else Signal.PAID


_NUMBER = re.compile(r"([0-9]{2})\*+([0-9]{4})")


def alarm(transaction: Transaction, attempt: Attempt) -> str:
    """Say why a person must look at a payment, as a stable code; an empty text for one that is as asked."""
    if (transaction.received_cents or 0) > attempt.due_cents:
        return "OVERPAID"
    if transaction.payers_paid > 1:
        return "SEVERAL_PAYERS"
    if attempt.pre_transaction_id or not attempt.beneficiary:
        return ""  # whoever scanned the QR
    named = _NUMBER.fullmatch(attempt.beneficiary)
    holders = [_NUMBER.fullmatch(a.holder) for a in transaction.authorizations]
    foreign = named and any(holder and holder.groups() != named.groups() for holder in holders)
    return "UNEXPECTED_PAYER" if foreign else ""


_UNLINKED = {
    P.INITIALIZED: Signal.PENDING,
    P.SCANNED: Signal.SCAN_SEEN,
    P.PROCESSING: Signal.SCAN_SEEN,
    P.ABORTED: Signal.DECLINED,
    P.REJECTED: Signal.REJECTED,
    P.CANCELLED: Signal.VOIDED,
    P.EXPIRED: Signal.BROKEN,
    P.TIMEOUT: Signal.BROKEN,
    P.ERROR: Signal.BROKEN,
}
"""A QR request behind which no transaction is seen. *Validated* without one is unreadable."""


def observe_qr(pre: PreTransaction, attempt: Attempt) -> Signal:
    """Say what a reading of our QR request means: the linked transaction's word, where there is one."""
    if pre.pre_transaction_id != attempt.pre_transaction_id:
        return Signal.UNREADABLE
    if pre.transaction is not None:
        return observe(pre.transaction, attempt)
    return _UNLINKED.get(pre.state, Signal.UNREADABLE)


_RIVAL = {
    **dict.fromkeys((P.INITIALIZED, P.SCANNED, P.PROCESSING), Signal.RIVAL_ALIVE),
    **dict.fromkeys((P.CANCELLED, P.ABORTED, P.REJECTED, P.EXPIRED, P.TIMEOUT, P.ERROR), Signal.RIVAL_DEAD),
    **dict.fromkeys(_PAID, Signal.RIVAL_PAID),
}


def observe_rival(
    reading: Transaction | PreTransaction, rival: Rival, *, surplus_cents: int, reserve: bool
) -> Signal | None:
    """Say what a reading of the rival means.

    Args:
        reading: The reading.
        rival: What was known of it.
        surplus_cents: What is known to have been received on it.
        reserve: Whether it was to be reserved only.

    Returns:
        The signal; None for what cannot be read, which is asked again.
    """
    transaction = reading.transaction if isinstance(reading, PreTransaction) else reading
    if not _is_rival(reading, transaction, rival):
        return None
    if transaction is None:
        return None if reading.state in _PAID else _RIVAL.get(reading.state)
    match _RIVAL.get(transaction.state):
        case Signal.RIVAL_DEAD if surplus_cents:
            return Signal.RIVAL_RECREDITED
        case Signal.RIVAL_PAID if transaction.state is P.AUTHORIZED and (
            reserve or transaction.capture_deferred
        ):
            return Signal.RIVAL_HELD
        case Signal.RIVAL_PAID if not _readable(transaction):
            return Signal.RIVAL_UNREADABLE
        case signal:
            return signal


def _is_rival(reading: Transaction | PreTransaction, transaction: Transaction | None, rival: Rival) -> bool:
    if isinstance(reading, PreTransaction) and reading.pre_transaction_id != rival.pre_transaction_id:
        return False
    return transaction is None or (
        rival.transaction_id in {"", transaction.transaction_id}
        and transaction.payment_id in {"", rival.payment_id}
    )
