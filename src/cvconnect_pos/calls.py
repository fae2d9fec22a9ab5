"""One call to the provider, and what its result means: a signal and what became known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cvconnect_pos.clock import Clock
from cvconnect_pos.core.attempt import Attempt, Way, authorizations_data
from cvconnect_pos.core.lifecycle import Command, Signal
from cvconnect_pos.core.observation import alarm, is_ours, is_stale, observe, observe_qr, observe_rival
from cvconnect_pos.core.pacing import Circuit
from cvconnect_pos.core.policy import MISSING_GRACE_S
from cvconnect_pos.core.provider import PreTransaction, ProviderState, Transaction
from cvconnect_pos.credential import Credential
from cvconnect_pos.errors import CredentialRefused, NoAnswer, NotSent, ProviderError, ProviderRefused
from cvconnect_pos.gateway.base import PaymentGateway
from cvconnect_pos.identifiers import Beneficiary

_log = logging.getLogger("cvconnect_pos")

UNREADABLE = "UNREADABLE_ANSWER"

_MONEY = frozenset(
    {Signal.PAID, Signal.OVERPAID, Signal.RECREDITED, Signal.AMOUNT_CHANGED, Signal.AMOUNT_RAISED}
)
_UNREADABLE = frozenset({Signal.UNREADABLE, Signal.PAID_UNREADABLE})


@dataclass(frozen=True, slots=True)
class Heard:
    """The result of a call.

    Args:
        signal: What it means; None when nothing new is known.
        data: What became known, for the journal.
        expires_in_s: How long the provider gives the request from now on, by its own clock.
        answered: Whether an order about a rival was taken; what it did is asked soon.
        sent: Whether anything was sent at all.
    """

    signal: Signal | None
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    expires_in_s: float | None = None
    answered: bool = False
    sent: bool = True


NOTHING = Heard(None)
UNSENT = Heard(None, sent=False)
ANSWERED = Heard(None, answered=True)


class Calls:
    """Makes the calls, each once and with a deadline.

    Args:
        gateway: The provider.
        clock: For dates and ages.
        timeout_s: The total deadline of one call, in seconds.
        credential: What the gateway's credential has come to; a fresh one when left out.
    """

    def __init__(
        self,
        gateway: PaymentGateway,
        clock: Clock,
        timeout_s: float,
        credential: Credential | None = None,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._timeout_s = timeout_s
        self._credential = credential or Credential()
        self._closed = False
        self._circuit = Circuit()
        self._lock = threading.Lock()
        self._provider_clock: tuple[datetime, float] | None = None
        self._perform: dict[Command, Callable[[Attempt, Beneficiary | None], Heard]] = {
            Command.CREATE: self._create,
            Command.PAYER: self._payer,
            Command.STATUS: self._status,
            Command.CANCEL: self._cancel,
            Command.REVERSE: self._reverse,
            Command.CAPTURE: self._capture,
            Command.RELEASE: self._release,
            Command.RIVAL_STATUS: self._rival_status,
            Command.RIVAL_CANCEL: self._rival_cancel,
            Command.RIVAL_RELEASE: self._rival_release,
        }

    @property
    def supported(self) -> frozenset[Command]:
        """The calls that this provider is known to have."""
        return frozenset(self._perform)

    @property
    def stopped(self) -> CredentialRefused | None:
        """Why nothing is sent any more; None as long as the provider takes the credential."""
        return self._credential.refusal

    @property
    def is_proven(self) -> bool:
        """Whether the provider has taken the credential; until then there is one call at a time."""
        return self._credential.is_proven

    def close(self) -> None:
        """Let nobody who waits for its turn make a call any more."""
        self._closed = True

    @property
    def knows_the_time(self) -> bool:
        """Whether the provider has told its clock."""
        return self._provider_clock is not None

    @property
    def window_s(self) -> float:
        """For how long after the payment the provider gives it back, in seconds."""
        return self._gateway.cancel_window_s

    def provider_now(self) -> datetime:
        """The provider's clock, as far as its answers have told it (UTC)."""
        if self._provider_clock is None:
            return self._clock.now()
        told, at = self._provider_clock
        return told + timedelta(seconds=self._clock.monotonic() - at)

    def create_in_s(self) -> float:
        """How long the provider is to be left without new requests, in seconds; 0 when it takes them."""
        with self._lock:
            return self._circuit.retry_in_s(self._clock.monotonic())

    def held_s(self) -> float:
        """How long the provider wants no polls, in seconds."""
        with self._lock:
            return self._circuit.held_s(self._clock.monotonic())

    def make(
        self, command: Command, attempt: Attempt, beneficiary: Beneficiary | None, *, age_s: float = 0.0
    ) -> Heard:
        """Make one call.

        Args:
            command: Which.
            attempt: What is known.
            beneficiary: The customer in clear, when this process knows them.
            age_s: How long ago the provider's id of the request was made, in seconds.

        Returns:
            What it means.
        """
        young = age_s < MISSING_GRACE_S
        with self._credential.on_trial(self._timeout_s) as may:
            if not may or self._closed:
                return _failed(command, NotSent(reason="busy"), young=young)
            return self._make(command, attempt, beneficiary, young=young)

    def _make(
        self, command: Command, attempt: Attempt, beneficiary: Beneficiary | None, *, young: bool
    ) -> Heard:
        if self.stopped is not None:
            return _failed(command, NotSent(reason=self.stopped.code), young=young)
        if command is Command.CREATE and not self._may_create():
            return _failed(command, NotSent("PROVIDER_DOWN", seconds="…"), young=young)
        try:
            heard = self._perform[command](attempt, beneficiary)
        except Exception as fault:  # noqa: BLE001 - whatever a gateway raises: the order may have been carried out
            error = fault if isinstance(fault, ProviderError) else NoAnswer(reason=type(fault).__name__)
            if error is not fault:
                _log.error("a call failed: %s", type(fault).__name__)
            self._note(error)
            return _failed(command, error, young=young)
        if heard.sent:
            self._note(None)
        return heard

    def _may_create(self) -> bool:
        with self._lock:
            return self._circuit.allows_create(self._clock.monotonic())

    def _note(self, error: ProviderError | None) -> None:
        """Tell the credential and the circuit how a call went; a refusal is an answer."""
        if isinstance(error, CredentialRefused):
            self._credential.refused(error)
        elif error is None or isinstance(error, ProviderRefused):
            self._credential.accepted()
        with self._lock:
            now, said = self._clock.monotonic(), error.fields.get("retry_after_s") if error else None
            wish = float(said) if isinstance(said, int | float) else None
            if error is not None and not isinstance(error, ProviderRefused):
                self._circuit.failed(now, wish)
                return
            self._circuit.answered()
            if wish is not None:
                self._circuit.hold(now, wish)

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
        return self._heard(signal, _facts(transaction, attempt, signal), transaction)

    def _payer(self, attempt: Attempt, beneficiary: Beneficiary | None) -> Heard:
        if beneficiary is None:  # named before a restart: the identifier was not kept
            return Heard(Signal.CANCEL, {"reason": "INTERRUPTED", "cancel_asked": True}, sent=False)
        transaction = self._gateway.put_in_payment(
            attempt.transaction_id,
            beneficiary,
            attempt.order.amount_cents,
            self._clock.now(),
            timeout_s=self._timeout_s,
        )
        signal = observe(transaction, attempt)
        return self._heard(signal, _facts(transaction, attempt, signal), transaction)

    def _status(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        if attempt.transaction_id:
            transaction = self._gateway.status(attempt.transaction_id, timeout_s=self._timeout_s)
            if is_stale(transaction, attempt):
                return NOTHING
            signal = observe(transaction, attempt)
            return self._heard(signal, _facts(transaction, attempt, signal), transaction)
        pre = self._gateway.qr_status(attempt.pre_transaction_id, timeout_s=self._timeout_s)
        if pre.transaction is not None and is_stale(pre.transaction, attempt):
            return NOTHING
        signal = observe_qr(pre, attempt)
        facts = _facts(pre.transaction, attempt, signal) if pre.transaction else {}
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

    def _capture(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        amount = attempt.due_cents
        self._gateway.capture(attempt.transaction_id, amount, self._clock.now(), timeout_s=self._timeout_s)
        return Heard(Signal.CAPTURE_ANSWERED)

    def _release(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        self._gateway.release(attempt.transaction_id, self._clock.now(), timeout_s=self._timeout_s)
        return Heard(Signal.RELEASE_ANSWERED)

    def _rival_status(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        rival = attempt.rival
        if rival is None:
            return UNSENT
        reading = (
            self._gateway.status(rival.transaction_id, timeout_s=self._timeout_s)
            if rival.transaction_id
            else self._gateway.qr_status(rival.pre_transaction_id, timeout_s=self._timeout_s)
        )
        signal = observe_rival(
            reading, rival, surplus_cents=attempt.surplus_cents, reserve=attempt.order.reserve
        )
        transaction = reading.transaction if isinstance(reading, PreTransaction) else reading
        facts: dict[str, Any] = {}
        if signal is not None and transaction is not None:
            facts["rival"] = replace(rival, transaction_id=transaction.transaction_id).as_data()
            facts |= _rival_money(signal, transaction)
        return Heard(signal, facts)

    def _rival_cancel(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        """End the rival: an abort before its customer validates, a re-credit after. What it did is asked next."""
        rival, now = attempt.rival, self._clock.now()
        if rival is None:
            return UNSENT
        if rival.transaction_id:
            self._gateway.cancel(rival.transaction_id, now, timeout_s=self._timeout_s)
        else:
            self._gateway.cancel_qr(rival.pre_transaction_id, now, timeout_s=self._timeout_s)
        return ANSWERED

    def _rival_release(self, attempt: Attempt, _: Beneficiary | None) -> Heard:
        if attempt.rival is None:
            return UNSENT
        self._gateway.release(attempt.rival.transaction_id, self._clock.now(), timeout_s=self._timeout_s)
        return ANSWERED

    def _heard(self, signal: Signal, data: dict[str, Any], reading: Transaction | PreTransaction) -> Heard:
        left = None
        if reading.provider_time is not None:  # kept with the clock that nobody sets
            self._provider_clock = (reading.provider_time, self._clock.monotonic())
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


def _rival_money(signal: Signal, transaction: Transaction) -> dict[str, Any]:
    if signal is Signal.RIVAL_RECREDITED:
        return {"surplus_cents": 0}
    if signal is not Signal.RIVAL_PAID or transaction.received_cents is None:
        return {}
    facts: dict[str, Any] = {
        "surplus_cents": transaction.received_cents,
        "authorizations": authorizations_data(transaction.authorizations),
    }
    if holder := next((a.holder for a in transaction.authorizations if a.holder), ""):
        facts["beneficiary"] = holder
    return facts


def _facts(transaction: Transaction, attempt: Attempt, signal: Signal) -> dict[str, Any]:
    if signal in _UNREADABLE:  # nothing of what cannot be read is kept
        return {"reason": UNREADABLE}
    facts: dict[str, Any] = {"transaction_id": transaction.transaction_id}
    if transaction.expires_at:
        facts["expires_at"] = _text(transaction.expires_at)
    if signal is Signal.HELD:
        facts["authorizations"] = authorizations_data(transaction.authorizations)
        facts["reserved_cents"] = transaction.received_cents
    if signal in {Signal.OVERPAID, Signal.AMOUNT_RAISED}:
        facts["reason"] = alarm(transaction, attempt)
    if signal in _MONEY | {Signal.HELD} and transaction.updated_at is not None:
        facts["said_at"] = _text(transaction.updated_at)
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
    Command.CAPTURE: Signal.CAPTURE_LOST,
    Command.RELEASE: Signal.RELEASE_LOST,
}
_REFUSED = {
    Command.CREATE: Signal.CREATE_REFUSED,
    Command.PAYER: Signal.PAYER_REFUSED,
    Command.CANCEL: Signal.CANCEL_REFUSED,
    Command.REVERSE: Signal.CANCEL_REFUSED,
    Command.CAPTURE: Signal.CAPTURE_REFUSED,
    Command.RELEASE: Signal.RELEASE_REFUSED,
}


def _failed(command: Command, error: ProviderError, *, young: bool) -> Heard:
    """No answer is not *no*: only the provider's own refusal is one, or a request that never left."""
    data = {"reason": error.code}
    if command is Command.STATUS:
        missing = error.code == "TRANSACTION_NOT_FOUND" and not young
        return Heard(Signal.MISSING, data) if missing else NOTHING
    if command not in _LOST:  # about a rival: it is asked again
        return NOTHING
    sure = isinstance(error, ProviderRefused) or (isinstance(error, NotSent) and command is Command.CREATE)
    return Heard((_REFUSED if sure else _LOST)[command], data)
