"""How a scanner is set up, found out from one label that it reads. Pure.

The label's text is chosen so that the same keys write something else in each layout: what a scanner set to one layout
sends is this text in that layout alone, and never an identifier in another. From what came before and after it follow
prefix, AIM identifier, suffix and terminator; from the times, how slow the scanner is.

Source: ISO/IEC 15424 (AIM identifiers, `]` + code letter + modifier).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final, TypeAlias

from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.scanners.framing import TERMINATORS
from cvconnect_drivers.scanners.keyboard import ANY_TERMINATOR, TERMINATOR_KEYS, KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.layouts import DEAD, LAYOUTS, levels
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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came together from a serial scanner; personal, so no repr shows them."""

    time_s: float
    data: bytes = field(repr=False)


Read: TypeAlias = Sequence[KeyEvent] | Sequence[Characters] | Sequence[Chunk]
"""All that came of one read of the label, in order: keys, characters of the desktop, or bytes."""


class CalibrationError(DriverError):
    """What came does not tell how the scanner is set up; the French sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a scanner is set up.

    Args:
        layout: The layout of its keys; empty when it sent bytes or characters.
        terminator: What ends a label, as the setting `terminator` says it.
        aim: The AIM identifier that it sends before a QR, or None.
        prefix: What it sends before everything.
        label_prefix: What it sends between the AIM identifier and the label.
        suffix: What it sends between the label and the terminator.
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
            "terminator": self.terminator,
            "prefix": self.prefix or None,
            "label_prefix": self.label_prefix or None,
        }
        if self.sends == "bytes":
            ends = {name: text for text, name in _ENDS.items()}
            if self.suffix:
                found["terminator"] = None
            found["suffix"] = self.suffix + ends[self.terminator] if self.suffix else None
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
        CalibrationError: `CALIBRATION_NOTHING`, `CALIBRATION_OTHER_LABEL`, `CALIBRATION_TWICE`, `CALIBRATION_DESKTOP`,
            `CALIBRATION_NO_END` or `CALIBRATION_SUFFIX`.
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
    raise CalibrationError(
        "CALIBRATION_NOTHING",
        fr="Rien n’a été lu : vérifiez que la douchette est branchée, et visez l’étiquette.",
        en="Nothing came from the scanner",
    )


def _of_keys(events: Sequence[KeyEvent]) -> Calibration:
    texts = {
        (name, caps): _decode(events, name, caps_lock=caps) for caps in (False, True) for name in LAYOUTS
    }
    # A scanner that types Alt codes writes the same in all of them: then the first will do.
    found = next((key for key, (text, _) in texts.items() if CALIBRATION_TEXT in text), None)
    if found is None:
        raise _not_ours([text for text, _ in texts.values()])
    layout, caps_lock = found
    text, terminator = texts[found]
    return _calibration(
        text,
        [event.time_s for event in events if event.pressed],
        layout=layout,
        terminator=terminator,
        caps_lock=caps_lock,
        sends="keys",
    )


def _decode(events: Sequence[KeyEvent], layout: str, *, caps_lock: bool) -> tuple[str, str]:
    """Read the keys in one layout: the text up to the first terminator, and that terminator's name."""
    decoder = KeyboardDecoder(layout, terminators=ANY_TERMINATOR, idle_gap_s=0, caps_lock=caps_lock)
    names = {code: name for name, code in TERMINATOR_KEYS.items()}
    for event in events:
        for label in decoder.feed(event):
            # Ctrl+M and Alt codes end labels, too: those need all of them.
            return label.data.decode(), names.get(event.code, "any")
    # Without an end: Enter is pressed for the scanner.
    ended = decoder.feed(KeyEvent(events[-1].time_s, TERMINATOR_KEYS["enter"], pressed=True))
    return (ended[0].data.decode() if ended else ""), "none"


def _of_characters(read: Sequence[Characters]) -> Calibration:
    text = "".join(item.text for item in read)
    caps_lock = CALIBRATION_TEXT not in text and CALIBRATION_TEXT in text.swapcase()
    if caps_lock:
        text = text.swapcase()
    if CALIBRATION_TEXT not in text:
        seen = next((pair for pair, pattern in _seen_on_desktops() if pattern.search(text)), None)
        if seen is None:
            raise _not_ours([text])
        scanner, desktop = seen
        raise CalibrationError(
            "CALIBRATION_DESKTOP",
            fr=f"La douchette est réglée pour un clavier « {scanner} » et ce poste pour un clavier « {desktop} » : "
            f"réglez la douchette en « {desktop} », avec les codes-barres de sa notice.",
            en=f"The scanner is set to {scanner!r} and the desktop to {desktop!r}: set the scanner to {desktop!r}",
        )
    label, end = _split_end(text)
    terminator = "none" if not end else "tab" if end.startswith("\t") else "enter"
    times = [item.time_s for item in read]
    return _calibration(
        label, times, layout="", terminator=terminator, caps_lock=caps_lock, sends="characters"
    )


def _of_bytes(chunks: Sequence[Chunk]) -> Calibration:
    text = b"".join(chunk.data for chunk in chunks).decode("utf-8", "replace")
    if CALIBRATION_TEXT not in text:
        raise _not_ours([text])
    label, end = _split_end(text)
    if not end:
        raise CalibrationError(
            "CALIBRATION_NO_END",
            fr="La douchette n’envoie rien à la fin d’une étiquette : ajoutez-lui le suffixe « CR » (Entrée), "
            "avec les codes-barres de sa notice.",
            en="The scanner sends no terminator: program the suffix CR",
        )
    terminator = _ENDS.get(end) or _ENDS[end[0]]
    times = [chunk.time_s for chunk in chunks]
    return _calibration(label, times, layout="", terminator=terminator, caps_lock=False, sends="bytes")


def _split_end(text: str) -> tuple[str, str]:
    """Cut a text where its first terminator after the label stands."""
    at = text.index(CALIBRATION_TEXT) + len(CALIBRATION_TEXT)
    rest = text[at:]
    found = re.search(r"\r\n|\r|\n|\t", rest)
    if found is None:
        return text, ""
    if CALIBRATION_TEXT in rest:
        raise _twice()
    return text[: at + found.start()], found[0]


def _calibration(
    text: str, times_s: Sequence[float], *, layout: str, terminator: str, caps_lock: bool, sends: str
) -> Calibration:
    if text.count(CALIBRATION_TEXT) > 1:
        raise _twice()
    parts = _LABEL.fullmatch(text)
    assert parts is not None  # noqa: S101 (the text is in it)
    if parts["suffix"] and sends != "bytes":
        raise CalibrationError(
            "CALIBRATION_SUFFIX",
            fr="La douchette ajoute des caractères après chaque étiquette : retirez ce suffixe (ne gardez qu’Entrée ou Tab), "
            "avec les codes-barres de sa notice.",
            en="The scanner adds a suffix before its terminator: remove it",
        )
    pauses = [later - earlier for earlier, later in pairwise(times_s)]
    return Calibration(
        layout=layout,
        terminator=terminator,
        aim=parts["aim"],
        prefix=parts["prefix"],
        label_prefix=parts["inner"] or "",
        suffix=parts["suffix"],
        caps_lock=caps_lock,
        pause_s=max(pauses, default=0.0),
        duration_s=sum(pauses),
        sends=sends,
    )


def _not_ours(texts: Sequence[str]) -> CalibrationError:
    """Say what was read instead: a part of our label, or another one."""
    if any(_shares(text) for text in texts):
        return CalibrationError(
            "CALIBRATION_PARTIAL",
            fr="L’étiquette de calibrage n’est arrivée qu’en partie : relisez-la, bien à plat et en entier.",
            en="The calibration label came in part only",
        )
    return CalibrationError(
        "CALIBRATION_OTHER_LABEL",
        fr="Ce n’est pas l’étiquette de calibrage, ou la disposition de clavier de la douchette est inconnue : "
        "relisez l’étiquette imprimée, ou réglez la douchette en français avec sa notice.",
        en="Another label was read, or the scanner's layout is none of ours",
    )


def _shares(text: str) -> bool:
    return any(
        CALIBRATION_TEXT[at : at + _ENOUGH] in text for at in range(len(CALIBRATION_TEXT) - _ENOUGH + 1)
    )


def _twice() -> CalibrationError:
    return CalibrationError(
        "CALIBRATION_TWICE",
        fr="L’étiquette a été lue deux fois : recommencez en ne pressant la gâchette qu’une fois.",
        en="The calibration label was read twice",
    )


@cache
def _seen_on_desktops() -> tuple[tuple[tuple[str, str], re.Pattern[str]], ...]:
    """Give what each desktop makes of the label when a scanner is set otherwise; dead keys may make anything."""
    return tuple(_patterns())


def _patterns() -> Iterator[tuple[tuple[str, str], re.Pattern[str]]]:
    for scanner in LAYOUTS:
        strokes = {
            text: (code, level) for level in (3, 2, 1, 0) for code, text in levels(scanner)[level].items()
        }
        for desktop in LAYOUTS:
            if desktop == scanner:
                continue
            writes = levels(desktop)
            seen: list[str] = []
            for character in CALIBRATION_TEXT:
                code, level = strokes[character]
                text = writes[level].get(code, DEAD)
                seen.append(".{0,2}" if DEAD in text else re.escape(text))
            yield (scanner, desktop), re.compile("".join(seen), re.DOTALL)
