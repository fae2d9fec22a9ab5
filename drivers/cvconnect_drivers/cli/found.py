"""What was found out about a scanner, in French."""

from __future__ import annotations

from typing import Final

from cvconnect_drivers.scanners.calibration import Calibration

_ENDS: Final = {
    "enter": "Entrée",
    "kp_enter": "Entrée du pavé numérique",
    "tab": "Tabulation",
    "any": "Entrée, par un code de commande",
    "none": "aucune : une étiquette finit par une pause",
    "cr": "CR",
    "lf": "LF",
    "crlf": "CR LF",
}

_NAMES: Final = {"\x02": "STX", "\x03": "ETX", "\t": "TAB", "\n": "LF", "\r": "CR", "\x1d": "GS"}


def describe(calibration: Calibration) -> list[str]:
    """Put what was found into words, in French.

    Args:
        calibration: What was found.

    Returns:
        Lines for a terminal.
    """
    layout = {
        "keys": calibration.layout,
        "characters": "celui de ce poste",
        "bytes": "sans objet (liaison série)",
    }[calibration.sends]
    duration = f"{calibration.duration_s:.2f}".replace(".", ",")
    pause = f"{calibration.pause_s * 1000:.0f}"
    speed = f"{duration} s pour l’étiquette, {pause} ms au plus entre deux envois"
    rows = [
        ("Clavier", layout),
        ("Fin d’étiquette", _ENDS.get(calibration.terminator) or _visible(calibration.suffix)),
        ("Identifiant AIM", f"envoyé ({calibration.aim})" if calibration.aim else "non envoyé"),
        ("Préfixe", _visible(calibration.prefix) or "aucun"),
        ("Vitesse", speed if calibration.duration_s else "tout est arrivé d’un bloc"),
    ]
    if calibration.label_prefix:
        rows.insert(4, ("Préfixe d’étiquette", _visible(calibration.label_prefix)))
    width = max(len(name) for name, _ in rows)
    lines = ["", "Trouvé :", *(f"  {name:<{width}}  {value}" for name, value in rows)]
    if calibration.caps_lock:
        lines.append("  Attention : Verr. Maj est active. Désactivez-la sur ce poste et sur la douchette.")
    if calibration.aim is None:
        lines.append(
            "  Conseil : activez l’identifiant AIM de la douchette : les codes produits sont alors reconnus à coup sûr."
        )
    if calibration.sends == "characters":
        lines.append(
            "  Si la caisse transmet des touches et non des caractères, ajoutez « layout » : la disposition de ce poste."
        )
    return [*lines, ""]


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else f"<{_NAMES.get(c, f'{ord(c):02X}')}>" for c in text)
