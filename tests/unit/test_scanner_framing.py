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


@pytest.mark.parametrize("prefix", [b"", b"\x02", b"<<"])
@pytest.mark.parametrize("suffix", [b"", b"\x03", b"\r\n", b"##\r\n"])
@pytest.mark.parametrize("step", [1, 7, 5000])
def test_the_longest_label_passes_with_all_that_stands_around_it(
    prefix: bytes, suffix: bytes, step: int
) -> None:
    framer = Framer(prefix=prefix, suffix=suffix)
    whole, more = (prefix + b"x" * (MAX_LABEL_BYTES + over) + (suffix or b"\r") for over in (0, 1))
    stream = whole + more + whole
    labels = [label for at in range(0, len(stream), step) for label in framer.feed(stream[at : at + step])]
    longest = RawLabel(b"x" * MAX_LABEL_BYTES)
    assert labels == [longest, RawLabel(b"", "TOO_LONG"), longest]


@pytest.mark.parametrize("suffix", [b"", b"\x03", b"##\r\n"])
def test_a_scanner_that_never_ends_takes_no_memory(suffix: bytes) -> None:
    framer = Framer(suffix=suffix)
    for _ in range(100):
        assert framer.feed(b"x" * 1000) == []
    assert len(framer._held) <= MAX_LABEL_BYTES + len(suffix)
    assert framer.pending
    assert framer.feed((suffix or b"\r") + b"after" + (suffix or b"\r")) == [
        RawLabel(b"", "TOO_LONG"),
        RawLabel(b"after"),
    ]


SUFFIXES = [b"\x03", b"\r\n", b"\x03\r", b"#\r\n", b"END", b"aab", b"aa"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(
    contents=st.lists(st.binary(min_size=1, max_size=20), max_size=6),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_only_the_whole_suffix_ends_a_label(suffix: bytes, contents: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(content + suffix for content in contents)
    expected = [RawLabel(part) for part in stream.split(suffix)[:-1] if part]
    assert frame(stream, [], Framer(suffix=suffix)) == expected
    assert frame(stream, cuts, Framer(suffix=suffix)) == expected
    assert frame(stream, list(range(len(stream))), Framer(suffix=suffix)) == expected


def test_between_stx_and_etx_stands_the_label() -> None:
    framer = Framer(prefix=b"\x02", suffix=b"\x03")
    assert framer.feed(b"\x0212345678901\x03\x021\r2\x03") == [RawLabel(b"12345678901"), RawLabel(b"1\r2")]
    assert framer.feed(b"678901\x03") == [RawLabel(b"", "NO_PREFIX")]
    assert framer.feed(b"\x021234\x0212345678901\x03") == [RawLabel(b"1234\x0212345678901")]


@given(
    stream=st.binary(max_size=3000),
    cuts=st.lists(st.integers(0, 3000), max_size=8),
    terminators=st.binary(max_size=3),
    prefix=st.binary(max_size=3),
    suffix=st.binary(max_size=4),
)
def test_no_bytes_make_it_fail_or_grow(
    stream: bytes, cuts: list[int], terminators: bytes, prefix: bytes, suffix: bytes
) -> None:
    framer = Framer(terminators=terminators, prefix=prefix, suffix=suffix)
    labels = frame(stream, cuts, framer)
    assert labels == frame(stream, [], Framer(terminators=terminators, prefix=prefix, suffix=suffix))
    assert all(len(label.data) <= MAX_LABEL_BYTES for label in labels)
    assert len(framer._held) <= MAX_LABEL_BYTES + len(prefix) + len(suffix) + 1


def test_reset_forgets_the_label_that_has_begun() -> None:
    framer = Framer()
    framer.feed(b"123")
    framer.reset()
    assert not framer.pending
    assert framer.feed(b"456\r") == [RawLabel(b"456")]


def test_a_raw_label_never_shows_its_bytes() -> None:
    assert "12345678901" not in repr(RawLabel(b"12345678901"))
