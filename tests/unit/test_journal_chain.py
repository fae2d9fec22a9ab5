"""The hash chain: known hashes, and the first break named whatever was done to the entries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos.journal.chain import GENESIS, Break, Fault, Link, entry_hash, first_break, is_whole
from cvconnect_pos.journal.head import SLOT_SIZE, Head, read_slots, slot

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "chain.json"


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for seq in range(1, length + 1):
        fields = (
            f"r{seq % 3}",
            "2026-11-21T13:05:00.000000+00:00",
            "PENDING",
            "SHOWING",
            f'{{"n":{seq}}}',
            b"",
        )
        links.append(Link(seq, *fields, previous, entry_hash(previous, seq, *fields)))
        previous = links[-1].hash
    return links


def renumbered(links: list[Link]) -> list[Link]:
    return [replace(link, seq=place) for place, link in enumerate(links, 1)]


def rehashed(link: Link) -> Link:
    fields = (link.request_id, link.at, link.kind, link.state, link.data, link.commitment)
    return replace(link, hash=entry_hash(link.previous, link.seq, *fields))


def test_the_hashes_are_those_of_sha256sum() -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert len(vectors) == 2
    for vector in vectors:
        for name in ("commitment", "previous", "hash"):
            vector[name] = bytes.fromhex(vector[name])
    links = [Link(**vector) for vector in vectors]
    assert all(is_whole(link) for link in links)
    assert first_break(links) is None


def test_a_chain_holds_from_the_start_and_from_any_place() -> None:
    links = chain(9)
    assert first_break(links) is None
    assert first_break([]) is None
    assert first_break(links[4:], seq=5, previous=links[3].hash) is None


def change(links: list[Link]) -> list[Link]:
    return [*links[:3], replace(links[3], data='{"n":0}'), *links[4:]]


def rewrite(links: list[Link]) -> list[Link]:
    return [*links[:3], rehashed(replace(links[3], data='{"n":0}')), *links[4:]]


def drop(links: list[Link]) -> list[Link]:
    return links[:3] + links[4:]


def drop_and_renumber(links: list[Link]) -> list[Link]:
    return renumbered(drop(links))


def swap(links: list[Link]) -> list[Link]:
    return renumbered([*links[:3], links[4], links[3], *links[5:]])


def swap_far(links: list[Link]) -> list[Link]:
    return renumbered([*links[:3], links[8], *links[4:8], links[3], *links[9:]])


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (change, Fault.CHANGED),
        (rewrite, Fault.CHANGED),
        (drop, Fault.MISSING),
        (drop_and_renumber, Fault.MISSING),
        (swap, Fault.REORDERED),
        (swap_far, Fault.REORDERED),
    ],
)
def test_the_first_break_is_named_with_its_kind(
    harm: Callable[[list[Link]], list[Link]], fault: Fault
) -> None:
    assert first_break(harm(chain(12))) == Break(4, fault)


def test_entries_before_the_first_cannot_go_unseen() -> None:
    links = chain(5)
    assert first_break(links[2:]) == Break(1, Fault.MISSING)
    assert first_break(renumbered(links[2:])) == Break(1, Fault.MISSING)


@given(
    place=st.integers(0, 7),
    field=st.sampled_from(["request_id", "at", "kind", "state", "data", "commitment", "previous", "hash"]),
)
def test_no_field_can_be_changed(place: int, field: str) -> None:
    links = chain(8)
    old = getattr(links[place], field)
    new = old + (b"x" if isinstance(old, bytes) else "x")
    links[place] = replace(links[place], **{field: new})
    assert first_break(links) is not None


def test_fields_cannot_run_into_each_other() -> None:
    assert entry_hash(GENESIS, 1, "ab", "c", "", "", "", b"") != entry_hash(
        GENESIS, 1, "a", "bc", "", "", "", b""
    )
    assert entry_hash(GENESIS, 1, "a,1:b", "", "", "", "", b"") != entry_hash(
        GENESIS, 1, "a", "b", "", "", "", b""
    )


# --- the head ------------------------------------------------------------------------------------------------------


def head(seq: int) -> Head:
    return Head(seq, bytes([seq]) * 32)


def slots(even: Head, odd: Head) -> bytes:
    return slot(even).ljust(SLOT_SIZE, b" ") + slot(odd).ljust(SLOT_SIZE, b" ")


def test_the_newest_head_is_read() -> None:
    assert read_slots(slots(head(8), head(7))) == head(8)
    assert read_slots(slots(head(8), head(9))) == head(9)


@given(st.integers(0, len(slot(head(9))) - 2))
def test_a_torn_head_leaves_the_one_before(cut: int) -> None:
    new, old = slot(head(9)), slot(head(7))
    content = slots(head(8), head(7))
    whole = content[:SLOT_SIZE] + new[:cut] + old[cut:] + content[SLOT_SIZE + len(new) :]
    assert read_slots(whole) in {head(8), head(9)}
    blank = content[:SLOT_SIZE] + new[:cut] + bytes(SLOT_SIZE - cut)
    assert read_slots(blank) == head(8)


@pytest.mark.parametrize("content", [b"", b"\0" * 1024, b"x" * 1024, b"\xff \n" * 300])
def test_a_head_that_cannot_be_read_is_none(content: bytes) -> None:
    assert read_slots(content) is None
