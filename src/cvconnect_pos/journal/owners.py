"""Who has a journal open, on this host: one small locked file for each, in a folder beside the journal.

Opening, and what no two may do at once, is done behind a gate, another locked file: so no owner appears meanwhile.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cvconnect_pos.errors import JournalError
from cvconnect_pos.journal.host import is_locked, lock, unlock

GATE_S = 10.0
"""How long an opening waits for another one. It lasts milliseconds; bringing years of entries to a new version, longer."""

_LOOK_S = 1.0
"""How long somebody who looks whether an owner lives may hold its file: an instant."""

_TOKEN = 8
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Owners:
    """The folder of those who have a journal open.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.with_name(path.name + ".owners")
        self._descriptor: int | None = None
        self.token = secrets.token_hex(_TOKEN)
        """Our name, for as long as the journal is open."""

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Keep others from opening the journal.

        Raises:
            JournalError: `JOURNAL_LOCKED`: another one is behind the gate, and stays.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "gate", _FLAGS, 0o600)
        try:
            if not lock(descriptor, timeout_s=GATE_S):
                raise JournalError("JOURNAL_LOCKED", path=str(self._path))
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who has the journal open.

        Raises:
            JournalError: `JOURNAL_IN_USE`: another one has it open.
        """
        with self.gate():
            self.refuse_others()
            yield

    def refuse_others(self) -> None:
        """Refuse to go on beside others; behind the gate.

        Raises:
            JournalError: `JOURNAL_IN_USE`.
        """
        count = self.others_alive()
        if count:
            raise JournalError("JOURNAL_IN_USE", path=str(self._path), count=count)

    def enter(self) -> None:
        """Become an owner, and sweep up what those who died left; behind the gate."""
        for path in self._others():
            if not is_locked(path):
                with suppress(OSError):
                    path.unlink()
        descriptor = os.open(self._file(self.token), _FLAGS | os.O_EXCL, 0o600)
        self._descriptor = descriptor
        if not lock(
            descriptor, timeout_s=_LOOK_S
        ):  # somebody looks whether it is alive; that is over in a moment
            self.leave()
            raise JournalError("JOURNAL_LOCKED", path=str(self._path))

    def leave(self) -> None:
        """Be no owner any more. Idempotent."""
        if self._descriptor is not None:
            unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
            with suppress(OSError):
                self._file(self.token).unlink()

    def is_alive(self, token: str) -> bool:
        """Whether an owner has the journal open. One that stands still lives."""
        return is_locked(self._file(token))

    def others_alive(self) -> int:
        """Count the other owners that live."""
        return sum(is_locked(path) for path in self._others())

    def _others(self) -> list[Path]:
        own = self._file(self.token)
        return [path for path in self._folder.glob("*.lock") if path != own]

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.lock"
