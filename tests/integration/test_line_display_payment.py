"""A payment as the customer reads it on a line display, from the shop's name to what remains."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cvconnect_drivers.displays.serial_line import LineDisplay
from cvconnect_drivers.scanners.reconnection import Backoff
from cvconnect_pos import Engine, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.display import EpsonDisplay
from cvconnect_sim.gateway import Provider, ProviderServer
from cvconnect_sim.phone import Phone
from line_glass import Cable, panel_for

NUMBER = "10000003051"
T = 10.0


@contextmanager
def till(folder: Path, cable: Cable) -> Generator[tuple[Tender, Phone], None, None]:
    provider = Provider()
    provider.add_customer(NUMBER)
    display = LineDisplay(
        "serial:pole", cable.open, panel_for("epson", "cp858"), backoff=Backoff(0.001, 0.01, 5.0)
    )
    with ProviderServer(provider).start() as server:
        merchant = provider.merchant
        gateway = AncvGateway(
            RequestsTransport(server.base_url),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        shown = Presentation(shop=("L’Œuf à la coque",))
        devices = StationDevices(displays=[display], presentation=shown, clock=SystemClock())
        engine = Engine(gateway, SqliteJournal(folder / "journal.db"), devices=devices, speed=20.0)
        try:
            devices.start(engine)
            yield Tender(engine), Phone(provider, NUMBER)
        finally:
            devices.close()
            engine.close()


def test_the_customer_reads_the_payment_and_an_unplugged_display_delays_nobody(tmp_path: Path) -> None:
    cable = Cable(EpsonDisplay())

    def read(*rows: str) -> bool:
        return cable.wait_for(lambda: tuple(row.strip() for row in cable.glass.lines) == rows, T)

    with till(tmp_path, cable) as (tender, phone):
        assert read("L'OEuf à la coque", "Chèque-Vacances")
        payment = tender.request(
            request_id="r1", amount_cents=4550, basket_ref="B1", way="keyed", beneficiary=NUMBER
        )
        assert read("45,50 €", "Validez dans votre")
        cable.pull()
        phone.pay(phone.wait_incoming(T)[0], amount_cents=3000)
        assert payment.wait(T).received_cents == 3000
        payment.acknowledge()
        assert "Validez" in cable.glass.lines[1]
        cable.plug_in()
        assert read("Reste à régler", "autrement : 15,50 €")
    assert cable.glass.lines == (" " * 20, " " * 20)
