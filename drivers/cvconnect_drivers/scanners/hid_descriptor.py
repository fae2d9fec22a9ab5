"""What a HID device says of its input reports: which usage stands at which bit. Pure.

Source: Device Class Definition for HID 1.11, 6.2.2 (items), 6.2.2.8 (usages), 8.4 (a report's number comes first).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

MAX_DESCRIPTOR_BYTES = 4096
"""What operating systems take (Linux `HID_MAX_DESCRIPTOR_SIZE`)."""

_INPUT = 8
_HIGHEST_REPORT_ID = 255
_GLOBALS = {0: "page", 7: "size", 8: "report_id", 9: "count"}
_LONG_ITEM = 0xFE
_FULL_USAGE_BYTES = 4
_MAX_USAGES = 512


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a report.

    Args:
        first_bit: Where it begins, the report's number included.
        bits: How long each element is.
        count: How many elements stand there.
    """

    first_bit: int
    bits: int
    count: int = 1

    @property
    def end_bit(self) -> int:
        """The bit behind it."""
        return self.first_bit + self.bits * self.count


@dataclass(frozen=True, slots=True)
class _Globals:
    page: int = 0
    size: int = 0
    count: int = 0
    report_id: int = 0


@dataclass(slots=True)
class _Report:
    next_bit: int
    fields: dict[int, Field] = field(default_factory=dict[int, Field])


def input_fields(descriptor: bytes) -> Mapping[int, Mapping[int, Field]]:
    """Read a report descriptor.

    Args:
        descriptor: Its bytes, whatever they hold.

    Returns:
        For each input report's number (0 when reports have none), the place of each usage; a usage is its page, shifted
        left by 16 bits, and its number. The first place of a usage counts.
    """
    reports: dict[int, _Report] = {}
    now, stack = _Globals(), list[_Globals]()
    usages: list[int] = []
    minimum = 0
    for kind, tag, data in _items(descriptor[:MAX_DESCRIPTOR_BYTES]):
        value = int.from_bytes(data, "little")
        match kind, tag:  # kinds: 0 main, 1 global, 2 local
            case 1, tag if tag in _GLOBALS:
                now = replace(now, **{_GLOBALS[tag]: value})
            case 1, 10:  # push
                stack.append(now)
            case 1, 11 if stack:  # pop
                now = stack.pop()
            case 2, 0:
                usages.append(_usage(now, data))
            case 2, 1:
                minimum = _usage(now, data)
            case 2, 2:
                usages.extend(range(minimum, _usage(now, data) + 1)[:_MAX_USAGES])
            case 0, tag:  # the main items end what was said of usages
                if tag == _INPUT:
                    _add(reports, now, usages)
                usages.clear()
            case _:
                pass
    return {report_id: report.fields for report_id, report in reports.items()}


def _items(descriptor: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Cut a descriptor into items: kind, tag, data. One that is cut off ends it."""
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG_ITEM:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        size = (0, 1, 2, 4)[prefix & 3]
        data = descriptor[at + 1 : at + 1 + size]
        if len(data) < size:
            return
        yield prefix >> 2 & 3, prefix >> 4, data
        at += 1 + size


def _usage(now: _Globals, data: bytes) -> int:
    """A usage of four bytes brings its page along; a shorter one is of the page before it."""
    number = int.from_bytes(data, "little")
    return number if len(data) == _FULL_USAGE_BYTES else now.page << 16 | number


def _add(reports: dict[int, _Report], now: _Globals, usages: list[int]) -> None:
    if now.report_id > _HIGHEST_REPORT_ID:  # no byte before a report can say so
        return
    report = reports.setdefault(now.report_id, _Report(next_bit=8 if now.report_id else 0))
    for place, usage in enumerate(usages[: min(now.count, _MAX_USAGES)]):
        is_last = place == len(usages) - 1  # it is that of all elements that are left
        there = Field(report.next_bit + place * now.size, now.size, now.count - place if is_last else 1)
        report.fields.setdefault(usage, there)
    report.next_bit += now.size * now.count
