"""What is wrong with a command line, in French: Typer's own sentences are English."""

from __future__ import annotations

import re
from typing import Any, Final

_MISSING: Final = "Il manque {hint}."
_UNKNOWN: Final = "Option inconnue : {option}.{others}"
_NO_VALUE: Final = "L’option {option} n’attend pas de valeur."
_WANTS_VALUE: Final = "L’option {option} attend une valeur."
_BAD: Final = "{hint} : cette valeur ne convient pas.{why}"
_TOO_MANY: Final = "Argument en trop : {given}."

_WHYS: Final = (
    (re.compile(r"does not match the formats"), " Une date s’écrit AAAA-MM-JJ."),
    (re.compile(r"valid integer|valid int"), " Il faut un nombre entier."),
    (re.compile(r"valid number|valid float"), " Il faut un nombre."),
    (re.compile(r"does not exist"), " Ce fichier ou ce dossier n’existe pas."),
    (re.compile(r"greater than or equal to (\S+)"), " Le plus petit nombre est {}."),
    (re.compile(r"less than or equal to (\S+)"), " Le plus grand nombre est {}."),
    (re.compile(r"(?:is not one of|Input should be) ('.+')"), " Au choix : {}."),
)
"""By what Typer's reason is recognised; another is left out."""


def in_french(error: Any) -> str | None:
    """Say an error of Typer's about a command line.

    Args:
        error: What Typer raised.

    Returns:
        The sentence; None for an error whose words are ours already.
    """
    option = getattr(error, "option_name", "")
    match type(error).__name__:
        case "MissingParameter":
            return _MISSING.format(hint=_hint(error))
        case "NoSuchOption":
            others = ", ".join(sorted(error.possibilities or ()))
            return _UNKNOWN.format(option=option, others=others and f" Peut-être : {others}.")
        case "BadOptionUsage":
            takes_none = "does not take" in error.message
            return (_NO_VALUE if takes_none else _WANTS_VALUE).format(option=option)
        case "BadParameter":
            return _BAD.format(hint=_hint(error), why=_why(error.message))
        case _:
            message = getattr(error, "message", "")
            given = re.fullmatch(r"Got unexpected extra arguments?\(?s?\)? \((.*)\)", message, re.DOTALL)
            return _TOO_MANY.format(given=given[1]) if given else None


def _hint(error: Any) -> str:
    hint = error.param_hint or (error.param.get_error_hint() if error.param is not None else "")
    return hint if isinstance(hint, str) else " / ".join(hint)


def _why(message: str) -> str:
    for pattern, said in _WHYS:
        found = pattern.search(message)
        if found:
            return said.format(*found.groups())
    return ""
