"""Faults of the provider's server, scripted call by call.

Arm one with `server.faults.add(...)`; the next matching requests meet it, first armed first met, each request at most
one. A `Fault` says what happens, the returned `ArmedFault` counts how often it did.

Does not model: faults below TCP (lost packets, half-open connections), TLS failures, wrong DNS.
"""

from __future__ import annotations

import copy
import json
import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json: TypeAlias = dict[str, Any]

HUGE_BODY_BYTES: Final = 5_000_000
PAID_WORDS: Final = frozenset({"AUTHORIZED", "VALIDATED", "CONSIGNED", "PAID"})


class FaultKind(Enum):
    """What goes wrong.

    DROP_BEFORE, REDIRECT and the kinds with a status of their own do not process the request; the others do, then the
    answer suffers.
    """

    DROP_BEFORE = auto()
    """The connection closes, the request is not processed."""
    STATUS = auto()
    """`status`, `body` and `headers` of the fault are answered; processed only if `processed`."""
    CONFLICT = auto()
    """409 OPERATION_TRANSACTION_NOT_ALLOWED; processed only if `processed`."""
    TOO_MANY_REQUESTS = auto()
    """429 with `Retry-After: retry_after_s` and no body; processed only if `processed`."""
    SERVER_ERROR = auto()
    """500 INTERNAL_SERVER_ERROR; processed only if `processed`."""
    UNAVAILABLE = auto()
    """503 with no body; processed only if `processed`."""
    REDIRECT = auto()
    """307 to the same path below `/elsewhere`; not processed."""
    DROP_AFTER = auto()
    """Processed, then the connection closes: the answer is lost."""
    DELAY = auto()
    """Processed at once, answered after `delay_s`."""
    EMPTY_BODY = auto()
    """200 with nothing."""
    TRUNCATED_BODY = auto()
    """Half the body, then the connection closes, though Content-Length promised all."""
    HTML_PAGE = auto()
    """200 with the page of some middlebox."""
    HUGE_BODY = auto()
    """200 with 5 MB of JSON."""
    DRIP = auto()
    """The answer leaves one byte every `delay_s`, for as long as the client or the server lives."""
    WRONG_TYPES = auto()
    """Numbers where objects belong, objects where text belongs."""
    UNKNOWN_STATE = auto()
    """A state that nobody documented."""
    PAID_WITHOUT_AUTHORIZATIONS = auto()
    """Waits for a paid answer and takes the authorizations out."""
    PAID_UNREADABLE_AUTHORIZATIONS = auto()
    """Waits for a paid answer and makes the amounts unreadable."""
    PAID_FOREIGN_CURRENCY = auto()
    """Waits for a paid answer and says the authorizations are in US dollars."""
    REWRITE = auto()
    """`rewrite` of the fault changes the JSON answer in place."""


WANTS_PAID: Final = frozenset(
    {
        FaultKind.PAID_WITHOUT_AUTHORIZATIONS,
        FaultKind.PAID_UNREADABLE_AUTHORIZATIONS,
        FaultKind.PAID_FOREIGN_CURRENCY,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and the requests it waits for.

    Args:
        kind: What goes wrong.
        method: `GET`, `POST`, or empty for any.
        path: Part of the path, or empty for any.
        count: Number of requests that meet it, one or more.
        delay_s: For DELAY and DRIP, in real seconds.
        status: For STATUS.
        body: For STATUS.
        headers: For STATUS, such as `Retry-After`.
        processed: For STATUS and its relatives: the request takes effect before it is answered so.
        retry_after_s: For TOO_MANY_REQUESTS, in whole seconds.
        rewrite: For REWRITE: changes the decoded answer in place.
    """

    kind: FaultKind
    method: str = ""
    path: str = ""
    count: int = 1
    delay_s: float = 0.05
    status: int = 500
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    processed: bool = False
    retry_after_s: int = 1
    rewrite: Callable[[Json], None] | None = None

    def matches(self, method: str, path: str) -> bool:
        """Tells whether this request is one that the fault waits for."""
        return self.method in ("", method) and self.path in path

    def answer(self) -> tuple[int, bytes, Mapping[str, str]]:
        """Returns HTTP status, body and headers of STATUS and its relatives."""
        match self.kind:
            case FaultKind.CONFLICT:
                return 409, b'{"errorCode":"OPERATION_TRANSACTION_NOT_ALLOWED","errorMessage":""}', {}
            case FaultKind.TOO_MANY_REQUESTS:
                return 429, b"", {"Retry-After": str(self.retry_after_s)}
            case FaultKind.SERVER_ERROR:
                return 500, b'{"errorCode":"INTERNAL_SERVER_ERROR","errorMessage":""}', {}
            case FaultKind.UNAVAILABLE:
                return 503, b"", {}
            case _:
                return self.status, self.body, self.headers


class ArmedFault:
    """A fault that waits in a script; `used` counts the requests that met it."""

    def __init__(self, fault: Fault) -> None:
        self.fault: Final = fault
        self.used = 0

    @property
    def spent(self) -> bool:
        """True when no further request will meet it."""
        return self.used >= self.fault.count


class FaultScript:
    """The faults that wait for requests; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[ArmedFault] = []

    def add(self, fault: Fault) -> ArmedFault:
        """Arms a fault behind those already armed.

        Returns:
            Its counter.
        """
        armed = ArmedFault(fault)
        with self._lock:
            self._armed.append(armed)
        return armed

    def clear(self) -> None:
        """Disarms everything."""
        with self._lock:
            self._armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Counts and returns the fault that a request meets before it is processed, if any."""
        return self._take(lambda fault: fault.kind not in WANTS_PAID and fault.matches(method, path))

    def take_for_answer(self, method: str, path: str, body: bytes) -> Fault | None:
        """Counts and returns the fault that waited for this paid answer, if any."""
        return self._take(
            lambda fault: fault.kind in WANTS_PAID and fault.matches(method, path) and _is_paid(body)
        )

    def _take(self, wanted: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for armed in self._armed:
                if wanted(armed.fault):
                    armed.used += 1
                    if armed.spent:
                        self._armed.remove(armed)
                    return armed.fault
        return None


def rewritten(fault: Fault, body: bytes) -> bytes:
    """Applies a fault of the JSON family to an answer.

    Args:
        fault: Any fault; other families leave the body alone.
        body: An answer as the provider encoded it.
    """
    change = fault.rewrite if fault.kind is FaultKind.REWRITE else REWRITES.get(fault.kind)
    if change is None:
        return body
    document = cast("Json", json.loads(body))
    changed = copy.deepcopy(document)
    change(changed)
    return json.dumps(changed).encode()


def _transaction(document: Json) -> Json | None:
    """The transaction of an answer, direct or linked to a pre-transaction."""
    if "transaction" in document:
        return cast("Json", document["transaction"])
    pre = cast("Json", document.get("preTransaction", {}))
    return cast("Json | None", pre.get("transaction"))


def _is_paid(body: bytes) -> bool:
    transaction = _transaction(cast("Json", json.loads(body)))
    return transaction is not None and transaction.get("state") in PAID_WORDS


def _wrong_types(document: Json) -> None:
    for name in ("transaction", "preTransaction"):
        if name in document:
            document[name] |= {"state": {"value": 4}, "expirationDate": 1732197900, "payers": "none"}


def _unknown_state(document: Json) -> None:
    for name in ("transaction", "preTransaction"):
        if name in document:
            document[name]["state"] = "UNDER_REVIEW"


def _authorizations(document: Json) -> list[Json]:
    transaction = _transaction(document) or {}
    payers = cast("list[Json]", transaction.get("payers", []))
    return [authorization for payer in payers for authorization in payer["authorizations"]]


def _without_authorizations(document: Json) -> None:
    for payer in (_transaction(document) or {}).get("payers", []):
        del payer["authorizations"]


def _unreadable_authorizations(document: Json) -> None:
    for authorization in _authorizations(document):
        authorization["amount"] = {"total": "thirty", "currency": "978"}


def _foreign_currency(document: Json) -> None:
    for authorization in _authorizations(document):
        authorization["amount"]["currency"] = "840"


REWRITES: Final[Mapping[FaultKind, Callable[[Json], None]]] = {
    FaultKind.WRONG_TYPES: _wrong_types,
    FaultKind.UNKNOWN_STATE: _unknown_state,
    FaultKind.PAID_WITHOUT_AUTHORIZATIONS: _without_authorizations,
    FaultKind.PAID_UNREADABLE_AUTHORIZATIONS: _unreadable_authorizations,
    FaultKind.PAID_FOREIGN_CURRENCY: _foreign_currency,
}
