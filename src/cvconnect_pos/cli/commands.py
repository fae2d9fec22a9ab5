"""`cvconnect`: its own commands, and those of the installed packages (entry points `cvconnect.commands`).

A package's command is a plain function that Typer can read; it is imported only when it is called or described.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, Final

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from cvconnect_pos import __version__
from cvconnect_pos.cli import journal, operations, settlement
from cvconnect_pos.cli.check import check
from cvconnect_pos.cli.usage import in_french

GROUP: Final = "cvconnect.commands"
HELP: Final = "Affiche cette aide."


class FrenchCommand(TyperCommand):
    """A command whose help option and mistakes are described in French."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        with _mistakes_in_french(ctx):
            return super().parse_args(ctx, args)

    def get_help_option(self, ctx: Any) -> Any:
        """Describe `--help`."""
        return _in_french(super().get_help_option(ctx))


class FrenchGroup(TyperGroup):
    """A group of commands that answers in French."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        with _mistakes_in_french(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was typed, or name those there are."""
        names = self.list_commands(ctx)
        if args[0] not in names:
            ctx.fail(f"Commande inconnue : « {args[0]} ». Commandes : {', '.join(names)}.")
        return super().resolve_command(ctx, args)

    def get_help_option(self, ctx: Any) -> Any:
        """Describe `--help`."""
        return _in_french(super().get_help_option(ctx))


class Commands(FrenchGroup):
    """Our commands, then those of the installed packages."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name every command; imports none."""
        own = super().list_commands(ctx)
        return own + sorted(entry_points(group=GROUP).names - set(own))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command, and import it when a package brings it."""
        found = entry_points(group=GROUP)
        own = super().get_command(ctx, cmd_name)
        return own if own is not None or cmd_name not in found.names else _load(found[cmd_name])


def _in_french(option: Any) -> Any:
    if option is not None:
        option.help = HELP
    return option


@contextmanager
def _mistakes_in_french(ctx: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # its class depends on the release of Typer
        said = in_french(error)
        if said is None:
            raise
        ctx.fail(said)


def _load(found: EntryPoint) -> Any:
    """Import a package's command; one that is broken becomes a command that says so."""
    app = typer.Typer(add_completion=False)
    try:
        app.command(found.name, cls=FrenchCommand)(found.load())
        return typer.main.get_command(app)
    except Exception as error:  # noqa: BLE001 - a package may break in any way; the other commands still work
        return _broken(found, error)


def _broken(found: EntryPoint, error: Exception) -> Any:
    app = typer.Typer(add_completion=False)
    package = found.dist.name if found.dist is not None else found.module

    @app.command(
        found.name,
        cls=FrenchCommand,
        help=f"Indisponible : le paquet « {package} » est défectueux.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def say() -> None:
        typer.echo(
            f"La commande « {found.name} » du paquet « {package} » ne peut pas être chargée.\n"
            f"{type(error).__name__} : {error}\n"
            f"Réinstallez-le : pip install --force-reinstall {package}",
            err=True,
        )
        raise typer.Exit(2)

    return typer.main.get_command(app)


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer's own form
    if value:
        typer.echo(f"cvconnect {__version__}")
        raise typer.Exit


app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command("check", cls=FrenchCommand)(check)


def _add_group(name: str, commands: dict[str, Callable[..., None]], said: str) -> None:
    group = typer.Typer(cls=FrenchGroup, no_args_is_help=True, help=said)
    for command, function in commands.items():
        group.command(command, cls=FrenchCommand)(function)
    app.add_typer(group, name=name)


_add_group("journal", journal.COMMANDS, "Vérifie, exporte et clôture le journal d’une caisse.")
_add_group("operations", operations.COMMANDS, "Liste les opérations et ce qui reste à voir.")
_add_group("settlement", settlement.COMMANDS, "Prévoit les virements et rapproche l’export du fournisseur.")


@app.callback()
def cvconnect(
    version: Annotated[  # noqa: FBT002 - Typer's own form
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Affiche la version."),
    ] = False,
) -> None:
    """Encaisser en Chèque-Vacances Connect : installer, régler et vérifier une caisse, et tenir son journal."""


def run() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a code page without « € » or blocks shows `?`, it never ends a command
            reconfigure(errors="replace")
    rich_utils.COMMANDS_PANEL_TITLE = "Commandes"
    rich_utils.ERRORS_PANEL_TITLE = "Erreur"
    rich_utils.DEFAULT_STRING = "[par défaut : {}]"
    rich_utils.REQUIRED_LONG_STRING = "[obligatoire]"
    rich_utils.RICH_HELP = "Pour l’aide : [blue]{command_path} {help_option}[/]"
    app(prog_name="cvconnect")
