"""How the commands of the drivers speak: with colour where a person looks at a terminal, plainly elsewhere."""

from __future__ import annotations

import errno
import re
import shutil
import sys
import textwrap
from typing import Final

import typer

from cvconnect_drivers.discovery import Kind, Sureness

KINDS: dict[Kind, str] = {
    "keyboard": "mode clavier",
    "hidpos": "mode HID-POS",
    "serial": "port série",
}
SURE: dict[Sureness, tuple[str, str]] = {
    "sure": ("douchette", "green"),
    "likely": ("sans doute une douchette", "green"),
    "possible": ("peut-être une douchette", "yellow"),
    "unlikely": ("plutôt autre chose", "dim"),
}


_REASONS: Final = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.EROFS: "ce disque est en lecture seule",
    errno.ENOSPC: "le disque est plein",
    errno.ENOENT: "introuvable",
    errno.ENOTDIR: "une partie du chemin n’est pas un dossier",
    errno.EISDIR: "c’est un dossier, indiquez un fichier",
    errno.ELOOP: "ce lien ne mène nulle part",
    errno.EBUSY: "un autre programme s’en sert",
    errno.ENAMETOOLONG: "ce nom est trop long",
}


_BOUND: Final = re.compile(r"(?<=«) | (?=[»:;?!](?:\s|[.,]|$))")
"""Spaces at which French breaks no line."""


def reason(error: OSError) -> str:
    """Say in French why the system refused a file."""
    return _REASONS.get(error.errno or 0, f"erreur {error.errno or type(error).__name__} du système")


def say(text: str = "", style: str = "", *, err: bool = False) -> None:
    """Write sentences; on a terminal, lines are broken between words.

    Args:
        text: The lines.
        style: Rich's words for their colour, on a terminal.
        err: Whether they go to the standard error.
    """
    if (sys.stderr if err else sys.stdout).isatty():
        width = max(shutil.get_terminal_size().columns, 20)
        text = "\n".join(_wrapped(line, width) for line in text.split("\n"))
    _write(text, style, err=err)


def show(text: str) -> None:
    """Write what is to be copied, an address or a command: its lines are never broken."""
    _write(text, "cyan", err=False)


def _wrapped(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    bound = _BOUND.sub("\0", line)  # which is as wide as the space that it stands for
    return textwrap.fill(
        bound, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ).replace("\0", " ")


def _write(text: str, style: str, *, err: bool) -> None:
    if style and not err and sys.stdout.isatty():
        from rich.console import Console

        plain = Console(highlight=False, markup=False, emoji=False)
        plain.print(text, style=style, soft_wrap=True)
    else:
        typer.echo(text, err=err)
