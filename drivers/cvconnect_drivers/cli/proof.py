"""A scanner, read as the till will read it."""

# ruff: noqa: D102 (what a scanner does is told where the SDK declares it)

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Final, Protocol, TypeAlias

from cvconnect_drivers.cli.countdown import SLICE_S, Countdown
from cvconnect_drivers.cli.installed import scheme_of
from cvconnect_drivers.cli.raw_readers import open_raw
from cvconnect_drivers.cli.words import say
from cvconnect_drivers.errors import DriverError
from cvconnect_drivers.scanners.calibration import CALIBRATION_TEXT
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.wedge import wedge
from cvconnect_drivers.scanners.wedge_intake import Characters
from cvconnect_drivers.shapes import Health
from cvconnect_drivers.urls import parse_url

CLAIM_S: Final = 3.0
_pause: Final = threading.Event()

_REFUSED: Final = {
    "LAYOUT_MISMATCH": "la disposition de clavier ne convient pas",
    "DAMAGED": "la lecture est arrivée incomplète",
    "SYMBOLOGY": "« symbologies » n’accepte pas les QR codes, ou la douchette n’envoie pas d’identifiant AIM",
}


class Scanner(Protocol):
    """What the entry points of the group `cvconnect.scanners` make."""

    def claim(self, *, on_status: Callable[[Health], None], timeout_s: float) -> None: ...
    def arm(self, on_label: Callable[[Label], None]) -> None: ...
    def check_health(self) -> Health: ...
    def release(self) -> None: ...


Factory: TypeAlias = Callable[[str, Mapping[str, object]], Scanner]


@contextmanager
def claimed(factory: Factory, url: str, options: Mapping[str, object]) -> Iterator[Scanner]:
    """Open a scanner as the till will.

    Args:
        factory: Its driver's.
        url: Its URL.
        options: Its table in the station file, without the URL.

    Raises:
        DriverError: It is not there (`SCANNER_ABSENT`), or a setting is wrong.
    """
    scanner = factory(url, options)
    try:
        scanner.claim(on_status=_ignore, timeout_s=CLAIM_S)
        health = scanner.check_health()
        if health.state == "absent":
            raise DriverError("SCANNER_ABSENT", fr=health.detail, en="The scanner is away")
        yield scanner
    finally:
        scanner.release()


def prove(factory: Factory, url: str, options: Mapping[str, object], timeout_s: float) -> None:
    """Read the calibration label once more, as the till will.

    Args:
        factory: The driver's.
        url: The scanner's URL.
        options: Its settings.
        timeout_s: How long the label is waited for, in seconds.

    Raises:
        DriverError: Nothing came (`SCANNER_SILENT`), or not this label (`SCANNER_MISREADS`).
    """
    labels: list[Label] = []
    with ExitStack() as stack:
        scanner = stack.enter_context(claimed(factory, url, options))
        scanner.arm(labels.append)
        feed: Callable[[float], None] = _nothing
        if scheme_of(url) == "wedge":
            feed = _terminal_feed(url, stack)
        with Countdown("Pour preuve, lisez l’étiquette encore une fois", timeout_s) as countdown:
            while not labels and countdown.left_s() > 0:
                feed(min(SLICE_S, countdown.left_s()))
                countdown.show()
    if not labels:
        raise DriverError(
            "SCANNER_SILENT",
            fr="Rien n’a été lu avec ces réglages. Le fichier n’a pas été changé : recommencez.",
            en="Nothing was read with these settings",
        )
    # It came as it is, and for nothing but that it is no customer's it is refused.
    if (labels[0].text, labels[0].refusal) != (CALIBRATION_TEXT, "NOT_AN_IDENTIFIER"):
        why = _REFUSED.get(labels[0].refusal or "", "une autre étiquette a été lue")
        raise DriverError(
            "SCANNER_MISREADS",
            fr=f"La preuve a échoué : {why}. Le fichier n’a pas été changé : recommencez.",
            en=f"The second read differs ({labels[0].refusal})",
        )
    say("La douchette lit bien : elle est prête pour la caisse.")


def _terminal_feed(url: str, stack: ExitStack) -> Callable[[float], None]:
    """Hand this terminal's characters to a wedge, as the till will hand its own."""
    reader = stack.enter_context(closing(open_raw(url, {})))
    till_side = wedge(parse_url(url, {"wedge"}).target)

    def feed(timeout_s: float) -> None:
        for item in reader.read(timeout_s=timeout_s):
            if isinstance(item, Characters):
                till_side.character(item.text, item.time_s)

    return feed


def _nothing(timeout_s: float) -> None:
    _pause.wait(timeout_s)


def _ignore(_health: Health) -> None:
    """The state is asked for instead."""
