"""What an identifier looks like: 11 digits or an e-mail address. Pure."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]{11}")
# Narrower than RFC 5321 on purpose: a last label without digits, nothing that a damaged read makes by chance.
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_MAX_EMAIL = 254


def is_identifier(text: str) -> bool:
    """Tell whether a text may name a customer.

    Args:
        text: What was read, with nothing around it.

    Returns:
        Whether it is 11 ASCII digits or one e-mail address.

    Source: ANCV merchant leaflets (11 digits or contact e-mail); RFC 5321, 4.5.3.1 (lengths).
    """
    return _NUMBER.fullmatch(text) is not None or (
        len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text) is not None
    )
