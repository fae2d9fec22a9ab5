"""A printer on USB, one interface of a composite device: over USB/IP in this process, by an unmodified pyusb."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError, PackageMissingError
from cvconnect_drivers.links import usb_devices
from cvconnect_drivers.links.usb import open_usb
from cvconnect_drivers.links.usb_devices import list_usb
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.shapes import PrintResult
from cvconnect_sim.printer import Printer
from fake_usb import Bus, UsbPrinter, install
from slips import QUERY, TICKET, TICKET_TEXT, TIMEOUT_S, claimed, slip_texts, took_s


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Generator[Bus, None, None]:
    with install(monkeypatch) as there:
        yield there


@pytest.fixture
def simulated(bus: Bus) -> Printer:
    printer = Printer()
    bus.plug(UsbPrinter(printer.receive))
    return printer


@pytest.mark.parametrize(
    "url", ["usb:", "usb:?vendor=04b8&product=0202", "usb:?serial=ABC", "usb:?port=1-4.2"]
)
def test_the_ticket_comes_out_on_usb(bus: Bus, simulated: Printer, url: str) -> None:
    result = claimed(url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("printed", None)
    assert slip_texts(simulated) == [TICKET_TEXT]
    assert simulated.unknown_commands == []


def test_only_the_printers_interface_is_taken_from_the_system_and_it_is_given_back(
    bus: Bus, simulated: Printer
) -> None:
    (device,) = list_usb()
    link = open_usb(device, "usb:")
    assert (bus.claimed, bus.driven) == ({1}, {0})
    link.close()
    link.close()
    assert (bus.claimed, bus.driven) == (set(), {0, 1})


def test_an_interface_that_no_driver_had_is_left_without_one(bus: Bus, simulated: Printer) -> None:
    bus.driven = {0}
    assert claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert (bus.claimed, bus.driven) == (set(), {0})


def test_the_printer_of_a_composite_device_is_found_where_it_is(bus: Bus, simulated: Printer) -> None:
    (device,) = list_usb()
    assert device.printer == usb_devices.PrinterPipes(1, 0, 0x07, 0x86, 64)
    assert (device.vendor_id, device.product_id, device.location) == (0x04B8, 0x0202, "1-4.2")


def test_no_transfer_is_without_a_deadline(bus: Bus, simulated: Printer) -> None:
    printer = claimed("usb:")
    printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert bus.timeouts_ms
    assert all(0 < each <= TIMEOUT_S * 1000 for each in bus.timeouts_ms)


# --- Which one ------------------------------------------------------------------------------------------------------


def test_of_two_printers_the_serial_number_chooses(bus: Bus) -> None:
    printers = {number: Printer() for number in ("ABC", "DEF")}
    for number, each in printers.items():
        bus.plug(UsbPrinter(each.receive, serial=number))
    ambiguous = claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (ambiguous.outcome, ambiguous.reason) == ("not_sent", "DEVICE_AMBIGUOUS")
    assert "serial=ABC port=1-4.2" in ambiguous.detail
    assert claimed("usb:?serial=DEF").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert [len(each.slips) for each in printers.values()] == [0, 1]


@pytest.mark.parametrize("url", ["usb:", "usb:?vendor=0c2e", "usb:?serial=XYZ"])
def test_a_printer_that_is_not_plugged_in_is_absent(bus: Bus, url: str) -> None:
    if "=" in url:
        bus.plug(UsbPrinter(Printer().receive))
    result = claimed(url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "branché" in result.detail


def test_a_device_that_is_no_printer_is_said_to_be_none(bus: Bus) -> None:
    bus.plug(UsbPrinter(Printer().receive, protocol=None))
    named = claimed("usb:?vendor=04b8").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (named.outcome, named.reason) == ("not_sent", "LINK_ABSENT")
    assert "pas une imprimante" in named.detail
    with pytest.raises(LinkAbsentError, match="no interface of the printer class"):
        open_usb(list_usb()[0], "usb:?vendor=04b8")
    assert "pas une imprimante" not in claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=1.0).detail


# --- Refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["usb:", "usb:?serial=ABC"])
def test_a_refused_permission_names_the_udev_rule(bus: Bus, simulated: Printer, url: str) -> None:
    bus.refuses = errno.EACCES
    result = claimed(url).print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert 'ATTR{idVendor}=="04b8", ATTR{idProduct}=="0202"' in result.detail
    assert "/etc/udev/rules.d/70-cvconnect.rules" in result.detail
    (device,) = list_usb()
    with pytest.raises(LinkAbsentError) as refused:
        open_usb(device, "usb:")
    assert device.udev_rule in refused.value.en


def test_a_printer_that_another_program_holds_is_absent_and_its_driver_comes_back(
    bus: Bus, simulated: Printer
) -> None:
    bus.held_elsewhere = {1}
    result = claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "autre programme" in result.detail
    assert (bus.claimed, bus.driven) == (set(), {0, 1})


def test_a_system_that_has_no_drivers_to_send_away_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, bus: Bus, simulated: Printer
) -> None:
    def not_supported(_handle: Any, _interface: int) -> bool:
        raise NotImplementedError

    bus.driven = {0}
    monkeypatch.setattr(bus, "is_kernel_driver_active", not_supported)
    assert claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"


def test_a_driver_that_lets_no_program_through_is_named(
    monkeypatch: pytest.MonkeyPatch, bus: Bus, simulated: Printer
) -> None:
    def not_supported(_device: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(bus, "open_device", not_supported)
    result = claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert "WinUSB" in result.detail


# --- Faults ---------------------------------------------------------------------------------------------------------


def test_a_printer_unplugged_in_mid_ticket_is_unknown_and_prints_again_once_it_is_back(bus: Bus) -> None:
    printer = Printer()
    pulls = 0

    def receive(data: bytes) -> bytes:
        nonlocal pulls
        if data.strip(b"\x00") and QUERY not in data and pulls == 0:
            pulls += 1
            printer.receive(data[: len(data) // 2])
            bus.unplug(device)
            return b""
        return printer.receive(data)

    device = UsbPrinter(receive)
    bus.plug(device)
    till = claimed("usb:")
    result = till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("unknown", "LINK_LOST")
    away = till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (away.outcome, away.reason) == ("not_sent", "LINK_ABSENT")
    bus.plug(device)
    assert till.print(TICKET, job_id="T1-2", timeout_s=TIMEOUT_S).outcome == "printed"
    assert slip_texts(printer)[-1] == TICKET_TEXT


def test_a_printer_that_stops_reading_ends_at_the_deadline(bus: Bus, simulated: Printer) -> None:
    till = claimed("usb:")
    bus.stuck_after = 4 * 3 + 20
    results: list[PrintResult] = []
    assert took_s(lambda: results.append(till.print(TICKET, job_id="T1-1", timeout_s=1.5))) < 2.5
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "LINK_TIMEOUT")]
    bus.stuck_after = None
    assert till.print(TICKET, job_id="T1-2", timeout_s=TIMEOUT_S).outcome == "printed"
    assert slip_texts(simulated)[-1] == TICKET_TEXT


def test_a_write_that_timed_out_tells_how_much_went(bus: Bus, simulated: Printer) -> None:
    link = open_usb(list_usb()[0], "usb:")
    bus.stuck_after = 5_000
    with pytest.raises(LinkTimeoutError) as late:
        link.write(b"\x00" * 10_000, timeout_s=0.2)
    link.close()
    assert late.value.sent_bytes == 5_000


def test_an_endpoint_that_stalls_loses_one_ticket_and_is_opened_for_the_next(bus: Bus) -> None:
    printer = Printer()
    device = UsbPrinter(printer.receive)
    bus.plug(device)
    link = open_usb(list_usb()[0], "usb:")
    device.out.stall()
    with pytest.raises(LinkLostError) as lost:
        link.write(b"\n", timeout_s=1.0)
    assert lost.value.sent_bytes is None
    assert not device.out.halted
    link.close()
    assert claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"


def test_a_printer_without_a_way_back_is_unknown_at_once(bus: Bus) -> None:
    printer = Printer()
    bus.plug(UsbPrinter(lambda data: printer.receive(data)[:0], protocol=1))
    till = claimed("usb:")
    results: list[PrintResult] = []
    assert took_s(lambda: results.append(till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S))) < 1.0
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "NO_ANSWER")]
    assert slip_texts(printer) == [TICKET_TEXT]


def test_a_printer_that_is_silent_is_waited_for_until_the_deadline_only(bus: Bus) -> None:
    bus.plug(UsbPrinter(lambda _data: b""))
    link = open_usb(list_usb()[0], "usb:")

    def wait() -> None:
        with pytest.raises(LinkTimeoutError):
            link.read(256, timeout_s=0.4)

    assert 0.4 <= took_s(wait) < 1.0
    link.close()
    with pytest.raises(LinkLostError):
        link.read(256, timeout_s=1.0)
    with pytest.raises(LinkLostError):
        link.write(b"x", timeout_s=1.0)


def test_empty_packets_are_no_answer_and_no_end(
    monkeypatch: pytest.MonkeyPatch, bus: Bus, simulated: Printer
) -> None:
    empty = 3

    def bulk_read(*args: Any) -> int:
        nonlocal empty
        empty -= 1
        return 0 if empty >= 0 else really(*args)

    really = bus.bulk_read
    monkeypatch.setattr(bus, "bulk_read", bulk_read)
    link = open_usb(list_usb()[0], "usb:")
    link.write(QUERY + b"\x01", timeout_s=1.0)
    assert link.read(1, timeout_s=TIMEOUT_S) == b"\x12"
    link.close()


def test_an_answer_longer_than_was_asked_for_is_kept(bus: Bus) -> None:
    bus.plug(UsbPrinter(lambda _data: b"0123456789"))
    link = open_usb(list_usb()[0], "usb:")
    link.write(b"x", timeout_s=1.0)
    assert [link.read(4, timeout_s=1.0) for _ in range(3)] == [b"0123", b"4567", b"89"]
    link.close()


def test_closing_ends_a_read_of_another_thread(bus: Bus) -> None:
    bus.plug(UsbPrinter(lambda _data: b""))
    link = open_usb(list_usb()[0], "usb:")
    lost = threading.Event()

    def read() -> None:
        try:
            link.read(256, timeout_s=30.0)
        except LinkLostError:
            lost.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert took_s(link.close) < 2.0
    thread.join(2.0)
    assert lost.is_set()
    assert bus.claimed == set()


# --- Packages -------------------------------------------------------------------------------------------------------


def test_libusb_loads_and_lists() -> None:
    assert usb_devices.load_backend() is not None
    assert isinstance(list_usb(), list)


def missing(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def load(name: str) -> Any:
        if name in packages:
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(usb_devices, "import_module", load)


def test_a_missing_pyusb_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, "usb.backend.libusb1")
    result = claimed("usb:").print(TICKET, job_id="T1-1", timeout_s=1.0)
    assert (result.outcome, result.reason) == ("not_sent", "PACKAGE_MISSING")
    assert "pip install pyusb" in result.detail


def test_a_missing_libusb_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing(monkeypatch, "libusb_package")
    libusb1 = import_module("usb.backend.libusb1")
    monkeypatch.setattr(libusb1, "get_backend", lambda: None)
    with pytest.raises(PackageMissingError) as absent:
        usb_devices.load_backend()
    assert absent.value.package == "libusb-package"


def test_a_till_without_a_usb_printer_never_loads_libusb() -> None:
    code = "import sys, cvconnect_drivers.printers.printer as p; p.open_printer('usb:', {}); sys.exit('usb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_making_a_printer_opens_nothing(bus: Bus, simulated: Printer) -> None:
    bus.refuses = errno.EACCES
    assert open_printer("usb:", {}).check_health().state == "unknown"
