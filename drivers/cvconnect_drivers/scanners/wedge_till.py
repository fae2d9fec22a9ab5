"""The till's side of a wedge: it hands over what its user interface heard, and is told what to swallow.

Each call answers at once. What is handed over waits in the wedge's `Inbox` until the scanner's thread takes it.
"""

from __future__ import annotations

import math
from typing import Final

from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.scanners.keyboard import TERMINATOR_KEYS, KeyEvent
from cvconnect_drivers.scanners.wedge_intake import Characters, Intake, Key, Lost, Whole
from cvconnect_drivers.scanners.wedge_page import UNKNOWN_KEY, key_of, read_batch
from cvconnect_drivers.scanners.wedge_source import Inbox

MAX_TEXT: Final = 4096
"""Characters that one call takes: as long as the longest label is in UTF-8. A longer text is a loss, too."""

MAX_TIME_S: Final = 1e11
"""3000 years: beyond, a pause would be lost in what a float leaves out, and the clock has to go on after a mistaken time."""

_KEY_MAX: Final = 0x2FF
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


class Wedge:
    """The till's side of one wedge. Its calls return at once, and may come from any thread.

    Each wedge takes either keys or characters, not both of the same scan. Times are seconds on the user interface's own clock;
    when it goes back, what had begun is given up.

    Args:
        name: What stands after `wedge:` in the station file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.inbox = Inbox(f"wedge:{name}")
        self._listener: Intake | None = None
        self._held: dict[int, bool] = {}
        self._last_s = -math.inf
        self._run_s = -math.inf
        self._end_s = -math.inf
        self._page = ("", -1)

    @property
    def armed(self) -> bool:
        """Whether a label is wanted now."""
        return self.inbox.armed

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
        with self.inbox.changed:
            now_s = self._time(time_s)
            if repeat:
                return self._held.get(code, False)
            if not pressed:
                return self._key_up(code, now_s)
            if self.inbox.intake is None or (code not in _LABEL_KEYS and not self._in_run(now_s)):
                self._held[code] = False
                return False
            if code in self._held:  # it went up where the till did not hear it
                self.inbox.put(Lost(now_s))
            swallow = self._held[code] = self._swallows(now_s)
            self.inbox.put(Key(KeyEvent(now_s, code, pressed=True), caps_lock, num_lock))
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
        with self.inbox.changed:
            now_s = self._time(time_s)
            if self.inbox.intake is None or not text or (text in _COMMANDS and not self._in_run(now_s)):
                return False
            swallow = self._swallows(now_s)
            self.inbox.put(Characters(now_s, text) if len(text) <= MAX_TEXT else Lost(now_s))
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
        with self.inbox.changed:
            now_s = self._time(time_s)
            if self.inbox.intake is None or not whole:
                return False
            swallow = self._swallows(now_s)
            self.inbox.put(Whole(now_s, whole) if len(whole) <= MAX_TEXT else Lost(now_s))
            self._ran(now_s, ended=True)
            return swallow

    def lose(self) -> None:
        """Say that keys may have gone elsewhere: the till's window lost or gained the keyboard."""
        with self.inbox.changed:
            self._lose()

    def page_events(self, body: str | bytes) -> bool:
        """Hand over what `wedge_page.js` sent.

        Args:
            body: The request's body, at most 128 KiB.

        Returns:
            Whether a label is wanted now, for a page that asks; `wedge_page.js` is told by `arm` and `disarm` alone.

        Raises:
            PageError: It is no batch of key events.
        """
        batch = read_batch(body)
        with self.inbox.changed:
            page, taken = self._page
            if page != batch.page:
                self._new_clock()
                taken = -1
            if batch.number <= taken:
                return self.inbox.armed  # sent twice
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
            return self.inbox.armed

    # --- with the lock held -------------------------------------------------------------------------------------------

    def _key_up(self, code: int, now_s: float) -> bool:
        swallow = self._held.pop(code, None)
        if swallow is None:
            # Somebody else heard it go down: a window that has closed since, an input method.
            if self._in_run(now_s):
                self.inbox.put(Lost(now_s))
            return False
        self.inbox.put(Key(KeyEvent(now_s, code, pressed=False)))
        return swallow

    def _lose(self) -> None:
        self._held.clear()
        self.inbox.put(Lost(self.inbox.now_s()))

    def _in_run(self, now_s: float) -> bool:
        """Whether a label is in the middle, as far as times tell."""
        return self.inbox.intake is not None and now_s - self._last_s < self.inbox.settings.idle_gap_s

    def _ran(self, now_s: float, *, ended: bool) -> None:
        self._last_s = -math.inf if ended else now_s
        if self._swallows(now_s):
            self._run_s = self._last_s
            if ended and self.inbox.armed:
                self._end_s = now_s

    def _swallows(self, now_s: float) -> bool:
        settings = self.inbox.settings
        if self.inbox.intake is None or settings.grab == "never":
            return False
        return (
            self.inbox.armed
            or settings.grab == "claimed"
            # What was begun for us is not left half to the till, and neither is the same label read twice.
            or now_s - self._run_s < settings.idle_gap_s
            or now_s - self._end_s < settings.settle_s
        )

    def _time(self, time_s: float) -> float:
        """Bring a time of the till's clock to one that never goes back."""
        if not -MAX_TIME_S <= time_s <= MAX_TIME_S:
            raise WedgeInputError(
                "WEDGE_TIME",
                fr="Heure d’une touche illisible.",
                en=f"A time is a number of seconds, {MAX_TIME_S:.0f} at most",
            )
        if self._listener is not self.inbox.intake:
            self._listener = self.inbox.intake
            self._last_s = self._run_s = self._end_s = -math.inf
        if self.inbox.goes_back(time_s):
            self._new_clock()
        return self.inbox.time(time_s)

    def _new_clock(self) -> None:
        self._lose()
        self.inbox.new_clock()
