"""The ANCV's server side, simulated from the contract alone.

Modelled on public integrations, unverified against the ANCV; pre-transactions (the QR flow) are provisional and ours.

    provider = Provider()
    provider.add_customer("10000003051", email="client@example.invalid", balance_cents=50_000)
    with ProviderServer(provider) as server:
        ...  # point the till at server.base_url
"""

from __future__ import annotations

from cvconnect_sim.faults import ArmedFault, Fault, FaultKind, FaultScript
from cvconnect_sim.gateway.api import Answer, ProviderApi, Request
from cvconnect_sim.gateway.contract import BASE_PATH
from cvconnect_sim.gateway.domain import (
    Authorization,
    CaptureMode,
    Customer,
    Merchant,
    Order,
    Payer,
    PreTransaction,
    PreTransactionState,
    QrForm,
    Rules,
    Transaction,
    TransactionState,
)
from cvconnect_sim.gateway.notifications import NotificationSender, Sent
from cvconnect_sim.gateway.provider import Provider
from cvconnect_sim.gateway.received import ReceivedRequest
from cvconnect_sim.gateway.refusals import RefusedError
from cvconnect_sim.gateway.server import ProviderServer
from cvconnect_sim.gateway.settling import LedgerRow
from cvconnect_sim.gateway.till_desk import PAGE_SIZE, Page

__all__ = [
    "BASE_PATH",
    "PAGE_SIZE",
    "Answer",
    "ArmedFault",
    "Authorization",
    "CaptureMode",
    "Customer",
    "Fault",
    "FaultKind",
    "FaultScript",
    "LedgerRow",
    "Merchant",
    "NotificationSender",
    "Order",
    "Page",
    "Payer",
    "PreTransaction",
    "PreTransactionState",
    "Provider",
    "ProviderApi",
    "ProviderServer",
    "QrForm",
    "ReceivedRequest",
    "RefusedError",
    "Request",
    "Rules",
    "Sent",
    "Transaction",
    "TransactionState",
]
