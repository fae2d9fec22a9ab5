"""The printer models that can be simulated, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

CODE_PAGES: Final = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859-7", 16: "cp1252",
    17: "cp866", 18: "cp852", 19: "cp858", 33: "cp775", 34: "cp855", 35: "cp861", 38: "cp869", 39: "iso8859-2",
    40: "iso8859-15", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254", 51: "cp1257",
}  # fmt: skip
"""`ESC t n` number -> Python codec. The ROM has no Cyrillic and few letters of Central Europe: they are boxes on paper.

Source: Epson ESC/POS command reference, `ESC t`, character code tables.
"""

OTHER_PAGES: Final = {0: "cp437", 2: "cp850", 16: "cp1253", 17: "cp1254", 19: "cp1257", 20: "cp858"}
"""Numbers of another maker: 16 is Greek, 19 is Baltic, and CP858 is at 20. Source: Datecs EP-60 manual, `ESC t`."""


class Lack(Enum):
    """What becomes of a command that a model does not have."""

    SKIPPED = auto()
    """It is read to its end and has no effect."""
    PRINTED = auto()
    """Its name is unknown, so that its parameters come out as text."""


class RealTime(Enum):
    """When a `DLE` command is carried out."""

    ON_RECEPTION = auto()
    """At once, offline too, and inside the data of another command. Source: Epson, "Notes of Real-time Commands"."""
    IN_TURN = auto()
    """Between the other commands: an offline printer does not answer, and image data is only data."""
    NEVER = auto()
    """It is read over."""


class Resumes(Enum):
    """What a printer does, back online, about the line that a fault interrupted."""

    LINE = auto()
    """Prints it again from its beginning. Source: Epson, `DLE ENQ` 1."""
    REST = auto()
    """Goes on where it stopped."""
    NOTHING = auto()
    """Has forgotten it, and everything received meanwhile."""


@dataclass(frozen=True, slots=True)
class PrinterModel:
    """What distinguishes one ticket printer from another.

    Args:
        name: what `GS I 67` answers.
        maker: what `GS I 66` answers.
        width_dots: dots across the printable area, a multiple of 8.
        paper_dots: dots across the paper, margins included.
        dpi: dots per inch in both directions.
        head_to_cutter_dots: paper between the print head and the cutter. Unverified: about 14 mm, as on most
            80 mm printers; a `GS V 0` that comes too early cuts through what was printed last.
        cutter: whether there is one; without it, paper is torn off by hand and a cut command does nothing.
        native_qr: whether `GS ( k` draws QR codes.
        line_spacing_dots: feed of one line after `ESC 2`. Source: Epson, `ESC 2`: 30 dots on TM-T88 printers.
        code_pages: `ESC t n` number -> Python codec; page 0 is selected by a reset.
        pairs: codec of the two-byte characters that a reset turns on, None for a printer without. Codes from 81h pair up
            with the next one until `FS .`.
        model_id: the byte of `GS I 1`.
        lacks: names of commands that this model does not have, as `GS ( H`.
        real_time: when `DLE` commands are carried out.
        resumes: what becomes of an interrupted line.
        buffer_bytes: size of the receive buffer. Source: Epson TM-T88III technical reference: 4 KB or 45 bytes.
        busy_room_bytes: room in the buffer at which the printer becomes busy. Source: Epson TM-T88II manual: 16 bytes; others
            say so earlier, at 256 or 800.
        ready_room_bytes: room at which it is ready again. Source: Epson TM-T88II manual: 26 bytes.
        busy_offline: whether the line says busy while the printer is offline, and not only when its buffer is full.
            Source: Epson TM-T88III technical reference, DIP switch 2-1.
        speed_dots_per_s: paper speed while printing and feeding. Unverified: 150 mm/s for 80 mm printers.
        cut_s: time of a cut. Unverified.
        near_end_mm: paper left when the near-end sensor reports it. Unverified: adjustable on real ones.
    """

    name: str
    maker: str
    width_dots: int
    paper_dots: int
    dpi: int = 203
    head_to_cutter_dots: int = 112
    cutter: bool = True
    native_qr: bool = True
    line_spacing_dots: int = 30
    code_pages: Mapping[int, str] = field(default_factory=lambda: CODE_PAGES)
    pairs: str | None = None
    model_id: int = 0x20
    lacks: Mapping[str, Lack] = field(default_factory=dict[str, Lack])
    real_time: RealTime = RealTime.ON_RECEPTION
    resumes: Resumes = Resumes.LINE
    buffer_bytes: int = 4096
    busy_room_bytes: int = 16
    ready_room_bytes: int = 26
    busy_offline: bool = False
    speed_dots_per_s: int = 1200
    cut_s: float = 0.3
    near_end_mm: int = 1500

    def dots(self, length_mm: float) -> int:
        """How many dots a length of paper has."""
        return round(length_mm * self.dpi / 25.4)


TM80: Final = PrinterModel(name="TM80", maker="CVCONNECT SIM", width_dots=576, paper_dots=640)
"""80 mm paper, 48 columns of Font A, draws QR codes itself."""

TM58: Final = PrinterModel(
    name="TM58", maker="CVCONNECT SIM", width_dots=384, paper_dots=464, native_qr=False, speed_dots_per_s=720
)
"""58 mm paper, 32 columns of Font A; QR codes must come as raster images."""

TM80_180DPI: Final = PrinterModel(
    name="TM80", maker="CVCONNECT SIM", width_dots=512, paper_dots=568, dpi=180, speed_dots_per_s=1060
)
"""80 mm paper at the coarser resolution, 42 columns of Font A, draws QR codes itself."""

MODELS: Final[Mapping[str, PrinterModel]] = {
    "TM80": TM80,
    "TM80_180DPI": TM80_180DPI,
    "TM58": TM58,
    "TM58_QR": replace(TM58, name="TM58Q", native_qr=True),
    "TM58_180DPI": replace(TM80_180DPI, name="TM58", width_dots=360, paper_dots=411),
    "CLONE80_PAGES": replace(
        TM80,
        name="POS-80",
        code_pages=OTHER_PAGES,
        lacks={"GS ( H": Lack.SKIPPED, "GS a": Lack.SKIPPED},
        resumes=Resumes.REST,
    ),
    "CLONE58_CHINESE": replace(
        TM58,
        name="POS-58",
        pairs="gb18030",
        cutter=False,
        lacks={"GS ( H": Lack.PRINTED, "GS ( k": Lack.PRINTED},
        real_time=RealTime.IN_TURN,
        resumes=Resumes.NOTHING,
        buffer_bytes=2048,
        speed_dots_per_s=400,
    ),
    "MUTE58": replace(
        TM58,
        name="MUTE-58",
        cutter=False,
        lacks=dict.fromkeys(("GS ( H", "GS a", "GS r", "GS I"), Lack.SKIPPED),
        real_time=RealTime.NEVER,
        resumes=Resumes.REST,
    ),
}
"""Models by name: Epson's manners at both widths and resolutions, and three clones that differ where clones do.

Source: GB18030 by default until `FS .`, again after each `ESC @`: reports of users of Xprinter and Zjiang printers.
Unverified: which of the other differences come together in one printer.
"""
