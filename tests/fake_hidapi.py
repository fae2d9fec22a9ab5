"""hidapi's module with devices that a test plugs in and out."""

from __future__ import annotations

import queue
import sys
from types import ModuleType
from typing import cast

import pytest

from cvconnect_sim.scanner import HidPosFirmware, Symbology
from cvconnect_sim.scanner.hidpos import REPORT_DESCRIPTOR


class PluggedScanner:
    """A HID-POS scanner on its cable: what it sends reaches whoever has it open."""

    def __init__(self, path: bytes, info: dict[str, object], descriptor: bytes | None) -> None:
        self.path = path
        self.info: dict[str, object] = {
            "path": path,
            "vendor_id": 0x0C2E,
            "product_id": 0x0B61,
            "serial_number": "",
            "product_string": "Scanner",
            "usage_page": 0x8C,
            "usage": 0x02,
            **info,
        }
        self.descriptor = descriptor
        self.handles: list[FakeDevice] = []

    def send(self, report: bytes) -> None:
        for handle in self.handles:
            handle.arrived.put(report)

    def scan(self, text: str, symbology: Symbology = Symbology.CODE_128) -> None:
        for _, report in HidPosFirmware().scan(text, symbology):
            self.send(report)


class FakeDevice:
    """hidapi's `device`."""

    def __init__(self, api: FakeHidApi) -> None:
        self._api = api
        self._scanner: PluggedScanner | None = None
        self.arrived: queue.SimpleQueue[bytes | OSError | None] = queue.SimpleQueue()

    def open_path(self, path: bytes) -> None:
        scanner = self._api.plugged.get(path)
        if scanner is None or path in self._api.refused:
            raise OSError("open failed")
        self._scanner = scanner
        scanner.handles.append(self)

    def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
        assert timeout_ms > 0, "0 waits for ever"
        if self._scanner is None:
            raise ValueError("not open")
        try:
            report = self.arrived.get(timeout=timeout_ms / 1000)
        except queue.Empty:
            return []
        if report is None:
            self.arrived.put(None)  # gone for good
        if not isinstance(report, bytes):
            raise OSError("read error")
        return list(report[:max_length])

    def get_report_descriptor(self) -> list[int]:
        if self._scanner is None or self._scanner.descriptor is None:
            raise OSError("read error")
        return list(self._scanner.descriptor)

    def close(self) -> None:
        if self._scanner is not None and self in self._scanner.handles:
            self._scanner.handles.remove(self)
        self._scanner = None


class FakeHidApi:
    """The module `hidraw` (`hid` where there is none)."""

    def __init__(self) -> None:
        self.plugged: dict[bytes, PluggedScanner] = {}
        self.refused: set[bytes] = set()

    def plug(
        self, path: bytes = b"/fake/hid0", *, descriptor: bytes | None = REPORT_DESCRIPTOR, **info: object
    ) -> PluggedScanner:
        self.plugged[path] = PluggedScanner(path, info, descriptor)
        return self.plugged[path]

    def unplug(self, scanner: PluggedScanner) -> None:
        del self.plugged[scanner.path]
        for handle in scanner.handles:
            handle.arrived.put(None)

    def enumerate(self) -> list[dict[str, object]]:
        return [dict(scanner.info) for scanner in self.plugged.values()]

    def device(self) -> FakeDevice:
        return FakeDevice(self)


def install(monkeypatch: pytest.MonkeyPatch) -> FakeHidApi:
    """Put a hidapi without any device in place of the real one, for one test."""
    api = FakeHidApi()
    for name in ("hidraw", "hid"):
        monkeypatch.setitem(sys.modules, name, cast("ModuleType", api))
    return api
