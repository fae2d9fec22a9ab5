"""The words themselves, in French and English: data, and nothing else. `messages` reads them.

Every text says what happened and what to do, in the form of politeness, without blame and without a secret.
"""

from __future__ import annotations

from typing import Final

from cvconnect_pos.texts.devices import DEVICES
from cvconnect_pos.texts.events import EVENTS, OUTCOMES, REMAINDER
from cvconnect_pos.texts.files import FILES
from cvconnect_pos.texts.history import ENTRIES
from cvconnect_pos.texts.orders import ORDERS
from cvconnect_pos.texts.provider import PROVIDER
from cvconnect_pos.texts.reports import REPORTS
from cvconnect_pos.texts.words import Words

__all__ = ["ENTRIES", "ERRORS", "EVENTS", "OUTCOMES", "REMAINDER", "REPORTS", "Words"]

ERRORS: Final[dict[str, Words]] = {**ORDERS, **FILES, **PROVIDER, **DEVICES}
