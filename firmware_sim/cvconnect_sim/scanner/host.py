"""What a computer makes of a keyboard scanner's reports: key events, as Linux's input layer gives them, and typed text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from cvconnect_sim.scanner.layouts import ALT_GR, LAYOUTS, LEFT_SHIFT, LayoutName

_FIRST_MODIFIER: Final = 0xE0
_ROLL_OVER_ERROR: Final = 0x01
_UNKNOWN: Final = 240

_CODES: Final = (
    *(0, 0, 0, 0, 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38),
    *(50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, 2, 3),
    *(4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26),
    *(27, 43, 43, 39, 40, 41, 51, 52, 53, 58, 59, 60, 61, 62, 63, 64),
    *(65, 66, 67, 68, 87, 88, 99, 70, 119, 110, 102, 104, 111, 107, 109, 106),
    *(105, 108, 103, 69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71),
    *(72, 73, 82, 83, 86, 127),
)
_MODIFIER_CODES: Final = (29, 42, 56, 125, 97, 54, 100, 126)

KEY_OF_USAGE: Final = {
    **dict(enumerate(_CODES)),
    **{_FIRST_MODIFIER + bit: code for bit, code in enumerate(_MODIFIER_CODES)},
}
"""Linux's key code of each usage of HID's keyboard page; 0 is none.

Source: Linux `drivers/hid/hid-input.c` (`hid_keyboard`), `include/uapi/linux/input-event-codes.h`.
"""

NUM_LOCK_LAMP: Final = 0x01
CAPS_LOCK_LAMP: Final = 0x02
"""Bits of the output report. Source: HID Usage Tables 1.12, section 11; HID 1.11, appendix B.1."""

_ENTER, _KEYPAD_ENTER, _TAB = 28, 96, 15
_CAPS_LOCK, _NUM_LOCK = 58, 69
_CTRLS, _SHIFTS, _LEFT_ALT, _RIGHT_ALT = {29, 97}, {42, 54}, 56, 100
_KEYPAD: Final = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
_TYPED: Final = {_ENTER: "\r", _KEYPAD_ENTER: "\r", _TAB: "\t"}


class Key(NamedTuple):
    """A key that went down or up.

    Args:
        time_s: when, in seconds.
        code: which one, as Linux numbers keys.
        pressed: whether it went down.
    """

    time_s: float
    code: int
    pressed: bool


class HostKeyboard:
    """The host's end of a boot keyboard: reports to key events.

    A report says which keys are down; the events are what has changed. Modifiers come first, from bit 0 to bit 7. Then, place by
    place, the key that left the place goes up and the key that came to it goes down. A key's event is passed on
    only when it changes the key's state. A report with the roll-over error changes modifiers only.

    It does not model: autorepeat, `SYN_REPORT`, usages from 0x66 on but the modifiers, reports lost on the bus.

    Source: Linux `drivers/hid/hid-core.c` (`hid_input_array_field`, `hid_report_process_ordering`), `drivers/input/input.c`
        (`input_get_disposition`).
    """

    def __init__(self) -> None:
        self._usages: tuple[int, ...] = (0,) * 6
        self._down: set[int] = set()

    def receive(self, report: bytes, time_s: float) -> list[Key]:
        """Take a report.

        Args:
            report: 8 bytes; what is missing is zero.
            time_s: when it came.

        Returns:
            The events, in order.
        """
        padded = report[:8].ljust(8, b"\0")
        changes = [(_FIRST_MODIFIER + bit, bool(padded[0] >> bit & 1)) for bit in range(8)]
        usages = tuple(padded[2:])
        if _ROLL_OVER_ERROR not in usages:
            for old, new in zip(self._usages, usages, strict=True):
                if old not in usages:
                    changes.append((old, False))
                if new not in self._usages:
                    changes.append((new, True))
            self._usages = usages
        keys: list[Key] = []
        for usage, pressed in changes:
            code = KEY_OF_USAGE.get(usage, _UNKNOWN)
            if code and pressed != (code in self._down):
                (self._down.add if pressed else self._down.discard)(code)
                keys.append(Key(time_s, code, pressed))
        return keys


def reports_to_keys(reports: Iterable[tuple[float, bytes]], *, start_s: float = 0.0) -> list[Key]:
    """What Linux tells of a keyboard's reports.

    Args:
        reports: pauses in seconds, and reports of 8 bytes, as `KeyboardFirmware.scan` gives them.
        start_s: when the first pause begins.

    Returns:
        The key events, in order.
    """
    host, keys, time_s = HostKeyboard(), list[Key](), start_s
    for pause_s, report in reports:
        time_s += pause_s
        keys += host.receive(report, time_s)
    return keys


class Desktop:
    """The text that key events type into a program, in the desktop's layout; the text's times are the keys'.

    It does not model: dead keys (they type nothing), composing, shortcuts, input methods, autorepeat.

    Args:
        layout: the desktop's layout.
        caps_lock: whether CapsLock is on.
        num_lock: whether NumLock is on.
        system: what codes on the keypad with Alt do: characters under Windows, nothing under Linux; and CapsLock is more of a
            shift lock on some keyboards of Windows.

    Source: Windows' Alt codes: CP1252 after a zero, CP850 without. Unverified: that Windows takes the keypad's digits for a code when NumLock is off.
    """

    def __init__(
        self,
        layout: LayoutName = "us",
        *,
        caps_lock: bool = False,
        num_lock: bool = True,
        system: Literal["windows", "linux"] = "windows",
    ) -> None:
        rules = LAYOUTS[layout]
        self._characters = {
            (modifiers, KEY_OF_USAGE[usage]): text for (modifiers, usage), text in rules.characters.items()
        }
        self._windows = system == "windows"
        shifted = rules.lettered | rules.shift_locked if self._windows else rules.lettered
        self._shifted_by_caps_lock = {KEY_OF_USAGE[usage] for usage in shifted}
        self._caps_lock, self._num_lock = caps_lock, num_lock
        self._held: set[int] = set()
        self._alt_code = ""

    @property
    def lamps(self) -> bytes:
        """The output report that the keyboard gets, one byte."""
        return bytes([self._num_lock * NUM_LOCK_LAMP | self._caps_lock * CAPS_LOCK_LAMP])

    def type(self, keys: Iterable[Key]) -> list[tuple[float, str]]:
        r"""Type.

        Args:
            keys: the events, in order.

        Returns:
            When each character came, and it; Enter is `\r`, Tab is `\t`.
        """
        return [
            (key.time_s, text)
            for key in keys
            if (text := self._press(key) if key.pressed else self._release(key))
        ]

    def _press(self, key: Key) -> str:
        code = key.code
        if code in _MODIFIER_CODES:
            self._held.add(code)
        elif code == _CAPS_LOCK:
            self._caps_lock = not self._caps_lock
        elif code == _NUM_LOCK:
            self._num_lock = not self._num_lock
        elif code in _TYPED:
            return _TYPED[code]
        elif _LEFT_ALT in self._held:
            self._alt_code += _KEYPAD.get(code, "") if self._windows else ""
        elif code in _KEYPAD:
            return _KEYPAD[code] if self._num_lock and not self._held & _SHIFTS else ""
        else:
            return self._character(code)
        return ""

    def _release(self, key: Key) -> str:
        self._held.discard(key.code)
        if key.code != _LEFT_ALT or not self._alt_code:
            return ""
        digits, self._alt_code = self._alt_code, ""
        return bytes([int(digits) & 0xFF]).decode("cp1252" if digits[0] == "0" else "cp850", errors="ignore")

    def _character(self, code: int) -> str:
        if _RIGHT_ALT in self._held:
            return self._characters.get((ALT_GR, code), "")
        shifted = bool(self._held & _SHIFTS) != (self._caps_lock and code in self._shifted_by_caps_lock)
        text = self._characters.get((LEFT_SHIFT if shifted else 0, code), "")
        if self._held & _CTRLS:
            return chr(ord(text.upper()) & 0x1F) if "@" <= text.upper() <= "_" else ""
        return text
