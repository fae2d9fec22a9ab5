"""What the journal needs to know of its host: which start of it this is, and whether another process still lives.

A lock belongs to an open file, and the operating system drops it with the process, however that ends. So a file that is
locked says "its owner lives", and nothing that a crash could leave behind says so wrongly.

Source: Linux flock(2); proc_sys_kernel(5), `random/boot_id`; Python `msvcrt.locking`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Event
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_SYSCTL_S: Final = 5
_PAUSE_S: Final = 0.001
"""Between two tries: others hold a lock for the time of a small read and write."""

_WINDOWS_BYTE: Final = 1 << 20
"""Windows keeps others from reading what is locked, so a byte is locked that no file here has."""


@cache
def boot_id() -> str:
    """Name this start of the host; empty where the system does not tell.

    Unverified: `kern.bootsessionuuid` on macOS, and on Windows the count of starts that the registry keeps.
    """
    with suppress(OSError, subprocess.SubprocessError):
        match sys.platform:
            case "linux":
                return _BOOT_ID.read_text(encoding="ascii").strip()
            case "darwin":
                command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
                said = subprocess.run(command, capture_output=True, check=True, timeout=_SYSCTL_S)  # noqa: S603
                return said.stdout.decode().strip()
            case "win32":
                return _windows_boot_id()
            case _:
                pass
    return ""


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this descriptor, without waiting.

    Args:
        descriptor: The file, open for writing.

    Returns:
        Whether it is ours now.

    Raises:
        OSError: Files cannot be locked there.
    """
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError):
        return False
    return True


def lock(descriptor: int, *, timeout_s: float) -> bool:
    """Lock an open file, and wait for whoever has it.

    Args:
        descriptor: The file, open for writing.
        timeout_s: How long at most, in seconds.

    Returns:
        Whether it is ours now.

    Raises:
        OSError: Files cannot be locked there.
    """
    if try_lock(descriptor):
        return True
    deadline = time.monotonic() + timeout_s
    pause = Event()
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        pause.wait(_PAUSE_S)
    return True


if sys.platform == "win32":
    import ctypes
    import msvcrt
    import winreg

    _BOOTS: Final = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
    _DRIVE_REMOTE: Final = 4

    def _windows_boot_id() -> str:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _BOOTS) as key:
            return str(winreg.QueryValueEx(key, "BootId")[0])

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _WINDOWS_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def unlock(descriptor: int) -> None:
        """Give a lock back."""
        os.lseek(descriptor, _WINDOWS_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def is_locked(path: Path) -> bool:
        """Whether another open file holds a lock on this one; False when there is no such file.

        Unverified: for the moment of the question the lock is ours, so two who ask at once may both hear "yes".
        """
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def network_of(path: Path) -> str:
        """Name the network that a path lies on; empty for a disk of this host.

        Unverified: `GetDriveTypeW` answers 4 (DRIVE_REMOTE) for a drive letter on the network.
        """
        drive = path.absolute().drive
        if drive.startswith("\\\\"):
            return "UNC"
        kind = ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\")
        return "DRIVE_REMOTE" if kind == _DRIVE_REMOTE else ""

else:
    import fcntl

    from cvconnect_pos.journal.mounts import NETWORK, type_of

    def _windows_boot_id() -> str:
        return ""

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(descriptor: int) -> None:
        """Give a lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def is_locked(path: Path) -> bool:
        """Whether another open file holds a lock on this one; False when there is no such file."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(
                descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB
            )  # shared: two who ask are not in each other's way
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def network_of(path: Path) -> str:
        """Name the network file system that a path lies on; empty for a disk of this host, or where nothing tells."""
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
        kind = type_of(str(path.resolve()), mounts)
        return kind if kind in NETWORK else ""
