"""The framer gives the same labels however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_drivers.scanners.framing import MAX_LABEL_BYTES, TERMINATORS, Framer, RawLabel

CONTENT = st.lists(
    st.sampled_from([byte for byte in range(256) if byte not in b"\r\n\t"]), min_size=1, max_size=40
).map(bytes)


def frame(stream: bytes, cuts: list[int], framer: Framer) -> list[RawLabel]:
    labels: list[RawLabel] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        labels += framer.feed(stream[start:end])
    return labels


@pytest.mark.parametrize("terminator", TERMINATORS.values(), ids=TERMINATORS)
@given(contents=st.lists(CONTENT, max_size=6), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_cuts_change_nothing(terminator: bytes, contents: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(content + terminator for content in contents)
    expected = [RawLabel(content) for content in contents]
    assert frame(stream, [], Framer()) == expected
    assert frame(stream, cuts, Framer()) == expected
    assert frame(stream, list(range(len(stream))), Framer()) == expected


@given(contents=st.lists(CONTENT, min_size=1, max_size=6), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_the_prefix_is_taken_off(contents: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(b"\x02" + content + b"\r" for content in contents)
    assert frame(stream, cuts, Framer(prefix=b"\x02")) == [RawLabel(content) for content in contents]


def test_a_label_that_lost_its_prefix_lost_its_beginning() -> None:
    assert Framer(prefix=b"\x02").feed(b"345678901\r\x0212345678901\r") == [
        RawLabel(b"", "NO_PREFIX"),
        RawLabel(b"12345678901"),
    ]


def test_only_the_terminators_that_were_chosen_end_a_label() -> None:
    assert Framer(terminators=b"\r").feed(b"a\tb\r") == [RawLabel(b"a\tb")]


def test_trailing_bytes_wait_for_their_terminator() -> None:
    framer = Framer()
    assert framer.feed(b"a\rb") == [RawLabel(b"a")]
    assert framer.pending
    assert framer.feed(b"\n") == [RawLabel(b"b")]
    assert not framer.pending


@pytest.mark.parametrize("noise", [b"", b"\r", b"\n\n", b"\r\n\t"])
def test_terminators_alone_are_no_label(noise: bytes) -> None:
    framer = Framer()
    assert framer.feed(noise) == []
    assert not framer.pending


def test_the_longest_label_passes_and_one_byte_more_is_damage() -> None:
    framer = Framer()
    assert framer.feed(b"x" * MAX_LABEL_BYTES + b"\r") == [RawLabel(b"x" * MAX_LABEL_BYTES)]
    assert framer.feed(b"x" * (MAX_LABEL_BYTES + 1) + b"\r") == [RawLabel(b"", "TOO_LONG")]
    assert framer.feed(b"after\r") == [RawLabel(b"after")]


def test_a_scanner_that_never_ends_takes_no_memory() -> None:
    framer = Framer()
    for _ in range(100):
        assert framer.feed(b"x" * 1000) == []
    assert len(framer._held) <= MAX_LABEL_BYTES


def test_reset_forgets_the_label_that_has_begun() -> None:
    framer = Framer()
    framer.feed(b"123")
    framer.reset()
    assert not framer.pending
    assert framer.feed(b"456\r") == [RawLabel(b"456")]


def test_a_raw_label_never_shows_its_bytes() -> None:
    assert "12345678901" not in repr(RawLabel(b"12345678901"))
