"""How a scanner is set up, found out from one label that it reads. Pure.

The label's text is chosen so that the same keys write something else in each layout: what a scanner set to one layout
sends is this text in that layout alone, and never an identifier in another. From what came before and after it follow
prefix, AIM identifier, suffix and terminator; from the times, how slow the scanner is.

Source: ISO/IEC 15424 (AIM identifiers, `]` + code letter + modifier).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from cvconnect_drivers.scanners.calibration_desktops import seen_on_desktops
from cvconnect_drivers.scanners.calibration_errors import CalibrationError, refused
from cvconnect_drivers.scanners.framing import TERMINATORS
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, TERMINATOR_KEYS, KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.layouts import LAYOUTS
from cvconnect_drivers.scanners.wedge_intake import Characters

CALIBRATION_TEXT: Final = "CVCO:Calibrage-1234567890@#aqwzmy*"
"""Digits, `a q w z m y`, and the signs that each pair of our layouts has on different keys."""

DEFAULT_GAP_S: Final = 0.3
_GAP_PER_PAUSE: Final = 4
"""A label has ended when nothing came for this many times the scanner's longest pause."""

_ENOUGH: Final = len(CALIBRATION_TEXT) // 3
_LABEL: Final = re.compile(
    rf"(?P<prefix>.*?)(?:(?P<aim>\][A-Za-z][0-9A-Za-z])(?P<inner>.*?))?{re.escape(CALIBRATION_TEXT)}(?P<suffix>.*)",
    re.DOTALL,
)
_ENDS: Final = {data.decode(): name for name, data in TERMINATORS.items()}
_END_CHARACTERS: Final = frozenset("\r\n\t")
_IN_IDENTIFIERS: Final = re.compile(r"[A-Za-z0-9.@!#$%&'*+/=?^_`{|}~-]*")
_DAMAGED: Final = "\ufffd"
_GARBLED: Final = re.compile("[\ufffd\0]")
_OTHER_LABEL: Final = re.compile(r"[\r\n\t]|[0-9]{8}|@.*\.|.{17}", re.DOTALL)
"""No prefix: the end of another label, a number, an e-mail address, or more than anybody sets."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came together from a serial scanner; personal, so no repr shows them."""

    time_s: float
    data: bytes = field(repr=False)


Read: TypeAlias = Sequence[KeyEvent] | Sequence[Characters] | Sequence[Chunk]
"""All that came of one read of the label, in order: keys, characters of the desktop, or bytes."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a scanner is set up.

    Args:
        layout: The layout of its keys; empty when it sent bytes or characters.
        terminator: What ends a label, as the setting `terminator` says it; empty when `suffix` tells it.
        aim: The AIM identifier that it sends before a QR, or None.
        prefix: What it sends before everything.
        label_prefix: What it sends between the AIM identifier and the label.
        suffix: All that it sends after the label, where no `terminator` says it; of bytes alone.
        caps_lock: Whether small and capital letters came exchanged: the scanner or the desktop took CapsLock to be on.
        pause_s: The longest pause between two keys, characters or reads, in seconds.
        duration_s: How long the whole label took, in seconds.
        sends: `keys`, `characters` or `bytes`.
    """

    layout: str
    terminator: str
    aim: str | None
    prefix: str
    label_prefix: str
    suffix: str
    caps_lock: bool
    pause_s: float
    duration_s: float
    sends: str

    @property
    def idle_gap_ms(self) -> int:
        """The pause that should end a label, in milliseconds; a multiple of 50, 300 or more."""
        needed_s = max(self.pause_s * _GAP_PER_PAUSE, DEFAULT_GAP_S)
        return min(math.ceil(needed_s * 20 - 1e-9) * 50, 10_000)

    def settings(self) -> Mapping[str, str | int | None]:
        """What the station file should say of this scanner.

        Returns:
            Keys and values; None where a key should not stand there.
        """
        found: dict[str, str | int | None] = {
            "layout": self.layout or None,
            "terminator": self.terminator or None,
            "prefix": self.prefix or None,
        }
        if self.label_prefix:  # one that stands there already is of the labels, which this one does not show
            found["label_prefix"] = self.label_prefix
        if self.sends == "bytes":
            found["suffix"] = self.suffix or None
        else:
            found["idle_gap_ms"] = self.idle_gap_ms if self.idle_gap_ms > DEFAULT_GAP_S * 1000 else None
        return found


def detect(read: Read) -> Calibration:
    """Find out how a scanner is set up.

    Args:
        read: What came when it read the calibration label once.

    Returns:
        What was found.

    Raises:
        CalibrationError: `CALIBRATION_NOTHING`, `CALIBRATION_OTHER_LABEL`, `CALIBRATION_PARTIAL`, `CALIBRATION_TWICE`,
            `CALIBRATION_GARBLED`, `CALIBRATION_DESKTOP`, `CALIBRATION_NO_END`, `CALIBRATION_SUFFIX`, `CALIBRATION_PREFIX` or
            `CALIBRATION_TWO_LABELS`.
    """
    keys = [item for item in read if isinstance(item, KeyEvent)]
    characters = [item for item in read if isinstance(item, Characters)]
    chunks = [item for item in read if isinstance(item, Chunk)]
    if keys:
        return _of_keys(keys)
    if characters:
        return _of_characters(characters)
    if any(chunk.data for chunk in chunks):
        return _of_bytes(chunks)
    raise refused("NOTHING")


def _of_keys(events: Sequence[KeyEvent]) -> Calibration:
    texts = {
        (name, caps): _decode(events, name, caps_lock=caps) for caps in (False, True) for name in LAYOUTS
    }
    # A scanner that types Alt codes writes the same in all of them: then the first will do.
    found = next((key for key, typed in texts.items() if CALIBRATION_TEXT in typed.text), None)
    if found is None:
        raise _not_ours([typed.text for typed in texts.values()])
    layout, caps_lock = found
    typed = texts[found]
    _refuse_more(typed.rest)
    return _calibration(
        typed.text,
        [event.time_s for event in events if event.pressed],
        layout=layout,
        terminator=typed.terminator,
        caps_lock=caps_lock,
        sends="keys",
    )


@dataclass(frozen=True, slots=True)
class _Typed:
    """Keys read in one layout: up to the first end, that end's name, and what came after it; no repr shows what was read."""

    text: str = field(repr=False)
    terminator: str
    rest: str = field(repr=False)


def _decode(events: Sequence[KeyEvent], layout: str, *, caps_lock: bool) -> _Typed:
    decoder = KeyboardDecoder(layout, terminators=ANY_TERMINATOR, idle_gap_s=0, caps_lock=caps_lock)
    names = {code: name for name, code in TERMINATOR_KEYS.items()}
    labels: list[str] = []
    ends: set[str] = set()
    for event in events:
        ended = [label.data.decode() for label in decoder.feed(event)]
        labels += ended
        if ended or (labels and event.pressed and event.code in names):
            # Ctrl+M and Alt codes end labels, too: those need all of them.
            ends.add(names.get(event.code, "any"))
    # Without an end: Enter is pressed for the scanner.
    last = decoder.feed(KeyEvent(events[-1].time_s, TERMINATOR_KEYS["enter"], pressed=True))
    labels += [label.data.decode() or _DAMAGED for label in last]
    terminator = "none" if not ends else ends.pop() if len(ends) == 1 else "any"
    return _Typed(labels[0] if labels else "", terminator, "".join(labels[1:]))


def _of_characters(read: Sequence[Characters]) -> Calibration:
    text = "".join(item.text for item in read)
    caps_lock = CALIBRATION_TEXT not in text and CALIBRATION_TEXT in text.swapcase()
    if caps_lock:
        text = text.swapcase()
    if CALIBRATION_TEXT not in text:
        seen = next(
            (pair for pair, pattern in seen_on_desktops(CALIBRATION_TEXT) if pattern.search(text)), None
        )
        if seen is None:
            raise _not_ours([text])
        scanner, desktop = seen
        raise refused("DESKTOP", scanner=scanner, desktop=desktop)
    label, rest = _split_after(text)
    found = re.search(r"[\r\n\t]", rest)
    if found is None:
        label, rest = text, ""
    _refuse_more("".join(character for character in rest if character not in _END_CHARACTERS))
    ends = set(rest)
    terminator = "none" if not ends else "tab" if ends == {"\t"} else "any" if "\t" in ends else "enter"
    times = [item.time_s for item in read]
    return _calibration(
        label, times, layout="", terminator=terminator, caps_lock=caps_lock, sends="characters"
    )


def _of_bytes(chunks: Sequence[Chunk]) -> Calibration:
    text = b"".join(chunk.data for chunk in chunks).decode("utf-8", "replace")
    if CALIBRATION_TEXT not in text:
        if _GARBLED.search(text) and not _shares(text):
            raise refused("GARBLED")
        raise _not_ours([text])
    label, rest = _split_after(text)
    if _IN_IDENTIFIERS.fullmatch(rest):  # nothing, or what an identifier may hold itself
        raise refused("NO_END")
    if _DAMAGED in text:
        raise refused("PREFIX")
    terminator = _ENDS.get(rest) or _of_end_characters(rest)
    times = [chunk.time_s for chunk in chunks]
    return _calibration(
        label,
        times,
        layout="",
        terminator=terminator,
        suffix="" if terminator else rest,
        caps_lock=False,
        sends="bytes",
    )


def _of_end_characters(rest: str) -> str:
    """Name the terminator for several of these characters; empty when there are others."""
    ends = set(rest)
    if not ends <= _END_CHARACTERS:
        return ""
    return _ENDS[rest[0]] if len(ends) == 1 else "any"


def _split_after(text: str) -> tuple[str, str]:
    """Cut a text after the label, of which there may be one."""
    before, label, rest = text.partition(CALIBRATION_TEXT)
    if CALIBRATION_TEXT in rest:
        raise refused("TWICE")
    return before + label, rest


def _refuse_more(rest: str) -> None:
    """Refuse what came after the end of a label: the next label would begin with it."""
    if CALIBRATION_TEXT in rest:
        raise refused("TWICE")
    if rest:
        raise refused("SUFFIX")


def _calibration(
    text: str,
    times_s: Sequence[float],
    *,
    layout: str,
    terminator: str,
    caps_lock: bool,
    sends: str,
    suffix: str = "",
) -> Calibration:
    if text.count(CALIBRATION_TEXT) > 1:
        raise refused("TWICE")
    parts = _LABEL.fullmatch(text)
    assert parts is not None  # noqa: S101 (the text is in it)
    if parts["suffix"]:
        raise refused("SUFFIX")
    if _OTHER_LABEL.search(parts["prefix"] + (parts["inner"] or "")) or _OTHER_LABEL.search(
        suffix.strip("\r\n\t")
    ):
        raise refused("TWO_LABELS")
    pauses = [later - earlier for earlier, later in pairwise(times_s)]
    return Calibration(
        layout=layout,
        terminator=terminator,
        aim=parts["aim"],
        prefix=parts["prefix"],
        label_prefix=parts["inner"] or "",
        suffix=suffix,
        caps_lock=caps_lock,
        pause_s=max(pauses, default=0.0),
        duration_s=sum(pauses),
        sends=sends,
    )


def _not_ours(texts: Sequence[str]) -> CalibrationError:
    """Say what was read instead: a part of our label, or another one."""
    return refused("PARTIAL" if any(_shares(text) for text in texts) else "OTHER_LABEL")


def _shares(text: str) -> bool:
    return any(
        CALIBRATION_TEXT[at : at + _ENOUGH] in text for at in range(len(CALIBRATION_TEXT) - _ENOUGH + 1)
    )
