"""The README's ten lines, at a simulated counter: a customer scans the till's QR and pays a part.

Run it: `python examples/minimal_till.py`
"""

import tempfile
from pathlib import Path

from cvconnect_pos import Event, Outcome, QrShown, Station, format_amount
from cvconnect_sim.counter import Counter


def record(outcome: Outcome | None) -> None:
    """Where a till writes the line of the sale."""
    if outcome is not None:
        print(
            f"Enregistré : {outcome.state}, reçu {format_amount(outcome.received_cents)}, "
            f"reste {format_amount(outcome.remaining_cents)}"
        )


def customer(counter: Counter, event: Event) -> None:
    """In a shop this is a person with a phone."""
    if isinstance(event, QrShown):
        request = counter.phone.scan(counter.display_png)
        counter.phone.pay(request, amount_cents=3000)


def till(counter: Counter) -> None:
    with Station.open(counter.station_file) as station:
        for late in station.unacknowledged():  # results from before a crash
            record(late.outcome)
            late.acknowledge()
        payment = station.tender.request(
            request_id="T1-2026-000253-1", amount_cents=4550, basket_ref="REF253"
        )
        for event in payment:
            print(event.text())
            customer(counter, event)
        record(payment.outcome)
        payment.acknowledge()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Counter(Path(folder)) as simulated:
        till(simulated)
        print(simulated.wait_tickets(1)[0].layout)
