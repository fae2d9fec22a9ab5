"""`cvconnect display test`: each display shows that it is tested, then that it is paid, and is cleared, whatever happens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import typer

from cvconnect_drivers.cli import display_prompt, display_said, questions
from cvconnect_drivers.cli.countdown import SLICE_S, Countdown
from cvconnect_drivers.cli.display_place import Place
from cvconnect_drivers.cli.display_said import STATES, Verdict
from cvconnect_drivers.cli.display_stop import Stops
from cvconnect_drivers.cli.installed import load_factory
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import ConfigurationError, DriverError, PackageMissingError
from cvconnect_drivers.shapes import Health, HealthLevel, Language, Prompt, Surface

CLAIM_S: Final = 3.0
"""As long as a till gives a device when it starts."""

SHOW_S: Final = 3.0
PRINT_S: Final = 15.0
CLEAR_S: Final = 1.0
FORGOTTEN_S: Final = 600
"""After that, screens that count by themselves hide the QR of a test that nobody ends."""

DEFAULT_S: Final = 5
_NO: Final = frozenset({"n", "non", "no"})


class Display(Protocol):
    """What the entry points of the group `cvconnect.displays` make."""

    def claim(self, *, timeout_s: float) -> None:
        """Take the display."""
        ...

    def show(self, prompt: Prompt, *, timeout_s: float) -> Surface:
        """Show a prompt, and say what the customer sees."""
        ...

    def clear(self, *, timeout_s: float) -> None:
        """Show nothing."""
        ...

    def check_health(self, level: HealthLevel = "internal") -> Health:
        """Tell what is known."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How a test walks on: when a person at the terminal says so, or after some time.

    Args:
        seconds: How long each step stands; None waits for the person.
    """

    seconds: float | None

    @classmethod
    def chosen(cls, seconds: int | None) -> Pace:
        """Take what the command line says, or wait for the person, if there is one."""
        if seconds is None and not questions.keyboard().isatty():
            seconds = DEFAULT_S
        return cls(seconds)

    def wait(self, look: str, asks: str) -> bool:
        """Wait.

        Args:
            look: What to look at, for a script's log.
            asks: What Enter and `n` mean, for a person.

        Returns:
            Whether nobody said no.
        """
        if self.seconds is None:
            typer.echo(f"  [{asks}] > ", nl=False)
            return questions.keyboard().readline().strip().lower() not in _NO
        slept = threading.Event()
        with Countdown(f"  {look}", self.seconds) as countdown:
            while (left_s := countdown.left_s()) > 0:
                slept.wait(min(SLICE_S, left_s))
                countdown.show()
        return True


@dataclass(slots=True)
class Trial:
    """A test of displays, one after the other.

    Args:
        language: The customer's.
        pace: How it walks on.
        stops: Who hears Ctrl-C.
        uncleared: Whether something of the test was left on a display.
    """

    language: Language
    pace: Pace
    stops: Stops
    uncleared: bool = False
    _held: list[Display] = field(default_factory=list[Display])

    def run(self, places: Sequence[Place]) -> int:
        """Test them.

        Args:
            places: The displays; one that fails does not keep the others from being tested.

        Returns:
            The exit status: the worst of theirs.
        """
        try:
            verdicts = [self._try(place) for place in places]
        finally:
            for display in self._held:  # a signal came just before it would have been put away
                self.uncleared = put_away(display) is not None or self.uncleared
        # A display that is this terminal has erased what was said before.
        if len(places) > 1 or any(each.scheme == "terminal" for each in places):
            say("\nRésultat", "bold")
            for verdict in verdicts:
                erased = verdict.url.startswith("terminal:")
                lines = verdict.lines if erased else verdict.lines[:1]
                say("\n".join((verdict.url, *lines)), "red" if verdict.status else "green")
        return max(verdict.status for verdict in verdicts)

    def _try(self, place: Place) -> Verdict:
        say(f"\n{place.url}", "bold")
        display: Any = None
        failed: Exception | None = None
        scheme = place.url.partition(":")[0]
        try:
            display = load_factory("displays", place.url)(place.url, place.options)
            self._held.append(display)
            display.claim(timeout_s=CLAIM_S)
            verdict = self._walk(place, display)
        except Exception as error:  # noqa: BLE001 (a driver may raise anything; the others are tested all the same)
            verdict = judged(place.url, scheme, error)
            say("\n".join(verdict.lines), "red")
        finally:
            if display is not None:
                with self.stops.put_off():
                    failed = put_away(display)
                    self._held.remove(display)
                    self.uncleared = self.uncleared or failed is not None
        if failed is None or verdict.status:
            return verdict
        left = judged(place.url, scheme, failed)
        say("\n".join(("  L’essai n’a pas pu être effacé.", *left.lines)), "red")
        return left

    def _walk(self, place: Place, display: Display) -> Verdict:
        # What is said under a QR would push it out of the terminal that shows it.
        silent = place.scheme == "terminal"
        surface, verdict = self._show(place, display)
        if not silent:
            self._tell(verdict, display)
        if surface == "none":
            self.pace.wait("Nouvel essai ensuite", "Entrée : réessayer")
            before = verdict
            if display.check_health().state == "absent":  # it is looked for now, not when its driver would
                display.release()
                display.claim(timeout_s=CLAIM_S)
            surface, verdict = self._show(place, display)
            if verdict == before:
                say("  Rien n’a changé.", "red")
                return verdict
            self._tell(verdict, display)
        if not self.pace.wait("Regardez l’écran client", "Entrée : visible ; n : non"):
            verdict = display_said.unseen(place.url, place.scheme)
            say("\n".join(verdict.lines), "red")
            return verdict
        return verdict if place.scheme == "printer" else self._show_paid(place, display, verdict)

    def _show(self, place: Place, display: Display) -> tuple[Surface, Verdict]:
        if place.scheme == "serial":
            prompt = display_prompt.waiting_on_lines(self.language)
        else:
            ends_at = datetime.now(UTC) + timedelta(seconds=FORGOTTEN_S)
            prompt = display_prompt.waiting(self.language, ends_at)
        surface = display.show(prompt, timeout_s=PRINT_S if place.scheme == "printer" else SHOW_S)
        return surface, self._judge(place, display, surface)

    def _show_paid(self, place: Place, display: Display, verdict: Verdict) -> Verdict:
        surface = display.show(display_prompt.paid(self.language), timeout_s=SHOW_S)
        if surface == "none":
            lost = self._judge(place, display, surface)
            self._tell(lost, display)
            return lost
        self.pace.wait("« Payé » : regardez encore", "« Payé ». Entrée : effacer")
        return verdict

    def _judge(self, place: Place, display: Display, surface: Surface) -> Verdict:
        return display_said.of_surface(place.url, place.scheme, surface, display.check_health())

    def _tell(self, verdict: Verdict, display: Display) -> None:
        health = display.check_health("external")
        say(f"  {STATES[health.state]} : {health.detail}")
        say("\n".join(verdict.lines), "red" if verdict.status else "green")


def judged(url: str, scheme: str, error: Exception) -> Verdict:
    """Judge what a driver raised.

    Args:
        url: The display's.
        scheme: Its kind.
        error: What it raised.
    """
    if not isinstance(error, DriverError):
        return display_said.of_error(url, scheme, f"{type(error).__name__}.", "", wrong_setting=False)
    wrong = isinstance(error, ConfigurationError | PackageMissingError)
    return display_said.of_error(url, scheme, error.text(), error.code, wrong_setting=wrong)


def put_away(display: Display) -> Exception | None:
    """Clear a display and give it back; each also when the other fails.

    Args:
        display: The display.

    Returns:
        Why it could not be cleared, or None.
    """
    try:
        display.clear(timeout_s=CLEAR_S)
    except Exception as error:  # noqa: BLE001 (a driver may raise anything)
        return error
    finally:
        with contextlib.suppress(Exception):
            display.release()
    return None
