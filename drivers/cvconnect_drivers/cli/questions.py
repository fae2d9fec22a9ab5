"""Questions to the person at the machine, answered on the keyboard or by a script's standard input."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import typer

from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import ConfigurationError

TRIES: Final = 3
NONE: Final = frozenset({"0", "aucune", "aucun", "rien"})
_YES, _NO = frozenset({"o", "oui", "y", "yes"}), frozenset({"n", "non", "no"})

Answer = TypeVar("Answer")


class Keyboard(Protocol):
    """Where answers come from."""

    def isatty(self) -> bool:
        """Whether a person types, who sees the end of a line."""
        ...

    def readline(self) -> str:
        """Give the next line with its end; an empty text when there is none."""
        ...


def keyboard() -> Keyboard:
    """Give where answers come from."""
    return sys.stdin or io.StringIO()  # a program may be started without any


class Questions:
    """Asks, or takes what was proposed.

    Args:
        yes: Whether every proposal is taken, and nobody asked.
    """

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes

    @property
    def silent(self) -> bool:
        """Whether nobody is asked."""
        return self._yes

    def numbers(self, text: str, most: int, proposed: Sequence[int]) -> list[int]:
        """Ask for some numbers; 0 is none of them.

        Args:
            text: The question.
            most: The highest number.
            proposed: What an empty answer means.

        Raises:
            ConfigurationError: `ANSWER`: none that is valid came.
        """
        shown = " ".join(map(str, proposed)) or "0"

        def read(answer: str) -> list[int] | None:
            words = answer.replace(",", " ").split()
            if len(words) == 1 and words[0] in NONE:
                return []
            numbers = [int(word) for word in words if word.isascii() and word.isdigit()]
            good = len(numbers) == len(words) and all(1 <= number <= most for number in numbers)
            return sorted(set(numbers)) if good else None

        wanted = f"des numéros de 1 à {most} séparés par des espaces, ou 0 pour aucun"
        return self._ask(text, shown, read, list(proposed), wanted)

    def one_of(self, text: str, allowed: Sequence[int], proposed: int) -> int:
        """Ask for one of some numbers.

        Args:
            text: The question.
            allowed: The numbers.
            proposed: What an empty answer means.

        Raises:
            ConfigurationError: `ANSWER`: none that is valid came.
        """

        def read(answer: str) -> int | None:
            return next((number for number in allowed if answer == str(number)), None)

        wanted = f"l’un de ces nombres : {', '.join(map(str, allowed))}"
        return self._ask(text, str(proposed), read, proposed, wanted)

    def yes_no(self, text: str, *, proposed: bool) -> bool:
        """Ask what is answered by yes or no.

        Args:
            text: The question.
            proposed: What an empty answer means.

        Raises:
            ConfigurationError: `ANSWER`: none that is valid came.
        """

        def read(answer: str) -> bool | None:
            return True if answer in _YES else False if answer in _NO else None

        return self._ask(text, "oui" if proposed else "non", read, proposed, "oui ou non")

    def _ask(
        self, text: str, shown: str, read: Callable[[str], Answer | None], proposed: Answer, wanted: str
    ) -> Answer:
        say(text)
        if self._yes:
            say(f"  {shown} (sans question)")
            return proposed
        for _ in range(TRIES):
            typer.echo(f"  [Entrée : {shown}] > ", nl=False)
            line = (answers := keyboard()).readline()
            if not answers.isatty():
                typer.echo()
            if not line:
                raise ConfigurationError(
                    "ANSWER",
                    fr="Personne ne répond au clavier. Sans personne, ajoutez --yes, et ce qui est connu : --columns, "
                    "--pages, --qr, --cut ou --no-cut.",
                    en="Nobody answers; give --yes and what is known",
                )
            answer = line.strip().lower()
            if not answer:
                return proposed
            if (understood := read(answer)) is not None:
                return understood
            say(f"  Répondez par {wanted}.", "yellow")
        raise ConfigurationError(
            "ANSWER",
            fr="Aucune réponse n’a été comprise. Le fichier n’a pas été changé.",
            en="No valid answer",
        )
