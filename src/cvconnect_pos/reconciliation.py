"""The provider's export against the journal: what agrees, what is missing on either side, what differs.

Every line of the export and every outcome is in exactly one item of the report, so that its totals add up. A line that
cannot be read is a finding with its number, never dropped; what cannot be known is in doubt, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from cvconnect_pos.messages import Language, labelled, report_text
from cvconnect_pos.money import format_amount
from cvconnect_pos.outcome import Outcome
from cvconnect_pos.provider_export import PROVIDER_EXPORT, ExportFormat, ExportRow, Finding, read_export
from cvconnect_pos.settlement import last_words
from cvconnect_pos.tickets import SIMULATION

SHOWN: Final = 50
"""How many items of a kind a screen lists; the report itself holds all of them."""


class Verdict(StrEnum):
    """What is to be said of a line, of an outcome, or of both together."""

    MATCHED = "MATCHED"  # both have it, with the same amount
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"  # both have it, with two amounts
    MISSING_HERE = "MISSING_HERE"  # the provider says that it was paid, and no outcome names it
    MISSING_THERE = "MISSING_THERE"  # money was kept here, and no line names it
    NOTHING_KEPT = "NOTHING_KEPT"  # on one side only, and without money: nobody misses it
    IN_DOUBT = "IN_DOUBT"  # the line cannot be read, or lines or outcomes contradict one another
    DUPLICATE = "DUPLICATE"  # a line, or a delivery of an outcome, that repeats another one
    OTHER_ENVIRONMENT = (
        "OTHER_ENVIRONMENT"  # an outcome of a simulation beside an export of production, or the reverse
    )


_FINE: Final = frozenset(
    {Verdict.MATCHED, Verdict.NOTHING_KEPT, Verdict.DUPLICATE, Verdict.OTHER_ENVIRONMENT}
)
"""What nobody needs to look at; a repeated line has its finding."""

_WITH_MONEY: Final = frozenset(
    {Verdict.MATCHED, Verdict.AMOUNT_DIFFERS, Verdict.MISSING_HERE, Verdict.MISSING_THERE}
)
"""Whose totals a screen shows: no amount of the others is missing in them, or unknown."""


@dataclass(frozen=True, slots=True)
class ReconciliationItem:
    """A line, an outcome, or the two that belong together.

    Args:
        verdict: What is to be said of it.
        row: The line, or None.
        outcome: The outcome, or None.
        here_cents: What was kept here, as far as it counts in the totals.
        there_cents: What was kept by the line, as far as it is known and counts in the totals.
    """

    verdict: Verdict
    row: ExportRow | None = None
    outcome: Outcome | None = None
    here_cents: int | None = None
    there_cents: int | None = None

    @property
    def transaction_id(self) -> str:
        """The provider's id; empty when unknown."""
        known = [side.transaction_id for side in (self.row, self.outcome) if side is not None]
        return next(filter(None, known), "")

    def text(self, language: Language = "fr") -> str:
        """Say what it is about, on one line."""
        row, outcome = self.row, self.outcome
        basket = next(filter(None, (side.basket_ref for side in (outcome, row) if side is not None)), "")
        parts = [report_text("line", language, line=row.line)] if row else []
        if self.transaction_id:
            parts.append(report_text("transaction", language, transaction_id=self.transaction_id))
        if basket:
            parts.append(report_text("basket", language, basket_ref=basket))
        here = _amount(self.here_cents, outcome, language)
        there = _amount(self.there_cents, row, language)
        return labelled(", ".join(parts), report_text("totals", language, here=here, there=there), language)

    def as_dict(self) -> dict[str, Any]:
        """Give what names both sides, and the amounts, as JSON knows them."""
        row, outcome = self.row, self.outcome
        return {
            "verdict": self.verdict.value,
            "line": row.line if row else None,
            "request_id": outcome.request_id if outcome else None,
            "transaction_id": self.transaction_id,
            "here_cents": self.here_cents,
            "there_cents": self.there_cents,
        }


@dataclass(frozen=True, slots=True)
class Totals:
    """How many items, and their money.

    Args:
        items: How many.
        here_cents: What was kept here.
        there_cents: What was kept by the export; lines in doubt without a readable amount add nothing.
    """

    items: int
    here_cents: int
    there_cents: int

    @property
    def difference_cents(self) -> int:
        """How much more the export says than the journal."""
        return self.there_cents - self.here_cents

    def as_dict(self) -> dict[str, int]:
        """Give the fields, as JSON knows them."""
        return {"items": self.items, "here_cents": self.here_cents, "there_cents": self.there_cents}


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """The two sides, item by item.

    Args:
        items: Every line and every outcome, each in exactly one of them: the lines in the order of the file, then the
            outcomes that no line names.
        findings: What is to be said of the export, in the order of the file.
        blank_lines: How many lines of the file held nothing at all.
        simulation: Whether a test environment was reconciled.
    """

    items: tuple[ReconciliationItem, ...]
    findings: tuple[Finding, ...]
    blank_lines: int
    simulation: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing needs a person."""
        return not self.findings and all(item.verdict in _FINE for item in self.items)

    def of(self, verdict: Verdict) -> tuple[ReconciliationItem, ...]:
        """List the items with that verdict."""
        return tuple(item for item in self.items if item.verdict is verdict)

    def total(self, verdict: Verdict | None = None) -> Totals:
        """Add up the items with that verdict, or all of them."""
        items = self.items if verdict is None else self.of(verdict)
        return Totals(
            len(items), sum(i.here_cents or 0 for i in items), sum(i.there_cents or 0 for i in items)
        )

    def as_dict(self) -> dict[str, Any]:
        """Give everything, as JSON knows it."""
        return {
            "simulation": self.simulation,
            "clean": self.is_clean,
            "totals": {verdict.value: self.total(verdict).as_dict() for verdict in Verdict},
            "items": [item.as_dict() for item in self.items],
            "findings": [finding.as_dict() for finding in self.findings],
            "blank_lines": self.blank_lines,
        }

    def text(self, language: Language = "fr") -> str:
        """Say it on a screen: the totals, then what needs a person."""
        lines = [report_text("reconciliation", language), *([SIMULATION] if self.simulation else [])]
        for verdict in Verdict:
            total = self.total(verdict)
            if total.items:
                money = f" ({_sides(total, language)})" if verdict in _WITH_MONEY else ""
                said = f"{total.items}{money}"
                lines.append(labelled(report_text(verdict, language), said, language))
            if verdict not in _FINE:
                lines += _listed([item.text(language) for item in self.of(verdict)], language)
        if self.findings:
            lines.append(labelled(report_text("findings", language), str(len(self.findings)), language))
            lines += _listed([finding.text(language) for finding in self.findings], language)
        whole = self.total()
        said = f"{format_amount(whole.difference_cents)} ({_sides(whole, language)})"
        unknown = any(item.row and item.there_cents is None for item in self.of(Verdict.IN_DOUBT))
        label = report_text("difference_known" if unknown else "difference", language)
        lines.append(labelled(label, said, language))
        return "\n".join(lines)


def _amount(cents: int | None, side: object, language: Language) -> str:
    """Write what a side has; a side that is absent is not one that cannot be read."""
    if cents is None:
        return report_text("none" if side is None else "unknown", language)
    return format_amount(cents)


def _sides(total: Totals, language: Language) -> str:
    here, there = format_amount(total.here_cents), format_amount(total.there_cents)
    return report_text("totals", language, here=here, there=there)


def _listed(texts: Sequence[str], language: Language) -> list[str]:
    more = len(texts) - SHOWN
    shown = [f"  {text}" for text in texts[:SHOWN]]
    return shown + ([f"  {report_text('more', language, number=more)}"] if more > 0 else [])


# --- comparing --------------------------------------------------------------------------------------------------------


def reconcile(
    export: str,
    outcomes: Iterable[Outcome],
    *,
    export_format: ExportFormat = PROVIDER_EXPORT,
    simulation: bool = False,
) -> ReconciliationReport:
    """Compare an export of the provider with the journal's outcomes, by the provider's transaction id.

    Unverified: that the export names a transaction by the id that the API gives.

    Args:
        export: The text of the file, with a header, at most `MAX_ROWS` rows; see `decode_export`.
        outcomes: The outcomes of all tills of the shop, of the same period as the export. Several of one request count
            once: the last does.
        export_format: What the export calls things.
        simulation: Whether the export is that of a test environment; outcomes of the other one are set apart.

    Returns:
        The report.

    Raises:
        InvalidInput: The file cannot be compared: `EXPORT_TOO_LARGE`, `EXPORT_TOO_MANY_ROWS`, `EXPORT_COLUMN_MISSING` or
            `EXPORT_COLUMN_TWICE`.
    """
    rows, findings, blank = read_export(export, export_format)
    given = list(outcomes)
    current, replaced = last_words(each for each in given if each.simulation is simulation)
    by_id = _grouped(current)
    items: list[ReconciliationItem] = []
    for lines in _grouped(rows).values():
        said, wrong = _compare(lines, by_id.pop(lines[0].transaction_id, []))
        items += said
        findings += wrong
    items.sort(key=lambda item: (item.row is None, item.row.line if item.row else 0))
    for ours in by_id.values():
        items += _alone(ours)
        findings += _shared(ours)
    apart = [each for each in given if each.simulation is not simulation]
    items += [ReconciliationItem(Verdict.DUPLICATE, outcome=each) for each in replaced]
    items += [ReconciliationItem(Verdict.OTHER_ENVIRONMENT, outcome=each) for each in apart]
    findings.sort(key=lambda finding: finding.line or 0)
    return ReconciliationReport(tuple(items), tuple(findings), blank, simulation)


_Named = TypeVar("_Named", ExportRow, Outcome)


def _grouped(things: Iterable[_Named]) -> dict[str, list[_Named]]:
    """Bring together what has one transaction id; what has none stays alone, under a key that no id can be."""
    groups: dict[str, list[_Named]] = {}
    for number, thing in enumerate(things):
        groups.setdefault(thing.transaction_id or f"#{number}", []).append(thing)
    return groups


def _compare(
    lines: Sequence[ExportRow], ours: Sequence[Outcome]
) -> tuple[list[ReconciliationItem], list[Finding]]:
    """Judge the lines of one transaction and the outcomes that name it."""
    first, *repeats = lines
    there = first.kept_cents
    findings = [Finding("ROW_DUPLICATE", row.line, {"first": first.line}) for row in repeats]
    if any(row.kept_cents != there for row in repeats):
        there = None
        findings.append(Finding("ROW_CONTRADICTS", first.line))
    outcome = ours[0] if ours else None
    here = None if outcome is None else outcome.received_cents
    verdict = _verdict(here, there, sure=bool(first.transaction_id) and len(ours) <= 1)
    items = [ReconciliationItem(verdict, first, outcome, here, there)]
    items += [ReconciliationItem(Verdict.DUPLICATE, row) for row in repeats]
    items += [_in_doubt(other) for other in ours[1:]]
    return items, findings + _shared(ours)


def _verdict(here: int | None, there: int | None, *, sure: bool) -> Verdict:
    if there is None or not sure:
        return Verdict.IN_DOUBT
    if here is None:
        return Verdict.MISSING_HERE if there else Verdict.NOTHING_KEPT
    return Verdict.MATCHED if here == there else Verdict.AMOUNT_DIFFERS


def _alone(ours: Sequence[Outcome]) -> list[ReconciliationItem]:
    """Judge outcomes that no line names."""
    if len(ours) > 1:
        return [_in_doubt(outcome) for outcome in ours]
    return [
        ReconciliationItem(
            Verdict.MISSING_THERE if outcome.received_cents else Verdict.NOTHING_KEPT,
            outcome=outcome,
            here_cents=outcome.received_cents,
        )
        for outcome in ours
    ]


def _in_doubt(outcome: Outcome) -> ReconciliationItem:
    return ReconciliationItem(Verdict.IN_DOUBT, outcome=outcome, here_cents=outcome.received_cents)


def _shared(ours: Sequence[Outcome]) -> list[Finding]:
    """Say that requests share a transaction, where they do."""
    return [Finding("TRANSACTION_SHARED", fields={"transaction_id": o.transaction_id}) for o in ours[1:2]]
