"""The power goes at every moment of a short run of two tills on one journal: whatever was told to be written is there, and nothing is half there.

A file system of our own under SQLite notes every write and every sync. From these the disks are made that a power cut
may leave: what was synced is there, and of what was not, all, nothing, any part, or a torn piece. Each of these disks
is opened again with the journal as it ships. Not modelled: a disk that says it synced and did not, and file names
that are lost with their folder.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from cvconnect_pos import Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal.head import SLOT_SIZE
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
SECTOR = 512
CHECKPOINT_PAGES = 12
"""So few that the write-ahead log is brought into the file, and begun anew, several times in a short run."""

Write = tuple[int, bytes | None]
"""Where, and what; None cuts the file there."""


def nothing(_: list[Write]) -> list[Write]:
    """Lose all that was not synced."""
    return []


@dataclass(slots=True)
class Disk:
    """The files of a disk: what is durable, and what was written since."""

    durable: dict[str, bytes] = field(default_factory=dict[str, bytes])
    pending: dict[str, list[Write]] = field(default_factory=dict[str, Any])

    def write(self, name: str, offset: int, data: bytes | None) -> None:
        """Write, or cut the file at the offset."""
        self.pending.setdefault(name, []).append((offset, data))

    def sync(self, name: str) -> None:
        self.durable[name] = played(self.durable.get(name, b""), self.pending.pop(name, []))

    def drop(self, name: str) -> None:
        self.durable.pop(name, None)
        self.pending.pop(name, None)

    def crashes(self, chance: random.Random) -> Iterator[dict[str, bytes]]:
        """Make the disks that a power cut at this moment may leave."""
        yield self._left(nothing)
        if self.pending:
            yield self._left(list[Write])
            yield self._left(lambda writes: writes[: len(writes) // 2])
            yield self._left(lambda writes: [one for one in writes if chance.random() < 0.5])
            yield self._left(lambda writes: [torn(one, chance) for one in writes])

    def _left(self, kept: Callable[[list[Write]], list[Write]]) -> dict[str, bytes]:
        names = self.durable.keys() | self.pending.keys()
        return {name: played(self.durable.get(name, b""), kept(self.pending.get(name, []))) for name in names}


def played(content: bytes, writes: list[Write]) -> bytes:
    """Carry out writes."""
    result = bytearray(content)
    for offset, data in writes:
        if data is None:
            del result[offset:]
        else:
            result.extend(bytes(max(offset - len(result), 0)))
            result[offset : offset + len(data)] = data
    return bytes(result)


def torn(one: Write, chance: random.Random) -> Write:
    """Keep some whole sectors of a write, from its start."""
    offset, data = one
    return (offset, data and data[: chance.randrange(len(data) // SECTOR + 1) * SECTOR])


class PowerVfs(apsw.VFS):
    """SQLite's own file system; notes what a disk is told, and when it is told to keep it."""

    def __init__(self, disk: Disk, at_sync: Callable[[], None]) -> None:
        super().__init__("power", "")
        self.disk = disk
        self.at_sync = at_sync

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        return PowerFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.disk.drop(Path(filename).name)


class PowerFile(apsw.VFSFile):
    """One file on it."""

    def __init__(self, vfs: PowerVfs, name: Any, flags: Any) -> None:
        super().__init__("", name, flags)
        self.vfs = vfs
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.name = Path(path).name if path else ""

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        if self.name:
            self.vfs.disk.write(self.name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        if self.name:
            self.vfs.disk.write(self.name, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.vfs.at_sync()
        super().xSync(flags)
        if self.name:
            self.vfs.disk.sync(self.name)
        self.vfs.at_sync()


@dataclass(frozen=True, slots=True)
class Image:
    """A disk after a power cut, and what the journal had told by then."""

    files: dict[str, bytes]
    told: int
    begun: int
    identifier: bool


class Run:
    """A short life of a journal, in which the power goes at every sync."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.path = folder / "journal.db"
        self.disk, self.chance = Disk(), chance
        self.told, self.begun, self.identifier = 0, 0, False
        self.heads: list[bytes] = []
        self.images: list[Image] = []
        self.syncs = 0

    def crash(self) -> None:
        """Keep every disk that a power cut now may leave; its head is any that was written, for none was synced."""
        self.syncs += 1
        head = self.path.with_name("journal.db.head")
        if head.exists():
            self.heads.append(head.read_bytes())
        keys = self.path.with_name("journal.db.keys")
        for files in self.disk.crashes(self.chance):
            if self.heads:
                files[head.name] = self._head()
            if keys.exists():
                files[keys.name] = keys.read_bytes()
            self.images.append(Image(files, self.told, self.begun, self.identifier))

    def _head(self) -> bytes:
        """An older head, the newest, or the newest with its last slot torn."""
        content = self.chance.choice(self.heads[-4:])
        if self.chance.random() < 0.3:
            start = self.told % 2 * SLOT_SIZE
            cut = start + self.chance.randrange(90)
            return content[:cut] + bytes(start + SLOT_SIZE - cut) + content[start + SLOT_SIZE :]
        return content

    def live(self) -> None:
        tills = [SqliteJournal(self.path) for _ in range(2)]
        for journal in tills:
            assert journal._connection is not None
            journal._connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        for number in range(4):
            journal, other = tills[number % 2], tills[1 - number % 2]
            order = Order(f"r{number}", 4550, f"B{number}", Way.SCAN)
            journal.begin(order, f"pay{number}", NOW, simulation=True)
            self._tell()
            self.begun += 1
            assert journal.lease(order.request_id, until_s=100.0, now_s=10.0)
            named = {"beneficiary": "10*****3051"}
            journal.append(
                order.request_id, NOW, "IDENTIFIED", State.IDENTIFYING, named, identifier="10000003051"
            )
            self._tell()
            self.identifier = True
            for kind, state, data in (
                ("PAID", State.APPROVED, {"received_cents": 3000, "reason": "x" * 3000}),
                (ACKNOWLEDGED, State.APPROVED, {"acknowledged": True}),
            ):
                other.append(order.request_id, NOW, kind, state, data, after=self.told)
                self._tell()
        tills[0].close_day(date(2026, 11, 21), NOW)
        self._tell()
        for journal in tills:
            journal.close()
        self.crash()

    def _tell(self) -> None:
        self.told += 1
        self.crash()


def test_a_power_cut_at_any_sync_loses_nothing_that_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    run = Run(folder, random.Random(20261121))
    vfs = PowerVfs(run.disk, run.crash)
    real = apsw.Connection
    with monkeypatch.context() as patched:

        def connect(name: str) -> apsw.Connection:
            return real(name, vfs="power")

        patched.setattr(apsw, "Connection", connect)
        run.live()
    vfs.unregister()
    assert run.syncs > 40
    assert len(run.images) > 100
    untold_lost = 0
    for number, image in enumerate(run.images):
        after = tmp_path / f"{number}"
        after.mkdir()
        for name, content in image.files.items():
            (after / name).write_bytes(content)
            (after / name).chmod(0o600)
        journal = SqliteJournal(after / "journal.db")
        assert journal.lease("r0", until_s=50.0, now_s=1.0), number  # whoever had it is gone
        if image.identifier:
            assert journal.identifier("r0") == "10000003051"
        journal.close()
        report = verify(after / "journal.db")
        assert report.findings == [], number
        assert image.told <= report.entries <= image.told + 1, number
        assert image.begun <= report.attempts <= image.begun + 1, number
        untold_lost += report.entries == image.told
    assert untold_lost, "no image lost what was not synced: the disk models nothing"
