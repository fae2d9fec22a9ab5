"""What the journal knows of its host: the file system, locks, who has it open, whose lease is free."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import JournalError
from cvconnect_pos.journal import file, head, host
from cvconnect_pos.journal.head import Head, HeadFile, read_head_file, write_head_file
from cvconnect_pos.journal.host import boot_id, is_locked, lock, try_lock, unlock
from cvconnect_pos.journal.leases import LONGEST_S, Lease
from cvconnect_pos.journal.mounts import NETWORK, type_of
from cvconnect_pos.journal.owners import Owners
from cvconnect_pos.journal.sqlite import SqliteJournal

MOUNTS = r"""
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:41 / /srv/till rw,relatime shared:7 master:1 - nfs4 10.0.0.1:/till rw,vers=4.2
41 27 0:42 / /srv/till/local rw - xfs /dev/vdb rw
42 27 0:43 / /mnt/c rw,noatime - 9p C:\134 rw,aname=drvfs
43 27 0:44 / /media/La\040caisse\0401 rw - cifs //nas/caisse rw
44 27 0:45 / /home/u/far rw - fuse.sshfs u@far:/ rw
45 27 0:46 / /twice rw - nfs server:/a rw
46 45 0:47 / /twice rw - tmpfs tmpfs rw
47 27 0:48 / /cut
48 27 0:49 / /odd rw unknown:x unbindable - btrfs /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/till/journal.sqlite3", "ext4"),
        ("/srv/till/journal.sqlite3", "nfs4"),
        ("/srv/till", "nfs4"),
        ("/srv/tiller/journal.sqlite3", "ext4"),
        ("/srv/till/local/journal.sqlite3", "xfs"),
        ("/mnt/c/till/journal.sqlite3", "9p"),
        ("/media/La caisse 1/journal.sqlite3", "cifs"),
        ("/home/u/far/j", "fuse.sshfs"),
        ("/twice/j", "tmpfs"),
        ("/cut/j", "ext4"),
        ("/odd/j", "btrfs"),
    ],
)
def test_the_longest_mount_point_tells_the_type_and_of_two_the_later(path: str, kind: str) -> None:
    assert type_of(path, MOUNTS) == kind


def test_nothing_is_made_up_where_no_mount_leads() -> None:
    assert type_of("/j", "") == type_of("/j", "not a mount table\n") == ""


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "lustre"]
)
def test_a_journal_on_a_network_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert kind in NETWORK

    def network_of(_: Path) -> str:
        return kind

    monkeypatch.setattr(file, "network_of", network_of)
    with pytest.raises(JournalError) as caught:
        SqliteJournal(tmp_path / "till" / "journal.db")
    assert (caught.value.code, caught.value.fields["kind"]) == ("JOURNAL_ON_NETWORK", kind)
    assert kind in caught.value.text("fr")
    assert list(tmp_path.iterdir()) == []


def test_this_disk_is_none_of_a_network(tmp_path: Path) -> None:
    assert host.network_of(tmp_path / "not" / "there") == ""


def test_a_start_of_the_host_has_one_name() -> None:
    assert boot_id() == boot_id()
    assert Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() == boot_id()


def test_a_lock_belongs_to_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    path.touch()
    one, two = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    assert not is_locked(path)
    assert try_lock(one)
    assert is_locked(path)
    assert not try_lock(two)
    assert not lock(two, timeout_s=0.0)
    unlock(one)
    assert lock(two, timeout_s=0.0)
    os.close(two)
    assert not is_locked(path)
    os.close(one)


def test_owners_are_counted_and_those_who_died_are_swept_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    one, two, three = (Owners(path) for _ in range(3))
    for owner in (one, two):
        with owner.gate():
            owner.enter()
    assert one.others_alive() == two.others_alive() == 1
    assert three.others_alive() == 2
    assert one.is_alive(two.token)
    assert two._descriptor is not None
    os.close(two._descriptor)  # as the system does for a process that is gone
    assert not one.is_alive(two.token)
    assert one.others_alive() == 0
    with one.alone():
        pass
    with three.gate():
        three.enter()
    names = {file.name for file in (tmp_path / "journal.db.owners").iterdir()}
    assert names == {"gate", f"{one.token}.lock", f"{three.token}.lock"}
    with pytest.raises(JournalError) as caught, one.alone():
        pass
    assert (caught.value.code, caught.value.fields["count"]) == ("JOURNAL_IN_USE", 1)
    for owner in (one, three, three):
        owner.leave()
    assert [file.name for file in (tmp_path / "journal.db.owners").iterdir()] == ["gate"]


def test_a_gate_that_stays_shut_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvconnect_pos.journal.owners.GATE_S", 0.0)
    path = tmp_path / "journal.db"
    with Owners(path).gate(), pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    assert caught.value.code == "JOURNAL_LOCKED"
    SqliteJournal(path).close()


@pytest.mark.parametrize(
    ("lease", "is_free"),
    [
        (Lease("o", "b", 100.0), False),
        (Lease("o", "b", 10.0), True),
        (Lease("o", "b", 10.001), False),
        (Lease("o", "b", 10.0 + LONGEST_S), False),
        (Lease("o", "b", 10.1 + LONGEST_S), True),
        (Lease("o", "another", 100.0), True),
        (Lease("o", "", 100.0), False),
        (Lease("gone", "b", 100.0), True),
    ],
)
def test_a_lease_is_free_when_it_ran_out_or_its_owner_or_its_boot_is_gone(
    lease: Lease, is_free: bool
) -> None:
    assert lease.is_free(10.0, "b", lambda owner: owner == "o") is is_free


def test_a_host_that_does_not_tell_its_boot_trusts_owners_alone() -> None:
    assert not Lease("o", "b", 100.0).is_free(10.0, "", lambda _: True)


# --- the head under several writers --------------------------------------------------------------------------------


def heads(tmp_path: Path) -> tuple[HeadFile, HeadFile, Path]:
    path = tmp_path / "head"
    write_head_file(path, Head(0, bytes(32)))
    return HeadFile(path), HeadFile(path), path


def test_a_head_never_goes_back_whoever_writes(tmp_path: Path) -> None:
    one, two, path = heads(tmp_path)
    for seq in (1, 2, 3, 5, 4, 2, 6):
        (one if seq % 2 else two).write(Head(seq, bytes([seq] * 32)))
    assert read_head_file(path) == Head(6, bytes([6] * 32))
    one.write(Head(5, bytes([5] * 32)))
    two.refresh(Head(3, bytes([3] * 32)))
    assert read_head_file(path) == Head(6, bytes([6] * 32))
    one.close()
    two.close()


def test_a_slot_that_was_torn_elsewhere_is_written_again(tmp_path: Path) -> None:
    one, two, path = heads(tmp_path)
    one.write(Head(1, bytes([1] * 32)))
    one.write(Head(2, bytes([2] * 32)))
    content = path.read_bytes()
    path.write_bytes(b"x" * 90 + content[90:])
    two.write(Head(3, bytes([3] * 32)))
    one.write(Head(4, bytes([4] * 32)))
    assert read_head_file(path) == Head(4, bytes([4] * 32))
    one.close()
    two.close()


def test_a_writer_that_stands_still_makes_the_head_lag_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_PATIENCE_S", 0.0)
    one, two, path = heads(tmp_path)
    other = os.open(path, os.O_RDWR)
    assert try_lock(other)
    one.write(Head(1, bytes([1] * 32)))
    assert read_head_file(path) == Head(0, bytes(32))
    os.close(other)
    one.write(Head(2, bytes([2] * 32)))
    assert read_head_file(path) == Head(2, bytes([2] * 32))
    one.close()
    two.close()


def test_a_head_that_cannot_be_locked_lags_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise OSError(errno.ENOLCK, "no locks")

    one, two, path = heads(tmp_path)
    monkeypatch.setattr(head, "lock", refuse)
    for seq in (1, 2):
        one.write(Head(seq, bytes([seq] * 32)))
    assert read_head_file(path) == Head(0, bytes(32))
    assert caplog.text.count("head was not written") == 1
    one.close()
    two.close()
