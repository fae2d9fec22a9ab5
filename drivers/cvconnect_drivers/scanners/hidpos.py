"""Scanners in HID-POS mode (`hidpos:?vendor=0c2e&product=0b61`), through hidapi, on Linux, Windows and macOS.

They are no keyboards: what they read reaches this program alone, with the kind of label beside it.

`hidpos:` is the only such scanner that is plugged in; an identity tells it from others, and `hidpos:///dev/hidraw0` names
one by its path. Settings: those that `settings` names.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, PackageMissingError
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.hidpos_reports import (
    MAX_REPORT_BYTES,
    USAGE_PAGE,
    USAGE_SCANNER,
    USUAL_LAYOUT,
    ReportDecoder,
    find_layout,
)
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import Identity, read_identity, read_scanner_settings, usb_number
from cvconnect_drivers.urls import Settings, parse_url

IDLE_GAP_S = 1.0
"""Unverified: the pieces of a label follow each other within the polling interval, 1 to 10 ms; later than this it is torn."""

LOOK_S = 0.005
"""How often it is seen that no report waits: what comes later belongs to whoever was waiting then."""

QUIET_MS = 50
"""So long a device must be silent before its reports are labels: see `IDLE_GAP_S`."""

NOISY_S = 0.5
"""How long that is waited for; afterwards it is open all the same, but degraded, and nothing is taken before such a silence."""

MAX_REPORTS_IN_A_ROW = 128
"""The longest label has 19 of them, and Linux keeps 64 for a program that does not read (`HIDRAW_BUFFER_SIZE`)."""

_NOISY = "Le lecteur envoie des données sans arrêt : débranchez-le et rebranchez-le, ou changez-le."
_SYSFS = Path("/sys/class/hidraw")
_RULE = 'SUBSYSTEM=="hidraw", ATTRS{{idVendor}}=="{}", ATTRS{{idProduct}}=="{}", MODE="0660", GROUP="input", TAG+="uaccess"'


class HidDevice(Protocol):
    """What this driver needs of hidapi's `device`."""

    def open_path(self, path: bytes) -> None:
        """Open a device by its path, or raise `OSError`."""
        ...

    def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
        """Wait for a report; empty when none came."""
        ...

    def get_report_descriptor(self) -> list[int]:
        """Read the report descriptor."""
        ...

    def close(self) -> None:
        """Close the device."""
        ...


class HidApi(Protocol):
    """What this driver needs of the package hidapi."""

    def enumerate(self) -> list[dict[str, object]]:
        """List what is plugged in."""
        ...

    def device(self) -> HidDevice:
        """Make a device, not open."""
        ...


@dataclass(frozen=True, slots=True)
class HidPosDevice:
    """A HID-POS scanner that is plugged in.

    Args:
        path: hidapi's path to it today.
        identity: By what it is found again.
        product: What it calls itself, or an empty text.
    """

    path: bytes
    identity: Identity
    product: str


def load_hidapi() -> HidApi:
    """Import hidapi's module.

    On Linux its package brings two: `hidraw` knows usage pages and leaves the kernel's drivers alone; `hid` goes through
    libusb, and does neither.

    Raises:
        PackageMissingError: The package is not installed, or another one of the same name is.
    """
    for name in ("hidraw", "hid") if sys.platform == "linux" else ("hid",):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            if hasattr(module, "device"):
                return cast("HidApi", module)
    raise PackageMissingError("hidapi")


def list_hidpos(asked: Identity | None = None) -> list[HidPosDevice]:
    """List the HID-POS scanners that are plugged in.

    Args:
        asked: With its vendor and product, a device is listed although the system does not tell its usage page.

    Raises:
        PackageMissingError: hidapi is not installed.
    """
    named = asked is not None and bool(asked.vendor and asked.product)
    found: list[HidPosDevice] = []
    for each in load_hidapi().enumerate():
        usage = (each.get("usage_page"), each.get("usage"))
        if usage != (USAGE_PAGE, USAGE_SCANNER) and not (named and not usage[0]):
            continue
        path = cast("bytes", each["path"])
        identity = Identity(
            usb_number(cast("int | None", each.get("vendor_id"))),
            usb_number(cast("int | None", each.get("product_id"))),
            cast("str | None", each.get("serial_number")) or "",
            _port(path),
        )
        found.append(HidPosDevice(path, identity, cast("str | None", each.get("product_string")) or ""))
    return found


class HidPosSource:
    """A scanner that sends its labels in HID-POS reports.

    Args:
        device: hidapi's device, open; the source owns it.
        decoder: Puts its reports together.
        where: How the device is called in messages.
        noisy: Whether it has sent until now without a pause: what is left of a label is none.
        silent_s: A moment before the device was opened, since what came until then is not read; None: now.
        clock: Seconds, on any clock that never goes back.
    """

    def __init__(
        self,
        device: HidDevice,
        decoder: ReportDecoder,
        where: str,
        *,
        noisy: bool = False,
        silent_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._device = device
        self._decoder = decoder
        self._where = where
        self._clock = clock
        self._last_report_at_s = clock() if noisy else 0.0
        self._noisy = noisy
        self._reports_in_a_row = 0
        self._silent_s = self._since_s = clock() if silent_s is None else silent_s

    @property
    def silent_s(self) -> float:
        """The last moment at which no report was known to wait."""
        return self._silent_s

    @property
    def pending(self) -> bool:
        """Whether a label has begun and not ended."""
        return self._decoder.pending

    @property
    def degraded(self) -> str:
        """Say, in French, that reports come without end; empty when all is well."""
        return _NOISY if self._noisy else ""

    def read(self, *, timeout_s: float) -> Sequence[RawLabel]:
        """Wait for a report.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            The label that it ends; one that stops in the middle is `TORN`.

        Raises:
            LinkLostError: The device is gone.
        """
        began_s = self._clock()
        report = self._report(min(timeout_s, LOOK_S))
        now_s = self._clock()
        torn = self._decoder.begun and now_s - self._last_report_at_s >= IDLE_GAP_S
        labels = self._lose() if torn else []
        if report:
            self._last_report_at_s = now_s
            self._reports_in_a_row += 1
            return labels + self._take(report)
        self._silent_s = began_s
        self._reports_in_a_row = 0
        self._noisy = self._noisy and now_s - self._last_report_at_s < QUIET_MS / 1000
        return labels

    def _take(self, report: bytes) -> list[RawLabel]:
        if self._reports_in_a_row > MAX_REPORTS_IN_A_ROW:
            self._noisy = True
        if self._noisy:
            return self._lose()
        if not self._decoder.begun:
            self._since_s = self._silent_s
        labels: list[RawLabel] = []
        for label in self._decoder.feed(report):
            labels.append(replace(label, since_s=self._since_s))
            self._since_s = self._silent_s
        return labels

    def _lose(self) -> list[RawLabel]:
        return [replace(label, since_s=self._since_s) for label in self._decoder.lose()]

    def _report(self, timeout_s: float) -> bytes:
        wait_ms = max(1, round(timeout_s * 1000))  # hidapi takes 0 for "for ever"
        try:
            return bytes(self._device.read(MAX_REPORT_BYTES, wait_ms))
        except (OSError, ValueError):
            pass  # a signal to this thread ends a read in the same way: a device that is gone fails once more
        try:
            return bytes(self._device.read(MAX_REPORT_BYTES, 1))
        except (OSError, ValueError) as error:
            raise LinkLostError(self._where, type(error).__name__) from error

    def set_armed(self, armed: bool) -> None:  # noqa: FBT001 (see `Source`)
        """Do nothing: a HID-POS scanner disturbs nobody."""

    def close(self) -> None:
        """Close the device. Idempotent; never raises."""
        with contextlib.suppress(Exception):
            self._device.close()


def open_scanner(url: str, options: Mapping[str, object]) -> LabelScanner:
    """Make a HID-POS scanner; nothing is opened before `claim`.

    Args:
        url: `hidpos:?vendor=0c2e&product=0b61&serial=ABC`, `hidpos:` or `hidpos:///dev/hidraw0`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The scanner, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"hidpos"})
    settings = Settings(device, options)
    identity = Identity() if device.target else read_identity(settings)
    shared = read_scanner_settings(settings)
    settings.refuse_unknown()
    return LabelScanner(url, partial(_open, url, device.target, identity), shared)


def _open(url: str, path: str, identity: Identity) -> HidPosSource:
    """Look for the device anew each time: it may have another path."""
    if path:
        found = HidPosDevice(os.fsencode(path), Identity(), "")
    else:
        found = identity.choose(list_hidpos(identity), lambda each: each.identity, url)
    device = load_hidapi().device()
    silent_s = time.perf_counter()
    try:
        device.open_path(found.path)
    except OSError as error:
        raise _refused(url, found) from error
    if not path and found not in list_hidpos(identity):  # its path went to another device meanwhile
        device.close()
        raise LinkAbsentError(url, "it has just left")
    descriptor = b""
    # A device that keeps its descriptor to itself, or a hidapi before 0.14.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        descriptor = bytes(device.get_report_descriptor())
    noisy = False
    with contextlib.suppress(OSError, ValueError):  # a device that has left fails in the first read, too
        noisy = not _let_pass(device)
    decoder = ReportDecoder(find_layout(descriptor) or USUAL_LAYOUT)
    return HidPosSource(device, decoder, url, noisy=noisy, silent_s=silent_s)


def _let_pass(device: HidDevice) -> bool:
    """Drop what is left of a label that began before the device was opened; tell whether the device then was silent."""
    deadline = Deadline(NOISY_S)
    while deadline.left_s():
        if not device.read(MAX_REPORT_BYTES, QUIET_MS):
            return True
    return False


def _refused(where: str, found: HidPosDevice) -> LinkAbsentError:
    # hidapi does not say why: ask the system.
    path = os.fsdecode(found.path)
    if path.startswith("/dev/") and Path(path).exists() and not os.access(path, os.R_OK | os.W_OK):
        rule = udev_rule(found.identity)
        return LinkAbsentError(
            where,
            f"permission denied; add the udev rule {rule} to /etc/udev/rules.d/70-cvconnect.rules and plug it in again",
            fr=f"{where} : accès refusé. Ajoutez la règle udev {rule} à /etc/udev/rules.d/70-cvconnect.rules, "
            "puis rebranchez le lecteur.",
        )
    return LinkAbsentError(where, "open failed")


def udev_rule(identity: Identity) -> str:
    """Write the rule that lets whoever sits at the machine, and the group `input`, read such a device.

    Source: systemd `rules.d/73-seat-late.rules` (`uaccess`); udev(7), ATTRS.
    """
    return _RULE.format(identity.vendor or "....", identity.product or "....")


def _port(path: bytes) -> str:
    """Name the place where a device is plugged in: on Linux as the kernel writes it, elsewhere its path."""
    name = os.fsdecode(path)
    if not name.startswith("/dev/hidraw"):
        return name
    try:
        lines = (_SYSFS / Path(name).name / "device" / "uevent").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return name
    return next((line.removeprefix("HID_PHYS=") for line in lines if line.startswith("HID_PHYS=")), name)
