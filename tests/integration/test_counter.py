"""The simulated counter, as a till and a vendor's test meet it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cvconnect_pos import (
    Approved,
    Event,
    Payment,
    QrShown,
    ReadyToScan,
    ScanRefused,
    Station,
    WaitTimeout,
    format_amount,
)
from cvconnect_sim.counter import CUSTOMER, Counter
from cvconnect_sim.gateway import QrForm
from cvconnect_sim.scanner import Symbology

TIMEOUT_S = 10.0
PRODUCT = "3017620422003"


def pay_on_the_screen(counter: Counter, payment: Payment, amount_cents: int | None = None) -> list[Event]:
    """Follow a payment; the customer scans the picture of the display."""
    seen: list[Event] = []
    while (event := payment.next_event(TIMEOUT_S)) is not None:
        seen.append(event)
        if isinstance(event, QrShown) and event.display.startswith("image:"):
            counter.phone.pay(counter.phone.scan(counter.display_png), amount_cents)
    return seen


@pytest.mark.parametrize("form", list(QrForm))
def test_a_customer_pays_what_the_screen_shows_in_both_forms_of_qr(tmp_path: Path, form: QrForm) -> None:
    with Counter(tmp_path, qr_form=form) as counter, Station.open(counter.station_file) as station:
        payment = station.tender.request(request_id="T1-1", amount_cents=4550, basket_ref="REF1")

        seen = pay_on_the_screen(counter, payment, 3000)

        approved = next(event for event in seen if isinstance(event, Approved))
        assert (approved.received_cents, approved.remaining_cents) == (3000, 1550)
        ticket = counter.wait_tickets(1)[0]
        assert "SIMULATION - SANS VALEUR" in ticket.text
        assert format_amount(1550) in ticket.text
        assert counter.phone.balance_cents() == 100_000 - 3000


def test_a_label_travels_from_the_scanner_to_the_till(tmp_path: Path) -> None:
    with Counter(tmp_path, way="scan") as counter, Station.open(counter.station_file) as station:
        payment = station.tender.request(request_id="T1-1", amount_cents=2000, basket_ref="REF1")
        labels = {ReadyToScan: (PRODUCT, Symbology.EAN_13), ScanRefused: (CUSTOMER, Symbology.CODE_128)}
        label = labels[ReadyToScan]
        seen: list[str] = []
        for _ in range(20):
            try:
                event = payment.next_event(1.0)
            except WaitTimeout:  # nobody heard the label: a cashier scans again
                counter.scanner.scan(*label)
                continue
            if event is None:
                break
            seen.append(event.name)
            if isinstance(event, ReadyToScan | ScanRefused):
                label = labels[type(event)]
                counter.scanner.scan(*label)
            if event.name == "AwaitingCustomer":
                counter.phone.refuse(counter.phone.wait_incoming(TIMEOUT_S)[0])

        assert seen == [
            "ReadyToScan",
            "ScanRefused",
            "CustomerIdentified",
            "AwaitingCustomer",
            "Refused",
            "TicketPrinted",
        ]


def test_the_way_and_the_expiry_are_settings(tmp_path: Path) -> None:
    with (
        Counter(tmp_path, way="scan", expiry_s=0.2) as counter,
        Station.open(counter.station_file) as station,
    ):
        payment = station.tender.request(request_id="T1-1", amount_cents=2000, basket_ref="REF1")
        assert isinstance(payment.next_event(TIMEOUT_S), ReadyToScan)
        assert payment.wait(TIMEOUT_S).state == "EXPIRED"


def test_the_key_is_only_in_a_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        key = counter.provider.merchant.seal_key
        assert key not in counter.station_file.read_text(encoding="utf-8")
        holders = [file for file in tmp_path.iterdir() if key in file.read_text(encoding="utf-8")]
        assert [stat.S_IMODE(file.stat().st_mode) for file in holders] == [0o600]


def test_each_customer_has_a_phone(tmp_path: Path) -> None:
    with Counter(tmp_path, customers=(CUSTOMER, "10000003052")) as counter:
        assert [phone.identifier_barcode() for phone in counter.phones] == [CUSTOMER, "10000003052"]
        assert counter.phone is counter.phones[0]


def test_the_terminal_shows_the_customers_prompts_when_it_is_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Counter(tmp_path, terminal_display=True) as counter, Station.open(counter.station_file) as station:
        pay_on_the_screen(
            counter, station.tender.request(request_id="T1-1", amount_cents=4550, basket_ref="REF1")
        )
    assert "Paiement accepté" in capsys.readouterr().out


def test_a_folder_with_spaces_accents_and_percent_signs_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "été 100%25 ?"
    with Counter(folder) as counter, Station.open(counter.station_file) as station:
        seen = pay_on_the_screen(
            counter, station.tender.request(request_id="T1-1", amount_cents=4550, basket_ref="REF1")
        )
    assert "Approved" in [event.name for event in seen]


def test_counters_stand_side_by_side_and_close_twice(tmp_path: Path) -> None:
    with Counter(tmp_path / "1") as one, Counter(tmp_path / "2") as two:
        assert one.server.base_url != two.server.base_url
        assert one.printer_link.url != two.printer_link.url
    one.close()
    assert one.station_file.exists()


def test_the_fixture_is_there_for_every_till(cvconnect_counter: Counter) -> None:
    with Station.open(cvconnect_counter.station_file) as station:
        payment = station.tender.request(request_id="T1-1", amount_cents=4550, basket_ref="REF1")
        pay_on_the_screen(cvconnect_counter, payment)
        assert payment.outcome is not None
        assert payment.outcome.is_paid


def test_the_plugin_loads_nothing_that_a_foreign_test_run_would_pay_for() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import cvconnect_sim.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30, env=os.environ
    )
    assert done.stdout.split() == ["cvconnect_sim", "cvconnect_sim.pytest_plugin"]
