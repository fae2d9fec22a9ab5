"""The calibration label, on paper or as a picture."""

# ruff: noqa: D102 (what a printer does is told where the SDK declares it)

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from cvconnect_drivers.cli.installed import load_factory
from cvconnect_drivers.cli.station_text import replace_file
from cvconnect_drivers.errors import ConfigurationError, DriverError, PackageMissingError
from cvconnect_drivers.scanners.calibration import CALIBRATION_TEXT
from cvconnect_drivers.shapes import Align, PrintResult

CLAIM_S: Final = 3.0
PRINT_S: Final = 15.0
_MODULE_PX: Final = 12


class Printer(Protocol):
    """What the entry points of the group `cvconnect.printers` make."""

    def claim(self, *, timeout_s: float) -> None: ...
    def print(self, document: LabelSheet, *, job_id: str, timeout_s: float) -> PrintResult: ...
    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of the printed label."""

    text: str = ""
    align: Align = "center"
    bold: bool = False
    large: bool = False
    qr: str | None = None


class LabelSheet:
    """The calibration label, for a ticket printer."""

    def lines(self, columns: int) -> Sequence[SheetLine]:  # noqa: ARG002 (all lines are short)
        """Lay it out."""
        return (
            SheetLine("Calibrage de la douchette", bold=True),
            SheetLine(qr=CALIBRATION_TEXT),
            SheetLine("Visez ce code une seule fois."),
            SheetLine("Ce n’est pas un paiement."),
        )


def label_png() -> bytes:
    """Paint the calibration label.

    Returns:
        A PNG image: the QR alone, with its quiet zone.

    Raises:
        PackageMissingError: segno or Pillow is not installed.
    """
    import io

    from cvconnect_drivers.qr import make_matrix

    try:
        from PIL import Image
    except ImportError as error:
        raise PackageMissingError("pillow") from error
    rows = make_matrix(CALIBRATION_TEXT).with_quiet_zone()
    picture = Image.new("1", (len(rows), len(rows)), 1)
    picture.putdata([0 if dark else 1 for row in rows for dark in row])
    side = len(rows) * _MODULE_PX
    out = io.BytesIO()
    picture.resize((side, side), Image.Resampling.NEAREST).save(out, "PNG", dpi=(300, 300))
    return out.getvalue()


def offer_label(table: Mapping[str, Any] | None, file: Path, png: Path | None) -> str:
    """Write the label, or print it.

    Args:
        table: The ticket printer in the station file, or None.
        file: The station file, for messages.
        png: Where to write the label instead of printing it, or None.

    Returns:
        What became of it, in French.

    Raises:
        DriverError: It was neither printed nor written; says why.
    """
    if png is not None:
        _write_label(png)
        return f"L’étiquette est dans {png} : imprimez-la, ou affichez-la à l’écran."
    if table is None:
        raise ConfigurationError(
            "NO_PRINTER",
            fr=f"{file} n’a pas d’imprimante : ajoutez --png etiquette.png, puis imprimez cette image.",
            en="There is no ticket printer: give --png",
        )
    options = {key: value for key, value in table.items() if key != "url"}
    printer: Printer = load_factory("printers", table["url"])(table["url"], options)
    try:
        printer.claim(timeout_s=CLAIM_S)
        job_id = f"calibration-{time.time_ns()}"
        result = printer.print(LabelSheet(), job_id=job_id, timeout_s=PRINT_S)
    finally:
        printer.release()
    if result.outcome == "not_sent":
        raise DriverError(
            "LABEL_NOT_PRINTED",
            fr=f"L’étiquette n’a pas été imprimée. {result.detail} Sans imprimante : --png etiquette.png.",
            en=f"The label was not printed: {result.reason}",
        )
    said = "est imprimée" if result.outcome == "printed" else "devrait sortir de l’imprimante"
    return f"L’étiquette de calibrage {said}."


def _write_label(png: Path) -> None:
    if png.suffix.lower() != ".png":
        raise ConfigurationError(
            "LABEL_FILE", fr=f"{png} : le nom du fichier doit finir par .png.", en=f"{png}: no .png"
        )
    try:
        replace_file(png, label_png())
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigurationError(
            "LABEL_FILE", fr=f"{png} ne peut pas être écrit : {why}.", en=f"{png}: {why}"
        ) from error
