"""A refused credential is tried once: not by a retry, not by two calls at a time, not by a till that restarts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import CredentialRefused, Payment
from cvconnect_pos.calls import Calls
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.credential import Credential, forget, refusal_beside
from cvconnect_pos.journal import keys
from harness import NUMBER, Till

FINGERPRINT = "a" * 32


def wrong_key(till: Till) -> None:
    """The provider changes the merchant's key: every seal of this till is wrong from now on."""
    object.__setattr__(till.provider.merchant, "seal_key", "another key")


def waiting(till: Till, number: int) -> list[Payment]:
    till.provider.set_rules(one_pending_per_customer=False)
    return [till.ask(f"r{n}", basket_ref=f"B{n}", way="keyed", beneficiary=NUMBER) for n in range(number)]


def test_one_attempt_and_no_more_however_many_payments_are_open(till: Till) -> None:
    payments = waiting(till, 5)
    before = len(till.sent)
    wrong_key(till)
    till.run(3600)
    assert len(till.sent) - before == 1
    assert not any(payment.attempt.is_final for payment in payments)
    with pytest.raises(CredentialRefused):
        till.ask("new", basket_ref="B9")


def test_a_till_that_restarts_does_not_try_it_again(tmp_path: Path) -> None:
    path = refusal_beside(tmp_path / "journal.sqlite3")
    Credential(FINGERPRINT, path).refused(CredentialRefused("INVALID_SEAL"))
    again = Credential(FINGERPRINT, path)
    assert again.refusal is not None
    assert again.refusal.code == "INVALID_SEAL"


def test_another_credential_is_tried_and_the_note_goes_once_it_is_taken(tmp_path: Path) -> None:
    path = refusal_beside(tmp_path / "journal.sqlite3")
    Credential(FINGERPRINT, path).refused(CredentialRefused("INVALID_SEAL"))
    other = Credential("b" * 32, path)
    assert other.refusal is None
    other.accepted()
    assert not path.exists()


def test_a_person_may_say_that_it_is_right_now(tmp_path: Path) -> None:
    path = refusal_beside(tmp_path / "journal.sqlite3")
    Credential(FINGERPRINT, path).refused(CredentialRefused("MERCHANT_NOT_ALLOWED"))
    forget(path)
    assert Credential(FINGERPRINT, path).refusal is None


@pytest.mark.parametrize("content", ["", "x", "a b c", "é", "a" * 32])
def test_a_note_that_cannot_be_read_stops_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "note"
    path.write_text(content, encoding="utf-8")
    assert Credential(FINGERPRINT, path).refusal is None


def test_until_it_is_taken_only_one_call_is_under_way(till: Till) -> None:
    payment = till.ask(way="keyed", beneficiary=NUMBER)
    entered, release = threading.Event(), threading.Event()
    asked: list[int] = []

    class Refusing:
        fingerprint = FINGERPRINT
        cancel_window_s = 1.0

        def status(self, *_: object, **__: object) -> Any:
            asked.append(1)
            entered.set()
            release.wait(10)
            raise CredentialRefused("INVALID_SEAL")

    gateway: Any = Refusing()
    calls = Calls(gateway, SystemClock(), 5.0)
    threads = [
        threading.Thread(target=calls.make, args=(Command.STATUS, payment.attempt, None)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    release.set()
    for thread in threads:
        thread.join(10)
    assert len(asked) == 1


def test_on_windows_the_file_of_the_keys_gets_an_access_list_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[list[str]] = []

    def run(order: list[str], **_: object) -> None:
        orders.append(order)

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setenv("USERDOMAIN", "CAISSE")
    monkeypatch.setenv("LOGNAME", "vendeur")
    keys._let_only_this_account_in(tmp_path / "journal.keys")
    assert orders == [
        ["icacls", str(tmp_path / "journal.keys"), "/inheritance:r", "/grant:r", "CAISSE\\vendeur:F"]
    ]
