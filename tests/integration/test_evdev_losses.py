"""A keyboard scanner on Linux: what the kernel drops, and what is unplugged."""

from __future__ import annotations

import errno
import os
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("evdev exists on Linux only", allow_module_level=True)

from cvconnect_drivers.errors import LinkLostError
from cvconnect_drivers.scanners.framing import RawLabel
from evdev_bench import FIRST, SECOND, Reader
from fake_input import (
    DIGITS,
    ENTER,
    EV_SYN,
    SHIFT,
    SYN_DROPPED,
    Node,
    event,
)

STREAM = [(code, value) for code in [*map(DIGITS.__getitem__, FIRST), ENTER] for value in (1, 0)]


@pytest.mark.parametrize("lost", [1, 2, 7])
@pytest.mark.parametrize("at", range(len(STREAM)))
def test_events_that_the_kernel_dropped_never_shorten_a_label(
    reader: Reader, node: Node, at: int, lost: int
) -> None:
    for code, value in STREAM[:at]:
        node.press(code, value)
    told = reader.read()
    for code, value in STREAM[at : at + lost]:
        (node.held.add if value else node.held.discard)(code)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0) + event(node.tick(), EV_SYN, 0, 0))
    told += reader.read()
    for code, value in STREAM[at + lost :]:
        node.press(code, value)
    told += reader.read()
    assert told in ([], ["TORN"], [FIRST], [FIRST, "TORN"]), told
    assert (FIRST in told) == (at > len(STREAM) - 2)
    node.pause(1.0)
    node.type(SECOND)
    assert reader.read()[-1] == SECOND


def test_what_was_read_together_with_a_loss_is_older_than_the_state_that_is_asked_for(
    reader: Reader, node: Node
) -> None:
    node.type(FIRST[:3], end=None)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0))
    node.type(f"{FIRST[5:]}")
    node.type(SECOND[:4], end=None)
    told = reader.read()
    node.type(SECOND[6:])
    assert told + reader.read() == ["TORN"]


def test_a_shift_that_is_held_after_a_loss_is_known(reader: Reader, node: Node) -> None:
    node.press(SHIFT, 1)
    node.send(event(node.tick(), EV_SYN, SYN_DROPPED, 0))
    reader.read()
    node.pause(1.0)
    node.type("a")
    assert reader.read() == ["A"]


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_a_device_that_leaves_after_any_event_is_told_with_what_had_begun(
    reader: Reader, node: Node, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, value in STREAM[:at]:
        node.press(code, value)
    real = os.read

    def read(file: int, size: int) -> bytes:
        try:
            return real(file, size)
        except BlockingIOError:
            raise OSError(errno.ENODEV, "No such device") from None

    monkeypatch.setattr("cvconnect_drivers.scanners.evdev_source.os.read", read)
    labels: list[RawLabel] = []
    labels += reader.source.read(timeout_s=0) if at >= len(STREAM) - 1 else []
    node.send(event(node.tick(), EV_SYN, 0, 0))
    with pytest.raises(LinkLostError) as lost:
        reader.source.read(timeout_s=0)
    assert [label.data.decode() for label in labels] == ([FIRST] if at >= len(STREAM) - 1 else [])
    assert reader.source.pending is (1 <= at < len(STREAM) - 1)
    assert FIRST[:3] not in f"{lost.value} {lost.value.text()} {lost.value!r}"
