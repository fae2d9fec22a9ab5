"""Whether what answers is a printer at all, what it calls itself, at what speed it listens; and the way for a raw page."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cvconnect_drivers.errors import DriverError, LinkError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.printers import commands
from cvconnect_drivers.printers.answers import AnswerReader, ProcessId
from cvconnect_drivers.printers.profile_settings import PROFILE_KEYS
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.targets import SCHEMES, Target, read_target
from cvconnect_drivers.urls import Settings, parse_url

OPEN_S: Final = 5.0
WRITE_S: Final = 3.0
LISTEN_S: Final = 0.3
"""Other servers speak first, or complain at the first end of a line; a printer does neither. It answers within milliseconds."""

CONFIRM_S: Final = 8.0
"""Unverified: the slowest printers print the page in less, once it has left."""

READ_BYTES: Final = 256
BAUDS: Final = (9600, 19200, 38400, 115200)

_TEXT = re.compile(rb"[\x20-\x7e\r\n]{8}")
_MODEL = re.compile(rb"_([\x20-\x7e]{1,40})\x00")
"""Source: Epson, ESC/POS Command Reference, `GS I` 67: header 5Fh, the printer's name, NUL."""

_ASK_MODEL: Final = b"\x1dIC"


@dataclass(frozen=True, slots=True)
class Met:
    """What the first words with a printer told.

    Args:
        open_s: How long it took to open the link, in seconds.
        answers: Whether anything came back.
        model: What it calls itself, or an empty text.
    """

    open_s: float
    answers: bool
    model: str = ""


def target_of(url: str, options: Mapping[str, object]) -> Target | None:
    """Read where a printer is; nothing is opened.

    Args:
        url: Its URL.
        options: Its table in the station file.

    Returns:
        The target; None for a driver that has links of its own.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    if url.partition(":")[0] not in SCHEMES:
        return None
    device = parse_url(url, SCHEMES)
    settings = Settings(device, {key: value for key, value in options.items() if key not in PROFILE_KEYS})
    for key in PROFILE_KEYS:
        settings.take(key)
    target = read_target(device, settings)
    settings.refuse_unknown()
    return target


def meet(target: Target, where: str) -> Met:
    """Open a printer for the first time, and see that it is one.

    Args:
        target: Where it is; it answers.
        where: How it is called in messages.

    Returns:
        What it told.

    Raises:
        DriverError: `NOT_A_PRINTER`: something else answers there.
        LinkError: It cannot be opened, or was lost.
    """
    started = time.monotonic()
    with contextlib.closing(target.open_link(Deadline(OPEN_S))) as link:
        open_s = time.monotonic() - started
        _refuse_stranger(link, where)
        link.write(commands.TransmitRealTimeStatus(1).to_bytes(), timeout_s=WRITE_S)
        if not _refuse_stranger(link, where):
            # To a server of texts the question was the beginning of a line: now it ends, and it complains.
            link.write(b"\n", timeout_s=WRITE_S)
            _refuse_stranger(link, where)
            return Met(open_s, answers=False)
        # One that answers nothing in real time is not asked what a clone may print instead.
        link.write(_ASK_MODEL, timeout_s=WRITE_S)
        found = _MODEL.search(_listen(link))
        return Met(open_s, answers=True, model=found[1].decode("ascii").strip() if found else "")


def _refuse_stranger(link: Link, where: str) -> bytes:
    said = _listen(link)
    if not _TEXT.search(said):
        return said
    what = "une page web" if b"HTTP" in said or b"html" in said.lower() else "un autre appareil ou programme"
    raise DriverError(
        "NOT_A_PRINTER",
        fr=f"{where} : c’est {what} qui répond, pas une imprimante de tickets. Vérifiez l’adresse et le port ; "
        "celui des imprimantes est presque toujours 9100.",
        en=f"{where}: what answers is no ticket printer; check address and port, mostly 9100",
    )


def _listen(link: Link) -> bytes:
    """Take what comes, up to `READ_BYTES`; one that hangs up has said what it had to say."""
    came = b""
    deadline = Deadline(LISTEN_S)
    with contextlib.suppress(LinkError):
        while len(came) < READ_BYTES and deadline.left_s() > 0:
            came += link.read(READ_BYTES - len(came), timeout_s=deadline.left_s())
    return came


def profile_named(model: str) -> str | None:
    """Find the profile of a model: that of `TM-T88V` is `epson-tm-t88v`."""
    plain = _plain(model)
    return next((name for name in PROFILES if plain and _plain(name).endswith(plain)), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def find_baud(url: str, options: Mapping[str, object]) -> int | None:
    """Ask a printer on a serial port at each usual speed.

    Args:
        url: Its URL, without `baud`.
        options: Its table, without `baud`.

    Returns:
        The speed at which it answered, or None.

    Raises:
        LinkError: The port cannot be opened.
    """
    for baud in BAUDS:
        target = target_of(url, {**options, "baud": baud})
        if target is not None and _answers(target):
            return baud
    return None


def _answers(target: Target) -> bool:
    """Whether one byte comes back that may be a status: at a wrong speed it is another, or none."""
    with contextlib.closing(target.open_link(Deadline(OPEN_S))) as link:
        link.write(commands.TransmitRealTimeStatus(1).to_bytes(), timeout_s=WRITE_S)
        return len(said := _listen(link)) == 1 and said[0] & 0x93 == 0x12  # noqa: PLR2004 (the fixed bits of `DLE EOT`)


def send_page(target: Target, page: Sequence[commands.Command], *, timeout_s: float) -> None:
    """Send a page.

    Args:
        target: Where the printer is.
        page: Its commands.
        timeout_s: Seconds for all of it.

    Raises:
        LinkError: It cannot be opened, or did not take the page.
    """
    deadline = Deadline(timeout_s)
    with contextlib.closing(target.open_link(deadline)) as link:
        link.write(commands.to_bytes(page), timeout_s=deadline.left_s())


def send_page_to_confirm(
    target: Target, page: Sequence[commands.Command], *, process_id: bytes, timeout_s: float
) -> bool:
    """Send a page, and see whether the printer can confirm that it has printed it.

    Args:
        target: Where the printer is.
        page: Its commands.
        process_id: What it shall send back.
        timeout_s: Seconds for sending it.

    Returns:
        Whether it did within `CONFIRM_S`.

    Raises:
        LinkError: It cannot be opened, or did not take the page.
    """
    deadline = Deadline(timeout_s)
    whole = [*page, commands.RequestProcessId(process_id)]
    with contextlib.closing(target.open_link(deadline)) as link:
        link.write(commands.to_bytes(whole), timeout_s=deadline.left_s())
        reader = AnswerReader()
        limit = Deadline(CONFIRM_S)
        with contextlib.suppress(LinkError):
            while limit.left_s() > 0:
                came = link.read(READ_BYTES, timeout_s=limit.left_s())
                if ProcessId(process_id) in reader.feed(came):
                    return True
    return False
