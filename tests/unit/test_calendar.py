"""French working days, against an independent package and against known dates."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvconnect_pos.core.calendar import WorkingDays, easter

YEARS = range(2020, 2036)
FRANCE = WorkingDays()
CALENDARS = [WorkingDays(alsace_moselle=a, bank=b) for a in (False, True) for b in (False, True)]

any_calendar = st.sampled_from(CALENDARS)
any_day = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(
    ("ours", "subdivision"),
    [(FRANCE, None), (WorkingDays(alsace_moselle=True), "57"), (WorkingDays(alsace_moselle=True), "6AE")],
    ids=["France", "Moselle", "Alsace"],
)
def test_the_holidays_are_those_of_an_independent_package(
    ours: WorkingDays, subdivision: str | None, year: int
) -> None:
    assert ours.holidays(year) == set(holidays.country_holidays("FR", subdiv=subdivision, years=year))


@pytest.mark.parametrize("year", YEARS)
def test_the_banks_rest_on_the_french_days_and_on_the_closing_days_of_t2(year: int) -> None:
    closed = set(holidays.financial_holidays("ECB", years=year))
    assert len(closed) == 6
    assert WorkingDays(bank=True).holidays(year) == closed | FRANCE.holidays(year)


@pytest.mark.parametrize("year", YEARS)
def test_every_day_of_a_year_counts_as_in_an_independent_package(year: int) -> None:
    oracle = holidays.country_holidays("FR", years=year)
    for number in range(365):
        day = date(year, 1, 1) + timedelta(days=number)
        assert FRANCE.is_working_day(day) == oracle.is_working_day(day), day


@given(day=st.dates(date(2020, 1, 1), date(2035, 6, 30)), number=st.integers(1, 30))
def test_the_count_is_that_of_an_independent_package(day: date, number: int) -> None:
    oracle = holidays.country_holidays("FR", years=[day.year, day.year + 1])
    assert FRANCE.add_working_days(day, number) == oracle.get_nth_working_day(day, number)


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (1583, date(1583, 4, 10)),
        (1818, date(1818, 3, 22)),
        (1943, date(1943, 4, 25)),
        (1954, date(1954, 4, 18)),  # the exceptions of Gauss's rule
        (1981, date(1981, 4, 19)),
        (2008, date(2008, 3, 23)),
        (2026, date(2026, 4, 5)),
        (2038, date(2038, 4, 25)),
        (2285, date(2285, 3, 22)),
    ],
)
def test_easter_falls_where_the_tables_say(year: int, sunday: date) -> None:
    assert easter(year) == sunday


@given(st.integers(1583, 9999))
def test_easter_is_a_sunday_of_spring(year: int) -> None:
    sunday = easter(year)
    assert sunday.weekday() == 6
    assert date(year, 3, 22) <= sunday <= date(year, 4, 25)


def test_five_working_days_after_6_may_2026_is_15_may() -> None:
    assert FRANCE.add_working_days(date(2026, 5, 6), 5) == date(2026, 5, 15)  # 8 and 14 May are holidays


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (FRANCE, date(2026, 4, 9)),
        (WorkingDays(alsace_moselle=True), date(2026, 4, 10)),
        (WorkingDays(bank=True), date(2026, 4, 10)),
    ],
)
def test_good_friday_counts_or_does_not(ours: WorkingDays, expected: date) -> None:
    assert ours.add_working_days(date(2026, 4, 1), 5) == expected


def test_ascension_on_1_may_is_one_holiday() -> None:
    assert len(FRANCE.holidays(2008)) == 10
    assert len(FRANCE.holidays(2026)) == 11


@given(calendar=any_calendar, day=any_day, number=st.integers(1, 40))
def test_the_count_ends_on_a_working_day_with_as_many_after_the_start(
    calendar: WorkingDays, day: date, number: int
) -> None:
    end = calendar.add_working_days(day, number)
    passed = [day + timedelta(days=i + 1) for i in range((end - day).days)]
    assert calendar.is_working_day(end)
    assert sum(map(calendar.is_working_day, passed)) == number


@given(calendar=any_calendar, day=any_day, first=st.integers(0, 20), then=st.integers(0, 20))
def test_counting_twice_is_counting_once(calendar: WorkingDays, day: date, first: int, then: int) -> None:
    halfway = calendar.add_working_days(day, first)
    assert calendar.add_working_days(halfway, then) == calendar.add_working_days(day, first + then)


def test_nothing_is_counted_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        FRANCE.add_working_days(date(2026, 5, 6), -1)


def test_no_day_after_a_day_is_the_day_itself() -> None:
    sunday = date(2026, 11, 22)
    assert FRANCE.add_working_days(sunday, 0) == sunday
    assert FRANCE.add_working_days(sunday, 1) == date(2026, 11, 23)
