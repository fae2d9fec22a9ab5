"""A journal as files that others read: JSON Lines of every entry, CSV of every operation. No identifier in clear."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cvconnect_pos.core.lifecycle import State
from cvconnect_pos.journal.base import AttemptSummary
from cvconnect_pos.journal.chain import Link
from cvconnect_pos.journal.closings import GIVEN_BACK, KEPT

PARIS = ZoneInfo("Europe/Paris")

HEADERS = (
    "N°", "Demande", "N° de panier", "Identifiant vendeur", "Créée le", "Modifiée le", "Statut", "Demandé", "Reçu",
    "Remboursé", "Reste à payer", "Simulation", "Enregistrée",
)  # fmt: skip
"""The columns of the CSV file."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

STATUSES = {
    State.APPROVED: "Validé",
    State.CANCELLED: "Annulé",
    State.EXPIRED: "Expiré",
    State.REFUSED: "Refusé",
    State.FAILED: "Rejeté",
    State.ORPHANED: "Non créé",
    State.RELEASED: "Libéré",
    State.LINE_RELEASED: "Ligne libérée",
    State.REVERSED: "Remboursé",
    State.REVERSED_AFTER_KEEP: "Remboursé",
    State.DECIDING: "À décider",
    State.RESERVED: "Réservé",
    State.IN_DOUBT: "Incertain",
}
"""What a person reads for a state; every other one is `WAITING`."""

WAITING = "En attente de paiement"


def csv_lines(rows: Iterable[AttemptSummary]) -> Iterator[str]:
    """Write operations as CSV: `;` between fields, euros with a comma, hours of Paris. In UTF-8 with a byte order mark.

    Args:
        rows: The operations.

    Yields:
        The mark and the headers, then one line for each.
    """
    yield "\ufeff" + _csv_line(HEADERS)
    for row in rows:
        money = row.received_cents or 0
        received = money if row.state in KEPT | GIVEN_BACK else 0
        given_back = money if row.state in GIVEN_BACK else 0
        yield _csv_line(
            (
                str(row.seq),
                *map(_plain, (row.request_id, row.basket_ref, row.seller_id)),
                _hour(row.opened_at),
                _hour(row.updated_at),
                STATUSES.get(row.state, WAITING),
                _euros(row.asked_cents),
                _euros(received),
                _euros(given_back),
                _euros(max(row.asked_cents - received + given_back, 0)),
                "oui" if row.simulation else "non",
                "oui" if row.acknowledged else "non",
            )
        )


def json_lines(links: Iterable[Link]) -> Iterator[str]:
    """Write entries as JSON Lines, with all that is needed to check the chain elsewhere.

    Args:
        links: The entries.

    Yields:
        One line for each; hashes in hexadecimal. `data` is a text: the very bytes that are hashed.
    """
    for link in links:
        content = {
            "seq": link.seq,
            "request_id": link.request_id,
            "at": link.at,
            "kind": link.kind,
            "state": link.state,
            "data": link.data,
            "commitment": link.commitment.hex(),
            "previous": link.previous.hex(),
            "hash": link.hash.hex(),
        }
        yield json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv_line(fields: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(fields)
    return line.getvalue()


def _plain(text: str) -> str:
    """Keep a spreadsheet from taking a till's reference for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


def _hour(at: datetime) -> str:
    return f"{at.astimezone(PARIS):%d/%m/%Y %H:%M:%S}"
