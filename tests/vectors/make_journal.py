"""Makes `journal-v2.db` with its head and keys, the journal that later versions must still read: python make_journal.py FOLDER"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from cvconnect_pos import Order, State, Way
from cvconnect_pos.core.attempt import ACKNOWLEDGED
from cvconnect_pos.journal.sqlite import SqliteJournal

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


def main(folder: Path) -> None:
    """Write three attempts, two identifiers and a closed day."""
    journal = SqliteJournal(folder / "journal-v2.db")
    for name in ("r1", "r2", "r3"):
        order = Order(name, 4550, f"B{name}", Way.SCAN, label="Été", customer_ref=f"C{name}", seller_id="S1")
        journal.begin(order, f"p{name}", NOW, simulation=False)
        named = "10000003051" if name != "r3" else None
        journal.append(name, NOW, "IDENTIFIED", State.IDENTIFYING, {"reason": "SCANNED"}, identifier=named)
        paid = {"received_cents": 3000, "transaction_id": f"t{name}"}
        journal.append(name, NOW, "PAID", State.APPROVED, paid, after=journal.entries(name)[-1].seq)
        journal.append(name, NOW, ACKNOWLEDGED, State.APPROVED, {"acknowledged": True})
    journal.close_day(date(2026, 11, 21), NOW)
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
