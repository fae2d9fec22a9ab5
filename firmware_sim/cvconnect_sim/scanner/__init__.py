"""Simulated scanners: `Scanner` is the firmware of a serial one, `KeyboardFirmware` of a keyboard, `HidPosFirmware` of HID-POS."""

from cvconnect_sim.scanner.hidpos import HidPosFirmware
from cvconnect_sim.scanner.host import Desktop, HostKeyboard, Key, reports_to_keys
from cvconnect_sim.scanner.keyboard import KeyboardFirmware
from cvconnect_sim.scanner.scanner import Burst, Scanner
from cvconnect_sim.scanner.settings import HidPosSettings, KeyboardSettings, ScannerSettings
from cvconnect_sim.scanner.symbologies import Symbology, check_digit

__all__ = [
    "Burst",
    "Desktop",
    "HidPosFirmware",
    "HidPosSettings",
    "HostKeyboard",
    "Key",
    "KeyboardFirmware",
    "KeyboardSettings",
    "Scanner",
    "ScannerSettings",
    "Symbology",
    "check_digit",
    "reports_to_keys",
]
