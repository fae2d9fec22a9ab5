"""The ticket printer shows the QR when nothing else does: on a slip, once, and only what came out counts."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageFilter

from cvconnect_drivers.displays.paper import NO_RECEIPT, PaperDisplay, open_display
from cvconnect_drivers.errors import ConfigurationError, DriverError
from cvconnect_drivers.links import memory
from cvconnect_drivers.printers.printer import open_printer
from cvconnect_pos.conformance import check_display
from cvconnect_pos.peripherals import DisplayFactory, PaymentPrompt
from cvconnect_sim.links import TcpLink
from cvconnect_sim.printer import Printer
from paper_reader import qr_codes
from slips import TICKET

FACTORY: DisplayFactory = open_display
TIMEOUT_S = 5.0
PAYLOAD = "https://exemple.fr/paiement/8f2d1c0a9b?m=200000000016"
PROMPT = PaymentPrompt(
    "waiting",
    title="Chèque-Vacances Connect",
    amount="45,50\u00a0€",
    instruction="Scannez ce QR code avec l’application Chèque-Vacances",
    detail="ou présentez votre identifiant Chèque-Vacances",
    shop="Camping L’Œuf Bleu",
    basket_ref="REF253",
    qr_payload=PAYLOAD,
    expires_text="Valable jusqu’à 14:05:00",
    notice="SIMULATION - SANS VALEUR",
)


@pytest.fixture
def counterpart() -> Generator[tuple[Printer, TcpLink], None, None]:
    printer = Printer()
    with TcpLink(printer.receive) as link:
        yield printer, link


def claimed(link: TcpLink) -> PaperDisplay:
    display = open_display(f"printer:{link.url}", {"profile": "80mm"})
    display.claim(timeout_s=TIMEOUT_S)
    return display


def words(printer: Printer) -> str:
    return " ".join(line.text.strip() for slip in printer.slips for line in slip.lines if line.text.strip())


def png_of(payload: str, blur: float = 0) -> bytes:
    file = io.BytesIO()
    segno.make_qr(payload).save(file, kind="png", scale=6, border=1)
    if blur:
        soft = Image.open(file).convert("L").filter(ImageFilter.GaussianBlur(blur))
        file = io.BytesIO()
        soft.save(file, "PNG")
    return file.getvalue()


def test_the_slip_has_the_qr_and_everything_the_customer_should_know(
    counterpart: tuple[Printer, TcpLink],
) -> None:
    printer, link = counterpart
    assert claimed(link).show(PROMPT, timeout_s=TIMEOUT_S) == "qr"
    (slip,) = printer.slips
    assert qr_codes(slip) == [PAYLOAD]
    said = words(printer)
    for text in (
        PROMPT.title,
        PROMPT.amount,
        PROMPT.instruction,
        PROMPT.detail,
        PROMPT.shop,
        PROMPT.expires_text,
        PROMPT.basket_ref,
        *NO_RECEIPT,
    ):
        assert text in said
    assert said.count(PROMPT.notice) == 2
    assert printer.unknown_commands == []


def test_the_same_qr_is_printed_once_and_another_one_again(counterpart: tuple[Printer, TcpLink]) -> None:
    printer, link = counterpart
    display = claimed(link)
    for prompt in (PROMPT, replace(PROMPT, detail="autre"), replace(PROMPT, qr_payload=PAYLOAD + "2")):
        assert display.show(prompt, timeout_s=TIMEOUT_S) == "qr"
        display.clear(timeout_s=TIMEOUT_S)
    assert [qr_codes(slip) for slip in printer.slips] == [[PAYLOAD], [PAYLOAD + "2"]]


def test_words_alone_and_clear_cost_no_paper(counterpart: tuple[Printer, TcpLink]) -> None:
    printer, link = counterpart
    display = claimed(link)
    assert display.show(replace(PROMPT, qr_payload=None), timeout_s=TIMEOUT_S) == "none"
    display.clear(timeout_s=TIMEOUT_S)
    display.release()
    assert not printer.slips


@pytest.mark.parametrize("blur", [0, 1.5])
def test_a_providers_picture_is_printed_as_a_qr_of_our_own(
    counterpart: tuple[Printer, TcpLink], blur: float
) -> None:
    printer, link = counterpart
    prompt = replace(PROMPT, qr_payload=None, qr_png=png_of(PAYLOAD, blur))
    assert claimed(link).show(prompt, timeout_s=TIMEOUT_S) == "qr"
    assert [qr_codes(slip) for slip in printer.slips] == [[PAYLOAD]]


@pytest.mark.parametrize(
    "prompt",
    [
        replace(PROMPT, qr_payload="x" * 2400),
        replace(PROMPT, qr_payload=""),
        replace(PROMPT, qr_payload=None, qr_png=b"no picture"),
        replace(PROMPT, qr_payload=None, qr_png=png_of("x" * 100)[:90]),
    ],
)
def test_a_qr_that_no_slip_can_hold_costs_no_paper(
    counterpart: tuple[Printer, TcpLink], prompt: PaymentPrompt
) -> None:
    printer, link = counterpart
    assert claimed(link).show(prompt, timeout_s=TIMEOUT_S) == "none"
    assert not printer.slips


@pytest.mark.parametrize(("characters", "surface"), [(504, "qr"), (505, "none"), (2200, "none")])
def test_a_qr_that_no_telephone_reads_on_paper_costs_none(
    counterpart: tuple[Printer, TcpLink], characters: int, surface: str
) -> None:
    printer, link = counterpart
    display = claimed(link)
    assert display.show(replace(PROMPT, qr_payload="x" * characters), timeout_s=TIMEOUT_S) == surface
    assert len(printer.slips) == (surface == "qr")


def test_a_printer_without_paper_has_shown_nothing_and_prints_when_it_has(
    counterpart: tuple[Printer, TcpLink],
) -> None:
    printer, link = counterpart
    display = claimed(link)
    printer.set_sensors(paper_end=True)
    with pytest.raises(DriverError) as caught:
        display.show(PROMPT, timeout_s=TIMEOUT_S)
    assert caught.value.code == "PAPER_END"
    assert caught.value.text()
    printer.set_sensors(paper_end=False)
    assert display.show(PROMPT, timeout_s=TIMEOUT_S) == "qr"
    assert [qr_codes(slip) for slip in printer.slips] == [[PAYLOAD]]


def test_a_printer_that_is_away_has_shown_nothing() -> None:
    display = open_display("printer:tcp://127.0.0.1:1", {})
    display.claim(timeout_s=TIMEOUT_S)
    with pytest.raises(DriverError, match="LINK_ABSENT"):
        display.show(PROMPT, timeout_s=TIMEOUT_S)
    assert display.check_health().state == "absent"


def test_a_display_that_is_released_prints_nothing(counterpart: tuple[Printer, TcpLink]) -> None:
    printer, link = counterpart
    display = claimed(link)
    display.release()
    display.release()
    with pytest.raises(DriverError, match="NOT_CLAIMED"):
        display.show(PROMPT, timeout_s=TIMEOUT_S)
    assert not printer.slips


def test_it_shares_its_printer_with_the_tickets(counterpart: tuple[Printer, TcpLink]) -> None:
    printer, link = counterpart
    tickets = open_printer(link.url, {})
    tickets.claim(timeout_s=TIMEOUT_S)
    display = claimed(link)
    assert tickets.print(TICKET, job_id="T1-1", timeout_s=TIMEOUT_S).outcome == "printed"
    assert display.show(PROMPT, timeout_s=TIMEOUT_S) == "qr"
    assert tickets.print(TICKET, job_id="T1-2", timeout_s=TIMEOUT_S).outcome == "printed"
    assert [qr_codes(slip) for slip in printer.slips] == [[], [PAYLOAD], []]


def test_control_characters_of_a_provider_do_not_keep_it_from_being_printed(
    counterpart: tuple[Printer, TcpLink],
) -> None:
    _, link = counterpart
    prompt = replace(PROMPT, instruction="Payez\x1b@\r\nvite", shop="x" * 300)
    assert claimed(link).show(prompt, timeout_s=TIMEOUT_S) == "qr"


def test_it_keeps_a_displays_promises(counterpart: tuple[Printer, TcpLink], tmp_path: Path) -> None:
    printer, link = counterpart
    check_display(lambda: open_display(f"printer:{link.url}", {}))
    assert len(printer.slips) == 1
    check_display(lambda: open_display(f"printer:image:{tmp_path / 'slips'}?profile=58mm", {}))
    assert len(list(tmp_path.glob("slips/*.png"))) == 1
    check_display(lambda: open_display("printer:memory:paper-display", {}))
    assert memory.__doc__


@pytest.mark.parametrize("url", ["printer:", "printer:tcp:", "printer:window:", "printer:tcp://h:9100?x=1"])
def test_a_url_that_names_no_printer_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_display(url, {})
