"""Working days in France, computed: no table of years that runs out.

A working day (*jour ouvré*) is a day from Monday to Friday that is no holiday. The law is that of today, whatever the year.

Source: Code du travail, L3133-1 (the eleven holidays) and L3134-13 (Alsace-Moselle); ECB press release of 14 December
2000, "Long-term calendar for TARGET closing days" (from 2002 until further notice; T2 closes on the same days).
The holidays of the overseas territories (L3422-2) are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_FIXED: Final = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER: Final = (1, 39, 50)
"""In days: Easter Monday, Ascension, Whit Monday."""

_GOOD_FRIDAY: Final = -2
_SATURDAY: Final = 5


def easter(year: int) -> date:
    """Find Easter Sunday, by the anonymous Gregorian algorithm.

    Args:
        year: A year of the Gregorian calendar, from 1583.

    Returns:
        The Sunday, between 22 March and 25 April.

    Source: Butcher's Ecclesiastical Calendar, 1876, as H. V. Smith gives it in Mathematical Spectrum 11 (1978/79), 23-24.
    """
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    lunar = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - leap_centuries - lunar + 15) % 30
    leaps, leap_rest = divmod(of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leaps - moon - leap_rest) % 7
    late = (golden + 11 * moon + 22 * to_sunday) // 451
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days count, in one place and for one purpose.

    The bank's calendar adds the closing days of T2 to the French holidays, it does not replace them: a transfer is given
    by a French establishment, which rests on the French days, and is settled between banks, which happens on no closing
    day of T2. An estimate that is a day late disappoints nobody. Both options add the same two days, for two reasons.

    Unverified: which of these calendars the provider counts by.

    Args:
        alsace_moselle: Whether Good Friday and 26 December are holidays, as in Bas-Rhin, Haut-Rhin and Moselle.
        bank: Whether the closing days of T2, the settlement system of the banks, do not count either.
    """

    alsace_moselle: bool = False
    bank: bool = False

    def holidays(self, year: int) -> frozenset[date]:
        """List the holidays of a year, those on a Saturday or Sunday included.

        Args:
            year: A year, from 1583.

        Returns:
            Eleven days or, with an option, thirteen; fewer when two fall on one day (1 May and Ascension, as in 2008).
        """
        sunday = easter(year)
        days = {date(year, month, day) for month, day in _FIXED}
        days |= {sunday + timedelta(days=after) for after in _AFTER_EASTER}
        if self.alsace_moselle or self.bank:
            days |= {sunday + timedelta(days=_GOOD_FRIDAY), date(year, 12, 26)}
        return frozenset(days)

    def is_working_day(self, day: date) -> bool:
        """Whether people work on that day: neither Saturday, nor Sunday, nor a holiday."""
        return day.weekday() < _SATURDAY and day not in self.holidays(day.year)

    def add_working_days(self, day: date, number: int) -> date:
        """Count working days forward; the day itself does not count, whether people work on it or not.

        Args:
            day: From when.
            number: How many, 0 or more; 0 gives the day itself.

        Returns:
            The working day on which the count ends.

        Raises:
            ValueError: The number is negative.
        """
        if number < 0:
            raise ValueError("working days are counted forward")
        while number:
            day += timedelta(days=1)
            number -= self.is_working_day(day)
        return day
