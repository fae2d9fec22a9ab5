"""Ticket printers on the network (`tcp://192.168.1.50:9100?profile=80mm`), and wherever else `targets` finds them.

The link is opened for each job: a printer that was switched off in between costs nothing, and two tills share one printer.
Before a job the printer is asked for its state; after it, for an answer that comes only once everything has been printed.

A file and a memory roll cannot answer: there, a job whose bytes were all written is *printed*, because writing is all that
they do.

Settings: `profile` (`80mm`, `58mm`), and those of `targets`; of these `confirm`: `process-id` asks for that answer, and a printer that
never gives it is asked once per claim; `none` does not ask, and then *printed* means that the printer took the whole ticket
and said right after it that it was ready.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence

from cvconnect_drivers.errors import DriverError, LinkError
from cvconnect_drivers.links.base import Deadline, Link
from cvconnect_drivers.printers import escpos, status
from cvconnect_drivers.printers.dialogue import Dialogue
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.targets import SCHEMES, Target, read_target
from cvconnect_drivers.shapes import Document, Health, HealthLevel, PrintResult
from cvconnect_drivers.urls import Settings, parse_url

SILENT_S = 3.0
"""How long a confirmation is waited for from a printer that answered no question: it most probably never comes."""

LAST_QUERY_S = 0.5
"""Kept back from a job's time, to ask why no confirmation came."""

HEALTH_TIMEOUT_S = 2.0


class EscPosPrinter:
    """A printer that speaks ESC/POS.

    Args:
        name: The URL it was made from.
        target: Where it is.
        profile: What kind it is.
    """

    def __init__(self, name: str, target: Target, profile: Profile) -> None:
        self._name = name
        self._target = target
        self._profile = profile
        self._busy = threading.Lock()
        self._claimed = False
        self._attempts = 0
        self._confirmed: bool | None = None
        """Whether a confirmation came since `claim`; None while nobody knows."""
        self._resynchronise = b""
        self._health = Health("unknown", "Imprimante pas encore interrogée.")

    @property
    def name(self) -> str:
        """The URL it was made from."""
        return self._name

    @property
    def columns(self) -> int:
        """Characters on a line of normal type."""
        return self._profile.columns

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device; it is asked for its state, and may be away.

        Args:
            timeout_s: Seconds for that question.
        """
        self._claimed, self._confirmed = True, None
        self._ask(timeout_s)

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print, cut, and say what is known of it.

        Args:
            document: What to print.
            job_id: Derived from the payment.
            timeout_s: Seconds for all of it.

        Returns:
            `not_sent` when no byte of the job left; `unknown` when some did and the printer did not confirm.
        """
        if not self._claimed:
            return PrintResult("not_sent", "NOT_CLAIMED", "L’imprimante n’est pas réservée par cette caisse.")
        deadline = Deadline(timeout_s)
        if not self._busy.acquire(timeout=timeout_s):
            return PrintResult("not_sent", "BUSY", "L’imprimante imprime un autre ticket.")
        try:
            job = escpos.Encoder(self._profile).job(document.lines(self.columns))
            with contextlib.closing(self._target.open_link(deadline.left_s())) as link:
                return self._send(link, job, job_id, deadline)
        except DriverError as error:
            if isinstance(error, LinkError):
                self._health = Health("absent", error.text())
            return PrintResult("not_sent", error.code, error.text())
        finally:
            self._busy.release()

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known of the printer.

        Args:
            level: `internal` is what the last exchange told; `external` asks the printer, at most 2 s; so does
                `interactive`.

        Returns:
            What is known.
        """
        if level != "internal":
            self._ask(HEALTH_TIMEOUT_S)
        return self._health

    def release(self) -> None:
        """Give the device back. Idempotent."""
        self._claimed = False

    def _send(
        self, link: Link, job: Sequence[escpos.Command], job_id: str, deadline: Deadline
    ) -> PrintResult:
        dialogue = Dialogue(link)
        if self._target.answers:
            reason = self._note(dialogue.ask_status(deadline))
            if reason is not None:
                return PrintResult("not_sent", *reason)
        self._attempts += 1
        process_id = escpos.process_id(job_id, self._attempts)
        asks = self._target.confirms and self._confirmed is not False
        commands = [*job, escpos.RequestProcessId(process_id)] if asks else job
        try:
            link.write(self._resynchronise + escpos.to_bytes(commands), timeout_s=deadline.left_s())
        except LinkError as error:
            if error.sent_bytes == 0:
                raise
            return self._torn(commands, error)
        try:
            result = self._result(dialogue, process_id if asks else None, deadline)
        except LinkError as error:
            return self._torn(commands, error)
        self._resynchronise = b""
        return result

    def _result(self, dialogue: Dialogue, process_id: bytes | None, deadline: Deadline) -> PrintResult:
        """Tell what became of a ticket that was handed over whole."""
        if not self._target.answers:
            self._health = Health("ready", "Le dernier ticket a été écrit.")
            return PrintResult("printed")
        if process_id is not None:
            wait_s = deadline.left_s() - LAST_QUERY_S
            limit = Deadline(wait_s if dialogue.answered else min(wait_s, SILENT_S))
            if dialogue.wait_for(process_id, limit):
                self._confirmed = True
                return PrintResult("printed")
        answers = dialogue.ask_status(deadline)
        reason = self._note(answers)
        if reason is not None:
            return PrintResult("unknown", *reason)
        if process_id is not None and self._confirmed is None:
            self._confirmed = False
        if not self._target.confirms and len(answers) == len(status.QUERIES):
            return PrintResult("printed")
        return PrintResult("unknown", "NO_ANSWER", "L’imprimante n’a pas confirmé le ticket.")

    def _torn(self, commands: Sequence[escpos.Command], error: LinkError) -> PrintResult:
        # A job may be torn before what repairs the one before it was sent whole: the longer repair mends both.
        self._resynchronise = max(self._resynchronise, escpos.resynchronise(commands), key=len)
        self._health = Health("absent", error.text())
        return PrintResult("unknown", error.code, error.text())

    def _ask(self, timeout_s: float) -> None:
        deadline = Deadline(timeout_s)
        # A job in progress knows better, and a health check never delays it.
        if not self._busy.acquire(blocking=False):
            return
        try:
            with contextlib.closing(self._target.open_link(deadline.left_s())) as link:
                if self._target.answers:
                    self._note(Dialogue(link).ask_status(deadline))
                else:
                    self._health = Health("ready", "Prête ; elle ne peut pas confirmer ses tickets.")
        except DriverError as error:
            self._health = Health("absent", error.text())
        finally:
            self._busy.release()

    def _note(self, answers: Mapping[int, int]) -> tuple[str, str] | None:
        """Keep what the printer told as its health, and return why it cannot print."""
        known = status.decode_status(answers)
        reason = status.why_not_ready(known)
        if reason is not None:
            self._health = Health("degraded", reason[1])
        elif not answers:
            self._health = Health("unknown", "L’imprimante ne dit rien de son état.")
        elif known.paper_near_end:
            self._health = Health("ready", "Imprimante prête ; le papier est bientôt épuisé.")
        else:
            self._health = Health("ready", "Imprimante prête.")
        return reason


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
    profile = PROFILES[settings.choice("profile", "80mm", PROFILES)]
    target = read_target(device, settings)
    settings.refuse_unknown()
    return EscPosPrinter(url, target, profile)
