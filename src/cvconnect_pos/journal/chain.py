"""The hash chain of the entries: pure. Whoever changes, drops or moves an entry breaks it, and the first break is named.

The hash of an entry is SHA-256 over its fields, each written as a netstring (`5:hello,`), in this order: the name of
the algorithm, the previous entry's hash, `seq` in decimal, `request_id`, `at`, `kind`, `state`, `data` (the JSON text
as it is stored), and the commitment to a customer identifier, or nothing. The first entry's previous hash is 32 zero
bytes. Texts are UTF-8. No field can run into the next, so no two entries have the same bytes.

Source: NIST FIPS 180-4 (SHA-256); D. J. Bernstein, "Netstrings" (1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

ALGORITHM = b"cvconnect-journal-1"
GENESIS = bytes(32)
"""What the first entry follows."""

_FURTHEST_MOVE = 10_000
"""How many lost entries a renumbered one is still recognised behind."""


class Fault(StrEnum):
    """What is wrong with an entry."""

    CHANGED = "CHANGED"  # it is not what was written
    MISSING = "MISSING"  # it was written, and is not there
    REORDERED = "REORDERED"  # another entry stands in its place
    CUT = "CUT"  # it and all that followed it are gone: an older copy, or a cut file


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as the file has it.

    Args:
        seq: Its place, from 1.
        request_id: The attempt, or what is closed.
        at: When (UTC, ISO 8601).
        kind: What happened.
        state: The attempt's state from here on.
        data: What became known, as JSON text.
        commitment: To the customer identifier that came with it; empty for none.
        previous: The hash of the entry before.
        hash: Its own.
    """

    seq: int
    request_id: str
    at: str
    kind: str
    state: str
    data: str
    commitment: bytes
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry that is not as it was written.

    Args:
        seq: Its place.
        fault: What is wrong.
    """

    seq: int
    fault: Fault


def netstrings(*fields: bytes) -> bytes:
    """Write fields so that none can run into the next."""
    return b"".join([b"%d:%b," % (len(field), field) for field in fields])


def entry_hash(  # noqa: PLR0917 - the fields of an entry, in the order in which they are hashed
    previous: bytes, seq: int, request_id: str, at: str, kind: str, state: str, data: str, commitment: bytes
) -> bytes:
    """Hash one entry.

    Args:
        previous: The hash of the entry before, 32 bytes.
        seq: Its place, from 1.
        request_id: See `Link`.
        at: See `Link`.
        kind: See `Link`.
        state: See `Link`.
        data: See `Link`.
        commitment: See `Link`.

    Returns:
        32 bytes.
    """
    texts = [text.encode() for text in (request_id, at, kind, state, data)]
    return hashlib.sha256(netstrings(ALGORITHM, previous, b"%d" % seq, *texts, commitment)).digest()


def is_whole(link: Link, *, seq: int | None = None) -> bool:
    """Whether an entry is what was written, at its place or at another. A field of another type never is."""
    place = link.seq if seq is None else seq
    fields = (link.request_id, link.at, link.kind, link.state, link.data, link.commitment)
    try:
        return entry_hash(link.previous, place, *fields) == link.hash
    except (AttributeError, TypeError, ValueError):  # nothing where a text was, or a text that is not UTF-8
        return False


def first_break(links: Iterable[Link], *, seq: int = 1, previous: bytes = GENESIS) -> Break | None:
    """Find the first entry that is not as it was written.

    Args:
        links: The entries by `seq`, from the first or from any place.
        seq: The place of the first of them.
        previous: The hash of the one before.

    Returns:
        The break, or None when the chain holds.
    """
    rest = iter(links)
    for link in rest:
        if link.seq != seq:
            return Break(seq, Fault.MISSING)
        if link.previous != previous or not is_whole(link):
            return _judge(link, rest)
        seq, previous = seq + 1, link.hash
    return None


def _judge(link: Link, rest: Iterator[Link]) -> Break:
    if is_whole(link):  # so it is the one before that was written anew, its hash too
        return Break(link.seq - 1, Fault.CHANGED) if link.seq > 1 else Break(1, Fault.MISSING)
    later = [other.hash for other in rest]
    places = range(link.seq + 1, link.seq + len(later) + _FURTHEST_MOVE)
    if not any(is_whole(link, seq=place) for place in places):
        return Break(link.seq, Fault.CHANGED)
    return Break(link.seq, Fault.REORDERED if link.previous in later else Fault.MISSING)
