"""When a standing consent is provided under: cycles of days, weeks, months or years on the calendar of Korea.

A cycle begins with a day in Korea. Months and years count from the day on which the consent was given; where a month
is shorter, its last day stands for the missing one, and the next month has its own again (31 January, 28 February, 31
March). The first cycle begins with the consent itself. Nothing begins on or after the end.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from ewallet.catalog.bundles import PERIOD
from ewallet.catalog.kinds import KST
from ewallet.consent import Consent
from ewallet.errors import UsageError


def cycle_at(consent: Consent, at: datetime) -> int:
    """The number of the cycle that a time lies in; 0 before the second one, and always where it is once."""
    if consent.provision.cycle is None:
        return 0
    number = _guess(consent.provision.cycle, _day(consent.since), _day(at))
    while number > 0 and begin_of(consent, number) > at:
        number -= 1
    return number


def begin_of(consent: Consent, number: int) -> datetime:
    """When that cycle begins."""
    if number == 0 or consent.provision.cycle is None:
        return consent.since
    return _midnight(later(_day(consent.since), consent.provision.cycle, number))


def due_after(consent: Consent, number: int) -> datetime | None:
    """When something is to be provided after that cycle; None where nothing is, unasked or ever."""
    if consent.provision.cycle is None:
        return None
    following = begin_of(consent, number + 1)
    return following if following < consent.until else None


def check_period(consent: Consent) -> None:
    """Return if the consent is no longer than its bundle allows for standing ones; ``usage.argument``."""
    longest = consent.provision.longest
    if longest and consent.until > _midnight(later(_day(consent.since), longest, 1) + timedelta(days=1)):
        raise UsageError("usage.argument", f"a longer time than {longest}, for which this bundle is provided at most")


def later(day: date, period: str, times: int) -> date:
    """The day that many periods after; a day that its month does not have is the last of the month."""
    found = PERIOD.fullmatch(period)
    if not found:
        raise UsageError("usage.argument", "a period that is not such as P7D, P1M or P1Y")
    count = int(found[1]) * times
    if found[2] == "D":
        return day + timedelta(days=count)
    months = day.year * 12 + day.month - 1 + count * (12 if found[2] == "Y" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _guess(period: str, first: date, day: date) -> int:
    """As many cycles as there may be at most: whole days, or months that have begun."""
    found = PERIOD.fullmatch(period)
    length = int(found[1]) if found else 1
    if found and found[2] == "D":
        return max((day - first).days // length, 0)
    months = (day.year - first.year) * 12 + day.month - first.month
    return max(months // (length * (12 if found and found[2] == "Y" else 1)), 0)


def _day(at: datetime) -> date:
    return at.astimezone(KST).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), KST).astimezone(UTC)
