"""What the commands share: the station file, the journal it names, days, errors in words, and colour on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from cvconnect_pos.configuration import StationFile, read_station_file
from cvconnect_pos.errors import CvConnectError, JournalError, NotAllowedNow
from cvconnect_pos.journal.sqlite import SqliteJournal

File = Annotated[Path, typer.Argument(metavar="FICHIER", help="Le fichier de la caisse.")]
STATION: Final = Path("cvconnect.toml")
Json = Annotated[bool, typer.Option("--json", help="En JSON, pour un programme.")]

YEARS: Final = range(2000, 2200)
"""The years that a journal can have; others are slips of the keyboard."""


@contextmanager
def told() -> Iterator[None]:
    """Say an error of the SDK in words, and end: 1 when it is about the payments, 2 when about the order or the files."""
    try:
        yield
    except CvConnectError as error:
        typer.echo(f"{error.text()}\n{error.remedy()}\nCode : {error.code}", err=True)
        about_payments = isinstance(error, NotAllowedNow) or error.code == "REQUEST_UNKNOWN"
        raise typer.Exit(1 if about_payments else 2) from None


def refuse(said: str) -> NoReturn:
    """Say that an argument will not do, and end with 2."""
    typer.echo(said, err=True)
    raise typer.Exit(2)


@contextmanager
def open_journal(station: StationFile, file: Path) -> Iterator[SqliteJournal]:
    """Open the journal that a station file names; one that is not there is not made.

    Args:
        station: Its content.
        file: Where it is.

    Raises:
        JournalError: The journal is missing, or cannot be opened.
    """
    path = file.parent / station.journal.path
    if not path.is_file():
        raise JournalError("JOURNAL_MISSING", path=str(path))
    journal = SqliteJournal.of_table(station.journal, file.parent)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def journal_of(file: Path) -> Iterator[SqliteJournal]:
    """Open the journal of a station file, and say what is wrong with either."""
    with told(), open_journal(read_station_file(file), file) as journal:
        yield journal


def day_of(option: datetime | None) -> date | None:
    """Read an option that is a day."""
    if option is None:
        return None
    if option.year not in YEARS:
        refuse(f"La date {option:%d/%m/%Y} ne convient pas.")
    return option.date()


def say(text: str, style: str = "") -> None:
    """Write lines, with colour where a person looks at a terminal."""
    if style and sys.stdout.isatty():
        from rich.console import Console

        plain = Console(
            highlight=False, markup=False, emoji=False
        )  # the words are those of a till, and no markup
        plain.print(text, style=style, soft_wrap=True)
    else:
        typer.echo(text)


def say_json(value: object) -> None:
    """Write a value as JSON, on lines that a person can read too."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
