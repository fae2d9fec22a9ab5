"""Cuts the bytes of a host into a display's commands and characters; knows lengths, not meanings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Arguments = int | Literal["row", "counted"]
"""How many bytes follow a command; `row`: all to a carriage return; `counted`: as many as the two after the next one say."""

FIRST_CHARACTER = 0x20
_COUNT_END = 3

LONGEST_ROW = 64
"""More than any display shows: a row that never ends is given up."""


@dataclass(frozen=True, slots=True)
class Character:
    """A code to be shown."""

    code: int


@dataclass(frozen=True, slots=True)
class Command:
    """A complete command: the bytes that name it, and its arguments."""

    name: bytes
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes that begin no command."""

    raw: bytes


Token = Character | Command | Unknown


class Parser:
    """Keeps what is not complete until the rest comes.

    Args:
        table: The bytes that name each command, and what follows them.
    """

    def __init__(self, table: Mapping[bytes, Arguments]) -> None:
        self._table = table
        self._begun = b""

    def reset(self) -> None:
        """Forget a command that has begun: the power was cut."""
        self._begun = b""

    def feed(self, data: bytes) -> Iterator[Token]:
        """Take bytes, cut anywhere.

        Args:
            data: As they come.

        Yields:
            What is complete, in order.
        """
        for code in data:
            self._begun += bytes((code,))
            token = self._complete()
            while token is not None:
                yield token
                token = self._complete()

    def _complete(self) -> Token | None:
        begun = self._begun
        if not begun:
            return None
        name = next((begun[:end] for end in range(1, len(begun) + 1) if begun[:end] in self._table), None)
        if name is not None:
            rest = begun[len(name) :]
            count = _count(self._table[name], rest)
            if count is None or len(rest) < count:
                return None
            self._begun = rest[count:]
            return Command(name, rest[:count])
        if any(known.startswith(begun) for known in self._table):
            return None
        if begun[0] >= FIRST_CHARACTER:
            self._begun = begun[1:]
            return Character(begun[0])
        self._begun = b""
        return Unknown(begun)


def _count(arguments: Arguments, rest: bytes) -> int | None:
    """Tell how many bytes are arguments; None when it is too early to tell."""
    match arguments:
        case int():
            return arguments
        case "counted":
            early = len(rest) < _COUNT_END
            return None if early else _COUNT_END + int.from_bytes(rest[1:_COUNT_END], "little")
        case "row":
            end = rest.find(b"\r") + 1
            return end or (LONGEST_ROW if len(rest) >= LONGEST_ROW else None)
