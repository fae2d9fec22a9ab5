"""What is known of a printer, in French: its state, how old that is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cvconnect_drivers.printers.profiles import Profile
from cvconnect_drivers.printers.status import Field, PrinterStatus
from cvconnect_drivers.printers.targets import Target
from cvconnect_drivers.shapes import PrintResult

_FIELDS: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("offline", "En ligne", "oui", "non"),
    ("cover_open", "Capot", "fermé", "ouvert"),
    ("paper_end", "Papier", "présent", "épuisé"),
    ("stopped_for_paper", "Arrêt faute de papier", "non", "oui"),
    ("paper_near_end", "Fin du rouleau", "pas encore", "proche"),
    ("cutter_error", "Massicot", "en ordre", "bloqué"),
    ("recoverable_error", "Erreur passagère", "aucune", "oui"),
    ("unrecoverable_error", "Panne", "aucune", "oui"),
    ("feeding", "Bouton d’avance", "relâché", "enfoncé"),
    ("drawer_high", "Tiroir (broche 3)", "niveau bas", "niveau haut"),
)
"""Field, its name, what its being false and true mean."""

TOGETHER_S: Final = 1.0
"""Fields that were told within this time are of one age."""

_WHY_UNKNOWN: Final = {
    None: "pas demandé",
    "not_asked": "pas demandé",
    "no_answer": "pas de réponse",
    "noise": "réponse illisible",
}

REMEDIES: Final = {
    "COVER_OPEN": "Fermez le capot, puis recommencez.",
    "PAPER_END": "Mettez un rouleau, fermez le capot, puis recommencez.",
    "CUTTER_ERROR": "Éteignez l’imprimante, dégagez le massicot (le manuel dit comment), rallumez-la.",
    "PRINTER_ERROR": "Éteignez l’imprimante, attendez dix secondes, rallumez-la, puis recommencez.",
    "PAPER_FEEDING": "Relâchez le bouton d’avance du papier, puis recommencez.",
    "OFFLINE": "Regardez ses voyants : capot, papier, bouton « en ligne ». Puis recommencez.",
    "BUSY": "Attendez que l’autre ticket soit sorti, puis recommencez.",
    "DISK_FULL": "Libérez de la place sur ce disque, ou choisissez un autre dossier, puis recommencez.",
    "LINK_LOST": "Le ticket a pu sortir en partie : regardez le papier, vérifiez le câble, puis recommencez.",
    "LINK_TIMEOUT": "Elle ne lit plus : regardez le papier et les voyants, éteignez-la et rallumez-la. Sur un "
    "port série, vérifiez aussi « baud » et « flow ».",
    "NO_ANSWER": "Regardez le papier. Cette imprimante dit son état, mais ne confirme pas ce qu’elle imprime : "
    'écrivez confirm = "none" dans [printer], ou lancez cvconnect printer setup, qui le trouve.',
    "SILENT": "Regardez le papier. Si le ticket est sorti, cette imprimante ne sait que recevoir : la caisse dira "
    "« inconnu » à chaque ticket, et une réimpression portera DUPLICATA. S’il n’est pas sorti, vérifiez l’adresse, le "
    "câble, et sur un port série « baud » et « flow » : cvconnect printer setup essaie les vitesses.",
}
"""What to do, by the reason of a result; `SILENT` is the `NO_ANSWER` of one that answered nothing at all."""


def describe_profile(profile: Profile, name: str) -> dict[str, str]:
    """Say what a printer is taken for."""
    return {
        "Profil": name,
        "Largeur": f"{profile.columns} colonnes, {profile.width_dots} points à {profile.dpi} dpi",
        "Pages": ", ".join(f"{page.codec} (n° {page.number})" for page in profile.pages)
        + (", hors du mode chinois" if profile.kanji else ""),
        "QR codes": "dessinés par l’imprimante" if profile.native_qr else "envoyés en image",
        "Massicot": "oui" if profile.cut else "non",
    }


def describe_state(status: PrinterStatus, now_s: float) -> list[str]:
    """Say what each field is, and how old that is.

    Args:
        status: What is known.
        now_s: The monotonic clock.

    Returns:
        Lines; the first tells the age where it is the same for all.
    """
    if not is_known(status):
        return ["État inconnu : elle ne répond à aucune question."]
    fields: dict[str, Field] = {name: getattr(status, name) for name, *_ in _FIELDS}
    ages_s = [age_s for each in fields.values() if (age_s := each.age_s(now_s)) is not None]
    together = bool(ages_s) and max(ages_s) - min(ages_s) < TOGETHER_S
    rows: dict[str, str] = {}
    for name, label, no, yes in _FIELDS:
        field, age_s = fields[name], fields[name].age_s(now_s)
        if field.value is None:
            rows[label] = f"inconnu : {_WHY_UNKNOWN[field.why_unknown]}"
        else:
            rows[label] = yes if field.value else no
        if age_s is not None and not together:
            rows[label] += f" ({_ago(age_s)})"
    heading = f"État ({_ago(max(ages_s))})" if together else "État"
    return [heading, *table(rows)]


def _ago(age_s: float) -> str:
    return f"il y a {age_s:.1f} s".replace(".", ",")


def is_known(status: PrinterStatus) -> bool:
    """Whether anything is known of a printer."""
    return any(getattr(status, name).value is not None for name, *_ in _FIELDS)


def describe_result(result: PrintResult, took_s: float, target: Target | None) -> str:
    """Say what became of the ticket.

    Args:
        result: The driver's.
        took_s: How long it took, in seconds.
        target: Where the printer is; None for a driver that has links of its own.
    """
    seconds = f"{took_s:.1f}".replace(".", ",")
    match result.outcome, target:
        case "not_sent", _:
            return f"Ticket non envoyé. {result.detail}"
        case "unknown", _:
            return f"Ticket peut-être imprimé : personne ne le sait. {result.detail}"
        case _, None:
            return f"Ticket imprimé en {seconds} s, à ce que dit son pilote."
        case _, Target(answers=False):
            return f"Ticket écrit en {seconds} s ; ici, rien ne peut le confirmer."
        case _, Target(confirms=True):
            return f"Ticket imprimé en {seconds} s : l’imprimante l’a confirmé."
        case _:
            return f"Ticket remis en {seconds} s, et l’imprimante se dit prête ; elle n’a pas à le confirmer."


def table(rows: Mapping[str, str]) -> list[str]:
    """Put names and values into two columns."""
    width = max(map(len, rows))
    return [f"  {name:<{width}}  {value}" for name, value in rows.items()]
