"""The joint verdict: of everybody's answers one, and who is missing by role and never by name."""

from __future__ import annotations

import pytest

from ewallet.exchange import Collected, Expired, Waiting
from ewallet.joint import judge
from ewallet.oid4vp.response import Declined
from ewallet.testing.clock import START
from ewallet.verdict import Accepted, Check, Rejected, Undecided

HONG = {"name": "홍길동", "birth_date": "1999-03-02"}
SEONG = {"name": "성춘향", "birth_date": "1999-09-09"}


def _accepted(*certificates):
    claims = {f"kind_{number}": values for number, values in enumerate(certificates)}
    return Accepted(checks=(Check("format", "passed"),), at=START, claims=claims)


def _judged(**outcomes):
    return judge(outcomes, START)


def _household(*rows):
    return {"household_members": list(rows), "subject_name": HONG["name"], "subject_birth_date": HONG["birth_date"]}


def test_a_case_is_accepted_if_every_member_is():
    """Its claims are by role, its checks named by the roles."""
    verdict = _judged(applicant=_accepted(HONG), spouse=_accepted(SEONG))

    assert isinstance(verdict, Accepted)
    assert {"applicant": {"kind_0": HONG}, "spouse": {"kind_0": SEONG}} == verdict.claims
    assert ["applicant", "spouse", "persons", "household"] == [check.name for check in verdict.checks]


MISSING = {
    "nobody answered": Expired(),
    "declined": Declined(error="access_denied"),
    "still waiting": Waiting(until=START),
}


@pytest.mark.parametrize("outcome", MISSING.values(), ids=MISSING)
def test_who_is_missing_is_named_by_role(outcome):
    """And the case is undecided; what the others showed is not given out."""
    verdict = _judged(applicant=_accepted(HONG), spouse=outcome)

    assert isinstance(verdict, Undecided)
    assert ["spouse"] == [check.name for check in verdict.missing]
    assert "policy.joint_missing" == verdict.code
    assert verdict.to_json()["claims"] is None


def test_one_rejected_member_rejects_the_case():
    """Whatever the others are; one that is undecided leaves it open."""
    no = Rejected(checks=(Check("status", "failed", "status.revoked"),), at=START)
    unknown = Undecided(checks=(Check("status", "unknown", "status.unavailable"),), at=START)

    assert "status.revoked" == _judged(applicant=_accepted(HONG), spouse=no, child=Expired()).code
    assert "status.unavailable" == _judged(applicant=unknown, spouse=_accepted(SEONG)).code


def test_claims_that_were_read_before_leave_it_undecided():
    """There is nothing left to compare."""
    read = Collected(checks=(), at=START)
    assert "policy.subject_unknown" == _judged(applicant=read, spouse=_accepted(SEONG)).code


PERSONS = {
    "twice": ((HONG,), (HONG,), "policy.joint_twice"),
    "twice in other letters": (
        (HONG,),
        (HONG | {"name": "\u1112\u1169\u11bc\u1100\u1175\u11af\u1103\u1169\u11bc"},),
        "policy.joint_twice",
    ),
    "twice under other names of claims": (
        (HONG,),
        ({"subject_name": HONG["name"], "subject_birth_date": HONG["birth_date"]},),
        "policy.joint_twice",
    ),
    "twice with a space": ((HONG,), (HONG | {"name": "홍 길동 "},), "policy.joint_twice"),
    "twice in another case and width": (
        (HONG | {"name": "HONG GIL-DONG"},),
        (HONG | {"name": "\uff28ong Gildong"},),
        "policy.joint_twice",
    ),
    "twice by the second certificate": (
        (HONG,),
        (HONG | {"name": "HONG GILDONG"}, HONG),
        "policy.joint_twice",
    ),
    "by two spellings of the own name": ((HONG,), (SEONG, SEONG | {"name": "SEONG CHUNHYANG"}), None),
    "of one name": ((HONG,), (HONG | {"birth_date": "1970-01-01"},), None),
    "no birth date": ((HONG,), ({"name": "성춘향"},), "policy.subject_unknown"),
    "said by the second certificate": ((HONG,), ({"amount": 1}, SEONG), None),
}


@pytest.mark.parametrize(("one", "other", "code"), PERSONS.values(), ids=PERSONS)
def test_nobody_answers_in_two_places(one, other, code):
    """By name and birth date; who cannot be told is nobody in particular."""
    assert code == _judged(applicant=_accepted(*one), spouse=_accepted(*other)).code


HOUSEHOLDS = {
    "both": ((HONG, SEONG), None),
    "one only": ((HONG,), "policy.joint_household"),
    "a row that could be anybody": ((HONG, {"name": "성춘향"}), "policy.subject_unknown"),
    "in another spelling": ((HONG, SEONG | {"name": "성 춘향"}), None),
    "another birth date": ((HONG, SEONG | {"birth_date": "2000-01-01"}), "policy.joint_household"),
}


@pytest.mark.parametrize(("rows", "code"), HOUSEHOLDS.values(), ids=HOUSEHOLDS)
def test_everybody_is_in_the_household_that_was_shown(rows, code):
    """Where one of them shows the rows of a register copy."""
    assert code == _judged(applicant=_accepted(_household(*rows)), spouse=_accepted(SEONG)).code


def test_a_detail_names_nobody():
    """Whatever goes wrong."""
    verdict = _judged(applicant=_accepted(_household(HONG)), spouse=_accepted(SEONG))
    assert "성춘향" not in str(verdict.to_json())


COLUMNS = {
    "both": ({"name": ["홍길동", "성춘향"], "birth_date": ["1999-03-02", "1999-09-09"]}, None),
    "one only": ({"name": ["홍길동"], "birth_date": ["1999-03-02"]}, "policy.joint_household"),
    "dates of other rows": (
        {"name": ["홍길동", "성춘향"], "birth_date": ["1999-09-09", "1999-03-02"]},
        "policy.joint_household",
    ),
    "no names": ({"birth_date": ["1999-03-02", "1999-09-09"]}, "policy.subject_unknown"),
    "a name without a date": (
        {"name": ["홍길동", "성춘향"], "birth_date": ["1999-03-02"]},
        "policy.subject_unknown",
    ),
}


@pytest.mark.parametrize(("columns", "code"), COLUMNS.values(), ids=COLUMNS)
def test_rows_of_which_single_claims_were_asked_are_a_household_too(columns, code):
    """A verdict has each claim for all rows; without names and dates the rows may be anybody's."""
    shown = HONG | {f"household_members.*.{name}": values for name, values in columns.items()}
    assert code == _judged(applicant=_accepted(shown), spouse=_accepted(SEONG)).code
