"""The operating system's keyring, through the real package `keyring`: the journal's keys, and the seal key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from cvconnect_pos import ConfigError, JournalError, Order, Way
from cvconnect_pos.configuration import read_secret
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.journal.verify import verify

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
KEYS = "keyring:cvconnect/CAISSE-1"
NUMBER = "10000003051"


class Backend(KeyringBackend):
    """A keyring as a platform would register it, in memory."""

    priority = 1  # pyright: ignore[reportAssignmentType]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("no prompt without a screen")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self.forgetful:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Backend]:
    before = keyring.get_keyring()
    backend = Backend()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def begin(journal: SqliteJournal) -> None:
    order = Order(request_id="r1", amount_cents=4550, basket_ref="B1", way=Way.KEYED)
    journal.begin(order, "p1", NOW, simulation=True, identifier=NUMBER)


def test_a_journal_lives_on_keys_of_the_keyring(tmp_path: Path, ring: Backend) -> None:
    path = tmp_path / "journal.sqlite3"
    journal = SqliteJournal(path, keys=KEYS)
    begin(journal)
    journal.rotate_key()
    journal.close()
    assert not list(tmp_path.glob("*.keys"))
    journal = SqliteJournal(path, keys=KEYS)
    assert journal.identifier("r1") == NUMBER
    journal.close()
    assert not verify(path, keys=KEYS).findings


def test_a_locked_keyring_is_said_and_nothing_is_opened(tmp_path: Path, ring: Backend) -> None:
    ring.locked = True
    with pytest.raises(JournalError) as caught:
        SqliteJournal(tmp_path / "journal.sqlite3", keys=KEYS)
    assert caught.value.code == "JOURNAL_KEYS_UNREADABLE"


def test_a_keyring_that_keeps_nothing_is_noticed_before_anything_is_encrypted(
    tmp_path: Path, ring: Backend
) -> None:
    ring.forgetful = True
    with pytest.raises(JournalError) as caught:
        SqliteJournal(tmp_path / "journal.sqlite3", keys=KEYS)
    assert caught.value.code == "JOURNAL_KEYS_UNREADABLE"


def test_the_seal_key_comes_from_the_keyring(tmp_path: Path, ring: Backend) -> None:
    ring.kept["cvconnect", "seal"] = "the seal key"
    path = tmp_path / "cvconnect.toml"
    assert read_secret("keyring:cvconnect/seal", key="provider.seal_key", path=path) == "the seal key"
    for reference in ("keyring:cvconnect/other", "keyring:", "keyring:alone"):
        with pytest.raises(ConfigError) as caught:
            read_secret(reference, key="provider.seal_key", path=path)
        assert caught.value.code == "CONFIG_SECRET"
