"""A whole simulated counter: the provider, the customers' phones, and every device on a real cable.

A till, ours or a vendor's, opens the station file that the counter writes and cannot tell it from a shop's: requests travel
over HTTP, labels over a pseudo-terminal, tickets over TCP, and the customer display is a picture on disk.

    with Counter(folder) as counter, Station.open(counter.station_file) as station:
        payment = station.tender.request(request_id="T1-1", amount_cents=4550, basket_ref="PANIER-1")
        for event in payment:
            if event.name == "QrShown":
                counter.phone.pay(counter.phone.scan(counter.display_png))

Does not model: a network between till and provider; what each device does not model is said in its own module.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import quote

from cvconnect_sim.clock import Clock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import Provider, ProviderServer, QrForm, Rules
from cvconnect_sim.links import Link, PtyLink, TcpLink
from cvconnect_sim.phone import Phone
from cvconnect_sim.printer import Printer, Slip
from cvconnect_sim.scanner import Scanner, ScannerSettings, Symbology

Way: TypeAlias = Literal["qr", "scan", "either", "keyed"]
Value: TypeAlias = str | float | bool | Sequence[str]

CUSTOMER: Final = "10000003051"
EMAIL: Final = "client@example.invalid"
"""The first customer's contact address, for requests by e-mail."""
SHOP: Final = "Camping Les Pins"
SHOP_ADDRESS: Final = ("12 route de la Plage", "40600 Biscarrosse")


TRIGGER_S: Final = 0.5
"""Nobody pulls the trigger twice as fast: what comes sooner after a label that was refused may be its next line."""


class CabledScanner:
    """A scanner with its cable plugged in: what it reads reaches the till.

    Args:
        link: The cable.
        firmware: The scanner; its `settings` may be replaced between two scans.
    """

    def __init__(self, link: Link, firmware: Scanner) -> None:
        self.link: Final = link
        self.firmware: Final = firmware
        self._again_at_s = 0.0

    def scan(self, text: str, symbology: Symbology = Symbology.CODE_128) -> None:
        """Reads a label; returns at once, the bytes follow at the scanner's pace.

        Args:
            text: What the label holds, check digit included.
            symbology: The kind of label.

        Raises:
            SimError: LABEL_IMPOSSIBLE.
        """
        wait_s = max(self._again_at_s - time.monotonic(), 0.0)
        self._again_at_s = time.monotonic() + wait_s + TRIGGER_S
        bursts = self.firmware.scan(text, symbology)
        self.link.send([(bursts[0][0] + wait_s, bursts[0][1]), *bursts[1:]])


class Counter:
    """Starts everything; stops it in `close` or at the end of a `with`.

    Args:
        folder: Where the station file, the seal key, the journal and the display's picture go; made when missing.
        way: How customers are reached when the till does not say.
        poll_speed: How many times faster than in a shop the till asks for news, 0.1 to 1000.
        expiry_s: Life of a request, in seconds.
        qr_form: Whether the provider gives a QR as text or as a ready picture.
        terminal_display: Show the customer's prompts in the terminal too; each display then reports its own QR.
        customers: Numbers of those who have a wallet, 11 digits each; at least one.
        clock: The provider's time; the machine's by default. Devices and till keep the machine's.
        printer: The ticket printer, without a clock; one for 80 mm paper by default.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        way: Way = "qr",
        poll_speed: float = 20.0,
        expiry_s: float = 300.0,
        qr_form: QrForm = QrForm.PAYLOAD,
        terminal_display: bool = False,
        customers: Sequence[str] = (CUSTOMER,),
        clock: Clock | None = None,
        printer: Printer | None = None,
    ) -> None:
        self.folder: Final = folder.resolve()
        self.station_file: Final = self.folder / "cvconnect.toml"
        self.display_png: Final = self.folder / "ecran-client.png"
        self.provider: Final = Provider(clock=clock, rules=Rules(expiry_s=expiry_s, qr_form=qr_form))
        for place, number in enumerate(customers):
            self.provider.add_customer(number, email="" if place else EMAIL)
        self.phones: Final = tuple(Phone(self.provider, number) for number in customers)
        self.printer: Final = Printer() if printer is None else printer
        with ExitStack() as stack:
            self.server: Final = stack.enter_context(ProviderServer(self.provider))
            scanner_link = stack.enter_context(_serial_cable())
            self.scanner: Final = CabledScanner(scanner_link, Scanner(ScannerSettings(aim_id=True)))
            self.printer_link: Final = stack.enter_context(TcpLink(self.printer.receive))
            self._write_files(way, poll_speed, terminal_display=terminal_display)
            self._running: Final = stack.pop_all()

    @property
    def phone(self) -> Phone:
        """The first customer's phone."""
        return self.phones[0]

    def wait_tickets(self, count: int, timeout_s: float = 5.0) -> list[Slip]:
        """Waits until so many tickets have been cut.

        Args:
            count: Tickets since the start.
            timeout_s: Longest wait.

        Returns:
            The tickets there are, oldest first; fewer if the time ran out.
        """
        self.printer_link.wait_for(lambda: len(self.printer.slips) >= count, timeout_s)
        return list(self.printer.slips)

    def close(self) -> None:
        """Pulls every cable and stops the provider; the files stay. Closing again does nothing."""
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_files(self, way: Way, poll_speed: float, *, terminal_display: bool) -> None:
        merchant = self.provider.merchant
        self.folder.mkdir(parents=True, exist_ok=True)
        key_file = self.folder / "seal.key"
        key_file.unlink(missing_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_text(merchant.seal_key, encoding="utf-8")
        displays = [f"image:{quote(self.display_png.as_posix(), safe='/:')}"]
        if terminal_display:
            displays.append("terminal:")
        tables: list[tuple[str, Mapping[str, Value]]] = [
            (
                "[provider]",
                {
                    "environment": "test",
                    "url": self.server.base_url,
                    "shop_id": merchant.shop_id,
                    "service_provider_id": merchant.service_provider_id,
                    "seal_key": f"file:{key_file.name}",
                    "seal_key_version": merchant.seal_key_version,
                    "poll_speed": poll_speed,
                },
            ),
            ("[shop]", {"name": SHOP, "address": SHOP_ADDRESS, "till_id": "CAISSE-1"}),
            ("[tender]", {"way": way}),
            ("[journal]", {"path": "journal.db"}),
            ("[[scanners]]", {"url": self.scanner.link.url}),
            *(("[[displays]]", {"url": url}) for url in displays),
            ("[printer]", {"url": self.printer_link.url}),
        ]
        self.station_file.write_text("\n".join(_toml(*table) for table in tables), encoding="utf-8")


def _serial_cable() -> PtyLink | TcpLink:
    try:
        return PtyLink()
    except SimError:  # no pseudo-terminals here (Windows): the same bytes over a socket
        return TcpLink(scheme="socket")


def _toml(header: str, values: Mapping[str, Value]) -> str:
    # Texts, numbers, booleans and lists of texts are written alike in JSON and in TOML.
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return "\n".join((header, *lines, ""))
