"""The customer's app: pixels in, decisions out."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.errors import SimError
from cvconnect_sim.gateway import Order, Provider, RefusedError, TransactionState
from cvconnect_sim.gateway.qr import qr_png
from cvconnect_sim.phone import Phone

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = "10000003051"
EMAIL = "client@example.invalid"
ORDER = Order("REF253", "T1-1", 4550, label="Été – chambre 12")


@pytest.fixture
def provider() -> Provider:
    provider = Provider(clock=VirtualClock())
    provider.add_customer(HOLDER, email=EMAIL, balance_cents=10_000)
    return provider


@pytest.fixture
def phone(provider: Provider) -> Phone:
    return Phone(provider, HOLDER)


def send(provider: Provider, to: str = HOLDER) -> str:
    transaction_id = provider.create(ORDER).transaction_id
    provider.set_payer(transaction_id, to, 4550)
    return transaction_id


def screenshot(*payloads: str) -> bytes:
    """A till's screen: text, boxes, and QR codes among them."""
    screen = Image.new("RGB", (1600, 900), (32, 64, 96))
    draw = ImageDraw.Draw(screen)
    draw.text((40, 40), "CHEQUE-VACANCES CONNECT   45,50 EUR", fill="white")
    draw.rectangle((30, 700, 500, 880), fill="yellow", outline="black")
    for index, payload in enumerate(payloads):
        screen.paste(Image.open(io.BytesIO(qr_png(payload))), (60 + 700 * index, 120))
    saved = io.BytesIO()
    screen.save(saved, "png")
    return saved.getvalue()


def test_the_barcode_is_the_bare_number(provider: Provider) -> None:
    assert Phone(provider, EMAIL).identifier_barcode() == HOLDER


def test_a_phone_of_nobody_is_refused(provider: Provider) -> None:
    with pytest.raises(RefusedError, match="BENEFICIARY_NOT_FOUND"):
        Phone(provider, "99999999999")


def test_a_qr_is_read_from_its_pixels_and_paid(provider: Provider, phone: Phone) -> None:
    pre = provider.create_pre_transaction(ORDER)
    request = phone.scan(qr_png(pre.qr_payload))
    assert request.amount_cents == 4550
    assert request.label == ORDER.label
    assert phone.pay(request).state is TransactionState.VALIDATED
    assert phone.balance_cents() == 10_000 - 4550


def test_a_qr_is_found_on_a_screenshot_beside_other_codes(
    provider: Provider, phone: Phone, tmp_path: Path
) -> None:
    pre = provider.create_pre_transaction(ORDER)
    picture = tmp_path / "screen.png"
    picture.write_bytes(screenshot("https://www.example.invalid/menu", pre.qr_payload))
    assert phone.scan(picture).state is TransactionState.PROCESSING


def test_a_qr_with_a_transparent_background_is_read_as_if_on_white(provider: Provider, phone: Phone) -> None:
    pre = provider.create_pre_transaction(ORDER)
    opaque = Image.open(io.BytesIO(qr_png(pre.qr_payload))).convert("L")
    modules = Image.new("RGBA", opaque.size, (0, 0, 0, 0))
    modules.paste((0, 0, 0, 255), mask=opaque.point(lambda grey: 255 - grey))
    saved = io.BytesIO()
    modules.save(saved, "png")
    assert phone.scan(saved.getvalue()).amount_cents == 4550


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (screenshot(), "QR_NOT_FOUND"),
        (screenshot("https://www.example.invalid/menu"), "QR_UNKNOWN"),
        (b"no image at all", "IMAGE_UNREADABLE"),
    ],
    ids=["no-qr", "foreign-qr", "no-image"],
)
def test_an_image_without_a_payment_is_an_error(phone: Phone, image: bytes, code: str) -> None:
    with pytest.raises(SimError) as caught:
        phone.scan(image)
    assert caught.value.code == code
    assert caught.value.fr


def test_a_missing_file_is_an_unreadable_image(phone: Phone, tmp_path: Path) -> None:
    with pytest.raises(SimError, match="IMAGE_UNREADABLE"):
        phone.scan(tmp_path / "nothing.png")


@pytest.mark.parametrize("identifier", [HOLDER, EMAIL])
def test_requests_arrive_by_number_and_by_email(provider: Provider, phone: Phone, identifier: str) -> None:
    transaction_id = send(provider, identifier)
    assert [request.transaction_id for request in phone.incoming()] == [transaction_id]


def test_a_scanned_request_is_not_announced_as_incoming(provider: Provider, phone: Phone) -> None:
    phone.scan(qr_png(provider.create_pre_transaction(ORDER).qr_payload))
    assert phone.incoming() == []


def test_a_request_can_be_paid_in_part_or_refused(provider: Provider, phone: Phone) -> None:
    send(provider)
    (request,) = phone.incoming()
    assert phone.pay(request, 3000).state is TransactionState.VALIDATED
    assert phone.balance_cents() == 7000
    send(provider)
    (request,) = phone.incoming()
    assert phone.refuse(request).state is TransactionState.ABORTED
    assert phone.incoming() == []


def test_a_request_beyond_the_balance_is_rejected(provider: Provider) -> None:
    provider.add_customer("20000004062", balance_cents=4549)
    poor = Phone(provider, "20000004062")
    send(provider, "20000004062")
    assert poor.pay(poor.incoming()[0]).state is TransactionState.REJECTED
    assert poor.balance_cents() == 4549


def test_a_cancelled_request_can_no_longer_be_paid(provider: Provider, phone: Phone) -> None:
    transaction_id = send(provider)
    (request,) = phone.incoming()
    provider.cancel(transaction_id)
    with pytest.raises(SimError, match="REQUEST_CLOSED"):
        phone.pay(request)


def test_waiting_ends_when_the_request_comes_and_not_before(provider: Provider, phone: Phone) -> None:
    arrived: list[str] = []
    waiter = threading.Thread(
        target=lambda: arrived.extend(one.transaction_id for one in phone.wait_incoming(30))
    )
    waiter.start()
    transaction_id = send(provider)
    waiter.join(30)
    assert arrived == [transaction_id]


def test_waiting_for_nothing_ends_empty_at_its_deadline(phone: Phone) -> None:
    assert phone.wait_incoming(0) == []


def test_only_one_of_many_simultaneous_payments_of_a_request_succeeds(
    provider: Provider, phone: Phone
) -> None:
    send(provider)
    (request,) = phone.incoming()
    ends: list[str] = []
    start = threading.Barrier(8)

    def decide(number: int) -> None:
        start.wait(30)
        try:
            decided = phone.pay(request, 1000) if number % 2 else phone.refuse(request)
            ends.append(decided.state.value)
        except SimError as error:
            ends.append(error.code)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ends.count("REQUEST_CLOSED") == 7
    assert phone.balance_cents() in (9000, 10_000)
