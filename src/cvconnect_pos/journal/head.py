"""The newest hash, outside the journal's file: whoever puts an older file back, or cuts its tail, is noticed at open.

The order is: the journal's transaction is committed and on the disk, then the head is written. The head is not synced:
a crash may leave an older one, never a newer one, for a newer one is not even handed to the operating system before
its entry is durable. So at open

* a head that names an entry which the journal has, with the same hash, is right, however many entries follow it;
* a head that names an entry which the journal does not have can only mean that the journal went back.

Several processes may write it, so each locks it, reads it, and leaves it when a newer entry is named: it never goes back.

Two slots are written in turn, each within one sector and with a checksum: a torn write spoils one, and the other one
still tells of the entry before. The file is text, so that a person can read it.
"""

from __future__ import annotations

import logging
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cvconnect_pos.journal.chain import GENESIS
from cvconnect_pos.journal.host import lock, unlock

_log = logging.getLogger("cvconnect_pos")

SLOT_SIZE = 512
"""The smallest sector of a disk, which is written as a whole."""


_PATIENCE_S = 0.02
"""How long a writer waits for another one, which needs microseconds; then the head lags until the next entry."""


class Head(NamedTuple):
    """The newest entry: its place (0 for none) and its hash."""

    seq: int
    hash: bytes


NOTHING = Head(0, GENESIS)
"""The head of a journal without entries."""


def slot(head: Head) -> bytes:
    """Write a head as one slot: place, hash, checksum, a line end."""
    text = f"{head.seq:020d} {head.hash.hex()}"
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def read_slots(content: bytes) -> Head | None:
    """Find the newest head that is whole.

    Args:
        content: The file.

    Returns:
        The head, or None when no slot can be read.
    """
    heads: list[Head] = []
    for start in (0, SLOT_SIZE):
        text, _, check = content[start : start + SLOT_SIZE].partition(b"\n")[0].rpartition(b" ")
        with suppress(ValueError):
            if int(check, 16) == zlib.crc32(text):
                seq, _, digest = text.decode().partition(" ")
                heads.append(Head(int(seq), bytes.fromhex(digest)))
    return max(heads, default=None)


class HeadFile:
    """The file, open for as long as the journal is.

    Args:
        path: An existing head file; see `write_head_file`. One that cannot be written is left to lag.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO | None = None
        self._slots: list[bytes] = []
        self._heads: list[Head] = []
        self._failed = False
        try:
            self._file = path.open("r+b", buffering=0)
        except OSError as error:
            self._tell(error)

    def write(self, head: Head) -> None:
        """Note the newest entry, unless another process has noted a newer one.

        A failure is logged, not raised: the entry itself is written, and the head may lag.
        """
        self._change(head, both=False)

    def refresh(self, head: Head) -> None:
        """Bring a head that lags up to date, both slots of it: the newer one last, when the other one is on the disk."""
        self._change(head, both=True)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _change(self, head: Head, *, both: bool) -> None:
        if self._file is None:
            return
        descriptor = self._file.fileno()
        try:
            if not lock(descriptor, timeout_s=_PATIENCE_S):
                return  # one that stands still must not stop the others
            try:
                self._put(self._file, head, both=both)
            finally:
                unlock(descriptor)
        except OSError as error:
            self._tell(error)

    def _put(self, file: BinaryIO, head: Head, *, both: bool) -> None:
        file.seek(0)
        slots = [file.read(SLOT_SIZE), file.read(SLOT_SIZE)]
        if slots != self._slots:  # what we left there ourselves is known
            self._slots, self._heads = slots, [read_slots(one) or NOTHING for one in slots]
        if max(self._heads).seq > head.seq or self._heads == [head, head]:
            return
        older = 1 if self._heads[0] >= self._heads[1] else 0
        content = slot(head).ljust(SLOT_SIZE)
        for place in (older, 1 - older) if both else (older,):
            file.seek(place * SLOT_SIZE)
            file.write(content)
            self._slots[place], self._heads[place] = content, head
            if both:
                os.fsync(file.fileno())

    def _tell(self, error: OSError) -> None:
        if not self._failed:
            _log.warning("the journal's head was not written: %s", error.strerror)
        self._failed = True


def read_head_file(path: Path) -> Head | None:
    """Read a head file; None when it is missing or unreadable."""
    try:
        return read_slots(path.read_bytes())
    except FileNotFoundError:
        return None


def write_head_file(path: Path, head: Head) -> None:
    """Make or replace a head file, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, slot(head).ljust(SLOT_SIZE, b" ") * 2)


def replace_file(path: Path, content: bytes) -> None:
    """Put a small file in place whole, readable by its owner alone, on the disk when this returns.

    Args:
        path: The file.
        content: All of it.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    if os.name == "posix":  # elsewhere a folder cannot be synced, nor need it be
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
