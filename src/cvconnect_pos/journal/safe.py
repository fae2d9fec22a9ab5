"""Where encrypted customer identifiers lie, and the keys to them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cvconnect_pos.errors import JournalError
from cvconnect_pos.journal.base import NEW_KEYS, NOTES
from cvconnect_pos.journal.closings import CLOSING
from cvconnect_pos.journal.keys import Keys, KeyStore
from cvconnect_pos.journal.vault import Sealed, key_id, rewrap, seal, unseal

if TYPE_CHECKING:
    import apsw

_ROWS = "SELECT seq, request_id, key_id, wrapped, content FROM identifiers"


class Safe:
    """Keeps identifiers in the journal's file, and its keys outside.

    Args:
        store: Where the keys are; read at once, so that a store that cannot be used is noticed when the till opens.

    Raises:
        JournalError: The keys cannot be read, or others can read them.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._known = store.read()

    def check(self, connection: apsw.Connection) -> None:
        """Refuse to go on without the keys that this journal has used.

        Raises:
            JournalError: `JOURNAL_KEYS_MISSING`.
        """
        used = "SELECT EXISTS (SELECT 1 FROM identifiers) OR EXISTS (SELECT 1 FROM entries WHERE kind = ?)"
        if self._known is None and connection.execute(used, (CLOSING,)).fetchone() != (0,):
            raise JournalError("JOURNAL_KEYS_MISSING", keys=self._store.name)

    @property
    def has_keys(self) -> bool:
        """Whether there are keys yet."""
        return self._known is not None

    def keys(self) -> Keys:
        """Give the keys; make them when there are none, inside a transaction: another process may have made them."""
        if self._known is None:
            self._known = self._store.read()
        if self._known is None:
            keys = Keys.new()
            self._store.write(keys)  # before anything is encrypted or signed with them
            self._known = keys
        return self._known

    def seal(self, identifier: str, request_id: str, seq: int) -> tuple[Sealed, bytes]:
        """Close an identifier, with the commitment to it; see `put`."""
        return seal(identifier, request_id, seq, self.keys().wrapping[0])

    @staticmethod
    def put(connection: apsw.Connection, request_id: str, seq: int, sealed: Sealed) -> None:
        """Keep a closed identifier, in the transaction of its entry."""
        connection.execute(
            "INSERT INTO identifiers (seq, request_id, key_id, wrapped, content) VALUES (?, ?, ?, ?, ?)",
            (seq, request_id, sealed.key_id, sealed.wrapped, sealed.content),
        )

    def last(self, connection: apsw.Connection, request_id: str) -> str | None:
        """Open the newest identifier of an attempt; None when there is none, or its key is known to be lost."""
        rows = _read(connection, "WHERE request_id = ? ORDER BY seq DESC LIMIT 1", request_id)
        for seq, _, sealed in list(rows):
            if not self.is_lost(sealed, seq, new_keys_at(connection)):
                return self.open(sealed, request_id, seq)[0]
        return None

    def is_lost(self, sealed: Sealed, seq: int, new_keys_seq: int) -> bool:
        """Whether an identifier stays closed for ever: it was closed before there were new keys, with a lost one.

        Args:
            sealed: The closed identifier.
            seq: Its entry.
            new_keys_seq: The newest entry that says that keys were lost; 0 for none.
        """
        return seq < new_keys_seq and self._find(sealed) is None

    def open(self, sealed: Sealed, request_id: str, seq: int) -> tuple[str, bytes]:
        """Open an identifier; give it with the commitment that the chain must hold.

        Raises:
            JournalError: `JOURNAL_KEYS_MISSING`: it was closed with another key.
            VaultError: It was changed.
        """
        return unseal(sealed, request_id, seq, self._key(sealed))

    @staticmethod
    def everything(connection: apsw.Connection) -> Iterator[tuple[int, str, Sealed]]:
        """Read all of them, closed: place, attempt, content."""
        return _read(connection, "ORDER BY seq")

    @staticmethod
    def erase(connection: apsw.Connection, request_id: str) -> int:
        """Drop the identifiers of an attempt, and say how many there were."""
        connection.execute("DELETE FROM identifiers WHERE request_id = ?", (request_id,))
        return int(connection.changes())

    def begin_rotation(self) -> None:
        """Put a new wrapping key beside the old one: however a crash leaves the rows, their keys are there."""
        keys = self.keys()
        if len(keys.wrapping) == 1:
            keys = Keys(keys.signing, (secrets.token_bytes(32), *keys.wrapping))
            self._store.write(keys)
            self._known = keys

    def rewrap(self, connection: apsw.Connection) -> int:
        """Move every data key under the new wrapping key, in one transaction; say how many there are."""
        new, lost = self.keys().wrapping[0], new_keys_at(connection)
        closed = _read(connection, "WHERE key_id <> ?", key_id(new))
        rows = [row for row in closed if not self.is_lost(row[2], row[0], lost)]
        for seq, request_id, sealed in rows:
            moved = rewrap(sealed, request_id, seq, old=self._key(sealed), new=new)
            connection.execute(
                "UPDATE identifiers SET key_id = ?, wrapped = ? WHERE seq = ?",
                (moved.key_id, moved.wrapped, seq),
            )
        return len(rows)

    def end_rotation(self) -> None:
        """Forget the old wrapping key, once no row needs it."""
        keys = Keys(self.keys().signing, self.keys().wrapping[:1])
        self._store.write(keys)
        self._known = keys

    def _key(self, sealed: Sealed) -> bytes:
        found = self._find(sealed)
        if found is None:
            self._known = self._store.read() or self._known  # another process may have made or replaced them
            found = self._find(sealed)
        if found is None:
            raise JournalError("JOURNAL_KEYS_MISSING", keys=self._store.name)
        return found

    def _find(self, sealed: Sealed) -> bytes | None:
        known = self._known.wrapping if self._known else ()
        return next((key for key in known if key_id(key) == sealed.key_id), None)


def new_keys_at(connection: apsw.Connection) -> int:
    """Say which entry tells, last of all, that the keys were lost; 0 for none."""
    told = "SELECT max(seq) FROM entries WHERE request_id = ? AND kind = ? AND state = ''"
    row: Any = connection.execute(told, (NOTES, NEW_KEYS)).fetchone()
    return row[0] or 0


def _read(connection: apsw.Connection, condition: str, *values: object) -> Iterator[tuple[int, str, Sealed]]:
    rows: Iterator[tuple[Any, ...]] = connection.execute(f"{_ROWS} {condition}", values)
    return ((seq, request_id, Sealed(*rest)) for seq, request_id, *rest in rows)
