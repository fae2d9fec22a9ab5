"""The simulated provider's settlement file, read by the SDK's own reader with its default words."""

from __future__ import annotations

from datetime import date

from cvconnect_pos.provider_export import PROVIDER_EXPORT, decode_export, read_export
from cvconnect_sim.clock import VirtualClock
from cvconnect_sim.gateway import Order, Provider

HOLDER = "10000003051"
DAY = date(2026, 11, 21)


def sell(provider: Provider, amount_cents: int) -> str:
    transaction_id = provider.create(Order('P;"1"', "T1-1", 4550)).transaction_id
    provider.set_payer(transaction_id, HOLDER, 4550)
    return provider.validate(HOLDER, transaction_id, amount_cents).transaction_id


def test_the_settlement_file_is_read_to_the_cent_and_without_a_finding() -> None:
    provider = Provider(clock=VirtualClock())
    provider.add_customer(HOLDER, balance_cents=50_000)
    whole, part, back = sell(provider, 4550), sell(provider, 1205), sell(provider, 4550)
    provider.cancel(back)
    text = decode_export(provider.settlement_csv(DAY).encode())
    rows, findings, blank = read_export(text, PROVIDER_EXPORT)
    assert [(row.transaction_id, row.kept_cents, row.basket_ref, row.day) for row in rows] == [
        (whole, 4550, 'P;"1"', DAY),
        (part, 1205, 'P;"1"', DAY),
        (back, 0, 'P;"1"', DAY),
    ]
    assert (findings, blank) == ([], 0)
    assert sum(row.kept_cents or 0 for row in rows) == sum(row.paid_cents for row in provider.ledger())
