"""What udev tells of a keyboard scanner that comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.scanners import plug_watch
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.session import OnStatus
from cvconnect_drivers.shapes import Health
from evdev_bench import Till
from fake_input import (
    Desk,
)


class FakeUdev(ModuleType):
    """pyudev, as far as it is used."""

    def __init__(self) -> None:
        super().__init__("pyudev")
        self.calls: list[str] = []
        self.callback: Callable[[object], None] | None = None
        self.Context = SimpleNamespace
        self.Monitor = SimpleNamespace(from_netlink=self._monitor)
        self.MonitorObserver = self._observer

    def _monitor(self, _context: object, *, source: str) -> SimpleNamespace:
        def filter_by(subsystem: str) -> None:
            self.calls.append(f"{source} {subsystem}")

        return SimpleNamespace(filter_by=filter_by)

    def _observer(
        self, _monitor: object, *, callback: Callable[[object], None], name: str
    ) -> SimpleNamespace:
        self.callback = callback
        return SimpleNamespace(
            start=lambda: self.calls.append("start"), stop=lambda: self.calls.append("stop")
        )


@pytest.fixture
def udev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeUdev:
    udev = FakeUdev()
    monkeypatch.setitem(sys.modules, "pyudev", udev)
    (tmp_path / "control").touch()
    monkeypatch.setattr(plug_watch, "UDEV", tmp_path / "control")
    return udev


def test_what_udev_tells_ends_the_wait_for_the_next_try(
    desk: Desk, opened: Callable[..., Till], udev: FakeUdev, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hour(*_: object) -> float:
        return 3600.0

    monkeypatch.setattr("cvconnect_drivers.scanners.reconnection.Backoff.wait_s", hour)
    till = opened()
    assert till.state() == "absent"
    desk.plug(4)
    assert udev.callback is not None
    udev.callback(SimpleNamespace(action="remove"))
    udev.callback(SimpleNamespace(action="add"))
    assert till.state() == "ready"
    till.scanner.release()
    assert udev.calls == ["udev input", "start", "stop"]


def test_without_udev_nobody_listens(udev: FakeUdev, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plug_watch, "UDEV", tmp_path / "nothing")
    watch = plug_watch.PlugWatch("input", lambda: None)
    assert watch.start() is False
    watch.stop()
    assert udev.calls == []


def test_without_pyudev_nobody_listens(udev: FakeUdev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyudev", None)
    assert plug_watch.PlugWatch("input", lambda: None).start() is False


def test_listening_twice_is_listening_once(udev: FakeUdev) -> None:
    watch = plug_watch.PlugWatch("input", lambda: None)
    assert watch.start() is watch.start() is True
    watch.stop()
    watch.stop()
    assert udev.calls == ["udev input", "start", "stop"]


def test_what_is_ready_says_whether_windows_get_the_labels(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4)
    health: Health = opened(grab="never").scanner.check_health()
    assert "aussi tapé" in health.detail


def test_a_scanner_that_is_given_back_while_it_is_claimed_listens_to_nothing(
    desk: Desk, opened: Callable[..., Till], udev: FakeUdev, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = LabelScanner.claim

    def and_given_back(scanner: LabelScanner, *, on_status: OnStatus, timeout_s: float) -> None:
        claim(scanner, on_status=on_status, timeout_s=timeout_s)
        scanner.release()

    desk.plug(4)
    monkeypatch.setattr(LabelScanner, "claim", and_given_back)
    opened()
    assert udev.calls == ["udev input", "start", "stop"]
