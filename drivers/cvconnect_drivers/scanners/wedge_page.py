"""What `wedge_page.js` sends: batches of key events, checked and bounded. Pure.

```json
{"page": "1f3a", "batch": 0, "events": [
  {"code": "Digit1", "down": true, "ms": 1203.4, "repeat": false, "caps": false, "num": true},
  {"lost": true, "ms": 1300.0}
]}
```

`page` names one loading of the page, `batch` counts from 0: a batch that is missing is noticed. Times are the browser's
own, in milliseconds since the page was loaded.

Source: W3C UI Events KeyboardEvent code Values (`code` names a place on the keyboard); Linux
`include/uapi/linux/input-event-codes.h` (the numbers).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from cvconnect_drivers.errors import DriverError

MAX_BATCH_BYTES: Final = 131_072
MAX_BATCH_EVENTS: Final = 1024
"""512 characters down and up: twice the longest burst that a scanner sends between two batches."""

MAX_TIME_MS: Final = 1e12
_MAX_PAGE_NAME: Final = 64
_MAX_BATCH: Final = 2**53

UNKNOWN_KEY: Final = 240
"""`KEY_UNKNOWN`: a key that no layout has; its label is unreadable."""

DOM_KEYS: Final[Mapping[str, int]] = {
    "Escape": 1,
    **{f"Digit{n % 10}": 1 + n for n in range(1, 11)},
    "Minus": 12,
    "Equal": 13,
    "Backspace": 14,
    "Tab": 15,
    **{f"Key{letter}": 16 + n for n, letter in enumerate("QWERTYUIOP")},
    "BracketLeft": 26,
    "BracketRight": 27,
    "Enter": 28,
    "ControlLeft": 29,
    **{f"Key{letter}": 30 + n for n, letter in enumerate("ASDFGHJKL")},
    "Semicolon": 39,
    "Quote": 40,
    "Backquote": 41,
    "ShiftLeft": 42,
    "Backslash": 43,
    **{f"Key{letter}": 44 + n for n, letter in enumerate("ZXCVBNM")},
    "Comma": 51,
    "Period": 52,
    "Slash": 53,
    "ShiftRight": 54,
    "NumpadMultiply": 55,
    "AltLeft": 56,
    "Space": 57,
    "CapsLock": 58,
    **{f"F{n}": 58 + n for n in range(1, 11)},
    "NumLock": 69,
    "ScrollLock": 70,
    "Numpad7": 71,
    "Numpad8": 72,
    "Numpad9": 73,
    "NumpadSubtract": 74,
    "Numpad4": 75,
    "Numpad5": 76,
    "Numpad6": 77,
    "NumpadAdd": 78,
    "Numpad1": 79,
    "Numpad2": 80,
    "Numpad3": 81,
    "Numpad0": 82,
    "NumpadDecimal": 83,
    "IntlBackslash": 86,
    "F11": 87,
    "F12": 88,
    "IntlRo": 89,
    "NumpadEnter": 96,
    "ControlRight": 97,
    "NumpadDivide": 98,
    "PrintScreen": 99,
    "AltRight": 100,
    "Home": 102,
    "ArrowUp": 103,
    "PageUp": 104,
    "ArrowLeft": 105,
    "ArrowRight": 106,
    "End": 107,
    "ArrowDown": 108,
    "PageDown": 109,
    "Insert": 110,
    "Delete": 111,
    "NumpadEqual": 117,
    "Pause": 119,
    "NumpadComma": 121,
    "IntlYen": 124,
    "MetaLeft": 125,
    "MetaRight": 126,
    "ContextMenu": 127,
    **{f"F{n}": 170 + n for n in range(13, 25)},
}
"""The keys of browsers, as Linux numbers them."""


class PageError(DriverError):
    """What came from the page is no batch of key events; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class PageEvent:
    """One event of a batch.

    Args:
        time_s: When, in seconds since the page was loaded.
        code: The key, as Linux numbers it; None when the page says that something was lost. No repr shows it, as of keys.
        pressed: Whether it went down.
        repeat: Whether it is held down and repeats.
        caps_lock: Whether the desktop holds capitals, None when the page does not say.
        num_lock: Whether the keypad gives digits, None when the page does not say.
    """

    time_s: float
    code: int | None = field(repr=False)
    pressed: bool = False
    repeat: bool = False
    caps_lock: bool | None = None
    num_lock: bool | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events of one page, in order.

    Args:
        page: Names one loading of the page.
        number: Counts its batches from 0.
        events: What happened.
    """

    page: str
    number: int
    events: tuple[PageEvent, ...]


def key_of(code: str) -> int:
    """Find the number of a browser's key; `UNKNOWN_KEY` when it is none of ours."""
    return DOM_KEYS.get(code, UNKNOWN_KEY)


def read_batch(body: str | bytes) -> Batch:
    """Read what the page sent.

    Args:
        body: The request's body, as it came.

    Returns:
        The batch.

    Raises:
        PageError: `PAGE_TOO_LARGE` or `PAGE_MALFORMED`.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise PageError(
            "PAGE_TOO_LARGE",
            fr="La page de la caisse a envoyé trop de touches à la fois.",
            en=f"A batch has at most {MAX_BATCH_BYTES} bytes",
        )
    try:
        content = cast("object", json.loads(body))
    except (ValueError, RecursionError):
        raise _malformed("no JSON") from None  # what it quotes may be an identifier
    if not isinstance(content, dict):
        raise _malformed("no object")
    batch = cast("dict[str, object]", content)
    page, number, events = batch.get("page"), batch.get("batch"), batch.get("events")
    if not isinstance(page, str) or not 1 <= len(page) <= _MAX_PAGE_NAME:
        raise _malformed("page")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MAX_BATCH:
        raise _malformed("batch")
    if not isinstance(events, list) or len(cast("list[object]", events)) > MAX_BATCH_EVENTS:
        raise _malformed("events")
    return Batch(page, number, tuple(_event(each) for each in cast("list[object]", events)))


def _event(each: object) -> PageEvent:
    if not isinstance(each, dict):
        raise _malformed("event")
    event = cast("dict[str, object]", each)
    ms = event.get("ms")
    if not isinstance(ms, int | float) or isinstance(ms, bool) or not 0 <= ms <= MAX_TIME_MS:
        raise _malformed("ms")
    if event.get("lost") is True:
        return PageEvent(ms / 1000, None)
    code, down = event.get("code"), event.get("down")
    if not isinstance(code, str):
        raise _malformed("code")
    if not isinstance(down, bool):
        raise _malformed("down")
    return PageEvent(
        ms / 1000,
        key_of(code),
        down,
        event.get("repeat") is True,
        _flag(event, "caps"),
        _flag(event, "num"),
    )


def _flag(event: Mapping[str, object], key: str) -> bool | None:
    value = event.get(key)
    if value is not None and not isinstance(value, bool):
        raise _malformed(key)
    return value


def _malformed(what: str) -> PageError:
    return PageError(
        "PAGE_MALFORMED",
        fr="La page de la caisse a envoyé des touches illisibles.",
        en=f"What the page sent is no batch of key events ({what})",
    )
