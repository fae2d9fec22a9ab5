"""Keyboards on a real kernel: the layouts, the grab, the other keyboard, and events that the kernel dropped."""

from __future__ import annotations

import evdev
import pytest
from evdev import ecodes

from cvconnect_sim.links.gadget import BOOT_KEYBOARD, Gadget, Identity
from cvconnect_sim.links.uinput import UinputKeyboard
from cvconnect_sim.scanner import KeyboardFirmware, KeyboardSettings
from cvconnect_sim.scanner.layouts import LAYOUTS, LayoutName
from kernel.lab.host import Plug, events, key_codes, node, opened, wait_for
from kernel.lab.till import Till, open_keyboard, type_label

VENDOR, PRODUCT = 0x0C2E, 0x0B61
URL = "evdev:?vendor=0c2e&product=0b61"
IDENTIFIER = "20000000016"
EMAIL = "prenom.nom-2@example.fr"
DIGIT_KEYS = [ecodes.ecodes[f"KEY_{digit}"] for digit in IDENTIFIER]


@pytest.fixture
def scanner(plug: Plug) -> Gadget:
    return plug(Identity(VENDOR, PRODUCT, "EVDEV"), [BOOT_KEYBOARD])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_identifier_arrives_in_every_layout(scanner: Gadget, layout: LayoutName) -> None:
    settings = KeyboardSettings(layout=layout)
    with Till(open_keyboard(URL, {"layout": layout})) as till:
        for text in (IDENTIFIER, EMAIL):
            till.arm()
            assert scanner.send(type_label(text, settings))
            label = till.label()
            assert (label.text, label.refusal) == (text, None)


def test_a_scanner_of_another_layout_is_noticed(scanner: Gadget) -> None:
    with Till(open_keyboard(URL, {"layout": "fr"})) as till:
        till.arm()
        scanner.send(type_label(IDENTIFIER, KeyboardSettings(layout="us")))
        assert till.label().refusal == "LAYOUT_MISMATCH"


def test_while_a_payment_waits_the_desktop_hears_nothing_and_afterwards_all(scanner: Gadget) -> None:
    with Till(open_keyboard(URL, {})) as till, opened(node(scanner, "input")) as desktop:
        till.arm()
        scanner.send(type_label(IDENTIFIER))
        assert till.label().text == IDENTIFIER
        assert not events(desktop, 0)
        wait_for(lambda: _hears(desktop, scanner))


def test_a_plain_keyboard_is_left_alone_and_keeps_typing(scanner: Gadget, keyboard: UinputKeyboard) -> None:
    with Till(open_keyboard(URL, {})) as till, opened(keyboard.path) as desktop:
        till.arm()
        keyboard.tap(ecodes.KEY_A, ecodes.KEY_ENTER)
        scanner.send(type_label(IDENTIFIER))
        assert till.label().text == IDENTIFIER
        typed = key_codes(events(desktop))
        assert typed == [(code, value) for code in (ecodes.KEY_A, ecodes.KEY_ENTER) for value in (1, 0)]


def test_a_key_that_is_held_is_never_cut_off_by_the_grab(scanner: Gadget) -> None:
    reports = [report for _, report in KeyboardFirmware().scan("1")]
    with Till(open_keyboard(URL, {})) as till, opened(node(scanner, "input")) as desktop:
        till.wait_until("ready")
        scanner.send([(0.0, reports[0])])
        wait_for(lambda: (ecodes.KEY_1, 1) in key_codes(events(desktop)))
        till.arm()
        scanner.send([(0.3, report) for report in reports[1:]])
        wait_for(lambda: (ecodes.KEY_1, 0) in key_codes(events(desktop)))
        wait_for(lambda: not desktop.active_keys())


def test_a_label_that_begins_before_the_payment_is_not_delivered(scanner: Gadget) -> None:
    reports = type_label(IDENTIFIER)
    with Till(open_keyboard(URL, {})) as till:
        till.wait_until("ready")
        scanner.send([*reports[:7], (0.3, b"")])
        till.arm()
        scanner.send(reports[7:])
        wait_for(lambda: till.scanner.statistics()["dropped"] == 1)
        scanner.send(type_label(EMAIL))
        assert (till.label().text, till.label_count()) == (EMAIL, 1)


def test_keys_that_the_kernel_dropped_are_a_refusal_and_then_it_reads_on(keyboard: UinputKeyboard) -> None:
    with Till(open_keyboard(f"evdev://{keyboard.path}", {})) as till:
        till.arm()
        keyboard.tap(*DIGIT_KEYS[:4], pause_s=0.005)
        keyboard.flood(ecodes.KEY_1, times=2000)
        keyboard.tap(*DIGIT_KEYS[4:], ecodes.KEY_ENTER, pause_s=0.005)
        assert till.label().refusal == "DAMAGED"
        till.arm()
        keyboard.tap(*DIGIT_KEYS, ecodes.KEY_ENTER, pause_s=0.005)
        assert till.label().text == IDENTIFIER


def test_the_longest_burst_is_read_whole(scanner: Gadget) -> None:
    text = "https://example.fr/?c=" + "7" * 228
    with Till(open_keyboard(URL, {"url_parameter": "c"})) as till:
        till.arm()
        assert scanner.send(type_label(text))
        label = till.label()
        assert (label.text, label.refusal) == ("7" * 228, "NOT_AN_IDENTIFIER")


def _hears(desktop: evdev.InputDevice[str], scanner: Gadget) -> bool:
    scanner.send(KeyboardFirmware().scan("1"))
    return bool(key_codes(events(desktop)))
