"""What is left of a label, what comes too late, and what stands beside it never becomes a customer's identifier."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from cvconnect_drivers.errors import ConfigurationError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.scanners import serial as serial_module
from cvconnect_drivers.scanners.framing import Framer, RawLabel
from cvconnect_drivers.scanners.gate import REST_S, Gate
from cvconnect_drivers.scanners.keyboard import TERMINATOR_KEYS, KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.labels import Envelope, Label, read_label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.serial import IDLE_GAP_S, QUIET_S, REMAINDER_S, SerialSource
from cvconnect_drivers.scanners.settings import ScannerSettings, read_scanner_settings
from cvconnect_drivers.scanners.source import Source
from cvconnect_drivers.urls import Settings, parse_url

TIMEOUT_S = 5.0
FIRST, SECOND = RawLabel(b"20000000016"), RawLabel(b"20000000027")
TORN = RawLabel(b"", "TORN")
PRODUCT = "3017620422003"


# --- Settings -----------------------------------------------------------------------------------------------------------


def read(key: str, value: str) -> ScannerSettings:
    return read_scanner_settings(Settings(parse_url("serial:x", {"serial"}), {key: value}))


@pytest.mark.parametrize("key", ["prefix", "label_prefix"])
@pytest.mark.parametrize("digits", ["3", "30", "٣"])
def test_a_prefix_of_digits_alone_is_refused(key: str, digits: str) -> None:
    # Taken off a product code it could leave as many digits as a customer's number has.
    with pytest.raises(ConfigurationError, match=f"'{key}' must not be digits alone"):
        read(key, digits)


def test_a_prefix_may_hold_digits_beside_something_else() -> None:
    assert read("prefix", "3]").prefix == b"3]"
    assert read("label_prefix", "CV1").envelope == Envelope("CV1")


# --- The gate -----------------------------------------------------------------------------------------------------------


class Payment:
    """Arms a gate again after each refusal, as a till does while it waits for the same customer."""

    def __init__(self) -> None:
        self.gate = Gate(ScannerSettings())
        self.heard: list[str | None] = []
        self.arm(0.0, same_customer=False)

    def arm(self, now_s: float, *, same_customer: bool) -> None:
        self.gate.arm(self._hear, now_s, label_begun=False, same_customer=same_customer)

    def _hear(self, label: Label) -> None:
        self.heard.append(label.refusal)

    def take(self, raw: RawLabel, now_s: float) -> None:
        self.gate.take(raw, now_s)
        while (delivery := self.gate.next()) is not None:
            delivery.on_label(delivery.label)
            if delivery.label.refusal is not None:
                self.arm(now_s, same_customer=True)


REFUSED = [
    (RawLabel(b"BCD"), "NOT_AN_IDENTIFIER"),
    (RawLabel(PRODUCT.encode()), "PRODUCT_CODE"),
    (TORN, "DAMAGED"),
]


@pytest.mark.parametrize(("first_line", "refusal"), REFUSED)
def test_no_further_line_of_a_refused_label_is_an_identifier(first_line: RawLabel, refusal: str) -> None:
    payment = Payment()
    now_s = 0.0
    payment.take(first_line, now_s)
    for line in (b"002", FIRST.data, b"EUR1", FIRST.data, SECOND.data):
        now_s += 0.9 * REST_S  # each line may take as long again
        payment.take(RawLabel(line), now_s)
    assert payment.heard == [refusal]
    assert payment.gate.counts()["dropped"] == 5
    assert payment.gate.armed


@pytest.mark.parametrize(("first_line", "refusal"), REFUSED)
def test_no_line_of_a_slow_keyboard_is_an_identifier_that_began_right_after_a_refused_one(
    first_line: RawLabel, refusal: str
) -> None:
    payment = Payment()
    now_s = 0.0
    payment.take(first_line, now_s)
    for line in (FIRST.data, b"002", SECOND.data):
        began_s = now_s + 0.08
        now_s = began_s + 0.08 * 11  # as long as some devices take from key to key
        payment.take(RawLabel(line, since_s=began_s), now_s)
    assert payment.heard == [refusal]
    payment.take(replace(FIRST, since_s=now_s + REST_S + 0.01), now_s + 2)
    assert payment.heard == [refusal, None]


def test_after_a_moment_without_a_line_the_same_customer_may_try_again() -> None:
    payment = Payment()
    payment.take(RawLabel(b"BCD"), 0.0)
    payment.take(RawLabel(b"002"), 0.0)
    payment.take(FIRST, REST_S)
    assert payment.heard == ["NOT_AN_IDENTIFIER", None]


def test_a_refused_label_delays_no_other_customer() -> None:
    payment = Payment()
    payment.take(RawLabel(b"BCD"), 0.0)
    payment.arm(0.01, same_customer=False)
    payment.take(FIRST, 0.02)
    assert payment.heard == ["NOT_AN_IDENTIFIER", None]


# --- The shell around a scripted source -----------------------------------------------------------------------------------


class Script:
    """A source that gives what a test puts into it."""

    pending = False
    silent_s = math.inf
    degraded = ""

    def __init__(self) -> None:
        self.labels: queue.SimpleQueue[list[RawLabel]] = queue.SimpleQueue()

    def read(self, *, timeout_s: float) -> Sequence[RawLabel]:
        try:
            return self.labels.get(timeout=timeout_s)
        except queue.Empty:
            return []

    def set_armed(self, armed: bool) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def scanner(script: Script) -> Generator[LabelScanner, None, None]:
    scanner = LabelScanner("script:", lambda: script, ScannerSettings())
    scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)
    yield scanner
    scanner.release()


def test_a_label_counts_from_when_it_ended_however_late_it_is_decoded(
    script: Script, scanner: LabelScanner
) -> None:
    before_s = time.perf_counter()
    heard: queue.SimpleQueue[Label] = queue.SimpleQueue()
    scanner.arm(heard.put)
    script.labels.put([replace(FIRST, ended_s=before_s - 0.001), replace(SECOND, ended_s=before_s + 60)])
    assert heard.get(timeout=TIMEOUT_S).text == "20000000027"
    assert scanner.statistics()["dropped"] == 1


# --- Keys ---------------------------------------------------------------------------------------------------------------


class Typist:
    """Types digits on a US keyboard, a millisecond apart."""

    def __init__(self) -> None:
        self.decoder = KeyboardDecoder()
        self.now_s = 10.0
        self.labels: list[RawLabel] = []

    def tap(self, *codes: int) -> None:
        for code in codes:
            for pressed in (True, False):
                self.now_s += 0.001
                self.labels += self.decoder.feed(KeyEvent(self.now_s, code, pressed))

    def type(self, digits: str) -> None:
        self.tap(*(2 + (int(digit) - 1) % 10 for digit in digits))

    def end(self) -> None:
        self.tap(TERMINATOR_KEYS["enter"])

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.labels += self.decoder.tick(self.now_s)


@pytest.mark.parametrize("has_read_before", [True, False])
@pytest.mark.parametrize("pause_s", [0.31, 0.6, 0.89])
@pytest.mark.parametrize("ends_by_key", [True, False])
def test_a_scanner_that_stutters_twice_gives_no_part_of_a_product_code(
    has_read_before: bool, pause_s: float, ends_by_key: bool
) -> None:
    for cuts in combinations(range(1, len(PRODUCT)), 2):
        typist = Typist()
        if has_read_before:
            typist.type("20000000016")
            typist.end()
            assert typist.labels.pop().damage is None
            typist.wait(10)
        for start, end in zip((0, *cuts), (*cuts, None), strict=True):
            typist.type(PRODUCT[start:end])
            typist.wait(0 if ends_by_key and end is None else pause_s)
        if ends_by_key:
            typist.end()
        assert typist.labels == [TORN] * 3, cuts


def test_a_decoder_tells_whether_it_swallows_the_rest_of_a_torn_label() -> None:
    typist = Typist()
    typist.type("200")
    assert not typist.decoder.swallows
    assert typist.decoder.lose() == [TORN]
    typist.type("000")
    assert typist.decoder.swallows
    typist.end()
    assert not typist.decoder.swallows
    assert typist.labels == []


def test_what_follows_a_loss_between_two_labels_is_not_swallowed() -> None:
    typist = Typist()
    assert typist.decoder.lose() == []
    typist.type("000")
    assert not typist.decoder.swallows
    typist.end()
    assert typist.labels == [TORN]


# --- Bytes --------------------------------------------------------------------------------------------------------------


class Port:
    """A link that gives what was written on it, a port's count of what waits, and a clock."""

    def __init__(self, *chunks: bytes) -> None:
        self.now_s = 100.0
        self.chunks = list(chunks)
        self.closed = False

    def write(self, data: bytes, *, timeout_s: float) -> None:
        raise AssertionError("a scanner is told nothing")

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if not self.chunks:
            self.now_s += timeout_s
            raise LinkTimeoutError("port", "byte")
        return self.chunks.pop(0)

    def close(self) -> None:
        self.closed = True

    def source(self, *, in_label: bool = False) -> SerialSource:
        return SerialSource(self, Framer(), in_label=in_label, clock=lambda: self.now_s)


@pytest.mark.parametrize(
    ("pause_s", "came"),
    [
        (0.9 * IDLE_GAP_S, [RawLabel(PRODUCT.encode())]),
        (IDLE_GAP_S, [TORN, TORN]),
        (10 * REMAINDER_S, [TORN, TORN]),
    ],
)
def test_a_label_that_stalls_is_torn_though_nobody_was_there_to_wait(
    pause_s: float, came: list[RawLabel]
) -> None:
    port = Port()
    source = port.source()
    port.chunks = [PRODUCT[:6].encode()]
    assert source.read(timeout_s=0.2) == []
    port.now_s += pause_s
    port.chunks = [f"{PRODUCT[6:]}\r".encode(), b"20000000016\r"]
    assert source.read(timeout_s=0.2) == came
    assert source.read(timeout_s=0.2) == [FIRST]


TWO_LABELS = b"20000000016\r20000000027\r"


@pytest.mark.parametrize("cut", range(len(TWO_LABELS) + 1))
def test_a_label_began_after_the_last_moment_at_which_the_port_held_nothing(cut: int) -> None:
    port = Port()
    source = port.source()
    came: list[RawLabel] = []
    silent_s: list[float] = []
    for part in (TWO_LABELS[:cut], TWO_LABELS[cut:]):
        port.now_s += 0.1
        silent_s.append(port.now_s)
        came += source.read(timeout_s=0.2)
        assert source.silent_s == silent_s[-1]
        port.chunks = [part] if part else []
        came += source.read(timeout_s=0.2) if part else []
    assert came == [FIRST, SECOND]
    assert [label.since_s for label in came] == [silent_s[cut == 0], silent_s[cut <= len("20000000016\r")]]


def test_a_label_that_stalls_began_when_it_began() -> None:
    port = Port()
    source = port.source()
    port.now_s += 1.0
    began_s = port.now_s
    source.read(timeout_s=0.2)
    port.chunks = [b"2000"]
    came = source.read(timeout_s=0.2)
    port.now_s += IDLE_GAP_S
    came += source.read(timeout_s=0.2)
    assert came == [RawLabel(b"", "TORN")]
    assert came[0].since_s == began_s


def test_what_is_left_of_the_label_that_was_there_before_is_none() -> None:
    port = Port(b"17620422003\r", b"20000000016\r")
    source = port.source(in_label=True)
    assert source.read(timeout_s=0.2) == [TORN]
    assert source.read(timeout_s=0.2) == [FIRST]


def test_after_some_time_nothing_is_left_of_the_label_that_was_there_before() -> None:
    port = Port()
    source = port.source(in_label=True)
    port.now_s += REMAINDER_S
    port.chunks = [b"20000000016\r"]
    assert source.read(timeout_s=0.2) == [FIRST]


def open_port(port: Port, monkeypatch: pytest.MonkeyPatch) -> Source:
    def open_serial(_device: str, *, baud: int) -> Port:
        return port

    monkeypatch.setattr(serial_module, "open_serial", open_serial)
    return serial_module.open_scanner("serial:///dev/x", {})._open_source()


@pytest.mark.parametrize("came", [b"", b"3", b"30"])
def test_of_a_port_that_speaks_while_it_is_opened_the_first_label_is_torn(
    came: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port(*([came] if came else []))
    source = open_port(port, monkeypatch)
    port.chunks = [b"17620422003\r"]
    assert source.read(timeout_s=0.2) == [TORN if came else RawLabel(b"17620422003")]


def test_a_port_that_is_never_silent_is_read_after_all_but_what_is_left_of_its_label_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stream(Port):
        def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
            return b"3" if timeout_s == QUIET_S else b"17620422003\r"

    monkeypatch.setattr(serial_module, "NOISY_S", 0.01)
    assert open_port(Stream(), monkeypatch).read(timeout_s=0.2) == [TORN]


def test_a_port_that_is_lost_while_it_is_opened_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost(Port):
        def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
            raise LinkLostError("port", "unplugged")

    port = Lost()
    with pytest.raises(LinkLostError):
        open_port(port, monkeypatch)
    assert port.closed


# --- Labels -------------------------------------------------------------------------------------------------------------

LONG = [
    f"a@{'a' * 1000}",
    "a" * 1024,
    "{" * 1024,
    f"http://x?{'&' * 1000}",
    f"a@{'a-' * 120}",
    f"a@{'a.' * 120}",
    f'{{"id":{"[" * 1000}',
    f"http://x?id={'%41' * 300}",
    "\uff10" * 300,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_no_label_keeps_the_thread_that_reads_it(text: str) -> None:
    began_s = time.thread_time()
    label = read_label(RawLabel(text.encode()), Envelope("CVCO:", "id", "id"))
    assert time.thread_time() - began_s < 0.2
    assert label.refusal == "NOT_AN_IDENTIFIER"
