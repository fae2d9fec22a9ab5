"""Printing through a python-escpos object that a till already holds.

The ticket's bytes are ours, the connection stays the till's: it is opened by python-escpos when it was not yet, written with
`_raw`, and never closed. python-escpos can read only without a deadline; the answers of a `Network` or `Serial` object are
therefore read from its connection itself, where the system allows that. Every other object tells nothing: its tickets
are *unknown* once they were handed over, never *printed*. A till that can give its connection up uses `open_printer`.

Nobody else may use the object while a ticket is printed.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from operator import methodcaller
from typing import Any

from cvconnect_drivers.errors import ConfigurationError, LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_drivers.links.base import SLICE_S, Deadline
from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult

_ANSWERING = frozenset({"Network", "Serial"})
"""python-escpos's objects whose connection is a descriptor of the system."""


_LEAST_S = 0.001
"""To a socket 0 means: at once, or not at all."""


class PythonEscposPrinter:
    """A printer behind a python-escpos object.

    Args:
        printer: The object, of any class of `escpos.printer`; it stays the caller's.
        profile: What kind of printer it is, as in a device URL.
        name: How it is called in messages.

    Raises:
        ConfigurationError: No such profile.
    """

    def __init__(self, printer: Any, *, profile: str = "80mm", name: str = "python-escpos:") -> None:
        if profile not in PROFILES:
            known = ", ".join(sorted(PROFILES))
            raise ConfigurationError(
                "INVALID_PROFILE",
                fr=f"Le profil « {profile} » n’est pas l’un de ceux-ci : {known}.",
                en=f"profile {profile!r} is none of {known}",
            )
        self._answers = sys.platform != "win32" and any(
            each.__name__ in _ANSWERING and each.__module__.partition(".")[0] == "escpos"
            for each in type(printer).__mro__
        )
        self._printer = EscPosPrinter(
            name,
            Target(
                lambda deadline: LentLink(printer, name, answers=self._answers, deadline=deadline),
                answers=self._answers,
                confirms=self._answers,
            ),
            PROFILES[profile],
        )

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return self._printer.name

    @property
    def columns(self) -> int:
        """Characters on a line of normal type."""
        return self._printer.columns

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device; it is asked for its state, and may be away.

        Args:
            timeout_s: Seconds for that question.
        """
        self._printer.claim(timeout_s=timeout_s)

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print, cut, and say what is known of it.

        Args:
            document: What to print.
            job_id: Derived from the payment.
            timeout_s: Seconds for all of it. Only connections of `Network`, `Serial` and `Usb` objects keep it.

        Returns:
            `not_sent` when no byte of the job left; `unknown` when some did and the printer did not confirm.
        """
        result = self._printer.print(document, job_id=job_id, timeout_s=timeout_s)
        if result.outcome == "printed" and not self._answers:
            return PrintResult("unknown", "NO_ANSWER", "L’imprimante n’a pas confirmé le ticket.")
        return result

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the printer.

        Args:
            level: `internal` is what the last exchange told; the others ask the printer.

        Returns:
            What is known.
        """
        return self._printer.check_health(level)

    def release(self) -> None:
        """Give the device back; the python-escpos object stays open. Idempotent."""
        self._printer.release()


class LentLink:
    """The connection of a python-escpos object, for one job.

    Args:
        printer: The object.
        where: How the printer is called in messages.
        answers: Whether its connection can be read.
        deadline: Until when a `Network` object may open it.

    Raises:
        LinkAbsentError: python-escpos cannot open it.
    """

    def __init__(self, printer: Any, where: str, *, answers: bool, deadline: Deadline) -> None:
        self._printer = printer
        self._where = where
        self._answers = answers
        self._wrote = False
        self._closed = threading.Event()
        self._using = threading.Lock()
        try:
            self._device = _opened(printer, max(deadline.left_s(), _LEAST_S))
        except Exception as error:
            raise LinkAbsentError(where, type(error).__name__) from error

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all bytes to python-escpos.

        Raises:
            LinkAbsentError: It was never opened.
            LinkLostError: The connection is gone.
            LinkTimeoutError: The printer stopped reading; nobody tells how many bytes went.
        """
        if timeout_s <= 0:
            raise LinkTimeoutError(self._where, "write")
        if self._closed.is_set():
            raise LinkLostError(self._where, "closed")
        self._wrote = True
        try:
            with self._using, _bounded(self._printer, self._device, timeout_s):
                methodcaller("_raw", data)(self._printer)  # it has no public name
        except AssertionError as error:  # how python-escpos says that it has no connection
            raise LinkAbsentError(self._where, "no connection") from error
        except Exception as error:
            if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
                raise LinkTimeoutError(self._where, "write", sent_bytes=None) from error
            raise LinkLostError(self._where, type(error).__name__, sent_bytes=None) from error

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        """Wait for at least one byte, where the connection can be read.

        Raises:
            LinkLostError: The connection is gone.
            LinkTimeoutError: Nothing came, or nothing ever does.
        """
        if not self._answers:
            raise LinkTimeoutError(self._where, "answer")
        deadline = Deadline(timeout_s)
        data = None
        while data is None:
            left_s = deadline.left_s()
            try:
                descriptor = self._device.fileno()
                with self._using:
                    if select.select([descriptor], [], [], min(left_s, SLICE_S))[0]:
                        data = os.read(descriptor, max_bytes)
            except Exception as error:
                raise LinkLostError(self._where, type(error).__name__) from error
            if self._closed.is_set():
                raise LinkLostError(self._where, "closed")
            if data is None and left_s <= SLICE_S:
                raise LinkTimeoutError(self._where, "answer")
        if not data:
            raise LinkLostError(self._where, "the other side closed the connection")
        return data

    def close(self) -> None:
        """End what is under way; the connection stays the till's. Idempotent; never raises."""
        self._closed.set()
        # While another thread uses the object, what has to be put right is left to that thread's own `close`.
        if self._wrote and self._using.acquire(blocking=False):
            self._wrote = False
            self._forget_page()
            self._using.release()

    def _forget_page(self) -> None:
        """Let python-escpos select its code page anew, since a ticket changed it."""
        magic = getattr(self._printer, "magic", None)
        if magic is None:
            return
        page, magic.encoding = magic.encoding, None
        if magic.disabled:  # its page is fixed, and never selected again by itself
            with contextlib.suppress(Exception):
                magic.force_encoding(page)
            magic.encoding = page


def _opened(printer: Any, timeout_s: float) -> Any:
    """Give the connection, which the object opens the first time: within its own time-out, a minute."""
    if not (hasattr(printer, "host") and hasattr(printer, "timeout")):  # only `Network` has both
        return printer.device
    before, printer.timeout = printer.timeout, timeout_s
    try:
        device = printer.device
    finally:
        printer.timeout = before
    if isinstance(device, socket.socket) and math.isclose(device.gettimeout() or 0, timeout_s, abs_tol=1e-6):
        device.settimeout(before)  # it was opened just now
    return device


@contextlib.contextmanager
def _bounded(printer: Any, device: Any, timeout_s: float) -> Iterator[None]:
    """Give a write a deadline where the object has one, and put back what was there."""
    if isinstance(device, socket.socket):  # Network
        before = device.gettimeout()
        device.settimeout(timeout_s)
        try:
            yield
        finally:
            device.settimeout(before)
        return
    if hasattr(device, "write_timeout"):  # Serial
        owner, name, value = device, "write_timeout", timeout_s
    elif hasattr(printer, "out_ep"):  # Usb, in milliseconds
        owner, name, value = printer, "timeout", max(1, int(timeout_s * 1000))
    else:
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
