"""Every link to a printer, made to break at a byte of the ticket and to be mended: what `test_torn_tickets.py` tears."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from cvconnect_drivers.errors import LinkLostError, LinkTimeoutError
from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.python_escpos import PythonEscposPrinter
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.shapes import Document, PrintResult
from cvconnect_sim.links import PtyLink, TcpLink
from cvconnect_sim.printer import TM58, Printer
from fake_usb import UsbPrinter, install

BEFORE_A_JOB = re.compile(rb"\x10\x04[\x01-\x04]|\x00")


class Till(Protocol):
    """A printer's driver."""

    @property
    def columns(self) -> int: ...

    def claim(self, *, timeout_s: float) -> None: ...

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult: ...


class FarEnd:
    """A printer at the end of a cable that breaks once so many bytes of a job have come through.

    Args:
        printer: The printer.

    Attributes:
        went: Bytes of jobs, and of what repairs the ones before, that came through since `arm`.
        broken: Whether the cable is broken since then.
        snap: Breaks the cable; may be called while bytes are received.
    """

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.went = 0
        self.snap: Callable[[], None] = lambda: None
        self._left: int | None = None
        self._loses_power = False
        self.broken = self._began = False

    def arm(self, after_bytes: int | None, *, power: bool = False, in_repair: bool = False) -> None:
        """Break after so many bytes of the next job, or of what repairs the one before; or never.

        With the power too, or the cable only.
        """
        self.went, self._left, self._loses_power = 0, after_bytes, power
        self._began, self.broken = in_repair, False
        self.printer.power_on()

    def receive(self, data: bytes) -> bytes:
        """Take what comes through."""
        if self.broken:
            return b""
        # Before a job come questions, and what completes a command that was torn.
        self._began = self._began or bool(BEFORE_A_JOB.sub(b"", data))
        if not self._began:
            return self.printer.receive(data)
        left = len(data) if self._left is None else max(self._left - self.went, 0)
        self.went += min(left, len(data))
        answer = self.printer.receive(data[:left])
        if self._left is None or self.went < self._left:
            return answer
        self.broken = True
        if self._loses_power:
            self.printer.power_off()
        self.snap()
        return b""


class Rig:
    """A till, a cable and a printer.

    Args:
        end: The printer's end.
        till: Makes a till that knows nothing yet.
        mend: Makes the cable whole again.

    Attributes:
        forgets: Whether the till is started anew after a break.
        answers: Whether the printer can be asked; else a ticket is done once its last byte went.
    """

    def __init__(
        self, end: FarEnd, till: Callable[[], Till], mend: Callable[[], None] = lambda: None
    ) -> None:
        self.end = end
        self.new_till = till
        self.mend = mend
        self.forgets = False
        self.answers = True


def printer_of(profile: str) -> Printer:
    """The printer that this profile is for."""
    return Printer(replace(TM58, native_qr=PROFILES[profile].native_qr))


MakeRig = Callable[[pytest.MonkeyPatch, Path, str], contextlib.AbstractContextManager[Rig]]


def opened(url: str, profile: str) -> Till:
    """A claimed printer."""
    printer = open_printer(url, {"profile": profile})
    printer.claim(timeout_s=5.0)
    return printer


class InProcess:
    """A link that is a function call; a break is told with the bytes that went, or without.

    Args:
        end: The printer's end.
        tells: Whether an error says how many bytes went.
    """

    def __init__(self, end: FarEnd, *, tells: bool) -> None:
        self._end = end
        self._tells = tells
        self._answers = b""
        self._torn = False
        end.snap = self._snap

    def _snap(self) -> None:
        self._torn = True

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self._answers += self._end.receive(data)
        if self._torn:
            raise LinkLostError("memory", "torn", sent_bytes=self._end.went if self._tells else None)

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        if not self._answers:
            raise LinkTimeoutError("memory", "answer")
        data, self._answers = self._answers[:max_bytes], self._answers[max_bytes:]
        return data

    def close(self) -> None:
        pass


@contextlib.contextmanager
def in_memory(
    _patch: pytest.MonkeyPatch, _folder: Path, profile: str, *, tells: bool = True
) -> Generator[Rig, None, None]:
    end = FarEnd(printer_of(profile))

    def till() -> Till:
        target = Target(lambda _deadline: InProcess(end, tells=tells), answers=True, confirms=True)
        printer = EscPosPrinter("memory", target, PROFILES[profile])
        printer.claim(timeout_s=5.0)
        return printer

    yield Rig(end, till)


@contextlib.contextmanager
def tcp(_patch: pytest.MonkeyPatch, _folder: Path, profile: str) -> Generator[Rig, None, None]:
    end = FarEnd(printer_of(profile))
    with TcpLink(end.receive) as link:
        end.snap = link.hang_up
        yield Rig(end, lambda: opened(link.url, profile))


class Ports:
    """A port that vanishes, and comes back under the same name.

    Args:
        end: The printer's end.
        path: The name.
    """

    def __init__(self, end: FarEnd, path: Path) -> None:
        self._end = end
        self._path = path
        self._threads: list[threading.Thread] = []
        end.snap = self._pull
        self.plug()

    def plug(self) -> None:
        """Plug in; what was there is gone."""
        self.close()
        self._link = PtyLink(self._end.receive)
        self._path.unlink(missing_ok=True)
        self._path.symlink_to(self._link.path)

    def _pull(self) -> None:
        # By another thread: that of the link is busy receiving.
        self._path.unlink()
        self._threads.append(threading.Thread(target=self._link.close))
        self._threads[-1].start()

    def close(self) -> None:
        """Pull the cable for good."""
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()
        if hasattr(self, "_link"):
            self._link.close()


@contextlib.contextmanager
def port(_patch: pytest.MonkeyPatch, folder: Path, profile: str, *, url: str) -> Generator[Rig, None, None]:
    end, path = FarEnd(printer_of(profile)), folder / "port"
    ports = Ports(end, path)
    try:
        yield Rig(end, lambda: opened(url.format(path), profile), ports.plug)
    finally:
        ports.close()


@contextlib.contextmanager
def usb(patch: pytest.MonkeyPatch, _folder: Path, profile: str) -> Generator[Rig, None, None]:
    end = FarEnd(printer_of(profile))
    with install(patch) as bus:
        device = UsbPrinter(end.receive)
        bus.plug(device)
        pulled = threading.Event()

        def snap() -> None:
            bus.unplug(device)
            pulled.set()

        def mend() -> None:
            assert pulled.wait(5)  # the till may know of it before the thread that pulls has done
            pulled.clear()
            bus.plug(device)

        end.snap = snap
        yield Rig(end, lambda: opened("usb:?vendor=04b8", profile), mend)


@contextlib.contextmanager
def file(patch: pytest.MonkeyPatch, folder: Path, profile: str) -> Generator[Rig, None, None]:
    """A disk that is full after so many bytes; what is in the file is printed as it is written."""
    end, path = FarEnd(printer_of(profile)), folder / "roll.bin"
    really, full = os.write, False

    def snap() -> None:
        nonlocal full
        full = True

    def write(descriptor: int, data: Any) -> int:
        if not (path.exists() and os.path.samestat(os.fstat(descriptor), path.stat())):
            return really(descriptor, data)
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before = end.went
        end.receive(bytes(data))
        return really(descriptor, bytes(data)[: end.went - before])

    def mend() -> None:
        nonlocal full
        full = False

    end.snap = snap
    patch.setattr(os, "write", write)
    rig = Rig(end, lambda: opened(f"file:{path}", profile), mend)
    rig.answers = False
    yield rig


@contextlib.contextmanager
def python_escpos(_patch: pytest.MonkeyPatch, _folder: Path, profile: str) -> Generator[Rig, None, None]:
    from escpos.printer import Network

    end = FarEnd(printer_of(profile))
    with TcpLink(end.receive) as link:
        end.snap = link.hang_up
        there = Network("127.0.0.1", int(link.url.rpartition(":")[2]))

        def till() -> Till:
            printer = PythonEscposPrinter(there, profile=profile)
            printer.claim(timeout_s=5.0)
            return printer

        def mend() -> None:
            with contextlib.suppress(OSError):  # the connection is the till's: it opens it again
                there.close()
            there.open()

        yield Rig(end, till, mend)
        there.close()


LINKS: dict[str, MakeRig] = {
    "memory": in_memory,
    "memory that does not count": partial(in_memory, tells=False),
    "tcp": tcp,
    "usb": usb,
    "file": file,
    "python-escpos": python_escpos,
    **(
        {}
        if sys.platform == "win32"
        else {each: partial(port, url=f"{each}:{{}}") for each in ("serial", "device")}
    ),
}
