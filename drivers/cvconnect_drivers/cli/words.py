"""How the commands of the drivers speak: with colour where a person looks at a terminal, plainly elsewhere."""

from __future__ import annotations

import sys

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


def say(text: str = "", style: str = "") -> None:
    """Write lines; a long one is not cut, so that an address can be copied.

    Args:
        text: The lines.
        style: Rich's words for their colour, on a terminal.
    """
    if style and sys.stdout.isatty():
        from rich.console import Console

        plain = Console(highlight=False, markup=False, emoji=False)
        plain.print(text, style=style, soft_wrap=True)
    else:
        typer.echo(text)
