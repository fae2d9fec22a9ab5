"""What is told of the devices that are plugged in: what they are, by what they are found again, and their shortest URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers import discovery
from cvconnect_drivers.discovery import Found, discover, shortest_url
from cvconnect_drivers.errors import PackageMissingError
from cvconnect_drivers.links.serial import SerialPort
from cvconnect_drivers.scanners.hidpos import HidPosDevice
from cvconnect_drivers.scanners.input_devices import (
    TYPING_KEYS,
    input_nodes,
    keys_of_a_keyboard,
    read_key_bits,
    stable_links,
)
from cvconnect_drivers.scanners.settings import Identity, read_identity
from cvconnect_drivers.urls import Settings, parse_url
from fake_input import MOUSE, POWER_BUTTON, Desk, key_bits

KEYBOARD_BITS = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
"""What a USB keyboard of 104 keys says of itself, on 64 bits."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(discovery, "list_serial", list[SerialPort])
    monkeypatch.setattr(discovery, "list_hidpos", list[HidPosDevice])
    desk = Desk(tmp_path, monkeypatch)
    yield desk
    desk.close()


def urls() -> list[str]:
    return [each.url for each in discover().devices]


def one() -> Found:
    (found,) = discover().devices
    return found


# --- sysfs -----------------------------------------------------------------------------------------------------------------


def test_a_keyboard_is_known_by_its_keys() -> None:
    keys = read_key_bits(KEYBOARD_BITS, 64)
    assert keys_of_a_keyboard(keys)
    assert 0 not in keys
    assert {1, 28, 30, 96} <= keys


@pytest.mark.parametrize("missing", sorted(TYPING_KEYS))
def test_what_lacks_one_key_to_type_with_is_no_keyboard(missing: int) -> None:
    assert not keys_of_a_keyboard(TYPING_KEYS - {missing})


@pytest.mark.parametrize("keys", [MOUSE, POWER_BUTTON, frozenset[int]()])
def test_mice_and_buttons_are_no_keyboards(keys: frozenset[int]) -> None:
    assert not keys_of_a_keyboard(read_key_bits(key_bits(keys)))


def test_words_of_32_bits_are_read_as_such() -> None:
    assert read_key_bits("1 80000000", 32) == {31, 32}


@given(st.frozensets(st.integers(0, 0x2FF)))
def test_every_set_of_keys_is_read_back(keys: frozenset[int]) -> None:
    assert read_key_bits(key_bits(keys)) == keys


def test_devices_come_in_the_order_of_their_numbers(desk: Desk) -> None:
    for number in (10, 9, 2):
        desk.plug(number)
    assert [node.path.name for node in input_nodes()] == ["event2", "event9", "event10"]


def test_a_device_that_leaves_while_it_is_looked_at_has_no_name_and_is_no_keyboard(desk: Desk) -> None:
    (desk.sys_input / "event7" / "device").mkdir(parents=True)
    (node,) = input_nodes()
    assert (node.name, node.identity, node.is_keyboard) == ("", Identity(), False)


def test_without_sysfs_nothing_is_plugged_in(tmp_path: Path) -> None:
    assert input_nodes(sys_input=tmp_path / "nothing") == []


def test_the_names_that_udev_gave_are_found(desk: Desk) -> None:
    node = desk.plug(4)
    other = desk.plug(5)
    for folder, name, target in (("by-path", "p", node), ("by-id", "i", node), ("by-id", "j", other)):
        (desk.dev_input / folder).mkdir(exist_ok=True)
        (desk.dev_input / folder / name).symlink_to(f"../{target.path.name}")
    assert [f"{link.parent.name}/{link.name}" for link in stable_links(node.path)] == ["by-id/i", "by-path/p"]


# --- the URL -----------------------------------------------------------------------------------------------------------------


def test_vendor_and_product_are_enough_for_one_scanner(desk: Desk) -> None:
    desk.plug(4, serial="A1")
    desk.plug(5, vendor="046d", product="c31c", name="Logitech Keyboard")
    assert urls()[0] == "evdev:?vendor=0c2e&product=0b61"


def test_of_two_identical_scanners_the_serial_number_is_told(desk: Desk) -> None:
    desk.plug(4, serial="A1")
    desk.plug(5, serial="B2")
    assert urls() == [f"evdev:?vendor=0c2e&product=0b61&serial={each}" for each in ("A1", "B2")]


def test_of_two_identical_scanners_without_serial_number_the_port_is_told(desk: Desk) -> None:
    desk.plug(4, port="usb-0000:00:14.0-1/input0")
    desk.plug(5, port="usb-0000:00:14.0-2/input0")
    assert urls()[1] == "evdev:?vendor=0c2e&product=0b61&port=usb-0000:00:14.0-2/input0"


def test_two_keyboards_in_one_scanner_are_told_apart_by_the_port(desk: Desk) -> None:
    desk.plug(4, serial="A1", port="usb-0000:00:14.0-1/input0")
    desk.plug(5, serial="A1", port="usb-0000:00:14.0-1/input1")
    assert urls()[0] == "evdev:?vendor=0c2e&product=0b61&port=usb-0000:00:14.0-1/input0"


def test_the_mouse_half_of_a_scanner_makes_no_second_one(desk: Desk) -> None:
    desk.plug(4)
    desk.plug(5, keys=MOUSE)
    assert one().url == "evdev:?vendor=0c2e&product=0b61"


def test_what_has_no_identity_is_named_by_a_name_that_stays(desk: Desk) -> None:
    node = desk.plug(4, vendor="0000", product="0000")
    assert one().url == f"evdev://{node.path}"
    (desk.dev_input / "by-path").mkdir()
    link = desk.dev_input / "by-path" / "platform-event-kbd"
    link.symlink_to("../event4")
    assert one().url == f"evdev://{link}"


@given(
    st.lists(
        st.builds(
            Identity,
            st.sampled_from(["0c2e", "05e0", "0000", ""]),
            st.sampled_from(["0b61", "1200"]),
            st.sampled_from(["", "A1", "é & ?=+%#", "B 2"]),
            st.sampled_from(["", "usb-1/input0", "usb-1/input1"]),
        ),
        min_size=1,
    )
)
def test_a_url_by_identity_is_answered_by_its_device_alone(plugged: list[Identity]) -> None:
    for identity in plugged:
        url = parse_url(shortest_url("evdev", identity, plugged, "/dev/input/event4"), {"evdev"})
        if url.target:
            assert url.path == "/dev/input/event4"
        else:
            asked = read_identity(Settings(url, {}))
            assert [each for each in plugged if asked.matches(each)] == [identity]


# --- how sure it is ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "vendor", "bus", "sureness"),
    [
        ("Honeywell Imaging & Mobility", "0c2e", "0003", "likely"),
        ("Metrologic Keyboard", "0c2e", "0003", "likely"),
        ("WIT 2D Barcode Scanner", "ffff", "0003", "likely"),
        ("BarCode WPM USB", "ffff", "0003", "likely"),
        ("USBKey Chip", "ffff", "0003", "possible"),
        ("Logitech USB Keyboard", "046d", "0003", "unlikely"),
        ("AT Translated Set 2", "0001", "0011", "unlikely"),
    ],
)
def test_what_is_said_of_a_keyboard(desk: Desk, name: str, vendor: str, bus: str, sureness: str) -> None:
    desk.plug(4, name=name, vendor=vendor, bus=bus)
    assert one().sureness == sureness


def test_likely_scanners_come_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.plug(3, name="Keyboard", vendor="046d", product="c31c")
    desk.plug(4)
    hidpos = HidPosDevice(b"/dev/hidraw0", Identity("05e0", "1900", "", "1-2"), "DS2208")
    ports = [
        SerialPort("/dev/ttyS0", None, None, "", "", ""),
        SerialPort("/dev/ttyACM0", 0x05F9, 0x4204, "S1", "1-3", "QuickScan"),
        SerialPort("COM7", 0x0403, 0x6001, "", "1-4", "FT232R"),
    ]
    monkeypatch.setattr(discovery, "list_hidpos", lambda: [hidpos])
    monkeypatch.setattr(discovery, "list_serial", lambda: ports)
    found = discover().devices
    assert [(each.sureness, each.url) for each in found] == [
        ("sure", "hidpos:?vendor=05e0&product=1900"),
        ("likely", "evdev:?vendor=0c2e&product=0b61"),
        ("likely", "serial:?vendor=05f9&product=4204"),
        ("possible", "serial:?vendor=0403&product=6001"),
        ("unlikely", "evdev:?vendor=046d&product=c31c"),
        ("unlikely", "serial:///dev/ttyS0"),
    ]


def test_a_kind_that_cannot_be_listed_hides_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> list[HidPosDevice]:
        raise PackageMissingError("hidapi")

    def broken() -> list[SerialPort]:
        raise RuntimeError

    desk.plug(4)
    monkeypatch.setattr(discovery, "list_hidpos", missing)
    monkeypatch.setattr(discovery, "list_serial", broken)
    told = discover()
    assert len(told.devices) == 1
    assert "hidapi" in told.unlooked["hidpos"]
    assert "RuntimeError" in told.unlooked["serial"]


def test_elsewhere_than_on_linux_no_keyboards_are_looked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plug(4)
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert discover() == discovery.Discovery((), {})


# --- rights ------------------------------------------------------------------------------------------------------------------


def test_a_device_that_may_not_be_read_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    node = desk.plug(4)
    assert one().readable

    def access(path: str, _mode: int) -> bool:
        return path != str(node.path)

    monkeypatch.setattr(os, "access", access)
    assert not one().readable


def test_the_rule_of_udev_names_the_device_alone(desk: Desk) -> None:
    desk.plug(4)
    assert one().udev_rule == (
        'SUBSYSTEM=="input", KERNEL=="event*", ATTRS{id/vendor}=="0c2e", ATTRS{id/product}=="0b61", '
        'MODE="0660", GROUP="input", TAG+="uaccess"'
    )
