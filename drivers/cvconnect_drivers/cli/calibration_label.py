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
from cvconnect_drivers.cli.words import reason
from cvconnect_drivers.errors import ConfigurationError, DriverError, PackageMissingError
from cvconnect_drivers.scanners.calibration import CALIBRATION_TEXT
from cvconnect_drivers.shapes import Align, PrintResult

CLAIM_S: Final = 3.0
PRINT_S: Final = 15.0

TITLE: Final = "Calibrage de la douchette"
ADVICE: Final = ("Visez ce code une seule fois.", "Ce n’est pas un paiement.")
_MODULE_PX: Final = 12
_TITLE_PX, _ADVICE_PX, _LEADING_PX = 30, 24, 34


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
    image: bytes | None = None


class LabelSheet:
    """The calibration label, for a ticket printer."""

    def lines(self, columns: int) -> Sequence[SheetLine]:  # noqa: ARG002 (all lines are short)
        """Lay it out."""
        return (
            SheetLine(TITLE, bold=True),
            SheetLine(qr=CALIBRATION_TEXT),
            *map(SheetLine, ADVICE),
        )


def label_png() -> bytes:
    """Paint the calibration label.

    Returns:
        A PNG image: the QR with its quiet zone, and what it is for.

    Raises:
        PackageMissingError: segno or Pillow is not installed.
    """
    import io

    from cvconnect_drivers.qr import make_matrix

    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise PackageMissingError("pillow") from error
    from cvconnect_drivers.displays.fonts import font

    rows = make_matrix(CALIBRATION_TEXT).with_quiet_zone()
    code = Image.new("L", (len(rows), len(rows)), 255)
    code.putdata([0 if dark else 255 for row in rows for dark in row])
    side = len(rows) * _MODULE_PX
    words = [
        (TITLE, font(_TITLE_PX, bold=True), _LEADING_PX),
        *((line, font(_ADVICE_PX), side + (2 + n) * _LEADING_PX) for n, line in enumerate(ADVICE)),
    ]
    label = Image.new("L", (side, side + (3 + len(ADVICE)) * _LEADING_PX), 255)
    label.paste(code.resize((side, side), Image.Resampling.NEAREST), (0, _LEADING_PX + _LEADING_PX // 2))
    pen = ImageDraw.Draw(label)
    for text, face, y in words:
        pen.text((side // 2, y), text, fill=0, font=face, anchor="mm")
    out = io.BytesIO()
    label.save(out, "PNG", dpi=(300, 300))
    return out.getvalue()


def refuse_label(table: Mapping[str, Any] | None, file: Path, png: Path | None) -> None:
    """See beforehand whether there is a way for the label.

    Args:
        table: The ticket printer in the station file, or None.
        file: The station file, for messages.
        png: Where to write the label instead of printing it, or None.

    Raises:
        ConfigurationError: `NO_PRINTER`, or `LABEL_FILE`: it cannot be written there.
    """
    if png is None and table is None:
        raise ConfigurationError(
            "NO_PRINTER",
            fr=f"{file} n’a pas d’imprimante : ajoutez --png etiquette.png, puis imprimez cette image.",
            en="There is no ticket printer: give --png",
        )
    if png is not None and png.suffix.lower() != ".png":
        raise ConfigurationError(
            "LABEL_FILE", fr=f"{png} : le nom du fichier doit finir par .png.", en=f"{png}: no .png"
        )
    if png is not None and not png.parent.is_dir():
        raise ConfigurationError(
            "LABEL_FILE", fr=f"{png} : le dossier {png.parent} est introuvable.", en=f"{png}: no such folder"
        )


def offer_label(table: Mapping[str, Any] | None, png: Path | None) -> str:
    """Write the label, or print it.

    Args:
        table: The ticket printer in the station file; None with `png` alone.
        png: Where to write the label instead of printing it, or None.

    Returns:
        What became of it, in French.

    Raises:
        DriverError: It was neither printed nor written; says why.
    """
    if png is not None or table is None:
        png = png or Path("etiquette.png")
        _write_label(png)
        return f"L’étiquette est dans {png} : imprimez-la, ou affichez-la à l’écran."
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
    try:
        replace_file(png, label_png())
    except OSError as error:
        raise ConfigurationError(
            "LABEL_FILE",
            fr=f"{png} ne peut pas être écrit : {reason(error)}.",
            en=f"{png}: {type(error).__name__}",
        ) from error
