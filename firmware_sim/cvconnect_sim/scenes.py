"""The five scenes of `cvconnect demo`: what is asked, what people do at each event, how it must end. A script, no machinery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from cvconnect_sim.counter import Counter, Way
from cvconnect_sim.errors import SimError
from cvconnect_sim.phone import PaymentRequest
from cvconnect_sim.scanner import Symbology

PRODUCT_EAN: Final = "3017620422003"
INCOMING_TIMEOUT_S: Final = 3.0


class Stage(Protocol):
    """What actors can reach while a scene is played."""

    counter: Counter
    in_app: PaymentRequest | None
    """What the customer's app shows, once it shows a request."""

    def tell(self, who: str, what: str) -> None:
        """Writes one step of the story."""
        ...

    def keep_screen(self, name: str) -> bytes:
        """Waits until the customer display has changed, keeps its picture under this name, returns the PNG."""
        ...

    def cancel(self) -> None:
        """The cashier gives up the payment."""
        ...


Action: TypeAlias = Callable[[Stage], None]


def _scans_the_screen(stage: Stage) -> None:
    stage.in_app = stage.counter.phone.scan(stage.keep_screen("ecran-qr"))
    stage.tell("Client", "scanne le QR code de l’écran avec son application")


def _leaves_the_screen(stage: Stage) -> None:
    stage.keep_screen("ecran-qr")
    stage.tell("Client", "ne scanne rien")


def _cancels(stage: Stage) -> None:
    stage.keep_screen("ecran-qr")
    stage.tell("Caissier", "appuie sur Annuler")
    stage.cancel()


def _scans_a_product(stage: Stage) -> None:
    stage.keep_screen("ecran-identifiant")
    stage.tell("Caissier", "scanne par erreur le code-barres d’un article")
    stage.counter.scanner.scan(PRODUCT_EAN, Symbology.EAN_13)


def _scans_the_customer(stage: Stage) -> None:
    stage.tell("Caissier", "scanne l’identifiant dans l’application du client")
    stage.counter.scanner.scan(stage.counter.phone.identifier_barcode())


def _in_app(stage: Stage) -> PaymentRequest:
    stage.keep_screen("ecran-validation")
    if stage.in_app is not None:
        return stage.in_app
    waiting = stage.counter.phone.wait_incoming(INCOMING_TIMEOUT_S)
    if not waiting:
        raise SimError(
            "NOTHING_RECEIVED",
            "La demande n’est pas arrivée dans l’application.",
            "The request did not reach the app.",
        )
    return waiting[0]


def _pays_all(stage: Stage) -> None:
    request = _in_app(stage)
    stage.tell("Client", "valide la totalité")
    stage.counter.phone.pay(request)


def _pays_thirty_euros(stage: Stage) -> None:
    request = _in_app(stage)
    stage.tell("Client", "choisit de payer 30,00\u00a0€ et valide")
    stage.counter.phone.pay(request, 30_00)


def _refuses(stage: Stage) -> None:
    request = _in_app(stage)
    stage.tell("Client", "refuse la demande")
    stage.counter.phone.refuse(request)


@dataclass(frozen=True, slots=True)
class Scene:
    """One payment.

    Args:
        slug: Starts the names of its files.
        title: A few words.
        way: How the customer is reached.
        asked_cents: Amount asked.
        actions: What people do, by the name of the event that makes them do it.
        state: How it must end.
        last_screen: Name of the picture of the last prompt.
        received_cents: Money that must have been received.
        expiry_s: Life of the request, in seconds.
        tickets: How many must come out.
    """

    slug: str
    title: str
    way: Way
    asked_cents: int
    actions: Mapping[str, Action] = field(repr=False)
    state: str
    last_screen: str
    received_cents: int = 0
    expiry_s: float = 300.0
    tickets: int = 1

    @property
    def remaining_cents(self) -> int:
        """Money that another tender must bring."""
        return self.asked_cents - self.received_cents


SCENES: Final = (
    Scene(
        slug="1-qr",
        title="QR code, payé en totalité",
        way="qr",
        asked_cents=45_50,
        actions={"QrShown": _scans_the_screen, "AwaitingCustomer": _pays_all},
        state="APPROVED",
        last_screen="ecran-paye",
        received_cents=45_50,
    ),
    Scene(
        slug="2-douchette",
        title="Douchette, payé en partie",
        way="scan",
        asked_cents=45_50,
        actions={
            "ReadyToScan": _scans_a_product,
            "ScanRefused": _scans_the_customer,
            "AwaitingCustomer": _pays_thirty_euros,
        },
        state="APPROVED",
        last_screen="ecran-paye-en-partie",
        received_cents=30_00,
    ),
    Scene(
        slug="3-refus",
        title="Le client refuse",
        way="qr",
        asked_cents=62_00,
        actions={"QrShown": _scans_the_screen, "AwaitingCustomer": _refuses},
        state="REFUSED",
        last_screen="ecran-refuse",
    ),
    Scene(
        slug="4-annulation",
        title="Le caissier annule",
        way="qr",
        asked_cents=38_00,
        actions={"QrShown": _cancels},
        state="CANCELLED",
        last_screen="ecran-annule",
    ),
    Scene(
        slug="5-expiration",
        title="Personne ne répond",
        way="qr",
        asked_cents=25_00,
        actions={"QrShown": _leaves_the_screen},
        state="EXPIRED",
        last_screen="ecran-expire",
        expiry_s=3.0,
    ),
)
