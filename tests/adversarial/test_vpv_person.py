"""Row VPV-15 of the security matrix: an answer is about one person, where the bank wants that.

By a reference that says nothing else, or by name and date of birth; who cannot tell says so.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewallet import policy
from ewallet.credential import Credential, Validity
from ewallet.dcql import Query
from ewallet.errors import PolicyError
from ewallet.policy import AllOf, AnyOf, IssuedWithin, RequireStatus, SamePerson
from ewallet.testing.clock import START
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import Verifier

REGISTER, INCOME = "resident_register_copy", "income_amount_certificate"
MINE = {"name": "홍길동", "birth_date": "1999-03-02"}


def _credential(**claims):
    return Credential(
        format="dc+sd-jwt",
        type_id="urn:example:kind",
        issuer=None,
        validity=Validity(START, None),
        issued=START,
        holder=None,
        status=None,
        claims=claims,
    )


def _code(*claims, rule=None):
    try:
        policy.check(rule or SamePerson(), [_credential(**each) for each in claims], START)
    except PolicyError as exc:
        return exc.code
    return "alike"


ANSWERS = {
    "one certificate": (({},), "alike"),
    "one reference": (({"subject_ref": "a"}, {"subject_ref": "a"}), "alike"),
    "two references": (({"subject_ref": "a", **MINE}, {"subject_ref": "b", **MINE}), "policy.subject_mismatch"),
    "name and birth": ((MINE, MINE), "alike"),
    "called otherwise": ((MINE, {"subject_name": "홍길동", "subject_birth_date": "1999-03-02"}), "alike"),
    "in single letters": ((MINE, MINE | {"name": "\u1112\u1169\u11bc\u1100\u1175\u11af\u1103\u1169\u11bc"}), "alike"),
    "another name": ((MINE, MINE | {"name": "김가상"}), "policy.subject_mismatch"),
    "another birth": ((MINE, MINE | {"birth_date": "1999-03-03"}), "policy.subject_mismatch"),
    "no birth": ((MINE, {"name": "홍길동"}), "policy.subject_unknown"),
    "a reference and none": (({"subject_ref": "a"}, MINE), "policy.subject_unknown"),
    "references beside names": (({"subject_ref": "a", **MINE}, MINE), "alike"),
    "a reference withheld beside two": (
        ({"subject_ref": "a", **MINE}, {"subject_ref": "b", **MINE}, MINE),
        "policy.subject_mismatch",
    ),
    "no text": (({"subject_ref": 1, "name": True}, {"subject_ref": 1, "name": True}), "policy.subject_unknown"),
    "two of three": ((MINE, MINE, {}), "policy.subject_unknown"),
    "a stranger and somebody unknown": ((MINE, {}, MINE | {"name": "김가상"}), "policy.subject_mismatch"),
}


@pytest.mark.parametrize(("claims", "code"), ANSWERS.values(), ids=ANSWERS)
def test_vpv_15_who_a_certificate_is_about_is_compared(claims, code):
    """VPV-15: a difference that is seen outweighs what cannot be told."""
    assert code == _code(*claims)


def test_vpv_15_rules_about_an_answer_combine_with_others():
    """VPV-15: with all of some, or any; a rule about one certificate goes on to be about each."""
    others = (MINE, MINE | {"name": "김가상"})

    assert "policy.subject_mismatch" == _code(*others, rule=AllOf(IssuedWithin(START - START), SamePerson()))
    assert "alike" == _code(*others, rule=AnyOf(SamePerson(), IssuedWithin(START - START)))
    assert "policy.subject_mismatch" == _code(*others, rule=AnyOf(RequireStatus(), SamePerson()))
    assert "alike" == _code(MINE, rule=SamePerson())
    SamePerson().check(_credential(), START)


@pytest.fixture
def judged(ewallet_kit):
    """The verdict on a register and a certificate of income, the latter of whom one likes, with what was asked."""
    kit = ewallet_kit
    bank = Verifier(
        kit.verifier.client_id, trust=kit.pki.trust_list(), store=kit.verifier_store, policy=SamePerson(), env=kit.env
    )

    def verdict(asked, **changes):
        for kind, change in ((REGISTER, {}), (INCOME, changes)):
            claims = kit.catalog.type(kind).sample | change
            kit.wallet.put(
                kit.issuer.issue(kind, claims, subject="citizen-1", holders=kit.wallet.new_keys(1)).credentials
            )
        credentials = [
            {
                "id": kind,
                "format": "dc+sd-jwt",
                "meta": {"vct_values": [kit.catalog.type(kind).vct]},
                "claims": [{"path": [name]} for name in asked[kind]],
            }
            for kind in (REGISTER, INCOME)
        ]
        presented = kit.present(Query.parse({"credentials": credentials}))
        for uri in kit.issuer.status_lists():
            bank.put_status_token(kit.issuer.status_token(uri))
        return bank.verify(presented.token, presented.request)

    return verdict


WHO = {REGISTER: ["subject_name", "subject_birth_date"], INCOME: ["name", "birth_date"]}


def test_vpv_15_two_certificates_of_one_person_are_accepted(judged, ewallet_kit):
    """VPV-15: the honest answer."""
    register = ewallet_kit.catalog.type(REGISTER).sample
    same = {"name": register["subject_name"], "birth_date": register["subject_birth_date"]}

    assert isinstance(judged(WHO, **same), Accepted)


def test_vpv_15_certificates_of_two_people_are_no_answer(judged):
    """VPV-15: a good register and somebody else's income, both bound to the same wallet."""
    verdict = judged(WHO, name="김가상")

    assert isinstance(verdict, Rejected)
    assert "policy.subject_mismatch" == verdict.code


def test_vpv_15_what_was_not_asked_cannot_be_told(judged):
    """VPV-15: undecided, and neither a yes nor a no."""
    verdict = judged({REGISTER: ["resident_address"], INCOME: ["name"]})

    assert isinstance(verdict, Undecided)
    assert "policy.subject_unknown" == verdict.code


def test_vpv_15_a_bank_may_say_how_its_kinds_call_them():
    """VPV-15: other pairs of claims."""
    rule = replace(SamePerson(), persons=(("이름", "생년월일"),))
    told = {"이름": "홍길동", "생년월일": "1999-03-02"}

    assert ["alike", "policy.subject_unknown"] == [_code(told, told, rule=rule), _code(MINE, MINE, rule=rule)]
