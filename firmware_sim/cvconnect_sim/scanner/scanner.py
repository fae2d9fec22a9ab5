"""A hand-held scanner on a serial line: labels in, timed bytes out."""

from dataclasses import dataclass

from cvconnect_sim.errors import SimError
from cvconnect_sim.scanner.symbologies import Symbology

Burst = tuple[float, bytes]
"""Seconds to wait after what was sent before, then the bytes to send."""


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """What a scanner is configured to do with a label.

    Args:
        prefix: sent before each label, before the AIM identifier.
        suffix: sent after each label.
        aim_id: send the three characters of the symbology's AIM identifier before the text.
        upc_a_check_digit: send the last digit of a UPC-A; without it a UPC-A has 11 digits.
        inter_character_delay_s: pause before each character but the first of a label, 0 for none.
        reads: how often one label is read, 1 or more; above 1 the duplicate filter is off.
        between_reads_s: pause between two reads of one label.
        encoding: how characters become bytes.
    """

    prefix: str = ""
    suffix: str = "\r"
    aim_id: bool = False
    upc_a_check_digit: bool = True
    inter_character_delay_s: float = 0.0
    reads: int = 1
    between_reads_s: float = 0.25
    encoding: str = "utf-8"


class Scanner:
    """The firmware of a serial scanner (USB CDC-ACM or RS-232).

    It holds no thread, clock or link: `scan` gives the bytes and the pauses, a link sends them in time.

    It does not model: the optics (a label is read at once and rightly), commands from the host, configuration
    labels, flow control, parity and speed of the line, the key strokes of keyboard scanners, HID-POS reports.

    Args:
        settings: its configuration; may be replaced between two scans.
    """

    def __init__(self, settings: ScannerSettings | None = None) -> None:
        self.settings = ScannerSettings() if settings is None else settings

    def scan(self, text: str, symbology: Symbology = Symbology.CODE_128) -> list[Burst]:
        """Read a label.

        Args:
            text: what the label holds, check digit included.
            symbology: the kind of label.

        Returns:
            What goes over the line, in order.

        Raises:
            SimError: `LABEL_IMPOSSIBLE`, no label of this kind can hold the text.
        """
        if not symbology.holds(text):
            raise SimError(
                "LABEL_IMPOSSIBLE",
                fr=f"Aucune étiquette {symbology.name} ne peut contenir ce texte.",
                en=f"No {symbology.name} label can hold this text.",
            )
        message = self._message(text, symbology)
        return [
            burst for read in range(self.settings.reads) for burst in self._bursts(message, first=read == 0)
        ]

    def _message(self, text: str, symbology: Symbology) -> bytes:
        settings = self.settings
        aim_id = symbology.aim_id if settings.aim_id else ""
        if symbology is Symbology.UPC_A and not settings.upc_a_check_digit:
            text = text[:-1]
        return f"{settings.prefix}{aim_id}{text}{settings.suffix}".encode(settings.encoding)

    def _bursts(self, message: bytes, *, first: bool) -> list[Burst]:
        pause_s = 0.0 if first else self.settings.between_reads_s
        delay_s = self.settings.inter_character_delay_s
        if not delay_s:
            return [(pause_s, message)]
        return [(delay_s if at else pause_s, message[at : at + 1]) for at in range(len(message))]
