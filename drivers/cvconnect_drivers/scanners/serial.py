"""Scanners on a serial port (`serial:///dev/ttyACM0?baud=115200`) or behind a device server (`socket://host:port`).

One thread per scanner blocks for a byte, takes what came with it, and calls back at once. It outlives the cable: when the
port vanishes it tries again, slower and slower, until `release` joins it.

Settings: `baud`; `terminator` (`any`, `cr`, `lf`, `crlf`, `tab`); `prefix`, what the scanner sends before each label;
`label_prefix`, `url_parameter`, `json_field`, what the identifier is wrapped in; `duplicate_window_ms`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from cvconnect_drivers.errors import DriverError, LinkError, LinkTimeoutError, NotClaimedError
from cvconnect_drivers.links.base import Link
from cvconnect_drivers.links.serial import open_serial
from cvconnect_drivers.links.tcp import open_tcp
from cvconnect_drivers.scanners.framing import TERMINATORS, Framer, RawLabel
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from cvconnect_drivers.shapes import Health, HealthLevel
from cvconnect_drivers.urls import Settings, parse_url

DEFAULT_BAUD = 9600
"""Unverified: what serial scanners are mostly shipped with; USB CDC-ACM ignores it."""

READ_TIMEOUT_S = 0.2
"""How long a read blocks before the thread looks whether it must end: `release` promises one second."""

CONNECT_TIMEOUT_S = 0.5
"""For `socket://`, for the same reason; a device server stands on the same network."""

IDLE_GAP_S = 1.0
"""A label that pauses this long is torn: at 1200 baud two bytes are 8 ms apart, a lost TCP segment comes again within
a few hundred ms."""

JOIN_TIMEOUT_S = 1.0
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
READ_BYTES = 4096

_log = logging.getLogger(__name__)


class SerialScanner:
    """A scanner that sends its labels as bytes.

    Args:
        name: The URL it was made from.
        open_link: Opens the pipe to it; called again after each loss.
        framer: Cuts the bytes into labels.
        envelope: What identifiers may be wrapped in.
        duplicate_window_s: How long the same label, read again, is taken for the same press of the trigger.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Link],
        framer: Framer,
        envelope: Envelope,
        duplicate_window_s: float,
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._framer = framer
        self._envelope = envelope
        self._duplicate_window_s = duplicate_window_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._tried = threading.Event()
        self._thread: threading.Thread | None = None
        self._on_status: Callable[[Health], None] = _ignore
        self._on_label: Callable[[Label], None] | None = None
        self._straddles = False
        self._last: tuple[int, float] | None = None
        self._health = Health("unknown", "Lecteur non réservé.")
        self._refused_for_good: DriverError | None = None
        self._counts: Counter[str] = Counter(delivered=0, refused=0, dropped=0, duplicates=0, torn=0, lost=0)

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    def claim(self, *, on_status: Callable[[Health], None], timeout_s: float) -> None:
        """Start the driver's thread and wait for its first try to open the port.

        A scanner that is away now may be plugged in later: that is no error, `on_status` hears of it.

        Args:
            on_status: Called from the driver's thread when the scanner is found or lost.
            timeout_s: Seconds to wait for the first try.

        Raises:
            DriverError: The scanner can never be opened (pyserial is not installed).
        """
        if self._thread is not None:
            return
        # New ones for each claim: a thread that outlived its release must never wake up again.
        self._stop, self._tried = threading.Event(), threading.Event()
        self._refused_for_good = None
        self._on_status = on_status
        self._thread = threading.Thread(
            target=self._run, args=(self._stop, self._tried), name=f"scanner {self._name}", daemon=True
        )
        self._thread.start()
        self._tried.wait(timeout_s)
        if self._refused_for_good is not None:
            self.release()
            raise self._refused_for_good

    def arm(self, on_label: Callable[[Label], None]) -> None:
        """Deliver the next label that begins from now on, once, from the driver's thread.

        Args:
            on_label: Called with the label, refused ones too; replaces an earlier callback.

        Raises:
            NotClaimedError: The scanner is not claimed.
        """
        if self._thread is None:
            raise NotClaimedError(self._name)
        with self._lock:
            # Armed again from its own callback it still waits for the same customer; else a new sale begins.
            if threading.current_thread() is not self._thread:
                self._last = None
            self._on_label = on_label
            self._straddles = self._framer.pending

    def disarm(self) -> None:
        """Deliver nothing more. Idempotent. A callback that has already begun goes on."""
        with self._lock:
            self._on_label = None

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether the port is open; a serial scanner answers no question.

        Args:
            level: `interactive` adds what a person should do.

        Returns:
            What is known.
        """
        health = self._health
        if level == "interactive" and health.state == "ready":
            return Health("ready", f"{health.detail} Pour vérifier, lisez une étiquette.")
        return health

    def statistics(self) -> Mapping[str, int]:
        """Count what came.

        Returns:
            `delivered` and `refused` labels that reached a callback; `dropped` while nothing was armed or because
            they began before; `duplicates`; `torn` labels that stopped in the middle; `lost` connections.
        """
        with self._lock:
            return dict(self._counts)

    def release(self) -> None:
        """Disarm, join the driver's thread and close the port. Idempotent."""
        self.disarm()
        thread, self._thread = self._thread, None
        self._stop.set()
        # A callback may release its own scanner: the thread then ends by itself, right after it.
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_TIMEOUT_S)
        self._health = Health("unknown", "Lecteur non réservé.")

    def _run(self, stop: threading.Event, tried: threading.Event) -> None:
        wait_s = FIRST_RETRY_S
        while not stop.is_set():
            try:
                # A port that opens and is lost at once is tried less and less often, too.
                if self._serve(stop, tried):
                    wait_s = FIRST_RETRY_S
            except LinkError as error:
                self._tell(Health("absent", error.text()), stop)
            except DriverError as error:
                self._refused_for_good = error
                tried.set()
                return
            except Exception as error:  # noqa: BLE001 (whatever it was, the scanner may work the next time)
                _log_mistake(self._name, error)
                self._tell(Health("absent", "Le lecteur a cessé de fonctionner ; la caisse réessaie."), stop)
            tried.set()
            stop.wait(wait_s)
            wait_s = min(wait_s * 2, LAST_RETRY_S)

    def _serve(self, stop: threading.Event, tried: threading.Event) -> bool:
        """Open the port and read it until it is lost; tell whether a byte came."""
        with contextlib.closing(self._open_link()) as link:
            if stop.is_set():
                return False
            self._tell(Health("ready", "Lecteur branché."), stop)
            return self._read_until_lost(link, stop, tried)

    def _read_until_lost(self, link: Link, stop: threading.Event, tried: threading.Event) -> bool:
        """Deliver labels until the port vanishes or the scanner is released; tell whether a byte came."""
        with self._lock:
            self._framer.reset()
            self._straddles = False
        tried.set()
        last_byte_at: float | None = None
        while not stop.is_set():
            try:
                data = link.read(READ_BYTES, timeout_s=READ_TIMEOUT_S)
            except LinkTimeoutError:
                if (
                    last_byte_at is not None
                    and self._framer.pending
                    and time.monotonic() - last_byte_at >= IDLE_GAP_S
                ):
                    with self._lock:
                        self._framer.reset()
                        self._straddles = False
                        self._counts["torn"] += 1
                continue
            except LinkError as error:
                if not stop.is_set():
                    with self._lock:
                        self._counts["lost"] += 1
                    self._tell(Health("absent", error.text()), stop)
                break
            last_byte_at = time.monotonic()
            self._take(data, stop)
        return last_byte_at is not None

    def _take(self, data: bytes, stop: threading.Event) -> None:
        # One lock for the whole chunk: a label that was complete before `arm` is never delivered after it.
        with self._lock:
            labels = [self._choose(raw) for raw in self._framer.feed(data)]
        for callback, label in filter(None, labels):
            if stop.is_set():  # released, perhaps by the callback before
                return
            try:
                callback(label)
            except Exception as error:  # noqa: BLE001 (a till's mistake must not deafen its scanner)
                _log_mistake(self._name, error)

    def _choose(self, raw: RawLabel) -> tuple[Callable[[Label], None], Label] | None:
        label = read_label(raw, self._envelope)
        callback = self._on_label
        straddles, self._straddles = self._straddles, False
        if callback is None or straddles:
            self._counts["dropped"] += 1
            return None
        if self._is_duplicate(label):
            self._counts["duplicates"] += 1
            return None
        self._on_label = None
        self._counts["delivered" if label.refusal is None else "refused"] += 1
        return callback, label

    def _is_duplicate(self, label: Label) -> bool:
        now, seen = time.monotonic(), hash(label)
        if (
            self._last is not None
            and self._last[0] == seen
            and now - self._last[1] < self._duplicate_window_s
        ):
            return True
        self._last = (seen, now)
        return False

    def _tell(self, health: Health, stop: threading.Event) -> None:
        # A thread that outlived its release says nothing more.
        if stop.is_set() or health == self._health:
            return
        self._health = health
        try:
            self._on_status(health)
        except Exception as error:  # noqa: BLE001 (same reason)
            _log_mistake(self._name, error)


def open_scanner(url: str, options: Mapping[str, object]) -> SerialScanner:
    """Make a serial scanner; nothing is opened before `claim`.

    Args:
        url: `serial:///dev/ttyACM0?baud=115200`, `serial:COM3` or `socket://127.0.0.1:4567`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The scanner, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"serial", "socket"})
    settings = Settings(device, options)
    ending = settings.choice("terminator", "any", {"any", *TERMINATORS})
    terminators = b"\r\n\t" if ending == "any" else TERMINATORS[ending]
    prefix = settings.text("prefix", "").encode()
    envelope = Envelope(
        settings.text("label_prefix", ""),
        settings.text("url_parameter", ""),
        settings.text("json_field", ""),
    )
    duplicate_window_s = settings.whole("duplicate_window_ms", 800, 0, 60_000) / 1000
    open_link: Callable[[], Link]
    if device.scheme == "serial":
        open_link = partial(
            open_serial, device.path, baud=settings.whole("baud", DEFAULT_BAUD, 300, 4_000_000)
        )
    else:
        open_link = partial(open_tcp, *device.address(), timeout_s=CONNECT_TIMEOUT_S)
    settings.refuse_unknown()
    framer = Framer(terminators=terminators, prefix=prefix)
    return SerialScanner(url, open_link, framer, envelope, duplicate_window_s)


def _ignore(_health: Health) -> None:
    """Hear nothing."""


def _log_mistake(name: str, error: Exception) -> None:
    # The type alone: a message or a traceback may quote the label.
    _log.error("%s: %s", name, type(error).__name__)
