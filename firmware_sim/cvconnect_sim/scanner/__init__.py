"""A simulated serial scanner: `Scanner` is its firmware."""

from cvconnect_sim.scanner.scanner import Burst, Scanner, ScannerSettings
from cvconnect_sim.scanner.symbologies import Symbology, check_digit

__all__ = ["Burst", "Scanner", "ScannerSettings", "Symbology", "check_digit"]
