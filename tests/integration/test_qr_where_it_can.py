"""A customer pays from what is really seen: the second monitor, or paper where there is none."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from cvconnect_drivers.displays import paper, window
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_pos import Engine, Payment, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.events import QrShown
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.gateway import Provider, ProviderServer
from cvconnect_sim.links import TcpLink
from cvconnect_sim.phone import Phone
from cvconnect_sim.printer import Printer
from x_screens import Desktop, codes, desktop, needs_x, until

pytestmark = needs_x
NUMBER = "10000003051"
T = 20.0


@dataclass(frozen=True, slots=True)
class Counter:
    tender: Tender
    phone: Phone
    printer: Printer
    paper: str


def shown_on(payment: Payment) -> list[str]:
    """Name the displays that showed the QR, of a payment that is over."""
    return [event.display for event in payment if isinstance(event, QrShown)]


@contextmanager
def till(folder: Path) -> Generator[Counter]:
    """A till with a window, and paper where the window shows nothing; its printer prints the tickets too."""
    provider, printer = Provider(), Printer()
    provider.add_customer(NUMBER)
    with ProviderServer(provider).start() as server, TcpLink(printer.receive) as link:
        merchant = provider.merchant
        gateway = AncvGateway(
            RequestsTransport(server.base_url),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        devices = StationDevices(
            displays=[window.open_display("window:", {})],
            fallbacks=[paper.open_display(f"printer:{link.url}", {})],
            printer=open_printer(link.url, {}),
            presentation=Presentation(shop=("Camping L’Œuf Bleu",)),
            clock=SystemClock(),
        )
        engine = Engine(gateway, SqliteJournal(folder / "journal.db"), devices=devices, speed=20.0)
        try:
            devices.start(engine)
            yield Counter(Tender(engine), Phone(provider, NUMBER), printer, f"printer:{link.url}")
        finally:
            devices.close()
            engine.close()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Generator[Desktop]:
    with desktop() as x:
        monkeypatch.setenv("DISPLAY", x.name)
        yield x


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_the_customer_pays_from_the_second_monitor_and_no_slip_is_printed(
    there: Desktop, tmp_path: Path
) -> None:
    there.plug()
    with till(tmp_path) as counter:
        payment = counter.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
        until(lambda: bool(codes(there.customer())), T)
        counter.phone.pay(counter.phone.scan(png(there.customer())))
        assert payment.wait(T).received_cents == 4550
        payment.acknowledge()
        until(lambda: not codes(there.customer()), T)
        until(lambda: len(counter.printer.slips) == 1, T)
        said = " ".join(line.text for line in counter.printer.slips[0].lines)
        assert "COPIE COMMERÇANT" in said
    assert shown_on(payment) == ["window:"]


def test_without_a_second_monitor_the_customer_pays_from_paper(there: Desktop, tmp_path: Path) -> None:
    with till(tmp_path) as counter:
        payment = counter.tender.request(request_id="r1", amount_cents=4550, basket_ref="B1", way="qr")
        until(lambda: bool(counter.printer.slips), T)
        counter.phone.pay(counter.phone.scan(counter.printer.slips[0].png()))
        assert payment.wait(T).received_cents == 4550
        payment.acknowledge()
        until(lambda: len(counter.printer.slips) == 2, T)
    assert shown_on(payment) == [counter.paper]
