"""A serial scanner on a real pseudo-terminal: torn reads, arming in the middle, a cable that is pulled."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import serial
from serial import rfc2217
from serial.tools import list_ports_common

from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkTimeoutError
from cvconnect_drivers.links.base import Link
from cvconnect_drivers.links.serial import SerialPort, list_serial, open_serial
from cvconnect_drivers.scanners.framing import Framer
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.serial import SerialSource, identity_of, open_scanner
from cvconnect_drivers.scanners.settings import Identity, ScannerSettings
from cvconnect_drivers.shapes import Health

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on POSIX only")

TIMEOUT_S = 5.0
HASTY = Backoff(first_s=0.01, last_s=0.01)
FIRST, SECOND = "20000000016", "20000000027"


class Cable:
    """A pseudo-terminal behind a stable name, as `/dev/serial/by-id` gives one; it can be pulled and plugged in again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug()

    def plug(self) -> None:
        import tty

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path.symlink_to(os.ttyname(self._slave))

    def pull(self) -> None:
        self.path.unlink()
        os.close(self._slave)
        os.close(self._master)

    def send(self, data: bytes) -> None:
        os.write(self._master, data)


@pytest.fixture
def cable(tmp_path: Path) -> Generator[Cable, None, None]:
    cable = Cable(tmp_path / "scanner")
    yield cable
    if cable.path.is_symlink():
        cable.pull()


class Till:
    """Keeps what a scanner tells."""

    def __init__(self, scanner: LabelScanner) -> None:
        self.labels: queue.SimpleQueue[Label] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.scanner = scanner
        self.scanner.claim(on_status=self._hear, timeout_s=TIMEOUT_S)

    def _hear(self, health: Health) -> None:
        self.states.put(health.state)

    def arm(self) -> None:
        self.scanner.arm(self.labels.put)

    def hear(self) -> Label:
        return self.labels.get(timeout=TIMEOUT_S)

    def wait_until_begun(self) -> None:
        assert until(lambda: begun(self.scanner))

    def wait_for(self, name: str, count: int) -> None:
        assert until(lambda: self.scanner.statistics()[name] == count), self.scanner.statistics()


@pytest.fixture
def opened(cable: Cable) -> Generator[Callable[..., Till], None, None]:
    tills: list[Till] = []

    def make(**options: object) -> Till:
        tills.append(Till(open_scanner(f"serial://{cable.path}?baud=115200", options)))
        return tills[-1]

    yield make
    for till in tills:
        till.scanner.release()


def begun(scanner: LabelScanner) -> bool:
    session = scanner._session
    source = session._source if session else None
    return source is not None and source.pending


def until(condition: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.005)
    return condition()


def test_a_label_cut_into_bytes_arrives_whole(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened()
    till.arm()
    for byte in f"]C0{FIRST}\r\n".encode():
        cable.send(bytes([byte]))
    label = till.hear()
    assert (label.text, label.symbology, label.refusal) == (FIRST, "]C0", None)


def test_labels_that_arrive_together_are_one_delivered_and_the_rest_dropped(
    cable: Cable, opened: Callable[..., Till]
) -> None:
    till = opened()
    till.arm()
    cable.send(f"{FIRST}\r{SECOND}\r".encode())
    assert till.hear().text == FIRST
    till.wait_for("dropped", 1)


def test_a_label_that_straddles_arming_is_dropped(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened()
    cable.send(FIRST[:5].encode())
    till.wait_until_begun()
    till.arm()
    cable.send(f"{FIRST[5:]}\r".encode())
    till.wait_for("dropped", 1)
    cable.send(f"{SECOND}\r".encode())
    assert till.hear().text == SECOND
    assert till.labels.empty()


def test_a_label_in_the_middle_of_its_bytes_is_dropped_by_disarming(
    cable: Cable, opened: Callable[..., Till]
) -> None:
    till = opened()
    till.arm()
    cable.send(FIRST[:5].encode())
    till.wait_until_begun()
    till.scanner.disarm()
    cable.send(f"{FIRST[5:]}\r".encode())
    till.wait_for("dropped", 1)
    assert till.labels.empty()


def test_a_label_that_stops_in_the_middle_spoils_only_itself(
    cable: Cable, opened: Callable[..., Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cvconnect_drivers.scanners.serial.IDLE_GAP_S", 0.05)
    till = opened()
    till.arm()
    cable.send(b"200000")
    assert till.hear().refusal == "DAMAGED"
    assert till.scanner.statistics()["torn"] == 1
    monkeypatch.setattr("cvconnect_drivers.scanners.serial.REMAINDER_S", 0.0)
    till.arm()
    cable.send(f"{FIRST}\r".encode())
    assert till.hear().text == FIRST


def test_one_press_of_the_trigger_counts_once(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened(duplicate_window_ms=60_000)

    def keep_and_arm_again(label: Label) -> None:
        till.scanner.arm(keep_and_arm_again)
        till.labels.put(label)

    till.scanner.arm(keep_and_arm_again)
    cable.send(f"{FIRST}\r{FIRST}\r".encode())
    till.hear()
    cable.send(f"{FIRST}\r".encode())
    till.wait_for("duplicates", 1)
    cable.send(f"{SECOND}\r".encode())
    assert till.hear().text == SECOND


def test_the_same_customer_may_pay_the_next_sale_at_once(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened(duplicate_window_ms=60_000)
    for _ in range(2):
        till.arm()
        cable.send(f"{FIRST}\r".encode())
        assert till.hear().text == FIRST


def test_the_same_customer_may_come_again_after_the_window(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened(duplicate_window_ms=0)
    for _ in range(2):
        till.arm()
        cable.send(f"{FIRST}\r".encode())
        assert till.hear().text == FIRST


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (b"3760001234567\r", "PRODUCT_CODE"),
        (b"12\x1d345678901\r", "DAMAGED"),
        (b"bonjour\r", "NOT_AN_IDENTIFIER"),
    ],
)
def test_a_refused_label_reaches_the_till_with_its_reason(
    cable: Cable, opened: Callable[..., Till], sent: bytes, refusal: str
) -> None:
    till = opened()
    till.arm()
    cable.send(sent)
    assert till.hear().refusal == refusal
    assert till.scanner.statistics()["refused"] == 1


def test_the_settings_of_the_station_file_are_used(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened(prefix="\x02", terminator="tab", label_prefix="CVCO:")
    till.arm()
    cable.send(f"\x02CVCO:{FIRST}\t".encode())
    assert till.hear().text == FIRST


def test_a_pulled_cable_is_told_and_plugged_in_again_it_works(
    cable: Cable, opened: Callable[..., Till]
) -> None:
    till = opened()
    assert till.states.get(timeout=TIMEOUT_S) == "ready"
    till.arm()
    cable.send(FIRST[:5].encode())
    till.wait_until_begun()
    cable.pull()
    assert till.states.get(timeout=TIMEOUT_S) == "absent"
    assert till.hear().refusal == "DAMAGED"
    assert till.scanner.check_health().state == "absent"
    assert till.scanner.statistics()["lost"] == 1
    till.arm()
    cable.plug()
    assert till.states.get(timeout=TIMEOUT_S) == "ready"
    cable.send(f"{SECOND}\r".encode())
    assert till.hear().text == SECOND


def test_a_cable_pulled_at_every_byte_tells_damage_or_nothing_and_the_next_label_arrives(
    cable: Cable,
) -> None:
    def open_source() -> SerialSource:
        return SerialSource(open_serial(str(cable.path), baud=115200), Framer())

    till = Till(LabelScanner("serial:every-byte", open_source, ScannerSettings(), backoff=HASTY))
    message = f"]C0{FIRST}\r".encode()
    for sent in range(len(message) + 1):
        assert until(lambda: till.scanner.check_health().state == "ready")
        till.arm()
        if sent:
            cable.send(message[:sent])
        if 0 < sent < len(message):
            till.wait_until_begun()
            cable.pull()
            assert till.hear().refusal == "DAMAGED"
        elif sent:
            assert till.hear().text == FIRST
            cable.pull()
        else:
            cable.pull()
        till.wait_for("lost", sent + 1)
        assert till.labels.empty()
        till.arm()
        cable.plug()
        assert until(lambda: till.scanner.check_health().state == "ready")
        cable.send(f"{SECOND}\r".encode())
        assert till.hear().text == SECOND
    assert till.scanner.statistics()["torn"] == len(message) - 1
    till.scanner.release()


def plugged(*masters: tuple[str, str, str]) -> list[SerialPort]:
    """What the system lists: the name today, serial number, and place of each."""
    return [
        SerialPort(device, 0x0C2E, 0x0B61, number, location, "Scanner")
        for device, number, location in masters
    ]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[SerialPort]:
    ports: list[SerialPort] = [SerialPort("/dev/ttyS0", None, None, "", "", "")]
    monkeypatch.setattr("cvconnect_drivers.scanners.serial.list_serial", lambda: ports)
    return ports


def test_a_scanner_is_found_again_by_its_identity_under_another_name(
    tmp_path: Path, listed: list[SerialPort]
) -> None:
    first = Cable(tmp_path / "ttyACM0")
    listed += plugged((str(first.path), "ABC", "1-2"))
    till = Till(open_scanner("serial:?vendor=0c2e&product=0b61&serial=ABC", {}))
    assert till.states.get(timeout=TIMEOUT_S) == "ready"
    first.pull()
    del listed[1:]
    assert till.states.get(timeout=TIMEOUT_S) == "absent"
    second = Cable(tmp_path / "ttyACM7")
    till.arm()
    listed += plugged((str(second.path), "ABC", "1-2"))
    assert until(lambda: till.scanner.check_health().state == "ready")
    second.send(f"{FIRST}\r".encode())
    assert till.hear().text == FIRST
    till.scanner.release()
    second.pull()


def test_of_two_scanners_each_is_read_by_its_own_and_twins_are_refused(
    tmp_path: Path, listed: list[SerialPort]
) -> None:
    cables = [Cable(tmp_path / "ttyACM0"), Cable(tmp_path / "ttyACM1")]
    listed += plugged((str(cables[0].path), "", "1-2"), (str(cables[1].path), "", "1-3"))
    with pytest.raises(ConfigurationError) as caught:
        Till(open_scanner("serial:?vendor=0c2e", {}))
    assert caught.value.code == "DEVICE_AMBIGUOUS"
    assert "port=1-2" in caught.value.text()
    assert "port=1-3" in caught.value.text()
    tills = [Till(open_scanner(f"serial:?vendor=0c2e&port={port}", {})) for port in ("1-2", "1-3")]
    for till in tills:
        till.arm()
    for cable, text in zip(cables, (FIRST, SECOND), strict=True):
        cable.send(f"{text[:6]}".encode())
    for cable, text in zip(cables, (FIRST, SECOND), strict=True):
        cable.send(f"{text[6:]}\r".encode())
    assert [till.hear().text for till in tills] == [FIRST, SECOND]
    for till, cable in zip(tills, cables, strict=True):
        till.scanner.release()
        cable.pull()


def test_the_systems_ports_are_listed_with_what_tells_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    found = list_ports_common.ListPortInfo("COM7")
    found.vid, found.pid, found.serial_number, found.location = 0x0C2E, 0x0B61, None, "1-2"
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [found])
    (port,) = list_serial()
    assert port == SerialPort("COM7", 0x0C2E, 0x0B61, "", "1-2", "")
    assert identity_of(port) == Identity("0c2e", "0b61", "", "1-2")


def test_a_port_has_a_name_or_an_identity(tmp_path: Path) -> None:
    for url in ("serial:", "serial:?baud=9600"):
        with pytest.raises(ConfigurationError):
            open_scanner(url, {})
    with pytest.raises(ConfigurationError, match="'vendor'"):
        open_scanner("serial:COM3?vendor=0c2e", {})


class SerialServer:
    """A device server that speaks RFC 2217, its serial port a loop: what is written to the port is read from it."""

    def __init__(self) -> None:
        self.port = serial.serial_for_url("loop://", timeout=0.01)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"serial:rfc2217://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S)
        self._server.close()
        self.port.close()

    def write(self, data: bytes) -> None:
        """What `PortManager` answers with."""
        self._connection.sendall(data)

    def _serve(self) -> None:
        self._server.settimeout(TIMEOUT_S)
        self._connection = self._server.accept()[0]
        self._connection.settimeout(0.01)
        manager = rfc2217.PortManager(cast("rfc2217.Serial", self.port), cast("rfc2217.Serial", self))
        with self._connection:
            while not self._stop.is_set():
                with suppress(TimeoutError):
                    list(manager.filter(self._connection.recv(1024)))
                data = self.port.read(1024)
                if data:
                    self._connection.sendall(b"".join(manager.escape(data)))


@pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:setName:DeprecationWarning")
def test_a_scanner_behind_a_device_server_is_read_through_rfc_2217() -> None:
    server = SerialServer()
    till = Till(open_scanner(f"{server.url}?baud=115200", {}))
    assert until(lambda: till.scanner.check_health().state == "ready"), till.scanner.check_health()
    till.arm()
    server.port.write(f"]Q1{FIRST}\r".encode())
    label = till.hear()
    assert (label.text, label.symbology) == (FIRST, "]Q1")
    till.scanner.release()
    server.close()


def test_a_scanner_that_is_not_there_yet_is_found_when_it_comes(tmp_path: Path) -> None:
    till = Till(open_scanner(f"serial://{tmp_path / 'scanner'}", {}))
    assert till.states.get(timeout=TIMEOUT_S) == "absent"
    till.arm()
    cable = Cable(tmp_path / "scanner")
    assert till.states.get(timeout=TIMEOUT_S) == "ready"
    cable.send(f"{FIRST}\r".encode())
    assert till.hear().text == FIRST
    till.scanner.release()
    cable.pull()


def test_bytes_that_waited_in_the_port_before_claiming_are_no_label(
    cable: Cable, opened: Callable[..., Till]
) -> None:
    cable.send(f"{FIRST}\r".encode())
    till = opened()
    till.arm()
    cable.send(f"{SECOND}\r".encode())
    assert till.hear().text == SECOND


def test_release_joins_the_thread_within_a_second_and_closes_the_port(cable: Cable) -> None:
    till = Till(open_scanner(f"serial://{cable.path}", {}))
    started = time.monotonic()
    till.scanner.release()
    assert time.monotonic() - started < 1.0
    assert not any(thread.name == f"scanner serial://{cable.path}" for thread in threading.enumerate())
    with pytest.raises(DriverError) as caught:
        till.arm()
    assert caught.value.code == "NOT_CLAIMED"


def test_a_scanner_may_be_released_from_its_own_callback(cable: Cable, opened: Callable[..., Till]) -> None:
    till = opened()
    released = threading.Event()

    def release(_label: Label) -> None:
        till.scanner.release()
        released.set()

    till.scanner.arm(release)
    cable.send(f"{FIRST}\r".encode())
    assert released.wait(TIMEOUT_S)


def test_a_port_belongs_to_one_program(cable: Cable, opened: Callable[..., Till]) -> None:
    opened()
    second = opened()
    assert second.scanner.check_health().state == "absent"
    assert "utilisé par un autre programme" in second.scanner.check_health().detail


def scripted(*opens: Callable[[], Link]) -> LabelScanner:
    """A scanner whose port opens as scripted, the last way for ever."""
    left = list(opens)

    def open_next() -> SerialSource:
        return SerialSource((left.pop(0) if len(left) > 1 else left[0])(), Framer())

    return LabelScanner("serial:script", open_next, ScannerSettings(), backoff=HASTY)


class SilentLink:
    """Delivers what it was given, then nothing."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = list(chunks)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        raise AssertionError("a scanner is told nothing")

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if not self._chunks:
            threading.Event().wait(0.01)
            raise LinkTimeoutError("script", "byte")
        chunk = self._chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def close(self) -> None:
        pass


def test_whatever_is_raised_below_a_scanner_works_again_later() -> None:
    class StrangeError(Exception):
        """Like `termios.error`: no OSError."""

    def fail() -> Link:
        raise StrangeError

    states: list[str] = []
    scanner = scripted(fail, lambda: SilentLink(StrangeError()), SilentLink)
    scanner.claim(on_status=lambda health: states.append(health.state), timeout_s=TIMEOUT_S)
    assert until(lambda: states == ["absent", "ready", "absent", "ready"]), states
    assert scanner.check_health().state == "ready"
    scanner.release()


def test_a_scanner_that_opens_after_its_release_tells_nothing_and_is_not_claimed_for_it() -> None:
    going_on, closed = threading.Event(), threading.Event()
    states: list[str] = []

    class Late(SilentLink):
        def close(self) -> None:
            closed.set()

    def open_late() -> Link:
        going_on.wait(TIMEOUT_S)
        return Late(f"{FIRST}\r".encode())

    scanner = scripted(open_late)
    scanner.claim(on_status=lambda health: states.append(health.state), timeout_s=0.01)
    scanner.release()
    going_on.set()
    assert closed.wait(TIMEOUT_S)
    assert states == []
    assert scanner.check_health().state == "unknown"
    assert scanner.statistics()["dropped"] == 0


def test_a_callback_that_releases_its_scanner_is_the_last_that_is_called() -> None:
    heard: list[str] = []
    armed = threading.Event()

    class Armed(SilentLink):
        def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
            armed.wait(TIMEOUT_S)
            return super().read(max_bytes, timeout_s=timeout_s)

    silence = LinkTimeoutError("script", "byte")
    scanner = scripted(lambda: Armed(silence, silence, f"{FIRST}\r{SECOND}\r".encode()))

    def hear(label: Label) -> None:
        heard.append(label.text)
        scanner.arm(hear)
        scanner.release()

    scanner.claim(on_status=lambda _health: None, timeout_s=TIMEOUT_S)
    scanner.arm(hear)
    armed.set()
    assert until(lambda: heard != [])
    assert until(lambda: not any(each.name == "scanner serial:script" for each in threading.enumerate()))
    assert heard == [FIRST]


def test_a_callback_that_raises_leaves_no_label_in_the_log(
    cable: Cable, opened: Callable[..., Till], caplog: pytest.LogCaptureFixture
) -> None:
    till = opened()

    def stumble(label: Label) -> None:
        raise ValueError(label.text)

    till.scanner.arm(stumble)
    cable.send(f"{FIRST}\r".encode())
    assert until(lambda: "ValueError" in caplog.text)
    assert FIRST not in caplog.text
