"""A serial scanner, read byte by byte: what pauses, stalls, or is unplugged in the middle is no label."""

from __future__ import annotations

import queue
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.errors import (
    LinkLostError,
    LinkTimeoutError,
)
from cvconnect_drivers.scanners import serial as serial_module
from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, Framer, RawLabel
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.serial import SerialSource
from cvconnect_drivers.scanners.settings import ScannerSettings
from cvconnect_drivers.scanners.source import Source
from scripted_scanner import HASTY, TIMEOUT_S, TORN, until


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
