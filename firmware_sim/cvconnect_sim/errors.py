"""What a simulator says when it is asked for something that its real counterpart could not do."""

from __future__ import annotations

from typing import Literal


class SimError(Exception):
    """Base of every error of the simulators.

    Args:
        code: Stable identifier in capitals, such as `QR_NOT_FOUND`; tests compare this.
        fr: One French sentence, for demonstrations.
        en: The same sentence in English; also the text of the exception.

    Neither text may hold a customer's identifier or a key.
    """

    def __init__(self, code: str, fr: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.fr = fr
        self.en = en

    def text(self, language: Literal["fr", "en"] = "fr") -> str:
        """Says what is wrong."""
        return self.fr if language == "fr" else self.en
