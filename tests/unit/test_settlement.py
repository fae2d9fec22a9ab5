"""The forecast of transfers: every cent that was received is told once, on its day in Paris."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos import Authorization, Outcome, State
from cvconnect_pos.core.calendar import WorkingDays
from cvconnect_pos.settlement import (
    SettlementForecast,
    forecast_settlement,
    last_words,
    payment_day,
)

NOON = datetime(2026, 5, 6, 10, 0, tzinfo=UTC)  # noon in Paris

WITH_MONEY = {
    State.APPROVED: "kept",
    State.DECIDING: "kept",
    State.REVERSED: "reversed",
    State.REVERSED_AFTER_KEEP: "reversed",
}
WITHOUT = (State.REFUSED, State.EXPIRED, State.CANCELLED, State.ORPHANED, State.LINE_RELEASED)


def outcome(
    request_id: str,
    cents: int = 4550,
    *,
    state: State = State.APPROVED,
    at: datetime = NOON,
    validated: Sequence[datetime | None] = (),
    simulation: bool = False,
    surplus: int = 0,
) -> Outcome:
    where = WITH_MONEY.get(state)
    return Outcome(
        request_id=request_id,
        basket_ref="B",
        state=state,
        asked_cents=4550,
        received_cents=cents if where == "kept" else 0,
        remaining_cents=0,
        reversed_cents=cents if where == "reversed" else 0,
        surplus_cents=surplus,
        transaction_id=f"t{request_id}",
        authorizations=tuple(Authorization("1", cents, "", moment) for moment in validated),
        beneficiary="",
        reason="",
        ended_at=at,
        simulation=simulation,
    )


moments = st.integers(-180_000, 180_000).map(lambda minutes: NOON + timedelta(minutes=minutes))
outcomes = st.builds(
    outcome,
    st.sampled_from([f"r{i}" for i in range(12)]),
    st.integers(1, 100_000),
    state=st.sampled_from([*WITH_MONEY, *WITHOUT]),
    at=moments,
    validated=st.lists(st.none() | moments, max_size=3),
    simulation=st.booleans(),
)


def test_money_beside_a_payment_that_is_to_be_given_back_is_told_and_expected_in_no_transfer() -> None:
    forecast = forecast_settlement(
        [outcome("a", 4550, surplus=2000), outcome("b", state=State.EXPIRED, surplus=100)]
    )
    [day] = forecast.production
    assert (day.kept_cents, day.surplus_cents, day.received_cents) == (4550, 2100, 4550)
    assert "  Trop perçu, à rendre, non compris : 21,00\u00a0€" in forecast.text().splitlines()


def test_a_days_payments_are_one_transfer_five_working_days_later() -> None:
    forecast = forecast_settlement(
        [outcome("a", 4550), outcome("b", 3000), outcome("c", state=State.REFUSED)]
    )
    [day] = forecast.production
    assert (day.day, day.transfer_on) == (date(2026, 5, 6), date(2026, 5, 15))
    assert (day.payments, day.kept_cents, day.received_cents) == (2, 7550, 7550)
    assert forecast.simulation == ()


def test_the_calendar_is_an_option() -> None:
    paid = [outcome("a", at=datetime(2026, 4, 1, 10, 0, tzinfo=UTC))]
    [plain] = forecast_settlement(paid).production
    [bank] = forecast_settlement(paid, working_days=WorkingDays(bank=True)).production
    assert (plain.transfer_on, bank.transfer_on) == (date(2026, 4, 9), date(2026, 4, 10))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 14, 21, 59, tzinfo=UTC), date(2026, 7, 14)),
        (datetime(2026, 7, 14, 22, 0, tzinfo=UTC), date(2026, 7, 15)),  # summer time
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),  # winter time
    ],
)
def test_the_day_is_the_one_of_paris(moment: datetime, day: date) -> None:
    assert payment_day(outcome("a", at=moment)) == day


def test_the_day_is_the_customers_and_not_the_one_of_the_last_journal_entry() -> None:
    late = NOON + timedelta(days=2)
    assert payment_day(outcome("a", at=late, validated=[NOON])) == date(2026, 5, 6)
    assert payment_day(outcome("a", at=late, validated=[NOON, None])) == date(2026, 5, 6)
    assert payment_day(outcome("a", at=late, validated=[NOON, NOON + timedelta(days=1)])) == date(2026, 5, 7)


def test_a_payment_reversed_on_the_next_day_leaves_the_sum_of_its_own_day() -> None:
    evening = datetime(2026, 5, 6, 21, 30, tzinfo=UTC)
    night = datetime(2026, 5, 6, 22, 30, tzinfo=UTC)  # half past midnight in Paris
    forecast = forecast_settlement(
        [
            outcome("a", 3000, at=evening, validated=[evening]),
            outcome("b", 4550, state=State.REVERSED, at=night, validated=[evening]),
        ]
    )
    [day] = forecast.production
    assert day.day == date(2026, 5, 6)
    assert (day.kept_cents, day.reversed_cents, day.reversed_later_cents) == (3000, 4550, 4550)


def test_a_payment_reversed_on_its_own_day_is_not_said_to_be_reversed_later() -> None:
    [day] = forecast_settlement([outcome("a", state=State.REVERSED, validated=[NOON])]).production
    assert (day.payments, day.kept_cents, day.reversed_cents, day.reversed_later_cents) == (0, 0, 4550, 0)


def test_what_a_person_must_decide_is_not_promised() -> None:
    [day] = forecast_settlement([outcome("a", state=State.DECIDING)]).production
    assert (day.kept_cents, day.undecided_cents, day.received_cents) == (0, 4550, 4550)


def test_a_result_that_is_delivered_again_counts_once_and_the_last_word_counts() -> None:
    approved = outcome("a", validated=[NOON])
    reversed_ = replace(
        outcome("a", state=State.REVERSED, validated=[NOON]), ended_at=NOON + timedelta(hours=1)
    )
    for order in ([approved, approved, reversed_], [reversed_, approved, approved]):
        [day] = forecast_settlement(order).production
        assert (day.kept_cents, day.reversed_cents) == (0, 4550)


def test_a_simulation_never_enters_the_sum_of_production() -> None:
    forecast = forecast_settlement([outcome("a", 4550), outcome("a", 99_999, simulation=True)])
    assert [day.kept_cents for day in forecast.production] == [4550]
    assert [day.kept_cents for day in forecast.simulation] == [99_999]


@given(st.lists(outcomes, max_size=30))
def test_every_cent_of_every_last_word_is_in_one_day(given_: list[Outcome]) -> None:
    forecast = forecast_settlement(given_)
    last, replaced = last_words(given_)
    assert len(last) + len(replaced) == len(given_)
    for simulation, days in ((False, forecast.production), (True, forecast.simulation)):
        ours = [o for o in last if o.simulation is simulation]
        assert [d.day for d in days] == sorted({d.day for d in days})
        assert sum(d.received_cents for d in days) == sum(o.received_cents + o.reversed_cents for o in ours)
        assert sum(d.kept_cents for d in days) == sum(o.received_cents for o in ours if o.is_paid)
        assert sum(d.payments for d in days) == sum(o.is_paid for o in ours)
        assert all(0 <= d.reversed_later_cents <= d.reversed_cents for d in days)
        assert all(d.received_cents > 0 and d.transfer_on > d.day for d in days)


@given(
    st.lists(outcomes, max_size=12, unique_by=lambda o: o.request_id).flatmap(
        lambda chosen: st.tuples(st.just(chosen), st.permutations(chosen))
    )
)
def test_the_order_of_the_outcomes_does_not_matter(both: tuple[list[Outcome], list[Outcome]]) -> None:
    assert forecast_settlement(both[0]) == forecast_settlement(both[1])


def test_the_forecast_is_plain_json_and_says_that_it_is_an_estimate() -> None:
    forecast = forecast_settlement([outcome("a"), outcome("b", simulation=True)])
    plain = json.loads(json.dumps(forecast.as_dict()))
    assert plain["estimate"] is True
    assert plain["production"][0]["transfer_on"] == "2026-05-15"
    assert plain["simulation"][0]["kept_cents"] == 4550


def test_the_screen_says_amount_and_estimated_date_in_french() -> None:
    text = forecast_settlement(
        [outcome("a", 123_450), outcome("b", state=State.REVERSED), outcome("c", state=State.DECIDING)]
    ).text()
    for said in (
        "dates estimées",
        "06/05/2026",
        "1\u00a0234,50\u00a0€",
        "vers le 15/05/2026",
        "Annulé",
        "À décider",
    ):
        assert said in text
    assert "SIMULATION" not in text


def test_the_screen_sets_simulations_apart_under_their_banner() -> None:
    text = forecast_settlement([outcome("a", simulation=True)]).text()
    production, _, simulation = text.partition("SIMULATION - SANS VALEUR")
    assert "Aucun virement attendu" in production and "45,50" not in production
    assert "45,50" in simulation


@given(st.lists(outcomes, max_size=20))
def test_no_line_of_the_screen_is_longer_than_80_characters(given_: list[Outcome]) -> None:
    forecast = forecast_settlement(given_)
    for language in ("fr", "en"):
        assert all(len(line) <= 80 for line in forecast.text(language).splitlines())


def test_nothing_received_is_said() -> None:
    assert forecast_settlement([]) == SettlementForecast((), ())
    assert "Aucun virement attendu." in forecast_settlement([]).text()
    assert "No transfer is expected." in forecast_settlement([]).text("en")
