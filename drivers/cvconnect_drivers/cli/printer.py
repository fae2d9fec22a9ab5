"""`cvconnect printer test` and `cvconnect printer setup`: what both take, and how they end."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from cvconnect_drivers.cli import printer_setup, printer_test
from cvconnect_drivers.cli.printer_place import find_place
from cvconnect_drivers.cli.printer_rights import prescribe_for
from cvconnect_drivers.cli.questions import Questions
from cvconnect_drivers.cli.setup import ended
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkAbsentError, PackageMissingError

_DENIED: Final = {errno.EACCES, errno.EPERM}


def command(
    action: Annotated[
        str | None,
        typer.Argument(metavar="test|setup", help="Imprimer un ticket d’essai, ou régler l’imprimante."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="L’adresse de l’imprimante ; par défaut celle du fichier."),
    ] = None,
    *,
    file: Annotated[Path, typer.Option("--file", metavar="FICHIER", help="Le fichier de la caisse.")] = Path(
        "cvconnect.toml"
    ),
    timeout_s: Annotated[
        int, typer.Option("--timeout", min=1, max=600, metavar="SECONDES", help="L’attente de chaque page.")
    ] = 30,
    yes: Annotated[
        bool, typer.Option("--yes", help="setup : prend ce qui est proposé, sans question.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NOM", help="setup : le profil de départ.")
    ] = None,
    columns: Annotated[
        int | None, typer.Option("--columns", min=20, max=72, metavar="NOMBRE", help="setup : les colonnes.")
    ] = None,
    pages: Annotated[
        str | None, typer.Option("--pages", metavar="PAGES", help="setup : comme cp858:19,cp1252:16.")
    ] = None,
    qr: Annotated[
        Literal["native", "image"] | None,
        typer.Option("--qr", help="setup : QR par l’imprimante, ou en image."),
    ] = None,
    cut: Annotated[bool | None, typer.Option("--cut/--no-cut", help="setup : avec ou sans massicot.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="setup : montre les réglages sans toucher au fichier.")
    ] = False,
) -> None:
    """Imprime un ticket d’essai, ou règle l’imprimante et complète le fichier de la caisse.

    test : un ticket sort, et tout ce qui est su de l’imprimante est dit.

    setup : une page de calibrage sort ; quelques questions, et le fichier est
    complété. L’ancien est gardé à côté.

    Code de retour : 0 si l’imprimante imprime, 1 si elle n’imprime pas ou si
    personne ne le sait, 2 si l’adresse ou le fichier est à corriger.
    """
    given = {"profile": profile, "columns": columns, "pages": pages, "qr": qr, "cut": cut}
    known = {key: value for key, value in given.items() if value is not None}
    meant = url or ""
    try:
        match action:
            case "test":
                place = find_place(url, file)
                meant = place.url
                done = printer_test.run(place.url, place.options, float(timeout_s))
            case "setup":
                questions = Questions(yes=yes)
                place = find_place(url, file, questions)
                meant = place.url
                session = printer_setup.Session(place, known, questions, float(timeout_s))
                done = printer_setup.run(session, file, dry_run=dry_run)
            case _:
                say("Écrivez : cvconnect printer test --url URL, ou : cvconnect printer setup", err=True)
                raise typer.Exit(2)
    except (ConfigurationError, PackageMissingError) as error:
        raise ended(error, 2) from None
    except LinkAbsentError as error:
        if getattr(error.__cause__, "errno", None) in _DENIED:
            say(f"{meant} : accès refusé à ce compte.\nCode : {error.code}", err=True)
            prescribe_for(meant)
            raise typer.Exit(1) from None
        raise ended(error, 1) from None
    except DriverError as error:
        raise ended(error, 1) from None
    except KeyboardInterrupt:
        say("\nInterrompu : un ticket a pu sortir en partie. Le fichier n’a pas été changé.", err=True)
        raise typer.Exit(130) from None
    if not done:
        raise typer.Exit(1)
