"""Hears from udev that something was plugged in, so that nobody waits for the next try."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

UDEV = Path("/run/udev/control")
"""There where udev runs; without it nobody speaks of devices, and trying again and again must do."""

_log = logging.getLogger(__name__)


class _Observer(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class _Device(Protocol):
    @property
    def action(self) -> str: ...


class PlugWatch:
    """Calls when a device comes, or when its rights change; silent where udev or pyudev is missing.

    Args:
        subsystem: The kernel's word for its kind: `input`, `hidraw`, `tty`.
        on_plugged: Called from the watch's thread.
    """

    def __init__(self, subsystem: str, on_plugged: Callable[[], None]) -> None:
        self._subsystem = subsystem
        self._on_plugged = on_plugged
        self._observer: _Observer | None = None

    def start(self) -> bool:
        """Start to listen. Idempotent.

        Returns:
            Whether udev will be heard.
        """
        if self._observer is not None or not UDEV.exists():
            return self._observer is not None
        try:
            pyudev: Any = import_module("pyudev")  # it has no types
            # From udev, not from the kernel: by then the rules have given the device its rights.
            monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source="udev")
            monitor.filter_by(self._subsystem)
            observer: _Observer = pyudev.MonitorObserver(
                monitor, callback=self._hear, name=f"udev {self._subsystem}"
            )
            observer.start()
        except Exception as error:  # noqa: BLE001 (pyudev or libudev is missing, or the container forbids it)
            _log.info("no udev: %s", type(error).__name__)
            return False
        self._observer = observer
        return True

    def stop(self) -> None:
        """End and join the watch's thread. Idempotent."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()

    def _hear(self, device: _Device) -> None:
        if device.action != "remove":
            self._on_plugged()
