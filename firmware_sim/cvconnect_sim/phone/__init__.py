"""The customer's side: the *Chèque-Vacances* app, simulated."""

from __future__ import annotations

from cvconnect_sim.phone.phone import PaymentRequest, Phone

__all__ = ["PaymentRequest", "Phone"]
