"""The kinds of label a scanner reads, and what each can hold."""

import re
from enum import Enum


class Symbology(Enum):
    """A kind of label: its AIM identifier and the text it can hold.

    Source: ISO/IEC 15424 (AIM symbology identifiers), code characters C, E, Q, d and their modifiers.
    """

    CODE_128 = ("]C0", r"[\x00-\x7f]+")
    GS1_128 = ("]C1", r"[\x1d\x20-\x7e]+")
    QR = ("]Q1", r".+")
    EAN_13 = ("]E0", r"\d{13}")
    UPC_A = ("]E0", r"\d{12}")
    EAN_8 = ("]E4", r"\d{8}")
    DATA_MATRIX = ("]d1", r".+")

    def __init__(self, aim_id: str, pattern: str) -> None:
        self.aim_id = aim_id
        self._pattern = re.compile(pattern, re.DOTALL | re.ASCII)

    @property
    def is_product_code(self) -> bool:
        """Whether the label ends with a check digit (EAN and UPC)."""
        return self.aim_id.startswith("]E")

    def holds(self, text: str) -> bool:
        """Whether such a label can hold this text, check digit included."""
        if self._pattern.fullmatch(text) is None:
            return False
        return not self.is_product_code or check_digit(text[:-1]) == text[-1]


def check_digit(digits: str) -> str:
    """The last digit of an EAN or UPC.

    Args:
        digits: the digits before it; weights 3 and 1 alternate from the right.

    Source: GS1 General Specifications, section "Check digit calculations".
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
