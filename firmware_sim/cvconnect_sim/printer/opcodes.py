"""The commands of the reference: the name of each and how many bytes belong to it.

Commands that the simulator does not act on are in the table too, so that their parameters are not printed as text.

Source: Epson ESC/POS command reference (formats of the single commands).
"""

from collections.abc import Callable, Mapping

from cvconnect_sim.printer.models import Lack

PREFIXES = b"\x10\x1b\x1c\x1d"  # DLE ESC FS GS
FIRST_CHARACTER = 0x20

Arity = Callable[[bytes], int | None]
"""The bytes that follow an opcode -> how many of them are its arguments, None when it is too early to tell."""


def _fixed(count: int) -> Arity:
    return lambda _: count


def _counted(before: int = 0, size: int = 2) -> Arity:
    """`before` bytes, a little-endian count of `size` bytes, then as many bytes as it says."""

    def arity(rest: bytes) -> int | None:
        head = before + size
        return None if len(rest) < head else head + int.from_bytes(rest[before:head], "little")

    return arity


def _until_nul(most: int) -> Arity:
    """Up to a NUL; without one in the first `most` bytes, what follows them is no longer taken for arguments."""

    def arity(rest: bytes) -> int | None:
        end = rest.find(0, 0, most)
        if end < 0:
            return most if len(rest) >= most else None
        return end + 1

    return arity


def _cut(rest: bytes) -> int | None:
    if not rest:
        return None
    return 2 if rest[0] in b"\x41\x42\x61\x62\x67\x68" else 1


def _raster(rest: bytes) -> int | None:
    head = 5  # m xL xH yL yH
    if len(rest) < head:
        return None
    return head + int.from_bytes(rest[1:3], "little") * int.from_bytes(rest[3:5], "little")


def _column_image(rest: bytes) -> int | None:
    head = 3  # m nL nH
    if len(rest) < head:
        return None
    bytes_per_column = 3 if rest[0] in b"\x20\x21" else 1
    return head + bytes_per_column * int.from_bytes(rest[1:3], "little")


def _barcode(rest: bytes) -> int | None:
    """Function A (m up to 6) ends with NUL; function B carries its length."""
    if not rest:
        return None
    body = (_until_nul(256) if rest[0] in range(7) else _counted(size=1))(rest[1:])
    return None if body is None else 1 + body


def _download(rest: bytes) -> int | None:
    head = 2  # x y
    return None if len(rest) < head else head + 8 * rest[0] * rest[1]


def _real_time_pulse(rest: bytes) -> int | None:
    if not rest:
        return None
    return {1: 3, 2: 3, 3: 6, 7: 2, 8: 8}.get(rest[0], 1)


COMMANDS: dict[bytes, tuple[str, Arity]] = {
    b"\x09": ("HT", _fixed(0)),
    b"\x0a": ("LF", _fixed(0)),
    b"\x0c": ("FF", _fixed(0)),
    b"\x0d": ("CR", _fixed(0)),
    b"\x18": ("CAN", _fixed(0)),
    b"\x10\x04": ("DLE EOT", _fixed(1)),
    b"\x10\x05": ("DLE ENQ", _fixed(1)),
    b"\x10\x14": ("DLE DC4", _real_time_pulse),
    b"\x1b\x0c": ("ESC FF", _fixed(0)),
    b"\x1b ": ("ESC SP", _fixed(1)),
    b"\x1b!": ("ESC !", _fixed(1)),
    b"\x1b$": ("ESC $", _fixed(2)),
    b"\x1b%": ("ESC %", _fixed(1)),
    b"\x1b(": ("ESC (", _counted(1)),
    b"\x1b*": ("ESC *", _column_image),
    b"\x1b-": ("ESC -", _fixed(1)),
    b"\x1b2": ("ESC 2", _fixed(0)),
    b"\x1b3": ("ESC 3", _fixed(1)),
    b"\x1b=": ("ESC =", _fixed(1)),
    b"\x1b?": ("ESC ?", _fixed(1)),
    b"\x1b@": ("ESC @", _fixed(0)),
    b"\x1bD": ("ESC D", _until_nul(33)),
    b"\x1bE": ("ESC E", _fixed(1)),
    b"\x1bG": ("ESC G", _fixed(1)),
    b"\x1bJ": ("ESC J", _fixed(1)),
    b"\x1bL": ("ESC L", _fixed(0)),
    b"\x1bM": ("ESC M", _fixed(1)),
    b"\x1bR": ("ESC R", _fixed(1)),
    b"\x1bS": ("ESC S", _fixed(0)),
    b"\x1bT": ("ESC T", _fixed(1)),
    b"\x1bV": ("ESC V", _fixed(1)),
    b"\x1bW": ("ESC W", _fixed(8)),
    b"\x1b\\": ("ESC \\", _fixed(2)),
    b"\x1ba": ("ESC a", _fixed(1)),
    b"\x1bc3": ("ESC c 3", _fixed(1)),
    b"\x1bc4": ("ESC c 4", _fixed(1)),
    b"\x1bc5": ("ESC c 5", _fixed(1)),
    b"\x1bd": ("ESC d", _fixed(1)),
    b"\x1bi": ("ESC i", _fixed(0)),
    b"\x1bm": ("ESC m", _fixed(0)),
    b"\x1bp": ("ESC p", _fixed(3)),
    b"\x1br": ("ESC r", _fixed(1)),
    b"\x1bt": ("ESC t", _fixed(1)),
    b"\x1bu": ("ESC u", _fixed(1)),
    b"\x1bv": ("ESC v", _fixed(0)),
    b"\x1b{": ("ESC {", _fixed(1)),
    b"\x1c!": ("FS !", _fixed(1)),
    b"\x1c&": ("FS &", _fixed(0)),
    b"\x1c(": ("FS (", _counted(1)),
    b"\x1c-": ("FS -", _fixed(1)),
    b"\x1c.": ("FS .", _fixed(0)),
    b"\x1cC": ("FS C", _fixed(1)),
    b"\x1cp": ("FS p", _fixed(2)),
    b"\x1d!": ("GS !", _fixed(1)),
    b"\x1d$": ("GS $", _fixed(2)),
    b"\x1d(": ("GS (", _counted(1)),
    b"\x1d(H": ("GS ( H", _counted()),
    b"\x1d(L": ("GS ( L", _counted()),
    b"\x1d(k": ("GS ( k", _counted()),
    b"\x1d*": ("GS *", _download),
    b"\x1d/": ("GS /", _fixed(1)),
    b"\x1d8L": ("GS 8 L", _counted(size=4)),
    b"\x1d:": ("GS :", _fixed(0)),
    b"\x1dB": ("GS B", _fixed(1)),
    b"\x1dH": ("GS H", _fixed(1)),
    b"\x1dI": ("GS I", _fixed(1)),
    b"\x1dL": ("GS L", _fixed(2)),
    b"\x1dP": ("GS P", _fixed(2)),
    b"\x1dT": ("GS T", _fixed(1)),
    b"\x1dV": ("GS V", _cut),
    b"\x1dW": ("GS W", _fixed(2)),
    b"\x1d\\": ("GS \\", _fixed(2)),
    b"\x1d^": ("GS ^", _fixed(3)),
    b"\x1da": ("GS a", _fixed(1)),
    b"\x1db": ("GS b", _fixed(1)),
    b"\x1df": ("GS f", _fixed(1)),
    b"\x1dg0": ("GS g 0", _fixed(3)),
    b"\x1dg2": ("GS g 2", _fixed(3)),
    b"\x1dh": ("GS h", _fixed(1)),
    b"\x1dk": ("GS k", _barcode),
    b"\x1dr": ("GS r", _fixed(1)),
    b"\x1dv0": ("GS v 0", _raster),
    b"\x1dw": ("GS w", _fixed(1)),
}


STREAMED = {"GS v 0": 5, "GS ( L": 12, "GS 8 L": 14}
"""Commands whose data is worked on while it comes -> how many of their arguments come before it."""

LONGEST_WHOLE = 8192
"""Longer commands are streamed too: real printers hold a QR code's 7,089 characters, and none holds 64 KB."""

HEAD_BYTES = 16
"""Arguments that are kept of a command that is streamed for its length."""


def commands_of(lacks: Mapping[str, Lack]) -> dict[bytes, tuple[str, Arity]]:
    """The commands whose length a printer knows.

    Args:
        lacks: what it does about those that it does not have; the length of a skipped one is known.
    """
    unknown = {name for name, lack in lacks.items() if lack is Lack.PRINTED}
    if any(name.startswith("GS (") for name in unknown):
        unknown.add("GS (")
    return {opcode: entry for opcode, entry in COMMANDS.items() if entry[0] not in unknown}
