"""`cvconnect printer test`: a ticket comes out, and all that is known of the printer is said."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from cvconnect_drivers.cli.installed import load_factory
from cvconnect_drivers.cli.printer_asking import meet, target_of
from cvconnect_drivers.cli.printer_state import (
    REMEDIES,
    describe_profile,
    describe_result,
    describe_state,
    is_known,
    table,
)
from cvconnect_drivers.cli.printer_ticket import TrialTicket
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_drivers.printers.profile_settings import DEFAULT_PROFILE, PROFILE_KEYS, read_profile
from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.shapes import Document, Health, PrintResult
from cvconnect_drivers.urls import Settings, parse_url

CLAIM_S: Final = 3.0
_CODE_BYTES: Final = 2


class Printer(Protocol):
    """What the entry points of the group `cvconnect.printers` make."""

    @property
    def columns(self) -> int:
        """Characters on a line."""
        ...

    def claim(self, *, timeout_s: float) -> None:
        """Prepare the device."""
        ...

    def print(self, document: Document, *, job_id: str, timeout_s: float) -> PrintResult:
        """Print a document."""
        ...

    def check_health(self) -> Health:
        """Tell what is known."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


def run(url: str, options: Mapping[str, object], timeout_s: float) -> bool:
    """Print a test ticket and say what is known.

    Args:
        url: The printer's URL.
        options: Its table in the station file, without the URL.
        timeout_s: Seconds for the ticket.

    Returns:
        Whether it is known to have been printed.

    Raises:
        DriverError: The printer cannot be asked, or a setting is wrong.
    """
    printer: Printer = load_factory("printers", url)(url, options)
    target = target_of(url, options)
    rows = {"Imprimante": url}
    if target is not None:
        rows |= describe_profile(*profile_of(url, options))
    if target is not None and target.answers:
        met = meet(target, url)
        rows["Liaison"] = f"ouverte en {met.open_s * 1000:.0f} ms"
        if met.model:
            rows["Modèle"] = met.model
    say("\n".join(table(rows)))
    say(f"\nTicket d’essai : l’imprimante est attendue {timeout_s:.0f} s au plus.")
    result, took_s = print_ticket(printer, timeout_s)
    silent = False
    if target is not None and target.answers and isinstance(printer, EscPosPrinter):
        silent = not _tell_state(printer)
    _tell_result(result, took_s, target, silent=silent)
    return result.outcome == "printed"


def print_ticket(printer: Printer, timeout_s: float) -> tuple[PrintResult, float]:
    """Print a test ticket.

    Args:
        printer: The printer, unclaimed; it is released again.
        timeout_s: Seconds for it.

    Returns:
        What became of it, and how long it took.
    """
    ticket = TrialTicket(datetime.now().astimezone().strftime("%d/%m/%Y %H:%M"), trial_code())
    started = time.monotonic()
    try:
        printer.claim(timeout_s=CLAIM_S)
        result = printer.print(ticket, job_id=f"test-{time.time_ns()}", timeout_s=timeout_s)
    finally:
        printer.release()
    return result, time.monotonic() - started


def trial_code() -> str:
    """Make a code that tells this ticket from the one before."""
    return f"TEST {secrets.token_hex(_CODE_BYTES).upper()}"


def profile_of(url: str, options: Mapping[str, object]) -> tuple[Profile, str]:
    """Read what a printer is taken for, and the name of its profile."""
    settings = Settings(
        parse_url(url, {url.partition(":")[0]}),
        {key: value for key, value in options.items() if key in PROFILE_KEYS},
    )
    name: Any = options.get("profile") or parse_url(url, {url.partition(":")[0]}).query.get("profile")
    return read_profile(settings), str(name or DEFAULT_PROFILE)


def _tell_state(printer: EscPosPrinter) -> bool:
    """Ask once more, since a ticket changes the paper; what was told before stands when it is gone.

    Returns:
        Whether anything is known.
    """
    printer.check_health("external")
    heading, *lines = describe_state(printer.status, time.monotonic())
    say(f"\n{heading}", "bold")
    if lines:
        say("\n".join(lines))
    return is_known(printer.status)


def _tell_result(result: PrintResult, took_s: float, target: Target | None, *, silent: bool) -> None:
    said = describe_result(result, took_s, target)
    say(f"\n{said}", "green" if result.outcome == "printed" else "red")
    if result.outcome == "printed":
        say(
            "\nÀ faire : regardez le papier. La règle tient-elle sur une ligne, les accents et € sont-ils justes, "
            "un téléphone lit-il le code ? Sinon : cvconnect printer setup"
        )
    else:
        reason = "SILENT" if silent and result.reason == "NO_ANSWER" else result.reason or ""
        remedy = REMEDIES.get(reason, "Corrigez ce qui est dit, puis recommencez.")
        say(f"\nÀ faire : {remedy[0].lower()}{remedy[1:]}\nCode : {result.reason}")
