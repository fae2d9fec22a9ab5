"""Reads a whole journal and says whether it is what was written. It needs nothing of the till, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvconnect_pos.errors import JournalError
from cvconnect_pos.journal import file, index
from cvconnect_pos.journal.base import ERASED, NEW_KEYS, RESTORED, AttemptSummary
from cvconnect_pos.journal.chain import Fault, Link, first_break
from cvconnect_pos.journal.closings import CLOSING, Books, Closing, Period, Totals, totals_of
from cvconnect_pos.journal.head import NOTHING, Head, read_head_file
from cvconnect_pos.journal.keys import key_store
from cvconnect_pos.journal.safe import Safe
from cvconnect_pos.journal.signing import is_signed, public_key, public_key_id
from cvconnect_pos.journal.sqlite import has_head, head_beside, keys_beside

if TYPE_CHECKING:
    import apsw


_NOTED = {NEW_KEYS: "key_id", RESTORED: "lost"}
"""What the journal may note of itself, and which part of it is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written.

    Args:
        code: A `Fault` of the chain, or `PAGE`, `HEAD`, `HEAD_MISSING`, `INDEX`, `CLOSING`, `IDENTIFIER`.
        seq: The entry it is about; 0 for none in particular.
        detail: What in particular: a request id, a closing.
    """

    code: str
    seq: int = 0
    detail: str = ""


@dataclass(slots=True)
class Report:
    """What a verification found.

    Args:
        entries: How many entries there are.
        attempts: How many attempts.
        closings: The closings, in order.
        identifiers: How many customer identifiers are kept.
        lost_identifiers: How many of them stay closed for ever, because their key is lost, as an entry says.
        notes: What the journal says of itself: `NEW_KEYS`, `RESTORED`. No fault.
        head: The last entry that the chain holds up to.
        findings: What is wrong, by importance; empty when all is well.
    """

    entries: int = 0
    attempts: int = 0
    closings: list[Closing] = field(default_factory=list[Closing])
    identifiers: int = 0
    lost_identifiers: int = 0
    notes: list[Finding] = field(default_factory=list[Finding])
    head: Head = NOTHING
    findings: list[Finding] = field(default_factory=list[Finding])


def verify(path: Path, *, head: Path | None = None, keys: str | Path | None = None) -> Report:
    """Verify a journal, open or closed: every page, every entry, every closing, every derived row.

    Args:
        path: The journal.
        head: See `SqliteJournal`.
        keys: See `SqliteJournal`.

    Returns:
        What was found.

    Raises:
        JournalError: The file cannot be read at all: it is missing, locked, foreign, of another version.
    """
    report = Report()
    safe = Safe(key_store(keys or keys_beside(path)))
    head = head or head_beside(path)
    with file.translated(path):
        told = read_head_file(head)
        if path.is_file() and file.is_lost(path):
            report.findings.append(Finding(Fault.CUT.value, 1))
            return report
        connection = file.connect_to_read(path)
        try:
            connection.execute(
                "BEGIN"
            )  # one moment of a journal that may be open elsewhere; the head is older
            if file.check_version(connection, path):
                _verify(connection, report, safe, told, head)
            elif told and told.seq:
                report.findings.append(Finding(Fault.CUT.value, 1))
            elif told is None and (safe.has_keys or head.exists()):
                report.findings.append(Finding("HEAD_MISSING", detail=str(head)))
        finally:
            connection.close()
    return report


def _verify(
    connection: apsw.Connection, report: Report, safe: Safe, told: Head | None, head_path: Path
) -> None:
    import apsw

    try:
        for (said,) in connection.execute("PRAGMA integrity_check(1)"):
            if said != "ok":
                report.findings.append(Finding("PAGE", detail=str(said)))
        reader = _Reader(report)
        broken = first_break(reader.read(file.read_raw_links(connection)))
        for _ in reader.rest:
            pass  # what follows a break is counted, not judged
    except apsw.CorruptError:
        report.findings.append(Finding("PAGE", report.entries + 1))
        return
    if broken:
        report.findings.append(Finding(broken.fault.value, broken.seq))
    try:
        _compare(connection, report, reader, safe, told, head_path)
    except apsw.CorruptError:
        report.findings.append(Finding("PAGE"))


def _compare(  # noqa: PLR0917 - what stands beside the entries, and where
    connection: apsw.Connection,
    report: Report,
    reader: _Reader,
    safe: Safe,
    told: Head | None,
    head_path: Path,
) -> None:
    """Compare what stands beside the entries with them."""
    report.findings += _head_findings(connection, report, safe, told, head_path)
    report.findings += reader.findings
    if connection.pragma("user_version") == file.SCHEMA_VERSION:  # others are made anew when the till opens
        report.findings += _index_findings(connection, reader.attempts)
    report.findings += _identifier_findings(connection, safe, reader, report)
    report.findings += _key_findings(safe, reader.closings)


def _head_findings(
    connection: apsw.Connection, report: Report, safe: Safe, told: Head | None, head_path: Path
) -> Iterator[Finding]:
    """Compare the end of the chain with the head that is kept besides."""
    if told is None:
        if report.entries or safe.has_keys:
            yield Finding("HEAD_MISSING", detail=str(head_path))
    elif told.seq > report.head.seq:
        yield Finding(Fault.CUT.value, report.head.seq + 1)
    elif not has_head(connection, told):
        yield Finding("HEAD", told.seq)


def _key_findings(safe: Safe, closings: list[Closing]) -> Iterator[Finding]:
    """Name the closings that another key has signed than the one that signs now."""
    if closings and safe.has_keys:
        own = public_key_id(public_key(safe.keys().signing))
        for closing in closings:
            if closing.key_id != own:
                yield Finding("CLOSING", detail=f"{closing.request_id}: {closing.key_id}")


class _Reader:
    """Follows the entries as they are read: attempts, totals, closings, commitments."""

    def __init__(self, report: Report) -> None:
        self.findings: list[Finding] = []
        self.attempts: dict[str, AttemptSummary] = {}
        self.commitments: dict[int, tuple[str, bytes]] = {}
        self._committed: dict[str, list[int]] = {}
        self.closings: list[Closing] = []
        """Those since there were new keys."""
        self.new_keys_seq = 0
        self.rest: Iterator[Link] = iter(())
        self._report = report
        self._books = {False: Totals(), True: Totals()}
        self._last: dict[Period, Closing] = {}

    def read(self, links: Iterator[Link]) -> Iterator[Link]:
        self.rest = self._followed(links)
        return self.rest

    def _followed(self, links: Iterator[Link]) -> Iterator[Link]:
        import msgspec

        for link in links:
            try:
                link.request_id.encode()  # so that findings can be told
                self._follow(link, msgspec.json.decode(link.data))
            except (msgspec.DecodeError, *file.UNREADABLE):
                self.findings.append(Finding(Fault.CHANGED.value, link.seq, "data"))
            self._report.entries += 1
            self._report.head = Head(link.seq, link.hash)
            yield link

    def _follow(self, link: Link, data: dict[str, Any]) -> None:
        if link.kind == CLOSING:
            self._follow_closing(link, data)
            return
        if link.kind in _NOTED and not link.state:
            self._follow_note(link, data)
            return
        if link.commitment:
            self.commitments[link.seq] = (link.request_id, link.commitment)
            self._committed.setdefault(link.request_id, []).append(link.seq)
        elif link.kind == ERASED:
            for seq in self._committed.pop(link.request_id, ()):
                del self.commitments[seq]
        before = self.attempts.get(link.request_id)
        after = index.follow(before, link, data)
        if after is None:
            self.findings.append(Finding("INDEX", link.seq, link.request_id))
            return
        self.attempts[link.request_id] = after
        self._report.attempts = len(self.attempts)
        if before:
            self._books[before.simulation] -= totals_of(before.state, before.received_cents)
        self._books[after.simulation] += totals_of(after.state, after.received_cents)

    def _follow_note(self, link: Link, data: dict[str, Any]) -> None:
        self._report.notes.append(Finding(link.kind, link.seq, str(data[_NOTED[link.kind]])))
        if link.kind == NEW_KEYS:
            self.closings.clear()
            self.new_keys_seq = link.seq

    def _follow_closing(self, link: Link, data: dict[str, Any]) -> None:
        closing, signature = Closing.of_data(data)
        books = Books(production=self._books[False], simulation=self._books[True])
        reach = (self._report.head.seq, self._report.head.hash.hex(), books)
        day = self._last.get(Period.DAY)
        if closing.period is not Period.DAY and day:
            reach = (day.last_seq, day.head, day.totals)
        before = self._last.get(closing.period)
        key = bytes.fromhex(closing.public_key)
        holds = (
            link.request_id == closing.request_id
            and (closing.last_seq, closing.head, closing.totals) == reach
            and closing.period_totals == (closing.totals - before.totals if before else closing.totals)
            and closing.key_id == public_key_id(key)
            and is_signed(closing.to_sign(), bytes.fromhex(signature), key)
        )
        if not holds:
            self.findings.append(Finding("CLOSING", link.seq, link.request_id))
        self._last[closing.period] = closing
        self._report.closings.append(closing)
        self.closings.append(closing)


def _index_findings(connection: apsw.Connection, attempts: dict[str, AttemptSummary]) -> Iterator[Finding]:
    """Compare the derived rows with what the entries say."""
    left = dict(attempts)
    try:
        for row in index.summaries(connection, "ORDER BY seq"):
            if left.pop(row.request_id, None) != row:
                yield Finding("INDEX", row.seq, row.request_id)
    except file.UNREADABLE:
        yield Finding("INDEX", next(iter(left.values())).seq if left else 0)
        return
    for row in left.values():
        yield Finding("INDEX", row.seq, row.request_id)


def _identifier_findings(
    connection: apsw.Connection, safe: Safe, reader: _Reader, report: Report
) -> Iterator[Finding]:
    """Open every identifier, and compare it with what the chain committed to. Without the keys, they are counted."""
    left = dict(reader.commitments)
    rows = safe.everything(connection)
    while True:
        try:
            seq, request_id, sealed = next(rows)
        except StopIteration:
            break
        except file.UNREADABLE:
            yield Finding("IDENTIFIER", min(left, default=0))
            return
        report.identifiers += 1
        promised = left.pop(seq, None)
        holds = promised is not None and promised[0] == request_id
        if safe.has_keys and safe.is_lost(sealed, seq, reader.new_keys_seq):
            report.lost_identifiers += 1
        elif holds and promised and safe.has_keys:
            try:
                holds = safe.open(sealed, request_id, seq)[1] == promised[1]
            except (JournalError, *file.UNREADABLE):
                holds = False
        if not holds:
            yield Finding("IDENTIFIER", seq, request_id)
    for seq, (request_id, _) in left.items():
        yield Finding("IDENTIFIER", seq, request_id)
