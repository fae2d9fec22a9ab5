"""The corpus of scans (`vectors/scans/*.jsonl`) read into keys, bytes and reports; its README tells the notation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

FOLDER: Final = Path(__file__).parent / "vectors" / "scans"

TICK_S: Final = 0.05

_ROWS: Final = {
    1: "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE RIGHTBRACE ENTER LEFTCTRL "
    "A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT BACKSLASH Z X C V B N M COMMA DOT SLASH RIGHTSHIFT "
    "KPASTERISK LEFTALT SPACE CAPSLOCK F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK KP7 KP8 KP9 KPMINUS "
    "KP4 KP5 KP6 KPPLUS KP1 KP2 KP3 KP0 KPDOT",
    86: "102ND F11 F12",
    96: "KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT",
    102: "HOME UP PAGEUP LEFT RIGHT END DOWN PAGEDOWN INSERT DELETE",
    113: "MUTE VOLUMEDOWN VOLUMEUP POWER KPEQUAL",
    125: "LEFTMETA RIGHTMETA COMPOSE",
}
KEYS: Final = {name: first + at for first, row in _ROWS.items() for at, name in enumerate(row.split())} | {
    "LSHIFT": 42,
    "RSHIFT": 54,
    "LCTRL": 29,
    "RCTRL": 97,
    "LALT": 56,
    "ALTGR": 100,
}
"""Linux's names without `KEY_`, and short names for the modifiers.

Source: Linux, `include/uapi/linux/input-event-codes.h`.
"""

_CONTROLS: Final = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip
_NAMED_BYTE: Final = re.compile(r"<([0-9a-f]{2}|" + "|".join(_CONTROLS) + r"|DEL)>")
_TOKEN: Final = re.compile(
    r"(?P<name>[^\s()]+\()|(?P<end>\))|~(?P<pause_ms>\d+)|(?P<lost>LOST)|(?P<edge>[v^])(?P<key>[A-Z0-9]+)"
    r"|(?P<chord>[A-Z0-9]+(?:\+[A-Z0-9]+)*)(?:\*(?P<times>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key goes down or up, `time_s` after the start."""

    time_s: float
    code: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes from `since_s` until `time_s`."""

    time_s: float
    since_s: float

    def ticks(self) -> Iterator[float]:
        """Give the times at which whoever reads the device looks at the clock: every `TICK_S`, and at the end."""
        count = int((self.time_s - self.since_s) / TICK_S)
        yield from (self.since_s + TICK_S * number for number in range(count))
        yield self.time_s


@dataclass(frozen=True, slots=True)
class Lost:
    """The kernel dropped events, or the device left."""

    time_s: float


Step: TypeAlias = Key | Pause | Lost


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the corpus.

    Args:
        file: The file that it stands in, without its ending.
        says: The JSON object.
    """

    file: str
    says: dict[str, Any]

    @property
    def name(self) -> str:
        """What a test calls it."""
        return cast("str", self.says["name"])

    def steps(self) -> list[Step]:
        """Read `keys`."""
        return list(read_steps(self.says["keys"], every_ms=self.says.get("every_ms", 4)))

    def reads(self, field: str) -> list[bytes]:
        """Read `bytes`, `typed` or `reports`: the pieces, as they come."""
        pieces: str | list[str] = self.says[field]
        return [to_bytes(piece) for piece in ([pieces] if isinstance(pieces, str) else pieces)]


def cases() -> list[Case]:
    """Read the whole corpus.

    Returns:
        Its cases, file by file; comments (`//`) and empty lines left out.
    """
    return [
        Case(file.stem, json.loads(line))
        for file in sorted(FOLDER.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
        if line and not line.startswith("//")
    ]


def read_steps(text: str, *, every_ms: float) -> Iterator[Step]:
    """Read the notation of keys.

    Args:
        text: As `LSHIFT+1 LSHIFT(2 3) ~50 vLALT KP6 ^LALT A*3 LOST ENTER`.
        every_ms: Milliseconds from one key to the next.

    Yields:
        What happens, in order.

    Raises:
        ValueError: It is not in the notation.
    """
    now_ms, held = 0.0, list[int]()
    for word in re.findall(r"[^\s()]+\(|\)|[^\s()]+", text):
        match = _TOKEN.fullmatch(word)
        if match is None:
            raise ValueError(f"not in the notation: {word}")
        if match["name"]:
            held.append(KEYS[match["name"][:-1]])
            yield Key(now_ms / 1000, held[-1], pressed=True)
        elif match["end"]:
            yield Key(now_ms / 1000, held.pop(), pressed=False)
        elif match["pause_ms"]:
            since_ms, now_ms = now_ms, now_ms + float(match["pause_ms"])
            yield Pause(now_ms / 1000, since_ms / 1000)
        elif match["lost"]:
            yield Lost(now_ms / 1000)
        elif match["edge"]:
            yield Key(now_ms / 1000, KEYS[match["key"]], pressed=match["edge"] == "v")
            now_ms += every_ms / 2
        else:
            codes = [KEYS[name] for name in match["chord"].split("+")]
            for _ in range(int(match["times"] or 1)):
                yield from (Key(now_ms / 1000, code, pressed=True) for code in codes)
                up_s = (now_ms + every_ms / 2) / 1000
                yield from (Key(up_s, code, pressed=False) for code in reversed(codes))
                now_ms += every_ms


def to_bytes(text: str) -> bytes:
    """Read the notation of bytes: UTF-8, with `<GS>` or `<1d>` for a byte, and `x{5}` for five times what stands before.

    Args:
        text: As `]C1<GS>12345678901<CR>`.

    Returns:
        The bytes.
    """
    text = re.sub(r"(<[^<>]+>|.)\{(\d+)\}", lambda many: many[1] * int(many[2]), text)
    data, at = b"", 0
    for match in _NAMED_BYTE.finditer(text):
        data += text[at : match.start()].encode() + bytes([_byte(match[1])])
        at = match.end()
    return data + text[at:].encode()


def _byte(name: str) -> int:
    if name == "DEL":
        return 0x7F
    return _CONTROLS.index(name) if name in _CONTROLS else int(name, 16)
