"""Ed25519 signatures of closings, through `cryptography`."""

from __future__ import annotations

import hashlib


def public_key(seed: bytes) -> bytes:
    """Give the public key of a signing key, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def public_key_id(key: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


def sign(content: bytes, seed: bytes) -> bytes:
    """Sign.

    Args:
        content: What.
        seed: The signing key, 32 bytes.

    Returns:
        64 bytes.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).sign(content)


def is_signed(content: bytes, signature: bytes, key: bytes) -> bool:
    """Whether a signature is right for a public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
