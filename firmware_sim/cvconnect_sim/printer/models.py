"""The printer models that can be simulated, as data."""

from dataclasses import dataclass, field

CODE_PAGES = {0: "cp437", 2: "cp850", 15: "iso8859-7", 16: "cp1252", 19: "cp858", 40: "iso8859-15"}
"""`ESC t n` number -> Python codec. Source: Epson ESC/POS command reference, `ESC t`, character code tables."""


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
        native_qr: whether `GS ( k` draws QR codes.
        line_spacing_dots: feed of one line after `ESC 2`. Source: Epson, `ESC 2`: 30 dots on TM-T88 printers.
        code_pages: `ESC t n` number -> Python codec.
        model_id: the byte of `GS I 1`.
    """

    name: str
    maker: str
    width_dots: int
    paper_dots: int
    dpi: int = 203
    head_to_cutter_dots: int = 112
    native_qr: bool = True
    line_spacing_dots: int = 30
    code_pages: dict[int, str] = field(default_factory=lambda: CODE_PAGES)
    model_id: int = 0x20


TM80 = PrinterModel(name="TM80", maker="CVCONNECT SIM", width_dots=576, paper_dots=640)
"""80 mm paper, 48 columns of Font A, draws QR codes itself."""

TM58 = PrinterModel(name="TM58", maker="CVCONNECT SIM", width_dots=384, paper_dots=464, native_qr=False)
"""58 mm paper, 32 columns of Font A; QR codes must come as raster images."""

TM80_180DPI = PrinterModel(name="TM80", maker="CVCONNECT SIM", width_dots=512, paper_dots=568, dpi=180)
"""80 mm paper at the coarser resolution, 42 columns of Font A, draws QR codes itself."""
