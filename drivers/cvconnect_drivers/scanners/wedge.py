"""Scanners that the till itself hears (`wedge:NAME`): its own user interface hands over what the desktop gave it.

For every platform and every toolkit. The driver's side is an ordinary scanner; the till's side is `wedge(NAME)`:

```python
from cvconnect_drivers.scanners.wedge import wedge

counter = wedge("COUNTER")
if counter.key(code, pressed, time_s):
    ...  # swallow the event: it belongs to a scan
```

Keys are better than characters: with them the till's desktop may have any layout. While labels are wanted, every call answers
that the till should swallow what it handed over, so that a scan never lands in a price field; keys that no label is made
of (Escape, F1, arrows) stay the till's own.

Settings: `layout`, the scanner's; `terminator` (`any`, `enter`, `kp_enter`, `tab`, `none`); `idle_gap_ms`, the pause that ends
what has begun; `grab`, when the till is told to swallow: `armed`, `claimed` (always), `never`; and those that all scanners share.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.keyboard import TERMINATOR_KEYS, KeyEvent
from cvconnect_drivers.scanners.layouts import LAYOUTS
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import read_scanner_settings
from cvconnect_drivers.scanners.wedge_intake import (
    ENDINGS,
    Armed,
    Characters,
    Input,
    Intake,
    Key,
    Lost,
    Whole,
)
from cvconnect_drivers.scanners.wedge_page import UNKNOWN_KEY, key_of, read_batch
from cvconnect_drivers.urls import Settings, parse_url

MAX_QUEUE: Final = 8192
"""Inputs that wait for the scanner's thread: four of the longest labels, keys going down and up. More is a loss, and said so."""

MAX_TEXT: Final = 4096
"""Characters that one call takes: as long as the longest label is in UTF-8. A longer text is a loss, too."""

_KEY_MAX: Final = 0x2FF
_NEW_CLOCK_S: Final = 60.0
"""Put between the times of two clocks that cannot be compared: longer than any idle gap."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_COMMANDS: Final = ("\x1b", "\b", "\x7f")

_LABEL_KEYS: Final = frozenset(
    {*range(2, 14), *range(15, 59), 69, *range(71, 84), 86, 89, 96, 97, 98, 100, 117, 121, 124, UNKNOWN_KEY}
)
"""The keys that labels are made of: characters, ends, modifiers, locks. The others are the cashier's.

Source: Linux `include/uapi/linux/input-event-codes.h`.
"""

_ENDING_KEYS: Final = frozenset(TERMINATOR_KEYS.values())


class WedgeInputError(DriverError):
    """The till handed over what cannot be: a time that is no number, a key code out of range."""


@dataclass(frozen=True, slots=True)
class WedgeSettings:
    """What the till's side needs to know of the driver's settings.

    Args:
        idle_gap_s: The pause that ends a label, in seconds.
        settle_s: How long after a label the rest of a second read of it is still swallowed, in seconds.
        grab: `armed`, `claimed` or `never`.
    """

    idle_gap_s: float = 0.3
    settle_s: float = 0.8
    grab: str = "armed"


class Wedge:
    """The till's side of one wedge. Its calls return at once, and may come from any thread.

    Each wedge takes either keys or characters, not both of the same scan. Times are seconds on the user interface's own clock;
    when it goes back, what had begun is given up.

    Args:
        name: What stands after `wedge:` in the station file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._changed = threading.Condition()
        self._intake: Intake | None = None
        self._settings = WedgeSettings()
        self._woken = False
        self._queue: deque[Input] = deque()
        self._armed = False
        self._held: dict[int, bool] = {}
        self._now_s = 0.0
        self._shift_s = 0.0
        self._other_clock = True
        self._arrived_at_s = time.monotonic()
        self._last_s = -math.inf
        self._run_s = -math.inf
        self._end_s = -math.inf
        self._page = ("", -1)

    @property
    def armed(self) -> bool:
        """Whether a label is wanted now."""
        return self._armed

    def key(
        self,
        code: int,
        pressed: bool,  # noqa: FBT001 (a key goes down or up)
        time_s: float,
        *,
        repeat: bool = False,
        caps_lock: bool | None = None,
        num_lock: bool | None = None,
    ) -> bool:
        """Hand over a key that went down or up.

        Args:
            code: Linux's number of the key, 0 to 767; on X11 the keycode less 8.
            pressed: Whether it went down.
            time_s: When, in seconds.
            repeat: Whether it repeats because it is held down, if the user interface knows.
            caps_lock: Whether the desktop holds capitals, None when the user interface does not know.
            num_lock: The same for the keypad's digits.

        Returns:
            Whether the till should swallow the event.

        Raises:
            WedgeInputError: A code or a time that cannot be.
        """
        if not 0 <= code <= _KEY_MAX:
            raise WedgeInputError(
                "WEDGE_KEY", fr="Touche inconnue de la caisse.", en=f"A key code is 0 to {_KEY_MAX}"
            )
        with self._changed:
            now_s = self._time(time_s)
            if repeat:
                return self._held.get(code, False)
            if not pressed:
                return self._key_up(code, now_s)
            if self._intake is None or (code not in _LABEL_KEYS and not self._in_run(now_s)):
                self._held[code] = False
                return False
            if code in self._held:  # it went up where the till did not hear it
                self._put(Lost(now_s))
            swallow = self._held[code] = self._swallows(now_s)
            self._put(Key(KeyEvent(now_s, code, pressed=True), caps_lock, num_lock))
            self._ran(now_s, ended=code in _ENDING_KEYS)
            return swallow

    def browser_key(
        self,
        code: str,
        pressed: bool,  # noqa: FBT001 (a key goes down or up)
        time_s: float,
        *,
        repeat: bool = False,
        caps_lock: bool | None = None,
        num_lock: bool | None = None,
    ) -> bool:
        """Hand over a key of a browser or of a toolkit that names keys as browsers do.

        Args:
            code: The DOM's `KeyboardEvent.code`: `Digit1`, `KeyA`, `NumpadEnter`.
            pressed: Whether it went down.
            time_s: When, in seconds.
            repeat: `KeyboardEvent.repeat`.
            caps_lock: `getModifierState("CapsLock")`.
            num_lock: `getModifierState("NumLock")`.

        Returns:
            Whether the till should swallow the event.

        Raises:
            WedgeInputError: A time that cannot be.
        """
        return self.key(key_of(code), pressed, time_s, repeat=repeat, caps_lock=caps_lock, num_lock=num_lock)

    def character(self, text: str, time_s: float) -> bool:
        """Hand over a character, or the few that came at once, as the desktop's layout made them.

        Args:
            text: The characters; a line end or a tab ends the label.
            time_s: When, in seconds.

        Returns:
            Whether the till should swallow them.

        Raises:
            WedgeInputError: A time that cannot be.
        """
        with self._changed:
            now_s = self._time(time_s)
            if self._intake is None or not text or (text in _COMMANDS and not self._in_run(now_s)):
                return False
            swallow = self._swallows(now_s)
            self._put(Characters(now_s, text) if len(text) <= MAX_TEXT else Lost(now_s))
            self._ran(now_s, ended=text[-1] in "\r\n\t")
            return swallow

    def text(self, whole: str, time_s: float) -> bool:
        """Hand over a whole label: what a field for scans held, what a mobile scanner's service sent.

        Args:
            whole: The label; line ends and tabs after it are no part of it.
            time_s: When, in seconds.

        Returns:
            Whether the till should swallow it.

        Raises:
            WedgeInputError: A time that cannot be.
        """
        with self._changed:
            now_s = self._time(time_s)
            if self._intake is None or not whole:
                return False
            swallow = self._swallows(now_s)
            self._put(Whole(now_s, whole) if len(whole) <= MAX_TEXT else Lost(now_s))
            self._ran(now_s, ended=True)
            return swallow

    def lose(self) -> None:
        """Say that keys may have gone elsewhere: the till's window lost or gained the keyboard."""
        with self._changed:
            self._lose()

    def page_events(self, body: str | bytes) -> bool:
        """Hand over what `wedge_page.js` sent.

        Args:
            body: The request's body, at most 128 KiB.

        Returns:
            Whether a label is wanted now; the page wants to hear it as `{"armed": true}`.

        Raises:
            PageError: It is no batch of key events.
        """
        batch = read_batch(body)
        with self._changed:
            page, taken = self._page
            if page != batch.page:
                self._new_clock()
                taken = -1
            if batch.number <= taken:
                return self._armed  # sent twice
            self._page = (batch.page, batch.number)
            if batch.events and batch.number > taken + 1:
                self._time(batch.events[0].time_s)
                self._lose()
            for event in batch.events:
                if event.code is None:
                    self._time(event.time_s)
                    self._lose()
                else:
                    self.key(
                        event.code,
                        event.pressed,
                        event.time_s,
                        repeat=event.repeat,
                        caps_lock=event.caps_lock,
                        num_lock=event.num_lock,
                    )
            return self._armed

    # --- called by the source -----------------------------------------------------------------------------------------

    def attach(self, intake: Intake, settings: WedgeSettings) -> None:
        """Begin to listen.

        Args:
            intake: Makes labels of what comes.
            settings: What the till's side needs to know.

        Raises:
            LinkAbsentError: Another scanner of this process listens already.
        """
        with self._changed:
            if self._intake is not None:
                raise LinkAbsentError(
                    f"wedge:{self.name}",
                    "another scanner listens to it",
                    fr=f"wedge:{self.name} est déjà lu par une autre caisse de ce programme.",
                )
            self._intake, self._settings = intake, settings
            self._queue.clear()
            self._last_s = self._run_s = self._end_s = -math.inf

    def detach(self) -> None:
        """Listen no more: nothing is kept, nothing is swallowed."""
        with self._changed:
            self._intake = None
            self._armed = False
            self._woken = True
            self._queue.clear()
            self._changed.notify_all()

    @property
    def label_begun(self) -> bool:
        """Whether something of a label came that has not been read yet."""
        with self._changed:
            return self._intake is not None and (
                self._intake.pending or any(_begins(item) for item in self._queue)
            )

    def set_armed(self, *, armed: bool) -> None:
        """Swallow from now on, or no more."""
        with self._changed:
            if armed and not self._armed:
                # What came before is not this customer's: it is told apart here, where it is certain.
                self._put(Armed(self._time_now(), self.label_begun))
            self._armed = armed
            self._woken = True
            self._changed.notify_all()

    def labels(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for inputs, and make labels of them.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The labels that ended.
        """
        with self._changed:
            if self._intake is not None and self._intake.pending:
                timeout_s = min(timeout_s, self._now_s + self._intake.patience_s - self._time_now())
            self._changed.wait_for(lambda: bool(self._queue) or self._woken, max(timeout_s, 0.0))
            self._woken = False
            return self._read(self._intake)

    def _read(self, intake: Intake | None) -> list[RawLabel]:
        labels: list[RawLabel] = []
        while intake is not None and self._queue:
            item = self._queue.popleft()
            if isinstance(item, Armed):
                labels.clear()
            labels += intake.feed(item)
        return labels if intake is None else labels + intake.tick(self._time_now())

    # --- with the lock held -------------------------------------------------------------------------------------------

    def _key_up(self, code: int, now_s: float) -> bool:
        swallow = self._held.pop(code, None)
        if swallow is None:
            # Somebody else heard it go down: a window that has closed since, an input method.
            if self._in_run(now_s):
                self._put(Lost(now_s))
            return False
        self._put(Key(KeyEvent(now_s, code, pressed=False)))
        return swallow

    def _lose(self) -> None:
        self._held.clear()
        self._put(Lost(self._time_now()))

    def _time(self, time_s: float) -> float:
        """Bring a time of the till's clock to one that never goes back."""
        if not math.isfinite(time_s):
            raise WedgeInputError(
                "WEDGE_TIME", fr="Heure d’une touche illisible.", en="A time is a finite number of seconds"
            )
        if not self._other_clock and time_s + self._shift_s < self._now_s:
            self._new_clock()
        if self._other_clock:
            self._shift_s, self._other_clock = self._now_s - time_s, False
        self._now_s = time_s + self._shift_s
        self._arrived_at_s = time.monotonic()
        return self._now_s

    def _time_now(self) -> float:
        return self._now_s + time.monotonic() - self._arrived_at_s

    def _new_clock(self) -> None:
        """Begin a clock that cannot be compared with the one before."""
        self._lose()
        self._now_s = self._time_now() + _NEW_CLOCK_S
        self._other_clock = True

    def _in_run(self, now_s: float) -> bool:
        """Whether a label is in the middle, as far as times tell."""
        return self._intake is not None and now_s - self._last_s < self._settings.idle_gap_s

    def _ran(self, now_s: float, *, ended: bool) -> None:
        self._last_s = -math.inf if ended else now_s
        if self._swallows(now_s):
            self._run_s = self._last_s
            if ended and self._armed:
                self._end_s = now_s

    def _swallows(self, now_s: float) -> bool:
        settings = self._settings
        if self._intake is None or settings.grab == "never":
            return False
        return (
            self._armed
            or settings.grab == "claimed"
            # What was begun for us is not left half to the till, and neither is the same label read twice.
            or now_s - self._run_s < settings.idle_gap_s
            or now_s - self._end_s < settings.settle_s
        )

    def _put(self, item: Input) -> None:
        if self._intake is None:
            return
        if len(self._queue) >= MAX_QUEUE:
            self._queue.clear()
            item = Lost(item.time_s)
        self._queue.append(item)
        self._changed.notify_all()


def _begins(item: Input) -> bool:
    return isinstance(item, Characters) or (isinstance(item, Key) and item.event.pressed)


class WedgeSource:
    """What a `LabelScanner` reads of a wedge.

    Args:
        wedge: The till's side.
        intake: Makes labels of what comes.
        settings: What the till's side needs to know.

    Raises:
        LinkAbsentError: Another scanner listens to it.
    """

    def __init__(self, wedge: Wedge, intake: Intake, settings: WedgeSettings) -> None:
        wedge.attach(intake, settings)
        self._wedge = wedge
        self._open = True

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._wedge.label_begun

    @property
    def degraded(self) -> str:
        """Nothing: the till hands over what it hears, or it does not."""
        return ""

    def read(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for what the till hands over, and take it.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The labels that ended, in order.
        """
        return self._wedge.labels(timeout_s=timeout_s)

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 (a state, not an option)
        """Hear whether labels are wanted from now on; wakes `read`."""
        self._wedge.set_armed(armed=armed)

    def close(self) -> None:
        """Listen no more. Idempotent."""
        if self._open:
            self._open = False
            self._wedge.detach()


_lock = threading.Lock()
_wedges: dict[str, Wedge] = {}


def wedge(name: str) -> Wedge:
    """Give the till's side of a wedge; it may be asked for before or after the station is opened.

    Args:
        name: What stands after `wedge:` in the station file: 1 to 64 letters, digits, `_`, `.` and `-`.

    Returns:
        The one wedge of this process that has this name.

    Raises:
        ConfigurationError: The name is not valid.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "INVALID_URL",
            fr=f"wedge:{name} : le nom se compose de lettres, de chiffres, de « _ », « . » et « - ».",
            en=f"'wedge:{name}': a name has letters, digits, '_', '.' and '-'",
        )
    with _lock:
        return _wedges.setdefault(name, Wedge(name))


def page_script() -> bytes:
    """Give `wedge_page.js`, for the till's own server to serve as `text/javascript`."""
    return files("cvconnect_drivers.scanners").joinpath("wedge_page.js").read_bytes()


def open_scanner(url: str, options: Mapping[str, object]) -> LabelScanner:
    """Make the scanner that hears a wedge.

    Args:
        url: `wedge:NAME`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The scanner, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"wedge"})
    till_side = wedge(device.target)
    settings = Settings(device, options)
    layout = settings.choice("layout", "us", LAYOUTS)
    terminator = settings.choice("terminator", "any", ENDINGS)
    idle_gap_s = settings.whole("idle_gap_ms", 300, 20, 10_000) / 1000
    grab = settings.choice("grab", "armed", {"armed", "claimed", "never"})
    shared = read_scanner_settings(settings)
    settings.refuse_unknown()
    known = WedgeSettings(idle_gap_s, shared.duplicate_window_s, grab)

    def open_source() -> WedgeSource:
        return WedgeSource(till_side, Intake(layout, terminator=terminator, idle_gap_s=idle_gap_s), known)

    return LabelScanner(url, open_source, shared, ready="La caisse transmet les lectures de la douchette.")
