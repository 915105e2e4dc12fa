"""Cycles and ends of consents on the calendar of Korea, to the microsecond (MYD-19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.bundles import Provision
from ewallet.catalog.kinds import KST
from ewallet.consent import Choice, Consent
from ewallet.errors import ConsentError, UsageError
from ewallet.mydata import terms
from ewallet.testing.mydata import World

MICRO = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def consent() -> Consent:
    """A standing one."""
    return World.make().given("youth_savings_account", days=365)


def _standing(consent: Consent, since: str, cycle: str, **more: Any) -> Consent:
    begin = datetime.fromisoformat(since).replace(tzinfo=KST)
    provision = Provision(mode="periodic", cycle=cycle, longest=more.pop("longest", "P5Y"))
    end = begin + timedelta(days=more.pop("days", 3650))
    return replace(consent, since=begin.astimezone(UTC), until=end.astimezone(UTC), provision=provision)


@pytest.mark.parametrize(
    ("cycle", "since", "expected"),
    [
        ("P1D", "2026-12-30T23:59:59", ["2026-12-31", "2027-01-01", "2027-01-02"]),
        ("P7D", "2026-02-25T00:00:00", ["2026-03-04", "2026-03-11", "2026-03-18"]),
        ("P1M", "2027-01-31T09:00:00", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("P1M", "2028-01-30T09:00:00", ["2028-02-29", "2028-03-30", "2028-04-30"]),
        ("P1M", "2026-11-21T09:00:00", ["2026-12-21", "2027-01-21", "2027-02-21"]),
        ("P1Y", "2028-02-29T09:00:00", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
    ],
)
def test_cycles_begin_with_days_in_korea(consent: Consent, cycle: str, since: str, expected: list[str]) -> None:
    """Each at midnight there; a day that its month does not have is the last of it, and the next has its own again."""
    standing = _standing(consent, since, cycle)
    begins = [terms.begin_of(standing, number + 1).astimezone(KST) for number in range(len(expected))]

    assert [f"{day}T00:00:00+09:00" for day in expected] == [begin.isoformat() for begin in begins]
    assert standing.since == terms.begin_of(standing, 0)
    for number, begin in enumerate(begins):
        assert (number, number + 1) == (terms.cycle_at(standing, begin - MICRO), terms.cycle_at(standing, begin))


def test_nothing_is_due_at_the_end(consent: Consent) -> None:
    """A cycle that would begin with the end, or behind it, does not; nor does one of what is provided once."""
    standing = _standing(consent, "2026-11-21T00:00:00", "P7D", days=14)
    once = replace(standing, provision=Provision(mode="once"))

    assert terms.begin_of(standing, 1) == terms.due_after(standing, 0)
    assert terms.due_after(standing, 1) is None
    assert terms.due_after(once, 0) is None
    assert 0 == terms.cycle_at(once, standing.until)


@pytest.mark.parametrize(
    ("end", "instant"),
    [("2028-02-29", "2028-02-29T15:00:00+00:00"), ("2027-02-28", "2027-02-28T15:00:00+00:00")],
)
def test_consent_ends_with_the_day_in_korea(consent: Consent, end: str, instant: str) -> None:
    """On its last day it holds until midnight in Korea, kept in UTC; a second later it is over (MYD-19)."""
    catalog, until = Catalog.bundled(), date.fromisoformat(end)
    since = datetime(2026, 11, 21, 3, tzinfo=UTC)
    days = (until - date(2026, 11, 21)).days
    made = Consent.propose(
        catalog.bundle("bank_personal_loan"),
        catalog,
        Choice(road="portal", days=days),
        id_="consent-1",
        recipient=consent.recipient,
        since=since,
    )
    assert datetime.fromisoformat(instant) == made.until
    made.check_in_force(made.until - MICRO)
    with pytest.raises(ConsentError) as over:
        made.check_in_force(made.until)
    with pytest.raises(ConsentError) as early:
        made.check_in_force(made.since - timedelta(seconds=61))
    assert ("consent.expired", "consent.not_yet_valid") == (over.value.code, early.value.code)


def test_standing_consent_is_no_longer_than_its_bundle_allows(consent: Consent) -> None:
    """A day too many is refused, whatever the calendar."""
    fits = _standing(consent, "2028-02-29T00:00:00", "P1Y", longest="P1Y", days=366)
    too_long = _standing(consent, "2028-02-29T00:00:00", "P1Y", longest="P1Y", days=367)

    terms.check_period(fits)
    with pytest.raises(UsageError) as refused:
        terms.check_period(too_long)
    assert "usage.argument" == refused.value.code


def test_strange_period_is_refused() -> None:
    """Nothing but whole days, months and years."""
    for period in ("P0D", "P1W", "1M", "P1M1D", "", "P1000D"):
        with pytest.raises(UsageError) as refused:
            terms.later(date(2026, 11, 21), period, 1)
        assert "usage.argument" == refused.value.code
