"""What every scanner does around its source: one label for each arming, nobody harmed by anybody, every loss told."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import (
    ConfigurationError,
    LinkAbsentError,
    LinkLostError,
    LinkTimeoutError,
    NotClaimedError,
    PackageMissingError,
)
from cvconnect_drivers.scanners import serial as serial_module
from cvconnect_drivers.scanners import session as session_module
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, Damage, Framer, RawLabel
from cvconnect_drivers.scanners.gate import COUNTED, QUEUE_LABELS, Gate
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.serial import SerialSource
from cvconnect_drivers.scanners.session import QUEUE_STATES
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.shapes import Health

TIMEOUT_S = 5.0
HASTY = Backoff(first_s=0.001, last_s=0.001)
FIRST, SECOND, THIRD = (RawLabel(text) for text in (b"20000000016", b"20000000027", b"20000000038"))
TORN = RawLabel(b"", "TORN")


# --- The gate -----------------------------------------------------------------------------------------------------------


class Customer:
    """Arms a gate and keeps what it delivers."""

    def __init__(self, gate: Gate, *, label_begun: bool = False, same: bool = False) -> None:
        self.heard: list[Label] = []
        gate.arm(self.heard.append, 0.0, label_begun=label_begun, same_customer=same)


def deliver(gate: Gate) -> None:
    while (delivery := gate.next()) is not None:
        delivery.on_label(delivery.label)


def test_one_arming_lets_one_label_through() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate)
    gate.take(FIRST, 0.0)
    assert not gate.armed
    gate.take(SECOND, 0.0)
    deliver(gate)
    assert [label.text for label in customer.heard] == ["20000000016"]
    assert (gate.counts()["delivered"], gate.counts()["dropped"]) == (1, 1)


def test_a_label_that_had_begun_is_not_the_one() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate, label_begun=True)
    gate.take(FIRST, 0.0)
    gate.take(SECOND, 0.0)
    deliver(gate)
    assert [label.text for label in customer.heard] == ["20000000027"]


def test_a_label_that_ended_before_the_arming_is_not_the_one_though_it_is_taken_later() -> None:
    gate, heard = Gate(ScannerSettings()), list[Label]()
    gate.arm(heard.append, 5.0, label_begun=False, same_customer=False)
    gate.take(FIRST, 4.999)
    gate.take(SECOND, 5.0)
    deliver(gate)
    assert [label.text for label in heard] == ["20000000027"]


def test_after_a_new_connection_no_label_has_begun() -> None:
    gate = Gate(ScannerSettings())
    customer = Customer(gate, label_begun=True)
    gate.forget_begun()
    gate.take(FIRST, 0.0)
    deliver(gate)
    assert len(customer.heard) == 1


@pytest.mark.parametrize("damage", ["TORN", "TOO_LONG", "UNREADABLE", "NO_PREFIX"])
def test_damage_is_told_to_whoever_waits_and_only_counted_otherwise(damage: Damage) -> None:
    gate = Gate(ScannerSettings())
    gate.take(RawLabel(b"", damage), 0.0)
    assert (gate.counts()[damage.lower()], gate.counts()["dropped"], gate.waiting) == (1, 1, False)
    customer = Customer(gate)
    gate.take(RawLabel(b"", damage), 0.0)
    deliver(gate)
    assert [label.refusal for label in customer.heard] == ["DAMAGED"]
    assert (gate.counts()[damage.lower()], gate.counts()["refused"]) == (2, 1)


def test_the_same_label_counts_once_within_the_window_for_one_customer() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=0.8))
    Customer(gate)
    gate.take(FIRST, 0.0)
    waiting = Customer(gate, same=True)
    gate.take(FIRST, 0.79)
    assert gate.armed
    gate.take(FIRST, 0.8)
    deliver(gate)
    assert len(waiting.heard) == 1
    assert gate.counts()["duplicates"] == 1


def test_the_next_customer_may_have_the_same_label_at_once() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=60))
    for _ in range(2):
        customer = Customer(gate)
        gate.take(FIRST, 0.0)
        deliver(gate)
        assert len(customer.heard) == 1


def test_the_queue_has_a_bound_and_what_it_cannot_hold_disarms_nobody() -> None:
    gate = Gate(ScannerSettings(duplicate_window_s=0))
    for _ in range(QUEUE_LABELS + 1):
        Customer(gate)
        gate.take(FIRST, 0.0)
    assert gate.armed
    assert gate.counts()["dropped"] == 1
    deliver(gate)
    assert gate.counts()["delivered"] == QUEUE_LABELS


def test_disarming_empties_the_queue_and_clearing_leaves_it_armed() -> None:
    gate = Gate(ScannerSettings())
    customers = [Customer(gate)]
    gate.take(FIRST, 0.0)
    customers.append(Customer(gate))
    gate.clear()
    assert gate.armed
    gate.take(SECOND, 0.0)
    gate.disarm()
    deliver(gate)
    assert [customer.heard for customer in customers] == [[], []]
    assert gate.counts()["dropped"] == 2


def test_the_station_file_says_which_symbologies_are_taken() -> None:
    gate = Gate(ScannerSettings(symbologies=frozenset({"]Q"})))
    customer = Customer(gate)
    gate.take(RawLabel(FIRST.data, symbology="]C0"), 0.0)
    Customer.__init__(customer, gate)
    gate.take(RawLabel(FIRST.data, symbology="]Q1"), 0.0)
    refused, taken = (gate.next(), gate.next())
    assert refused is not None
    assert taken is not None
    assert (refused.label.refusal, taken.label.refusal) == ("SYMBOLOGY", None)


Act: TypeAlias = "Callable[[Gate], object]"
ACTS: list[Act] = [
    lambda gate: gate.arm(lambda _label: None, 0.0, label_begun=False, same_customer=False),
    lambda gate: gate.arm(lambda _label: None, 0.0, label_begun=True, same_customer=True),
    Gate.disarm,
    Gate.clear,
    Gate.next,
    lambda gate: gate.take(FIRST, 0.0),
    lambda gate: gate.take(SECOND, 1.0),
    lambda gate: gate.take(TORN, 2.0),
]


@given(st.lists(st.sampled_from(range(len(ACTS)))))
def test_every_label_ends_in_one_count_and_never_more_than_the_armings_go_through(acts: list[int]) -> None:
    gate = Gate(ScannerSettings())
    for act in acts:
        ACTS[act](gate)
    counts = gate.counts()
    assert set(counts) == set(COUNTED)
    through = counts["delivered"] + counts["refused"] + len(gate._queue)
    assert through + counts["dropped"] + counts["duplicates"] == sum(act >= 5 for act in acts)
    assert through <= sum(act < 2 for act in acts)


# --- The shell around a scripted source -----------------------------------------------------------------------------------


Step: TypeAlias = "Callable[[], Sequence[RawLabel]]"


class ScriptedSource:
    """Reads what a test tells it to, one step for each read."""

    def __init__(self) -> None:
        self.pending = False
        self.degraded = ""
        self.armed: list[bool] = []
        self.closed = threading.Event()
        self._steps: queue.SimpleQueue[Step] = queue.SimpleQueue()

    def read(self, *, timeout_s: float) -> Sequence[RawLabel]:
        try:
            step = self._steps.get(timeout=timeout_s)
        except queue.Empty:
            return []
        return step()

    def play(self, step: Step) -> None:
        """Let the next read do this, and wait until what it gave was taken."""
        taken = threading.Event()

        def mark() -> Sequence[RawLabel]:
            taken.set()
            return []

        self._steps.put(step)
        self._steps.put(mark)
        assert taken.wait(TIMEOUT_S)

    def give(self, *labels: RawLabel) -> None:
        self.play(lambda: labels)

    def lose(self) -> None:
        def fail() -> Sequence[RawLabel]:
            raise LinkLostError("script", "unplugged")

        self._steps.put(fail)
        assert self.closed.wait(TIMEOUT_S)

    def set_armed(self, armed: bool) -> None:
        self.armed.append(armed)

    def close(self) -> None:
        self.closed.set()


class Bench:
    """A claimed scanner whose sources a test drives."""

    def __init__(self, *failures: Exception, backoff: Backoff = HASTY) -> None:
        self.sources: queue.SimpleQueue[ScriptedSource] = queue.SimpleQueue()
        self.failures = list(failures)
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[Health] = queue.SimpleQueue()
        self.scanner = LabelScanner("script:", self._open, ScannerSettings(), backoff=backoff)

    def _open(self) -> Source:
        if self.failures:
            raise self.failures.pop(0)
        source = ScriptedSource()
        self.sources.put(source)
        return source

    def claim(self) -> ScriptedSource:
        self.scanner.claim(on_status=self.heard.put, timeout_s=TIMEOUT_S)
        return self.source()

    def source(self) -> ScriptedSource:
        source = self.sources.get(timeout=TIMEOUT_S)
        source.play(list)
        return source

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def hear(self) -> Label:
        return self.labels.get(timeout=TIMEOUT_S)

    def hear_state(self) -> Health:
        return self.heard.get(timeout=TIMEOUT_S)


@pytest.fixture
def bench() -> Generator[Bench, None, None]:
    bench = Bench()
    yield bench
    bench.scanner.release()


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


def test_the_source_hears_when_labels_are_wanted(bench: Bench) -> None:
    source = bench.claim()
    bench.arm()
    bench.scanner.disarm()
    bench.arm()
    source.give(FIRST)
    bench.hear()
    assert source.armed == [False, True, False, True, False]
    bench.arm()
    source.lose()
    assert bench.source().armed == [True]


def test_a_label_that_straddles_arming_is_dropped(bench: Bench) -> None:
    source = bench.claim()
    source.pending = True
    bench.arm()
    source.give(FIRST, SECOND)
    assert bench.hear().text == "20000000027"
    assert bench.scanner.statistics()["dropped"] == 1


@pytest.mark.parametrize("mistake", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_raises_deafens_nobody(bench: Bench, mistake: type[BaseException]) -> None:
    source = bench.claim()

    def stumble(_label: Label) -> None:
        raise mistake

    bench.scanner.arm(stumble)
    source.give(FIRST)
    assert until(lambda: bench.scanner.statistics()["delivered"] == 1)
    bench.arm()
    source.give(SECOND)
    assert bench.hear().text == "20000000027"


def test_a_callback_that_blocks_keeps_no_label_for_a_later_customer(bench: Bench) -> None:
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    source.give(SECOND)  # nobody is armed: it is read, and dropped, while the callback blocks
    assert bench.scanner.statistics()["dropped"] == 1
    bench.arm()
    source.give(THIRD)
    assert bench.labels.empty()
    going_on.set()
    assert bench.hear().text == "20000000038"


def test_disarming_forgets_the_label_that_waits_behind_a_callback(bench: Bench) -> None:
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    bench.arm()
    source.give(SECOND)
    bench.scanner.disarm()
    bench.arm()
    bench.scanner.clear()
    going_on.set()
    source.give(THIRD)
    assert bench.hear().text == "20000000038"
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 1


def test_a_callback_may_use_its_scanner(bench: Bench) -> None:
    source = bench.claim()
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def use(_label: Label) -> None:
        bench.scanner.disarm()
        bench.scanner.clear()
        bench.arm()
        said.put(bench.scanner.check_health("external").detail)
        assert bench.scanner.statistics()["delivered"] == 1

    bench.scanner.arm(use)
    source.give(FIRST)
    assert said.get(timeout=TIMEOUT_S).startswith("Lecteur branché. Dernière étiquette lue il y a 0 s")
    source.give(SECOND)
    assert bench.hear().text == "20000000027"


def test_damage_reaches_the_till_that_waits(bench: Bench) -> None:
    source = bench.claim()
    source.give(TORN)
    bench.arm()
    source.give(TORN)
    assert bench.hear().refusal == "DAMAGED"
    counts = bench.scanner.statistics()
    assert (counts["torn"], counts["dropped"], counts["refused"]) == (2, 1, 1)


@pytest.mark.parametrize("begun", [True, False])
def test_a_device_lost_in_mid_label_tells_damage_and_otherwise_nothing(bench: Bench, begun: bool) -> None:
    source = bench.claim()
    bench.arm()
    source.pending = begun
    source.lose()
    again = bench.source()
    if begun:
        assert bench.hear().refusal == "DAMAGED"
        bench.arm()
    again.give(FIRST)
    assert bench.hear().text == "20000000016"
    counts = bench.scanner.statistics()
    assert (counts["lost"], counts["torn"]) == (1, begun)


def test_states_are_told_as_they_change(bench: Bench) -> None:
    source = bench.claim()
    assert bench.hear_state() == Health("ready", "Lecteur branché.")

    def worsen() -> Sequence[RawLabel]:
        source.degraded = "Trop vite."
        return []

    def recover() -> Sequence[RawLabel]:
        source.degraded = ""
        return [FIRST]

    source.play(worsen)
    assert bench.hear_state() == bench.scanner.check_health() == Health("degraded", "Trop vite.")
    source.play(recover)
    assert bench.hear_state().state == "ready"
    source.lose()
    assert bench.hear_state().state == "absent"
    assert bench.hear_state().state == "ready"
    assert bench.heard.empty()


def test_a_status_callback_that_blocks_delays_no_reading(bench: Bench) -> None:
    going_on = threading.Event()
    heard: list[str] = []

    def block(health: Health) -> None:
        going_on.wait(TIMEOUT_S)
        heard.append(health.detail)

    bench.scanner.claim(on_status=block, timeout_s=TIMEOUT_S)
    source = bench.source()
    for number in range(3 * QUEUE_STATES):
        source.degraded = str(number)
        source.give(TORN)
    assert bench.scanner.statistics()["torn"] == 3 * QUEUE_STATES
    going_on.set()
    assert until(lambda: str(3 * QUEUE_STATES - 1) in heard)
    assert len(heard) <= QUEUE_STATES + 1


def test_a_scanner_that_cannot_be_opened_as_it_is_set_up_is_not_claimed() -> None:
    bench = Bench(PackageMissingError("pyserial"), backoff=Backoff(first_s=3600, last_s=3600))
    with pytest.raises(PackageMissingError):
        bench.scanner.claim(on_status=bench.heard.put, timeout_s=TIMEOUT_S)
    with pytest.raises(NotClaimedError):
        bench.arm()
    bench.claim()
    assert bench.scanner.check_health().state == "ready"
    bench.scanner.release()


def test_what_goes_wrong_after_the_claim_is_told_and_tried_again() -> None:
    twins = ConfigurationError("DEVICE_AMBIGUOUS", fr="Deux appareils.", en="Two devices.")
    bench = Bench()
    source = bench.claim()
    bench.failures += [LinkAbsentError("script", "gone"), twins, TypeError("a driver's mistake")]
    source.lose()
    bench.source()
    told = [bench.hear_state() for _ in range(6)]
    assert [health.state for health in told] == ["ready", "absent", "absent", "absent", "absent", "ready"]
    assert told[3].detail == "Deux appareils."
    bench.scanner.release()


def test_somebody_who_sees_the_device_come_spares_the_wait() -> None:
    bench = Bench(LinkAbsentError("script", "away"), backoff=Backoff(first_s=3600, last_s=3600))
    bench.scanner.claim(on_status=bench.heard.put, timeout_s=TIMEOUT_S)
    assert bench.hear_state().state == "absent"
    bench.scanner.retry()
    assert bench.hear_state().state == "ready"
    bench.scanner.release()
    bench.scanner.retry()
    assert bench.scanner.check_health() == Health("unknown", "Lecteur non réservé.")


def test_health_says_what_is_known_and_what_a_person_should_do(bench: Bench) -> None:
    assert bench.scanner.check_health("interactive").state == "unknown"
    bench.claim()
    details = [bench.scanner.check_health(level).detail for level in ("internal", "external", "interactive")]
    assert details == [
        "Lecteur branché.",
        "Lecteur branché. Aucune étiquette n’a encore été lue.",
        "Lecteur branché. Pour vérifier, lisez une étiquette.",
    ]


def test_a_source_that_fails_in_everything_ends_no_thread(bench: Bench) -> None:
    source = bench.claim()

    def break_down() -> Sequence[RawLabel]:
        del source.pending  # asking for it fails from now on
        raise LinkLostError("script", "unplugged")

    source.pending = True
    bench.arm()  # what has begun is lost with the device, and is not waited for
    source._steps.put(break_down)
    bench.source().give(FIRST)
    assert bench.hear().text == "20000000016"


def test_release_closes_the_source_and_joins_both_threads(bench: Bench) -> None:
    source = bench.claim()
    bench.arm()
    bench.scanner.release()
    assert source.closed.is_set()
    assert source.armed[-1] is False
    assert not any(thread.name == "scanner script:" for thread in threading.enumerate())


def test_an_arming_that_comes_too_late_is_refused_and_harms_no_later_claim(bench: Bench) -> None:
    bench.claim()
    session = bench.scanner._session
    assert session is not None
    bench.scanner.release()
    with pytest.raises(NotClaimedError):
        session.arm(bench.labels.put)
    bench.claim().give(FIRST)
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 1


def test_a_scanner_may_be_released_while_its_status_is_told() -> None:
    bench = Bench()
    released = threading.Event()

    def release(_health: Health) -> None:
        bench.scanner.release()
        released.set()

    bench.scanner.claim(on_status=release, timeout_s=TIMEOUT_S)
    assert released.wait(TIMEOUT_S)
    assert until(lambda: not any(each.name == "scanner script:" for each in threading.enumerate()))


def test_release_waits_no_longer_than_it_promises_for_a_callback_that_blocks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 0.05)
    source = bench.claim()
    going_on = threading.Event()

    def block(_label: Label) -> None:
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    bench.scanner.release()
    again = bench.claim()  # what is left of the first claim takes nothing from the second
    bench.arm()
    again.give(SECOND)
    assert bench.hear().text == "20000000027"
    going_on.set()


def test_a_label_that_waits_when_its_claim_ends_is_not_delivered_in_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "JOIN_TIMEOUT_S", 0.05)
    source = bench.claim()
    blocked, going_on = threading.Event(), threading.Event()

    def block(_label: Label) -> None:
        blocked.set()
        going_on.wait(TIMEOUT_S)

    bench.scanner.arm(block)
    source.give(FIRST)
    assert blocked.wait(TIMEOUT_S)
    bench.arm()
    source.give(SECOND)
    bench.scanner.release()
    again = bench.claim()
    going_on.set()
    again.give(THIRD)
    assert bench.labels.empty()
    assert bench.scanner.statistics()["dropped"] == 2


# --- Bytes ------------------------------------------------------------------------------------------------------------------


class Wire:
    """A link that gives what a test wrote on it, and a clock that goes on while nothing comes."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.chunks: list[bytes | Exception] = []

    def write(self, data: bytes, *, timeout_s: float) -> None:
        raise AssertionError("a scanner is told nothing")

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if not self.chunks:
            self.now_s += timeout_s
            raise LinkTimeoutError("wire", "byte")
        chunk = self.chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        assert len(chunk) <= max_bytes
        return chunk

    def close(self) -> None:
        pass


class Line:
    """A serial source on such a link."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.source = SerialSource(self.wire, Framer(), clock=lambda: self.wire.now_s)

    def send(self, data: bytes) -> list[RawLabel]:
        size = serial_module.READ_BYTES
        self.wire.chunks = [data[at : at + size] for at in range(0, len(data), size)]
        return [label for _ in range(len(self.wire.chunks)) for label in self.source.read(timeout_s=0.2)]

    def wait(self, seconds: float) -> list[RawLabel]:
        end_s = self.wire.now_s + seconds
        came: list[RawLabel] = []
        while self.wire.now_s < end_s:
            came += self.source.read(timeout_s=0.2)
        return came


MESSAGE = b"]C020000000016\r\n"


@pytest.mark.parametrize("cut", range(1, len(MESSAGE) - 2))
def test_a_label_that_pauses_after_any_byte_is_torn_once_and_its_rest_is_none(cut: int) -> None:
    line = Line()
    assert line.send(MESSAGE[:cut]) == []
    assert line.source.pending
    assert line.wait(2 * serial_module.IDLE_GAP_S) == [TORN]
    assert not line.source.pending
    # A product code that lost two of its 13 digits has as many as a customer's number.
    assert line.send(MESSAGE[cut:]) == [TORN]
    assert line.send(MESSAGE) == [RawLabel(b"]C020000000016")]


def test_after_some_time_the_rest_of_a_torn_label_is_not_waited_for() -> None:
    line = Line()
    line.send(b"20000")
    assert line.wait(serial_module.REMAINDER_S + 1) == [TORN]
    assert line.send(MESSAGE) == [RawLabel(b"]C020000000016")]


@pytest.mark.parametrize("pause_s", [0.0, 10.0])
def test_the_rest_of_a_label_that_a_device_server_kept_is_no_label(pause_s: float) -> None:
    line = Line()
    line.send(b"37")
    line.wire.now_s += pause_s
    line.source = SerialSource(line.wire, Framer(), before=line.source, clock=lambda: line.wire.now_s)
    assert not line.source.pending
    rest = RawLabel(b"60001234567")
    assert line.send(b"60001234567\r") == [rest if pause_s else TORN]
    assert line.send(b"60001234567\r") == [rest]


@pytest.mark.parametrize(
    ("url", "is_remote"), [("socket://h:1", True), ("serial:rfc2217://h:1", True), ("serial:///dev/x", False)]
)
def test_a_device_server_may_have_kept_the_rest_of_a_label_and_what_a_port_holds_is_none(
    monkeypatch: pytest.MonkeyPatch, url: str, is_remote: bool
) -> None:
    sent = [b"37", b"60001234567\r"]

    def open_wire(*_place: object, **_settings: object) -> Wire:
        wire = Wire()
        wire.chunks.append(sent.pop(0))
        return wire

    monkeypatch.setattr(serial_module, "open_serial", open_wire)
    monkeypatch.setattr(serial_module, "open_tcp", open_wire)
    scanner = serial_module.open_scanner(url, {})
    assert scanner._open_source().read(timeout_s=0.1) == []
    assert scanner._open_source().read(timeout_s=0.1) == ([TORN] if is_remote else [])


def test_a_pause_between_labels_tears_nothing() -> None:
    line = Line()
    assert line.send(MESSAGE) == [RawLabel(b"]C020000000016")]
    assert line.wait(10) == []
    assert line.send(MESSAGE) == [RawLabel(b"]C020000000016")]


@pytest.mark.parametrize("ending", [b"\r", None])
def test_bytes_without_end_are_told_once_and_then_reported_as_the_devices_state(ending: bytes | None) -> None:
    line = Line()
    assert line.send(b"x" * 50 * MAX_LABEL_BYTES) == [RawLabel(b"", "TOO_LONG")]
    assert "sans fin d’étiquette" in line.source.degraded
    assert not line.source.pending
    if ending:
        assert line.send(ending) == []
    else:
        assert line.wait(serial_module.REMAINDER_S + 1) == []
    assert not line.source.degraded
    assert line.send(MESSAGE) == [RawLabel(b"]C020000000016")]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\r", MESSAGE, b"x" * 1500]), max_size=20))
def test_however_bytes_are_cut_each_label_that_begins_comes_out_once(chunks: list[bytes]) -> None:
    line, whole = Line(), Framer()
    expected = [label for chunk in chunks for label in whole.feed(chunk)]
    came = [label for chunk in chunks for label in line.send(chunk)]
    if line.source.degraded:
        expected.append(RawLabel(b"", "TOO_LONG"))
    assert came == expected


@pytest.mark.parametrize("cut", range(len(MESSAGE)))
def test_unplugged_after_any_byte_the_till_hears_damage_or_a_whole_label_or_nothing(cut: int) -> None:
    wires: list[Wire] = []

    def open_source() -> Source:
        wires.append(Wire())
        opened.set()
        release.wait(TIMEOUT_S)
        return SerialSource(wires[-1], Framer())

    opened, release = threading.Event(), threading.Event()
    labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
    scanner = LabelScanner("wire:", open_source, ScannerSettings(), backoff=HASTY)
    scanner.claim(on_status=lambda _health: None, timeout_s=0.0)
    assert opened.wait(TIMEOUT_S)
    chunks: list[bytes | Exception] = [MESSAGE[at : at + 1] for at in range(cut)]
    wires[0].chunks = [*chunks, LinkLostError("wire", "unplugged")]
    scanner.arm(labels.put)
    release.set()
    assert until(lambda: scanner.statistics()["lost"] == 1)
    if cut:
        label = labels.get(timeout=TIMEOUT_S)
        assert (label.text, label.refusal) == (
            ("20000000016", None) if cut == len(MESSAGE) - 1 else ("", "DAMAGED")
        )
    assert labels.empty()
    scanner.release()
