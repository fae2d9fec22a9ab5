"""What a process promises to its neighbours and its own till when files, locks and threads go wrong."""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cvconnect_pos import JournalTrouble, State
from cvconnect_pos.calls import Calls
from cvconnect_pos.core.attempt import Entry
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.credential import Credential
from cvconnect_pos.errors import CredentialRefused, JournalError
from cvconnect_pos.journal import host
from cvconnect_pos.journal.sqlite import SqliteJournal
from harness import NUMBER, Till, keyed, paid

ASKED = 4550


@pytest.mark.parametrize("read_fails", [False, True])
def test_a_process_that_stood_still_takes_in_the_news_before_it_sends_anything(
    till: Till, second: Till, read_fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = keyed(till)
    journal = till.engine._journal
    append, entries = journal.append, journal.entries
    stood_still: list[bool] = []

    def stand_still(request_id: str, at: Any, kind: str, state: State, data: Any, **more: Any) -> Entry:
        entry = append(request_id, at, kind, state, data, **more)
        if state is State.CANCEL_SENT and not stood_still:
            till.phone.pay(till.phone.incoming()[0])
            till.clock.advance(700)
            second.engine.recover()
            second.run(10)
            other = second.engine.resume("r1")
            other.keep()
            second.run(5)
            assert other.wait(0).is_paid
            other.acknowledge()
            second.engine.close()
            till.clock.advance(100)
            stood_still.append(read_fails)
        return entry

    def read(request_id: str, *, after: int = 0) -> Sequence[Entry]:
        if True in stood_still:
            stood_still.remove(True)
            stood_still.append(False)
            raise JournalError("JOURNAL_UNAVAILABLE", path="journal")
        return entries(request_id, after=after)

    monkeypatch.setattr(journal, "append", stand_still)
    monkeypatch.setattr(journal, "entries", read)
    payment.cancel()
    till.run(120)
    assert stood_still
    assert "payment-transactions/cancellation" not in till.paths()
    assert till.provider.customer(NUMBER).balance_cents == 100_000 - ASKED


def test_an_owner_whose_file_is_looked_at_while_it_opens_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SqliteJournal(tmp_path / "journal.sqlite3")
    real = host.try_lock
    looked: list[str] = []

    def while_somebody_looks(descriptor: int) -> bool:
        name = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if not name.endswith(".lock") or name in looked:
            return real(descriptor)
        looked.append(name)
        looking = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return real(descriptor)
        finally:
            os.close(looking)

    monkeypatch.setattr(host, "try_lock", while_somebody_looks)
    other = SqliteJournal(tmp_path / "journal.sqlite3")
    monkeypatch.undo()
    assert looked
    assert first.others_alive() == 1
    other.close()
    first.close()


@pytest.mark.parametrize("recorded", [False, True])
def test_a_flood_of_notifications_asks_the_provider_now_and_then(till: Till, recorded: bool) -> None:
    payment = paid(till)
    transaction_id = payment.attempt.transaction_id
    if recorded:
        payment.acknowledge()
        till.run(60)
        del payment
    before = len(till.sent)
    gc.collect()
    gc.freeze()  # of all that other tests left, each collection would look at every object
    try:
        for _ in range(100):
            till.engine.hint(transaction_id, "")
            till.run(0.1)
            gc.collect()
    finally:
        gc.unfreeze()
    assert len(till.sent) - before <= 12


def test_a_payment_that_waits_for_the_journal_keeps_no_other_from_being_asked_about(till: Till) -> None:
    keyed(till)
    till.ask("r2", way="qr", basket_ref="B2")
    till.run(3)
    driver = till.engine._driver
    box = driver._mail._boxes["r1"]

    def broken() -> None:
        raise JournalError("JOURNAL_DAMAGED", path="journal")

    driver._timers.poll_soon(box)
    box.items.appendleft(broken)
    before = len(till.sent)
    till.run(60)
    assert len(till.sent) - before > 5


def test_an_interrupted_close_still_closes_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Till(tmp_path)
    till.ask()

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(till.engine._driver, "close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        till.engine.close()
    other = SqliteJournal(till.folder / "journal.sqlite3")
    assert other.others_alive() == 0
    other.close()


def test_a_credential_that_another_process_saw_refused_is_not_tried_here(tmp_path: Path) -> None:
    note = tmp_path / "note"
    mine, theirs = Credential("a" * 32, note), Credential("a" * 32, note)
    theirs.refused(CredentialRefused("INVALID_SEAL"))
    with mine.on_trial(1.0):
        assert mine.refusal is not None
        assert mine.refusal.code == "INVALID_SEAL"


def test_a_till_may_acknowledge_what_it_was_told_while_more_is_waiting_to_be_told(till: Till) -> None:
    payment = paid(till)
    later = JournalTrouble(request_id="r1", at=till.clock.now(), reason="JOURNAL_DISK_FULL")
    till.engine.report(payment, later)
    while (event := payment.next_event(0)) is not None:
        if event.name == "Approved":
            break
    payment.acknowledge()
    assert payment.attempt.acknowledged


def test_a_till_that_only_listens_may_acknowledge_what_it_heard(till: Till) -> None:
    payment = keyed(till)
    assert payment.outcome is None
    payment.add_listener(lambda event: payment.acknowledge() if event.name == "Approved" else None)
    till.phone.pay(till.phone.incoming()[0])
    till.run(10)
    assert payment.attempt.acknowledged


def test_a_call_that_was_never_made_proves_no_credential(till: Till) -> None:
    payment = keyed(till)
    credential = Credential()
    calls = Calls(till.engine._gateway, till.clock, 5.0, credential)
    assert not calls.make(Command.RIVAL_STATUS, payment.attempt, None).sent
    assert not credential.is_proven


def test_a_second_notification_about_a_recorded_payment_waits_and_is_not_dropped(till: Till) -> None:
    payment = paid(till)
    payment.wait(0)
    transaction_id = payment.attempt.transaction_id
    payment.acknowledge()
    till.run(60)
    del payment
    gc.collect()
    before = len(till.sent)
    till.engine.hint(transaction_id, "")
    till.run(1)
    assert len(till.sent) == before + 1
    gc.collect()
    till.engine.hint(transaction_id, "")
    till.engine.hint(transaction_id, "")
    till.run(120)
    assert len(till.sent) == before + 2


def test_a_journal_that_cannot_be_read_for_a_moment_stops_no_later_request(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed(till)
    till.restart(recover=False)

    def locked(*_: Any, **__: Any) -> Sequence[Entry]:
        raise JournalError("JOURNAL_LOCKED", path="journal")

    monkeypatch.setattr(till.engine._journal, "entries", locked)
    with pytest.raises(JournalError, match="JOURNAL_LOCKED"):
        till.engine.recover()
    with pytest.raises(JournalError, match="JOURNAL_LOCKED"):
        till.engine.unacknowledged()
    monkeypatch.undo()
    till.engine.recover()
    assert till.ask("r2", basket_ref="B2").attempt.state is State.SHOWING


def test_looking_around_goes_on_for_ever_and_is_nothing_to_wait_for(till: Till) -> None:
    till.engine.recover()
    assert till.engine.next_due_s() is None
    till.run(600)
    assert till.engine.next_due_s() is None
