"""What a printer sends on one wire, cut into answers. Pure: bytes in, answers out.

Four things may come: answers to `DLE EOT n` (one byte that does not tell its n), automatic status (`GS a`, 4 bytes), answers to
`GS r n` (one byte), and process ids (`GS ( H`, 7 bytes). Fixed bits tell them apart; an answer to `GS r` looks like the last
bytes of an automatic status. Everything else is noise.

Source: Epson, ESC/POS Command Reference: `DLE EOT`, `GS a`, `GS r`, `GS ( H` function 48, and the table of the bits by which
what is transmitted is told apart; XON and XOFF may stand anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from cvconnect_drivers.printers.commands import PROCESS_ID_LENGTH

_XON_XOFF: Final = b"\x11\x13"
_FIXED_BITS: Final = 0x93
_REAL_TIME: Final = 0x12
_AUTOMATIC_FIRST: Final = 0x10
_AUTOMATIC_BYTES: Final = 4
TRANSMITTED_FIXED_BITS: Final = 0x90
"""All 0, in an answer to `GS r` as in the last 3 bytes of an automatic status."""

_PROCESS_ID_HEADER: Final = b"\x37\x22"
_PROCESS_ID_BYTES: Final = len(_PROCESS_ID_HEADER) + PROCESS_ID_LENGTH + 1


@dataclass(frozen=True, slots=True)
class RealTimeStatus:
    """The byte that answers `DLE EOT n`: bits 1 and 4 are 1, bits 0 and 7 are 0."""

    byte: int


@dataclass(frozen=True, slots=True)
class AutomaticStatus:
    """The 4 bytes that a printer sends by itself: in the first, bit 4 is 1, bits 0, 1 and 7 are 0."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ProcessId:
    """Everything sent before this id was requested has been printed."""

    process_id: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """A byte that belongs to none of them; the answer to `GS r` is one, to whoever did not ask for it."""

    byte: int


Answer: TypeAlias = RealTimeStatus | AutomaticStatus | ProcessId | Noise


class AnswerReader:
    """Cuts answers out of bytes, however they are cut."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def holds(self) -> bool:
        """Whether the beginning of an answer waits for its end."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Answer]:
        """Take the next bytes.

        Args:
            data: Any number of bytes.

        Returns:
            The answers that they complete, in order.
        """
        self._held += data.translate(None, _XON_XOFF)
        answers: list[Answer] = []
        while self._held:
            answer, rest = _next(self._held)
            if answer is None:
                break
            answers.append(answer)
            self._held = rest
        return answers


def _next(held: bytes) -> tuple[Answer | None, bytes]:
    """Read the first answer; None while it may become one."""
    first = held[0]
    if first == _PROCESS_ID_HEADER[0]:
        return _process_id(held)
    match first & _FIXED_BITS:
        case 0x12:
            return RealTimeStatus(first), held[1:]
        case 0x10:
            return _automatic_status(held)
        case _:
            return Noise(first), held[1:]


def _automatic_status(held: bytes) -> tuple[Answer | None, bytes]:
    for at, byte in enumerate(held[1:_AUTOMATIC_BYTES], 1):
        if byte & _FIXED_BITS == _REAL_TIME:  # real time means: in the middle of other answers too
            return RealTimeStatus(byte), held[:at] + held[at + 1 :]
        if byte & TRANSMITTED_FIXED_BITS:
            return Noise(held[0]), held[1:]
    if len(held) < _AUTOMATIC_BYTES:
        return None, held
    return AutomaticStatus(held[:_AUTOMATIC_BYTES]), held[_AUTOMATIC_BYTES:]


def _process_id(held: bytes) -> tuple[Answer | None, bytes]:
    block, header = held[:_PROCESS_ID_BYTES], len(_PROCESS_ID_HEADER)
    name = block[header : _PROCESS_ID_BYTES - 1]
    # One byte of noise that looks like a header must not hold an answer back.
    begun = _PROCESS_ID_HEADER.startswith(block[:header]) and all(0x20 <= byte <= 0x7E for byte in name)  # noqa: PLR2004 (what a name may hold)
    if not begun or block[_PROCESS_ID_BYTES - 1 :] not in {b"", b"\x00"}:
        return Noise(held[0]), held[1:]
    return (ProcessId(name), held[_PROCESS_ID_BYTES:]) if len(block) == _PROCESS_ID_BYTES else (None, held)
