"""From a stream of bytes to raw labels. Pure.

A serial scanner sends each label as an optional prefix, its bytes, and a terminator. Reads may cut a label anywhere
and may hold several; the framer gives the same labels however the bytes are cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# An e-mail address has at most 254 octets (RFC 5321, 4.5.3.1.3, less the two angle brackets), thrice as many when each is
# percent-encoded in a URL; the rest is for the URL around it.
MAX_LABEL_BYTES = 1024

TERMINATORS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t"}

Damage: TypeAlias = Literal["TOO_LONG", "NO_PREFIX"]


@dataclass(frozen=True, slots=True)
class RawLabel:
    """The bytes between prefix and terminator.

    Args:
        data: The bytes; personal, so no repr shows them.
        damage: Why they are no whole label, or None.
    """

    data: bytes = field(repr=False)
    damage: Damage | None = None


class Framer:
    """Cuts labels out of bytes.

    Args:
        terminators: Each of these bytes ends a label. Empty labels are skipped, so CR LF ends only one.
        prefix: What every label starts with, taken off; a label without it lost its beginning.
    """

    def __init__(self, *, terminators: bytes = b"\r\n\t", prefix: bytes = b"") -> None:
        self._terminators = terminators
        self._prefix = prefix
        self._held = bytearray()
        self._too_long = False

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return bool(self._held) or self._too_long

    def feed(self, data: bytes) -> list[RawLabel]:
        """Take the next bytes.

        Args:
            data: Any number of bytes, cut anywhere.

        Returns:
            The labels that they end, in order.
        """
        labels: list[RawLabel] = []
        for byte in data:
            if byte not in self._terminators:
                self._hold(byte)
            elif self.pending:
                labels.append(self._take())
        return labels

    def reset(self) -> None:
        """Forget the label that has begun."""
        self._held.clear()
        self._too_long = False

    def _hold(self, byte: int) -> None:
        if len(self._held) < MAX_LABEL_BYTES + len(self._prefix):
            self._held.append(byte)
        else:
            self._too_long = True

    def _take(self) -> RawLabel:
        data, too_long = bytes(self._held), self._too_long
        self.reset()
        if too_long:
            return RawLabel(b"", "TOO_LONG")
        if not data.startswith(self._prefix):
            return RawLabel(b"", "NO_PREFIX")
        return RawLabel(data[len(self._prefix) :])
