"""A simulated ESC/POS ticket printer: `Printer` is its firmware, a `Slip` is what falls out of it."""

from cvconnect_sim.printer.events import (
    DrawerPulse,
    Event,
    IgnoredCommand,
    PaperCut,
    PowerLost,
    RealTimeRequest,
    UnknownCommand,
)
from cvconnect_sim.printer.models import TM58, TM80, TM80_180DPI, PrinterModel
from cvconnect_sim.printer.paper import PrintedLine, Slip
from cvconnect_sim.printer.printer import Printer
from cvconnect_sim.printer.status import Sensors

__all__ = [
    "TM58",
    "TM80",
    "TM80_180DPI",
    "DrawerPulse",
    "Event",
    "IgnoredCommand",
    "PaperCut",
    "PowerLost",
    "PrintedLine",
    "Printer",
    "PrinterModel",
    "RealTimeRequest",
    "Sensors",
    "Slip",
    "UnknownCommand",
]
