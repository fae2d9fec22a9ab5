"""Write the tickets of `docs/images/` from simulated paper: `python tools/make_ticket_pictures.py [--check]`."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from cvconnect_drivers.cli.printer_sheet import sheet
from cvconnect_drivers.cli.printer_ticket import TrialTicket
from cvconnect_drivers.printers import commands
from cvconnect_drivers.printers.escpos import Encoder
from cvconnect_drivers.printers.profiles import PROFILES
from cvconnect_drivers.shapes import Document
from cvconnect_pos import Attempt, Authorization, Order, State, Way
from cvconnect_pos.tickets import TicketCopy, ticket_of
from cvconnect_sim.printer import MODELS, Printer

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"

SHOP = ("Camping L’Œuf à la coque", "12 rue de l’Église", "40600 Biscarrosse")
AT = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
PART = Attempt(
    Order("r1", 4550, "REF253", Way.QR, seller_id="Caisse 1"),
    "pay1",
    State.APPROVED,
    AT,
    AT,
    AT,
    transaction_id="fiawa31zot",
    beneficiary="10*****3051",
    received_cents=3000,
    authorizations=(Authorization("897395948", 3000),),
)
PAID = replace(PART, received_cents=4550, authorizations=(Authorization("897395948", 4550),))
REVERSED = replace(PAID, state=State.REVERSED)


def on_paper(model: str, page: Iterable[commands.Command]) -> bytes:
    """Print a page, and give the paper as a picture; what was not cut off is torn off."""
    printer = Printer(MODELS[model])
    printer.receive(commands.to_bytes(page))
    return (printer.slips[-1] if printer.slips else printer.uncut).png()


def ticket(model: str, profile: str, document: Document) -> bytes:
    """Print a ticket as a till does."""
    kind = PROFILES[profile]
    lines: Sequence[object] = document.lines(kind.columns)
    return on_paper(model, Encoder(kind).job(lines))  # type: ignore[arg-type] # the SDK's lines, as the drivers read them


def make_pictures() -> dict[str, bytes]:
    """Make every picture, by its name in `IMAGES`."""
    trial = TrialTicket("21/11/2026 14:05", "TEST 4C1A")
    duplicate = ticket_of(PAID, shop=SHOP, copy=TicketCopy.CUSTOMER, duplicate=True)
    return {
        "ticket.png": ticket("TM80", "80mm", ticket_of(PART, shop=SHOP)),
        "ticket-58mm.png": ticket("TM58", "58mm", ticket_of(PAID, shop=SHOP)),
        "ticket-duplicata.png": ticket("TM80", "80mm", duplicate),
        "ticket-annulation.png": ticket("TM80", "80mm", ticket_of(REVERSED, shop=SHOP)),
        "printer-page.png": on_paper("TM80", sheet(PROFILES["80mm"])),
        "printer-page-clone.png": on_paper("CLONE58_CHINESE", sheet(PROFILES["80mm"])),
        "printer-test.png": ticket("TM80", "80mm", trial),
    }


def same(one: bytes, other: bytes) -> bool:
    """Whether two pictures show the same: how a PNG is packed differs between versions of Pillow."""
    first, second = Image.open(io.BytesIO(one)), Image.open(io.BytesIO(other))
    return first.size == second.size and first.tobytes() == second.tobytes()


def main(arguments: Sequence[str]) -> int:
    """Write the pictures, or with `--check` say which are not up to date."""
    stale: list[str] = []
    for name, png in make_pictures().items():
        path = IMAGES / name
        if path.is_file() and same(path.read_bytes(), png):
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_bytes(png)
    if "--check" not in arguments or not stale:
        return 0
    print(f"{', '.join(stale)} not up to date: run python tools/{Path(__file__).name}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
