"""Customer identifiers: encrypted beside the entries, and only committed to in the chain.

Each identifier has a data key of its own (AES-256-GCM), which is wrapped under the journal's wrapping key. The chain
holds SHA-256 over a random salt and the identifier; the salt is encrypted with it. So erasing the row leaves a hash
that nobody can try all 11-digit numbers on, and the chain holds as before.

Source: NIST SP 800-38D (GCM; 96-bit random nonces, far below 2^32 uses of a key).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from cvconnect_pos.journal.chain import netstrings

_NONCE = 12
_SALT = 32
_KEY = 32


@dataclass(frozen=True, slots=True)
class Sealed:
    """One identifier, closed.

    Args:
        key_id: Which wrapping key opens it.
        wrapped: Its data key, wrapped.
        content: Salt and identifier, encrypted.
    """

    key_id: str
    wrapped: bytes = field(repr=False)
    content: bytes = field(repr=False)


class VaultError(ValueError):
    """A sealed identifier does not open: another key, or it was changed."""


def key_id(key: bytes) -> str:
    """Name a wrapping key without telling it."""
    return hashlib.sha256(netstrings(b"cvconnect-key-1", key)).hexdigest()[:16]


def commitment(salt: bytes, identifier: str) -> bytes:
    """Commit to an identifier: what the chain covers in its stead."""
    return hashlib.sha256(netstrings(b"cvconnect-identifier-1", salt, identifier.encode())).digest()


def seal(identifier: str, request_id: str, seq: int, key: bytes) -> tuple[Sealed, bytes]:
    """Close an identifier.

    Args:
        identifier: In clear.
        request_id: The attempt it belongs to.
        seq: The entry that names it; with the attempt, it cannot be moved elsewhere.
        key: The wrapping key.

    Returns:
        The closed identifier, and the commitment to it.
    """
    salt, data_key = secrets.token_bytes(_SALT), secrets.token_bytes(_KEY)
    place = _place(request_id, seq)
    sealed = Sealed(
        key_id(key),
        _encrypt(key, data_key, place),
        _encrypt(data_key, salt + identifier.encode(), place),
    )
    return sealed, commitment(salt, identifier)


def unseal(sealed: Sealed, request_id: str, seq: int, key: bytes) -> tuple[str, bytes]:
    """Open an identifier.

    Args:
        sealed: What `seal` gave.
        request_id: The attempt.
        seq: The entry.
        key: The wrapping key that `sealed.key_id` names.

    Returns:
        The identifier, and the commitment to it, to be compared with the chain's.

    Raises:
        VaultError: It does not open.
    """
    place = _place(request_id, seq)
    content = _decrypt(_decrypt(key, sealed.wrapped, place), sealed.content, place)
    identifier = content[_SALT:].decode()
    return identifier, commitment(content[:_SALT], identifier)


def rewrap(sealed: Sealed, request_id: str, seq: int, *, old: bytes, new: bytes) -> Sealed:
    """Move an identifier's data key under another wrapping key; the content stays as it is.

    Raises:
        VaultError: It does not open with the old key.
    """
    place = _place(request_id, seq)
    data_key = _decrypt(old, sealed.wrapped, place)
    return Sealed(key_id(new), _encrypt(new, data_key, place), sealed.content)


def _place(request_id: str, seq: int) -> bytes:
    return netstrings(request_id.encode(), b"%d" % seq)


def prepare() -> None:
    """Load the cipher now, so that the first customer does not wait for it."""
    from cryptography.hazmat.primitives.ciphers import aead

    _ = aead.AESGCM


def _encrypt(key: bytes, content: bytes, place: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, place)


def _decrypt(key: bytes, content: bytes, place: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(content[:_NONCE], content[_NONCE:], place)
    except (InvalidTag, ValueError):
        raise VaultError("does not open") from None
