"""The provider as pure state: transactions, pre-transactions, customers and their money. No sockets, no JSON.

Merchants come in through `cvconnect_sim.gateway.api`, customers through `cvconnect_sim.phone`; both call the desks
below, which are safe from any thread. What they return are snapshots.

Source: modelled on public integrations, unverified against the ANCV.
Unverified: pre-transactions, wished expiry, capture, release, lists, settlement and notifications are ours.

Does not model: several merchants, the customer's 6-digit payment code, passwords and their locks.
"""

from __future__ import annotations

from cvconnect_sim.gateway.misdeeds import Misdeeds
from cvconnect_sim.gateway.settling import BackOffice
from cvconnect_sim.gateway.till_desk import TillDesk


class Provider(TillDesk, BackOffice, Misdeeds):
    """The ANCV's side of Chèque-Vacances Connect, for one merchant.

    Its desks: `TillDesk` for the merchant, `AppDesk` for the customer, `BackOffice` for settlement and the ledger,
    `Misdeeds` for the faults of the provider.

    Args:
        merchant: The merchant whose calls are accepted.
        clock: Decides creation dates, expiry and the cancellation window.
        seed: Seed of ids and tokens; the same calls with the same seed give the same ids.
        rules: Floor, expiry and the like.
    """
