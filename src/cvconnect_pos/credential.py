"""One credential: tried once, and never again by itself once the provider refused it.

The third wrong password locks an account. So nothing here may repeat a refused credential: not a retry, not two calls
at the same time, not a till that restarts. Until the provider has taken the credential, one call is under way at
most; when it is refused, nothing more is sent, and a small file tells the next start. Another credential, or a person
who says that the old one is right now, ends that.

Source: ANCV merchant leaflets (the third wrong password locks the account).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cvconnect_pos.errors import CredentialRefused

_log = logging.getLogger("cvconnect_pos")


class Credential:
    """What is known of the credential in use.

    Args:
        fingerprint: What tells it from another one, and tells nothing about it.
        path: Where a refusal is noted; None to remember it only as long as this process lives.
    """

    def __init__(self, fingerprint: str = "", path: Path | None = None) -> None:
        self._fingerprint = fingerprint
        self._path = path
        self._trial = threading.Lock()
        self._proven = False
        self.refusal: CredentialRefused | None = self._noted()
        """Set once the provider refused it: nothing is sent from then on."""

    @property
    def is_proven(self) -> bool:
        """Whether the provider has taken it."""
        return self._proven

    @contextmanager
    def on_trial(self, timeout_s: float) -> Iterator[bool]:
        """Hold the only call there may be until the provider has taken the credential; free from then on.

        Args:
            timeout_s: How long to wait for the call that is under way, in seconds.

        Yields:
            Whether the call may be made.
        """
        if self._proven:
            yield True
            return
        if not self._trial.acquire(timeout=timeout_s):
            yield self._proven
            return
        try:
            self.refusal = self.refusal or self._noted()  # another process may have tried it meanwhile
            yield True
        finally:
            self._trial.release()

    def accepted(self) -> None:
        """Note that the provider took it, whatever it answered besides."""
        if not self._proven:
            self._proven = True
            forget(self._path)

    def refused(self, error: CredentialRefused) -> None:
        """Note that the provider refused it."""
        self.refusal = error
        if self._path is not None:
            try:
                self._path.write_text(f"{self._fingerprint} {error.code}\n", encoding="ascii")
            except OSError as fault:
                _log.error("the refusal of the credential was not noted: %s", fault.strerror)

    def _noted(self) -> CredentialRefused | None:
        """Read what an earlier run noted of this very credential."""
        try:
            fingerprint, code = self._path.read_text(encoding="ascii").split() if self._path else ("", "")
        except (OSError, ValueError):
            return None
        return CredentialRefused(code) if code and fingerprint == self._fingerprint else None


def refusal_beside(journal: Path) -> Path:
    """Where a station notes that its credential was refused."""
    return journal.with_name(journal.name + ".refused")


def forget(path: Path | None) -> None:
    """Drop the note: a person says that the credential is right now."""
    if path is not None:
        with suppress(OSError):
            path.unlink()
