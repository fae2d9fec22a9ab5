"""A whole till on a simulated counter: real HTTP, real serial bytes, real pixels, real paper."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cvconnect_pos import CvConnectError, Event, NotAllowedNow, Payment, State, Station, WaitTimeout
from cvconnect_sim.counter import CUSTOMER, Counter
from cvconnect_sim.gateway import Fault, FaultKind
from cvconnect_sim.scanner import Symbology

DEADLINE_S = 10.0


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with Counter(tmp_path / "à la caisse") as counter:
        yield counter


def ask(station: Station, way: str, request_id: str = "T1-1", **more: object) -> Payment:
    return station.tender.request(
        request_id=request_id, amount_cents=4550, basket_ref="REF253", way=way, **more  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


def follow(payment: Payment, until: str | None = None) -> list[Event]:
    """Take events up to one of this name, or to the end."""
    events: list[Event] = []
    while (event := payment.next_event(DEADLINE_S)) is not None:
        events.append(event)
        if event.name == until:
            break
    return events


def test_the_readmes_loop_takes_a_qr_payment(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        assert station.unacknowledged() == []
        payment = ask(station, "qr")
        names: list[str] = []
        for event in payment:
            names.append(event.name)
            if event.name == "QrShown":
                counter.phone.pay(counter.phone.scan(counter.display_png), 3000)
        assert names[:2] == ["QrReady", "QrShown"]
        assert names[-2:] == ["Approved", "TicketPrinted"]
        outcome = payment.outcome
        assert outcome is not None
        assert (outcome.received_cents, outcome.remaining_cents) == (3000, 1550)
        payment.acknowledge()
    (slip,) = counter.printer.slips
    assert "30,00\u00a0€" in slip.text
    assert "SIMULATION - SANS VALEUR" in slip.text


def test_a_label_walks_from_the_scanner_to_the_customers_app(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        payment = ask(station, "scan")
        follow(payment, "ReadyToScan")
        counter.scanner.scan(counter.phone.identifier_barcode())
        counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
        names = [event.name for event in follow(payment)]
        assert names == ["CustomerIdentified", "AwaitingCustomer", "Approved", "TicketPrinted"]


def test_a_product_code_is_refused_with_the_reason_and_the_scanner_stays_ready(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        payment = ask(station, "scan")
        follow(payment, "ReadyToScan")
        counter.scanner.scan("3017620422003", Symbology.EAN_13)
        refused = follow(payment, "ScanRefused")[-1]
        assert refused.text("fr") == "Code produit lu. Présentez l’identifiant Chèque-Vacances."
        counter.scanner.scan(CUSTOMER)
        assert follow(payment, "AwaitingCustomer")[-1].name == "AwaitingCustomer"


def test_either_way_the_label_takes_the_qr_off_the_screen(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        payment = ask(station, "either")
        follow(payment, "QrShown")
        picture = counter.display_png.read_bytes()
        counter.scanner.scan(CUSTOMER)
        counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
        assert payment.wait(DEADLINE_S).received_cents == 4550
        with pytest.raises(Exception, match="QR_CLOSED"):
            counter.phone.scan(picture)


def test_a_label_read_while_nobody_is_asked_for_is_dropped(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        counter.scanner.scan(CUSTOMER)
        payment = ask(station, "scan")
        follow(payment, "ReadyToScan")
        with pytest.raises(WaitTimeout):
            payment.next_event(0.3)
        assert payment.attempt.state is State.OPENED
        payment.cancel()
        assert payment.wait(DEADLINE_S).state is State.CANCELLED


def test_a_restart_redelivers_and_clears_the_screen(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        payment = ask(station, "qr")
        follow(payment, "QrShown")
        request = counter.phone.scan(counter.display_png)
    assert payment.attempt.state in {State.SHOWING, State.SCANNED}
    with pytest.raises(NotAllowedNow):
        payment.wait(1)
    with pytest.raises(Exception, match="QR_NOT_FOUND"):
        counter.phone.scan(counter.display_png)
    counter.phone.pay(request)
    with Station.open(counter.station_file) as station:
        late = station.resume("T1-1")
        outcome = late.wait(DEADLINE_S)
        assert (outcome.state, outcome.received_cents) == (State.APPROVED, 4550)
        assert [p.request_id for p in station.unacknowledged()] == ["T1-1"]
        late.acknowledge()
        assert station.unacknowledged() == []


@pytest.mark.parametrize("kind", list(FaultKind))
def test_any_answer_to_a_status_call_hangs_nothing_and_loses_nothing(
    counter: Counter, kind: FaultKind
) -> None:
    with Station.open(counter.station_file) as station:
        payment = ask(station, "keyed", beneficiary=CUSTOMER)
        counter.phone.wait_incoming(DEADLINE_S)
        paid_kinds = {FaultKind.PAID_WITHOUT_AUTHORIZATIONS, FaultKind.PAID_UNREADABLE_AUTHORIZATIONS,
                      FaultKind.PAID_FOREIGN_CURRENCY}  # fmt: skip
        counter.server.faults.add(
            Fault(kind, method="GET", count=1 if kind is FaultKind.DRIP else 2, delay_s=0.01)
        )
        counter.phone.pay(counter.phone.incoming()[0], 3000)
        outcome = payment.wait(30)
        assert (outcome.state, outcome.received_cents) == (State.APPROVED, 3000)
        names = {event.name for event in follow(payment)}
        assert ("InDoubt" in names) or kind not in paid_kinds | {FaultKind.UNKNOWN_STATE}


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.EMPTY_BODY, FaultKind.TRUNCATED_BODY,
                                  FaultKind.HTML_PAGE, FaultKind.HUGE_BODY, FaultKind.STATUS])  # fmt: skip
def test_any_answer_to_a_create_call_is_an_orphan_and_the_line_is_free(
    counter: Counter, kind: FaultKind
) -> None:
    with Station.open(counter.station_file) as station:
        counter.server.faults.add(Fault(kind, method="POST"))
        first = ask(station, "qr")
        assert first.wait(DEADLINE_S).state is State.ORPHANED
        first.acknowledge()
        second = ask(station, "qr", "T1-2")
        follow(second, "QrShown")
        assert second.attempt.state is State.SHOWING


def test_a_printer_that_is_away_delays_no_result_and_is_reported(counter: Counter) -> None:
    counter.printer_link.close()
    with Station.open(counter.station_file) as station:
        payment = ask(station, "keyed", beneficiary=CUSTOMER)
        counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
        assert payment.wait(DEADLINE_S).is_paid
        printed = follow(payment)[-1]
        assert printed.as_dict()["outcome"] == "not_sent"


def test_a_listener_that_blocks_delays_no_money(counter: Counter) -> None:
    release = threading.Event()
    with Station.open(counter.station_file) as station:
        payment = ask(station, "keyed", beneficiary=CUSTOMER)
        payment.add_listener(lambda _: release.wait(DEADLINE_S))
        counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
        assert payment.wait(DEADLINE_S).is_paid
        release.set()


def test_a_seal_that_is_refused_stops_the_till(counter: Counter) -> None:
    (counter.folder / "seal.key").write_text("another key")
    with Station.open(counter.station_file) as station:
        payment = ask(station, "qr")
        outcome = payment.wait(DEADLINE_S)
        assert (outcome.state, outcome.reason) == (State.ORPHANED, "INVALID_SEAL")
        payment.acknowledge()
        with pytest.raises(CvConnectError) as caught:
            ask(station, "qr", "T1-2")
        assert "provider.seal_key" in caught.value.remedy("fr")
        assert len(counter.server.requests) == 1


def test_many_payments_wait_on_few_threads(tmp_path: Path) -> None:
    customers = [f"1000000{n:04d}" for n in range(40)]
    with Counter(tmp_path, customers=customers) as counter, Station.open(counter.station_file) as station:
        before = threading.active_count()
        payments = [
            station.tender.request(
                request_id=f"r{n}", amount_cents=4550, basket_ref=f"B{n}", way="keyed", beneficiary=c
            )
            for n, c in enumerate(customers)
        ]
        for phone in counter.phones:
            phone.pay(phone.wait_incoming(DEADLINE_S)[0])
        assert threading.active_count() <= before + 10  # the provider's own, one for each of our connections
        assert all(payment.wait(30).is_paid for payment in payments)


def test_nothing_that_is_logged_names_a_customer_or_a_key(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    counter.printer_link.close()
    with Station.open(counter.station_file) as station:
        payment = ask(station, "keyed", beneficiary=CUSTOMER)
        payment.add_listener(lambda _: 1 / 0)
        counter.phone.pay(counter.phone.wait_incoming(DEADLINE_S)[0])
        payment.wait(DEADLINE_S)
        follow(payment)
    assert caplog.text
    assert CUSTOMER not in caplog.text
    assert counter.provider.merchant.seal_key not in caplog.text


def test_closing_twice_is_closing_once(counter: Counter) -> None:
    station = Station.open(counter.station_file)
    station.close()
    start = time.monotonic()
    station.close()
    assert time.monotonic() - start < 1.0


def test_closing_leaves_no_thread_behind(counter: Counter) -> None:
    before = set(threading.enumerate())
    with Station.open(counter.station_file) as station:
        follow(ask(station, "qr"), "QrShown")
    left = {
        t.name
        for t in set(threading.enumerate()) - before
        if not t.name.startswith(("provider", "tcp", "pty"))
    }
    assert not {name for name in left if "cvconnect" in name or "scanner" in name}
