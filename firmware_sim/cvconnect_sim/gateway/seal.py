"""The provider's own check of the seal in the `ANCV-Security` header.

Source: modelled on public integrations, unverified against the ANCV. `HmacSHA256.<version>.<seal>`, where the
seal is the unpadded base64url of HMAC-SHA256 over the sealed fields joined by `&`, keyed with the key's text in UTF-8.

Does not model key rotation: one key and one version are valid at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER: Final = "ANCV-Security"
ALGORITHM: Final = "HmacSHA256"


def make_header(key: str, version: str, fields: Sequence[str]) -> str:
    """Seals fields as a merchant does.

    Args:
        key: Text of the shared key.
        version: Name of the key, such as `ver001`.
        fields: Sealed fields as text, in the order of the call.

    Returns:
        The whole value of the `ANCV-Security` header.
    """
    digest = hmac.new(key.encode(), "&".join(fields).encode(), hashlib.sha256).digest()
    seal = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return f"{ALGORITHM}.{version}.{seal}"


def is_genuine(header: str, key: str, version: str, fields: Sequence[str]) -> bool:
    """Tells whether a received header seals these fields with this key and version.

    Args:
        header: Value of `ANCV-Security` as received; empty when the header is missing.
        key: Text of the shared key.
        version: The only valid version.
        fields: Sealed fields as text, in the order of the call.
    """
    expected = make_header(key, version, fields)
    return hmac.compare_digest(header.encode("utf-8", "surrogateescape"), expected.encode())
