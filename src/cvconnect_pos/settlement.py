"""What the provider will transfer to the shop's bank account, and about when.

Source: ANCV merchant leaflet: a day's transactions are added up and paid in one transfer, five working days later
(*J+5 jours ouvrés*). The date is an estimate, and is shown as one.
Unverified: that the provider's day is the day in Paris, that a payment belongs to the day on which the customer
validated it (the last of them, if several paid), and that nothing is deducted from the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from cvconnect_pos.core.calendar import WorkingDays
from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.messages import Language, report_text
from cvconnect_pos.money import format_amount
from cvconnect_pos.outcome import Outcome
from cvconnect_pos.tickets import PARIS, SIMULATION

SETTLEMENT_WORKING_DAYS: Final = 5
"""J+5. `Source:` ANCV merchant leaflet."""


@dataclass(frozen=True, slots=True)
class SettlementDay:
    """What was received on one day, and what becomes of it.

    Args:
        day: The day of the payments, in Paris.
        transfer_on: When the transfer may arrive: an estimate.
        payments: How many payments are kept.
        kept_cents: What is expected in the transfer: received, and not given back.
        reversed_cents: What was received that day and given back since; not in the transfer.
        reversed_later_cents: The part of it that was given back on a later day, as far as the journal knows.
        undecided_cents: What was received and waits for a person to keep or reverse it; it joins `kept_cents` when kept.
        surplus_cents: What was received beside the payments and is not given back yet: no part of the other sums.
    """

    day: date
    transfer_on: date
    payments: int
    kept_cents: int
    reversed_cents: int
    reversed_later_cents: int
    undecided_cents: int
    surplus_cents: int

    @property
    def received_cents(self) -> int:
        """All that was received that day in payments, whatever became of it."""
        return self.kept_cents + self.reversed_cents + self.undecided_cents

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them."""
        return asdict(self) | {"day": self.day.isoformat(), "transfer_on": self.transfer_on.isoformat()}


@dataclass(frozen=True, slots=True)
class SettlementForecast:
    """The transfers to expect. What was simulated stands apart and is never transferred.

    Args:
        production: The days on which money moved, in order.
        simulation: The days of a test environment, in order: what a transfer would be.
    """

    production: tuple[SettlementDay, ...]
    simulation: tuple[SettlementDay, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them; `estimate` says that the dates are no promise."""
        return {
            "estimate": True,
            "production": [day.as_dict() for day in self.production],
            "simulation": [day.as_dict() for day in self.simulation],
        }

    def text(self, language: Language = "fr") -> str:
        """Say it on a screen, in lines of at most 80 characters."""
        parts = [_table(self.production, language) or report_text("settlement_none", language)]
        if self.simulation:
            parts.append(f"{SIMULATION}\n{_table(self.simulation, language)}")
        return "\n\n".join([report_text("settlement", language), *parts])


def payment_day(outcome: Outcome) -> date:
    """Tell the day, in Paris, on which a payment counts.

    Args:
        outcome: What a payment came to.

    Returns:
        The day of its last validation by a customer; when the provider gave no date, the day of its last journal entry.
    """
    validated = [a.validated_at for a in outcome.authorizations if a.validated_at is not None]
    return max(validated, default=outcome.ended_at).astimezone(PARIS).date()


def last_words(outcomes: Iterable[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Keep the last outcome of each request: outcomes are delivered at least once, and a payment may be reversed later.

    Args:
        outcomes: In any order; those of a simulation are told apart from those of production.

    Returns:
        The last of each request, in the order of their first delivery, and those that it replaces.
    """
    last: dict[tuple[bool, str], Outcome] = {}
    replaced: list[Outcome] = []
    for outcome in outcomes:
        key = (outcome.simulation, outcome.request_id)
        other = last.get(key)
        if other is None or outcome.ended_at >= other.ended_at:
            last[key] = outcome
            replaced.extend([other] if other else [])
        else:
            replaced.append(outcome)
    return list(last.values()), replaced


def forecast_settlement(
    outcomes: Iterable[Outcome], *, working_days: WorkingDays | None = None
) -> SettlementForecast:
    """Add up each day's payments and estimate when they are transferred.

    A payment that was approved on day D and reversed on day D+1 is in no transfer: it leaves the sum of day D, where it
    shows as `reversed_cents` and as `reversed_later_cents`, and day D+1 knows nothing of it. For a reversal is possible
    only within hours, days before the transfer of day D is made: the provider still has the money and has nothing to
    take back. A payment whose reversal is under way has no outcome yet, and counts nowhere.

    Unverified: that the provider does the same. If it deducts on the day of the reversal instead, the transfer of day D
    is higher by `reversed_later_cents` and the one of day D+1 lower by as much; both together are as forecast.

    Args:
        outcomes: The outcomes of one shop, in any order; of several for one request the last counts, once.
        working_days: Which days count; without it, those of France.

    Returns:
        The days on which something was received.
    """
    calendar = working_days or WorkingDays()
    days: dict[tuple[bool, date], list[Outcome]] = {}
    for outcome in last_words(outcomes)[0]:
        if outcome.received_cents or outcome.reversed_cents or outcome.surplus_cents:
            days.setdefault((outcome.simulation, payment_day(outcome)), []).append(outcome)
    made = [(simulation, _add_up(day, days[simulation, day], calendar)) for simulation, day in sorted(days)]
    return SettlementForecast(
        production=tuple(day for simulation, day in made if not simulation),
        simulation=tuple(day for simulation, day in made if simulation),
    )


def _add_up(day: date, outcomes: Sequence[Outcome], calendar: WorkingDays) -> SettlementDay:
    kept = [o.received_cents for o in outcomes if o.state is State.APPROVED]
    later = [o for o in outcomes if o.ended_at.astimezone(PARIS).date() > day]
    return SettlementDay(
        day=day,
        transfer_on=calendar.add_working_days(day, SETTLEMENT_WORKING_DAYS),
        payments=len(kept),
        kept_cents=sum(kept),
        reversed_cents=sum(o.reversed_cents for o in outcomes),
        reversed_later_cents=sum(o.reversed_cents for o in later),
        undecided_cents=sum(o.received_cents for o in outcomes if o.state is not State.APPROVED),
        surplus_cents=sum(o.surplus_cents for o in outcomes),
    )


_DATE: Final = "%d/%m/%Y"
_ROW: Final = "{:<14}{:>12}{:>20}   {}"


def _table(days: Sequence[SettlementDay], language: Language) -> str:
    """Lay the days out in columns; an empty text when there is none."""
    if not days:
        return ""
    heads = ("settlement_day", "settlement_payments", "settlement_kept", "settlement_transfer")
    lines = [_ROW.format(*(report_text(head, language) for head in heads))]
    for day in days:
        transfer = report_text("settlement_about", language, date=day.transfer_on.strftime(_DATE))
        kept = format_amount(day.kept_cents)
        lines.append(_ROW.format(day.day.strftime(_DATE), day.payments, kept, transfer))
        notes = {
            "settlement_reversed": day.reversed_cents,
            "settlement_reversed_later": day.reversed_later_cents,
            "settlement_undecided": day.undecided_cents,
            "settlement_surplus": day.surplus_cents,
        }
        lines += [
            "  " + report_text(note, language, amount=format_amount(cents))
            for note, cents in notes.items()
            if cents
        ]
    return "\n".join(lines)
