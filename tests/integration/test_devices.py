"""The devices of a station: whose turn it is, and drivers that are slow, away or wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cvconnect_drivers.displays import callback
from cvconnect_drivers.shapes import Prompt, Surface
from cvconnect_pos import Engine, Event, Payment, PaymentPrompt, State, Tender
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.gateway.ancv import AncvGateway, Merchant
from cvconnect_pos.gateway.seal import SealKey
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.posts import DeviceHealth
from cvconnect_pos.transports.requests import RequestsTransport
from cvconnect_sim.gateway import Provider, ProviderServer
from cvconnect_sim.phone import Phone

NUMBER = "10000003051"
DEADLINE_S = 10.0


class Fake:
    """Half of any device: in order, and never in a hurry to be asked."""

    name = "fake:"

    def claim(self, **_: Any) -> None:
        pass

    def check_health(self, level: str = "internal") -> DeviceHealth:
        return DeviceHealth("ready", "")

    def release(self) -> None:
        pass


class Screen(Fake):
    """Keeps what it showed; shows slowly when told."""

    def __init__(self, surface: str = "qr") -> None:
        self.shown: list[PaymentPrompt | None] = []
        self.surface = surface
        self.gate = threading.Event()
        self.gate.set()

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Any:
        self.gate.wait(DEADLINE_S)
        self.shown.append(prompt)
        return self.surface if prompt.qr_payload else "text"

    def clear(self, *, timeout_s: float) -> None:
        self.shown.append(None)


class Gun(Fake):
    """A scanner whose trigger is a call."""

    def __init__(self) -> None:
        self.armed: Callable[[Any], None] | None = None
        self.dropped = 0

    def arm(self, on_label: Callable[[Any], None]) -> None:
        self.armed = on_label

    def disarm(self) -> None:
        self.armed = None

    def statistics(self) -> dict[str, int]:
        return {"dropped": self.dropped}

    def scan(self, text: str, refusal: str | None = None) -> None:
        on_label, self.armed = self.armed, None
        if on_label is None:
            self.dropped += 1
        else:
            on_label(type("Label", (), {"text": text, "symbology": None, "refusal": refusal})())


class Lane:
    """A till made by hand, with the devices of the test."""

    def __init__(self, folder: Path, screen: Screen, gun: Gun) -> None:
        self.provider = Provider()
        self.provider.add_customer(NUMBER)
        self.phone = Phone(self.provider, NUMBER)
        self.server = ProviderServer(self.provider).start()
        merchant = self.provider.merchant
        gateway = AncvGateway(
            RequestsTransport(self.server.base_url),
            Merchant(merchant.shop_id, merchant.service_provider_id),
            SealKey(merchant.seal_key_version, merchant.seal_key),
            production=False,
        )
        devices: Any = {"scanners": [gun], "displays": [screen]}
        self.devices = StationDevices(**devices, presentation=Presentation(), clock=SystemClock())
        self.engine = Engine(gateway, SqliteJournal(folder / "journal.db"), devices=self.devices, speed=20.0)
        self.devices.start(self.engine)
        self.tender = Tender(self.engine)

    def ask(self, way: str, name: str = "1") -> Payment:
        return self.tender.request(request_id=f"r{name}", amount_cents=4550, basket_ref=f"B{name}", way=way)

    def close(self) -> None:
        self.devices.close()
        self.engine.close()
        self.server.close()


MakeLane = Callable[[Screen, Gun], Lane]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeLane]:
    lanes: list[Lane] = []

    def make_lane(screen: Screen, gun: Gun) -> Lane:
        lanes.append(Lane(tmp_path, screen, gun))
        return lanes[-1]

    yield make_lane
    for lane in lanes:
        lane.close()


def follow(payment: Payment, until: str) -> list[Event]:
    events: list[Event] = []
    while (event := payment.next_event(DEADLINE_S)) is not None:
        events.append(event)
        if event.name == until:
            break
    return events


def test_a_till_that_is_told_ready_can_scan_at_once(make: MakeLane) -> None:
    gun = Gun()
    lane = make(Screen(), gun)
    for number in range(20):
        payment = lane.ask("scan", str(number))
        follow(payment, "ReadyToScan")
        gun.scan(NUMBER)
        follow(payment, "AwaitingCustomer")
        lane.phone.pay(lane.phone.incoming()[0])
        assert payment.wait(DEADLINE_S).is_paid
        payment.acknowledge()
    assert gun.dropped == 0


def test_a_refused_label_leaves_the_scanner_ready(make: MakeLane) -> None:
    gun = Gun()
    payment = make(Screen(), gun).ask("scan")
    follow(payment, "ReadyToScan")
    for _ in range(5):
        gun.scan("3017620422003", "PRODUCT_CODE")
        follow(payment, "ScanRefused")
    assert gun.dropped == 0
    gun.scan("not an identifier")
    assert follow(payment, "ScanRefused")[-1].as_dict()["reason"] == "NOT_AN_IDENTIFIER"
    gun.scan(NUMBER)
    follow(payment, "AwaitingCustomer")


def test_the_devices_go_back_to_the_payment_before(make: MakeLane) -> None:
    gun, screen = Gun(), Screen()
    lane = make(screen, gun)
    first = lane.ask("scan", "1")
    follow(first, "ReadyToScan")
    second = lane.ask("qr", "2")
    follow(second, "QrShown")
    second.cancel()
    second.wait(DEADLINE_S)
    follow(second, "Cancelled")
    gun.scan(NUMBER)
    follow(first, "AwaitingCustomer")
    assert gun.dropped == 0
    last = screen.shown[-1]
    assert last is not None
    assert last.basket_ref == "B1"


def test_a_qr_that_is_over_before_it_is_drawn_is_neither_drawn_nor_told(make: MakeLane) -> None:
    screen = Screen()
    screen.gate.clear()  # busy with the idle screen
    lane = make(screen, Gun())
    payment = lane.ask("qr")
    follow(payment, "QrReady")
    payment.cancel()
    assert payment.wait(DEADLINE_S).state is State.CANCELLED
    screen.gate.set()
    names = [event.name for event in follow(payment, "never")]
    assert "QrShown" not in names
    lane.devices.close()
    assert screen.shown[-1] is None
    assert [prompt for prompt in screen.shown if prompt and prompt.qr_payload] == []


def test_a_display_that_cannot_show_the_qr_is_told(make: MakeLane) -> None:
    payment = make(Screen(surface="text"), Gun()).ask("qr")
    trouble = follow(payment, "DeviceTrouble")[-1]
    assert trouble.as_dict()["reason"] == "QR_NOT_SHOWN"
    assert "n’affiche le QR" in trouble.text("fr")


class Rude(Gun, Screen):
    """Raises whatever it is asked."""

    def __init__(self) -> None:
        Gun.__init__(self)
        Screen.__init__(self)

    def claim(self, **_: Any) -> None:
        raise RuntimeError("10000003051 in a driver's message")

    show = clear = arm = disarm = check_health = release = claim  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def test_a_driver_that_raises_everywhere_loses_no_payment(
    make: MakeLane, caplog: pytest.LogCaptureFixture
) -> None:
    rude = Rude()
    lane = make(rude, rude)
    payment = lane.ask("scan")
    names = [event.name for event in follow(payment, "ReadyToScan")]
    payment.identify(NUMBER)
    follow(payment, "AwaitingCustomer")
    lane.phone.pay(lane.phone.incoming()[0])
    assert payment.wait(DEADLINE_S).received_cents == 4550
    assert lane.devices.check_health()["fake:"].state == "unknown"
    lane.close()
    assert names[-1] == "ReadyToScan"
    assert NUMBER not in caplog.text


class Deadly(Gun):
    """Delivers a label from inside `arm`, which no driver should do."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 3

    def arm(self, on_label: Callable[[Any], None]) -> None:
        super().arm(on_label)
        if self.left:
            self.left -= 1
            self.scan("3017620422003", "PRODUCT_CODE")


def test_a_label_delivered_from_inside_arm_locks_nothing(make: MakeLane) -> None:
    lane = make(Screen(), Deadly())
    payment = lane.ask("scan")
    assert payment.next_event(DEADLINE_S) is not None
    payment.identify(NUMBER)
    follow(payment, "AwaitingCustomer")
    assert lane.ask("qr", "2").next_event(DEADLINE_S) is not None


def test_a_presentation_says_which_copies_come_out() -> None:
    default = Presentation()
    assert default.copies(State.APPROVED) == ("COPIE COMMERÇANT",)
    assert default.copies(State.REVERSED) == ("COPIE COMMERÇANT", "COPIE CLIENT")
    assert default.copies(State.REFUSED) == ("COPIE COMMERÇANT",)
    assert default.copies(State.ORPHANED) == ()
    quiet = Presentation(merchant_copy=False, unpaid=False, reversed=False)
    assert [quiet.copies(state) for state in (State.APPROVED, State.REVERSED, State.EXPIRED)] == [(), (), ()]
    assert Presentation(customer_copy=True).copies(State.APPROVED) == ("COPIE COMMERÇANT", "COPIE CLIENT")


def test_a_station_is_closed_from_the_thread_that_its_till_draws_on() -> None:
    """The till's function hands the prompt over and waits; the thread that would draw it is in `close`."""
    closing, closed = threading.Event(), threading.Event()

    def draw(_prompt: Prompt | None, _png: bytes | None) -> Surface:
        if closing.is_set():
            closed.wait(6 * DEADLINE_S)
        return "text"

    callback.display("closed-while-drawing").on_prompt(draw)
    screen = callback.open_display("callback:closed-while-drawing", {})
    devices = StationDevices(displays=[screen], presentation=Presentation(), clock=SystemClock())
    no_engine: Any = None
    devices.start(no_engine)
    assert all(post.when_idle().wait(DEADLINE_S) for post in devices._screens.posts)
    closing.set()
    till = threading.Thread(target=devices.close)
    till.start()
    till.join(3 * DEADLINE_S)
    ended = not till.is_alive()
    closed.set()
    till.join(DEADLINE_S)
    assert ended
