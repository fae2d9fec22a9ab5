"""What is known of a customer display in a test, in French, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cvconnect_drivers.shapes import Health, HealthState, Surface

STATES: Final[Mapping[HealthState, str]] = {
    "ready": "prêt",
    "degraded": "à surveiller",
    "absent": "absent",
    "unknown": "état inconnu",
}

_QR: Final = {
    "web": "QR affiché : une page l’a peint.",
    "window": "QR affiché : le système de fenêtres l’a peint.",
    "fb": "QR écrit sur l’écran de la console.",
    "image": "QR dessiné dans le fichier : l’écran qui le montre, personne ne le voit d’ici.",
    "terminal": "QR écrit dans ce terminal.",
    "printer": "QR imprimé, avec « SANS VALEUR » : jetez ce papier.",
}
_QR_ELSEWHERE: Final = "QR affiché, à ce que dit son pilote."

_TEXT: Final = {"serial": "Texte envoyé. Un afficheur de lignes ne montre pas de QR."}
_TEXT_ELSEWHERE: Final = "Texte seul : le QR n’y tient pas assez grand pour être lu."

_BIGGER: Final = {
    "terminal": "agrandissez la fenêtre (90 colonnes, 30 lignes), ou choisissez une autre surface.",
    "image": 'donnez une taille plus grande, comme size = "800x480".',
    "window": 'choisissez un moniteur plus grand ; sans plein écran, size = "800x480".',
    "web": "ouvrez la page sur un écran plus grand, ou en plein écran.",
}
"""What to do where a screen has no place for the QR."""

_ABSENT: Final = {
    "serial": "branchez l’afficheur, vérifiez le port (« cvconnect devices »), et fermez la caisse si elle est ouverte.",
    "web": "fermez la caisse si elle est ouverte : elle tient ce port. Sinon, choisissez-en un autre, comme web://127.0.0.1:8767.",
    "window": "recommencez dans la session graphique de la caisse, le moniteur allumé.",
    "image": "vérifiez le dossier, ses droits et la place sur le disque.",
    "fb": "vérifiez l’écran et les droits de ce compte.",
    "printer": "essayez d’abord l’imprimante : cvconnect printer test --url ADRESSE.",
    "callback": "rien à faire ici : la caisse dessine cet écran elle-même. Essayez-le par un paiement de test.",
}
_NOBODY_LOOKS: Final = {
    "web": "ouvrez cette adresse sur l’écran client.",
}
_UNSEEN: Final = {
    "serial": "cherchez son protocole : cvconnect display test --url serial:PORT, sans protocole.",
    "web": "regardez si la page est au premier plan, et si le navigateur est le bon.",
    "window": "allumez le moniteur, et vérifiez lequel est nommé (xrandr --listmonitors).",
    "image": "vérifiez que l’écran montre bien ce fichier, et le relit quand il change.",
    "printer": "cvconnect printer test dit ce que sait l’imprimante.",
}
"""What to do where the driver is content, and a person sees nothing."""

_CHECK: Final = "corrigez ce qui est dit, puis recommencez."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test found out about one display.

    Args:
        url: The display's.
        said: A French sentence: what the customer sees, or why nothing.
        remedy: What to do, in French; empty where all is well.
        code: The stable code of an error, or an empty text.
        status: 0 when the customer sees it, 1 when not or when nobody knows, 2 when the address or the file is wrong.
    """

    url: str
    said: str
    remedy: str = ""
    code: str = ""
    status: int = 0

    @property
    def lines(self) -> list[str]:
        """What is said of it; each line is indented."""
        remedy = [f"  À faire : {self.remedy}"] if self.remedy else []
        code = [f"  Code : {self.code}"] if self.code else []
        return [f"  {self.said}", *remedy, *code]


def of_surface(url: str, scheme: str, surface: Surface, health: Health) -> Verdict:
    """Judge what a driver says that the customer sees.

    Args:
        url: The display's.
        scheme: Its kind.
        surface: What its driver says.
        health: What else it knows.
    """
    match surface:
        case "qr":
            return Verdict(url, _QR.get(scheme, _QR_ELSEWHERE))
        case "text" if scheme in _TEXT:
            return Verdict(url, _TEXT[scheme])
        case "text":
            return Verdict(url, _TEXT_ELSEWHERE, _BIGGER.get(scheme, _CHECK), status=1)
        case "none":
            known = _ABSENT if health.state == "absent" else _NOBODY_LOOKS
            return Verdict(url, "Rien n’est affiché.", known.get(scheme, _CHECK), status=1)


def of_error(url: str, scheme: str, said: str, code: str, *, wrong_setting: bool) -> Verdict:
    """Judge an error.

    Args:
        url: The display's.
        scheme: Its kind, or an empty text.
        said: The error's French sentence.
        code: Its code.
        wrong_setting: Whether the address, the file or the installation is to be corrected.
    """
    if wrong_setting:
        return Verdict(url, said, "", code, status=2)
    return Verdict(url, said, _ABSENT.get(scheme, _CHECK), code, status=1)


def unseen(url: str, scheme: str) -> Verdict:
    """Judge what a person does not see although the driver is content."""
    return Verdict(url, "Personne ne le voit.", _UNSEEN.get(scheme, _CHECK), status=1)
