"""From the till's call to the customer's pixels, and from the scanner's last byte to the wire, beside a physical floor.

The floor is one fsync plus one loopback round trip to the same simulated provider, in the same run: nothing that
writes before it asks can be faster.
"""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import threading
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from figures import show, summary

from cvconnect_drivers.displays.screen import render
from cvconnect_pos import Payment, PaymentPrompt, Station, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.engine import Engine
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.gateway import Provider, ProviderServer

ROUNDS = 200
WARM_UP = 20
NUMBER = "10000003051"


class TimedDisplay:
    """A display in memory: notes when it is given a QR, and when its pixels are ready."""

    name = "timed:"

    def __init__(self) -> None:
        self.given_s = self.drawn_s = 0.0
        self.drawn = threading.Event()

    def claim(self, *, timeout_s: float) -> None:
        pass

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> str:
        if prompt.qr_payload is None:
            return "text"
        self.given_s = time.monotonic()
        _, surface = render(prompt, (800, 480))
        self.drawn_s = time.monotonic()
        self.drawn.set()
        return surface

    def clear(self, *, timeout_s: float) -> None:
        pass

    def check_health(self, level: str = "internal") -> object:
        return level

    def release(self) -> None:
        pass


class Floor:
    """One fsync of a small append plus one bare round trip, measured beside each round of a subject."""

    def __init__(self, server: ProviderServer, folder: Path) -> None:
        host = urlsplit(server.base_url)
        self._connection = http.client.HTTPConnection(host.hostname or "", host.port)
        self._file = (folder / "floor").open("ab", buffering=0)
        self.times: list[float] = []

    def measure(self) -> float:
        """Measure once, in seconds."""
        start = time.monotonic()
        self._file.write(b"x" * 512)
        os.fsync(self._file.fileno())
        self._connection.request("GET", "/acquisition/api/public/v1/payment-transactions/aaaaaaaaaa/")
        self._connection.getresponse().read()
        self.times.append(time.monotonic() - start)
        return self.times[-1]

    def close(self) -> None:
        """Close the connection and the file."""
        self._connection.close()
        self._file.close()


@dataclass(slots=True)
class Paired:
    """The times of a subject, each beside the floor of the same moment, in seconds."""

    taken: list[float] = field(default_factory=list[float])
    over: list[float] = field(default_factory=list[float])

    def add(self, taken: float, floor: float) -> None:
        """Add one round."""
        self.taken.append(taken)
        self.over.append(taken - floor)


def request_to_qr(
    server: ProviderServer, provider: Provider, folder: Path, floor: Floor
) -> tuple[Paired, list[float]]:
    """Measure from `request()` to the display having the QR, and the drawing of it apart."""
    display = TimedDisplay()
    devices = StationDevices(displays=[display], presentation=Presentation(), clock=SystemClock())  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    merchant = provider.merchant
    gateway = AncvGateway(
        RequestsTransport(server.base_url),
        Merchant(merchant.shop_id, merchant.service_provider_id),
        SealKey(merchant.seal_key_version, merchant.seal_key),
        production=False,
    )
    engine = Engine(gateway, SqliteJournal(folder / "qr.db"), devices=devices)
    devices.start(engine)
    tender = Tender(engine)
    given = Paired()
    drawn: list[float] = []
    for number in range(ROUNDS + WARM_UP):
        display.drawn.clear()
        bare = floor.measure()
        start = time.monotonic()
        payment = tender.request(
            request_id=f"q{number}", amount_cents=4550, basket_ref=f"B{number}", way="qr"
        )
        if not display.drawn.wait(10):
            raise TimeoutError("no QR")
        if number >= WARM_UP:
            given.add(display.given_s - start, bare)
            drawn.append(display.drawn_s - display.given_s)
        finish(payment)
    devices.close()
    engine.close()
    return given, drawn


def finish(payment: Payment) -> None:
    """Cancel a payment, and wait for it."""
    payment.cancel()
    payment.wait(10)
    payment.acknowledge()


def scan_to_wire(server: ProviderServer, provider: Provider, folder: Path, floor: Floor) -> Paired:
    """Measure from the scanner's last byte on a pty to the first byte of the request at the server."""
    near, far = os.openpty()
    tty.setraw(far)
    merchant = provider.merchant
    (folder / "seal.key").write_text(merchant.seal_key, encoding="utf-8")
    station_file = folder / "cvconnect.toml"
    station_file.write_text(
        f"""
[provider]
environment = "test"
url = "{server.base_url}"
shop_id = "{merchant.shop_id}"
service_provider_id = "{merchant.service_provider_id}"
seal_key = "file:seal.key"
[shop]
name = "Mesure"
[tender]
way = "scan"
[journal]
path = "scan.db"
[[scanners]]
url = "serial://{os.ttyname(far)}?duplicate_window_ms=0"
""",
        encoding="utf-8",
    )
    times = Paired()
    with Station.open(station_file) as station:
        for number in range(ROUNDS + WARM_UP):
            payment = station.tender.request(
                request_id=f"s{number}", amount_cents=4550, basket_ref=f"B{number}"
            )
            wait_until_ready(payment)
            bare = floor.measure()
            sent = len(server.requests)
            os.write(near, NUMBER.encode())
            time.sleep(0.002)
            start = time.monotonic()
            os.write(near, b"\r")
            server.wait_request("POST", "payer", count=number + 1)
            if number >= WARM_UP:
                times.add(server.requests[sent].received_s - start, bare)
            finish(payment)
    os.close(near)
    os.close(far)
    return times


def wait_until_ready(payment: Payment) -> None:
    """Wait until the till is told that a label is waited for."""
    while event := payment.next_event(10):
        if event.name == "ReadyToScan":
            return
    raise TimeoutError("no scanner is ready")


def measure() -> dict[str, object]:
    """Measure all of it in one run.

    Returns:
        Median and p99 of each, the overhead over the floor, and the ratios.
    """
    provider = Provider()
    provider.add_customer(NUMBER, balance_cents=10_000_000)
    with tempfile.TemporaryDirectory() as name, ProviderServer(provider) as server:
        folder = Path(name)
        floor = Floor(server, folder)
        given, drawn = request_to_qr(server, provider, folder, floor)
        scanned = scan_to_wire(server, provider, folder, floor)
        floor.close()
    bare = statistics.median(floor.times)
    return {
        "rounds": ROUNDS,
        "floor: one fsync + one loopback round trip": summary(floor.times),
        "request() to QR at the display": summary(given.taken),
        "QR and screen drawn, 800x480": summary(drawn),
        "scanner's last byte to request's first byte": summary(scanned.taken),
        "overhead over the floor": {
            "request() to QR": summary(given.over),
            "scan to wire": summary(scanned.over),
        },
        "ratio": {
            "request() to QR / floor": statistics.median(given.taken) / bare,
            "scan to wire / floor": statistics.median(scanned.taken) / bare,
        },
    }


if __name__ == "__main__":
    show("latency", measure())
