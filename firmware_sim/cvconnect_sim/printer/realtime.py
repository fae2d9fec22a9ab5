"""Spots real-time commands in the incoming bytes, before and apart from the receive buffer.

A real-time command acts on reception, even when the printer is offline. The bytes are looked at without regard to
command boundaries: a `DLE EOT 1` inside an image is answered as well, and the image still gets its bytes.

Source: Epson, TM-T88III and TM-L90 specifications, `DLE EOT` notes; ESC/POS command reference, "Notes of Real-time
Commands", `DLE DC4` fn = 1, 2, 8.
"""

import re

from cvconnect_sim.printer.events import RealTimeRequest

CLEAR_BUFFERS = b"\x08\x01\x03\x14\x01\x06\x02\x08"
"""Arguments of `DLE DC4` that clear the receive and print buffers."""

_PATTERN = re.compile(
    rb"\x10(?:(?P<EOT>\x04[\x01-\x04])|(?P<ENQ>\x05[\x00-\x02])"
    rb"|(?P<DC4>\x14(?:\x01[\x00\x01][\x01-\x08]|\x02\x01\x08|" + re.escape(CLEAR_BUFFERS) + rb")))",
    re.DOTALL,
)
_LONGEST = 2 + len(CLEAR_BUFFERS)


def real_time_request(name: str, args: bytes) -> RealTimeRequest | None:
    """A command that stood in its turn, None if its parameters are none of a real-time command's."""
    code = {"DLE EOT": b"\x04", "DLE ENQ": b"\x05", "DLE DC4": b"\x14"}.get(name)
    known = code is not None and _PATTERN.fullmatch(b"\x10" + code + args)
    return RealTimeRequest(name, args) if known else None


class RealTimeWatcher:
    """Remembers the last few bytes, so that a command split over two receptions is seen too."""

    def __init__(self) -> None:
        self._tail = b""

    def watch(self, data: bytes) -> list[tuple[int, RealTimeRequest]]:
        """Look at new bytes.

        Args:
            data: what has just been received.

        Returns:
            Each real-time command that these bytes complete, with the number of bytes of `data` up to its end.
        """
        seen = self._tail + data
        known = len(self._tail)
        found = [
            (match.end() - known, RealTimeRequest(f"DLE {match.lastgroup}", match[0][2:]))
            for match in _PATTERN.finditer(seen)
        ]
        end = found[-1][0] + known if found else 0
        self._tail = seen[max(end, len(seen) - _LONGEST + 1) :]
        return found
