"""The campaign of `make faults`: a few schedules, and proof that it catches a broken engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from cvconnect_pos import Engine, Payment
from cvconnect_pos.core import lifecycle
from cvconnect_pos.core.attempt import fold
from cvconnect_pos.core.lifecycle import Command, Signal, State, Step
from cvconnect_pos.core.provider import Transaction
from cvconnect_pos.driver import Driver
from cvconnect_pos.identifiers import Beneficiary
from faults.campaign.draw import draw
from faults.campaign.judge import Breach
from faults.campaign.minimise import minimise
from faults.campaign.play import play
from faults.campaign.runner import replay, summary
from faults.campaign.schedule import Schedule

SEEDS: Final = range(100_000, 100_048)
KEYED: Final = "seed=1 0:ask:t0:L0:keyed:4550:B0:c0 5:pay:c0"
LATE: Final = "seed=1 0:ask:t0:L0:qr:4550:B0:c0 2:scan:c0:L0 4:refuse:c0 10:late:L0"
"""A customer refuses, and is debited all the same."""

OVER_HTTP: Final = range(100_100, 100_106)


@pytest.mark.parametrize("first", SEEDS[::8])
def test_no_schedule_breaks_a_promise(first: int) -> None:
    broken = {str(draw(seed)): found for seed in range(first, first + 8) if (found := play(draw(seed)))}
    assert not broken


def test_no_schedule_breaks_a_promise_over_http() -> None:
    broken = {str(draw(seed)): found for seed in OVER_HTTP if (found := play(draw(seed), http=True))}
    assert not broken


def test_a_schedule_is_played_the_same_each_time() -> None:
    bad = Schedule.parse(
        "seed=1 0:ask:t0:L0:qr:4550:B0:c0 1:scan:c0:L0 h3a:kill:me:2 5:pay:c0 9:cancel:t0:L0"
    )
    assert play(bad) == play(bad) == []


# --- schedules as text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(200))
def test_a_schedule_comes_back_from_its_text(seed: int) -> None:
    schedule = draw(seed)
    assert Schedule.parse(str(schedule)) == schedule
    assert draw(seed) == schedule
    assert "'" not in str(schedule)
    assert "$" not in str(schedule)
    assert "#" not in str(schedule)


@pytest.mark.parametrize(
    "text", ["", "seed=x", "0:ask:t0", "seed=1 ask", "seed=1 h3c:kill:me:1", "seed=1 3:p'y:c0"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Schedule.parse(text)


def test_the_last_line_has_every_count() -> None:
    from collections import Counter

    assert summary(10_000, Counter()) == (
        "schedules=10000 double_charges=0 lost_approvals=0 closed_unpaid=0 stuck=0"
    )


# --- planted bugs -----------------------------------------------------------------------------------------------------


def _row(patch: pytest.MonkeyPatch, state: State, signal: Signal, to: State, *commands: Command) -> None:
    patch.setitem(lifecycle.TABLE, (state, signal), Step(to, commands))


def _resends_blindly(patch: pytest.MonkeyPatch) -> None:
    _row(patch, State.IDENTIFYING, Signal.PAYER_LOST, State.IDENTIFYING, Command.PAYER)
    _row(patch, State.CANCEL_SENT, Signal.CANCEL_LOST, State.CANCEL_SENT, Command.CANCEL)


def _closes_on_the_asked_amount(patch: pytest.MonkeyPatch) -> None:
    from cvconnect_pos.core import observation

    really = observation._money

    def money(transaction: Transaction, attempt: Any) -> Signal:
        asked = tuple(replace(a, amount_cents=attempt.due_cents) for a in transaction.authorizations)
        object.__setattr__(transaction, "authorizations", asked)
        return really(transaction, attempt)

    patch.setattr(observation, "_money", money)


def _believes_its_own_cancel(patch: pytest.MonkeyPatch) -> None:
    for said in (Signal.CANCEL_LOST, Signal.CANCEL_REFUSED):
        _row(patch, State.CANCEL_SENT, said, State.CANCELLED)
    _row(patch, State.CANCELLED, Signal.PAID, State.CANCELLED)
    _row(patch, State.CANCELLED, Signal.RESTARTED, State.CANCELLED)


def _forgets_late_money(patch: pytest.MonkeyPatch) -> None:
    for state in lifecycle.NEGATIVE:
        _row(patch, state, Signal.PAID, state)


def _sends_before_it_writes(patch: pytest.MonkeyPatch) -> None:
    write = Driver._write

    def unwritten(
        self: Driver, payment: Any, kind: str, facts: Any, row: Step | None = None, **more: Any
    ) -> Any:
        if row is None or row.state is not State.IDENTIFYING:
            return write(self, payment, kind, facts, row, **more)
        from cvconnect_pos.core.attempt import Entry

        before = payment.attempt
        after = fold(before, Entry(before.seq, payment.request_id, before.updated_at, kind, row.state, facts))
        payment.advance(after)
        return after

    patch.setattr(Driver, "_write", unwritten)


def _writes_identifiers_in_clear(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Beneficiary, "masked", property(lambda self: self.value))


def _names_the_customer_while_the_qr_lives(patch: pytest.MonkeyPatch) -> None:
    _row(
        patch, State.SHOWING, Signal.IDENTIFIED, State.CREATING, Command.HIDE, Command.DISARM, Command.CREATE
    )


def _recovers_nothing(patch: pytest.MonkeyPatch) -> None:
    def nothing(_: Engine) -> list[Payment]:
        return []

    patch.setattr(Engine, "recover", nothing)
    patch.setattr(Engine, "unacknowledged", nothing)


def _never_hears_a_customer(patch: pytest.MonkeyPatch) -> None:
    for said in (Signal.PAID, Signal.LAPSED, Signal.DECLINED, Signal.CANCEL):
        _row(patch, State.AWAITING, said, State.AWAITING)


PLANTED: Final[dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Breach, str]]] = {
    "resends blindly": (
        _resends_blindly,
        Breach.PROMISE,
        "seed=1 0:ask:t0:L0:keyed:4550:B0:c0 h2:lost_before 9:pay:c0",
    ),
    "closes on the asked amount": (
        _closes_on_the_asked_amount,
        Breach.CLOSED_UNPAID,
        "seed=1 0:ask:t0:L0:keyed:4550:B0:c0 5:pay:c0:3000",
    ),
    "believes its own cancel": (
        _believes_its_own_cancel,
        Breach.LOST_APPROVAL,
        "seed=1 0:ask:t0:L0:keyed:4550:B0:c0 1:cancel:t0:L0 h4:lost_before 8:pay:c0",
    ),
    "forgets late money": (_forgets_late_money, Breach.LOST_APPROVAL, LATE),
    "sends before it writes": (_sends_before_it_writes, Breach.PROMISE, KEYED),
    "writes identifiers in clear": (_writes_identifiers_in_clear, Breach.PROMISE, KEYED),
    "names the customer while the QR lives": (
        _names_the_customer_while_the_qr_lives,
        Breach.DOUBLE_CHARGE,
        "seed=1 0:ask:t0:L0:either:4550:B0:c0 1:label:t0:L0:c1 2:scan:c0:L0 3:pay:c0 3:pay:c1",
    ),
    "recovers nothing": (_recovers_nothing, Breach.PROMISE, KEYED),
    "never hears a customer": (
        _never_hears_a_customer,
        Breach.STUCK,
        KEYED,
    ),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, breach, text = PLANTED[bug]
    schedule = Schedule.parse(text)
    assert play(schedule) == []
    plant(monkeypatch)
    assert breach in {finding.breach for finding in play(schedule)}


def test_a_failure_becomes_short_and_is_played_again_from_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _forgets_late_money(monkeypatch)
    noise = "h9:late:5 h14:twice 3:ask:t0:L1:keyed:2000:B1:c1 9:pay:c1 20:kill:t0:1 25:ack:t0:L1"
    schedule = Schedule.parse(f"{LATE} {noise}")

    def breaks(one: Schedule) -> bool:
        return any(finding.breach is Breach.LOST_APPROVAL for finding in play(one))

    short = minimise(schedule, breaks)
    assert len(short.items) <= 4
    assert breaks(Schedule.parse(str(short)))
    for place in range(len(short.items)):
        assert not breaks(short.with_items(short.items[:place] + short.items[place + 1 :]))
    assert replay(str(short), http=False) == 1
    assert capsys.readouterr().out.endswith(
        "schedules=1 double_charges=0 lost_approvals=1 closed_unpaid=0 stuck=0\n"
    )
