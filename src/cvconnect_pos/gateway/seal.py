"""The seal of a request: proof that it comes from the merchant.

Source: public integrations, unverified against the ANCV: header `ANCV-Security: HmacSHA256.<version>.<seal>`, where
the seal is the unpadded base64url of HMAC-SHA256(key text as UTF-8, sealed fields joined by `&`). The body itself is
not sealed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

HEADER = "ANCV-Security"


@dataclass(frozen=True, slots=True)
class SealKey:
    """A merchant's key and its version (`ver001`). The key never shows in a `repr`."""

    version: str
    secret: str = field(repr=False)

    def seal(self, fields: Iterable[object]) -> str:
        """Seal these fields, in this order.

        Args:
            fields: What the call seals; each is taken as text.

        Returns:
            The header's value.
        """
        message = "&".join(str(value) for value in fields).encode()
        digest = hmac.new(self.secret.encode(), message, hashlib.sha256).digest()
        return f"HmacSHA256.{self.version}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
