"""What is told of printers that are plugged in: once each, by identity, and whether they may be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvconnect_drivers import printer_discovery
from cvconnect_drivers.errors import LinkAbsentError, PackageMissingError
from cvconnect_drivers.links import usb_devices
from cvconnect_drivers.links.serial import SerialPort
from cvconnect_drivers.links.usb_devices import UsbDevice
from cvconnect_drivers.printer_discovery import discover_printers
from fake_usb import Bus, UsbPrinter, install


class Machine:
    """What Linux shows of USB, in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.devices, self.classes, self.nodes = root / "devices", root / "usbmisc", root / "usb"
        self.bus = root / "bus"

    def plug(self, place: str, **files: str) -> Path:
        """Show a device, and what the system knows of it."""
        folder = self.devices / place
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(f"{content}\n", encoding="utf-8")
        return folder

    def hold(self, node: str, place: str) -> None:
        """Let the kernel's driver hold the printer at a place."""
        interface = self.plug(place) / f"{place}:1.1"
        interface.mkdir()
        (self.classes / node).mkdir(parents=True)
        (self.classes / node / "device").symlink_to(interface)
        self.nodes.mkdir(exist_ok=True)
        (self.nodes / node).touch()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(printer_discovery, "USB_DEVICES", machine.devices)
    monkeypatch.setattr(printer_discovery, "PRINTER_CLASS", machine.classes)
    monkeypatch.setattr(printer_discovery, "PRINTER_NODES", machine.nodes)
    monkeypatch.setattr(printer_discovery, "USB_NODES", machine.bus)
    monkeypatch.setattr(printer_discovery, "list_serial", list[SerialPort])
    return machine


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    with install(monkeypatch) as there:
        yield there


def silent(_data: bytes) -> bytes:
    return b""


def test_a_printer_on_usb_is_told_by_what_the_system_knows_of_it(machine: Machine, bus: Bus) -> None:
    machine.plug("1-4.2", manufacturer="EPSON", product="TM-T20III", serial="X7K9")
    bus.plug(UsbPrinter(silent))
    (found,) = discover_printers().printers
    assert (found.name, found.url, found.sureness, found.usable) == (
        "EPSON TM-T20III",
        "usb:?vendor=04b8&product=0202",
        "sure",
        True,
    )
    assert found.identity.serial == "X7K9"
    assert 'ATTR{idVendor}=="04b8", ATTR{idProduct}=="0202"' in found.udev_rule


def test_a_device_that_is_no_printer_is_not_told(machine: Machine, bus: Bus) -> None:
    bus.plug(UsbPrinter(silent, protocol=None))
    assert discover_printers().printers == ()


def test_a_printer_that_the_kernel_holds_is_one_printer(machine: Machine, bus: Bus) -> None:
    machine.hold("lp0", "1-4.2")
    bus.plug(UsbPrinter(silent))
    (found,) = discover_printers().printers
    assert found.url == "usb:?vendor=04b8&product=0202"


def test_two_of_a_kind_are_told_apart(machine: Machine, bus: Bus) -> None:
    for number in ("ABC", "DEF"):
        bus.plug(UsbPrinter(silent, serial=number))
    places = [found.path for found in discover_printers().printers]
    assert len(set(places)) == 2
    for place in places:
        machine.plug(place, serial=f"S-{place}")
    assert {found.url for found in discover_printers().printers} == {
        f"usb:?vendor=04b8&product=0202&serial=S-{place}" for place in places
    }


def test_without_libusb_the_node_is_told_and_why_usb_was_not_looked_at(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> list[UsbDevice]:
        raise PackageMissingError("pyusb")

    machine.plug("1-4.2", idVendor="04b8", idProduct="0202", product="TM-T20III")
    machine.hold("lp1", "1-4.2")
    monkeypatch.setattr(printer_discovery, "list_usb", missing)
    told = discover_printers()
    assert [(each.name, each.url) for each in told.printers] == [
        ("TM-T20III", f"device:{machine.nodes / 'lp1'}")
    ]
    assert "pyusb" in told.unlooked["usb"]


@pytest.mark.parametrize("error", [LinkAbsentError("USB", "no"), RuntimeError()])
def test_a_kind_that_cannot_be_listed_hides_no_other(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken() -> list[UsbDevice]:
        raise error

    machine.hold("lp0", "1-1")
    monkeypatch.setattr(printer_discovery, "list_usb", broken)
    told = discover_printers()
    assert [each.kind for each in told.printers] == ["device"]
    assert list(told.unlooked) == ["usb"]


@pytest.mark.parametrize("kind", ["device", "usb"])
def test_a_printer_that_may_not_be_used_is_told(
    machine: Machine, bus: Bus, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "device":
        machine.hold("lp0", "1-1")
    else:
        bus.plug(UsbPrinter(silent))
        (device,) = usb_devices.list_usb()
        node = machine.bus / f"{device.handle.bus:03}" / f"{device.handle.address:03}"
        node.parent.mkdir(parents=True)
        node.touch()

    def refuse(_path: Path, _mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", refuse)
    (found,) = discover_printers().printers
    assert not found.usable
    assert found.udev_rule.startswith("SUBSYSTEM==")


@pytest.mark.parametrize(
    ("plugged", "sureness"),
    [
        ((0x04B8, "UB-S01"), "likely"),
        ((0x0403, "USB Receipt Printer"), "likely"),
        ((0x0403, "FT232R"), "possible"),
        ((None, ""), "possible"),
        ((0x0C2E, "Voyager"), "unlikely"),
        ((0x0403, "Barcode Scanner"), "unlikely"),
    ],
)
def test_what_is_said_of_a_serial_port(
    machine: Machine,
    bus: Bus,
    monkeypatch: pytest.MonkeyPatch,
    plugged: tuple[int | None, str],
    sureness: str,
) -> None:
    vendor, name = plugged
    port = SerialPort("/dev/ttyUSB-none", vendor, None if vendor is None else 1, "", "1-3", name)
    monkeypatch.setattr(printer_discovery, "list_serial", lambda: [port])
    (found,) = discover_printers().printers
    assert (found.kind, found.sureness) == ("serial", sureness)


def test_the_surest_come_first(machine: Machine, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        SerialPort("/dev/a", 0x0C2E, 1, "", "", "Voyager"),
        SerialPort("/dev/b", None, None, "", "", ""),
        SerialPort("/dev/c", 0x0519, 1, "", "", "TSP"),
    ]
    monkeypatch.setattr(printer_discovery, "list_serial", lambda: ports)
    bus.plug(UsbPrinter(silent))
    assert [each.sureness for each in discover_printers().printers] == [
        "sure",
        "likely",
        "possible",
        "unlikely",
    ]
