"""From what the provider says to the one signal it means. The words are the provider's, the meaning is here."""

from __future__ import annotations

from cvconnect_pos.core.attempt import Attempt
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
"""Unverified: AUTHORIZED means *paid* with capture mode NORMAL, the only mode that `Way` knows today."""


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
        case state if state in _PAID:
            return _money(transaction, attempt)
        case state:
            return _PLAIN.get(state, Signal.UNREADABLE)


def is_ours(transaction: Transaction, attempt: Attempt) -> bool:
    """Whether a reading is about this attempt: whatever it names is what we know."""
    same_id = attempt.transaction_id in {"", transaction.transaction_id}
    return same_id and transaction.payment_id in {"", attempt.payment_id}


def _cancelled(transaction: Transaction, attempt: Attempt) -> Signal:
    """Money that was known to be received has come back; money that was not must be readable to have done so."""
    if attempt.received_cents is not None:
        return Signal.RECREDITED
    if not transaction.authorizations:
        return Signal.VOIDED
    return Signal.RECREDITED if _readable(transaction) else Signal.UNREADABLE


def _readable(transaction: Transaction) -> bool:
    return bool(transaction.authorizations) and all(
        (a.amount_cents or 0) > 0 for a in transaction.authorizations
    )


def _money(transaction: Transaction, attempt: Attempt) -> Signal:
    received = transaction.received_cents
    if received is None or not _readable(transaction):
        return Signal.UNREADABLE
    if attempt.received_cents not in {None, received}:
        return Signal.AMOUNT_CHANGED
    return Signal.OVERPAID if received > attempt.order.amount_cents else Signal.PAID


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
