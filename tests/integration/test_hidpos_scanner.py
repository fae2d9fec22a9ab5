"""A HID-POS scanner through hidapi, its module replaced by one whose devices are plugged in and out."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

import fake_hidapi
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError, PackageMissingError
from cvconnect_drivers.scanners import hidpos
from cvconnect_drivers.scanners.hidpos import HidPosSource, list_hidpos, load_hidapi, open_scanner
from cvconnect_drivers.scanners.hidpos_reports import ReportDecoder
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.settings import Identity
from cvconnect_drivers.shapes import Health
from cvconnect_sim.scanner import HidPosFirmware, Symbology
from fake_hidapi import FakeHidApi, PluggedScanner

TIMEOUT_S = 5.0
FIRST, SECOND = "20000000016", "20000000027"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeHidApi:
    def hasty(_backoff: Backoff, _faults: int) -> float:
        return 0.01

    monkeypatch.setattr(Backoff, "wait_s", hasty)
    return fake_hidapi.install(monkeypatch)


class Till:
    """A claimed scanner, and what it tells."""

    def __init__(self, url: str) -> None:
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.heard: list[Health] = []
        self.scanner = open_scanner(url, {})
        self.scanner.claim(on_status=self.heard.append, timeout_s=TIMEOUT_S)

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def hear(self) -> Label:
        return self.labels.get(timeout=TIMEOUT_S)

    def wait_for(self, state: str) -> None:
        assert until(lambda: self.scanner.check_health().state == state), self.scanner.check_health()


@pytest.fixture
def claimed() -> Generator[Callable[[str], Till], None, None]:
    tills: list[Till] = []

    def make(url: str) -> Till:
        tills.append(Till(url))
        return tills[-1]

    yield make
    for till in tills:
        till.scanner.release()


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.005)
    return condition()


def pending(till: Till) -> bool:
    session = till.scanner._session
    source = session._source if session else None
    return source is not None and source.pending


def test_a_label_arrives_with_its_symbology(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    scanner = api.plug()
    till = claimed("hidpos:")
    till.arm()
    scanner.scan(FIRST, Symbology.QR)
    label = till.hear()
    assert (label.text, label.symbology, label.refusal) == (FIRST, "]Q1", None)


def test_eleven_digits_of_a_product_code_are_refused(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    scanner = api.plug()
    till = claimed("hidpos:")
    till.arm()
    scanner.send(bytes([2, 11]) + b"]E0" + b"03600029145".ljust(58, b"\0") + b"\0")
    assert till.hear().refusal == "PRODUCT_CODE"


def test_a_device_that_keeps_its_descriptor_to_itself_is_read_as_usual(
    api: FakeHidApi, claimed: Callable[[str], Till]
) -> None:
    scanner = api.plug(descriptor=None)
    till = claimed("hidpos:")
    till.arm()
    scanner.scan(FIRST)
    assert till.hear().text == FIRST


def test_unplugged_after_any_piece_it_tells_damage_or_nothing_and_works_again_under_another_name(
    api: FakeHidApi, claimed: Callable[[str], Till]
) -> None:
    scanner = api.plug(serial_number="ABC")
    till = claimed("hidpos:?serial=ABC")
    reports = [report for _, report in HidPosFirmware().scan("x" * 150)]
    for cut in range(len(reports) + 1):
        till.wait_for("ready")
        till.arm()
        for report in reports[:cut]:
            scanner.send(report)
        middle = 0 < cut < len(reports)
        assert until(lambda middle=middle: pending(till) == middle)  # type: ignore[misc]
        api.unplug(scanner)
        if cut:
            assert till.hear().refusal == ("DAMAGED" if middle else "NOT_AN_IDENTIFIER")
        assert until(lambda cut=cut: till.scanner.statistics()["lost"] == cut + 1)  # type: ignore[misc]
        till.arm()
        scanner = api.plug(f"/fake/hid{cut + 1}".encode(), serial_number="ABC")
        till.wait_for("ready")
        scanner.scan(SECOND)
        assert till.hear().text == SECOND
    assert till.scanner.statistics()["torn"] == len(reports) - 1


def test_a_label_whose_next_piece_does_not_come_is_torn() -> None:
    now = [0.0]

    class Silent:
        def __init__(self, *reports: bytes) -> None:
            self.left = list(reports)

        def open_path(self, path: bytes) -> None:
            raise AssertionError

        def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
            now[0] += 0.4
            return list(self.left.pop(0)) if self.left else []

        def get_report_descriptor(self) -> list[int]:
            raise AssertionError

        def close(self) -> None:
            pass

    first = HidPosFirmware().scan("x" * 100)[0][1]
    source = HidPosSource(Silent(first), ReportDecoder(), "hidpos:", clock=lambda: now[0])
    came = [[label.damage for label in source.read(timeout_s=0.2)] for _ in range(5)]
    assert came == [[], [], [], ["TORN"], []]


def test_two_scanners_at_once_are_told_apart(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    scanners: list[PluggedScanner] = []
    tills: list[Till] = []
    for number in ("A", "B"):
        scanners.append(api.plug(f"/fake/{number}".encode(), serial_number=number))
        tills.append(claimed(f"hidpos:?serial={number}"))
        tills[-1].arm()
    scanners[1].scan(SECOND)
    scanners[0].scan(FIRST)
    assert [till.hear().text for till in tills] == [FIRST, SECOND]


def test_between_two_scanners_nobody_guesses(api: FakeHidApi) -> None:
    api.plug(b"/fake/A")
    api.plug(b"/fake/B")
    scanner = open_scanner("hidpos:?vendor=0c2e&product=0b61", {})
    with pytest.raises(ConfigurationError) as caught:
        scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)
    assert caught.value.code == "DEVICE_AMBIGUOUS"
    assert "port=/fake/A" in caught.value.text()
    assert "port=/fake/B" in caught.value.text()


def test_a_twin_that_comes_later_is_reported_and_its_going_ends_it(
    api: FakeHidApi, claimed: Callable[[str], Till]
) -> None:
    first = api.plug(b"/fake/A")
    till = claimed("hidpos:")
    twins = [api.plug(b"/fake/B"), api.plug(b"/fake/C")]
    api.unplug(first)
    assert until(lambda: "plusieurs appareils" in till.scanner.check_health().detail)
    assert till.scanner.check_health().state == "absent"
    api.unplug(twins[0])
    till.wait_for("ready")


def test_other_hid_devices_are_no_scanners(api: FakeHidApi) -> None:
    api.plug(b"/fake/keyboard", usage_page=1, usage=6)
    api.plug(b"/fake/cradle", usage=5)
    api.plug(b"/fake/unknown", usage_page=0, usage=0)
    api.plug(b"/fake/scanner", serial_number="S")
    assert [each.path for each in list_hidpos()] == [b"/fake/scanner"]
    # Where the system tells no usage page, only a device that is asked for by its numbers may be the one.
    assert [each.path for each in list_hidpos(Identity("0c2e", "0b61"))] == [
        b"/fake/unknown",
        b"/fake/scanner",
    ]


def test_a_scanner_may_be_named_by_its_path(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    api.plug(b"/fake/A")
    scanner = api.plug(b"/fake/B")
    till = claimed("hidpos:///fake/B")
    till.arm()
    scanner.scan(FIRST)
    assert till.hear().text == FIRST
    with pytest.raises(DriverError, match="'vendor'"):
        open_scanner("hidpos:///fake/B?vendor=0c2e", {})


def test_the_port_of_a_device_is_what_the_kernel_says(
    api: FakeHidApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hidpos, "_SYSFS", tmp_path)
    (tmp_path / "hidraw7" / "device").mkdir(parents=True)
    (tmp_path / "hidraw7" / "device" / "uevent").write_text(
        "DRIVER=hid-generic\nHID_PHYS=usb-0000:00:14.0-2/input0\nHID_UNIQ=\n"
    )
    api.plug(b"/dev/hidraw7")
    api.plug(b"/dev/hidraw8")
    ports = [each.identity.port for each in list_hidpos()]
    assert ports == ["usb-0000:00:14.0-2/input0", "/dev/hidraw8"]


def test_a_read_that_a_signal_ends_is_no_lost_cable(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    scanner = api.plug(b"/fake/1")
    till = claimed("hidpos:")
    till.arm()
    scanner.handles[0].arrived.put(OSError("interrupted"))
    scanner.scan("20000000016")
    assert till.hear().text == "20000000016"
    assert till.scanner.statistics()["lost"] == 0


def test_a_permission_that_is_missing_names_the_udev_rule(
    api: FakeHidApi, monkeypatch: pytest.MonkeyPatch, claimed: Callable[[str], Till]
) -> None:
    api.plug(b"/dev/null")
    api.refused.add(b"/dev/null")

    def may_not(_path: object, _mode: int) -> bool:
        return False

    monkeypatch.setattr("os.access", may_not)
    till = claimed("hidpos:")
    detail = till.scanner.check_health().detail
    assert "accès refusé" in detail
    assert 'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="0c2e", ATTRS{idProduct}=="0b61"' in detail
    with pytest.raises(LinkAbsentError, match="permission denied; add the udev rule SUBSYSTEM"):
        hidpos._open("hidpos:", "", Identity())


def test_a_scanner_that_is_not_plugged_in_is_absent(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    assert claimed("hidpos:").scanner.check_health().state == "absent"
    assert claimed("hidpos:///fake/none").scanner.check_health().state == "absent"


@pytest.mark.parametrize("other", [None, SimpleNamespace(Device=object)])
def test_a_missing_package_or_another_of_the_same_name_is_told(
    monkeypatch: pytest.MonkeyPatch, other: object
) -> None:
    for name in ("hidraw", "hid"):
        monkeypatch.setitem(sys.modules, name, cast("ModuleType", other))
    with pytest.raises(PackageMissingError, match="pip install hidapi"):
        open_scanner("hidpos:", {}).claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)


def test_the_real_package_has_what_the_driver_needs() -> None:
    real = load_hidapi()
    assert isinstance(real.enumerate(), list)
    device = real.device()
    with pytest.raises(OSError, match="open failed"):
        device.open_path(b"/dev/hidraw-none")
    source = HidPosSource(device, ReportDecoder(), "hidpos:")
    with pytest.raises(DriverError, match="LINK_LOST"):
        source.read(timeout_s=0.01)
    source.close()
    source.close()


# --- Without a pause --------------------------------------------------------------------------------------------------------


class Noise:
    """Sends a scanner's reports on and on, until it is told to stop."""

    def __init__(self, scanner: PluggedScanner) -> None:
        self._scanner = scanner
        self._report = HidPosFirmware().scan("20000000016")[0][1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        while not self._stop.wait(0.0005):
            for _ in range(20):
                self._scanner.send(self._report)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S)


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_scanner_that_is_never_silent_opens_degraded_and_is_read_after_a_silence(
    api: FakeHidApi, claimed: Callable[[str], Till], from_the_start: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidpos, "NOISY_S", 0.1)
    scanner = api.plug()
    noise = Noise(scanner) if from_the_start else None
    till = claimed("hidpos:")
    noise = noise or Noise(scanner)
    till.wait_for("degraded")
    assert "sans arrêt" in till.scanner.check_health().detail
    till.arm()
    noise.stop()
    till.wait_for("ready")
    assert till.labels.empty()
    till.arm()
    scanner.scan(SECOND)
    assert till.hear().text == SECOND


def test_the_pieces_of_a_label_are_no_noise(api: FakeHidApi, claimed: Callable[[str], Till]) -> None:
    scanner = api.plug()
    till = claimed("hidpos:")
    till.arm()
    scanner.scan("x" * 1000)
    assert till.hear().refusal == "NOT_AN_IDENTIFIER"
    assert [health.state for health in till.heard] == ["ready"]
