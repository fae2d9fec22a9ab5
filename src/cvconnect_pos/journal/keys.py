"""The journal's own keys: one that signs closings, and those that wrap the keys of customer identifiers.

They live in a file that only its owner can read, or in the keyring of the operating system; never in the station file
and never in the journal.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import stat
import subprocess
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cvconnect_pos.errors import JournalError
from cvconnect_pos.journal.head import replace_file

_VERSION = 1
_SIZE = 32
_MOVING = 2
"""How many wrapping keys there are while one replaces the other."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one journal.

    Args:
        signing: The seed of the Ed25519 key, 32 bytes.
        wrapping: AES-256 keys, newest first; two only while one replaces the other.
    """

    signing: bytes = field(repr=False)
    wrapping: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def new(cls) -> Keys:
        """Make keys from the operating system's randomness."""
        return cls(secrets.token_bytes(_SIZE), (secrets.token_bytes(_SIZE),))

    def to_text(self) -> str:
        """Write them as one line of JSON."""
        wrapping = [key.hex() for key in self.wrapping]
        return json.dumps({"version": _VERSION, "signing": self.signing.hex(), "wrapping": wrapping}) + "\n"

    @classmethod
    def of_text(cls, text: str) -> Keys:
        """Read them back.

        Raises:
            ValueError: This is not what `to_text` writes.
        """
        try:
            content = json.loads(text)
            keys = cls(bytes.fromhex(content["signing"]), tuple(map(bytes.fromhex, content["wrapping"])))
            version = content["version"]
        except (KeyError, TypeError, ValueError):
            raise ValueError("no keys") from None  # the cause would quote them
        sizes = {len(key) for key in (keys.signing, *keys.wrapping)}
        if version != _VERSION or sizes != {_SIZE} or not 1 <= len(keys.wrapping) <= _MOVING:
            raise ValueError("no keys")
        return keys


class KeyStore(Protocol):
    """Where the keys are. Its methods raise `JournalError`."""

    name: str
    """Where, for messages."""

    def read(self) -> Keys | None:
        """Fetch the keys; None when there are none yet."""
        ...

    def write(self, keys: Keys) -> None:
        """Put them there, replacing older ones; durable when this returns."""
        ...


class KeyFile:
    """Keys in a file.

    On POSIX it is made with mode 0600, and refused when its group or others may read it. On Windows it is given an access
    list of its own, which lets only this account in (unverified: never run there).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def read(self) -> Keys | None:
        """See `KeyStore.read`.

        Raises:
            JournalError: `JOURNAL_KEYS_EXPOSED` or `JOURNAL_KEYS_UNREADABLE`.
        """
        try:
            with self._path.open(encoding="ascii") as file:
                if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise JournalError("JOURNAL_KEYS_EXPOSED", keys=self.name)
                return Keys.of_text(file.read())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=self.name) from None

    def write(self, keys: Keys) -> None:
        """See `KeyStore.write`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, keys.to_text().encode())
            if os.name == "nt":
                _let_only_this_account_in(self._path)
        except (OSError, subprocess.CalledProcessError) as error:
            raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=self.name) from error


def _let_only_this_account_in(path: Path) -> None:
    """Replace the access list of a file.

    Source: Microsoft Learn, "icacls" (`/inheritance:r` drops what is inherited, `/grant:r` replaces what was granted).
    """
    account = f"{os.environ.get('USERDOMAIN', '.')}\\{getpass.getuser()}"
    order = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{account}:F"]
    subprocess.run(order, check=True, capture_output=True, timeout=30)  # noqa: S603 - a tool of the system


class Keyring:
    """Keys in the operating system's keyring, through the package `keyring`.

    Args:
        service: The keyring's service.
        name: The name in it.
    """

    def __init__(self, service: str, name: str) -> None:
        self._where = (service, name)
        self.name = f"keyring:{service}/{name}"

    def read(self) -> Keys | None:
        """See `KeyStore.read`.

        Raises:
            JournalError: `JOURNAL_KEYRING_MISSING` (the package), `JOURNAL_KEYS_UNREADABLE`.
        """
        text = self._call("get_password")
        try:
            return None if text is None else Keys.of_text(text)
        except ValueError:
            raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=self.name) from None

    def write(self, keys: Keys) -> None:
        """See `KeyStore.write`. A keyring promises nothing: what it took is read back before anything relies on it."""
        self._call("set_password", keys.to_text())
        if self._call("get_password") != keys.to_text():
            raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=self.name)

    def _call(self, method: str, *values: str) -> Any:
        try:
            package = import_module("keyring")
        except ModuleNotFoundError as error:
            raise JournalError("JOURNAL_KEYRING_MISSING", keys=self.name, package="keyring") from error
        try:
            return getattr(package, method)(*self._where, *values)
        except Exception:  # noqa: BLE001 - every platform's keyring fails in its own way
            raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=self.name) from None


def key_store(reference: str | Path) -> KeyStore:
    """Find the store that a reference names.

    Args:
        reference: A file's path, or `keyring:SERVICE/NAME`.

    Returns:
        The store; nothing is read yet.

    Raises:
        JournalError: `JOURNAL_KEYS_UNREADABLE`: the reference is incomplete.
    """
    kind, _, where = str(reference).partition(":")
    if kind != "keyring":
        return KeyFile(Path(reference))
    service, _, name = where.rpartition("/")
    if not (service and name):
        raise JournalError("JOURNAL_KEYS_UNREADABLE", keys=str(reference))
    return Keyring(service, name)
