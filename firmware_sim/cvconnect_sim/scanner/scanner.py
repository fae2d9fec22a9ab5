"""A hand-held scanner on a serial line: labels in, timed bytes out."""

from cvconnect_sim.scanner.settings import ScannerSettings
from cvconnect_sim.scanner.symbologies import Symbology

Burst = tuple[float, bytes]
"""Seconds to wait after what was sent before, then the bytes to send."""


class Scanner:
    """The firmware of a serial scanner (USB CDC-ACM or RS-232).

    It holds no thread, clock or link: `scan` gives the bytes and the pauses, a link sends them in time.

    It does not model: the optics (a label is read at once and rightly), commands from the host, configuration
    labels, flow control, parity and speed of the line.

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
        message = self.settings.message(text, symbology).encode(self.settings.encoding)
        return [
            burst for read in range(self.settings.reads) for burst in self._bursts(message, first=read == 0)
        ]

    def _bursts(self, message: bytes, *, first: bool) -> list[Burst]:
        pause_s = 0.0 if first else self.settings.between_reads_s
        delay_s = self.settings.inter_character_delay_s
        if not delay_s:
            return [(pause_s, message)]
        return [(delay_s if at else pause_s, message[at : at + 1]) for at in range(len(message))]
