"""What a caller may ask of the journal, checked before the file is touched: a wrong argument is no damage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from math import isfinite
from typing import Any, cast

from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.journal.export import PARIS

_INTEGERS = range(-(2**63), 2**63)
"""What SQLite keeps as an integer."""


def check_text(field: str, value: object) -> None:
    """Refuse what is no text, or cannot be written as UTF-8.

    Raises:
        InvalidInput: `REFERENCE_NOT_TEXT` or `REFERENCE_UNPRINTABLE`.
    """
    if not isinstance(value, str):
        raise InvalidInput("REFERENCE_NOT_TEXT", field=field, type=type(value).__name__)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput("REFERENCE_UNPRINTABLE", field=field) from None


def check_number(field: str, value: object, *, least: int = _INTEGERS.start) -> None:
    """Refuse what is no whole number, or too small or large to be kept.

    Raises:
        InvalidInput: `NUMBER_OUT_OF_RANGE`.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _INTEGERS.stop:
        raise InvalidInput("NUMBER_OUT_OF_RANGE", field=field, least=least, most=_INTEGERS.stop - 1)


def check_members(field: str, values: object, kind: type[StrEnum]) -> None:
    """Refuse a choice that has another member than those of an enumeration: a text is none.

    Raises:
        InvalidInput: `CHOICE_UNKNOWN`.
    """
    chosen: list[object] = list(cast("Iterable[object]", values)) if isinstance(values, Iterable) else [None]
    if not all(isinstance(one, kind) for one in chosen):
        raise InvalidInput("CHOICE_UNKNOWN", field=field, allowed=", ".join(kind))


def check_seconds(field: str, value: object) -> None:
    """Refuse what is no moment of a monotonic clock, in seconds.

    Raises:
        InvalidInput: `NUMBER_OUT_OF_RANGE`.
    """
    if not isinstance(value, int | float) or not isfinite(value):
        raise InvalidInput("NUMBER_OUT_OF_RANGE", field=field, least=0, most=_INTEGERS.stop - 1)


def check_moment(field: str, value: object) -> datetime:
    """Bring a moment to UTC.

    Raises:
        InvalidInput: `MOMENT_UNUSABLE`: it is no moment, has no time zone, or lies outside the calendar.
    """
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
    except OverflowError:
        pass
    raise InvalidInput("MOMENT_UNUSABLE", field=field)


def check_day(day: object, at: datetime) -> None:
    """Refuse to close what is no day, or a day that has not begun in Paris.

    Args:
        day: The day to close. Today may be closed: a shop closes in the evening.
        at: Now.

    Raises:
        InvalidInput: `DAY_NOT_A_DATE`, `DAY_NOT_BEGUN` or `MOMENT_UNUSABLE`.
    """
    today = check_moment("at", at).astimezone(PARIS).date()
    if not isinstance(day, date) or isinstance(day, datetime):
        raise InvalidInput("DAY_NOT_A_DATE", field="day", type=type(day).__name__)
    if day > today:
        raise InvalidInput("DAY_NOT_BEGUN", field="day", day=day.isoformat(), today=today.isoformat())


def encode(data: Mapping[str, Any]) -> str:
    """Write an entry's data as JSON text.

    Raises:
        InvalidInput: It holds what JSON cannot say.
    """
    import msgspec

    try:
        return msgspec.json.encode(data, order="sorted").decode()
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(field="data") from None  # the cause might quote it
