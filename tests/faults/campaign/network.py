"""What can go wrong with one exchange between a till and the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from cvconnect_pos.errors import NoAnswer
from cvconnect_pos.transports.base import HttpResponse
from cvconnect_sim.faults import Fault, FaultKind

if TYPE_CHECKING:
    from faults.campaign.world import Exchange

TIMEOUT_S: Final = 10.0
"""The total deadline of a call: so long does a till wait for an answer that is lost."""

Behaviour: TypeAlias = "Callable[[Exchange, float], HttpResponse]"


def _lost_before(exchange: Exchange, _: float) -> HttpResponse:
    exchange.meet(Fault(FaultKind.DROP_BEFORE))
    raise NoAnswer(reason="lost")


def _lost_after(exchange: Exchange, _: float) -> HttpResponse:
    exchange.carry_out(Fault(FaultKind.DROP_AFTER))
    raise NoAnswer(reason="lost")


def _silent_before(exchange: Exchange, _: float) -> HttpResponse:
    exchange.wait(TIMEOUT_S)
    raise NoAnswer(reason="timeout")


def _silent_after(exchange: Exchange, _: float) -> HttpResponse:
    exchange.carry_out(None)
    exchange.wait(TIMEOUT_S)
    raise NoAnswer(reason="timeout")


def _late(exchange: Exchange, delay_s: float) -> HttpResponse:
    """It arrives later, after others, when nobody waits for its answer any more."""
    exchange.carry_out_later(delay_s)
    exchange.wait(TIMEOUT_S)
    raise NoAnswer(reason="timeout")


def _twice(exchange: Exchange, _: float) -> HttpResponse:
    """Some box between the two repeats the request: the second answer comes back."""
    exchange.carry_out(None)
    return exchange.carry_out(None)


def _twice_late(exchange: Exchange, delay_s: float) -> HttpResponse:
    """It is answered, and its copy arrives later, after others."""
    exchange.carry_out_later(delay_s)
    return exchange.carry_out(None)


def _garbage(exchange: Exchange, _: float) -> HttpResponse:
    return exchange.carry_out(Fault(FaultKind.HTML_PAGE))


def _cut(exchange: Exchange, _: float) -> HttpResponse:
    return exchange.carry_out(Fault(FaultKind.TRUNCATED_BODY))


def _strange(exchange: Exchange, _: float) -> HttpResponse:
    return exchange.carry_out(Fault(FaultKind.UNKNOWN_STATE))


def _no_amount(exchange: Exchange, _: float) -> HttpResponse:
    return exchange.carry_out(Fault(FaultKind.PAID_WITHOUT_AUTHORIZATIONS))


def _status(status: int, body: bytes = b"", *, processed: bool = False) -> Behaviour:
    def behave(exchange: Exchange, retry_after_s: float) -> HttpResponse:
        headers = {"Retry-After": f"{retry_after_s:.0f}"} if retry_after_s else {}
        fault = Fault(FaultKind.STATUS, status=status, body=body, headers=headers, processed=processed)
        return exchange.meet(fault)

    return behave


FAULTS: Final[Mapping[str, Behaviour]] = {
    "lost_before": _lost_before,
    "lost_after": _lost_after,
    "silent_before": _silent_before,
    "silent_after": _silent_after,
    "late": _late,
    "twice": _twice,
    "twice_late": _twice_late,
    "garbage": _garbage,
    "cut": _cut,
    "strange": _strange,
    "no_amount": _no_amount,
    "refused": _status(409, b'{"errorCode":"OPERATION_TRANSACTION_NOT_ALLOWED","errorMessage":"no"}'),
    "conflict": _status(409),
    "too_many": _status(429),
    "error": _status(500),
    "error_after": _status(500, processed=True),
    "away": _status(503),
}
"""By name; the number is a delay or `Retry-After` in seconds, 0 for none."""

UNANSWERED: Final = frozenset(FAULTS) - {"twice", "twice_late", "strange", "no_amount"}
"""The faults after which the till knows no more than before."""

TIMED: Final = frozenset({"late", "twice_late", "too_many", "away"})
"""The faults that take a number."""
