"""The report of a closing: what was received and given back, how the operations ended, and what was left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from cvconnect_pos.messages import Language, report_text
from cvconnect_pos.money import format_amount
from cvconnect_pos.tickets.amounts import Amount
from cvconnect_pos.tickets.documents import head_of
from cvconnect_pos.tickets.layout import Printable
from cvconnect_pos.tickets.parts import Gap, Pair, Part, Rule, Weight, Words
from cvconnect_pos.tickets.words import DUPLICATE, REPORT, SIMULATION, say

if TYPE_CHECKING:
    from cvconnect_pos.journal.closings import Closing, Totals
    from cvconnect_pos.operation import Operation

SHOWN_OPEN: Final = 20
"""How many open operations are named; the others are counted."""

_HASH_DIGITS: Final = 16
"""Enough to find the entry, and to see that it is another one."""


@dataclass(frozen=True, slots=True)
class ReportSection:
    """What was real, or what was simulated: they are never added up.

    Args:
        simulation: Which of them.
        counts: Label and number: requests, payments, reversals.
        amounts: What was received, what was given back, what was kept.
        states: Label and number of the operations in each status; None when they were not looked at.
        open_items: What was left open: basket, amount, and why; None when it was not looked at.
    """

    simulation: bool
    counts: tuple[tuple[str, str], ...]
    amounts: tuple[Amount, ...]
    states: tuple[tuple[str, str], ...] | None
    open_items: tuple[tuple[str, str, str], ...] | None


@dataclass(frozen=True, slots=True)
class DayReport(Printable):
    """The report of a closing, data first.

    Args:
        shop: The shop's name and address lines.
        heading: What was closed, in words.
        day: Which day, month or year, as people in the shop write it.
        fields: Label and value: up to which entry, and by which key.
        sections: What was real, then what was simulated, each if there was any.
        duplicate: Whether it is a reprint.
        language: The language it is in.
        logo: The shop's logo, a PNG for the first line, or None.
    """

    shop: tuple[str, ...]
    heading: str
    day: str
    fields: tuple[tuple[str, str], ...]
    sections: tuple[ReportSection, ...]
    duplicate: bool = False
    language: Language = "fr"
    logo: bytes | None = None

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"{self.heading} {self.day}"

    @property
    def simulation(self) -> bool:
        """Whether nothing in it was real, though something was done."""
        return bool(self.sections) and all(section.simulation for section in self.sections)

    def parts(self) -> Iterator[Part]:
        """Say what stands on it, from the top. Its last line says that it ends there, or that it is a simulation."""
        yield from head_of(self.shop, self.logo)
        yield Words(self.heading, bold=True)
        yield Words(self.day, bold=True)
        if self.duplicate:
            yield Words(DUPLICATE, bold=True, french=True)
        if self.simulation:
            yield Words(SIMULATION, bold=True, french=True)
        yield Rule()
        yield from (Pair(label, value) for label, value in self.fields)
        for section in self.sections:
            yield from self._section(section)
        if not self.sections:
            yield from (Rule(), Words(self._say("none")))
        yield Rule()
        yield Words(self._say("end"))
        if self.simulation:
            yield Words(SIMULATION, bold=True, french=True)

    def _section(self, section: ReportSection) -> Iterator[Part]:
        yield Rule()
        if section.simulation and not self.simulation:
            yield Words(SIMULATION, bold=True, french=True)
        yield from (Pair(label, value) for label, value in section.counts)
        yield from (Pair(amount.label, amount.text, amount.weight) for amount in section.amounts)
        if section.states:
            yield from (Gap(), Words(self._say("states"), bold=True))
            yield from (Pair(label, value) for label, value in section.states)
        if section.open_items is None:
            return
        yield Gap()
        if not section.open_items:
            yield Words(self._say("nothing_open"))
            return
        yield Pair(self._say("open"), str(len(section.open_items)), "bold")
        for basket, amount, why in section.open_items[:SHOWN_OPEN]:
            yield from (Pair(basket, amount), Words(why))
        if len(section.open_items) > SHOWN_OPEN:
            yield Words(self._say("more").format(number=len(section.open_items) - SHOWN_OPEN))

    def _say(self, word: str) -> str:
        return say(REPORT[word], self.language)


def day_report_of(
    closing: Closing,
    operations: Iterable[Operation] | None = None,
    left_open: Iterable[Operation] | None = None,
    *,
    shop: Sequence[str] = (),
    duplicate: bool = False,
    language: Language = "fr",
    logo: bytes | None = None,
) -> DayReport:
    """Write the report of a closing, as `Station.close_day` gives it.

    Its totals are those that were signed: what the journal took in since the closing before. Operations are counted as they
    stand now.

    Args:
        closing: Of a day, a month or a year.
        operations: Those of that time, as `Operations.list` gives them; None not to count them by status.
        left_open: What `Operations.list(open_only=True)` gives; None to say nothing of it.
        shop: The shop's name and address lines.
        duplicate: Whether it may have been printed before.
        language: French or English.
        logo: The shop's logo, a PNG; one that no printer could print is left out.

    Returns:
        The report.
    """
    listed = None if operations is None else list(operations)
    waiting = None if left_open is None else [each for each in left_open if each.needs]
    sections: list[ReportSection] = []
    for simulation, totals, ever in (
        (False, closing.period_totals.production, closing.totals.production),
        (True, closing.period_totals.simulation, closing.totals.simulation),
    ):
        ended = None if listed is None else [each for each in listed if each.simulation is simulation]
        waits = None if waiting is None else [each for each in waiting if each.simulation is simulation]
        if ended or waits or any(astuple(totals)):
            sections.append(
                ReportSection(
                    simulation=simulation,
                    counts=_counts(totals, language),
                    amounts=_amounts(totals, ever, language),
                    states=None if ended is None else _by_status(ended, language),
                    open_items=None if waits is None else tuple(_open_item(each, language) for each in waits),
                )
            )
    fields = {"last_entry": str(closing.last_seq), "head": closing.head[:_HASH_DIGITS], "key": closing.key_id}
    return DayReport(
        shop=tuple(shop),
        heading=say(REPORT[closing.period.value], language),
        day="/".join(reversed(closing.name.split("-"))),
        fields=tuple((say(REPORT[name], language), value) for name, value in fields.items()),
        sections=tuple(sections),
        duplicate=duplicate,
        language=language,
        logo=logo,
    )


def _counts(totals: Totals, language: Language) -> tuple[tuple[str, str], ...]:
    counts = {"attempts": totals.attempts, "payments": totals.payments, "reversals": totals.reversals}
    return tuple((say(REPORT[name], language), str(number)) for name, number in counts.items())


def _amounts(totals: Totals, ever: Totals, language: Language) -> tuple[Amount, ...]:
    rows: tuple[tuple[str, int, Weight], ...] = (
        ("received", totals.received_cents, "plain"),
        ("reversed", totals.reversed_cents, "plain"),
        ("kept", totals.received_cents - totals.reversed_cents, "large"),
        ("total_kept", ever.received_cents - ever.reversed_cents, "plain"),
    )
    return tuple(Amount(say(REPORT[name], language), cents, weight) for name, cents, weight in rows)


def _by_status(operations: Iterable[Operation], language: Language) -> tuple[tuple[str, str], ...]:
    """Count the operations in each status, the frequent ones first."""
    number = Counter(each.status.text(language) for each in operations)
    return tuple((status, str(count)) for status, count in number.most_common())


def _open_item(operation: Operation, language: Language) -> tuple[str, str, str]:
    surplus = format_amount(operation.surplus_cents)
    why = report_text(f"need_{operation.needs}", language, amount=surplus)
    return operation.basket_ref, format_amount(operation.asked_cents), why
