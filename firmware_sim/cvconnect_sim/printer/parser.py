"""Cuts the byte stream of a host into ESC/POS commands; knows lengths, not meanings.

What it holds is bounded: a command that is longer than the memory of a printer, and images, are handed on in pieces while
they come. Where those are cut depends on the command alone, not on how its bytes came in.

Source: Epson ESC/POS command reference (formats of the single commands).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cvconnect_sim.printer.models import Lack
from cvconnect_sim.printer.opcodes import (
    FIRST_CHARACTER,
    HEAD_BYTES,
    LONGEST_WHOLE,
    PREFIXES,
    STREAMED,
    commands_of,
)

PIECE_BYTES = 256

LOOK_AHEAD_BYTES = 300
"""Enough to tell the length of any command."""

_CONTROL = re.compile(rb"[\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Text:
    """A run of character codes."""

    codes: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A complete command: its name as Epson prints it, and the bytes after its name; without those that come as `Data`."""

    name: str
    args: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """The next piece of what belongs to the command before: 256 bytes, or what is left of it."""

    piece: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes that begin no command."""

    raw: bytes


Token = Text | Command | Data | Unknown


class Parser:
    """The receive buffer, read command by command.

    How many bytes are put in is the caller's business; read until there is nothing to read, it holds one incomplete command.

    Args:
        lacks: the commands that the model does not have.
    """

    def __init__(self, lacks: Mapping[str, Lack] | None = None) -> None:
        self._commands = commands_of(lacks or {})
        self._openings = {opcode[:size] for opcode in self._commands for size in range(1, len(opcode))}
        self._buffer = bytearray()
        self._needed = 1
        self._owed = 0
        self._incomplete = 0

    def __len__(self) -> int:
        return len(self._buffer)

    @property
    def waiting(self) -> int:
        """Bytes that wait for their turn; those of the command that is being put together are not among them."""
        return len(self._buffer) - self._incomplete

    def feed(self, data: bytes) -> None:
        """Append what the host sent."""
        self._buffer += data

    def clear(self) -> None:
        """Drop everything that has not been read, and wait for no more of the last command."""
        self._buffer.clear()
        self._needed, self._owed, self._incomplete = 1, 0, 0

    def read(self) -> Token | None:
        """Take the next complete item out of the buffer; None when there is none yet."""
        token = self._next() if len(self._buffer) >= self._needed else None
        if token is None:
            self._incomplete = len(self._buffer)
        else:
            self._needed, self._incomplete = min(max(self._owed, 1), PIECE_BYTES), 0
        return token

    def _next(self) -> Token | None:
        if self._owed:
            piece = self._take(min(self._owed, PIECE_BYTES))
            self._owed -= len(piece)
            return Data(piece)
        if self._buffer[0] >= FIRST_CHARACTER:
            end = _CONTROL.search(self._buffer)
            return Text(self._take(end.start() if end else len(self._buffer)))
        opcode = self._opcode()
        if opcode is None:
            return None
        if opcode not in self._commands:
            return Unknown(self._take(len(opcode)))
        return self._command(opcode)

    def _command(self, opcode: bytes) -> Command | None:
        name, arity = self._commands[opcode]
        count = arity(bytes(self._buffer[len(opcode) : len(opcode) + LOOK_AHEAD_BYTES]))
        if count is None:
            return None
        whole = count
        if name in STREAMED or count > LONGEST_WHOLE:
            whole = min(count, STREAMED.get(name, HEAD_BYTES))
        if len(self._buffer) < len(opcode) + whole:
            self._needed = len(opcode) + whole
            return None
        self._owed = count - whole
        return Command(name, self._take(len(opcode) + whole)[len(opcode) :])

    def _opcode(self) -> bytes | None:
        """The longest opcode the buffer begins with, or the bytes to drop; None while it may still grow."""
        for size in (3, 2, 1):
            head = bytes(self._buffer[:size])
            if len(head) < size and head in self._openings:
                return None
            if head in self._commands:
                return head
        return bytes(self._buffer[: 2 if self._buffer[0] in PREFIXES else 1])

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
