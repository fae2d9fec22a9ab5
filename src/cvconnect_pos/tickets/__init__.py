"""Tickets as documents: what is said (`documents`, `day_report`, in the words of `words`), and how it is laid out.

`parts` are what a ticket is made of; `layout` sets them on paper of so many columns, `html` on a page. Never a printer's
bytes: those are a driver's.
"""

from cvconnect_pos.tickets.amounts import Amount
from cvconnect_pos.tickets.day_report import DayReport, ReportSection, day_report_of
from cvconnect_pos.tickets.documents import (
    PARIS,
    Ticket,
    has_ticket,
    kind_of,
    local_time,
    ticket_of,
)
from cvconnect_pos.tickets.layout import Line, Printable
from cvconnect_pos.tickets.logo import logo_fault
from cvconnect_pos.tickets.words import CUSTOMER_COPY, MERCHANT_COPY, SIMULATION, TicketCopy, TicketKind

__all__ = [
    "CUSTOMER_COPY",
    "MERCHANT_COPY",
    "PARIS",
    "SIMULATION",
    "Amount",
    "DayReport",
    "Line",
    "Printable",
    "ReportSection",
    "Ticket",
    "TicketCopy",
    "TicketKind",
    "day_report_of",
    "has_ticket",
    "kind_of",
    "local_time",
    "logo_fault",
    "ticket_of",
]
