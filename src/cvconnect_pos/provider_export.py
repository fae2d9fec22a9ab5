"""The provider's export as a table: read leniently, one physical line a row, nothing dropped.

Unverified: the export's columns are not public. `ExportFormat` is the one place where a vendor who has a real export
corrects them.

One physical line is one row: a broken quotation mark spoils its own line, not all that follow. A text that holds a line
feed is therefore said to be broken.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.messages import Language, error_message, labelled, report_text
from cvconnect_pos.money import MAX_CENTS, parse_amount
from cvconnect_pos.tickets import PARIS

MAX_ROWS: Final = 100_000
"""A shop that takes 270 payments a day for a year. More is another file, or a mistake."""

MAX_LINE: Final = 10_000
"""Characters in a line: thirty fields of the longest text that the provider's pages accept, and to spare."""

MAX_EXPORT: Final = 32 * 1024 * 1024
"""Bytes, or characters once decoded: `MAX_ROWS` lines of 320."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """What the export calls things. Correct it here, or pass another one: nothing else knows these words.

    Case, accents, spaces and apostrophes do not matter. Of several names for a column the first one found counts.

    Unverified: all of it. The provider's export is not public. These are the words of its pages, as the ANCV merchant
    leaflets show them (*Créée le*, *Modifiée le*, *Demandé*, *Reçu*, and the four statuses).

    Args:
        transaction_id: Names of the column of the provider's transaction id; required.
        received: Names of the column of the amount received; required.
        status: Names of the column of the status; without it every amount received counts.
        day: Names of the column of the payment's date.
        basket_ref: Names of the column of the basket number.
        paid: The statuses whose amount received counts.
        recredited: The statuses whose amount received was given back.
        unpaid: The statuses that cannot have an amount received.
        in_cents: Whether amounts are written in cents (`4550`) and not in euros (`45,50`). It is never guessed.
    """

    transaction_id: tuple[str, ...] = ("N° de transaction", "Transaction", "Identifiant de transaction")
    received: tuple[str, ...] = ("Reçu", "Montant reçu")
    status: tuple[str, ...] = ("Statut", "État")
    day: tuple[str, ...] = ("Modifiée le", "Créée le", "Date")
    basket_ref: tuple[str, ...] = ("N° de panier", "Panier")
    paid: tuple[str, ...] = ("Validé",)
    recredited: tuple[str, ...] = ("Annulé",)
    unpaid: tuple[str, ...] = ("Expiré", "En attente de paiement")
    in_cents: bool = False


PROVIDER_EXPORT: Final = ExportFormat()

_REQUIRED: Final = ("transaction_id", "received")
_COLUMNS: Final = (*_REQUIRED, "status", "day", "basket_ref")
_STATUSES: Final = ("paid", "recredited", "unpaid")
_SEPARATORS: Final = (";", ",", "\t")
_EMPTY: Final = "".join(_SEPARATORS) + " \u00a0"
"""A line of nothing but these is blank: spreadsheets write separators for rows that hold nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be said of the export, or of the outcomes beside it.

    Args:
        code: A stable code.
        line: The line of the file, from 1; None when it is about outcomes.
        fields: What the words need; no content of a line that could not be read.
    """

    code: str
    line: int | None = None
    fields: Mapping[str, object] = field(default_factory=dict[str, object])

    def text(self, language: Language = "fr") -> str:
        """Say it, and what to do about it, on one line."""
        words = error_message(self.code, self.fields, language)
        said = f"{words.text} {words.remedy}"
        if self.line is None:
            return said
        return labelled(report_text("line", language, line=self.line), said, language)

    def as_dict(self) -> dict[str, Any]:
        """Give the fields, as JSON knows them."""
        return {"code": self.code, "line": self.line, "fields": dict(self.fields)}


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One line of the export.

    Args:
        line: Its number in the file, from 1.
        transaction_id: The provider's id; empty when it cannot be read.
        kept_cents: What the shop has of it: the amount received, zero once re-credited; None when it cannot be read.
        basket_ref: The basket number, where the export has it.
        day: The payment's day in Paris, where the export has it.
    """

    line: int
    transaction_id: str = ""
    kept_cents: int | None = None
    basket_ref: str = ""
    day: date | None = None


def decode_export(data: bytes) -> str:
    """Read the bytes of an export: UTF-8 with or without a mark, else Windows-1252.

    Args:
        data: The file, at most `MAX_EXPORT` bytes.

    Returns:
        Its text.

    Raises:
        InvalidInput: `EXPORT_TOO_LARGE`, or `EXPORT_ENCODING` when it is neither.
    """
    _check_size(len(data))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise InvalidInput("EXPORT_ENCODING", field="export") from error


def _check_size(size: int) -> None:
    if size > MAX_EXPORT:
        raise InvalidInput("EXPORT_TOO_LARGE", field="export", limit=MAX_EXPORT)


def _plain(text: str) -> str:
    """Make two spellings of one word equal: case, accents, spaces, apostrophes."""
    bare = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return " ".join("".join(c for c in bare if not unicodedata.combining(c)).casefold().split())


def _cells(line: str, separator: str) -> list[str] | None:
    """Split a line that is not blank; None when it is broken."""
    if len(line) > MAX_LINE:
        return None
    try:
        [cells] = csv.reader([line], delimiter=separator, strict=True)
    except csv.Error:
        return None
    return [cell.strip() for cell in cells]


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the lines of one file are read.

    Args:
        separator: What stands between its cells.
        width: How many cells its header has.
        places: Where each column stands.
        meanings: For each status, the field of `ExportFormat` that names it.
        in_cents: Whether amounts are written in cents.
    """

    separator: str
    width: int
    places: Mapping[str, int]
    meanings: Mapping[str, str]
    in_cents: bool

    def read(self, line: int, text: str) -> tuple[ExportRow, list[Finding]]:
        """Read a line, and say what is wrong with it."""
        cells = _cells(text, self.separator)
        if cells is None or len(cells) != self.width:
            return ExportRow(line), [Finding("ROW_BROKEN" if cells is None else "ROW_CELLS", line)]
        named = {column: cells[place] for column, place in self.places.items()}
        transaction_id, basket_ref = named["transaction_id"], named.get("basket_ref", "")
        readable = _ID.fullmatch(transaction_id) is not None
        kept = self._kept(named["received"], named.get("status"))
        day, day_is_readable = _day(named.get("day", ""))
        faults = [
            *([] if readable else ["ROW_TRANSACTION_UNREADABLE"]),
            *([kept] if isinstance(kept, str) else []),
            *([] if day_is_readable else ["ROW_DATE_UNREADABLE"]),
        ]
        row = ExportRow(
            line,
            transaction_id if readable else "",
            kept if isinstance(kept, int) else None,
            basket_ref if basket_ref.isprintable() else "",
            day,
        )
        return row, [Finding(fault, line) for fault in faults]

    def _kept(self, amount: str, status: str | None) -> int | str:
        """Read what the shop has of a line; the code of what is wrong when that cannot be said."""
        meaning = "paid" if status is None else self.meanings.get(_plain(status))
        received = self._cents(amount)
        if meaning is None:
            return "ROW_STATUS_UNKNOWN"
        if received is None and (amount or meaning == "paid"):
            return "ROW_AMOUNT_UNREADABLE"
        if received and meaning == "unpaid":
            return "ROW_STATUS_CONTRADICTS"
        return received if received is not None and meaning == "paid" else 0

    def _cents(self, text: str) -> int | None:
        if self.in_cents:
            return int(text) if _CENTS.fullmatch(text) and int(text) <= MAX_CENTS else None
        try:
            return parse_amount(text)
        except InvalidInput:
            return None


_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a transaction id looks like: anything else in its column is another thing. `Source:` public integrations."""

_CENTS: Final = re.compile(r"[0-9]{1,10}")
_FRENCH_DATE: Final = re.compile(
    r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?: (?:à )?[0-9]{1,2}[:h][0-9]{2}(?::[0-9]{2})?)?"
)


def _day(text: str) -> tuple[date | None, bool]:
    """Read a date with or without a time, French or ISO; and whether it could be read. A time without zone is Paris's."""
    if not text:
        return None, True
    try:
        if french := _FRENCH_DATE.fullmatch(text):
            day, month, year = map(int, french.groups())
            return date(year, month, day), True
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is None else moment.astimezone(PARIS)).date(), True
    except (ValueError, OverflowError):
        return None, False


def _reader(header: str, words: ExportFormat) -> _Reader:
    """Find the separator and the columns from the header."""
    names: dict[str, tuple[str, ...]] = {column: getattr(words, column) for column in _COLUMNS}
    absent: list[list[str]] = []
    for separator in _SEPARATORS:
        cells = [_plain(cell) for cell in _cells(header, separator) or []]
        found = {column: [n for n in names[column] if _plain(n) in cells] for column in _COLUMNS}
        absent.append([names[column][0] for column in _REQUIRED if not found[column]])
        if absent[-1]:
            continue
        chosen = {column: known[0] for column, known in found.items() if known}
        for name in chosen.values():
            if cells.count(_plain(name)) > 1:
                raise InvalidInput("EXPORT_COLUMN_TWICE", field="export", column=name)
        places = {column: cells.index(_plain(name)) for column, name in chosen.items()}
        meanings = {_plain(word): kind for kind in _STATUSES for word in getattr(words, kind)}
        return _Reader(separator, len(cells), places, meanings, words.in_cents)
    raise InvalidInput("EXPORT_COLUMN_MISSING", field="export", column=min(absent, key=len)[0])


def read_export(text: str, words: ExportFormat) -> tuple[list[ExportRow], list[Finding], int]:
    """Read an export: its rows, what is wrong with them, and how many lines are blank."""
    _check_size(len(text))
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip(_EMPTY)]
    if len(filled) > MAX_ROWS + 1:
        raise InvalidInput("EXPORT_TOO_MANY_ROWS", field="export", limit=MAX_ROWS)
    reader = _reader(filled[0][1] if filled else "", words)
    rows: list[ExportRow] = []
    findings: list[Finding] = []
    for number, line in filled[1:]:
        row, said = reader.read(number, line)
        rows.append(row)
        findings += said
    after_the_end = lines[-1] == ""  # what follows the last line feed is no line
    return rows, findings, len(lines) - len(filled) - after_the_end
