"""A keyboard scanner on Linux, as a till meets it: found, refused, unplugged, taken by somebody else."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.errors import ConfigurationError, DriverError
from cvconnect_drivers.scanners.evdev import open_scanner
from evdev_bench import FIRST, SECOND, TIMEOUT_S, URL, Till, scan, until
from fake_input import (
    ENTER,
    MOUSE,
    POWER_BUTTON,
    Desk,
    InputDevice,
)


def test_a_scanner_is_found_by_what_it_is(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(3, name="Keyboard", vendor="046d", product="c31c")
    node = desk.plug(4)
    desk.plug(5, keys=MOUSE)
    till = opened()
    assert till.state() == "ready"
    assert scan(till, node, FIRST).text == FIRST
    assert until(lambda: node.grabbed_by is None)
    assert desk.opened == ["event4"]


def test_a_scanner_is_found_by_the_name_that_udev_gave_it(desk: Desk, opened: Callable[..., Till]) -> None:
    node = desk.plug(4)
    link = desk.dev_input / "by-id" / "usb-Honeywell-event-kbd"
    link.parent.mkdir()
    link.symlink_to(f"../{node.path.name}")
    assert scan(opened(f"evdev://{link}"), node, FIRST).text == FIRST


def test_of_two_identical_scanners_none_is_guessed(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4, port="usb-0000:00:14.0-1/input0")
    node = desk.plug(5, port="usb-0000:00:14.0-2/input0")
    with pytest.raises(ConfigurationError) as refused:
        opened()
    assert refused.value.code == "DEVICE_AMBIGUOUS"
    assert "port=usb-0000:00:14.0-2/input0" in refused.value.text()
    assert scan(opened(f"{URL}&port=usb-0000:00:14.0-2/input0"), node, FIRST).text == FIRST


def test_of_two_identical_scanners_the_serial_number_tells(desk: Desk, opened: Callable[..., Till]) -> None:
    desk.plug(4, serial="A1")
    node = desk.plug(5, serial="B2")
    assert scan(opened(f"{URL}&serial=B2"), node, FIRST).text == FIRST


@pytest.mark.parametrize("keys", [MOUSE, POWER_BUTTON, frozenset({*range(2, 12), ENTER})])
@pytest.mark.parametrize("by_path", [False, True])
def test_what_types_no_letters_is_refused(
    desk: Desk, opened: Callable[..., Till], keys: frozenset[int], by_path: bool
) -> None:
    node = desk.plug(4, keys=keys)
    with pytest.raises(ConfigurationError) as refused:
        opened(f"evdev://{node.path}" if by_path else URL)
    assert refused.value.code == "NOT_A_KEYBOARD"
    assert node.readers == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_right_that_is_missing_is_named_with_its_remedy(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    desk.plug(4)

    def deny(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(InputDevice, "__init__", deny)
    till = opened()
    health = till.scanner.check_health()
    assert health.state == "absent"
    for words in ("accès refusé", "règle udev", "groupe input", "cvconnect doctor"):
        assert words in health.detail


def test_a_package_that_is_missing_is_named_with_its_remedy(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plug(4)
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(DriverError) as refused:
        opened()
    assert refused.value.code == "PACKAGE_MISSING"
    assert "cvconnect-pos[evdev]" in refused.value.text()


def test_a_number_that_went_to_another_device_is_not_taken_for_the_scanner(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4, serial="A1")
    node.uniq = "B2"
    till = opened(f"{URL}&serial=A1")
    assert till.scanner.check_health().state == "absent"
    assert node.readers == []


def test_a_scanner_that_is_pulled_in_the_middle_of_a_label_comes_back_under_another_number(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4)
    till = opened()
    assert till.state() == "ready"
    till.arm()
    node.pause(1.0)
    node.type(FIRST[:5], end=None)
    assert until(lambda: (source := till.source) is not None and source.pending)
    desk.pull(node)
    assert till.labels.get(timeout=TIMEOUT_S).refusal == "DAMAGED"
    assert till.state() == "absent"
    again = desk.plug(9)
    assert till.state() == "ready"
    assert scan(till, again, SECOND).text == SECOND
    assert till.scanner.statistics()["lost"] == 1


def test_a_scanner_that_is_away_at_first_is_no_error(desk: Desk, opened: Callable[..., Till]) -> None:
    till = opened()
    assert till.state() == "absent"
    node = desk.plug(4)
    assert till.state() == "ready"
    assert scan(till, node, FIRST).text == FIRST


def test_another_program_that_holds_the_scanner_is_told_to_the_till(
    desk: Desk, opened: Callable[..., Till]
) -> None:
    node = desk.plug(4)
    node.grabbed_by = object()
    till = opened()
    assert [till.state(), till.state()] == ["ready", "degraded"]
    node.grabbed_by = None
    assert till.state() == "ready"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("evdev:", {}),
        ("evdev:?vendor=zz", {}),
        (URL, {"layout": "klingon"}),
        (URL, {"terminator": "escape"}),
        (URL, {"grab": "always"}),
        (URL, {"idle_gap_ms": 5}),
        (URL, {"colour": "red"}),
        ("evdev:///dev/input/event4?vendor=0c2e", {}),
    ],
)
def test_an_address_or_a_setting_that_means_nothing_is_refused(url: str, options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        open_scanner(url, options)


def test_elsewhere_than_on_linux_other_addresses_are_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(ConfigurationError) as refused:
        open_scanner(URL, {})
    assert "hidpos:" in refused.value.text()


def test_a_device_that_leaves_while_it_is_opened_is_given_back(
    desk: Desk, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = desk.plug(4)

    def gone(_device: InputDevice) -> list[int]:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(InputDevice, "active_keys", gone)
    assert opened().scanner.check_health().state == "absent"
    assert node.readers == []


@pytest.mark.parametrize(
    ("path", "words"),
    [("/dev/null", "n’est pas un périphérique d’entrée"), ("/dev/input/event99", "est introuvable")],
)
def test_the_real_package_refuses_what_is_no_input_device(
    opened: Callable[..., Till], path: str, words: str
) -> None:
    health = opened(f"evdev://{path}").scanner.check_health()
    assert health.state == "absent"
    assert words in health.detail
