"""Who pays and who is paid: identifiers that are checked once, and masked wherever they are shown.

Source: ANCV merchant leaflets (customer: 11 digits or contact e-mail; administrator account: 6 digits;
*point d'accueil* account: 12 digits). The masked form `10*****3051` is the one of the provider's answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from cvconnect_pos.errors import InvalidInput

_NUMBER = re.compile(r"[0-9]{11}")
# Deliberately narrower than RFC 5321: what a wallet account can be, nothing that a scanner makes of a damaged label.
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_EMAIL_MAX = 254
"""Source: RFC 5321, 4.5.3.1.3, less the two angle brackets."""


class BeneficiaryKind(StrEnum):
    """How a customer is named."""

    NUMBER = "number"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """The customer whose wallet pays. Its `repr` and `str` are masked; only `value` is not.

    Args:
        kind: A number or an e-mail address.
        value: Eleven digits, or the address. Personal: for the provider's request only.
    """

    kind: BeneficiaryKind
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if _kind(self.value) is not self.kind:
            raise InvalidInput("BENEFICIARY_UNREADABLE", field="beneficiary")

    @classmethod
    def parse(cls, text: object) -> Beneficiary:
        """Accept exactly eleven ASCII digits, or one e-mail address.

        Args:
            text: What was scanned or typed, with nothing around it.

        Returns:
            The beneficiary.

        Raises:
            InvalidInput: `BENEFICIARY_EMPTY`, `BENEFICIARY_SPACES`, `BENEFICIARY_LENGTH` or `BENEFICIARY_UNREADABLE`.
        """
        if not isinstance(text, str):
            raise InvalidInput("BENEFICIARY_UNREADABLE", field="beneficiary")
        if not text:
            raise InvalidInput("BENEFICIARY_EMPTY", field="beneficiary")
        if text != text.strip():
            raise InvalidInput("BENEFICIARY_SPACES", field="beneficiary")
        if kind := _kind(text):
            return cls(kind, text)
        if text.isascii() and text.isdigit():
            raise InvalidInput("BENEFICIARY_LENGTH", field="beneficiary", length=len(text))
        raise InvalidInput("BENEFICIARY_UNREADABLE", field="beneficiary")

    @property
    def masked(self) -> str:
        """The form for tickets, screens and logs: `10*****3051`, `c*****@e*****.fr`."""
        if self.kind is BeneficiaryKind.NUMBER:
            return f"{self.value[:2]}*****{self.value[-4:]}"
        local, _, domain = self.value.rpartition("@")
        host, _, top = domain.rpartition(".")
        return f"{local[0]}*****@{host[0]}*****.{top}"

    def __str__(self) -> str:
        return self.masked


def _kind(text: str) -> BeneficiaryKind | None:
    if _NUMBER.fullmatch(text):
        return BeneficiaryKind.NUMBER
    if len(text) <= _EMAIL_MAX and ".." not in text and _EMAIL.fullmatch(text):
        return BeneficiaryKind.EMAIL
    return None


@dataclass(frozen=True, slots=True)
class AdministratorAccount:
    """The merchant's administrator account: six digits."""

    value: str

    @classmethod
    def parse(cls, text: str) -> AdministratorAccount:
        """Accept exactly six ASCII digits.

        Raises:
            InvalidInput: `ACCOUNT_UNREADABLE`.
        """
        return cls(_digits(text, 6, "administrator account"))


@dataclass(frozen=True, slots=True)
class PointOfSaleAccount:
    """The account of one *point d'accueil*: twelve digits."""

    value: str

    @classmethod
    def parse(cls, text: str) -> PointOfSaleAccount:
        """Accept exactly twelve ASCII digits.

        Raises:
            InvalidInput: `ACCOUNT_UNREADABLE`.
        """
        return cls(_digits(text, 12, "point of sale account"))


def _digits(text: str, length: int, name: str) -> str:
    if len(text) != length or not (text.isascii() and text.isdigit()):
        raise InvalidInput("ACCOUNT_UNREADABLE", field=name, limit=length)
    return text


REFERENCE_MAX = 20
"""The provider keeps 20 characters of `order.id`; a longer reference is refused here, never cut."""


def check_reference(
    text: object, field_name: str, *, limit: int = REFERENCE_MAX, optional: bool = False
) -> str:
    """Accept a printable reference of at most `limit` characters.

    Args:
        text: What the till gave.
        field_name: The argument's name, for the error.
        limit: The largest number of characters.
        optional: Whether an empty text is fine.

    Returns:
        The same text.

    Raises:
        InvalidInput: `REFERENCE_NOT_TEXT`, `REFERENCE_EMPTY`, `REFERENCE_TOO_LONG` or `REFERENCE_UNPRINTABLE`.
    """
    if not isinstance(text, str):
        raise InvalidInput("REFERENCE_NOT_TEXT", field=field_name, type=type(text).__name__)
    if not text and optional:
        return text
    if not text.strip():
        raise InvalidInput("REFERENCE_EMPTY", field=field_name)
    if len(text) > limit:
        raise InvalidInput("REFERENCE_TOO_LONG", field=field_name, length=len(text), limit=limit)
    if not text.isprintable():
        raise InvalidInput("REFERENCE_UNPRINTABLE", field=field_name)
    return text
