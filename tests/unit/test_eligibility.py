"""The yes/no service: every branch is consulted, and nothing tells which of them said yes."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from shutil import copytree
from typing import Any

import cbor2
import jsonschema_rs
import pytest

from ewallet.catalog import Catalog, eligibility
from ewallet.eligibility import KIND, EligibilityRecords
from ewallet.errors import Malformed, NotFound, Restricted, TransportError, UsageError
from ewallet.formats import FORMATS
from ewallet.keys import SigningKey
from ewallet.records import Pending
from ewallet.shape import base64url
from ewallet.testing.clock import Clock
from ewallet.testing.mydata import World
from ewallet.verdict import Accepted

CATALOG = Catalog.bundled()
INBOX = World.make().mydata
RULE = CATALOG.rule("public_facility_discount")
MUSEUM = CATALOG.rule("museum_free_admission")
FILES = sorted((CATALOG.folder / "rules").glob("*.json"))
FILE = json.loads((CATALOG.folder / "rules" / "public_facility_discount.json").read_bytes())
WHO = "citizen-1"
CANARY = "가나다라마바"  # in every record, and in nothing that is made of it

#: What makes each branch say yes; everybody's other records say no.
YES = {
    "disabled_person_certificate": {"disability_registration_date": "2015-05-05"},
    "basic_livelihood_recipient_certificate": {"benefit_types": [{"benefit": "생계급여"}]},
    "resident_register_abstract": {"birth_date": "1950-01-01"},
    "national_merit_certificate": {"registered_date": "1999-01-01"},
    "single_parent_family_certificate": {"expiry_date": "2027-05-05"},
    "resident_register_copy": {
        "household_members": [{"relationship_to_head": "자녀", "birth_date": "2020-01-01"} for _ in range(2)]
    },
}
NO = {
    "basic_livelihood_recipient_certificate": {"benefit_types": []},
    "resident_register_abstract": {"birth_date": "1990-01-01"},
    "single_parent_family_certificate": {"expiry_date": "2020-05-05"},
    "resident_register_copy": {"household_members": []},
}
PEOPLE = {"nobody": (), **{kind: (kind,) for kind in YES}, "everybody": tuple(YES)}


class Agencies:
    """Records of one person that say yes to some branches, or what is ``said``; ``down`` has agencies that fail."""

    def __init__(self, *yes, down=None, said=None):
        self.said = NO | {kind: YES[kind] for kind in yes} | (said or {})
        self.down = down or {}
        self.asked = []

    def claims(self, subject, type_id):
        self.asked.append((subject, type_id))
        fault = self.down.get(type_id)
        if isinstance(fault, Pending):
            return fault
        if fault:
            raise fault
        return {"name": CANARY, **self.said.get(type_id, {})}


def _records(agencies, *, clock=None, inbox=INBOX):
    return EligibilityRecords(agencies, CATALOG, inbox=inbox, env=(clock or Clock()).env())


def _answer(agencies, *, rule=RULE, **terms):
    return _records(agencies, **terms).claims(WHO, rule.asked)


@pytest.mark.parametrize("yes", PEOPLE.values(), ids=PEOPLE)
def test_any_branch_will_do_and_all_are_consulted(yes):
    """Once each, in the same order, whoever it is and whatever they said."""
    agencies = Agencies(*yes)
    answer = _answer(agencies)
    assert {"rule": RULE.id, "version": RULE.version, "answer": "Y" if yes else "N"} == answer
    assert [(WHO, branch.type_id) for branch in RULE.branches] == agencies.asked


@pytest.mark.parametrize("branch", RULE.branches, ids=lambda branch: branch.type_id)
@pytest.mark.parametrize("nothing", [NotFound("storage.not_found"), Restricted()], ids=["absent", "closed"])
def test_who_is_not_on_record_is_no_case_of_that_branch(branch, nothing):
    """Nor whose record is closed to whoever asks; the other branches decide."""
    others = tuple(kind for kind in YES if kind != branch.type_id)
    down = {branch.type_id: nothing}
    assert ["N", "N", "Y"] == [_answer(Agencies(*yes, down=down))["answer"] for yes in ((), (branch.type_id,), others)]


FAULTS = {
    "unreachable": TransportError("fetch.unavailable", "the records answered 503"),
    "not ready": Pending(timedelta(days=2)),
    "broken": UsageError("issue.invalid_value", "record: malformed.json"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("silent", YES)
def test_while_an_agency_is_silent_nobody_is_answered(silent, fault):
    """Not even who is eligible without it: the same wait for all, and all other agencies are consulted still."""
    found = [Agencies(*yes, down={silent: fault}) for yes in PEOPLE.values()]
    answers = [_answer(agencies) for agencies in found]
    assert [Pending(timedelta(minutes=10))] * len(PEOPLE) == answers
    assert {len(RULE.branches)} == {len(agencies.asked) for agencies in found}


def test_what_is_no_answer_is_the_record_as_it_is():
    """Other kinds go through untouched, and are asked for once."""
    agencies = Agencies()
    record = _records(agencies).claims(WHO, "disabled_person_certificate")
    assert ({"name": CANARY}, [(WHO, "disabled_person_certificate")]) == (record, agencies.asked)


def test_each_is_answered_by_the_rule_they_ask_about():
    """One kind for all rules; the rule and its version are in the answer, and nobody is answered without a rule."""
    agencies = Agencies("single_parent_family_certificate")
    answers: list[Any] = [_answer(agencies, rule=rule) for rule in (RULE, MUSEUM)]
    assert [(RULE.id, "Y"), (MUSEUM.id, "N")] == [(answer["rule"], answer["answer"]) for answer in answers]
    assert (None, None) == tuple(_records(agencies).trace(WHO, type_id) for type_id in (KIND, f"{KIND}:other"))


def test_every_rule_of_the_folder_is_answered(tmp_path):
    """A file that was put there is a rule like the others; whoever offers it changes no code."""
    copytree(CATALOG.folder, tmp_path / "schemas")
    rule = FILE | {"id": "swimming_lessons", "name": {"ko": "수영 강습 감면", "en": "Cheaper swimming lessons"}}
    (tmp_path / "schemas" / "rules" / "swimming_lessons.json").write_text(json.dumps(rule))
    catalog = Catalog.load(tmp_path / "schemas")
    records = EligibilityRecords(Agencies("disabled_person_certificate"), catalog, inbox=INBOX, env=Clock().env())
    answered = {rule.id: records.claims(WHO, rule.asked) for rule in records.rules}
    assert {path.stem for path in FILES} | {"swimming_lessons"} == answered.keys()
    assert {"rule": "swimming_lessons", "version": 1, "answer": "Y"} == answered["swimming_lessons"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("nothing", [NotFound("storage.not_found"), TransportError("fetch.unavailable")])
def test_every_rule_consults_all_of_its_branches(path, nothing):
    """Also where the first says nothing, or cannot be reached."""
    rule = CATALOG.rule(path.stem)
    agencies = Agencies(down={rule.branches[0].type_id: nothing})
    _answer(agencies, rule=rule)
    assert [(WHO, branch.type_id) for branch in rule.branches] == agencies.asked


@pytest.mark.parametrize(("second", "answer"), [(-1, "N"), (0, "Y")])
def test_age_comes_at_midnight_in_korea(second, answer):
    """Who was born on 22 November 1961 is 65 when that day begins there, nine hours before it does in Greenwich."""
    clock = Clock(datetime(2026, 11, 21, 15, 0, tzinfo=UTC) + timedelta(seconds=second))
    agencies = Agencies(said={"resident_register_abstract": {"birth_date": "1961-11-22"}})
    assert answer == _answer(agencies, clock=clock)["answer"]


def _issued(kit, yes, format_id):
    record = _answer(Agencies(*yes))
    issued = kit.issuer.issue(KIND, record, subject=WHO, holders=[SigningKey.generate().public], format_id=format_id)
    return issued.credentials[0]


def _sd_jwt_outline(raw):
    """Everything but what is drawn at random, and how long that is."""
    issued, *disclosures, _ = raw.split("~")
    header, payload, signature = (base64url(part) for part in issued.split("."))
    said = json.loads(payload)
    drawn = [len(digest) for digest in said.pop("_sd")]
    said["cnf"]["jwk"] |= {"x": len(said["cnf"]["jwk"]["x"]), "y": len(said["cnf"]["jwk"]["y"])}
    said["status"]["status_list"].pop("idx")
    opened = [json.loads(base64url(each)) for each in disclosures]
    claims = sorted((len(salt), name, len(str(value))) for salt, name, value in opened)
    return header, said, drawn, claims, sorted(map(len, disclosures)), len(signature)


def _mdoc_outline(raw):
    """As above; elements are sorted by name, since the order of digests is random."""
    signed = cbor2.loads(base64url(raw))
    items = [cbor2.loads(item.value) for items in signed["nameSpaces"].values() for item in items]
    claims = sorted((i["elementIdentifier"], len(i["random"]), len(str(i["elementValue"]))) for i in items)
    mso = cbor2.loads(cbor2.loads(signed["issuerAuth"][2]).value)
    digests = [len(digest) for digest in mso["valueDigests"][mso["docType"]].values()]
    return claims, digests, mso["validityInfo"], mso["docType"], sorted(mso), len(signed["issuerAuth"][3])


@pytest.mark.parametrize(
    ("format_id", "outline"), [("dc+sd-jwt", _sd_jwt_outline), ("mso_mdoc", _mdoc_outline)], ids=list(FORMATS)
)
def test_credentials_differ_in_nothing_but_entropy(ewallet_kit, format_id, outline):
    """Whichever branch was true, any or none: the same members, lengths, times and signer."""
    outlines = [outline(_issued(ewallet_kit, yes, format_id)) for yes in PEOPLE.values()]
    assert [outlines[0]] * len(PEOPLE) == outlines


@pytest.mark.parametrize("format_id", list(FORMATS))
def test_answer_is_good_for_a_day_to_the_second(ewallet_kit, format_id):
    """24 hours from when it was given, in both formats."""
    credential = FORMATS[format_id].read(_issued(ewallet_kit, (), format_id))
    assert timedelta(hours=24) == credential.validity.until - ewallet_kit.clock.now()
    ewallet_kit.issue(KIND, claims=_answer(Agencies()), copies=2, format_id=format_id)
    query = ewallet_kit.query(KIND, ["answer"])
    ewallet_kit.clock.advance(timedelta(hours=24, seconds=-1))
    last = ewallet_kit.verify(*ewallet_kit.present(query))
    shown, request = ewallet_kit.present(query)
    ewallet_kit.clock.advance(timedelta(seconds=1))
    assert isinstance(last, Accepted)
    assert {KIND: {"answer": "N"}} == last.claims
    assert "time.expired" == ewallet_kit.verify(shown, request).code


def test_log_says_the_same_of_everybody(ewallet_kit, caplog):
    """At its most talkative, and with an agency that is down."""
    caplog.set_level(logging.DEBUG)
    said = []
    for yes in PEOPLE.values():
        caplog.clear()
        _issued(ewallet_kit, yes, "dc+sd-jwt")
        _answer(Agencies(*yes, down={"national_merit_certificate": FAULTS["unreachable"]}))
        said.append([(record.name, record.levelno, record.getMessage()) for record in caplog.records])
    assert [said[0]] * len(PEOPLE) == said
    assert CANARY not in str(said)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_rule_is_read_and_fits_its_json_schema(path):
    """What editors check is what the reader reads; the catalogue has it under the name of the file."""
    schema = json.loads((CATALOG.folder / "meta" / "rule.schema.json").read_bytes())
    jsonschema_rs.validator_for(schema).validate(json.loads(path.read_bytes()))
    assert path.stem in [rule.id for rule in CATALOG.rules()]


def test_rule_has_a_name_in_both_languages():
    """Pages show it."""
    assert ("공공시설 이용요금 감면", "Discount at public facilities") == (RULE.label(), RULE.label("en"))


BRANCH = {"type": "disabled_person_certificate", "predicate": "is_disabled"}
OTHER = {"type": "resident_register_abstract", "predicate": "age_over_65"}


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown": 1},
        {"legal_basis": None},
        {"legal_basis": " "},
        {"$schema": "https://example.com/rule"},
        {"id": "Rule"},
        {"version": 0},
        {"name": {"ko": "감면"}},
        {"branches": []},
        {"branches": [BRANCH]},
        {"branches": [BRANCH, BRANCH]},
        {"branches": [BRANCH, OTHER | {"of": 1}]},
        {"branches": [BRANCH, OTHER | {"params": {"n": 1.5}}]},
        {"branches": [BRANCH, *(OTHER | {"params": {"n": n}} for n in range(20))]},
    ],
)
def test_a_rule_that_is_none_is_refused(changes):
    """With place and reason, by the reader itself; one branch alone would be named by its yes."""
    file = {name: value for name, value in (FILE | changes).items() if value is not None}
    with pytest.raises(UsageError) as refused:
        eligibility.read(json.dumps(file).encode())
    assert "usage.configuration" == refused.value.code


def test_a_rule_of_another_shape_is_malformed():
    """As everything that is read."""
    with pytest.raises(Malformed) as refused:
        eligibility.read(json.dumps(FILE | {"branches": {}}).encode())
    assert "malformed.claim_type" == refused.value.code


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        ({"type": "no_such_kind", "predicate": "is_disabled"}, "no_such_kind has no question is_disabled"),
        (OTHER | {"predicate": "age_over_66"}, "resident_register_abstract has no question age_over_66"),
        (OTHER | {"params": {"n": 1}}, "age_over_65 is asked with parameters"),
        (
            {"type": "resident_register_copy", "predicate": "minor_children_at_least"},
            "minor_children_at_least is asked without parameters",
        ),
    ],
)
def test_a_rule_that_no_record_answers_is_a_problem_of_its_own(tmp_path, branch, reason):
    """The catalogue says which file and why; other rules are read."""
    (tmp_path / "rules").mkdir()
    for field in ("resident", "welfare"):
        copytree(CATALOG.folder / "types" / field, tmp_path / "types" / field)
    (tmp_path / "rules" / "bad.json").write_text(json.dumps(FILE | {"id": "bad", "branches": [BRANCH, branch]}))
    (tmp_path / "rules" / FILES[0].name).write_bytes(FILES[0].read_bytes())
    catalog = Catalog.load(tmp_path)
    with pytest.raises(UsageError) as refused:
        catalog.rule("bad")
    assert f"usage.configuration: rules/bad.json: {reason}" == str(refused.value)
    assert [FILES[0].stem] == [rule.id for rule in catalog.rules()]
    assert ["rules/bad.json"] == [problem.file for problem in catalog.problems]


def test_there_is_no_rule_of_another_name():
    """An identifier that nobody gave."""
    with pytest.raises(UsageError) as refused:
        CATALOG.rule("no_such_rule")
    assert "usage.argument" == refused.value.code


def test_an_answer_is_never_printed(ewallet_kit):
    """On paper it would be good for whoever has it; nothing is on record of the attempt."""
    with pytest.raises(UsageError) as refused:
        ewallet_kit.issuer.issue_paper(KIND, _answer(Agencies()), subject=WHO, recipient="가상시", purpose="감면")
    assert ("usage.argument", ()) == (refused.value.code, ewallet_kit.issuer.certificates(WHO))
