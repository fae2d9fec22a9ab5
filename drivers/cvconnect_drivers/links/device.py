"""Pipes into a printer's device node on Linux (`/dev/usb/lp0`): written and, where the node allows, read back."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import threading

from cvconnect_drivers.errors import LinkAbsentError, LinkError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import SLICE_S, Deadline

_DENIED = (
    "{} : accès refusé. Ajoutez ce compte au groupe lp (« usermod -aG lp COMPTE »), ou la règle udev {} à "
    "/etc/udev/rules.d/70-cvconnect.rules, puis rebranchez l’imprimante."
)
_NOT_FOUND = "{} est introuvable : vérifiez que l’imprimante est branchée et allumée."
_WHY = {
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EBUSY: "{} est utilisé par un autre programme : fermez-le.",
    errno.ENOENT: _NOT_FOUND,
    errno.ENOTDIR: _NOT_FOUND,
    errno.ENODEV: _NOT_FOUND,
    errno.ENXIO: _NOT_FOUND,
}

UDEV_RULE = 'SUBSYSTEM=="usbmisc", KERNEL=="lp*", GROUP="lp", MODE="0660", TAG+="uaccess"'
"""Lets whoever sits at the machine, and the group `lp`, use the printers of the kernel's driver.

Source: systemd `rules.d/73-seat-late.rules` (`uaccess`); Linux `drivers/usb/class/usblp.c` (class `usbmisc`, `lp%d`).
"""

_NOT_READ = (errno.EINVAL, errno.EBADF)
"""What reading says where a node cannot be read. Source: Linux `drivers/usb/class/usblp.c`, `usblp_read`."""

_GONE = getattr(select, "POLLHUP", 0) | getattr(select, "POLLERR", 0)

PAUSE_S = 0.005
"""Before a node is tried again that was ready and then gave or took nothing: printers answer with empty packets."""


class DeviceLink:
    """An open device node.

    Args:
        descriptor: The open node, non-blocking; the link owns it.
        where: How the device is called in messages.
        readable: Whether it was opened for reading too.
    """

    def __init__(self, descriptor: int, where: str, *, readable: bool) -> None:
        self._descriptor: int | None = descriptor
        self._where = where
        self._readable = readable
        # A descriptor that another thread closed may already be another file.
        self._using = threading.Lock()
        self._closed = threading.Event()

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to the device: when this returns, the driver waits for none of them any more.

        The kernel's printer driver takes up to 8 kB before the printer has taken any: of a write that timed out, nobody
        knows what arrived.

        Raises:
            LinkLostError: The device vanished, or the link is closed.
            LinkTimeoutError: The device stopped reading.

        Source: Linux `drivers/usb/class/usblp.c`: a write that does not block is presumed to complete, `poll` tells
            when it has, and closing ends what has not.
        """
        deadline = Deadline(timeout_s)
        sent = 0
        while sent < len(data):
            self._wait(select.POLLOUT, deadline, "write", sent_bytes=None if sent else 0)
            went = self._write(data[sent:], sent)
            sent += went
            if not went and deadline.left_s() > 0:
                self._closed.wait(min(PAUSE_S, deadline.left_s()))
            elif not went:
                raise LinkTimeoutError(self._where, "write", sent_bytes=None if sent else 0)
        self._wait(select.POLLOUT, deadline, "write", sent_bytes=None)

    def _write(self, data: bytes, sent: int) -> int:
        try:
            with self._using:
                return os.write(self._open_descriptor(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(error, sent_bytes=None if sent else 0) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte.

        Raises:
            LinkLostError: The device vanished, or the link is closed.
            LinkTimeoutError: Nothing came, or the node cannot be read.
        """
        deadline = Deadline(timeout_s)
        while self._readable:
            happened = self._wait(select.POLLIN, deadline, "answer", sent_bytes=0)
            try:
                with self._using:
                    data = os.read(self._open_descriptor(), max_bytes)
            except BlockingIOError:
                data = b""
            except OSError as error:
                if error.errno not in _NOT_READ:
                    raise self._lost(error) from error
                self._readable = False
                break
            if data:
                return data
            if happened & _GONE:
                raise LinkLostError(self._where, "the device is gone")
            if deadline.left_s() <= 0 or self._closed.wait(min(PAUSE_S, deadline.left_s())):
                break
        raise LinkTimeoutError(self._where, "answer")

    def close(self) -> None:
        """Close the node. Idempotent; never raises."""
        self._closed.set()
        with self._using:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def _wait(self, wanted: int, deadline: Deadline, doing: str, *, sent_bytes: int | None) -> int:
        ready: list[tuple[int, int]] = []
        while not ready:
            left_s = deadline.left_s()
            with self._using:
                poll = select.poll()
                poll.register(self._open_descriptor(), wanted)
                ready = poll.poll(min(left_s, SLICE_S) * 1000)
            if not ready and left_s <= 0:
                raise LinkTimeoutError(self._where, doing, sent_bytes=sent_bytes)
        happened = ready[0][1]
        # What came before the cable was pulled is still read; writing on is of no use.
        if not happened & wanted or (wanted == select.POLLOUT and happened & _GONE):
            raise LinkLostError(self._where, "the device is gone", sent_bytes=sent_bytes)
        return happened

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise LinkLostError(self._where, "closed", sent_bytes=None)
        return self._descriptor

    def _lost(self, error: OSError, *, sent_bytes: int | None = 0) -> LinkError:
        return LinkLostError(self._where, error.strerror or type(error).__name__, sent_bytes=sent_bytes)


def open_device(path: str) -> DeviceLink:
    """Open a device node, for reading too where that is allowed.

    Args:
        path: The node, or a named pipe, which is only written.

    Returns:
        The open link.

    Raises:
        LinkAbsentError: The node is not there, is held by another program, may not be opened, or is no device.
    """
    if not hasattr(select, "poll") or not hasattr(os, "O_NONBLOCK"):
        raise LinkAbsentError(
            path,
            "device nodes exist on Linux; use tcp:, usb: or serial: here",
            fr=f"{path} : les fichiers d’appareil n’existent que sous Linux ; utilisez tcp:, usb: ou serial:.",
        )
    flags = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (`path` may be a link to a device, and is what messages name)
        if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
            raise LinkAbsentError(
                path,
                "not a device",
                fr=f"{path} n’est pas un appareil : pour écrire un fichier, utilisez file:.",
            )
        if stat.S_ISCHR(mode):
            with contextlib.suppress(PermissionError):
                return DeviceLink(os.open(path, os.O_RDWR | flags), path, readable=True)
        # A pipe opened for both would give back what was written to it.
        return DeviceLink(os.open(path, os.O_WRONLY | flags), path, readable=False)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: str, error: OSError) -> LinkAbsentError:
    why = error.strerror or type(error).__name__
    if error.errno in {errno.EACCES, errno.EPERM}:
        why = f"{why}; add this account to the group lp, or the udev rule {UDEV_RULE}"
    return LinkAbsentError(path, why, fr=_WHY.get(error.errno or 0, "").format(path, UDEV_RULE))
