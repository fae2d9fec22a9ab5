"""Take Chèque-Vacances Connect on any cash register.

The names below are the whole public interface. They are loaded when they are first used: importing this package
costs a till next to nothing, and loads no third-party package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cvconnect_pos._version import __version__

if TYPE_CHECKING:
    from cvconnect_pos.core.attempt import Attempt, Order, Way
    from cvconnect_pos.core.calendar import WorkingDays
    from cvconnect_pos.core.lifecycle import State
    from cvconnect_pos.core.provider import Authorization
    from cvconnect_pos.engine import Engine
    from cvconnect_pos.errors import (
        AttemptStillOpen,
        ConfigError,
        CredentialRefused,
        CvConnectError,
        InvalidInput,
        JournalError,
        NoAnswer,
        NotAllowedNow,
        NotSent,
        ProviderError,
        ProviderRefused,
        RequestIdReused,
        WaitTimeout,
    )
    from cvconnect_pos.events import (
        AmountChanged,
        Approved,
        AwaitingCustomer,
        Cancelled,
        Cancelling,
        CustomerBusy,
        CustomerIdentified,
        DecisionNeeded,
        DeviceTrouble,
        Event,
        Expired,
        Failed,
        InDoubt,
        JournalTrouble,
        LineReleased,
        NotPaid,
        NotStarted,
        QrReady,
        QrShown,
        ReadyToScan,
        Refused,
        Released,
        Reserved,
        ReversalRefused,
        Reversed,
        ReversedAfterKeep,
        ScanRefused,
        SurplusReceived,
        SurplusReversed,
        TicketPrinted,
    )
    from cvconnect_pos.identifiers import (
        AdministratorAccount,
        Beneficiary,
        BeneficiaryKind,
        PointOfSaleAccount,
    )
    from cvconnect_pos.journal.closings import Closing
    from cvconnect_pos.money import check_amount, format_amount, parse_amount
    from cvconnect_pos.notifications import NotificationReceiver
    from cvconnect_pos.operation import Operation, OperationPage, OperationStatus
    from cvconnect_pos.operations import Operations
    from cvconnect_pos.outcome import Outcome
    from cvconnect_pos.payment import Payment
    from cvconnect_pos.peripherals import Display, PaymentPrompt, Printer, Scanner
    from cvconnect_pos.provider_export import ExportFormat, decode_export
    from cvconnect_pos.reconciliation import ReconciliationReport, reconcile
    from cvconnect_pos.settlement import SettlementDay, SettlementForecast, forecast_settlement
    from cvconnect_pos.station import Station
    from cvconnect_pos.tender import Tender
    from cvconnect_pos.tickets import DayReport, Ticket, TicketCopy, TicketKind, day_report_of, ticket_of
    from cvconnect_pos.waiting_tickets import WaitingTicket

_HOMES = {
    "core.attempt": "Attempt Order Way",
    "core.calendar": "WorkingDays",
    "core.lifecycle": "State",
    "core.provider": "Authorization",
    "engine": "Engine",
    "errors": "AttemptStillOpen ConfigError CredentialRefused CvConnectError InvalidInput JournalError NoAnswer "
    "NotAllowedNow NotSent ProviderError ProviderRefused RequestIdReused WaitTimeout",
    "events": "AmountChanged Approved AwaitingCustomer Cancelled Cancelling CustomerBusy CustomerIdentified DecisionNeeded "
    "DeviceTrouble Event Expired Failed InDoubt JournalTrouble LineReleased NotPaid NotStarted QrReady QrShown "
    "ReadyToScan Refused Released Reserved ReversalRefused Reversed ReversedAfterKeep ScanRefused SurplusReceived "
    "SurplusReversed TicketPrinted",
    "identifiers": "AdministratorAccount Beneficiary BeneficiaryKind PointOfSaleAccount",
    "journal.closings": "Closing",
    "money": "check_amount format_amount parse_amount",
    "notifications": "NotificationReceiver",
    "operation": "Operation OperationPage OperationStatus",
    "operations": "Operations",
    "outcome": "Outcome",
    "payment": "Payment",
    "peripherals": "Display PaymentPrompt Printer Scanner",
    "provider_export": "ExportFormat decode_export",
    "reconciliation": "ReconciliationReport reconcile",
    "settlement": "SettlementDay SettlementForecast forecast_settlement",
    "station": "Station",
    "tender": "Tender",
    "tickets": "DayReport Ticket TicketCopy TicketKind day_report_of ticket_of",
    "waiting_tickets": "WaitingTicket",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AdministratorAccount",
    "AmountChanged",
    "Approved",
    "Attempt",
    "AttemptStillOpen",
    "Authorization",
    "AwaitingCustomer",
    "Beneficiary",
    "BeneficiaryKind",
    "Cancelled",
    "Cancelling",
    "Closing",
    "ConfigError",
    "CredentialRefused",
    "CustomerBusy",
    "CustomerIdentified",
    "CvConnectError",
    "DayReport",
    "DecisionNeeded",
    "DeviceTrouble",
    "Display",
    "Engine",
    "Event",
    "Expired",
    "ExportFormat",
    "Failed",
    "InDoubt",
    "InvalidInput",
    "JournalError",
    "JournalTrouble",
    "LineReleased",
    "NoAnswer",
    "NotAllowedNow",
    "NotPaid",
    "NotSent",
    "NotStarted",
    "NotificationReceiver",
    "Operation",
    "OperationPage",
    "OperationStatus",
    "Operations",
    "Order",
    "Outcome",
    "Payment",
    "PaymentPrompt",
    "PointOfSaleAccount",
    "Printer",
    "ProviderError",
    "ProviderRefused",
    "QrReady",
    "QrShown",
    "ReadyToScan",
    "ReconciliationReport",
    "Refused",
    "Released",
    "RequestIdReused",
    "Reserved",
    "ReversalRefused",
    "Reversed",
    "ReversedAfterKeep",
    "ScanRefused",
    "Scanner",
    "SettlementDay",
    "SettlementForecast",
    "State",
    "Station",
    "SurplusReceived",
    "SurplusReversed",
    "Tender",
    "Ticket",
    "TicketCopy",
    "TicketKind",
    "TicketPrinted",
    "WaitTimeout",
    "WaitingTicket",
    "Way",
    "WorkingDays",
    "__version__",
    "check_amount",
    "day_report_of",
    "decode_export",
    "forecast_settlement",
    "format_amount",
    "parse_amount",
    "reconcile",
    "ticket_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOME))
