"""What the person at each of two tills sees: what the other one did, said or only looked at is in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from cvconnect_pos import JournalError, Payment, PaymentPrompt, State
from cvconnect_pos.clock import SystemClock
from cvconnect_pos.core.attempt import Entry
from cvconnect_pos.core.lifecycle import Command
from cvconnect_pos.devices import Presentation, StationDevices
from cvconnect_pos.journal.leases import KEPT_S
from cvconnect_pos.journal.sqlite import SqliteJournal
from cvconnect_pos.peripherals import ScannedLabel, Surface
from cvconnect_pos.posts import DeviceHealth
from cvconnect_pos.transports.base import HttpRequest, HttpResponse
from harness import NUMBER, Really, Till, held, keyed, paid, run_together

DEADLINE_S = 10.0
HOUR_S = 3_600.0
NOBODY = "nobody@example.invalid"


def hold_polls(_: HttpRequest, __: Really) -> HttpResponse:
    """The provider wants to hear nothing for a while: the till's lease runs out meanwhile."""
    return HttpResponse(429, {"retry-after": "200"}, b"{}")


# --- a notification arrives at the other till -------------------------------------------------------------------------


def test_a_cashier_reverses_after_a_notification_at_the_other_till(till: Till, second: Till) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    second.engine.recover()
    second.run()
    second.engine.hint(payment.attempt.transaction_id, "")
    run_together(till, second, seconds=150)
    payment.reverse()
    run_together(till, second, seconds=10)
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


@pytest.mark.parametrize("at_s", [10, 100])
def test_a_cashier_cancels_after_a_notification_at_the_other_till(
    till: Till, second: Till, at_s: float
) -> None:
    payment = keyed(till)
    till.run(3)
    till.fault("GET", hold_polls)
    second.engine.recover()
    run_together(till, second, seconds=at_s)
    second.engine.hint(payment.attempt.transaction_id, "")
    run_together(till, second, seconds=170 - at_s)
    payment.cancel()
    run_together(till, second, seconds=100)
    assert payment.wait(0).state is State.CANCELLED


def test_a_notification_at_the_other_till_takes_no_request_away_that_waits_for_its_scan(
    till: Till, second: Till
) -> None:
    payment = till.ask(way="scan")
    till.run(3)
    till.fault("GET", hold_polls)
    second.engine.recover()
    run_together(till, second, seconds=100)
    second.engine.hint(payment.attempt.transaction_id, "")
    run_together(till, second, seconds=60)
    assert (payment.attempt.state, second.paths()) == (State.OPENED, [])


# --- scanner and display of a till, when another one ended what was on them -------------------------------------------


class Gun:
    """A scanner that is only armed and disarmed."""

    name = "fake:gun"

    def __init__(self) -> None:
        self.armed: Callable[[ScannedLabel], None] | None = None

    def claim(self, **_: Any) -> None:
        pass

    def arm(self, on_label: Callable[[ScannedLabel], None]) -> None:
        self.armed = on_label

    def disarm(self) -> None:
        self.armed = None

    def check_health(self, level: str = "internal") -> DeviceHealth:
        return DeviceHealth("ready", "")

    def statistics(self) -> dict[str, int]:
        return {}

    def release(self) -> None:
        pass


class Screen:
    """A customer display that keeps what it showed."""

    name = "fake:screen"

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []

    def claim(self, *, timeout_s: float) -> None:
        pass

    def show(self, prompt: PaymentPrompt, *, timeout_s: float) -> Surface:
        self.shown.append((prompt.basket_ref, prompt.state))
        return "qr" if prompt.qr_payload else "text"

    def clear(self, *, timeout_s: float) -> None:
        self.shown.append(("", "cleared"))

    def check_health(self, level: str = "internal") -> DeviceHealth:
        return DeviceHealth("ready", "")

    def release(self) -> None:
        pass


class Counter:
    """A scanner and a customer display at a till."""

    def __init__(self, till: Till) -> None:
        self.gun, self.screen = Gun(), Screen()
        self.devices = StationDevices(
            scanners=[self.gun], displays=[self.screen], presentation=Presentation(), clock=SystemClock()
        )
        till.engine._driver._devices = self.devices
        self.devices.start(till.engine)
        self.settle()

    def settle(self) -> None:
        """Let the devices finish what they were given."""
        for post in self.devices._posts:
            done = threading.Event()
            post.worker.call_later(0.0, done.set)
            assert done.wait(DEADLINE_S)


@pytest.fixture
def counter(till: Till) -> Iterator[Counter]:
    counter = Counter(till)
    yield counter
    counter.devices.close()


def cancel_elsewhere(till: Till, second: Till, request_id: str) -> None:
    """The till stands still; the other one takes the request over, and ends it."""
    till.clock.advance(120)
    other = second.engine.resume(request_id)
    second.run(1)
    other.cancel()
    second.run(10)
    assert other.wait(0).state is State.CANCELLED
    run_together(till, second, seconds=100)


def shown(till: Till) -> Payment:
    return till.ask(way="qr")


@pytest.mark.parametrize("ask", [shown, keyed])
def test_a_customer_sees_what_became_of_a_request_that_the_other_till_ended(
    till: Till, second: Till, counter: Counter, ask: Callable[[Till], Payment]
) -> None:
    ask(till)
    till.run(3)
    cancel_elsewhere(till, second, "r1")
    counter.settle()
    assert counter.screen.shown[-1] == ("B1", "cancelled")


def test_scanner_and_display_go_back_to_the_customer_before_when_the_other_till_ended_the_newest_request(
    till: Till, second: Till, counter: Counter
) -> None:
    before = till.ask("r1", way="scan", basket_ref="B1")
    till.run(1)
    newest = till.ask("r2", way="qr", basket_ref="B2")
    till.run(3)
    cancel_elsewhere(till, second, "r2")
    counter.settle()
    assert (before.attempt.state, newest.attempt.state) == (State.OPENED, State.CANCELLED)
    assert counter.gun.armed is not None
    assert counter.screen.shown[-1] == ("B1", "waiting")


def test_what_the_other_till_ended_is_not_shown_again_when_the_next_sale_is_over(
    till: Till, second: Till, counter: Counter
) -> None:
    till.ask("r1", way="qr", basket_ref="B1")
    till.run(3)
    cancel_elsewhere(till, second, "r1")
    counter.settle()
    counter.screen.shown.clear()
    following = keyed(till, "r2", basket_ref="B2")
    till.run(3)
    following.cancel()
    till.run(20)
    counter.settle()
    assert following.wait(0).state is State.CANCELLED
    assert counter.screen.shown[-1] == ("B2", "cancelled")
    assert "B1" not in [basket_ref for basket_ref, _ in counter.screen.shown]


# --- a till that only looked is used, when the one that acted is gone -------------------------------------------------


@pytest.mark.parametrize("looked_s", [15, 150])
def test_a_qr_is_shown_again_where_it_is_resumed_although_that_till_only_looked_until_then(
    till: Till, second: Till, looked_s: float
) -> None:
    till.ask(way="qr")
    second.engine.recover()
    run_together(till, second, seconds=looked_s)
    till.engine.close()
    payment = second.engine.resume("r1")
    second.run(60)
    assert payment.attempt.state is State.SHOWING
    assert Command.SHOW in [command for command, _ in second.devices.commands]


def test_a_request_that_is_repeated_at_the_till_that_only_looked_goes_on_there(
    till: Till, second: Till
) -> None:
    till.ask(way="qr")
    second.engine.recover()
    run_together(till, second, seconds=15)
    till.engine.close()
    payment = second.ask(way="qr")
    second.run(60)
    assert payment.attempt.state is State.SHOWING
    assert till.paths() + second.paths() == ["pre-transactions"]


def test_a_customer_who_is_unknown_may_scan_again_at_the_till_that_only_looked(
    till: Till, second: Till
) -> None:
    till.ask(way="scan")
    second.engine.recover()
    run_together(till, second, seconds=15)
    till.engine.close()
    payment = second.engine._payments["r1"]  # it is on the screen of that till: nobody has to resume it
    states: list[State] = []
    for scanned in (NOBODY, NUMBER):
        payment.identify(scanned)
        second.run(60)
        states.append(payment.attempt.state)
    assert states == [State.OPENED, State.AWAITING]


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left_s", [5.0, 10.5, 11.2, 30.0])
def test_a_reversal_that_was_written_although_the_journal_said_otherwise_is_carried_through(
    till: Till, left_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(till)
    assert payment.wait(0).is_paid
    till.run(1)
    box = till.engine._driver._box_of(payment)
    till.clock.advance(box.lease_until - till.clock.monotonic() - left_s)
    append = till.engine._journal.append
    failed: list[State] = []

    def then_fail(*args: Any, **more: Any) -> Entry:
        entry = append(*args, **more)
        if not failed:
            failed.append(entry.state)
            raise JournalError("JOURNAL_LOCKED", path="journal.sqlite3")
        return entry

    monkeypatch.setattr(till.engine._journal, "append", then_fail)
    payment.reverse()
    till.run(HOUR_S)
    assert failed == [State.REVERSING]
    assert (payment.wait(0).state, held(till)) == (State.REVERSED, 0)


# --- the leases of a long day -----------------------------------------------------------------------------------------


def test_leases_that_ran_out_long_ago_are_dropped_oldest_first_and_a_few_at_each_write(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite3"
    names = [f"r{n:04}" for n in range(3_000)]
    long_after_s = 100.0 + KEPT_S
    with closing(SqliteJournal(path)) as journal:
        for name in names:
            assert journal.lease(name, until_s=100.0, now_s=10.0)
        assert leased(path) == names  # none of them is old yet
        left = names
        for n in range(20):
            assert journal.lease("today", until_s=long_after_s + 60.0 + n, now_s=long_after_s)
            *left_now, newest = leased(path)
            assert 1 <= len(left) - len(left_now) <= 50
            assert (left_now, newest) == (left[-len(left_now) :], "today")
            left = left_now
        for n in range(1_000):
            assert journal.lease(f"s{n:04}", until_s=long_after_s + 60.0, now_s=long_after_s)
        assert not set(names) & set(leased(path))
        assert len(leased(path)) == 1_001


def leased(path: Path) -> list[str]:
    """List who has a lease, the one that was written last at the end."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows: Iterator[Any] = connection.execute("SELECT request_id FROM leases ORDER BY rowid")
    names = [request_id for (request_id,) in rows]
    connection.close()
    return names
