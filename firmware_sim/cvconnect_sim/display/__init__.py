"""Simulated line displays: each firmware takes the bytes of a host and has a glass that can be read and drawn."""

from cvconnect_sim.display.aedex import AedexDisplay
from cvconnect_sim.display.cd5220 import Cd5220Display
from cvconnect_sim.display.epson import EpsonDisplay
from cvconnect_sim.display.firmware import Firmware
from cvconnect_sim.display.logic_controls import LogicControlsDisplay
from cvconnect_sim.display.panel import Mode, Panel

__all__ = [
    "AedexDisplay",
    "Cd5220Display",
    "EpsonDisplay",
    "Firmware",
    "LogicControlsDisplay",
    "Mode",
    "Panel",
]
