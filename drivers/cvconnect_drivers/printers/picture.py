"""A folder instead of a printer: `image:out/tickets/?profile=80mm` makes one picture of each ticket.

For a till that shows or sends its tickets, for tests and for documentation. A picture is named after its job, and is in the
folder whole or not at all; nothing is ever removed from there.

Settings: those of a printer's profile (`profile`, `columns`, `dpi`).
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

from cvconnect_drivers.errors import DriverError, LinkAbsentError, PackageMissingError
from cvconnect_drivers.links.base import Deadline
from cvconnect_drivers.links.file import unwritable
from cvconnect_drivers.printers.paper import render
from cvconnect_drivers.printers.profile_settings import read_profile
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult
from cvconnect_drivers.urls import Settings, parse_url

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME: Final = 100


class PicturePrinter:
    """A printer whose tickets are PNG files.

    Args:
        name: The URL it was made from.
        folder: Where they go; it is made.
        profile: The printer that they look like.
    """

    def __init__(self, name: str, folder: Path, profile: Profile) -> None:
        self._name = name
        self._folder = folder
        self._profile = profile
        self._busy = threading.Lock()
        self._claimed = False
        self._health = Health("unknown", "Dossier des tickets pas encore ouvert.")

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    @property
    def columns(self) -> int:
        """Characters on a line of normal type."""
        return self._profile.columns

    def claim(self, *, timeout_s: float) -> None:
        """Make the folder; it may be away.

        Args:
            timeout_s: Unused: a disk has no deadline.
        """
        del timeout_s
        self._claimed = True
        self._look()

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Make one picture; the same job again replaces it.

        Args:
            document: What to print.
            job_id: Derived from the payment; the file is named after it.
            timeout_s: Seconds to wait for another ticket that is being made.

        Returns:
            `printed` when the picture is on the disk, else `not_sent`.
        """
        if not self._claimed:
            return PrintResult("not_sent", "NOT_CLAIMED", "L’imprimante n’est pas réservée par cette caisse.")
        if not self._busy.acquire(timeout=Deadline(timeout_s).left_s()):
            return PrintResult("not_sent", "BUSY", "L’imprimante imprime un autre ticket.")
        try:
            self._keep(self._draw(document), job_id)
        except DriverError as error:
            if isinstance(error, LinkAbsentError):
                self._health = Health("absent", error.text())
            return PrintResult("not_sent", error.code, error.text())
        finally:
            self._busy.release()
        self._health = Health("ready", "Le dernier ticket a été écrit.")
        return PrintResult("printed")

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell whether pictures can be written.

        Args:
            level: `internal` is what is known; the others look.

        Returns:
            What is known.
        """
        if level != "internal":
            self._look()
        return self._health

    def release(self) -> None:
        """Give the folder back; what is in it stays. Idempotent."""
        self._claimed = False

    def _look(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._folder, os.W_OK)
        except OSError as error:
            self._health = Health("absent", unwritable(str(self._folder), error).text())
            return
        denied = unwritable(str(self._folder), PermissionError(13, "Permission denied"))
        self._health = (
            Health("ready", "Prête à dessiner les tickets.") if writable else Health("absent", denied.text())
        )

    def _draw(self, document: Document) -> bytes:
        try:
            picture = render(document.lines(self.columns), self._profile)
        except ImportError as error:
            raise PackageMissingError("pillow") from error
        file = BytesIO()
        picture.save(file, "PNG", dpi=(self._profile.dpi, self._profile.dpi))
        return file.getvalue()

    def _keep(self, png: bytes, job_id: str) -> None:
        path = self._folder / f"ticket-{_name(job_id)}.png"
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(png)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise unwritable(str(path), error) from error


def _name(job_id: str) -> str:
    """Make a part of a file's name: that of each job is its own."""
    name = _NOT_IN_A_NAME.sub("-", job_id)
    if name == job_id and len(name) <= _LONGEST_NAME:
        return name
    digest = f"-{zlib.crc32(job_id.encode('utf-8', 'surrogatepass')):08x}"
    return name[: _LONGEST_NAME - len(digest)] + digest


def open_printer(url: str, options: Mapping[str, object]) -> PicturePrinter:
    """Make a printer of pictures; nothing is written before `claim`.

    Args:
        url: `image:out/tickets/?profile=80mm`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The printer, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"image"})
    settings = Settings(device, options)
    profile = read_profile(settings)
    settings.refuse_unknown()
    return PicturePrinter(url, Path(device.path), profile)
