"""Closings of days, months and years: pure, but for the signature that `signing` makes.

A closing is an entry of kind `CLOSING`, so the chain covers it like any other. It says up to which entry it reaches,
that entry's hash, and the totals since the journal began and since the closing before of its kind; production and
simulation apart. It is signed with Ed25519 over its canonical JSON (sorted keys, no spaces, UTF-8), the signature
itself left out.

A month closes with its last day, when that is closed; or, when the till stayed shut on it, with the next day that is
closed. It reaches as far as the last day that was closed in it. Years likewise.

Source: RFC 8032 (Ed25519).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any

from cvconnect_pos.core.lifecycle import State

CLOSING = "CLOSING"
"""The kind of its entry; the entry's `request_id` is `day/2026-11-21`, `month/2026-11` or `year/2026`."""

S = State

KEPT = frozenset({S.APPROVED, S.DECIDING, S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED})
"""The states in which what was received is (still) ours."""

GIVEN_BACK = frozenset({S.REVERSED, S.REVERSED_AFTER_KEEP})
"""The states in which it was received and given back."""


class Period(StrEnum):
    """What is closed."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    def name_of(self, day: date) -> str:
        """Name the period that a day lies in: `2026-11-21`, `2026-11`, `2026`."""
        return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.value]]


@dataclass(frozen=True, slots=True)
class Totals:
    """Money and counts of some attempts.

    Args:
        attempts: How many were opened.
        payments: How many of them received money.
        received_cents: How much, in cents, before what was given back.
        reversals: How many gave it back.
        reversed_cents: How much, in cents.
    """

    attempts: int = 0
    payments: int = 0
    received_cents: int = 0
    reversals: int = 0
    reversed_cents: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(a + b for a, b in zip(_numbers(self), _numbers(other), strict=True)))

    def __sub__(self, other: Totals) -> Totals:
        return Totals(*(a - b for a, b in zip(_numbers(self), _numbers(other), strict=True)))


_numbers: Callable[[Totals], tuple[int, ...]] = attrgetter(
    "attempts", "payments", "received_cents", "reversals", "reversed_cents"
)


def totals_of(state: State, received_cents: int | None) -> Totals:
    """Count one attempt.

    Args:
        state: Where it stands.
        received_cents: What was received, by the provider's authorisations.

    Returns:
        Its part of the totals. Money that is in doubt, or only reserved, is not counted.
    """
    money = received_cents or 0
    if state in GIVEN_BACK:
        return Totals(1, 1, money, 1, money)
    return Totals(1, 1, money) if state in KEPT else Totals(1)


@dataclass(frozen=True, slots=True)
class Books:
    """The totals of both worlds.

    Args:
        production: What moved real money.
        simulation: What did not.
    """

    production: Totals = Totals()
    simulation: Totals = Totals()

    def __sub__(self, other: Books) -> Books:
        return Books(self.production - other.production, self.simulation - other.simulation)


@dataclass(frozen=True, slots=True)
class Closing:
    """What is signed.

    Args:
        period: Day, month or year.
        name: Which.
        last_seq: The last entry it reaches, 0 for none.
        head: That entry's hash, in hexadecimal.
        totals: Since the journal began.
        period_totals: Since the closing before, of the same kind.
        public_key: Of the key that signs, in hexadecimal.
        key_id: A short name of that key.
    """

    period: Period
    name: str
    last_seq: int
    head: str
    totals: Books
    period_totals: Books
    public_key: str
    key_id: str

    @property
    def request_id(self) -> str:
        """What stands for a request id in its entry."""
        return f"{self.period.value}/{self.name}"

    def as_data(self) -> dict[str, Any]:
        """Write it as data, without the signature."""
        return {**asdict(self), "period": self.period.value, "version": 1}

    def to_sign(self) -> bytes:
        """Write the bytes that are signed."""
        return json.dumps(self.as_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> tuple[Closing, str]:
        """Read a closing and its signature (hexadecimal) from an entry's data.

        Raises:
            ValueError: This is no closing that we know.
        """
        try:
            known = dict(data)
            signature, version = known.pop("signature"), known.pop("version")
            known["period"] = Period(known["period"])
            known["totals"] = _books(known["totals"])
            known["period_totals"] = _books(known["period_totals"])
            closing = cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no closing") from error
        if version != 1:
            raise ValueError("a closing of another version")
        return closing, signature


def _books(data: Mapping[str, Any]) -> Books:
    return Books(Totals(**data["production"]), Totals(**data["simulation"]))


def due_before(day: date, last_day: date | None, closed: Collection[str]) -> list[Period]:
    """Say which longer periods are to be closed before a day is, because the till stayed shut on their last day.

    Args:
        day: The day to close.
        last_day: The last one that was closed.
        closed: The months and years of that last day that are closed (`month/2026-11`, `year/2026`).

    Returns:
        The periods of `last_day`, the shorter first.
    """
    if last_day is None:
        return []
    return [
        period
        for period in (Period.MONTH, Period.YEAR)
        if period.name_of(last_day) != period.name_of(day)
        and f"{period.value}/{period.name_of(last_day)}" not in closed
    ]


def due_after(day: date) -> list[Period]:
    """Say which longer periods end with a day."""
    return due_before(day + timedelta(days=1), day, ())
