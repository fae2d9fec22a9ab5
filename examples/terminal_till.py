"""A till in a terminal: you are the cashier, then the customer.

Nothing real is paid: the provider, the phone, the scanner, the printer and the display are simulated, the till is not.
Run it: `python examples/terminal_till.py`; the answers may come from a file or a pipe too.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from cvconnect_pos import (
    AwaitingCustomer,
    CvConnectError,
    Event,
    Payment,
    QrShown,
    ReadyToScan,
    ScanRefused,
    Station,
    WaitTimeout,
    Way,
    format_amount,
    parse_amount,
)
from cvconnect_sim.counter import Counter
from cvconnect_sim.errors import SimError
from cvconnect_sim.phone import PaymentRequest
from cvconnect_sim.scanner import Symbology

PRODUCT = "3017620422003"
UNTIL_SCANNED_S = 1.0


def ask(question: str) -> str:
    """Ask on the terminal; echo what comes from a pipe, so that the story can be read afterwards."""
    answer = input(f"{question} : ").strip()
    if not sys.stdin.isatty():
        print(answer)
    return answer


def choose(who: str, *choices: tuple[str, Callable[[], None]]) -> None:
    """Offer a menu, and do what was chosen."""
    print(f"  {who}")
    for number, (words, _) in enumerate(choices, 1):
        print(f"    {number}. {words}")
    answer = ask("  Votre choix")
    if not (answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices)):
        print(f"  Tapez un chiffre de 1 à {len(choices)}.")
        choose(who, *choices)
        return
    choices[int(answer) - 1][1]()


class Sale:
    """One payment, with you on both sides of the counter."""

    def __init__(self, counter: Counter, payment: Payment) -> None:
        self._counter = counter
        self._payment = payment
        self._in_app: PaymentRequest | None = None
        self._to_scan = ""

    def follow(self) -> None:
        """Show every event, and ask what people do about it."""
        while (event := self._next()) is not None:
            print(f"> {event.text()}")
            self._to_scan = ""
            while not self._react(event):
                pass

    def _next(self) -> Event | None:
        """Take the next event; a label that nobody heard is scanned again, as people do."""
        while True:
            try:
                return self._payment.next_event(UNTIL_SCANNED_S)
            except WaitTimeout:
                if self._to_scan:
                    self._scan(self._to_scan)

    def _react(self, event: Event) -> bool:
        """Let people act; False when they could not do what they chose, and must choose again."""
        try:
            match event:
                case QrShown():
                    self._ask_at_the_screen()
                case ReadyToScan() | ScanRefused():
                    self._ask_at_the_scanner()
                case AwaitingCustomer():
                    self._ask_in_the_app()
                case _:
                    pass
        except (CvConnectError, SimError) as error:
            print(f"  {words(error)}")
            return False
        return True

    def _ask_at_the_screen(self) -> None:
        print(f"  L’écran du client est l’image {self._counter.display_png}")
        choose(
            "Un QR code est affiché au client.",
            ("client : scanner le QR code", self._scan_screen),
            ("client : ne rien faire", nothing),
            ("caissier : annuler", self._payment.cancel),
        )

    def _ask_at_the_scanner(self) -> None:
        choose(
            "La douchette est prête.",
            ("caissier : scanner l’identifiant du client", self._scan_customer),
            ("caissier : scanner un article par erreur", lambda: self._scan(PRODUCT)),
            ("caissier : annuler", self._payment.cancel),
        )

    def _ask_in_the_app(self) -> None:
        choose(
            "La demande est dans l’application du client.",
            ("client : payer tout", lambda: self._pay(None)),
            ("client : payer une partie", self._pay_part),
            ("client : refuser", self._refuse),
            ("client : ne rien faire", nothing),
            ("caissier : annuler", self._payment.cancel),
        )

    def _scan_customer(self) -> None:
        self._scan(self._counter.phone.identifier_barcode())

    def _scan(self, text: str) -> None:
        self._to_scan = text
        self._counter.scanner.scan(text, Symbology.EAN_13 if text == PRODUCT else Symbology.CODE_128)

    def _scan_screen(self) -> None:
        self._in_app = self._counter.phone.scan(self._counter.display_png)

    def _request(self) -> PaymentRequest:
        if self._in_app is None:
            self._in_app = next(iter(self._counter.phone.wait_incoming(UNTIL_SCANNED_S)), None)
        if self._in_app is None:
            raise SimError("NO_REQUEST", "La demande n’est plus dans l’application.", "The request is gone.")
        return self._in_app

    def _pay(self, amount_cents: int | None) -> None:
        self._counter.phone.pay(self._request(), amount_cents)

    def _pay_part(self) -> None:
        self._pay(parse_amount(ask("  Montant à payer (exemple : 30,00)")))

    def _refuse(self) -> None:
        self._counter.phone.refuse(self._request())


def nothing() -> None:
    print("  Vous attendez…")


def words(error: CvConnectError | SimError) -> str:
    return error.fr if isinstance(error, SimError) else f"{error.text()} {error.remedy()}"


def sell(counter: Counter, station: Station, number: int) -> bool:
    """Take one payment; False when the cashier has finished."""
    amount = ask("\nMontant (exemple : 45,50 ; rien pour finir)")
    if not amount:
        return False
    way = Way.SCAN if ask("1. QR code   2. douchette") == "2" else Way.QR
    try:
        basket_ref = f"2026-{number:06d}"
        payment = station.tender.request(
            request_id=f"T1-{basket_ref}", amount_cents=parse_amount(amount), basket_ref=basket_ref, way=way
        )
        Sale(counter, payment).follow()
    except (CvConnectError, SimError) as error:
        print(words(error))
        return True
    if (outcome := payment.outcome) is not None:
        received, remaining = format_amount(outcome.received_cents), format_amount(outcome.remaining_cents)
        print(f"= Reçu : {received}. Reste à payer : {remaining}.\n")
        print(counter.printer.slips[-1].layout)
        payment.acknowledge()
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Une caisse dans le terminal, à un comptoir simulé.")
    parser.add_argument(
        "--expiration", type=float, default=60.0, metavar="SECONDES", help="durée d’une demande"
    )
    expiry_s = parser.parse_args().expiration
    print("Caisse de démonstration : SIMULATION - SANS VALEUR")
    with (
        tempfile.TemporaryDirectory() as folder,
        Counter(Path(folder), expiry_s=expiry_s) as counter,
        Station.open(counter.station_file) as station,
    ):
        for number in count(1):
            if not sell(counter, station, number):
                break


if __name__ == "__main__":
    try:
        main()
    except (EOFError, KeyboardInterrupt):
        print("\nAu revoir.")
