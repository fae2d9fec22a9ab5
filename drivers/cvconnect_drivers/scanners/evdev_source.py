"""An open keyboard scanner: the kernel's events become labels, and the desktop does not get them.

The device is taken from the desktop (`EVIOCGRAB`) and given back only while no key is held: a key whose release the desktop
does not see repeats for ever. What began before a label was wanted, while another program held the device, or before the
kernel dropped events is torn, never shortened.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

from cvconnect_drivers.errors import DriverError, LinkLostError
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.scanners import input_events as linux
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.onlooker import Onlooker, SecondFile

Grab: TypeAlias = Literal["armed", "claimed", "never"]

READ_BYTES = linux.EVENT.size * 256
"""More than the kernel holds for a reader of a keyboard: 64 events (`EVDEV_MIN_BUFFER_SIZE`)."""

READS = 64
"""How many reads in a row: a device that never pauses must not keep `read` for ever."""

FINISH_S = 0.4
"""`release` promises one second, and the read before may have taken 0.2 s of it."""

HELD_S = 1.0
"""After so long without a key, ask whether those that seem to be held are: another program may have seen them come up."""

_TAKEN = "{} est réservé par un autre programme : fermez-le, la caisse n’en reçoit rien."
_REFUSED = "{} ne peut pas être réservé à la caisse : ce qu’il lit est aussi tapé dans la fenêtre active."
_TORN = RawLabel(b"", "TORN")
_EARLY = RawLabel(b"", "TORN", since_s=-math.inf)


class Device(Protocol):
    """An open input device; its file is read without blocking."""

    @property
    def fd(self) -> int:
        """The file."""
        ...

    def active_keys(self) -> Sequence[int]:
        """Tell which keys are held; the kernel then forgets the key events that were not read."""
        ...

    def leds(self) -> Sequence[int]:
        """Tell which lights are on."""
        ...

    def capabilities(self) -> Mapping[int, Sequence[object]]:
        """Tell what it can send, by type of event."""
        ...

    def grab(self) -> None:
        """Take it from all other readers."""
        ...

    def ungrab(self) -> None:
        """Give it back to them."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class EvdevSource:
    """A keyboard scanner that is open.

    Args:
        device: The device; the source owns it.
        decoder: Makes labels of its keys.
        where: How the device is called in messages.
        reopen: Opens the same device once more, to see what the desktop sees of it.
        grab: When it is taken from the desktop.
        idle_gap_s: The decoder's pause.
        clock: What the events' times are read on.

    Raises:
        LinkLostError: It went away meanwhile.
    """

    def __init__(
        self,
        device: Device,
        decoder: KeyboardDecoder,
        *,
        where: str,
        reopen: Callable[[], SecondFile],
        grab: Grab = "armed",
        idle_gap_s: float = 0.3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._decoder = decoder
        self._where = where
        self._reopen = reopen
        self._grab: Grab = grab
        self._gap_s = idle_gap_s
        self._clock = clock
        self._has_leds = linux.EV_LED in device.capabilities()
        self._held: set[int] = set()
        self._last_s = self._begun_s = 0.0
        self._grabbed = False
        self._degraded = ""
        # Tried once before anybody waits: who else holds the device is found when the till opens, not at a sale.
        self._tried = False
        self._asked = self._heard = (False, 0.0)
        self._unwanted_until_s: float | None = None
        self._blind = False
        self._resynchronise()
        for _ in ("taken", "given back"):
            self._settle([])
        self._wake_lock = threading.Lock()
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(device.fd, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._decoder.pending and not self._decoder.swallows

    @property
    def silent_s(self) -> float:
        """Infinite: the kernel tells when a key went down."""
        return math.inf

    @property
    def degraded(self) -> str:
        """Say, in French, why the desktop gets the labels, or why nobody does; empty when all is well."""
        return self._degraded

    def read(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for keys, and take the labels that they end.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The labels, torn and unreadable ones too.

        Raises:
            LinkLostError: The device is gone, or closed.
        """
        labels: list[RawLabel] = []
        try:
            self._settle(labels)
            if not labels and not self._wait(self._patience_s(timeout_s)):
                now_s = self._clock()
                # What the kernel holds since before `now_s` may well be the rest of the label.
                if not self._wait(0):
                    return self._seen(self._timed(self._decoder.tick(now_s), now_s))
            self._settle(labels)
            self._take(labels)
            self._settle(labels)  # the keys may be up now
        except LinkLostError:
            if not labels:
                raise
        return labels  # and the next read tells of the loss

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 (see `Source`)
        """Hear whether labels are wanted from now on; wakes `read`, which takes or gives back the device."""
        self._asked = (armed, self._clock())
        with self._wake_lock:
            if self._wake is not None:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close the device, which gives it back. Idempotent; never raises."""
        self._finish()
        with self._wake_lock:
            wake, self._wake = self._wake, None
        if wake is not None:
            os.close(wake)
            with contextlib.suppress(Exception):
                self._device.close()

    def _finish(self) -> None:
        """Let the label that has begun end before the desktop gets the device back, unless it takes too long."""
        deadline = Deadline(FINISH_S)
        with contextlib.suppress(Exception):
            while self._grabbed and (self._held or self._decoder.pending) and deadline.left_s():
                self.read(timeout_s=min(0.05, deadline.left_s()))

    # --- keys ------------------------------------------------------------------------------------------------------------

    def _patience_s(self, timeout_s: float) -> float:
        gap_left_s = self._last_s + self._gap_s - self._clock()
        return min(timeout_s, gap_left_s) if gap_left_s > 0 else timeout_s

    def _wait(self, timeout_s: float) -> bool:
        """Wait for the device or for `set_armed`; tell whether one of them came."""
        wake = self._wake
        if wake is None:
            raise LinkLostError(self._where, "closed")
        ready = self._poll.poll(math.ceil(timeout_s * 1000))
        if any(file == wake for file, _ in ready):
            os.eventfd_read(wake)
        return bool(ready)

    def _take(self, labels: list[RawLabel]) -> None:
        """Read and decode what the kernel holds."""
        for _ in range(READS):
            try:
                data = os.read(self._device.fd, READ_BYTES)
            except BlockingIOError:
                if self._unwanted_until_s is not None:  # all that came before has been read
                    self._begin(labels)
                return
            except OSError as error:
                raise self._lost(error) from error
            if not data:
                raise LinkLostError(self._where, "end of file")
            self._decode(data, labels)

    def _decode(self, data: bytes, labels: list[RawLabel]) -> None:
        for seconds, microseconds, kind, code, value in linux.EVENT.iter_unpack(data):
            if kind == linux.EV_KEY:
                if value == linux.REPEATED:
                    continue
                pressed = value == linux.PRESSED
                if pressed:
                    self._held.add(code)
                else:
                    self._held.discard(code)
                if code not in linux.BUTTONS:
                    self._feed(KeyEvent(seconds + microseconds / 1_000_000, code, pressed), labels)
            elif kind == linux.EV_SYN:
                if code == linux.SYN_DROPPED:
                    labels += self._resynchronise()
                    return  # what was read besides is older than the state that was asked for
            elif kind == linux.EV_LED:
                self._hear_lock(code, on=bool(value))

    def _feed(self, event: KeyEvent, labels: list[RawLabel]) -> None:
        self._last_s = event.time_s
        until_s = self._unwanted_until_s
        if until_s is not None and event.time_s > until_s:
            self._begin(labels)
            until_s = None
        if not self._decoder.pending:
            self._begun_s = event.time_s
        came = self._decoder.feed(event)
        if came:
            came = self._timed(came, event.time_s)
            self._begun_s = event.time_s  # this key ends what a pause had ended, and begins a label
            labels += self._seen(came) if until_s is None else [_EARLY for _ in came]

    def _timed(self, came: list[RawLabel], ended_s: float) -> list[RawLabel]:
        return [replace(label, since_s=self._begun_s, ended_s=ended_s) for label in came]

    def _seen(self, came: list[RawLabel]) -> list[RawLabel]:
        """Tear labels of which another program may have got a part."""
        return [_TORN for _ in came] if self._blind else came

    def _begin(self, labels: list[RawLabel]) -> None:
        """From here on labels are wanted: one that began before is not among them."""
        until_s, self._unwanted_until_s = self._unwanted_until_s, None
        if until_s is not None and self._decoder.pending and self._begun_s <= until_s:
            labels += [_EARLY for _ in self._tear()]

    def _tear(self) -> list[RawLabel]:
        """Give up the label that has begun; what comes of it within the decoder's pause is still part of it."""
        torn = self._decoder.lose()
        self._last_s = self._clock()
        return torn + self._decoder.tick(self._last_s)

    def _resynchronise(self) -> list[RawLabel]:
        """Ask the kernel how things stand, since events were lost; what had begun is torn.

        The question itself makes the kernel forget the key events that were not read, so the label is given up after it.

        Source: Linux `drivers/input/evdev.c`, `evdev_handle_get_val`; `Documentation/input/event-codes.rst`, SYN_DROPPED.
        """
        try:
            self._held = set(self._device.active_keys())
        except OSError as error:
            raise self._lost(error) from error
        torn = self._tear()
        self._read_locks()
        for code in self._held & linux.MODIFIERS:
            torn += self._decoder.feed(KeyEvent(self._last_s, code, pressed=True))
        return torn

    def _read_locks(self) -> None:
        """Learn the locks from the lights: a scanner that minds CapsLock looks at the same ones."""
        if not self._has_leds:
            return
        try:
            on = set(self._device.leds())
        except OSError as error:
            raise self._lost(error) from error
        for code in (linux.LED_CAPS_LOCK, linux.LED_NUM_LOCK):
            self._hear_lock(code, on=code in on)

    def _hear_lock(self, code: int, *, on: bool) -> None:
        if code == linux.LED_CAPS_LOCK:
            self._decoder.set_locks(caps_lock=on)
        elif code == linux.LED_NUM_LOCK:
            self._decoder.set_locks(num_lock=on)

    # --- whose device it is ------------------------------------------------------------------------------------------------

    def _settle(self, labels: list[RawLabel]) -> None:
        """Do what `set_armed` asked for, as far as the keys allow it."""
        asked = self._asked
        if asked is not self._heard:
            self._heard = asked
            if asked[0]:
                self._unwanted_until_s = asked[1]
                self._take(labels)
        wanted = self._is_wanted()
        if self._held and wanted != self._grabbed and self._clock() - self._last_s >= HELD_S:
            labels += self._resynchronise()
        if wanted == self._grabbed or self._held:
            return
        if wanted:
            self._take_over(labels)
        elif not self._decoder.pending:  # half a label would be typed into a window
            self._give_back()

    def _is_wanted(self) -> bool:
        match self._grab:
            case "claimed":
                return True
            case "never":
                return False
            case "armed":
                return self._heard[0] or not self._tried or bool(self._degraded)

    def _take_over(self, labels: list[RawLabel]) -> None:
        """Take the device, unless the desktop has just seen a key go down that it must see come up."""
        with contextlib.ExitStack() as last:
            onlooker = self._onlooker()
            if onlooker is not None:
                last.callback(onlooker.close)
                if onlooker.held:
                    return  # the key that went down has not been read yet
            self._grab_device(labels)
            if not self._grabbed:
                return
            if self._held or (onlooker is not None and onlooker.down()):
                self._give_back()
                if onlooker is not None:
                    self._mend(onlooker, labels)
            else:
                self._read_locks()

    def _onlooker(self) -> Onlooker | None:
        # The rights to the device may have gone since: then it is taken as well as can be.
        with contextlib.suppress(DriverError, OSError):
            return Onlooker(self._reopen())
        return None

    def _mend(self, onlooker: Onlooker, labels: list[RawLabel]) -> None:
        """Let each key come up on the desktop that went down there and came up while the device was taken."""
        self._take(labels)
        hidden = onlooker.down() - self._held
        if hidden:
            onlooker.release(hidden)
            labels += self._resynchronise()  # these are no keys of a label, which straddles the grab besides

    def _grab_device(self, labels: list[RawLabel]) -> None:
        self._tried = True
        try:
            self._device.grab()
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise self._lost(error) from error
            # Until the other program lets go nothing comes, and then perhaps the second half of a label.
            self._blind = error.errno == errno.EBUSY
            self._degraded = (_TAKEN if self._blind else _REFUSED).format(self._where)
            return
        self._grabbed, self._degraded = True, ""
        self._take(labels)
        if self._blind:
            labels += self._tear()
            self._blind = False

    def _give_back(self) -> None:
        self._grabbed = False
        with contextlib.suppress(OSError):  # a device that is gone is nobody's
            self._device.ungrab()

    def _lost(self, error: OSError) -> LinkLostError:
        return LinkLostError(self._where, error.strerror or type(error).__name__)
