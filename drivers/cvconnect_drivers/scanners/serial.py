"""Scanners on a serial port (`serial:///dev/ttyACM0?baud=115200`), or behind a device server (`socket://host:port`).

`serial:` takes whatever pyserial opens: a port's name, or a URL (`serial:rfc2217://host:port`, `serial:loop://`), or no name
but an identity, since a device that is plugged in again may get another name: `serial:?vendor=0c2e&product=0b61`.

Settings: `baud`; `terminator` (`any`, `cr`, `lf`, `crlf`, `tab`), or `suffix`, all that ends a label; an identity, and the
settings that `settings` names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from cvconnect_drivers.errors import LinkTimeoutError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.links.serial import SerialPort, list_serial, open_serial
from cvconnect_drivers.links.tcp import open_tcp
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, TERMINATORS, Framer, RawLabel
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import Identity, read_identity, read_scanner_settings, usb_number
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.urls import DeviceUrl, Settings, parse_url

DEFAULT_BAUD = 9600
"""Unverified: what serial scanners are mostly shipped with; USB CDC-ACM ignores it."""

CONNECT_TIMEOUT_S = 0.5
"""For `socket://`: `release` promises one second; a device server stands on the same network."""

IDLE_GAP_S = 1.0
"""A label that pauses this long is torn: at 1200 baud two bytes are 8 ms apart, a lost TCP segment comes again within
a few hundred ms."""

REMAINDER_S = 3.0
"""What comes this soon after a torn label may be the rest of it, and no label: a product code that lost two of its 13
digits has as many as a customer's number."""

READ_BYTES = MAX_LABEL_BYTES

LOOK_S = 0.005
"""How often it is seen that the port holds nothing: what comes later belongs to whoever was waiting then. Always the same time,
since a new one may be a conversation with the port."""

QUIET_S = 0.05
"""So long a port must be silent before it is read: it may be opened in the middle of a label. At 300 baud a byte takes 33 ms."""

NOISY_S = 0.5
"""How long that is waited for."""

_ENDLESS = "Le lecteur envoie des données sans fin d’étiquette : vérifiez sa vitesse et son caractère de fin."


class SerialSource:
    """A scanner that sends its labels as bytes.

    Args:
        link: The pipe to it; the source owns it.
        framer: Cuts the bytes into labels; the source owns it.
        before: The source whose connection was lost, when the other side may still send the rest of its last label.
        in_label: Whether a label may be in the middle of its bytes: what is left of it is none.
        silent_s: A moment before the port was opened, since what came until then is not read; None: now.
        clock: Seconds, on any clock that never goes back.
    """

    def __init__(
        self,
        link: Link,
        framer: Framer,
        *,
        before: SerialSource | None = None,
        in_label: bool = False,
        silent_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._link = link
        self._framer = framer
        self._clock = clock
        self._last_byte_at_s: float = before._last_byte_at_s if before else 0.0  # noqa: SLF001 (of its own kind)
        self._torn: bool = before is not None and (before.pending or before._torn)  # noqa: SLF001
        if in_label:
            self._torn, self._last_byte_at_s = True, clock()
        self._silent_s = self._since_s = clock() if silent_s is None else silent_s
        self._unended_bytes = 0
        self._endless = False

    @property
    def silent_s(self) -> float:
        """The last moment at which the port was known to hold nothing."""
        return self._silent_s

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._framer.pending and not self._endless

    @property
    def degraded(self) -> str:
        """Say, in French, that bytes come and no label ends; empty when all is well."""
        return _ENDLESS if self._endless else ""

    def read(self, *, timeout_s: float) -> list[RawLabel]:
        """Wait for bytes, and take the labels that they end.

        Args:
            timeout_s: Seconds to wait at most; it waits no longer than `LOOK_S`.

        Returns:
            The labels; one that stops in the middle is `TORN`, one that never ends is `TOO_LONG`, once.

        Raises:
            LinkLostError: The port vanished.
        """
        began_s = self._clock()
        try:
            data = self._link.read(READ_BYTES, timeout_s=min(timeout_s, LOOK_S))
        except LinkTimeoutError:
            self._silent_s = began_s
            paused_s = self._clock() - self._last_byte_at_s
            return self._tear() if self._framer.pending and paused_s >= IDLE_GAP_S else []
        now_s = self._clock()
        paused_s = now_s - self._last_byte_at_s
        if paused_s >= REMAINDER_S:
            self._torn = False
        self._last_byte_at_s = now_s
        # This thread may have been kept from the port: a pause that nobody waited through is one.
        labels = self._tear() if self._framer.pending and paused_s >= IDLE_GAP_S else []
        if not self._framer.pending:
            self._since_s = self._silent_s
        for label in self._take(data):
            labels.append(replace(label, since_s=self._since_s))
            self._since_s = self._silent_s
        return labels

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 (see `Source`)
        """Do nothing: the port disturbs nobody."""

    def close(self) -> None:
        """Close the port. Idempotent; never raises."""
        self._link.close()

    def _tear(self) -> list[RawLabel]:
        labels = [RawLabel(b"", "TORN", since_s=self._since_s)] if self.pending else []
        self._framer.reset()
        self._endless = False
        self._unended_bytes = 0
        self._torn = True
        return labels

    def _take(self, data: bytes) -> list[RawLabel]:
        labels = self._framer.feed(data)
        if labels or not self._framer.pending:
            self._unended_bytes = 0
            if self._endless:  # its label was told when it became too long
                del labels[:1]
                self._endless = False
            elif self._torn and labels:
                labels[0] = RawLabel(b"", "TORN")
                self._torn = False
        else:
            self._unended_bytes += len(data)
            if self._unended_bytes > MAX_LABEL_BYTES and not self._endless:
                self._endless = True
                labels.append(RawLabel(b"", "TOO_LONG"))
        return labels


def open_scanner(url: str, options: Mapping[str, object]) -> LabelScanner:
    """Make a serial scanner; nothing is opened before `claim`.

    Args:
        url: `serial:///dev/ttyACM0?baud=115200`, `serial:COM3`, `serial:?vendor=0c2e&product=0b61` or
            `socket://127.0.0.1:4567`.
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
    suffix = settings.text("suffix", "").encode()
    shared = read_scanner_settings(settings)
    open_link = _link_of(device, settings)
    settings.refuse_unknown()
    is_remote = device.scheme == "socket" or "://" in device.target
    last: SerialSource | None = None

    def open_source() -> Source:
        nonlocal last
        silent_s = time.perf_counter()
        link = open_link()
        # A port is emptied when it is opened; a device server may have kept what it could not send.
        before = last if is_remote else None
        in_label = not is_remote and _has_come(link)
        framer = Framer(terminators=terminators, suffix=suffix)
        last = SerialSource(link, framer, before=before, in_label=in_label, silent_s=silent_s)
        return last

    return LabelScanner(url, open_source, shared)


def _has_come(link: Link) -> bool:
    """Drop what comes until the port is silent; tell whether something came."""
    came, deadline = False, Deadline(NOISY_S)
    try:
        while deadline.left_s():
            link.read(READ_BYTES, timeout_s=QUIET_S)
            came = True
    except LinkTimeoutError:
        pass
    except BaseException:
        link.close()
        raise
    return came


def _link_of(device: DeviceUrl, settings: Settings) -> Callable[[], Link]:
    """Read how the pipe is opened."""
    if device.scheme == "socket":
        return partial(open_tcp, *device.address(), timeout_s=CONNECT_TIMEOUT_S)
    baud = settings.whole("baud", DEFAULT_BAUD, 300, 4_000_000)
    identity = Identity() if device.target else read_identity(settings)
    if identity == Identity():
        return partial(open_serial, device.path, baud=baud)
    return partial(_open_by_identity, device.text, identity, baud)


SerialScanner = LabelScanner


def identity_of(port: SerialPort) -> Identity:
    """Tell by what a port's device is found again."""
    return Identity(usb_number(port.vendor_id), usb_number(port.product_id), port.serial, port.location)


def _open_by_identity(url: str, identity: Identity, baud: int) -> Link:
    """Look for the device anew each time: it may have another name."""
    return open_serial(identity.choose(list_serial(), identity_of, url).device, baud=baud)
