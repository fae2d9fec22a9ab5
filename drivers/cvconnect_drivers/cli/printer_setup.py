"""`cvconnect printer setup`: a page is printed and looked at, and the station file says what the printer can do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from cvconnect_drivers.cli.installed import load_factory, scheme_of
from cvconnect_drivers.cli.printer_asking import (
    Met,
    find_baud,
    meet,
    profile_named,
    send_page,
    send_page_to_confirm,
    target_of,
)
from cvconnect_drivers.cli.printer_looking import look
from cvconnect_drivers.cli.printer_place import Place
from cvconnect_drivers.cli.printer_sheet import sheet
from cvconnect_drivers.cli.printer_state import REMEDIES, describe_profile, table
from cvconnect_drivers.cli.printer_test import print_ticket
from cvconnect_drivers.cli.questions import Questions
from cvconnect_drivers.cli.setup import uninterrupted
from cvconnect_drivers.cli.station_text import printer_table, without_query
from cvconnect_drivers.cli.words import say, show
from cvconnect_drivers.errors import ConfigurationError, DriverError, LinkError
from cvconnect_drivers.printers import commands, escpos
from cvconnect_drivers.printers.printer import EscPosPrinter
from cvconnect_drivers.printers.profile_settings import Setting, read_profile, settings_of
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.printers.status import why_not_ready
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.urls import Settings, parse_url

NARROW_COLUMNS: Final = 36
"""What fits on 58 mm paper at most."""


@dataclass(frozen=True, slots=True)
class Session:
    """One setting up.

    Args:
        place: The printer.
        given: What the command line says of it.
        questions: Asks the person who looks at the paper.
        timeout_s: How long a page may take, in seconds.
    """

    place: Place
    given: Mapping[str, Any]
    questions: Questions
    timeout_s: float


def run(session: Session, file: Path, *, dry_run: bool) -> bool:
    """Set a printer up.

    Args:
        session: What is known.
        file: The station file.
        dry_run: Whether the settings are only shown.

    Returns:
        Whether the last ticket came out right.

    Raises:
        DriverError: It cannot be set up; nothing was written.
    """
    place, station = session.place, session.place.station
    if station and not dry_run:
        station.refuse_unwritable()
        station.refuse_odd_printer()
    load_factory("printers", place.url)(
        place.url, place.options
    )  # what is wrong is said before paper is used
    speed = _speed(place)
    link = {**place.options, **speed}
    target = target_of(place.url, link)
    if target is None:
        raise ConfigurationError(
            "PRINTER_URL",
            fr=f"{scheme_of(place.url)}: n’a rien à régler ici ; essayez : cvconnect printer test --url {place.url}",
            en="This driver has nothing to set up",
        )
    met = meet(target, place.url) if target.answers else Met(0.0, answers=False)
    _refuse_unready(place.url, link, met)
    name = _starting_point(session, met)
    profile = _given_profile(session, name)
    confirm = _print_sheet(session, target, profile)
    profile = look(profile, session.given, session.questions, partial(_send, session, target))
    wide = profile.columns > NARROW_COLUMNS
    if (PROFILES[name].columns > NARROW_COLUMNS) != wide:
        name = "80mm" if wide else "58mm"
    settings: dict[str, Setting | None] = {**settings_of(profile, name), **speed, **confirm}
    url = without_query(parse_url(place.url, {scheme_of(place.url)}), settings)
    say("\nTrouvé :\n" + "\n".join(table(describe_profile(profile, name))))
    _prove(session, url, _together(place, settings))
    _write(place, file, url, settings, dry_run=dry_run)
    return True


def _speed(place: Place) -> dict[str, Setting]:
    """Find a serial printer's speed, unless it is told."""
    told = "baud" in place.options or "baud" in parse_url(place.url, {scheme_of(place.url)}).query
    if scheme_of(place.url) != "serial" or told:
        return {}
    baud = find_baud(place.url, place.options)
    if baud is None:
        say(
            "L’imprimante ne répond à aucune vitesse du port : la page est envoyée à 9600 bauds. Si rien de lisible ne sort, "
            "ajoutez ?baud= à l’adresse (sa page d’auto-test dit la vitesse)."
        )
        return {}
    say(f"L’imprimante répond à {baud} bauds.")
    return {"baud": baud}


def _refuse_unready(url: str, options: Mapping[str, object], met: Met) -> None:
    if not met.answers:
        return
    printer = load_factory("printers", url)(url, options)
    if not isinstance(printer, EscPosPrinter):
        return
    printer.check_health("external")
    reason = why_not_ready(printer.status)
    if reason is not None:
        code, detail = reason
        raise DriverError(
            code, fr=f"{detail} {REMEDIES.get(code, '')}".strip(), en=f"The printer is not ready: {code}"
        )


def _starting_point(session: Session, met: Met) -> str:
    """Name the profile to begin with: told, that of the model, that of the file, the usual one."""
    told = session.given.get("profile")
    if told is not None:
        _given_profile(session, str(told))
        return str(told)
    by_model = profile_named(met.model)
    if met.model:
        known = f", profil {by_model}" if by_model else ""
        say(f"L’imprimante dit être : {met.model}{known}")
    here = session.place.options.get("profile") or parse_url(
        session.place.url, {scheme_of(session.place.url)}
    ).query.get("profile")
    return by_model or str(here or "80mm")


def _given_profile(session: Session, name: str) -> Profile:
    """Read a profile with what the command line says of it."""
    given = {**session.given, "profile": name}
    return read_profile(Settings(parse_url("printer:", {"printer"}), given))


def _print_sheet(session: Session, target: Target, profile: Profile) -> dict[str, Setting]:
    """Print the page, and find out whether the printer confirms what it has printed."""
    say("\nUne page de calibrage sort de l’imprimante. Attendez-en la fin, et gardez-la sous les yeux.")
    if not target.confirms:
        _send(session, target, sheet(profile))
        return {}
    job = escpos.process_id(f"calibration-{time.time_ns()}", 1)
    with _whole_pages():
        if send_page_to_confirm(target, sheet(profile), process_id=job, timeout_s=session.timeout_s):
            say("L’imprimante confirme ce qu’elle a imprimé : un ticket sera dit « imprimé » à coup sûr.")
            return {}
    say(
        "L’imprimante n’a pas confirmé la page : elle ne sait pas le faire. La caisse ne l’en priera pas "
        '(confirm = "none").'
    )
    return {"confirm": "none"}


def _send(session: Session, target: Target, page: Sequence[commands.Command]) -> None:
    with _whole_pages():
        send_page(target, page, timeout_s=session.timeout_s)


@contextmanager
def _whole_pages() -> Iterator[None]:
    """Say what to do with a printer that holds a part of a page."""
    try:
        yield
    except LinkError as error:
        if error.sent_bytes == 0:
            raise
        raise DriverError(
            "PAGE_NOT_PRINTED",
            fr=f"La page n’a pas été prise en entier. {error.text()} Éteignez l’imprimante, rallumez-la, puis recommencez.",
            en=f"The page was not taken whole: {error.code}",
        ) from error


def _together(place: Place, settings: Mapping[str, Setting | None]) -> dict[str, object]:
    return {key: value for key, value in {**place.options, **settings}.items() if value is not None}


def _prove(session: Session, url: str, options: Mapping[str, object]) -> None:
    """Print a ticket as the till will, and have it looked at."""
    result, _ = print_ticket(load_factory("printers", url)(url, options), session.timeout_s)
    if result.outcome == "not_sent":
        raise DriverError(
            result.reason or "NOT_SENT",
            fr=f"Le ticket d’essai n’est pas sorti. {result.detail} {REMEDIES.get(result.reason or '', '')}".strip(),
            en=f"The test ticket was not sent: {result.reason}",
        )
    sure = (
        "est imprimé" if result.outcome == "printed" else "devrait sortir (l’imprimante ne l’a pas confirmé)"
    )
    if not session.questions.yes_no(
        f"\nPour preuve, un ticket d’essai {sure}. La règle, les accents, € et le code sont-ils justes ?",
        proposed=True,
    ):
        raise DriverError(
            "PRINTER_MISPRINTS",
            fr="Le fichier n’a pas été changé. Recommencez, et répondez d’après ce que la page montre vraiment.",
            en="The ticket is not right; nothing was written",
        )


def _write(
    place: Place, file: Path, url: str, settings: Mapping[str, Setting | None], *, dry_run: bool
) -> None:
    station = place.station
    if station is None or dry_run:
        why = "n’a pas été changé" if station else "n’existe pas"
        say(f"\n{file} {why}. Les réglages :\n")
        show(printer_table(url, settings).rstrip())
        return
    before = station.text()
    station.set_printer(url, {**dict.fromkeys(place.stale), **settings})
    if station.text() == before:
        say(f"\n{file} a déjà ces réglages.")
        return
    with uninterrupted():
        try:
            backup = station.save()
        except ConfigurationError:
            say("\nLes réglages, à recopier :\n")
            show(printer_table(url, settings).rstrip())
            raise
        say(f"\n{file} est complété ; l’ancien est gardé dans {backup.name}.")
