"""What the checks of `fuzz_targets` share: how a promise is broken, how much a decoder holds, how bytes are cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sized
from itertools import pairwise
from typing import Final, cast

NUMBER: Final = "12345678901"
CLOCK: Final = 1024
"""Times are whole parts of a second that floats hold exactly: sooner or later must make no difference."""

_NUMBER: Final = re.compile(r"[0-9]{11}")
_ADDRESS: Final = re.compile(r"[!-?A-~]+@[0-9A-Za-z.-]+\.[A-Za-z]+")


class Wrong(AssertionError):
    """A promise is broken."""


def promise(kept: bool, what: str) -> None:  # noqa: FBT001 - reads like assert
    """Raise `Wrong` when a promise is not kept."""
    if not kept:
        raise Wrong(what)


def held(thing: object) -> int:
    """Count what the attributes of a decoder hold; shared tables are not its own."""
    own = (bytes, bytearray, str, list, set)
    return sum(len(cast("Sized", value)) for value in vars(thing).values() if isinstance(value, own))


def cut(data: bytes, salt: int) -> Iterator[bytes]:
    """Cut bytes up, in a manner that depends on their number only."""
    edges = sorted({0, len(data), *((salt * step * step + step) % (len(data) + 1) for step in range(1, 5))})
    return (data[start:end] for start, end in pairwise(edges))


def like_an_identifier(text: str) -> bool:
    """Tell whether a text may be one, at a glance: the second opinion on what a decoder accepts."""
    return bool(_NUMBER.fullmatch(text) or _ADDRESS.fullmatch(text))
