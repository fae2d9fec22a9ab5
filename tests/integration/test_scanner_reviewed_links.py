"""Scanners on their links: opened in the middle of a label, released in the middle of one, armed while a torn one goes on."""

from __future__ import annotations

import math
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals and evdev exist on POSIX only", allow_module_level=True)

import tty

import fake_hidapi
from cvconnect_drivers.links.tcp import open_tcp
from cvconnect_drivers.scanners import evdev, hidpos, serial
from cvconnect_drivers.scanners import scanner as scanner_module
from cvconnect_drivers.scanners.evdev_source import HELD_S, EvdevSource
from cvconnect_drivers.scanners.framing import RawLabel
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.session import Session
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_drivers.shapes import Health
from cvconnect_sim.scanner import HidPosFirmware
from fake_hidapi import FakeDevice, FakeHidApi, PluggedScanner
from fake_input import DIGITS, ENTER, Clock, Desk, InputDevice, Node

TIMEOUT_S = 5.0
FIRST, SECOND = "20000000016", "20000000027"
EVDEV = "evdev:?vendor=0c2e&product=0b61"
TRANSFER = ("BCD", "002", "1", "SCT", "EUR1", FIRST, "FR76", SECOND)
"""The lines of a QR code for a bank transfer, as far as they matter, two of them like a customer's number."""


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


class Till:
    """Keeps what a scanner tells."""

    def __init__(self, scanner: LabelScanner) -> None:
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.scanner = scanner
        self.scanner.claim(on_status=self._hear, timeout_s=TIMEOUT_S)

    def _hear(self, health: Health) -> None:
        self.states.put(health.state)

    def wait_for_state(self, state: str) -> None:
        while self.states.get(timeout=TIMEOUT_S) != state:
            pass

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def arm_again_after_refusals(self) -> None:
        """Wait for one customer, as a payment does."""

        def hear(label: Label) -> None:
            if label.refusal is not None:
                self.scanner.arm(hear)
            self.labels.put(label)

        self.scanner.arm(hear)

    def hear(self) -> Label:
        return self.labels.get(timeout=TIMEOUT_S)

    def wait_for_count(self, count: int) -> None:
        """Wait until so many labels came, whatever became of them."""

        def came() -> int:
            counts = self.scanner.statistics()
            return sum(counts[name] for name in ("delivered", "refused", "dropped", "duplicates"))

        assert until(lambda: came() == count), self.scanner.statistics()


@pytest.fixture
def claimed() -> Generator[Callable[[LabelScanner], Till], None, None]:
    tills: list[Till] = []

    def make(scanner: LabelScanner) -> Till:
        tills.append(Till(scanner))
        return tills[-1]

    yield make
    for till in tills:
        till.scanner.release()


def no_thread_of(name: str) -> bool:
    return not any(thread.name == f"scanner {name}" for thread in threading.enumerate())


# --- A serial port ----------------------------------------------------------------------------------------------------------


class Cable:
    """A pseudo-terminal that bytes may enter before its name is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.url = f"serial://{path}"

    def plug(self) -> None:
        self.path.symlink_to(os.ttyname(self._slave))

    def send(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> None:
        os.close(self._slave)
        os.close(self._master)


@pytest.fixture
def cable(tmp_path: Path) -> Generator[Cable, None, None]:
    cable = Cable(tmp_path / "scanner")
    yield cable
    cable.close()


def test_a_stream_in_which_a_port_is_opened_gives_no_identifier(
    cable: Cable, claimed: Callable[[LabelScanner], Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial, "QUIET_S", 1.0)  # a busy machine may keep the writer from its next byte
    till = claimed(serial.open_scanner(cable.url, {}))
    till.wait_for_state("absent")
    till.arm()
    begun, opened = threading.Event(), threading.Event()

    def stream() -> None:
        while not opened.wait(0.002):
            cable.send("a")  # whatever it is cut off, what is left of an address is one
            begun.set()
        cable.send("@exemple.fr\r")

    writer = threading.Thread(target=stream)
    writer.start()
    assert begun.wait(TIMEOUT_S)
    cable.plug()
    till.scanner.retry()
    till.wait_for_state("ready")
    opened.set()
    writer.join(TIMEOUT_S)
    assert till.hear().refusal == "DAMAGED"
    till.arm()
    cable.send(f"{SECOND}\r")
    assert till.hear().text == SECOND


def test_no_line_of_a_label_of_several_is_an_identifier_though_the_till_arms_again(
    cable: Cable, claimed: Callable[[LabelScanner], Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_drivers.scanners.gate.REST_S", 60.0)
    cable.plug()
    till = claimed(serial.open_scanner(cable.url, {}))
    till.arm_again_after_refusals()
    for number, line in enumerate(TRANSFER, 1):
        cable.send(f"{line}\n")
        till.wait_for_count(number)
        if number == 1:
            assert till.hear().refusal == "NOT_AN_IDENTIFIER"
    assert till.labels.empty()
    assert till.scanner.statistics()["dropped"] == len(TRANSFER) - 1


# --- HID-POS ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeHidApi:
    return fake_hidapi.install(monkeypatch)


def test_a_path_that_went_to_another_scanner_while_it_was_opened_is_given_back(
    api: FakeHidApi, claimed: Callable[[LabelScanner], Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = api.plug(serial_number="MINE")
    neighbours: list[PluggedScanner] = []
    really = api.enumerate

    def list_and_swap() -> list[dict[str, object]]:
        listed = really()
        if not neighbours:
            api.unplug(mine)
            neighbours.append(api.plug(mine.path, serial_number="NEIGHBOUR"))
        return listed

    monkeypatch.setattr(api, "enumerate", list_and_swap)
    till = claimed(hidpos.open_scanner("hidpos:?serial=MINE", {}))
    assert till.scanner.check_health().state == "absent"
    assert [scanner.handles for scanner in neighbours] == [[]]


PIECES = [report for _, report in HidPosFirmware().scan("x" * 56 * 4 + FIRST)]


@pytest.mark.parametrize("gone", range(1, len(PIECES)))
def test_the_pieces_that_are_left_of_a_label_when_a_scanner_is_opened_are_no_label(
    api: FakeHidApi, claimed: Callable[[LabelScanner], Till], monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    really = FakeDevice.open_path

    def open_in_the_middle(device: FakeDevice, path: bytes) -> None:
        really(device, path)
        for report in PIECES[gone:]:
            device.arrived.put(report)

    monkeypatch.setattr(FakeDevice, "open_path", open_in_the_middle)
    till = claimed(hidpos.open_scanner("hidpos:", {}))
    till.wait_for_state("absent")
    till.arm()
    scanner = api.plug()
    till.scanner.retry()
    till.wait_for_state("ready")
    scanner.scan(SECOND)
    assert till.hear().text == SECOND
    counts = till.scanner.statistics()
    assert (counts["refused"], counts["dropped"]) == (0, 0)


# --- A keyboard ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def node(desk: Desk) -> Node:
    return desk.plug(5)


class Reader:
    """A source as its thread sees it, on a clock that stands still by itself."""

    def __init__(self, node: Node) -> None:
        self.clock = node.clock = Clock()

        def reopen() -> InputDevice:
            return InputDevice(str(node.path), {str(node.path): node})

        self.source = EvdevSource(reopen(), KeyboardDecoder(), where=EVDEV, reopen=reopen, clock=self.clock)
        self.read()
        node.pause(1.0)  # what comes right after the device was opened may be the rest of a label

    def read(self) -> list[RawLabel]:
        return [label for _ in range(6) for label in self.source.read(timeout_s=0)]

    def texts(self) -> list[str]:
        """The texts of labels, and the damages."""
        return [label.damage or label.data.decode() for label in self.read()]


@pytest.fixture
def reader(node: Node) -> Iterator[Reader]:
    reader = Reader(node)
    yield reader
    reader.source.close()


def test_a_label_of_keys_tells_when_it_ended(reader: Reader, node: Node) -> None:
    node.type(FIRST, end=None)
    node.press(ENTER, 1)
    ended_s = reader.clock.now_s
    node.press(ENTER, 0)
    node.pause(0.2)
    (label,) = reader.read()
    assert label.ended_s == pytest.approx(ended_s, abs=1e-5)


def test_the_rest_of_a_torn_label_is_no_label_that_has_begun(reader: Reader, node: Node) -> None:
    node.type(FIRST[:4], end=None)
    reader.read()
    assert reader.source.pending
    reader.source.set_armed(True)
    assert reader.texts() == ["TORN"]
    node.type(FIRST[4:8], end=None)
    assert reader.texts() == []
    assert not reader.source.pending
    node.type(FIRST[8:])
    assert reader.texts() == []


def test_a_key_that_came_up_while_another_program_had_the_device_keeps_nobody_from_it(
    reader: Reader, node: Node
) -> None:
    node.press(DIGITS["7"], 1)
    assert reader.texts() == []
    node.grabbed_by = object()
    node.press(DIGITS["7"], 0)
    node.grabbed_by = None
    reader.source.set_armed(True)
    assert reader.texts() == ["TORN"]
    assert node.grabbed_by is None
    node.pause(HELD_S)
    assert reader.texts() == []
    assert node.grabbed_by in node.readers
    node.desktop.clear()
    node.pause(1.0)
    node.type(SECOND)
    assert reader.texts() == [SECOND]
    assert node.desktop == []


def test_a_key_that_is_held_for_long_still_comes_up_on_the_desktop(reader: Reader, node: Node) -> None:
    node.press(DIGITS["7"], 1)
    reader.read()
    reader.source.set_armed(True)
    reader.read()
    node.pause(HELD_S)
    reader.read()
    assert node.grabbed_by is None
    node.press(DIGITS["7"], 0)
    reader.read()
    assert node.desktop == [(DIGITS["7"], 1), (DIGITS["7"], 0)]
    assert node.grabbed_by in node.readers


@pytest.mark.parametrize("split", range(1, len(FIRST) + 1))
def test_a_device_that_is_closed_in_mid_label_is_given_back_after_it(
    reader: Reader, node: Node, monkeypatch: pytest.MonkeyPatch, split: int
) -> None:
    reader.source.set_armed(True)
    reader.read()
    node.desktop.clear()
    node.type(FIRST[:split], end=None)
    reader.read()
    rest = [FIRST[split:]]
    really = reader.source.read

    def read_the_rest(*, timeout_s: float) -> list[RawLabel]:
        while rest:
            node.type(rest.pop())
        return really(timeout_s=timeout_s)

    monkeypatch.setattr(reader.source, "read", read_the_rest)
    reader.source.close()
    while rest:  # a scanner goes on, whoever has closed it
        node.type(rest.pop())
    assert node.desktop == []
    assert node.readers == []


def source_of(till: Till) -> EvdevSource:
    session = till.scanner._session
    assert session is not None
    source = session._source
    assert isinstance(source, EvdevSource)
    return source


def wait_until_taken(till: Till) -> None:
    source = source_of(till)
    assert until(lambda: source._heard is source._asked and source._grabbed)


def test_a_sale_that_begins_while_the_rest_of_a_torn_label_comes_gets_the_next_one(
    node: Node, claimed: Callable[[LabelScanner], Till]
) -> None:
    till = claimed(evdev.open_scanner(EVDEV, {"idle_gap_ms": 10_000}))
    source = source_of(till)
    node.type(FIRST[:4], end=None)
    assert until(lambda: source.pending)
    till.arm()
    till.wait_for_count(1)
    node.type(FIRST[4:8], end=None)
    assert until(lambda: source._decoder.pending)
    till.scanner.disarm()
    till.arm()
    wait_until_taken(till)
    node.type(FIRST[8:])
    node.type(SECOND)
    assert till.hear().text == SECOND
    assert till.labels.empty()


def test_no_line_that_a_keyboard_types_of_a_refused_label_is_an_identifier(
    node: Node, claimed: Callable[[LabelScanner], Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_drivers.scanners.gate.REST_S", 60.0)
    till = claimed(evdev.open_scanner(EVDEV, {}))
    till.arm_again_after_refusals()
    wait_until_taken(till)
    node.pause(1.0)
    for number, line in enumerate(("asdfgh", "jkl", FIRST, "asd", SECOND), 1):
        node.type(line)
        till.wait_for_count(number)
        if number == 1:
            assert till.hear().refusal == "NOT_AN_IDENTIFIER"
        wait_until_taken(till)
    assert till.labels.empty()
    assert till.scanner.statistics()["dropped"] == 4


def test_a_scanner_that_never_ends_its_label_is_released_all_the_same(
    node: Node, claimed: Callable[[LabelScanner], Till]
) -> None:
    till = claimed(evdev.open_scanner(EVDEV, {}))
    till.arm()
    wait_until_taken(till)
    ended = threading.Event()

    def flood() -> None:
        while not ended.wait(0.001):
            with suppress(BlockingIOError):
                node.type("1", end=None)

    writer = threading.Thread(target=flood)
    writer.start()
    assert until(lambda: source_of(till).pending)
    till.scanner.release()
    joined = no_thread_of(EVDEV)
    ended.set()
    writer.join(TIMEOUT_S)
    assert joined
    assert node.readers == []


# --- Claiming and releasing at once ---------------------------------------------------------------------------------------------


class Silent:
    """A source from which nothing comes."""

    pending = False
    silent_s = math.inf
    degraded = ""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def read(self, *, timeout_s: float) -> list[RawLabel]:
        self._closed.wait(0.001)
        return []

    def set_armed(self, armed: bool) -> None:
        pass

    def close(self) -> None:
        self._closed.set()


def claim(scanner: LabelScanner) -> None:
    scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)


def test_a_release_that_overtakes_a_claim_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = LabelScanner("script:overtaken", Silent, ScannerSettings())
    really = Session.start

    def start_too_late(session: Session, timeout_s: float) -> object:
        scanner.release()
        return really(session, timeout_s)

    monkeypatch.setattr(Session, "start", start_too_late)
    claim(scanner)
    assert scanner.check_health().state == "unknown"
    assert no_thread_of("script:overtaken")


def test_a_claim_does_not_wait_for_a_device_that_its_release_keeps_shut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scanner = LabelScanner("script:shut", Silent, ScannerSettings())
    really = Session._run

    def run_too_late(session: Session) -> None:
        scanner.release()
        really(session)

    monkeypatch.setattr(Session, "_run", run_too_late)
    began_s = time.monotonic()
    claim(scanner)
    assert time.monotonic() - began_s < 0.8 * TIMEOUT_S
    assert until(lambda: no_thread_of("script:shut"))


def test_of_two_claims_at_once_one_opens_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[Silent] = []

    def open_source() -> Silent:
        sources.append(Silent())
        return sources[-1]

    scanner = LabelScanner("script:twice", open_source, ScannerSettings())
    overtaking = [claim]

    def make_session(*names: object, **parts: object) -> Session:
        session = Session(*names, **parts)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        while overtaking:
            overtaking.pop()(scanner)
        return session

    monkeypatch.setattr(scanner_module, "Session", make_session)
    claim(scanner)
    scanner.release()
    assert len(sources) == 1
    assert no_thread_of("script:twice")


# --- A device server ------------------------------------------------------------------------------------------------------------


def test_a_connection_on_which_nothing_comes_is_asked_whether_the_other_side_lives() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_tcp("127.0.0.1", server.getsockname()[1], timeout_s=TIMEOUT_S)
        kept = link._socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle_s, between_s, tries = (
            link._socket.getsockopt(socket.IPPROTO_TCP, name)
            for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        link.close()
    assert kept
    assert idle_s + between_s * tries <= 30
