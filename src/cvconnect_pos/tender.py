"""*Chèque-Vacances Connect* as a means of payment: ask an amount, get a payment."""

from __future__ import annotations

from cvconnect_pos.core.attempt import Order, Way
from cvconnect_pos.engine import Engine
from cvconnect_pos.errors import InvalidInput
from cvconnect_pos.identifiers import Beneficiary, check_reference
from cvconnect_pos.money import DEFAULT_FLOOR_CENTS, check_amount
from cvconnect_pos.payment import Payment

REQUEST_ID_MAX = 64
LABEL_MAX = 100
CUSTOMER_REF_MAX = 50
SELLER_ID_MAX = 50
DELAY_RANGE_S = (60, 30 * 86_400)
"""How long a customer may be given to answer, at least and at most."""
DEFAULT_DELAY_S = 86_400

_NAMED = frozenset({Way.KEYED, Way.DEFERRED})


class Tender:
    """The vendor's entry point.

    Args:
        engine: What drives the payments.
        floor_cents: The smallest amount that may be asked, in cents.
        way: How the customer is reached when the call does not say.
        seller_id: Who sells when the call does not say.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        floor_cents: int = DEFAULT_FLOOR_CENTS,
        way: Way = Way.QR,
        seller_id: str = "",
    ) -> None:
        self._engine = engine
        self._floor_cents = floor_cents
        self._way = way
        self._seller_id = seller_id

    @property
    def floor_cents(self) -> int:
        """The smallest amount that may be asked: a complement below it needs another tender."""
        return self._floor_cents

    def request(
        self,
        *,
        request_id: str,
        amount_cents: int,
        basket_ref: str,
        way: Way | str | None = None,
        beneficiary: Beneficiary | str | None = None,
        label: str = "",
        customer_ref: str = "",
        seller_id: str | None = None,
        delay_s: int | None = None,
        reserve: bool = False,
    ) -> Payment:
        """Ask a customer for an amount. Idempotent: the same `request_id` gives the same payment, after a crash too.

        Args:
            request_id: The till's name of this tender line, unique for ever, 1 to 64 characters.
            amount_cents: The amount in cents, from the floor to ten digits.
            basket_ref: The *numéro de panier*, 1 to 20 characters.
            way: `qr`, `scan`, `either`, `keyed` or `deferred`; the station's when left out.
            beneficiary: The customer, for `keyed` and `deferred` and only for them.
            label: The *libellé* in the customer's app, up to 100 characters.
            customer_ref: The *référence client*, up to 50 characters.
            seller_id: The *identifiant vendeur*, up to 50 characters.
            delay_s: How long the customer of a `deferred` request may take, in seconds, from a minute to 30 days; a
                day when left out. The provider has the last word: the expiry that it answers counts.
            reserve: Reserve the money only (*pré-réservation*): `Payment.capture` or `Payment.release` follows.

        Returns:
            The payment, journaled: it exists whatever happens next.

        Raises:
            InvalidInput: An argument is wrong; nothing was done.
            RequestIdReused: This request id was used with other arguments.
            AttemptStillOpen: The basket has an attempt that is open or not acknowledged.
            CredentialRefused: The provider refused the credential earlier.
            NotSent: `PROVIDER_DOWN`: the provider has not answered for a while; nothing was done.
            JournalError: Nothing can be written, so nothing is sent.
        """
        chosen = _way(self._way if way is None else way)
        named = beneficiary if isinstance(beneficiary, Beneficiary | None) else Beneficiary.parse(beneficiary)
        if (chosen in _NAMED) is (named is None):
            raise InvalidInput(
                "BENEFICIARY_MISSING" if named is None else "BENEFICIARY_UNWANTED", field="beneficiary"
            )
        order = Order(
            request_id=check_reference(request_id, "request_id", limit=REQUEST_ID_MAX),
            amount_cents=check_amount(amount_cents, floor_cents=self._floor_cents),
            basket_ref=check_reference(basket_ref, "basket_ref"),
            way=chosen,
            label=check_reference(label, "label", limit=LABEL_MAX, optional=True),
            customer_ref=check_reference(customer_ref, "customer_ref", limit=CUSTOMER_REF_MAX, optional=True),
            seller_id=check_reference(
                self._seller_id if seller_id is None else seller_id,
                "seller_id",
                limit=SELLER_ID_MAX,
                optional=True,
            ),
            beneficiary=named.masked if named else "",
            delay_s=_delay(chosen, delay_s),
            reserve=bool(reserve),
        )
        return self._engine.request(order, named)


def _delay(way: Way, delay_s: object) -> int:
    if way is not Way.DEFERRED:
        if delay_s is not None:
            raise InvalidInput("DELAY_UNWANTED", field="delay_s")
        return 0
    least, most = DELAY_RANGE_S
    wanted = DEFAULT_DELAY_S if delay_s is None else delay_s
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not least <= wanted <= most:
        raise InvalidInput("DELAY_OUT_OF_RANGE", field="delay_s", least=least, most=most)
    return wanted


def _way(value: Way | str) -> Way:
    try:
        return Way(value)
    except (ValueError, TypeError) as error:
        allowed = ", ".join(way.value for way in Way)
        raise InvalidInput("WAY_UNKNOWN", field="way", allowed=allowed) from error
