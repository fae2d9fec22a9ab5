"""Choose the mask of a QR: which of the eight patterns is laid over its data. Pure.

A whole symbol is one long number, a bit for each module and the light ones of the quiet zone after each row, so that a
rule of the evaluation is a handful of shifts over all modules at once. The same on its mirror image judges the columns.

Source: ISO/IEC 18004:2015, 7.8 (mask patterns, evaluation), 7.9 (format information), 6.3 and annex E (function patterns).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PATTERNS: Final[tuple[Callable[[int, int], bool], ...]] = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, _: row % 2 == 0,
    lambda _, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 2 + row * column % 3 == 0,
    lambda row, column: (row * column % 2 + row * column % 3) % 2 == 0,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2 == 0,
)
"""Table 10: where the modules of the data are turned over."""

_FINDER_LIKE: Final = "1011101"
_QUIET: Final = 4
_GAP: Final = bytes(_QUIET)
_RUN, _BLOCK, _FINDER, _BALANCE = 3, 3, 40, 10
"""Table 11: N1 to N4."""

_ERROR_M: Final = 0b00
_FORMAT_GENERATOR, _FORMAT_MASK = 0x537, 0x5412
_FORMAT_BITS: Final = 15
_TIMING: Final = 6
_DIGITS: Final = b"01" + bytes(254)
_VERSION_INFORMATION_FROM: Final = 7


@dataclass(frozen=True, slots=True)
class _Symbol:
    """What all symbols of one size have in common.

    Args:
        modules: The modules on a side.
        valid: Every module.
        changes: For each mask, what it turns over in a symbol that has mask 0, its format information with it.
        mirrored: The same, rows and columns exchanged.
    """

    modules: int
    valid: int
    changes: tuple[int, ...]
    mirrored: tuple[int, ...]


def best_masked(rows: Iterable[Iterable[int]]) -> tuple[tuple[bool, ...], ...]:
    """Give a symbol the mask that is best to scan.

    Args:
        rows: A QR of error correction M with mask 0, 1 where dark, without its quiet zone.

    Returns:
        The same QR with the mask of the lowest penalty; the first of those that are equal.
    """
    lines = [bytes(line) for line in rows]
    symbol = _symbol(len(lines))
    upright, mirrored = _number(lines), _number([bytes(line) for line in zip(*lines, strict=True)])
    best = min(
        range(len(_PATTERNS)),
        key=lambda mask: _penalty(upright ^ symbol.changes[mask], mirrored ^ symbol.mirrored[mask], symbol),
    )
    return _rows(upright ^ symbol.changes[best], symbol.modules)


def _number(lines: Iterable[bytes]) -> int:
    """Write rows of 0 and 1 one behind the other, each with its gap; the first module is the highest bit."""
    return int(_GAP.join((*lines, b"")).translate(_DIGITS), 2)


def _rows(number: int, modules: int) -> tuple[tuple[bool, ...], ...]:
    stride = modules + _QUIET
    digits = f"{number:0{modules * stride}b}"
    return tuple(
        tuple(digit == "1" for digit in digits[start : start + modules])
        for start in range(0, len(digits), stride)
    )


def _penalty(upright: int, mirrored: int, symbol: _Symbol) -> int:
    both = _lines(upright, symbol) + _lines(mirrored, symbol)
    return both + _blocks(upright, symbol) + _imbalance(upright, symbol)


def _lines(dark: int, symbol: _Symbol) -> int:
    """Judge the rows: runs of five or more of one colour, and what looks like a finder pattern."""
    light = dark ^ symbol.valid
    points = 0
    for colour in (dark, light):
        runs = colour & (colour >> 1)
        runs &= runs >> 2
        runs &= colour >> 4
        points += runs.bit_count() + (_RUN - 1) * (runs & ~(runs << 1)).bit_count()
    found = symbol.valid
    for place, digit in enumerate(_FINDER_LIKE):
        found &= (dark if digit == "1" else light) >> place
    if found:
        near = dark | dark >> 1
        near |= near >> 2  # bit n: one of the modules n to n + 3 is dark
        crowded = (near >> len(_FINDER_LIKE)) & (near << _QUIET)
        points += _FINDER * (found & ~crowded).bit_count()
    return points


def _blocks(dark: int, symbol: _Symbol) -> int:
    stride = symbol.modules + _QUIET
    points = 0
    for colour in (dark, dark ^ symbol.valid):
        pairs = colour & (colour >> 1)
        points += (pairs & (pairs >> stride)).bit_count()
    return _BLOCK * points


def _imbalance(dark: int, symbol: _Symbol) -> int:
    modules = symbol.modules**2
    return abs(dark.bit_count() * 20 - modules * 10) // modules * _BALANCE


@lru_cache(maxsize=8)
def _symbol(modules: int) -> _Symbol:
    data = _data_modules(modules)
    formats = [_format_modules(modules, mask) for mask in range(len(_PATTERNS))]

    def change(mask: int, *, mirrored: bool) -> int:
        turned = {
            (row, column) for row, column in data if _PATTERNS[mask](row, column) != _PATTERNS[0](row, column)
        }
        turned |= {place for place, bit in formats[mask].items() if bit != formats[0][place]}
        lines = [bytearray(modules) for _ in range(modules)]
        for row, column in turned:
            if mirrored:
                lines[column][row] = 1
            else:
                lines[row][column] = 1
        return _number(map(bytes, lines))

    full = bytes([1] * modules)
    return _Symbol(
        modules,
        valid=_number([full] * modules),
        changes=tuple(change(mask, mirrored=False) for mask in range(len(_PATTERNS))),
        mirrored=tuple(change(mask, mirrored=True) for mask in range(len(_PATTERNS))),
    )


def _data_modules(modules: int) -> list[tuple[int, int]]:
    """List the places that hold data: what is no function pattern and no format or version information."""
    version = (modules - 17) // 4
    taken = {(_TIMING, place) for place in range(modules)} | {(place, _TIMING) for place in range(modules)}
    corner, far = range(9), range(modules - 8, modules)
    taken |= {(row, column) for row in corner for column in corner}
    taken |= {(row, column) for row in corner for column in far} | {
        (row, column) for row in far for column in corner
    }
    centres = _alignment_centres(version)
    for row in centres:
        for column in centres:
            if (row, column) not in taken or _TIMING in {row, column}:
                if (row, column) in {(_TIMING, _TIMING), (_TIMING, centres[-1]), (centres[-1], _TIMING)}:
                    continue  # a finder pattern is there
                taken |= {(row + y, column + x) for y in range(-2, 3) for x in range(-2, 3)}
    if version >= _VERSION_INFORMATION_FROM:
        near, block = range(6), range(modules - 11, modules - 8)
        taken |= {(row, column) for row in near for column in block} | {
            (row, column) for row in block for column in near
        }
    return [
        (row, column) for row in range(modules) for column in range(modules) if (row, column) not in taken
    ]


def _alignment_centres(version: int) -> list[int]:
    """Annex E: evenly spaced from the far end by an even step, the first always at 6."""
    if version == 1:
        return []
    count = version // 7 + 2
    last = version * 4 + 10
    step = 26 if version == 32 else -(-(last - _TIMING) // (2 * (count - 1))) * 2  # noqa: PLR2004 (the exception of the table)
    return [_TIMING, *sorted(last - step * place for place in range(count - 1))]


def _format_modules(modules: int, mask: int) -> dict[tuple[int, int], bool]:
    """Place the format information, twice."""
    data = _ERROR_M << 3 | mask
    rest = data
    for _ in range(10):
        rest = (rest << 1) ^ (_FORMAT_GENERATOR if rest >> 9 & 1 else 0)
    bits = (data << 10 | rest) ^ _FORMAT_MASK
    beside = [
        *((row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8)),
        (8, 7),
        *((8, 14 - bit) for bit in range(9, 15)),
    ]
    apart = [
        *((8, modules - 1 - bit) for bit in range(8)),
        *((modules - 15 + bit, 8) for bit in range(8, 15)),
    ]
    return {place: bool(bits >> bit & 1) for places in (beside, apart) for bit, place in enumerate(places)}
