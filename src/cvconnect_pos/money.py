"""Amounts: integer cents, and how French tills write them.

Source: mission, "French conventions" (U+00A0, because U+202F is in none of the printers' code pages).
"""

from __future__ import annotations

import re

from cvconnect_pos.errors import InvalidInput

MAX_CENTS = 99_999_999_99
"""Ten digits: 99 999 999,99 €. More is a mistake of the keyboard, not a sale."""

DEFAULT_FLOOR_CENTS = 20_00
"""The smallest amount that may be asked. `Source:` ANCV merchant leaflet. Public sources disagree: it is a setting."""

_SPACES = " \u00a0\u202f"
_AMOUNT = re.compile(
    rf"(?P<euros>[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+|[0-9]+)(?:[.,](?P<cents>[0-9]{{1,2}}))?[{_SPACES}]?€?"
)


def parse_amount(text: str) -> int:
    """Read an amount as a cashier types it.

    Args:
        text: `12`, `12,5`, `12,50`, `12.50`, `1 234,50` or `1 234,50 €`.

    Returns:
        The amount in cents, 0 to `MAX_CENTS`.

    Raises:
        InvalidInput: `AMOUNT_UNREADABLE` or `AMOUNT_TOO_LARGE`.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidInput("AMOUNT_UNREADABLE", field="amount")
    euros = re.sub(rf"[{_SPACES}]", "", match["euros"])
    if len(euros.lstrip("0")) > len(
        str(MAX_CENTS)
    ):  # before int(): a pasted megabyte of digits is refused, not computed
        raise InvalidInput("AMOUNT_TOO_LARGE", field="amount", limit=format_amount(MAX_CENTS))
    cents = int(euros) * 100 + int((match["cents"] or "").ljust(2, "0"))
    if cents > MAX_CENTS:
        raise InvalidInput("AMOUNT_TOO_LARGE", field="amount", limit=format_amount(MAX_CENTS))
    return cents


def format_amount(amount_cents: int) -> str:
    """Write an amount the French way.

    Args:
        amount_cents: Any integer number of cents.

    Returns:
        For 123450: `1 234,50 €`, with U+00A0 between thousands and before the sign.
    """
    euros, cents = divmod(abs(amount_cents), 100)
    sign = "-" if amount_cents < 0 else ""
    return f"{sign}{euros:,}".replace(",", "\u00a0") + f",{cents:02d}\u00a0€"


def check_amount(amount_cents: object, *, floor_cents: int = DEFAULT_FLOOR_CENTS) -> int:
    """Accept an amount that may be asked, and nothing else.

    Args:
        amount_cents: What the till gave.
        floor_cents: The smallest amount that may be asked, in cents.

    Returns:
        The same amount.

    Raises:
        InvalidInput: `AMOUNT_NOT_INTEGER`, `AMOUNT_NOT_POSITIVE`, `AMOUNT_BELOW_FLOOR` or `AMOUNT_TOO_LARGE`.
    """
    if not isinstance(amount_cents, int) or isinstance(amount_cents, bool):
        raise InvalidInput("AMOUNT_NOT_INTEGER", field="amount_cents", type=type(amount_cents).__name__)
    if amount_cents <= 0:
        raise InvalidInput("AMOUNT_NOT_POSITIVE", field="amount_cents")
    if amount_cents < floor_cents:
        raise InvalidInput(
            "AMOUNT_BELOW_FLOOR",
            field="amount_cents",
            amount=format_amount(amount_cents),
            limit=format_amount(floor_cents),
        )
    if amount_cents > MAX_CENTS:
        raise InvalidInput("AMOUNT_TOO_LARGE", field="amount_cents", limit=format_amount(MAX_CENTS))
    return amount_cents
