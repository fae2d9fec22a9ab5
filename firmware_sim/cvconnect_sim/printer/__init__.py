"""A simulated ESC/POS ticket printer: `Printer` is its firmware, a `Slip` is what falls out of it."""

from cvconnect_sim.printer.cable import Cable, Flow
from cvconnect_sim.printer.events import (
    BytesLost,
    CutterJammed,
    DrawerPulse,
    Event,
    IgnoredCommand,
    PaperCut,
    PaperTorn,
    PowerLost,
    RealTimeRequest,
    UnknownCommand,
)
from cvconnect_sim.printer.mishaps import Mishap, MishapKind
from cvconnect_sim.printer.models import (
    MODELS,
    TM58,
    TM80,
    TM80_180DPI,
    Lack,
    PrinterModel,
    RealTime,
    Resumes,
)
from cvconnect_sim.printer.paper import PrintedLine, Slip
from cvconnect_sim.printer.printer import Printer
from cvconnect_sim.printer.status import Sensors
from cvconnect_sim.printer.ticker import Ticker

__all__ = [
    "MODELS",
    "TM58",
    "TM80",
    "TM80_180DPI",
    "BytesLost",
    "Cable",
    "CutterJammed",
    "DrawerPulse",
    "Event",
    "Flow",
    "IgnoredCommand",
    "Lack",
    "Mishap",
    "MishapKind",
    "PaperCut",
    "PaperTorn",
    "PowerLost",
    "PrintedLine",
    "Printer",
    "PrinterModel",
    "RealTime",
    "RealTimeRequest",
    "Resumes",
    "Sensors",
    "Slip",
    "Ticker",
    "UnknownCommand",
]
