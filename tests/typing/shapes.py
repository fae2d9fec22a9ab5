"""Read by the type checkers, never run: the drivers' classes have the shapes that the SDK asks of a device."""

from __future__ import annotations

from cvconnect_drivers.displays.image import ImageDisplay
from cvconnect_drivers.displays.image import open_display as open_image
from cvconnect_drivers.displays.terminal import TerminalDisplay
from cvconnect_drivers.displays.terminal import open_display as open_terminal
from cvconnect_drivers.printers.printer import EscPosPrinter, open_printer
from cvconnect_drivers.scanners.labels import Label
from cvconnect_drivers.scanners.serial import SerialScanner, open_scanner
from cvconnect_drivers.shapes import Health as DriverHealth
from cvconnect_drivers.shapes import PrintResult as DriverPrintResult
from cvconnect_drivers.shapes import Prompt
from cvconnect_pos import PaymentPrompt, Ticket
from cvconnect_pos.peripherals import (
    Display,
    DisplayFactory,
    Document,
    Health,
    Printer,
    PrinterFactory,
    PrintResult,
    ScannedLabel,
    Scanner,
    ScannerFactory,
)


def drivers_are_devices(
    serial: SerialScanner, image: ImageDisplay, terminal: TerminalDisplay, escpos: EscPosPrinter
) -> tuple[Scanner, Display, Display, Printer]:
    """The classes."""
    return serial, image, terminal, escpos


def factories_are_factories() -> tuple[ScannerFactory, DisplayFactory, DisplayFactory, PrinterFactory]:
    """What the entry points name."""
    return open_scanner, open_image, open_terminal, open_printer


def answers_are_answers(
    health: DriverHealth, result: DriverPrintResult, label: Label
) -> tuple[Health, PrintResult, ScannedLabel]:
    """What drivers hand to the SDK."""
    return health, result, label


def questions_are_questions(prompt: PaymentPrompt, ticket: Ticket) -> tuple[Prompt, Document]:
    """What the SDK hands to drivers."""
    return prompt, ticket
