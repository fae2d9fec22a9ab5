"""A printer behind a device node: a pseudo-terminal answers like `/dev/usb/lp0`, a named pipe only takes."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.device import DeviceLink, open_device
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_drivers.shapes import PrintResult
from cvconnect_sim.links import PtyLink
from cvconnect_sim.printer import Printer
from slips import QUERY, TICKET, TICKET_TEXT, TIMEOUT_S, claimed, slip_texts, took_s


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, PtyLink], None, None]:
    printer = Printer()
    with PtyLink(printer.receive) as link:
        yield printer, link


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "lp0"
    os.mkfifo(path)
    return path


def test_the_ticket_comes_out_and_is_confirmed(counterpart: tuple[Printer, PtyLink]) -> None:
    simulated, link = counterpart
    till = claimed(f"device:{link.path}")
    assert till.check_health().state == "ready"
    assert till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert slip_texts(simulated) == [TICKET_TEXT]


def test_its_state_is_read_where_the_node_allows(counterpart: tuple[Printer, PtyLink]) -> None:
    simulated, link = counterpart
    simulated.set_sensors(cover_open=True)
    result = claimed(f"device:{link.path}").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "COVER_OPEN")


def test_a_node_that_is_only_written_gets_the_ticket_and_is_unknown(pipe: Path) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    results: list[PrintResult] = []
    till = claimed(f"device:{pipe}")
    os.read(reader, 100)
    assert took_s(lambda: results.append(till.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S))) < 1.0
    printer = Printer()
    printer.receive(os.read(reader, 10_000))
    os.close(reader)
    assert [(each.outcome, each.reason) for each in results] == [("unknown", "NO_ANSWER")]
    assert slip_texts(printer) == [TICKET_TEXT]


@pytest.mark.parametrize("only_writing_allowed", [True, False])
def test_a_refused_permission_names_the_group_and_the_udev_rule(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink], only_writing_allowed: bool
) -> None:
    _, link = counterpart
    really = os.open

    def refuse(path: str, flags: int) -> int:
        if path == link.path and not (only_writing_allowed and flags & os.O_WRONLY):
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    if only_writing_allowed:
        open_device(link.path).close()
        return
    with pytest.raises(LinkAbsentError) as refused:
        open_device(link.path)
    for text in (refused.value.fr, refused.value.en):
        assert "lp" in text
        assert 'KERNEL=="lp*"' in text


@pytest.mark.parametrize("number", [errno.EBUSY, errno.ENODEV, errno.EIO])
def test_a_node_that_cannot_be_opened_is_sent_nothing_and_says_why(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink], number: int
) -> None:
    _, link = counterpart

    def refuse(_path: str, _flags: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    result = claimed(f"device:{link.path}").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert result.detail.startswith(link.path)


def test_a_node_that_is_not_there_is_sent_nothing_and_not_made(tmp_path: Path) -> None:
    result = claimed(f"device:{tmp_path / 'lp0'}").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert (result.outcome, result.reason) == ("not_sent", "LINK_ABSENT")
    assert "introuvable" in result.detail
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_device(tmp_path: Path) -> None:
    path = tmp_path / "lp0"
    path.write_bytes(b"")
    result = claimed(f"device:{path}").print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    assert "file:" in result.detail
    assert path.read_bytes() == b""


def test_a_pipe_that_nobody_reads_is_absent(pipe: Path) -> None:
    with pytest.raises(LinkAbsentError) as absent:
        open_device(str(pipe))
    assert "branchée" in absent.value.fr


def test_a_device_that_stops_reading_ends_at_the_deadline_and_nobody_says_how_much_arrived(
    pipe: Path,
) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    link = open_device(str(pipe))

    def write() -> None:
        with pytest.raises(LinkTimeoutError) as late:
            link.write(b"\x00" * 1_000_000, timeout_s=0.3)
        assert late.value.sent_bytes is None

    assert 0.3 <= took_s(write) < 1.0
    with pytest.raises(LinkTimeoutError) as full:
        link.write(b"\x00", timeout_s=0.1)
    assert full.value.sent_bytes == 0
    link.close()
    os.close(reader)


def test_a_device_that_goes_while_it_is_written_is_lost(pipe: Path) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    link = open_device(str(pipe))
    link.write(b"x", timeout_s=1.0)
    os.close(reader)
    with pytest.raises(LinkLostError):
        link.write(b"x", timeout_s=1.0)
    link.close()


def test_a_printer_unplugged_in_mid_ticket_is_unknown() -> None:
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    printer = open_printer(f"device:{os.ttyname(slave)}", {})
    printer._claimed = True

    def answer_and_vanish() -> None:
        for _ in range(4):
            assert os.read(master, 3)[:2] == QUERY
            os.write(master, b"\x12")
        os.read(master, 40)
        os.close(master)

    thread = threading.Thread(target=answer_and_vanish)
    thread.start()
    result = printer.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S)
    thread.join()
    os.close(slave)
    assert (result.outcome, result.reason) == ("unknown", "LINK_LOST")


def answer_reads(monkeypatch: pytest.MonkeyPatch, node: DeviceLink, *answers: bytes | OSError) -> None:
    """Let the node's reads end so, one after another, and then as they do."""
    really, left = os.read, list(answers)

    def read(descriptor: int, length: int) -> bytes:
        if descriptor != node._descriptor or not left:
            return really(descriptor, length)
        answer = left.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(os, "read", read)


def test_a_node_whose_driver_does_not_read_never_answers(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink]
) -> None:
    _, link = counterpart
    node = open_device(link.path)
    answer_reads(monkeypatch, node, OSError(errno.EINVAL, "Invalid argument"))
    node.write(QUERY + b"\x01", timeout_s=1.0)
    for _ in range(2):
        with pytest.raises(LinkTimeoutError):
            node.read(256, timeout_s=TIMEOUT_S)
    node.close()


def test_empty_reads_are_no_answer_and_no_end(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink]
) -> None:
    _, link = counterpart
    node = open_device(link.path)
    answer_reads(monkeypatch, node, b"", b"")
    node.write(QUERY + b"\x01", timeout_s=1.0)
    assert node.read(256, timeout_s=TIMEOUT_S) == b"\x12"
    node.close()


def test_empty_reads_without_end_end_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, counterpart: tuple[Printer, PtyLink]
) -> None:
    _, link = counterpart
    node = open_device(link.path)
    answer_reads(monkeypatch, node, *[b""] * 10_000)
    node.write(QUERY + b"\x01", timeout_s=1.0)

    def read() -> None:
        with pytest.raises(LinkTimeoutError):
            node.read(256, timeout_s=0.2)

    assert took_s(read) < 1.0
    node.close()


def test_a_link_that_was_closed_is_lost(counterpart: tuple[Printer, PtyLink]) -> None:
    _, link = counterpart
    node = open_device(link.path)
    node.close()
    node.close()
    with pytest.raises(LinkLostError):
        node.write(b"x", timeout_s=1.0)
    with pytest.raises(LinkLostError):
        node.read(1, timeout_s=1.0)


def test_where_there_are_no_nodes_another_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_NONBLOCK")
    with pytest.raises(LinkAbsentError) as refused:
        open_device("/dev/usb/lp0")
    assert "usb:" in refused.value.fr
