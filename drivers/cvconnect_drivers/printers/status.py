"""What a printer's answers tell of it. Pure: answers and time in, facts out.

`answers` cuts them out of one stream, by fixed bits, with two limits: an answer to `GS r` looks like the last bytes of an
automatic status, so the two are never mixed; and 16 of 256 bytes of garbage look like an answer to `DLE EOT`, so a byte that
nobody asked for, or that is not alone, is taken for none. Noise says nothing: a field that no answer told is unknown, never
"no".

Source: Epson, ESC/POS Command Reference: `DLE EOT`, `GS a`, `GS r`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cvconnect_drivers.printers.answers import (
    TRANSMITTED_FIXED_BITS,
    Answer,
    AnswerReader,
    AutomaticStatus,
    Noise,
    ProcessId,
    RealTimeStatus,
)
from cvconnect_drivers.printers.commands import (
    EnableAutomaticStatusBack,
    TransmitRealTimeStatus,
    TransmitStatus,
)

WhyUnknown: TypeAlias = Literal["not_asked", "no_answer", "noise"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a printer may tell.

    Args:
        value: What it told; None when that is unknown.
        at_s: When, in seconds of the caller's clock; None when it was never asked.
        why_unknown: Nobody asked, nothing answered, or what came was no answer.
    """

    value: bool | None = None
    at_s: float | None = None
    why_unknown: WhyUnknown | None = "not_asked"

    def age_s(self, now_s: float) -> float | None:
        """Seconds since it was told or asked, never negative; None when it was never asked."""
        return None if self.at_s is None else max(0.0, now_s - self.at_s)


_NOT_ASKED: Final = Field()


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """What a printer told of itself.

    Args:
        offline: It takes no data.
        cover_open: The cover is open.
        paper_end: No paper.
        paper_near_end: Little paper.
        stopped_for_paper: It stopped printing because it has no paper.
        cutter_error: The cutter is stuck.
        unrecoverable_error: It must be switched off and on.
        recoverable_error: It goes on by itself or after a person did something.
        feeding: A person holds the FEED button.
        drawer_high: Level of the drawer's signal; whether high means open depends on the drawer.
    """

    offline: Field = _NOT_ASKED
    cover_open: Field = _NOT_ASKED
    paper_end: Field = _NOT_ASKED
    paper_near_end: Field = _NOT_ASKED
    stopped_for_paper: Field = _NOT_ASKED
    cutter_error: Field = _NOT_ASKED
    unrecoverable_error: Field = _NOT_ASKED
    recoverable_error: Field = _NOT_ASKED
    feeding: Field = _NOT_ASKED
    drawer_high: Field = _NOT_ASKED

    def oldest_s(self, now_s: float) -> float | None:
        """Age of the oldest field that is known, in seconds; None when none is."""
        fields: Iterator[Field] = (getattr(self, name) for name in self.__slots__)
        ages_s = (field.age_s(now_s) for field in fields if field.value is not None)
        return max((age_s for age_s in ages_s if age_s is not None), default=None)


Query: TypeAlias = TransmitRealTimeStatus | TransmitStatus
_Bits: TypeAlias = Mapping[str, int]

QUERIES: Final = (1, 2, 3, 4)

_TOLD_BY: Final[Mapping[Query, _Bits]] = {
    TransmitRealTimeStatus(1): {"offline": 0x08, "drawer_high": 0x04},
    TransmitRealTimeStatus(2): {"cover_open": 0x04, "feeding": 0x08, "stopped_for_paper": 0x20},
    TransmitRealTimeStatus(3): {"cutter_error": 0x08, "unrecoverable_error": 0x20, "recoverable_error": 0x44},
    TransmitRealTimeStatus(4): {"paper_near_end": 0x0C, "paper_end": 0x60},
    TransmitStatus(1): {"paper_near_end": 0x03, "paper_end": 0x0C},
    TransmitStatus(2): {"drawer_high": 0x01},
}

_AUTOMATIC: Final[_Bits] = {
    "drawer_high": 0x04_00_00_00,
    "offline": 0x08_00_00_00,
    "cover_open": 0x20_00_00_00,
    "feeding": 0x40_00_00_00,
    "recoverable_error": 0x00_44_00_00,
    "cutter_error": 0x00_08_00_00,
    "unrecoverable_error": 0x00_20_00_00,
    "paper_near_end": 0x00_00_03_00,
    "paper_end": 0x00_00_0C_00,
}
"""Bits of the 4 bytes, the first highest."""


class StatusDecoder:
    """Turns what comes on one link into fields: one query at a time, since an answer does not tell its question.

    After a query that got no answer, or noise, no query is allowed any more: a late answer would be taken for the next
    one's. Automatic status counts from the moment it is asked for; that which another program switched on is told apart
    and left aside.
    """

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self._asked: Query | None = None
        self._candidates: list[int] = []
        self._noisy = False
        self._automatic = False
        self._mute: WhyUnknown | None = None
        self._fields: dict[str, Field] = {}

    @property
    def status(self) -> PrinterStatus:
        """What is known by now."""
        return PrinterStatus(**self._fields)

    @property
    def has_candidate(self) -> bool:
        """Whether something came that may be the answer, or spoils it."""
        return bool(self._candidates) or self._noisy

    def ask(self, query: Query | EnableAutomaticStatusBack, now_s: float) -> bool:
        """Note that a query leaves.

        Args:
            query: The command; the one before it, if still open, is over.
            now_s: The time.

        Returns:
            Whether it may leave: an answer to it could be told from every other.
        """
        if self._asked is not None:
            self.end(now_s)
        if isinstance(query, EnableAutomaticStatusBack):
            self._automatic = query.n != 0
            return True
        if self._mute is not None:
            self._tell(_TOLD_BY[query], Field(None, now_s, self._mute))
            return False
        if self._automatic and isinstance(query, TransmitStatus):
            return False
        self._asked, self._candidates, self._noisy = query, [], self._reader.holds
        return True

    def feed(self, data: bytes, now_s: float) -> list[Answer]:
        """Take the next bytes.

        Args:
            data: Any number of bytes.
            now_s: The time.

        Returns:
            The answers that they complete, in order.
        """
        answers = self._reader.feed(data)
        for answer in answers:
            match answer:
                case RealTimeStatus(byte):
                    self._candidates.append(byte if isinstance(self._asked, TransmitRealTimeStatus) else -1)
                case AutomaticStatus(data=block):
                    self._noisy |= isinstance(self._asked, TransmitStatus)
                    if self._automatic:
                        self._tell_bits(_AUTOMATIC, int.from_bytes(block), now_s)
                case Noise(byte) if (
                    isinstance(self._asked, TransmitStatus) and not byte & TRANSMITTED_FIXED_BITS
                ):
                    self._candidates.append(byte)
                case Noise():
                    self._noisy = True
                case ProcessId():
                    pass
        return answers

    def end(self, now_s: float) -> int | None:
        """Note that no more is waited for the answer.

        Args:
            now_s: The time.

        Returns:
            The byte that answers, or None.
        """
        asked, self._asked = self._asked, None
        if asked is None:
            return None
        clean = not self._noisy and not self._reader.holds
        match self._candidates:
            case [byte] if clean and byte >= 0:
                self._tell_bits(_TOLD_BY[asked], byte, now_s)
                return byte
            case []:
                self._mute = "no_answer" if clean else "noise"
            case _:
                self._mute = "noise"
        self._tell(_TOLD_BY[asked], Field(None, now_s, self._mute))
        return None

    def _tell_bits(self, bits: _Bits, value: int, now_s: float) -> None:
        for name, mask in bits.items():
            self._fields[name] = Field(value & mask != 0, now_s, None)

    def _tell(self, bits: _Bits, field: Field) -> None:
        self._fields.update(dict.fromkeys(bits, field))


def decode_status(answers: Mapping[int, int], at_s: float = 0.0) -> PrinterStatus:
    """Read answers to `DLE EOT n`.

    Args:
        answers: For each n that was answered, its byte.
        at_s: When they came.

    Returns:
        The status.
    """
    told = {
        name: Field(byte & mask != 0, at_s, None)
        for n, byte in answers.items()
        for name, mask in _TOLD_BY[TransmitRealTimeStatus(n)].items()
    }
    return PrinterStatus(**told)


REASONS: Final = (
    ("cover_open", "COVER_OPEN", "Le capot de l’imprimante est ouvert."),
    ("paper_end", "PAPER_END", "L’imprimante n’a plus de papier."),
    ("stopped_for_paper", "PAPER_END", "L’imprimante n’a plus de papier."),
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
    return next((found[1:] for found in REASONS if getattr(status, found[0]).value), None)
