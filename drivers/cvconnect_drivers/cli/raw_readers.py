"""What a scanner sends before anybody makes a label of it: keys, bytes or characters, with their times."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from cvconnect_drivers.errors import LinkAbsentError, LinkTimeoutError
from cvconnect_drivers.links.base import Link
from cvconnect_drivers.scanners.calibration import Chunk
from cvconnect_drivers.scanners.keyboard import KeyboardDecoder, KeyEvent
from cvconnect_drivers.scanners.wedge_intake import Characters
from cvconnect_drivers.urls import Settings, parse_url

Raw: TypeAlias = KeyEvent | Characters | Chunk

READABLE: Final = frozenset({"evdev", "serial", "socket", "wedge"})
"""The schemes whose scanners can be read raw."""

CONNECT_TIMEOUT_S: Final = 3.0
_READ_BYTES: Final = 4096


class RawReader(Protocol):
    """An open scanner whose keys, bytes or characters are read as they come."""

    def read(self, *, timeout_s: float) -> Sequence[Raw]:
        """Wait for what comes, and take it; nothing when the time is over.

        Raises:
            LinkLostError: The device is gone.
        """
        ...

    def close(self) -> None:
        """Give the device back. Idempotent."""
        ...


class LinkReader:
    """Reads the bytes of a link.

    Args:
        link: The pipe to the scanner; the reader owns it.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def read(self, *, timeout_s: float) -> Sequence[Raw]:
        """Wait for bytes."""
        try:
            data = self._link.read(_READ_BYTES, timeout_s=timeout_s)
        except LinkTimeoutError:
            return []
        return [Chunk(time.monotonic(), data)]

    def close(self) -> None:
        """Close the link."""
        self._link.close()


class _Recorder(KeyboardDecoder):
    """Keeps the keys that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[KeyEvent] = []

    def feed(self, event: KeyEvent) -> list[Any]:
        self.events.append(event)
        return super().feed(event)


class EvdevReader:
    """Reads the keys of a keyboard scanner under Linux; the desktop does not get them meanwhile.

    Args:
        url: `evdev:...`.
        options: Its table in the station file, where its identity may stand.

    Raises:
        DriverError: It is not there, may not be opened, or is not one device alone.
    """

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        from cvconnect_drivers.scanners.evdev import open_by_identity, open_by_path
        from cvconnect_drivers.scanners.evdev_source import EvdevSource
        from cvconnect_drivers.scanners.settings import read_identity

        device = parse_url(url, {"evdev"})
        opened = (
            open_by_path(Path(device.path), url)
            if device.target
            else open_by_identity(read_identity(Settings(device, options)), url)
        )
        self._recorder = _Recorder()
        reopen: Any = partial(open_by_path, Path(f"/proc/self/fd/{opened.fd}"), url)
        self._source = EvdevSource(opened, self._recorder, where=url, reopen=reopen, grab="claimed")

    def read(self, *, timeout_s: float) -> Sequence[Raw]:
        """Wait for keys.

        Raises:
            LinkAbsentError: Another program holds the device.
        """
        self._source.read(timeout_s=timeout_s)
        if self._source.degraded:  # nothing of it would come, or not all
            raise LinkAbsentError("evdev", "held by another program", fr=self._source.degraded)
        events, self._recorder.events = self._recorder.events, []
        return events

    def close(self) -> None:
        """Give the device back to the desktop."""
        self._source.close()


class TerminalReader:
    """Reads the characters that this terminal gets: what the desktop's layout makes of a keyboard scanner's keys.

    Raises:
        LinkAbsentError: There is no terminal.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._restore: list[Any] | None = None
        self._file = _standard_input()
        if not os.isatty(self._file):
            raise _no_terminal("the standard input is no terminal")
        if sys.platform != "win32":
            import termios
            import tty

            self._restore = termios.tcgetattr(self._file)
            tty.setcbreak(self._file, termios.TCSADRAIN)

    def read(self, *, timeout_s: float) -> Sequence[Raw]:
        """Wait for characters."""
        text = self._windows(timeout_s) if sys.platform == "win32" else self._posix(timeout_s)
        return [Characters(time.monotonic(), text)] if text else []

    def close(self) -> None:
        """Set the terminal as it was; what was not read is forgotten, so that no shell runs it."""
        restore, self._restore = self._restore, None
        if restore is not None and sys.platform != "win32":
            import termios

            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._file, termios.TCSAFLUSH, restore)

    def _posix(self, timeout_s: float) -> str:
        ready, _, _ = select.select([self._file], [], [], timeout_s)
        if not ready:
            return ""
        data = os.read(self._file, _READ_BYTES)
        if not data:
            raise _no_terminal("end of input")
        return self._decode(data)

    def _windows(self, timeout_s: float) -> str:
        import msvcrt
        import threading

        console: Any = msvcrt
        pause, deadline_s = threading.Event(), time.monotonic() + timeout_s
        while not console.kbhit():
            if time.monotonic() >= deadline_s:
                return ""
            pause.wait(0.005)
        return str(console.getwch())


def open_raw(url: str, options: Mapping[str, object]) -> RawReader:
    """Open a scanner to see what it sends.

    Args:
        url: Its URL, of one of the schemes that `READABLE` names.
        options: Its table in the station file.

    Returns:
        The reader.

    Raises:
        DriverError: The URL is not valid, or the scanner cannot be opened.
    """
    device = parse_url(url, READABLE)
    match device.scheme:
        case "evdev":
            return EvdevReader(url, options)
        case "wedge":
            return TerminalReader()
        case "socket":
            from cvconnect_drivers.links.tcp import open_tcp

            return LinkReader(open_tcp(*device.address(), timeout_s=CONNECT_TIMEOUT_S))
        case _:
            return LinkReader(_open_serial(url, options))


def _open_serial(url: str, options: Mapping[str, object]) -> Link:
    from cvconnect_drivers.links.serial import list_serial, open_serial
    from cvconnect_drivers.scanners.serial import DEFAULT_BAUD, identity_of
    from cvconnect_drivers.scanners.settings import Identity, read_identity

    device = parse_url(url, {"serial"})
    settings = Settings(device, options)
    baud = settings.whole("baud", DEFAULT_BAUD, 300, 4_000_000)
    identity = Identity() if device.target else read_identity(settings)
    if identity == Identity():
        return open_serial(device.path, baud=baud)
    return open_serial(identity.choose(list_serial(), identity_of, url).device, baud=baud)


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError) as error:
        raise _no_terminal("no standard input") from error


def _no_terminal(why: str) -> LinkAbsentError:
    return LinkAbsentError(
        "clavier",
        why,
        fr="Cette commande lit le clavier : lancez-la dans un terminal, et gardez-le au premier plan.",
    )
