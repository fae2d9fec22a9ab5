"""Whatever legal interleaving comes, cut and delayed anywhere: what is known of a printer is the truth, or unknown.

The printer here is written by itself, from Epson's tables: it keeps its switches as booleans and knows nothing of the decoder.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvconnect_drivers.printers.commands import (
    EnableAutomaticStatusBack,
    TransmitRealTimeStatus,
    TransmitStatus,
)
from cvconnect_drivers.printers.status import Field, PrinterStatus, StatusDecoder

NAMES = [each.name for each in fields(PrinterStatus)]
QUERY_TIMEOUT_S = 1.0


@dataclass
class Oracle:
    """A printer's switches over time, and the bytes that tell them."""

    on: dict[str, bool]
    history: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.history = {name: [(-1.0, value)] for name, value in self.on.items()}

    def flip(self, name: str, at_s: float) -> None:
        self.on[name] = not self.on[name]
        self.history[name].append((at_s, self.on[name]))

    def was(self, name: str, at_s: float) -> set[bool]:
        """Its values from the second before until then: an answer tells a moment on its way."""
        values = {value for moment, value in self.history[name] if at_s - QUERY_TIMEOUT_S <= moment <= at_s}
        before = [value for moment, value in self.history[name] if moment < at_s - QUERY_TIMEOUT_S]
        return values | set(before[-1:])

    def real_time(self, n: int) -> int:
        on = self.on
        parts = {
            1: (4 if on["drawer_high"] else 0) + (8 if on["offline"] else 0),
            2: (4 if on["cover_open"] else 0)
            + (8 if on["feeding"] else 0)
            + (32 if on["stopped_for_paper"] else 0),
            3: (8 if on["cutter_error"] else 0)
            + (32 if on["unrecoverable_error"] else 0)
            + (64 if on["recoverable_error"] else 0),
            4: (12 if on["paper_near_end"] else 0) + (96 if on["paper_end"] else 0),
        }
        return 18 + parts[n]

    def automatic(self) -> list[int]:
        on = self.on
        return [
            16
            + (4 if on["drawer_high"] else 0)
            + (8 if on["offline"] else 0)
            + (32 if on["cover_open"] else 0)
            + (64 if on["feeding"] else 0),
            (8 if on["cutter_error"] else 0)
            + (32 if on["unrecoverable_error"] else 0)
            + (64 if on["recoverable_error"] else 0),
            (3 if on["paper_near_end"] else 0) + (12 if on["paper_end"] else 0),
            15,
        ]

    def transmitted(self, n: int) -> int:
        if n == 1:
            return (3 if self.on["paper_near_end"] else 0) + (12 if self.on["paper_end"] else 0)
        return 1 if self.on["drawer_high"] else 0


class Wire:
    """Bytes on their way, each with the moment it arrives; in order, but real-time answers and XON/XOFF go in anywhere."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.coming: list[tuple[float, int]] = []

    def send(self, data: list[int], now_s: float) -> None:
        for byte in data:
            earliest = max(now_s, self.coming[-1][0] if self.coming else 0.0)
            self.coming.append((earliest + self.chance.choice([0.0, 0.0, 0.003, 0.2, 1.5]), byte))
            if self.chance.random() < 0.1:
                self.coming.append((self.coming[-1][0], self.chance.choice([0x11, 0x13])))

    def send_within(self, byte: int, now_s: float) -> None:
        """Into the middle of a block that is on its way."""
        late = [at for at, (due_s, _) in enumerate(self.coming) if due_s >= now_s]
        if not late or self.chance.random() < 0.5:
            self.send([byte], now_s)
            return
        at = self.chance.choice(late)
        self.coming.insert(at, (self.coming[at][0], byte))

    def take(self, until_s: float) -> Iterator[tuple[float, bytes]]:
        while self.coming and self.coming[0][0] <= until_s:
            due_s, byte = self.coming.pop(0)
            data = bytes([byte])
            while self.coming and self.coming[0][0] == due_s and self.chance.random() < 0.7:
                data += bytes([self.coming.pop(0)[1]])
            yield due_s, data


def assert_true_or_unknown(status: PrinterStatus, oracle: Oracle, now_s: float) -> None:
    for name in NAMES:
        told: Field = getattr(status, name)
        if told.value is None:
            assert told.why_unknown is not None
        else:
            assert told.why_unknown is None
            assert told.at_s is not None
            assert told.at_s <= now_s
            assert told.value in oracle.was(name, told.at_s), name


def run(seed: int, *, automatic_by: str) -> StatusDecoder:
    """Play a day of one link: the printer changes, sends by itself if somebody asked for it, and is asked."""
    chance = random.Random(seed)
    oracle = Oracle({name: chance.random() < 0.4 for name in NAMES})
    wire, decoder, now_s = Wire(chance), StatusDecoder(), 0.0
    if automatic_by == "us":
        decoder.ask(EnableAutomaticStatusBack(0x0F), now_s)
    sends = automatic_by != "nobody"
    for _ in range(chance.randint(1, 12)):
        now_s += chance.choice([0.0, 0.01, 0.5, 3.0])
        match chance.choice(["change", "automatic", "process id", "ask", "ask"]):
            case "change":
                oracle.flip(chance.choice(NAMES), now_s)
            case "automatic" if sends:
                # What tells itself late tells the past; that is what `was` allows for, and no more.
                wire.coming = [(min(due_s, now_s), byte) for due_s, byte in wire.coming]
                wire.send(oracle.automatic(), now_s)
                wire.coming = [(min(due_s, now_s + 0.9), byte) for due_s, byte in wire.coming]
            case "process id":
                wire.send([0x37, 0x22, *(0x40 + chance.randrange(16) for _ in range(4)), 0x00], now_s)
            case "ask":
                now_s = ask(decoder, oracle, wire, chance, now_s)
            case _:
                pass
        for due_s, data in wire.take(now_s):
            decoder.feed(data, due_s)
        assert_true_or_unknown(decoder.status, oracle, now_s)
    return decoder


def ask(decoder: StatusDecoder, oracle: Oracle, wire: Wire, chance: random.Random, now_s: float) -> float:
    for due_s, data in wire.take(now_s):
        decoder.feed(data, due_s)
    query = TransmitRealTimeStatus(chance.choice([1, 2, 3, 4]))
    if not decoder.ask(query, now_s):
        return now_s
    if chance.random() < 0.9:
        wire.send_within(oracle.real_time(query.n), now_s)
    until_s = now_s + QUERY_TIMEOUT_S
    for due_s, data in wire.take(until_s):
        decoder.feed(data, due_s)
        now_s = due_s
        if decoder.has_candidate:
            until_s = due_s + 0.01
            for later_s, more in wire.take(until_s):
                decoder.feed(more, later_s)
            break
    decoder.end(until_s)
    return until_s


@given(st.integers(0, 2**32), st.sampled_from(["nobody", "us", "another program"]))
@settings(max_examples=400, deadline=None)
def test_what_is_known_is_true_however_answers_are_mixed_cut_and_delayed(
    seed: int, automatic_by: str
) -> None:
    run(seed, automatic_by=automatic_by)


def test_the_days_that_are_played_tell_something() -> None:
    told = dict.fromkeys(["nobody", "us", "another program"], 0)
    for automatic_by in told:
        for seed in range(200):
            status = run(seed, automatic_by=automatic_by).status
            told[automatic_by] += sum(getattr(status, name).value is not None for name in NAMES)
    assert all(count > 200 for count in told.values()), told


@given(st.sampled_from([1, 2]), st.booleans(), st.booleans(), st.booleans())
def test_gs_r_tells_the_truth_while_nothing_is_sent_automatically(
    n: int, near: bool, end: bool, drawer: bool
) -> None:
    oracle = Oracle(
        dict.fromkeys(NAMES, False) | {"paper_near_end": near, "paper_end": end, "drawer_high": drawer}
    )
    decoder = StatusDecoder()
    assert decoder.ask(TransmitStatus(n), 1.0)
    decoder.feed(b"\x11" + bytes([oracle.transmitted(n)]), 1.5)
    assert decoder.end(1.6) is not None
    assert_true_or_unknown(decoder.status, oracle, 1.6)
    known = {name for name in NAMES if getattr(decoder.status, name).value is not None}
    assert known == ({"paper_near_end", "paper_end"} if n == 1 else {"drawer_high"})


@given(st.binary(min_size=4, max_size=4).map(lambda data: bytes([0x10, *(byte & 0x6F for byte in data[1:])])))
def test_gs_r_is_never_mixed_with_automatic_status(block: bytes) -> None:
    ours = StatusDecoder()
    ours.ask(EnableAutomaticStatusBack(1), 0.0)
    assert not ours.ask(TransmitStatus(1), 0.0)
    theirs = StatusDecoder()
    assert theirs.ask(TransmitStatus(1), 0.0)
    theirs.feed(block + b"\x00", 0.1)
    assert theirs.end(0.2) is None
    assert theirs.status.paper_end == Field(None, 0.2, "noise")


@given(st.binary(min_size=1, max_size=40), st.sampled_from([1, 2, 3, 4]), st.booleans())
def test_garbage_that_fails_the_fixed_bits_is_never_a_status(data: bytes, n: int, automatic: bool) -> None:
    garbage = bytes(byte for byte in data if byte & 0x93 not in {0x10, 0x12})
    decoder = StatusDecoder()
    if automatic:
        decoder.ask(EnableAutomaticStatusBack(0x0F), 0.0)
    decoder.ask(TransmitRealTimeStatus(n), 0.0)
    decoder.feed(garbage, 0.1)
    assert decoder.end(0.2) is None
    assert all(getattr(decoder.status, name).value is None for name in NAMES)


@given(st.binary(min_size=2, max_size=40), st.sampled_from([1, 2, 3, 4]))
def test_an_answer_among_garbage_is_none(data: bytes, n: int) -> None:
    alone = bytes(byte for byte in data if byte not in b"\x11\x13")
    decoder = StatusDecoder()
    decoder.ask(TransmitRealTimeStatus(n), 0.0)
    decoder.feed(data, 0.1)
    if any(byte & 0x93 not in {0x10, 0x12} and byte & 0x90 for byte in alone):
        assert decoder.end(0.2) is None


def test_bytes_that_nobody_asked_for_tell_nothing() -> None:
    decoder = StatusDecoder()
    decoder.feed(b"\x1a\x32\x10\x0c\x00\x00", 0.0)
    assert decoder.status == PrinterStatus()


def test_a_field_says_why_it_is_unknown_and_how_old_it_is() -> None:
    decoder = StatusDecoder()
    assert decoder.status.offline == Field(None, None, "not_asked")
    assert decoder.status.offline.age_s(9.0) is None
    decoder.ask(TransmitRealTimeStatus(1), 1.0)
    decoder.feed(b"\x1a", 1.2)
    assert decoder.end(1.25) == 0x1A
    assert decoder.status.offline == Field(True, 1.25, None)
    decoder.ask(TransmitRealTimeStatus(2), 2.0)
    assert decoder.end(3.0) is None
    assert decoder.status.cover_open == Field(None, 3.0, "no_answer")
    assert decoder.status.offline.age_s(11.25) == pytest.approx(10.0)
    assert decoder.status.oldest_s(11.25) == pytest.approx(10.0)


def test_after_a_question_without_answer_no_other_is_asked_and_a_late_answer_tells_nothing() -> None:
    decoder = StatusDecoder()
    decoder.ask(TransmitRealTimeStatus(1), 0.0)
    decoder.end(1.0)
    assert not decoder.ask(TransmitRealTimeStatus(2), 1.1)
    decoder.feed(b"\x16", 1.2)
    assert decoder.end(2.0) is None
    assert decoder.status.cover_open == Field(None, 1.1, "no_answer")


def test_a_question_that_is_left_open_ends_with_the_next() -> None:
    decoder = StatusDecoder()
    decoder.ask(TransmitRealTimeStatus(1), 0.0)
    assert not decoder.ask(TransmitRealTimeStatus(2), 1.0)
    assert decoder.status.offline == Field(None, 1.0, "no_answer")
