"""Records with a day that has not come yet: nobody was born then, and no certificate was made out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ewallet.errors import UsageError
from ewallet.testing.clock import Clock
from ewallet.testing.kit import SUBJECT, Kit

KIND = "resident_register_copy"
RELATIVES = "family_relation_certificate"
LATE = datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)  # the last second of the 21st in Korea


@pytest.fixture
def kit():
    """An issuer whose day is nearly over."""
    return Kit.make(clock=Clock(LATE))


def _refused(kit, kind_id, claims, issue):
    """How a record is refused: the code, the place, and whether the value is told."""
    with pytest.raises(UsageError) as refused:
        issue(kit, kind_id, {**kit.catalog.type(kind_id).sample, **claims})
    return refused.value.code, refused.value.detail


def _to_wallet(kit, kind_id, claims):
    return kit.issue(kind_id, claims=claims)


def _on_paper(kit, kind_id, claims):
    return kit.issuer.issue_paper(kind_id, claims, subject=SUBJECT, recipient="가상은행", purpose="가상 심사")


@pytest.mark.parametrize("issue", [_to_wallet, _on_paper])
@pytest.mark.parametrize("day", ["2026-11-22", "2099-01-01", "9999-12-31"])
@pytest.mark.parametrize("name", ["issue_date", "subject_birth_date"])
def test_a_day_that_has_not_come_is_not_signed(name, day, issue, kit):
    """VCI-35, future date: the refusal names the field and not the value, whatever is issued."""
    found = _refused(kit, KIND, {name: day}, issue)

    assert ("issue.invalid_value", f"{name}: a day that has not come yet") == found


def test_a_day_that_has_not_come_is_found_in_rows(kit):
    """VCI-35, future date: as well of a relative, whose row is named."""
    rows = [dict(row) for row in kit.catalog.type(RELATIVES).sample["family_members"]]
    rows[-1]["birth_date"] = "2026-11-22"

    found = _refused(kit, RELATIVES, {"family_members": rows}, _to_wallet)

    place = f"family_members.{len(rows) - 1}.birth_date"
    assert ("issue.invalid_value", f"{place}: a day that has not come yet") == found


def test_days_begin_at_midnight_in_korea(kit):
    """VCI-35, future date: today is signed to its last second, and tomorrow from its first one on."""
    today = {**kit.catalog.type(KIND).sample, "issue_date": "2026-11-21"}
    assert kit.issue(KIND, claims=today).credential.claims

    kit.clock.set(LATE.replace(hour=15, minute=0, second=0))

    tomorrow = today | {"issue_date": "2026-11-22", "subject_birth_date": "2026-11-22"}
    assert kit.issue(KIND, claims=tomorrow).credential.claims


def test_an_expected_birth_may_be_to_come(kit):
    """Parental leave is taken for a child that is not born yet; other dates are not looked at."""
    claims = {**kit.catalog.type("childcare_leave_confirmation").sample, "child_birth_date": "2027-01-01"}
    assert kit.issue("childcare_leave_confirmation", claims=claims).credential.claims
