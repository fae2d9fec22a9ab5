"""What this kernel does with the gadgets, seen without any of our drivers: the ground that the other tests stand on."""

from __future__ import annotations

import errno
import importlib
from functools import partial
from pathlib import Path
from typing import Any

import evdev
import pytest
import serial
from evdev import ecodes

from cvconnect_sim.errors import SimError
from cvconnect_sim.links.gadget import BOOT_KEYBOARD, Acm, Gadget, Hid, Identity
from cvconnect_sim.links.uinput import UinputKeyboard
from kernel.lab.host import (
    Plug,
    as_nobody,
    events,
    key_codes,
    node,
    nodes,
    opened,
    sending,
    typed,
    wait_for,
)

IDENTIFIER = "20000000016"
EXPECTED_CODES = [ecodes.ecodes[f"KEY_{digit}"] for digit in IDENTIFIER] + [ecodes.KEY_ENTER]

SCANNER_PAGE = Hid(
    bytes.fromhex(
        "06 8C 00 09 02 A1 01"  # bar code scanner, bar code scanner
        "15 00 26 FF 00 75 08 95 20 09 FE 81 02 C0"  # 32 bytes of decoded data
    ),
    report_bytes=32,
)


def test_a_gadget_keyboard_is_told_by_vendor_product_serial_and_port(plug: Plug) -> None:
    gadget = plug(
        Identity(0x0C2E, 0x0B61, "KBD-1", name="Lecteur à main"), [BOOT_KEYBOARD], controller="dummy_udc.1"
    )
    with opened(node(gadget, "input")) as device:
        assert (device.info.vendor, device.info.product) == (0x0C2E, 0x0B61)
        assert device.name == "cvconnect Lecteur à main"
        assert device.phys == "usb-dummy_hcd.1-1/input0"


def test_udev_names_a_gadget_keyboard_by_id_and_by_path(plug: Plug) -> None:
    gadget = plug(Identity(serial="KBD-LINKS"), [BOOT_KEYBOARD])
    path = node(gadget, "input")
    for folder in ("by-id", "by-path"):
        links = Path("/dev/input", folder)
        wait_for(partial(_keyboard_links_to, path, links))


def test_a_grabbed_gadget_keyboard_is_heard_key_by_key(plug: Plug) -> None:
    gadget = plug(Identity(serial="KBD-GRAB"), [BOOT_KEYBOARD])
    expected = [(code, value) for code in EXPECTED_CODES for value in (1, 0)]
    with (
        opened(node(gadget, "input")) as device,
        device.grab_context(),
        sending(gadget, typed(IDENTIFIER)),
    ):
        assert _read_keys(device, len(expected)) == expected


def test_an_identifier_that_nobody_reads_meanwhile_is_too_long_for_the_kernel(plug: Plug) -> None:
    gadget = plug(Identity(serial="KBD-LATE"), [BOOT_KEYBOARD])
    with opened(node(gadget, "input")) as device:
        gadget.send(typed(IDENTIFIER))
        seen = _all_events(device)
        assert any(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in seen)


def test_a_keyboard_that_is_grabbed_is_deaf_for_the_others(plug: Plug) -> None:
    gadget = plug(Identity(serial="KBD-DEAF"), [BOOT_KEYBOARD])
    path = node(gadget, "input")
    with opened(path) as owner, opened(path) as other:
        owner.grab()
        gadget.send(typed("1"))
        assert len(_read_keys(owner, 4)) == 4
        assert not events(other, 0)
        owner.ungrab()
        gadget.send(typed("1"))
        assert len(_read_keys(other, 4)) == 4


def test_a_scanner_page_gadget_sends_its_reports_and_its_usage(plug: Plug) -> None:
    hidraw: Any = importlib.import_module("hidraw")  # has no types
    gadget = plug(Identity(0x0C2E, 0x0B81, "POS-1"), [SCANNER_PAGE])
    path = node(gadget, "hidraw")
    (found,) = (entry for entry in hidraw.enumerate(0x0C2E, 0x0B81) if entry["path"] == path.encode())
    assert (found["usage_page"], found["usage"], found["serial_number"]) == (0x8C, 2, "POS-1")
    device = hidraw.device()
    device.open_path(path.encode())
    try:
        gadget.send([(0.0, bytes(range(32))), (0.0, bytes(32))])
        assert bytes(device.read(64, 5000)) == bytes(range(32))
        assert bytes(device.read(64, 5000)) == bytes(32)
    finally:
        device.close()


def test_reports_that_nobody_fetches_are_a_refusal_and_no_hang(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_sim.links.gadget.SEND_TIMEOUT_S", 0.3)
    gadget = plug(Identity(serial="POS-DEAF"), [SCANNER_PAGE])
    node(gadget, "hidraw")
    with pytest.raises(SimError) as refused:
        gadget.send([(0.0, bytes(32))] * 3)
    assert refused.value.code == "GADGET_NOT_HEARD"


def test_a_serial_gadget_sends_its_bytes(plug: Plug) -> None:
    gadget = plug(Identity(serial="ACM-1"), [Acm()])
    with serial.Serial(node(gadget, "tty"), timeout=5) as port:
        gadget.send([(0.0, b"2000"), (0.01, b"0000016\r")])
        assert port.read(12) == b"20000000016\r"


def test_a_composite_gadget_is_all_its_functions(plug: Plug) -> None:
    gadget = plug(Identity(serial="ALL-1"), [BOOT_KEYBOARD, SCANNER_PAGE, Acm()])
    with (
        opened(node(gadget, "input")) as device,
        serial.Serial(node(gadget, "tty"), timeout=5) as port,
    ):
        gadget.send(typed("1"), function=0)
        gadget.send([(0.0, b"1\r")], function=2)
        assert len(_read_keys(device, 4)) == 4
        assert port.read(2) == b"1\r"


def test_an_unplugged_keyboard_is_no_device_to_its_reader_and_comes_back(plug: Plug) -> None:
    gadget = plug(Identity(serial="KBD-OFF"), [BOOT_KEYBOARD])
    with opened(node(gadget, "input")) as device:
        gadget.send(typed("1")[:1])
        assert _read_keys(device, 1) == [(ecodes.KEY_1, 1)]
        gadget.unplug()
        with pytest.raises(OSError, match=f"Errno {errno.ENODEV}"):
            _read_keys(device, 100)
    wait_for(lambda: not nodes(gadget, "input"))
    gadget.plug()
    with opened(node(gadget, "input")) as device:
        gadget.send(typed("2")[:2])
        assert _read_keys(device, 2) == [(ecodes.KEY_2, 1), (ecodes.KEY_2, 0)]


def test_two_gadgets_are_plugged_in_at_once(plug: Plug) -> None:
    first = plug(Identity(serial="TWIN-A"), [BOOT_KEYBOARD])
    second = plug(Identity(serial="TWIN-B"), [BOOT_KEYBOARD])
    assert first.controller != second.controller
    with opened(node(first, "input")) as a, opened(node(second, "input")) as b:
        assert a.phys != b.phys
    with pytest.raises(SimError) as refused, Gadget(Identity(), [BOOT_KEYBOARD]) as third:
        third.plug()
    assert refused.value.code == "GADGET_NO_PORT"


def test_a_flood_makes_the_kernel_drop_events_and_say_so(keyboard: UinputKeyboard) -> None:
    with opened(keyboard.path) as device:
        keyboard.tap(*[ecodes.KEY_1] * 2000)
        seen = _all_events(device)
        assert any(event.type == ecodes.EV_SYN and event.code == ecodes.SYN_DROPPED for event in seen)
        assert len(key_codes(seen)) < 4000


def test_a_keyboard_is_closed_to_a_user_outside_its_group(keyboard: UinputKeyboard) -> None:
    wait_for(lambda: not Path(keyboard.path).stat().st_mode & 0o007)
    with as_nobody(), pytest.raises(PermissionError):
        evdev.InputDevice(keyboard.path)


def _keyboard_links_to(path: str, links: Path) -> bool:
    return any(link.resolve() == Path(path) for link in links.glob("*-event-kbd"))


def _read_keys(device: evdev.InputDevice[str], count: int) -> list[tuple[int, int]]:
    keys: list[tuple[int, int]] = []
    while len(keys) < count:
        seen = events(device, 5)
        assert seen, f"{len(keys)} of {count} keys came"
        keys.extend(key_codes(seen))
    return keys


def _all_events(device: evdev.InputDevice[str]) -> list[evdev.InputEvent]:
    all_seen: list[evdev.InputEvent] = []
    while seen := events(device):
        all_seen.extend(seen)
    return all_seen
