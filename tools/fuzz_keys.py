"""Keys and characters for `fuzz_targets`: the keyboard decoder, the search for another layout, the wedge's characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import scans
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, RawLabel
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Envelope, read_label
from cvconnect_drivers.scanners.layouts import ALTGR, DEAD, KEYPAD, LAYOUTS, SHIFT, levels, misread
from cvconnect_drivers.scanners.wedge_intake import ENDINGS, CharacterDecoder
from fuzz_promises import CLOCK, NUMBER, held, like_an_identifier, promise

NAMES: Final = tuple(LAYOUTS)
ENDING_NAMES: Final = tuple(ENDINGS)
MOST_HELD: Final = 4 * MAX_LABEL_BYTES
"""Elements that a decoder may hold: the longest label, its prefix, and small change."""

# --- keys -------------------------------------------------------------------------------------------------------------
# Two bytes of settings, then two for each step: the key and whether it went down; how long after the step before.

_TICK, _LOST, _LOCKS = 120, 122, 123
"""Codes of keys that no keyboard of ours has."""

_SHORT = 128
_SHORTEST_GAP = 80
"""Sooner after a key, a look at the clock can end nothing."""

_MODIFIERS = (42, 54, 29, 97, 56, 100, 125, 126)


def _delay(byte: int) -> int:
    return byte if byte < _SHORT else (byte - _SHORT) * 10


def _decoder(data: bytes) -> KeyboardDecoder:
    layout, options = data[0], data[1]
    return KeyboardDecoder(
        NAMES[layout % len(NAMES)],
        terminators=ENDINGS[ENDING_NAMES[options % len(ENDING_NAMES)]],
        idle_gap_s=(0.3, 0.3, 0.08, 0.0)[options >> 3 & 3],
        caps_lock=bool(options & 0x20),
        num_lock=not options & 0x40,
    )


def _play(data: bytes, decoder: KeyboardDecoder, *, since: int, ticks: bool) -> tuple[list[RawLabel], int]:
    """Feed the steps; tell the labels, and when the last step was."""
    labels: list[RawLabel] = []
    last_key: int | None
    now, presses, last_key = since, 0, None
    for key, delay in zip(data[2::2], data[3::2], strict=False):
        code = key & 0x7F
        now += _delay(delay)
        if ticks and last_key is not None and now - last_key < _SHORTEST_GAP:
            labels += decoder.tick((last_key + now) / 2 / CLOCK)
        match code:
            case 120:
                came = decoder.tick(now / CLOCK)
            case 122:
                came, presses, last_key = decoder.lose(), 0, None
            case 123:
                came = []
                decoder.set_locks(caps_lock=bool(key >> 7), num_lock=bool(delay & 1))
            case _:
                presses, last_key = presses + (key >> 7), now
                came = decoder.feed(KeyEvent(now / CLOCK, code, pressed=bool(key >> 7)))
        for raw in came:
            if raw.damage is None:
                promise(len(raw.data.decode()) <= presses, "a label has more characters than keys went down")
            presses = key >> 7  # a pause before it may have ended the label
        labels += came
    return labels, now


def check_keyboard(data: bytes) -> None:
    """Keys in any order: no crash, bounded, the clock's zero and ticks change nothing, and the next label is whole."""
    if len(data) < 2:  # noqa: PLR2004 - the settings
        return
    layout = NAMES[data[0] % len(NAMES)]
    decoder = _decoder(data)
    labels, now = _play(data, decoder, since=0, ticks=False)
    if len(data) & 2:
        again, _ = _play(data, _decoder(data), since=CLOCK * 4096, ticks=True)
        promise(labels == again, "ticks, or another zero of the clock, made other labels")
    plainly = _plainly_read(data, layout)
    promise(plainly is None or labels == plainly, "a table and a Shift read it otherwise")
    promise(held(decoder) <= MOST_HELD, "it holds too much")
    for raw in labels:
        promise(len(raw.data) <= MAX_LABEL_BYTES, "a label is too long")
        promise(raw.damage is not None or raw.layout == layout, "a label does not tell its layout")
        promise(not raw.data or raw.damage is None, "a damaged label has text")
        label = read_label(raw, Envelope())
        promise(label.refusal is not None or like_an_identifier(label.text), "it accepted no identifier")
    _recovers(decoder, layout, now, ENDINGS[ENDING_NAMES[data[1] % len(ENDING_NAMES)]])


def _plainly_read(data: bytes, layout: str) -> list[RawLabel] | None:
    """Read the keys as simply as can be; None when something happens that needs more than a table and a Shift."""
    if data[1] % len(ENDING_NAMES) or data[1] & 0x60:
        return None
    tables = levels(layout)
    shifts, held_keys, text, quiet = set[int](), set[int](), "", 0
    labels: list[RawLabel] = []
    for key, delay in zip(data[2::2], data[3::2], strict=False):
        code, quiet = key & 0x7F, quiet + _delay(delay)
        if quiet >= _SHORTEST_GAP or code in {_LOST, _LOCKS}:
            return None
        if code == _TICK:
            continue
        quiet = 0
        if not key >> 7:
            shifts.discard(code)
            held_keys.discard(code)
        elif code in _ENDERS:
            labels += [RawLabel(text.encode(), layout=layout)] if text else []
            text = ""
        elif code in _SHIFTS or (code == _ALTGR and layout != "us"):
            shifts.add(code)
        else:
            level = (SHIFT if shifts & _SHIFTS else 0) + (ALTGR if _ALTGR in shifts else 0)
            character = tables[level].get(code) or (None if level else KEYPAD.get(code))
            if (
                character is None
                or code in held_keys
                or level == SHIFT + ALTGR
                or DEAD in character
                or code == _POINT
            ):
                return None
            held_keys.add(code)
            text += character
            if len(text) > MAX_LABEL_BYTES // 2:
                return None
    return labels


_ENDERS = (28, 96, 15)
_SHIFTS = {42, 54}
_ALTGR = 100
_POINT = 83
"""The keypad's, which German layouts write as a comma."""


def _recovers(decoder: KeyboardDecoder, layout: str, now: int, terminators: frozenset[str]) -> None:
    """When all keys are up and a pause has passed, a label is read as if nothing had been."""
    for code in _MODIFIERS:
        decoder.feed(KeyEvent(now / CLOCK, code, pressed=False))
    decoder.set_locks(caps_lock=False, num_lock=True)
    for wait in (0, 2 * CLOCK):
        decoder.tick((now + wait) / CLOCK)
    now += 2 * CLOCK
    end = {"enter": 28, "kp_enter": 96, "tab": 15}
    ender = end[min(terminators)] if terminators else None
    codes = [code for character in NUMBER for code in [_KEYPAD[character]]]
    labels: list[RawLabel] = []
    for _ in range(2):  # the first may be torn: it ends otherwise than the label before
        labels.clear()
        for code in [*codes, *([ender] if ender else [])]:
            labels += decoder.feed(KeyEvent(now / CLOCK, code, pressed=True))
            labels += decoder.feed(KeyEvent((now + 1) / CLOCK, code, pressed=False))
            now += 4
        labels += decoder.tick((now + 2 * CLOCK) / CLOCK)
        now += 4 * CLOCK
    if ender is None and decoder.pending:  # no terminator and no gap: nothing can end a label
        return
    promise(labels == [RawLabel(NUMBER.encode(), layout=layout)], "the next label was not read")


_KEYPAD: Final = dict(zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True))


def keyboard_seeds() -> list[bytes]:
    """Give the corpus's keys."""
    return [seed for case in scans.cases() if "keys" in case.says and len(seed := _as_bytes(case)) < 200]  # noqa: PLR2004


def _as_bytes(case: scans.Case) -> bytes:
    says = case.says
    options = ENDING_NAMES.index(says.get("terminator", "any"))
    options |= 0x20 * says.get("caps_lock", False) | 0x40 * (not says.get("num_lock", True))
    data, now_s = bytearray([NAMES.index(says["layout"]), options]), 0.0
    for step in case.steps():
        delay = min(round((step.time_s - now_s) * CLOCK), 1270)
        now_s = step.time_s
        delay = delay if delay < _SHORT else _SHORT + delay // 10
        match step:
            case scans.Key(code=code, pressed=pressed):
                data += bytes([code | pressed << 7, delay])
            case scans.Pause():
                data += bytes([_TICK, delay])
            case scans.Lost():
                data += bytes([_LOST, delay])
    return bytes(data)


def _strokes(*codes: int) -> bytes:
    return b"".join(bytes([code | 0x80, 2, code, 2]) for code in codes)


KEY_PIECES: Final = (
    *(bytes([code | 0x80, 0]) for code in (*_MODIFIERS, 28, 15, 96, 58, 69)),
    *(bytes([code, 0]) for code in _MODIFIERS),
    *(_strokes(code) for code in (28, 15, 96, 58, 69, 82, 79, 73, 2, 11, 26, 41, 57, 105, 14)),
    bytes([_LOST, 0]), bytes([_TICK, 0xC0]), bytes([_TICK, 0x10]), bytes([_LOCKS, 0]), bytes([_LOCKS | 0x80, 1]),
    bytes([56 | 0x80, 0]) + _strokes(82, 75, 73) + bytes([56, 0]),
)  # fmt: skip


# --- another layout ---------------------------------------------------------------------------------------------------
# One byte for the layout, then the text.


@cache
def _keys_of(layout: str, *, caps_lock: bool) -> dict[str, list[tuple[int, int]]]:
    """Type every key through the decoder itself: character to keys and modifier."""
    typed: dict[str, list[tuple[int, int]]] = {}
    for modifier in (0, 42, 100):
        for code in (*range(1, 55), 57, 86):  # not the keypad, which is the same in all
            text = _written(layout, [(code, modifier)], caps_lock=caps_lock)
            if text is not None and len(text) == 1:
                typed.setdefault(text, []).append((code, modifier))
    return typed


def _written(layout: str, strokes: Sequence[tuple[int, int]], *, caps_lock: bool) -> str | None:
    decoder = KeyboardDecoder(layout, terminators=frozenset({"kp_enter"}), caps_lock=caps_lock)
    for code, modifier in strokes:
        for key, pressed in ((modifier, True), (code, True), (code, False), (modifier, False)):
            if key:
                decoder.feed(KeyEvent(0.0, key, pressed=pressed))
    labels = decoder.feed(KeyEvent(0.0, 96, pressed=True))
    return labels[0].data.decode() if labels and labels[0].damage is None else None


def check_misread(data: bytes) -> None:
    """Any text: the layout that is told is another one, or CapsLock is, and its keys write an identifier there."""
    text = data[1:].decode("utf-8", "ignore")
    choice = (data[0] if data else 0) % (len(NAMES) + 1)
    layout = NAMES[choice] if choice < len(NAMES) else ""
    found = misread(text, layout)
    promise(found is None or found in NAMES, "it told no layout")
    if found is None:
        promise(text != _FRENCH_NUMBER or layout != "fr", "it missed eleven digits")
        return
    if found == layout:
        locks = [(False, True), (True, False)]
        promise(
            any(_reads_as_identifier(text, layout, layout, *caps) for caps in locks),
            "CapsLock changes nothing",
        )
        return
    hosts = [layout] if layout else [name for name in NAMES if name != found]
    promise(any(_reads_as_identifier(text, host, found) for host in hosts), "those keys write no identifier")


_FRENCH_NUMBER: Final = "&é\"'(-è_çà&"


def _reads_as_identifier(
    text: str,
    host: str,
    name: str,
    host_caps: bool = False,  # noqa: FBT001, FBT002 - states of the two sides
    caps: bool = False,  # noqa: FBT001, FBT002
) -> bool:
    keys = _keys_of(host, caps_lock=host_caps)
    if any(character not in keys for character in text):
        return False
    reread = _written(name, [keys[character][0] for character in text], caps_lock=caps)
    return reread is not None and like_an_identifier(reread)


def misread_seeds() -> list[bytes]:
    """Give identifiers as other layouts show them."""
    texts = (
        "12345678901",
        "a.b@exemple.fr",
        "!@#$%^&*()!",
        _FRENCH_NUMBER,
        '"«»()@+-/*"',
        "b2exe,ple:fr",
        "&é\"'(§è!çà&",
    )
    told = [bytes([place]) + text.encode() for place in range(len(NAMES) + 1) for text in texts]
    says = [case.says for case in scans.cases() if "layout" in case.says]
    reads = [
        (each["layout"], label["read"]) for each in says for label in each["expect"] if label.get("read")
    ]
    return told + [bytes([NAMES.index(layout)]) + text.encode() for layout, text in reads]


# --- characters -------------------------------------------------------------------------------------------------------
# One byte of settings, then: 0 loses, 1 to 15 wait, all else is text.

_LAST_WAIT = 8


def check_characters(data: bytes) -> None:
    """Any characters with any pauses: bounded, the same however they come at once, and whole labels only."""
    terminators = ENDINGS[ENDING_NAMES[(data[0] if data else 0) % len(ENDING_NAMES)]]
    whole, single = (CharacterDecoder(terminators, idle_gap_s=0.3) for _ in range(2))
    labels: list[RawLabel] = []
    again: list[RawLabel] = []
    now = 0
    for run in re.findall(rb"[\x00-\x08]|[^\x00-\x08]+", data[1:]):
        if run == b"\0":
            labels += whole.lose(now / CLOCK)
            again += single.lose(now / CLOCK)
        elif run[0] <= _LAST_WAIT:
            now += run[0] * 64
            labels += whole.tick(now / CLOCK)
            again += single.tick(now / CLOCK)
        else:
            text = run.decode("utf-8", "surrogateescape")
            labels += whole.feed(text, now / CLOCK)
            for character in text:
                again += single.feed(character, now / CLOCK)
    promise(labels == again, "characters at once made other labels than one by one")
    promise(held(whole) <= MAX_LABEL_BYTES + 8, "it holds too much")
    promise(all(len(raw.data) <= MAX_LABEL_BYTES for raw in labels), "a label is too long")


def characters_seeds() -> list[bytes]:
    """Give the corpus's characters."""
    return [
        b"\0"
        + b"".join(
            b"\x07" if piece.startswith(b"~") else b"\0" if piece == b"LOST" else piece for piece in pieces
        )
        for case in scans.cases()
        if "typed" in case.says and sum(map(len, pieces := case.reads("typed"))) < 600  # noqa: PLR2004
    ]
