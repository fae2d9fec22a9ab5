"""What a till sees of every kind of scanner on a real kernel: the same promises on a keyboard, HID-POS and a serial port."""

from __future__ import annotations

import re

import pytest
import serial

from cvconnect_drivers.errors import ConfigurationError
from cvconnect_pos.conformance import check_scanner
from cvconnect_sim.links.gadget import Acm, Identity
from kernel.lab.host import Plug, as_nobody, node, wait_until_gone
from kernel.lab.till import KINDS, SERIAL, Kind, Till

VENDOR, PRODUCT = 0x0C2E, 0x0B61
IDENTIFIER = "20000000016"
OTHER = "20000000027"
ARRIVAL_S = 0.3
"""Until the driver has surely read what was sent."""

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.scheme)


@every_kind
def test_it_keeps_every_promise_of_a_scanner(plug: Plug, kind: Kind) -> None:
    gadget = plug(Identity(VENDOR, PRODUCT, "CONFORM"), [kind.function])

    def feed(text: str) -> None:
        assert gadget.send(kind.scan(text))

    check_scanner(lambda: kind.open_scanner(_url(kind), {}), feed)


@every_kind
def test_unplugged_in_the_middle_of_a_label_it_refuses_it_and_recovers(plug: Plug, kind: Kind) -> None:
    gadget = plug(Identity(VENDOR, PRODUCT, "TORN"), [kind.function])
    with Till(kind.open_scanner(_url(kind), {})) as till:
        till.arm()
        gadget.send([*_first_half(kind), (ARRIVAL_S, b"")])
        gadget.unplug()
        till.wait_until("absent")
        assert till.label().refusal == "DAMAGED"
        assert till.scanner.statistics()["lost"] == 1
        gadget.plug()
        till.arm()
        gadget.send(kind.scan(OTHER))
        assert (till.label().text, till.label_count()) == (OTHER, 2)


def test_a_serial_port_is_found_again_under_another_name(plug: Plug) -> None:
    gadget = plug(Identity(VENDOR, PRODUCT, "RENAMED"), [Acm()])
    old = node(gadget, "tty")
    with Till(SERIAL.open_scanner(_url(SERIAL), {})) as till, serial.Serial(old):
        till.arm()
        gadget.unplug()
        till.wait_until("absent")
        wait_until_gone()
        gadget.plug()
        assert node(gadget, "tty") != old
        till.arm()
        gadget.send(SERIAL.scan(IDENTIFIER))
        assert till.label().text == IDENTIFIER


@every_kind
def test_unplugged_while_nothing_is_read_it_tells_no_label(plug: Plug, kind: Kind) -> None:
    gadget = plug(Identity(VENDOR, PRODUCT, "QUIET"), [kind.function])
    with Till(kind.open_scanner(_url(kind), {})) as till:
        for _ in range(2):
            till.arm()
            gadget.unplug()
            till.wait_until("absent")
            gadget.plug()
        till.arm()
        gadget.send(kind.scan(IDENTIFIER))
        assert (till.label().text, till.label_count()) == (IDENTIFIER, 1)


@every_kind
def test_plugged_in_after_the_claim_it_is_found(plug: Plug, kind: Kind) -> None:
    with Till(kind.open_scanner(_url(kind), {})) as till:
        assert till.scanner.check_health().state == "absent"
        gadget = plug(Identity(VENDOR, PRODUCT, "LATER"), [kind.function])
        till.arm()
        gadget.send(kind.scan(IDENTIFIER))
        assert till.label().text == IDENTIFIER


@every_kind
def test_two_identical_scanners_are_told_apart_by_serial_number(plug: Plug, kind: Kind) -> None:
    gadgets = {serial: plug(Identity(VENDOR, PRODUCT, serial), [kind.function]) for serial in ("A1", "B2")}
    with (
        Till(kind.open_scanner(_url(kind, "serial=A1"), {})) as first,
        Till(kind.open_scanner(_url(kind, "serial=B2"), {})) as second,
    ):
        first.arm()
        second.arm()
        gadgets["B2"].send(kind.scan(OTHER))
        gadgets["A1"].send(kind.scan(IDENTIFIER))
        assert (first.label().text, second.label().text) == (IDENTIFIER, OTHER)


@every_kind
def test_two_identical_scanners_are_refused_and_told_apart_by_their_ports(plug: Plug, kind: Kind) -> None:
    gadgets = [plug(Identity(VENDOR, PRODUCT), [kind.function]) for _ in range(2)]
    for gadget in gadgets:
        node(gadget, kind.subsystem)
    scanner = kind.open_scanner(_url(kind), {})
    with pytest.raises(ConfigurationError) as refused:
        scanner.claim(on_status=lambda _: None, timeout_s=5)
    scanner.release()
    assert refused.value.code == "DEVICE_AMBIGUOUS"
    ports = re.findall(r"port=([^;)\s]+)", str(refused.value))
    assert len(set(ports)) == 2
    with (
        Till(kind.open_scanner(_url(kind), {"port": ports[0]})) as first,
        Till(kind.open_scanner(_url(kind), {"port": ports[1]})) as second,
    ):
        first.arm()
        second.arm()
        gadgets[0].send(kind.scan(IDENTIFIER))
        gadgets[1].send(kind.scan(OTHER))
        assert {first.label().text, second.label().text} == {IDENTIFIER, OTHER}


@every_kind
def test_a_device_that_this_user_may_not_open_is_absent_and_says_what_to_do(plug: Plug, kind: Kind) -> None:
    node(plug(Identity(VENDOR, PRODUCT, "CLOSED"), [kind.function]), kind.subsystem)
    with as_nobody(), Till(kind.open_scanner(_url(kind), {})) as till:
        health = till.scanner.check_health()
        assert health.state == "absent"
        assert re.search("udev|groupe|droit", health.detail), health.detail


def _url(kind: Kind, more: str = "") -> str:
    return f"{kind.scheme}:?vendor={VENDOR:04x}&product={PRODUCT:04x}" + (f"&{more}" if more else "")


def _first_half(kind: Kind) -> list[tuple[float, bytes]]:
    """What is sent until the cable is pulled: half the keys, half the bytes, or the first of two reports."""
    match kind.scheme:
        case "evdev":
            reports = kind.scan(IDENTIFIER)
            return reports[: len(reports) // 2]
        case "hidpos":
            return kind.scan("x" * 60 + "@example.fr")[:1]
        case _:
            return [(0.0, IDENTIFIER[:5].encode())]
