"""What a printer answers. Pure.

Three things may come on one wire: answers to `DLE EOT n` (one byte that does not tell its n), automatic status (`GS a`, 4
bytes), and process ids (`GS ( H`, 7 bytes). Fixed bits tell them apart; everything else is noise, and noise says nothing: a
field that no answer told is unknown, never "no".

Source: Epson, ESC/POS Command Reference: `DLE EOT`, `GS a`, `GS ( H` function 48; XON and XOFF may stand anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cvconnect_drivers.printers.escpos import PROCESS_ID_LENGTH

_XON_XOFF = b"\x11\x13"
_REAL_TIME_FIXED_BITS, _REAL_TIME = 0x93, 0x12
_PROCESS_ID_HEADER = b"\x37\x22"
_PROCESS_ID_BLOCK = len(_PROCESS_ID_HEADER) + PROCESS_ID_LENGTH + 1
_AUTOMATIC_BYTES = 4


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
    """A byte that belongs to none of them."""

    byte: int


Answer: TypeAlias = RealTimeStatus | AutomaticStatus | ProcessId | Noise


def without_flow_control(data: bytes) -> bytes:
    """Drop XON and XOFF, which may stand anywhere."""
    return bytes(byte for byte in data if byte not in _XON_XOFF)


def real_time_status(came: bytes) -> int | None:
    """Read what came after one `DLE EOT n`.

    16 of 256 bytes look like an answer, so a byte among others is taken for none.

    Args:
        came: Everything, without XON and XOFF.

    Returns:
        The status byte, or None when this was no answer.
    """
    return came[0] if len(came) == 1 and came[0] & _REAL_TIME_FIXED_BITS == _REAL_TIME else None


class AnswerReader:
    """Cuts answers out of bytes, however they are cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Answer]:
        """Take the next bytes.

        Args:
            data: Any number of bytes.

        Returns:
            The answers that they complete, in order.
        """
        self._held += without_flow_control(data)
        return list(self._answers())

    def _answers(self) -> Iterator[Answer]:
        while self._held:
            length = _expected_length(self._held)
            if len(self._held) < length:
                return
            answer = _decode(self._held[:length])
            self._held = self._held[1 if isinstance(answer, Noise) else length :]
            yield answer


def _expected_length(held: bytes) -> int:
    # One byte of noise that looks like a header must not hold an answer back.
    if _PROCESS_ID_HEADER.startswith(held[:2]):
        return _PROCESS_ID_BLOCK
    return _AUTOMATIC_BYTES if held[0] & 0x93 == 0x10 else 1  # noqa: PLR2004 (the fixed bits named above)


def _decode(block: bytes) -> Answer:
    match len(block):
        case 7 if block.startswith(_PROCESS_ID_HEADER) and block[-1] == 0:
            return ProcessId(block[len(_PROCESS_ID_HEADER) : -1])
        case 4 if all(byte & 0x90 == 0 for byte in block[1:]):
            return AutomaticStatus(block)
        case 1 if block[0] & _REAL_TIME_FIXED_BITS == _REAL_TIME:
            return RealTimeStatus(block[0])
        case _:
            return Noise(block[0])


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """What the answers to `DLE EOT 1` to `4` told; None where nothing was told.

    Args:
        offline: The printer takes no data.
        cover_open: The cover is open.
        paper_end: No paper.
        paper_near_end: Little paper.
        cutter_error: The cutter is stuck.
        unrecoverable_error: It must be switched off and on.
        recoverable_error: It goes on by itself or after a person did something.
        feeding: A person holds the FEED button.
    """

    offline: bool | None = None
    cover_open: bool | None = None
    paper_end: bool | None = None
    paper_near_end: bool | None = None
    cutter_error: bool | None = None
    unrecoverable_error: bool | None = None
    recoverable_error: bool | None = None
    feeding: bool | None = None


QUERIES = (1, 2, 3, 4)

_Bits: TypeAlias = Mapping[str, int]
_FIELDS: Mapping[int, _Bits] = {
    1: {"offline": 0x08},
    2: {"cover_open": 0x04, "feeding": 0x08, "paper_end": 0x20},
    3: {"cutter_error": 0x08, "unrecoverable_error": 0x20, "recoverable_error": 0x44},
    4: {"paper_near_end": 0x0C, "paper_end": 0x60},
}


def decode_status(answers: Mapping[int, int]) -> PrinterStatus:
    """Read the answers to `DLE EOT n`.

    Args:
        answers: For each n that was answered, its byte.

    Returns:
        The status; a field is true when any answer says so.
    """
    told: dict[str, bool] = {}
    for n, byte in answers.items():
        for name, mask in _FIELDS[n].items():
            told[name] = told.get(name, False) or byte & mask != 0
    return PrinterStatus(**told)


REASONS = (
    ("cover_open", "COVER_OPEN", "Le capot de l’imprimante est ouvert."),
    ("paper_end", "PAPER_END", "L’imprimante n’a plus de papier."),
    ("cutter_error", "CUTTER_ERROR", "Le massicot de l’imprimante est bloqué."),
    ("unrecoverable_error", "PRINTER_ERROR", "L’imprimante est en panne : éteignez-la puis rallumez-la."),
    ("recoverable_error", "PRINTER_ERROR", "L’imprimante est en erreur : vérifiez-la."),
    ("feeding", "PAPER_FEEDING", "Le bouton d’avance papier est enfoncé."),
    ("offline", "OFFLINE", "L’imprimante est hors ligne."),
)
"""Field, reason code, sentence for the person at the till; the most telling first."""


def why_not_ready(status: PrinterStatus) -> tuple[str, str] | None:
    """Tell why a printer cannot print.

    Args:
        status: What is known.

    Returns:
        Reason code and French sentence, or None when nothing known stands against it.
    """
    return next((found[1:] for found in REASONS if getattr(status, found[0])), None)
