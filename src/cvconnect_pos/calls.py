"""One call to the provider, and what its result means: a signal and what became known."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Way, authorizations_data
from cvconnect_pos.core.lifecycle import Command, Signal
from cvconnect_pos.core.observation import is_ours, observe, observe_qr
from cvconnect_pos.core.policy import MISSING_GRACE_S
from cvconnect_pos.core.provider import PreTransaction, ProviderState, Transaction
from cvconnect_pos.errors import CredentialRefused, NoAnswer, NotSent, ProviderError, ProviderRefused
from cvconnect_pos.gateway.base import PaymentGateway
from cvconnect_pos.identifiers import Beneficiary

_log = logging.getLogger("cvconnect_pos")

UNREADABLE = "UNREADABLE_ANSWER"

_MONEY = frozenset({Signal.PAID, Signal.OVERPAID, Signal.RECREDITED})


@dataclass(frozen=True, slots=True)
class Heard:
    """The result of a call.

    Args:
        signal: What it means; None when nothing new is known.
        data: What became known, for the journal.
        expires_in_s: How long the provider gives the request from now on, by its own clock.
    """

    signal: Signal | None
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    expires_in_s: float | None = None


NOTHING = Heard(None)


class Calls:
    """Makes the calls, each once and with a deadline.

    Args:
        gateway: The provider.
        clock: For dates and ages.
        timeout_s: The total deadline of one call, in seconds.
    """

    def __init__(self, gateway: PaymentGateway, clock: Clock, timeout_s: float) -> None:
        self._gateway = gateway
        self._clock = clock
        self._timeout_s = timeout_s
        self.stopped: CredentialRefused | None = None
        """Set when the provider refused the credential: nothing is sent from then on."""
        self._perform: dict[Command, Callable[[Attempt, Beneficiary | None], Heard]] = {
            Command.CREATE: self._create,
            Command.PAYER: self._payer,
            Command.STATUS: self._status,
            Command.CANCEL: self._cancel,
            Command.REVERSE: self._reverse,
        }

    @property
    def supported(self) -> frozenset[Command]:
        """The calls that this provider is known to have."""
        return frozenset(self._perform)

    def make(self, command: Command, attempt: Attempt, beneficiary: Beneficiary | None) -> Heard:
        """Make one call.

        Args:
            command: Which.
            attempt: What is known.
            beneficiary: The customer in clear, when this process knows them.

        Returns:
            What it means.
        """
        young = (self._clock.now() - attempt.opened_at).total_seconds() < MISSING_GRACE_S
        if self.stopped is not None:
            return _failed(command, NotSent(reason=self.stopped.code), young=young)
        try:
            return self._perform[command](attempt, beneficiary)
        except Exception as fault:  # noqa: BLE001 - whatever a gateway raises: the order may have been carried out
            error = fault if isinstance(fault, ProviderError) else NoAnswer(reason=type(fault).__name__)
            if error is not fault:
                _log.error("a call failed: %s", type(fault).__name__)
            if isinstance(error, CredentialRefused):
                self.stopped = error
            return _failed(command, error, young=young)

    def _create(self, attempt: Attempt, beneficiary: Beneficiary | None) -> Heard:
        order, now = attempt.order, self._clock.now()
        if beneficiary is None and order.way in {Way.QR, Way.EITHER}:
            pre = self._gateway.create_qr(order, attempt.payment_id, now, timeout_s=self._timeout_s)
            if not (pre.qr_payload or pre.qr_png) or pre.state is not ProviderState.INITIALIZED:
                raise NoAnswer(reason=UNREADABLE)
            return self._heard(Signal.QR_CREATED, _qr_facts(pre), pre)
        transaction = self._gateway.create(order, attempt.payment_id, now, timeout_s=self._timeout_s)
        fresh = transaction.state is ProviderState.INITIALIZED and not transaction.has_payer
        if not fresh or not is_ours(transaction, attempt):
            raise NoAnswer(reason=UNREADABLE)
        signal = Signal.CREATED if beneficiary is None else Signal.CREATED_NAMED
        return self._heard(signal, _facts(transaction, signal), transaction)

    def _payer(self, attempt: Attempt, beneficiary: Beneficiary | None) -> Heard:
        if beneficiary is None:  # named before a restart: the identifier was not kept
            return Heard(Signal.CANCEL, {"reason": "INTERRUPTED", "cancel_asked": True})
        transaction = self._gateway.put_in_payment(
            attempt.transaction_id,
            beneficiary,
            attempt.order.amount_cents,
            self._clock.now(),
            timeout_s=self._timeout_s,
        )
        signal = observe(transaction, attempt)
        return self._heard(signal, _facts(transaction, signal), transaction)

    def _status(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        if attempt.transaction_id:
            transaction = self._gateway.status(attempt.transaction_id, timeout_s=self._timeout_s)
            signal = observe(transaction, attempt)
            return self._heard(signal, _facts(transaction, signal), transaction)
        pre = self._gateway.qr_status(attempt.pre_transaction_id, timeout_s=self._timeout_s)
        signal = observe_qr(pre, attempt)
        facts = _facts(pre.transaction, signal) if pre.transaction else {}
        return self._heard(signal, facts, pre.transaction or pre)

    def _cancel(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        now = self._clock.now()
        if attempt.pre_transaction_id:
            self._gateway.cancel_qr(attempt.pre_transaction_id, now, timeout_s=self._timeout_s)
        else:
            self._gateway.cancel(attempt.transaction_id, now, timeout_s=self._timeout_s)
        return Heard(Signal.CANCEL_ANSWERED)  # the status call that follows says what it did

    def _reverse(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        self._gateway.cancel(attempt.transaction_id, self._clock.now(), timeout_s=self._timeout_s)
        return Heard(Signal.CANCEL_ANSWERED)

    def _heard(self, signal: Signal, data: dict[str, Any], reading: Transaction | PreTransaction) -> Heard:
        left = None
        if reading.expires_at is not None:
            left = (reading.expires_at - (reading.provider_time or self._clock.now())).total_seconds()
        return Heard(signal, data, left)


def _qr_facts(pre: PreTransaction) -> dict[str, Any]:
    import base64

    return {
        "pre_transaction_id": pre.pre_transaction_id,
        "qr_payload": pre.qr_payload or "",
        "qr_png": base64.b64encode(pre.qr_png).decode() if pre.qr_png else "",
        "expires_at": _text(pre.expires_at),
    }


def _facts(transaction: Transaction, signal: Signal) -> dict[str, Any]:
    if signal is Signal.UNREADABLE:  # nothing of what cannot be read is kept
        return {"reason": UNREADABLE}
    facts: dict[str, Any] = {"transaction_id": transaction.transaction_id}
    if transaction.expires_at:
        facts["expires_at"] = _text(transaction.expires_at)
    if signal in _MONEY:
        if transaction.received_cents is not None:  # what is known is never replaced by nothing
            facts["authorizations"] = authorizations_data(transaction.authorizations)
            facts["received_cents"] = transaction.received_cents
        if holder := next((a.holder for a in transaction.authorizations if a.holder), ""):
            facts["beneficiary"] = holder
    return facts


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


_LOST = {
    Command.CREATE: Signal.CREATE_LOST,
    Command.PAYER: Signal.PAYER_LOST,
    Command.CANCEL: Signal.CANCEL_LOST,
    Command.REVERSE: Signal.CANCEL_LOST,
}
_REFUSED = {
    Command.CREATE: Signal.CREATE_REFUSED,
    Command.PAYER: Signal.PAYER_REFUSED,
    Command.CANCEL: Signal.CANCEL_REFUSED,
    Command.REVERSE: Signal.CANCEL_REFUSED,
}


def _failed(command: Command, error: ProviderError, *, young: bool) -> Heard:
    """No answer is not *no*: only the provider's own refusal is one, or a request that never left."""
    data = {"reason": error.code}
    if command is Command.STATUS:
        missing = error.code == "TRANSACTION_NOT_FOUND" and not young
        return Heard(Signal.MISSING, data) if missing else NOTHING
    sure = isinstance(error, ProviderRefused) or (isinstance(error, NotSent) and command is Command.CREATE)
    return Heard((_REFUSED if sure else _LOST)[command], data)
