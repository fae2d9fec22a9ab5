"""What must hold at every step: journaled before it is sent or shown, and no order repeated without asking."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

from cvconnect_pos.core.attempt import REQUEST, Attempt, Entry
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.transports.base import HttpRequest
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import Provider

_S = State

ORDERS: Final[dict[str, frozenset[str]]] = {
    "create": frozenset({_S.CREATING}),
    "payer": frozenset({_S.IDENTIFYING}),
    "cancellation": frozenset(
        {_S.CANCEL_SENT, _S.SWITCHING, _S.REVERSING, _S.LINE_RELEASED, "RIVAL_ALIVE", "RIVAL_PAID"}
    ),
    "capture": frozenset({_S.CAPTURING}),
    "release": frozenset({_S.RELEASING, "RIVAL_HELD"}),
}
"""Which entries order a call: the states they enter, or their kinds."""

NO_ORDERS: Final = frozenset({"TICKET", "ACKNOWLEDGED"})


@dataclass(frozen=True, slots=True)
class Sending:
    """A call that left.

    Args:
        instance: The process that made it.
        verb: `status`, or one of `ORDERS`.
        line: The line it is about.
        where: The request that it is about, by the provider's id.
    """

    instance: str
    verb: str
    line: str
    where: str


class Watch:
    """Looks at every write, every call and every QR.

    Args:
        provider: Whose ids the calls name.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.broken: list[str] = []
        self._ordered: Counter[tuple[str, str, str]] = Counter()
        self._sent: Counter[tuple[str, str, str]] = Counter()
        self._states: dict[str, list[str]] = {}
        self._unasked: dict[tuple[str, str], str] = {}
        """Orders whose resource nobody has asked about since, with the process that sent them."""
        self._hung: set[str] = set()
        self._requests: dict[str, str] = {}

    def written(self, instance: str, entry: Entry) -> None:
        """Note an entry that a process has written."""
        words = {entry.state.value, entry.kind}
        self._states.setdefault(entry.request_id, []).append(entry.state.value)
        if entry.kind in NO_ORDERS:
            return
        for verb, orders in ORDERS.items():
            if words & orders and (
                verb != "create" or entry.kind == REQUEST or self._switched(entry.request_id)
            ):
                self._ordered[instance, verb, entry.request_id] += 1

    def _switched(self, line: str) -> bool:
        return self._states[line][-2:] != [State.CREATING.value] * 2

    def showing(self, line: str, attempt: Attempt) -> None:
        """Note that a QR is shown."""
        if attempt.state is not State.SHOWING or State.SHOWING.value not in self._states.get(line, []):
            self.broken.append(f"{line}: a QR was shown before it was journaled")

    def leaving(self, instance: str, request: HttpRequest) -> Sending:
        """Judge a call that leaves."""
        _, *rest = request.path.partition("?")[0].strip("/").split("/")[4:]
        where = self._request_of(rest[0]) if rest else ""
        if request.method == "GET":
            return Sending(instance, "status", "", where)
        verb = rest[1] if len(rest) > 1 else "create"
        line = self._line(rest[0]) if rest else str(json.loads(request.body)["order"]["label"])
        name = (instance, verb, line)
        self._sent[name] += 1
        if self._sent[name] > self._ordered[name]:
            self.broken.append(f"{line}: {verb} was sent before it was journaled")
        earlier = self._unasked.get((verb, where)) if rest else None
        if earlier is not None and not {earlier, instance} & self._hung:
            self.broken.append(f"{line}: {verb} was repeated without asking")
        self._unasked[verb, where] = instance
        return Sending(instance, verb, line, where)

    def answered(self, sending: Sending) -> None:
        """Note that a call was answered: after a status, an order may be given again."""
        if sending.verb == "status":
            for verb, where in [key for key in self._unasked if key[1] == sending.where]:
                del self._unasked[verb, where]

    def hung(self, instance: str) -> None:
        """Note that a process stood still in the middle of a call: what it asked before may be old when it goes on."""
        self._hung.add(instance)

    def _request_of(self, provider_id: str) -> str:
        """Name the request behind an id: a QR request and the payment that it led to are one."""
        if provider_id not in self._requests:
            for pre in self._provider.pre_transactions():
                self._requests[pre.pre_transaction_id] = pre.pre_transaction_id
                if pre.transaction:
                    self._requests[pre.transaction.transaction_id] = pre.pre_transaction_id
        return self._requests.setdefault(provider_id, provider_id)

    def _line(self, provider_id: str) -> str:
        for find in (self._provider.transaction, self._provider.pre_transaction):
            try:
                return find(provider_id).order.label
            except SimError:
                continue
        return "?"
