"""Makes the golden tickets, every kind in both languages on three widths of paper: python make_tickets.py FOLDER"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from cvconnect_pos import Attempt, Authorization, Closing, Operation, OperationStatus, Order, State, Way
from cvconnect_pos.journal.closings import Books, Period, Totals
from cvconnect_pos.messages import Language
from cvconnect_pos.tickets import Printable, TicketCopy, day_report_of, ticket_of

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
SHOP = ("Camping L’Œuf à la coque", "12 rue de l’Église", "40600 Biscarrosse")
WIDTHS = (32, 42, 48)
LANGUAGES: tuple[Language, ...] = get_args(Language)

PAID = Attempt(
    Order("r1", 4550, "REF253", Way.QR, seller_id="Caisse 1"),
    "pay1",
    State.APPROVED,
    NOW,
    NOW,
    NOW,
    simulation=False,
    transaction_id="fiawa31zot",
    beneficiary="10*****3051",
    received_cents=4550,
    authorizations=(Authorization("897395948", 4550),),
)
RESERVED = replace(
    PAID,
    order=replace(PAID.order, amount_cents=120_000, basket_ref="SEJOUR-2026-118", way=Way.SCAN, reserve=True),
    state=State.RESERVED,
    reserved_cents=120_000,
    received_cents=None,
    authorizations=(Authorization("897395949", 120_000),),
)
UNPAID = replace(PAID, state=State.REFUSED, received_cents=None, authorizations=())
WAITING = replace(
    UNPAID,
    order=replace(
        PAID.order, way=Way.DEFERRED, basket_ref="DEVIS-77", label="Acompte pour votre séjour d’août 2027"
    ),
    state=State.AWAITING,
    expires_at=NOW + timedelta(days=2),
)

ATTEMPTS: dict[str, Attempt] = {
    "payment": PAID,
    "part-payment": replace(PAID, received_cents=3000, authorizations=(Authorization("897395948", 3000),)),
    "several-payers": replace(
        PAID,
        order=replace(PAID.order, amount_cents=9_999_999_999),
        received_cents=123_456_789,
        authorizations=(Authorization("897395948", 23_456_789), Authorization("897395951", 100_000_000)),
        surplus_cents=2500,
    ),
    "reservation": RESERVED,
    "part-reservation": replace(RESERVED, reserved_cents=80_000),
    "capture": replace(RESERVED, state=State.APPROVED, capture_cents=120_000, received_cents=120_000),
    "part-capture": replace(RESERVED, state=State.APPROVED, capture_cents=95_000, received_cents=95_000),
    "release": replace(RESERVED, state=State.RELEASED),
    "reversal": replace(PAID, state=State.REVERSED),
    "reversal-by-provider": replace(PAID, state=State.REVERSED_AFTER_KEEP),
    "refused": UNPAID,
    "failed": replace(UNPAID, state=State.FAILED),
    "expired": replace(UNPAID, state=State.EXPIRED),
    "cancelled": replace(UNPAID, state=State.CANCELLED),
    "request": WAITING,
    "simulation": replace(PAID, simulation=True, received_cents=3000),
}

CLOSING = Closing(
    period=Period.DAY,
    name="2026-11-21",
    last_seq=1184,
    head="3f2a9c0d1b4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8",
    totals=Books(Totals(241, 198, 1_234_550, 6, 25_000)),
    period_totals=Books(Totals(14, 9, 41_300, 1, 4550)),
    public_key="00" * 32,
    key_id="a41f09c2",
)
SIMULATED = replace(
    CLOSING, totals=Books(simulation=Totals(5, 2, 7550)), period_totals=Books(simulation=Totals(3, 1, 3000))
)
BOTH = replace(
    CLOSING,
    totals=Books(CLOSING.totals.production, Totals(5, 2, 7550, 1, 3000)),
    period_totals=Books(Totals(14, 9, 41_300), Totals(2, 1, 3000, 1, 3000)),
)


def operation(basket_ref: str, status: OperationStatus, *, needs: str = "", cents: int = 4550) -> Operation:
    """Make a line of the list; only what a report reads matters."""
    return Operation(
        request_id=basket_ref,
        basket_ref=basket_ref,
        state=min(status.states),
        status=status,
        created_at=NOW,
        updated_at=NOW,
        asked_cents=cents,
        received_cents=None,
        remaining_cents=None,
        reserved_cents=None,
        surplus_cents=1000 if needs == "SURPLUS" else 0,
        way=Way.QR,
        seller_id="",
        customer_ref="",
        label="",
        transaction_id="",
        reason="",
        simulation=False,
        needs=needs,
    )


S = OperationStatus
OPERATIONS = [
    *(operation(f"REF{number}", S.APPROVED) for number in range(8)),
    operation("REF20", S.REVERSED),
    operation("REF21", S.EXPIRED),
    operation("REF22", S.REFUSED),
    operation("SEJOUR-2026-118", S.RESERVED, needs="RESERVED", cents=120_000),
    operation("DEVIS-77", S.PENDING, needs="WAITING"),
    operation("REF25", S.APPROVED, needs="SURPLUS"),
]


def samples(language: Language) -> dict[str, Printable]:
    """Write one of each kind.

    Args:
        language: In which language.

    Returns:
        The documents, by name.
    """
    tickets: dict[str, Printable] = {
        name: ticket_of(attempt, shop=SHOP, language=language) for name, attempt in ATTEMPTS.items()
    }
    return tickets | {
        "duplicate": ticket_of(
            PAID,
            shop=SHOP,
            language=language,
            copy=TicketCopy.CUSTOMER,
            duplicate=True,
            qr="https://example.invalid/t/1",
        ),
        "simulated-duplicate": ticket_of(
            ATTEMPTS["simulation"],
            shop=SHOP,
            language=language,
            copy=TicketCopy.CUSTOMER,
            duplicate=True,
        ),
        "day-report": day_report_of(CLOSING, OPERATIONS, OPERATIONS, shop=SHOP, language=language),
        "day-report-quiet": day_report_of(
            replace(CLOSING, period_totals=Books()), [], [], shop=SHOP, language=language
        ),
        "day-report-both": day_report_of(BOTH, shop=SHOP, language=language, duplicate=True),
        "day-report-simulation": day_report_of(SIMULATED, shop=SHOP, language=language),
    }


def golden() -> Iterator[tuple[str, str]]:
    """Write every file.

    Yields:
        Its name, and what stands in it.
    """
    for language in LANGUAGES:
        for name, document in samples(language).items():
            for columns in WIDTHS:
                yield f"{name}-{language}-{columns}.txt", document.text(columns) + "\n"


def main(folder: Path) -> None:
    """Write them, and remove what is made no more."""
    wanted = dict(golden())
    for path in folder.glob("*.txt"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
