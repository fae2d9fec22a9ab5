"""From a stream of bytes to raw labels. Pure.

A serial scanner sends each label as an optional prefix, its bytes, and what ends it: a terminator, or a suffix of several
bytes. Reads may cut a label anywhere and may hold several; the framer gives the same labels however the bytes are cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# An e-mail address has at most 254 octets (RFC 5321, 4.5.3.1.3, less the two angle brackets), thrice as many when each is
# percent-encoded in a URL; the rest is for the URL around it.
MAX_LABEL_BYTES = 1024

TERMINATORS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t"}

Damage: TypeAlias = Literal["TOO_LONG", "NO_PREFIX", "TORN", "UNREADABLE"]


@dataclass(frozen=True, slots=True)
class RawLabel:
    """What came between the beginning and the end of a label.

    Args:
        data: Its bytes; a keyboard's text as UTF-8. Personal, so no repr shows them.
        damage: Why they are no whole label, or None.
        symbology: The AIM identifier (`]Q1`), when the device told it beside the bytes; None when it did not.
        layout: The keyboard layout that the keys were read with; empty when no keys were read.
        ended_s: When it ended, on the clock of `time.perf_counter`, when the device tells; None when it does not.
        since_s: It began then or after, on the same clock; None when its source does not say.
    """

    data: bytes = field(repr=False)
    damage: Damage | None = None
    symbology: str | None = None
    layout: str = ""
    ended_s: float | None = field(default=None, compare=False)
    since_s: float | None = field(default=None, compare=False)


class Framer:
    """Cuts labels out of bytes.

    Args:
        terminators: Each of these bytes ends a label. Empty labels are skipped, so CR LF ends only one.
        prefix: What every label starts with (STX, `P>`), taken off; a label without it lost its beginning.
        suffix: What every label ends with instead (ETX, CR LF, `#`): only all of it ends one. Empty: the terminators do.
    """

    def __init__(self, *, terminators: bytes = b"\r\n\t", prefix: bytes = b"", suffix: bytes = b"") -> None:
        self._endings = (suffix,) if suffix else tuple(bytes([byte]) for byte in terminators)
        self._ending_bytes = len(suffix) or 1
        self._prefix = prefix
        self._held = bytearray()
        self._too_long = False

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[RawLabel]:
        """Take the next bytes.

        Args:
            data: Any number of bytes, cut anywhere.

        Returns:
            The labels that they end, in order.
        """
        labels: list[RawLabel] = []
        held = self._held
        for byte in data:
            held.append(byte)
            if held.endswith(self._endings):
                if len(held) > self._ending_bytes:
                    labels.append(self._take())
                self.reset()
            elif len(held) - self._ending_bytes >= MAX_LABEL_BYTES + len(self._prefix):
                # The end must still be seen when it comes, in one piece.
                self._too_long = True
                del held[: -self._ending_bytes]
        return labels

    def reset(self) -> None:
        """Forget the label that has begun."""
        self._held.clear()
        self._too_long = False

    def _take(self) -> RawLabel:
        if self._too_long:
            return RawLabel(b"", "TOO_LONG")
        data = bytes(self._held[: -self._ending_bytes])
        if not data.startswith(self._prefix):
            return RawLabel(b"", "NO_PREFIX")
        return RawLabel(data[len(self._prefix) :])
