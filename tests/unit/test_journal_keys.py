"""The journal's keys and what they close: files, the keyring, identifiers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cvconnect_pos import JournalError
from cvconnect_pos.journal.keys import KeyFile, Keyring, Keys, key_store
from cvconnect_pos.journal.vault import Sealed, VaultError, commitment, rewrap, seal, unseal

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
NUMBER = "10000003051"


def test_keys_come_back_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    store = key_store(tmp_path / "folder" / "keys")
    assert store.read() is None
    keys = Keys.new()
    store.write(keys)
    assert store.read() == keys
    if os.name == "posix":
        assert (tmp_path / "folder" / "keys").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    store = KeyFile(tmp_path / "keys")
    store.write(Keys.new())
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(JournalError) as caught:
        store.read()
    assert caught.value.code == "JOURNAL_KEYS_EXPOSED"
    assert "chmod 600" in caught.value.remedy("fr")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version":2,"signing":"00","wrapping":[]}', "é"])
def test_a_file_without_keys_is_refused_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(JournalError) as caught:
        KeyFile(path).read()
    assert caught.value.code == "JOURNAL_KEYS_UNREADABLE"
    assert path.read_text(encoding="utf-8") == text


def test_no_key_is_told() -> None:
    keys = Keys(KEY, (OTHER,))
    sealed, _ = seal(NUMBER, "r1", 1, KEY)
    for said in (repr(keys), repr(sealed)):
        assert KEY.hex() not in said
        assert "\\x" not in said
        assert NUMBER not in said


class FakeKeyring(ModuleType):
    """The two functions of the package that are used."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self.kept[service, name] = password


def test_keys_live_in_the_keyring_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    store = key_store("keyring:cvconnect/CAISSE-1")
    assert store.read() is None
    store.write(Keys(KEY, (OTHER,)))
    assert store.read() == Keys(KEY, (OTHER,))
    assert list(ring.kept) == [("cvconnect", "CAISSE-1")]
    ring.kept["cvconnect", "CAISSE-1"] = "something else"
    with pytest.raises(JournalError):
        store.read()
    ring.locked = True
    with pytest.raises(JournalError) as caught:
        store.read()
    assert caught.value.code == "JOURNAL_KEYS_UNREADABLE"


def test_a_missing_keyring_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(JournalError) as caught:
        Keyring("cvconnect", "CAISSE-1").read()
    assert caught.value.code == "JOURNAL_KEYRING_MISSING"
    assert "pip install keyring" in caught.value.remedy("fr")


@pytest.mark.parametrize("reference", ["keyring:", "keyring:name", "keyring:service/"])
def test_an_incomplete_reference_is_refused(reference: str) -> None:
    with pytest.raises(JournalError):
        key_store(reference)


# --- identifiers ---------------------------------------------------------------------------------------------------


def test_an_identifier_opens_only_where_it_was_closed() -> None:
    sealed, promised = seal("client@example.invalid", "r1", 7, KEY)
    assert unseal(sealed, "r1", 7, KEY) == ("client@example.invalid", promised)
    assert b"client" not in sealed.content
    for request_id, seq, key in (("r2", 7, KEY), ("r1", 8, KEY), ("r1", 7, OTHER)):
        with pytest.raises(VaultError):
            unseal(sealed, request_id, seq, key)
    for changed in (b"", sealed.content[:-1], bytes(len(sealed.content))):
        with pytest.raises(VaultError):
            unseal(Sealed(sealed.key_id, sealed.wrapped, changed), "r1", 7, KEY)


def test_the_same_identifier_is_never_closed_alike() -> None:
    one, promised_one = seal(NUMBER, "r1", 1, KEY)
    two, promised_two = seal(NUMBER, "r1", 1, KEY)
    assert promised_one != promised_two
    assert len({one.wrapped, two.wrapped, one.content, two.content}) == 4
    assert commitment(bytes(32), NUMBER) != commitment(bytes(31) + b"1", NUMBER)


def test_another_wrapping_key_leaves_the_content_as_it_is() -> None:
    sealed, promised = seal(NUMBER, "r1", 1, KEY)
    moved = rewrap(sealed, "r1", 1, old=KEY, new=OTHER)
    assert moved.content == sealed.content
    assert unseal(moved, "r1", 1, OTHER) == (NUMBER, promised)
    with pytest.raises(VaultError):
        unseal(moved, "r1", 1, KEY)
