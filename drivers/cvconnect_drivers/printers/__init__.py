"""Ticket printers (ESC/POS)."""
