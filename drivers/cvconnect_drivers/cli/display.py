"""`cvconnect display test` and `cvconnect display clear`: what both take, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cvconnect_drivers.cli import display_clear, display_search
from cvconnect_drivers.cli.display_place import customers_language, find_displays
from cvconnect_drivers.cli.display_said import of_error
from cvconnect_drivers.cli.display_stop import Stopped, Stops
from cvconnect_drivers.cli.display_test import Pace, Trial
from cvconnect_drivers.cli.setup import ended
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError, PackageMissingError
from cvconnect_drivers.shapes import Language


def command(
    action: Annotated[
        str | None,
        typer.Argument(metavar="test|clear", help="Essayer les écrans clients, ou les effacer."),
    ] = None,
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Le fichier de la caisse.")] = Path(
        "cvconnect.toml"
    ),
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Cet écran seul, du fichier ou non."),
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option("--lang", help="test : la langue du client ; par défaut celle du fichier."),
    ] = None,
    seconds: Annotated[
        int | None,
        typer.Option(
            "--seconds",
            min=1,
            max=600,
            metavar="SECONDES",
            help="test : la durée de chaque étape, au lieu d’attendre Entrée ; 5 sans clavier.",
        ),
    ] = None,
    baud: Annotated[
        int | None,
        typer.Option(
            "--baud", min=1200, max=4_000_000, metavar="BAUDS", help="test : la vitesse d’un port série."
        ),
    ] = None,
) -> None:
    """Essaie les écrans clients, ou efface ce qui y est resté. La caisse doit être fermée.

    test : chaque écran affiche un montant et un QR d’essai, puis « payé », puis
    plus rien. Avec --url serial:PORT sans protocole, le protocole est cherché.

    clear : ce qu’une caisse arrêtée de force a laissé est effacé.

    Code de retour : 0 si chaque écran affiche, ou est effacé ; 1 sinon, ou si
    personne ne le sait ; 2 si l’adresse ou le fichier est à corriger.
    """
    if action not in {"test", "clear"}:
        say("Écrivez : cvconnect display test [FICHIER], ou : cvconnect display clear [FICHIER]", err=True)
        raise typer.Exit(2)
    stops, trial = Stops(), None
    try:
        with stops.heard():
            places = find_displays(url, file)
            if action == "clear":
                status = display_clear.run(places)
            elif url is not None and places[0].speaks_unknown:
                status = display_search.run(places[0], file, baud, stops)
            else:
                trial = Trial(language or customers_language(file), Pace.chosen(seconds), stops)
                status = trial.run(places)
    except (ConfigurationError, PackageMissingError) as error:
        raise ended(error, 2) from None
    except LinkAbsentError as error:
        verdict = of_error(url or "", "serial", error.text(), error.code, wrong_setting=False)
        say("\n".join(verdict.lines), err=True)
        raise typer.Exit(1) from None
    except DriverError as error:
        raise ended(error, 1) from None
    except Stopped as stopped:
        cleared = action == "test" and not (trial and trial.uncleared)
        said = "L’écran a été effacé." if cleared else "Tout n’a peut-être pas été effacé."
        say(f"\nInterrompu. {said}", err=True)
        raise typer.Exit(stopped.status) from None
    if status:
        raise typer.Exit(status)
