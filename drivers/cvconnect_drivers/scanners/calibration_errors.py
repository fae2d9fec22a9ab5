"""Why a read of the calibration label does not tell how a scanner is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cvconnect_drivers.errors import DriverError


class CalibrationError(DriverError):
    """What came does not tell how the scanner is set up; the French sentence says what to do."""


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "NOTHING": (
        "Rien n’a été lu : vérifiez que la douchette est branchée, et visez l’étiquette.",
        "Nothing came from the scanner",
    ),
    "PARTIAL": (
        "L’étiquette de calibrage n’est arrivée qu’en partie : relisez-la, bien à plat et en entier.",
        "The calibration label came in part only",
    ),
    "OTHER_LABEL": (
        (
            "Ce n’est pas l’étiquette de calibrage, ou la disposition de clavier de la douchette est inconnue : "
            "relisez l’étiquette imprimée, ou réglez la douchette en français avec sa notice."
        ),
        "Another label was read, or the scanner's layout is none of ours",
    ),
    "GARBLED": (
        (
            "Ce qui arrive est illisible : « baud » n’est pas la vitesse de la douchette, ou elle n’envoie pas de l’UTF-8. "
            "Voyez sa notice."
        ),
        "What comes is unreadable: 'baud' is not the scanner's speed, or it does not send UTF-8",
    ),
    "TWO_LABELS": (
        "Une autre étiquette a été lue en même temps que celle de calibrage : relisez celle-ci, seule.",
        "Another label came right before or after the calibration label",
    ),
    "TWICE": (
        (
            "L’étiquette a été lue deux fois : ne pressez la gâchette qu’une fois. Si la douchette répète d’elle-même, "
            "désactivez la lecture répétée avec sa notice."
        ),
        "The calibration label was read twice",
    ),
    "DESKTOP": (
        (
            "La douchette est réglée pour un clavier « {scanner} » et ce poste pour un clavier « {desktop} » : "
            "réglez la douchette en « {desktop} », avec les codes-barres de sa notice."
        ),
        "The scanner is set to {scanner!r} and the desktop to {desktop!r}: set the scanner to {desktop!r}",
    ),
    "NO_END": (
        (
            "La douchette n’envoie rien qui marque la fin d’une étiquette : ajoutez-lui le suffixe « CR » (Entrée), "
            "avec les codes-barres de sa notice."
        ),
        "The scanner sends no terminator: program the suffix CR",
    ),
    "SUFFIX": (
        (
            "La douchette ajoute des caractères après chaque étiquette : retirez ce suffixe (ne gardez qu’Entrée ou Tab), "
            "avec les codes-barres de sa notice."
        ),
        "The scanner adds a suffix before its terminator: remove it",
    ),
    "PREFIX": (
        (
            "La douchette ajoute à l’étiquette des caractères illisibles : retirez son préfixe et son suffixe "
            "(ne gardez que « CR »), avec les codes-barres de sa notice."
        ),
        "The scanner adds bytes that are no UTF-8: remove its prefix and suffix",
    ),
}


def refused(reason: str, **values: str) -> CalibrationError:
    """Make the error for one of the reasons above.

    Args:
        reason: The code, without `CALIBRATION_`.
        values: What stands between braces in the words.
    """
    fr, en = _WORDS[reason]
    return CalibrationError(f"CALIBRATION_{reason}", fr=fr.format(**values), en=en.format(**values))
