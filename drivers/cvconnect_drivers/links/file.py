"""A pipe into a file: a roll of paper that grows, or a printer's device file."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
from pathlib import Path
from typing import Final

from cvconnect_drivers.errors import DiskFullError, LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import Deadline

_FULL: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""The disk, or what this account may have of it."""

_WHY = {
    errno.EACCES: "{} : accès refusé. Donnez à ce compte le droit d’écrire ce fichier et dans son dossier.",
    errno.EPERM: "{} : accès refusé. Donnez à ce compte le droit d’écrire ce fichier et dans son dossier.",
    errno.EROFS: "{} est sur un disque en lecture seule : choisissez un autre dossier.",
    **dict.fromkeys(_FULL, "{} ne peut pas être écrit : le disque est plein."),
    errno.ENOENT: "{} est introuvable : vérifiez le chemin.",
    errno.ENOTDIR: "{} est introuvable : une partie du chemin n’est pas un dossier.",
    errno.EEXIST: "{} est introuvable : une partie du chemin n’est pas un dossier.",  # what making a folder says
    errno.EISDIR: "{} est un dossier : indiquez un fichier.",
    errno.EBUSY: "{} est utilisé par un autre programme : fermez-le.",
    errno.ENXIO: "{} n’est lu par personne : vérifiez que l’appareil est branché.",
}


class FileLink:
    """A file open for appending.

    Args:
        descriptor: The open file; the link owns it.
        where: How the file is called in messages.
    """

    def __init__(self, descriptor: int, where: str) -> None:
        self._descriptor: int | None = descriptor
        self._where = where
        # A disk is always ready; a device file or a named pipe may stop reading.
        self._may_block = not stat.S_ISREG(os.fstat(descriptor).st_mode)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Append all bytes; on a disk, they are on the medium when this returns.

        Raises:
            DiskFullError: There is no room for them.
            LinkLostError: The device is gone, or the link closed.
            LinkTimeoutError: The device stopped reading.
        """
        deadline = Deadline(timeout_s)
        sent = 0
        try:
            while sent < len(data):
                if self._descriptor is None:
                    raise LinkLostError(self._where, "closed", sent_bytes=sent)
                if self._may_block and not select.select([], [self._descriptor], [], deadline.left_s())[1]:
                    raise LinkTimeoutError(self._where, "write", sent_bytes=sent)
                sent += os.write(self._descriptor, data[sent:])
            if self._descriptor is not None and not self._may_block:
                os.fsync(self._descriptor)
        except OSError as error:
            if isinstance(error, LinkTimeoutError):
                raise
            if error.errno in _FULL:
                raise DiskFullError(self._where, sent_bytes=sent) from error
            raise LinkLostError(
                self._where, error.strerror or type(error).__name__, sent_bytes=sent
            ) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:  # noqa: ARG002 (a file never answers)
        """Raise: a file never answers.

        Raises:
            LinkTimeoutError: Always, at once.
        """
        raise LinkTimeoutError(self._where, "answer")

    def close(self) -> None:
        """Close the file. Idempotent; never raises."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def open_file(path: str) -> FileLink:
    """Open a file for appending; its folders are made.

    Args:
        path: The file.

    Returns:
        The open link.

    Raises:
        LinkAbsentError: The file cannot be written.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return FileLink(os.open(path, flags, 0o600), path)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: str, error: OSError) -> LinkAbsentError:
    """Say why a file cannot be written.

    Args:
        path: The file.
        error: What the system said.

    Returns:
        The error to raise.
    """
    why = _WHY.get(error.errno or 0, "{} ne peut pas être écrit : vérifiez le chemin et les droits.")
    return LinkAbsentError(path, error.strerror or type(error).__name__, fr=why.format(path))
