"""A ticket printer on a real kernel, one function of a composite device: through libusb and through the kernel's own driver."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cvconnect_drivers.links import usb as usb_links
from cvconnect_drivers.links.usb_devices import list_usb
from cvconnect_drivers.printers import dialogue
from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_pos import conformance
from cvconnect_pos.conformance import check_printer
from cvconnect_sim.links.gadget import BOOT_KEYBOARD, Acm, Identity, PrinterClass
from cvconnect_sim.links.gadget_printer import PrinterLink
from cvconnect_sim.printer import Printer
from kernel.lab.host import (
    Plug,
    as_nobody,
    events,
    node,
    nodes,
    opened,
    sending,
    typed,
    wait_for,
    wait_until_gone,
)
from slips import QUERY, TICKET, TICKET_TEXT, Paper, PaperLine, slip_texts

VENDOR, PRODUCT = 0x04B8, 0x0202
PLACE = 1
"""The printer is the second interface, between a keyboard and a serial port."""

JOB_S = 30.0
RULES = Path("/etc/udev/rules.d/70-cvconnect.rules")

every_way = pytest.mark.parametrize("way", ["usb", "device"])


class Counter:
    """A composite device on the counter, with a printer in it.

    Args:
        plug: Plugs it in.
        serial: Its serial number.

    Attributes:
        receive: The printer's firmware; at first the simulated printer's own.
    """

    def __init__(self, plug: Plug, serial: str) -> None:
        self.printer = Printer()
        self.receive: Callable[[bytes], bytes] = self.printer.receive
        self.serial = serial
        self.gadget = plug(Identity(VENDOR, PRODUCT, serial), [BOOT_KEYBOARD, PrinterClass(), Acm()])
        self.link = PrinterLink(self.gadget, PLACE, self._take)

    def url(self, way: str) -> str:
        """How a till names it."""
        if way == "usb":
            return f"usb:?vendor={VENDOR:04x}&product={PRODUCT:04x}&serial={self.serial}"
        return f"device:{node(self.gadget, 'usbmisc')}"

    def _take(self, data: bytes) -> bytes:
        return self.receive(data)

    def drivers(self) -> dict[str, str]:
        """The kernel's driver of each of its interfaces, by number."""
        port = (self.gadget.controller or "").replace("udc", "hcd")
        return {
            entry.name.rpartition(".")[2]: (entry / "driver").resolve().name
            for entry in Path("/sys/bus/usb/devices").glob("*-1:1.*")
            if (entry / "driver").exists() and port in entry.resolve().parts
        }


@contextmanager
def counter_of(plug: Plug, serial: str) -> Generator[Counter, None, None]:
    counter = Counter(plug, serial)
    with counter.link:
        node(counter.gadget, "usbmisc")
        yield counter


@contextmanager
def claimed(url: str) -> Generator[EscPosPrinter, None, None]:
    printer = open_printer(url, {})
    printer.claim(timeout_s=JOB_S)
    try:
        yield printer
    finally:
        printer.release()


def test_the_kernels_driver_takes_the_printer_of_a_composite_device_and_nothing_else(plug: Plug) -> None:
    with counter_of(plug, "GROUND") as counter:
        expected = {"0": "usbhid", "1": "usblp", "2": "cdc_acm", "3": "cdc_acm"}
        wait_for(lambda: counter.drivers() == expected)
        (device,) = (each for each in list_usb() if each.vendor_id == VENDOR)
        assert device.printer is not None
        assert device.printer.interface == PLACE
        assert (device.printer.write_to, device.printer.read_from) != (0x01, 0x82)


@pytest.fixture(autouse=True)
def patient_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the emulated one stands still for longer than a printer takes to answer."""
    monkeypatch.setattr(dialogue, "QUERY_TIMEOUT_S", 10.0)


@every_way
def test_it_keeps_every_promise_of_a_printer(monkeypatch: pytest.MonkeyPatch, plug: Plug, way: str) -> None:
    monkeypatch.setattr(
        conformance, "TIMEOUT_S", JOB_S
    )  # the emulated machine takes seconds to load a typeface
    with counter_of(plug, "CONFORM") as counter:
        url = counter.url(way)
        check_printer(lambda: open_printer(url, {}))
        assert counter.printer.unknown_commands == []
        assert counter.drivers()["1"] == "usblp"


def test_only_the_printers_interface_is_taken_and_it_comes_back(plug: Plug) -> None:
    with counter_of(plug, "LENT") as counter:
        (device,) = (each for each in list_usb() if each.vendor_id == VENDOR)
        before = {"0": "usbhid", "1": "usblp", "2": "cdc_acm", "3": "cdc_acm"}
        wait_for(lambda: counter.drivers() == before)
        link = usb_links.open_usb(device, "usb:")
        assert counter.drivers() == {**before, "1": "usbfs"}
        assert nodes(counter.gadget, "usbmisc") == []
        with opened(node(counter.gadget, "input")) as keyboard, sending(counter.gadget, typed("1")):
            wait_for(lambda: events(keyboard))  # the scanner beside it goes on
        link.close()
        node(counter.gadget, "usbmisc")
        wait_for(lambda: counter.drivers() == before)


@every_way
def test_the_ticket_comes_out_confirmed_and_the_state_comes_back(plug: Plug, way: str) -> None:
    with counter_of(plug, "PRINT") as counter, claimed(counter.url(way)) as printer:
        assert printer.check_health().state == "ready"
        result = printer.print(TICKET, job_id="T1-1", timeout_s=JOB_S)
        assert (result.outcome, result.reason) == ("printed", None)
        assert slip_texts(counter.printer) == [TICKET_TEXT]
        counter.link.apply(lambda: counter.printer.set_sensors(paper_end=True))
        result = printer.print(TICKET, job_id="T1-2", timeout_s=JOB_S)
        assert (result.outcome, result.reason) == ("not_sent", "PAPER_END")
        counter.link.apply(lambda: counter.printer.set_sensors(paper_end=False))
        assert printer.print(TICKET, job_id="T1-3", timeout_s=JOB_S).outcome == "printed"
        assert slip_texts(counter.printer) == [TICKET_TEXT] * 2


def test_the_two_ways_take_turns_on_one_printer(plug: Plug) -> None:
    with counter_of(plug, "TURNS") as counter:
        for number, way in enumerate(("usb", "device", "usb", "device")):
            with claimed(counter.url(way)) as printer:
                assert printer.print(TICKET, job_id=f"T{number}", timeout_s=JOB_S).outcome == "printed"
        assert slip_texts(counter.printer) == [TICKET_TEXT] * 4


@every_way
@pytest.mark.parametrize("pulled_after", [1, 90])
def test_unplugged_in_mid_ticket_it_is_unknown_and_one_good_duplicate_comes_out_after(
    plug: Plug, way: str, pulled_after: int
) -> None:
    with counter_of(plug, "TORN") as counter, claimed(counter.url(way)) as printer:

        def tear(data: bytes) -> bytes:
            if data.startswith(QUERY):
                return counter.printer.receive(data)
            counter.printer.receive(data[:pulled_after])
            counter.gadget.unplug()
            return b""

        counter.receive = tear
        result = printer.print(LONG, job_id="T1-1", timeout_s=JOB_S)
        assert result.outcome == "unknown"
        wait_until_gone()
        away = printer.print(LONG, job_id="T1-1", timeout_s=JOB_S)
        assert (away.outcome, away.reason) == ("not_sent", "LINK_ABSENT")
        counter.receive = counter.printer.receive
        counter.gadget.plug()
        node(counter.gadget, "usbmisc")
        again = printer.print(DUPLICATE, job_id="T1-2", timeout_s=JOB_S)
        assert (again.outcome, again.reason) == ("printed", None)
        *torn, last = [text for text in slip_texts(counter.printer) if text]
        assert last == ["DUPLICATA", *LONG_TEXT]
        assert not any("Fin" in text for slip in torn for text in slip)
        assert counter.drivers()["1"] == "usblp"


def test_unplugged_before_the_ticket_nothing_is_sent(plug: Plug) -> None:
    with counter_of(plug, "AWAY") as counter, claimed(counter.url("usb")) as printer:
        counter.gadget.unplug()
        wait_until_gone()
        result = printer.print(TICKET, job_id="T1-1", timeout_s=JOB_S)
        assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
        counter.gadget.plug()
        node(counter.gadget, "usbmisc")
        assert printer.print(TICKET, job_id="T1-2", timeout_s=JOB_S).outcome == "printed"
        assert slip_texts(counter.printer) == [TICKET_TEXT]


@every_way
def test_the_rule_that_a_refusal_names_lets_the_group_lp_print(plug: Plug, way: str) -> None:
    with counter_of(plug, "RULE") as counter:
        url = counter.url(way)
        Path(f"/dev/{counter.gadget.node(PLACE).name}").chmod(
            0o666
        )  # the device's end is not what this is about
        with as_nobody(), claimed(url) as printer:
            refused = printer.print(TICKET, job_id="T1-1", timeout_s=JOB_S)
        assert (refused.outcome, refused.reason) == ("not_sent", "LINK_ABSENT")
        (rule,) = re.findall(r'SUBSYSTEM==.*?TAG\+="uaccess"', refused.detail)
        RULES.write_text(f"{rule}\n", encoding="utf-8")
        try:
            subprocess.run(["udevadm", "control", "--reload"], timeout=20, check=True)
            counter.gadget.unplug()
            wait_until_gone()
            counter.gadget.plug()
            node(counter.gadget, "usbmisc")
            subprocess.run(["udevadm", "settle"], timeout=20, check=True)
            with as_nobody("lp"), claimed(url) as printer:
                result = printer.print(TICKET, job_id="T1-2", timeout_s=JOB_S)
            assert (result.outcome, result.reason) == ("printed", None)
            assert slip_texts(counter.printer) == [TICKET_TEXT]
        finally:
            RULES.unlink()


LONG = Paper(*(PaperLine(f"Ligne {number}") for number in range(40)), PaperLine("Fin"))
LONG_TEXT = [line.text for line in LONG.lines(48)]
DUPLICATE = Paper(PaperLine("DUPLICATA", bold=True), *LONG.lines(48))
