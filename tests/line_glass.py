"""What the tests of line displays share: which simulated glass belongs to which settings, a cable to it, and prompts."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from cvconnect_drivers.displays.line_protocols import PROTOCOLS, Panel
from cvconnect_drivers.errors import LinkAbsentError, LinkLostError, LinkTimeoutError
from cvconnect_pos.money import format_amount
from cvconnect_pos.peripherals import PaymentPrompt
from cvconnect_sim.display import (
    AedexDisplay,
    Cd5220Display,
    EpsonDisplay,
    Firmware,
    LogicControlsDisplay,
)

GLASSES: dict[tuple[str, str], Callable[[], Firmware]] = {
    ("epson", "cp858"): EpsonDisplay,
    ("epson", "cp437"): EpsonDisplay,
    ("epson", "cp850"): EpsonDisplay,
    ("epson", "cp1252"): EpsonDisplay,
    ("cd5220", "france"): Cd5220Display,
    ("cd5220", "cp437"): Cd5220Display,
    ("cd5220", "cp858"): lambda: Cd5220Display(codec="cp858"),
    ("logic-controls", "cp437"): LogicControlsDisplay,
    ("logic-controls", "ascii"): LogicControlsDisplay,
    ("aedex", "cp437"): AedexDisplay,
    ("aedex", "ascii"): AedexDisplay,
}
"""Protocol and character set -> a display that has it."""

USUAL = [(name, next(iter(protocol.pages))) for name, protocol in PROTOCOLS.items()]
"""Each protocol with the set that is taken when nothing is said."""

WAITING = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount=format_amount(4550),
    instruction="Présentez votre identifiant Chèque-Vacances",
    shop="L’Œuf à la coque",
    notice="SIMULATION - SANS VALEUR",
)
PARTIAL = PaymentPrompt(
    "partial",
    amount=format_amount(3000),
    instruction="Paiement partiel accepté",
    detail=f"Reste à régler autrement : {format_amount(1550)}",
)
WITH_QR = PaymentPrompt(
    "waiting",
    amount=format_amount(123450),
    instruction="Scannez ce QR code avec l’application Chèque-Vacances",
    detail="ou présentez votre identifiant Chèque-Vacances",
    qr_payload="https://example.invalid/p/1",
    expires_text="Valable jusqu’à 14:05:00",
)
IDLE = PaymentPrompt("idle", title="Chèque-Vacances Connect", shop="L’Œuf à la coque")


def panel_for(protocol: str, page: str) -> Panel:
    found = PROTOCOLS[protocol]
    return Panel(found, found.pages[page])


class Cable:
    """A serial cable to a simulated display, which can be pulled in the middle of a byte stream."""

    def __init__(self, glass: Firmware) -> None:
        self.glass = glass
        self.changed = threading.Condition()
        self.plugged = True
        self.pull_after: int | None = None
        self.blocked = False
        self.chatter = b""
        self.sent = 0
        self.opened = 0

    def open(self) -> Plug:
        with self.changed:
            if not self.plugged:
                raise LinkAbsentError("the cable", "unplugged")
            self.opened += 1
            return Plug(self)

    def pull(self) -> None:
        with self.changed:
            self.plugged = False
            self.changed.notify_all()

    def plug_in(self) -> None:
        with self.changed:
            self.plugged, self.pull_after, self.blocked = True, None, False
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, timeout_s)


class Plug:
    """The host's end while it is open."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self._answers = bytearray()
        self.number = next(_numbers)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        cable = self._cable
        with cable.changed:
            for code in data:
                if cable.pull_after is not None and cable.sent >= cable.pull_after:
                    cable.plugged = False
                if not cable.plugged:
                    cable.changed.notify_all()
                    raise LinkLostError("the cable", "pulled", sent_bytes=None)
                if cable.blocked:
                    cable.changed.wait_for(lambda: not cable.blocked or not cable.plugged, timeout_s)
                    raise LinkTimeoutError("the cable", "write", sent_bytes=None)
                self._answers += cable.glass.receive(bytes((code,)))
                cable.sent += 1
            cable.changed.notify_all()

    def read(self, max_bytes: int, *, timeout_s: float) -> bytes:
        with self._cable.changed:
            if not self._cable.plugged:
                raise LinkLostError("the cable", "pulled")
            taken = bytes(self._answers[:max_bytes]) or self._cable.chatter[:max_bytes]
            del self._answers[:max_bytes]
        if not taken:
            raise LinkTimeoutError("the cable", "byte")
        return taken

    def close(self) -> None:
        """Nothing is held."""


_numbers = itertools.count()
