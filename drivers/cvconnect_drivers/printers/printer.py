"""Ticket printers on the network (`tcp://192.168.1.50:9100?profile=80mm`), and wherever else `targets` finds them.

The link is opened for each job: a printer that was switched off in between costs nothing, and two tills share one printer.
Before a job the printer is asked for its state; after it, for an answer that comes only once everything has been printed.

A file and a memory roll cannot answer: there, a job whose bytes were all written is *printed*, because writing is all that
they do.

Settings: `profile` (`80mm`, `58mm`), and those of `targets`; of these `confirm`: `process-id` asks for that answer, and a printer that
had time for it and did not give it is asked once per claim; `none` does not ask, and then *printed* means that the printer took the whole ticket
and said right after it that it was ready.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from cvconnect_drivers.errors import DriverError, LinkError, LinkTimeoutError, NotClaimedError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.printers import escpos
from cvconnect_drivers.printers.dialogue import Dialogue
from cvconnect_drivers.printers.health import health_of, with_age
from cvconnect_drivers.printers.profile_settings import read_profile
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.repair import Repair
from cvconnect_drivers.printers.status import QUERIES, PrinterStatus, why_not_ready
from cvconnect_drivers.printers.targets import SCHEMES, Target, read_target
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult
from cvconnect_drivers.urls import Settings, parse_url

_log = logging.getLogger(__name__)

SILENT_S = 3.0
"""How long a confirmation is waited for from a printer that answered no question: it most probably never comes."""

LAST_QUERY_S = 0.5
"""Kept back from a job's time, to ask why no confirmation came."""

HEALTH_TIMEOUT_S = 2.0


_NOT_CLAIMED = PrintResult("not_sent", "NOT_CLAIMED", "L’imprimante n’est pas réservée par cette caisse.")
_BUSY = PrintResult("not_sent", "BUSY", "L’imprimante imprime un autre ticket.")
_SILENT = PrintResult("unknown", "SILENT", "L’imprimante ne répond plus : le ticket est peut-être incomplet.")
_INTERRUPTED = "La caisse a rendu l’imprimante pendant le ticket."


class _NoTimeError(LinkTimeoutError):
    """Nothing was tried, and nothing is known of the printer."""


@dataclass(slots=True)
class _Use:
    """One use of the link, which `release` ends from another thread."""

    deadline: Deadline
    link: Link | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        self.ended.set()
        self.deadline.end()
        if self.link is not None:
            self.link.close()


class EscPosPrinter:
    """A printer that speaks ESC/POS.

    Args:
        name: The URL it was made from.
        target: Where it is.
        profile: What kind it is.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, name: str, target: Target, profile: Profile, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._target = target
        self._profile = profile
        self._clock = clock
        self._busy = threading.Lock()
        self._lock = threading.Lock()
        self._use: _Use | None = None
        """Guarded by `_lock`, as is `_claimed`."""
        self._claimed = False
        # A printer may still confirm what a till that is gone asked for, under the same job's id.
        self._attempts = secrets.randbits(32)
        self._confirmed: bool | None = None
        """Whether a confirmation came since `claim`; None while nobody knows."""
        self._repair = Repair()
        self._status = PrinterStatus()
        self._health, self._health_at_s = Health("unknown", "Imprimante pas encore interrogée."), clock()

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    @property
    def columns(self) -> int:
        """Characters on a line of normal type."""
        return self._profile.columns

    @property
    def status(self) -> PrinterStatus:
        """What the printer told when it was last reached; the fields' times are those of `time.monotonic`."""
        return self._status

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device; it is asked for its state, and may be away.

        Args:
            timeout_s: Seconds for that question, a day at most; it is not asked when there are none (0, negative, NaN).
        """
        with self._lock:
            self._claimed = True
        self._confirmed = None
        if self._target.is_printer:
            self._repair.claimed()
        self._ask(timeout_s)

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print, cut, and say what is known of it.

        Args:
            document: What to print.
            job_id: Derived from the payment.
            timeout_s: Seconds for all of it, a day at most; nothing is sent when there are none (0, negative, NaN).
                `release` ends it sooner.

        Returns:
            `not_sent` when no byte of the job left; `unknown` when some did and the printer did not confirm.
        """
        if not self._claimed:
            return _NOT_CLAIMED
        use = _Use(Deadline(timeout_s))
        if not self._busy.acquire(timeout=use.deadline.left_s()):
            return _BUSY
        try:
            job = self._encode(document)
            with self._linked(use) as link:
                return self._send(link, job, job_id, use)
        except DriverError as error:
            if use.ended.is_set():
                return _NOT_CLAIMED
            if isinstance(error, LinkError):
                self._failed(error)
            return PrintResult("not_sent", error.code, error.text())
        finally:
            self._busy.release()

    def open_drawer(self, *, timeout_s: float = HEALTH_TIMEOUT_S, pin: Literal[2, 5] = 2) -> None:
        """Open the cash drawer behind the printer. No part of a payment: vouchers need no drawer.

        Args:
            timeout_s: Seconds for all of it, as for `print`.
            pin: Of the printer's connector: 2 the first drawer, 5 the second.

        Raises:
            DriverError: The printer is not claimed (`NOT_CLAIMED`), not there, or busy with a ticket, or there is no time
                (`LINK_TIMEOUT`).
        """
        self._ask_or_raise(timeout_s, escpos.GeneratePulse(pin))

    def read_status(self, *, timeout_s: float = HEALTH_TIMEOUT_S) -> PrinterStatus:
        """Ask the printer for its state.

        Args:
            timeout_s: Seconds for all of it, as for `print`.

        Returns:
            What it told; a field that it did not tell is unknown.

        Raises:
            DriverError: The printer is not claimed (`NOT_CLAIMED`), not there, or busy with a ticket, or there is no time
                (`LINK_TIMEOUT`).
        """
        self._ask_or_raise(timeout_s)
        return self._status

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the printer, and how old it is.

        Args:
            level: `internal` is what the last exchange told; `external` asks the printer, at most 2 s; so does
                `interactive`.

        Returns:
            What is known.
        """
        if level != "internal":
            self._ask(HEALTH_TIMEOUT_S)
        return with_age(self._health, self._clock() - self._health_at_s)

    def release(self) -> None:
        """Give the device back; a ticket that is being printed ends within a second. Idempotent."""
        with self._lock:
            self._claimed = False
            use = self._use
        if use is not None:
            use.end()

    @contextmanager
    def _linked(self, use: _Use, *, unclaimed: bool = False) -> Generator[Link]:
        """Open the link for one use; the caller holds `_busy`."""
        self._begin(use, unclaimed=unclaimed)
        try:
            with contextlib.closing(self._target.open_link(use.deadline)) as link:
                use.link = link
                if use.ended.is_set():  # released while it was opened
                    raise NotClaimedError(self._name)
                yield link
        finally:
            with self._lock:
                self._use = None

    def _begin(self, use: _Use, *, unclaimed: bool) -> None:
        with self._lock:
            if not (self._claimed or unclaimed):
                raise NotClaimedError(self._name)
            if use.deadline.left_s() <= 0:
                raise _NoTimeError(self._name, "connection")
            self._use = use

    def _encode(self, document: Document) -> list[escpos.Command]:
        encoder = escpos.Encoder(self._profile)
        job = encoder.job(document.lines(self.columns))
        for error in encoder.left_out:
            _log.warning("%s: a picture is left out of the ticket: %s", self._name, error)
        return job

    def _send(self, link: Link, job: list[escpos.Command], job_id: str, use: _Use) -> PrintResult:
        dialogue = Dialogue(link, self._clock)
        if self._target.answers:
            reason = self._question(link, dialogue, use.deadline)
            if reason is not None:
                return PrintResult("not_sent", *reason)
        if use.ended.is_set():
            raise NotClaimedError(self._name)
        self._attempts += 1
        process_id = escpos.process_id(job_id, self._attempts)
        asks = self._target.confirms and self._confirmed is not False
        commands = [*job, escpos.RequestProcessId(process_id)] if asks else job
        before = self._repair.before_job(commands)
        try:
            link.write(before + escpos.to_bytes(commands), timeout_s=use.deadline.left_s())
        except LinkError as error:
            if error.sent_bytes is not None and error.sent_bytes <= len(before):
                raise
            return self._torn(commands, error, use)
        try:
            result = self._result(dialogue, process_id if asks else None, use.deadline)
        except LinkError as error:
            torn = self._torn(commands, error, use)
            # All of it was handed over before: whoever is not waited for any more may well print it.
            return PrintResult("unknown", "NO_ANSWER", torn.detail) if use.ended.is_set() else torn
        self._repair.done()
        if use.ended.is_set() and result.outcome != "printed":
            return PrintResult("unknown", "NO_ANSWER", _INTERRUPTED)
        return result

    def _result(self, dialogue: Dialogue, process_id: bytes | None, deadline: Deadline) -> PrintResult:
        """Tell what became of a ticket that was handed over whole."""
        if not self._target.answers:
            self._know(Health("ready", "Le dernier ticket a été écrit."))
            return PrintResult("printed")
        wait_s = deadline.left_s() - LAST_QUERY_S
        if process_id is not None:
            limit = Deadline(wait_s if dialogue.answered else min(wait_s, SILENT_S))
            if dialogue.wait_for(process_id, limit):
                self._confirmed = True
                return PrintResult("printed")
        answered = dialogue.answered
        answers = dialogue.ask_status(deadline)
        reason = self._note(dialogue)
        if reason is not None:
            return PrintResult("unknown", *reason)
        if process_id is None:
            if not self._target.confirms and len(answers) == len(QUERIES):
                return PrintResult("printed")
        elif self._confirmed and not answers:
            return _SILENT
        elif self._confirmed is None and wait_s >= SILENT_S and (answers or not answered):
            # It had the time, and lives or never said a word: it will confirm no other ticket either. One that fell silent
            # was switched off.
            self._confirmed = False
        return PrintResult("unknown", "NO_ANSWER", "L’imprimante n’a pas confirmé le ticket.")

    def _torn(self, commands: list[escpos.Command], error: LinkError, use: _Use) -> PrintResult:
        self._repair.torn(commands)
        if use.ended.is_set():
            self._know(Health("unknown", _INTERRUPTED))
            return PrintResult("unknown", error.code, _INTERRUPTED)
        self._know(Health("absent", error.text()))
        return PrintResult("unknown", error.code, error.text())

    def _ask(self, timeout_s: float) -> None:
        # A job in progress knows better, and a health check never delays it.
        if not self._busy.acquire(blocking=False):
            return
        use = _Use(Deadline(timeout_s))
        try:
            with self._linked(use, unclaimed=True) as link:
                self._look(link, use)
        except DriverError as error:
            if not use.ended.is_set():
                self._failed(error)
        finally:
            self._busy.release()

    def _ask_or_raise(self, timeout_s: float, command: escpos.GeneratePulse | None = None) -> None:
        use = _Use(Deadline(timeout_s))
        if not self._busy.acquire(timeout=use.deadline.left_s()):
            raise LinkTimeoutError(self._name, "end of the ticket")
        try:
            with self._linked(use) as link:
                if command is None:
                    self._look(link, use)
                else:
                    filler = self._repair.before_pulse()
                    link.write(filler + command.to_bytes(), timeout_s=use.deadline.left_s())
        except LinkError as error:
            self._failed(error)
            raise
        finally:
            self._busy.release()

    def _look(self, link: Link, use: _Use) -> None:
        if not self._target.answers:
            self._know(Health("ready", "Prête ; elle ne peut pas confirmer ses tickets."))
            return
        self._question(link, Dialogue(link, self._clock), use.deadline)

    def _question(self, link: Link, dialogue: Dialogue, deadline: Deadline) -> tuple[str, str] | None:
        """Ask for the state, once the printer is sure to take a question for one; return why it cannot print."""
        filler = self._repair.before_question()
        if filler:
            link.write(filler, timeout_s=deadline.left_s())
        dialogue.ask_status(deadline)
        if dialogue.answered:
            self._repair.answered()
        return self._note(dialogue)

    def _note(self, dialogue: Dialogue) -> tuple[str, str] | None:
        """Keep what the printer told, and return why it cannot print."""
        self._status = dialogue.status
        self._know(health_of(self._status))
        return why_not_ready(self._status)

    def _failed(self, error: DriverError) -> None:
        if not isinstance(error, _NoTimeError):
            self._know(Health("absent", error.text()))

    def _know(self, health: Health) -> None:
        self._health, self._health_at_s = health, self._clock()


def open_printer(url: str, options: Mapping[str, object]) -> EscPosPrinter:
    """Make a ticket printer; nothing is opened before `claim`.

    Args:
        url: `tcp://192.168.1.50:9100?profile=80mm`, or another of those that `targets` names.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The printer, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, SCHEMES)
    settings = Settings(device, options)
    profile = read_profile(settings)
    target = read_target(device, settings)
    settings.refuse_unknown()
    return EscPosPrinter(url, target, profile)
